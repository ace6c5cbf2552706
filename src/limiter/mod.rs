//! The catalogue of limiters: which calls are let through, in exact whole numbers.
//!
//! A file a kind. Each says what its numbers are and by which keys they are given, decides as a pure function of the instants of the
//! calls, and has a test against its plain definition. A refusal says when the same call would pass, where the limiter can know: the form
//! of governor's `NotUntil`. Emulator, probe and plan speak of no other limiters.
//!
//! A new kind is a file and its line in `catalogue!`. Refuses to read a clock and to say how a refusal is answered.

#[macro_use]
mod catalogue;
mod amount;
mod answers;
mod ban;
mod concurrency;
mod delay;
mod disk;
mod fixed_window;
mod grid;
mod growth;
mod keys;
mod limits;
mod plain;
mod sharded_bucket;
mod sliding_counter;
mod sliding_log;
mod stacked;
mod step_bucket;
pub(crate) mod suspect;
#[cfg(test)]
mod tests;
mod token_bucket;
mod weights;
mod window_anchor;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::amount::{RefusalCost, TokenAmount};
pub use self::ban::Ban;
pub use self::concurrency::Concurrency;
pub use self::delay::Delay;
pub use self::fixed_window::FixedWindow;
pub use self::growth::{GROWTH, Growth};
pub use self::keys::Unfit;
pub use self::limits::{Limits, Throttle};
pub use self::plain::PlainQuota;
pub use self::sharded_bucket::{ShardedBucket, Spread};
pub use self::sliding_counter::SlidingCounter;
pub use self::sliding_log::SlidingLog;
pub use self::stacked::{RefusedPays, Stacked};
pub use self::step_bucket::StepBucket;
use self::suspect::Suspect;
pub use self::token_bucket::TokenBucket;
pub use self::window_anchor::WindowAnchor;
use crate::key::{Amounts, TableKeys, Variant};

/// A call as a limiter sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrives; must not go back, an earlier instant counts as the latest one.
    pub now: Duration,
    /// Until when it is in flight if it is let through at once.
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

/// What becomes of a call: let through, after it has waited so long, or refused.
pub type Passing = Result<Duration, NotUntil>;

/// What a call pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Toll {
    /// It is let through and pays in full.
    Passed,
    /// It is refused and pays its part.
    Refused(RefusalCost),
}

impl Toll {
    /// Whether the call is let through.
    const fn passed(self) -> bool {
        matches!(self, Self::Passed)
    }

    /// In thousandths of a call.
    const fn milli(self) -> u16 {
        match self {
            Self::Passed => RefusalCost::FULL.milli(),
            Self::Refused(cost) => cost.milli(),
        }
    }
}

/// What a kind is: numbers that say how it begins, and the keys that give them.
trait LimiterKind: fmt::Display + Sized {
    /// What it remembers of the calls so far.
    type State: State;

    /// Its name and its keys.
    const KEYS: &'static Variant;

    /// Its name for people.
    const WORDS: &'static str;

    /// What tells it from its neighbours.
    const TOLD_BY: &'static str;

    /// How it may show itself to a probe, the plainest first.
    const SUSPECTS: &'static [&'static dyn Suspect];

    /// The kind of its numbers, or why they make none.
    fn build(given: &Amounts) -> Result<Self, Unfit>;

    /// Its state at time 0.
    fn start(&self) -> Self::State;

    /// Calls per second that it lets through for long; `None` where that is not its measure.
    fn rate_per_s(&self) -> Option<f64>;
}

/// What a limiter remembers, and how it decides. A call is asked for in three steps, so that several limits can agree on it: time goes on,
/// each decides, each is paid.
trait State {
    /// Lets time go on to `now`, which is never before the latest one: in one step or in several, it comes to the same.
    fn advance(&mut self, now: Duration);

    /// What becomes of a call at the latest instant; nothing changes.
    fn decide(&self, arrival: &Arrival) -> Passing;

    /// Takes what the call pays at the latest instant.
    fn pay(&mut self, arrival: &Arrival, toll: Toll);
}

/// No limit.
const NONE: Variant = Variant { name: "none", help: "No limit.", keys: &[] };

catalogue! {
    classes! { Kind }
    /// Several limits at once.
    Stacked in stacked, state Pair, was "stacked";
    /// Refused calls shut it for a while.
    Ban in ban, state Watched, was "ban";
}

catalogue! {
    kinds! {
        /// A limit on the calls of one account, region and operation: which kind, with its numbers.
        Quota holding Held or [None, NONE]
    }
    /// Two limits at once.
    Stacked in stacked, state Pair, was "stacked";
    /// A limit whose refusals shut it for a while.
    Ban in ban, state Watched, was "ban";
}

catalogue! { conversions! { Quota of PlainQuota } }

/// What stands for the families that a probe can put to the test.
pub(crate) mod tested {
    pub(crate) use super::fixed_window::{ANCHORED, GRID};
    pub(crate) use super::sliding_counter::{COUNTER, FLOORED_COUNTER};
    pub(crate) use super::sliding_log::{CELLS_LOG, CHARGED_LOG, LOG};
    pub(crate) use super::step_bucket::STEPS;
    pub(crate) use super::token_bucket::{BUCKET, LEVEL_BUCKET};
}

/// The keys of a quota.
pub static QUOTA: TableKeys = TableKeys {
    tag: "kind",
    variants: Quota::KINDS,
    ..TableKeys::new("quota", "A limit on calls per second, of one operation in one account and region.", &[])
};

/// Names of earlier versions, and what the kind is called now.
pub const RENAMED: [(&str, &str); 2] = [("step-refill", "step-bucket"), ("sharded", "sharded-bucket")];

/// The quota of one account, region and operation, with what is spent of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limiter {
    quota: Quota,
    /// What a refused call costs.
    #[serde(rename = "charge_rejected")]
    refusal_cost: RefusalCost,
    #[serde(rename = "latest_us", with = "disk")]
    latest: Duration,
    state: Held,
}

impl Limiter {
    /// The limiter of a quota as at time 0. A refused call costs `refusal`: all or nothing, or a part of what a call costs.
    pub fn new(quota: Quota, refusal: impl Into<RefusalCost>) -> Self {
        Self { quota, refusal_cost: refusal.into(), latest: Duration::ZERO, state: quota.start() }
    }

    /// Lets a call through, which then pays, and says how long it has to wait; or says until when it is refused.
    ///
    /// # Errors
    /// A refusal. It has been charged for already when it says until when.
    pub fn take(&mut self, arrival: Arrival) -> Passing {
        self.latest = self.latest.max(arrival.now);
        let arrival = Arrival { now: self.latest, ..arrival };
        self.state.advance(arrival.now);
        if let Ok(wait) = self.state.decide(&arrival) {
            self.state.pay(&Arrival { until: arrival.until.saturating_add(wait), ..arrival }, Toll::Passed);
            return Ok(wait);
        }
        self.state.pay(&arrival, Toll::Refused(self.refusal_cost));
        // Where calls take turns the next one may find room where this one found none.
        Err(self.state.decide(&arrival).err().unwrap_or(NotUntil::until(arrival.now)))
    }

    /// Whether it is of the same kind and numbers as `other`: then the state of one can go on as that of the other.
    pub fn fits(&self, other: &Self) -> bool {
        self.quota == other.quota && self.refusal_cost == other.refusal_cost
    }
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
