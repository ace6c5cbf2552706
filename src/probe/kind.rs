//! What a limiter can be.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The canonical classes: limiters that no client can tell apart have one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Continuous refill up to a depth. Also GCRA, a leaky bucket that refuses, one shard, and a sliding log of 1.
    TokenBucket,
    /// So many calls from one edge to the next. Also a step bucket as deep as its step.
    FixedWindow,
    /// So many calls in any window, remembered one by one.
    SlidingLog,
    /// Tokens that come several at once, up to a depth above one step.
    StepBucket,
    /// So many calls in about any window: the counts of two fixed windows, weighted.
    SlidingCounter,
    /// So many calls that are not answered yet.
    Concurrency,
    /// Several buckets that know nothing of each other.
    ShardedBucket,
    /// Nothing was refused.
    None,
    /// No class agrees with the answers.
    Inconclusive,
}

impl Kind {
    /// The spelling of the published contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenBucket => "token-bucket",
            Self::StepBucket => "step-bucket",
            Self::FixedWindow => "fixed-window",
            Self::SlidingLog => "sliding-log",
            Self::SlidingCounter => "sliding-counter",
            Self::Concurrency => "concurrency",
            Self::ShardedBucket => "sharded-bucket",
            Self::None => "none",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::TokenBucket => "token bucket, continuous refill",
            Self::StepBucket => "token bucket, refilled in steps",
            Self::FixedWindow => "fixed window",
            Self::SlidingLog => "sliding log",
            Self::SlidingCounter => "sliding counter",
            Self::Concurrency => "cap on calls in flight",
            Self::ShardedBucket => "several buckets that know nothing of each other",
            Self::None => "none seen",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
