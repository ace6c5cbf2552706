//! Whatever goes by the clock's grid, by set membership: fixed windows, sliding counters, steps of tokens.
//!
//! A box holds the beginning of one window, in the middle of the probe, and the windows' length; the brackets of all other beginnings follow.

use super::super::view::{SLACK, Seen, View};
use super::bucket::{self, Depth};
use super::log::shortest;
use super::{Set, Standing, slices};
use crate::num::{below, count};
use crate::stats::boxes::{Bounds, Left, search};

/// Boxes for one number of calls.
const EFFORT: usize = 6000; // measured: a window that agrees needs about a thousand, one that does not some hundreds

/// Looks at an answer that one search may take for each answer that there is: a box takes up to one for each.
// measured: 40 limiters of 600 calls each were found the same with and without it; two counters of 4,300 calls took 15 s of CPU instead of 23
const LOOKS: usize = 20_000;

/// Parts of a usual bracket, as fine as beginnings are looked at.
const PARTS: f64 = 8.0; // derived: the hull is too wide by an eighth of a bracket at most

/// Beginnings and lengths of windows.
#[derive(Debug, Clone, Copy)]
struct Grid {
    edge: (f64, f64),
    window: (f64, f64),
}

impl Grid {
    /// The earliest and the latest beginning of window `n`.
    fn begin(&self, n: f64) -> (f64, f64) {
        if n < 0.0 {
            (self.edge.0 + n * self.window.1, self.edge.1 + n * self.window.0)
        } else {
            (self.edge.0 + n * self.window.0, self.edge.1 + n * self.window.1)
        }
    }

    /// The first and the last window that something between two instants can lie in.
    fn windows(&self, lo: f64, hi: f64) -> (f64, f64) {
        let (early, late) = (lo - self.edge.1, hi - self.edge.0);
        let first = if early < 0.0 { early / self.window.0 } else { early / self.window.1 };
        let last = if late < 0.0 { late / self.window.1 } else { late / self.window.0 };
        (below(first - 1e-9), below(last + 1e-9))
    }

    /// Edges up to `t`, counted from that of the box: at most.
    fn most_edges(&self, t: f64) -> f64 {
        let x = t - self.edge.0;
        below(x / if x < 0.0 { self.window.1 } else { self.window.0 } + 1e-9)
    }

    /// The same: at least.
    fn least_edges(&self, t: f64) -> f64 {
        let x = t - self.edge.1;
        below(x / if x < 0.0 { self.window.0 } else { self.window.1 } - 1e-9)
    }

    /// Whether one answer can come about in one of the windows that it may lie in.
    fn allows(&self, view: &View, rule: Rule, limit: f64, call: &Seen) -> bool {
        let (mut n, last) = self.windows(call.lo, call.hi);
        // A box as wide as windows says nothing.
        if last - n > 2.0 {
            return true;
        }
        while n <= last {
            let possible = match rule {
                Rule::Fixed => self.allows_fixed(view, limit, call, n),
                Rule::Cells(cells) => self.allows_cells(view, (limit, cells), call, n),
                Rule::Counter(floored) => self.allows_counter(view, (limit, floored), call, n),
            };
            if possible {
                return true;
            }
            n += 1.0;
        }
        false
    }

    fn allows_fixed(&self, view: &View, limit: f64, call: &Seen, n: f64) -> bool {
        let (begin, end) = (self.begin(n), self.begin(n + 1.0));
        if call.accepted {
            // All that is surely in this window, and this call.
            let inside = call.lo >= begin.1 && call.hi <= end.0;
            count(view.accepted.surely(begin.1, end.0)) + if inside { 0.0 } else { 1.0 } <= limit
        } else {
            count(view.maybe.possibly(begin.0, call.hi.min(end.1))) >= limit
        }
    }

    /// In cell `n` those of it and of the cells before it count, `cells` in all.
    fn allows_cells(&self, view: &View, (limit, cells): (f64, f64), call: &Seen, n: f64) -> bool {
        let (begin, end) = (self.begin(n + 1.0 - cells), self.begin(n + 1.0));
        if call.accepted {
            counted(view, call, begin, end) <= limit
        } else {
            count(view.maybe.possibly(begin.0, call.hi.min(end.1))) >= limit
        }
    }

    fn allows_counter(&self, view: &View, (limit, floored): (f64, bool), call: &Seen, n: f64) -> bool {
        // Below the next whole call, not only up to this one; by more than rounding does, as servers that round count in milliseconds.
        let (spare, most) = if floored { (1.0, limit + 1.0 - SLACK) } else { (0.0, limit + SLACK) };
        let (before, begin, end) = (self.begin(n - 1.0), self.begin(n), self.begin(n + 1.0));
        if call.accepted {
            let earlier = count(view.accepted.surely(before.1, begin.0));
            let left = (1.0 - (call.hi.min(end.1) - begin.0) / self.window.0).clamp(0.0, 1.0);
            earlier * left + counted(view, call, begin, end) <= most
        } else {
            let taken = count(view.maybe.possibly(begin.0, call.hi));
            let earlier = count(view.maybe.possibly(before.0, begin.1));
            let left = (1.0 - (call.lo.max(begin.0) - begin.1) / self.window.1).clamp(0.0, 1.0);
            earlier * left + taken + 1.0 > limit + spare - SLACK
        }
    }

    /// Depths of a bucket that gets `tokens` at every edge; `None`: none agrees.
    fn depth(&self, view: &View, tokens: f64) -> Option<(f64, f64)> {
        let (few, many) = (|t| tokens * self.least_edges(t), |t| tokens * self.most_edges(t));
        let least = bucket::least(view, 0.0, few, many);
        if least == f64::INFINITY {
            return None;
        }
        // As deep as its step it is a window.
        let depth = Depth { least: least.max(tokens + 1.0), most: bucket::most(view, 0.0, many, few) };
        depth.whole(0.0)
    }
}

/// A lower bound of the calls that count in a window when some call that was let through in it is decided, that one among them: those surely
/// before it. Where it is surely before the window's end, also all up to the end of its bracket: whichever was decided last found the others.
fn counted(view: &View, call: &Seen, begin: (f64, f64), end: (f64, f64)) -> f64 {
    let found = view.accepted.surely(begin.1, call.lo) + 1;
    let all = if call.hi <= end.0 { view.accepted.surely(begin.1, call.hi) } else { 0 };
    count(found.max(all))
}

/// How a window decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    Fixed,
    /// A sliding log of counts, of so many parts.
    Cells(f64),
    /// A sliding counter; whether the share of the last window is rounded down.
    Counter(bool),
}

impl From<&Bounds<2>> for Grid {
    fn from(part: &Bounds<2>) -> Self {
        Self { edge: part[0], window: part[1] }
    }
}

/// Lengths of windows of `limit` calls that agree with what was let through and refused at a glance; `covers`: how many windows back a
/// refused call looks. `None`: none does.
pub(super) fn lengths(view: &View, limit: usize, covers: f64) -> Option<(f64, f64)> {
    // Whoever is refused has so many before it within as many windows as count.
    let low = (shortest(view, limit)? / covers).max(1e-4); // derived: a tenth of a server's tick
    // Of more than twice as many, a whole window lies between the first and the last.
    let high =
        view.accepted.hi.iter().skip(2 * limit).zip(&view.accepted.lo).map(|(hi, lo)| hi - lo).fold(f64::INFINITY, f64::min);
    let high = high.min(longest(view));
    (low <= high).then_some((low, high))
}

/// Numbers of calls that a window may have.
pub(super) fn limits(view: &View) -> std::ops::RangeInclusive<usize> {
    let refused = view.refused.first().map_or(0.0, |(_, hi)| *hi);
    1..=view.maybe.possibly(f64::NEG_INFINITY, refused)
}

/// How finely beginnings and lengths are looked at.
fn fineness(view: &View, (low, _): (f64, f64)) -> [f64; 2] {
    let (begin, end) = view.span();
    let edge = (view.trip() / PARTS).max(2e-4).min(low / PARTS); // derived: a fifth of a server's tick
    [edge, edge * low / (end - begin).max(low)]
}

/// The answers, those first that refuted last, and how many of them may still be looked at.
pub(super) struct Refuters<'a> {
    view: &'a View,
    order: Vec<usize>,
    looks: usize,
}

impl<'a> Refuters<'a> {
    pub(super) fn new(view: &'a View) -> Self {
        Self { view, order: (0..view.seen.len()).collect(), looks: LOOKS * view.seen.len() }
    }

    /// What of the windows of some lengths no answer refutes.
    fn search(&mut self, rule: Rule, limit: usize, lengths: (f64, f64)) -> Left<2> {
        let effort = EFFORT.min(self.looks / self.order.len().max(1));
        placed(self.view, lengths, effort, |grid| self.refute(rule, limit, grid))
    }

    /// Whether anything of it is left: the first box as fine as asked that no answer refutes ends the search.
    pub(super) fn leave(&mut self, rule: Rule, limit: usize, whole: Bounds<2>) -> bool {
        let effort = EFFORT.min(self.looks / self.order.len().max(1));
        let (fine, mut left) = (fineness(self.view, whole[1]), false);
        let found = search(whole, fine, effort, |part| {
            let refuted = left || self.refute(rule, limit, &Grid::from(part));
            left |= !refuted && part.iter().zip(fine).all(|((low, high), fine)| high - low <= fine);
            refuted
        });
        found.hull.is_some()
    }

    fn refute(&mut self, rule: Rule, limit: usize, grid: &Grid) -> bool {
        let seen = &self.view.seen;
        // Whoever refutes is looked at first the next time.
        let place = self.order.iter().position(|at| !grid.allows(self.view, rule, count(limit), &seen[*at]));
        self.looks = self.looks.saturating_sub(place.map_or(self.order.len(), |place| place + 1));
        place.map(|place| self.order[..=place].rotate_right(1)).is_some()
    }
}

/// A window longer than that is as good as one that never ends.
pub(super) fn longest(view: &View) -> f64 {
    let (begin, end) = view.span();
    4.0 * (end - begin) // derived: of which a quarter was seen
}

/// Grids of some lengths that are not refuted, each by the first window that begins after the middle of the probe. Where that may be at once
/// and may be a length later, which is nearly the same grid, they are looked at once more by what begins half a length later.
fn placed(view: &View, lengths: (f64, f64), effort: usize, mut refuted: impl FnMut(&Grid) -> bool) -> Left<2> {
    let mut after = |instant: f64, lengths: (f64, f64)| {
        search([(instant, instant + lengths.1), lengths], fineness(view, lengths), effort, |part| {
            // Not the first: a window before it begins after the instant, too.
            part[0].0 >= instant + part[1].1 || refuted(&Grid::from(part))
        })
    };
    let (begin, end) = view.span();
    let middle = f64::midpoint(begin, end);
    let left = after(middle, lengths);
    match left.hull {
        // derived: a hull of less than half a length holds no two ends of one
        Some([edge, period]) if left.complete && edge.1 - edge.0 > period.0 / 2.0 => {
            let again = after(middle + period.0 / 2.0, period); // derived: as far as can be from both ends
            if again.complete { again } else { left }
        }
        _ => left,
    }
}

/// The windows of one rule that agree with every answer.
fn ruled(view: &View, rule: Rule) -> Standing {
    let covers = if rule == Rule::Fixed { 1.0 } else { 2.0 };
    let mut sets = Vec::new();
    let mut refuters = Refuters::new(view);
    for limit in limits(view) {
        let Some(range) = lengths(view, limit, covers) else { continue };
        for (low, high) in slices(range) {
            let left = refuters.search(rule, limit, (low, high));
            let Some([edge, period]) = left.hull else { continue };
            if !left.complete {
                return Standing::Open;
            }
            let n = count(limit);
            let rate = (n / period.1, n / period.0);
            sets.push(Set { rate, burst: (n, n), period: Some(period), edge: Some(edge), tokens: None, start: None });
        }
    }
    Standing::of(sets)
}

/// Fixed windows that agree with every answer.
pub(in super::super) fn windows(view: &View) -> Standing {
    ruled(view, Rule::Fixed)
}

/// Sliding counters that agree with every answer.
pub(in super::super) fn counters(view: &View, floored: bool) -> Standing {
    ruled(view, Rule::Counter(floored))
}

/// Buckets filled in steps of two tokens or more that agree with every answer.
pub(in super::super) fn steps(view: &View) -> Standing {
    let most = *limits(view).end();
    let mut sets = Vec::new();
    for tokens in 2..most {
        let Some(range) = step_lengths(view, tokens) else { continue };
        for (low, high) in slices(range) {
            let left = placed(view, (low, high), EFFORT, |grid| grid.depth(view, count(tokens)).is_none());
            let Some(hull) = left.hull else { continue };
            let Some(depth) = Grid::from(&hull).depth(view, count(tokens)).filter(|_| left.complete) else {
                return Standing::Open;
            };
            let (n, period) = (count(tokens), hull[1]);
            sets.push(Set {
                rate: (n / period.1, n / period.0),
                burst: depth,
                period: Some(period),
                edge: Some(hull[0]),
                tokens: Some(n),
                start: None,
            });
        }
    }
    Standing::of(sets)
}

/// Lengths of steps of so many tokens: between two refused calls no more was let through than came in.
fn step_lengths(view: &View, tokens: usize) -> Option<(f64, f64)> {
    let (first, last) = (view.refused.first()?, view.refused.last()?);
    let taken = view.accepted.surely(first.1, last.0);
    let span = last.1 - first.0;
    // Each step brings that many, and one may fall on either end.
    let high = if taken > tokens { span * count(tokens) / count(taken - tokens) } else { 4.0 * span }; // derived: see lengths
    // Faster than all that was let through in the shortest time that so many took.
    let low = (high / count(view.seen.len().max(1))).max(1e-3); // derived: a probe that was refused once in all its calls
    (low < high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::super::observation::{AnswerClass, Observation, Phase};
    use super::*;
    use crate::limiter::suspect::Traits;
    use crate::limiter::{Arrival, FixedWindow, Limiter, Quota, SlidingCounter};

    /// Waves of calls to a limiter: each a pause before it and its calls, which come in one by one within 5 ms and have one bracket.
    fn seen(quota: Quota, waves: &[(u64, u64)]) -> View {
        let (mut limiter, mut at_us, mut observations) = (Limiter::new(quota, false), 20_000, Vec::new());
        for (round, (pause_us, calls)) in (0..).zip(waves) {
            at_us += pause_us;
            for call in 0..*calls {
                let now = Duration::from_micros(at_us + 5_000 * call / calls);
                let passed = limiter.take(Arrival { now, until: now, node: 0 }).is_ok();
                let answer = if passed { AnswerClass::Accepted } else { AnswerClass::Refused };
                let (sent_us, done_us) = (at_us - 3_000, at_us + 8_000);
                observations.push(Observation {
                    round,
                    segment: 0,
                    phase: Phase::Burst,
                    due_us: at_us,
                    sent_us,
                    done_us,
                    answer,
                });
            }
        }
        View::whole(&observations)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// What is left holds the limiter that answered, whatever its window, when that begins, and how many calls come at once.
        #[test]
        fn what_answered_is_left(
            limit in 1u32..8,
            window_ms in 200u64..1_500,
            share in 0.0f64..1.0,
            waves in prop::collection::vec((20_000u64..900_000, 1u64..10), 15..40),
        ) {
            let window = Duration::from_millis(window_ms);
            let phase = window.mul_f64(share);
            let counter = |floored| SlidingCounter { floored, phase, ..SlidingCounter::exact(limit, window) };
            let fixed = FixedWindow { phase, ..FixedWindow::on_grid(limit, window) };
            for (quota, rule) in [
                (Quota::SlidingCounter(counter(false)), Rule::Counter(false)),
                (Quota::SlidingCounter(counter(true)), Rule::Counter(true)),
                (Quota::FixedWindow(fixed), Rule::Fixed),
            ] {
                let view = seen(quota, &waves);
                if view.refused.is_empty() {
                    continue;
                }
                let (burst, period) = (Some(f64::from(limit)), Some(window.as_secs_f64()));
                let numbers = Traits { burst, period, ..Traits::default() };
                match ruled(&view, rule) {
                    Standing::Left(sets) => prop_assert!(sets.iter().any(|set| set.holds(&numbers)), "{quota}: {sets:?}"),
                    Standing::Open => {}
                    Standing::Refuted => prop_assert!(false, "{quota} is refuted"),
                }
            }
        }
    }
}
