//! The times of one kind that ended in one second: few enough to be kept as they are, where a histogram would be thousands of counters to
//! clear, to add and to write for each second.
//!
//! What is read off them is what a histogram of [`DIGITS`](super::recorder::DIGITS) digits up to [`MAX_US`] says, place for place. Refuses to
//! merge.

use super::recorder::MAX_US;

/// Values below it have a place of their own; above, the steps double with the value.
// derived: two sub-buckets for each of 10^3 values, at the next power of two, as the histogram lays them out for three digits
const OWN: u32 = 2048;

/// Times in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecondTimes {
    us: Vec<u32>,
}

/// Equal times, as far as they are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeStep {
    /// Its place among all that a histogram tells apart, from 0.
    pub place: u32,
    /// The largest time of it.
    pub highest_us: u64,
    /// How many times there are.
    pub count: u64,
}

impl SecondTimes {
    /// Counts one time; what is longer than a histogram has places for is an hour.
    pub(super) fn record(&mut self, us: u64) {
        self.us.push(u32::try_from(us).unwrap_or(u32::try_from(MAX_US).unwrap_or(u32::MAX)));
    }

    /// Brings them into order, which the rest needs.
    pub(super) fn sort(&mut self) {
        self.us.sort_unstable();
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.us.clear();
    }

    /// The time that a share `quantile` of them did not exceed; `None` without any.
    pub(super) fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let rank = crate::num::place((quantile * crate::num::count(self.us.len())).ceil()).max(1);
        self.us.get(rank - 1).map(|us| highest(*us))
    }

    /// The longest; 0 without any.
    pub fn max_us(&self) -> u64 {
        self.us.last().filter(|us| **us > 0).map_or(0, |us| highest(*us))
    }

    /// What occurred, in order.
    pub fn steps(&self) -> impl Iterator<Item = TimeStep> {
        let same = self.us.chunk_by(|a, b| place(*a) == place(*b));
        same.map(|same| TimeStep { place: place(same[0]), highest_us: highest(same[0]), count: same.len() as u64 })
    }
}

/// By how many bits a time is coarser than a microsecond.
const fn coarse(us: u32) -> u32 {
    if us < OWN { 0 } else { us.ilog2() - (OWN.ilog2() - 1) }
}

fn place(us: u32) -> u32 {
    let coarse = coarse(us);
    coarse * (OWN / 2) + (us >> coarse)
}

/// The largest time with the same place.
fn highest(us: u32) -> u64 {
    let coarse = coarse(us);
    ((u64::from(us >> coarse) + 1) << coarse) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recorder::histogram;
    use super::*;

    proptest! {
        /// Quantiles, steps and the longest are those of the histogram.
        #[test]
        fn says_what_a_histogram_says(few in prop::collection::vec(0u64..6000, 0..60), many in prop::collection::vec(0u64..9_000_000_000, 0..60)) {
            let (mut times, mut histogram) = (SecondTimes::default(), histogram());
            for us in few.into_iter().chain(many) {
                times.record(us);
                histogram.saturating_record(us);
            }
            times.sort();
            prop_assert_eq!(times.max_us(), histogram.max());
            for quantile in [0.5, 0.99, 1.0] {
                let expected = (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile));
                prop_assert_eq!(times.quantile_us(quantile), expected);
            }
            let steps: Vec<(u64, u64)> = times.steps().map(|step| (step.highest_us, step.count)).collect();
            let expected: Vec<(u64, u64)> =
                histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
            prop_assert_eq!(steps, expected);
        }
    }
}
