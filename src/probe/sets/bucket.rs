//! Buckets by set membership: which (rate, depth) agree with every answer.
//!
//! A bucket of depth D whose refill up to instant t is F(t) lets calls through just so that every two of them obey
//!
//! ```text
//! accepted:  calls let through in [ti, tj]  <=  D + F(tj) - F(ti)             for every i
//! refused:   calls let through in [ti, tk)  >   D + F(tk) - F(ti) - 1         for some i
//! ```
//!
//! Only brackets of the instants are known. Counting what is surely within, at the latest end and the earliest beginning, makes of every
//! accepted call a lower bound of D, and of every refused call an upper bound; both fall as F grows. So a whole range of rates is refuted
//! at once when the lower bound at its high end is above the upper bound at its low end, and what is not refuted is halved.

use super::super::view::{SLACK, View};
use super::{Set, Standing, slices};
use crate::num::count;
use crate::stats::boxes::search;

/// Bounds of the depth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Depth {
    /// At least.
    pub(in super::super) least: f64,
    /// Less than.
    pub(in super::super) most: f64,
}

impl Depth {
    /// Whole numbers of tokens between the bounds, if there are any. `slack` is what rounding may have done to them.
    pub(in super::super) fn whole(self, slack: f64) -> Option<(f64, f64)> {
        let (low, high) = ((self.least - slack).ceil().max(1.0), (self.most + slack).ceil() - 1.0);
        (low <= high).then_some((low, high))
    }
}

/// The depth that the accepted calls need, when refill between two instants is at most `to(t2) - from(t1)`. Infinite if what came after a
/// refused call refutes the refill whatever the depth: less than a token was left then.
pub(in super::super) fn least(view: &View, slack: f64, from: impl Fn(f64) -> f64, to: impl Fn(f64) -> f64) -> f64 {
    let ends = &view.accepted;
    let (mut need, mut best) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let mut first = 0;
    let mut refused = 0;
    // The most that a refused call before can say: its refill, less the accepted calls that may be before it.
    let mut after = f64::NEG_INFINITY;
    for (j, hi) in ends.hi.iter().enumerate() {
        while first < ends.lo.len() && ends.lo[first] <= *hi {
            best = best.max(from(ends.lo[first]) - count(first));
            first += 1;
        }
        while refused < view.refused.len() && view.refused[refused].1 <= *hi {
            let (lo, until) = view.refused[refused];
            after = after.max(from(lo) - count(ends.lo.partition_point(|begin| *begin < until)));
            refused += 1;
        }
        let spent = count(j + 1) - to(*hi);
        need = need.max(spent + best);
        if spent + after >= 1.0 + slack {
            return f64::INFINITY;
        }
    }
    need
}

/// The depth that the refused calls allow, when refill between two instants is at least `to(t2) - from(t1)`. Minus infinity if no depth is.
///
/// A call is refused because, since some call `i` before which it was full, more was taken than came in. It was so after every call `j`
/// since which a token came in that nobody can have taken: nothing is less than empty. So answers that are not known only blur what they
/// are between.
pub(in super::super) fn most(view: &View, slack: f64, from: impl Fn(f64) -> f64, to: impl Fn(f64) -> f64) -> f64 {
    allowed(view, slack, from, to).into_iter().fold(f64::INFINITY, f64::min)
}

/// The depth that each refused call allows, in the order of the ends of their brackets; infinite where nothing was let through before.
fn allowed(view: &View, slack: f64, from: impl Fn(f64) -> f64, to: impl Fn(f64) -> f64) -> Vec<f64> {
    let ends = &view.maybe;
    let (mut first, mut passed) = (0, 0);
    let mut calls = Levels::default();
    let one = |(lo, hi): &(f64, f64)| {
        first += ends.lo[first..].partition_point(|begin| begin <= hi);
        // Nothing was let through before: it was not full, of which this says nothing.
        if first == 0 {
            return f64::INFINITY;
        }
        while passed < ends.by_end.len() && ends.by_end[passed].1 <= *lo {
            let (begin, end) = ends.by_end[passed];
            calls.push((begin, end), count(ends.before(begin)) - from(end));
            passed += 1;
        }
        let room = count(first) - to(*lo);
        let full = calls.least_after(calls.latest_above(room + slack).unwrap_or(f64::NEG_INFINITY));
        // Or full at a call of about the same instant, since which perhaps nothing came in.
        let about = ends.earliest_beyond(*lo).filter(|begin| begin <= hi).map(|begin| count(first - ends.before(begin)));
        (room - full).max(about.unwrap_or(f64::NEG_INFINITY)) + 1.0
    };
    view.refused.iter().map(one).collect()
}

/// Calls in the order of their ends, each with its level: the calls surely before it less the refill up to its end.
#[derive(Default)]
struct Levels {
    /// Beginning and level of those above all later ones.
    falling: Vec<(f64, f64)>,
    /// End and level of those below all later ones.
    rising: Vec<(f64, f64)>,
}

impl Levels {
    fn push(&mut self, (begin, end): (f64, f64), level: f64) {
        while self.falling.pop_if(|last| last.1 <= level).is_some() {}
        self.falling.push((begin, level));
        while self.rising.pop_if(|last| last.1 >= level).is_some() {}
        self.rising.push((end, level));
    }

    /// The beginning of the latest call of at least a level.
    fn latest_above(&self, level: f64) -> Option<f64> {
        let above = self.falling.partition_point(|call| call.1 >= level);
        Some(self.falling[above.checked_sub(1)?].0)
    }

    /// The least level of the calls that may be decided after an instant.
    fn least_after(&self, instant: f64) -> f64 {
        let first = self.rising.partition_point(|call| call.0 < instant);
        self.rising.get(first).map_or(f64::INFINITY, |call| call.1)
    }
}

/// The rates that are ever looked at, per second.
const RATES: (f64, f64) = (1e-4, 1e6); // derived: one in three hours, and a token a microsecond

/// Rates are looked at this finely, relative to the rate.
const FINE: f64 = 2e-5; // derived: far below the precision that is asked for by default, half a percent

/// Boxes of rates.
const EFFORT: usize = 4000; // derived: ln(10^10) / 1e-5 halves down in 21 steps; two edges need some dozens, and a region that is not one piece more

/// Which token buckets of a whole depth, full at the start, agree with every answer.
pub(in super::super) fn full(view: &View) -> Standing {
    standing(&|low, high| {
        let depth =
            Depth { least: least(view, SLACK, |t| high * t, |t| high * t), most: most(view, SLACK, |t| low * t, |t| low * t) };
        depth.whole(SLACK).map(|depth| (depth, depth))
    })
}

/// The same of any depth, and at the start any level.
pub(in super::super) fn level(view: &View) -> Standing {
    let begin = view.span().0;
    standing(&|low, high| {
        let need = least(view, SLACK, |t| high * t, |t| high * t).max(1.0);
        if need == f64::INFINITY {
            return None;
        }
        let (mut deepest, mut held) = (f64::INFINITY, (1.0_f64, f64::INFINITY));
        // What was let through since the start came in or was held then.
        for (j, hi) in view.accepted.hi.iter().enumerate() {
            held.0 = held.0.max(count(j + 1) - (hi - begin) * high - SLACK);
        }
        let depths = allowed(view, SLACK, |t| low * t, |t| low * t);
        for ((lo, hi), allowed) in view.refused.iter().zip(depths) {
            // Either it was full since, or more was taken than it held at the start and came in.
            let held_less = count(view.maybe.possibly(f64::NEG_INFINITY, *hi)) - (lo - begin).max(0.0) * low + 1.0;
            if allowed + SLACK < need {
                held.1 = held.1.min(held_less);
            } else if held_less < held.0 {
                deepest = deepest.min(allowed);
            }
        }
        (held.0 <= held.1 + SLACK && need <= deepest + SLACK).then_some(((need, deepest), held))
    })
}

/// Depths and levels at the start that some rates leave.
type Rooms = ((f64, f64), (f64, f64));

fn standing(test: &dyn Fn(f64, f64) -> Option<Rooms>) -> Standing {
    let mut sets = Vec::new();
    for (low, high) in slices(RATES) {
        let left = search([(low.ln(), high.ln())], [FINE], EFFORT, |part| test(part[0].0.exp(), part[0].1.exp()).is_none());
        let Some([(low, high)]) = left.hull else { continue };
        let (low, high) = (low.exp(), high.exp());
        let Some((depth, held)) = test(low, high).filter(|_| left.complete) else { return Standing::Open };
        sets.push(Set { rate: (low, high), burst: depth, period: None, edge: None, tokens: None, start: Some(held) });
    }
    Standing::of(sets)
}
