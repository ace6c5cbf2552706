//! Plain maths on numbers and slices.
//!
//! Refuses to know where a number comes from.

pub mod batch;
pub mod divisive;
pub mod draw;
pub mod drift;
pub mod holm;
pub mod interval;
pub mod student;
