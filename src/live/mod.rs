//! A run as one watches it: on the terminal, a line a second, or scraped by Prometheus.
//!
//! Pure in the middle: [`State`] takes what the journal tells ([`SoFar`](crate::results::SoFar)) and keys; [`draw::draw`],
//! [`line`](line::line) and [`metrics::text`] show it. The edge is a thread of its own ([`Display`]), of low priority, which the load
//! never waits for. Refuses to count for itself, and to read a clock: what it shows is what the files will say.

mod display;
mod draw;
pub mod line;
pub mod metrics;
mod serve;
mod state;
mod window;

pub use display::{Display, Form, restore};
pub use draw::draw;
pub use serve::{Metrics, MetricsError};
pub use state::{Ask, Key, Plan, State};
pub use window::{Spread, Window};

#[cfg(test)]
mod tests;
