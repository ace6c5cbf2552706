//! How long answers take, and when nothing is answered.

use std::fmt;
use std::time::Duration;

use crate::units::{Share, human};

/// How long an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyModel {
    /// No added time.
    None,
    /// Always the same.
    Fixed(Duration),
    /// Anything between two times, evenly (`from <= to`).
    Uniform {
        /// The least.
        from: Duration,
        /// The most.
        to: Duration,
    },
    /// Log-normal, by its median and 99th percentile (`p99 >= median`).
    LogNormal {
        /// Half of the answers are faster.
        median: Duration,
        /// One in a hundred is slower.
        p99: Duration,
    },
}

/// Some answers take longer than the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spikes {
    /// Share of the calls.
    pub share: Share,
    /// What their answers take besides.
    pub extra: Duration,
}

/// A time in which nothing is answered; what was asked waits until its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the start of the run.
    pub at: Duration,
    /// How long.
    pub length: Duration,
}

impl fmt::Display for LatencyModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Fixed(fixed) => f.write_str(&human(*fixed)),
            Self::Uniform { from, to } => write!(f, "{} to {}", human(*from), human(*to)),
            Self::LogNormal { median, p99 } => write!(f, "median {} p99 {}", human(*median), human(*p99)),
        }
    }
}
