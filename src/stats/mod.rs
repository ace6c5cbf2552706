//! Plain maths on numbers and slices.
//!
//! Refuses to know where a number comes from.

pub mod draw;
