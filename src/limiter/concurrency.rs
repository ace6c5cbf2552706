//! `concurrency`: so many calls in flight.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keys::{Unfit, limit, needed};
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
