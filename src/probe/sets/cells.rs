//! Sliding logs of coarse counts, by set membership: a call counts from the beginning of its part of the window.
//!
//! So it counts for less than a window, by a part at most. How many parts there are is asked from the coarsest on, with beginnings and lengths
//! as of any grid; the finest of those that are refuted bounds by how much all finer ones differ from a log of every call.

use super::super::view::View;
use super::grid::{EFFORT, Grid, LOOKS, Rule, fineness, limits};
use super::log::{shortest, span};
use super::{Set, Standing, slices};
use crate::num::{below, count};
use crate::stats::boxes::search;

/// Parts that a window has at most.
const PARTS: f64 = 100.0; // derived: as many as its suspect has

/// Logs of coarse counts that agree with every answer.
pub(in super::super) fn logs(view: &View) -> Standing {
    let mut search = CellSearch { view, order: (0..view.seen.len()).collect(), looks: LOOKS * view.seen.len() };
    let sets = limits(view).filter_map(|limit| {
        let (low, high) = (shortest(view, limit)?.max(1e-4), span(view, limit)); // derived: a tenth of a server's tick
        let parts = search.coarsest(limit, (low, high))?;
        let n = count(limit);
        let high = high * parts / (parts - 1.0);
        let rate = (if high.is_finite() { n / high } else { 0.0 }, n / low);
        Some(Set { rate, burst: (n, n), period: Some((low, high)), tokens: None, start: None })
    });
    Standing::of(sets.collect())
}

/// The answers, those first that refuted last, and how many of them may still be looked at.
struct CellSearch<'a> {
    view: &'a View,
    order: Vec<usize>,
    looks: usize,
}

impl CellSearch<'_> {
    /// The fewest parts of a window that are not refuted; `low`: the least length of a window, `high`: the least time that one call more
    /// than `limit` took. `None`: no number of parts agrees.
    fn coarsest(&mut self, limit: usize, (low, high): (f64, f64)) -> Option<f64> {
        // Parts shorter than an answer takes cannot be told from none.
        let finest = below(low / self.view.trip().max(1e-4)).clamp(1.0, PARTS); // derived: a tenth of a server's tick
        let mut parts = 2.0; // derived: of one part it is a window
        while parts <= finest {
            let most = (high * parts / (parts - 1.0)).min(self.longest());
            if low <= most && !self.refuted(limit, parts, (low / parts, most / parts)) {
                return Some(parts);
            }
            parts += 1.0;
        }
        (low <= high * parts / (parts - 1.0)).then_some(parts)
    }

    /// Longer than that is as good as one that never ends.
    fn longest(&self) -> f64 {
        let (begin, end) = self.view.span();
        4.0 * (end - begin) // derived: of which a quarter was seen
    }

    /// Whether no beginning and no length of a part within bounds agrees with every answer.
    fn refuted(&mut self, limit: usize, parts: f64, lengths: (f64, f64)) -> bool {
        let (begin, end) = self.view.span();
        let middle = f64::midpoint(begin, end);
        slices(lengths).into_iter().all(|(low, high)| {
            let whole = [(middle, middle + high), (low, high)];
            let effort = EFFORT.min(self.looks / self.order.len().max(1));
            let fine = fineness(self.view, (low, high));
            search(whole, fine, effort, |part| self.refutes(limit, parts, &Grid::from(part))).hull.is_none()
        })
    }

    fn refutes(&mut self, limit: usize, parts: f64, grid: &Grid) -> bool {
        let seen = &self.view.seen;
        // Whoever refutes is looked at first the next time.
        let place = self.order.iter().position(|at| !grid.allows(self.view, Rule::Cells(parts), count(limit), &seen[*at]));
        self.looks = self.looks.saturating_sub(place.map_or(self.order.len(), |place| place + 1));
        place.map(|place| self.order[..=place].rotate_right(1)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::super::observation::{AnswerClass, Observation, Phase};
    use super::*;

    /// A log of coarse counts, and calls to it at these instants, in microseconds.
    fn seen(limit: usize, part_us: u64, parts: u64, calls: &[u64]) -> View {
        let mut counted: VecDeque<u64> = VecDeque::new();
        let answered = |at: &u64| {
            while counted.front().is_some_and(|begin| begin + part_us * parts <= *at) {
                counted.pop_front();
            }
            let answer = if counted.len() < limit { AnswerClass::Accepted } else { AnswerClass::Refused };
            if answer == AnswerClass::Accepted {
                counted.push_back(at / part_us * part_us);
            }
            Observation {
                round: 0,
                segment: 0,
                phase: Phase::Stream,
                due_us: *at,
                sent_us: at - 3_000,
                done_us: at + 5_000,
                answer,
            }
        };
        View::whole(&calls.iter().map(answered).collect::<Vec<_>>())
    }

    proptest! {
        /// What is left holds the log that answered, whatever its window, its parts, and when it was called.
        #[test]
        fn the_log_that_answered_is_left(
            limit in 1usize..6,
            part_us in 50_000u64..400_000,
            parts in 2u64..9,
            gaps in prop::collection::vec(20_000u64..300_000, 40..120),
        ) {
            let calls: Vec<u64> = gaps.iter().scan(10_000, |at, gap| { *at += gap; Some(*at) }).collect();
            let view = seen(limit, part_us, parts, &calls);
            let window = Duration::from_micros(part_us * parts).as_secs_f64();
            if let Standing::Left(sets) = logs(&view) {
                let held = |set: &Set| set.burst.0 <= count(limit) && count(limit) <= set.burst.1
                    && set.period.is_some_and(|(low, high)| low <= window && window <= high);
                prop_assert!(sets.iter().any(held), "{limit} in {window}: {sets:?}");
            } else {
                prop_assert!(view.refused.is_empty());
            }
        }
    }

    /// Calls at a steady pace to a log of every call refute coarse parts: so many calls of a burst come back one by one.
    #[test]
    fn coarse_parts_are_refuted() {
        let calls: Vec<u64> = (1..400).map(|n| n * 31_000).collect();
        let view = seen(4, 10_000, 100, &calls);
        let Standing::Left(sets) = logs(&view) else { panic!("nothing is left") };
        let (low, high) = sets.iter().find(|set| set.burst == (4.0, 4.0)).unwrap().period.unwrap();
        assert!(low <= 1.0 && (1.0..1.5).contains(&high), "{low} {high}");
    }
}
