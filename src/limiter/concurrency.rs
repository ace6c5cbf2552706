//! `concurrency`: so many calls in flight.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Arrival, LimiterKind, NotUntil, State};
use crate::units::serde_us_list;

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

    fn start(&self) -> InFlight {
        InFlight { limit: self.limit, ends: VecDeque::new() }
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
    /// When the calls in flight are answered, in order.
    #[serde(rename = "ends_us", with = "serde_us_list")]
    ends: VecDeque<Duration>,
}

impl State for InFlight {
    /// A refused call holds its place until it is answered, if it is charged.
    fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil> {
        let Arrival { now, until, .. } = arrival;
        while self.ends.pop_front_if(|end| *end <= now).is_some() {}
        let free = self.ends.len() < usize::try_from(self.limit).unwrap_or(usize::MAX);
        if (free || charged) && until > now {
            let place = self.ends.partition_point(|end| *end <= until);
            self.ends.insert(place, until);
        }
        if free { Ok(()) } else { Err(NotUntil::UNKNOWN) }
    }
}
