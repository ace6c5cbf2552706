//! Plain maths on numbers and slices.
//!
//! What a limiter refuses of random arrivals is here, a file a model: [`bucket`], [`window`], [`step`], [`erlang`], [`dispersion`],
//! [`flash`], [`retry`], [`waiting`]. Refuses to know where a number comes from.

pub mod batch;
pub mod boxes;
pub mod bucket;
pub mod covariance;
pub mod dispersion;
pub mod divisive;
pub mod draw;
pub mod drift;
pub mod erlang;
pub mod flash;
pub mod holm;
pub mod interval;
pub mod keyed;
pub mod poisson;
pub mod rank;
pub mod retry;
pub mod root;
pub mod runs;
pub mod step;
pub mod student;
pub mod waiting;
pub mod window;
