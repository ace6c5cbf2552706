//! A run or a probe as one watches it: on the terminal, a line a second, or scraped by Prometheus.
//!
//! Pure in the middle: a [`Scene`] takes what it is told and keys, and draws itself. [`RunView`] is that of a run, told by the journal
//! ([`RunSoFar`](crate::results::RunSoFar)); [`Probing`] is that of a probe, told of its experiments. The edge is a thread of its own
//! ([`Display`]), of low priority, which the load never waits for. Refuses to count for itself, and to read a clock: what it shows is what
//! the files will say.

mod display;
mod draw;
mod judgement;
pub mod line;
pub mod metrics;
mod parts;
mod probing;
mod run;
mod scene;
mod serve;
mod state;
mod stderr;
mod tty;
mod window;

pub use display::{Display, Form};
pub use probing::{Experiment, ProbeSetting, Probing};
pub use scene::{Scene, ViewKey, ViewRequest};
pub use serve::{Metrics, MetricsError};
pub use state::{RunSetting, RunView};
pub use stderr::{PatientStderr, say};
pub use tty::restore;
pub use window::{TimeSpread, ViewWindow};

#[cfg(test)]
mod tests;
