//! `concurrency`: so many calls in flight.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::keys::{Unfit, limit, needed};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
use super::weights::{CALL, CallWeights};
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll};
use crate::key::{Amounts, Variant};

/// `limit` calls that are not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// Calls in flight, at least 1.
    pub limit: u32,
}

impl Concurrency {
    /// A cap of `limit` calls in flight.
    pub const fn of(limit: u32) -> Self {
        Self { limit }
    }
}

impl LimiterKind for Concurrency {
    type State = InFlight;

    const KEYS: &'static Variant =
        &Variant { name: "concurrency", help: "`limit` calls that are not answered yet.", keys: &[limit("Calls in flight.")] };

    const WORDS: &'static str = "cap on calls in flight";

    const TOLD_BY: &'static str = "waves of calls beside calls alone";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&FLIGHT];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        Ok(Self { limit: needed(given.count("limit"))? })
    }

    fn start(&self) -> InFlight {
        InFlight { limit: self.limit, ends: CallWeights::default() }
    }

    fn rate_per_s(&self) -> Option<f64> {
        None
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in flight", self.limit)
    }
}

/// The calls in flight.
///
/// When a call is answered is known here when it arrives, so this is a function of the instants of the calls as the others are. A real
/// cap does not know it, and so a refusal names no instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InFlight {
    limit: u32,
    /// When the calls in flight are answered.
    #[serde(rename = "ends_us")]
    ends: CallWeights,
}

impl State for InFlight {
    fn advance(&mut self, now: Duration) {
        self.ends.forget(now);
    }

    fn decide(&self, _: &Arrival) -> Passing {
        if self.ends.sum() + CALL <= u64::from(self.limit) * CALL { Ok(Duration::ZERO) } else { Err(NotUntil::UNKNOWN) }
    }

    /// A refused call holds its part of a place until it is answered.
    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        if arrival.until > arrival.now {
            self.ends.add(arrival.until, toll);
        }
    }
}

// How it shows itself to a probe: a cap on calls in flight.

/// A place that has been free for so many times the longest answer is free, whatever the jitter.
const FREE: f64 = 5.0; // derived: jitter is at most half of a round trip, and ten of its widths are surely over

/// Numbers: the cap, and for which part of the way back a call is still in flight.
pub(super) struct FlightSuspect;

/// The one suspect of its kind.
pub(super) static FLIGHT: FlightSuspect = FlightSuspect;

impl Suspect for FlightSuspect {
    fn kind(&self) -> Kind {
        Kind::Concurrency
    }

    fn name(&self) -> &'static str {
        "cap on calls in flight"
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        vec![facts.depths(), Range::even(0.0, 1.0)]
    }

    fn start(&self, _n: &LimiterNumbers, _s: &mut Remembered) {}

    /// It passes as soon as the last but so many of those before it have left.
    fn margin(&self, n: &LimiterNumbers, _s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        let places = crate::num::place(n[0]);
        let calm = now.past.longest() * FREE;
        let calls = now.past.since(now.t - calm - now.past.longest());
        if calls.len() < places {
            return FAR;
        }
        let ends = calls.map(|(from, to)| from + n[1] * (to - from));
        let mut ends: Vec<f64> = ends.filter(|end| *end > now.t - calm).collect();
        if ends.len() < places {
            return FAR;
        }
        let at = ends.len() - places;
        now.t - *ends.select_nth_unstable_by(at, f64::total_cmp).1
    }

    fn passed(&self, _n: &LimiterNumbers, _s: &mut Remembered, _now: &CallMoment<'_>) {}

    fn refused(&self, _n: &LimiterNumbers, _s: &mut Remembered, _now: &CallMoment<'_>) {}

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        Traits { burst: Some(n[0]), ..Traits::default() }
    }
}
