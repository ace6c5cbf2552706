//! When calls are due: a pure, closed-form sequence.
//!
//! The k-th call, k = 0, 1, ..., is due where the area under the rate curve reaches k (even arrivals), or where it reaches the sum of
//! k + 1 exponential gaps (Poisson arrivals: a unit-rate process seen through the curve, which is exactly the non-homogeneous one;
//! Çinlar 1975, "inversion"). A burst is exactly its calls either way. All of it is whole-number arithmetic in 128 bits, so nothing drifts, however long the run.
//!
//! Refuses to sleep, to read a clock and to know what is sent.

mod curve;

use std::time::Duration;

use thiserror::Error;

use crate::stats::draw::{self, Stream};
use crate::units::Rate;
use curve::{Curve, UNITS_PER_CALL};

/// The longest schedule: a week.
pub const MAX_LENGTH: Duration = Duration::from_secs(7 * 24 * 3600);

/// The most calls of a schedule. Together with [`MAX_LENGTH`] it keeps every product below 2^128.
pub const MAX_CALLS: u64 = 100_000_000;

/// One straight piece of the rate curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The rate goes in a straight line from `from` to `to`; equal ends are a constant rate.
    Line {
        /// How long, above 0.
        length: Duration,
        /// Rate at its start.
        from: Rate,
        /// Rate at its end.
        to: Rate,
    },
    /// This many calls at one instant.
    Burst {
        /// How many, at least 1.
        calls: u32,
    },
}

/// How arrivals lie around the rate curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// The k-th call where the area reaches k.
    Even,
    /// The k-th call where the area reaches the sum of k + 1 exponential gaps.
    Poisson,
}

/// Why stages make no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Longer than [`MAX_LENGTH`].
    #[error("the stages last longer than a week")]
    TooLong,
    /// More calls than [`MAX_CALLS`].
    #[error("the stages schedule more than {MAX_CALLS} calls")]
    TooManyCalls,
    /// No call at all: of Poisson arrivals it depends on the seed.
    #[error("the stages schedule no call with this seed; lengthen them, raise the rate, or choose another seed")]
    Empty,
}

/// A finite sequence of due times in `[0, length)`; a burst as the last stage is due at `length` itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    curve: Curve,
    arrivals: Arrivals,
    seed: u64,
    calls: u64,
}

impl Schedule {
    /// The schedule of `stages`, one after the other.
    pub fn new(stages: &[Stage], arrivals: Arrivals, seed: u64) -> Result<Self, ScheduleError> {
        let curve = Curve::new(stages)?;
        let mut schedule = Self { curve, arrivals, seed, calls: 0 };
        schedule.calls = match arrivals {
            Arrivals::Even => u64::try_from(schedule.curve.area().div_ceil(UNITS_PER_CALL)).unwrap_or(u64::MAX),
            Arrivals::Poisson => schedule.areas().take_while(|area| *area < schedule.curve.area()).map(|_| 1).sum(),
        };
        Ok(schedule)
    }

    /// How many calls it has.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.curve.length()
    }

    /// The rate at an instant, in calls per second; 0 outside. A burst has no rate.
    pub fn rate_at(&self, at: Duration) -> f64 {
        self.curve.rate_at(at)
    }

    /// The due times, in order.
    pub fn iter(&self) -> DueTimes<'_> {
        DueTimes { schedule: self, areas: self.areas(), stage: 0 }
    }

    fn areas(&self) -> Areas<'_> {
        Areas {
            curve: &self.curve,
            arrivals: self.arrivals,
            seed: self.seed,
            k: 0,
            area: 0,
            bursts: 0,
            burst: self.curve.burst(0),
            within: 0,
        }
    }
}

impl<'a> IntoIterator for &'a Schedule {
    type Item = Duration;
    type IntoIter = DueTimes<'a>;

    fn into_iter(self) -> DueTimes<'a> {
        self.iter()
    }
}

/// The areas at which calls are due, without end.
#[derive(Debug, Clone)]
struct Areas<'a> {
    curve: &'a Curve,
    arrivals: Arrivals,
    seed: u64,
    /// Calls before the next one; of Poisson arrivals without those of bursts.
    k: u64,
    /// Where the last call was due.
    area: u128,
    /// Bursts that are over.
    bursts: usize,
    /// Where the next burst begins, and its area.
    burst: Option<(u128, u128)>,
    /// Calls of the present burst that are over.
    within: u128,
}

impl Areas<'_> {
    /// The next area of a Poisson process that goes on through the lines alone: a burst makes its calls and no other.
    fn poisson(&mut self) -> u128 {
        let mut next = self.area + gap(self.seed, self.k);
        while let Some((start, area)) = self.burst.filter(|(start, _)| next >= *start) {
            let at = start + self.within * UNITS_PER_CALL;
            if at < start + area {
                self.within += 1;
                return at;
            }
            // A gap that began before the burst goes on behind it.
            (self.area, next) = (self.area + area, next + area);
            (self.bursts, self.within) = (self.bursts + 1, 0);
            self.burst = self.curve.burst(self.bursts);
        }
        (self.k, self.area) = (self.k + 1, next);
        next
    }
}

impl Iterator for Areas<'_> {
    type Item = u128;

    fn next(&mut self) -> Option<u128> {
        match self.arrivals {
            Arrivals::Even => {
                self.k += 1;
                Some(u128::from(self.k - 1) * UNITS_PER_CALL)
            }
            Arrivals::Poisson => Some(self.poisson()),
        }
    }
}

/// The k-th exponential gap in units of area. Summed as whole numbers, so that the order of no addition matters.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 37 calls, far below 2^128
fn gap(seed: u64, k: u64) -> u128 {
    (draw::exponential(seed, Stream::Arrival, k) * UNITS_PER_CALL as f64) as u128
}

/// Iterator over the due times of a [`Schedule`].
#[derive(Debug, Clone)]
pub struct DueTimes<'a> {
    schedule: &'a Schedule,
    areas: Areas<'a>,
    stage: usize,
}

impl Iterator for DueTimes<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let area = self.areas.next()?;
        self.schedule.curve.instant(area, &mut self.stage)
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(per_second: f64) -> Rate {
        Rate::per_second(per_second).unwrap()
    }

    fn line(secs: f64, from: f64, to: f64) -> Stage {
        Stage::Line { length: Duration::from_secs_f64(secs), from: rate(from), to: rate(to) }
    }

    fn even(stages: &[Stage]) -> Vec<Duration> {
        Schedule::new(stages, Arrivals::Even, 1).unwrap().iter().collect()
    }

    /// A week at 7/s, whose period no binary or decimal fraction holds: the last call is due to the nanosecond.
    #[test]
    fn a_week_does_not_drift() {
        let schedule = Schedule::new(&[line(604_800.0, 7.0, 7.0)], Arrivals::Even, 1).unwrap();
        assert_eq!(schedule.calls(), 604_800 * 7);
        let last = schedule.iter().last().unwrap();
        let k = u128::from(schedule.calls() - 1);
        assert_eq!(last.as_nanos(), k * 1_000_000_000 / 7);
    }

    /// Calls lie in [0, T): N whole periods make N calls, the first at 0 and none at T.
    #[test]
    fn half_open() {
        let due = even(&[line(2.0, 5.0, 5.0)]);
        assert_eq!(due.len(), 10);
        assert_eq!((due[0], due[9]), (Duration::ZERO, Duration::from_millis(1800)));
        assert_eq!(even(&[line(0.5, 5.0, 5.0)]).len(), 3, "2.5 periods begin three calls");
    }

    /// A ramp from 0: the k-th call is due at T * sqrt(k / N).
    #[test]
    fn ramps_follow_the_square_root() {
        let due = even(&[line(10.0, 0.0, 20.0)]);
        assert_eq!(due.len(), 100);
        for (k, at) in due.iter().enumerate() {
            let expected = 10.0 * (k as f64 / 100.0).sqrt();
            assert!((at.as_secs_f64() - expected).abs() < 2e-9, "{k}: {at:?} {expected}");
        }
    }

    /// A burst makes exactly its calls at one instant, and the stages around it keep theirs.
    #[test]
    fn bursts_add_up() {
        let due = even(&[line(1.0, 10.0, 10.0), Stage::Burst { calls: 100 }, line(1.0, 10.0, 10.0)]);
        assert_eq!(due.len(), 120);
        assert_eq!(
            due.iter().filter(|at| **at == Duration::from_secs(1)).count(),
            101,
            "100 of the burst, one of the next stage"
        );
        assert_eq!(even(&[Stage::Burst { calls: 3 }]), [Duration::ZERO; 3]);
        assert_eq!(even(&[line(1.0, 0.0, 0.0), Stage::Burst { calls: 2 }]), [Duration::from_secs(1); 2]);
    }

    /// A pause delays the call that is due in it to its end.
    #[test]
    fn pauses_hold_calls_back() {
        let due = even(&[line(0.95, 10.0, 10.0), line(5.0, 0.0, 0.0), line(1.0, 10.0, 10.0)]);
        assert_eq!(due[9], Duration::from_millis(900));
        assert_eq!(due[10], Duration::from_millis(6000), "half a period before the pause, half after it");
    }

    /// A burst makes exactly its calls under Poisson arrivals, too, and the process goes on behind it as if it had not been.
    #[test]
    fn poisson_bursts_are_exact() {
        let due = |stages: &[Stage], seed| Schedule::new(stages, Arrivals::Poisson, seed).unwrap().iter().collect::<Vec<_>>();
        for seed in 0..50 {
            assert_eq!(due(&[Stage::Burst { calls: 10 }], seed), [Duration::ZERO; 10], "{seed}");
            let (first, last) = (line(1.0, 10.0, 30.0), line(2.0, 20.0, 20.0));
            let mixed = due(&[first, Stage::Burst { calls: 7 }, Stage::Burst { calls: 2 }, last], seed);
            let at = Duration::from_secs(1);
            assert_eq!(mixed.iter().filter(|due| **due == at).count(), 9, "{seed}");
            let without: Vec<Duration> = mixed.into_iter().filter(|due| *due != at).collect();
            assert_eq!(without, due(&[first, last], seed), "{seed}");
        }
    }

    /// The limits are errors, not overflows.
    #[test]
    fn limits_hold() {
        assert_eq!(Schedule::new(&[line(604_801.0, 1.0, 1.0)], Arrivals::Even, 1), Err(ScheduleError::TooLong));
        assert_eq!(Schedule::new(&[line(604_800.0, 1e6, 0.0)], Arrivals::Even, 1), Err(ScheduleError::TooManyCalls));
        let bursts = vec![Stage::Burst { calls: u32::MAX }; 3];
        assert_eq!(Schedule::new(&bursts, Arrivals::Even, 1), Err(ScheduleError::TooManyCalls));
    }

    /// Poisson arrivals: the count has mean and variance of the area, gaps have a coefficient of variation of 1.
    #[test]
    fn poisson_has_its_moments() {
        let counts: Vec<f64> = (0..400)
            .map(|seed| Schedule::new(&[line(10.0, 0.0, 20.0)], Arrivals::Poisson, seed).unwrap().calls() as f64)
            .collect();
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / 399.0;
        assert!((mean - 100.0).abs() < 2.5, "{mean}");
        assert!((70.0..130.0).contains(&variance), "{variance}");
        let due: Vec<f64> =
            Schedule::new(&[line(1000.0, 50.0, 50.0)], Arrivals::Poisson, 3).unwrap().iter().map(|d| d.as_secs_f64()).collect();
        let gaps: Vec<f64> = due.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((deviation / mean - 1.0).abs() < 0.02, "{}", deviation / mean);
    }

    /// Same seed, same instants; another seed, others.
    #[test]
    fn poisson_is_seeded() {
        let due = |seed| Schedule::new(&[line(5.0, 20.0, 20.0)], Arrivals::Poisson, seed).unwrap().iter().collect::<Vec<_>>();
        assert_eq!(due(1), due(1));
        assert_ne!(due(1), due(2));
    }

    fn stages() -> impl Strategy<Value = Vec<Stage>> {
        let line = (1u64..20_000_000_000, 0u64..200_000_000, 0u64..200_000_000).prop_map(|(ns, from, to)| Stage::Line {
            length: Duration::from_nanos(ns),
            from: rate(from as f64 / 1e6),
            to: rate(to as f64 / 1e6),
        });
        let burst = (1u32..50).prop_map(|calls| Stage::Burst { calls });
        proptest::collection::vec(prop_oneof![4 => line, 1 => burst], 1..6)
    }

    proptest! {
        /// Due times are sorted, lie in the schedule, and are as many as it says.
        #[test]
        fn sorted_counted_and_inside(stages in stages(), poisson in any::<bool>(), seed in any::<u64>()) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Even };
            let schedule = Schedule::new(&stages, arrivals, seed).unwrap();
            let due: Vec<Duration> = schedule.iter().collect();
            prop_assert_eq!(due.len() as u64, schedule.calls());
            prop_assert!(due.is_sorted());
            let end_burst = matches!(stages.last(), Some(Stage::Burst { .. }));
            prop_assert!(due.iter().all(|at| *at < schedule.length() || end_burst && *at == schedule.length()));
        }

        /// Cutting a line in two at one of its instants changes no due time by more than the rounding of the cut's rate.
        #[test]
        fn splitting_a_constant_changes_nothing(micro_hz in 1u64..500_000_000, a in 1u64..10_000_000_000, b in 1u64..10_000_000_000) {
            let rate = rate(micro_hz as f64 / 1e6);
            let stage = |ns| Stage::Line { length: Duration::from_nanos(ns), from: rate, to: rate };
            prop_assert_eq!(even(&[stage(a), stage(b)]), even(&[stage(a + b)]));
        }

        /// A ramp up is a ramp down read backwards: instants mirror, up to the nanosecond that each is floored to.
        #[test]
        fn ramps_mirror(to in 1u64..1_000, secs in 1u64..100) {
            let length = Duration::from_secs(2 * secs);
            let (high, zero) = (rate(to as f64), rate(0.0));
            let up = even(&[Stage::Line { length, from: zero, to: high }]);
            let down = even(&[Stage::Line { length, from: high, to: zero }]);
            prop_assert_eq!(up.len(), down.len());
            // Area is a whole number of calls, so up's call k mirrors down's call N - k.
            for k in 1..up.len() {
                let mirrored = length.saturating_sub(down[down.len() - k]);
                prop_assert!(mirrored.abs_diff(up[k]) <= Duration::from_nanos(1), "{:?} {:?}", mirrored, up[k]);
            }
        }
    }
}
