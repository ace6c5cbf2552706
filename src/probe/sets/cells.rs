//! Sliding logs of coarse counts, by set membership: a call counts from the beginning of its part of the window.
//!
//! So it counts for less than a window, by a part at most. How many parts there are is asked from the coarsest on, with beginnings and lengths
//! as of any grid; the coarsest that are not refuted bound by how much all finer ones differ from a log of every call. Refuses to ask which of
//! the finer ones it is.

use super::super::view::View;
use super::grid::{Refuters, Rule, limits, longest};
use super::log::{shortest, span};
use super::{Set, Standing, slices};
use crate::num::{below, count};

/// Parts that a window has at most.
const PARTS: f64 = 100.0; // derived: as many as its suspect has

/// Logs of coarse counts that agree with every answer.
pub(in super::super) fn logs(view: &View) -> Standing {
    let mut refuters = Refuters::new(view);
    let sets = limits(view).filter_map(|limit| {
        let (low, high) = (shortest(view, limit)?.max(1e-4), span(view, limit)); // derived: a tenth of a server's tick
        let parts = coarsest(&mut refuters, view, limit, (low, high))?;
        let n = count(limit);
        let high = high * parts / (parts - 1.0);
        let rate = (if high.is_finite() { n / high } else { 0.0 }, n / low);
        Some(Set { rate, burst: (n, n), period: Some((low, high)), edge: None, tokens: None, start: None })
    });
    Standing::of(sets.collect())
}

/// The fewest parts of a window that are not refuted; `low`: the least length of a window, `high`: the least time that one call more than
/// `limit` took. `None`: no number of parts agrees.
fn coarsest(refuters: &mut Refuters<'_>, view: &View, limit: usize, (low, high): (f64, f64)) -> Option<f64> {
    // Parts shorter than an answer takes cannot be told from none.
    let finest = below(low / view.trip().max(1e-4)).clamp(1.0, PARTS); // derived: a tenth of a server's tick
    let ((begin, end), longest) = (view.span(), longest(view));
    let middle = f64::midpoint(begin, end);
    let mut refuted = |parts: f64| {
        let most = (high * parts / (parts - 1.0)).min(longest);
        let left = |part: (f64, f64)| refuters.leave(Rule::Cells(parts), limit, [(middle, middle + part.1), part]);
        low > most || !slices((low / parts, most / parts)).into_iter().any(left)
    };
    let mut parts = 2.0; // derived: of one part it is a window
    while parts <= finest && refuted(parts) {
        parts += 1.0;
    }
    (low <= high * parts / (parts - 1.0)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::super::observation::{AnswerClass, Observation, Phase};
    use super::*;
    use crate::limiter::suspect::Traits;

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
            // Some within one bracket, as of a wave.
            gaps in prop::collection::vec(prop_oneof![1u64..2_000, 20_000u64..300_000], 40..120),
        ) {
            let calls: Vec<u64> = gaps.iter().scan(10_000, |at, gap| { *at += gap; Some(*at) }).collect();
            let view = seen(limit, part_us, parts, &calls);
            let window = Duration::from_micros(part_us * parts).as_secs_f64();
            if let Standing::Left(sets) = logs(&view) {
                let numbers = Traits { burst: Some(count(limit)), period: Some(window), ..Traits::default() };
                prop_assert!(sets.iter().any(|set| set.holds(&numbers)), "{limit} in {window}: {sets:?}");
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
