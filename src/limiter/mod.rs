//! Limits: which calls are let through, in exact whole numbers.
//!
//! Every kind is a pure function of the instants of the calls, and has a test against its plain definition. `bucket` has the
//! buckets, `window` what counts in windows, `flight` what counts calls in flight, `growth` what follows the load.
//! Refuses to read a clock and to say how a refusal is answered.

mod bucket;
mod flight;
mod growth;
mod quota;
#[cfg(test)]
mod tests;
mod window;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::bucket::{Bucket, Nodes, StepBucket};
use self::flight::Flight;
pub use self::growth::Growth;
use self::growth::{Ramp, Scaling};
pub use self::quota::Quota;
use self::window::{FixedWindow, SlidingCounter, SlidingLog};
use crate::units::serde_us;

/// A call as the limits see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// When it arrives; must not go back, an earlier instant counts as the latest one.
    pub now: Duration,
    /// Until when it is in flight if it is let through.
    pub until: Duration,
    /// Random bits: on which node it lands.
    pub node: u64,
}

/// The quota of one account, region and operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limiter {
    quota: Quota,
    /// Whether a refused call costs as well.
    charge_rejected: bool,
    #[serde(rename = "latest_us", with = "serde_us")]
    latest: Duration,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Unlimited,
    Bucket(Bucket),
    Step(StepBucket),
    Nodes(Nodes),
    Fixed(FixedWindow),
    Log(SlidingLog),
    Counter(SlidingCounter),
    Flight(Flight),
}

impl Limiter {
    /// The limiter of a quota as at time 0, full.
    pub fn new(quota: Quota, charge_rejected: bool) -> Self {
        let state = match quota {
            Quota::None => State::Unlimited,
            Quota::TokenBucket { rate, burst } => State::Bucket(Bucket::new(rate, burst)),
            Quota::StepBucket { tokens, every, burst } => State::Step(StepBucket::new(tokens, every, burst)),
            Quota::FixedWindow { limit, window } => State::Fixed(FixedWindow::new(limit, window)),
            Quota::SlidingLog { limit, window } => State::Log(SlidingLog::new(limit, window)),
            Quota::SlidingCounter { limit, window } => State::Counter(SlidingCounter::new(limit, window)),
            Quota::Concurrency { limit } => State::Flight(Flight::new(limit)),
            Quota::ShardedBucket { nodes, rate, burst } => State::Nodes(Nodes::new(nodes, rate, burst)),
        };
        Self { quota, charge_rejected, latest: Duration::ZERO, state }
    }

    /// Whether a call is let through, and pays if it is.
    pub fn take(&mut self, lot: Lot) -> bool {
        self.latest = self.latest.max(lot.now);
        let (now, charge) = (self.latest, self.charge_rejected);
        match &mut self.state {
            State::Unlimited => true,
            State::Bucket(bucket) => bucket.take(now, charge),
            State::Step(bucket) => bucket.take(now),
            State::Nodes(nodes) => nodes.take(now, lot.node, charge),
            State::Fixed(window) => window.take(now),
            State::Log(log) => log.take(now, charge),
            State::Counter(counter) => counter.take(now, charge),
            State::Flight(flight) => flight.take(now, lot.until, charge),
        }
    }

    /// Whether it is of the same kind and numbers as `other`: then the state of one can go on as that of the other.
    pub fn fits(&self, other: &Self) -> bool {
        self.quota == other.quota && self.charge_rejected == other.charge_rejected
    }
}

/// Which limit refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    /// The quota.
    Quota,
    /// The rate rose too fast.
    Ramp,
    /// The service is scaling.
    Scaling,
}

/// All limits of one account, region and operation: a call must pass scaling, ramp and quota, in this order. What it spent at
/// the first is not given back when a later one refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    scaling: Option<Scaling>,
    ramp: Option<Ramp>,
    quota: Limiter,
}

impl Limits {
    /// As at time 0, nothing spent.
    pub fn new(quota: Limiter, ramp: Option<Growth>, scaling: Option<Growth>) -> Self {
        Self { scaling: scaling.map(Scaling::new), ramp: ramp.map(Ramp::new), quota }
    }

    /// Lets a call through, or says what refuses it.
    pub fn take(&mut self, lot: Lot) -> Result<(), Throttle> {
        if self.scaling.as_mut().is_some_and(|scaling| !scaling.take(lot.now)) {
            return Err(Throttle::Scaling);
        }
        if self.ramp.as_mut().is_some_and(|ramp| !ramp.take(lot.now)) {
            return Err(Throttle::Ramp);
        }
        if self.quota.take(lot) { Ok(()) } else { Err(Throttle::Quota) }
    }

    /// Puts another quota in the place of this one.
    pub fn set_quota(&mut self, quota: Limiter) {
        self.quota = quota;
    }

    /// Takes over what `saved` has of the same kind and numbers; the rest stays as it is.
    pub fn resume(&mut self, saved: Self) {
        if self.quota.fits(&saved.quota) {
            self.quota = saved.quota;
        }
        if let (Some(own), Some(saved)) = (&mut self.ramp, saved.ramp)
            && own.fits(&saved)
        {
            *own = saved;
        }
        if let (Some(own), Some(saved)) = (&mut self.scaling, saved.scaling)
            && own.fits(&saved)
        {
            *own = saved;
        }
    }
}

/// Which window of a length an instant lies in, and how far; a length of zero counts as a nanosecond.
fn window_of(now: Duration, length: Duration) -> (u64, u64) {
    let (now, length) = (now.as_nanos(), length.as_nanos().max(1));
    let narrow = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
    (narrow(now / length), narrow(now % length))
}
