//! The catalogue of limiters: which calls are let through, in exact whole numbers.
//!
//! A file a kind. Each says what its numbers are, decides as a pure function of the instants of the calls, and has a test against its plain
//! definition. A refusal says when the same call would pass, where the limiter can know: the form of governor's `NotUntil`. Emulator,
//! probe and plan speak of no other limiters.
//!
//! A new kind is a file and its line in `catalogue!`. Refuses to read a clock and to say how a refusal is answered.

mod concurrency;
mod fixed_window;
mod growth;
mod keys;
mod limits;
mod sharded_bucket;
mod sliding_counter;
mod sliding_log;
mod step_bucket;
#[cfg(test)]
mod tests;
mod token_bucket;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::concurrency::Concurrency;
pub use self::fixed_window::FixedWindow;
pub use self::growth::Growth;
pub use self::keys::{GROWTH, QUOTA, RENAMED, quota_of};
pub use self::limits::{Limits, Throttle};
pub use self::sharded_bucket::ShardedBucket;
pub use self::sliding_counter::SlidingCounter;
pub use self::sliding_log::SlidingLog;
pub use self::step_bucket::StepBucket;
pub use self::token_bucket::TokenBucket;
use crate::units::serde_us;

/// A call as a limiter sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrives; must not go back, an earlier instant counts as the latest one.
    pub now: Duration,
    /// Until when it is in flight if it is let through.
    pub until: Duration,
    /// Random bits: on which node it lands.
    pub node: u64,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUntil {
    /// The first instant at which the same call would pass if no other came before it; `None` where the limiter cannot know.
    pub at: Option<Duration>,
}

impl NotUntil {
    /// Refused, and nobody knows until when.
    const UNKNOWN: Self = Self { at: None };

    /// Refused until an instant.
    const fn until(at: Duration) -> Self {
        Self { at: Some(at) }
    }
}

/// What a kind is: numbers that say how it begins.
trait LimiterKind: fmt::Display {
    /// What it remembers of the calls so far.
    type State: State;

    /// Its state at time 0, nothing spent.
    fn start(&self) -> Self::State;

    /// Calls per second that it lets through for long; `None` where that is not its measure.
    fn rate_per_s(&self) -> Option<f64>;
}

/// What a limiter remembers, and how it decides.
trait State {
    /// Lets a call through, which then pays, or refuses it. `charged`: whether a refused call costs as well.
    fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil>;
}

/// Builds the types that hold one of every kind. The name of a kind in files is its own in kebab case; `was` is the name of its state
/// in the files of `emulate --state`.
macro_rules! catalogue {
    ($($(#[$doc:meta])* $kind:ident: $state:path, was $was:literal;)*) => {
        /// A limit on the calls of one account, region and operation: which kind, with its numbers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Quota {
            /// No limit.
            None,
            $($(#[$doc])* $kind($kind),)*
        }

        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        enum Held {
            #[serde(rename = "unlimited")]
            Unlimited,
            $(#[serde(rename = $was)] $kind($state),)*
        }

        impl Quota {
            /// Calls per second that it lets through for long; `None` where that is not its measure.
            pub fn rate_per_s(&self) -> Option<f64> {
                match self {
                    Self::None => None,
                    $(Self::$kind(kind) => kind.rate_per_s(),)*
                }
            }

            fn start(&self) -> Held {
                match self {
                    Self::None => Held::Unlimited,
                    $(Self::$kind(kind) => Held::$kind(kind.start()),)*
                }
            }
        }

        impl fmt::Display for Quota {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::None => f.write_str("none"),
                    $(Self::$kind(kind) => kind.fmt(f),)*
                }
            }
        }

        impl State for Held {
            fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil> {
                match self {
                    Self::Unlimited => Ok(()),
                    $(Self::$kind(held) => held.take(arrival, charged),)*
                }
            }
        }
    };
}

catalogue! {
    /// Continuous refill.
    TokenBucket: token_bucket::Bucket, was "bucket";
    /// Refill in steps.
    StepBucket: step_bucket::StepState, was "step";
    /// So many calls from one edge of a grid to the next.
    FixedWindow: fixed_window::CurrentWindow, was "fixed";
    /// So many calls in any window.
    SlidingLog: sliding_log::Log, was "log";
    /// So many calls in about any window.
    SlidingCounter: sliding_counter::Counter, was "counter";
    /// So many calls that are not answered yet.
    Concurrency: concurrency::InFlight, was "flight";
    /// Several buckets that know nothing of each other.
    ShardedBucket: sharded_bucket::Nodes, was "nodes";
}

/// The quota of one account, region and operation, with what is spent of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limiter {
    quota: Quota,
    /// Whether a refused call costs as well.
    charge_rejected: bool,
    #[serde(rename = "latest_us", with = "serde_us")]
    latest: Duration,
    state: Held,
}

impl Limiter {
    /// The limiter of a quota as at time 0, full.
    pub fn new(quota: Quota, charge_rejected: bool) -> Self {
        Self { quota, charge_rejected, latest: Duration::ZERO, state: quota.start() }
    }

    /// Lets a call through, which then pays, or says until when it is refused.
    pub fn take(&mut self, arrival: Arrival) -> Result<(), NotUntil> {
        self.latest = self.latest.max(arrival.now);
        self.state.take(Arrival { now: self.latest, ..arrival }, self.charge_rejected)
    }

    /// Whether it is of the same kind and numbers as `other`: then the state of one can go on as that of the other.
    pub fn fits(&self, other: &Self) -> bool {
        self.quota == other.quota && self.charge_rejected == other.charge_rejected
    }
}

/// Which window of a length an instant lies in, and how far; a length of zero counts as a nanosecond.
fn window_of(now: Duration, length: Duration) -> (u64, u64) {
    let (now, length) = (now.as_nanos(), length.as_nanos().max(1));
    let narrow = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
    (narrow(now / length), narrow(now % length))
}

/// Where a window of a length begins.
fn window_start(index: u64, length: Duration) -> Duration {
    nanos(u128::from(index).saturating_mul(length.as_nanos().max(1)))
}

/// A length of so many nanoseconds; beyond what a [`Duration`] holds it is the longest.
fn nanos(n: u128) -> Duration {
    let (whole, part) = (n / 1_000_000_000, n % 1_000_000_000);
    u64::try_from(whole).map_or(Duration::MAX, |s| Duration::new(s, u32::try_from(part).unwrap_or(0)))
}

/// So many calls a window, as a rate.
fn per_second(calls: u32, window: Duration) -> f64 {
    f64::from(calls) / window.as_secs_f64()
}
