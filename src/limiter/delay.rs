//! `delay`: calls that come too fast wait, and are refused when too many wait already. nginx's `limit_req` without `nodelay`, and a leaky
//! bucket as a queue.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::amount::TokenAmount;
use super::keys::{COUNT, Unfit, needed, rate};
use super::suspect::Suspect;
use super::token_bucket::Bucket;
use super::{Arrival, LimiterKind, Passing, State, Toll};
use crate::key::{Amounts, TableKey, ValueForm, Variant};
use crate::units::Rate;

/// Calls go on `1 / rate` apart at least; one that comes sooner waits for its time, and is refused if that is more than `queue / rate` away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Calls per second that go on, above 0.
    pub rate: Rate,
    /// Calls that may wait, at least 1.
    pub queue: u32,
}

impl LimiterKind for Delay {
    type State = WaitingCalls;

    const KEYS: &'static Variant = &Variant {
        name: "delay",
        help: "Calls go on at `rate` at most: one that comes too soon waits, and is answered so much later; it is refused when `queue` calls \
               wait already.",
        keys: &[
            rate("Calls per second that go on."),
            TableKey::required(
                "queue",
                ValueForm::Integer(COUNT),
                "`queue`, the calls that may wait: queue = 10",
                "Calls that may wait at once.",
            )
            .like("10"),
        ],
    };

    const WORDS: &'static str = "queue in which calls wait";

    const TOLD_BY: &'static str = "waves of calls, whose answers then come one by one";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        Ok(Self { rate: needed(given.rate("rate"))?, queue: needed(given.count("queue"))? })
    }

    /// A bucket of one call more than may wait: what is spent of it is what waits.
    fn start(&self) -> WaitingCalls {
        WaitingCalls(Bucket::shared(self.rate, TokenAmount::whole(self.queue.saturating_add(1)), 1))
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(self.rate.as_f64())
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} may wait", self.rate, self.queue)
    }
}

/// The calls that wait, as what is missing in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaitingCalls(Bucket);

impl State for WaitingCalls {
    fn advance(&mut self, now: Duration) {
        self.0.advance(now);
    }

    fn decide(&self, arrival: &Arrival) -> Passing {
        self.0.decide(arrival)?;
        Ok(self.0.until_full().unwrap_or(Duration::MAX))
    }

    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        self.0.pay(arrival, toll);
    }
}
