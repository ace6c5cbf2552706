//! Which limiter, with its numbers: what a scenario, the emulator, a probe and a plan call a quota's limiter.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Rate, human, serde_us};

/// A limit on the calls of one account, region and operation. Each is a pure function of the instants of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Quota {
    /// No limit.
    None,
    /// Continuous refill at `rate`, at most `burst` tokens, full at the start.
    TokenBucket {
        /// Tokens per second, above 0.
        rate: Rate,
        /// Depth, at least 1.
        burst: u32,
    },
    /// `tokens` come at once at every whole multiple of `every`; at most `burst`, full at the start.
    StepBucket {
        /// Tokens of a refill, at least 1.
        tokens: u32,
        /// Between two refills.
        #[serde(rename = "every_us", with = "serde_us")]
        every: Duration,
        /// Depth, at least 1.
        burst: u32,
    },
    /// `limit` calls in `[k * window, (k + 1) * window)`.
    FixedWindow {
        /// Calls of a window, at least 1.
        limit: u32,
        /// Its length.
        #[serde(rename = "window_us", with = "serde_us")]
        window: Duration,
    },
    /// `limit` calls in every half-open interval of `window`, whenever it begins.
    SlidingLog {
        /// Calls of a window, at least 1.
        limit: u32,
        /// Its length.
        #[serde(rename = "window_us", with = "serde_us")]
        window: Duration,
    },
    /// The calls of the current fixed window, and those of the one before by the part of it that the sliding window still
    /// covers, are at most `limit`.
    SlidingCounter {
        /// Calls of a window, at least 1.
        limit: u32,
        /// Its length.
        #[serde(rename = "window_us", with = "serde_us")]
        window: Duration,
    },
    /// `limit` calls that are not answered yet.
    Concurrency {
        /// Calls in flight, at least 1.
        limit: u32,
    },
    /// `nodes` token buckets that know nothing of each other and share `rate` and `burst` evenly; every call lands on one of
    /// them by chance: enforcement that is only right on average. A node's depth is at least one token.
    ShardedBucket {
        /// How many, 1 to 1000.
        nodes: u32,
        /// Tokens per second of all together, above 0.
        rate: Rate,
        /// Depth of all together, at least 1.
        burst: u32,
    },
}

impl Quota {
    /// Calls per second that it lets through for long; `None` where that is not its measure.
    pub fn rate_per_s(&self) -> Option<f64> {
        let per = |calls: u32, window: Duration| f64::from(calls) / window.as_secs_f64();
        match *self {
            Self::None | Self::Concurrency { .. } => None,
            Self::TokenBucket { rate, .. } | Self::ShardedBucket { rate, .. } => Some(rate.as_f64()),
            Self::StepBucket { tokens, every, .. } => Some(per(tokens, every)),
            Self::FixedWindow { limit, window } | Self::SlidingLog { limit, window } | Self::SlidingCounter { limit, window } => {
                Some(per(limit, window))
            }
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::TokenBucket { rate, burst } => write!(f, "{rate} burst {burst}"),
            Self::StepBucket { tokens, every, burst } => write!(f, "{tokens} every {} burst {burst}", human(*every)),
            Self::FixedWindow { limit, window } => write!(f, "{limit} in each window of {}", human(*window)),
            Self::SlidingLog { limit, window } => write!(f, "{limit} in any {}", human(*window)),
            Self::SlidingCounter { limit, window } => write!(f, "{limit} in about any {}", human(*window)),
            Self::Concurrency { limit } => write!(f, "{limit} in flight"),
            Self::ShardedBucket { nodes, rate, burst } => write!(f, "{rate} burst {burst} over {nodes} nodes"),
        }
    }
}
