//! `delay`: calls that come too fast wait, and are refused when too many wait already. nginx's `limit_req` without `nodelay`, and a leaky
//! bucket as a queue.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::amount::TokenAmount;
use super::keys::{COUNT, Unfit, needed, rate};
use super::suspect::{CallMoment, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
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
        help: "Calls pass at up to `rate`: an earlier one waits its turn and is answered that much later; it is refused if `queue` calls \
               are waiting already.",
        keys: &[
            rate("Calls per second that pass."),
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

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&DelaySuspect];

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

// How it shows itself to a probe: a queue: calls wait their turn, and are refused when it is full.

/// Numbers: rate, calls that may wait.
struct DelaySuspect;

impl Suspect for DelaySuspect {
    fn kind(&self) -> Kind {
        Kind::Delay
    }

    fn name(&self) -> &'static str {
        "queue in which calls wait"
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        vec![facts.rates(), Range::whole(1.0, facts.burst + 1.0)] // derived: a place more than was let through before the first refusal
    }

    fn start(&self, _n: &LimiterNumbers, _s: &mut Remembered) {}

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        // A place for the last one that waits, up to rounding.
        (n[1] + 0.01) / n[0] - (s[0] - now.t).max(0.0) // derived: a hundredth of a turn, so that a whole queue is not decided by rounding
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        s[2] += f64::from(s[0] > now.t + now.jitter);
        s[0] = s[0].max(now.t) + 1.0 / n[0];
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        s[1] += f64::from((s[0] - now.t).max(0.0) >= n[1] / n[0]);
    }

    /// It has to have refused a call, and made others wait.
    fn acted(&self, s: &Remembered) -> bool {
        s[1] > 0.0 && s[2] > 0.0
    }

    fn wait(&self, _n: &LimiterNumbers, s: &Remembered, now: &CallMoment<'_>) -> f64 {
        (s[0] - now.t).max(0.0)
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        let places = (n[1] + 0.01).floor() + 1.0; // derived: the one that is served, and those that wait
        Traits { rate: Some(n[0]), burst: Some(places), delay_s: Some(n[1] / n[0]), ..Traits::default() }
    }
}
