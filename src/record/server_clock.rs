//! The server's clock, as the `Date` header of ordinary answers shows it.
//!
//! A date is a whole second, so one answer says little: when it was written, between the instants at which the call was sent and its answer was
//! complete, the server's clock stood within that second. Every answer so bounds what the server's clock showed at the run's time 0, and what
//! all of them allow is an interval some tens of milliseconds wide. Refuses to read a clock and to make an extra call.

use serde::{Deserialize, Serialize};

use super::sample::Sample;
use crate::units::floor_us;

/// Answers are looked at for so long.
// derived: quartz runs 50 millionths fast or slow (Linux's clocks are slewed by up to 500): in 600 s that is 30 ms, below what an answer can tell
const LOOKED_AT_US: u64 = 600_000_000;

/// A second, in the unit of the samples.
const SECOND_US: i64 = 1_000_000;

/// What the server's clock showed at the run's time 0, in microseconds since 1970 UTC: an interval that holds whatever the network did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerClock {
    /// It showed this at least.
    pub low_epoch_us: i64,
    /// It showed less than this. Below the other where the answers contradict each other: several hosts whose clocks differ, or a clock that was
    /// set.
    pub high_epoch_us: i64,
    /// Answers with a date that were looked at.
    pub answers: u64,
}

impl ServerClock {
    /// What one answer says; `None` without a date, or too late in the run.
    fn of(sample: &Sample) -> Option<Self> {
        let date_us = i64::from(sample.answer.server_second?) * SECOND_US;
        let (sent_us, done_us) = (floor_us(sample.sent?), floor_us(sample.done?));
        let (sent, done) = (i64::try_from(sent_us).ok()?, i64::try_from(done_us).ok()?);
        let high_epoch_us = date_us + SECOND_US - sent;
        (done_us < LOOKED_AT_US).then_some(Self { low_epoch_us: date_us - done, high_epoch_us, answers: 1 })
    }

    /// What both allow.
    fn and(self, other: Self) -> Self {
        Self {
            low_epoch_us: self.low_epoch_us.max(other.low_epoch_us),
            high_epoch_us: self.high_epoch_us.min(other.high_epoch_us),
            answers: self.answers + other.answers,
        }
    }

    /// Takes in an answer.
    pub fn observe(known: &mut Option<Self>, sample: &Sample) {
        if let Some(seen) = Self::of(sample) {
            *known = Some(known.map_or(seen, |known| known.and(seen)));
        }
    }

    /// Whether the answers agree with each other.
    pub const fn is_consistent(&self) -> bool {
        self.low_epoch_us <= self.high_epoch_us
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::client::outcome::Outcome;
    use crate::record::sample::testing::sample;

    /// An answer to a call, by a server whose clock showed `start_us` at the run's time 0.
    fn answered(start_us: i64, due_ms: u64, service_ms: u64, written: f64) -> Sample {
        let mut sample = sample(0, Outcome::Ok, due_ms, 0, service_ms);
        let at = sample.sent.unwrap() + Duration::from_millis(service_ms).mul_f64(written);
        let shown = start_us + i64::try_from(at.as_micros()).unwrap();
        sample.answer.server_second = u32::try_from(shown / SECOND_US).ok();
        sample
    }

    proptest! {
        /// Whatever the network does, the interval holds what the server's clock showed.
        #[test]
        fn the_truth_is_inside(
            start_us in 1_700_000_000_000_000i64..1_700_000_010_000_000,
            calls in prop::collection::vec((0u64..60_000, 0u64..900, 0.0f64..=1.0), 1..200),
        ) {
            let mut known = None;
            for (due_ms, service_ms, written) in calls {
                ServerClock::observe(&mut known, &answered(start_us, due_ms, service_ms, written));
            }
            let known = known.unwrap();
            prop_assert!(known.low_epoch_us <= start_us && start_us < known.high_epoch_us, "{known:?} {start_us}");
        }
    }

    /// Calls at every phase of a second leave as much as their round trip; clocks that differ contradict each other; what has no date or comes
    /// after ten minutes says nothing.
    #[test]
    fn answers_narrow_it() {
        let (mut known, start_us) = (None, 1_700_000_000_300_000);
        for n in 0..250 {
            ServerClock::observe(&mut known, &answered(start_us, n * 41, 50, 0.5));
        }
        let seen = known.unwrap();
        assert!(seen.is_consistent() && seen.high_epoch_us - seen.low_epoch_us < 60_000, "{seen:?}");
        ServerClock::observe(&mut known, &sample(0, Outcome::Ok, 0, 0, 1));
        ServerClock::observe(&mut known, &answered(start_us + 9_000_000, 601_000, 1, 0.5));
        assert_eq!(known, Some(seen));
        for n in 0..250 {
            ServerClock::observe(&mut known, &answered(start_us + 200_000, n * 41, 50, 0.5));
        }
        assert!(!known.unwrap().is_consistent());
    }
}
