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

use super::view::{SLACK, View};

/// Bounds of the depth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Depth {
    /// At least.
    pub(super) least: f64,
    /// Less than.
    pub(super) most: f64,
}

impl Depth {
    /// Whole numbers of tokens between the bounds, if there are any. `slack` is what rounding may have done to them.
    pub(super) fn whole(self, slack: f64) -> Option<(f64, f64)> {
        let (low, high) = ((self.least - slack).ceil().max(1.0), (self.most + slack).ceil() - 1.0);
        (low <= high).then_some((low, high))
    }
}

/// The depth that the accepted calls need, when refill between two instants is at most `to(t2) - from(t1)`. Infinite if what came after a
/// refused call refutes the refill whatever the depth: less than a token was left then.
pub(super) fn least(view: &View, slack: f64, from: impl Fn(f64) -> f64, to: impl Fn(f64) -> f64) -> f64 {
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
pub(super) fn most(view: &View, slack: f64, from: impl Fn(f64) -> f64, to: impl Fn(f64) -> f64) -> f64 {
    let ends = &view.maybe;
    let (mut allowed, mut first, mut passed) = (f64::INFINITY, 0, 0);
    let mut calls = Calls::default();
    for (lo, hi) in &view.refused {
        first += ends.lo[first..].partition_point(|begin| begin <= hi);
        // Nothing was let through before: it was not full, of which this says nothing.
        if first == 0 {
            continue;
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
        allowed = allowed.min((room - full).max(about.unwrap_or(f64::NEG_INFINITY)) + 1.0);
    }
    allowed
}

/// Calls in the order of their ends, each with its level: the calls surely before it less the refill up to its end.
#[derive(Default)]
struct Calls {
    /// Beginning and level of those above all later ones.
    falling: Vec<(f64, f64)>,
    /// End and level of those below all later ones.
    rising: Vec<(f64, f64)>,
}

impl Calls {
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

/// The same when a refused call takes what is left: nothing is left after it.
///
/// Bounds of the depth for rates of `[low, high]`; `None`: the answers refute them all.
pub(super) fn charged(view: &View, low: f64, high: f64) -> Option<Depth> {
    let ends = &view.accepted;
    let (mut refused, mut after) = (0, f64::NEG_INFINITY);
    for (j, hi) in ends.hi.iter().enumerate() {
        while refused < view.refused.len() && view.refused[refused].1 <= *hi {
            let (lo, until) = view.refused[refused];
            after = after.max(high * lo - count(ends.lo.partition_point(|begin| *begin < until)));
            refused += 1;
        }
        // What was let through since came in since.
        if count(j + 1) - high * hi + after > SLACK {
            return None;
        }
    }
    let most = shallowest(view, low)?;
    let depth = Depth { least: deepest(view, high), most };
    depth.whole(SLACK).map(|_| depth)
}

/// The depth that accepted calls need of which no refused one is between.
fn deepest(view: &View, high: f64) -> f64 {
    let ends = &view.accepted;
    let mut refused = view.refused.iter().peekable();
    let (mut latest, mut least) = (f64::NEG_INFINITY, 1.0_f64);
    for (j, hi) in ends.hi.iter().enumerate() {
        while let Some((lo, _)) = refused.next_if(|(_, until)| until < hi) {
            latest = latest.max(*lo);
        }
        let from = ends.lo.partition_point(|lo| *lo < latest);
        for (i, lo) in ends.lo.iter().enumerate().take(j + 1).skip(from) {
            least = least.max(count(j + 1) - count(i) - (hi - lo) * high);
        }
    }
    least
}

/// The depth that the first call of every group of refused ones allows: those whose brackets overlap. `None`: more came in before one of
/// them than was taken, whatever the depth.
fn shallowest(view: &View, low: f64) -> Option<f64> {
    let mut calls = view.refused.clone();
    calls.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut most, mut before) = (f64::INFINITY, None);
    let mut rest = calls.as_slice();
    while let Some((begin, _)) = rest.first() {
        let (mut end, mut size) = (f64::NEG_INFINITY, 0);
        let mut soonest = f64::INFINITY;
        for (lo, hi) in rest {
            if size > 0 && *lo > end {
                break;
            }
            (end, soonest, size) = (end.max(*hi), soonest.min(*hi), size + 1);
        }
        match before {
            None => most = most.min(from_full(view, *begin, soonest, low)),
            Some(since) => {
                let taken = count(view.maybe.possibly(since, soonest)) + 1.0;
                // Either less came in than was taken, or the depth held it back: it is a whole number below.
                if taken + SLACK <= (begin - since).max(0.0) * low {
                    most = most.min(taken - 0.5);
                }
            }
        }
        (before, rest) = (Some(end), &rest[size..]);
    }
    (most > 0.0).then_some(most)
}

/// The depth that the first refused call allows, decided in `[begin, soonest]`: it was full at the start, and perhaps again until one of the
/// calls let through before.
fn from_full(view: &View, begin: f64, soonest: f64, low: f64) -> f64 {
    let before = view.maybe.pairs.iter().take_while(|(lo, _)| *lo <= soonest);
    let allowed = before.map(|(lo, hi)| count(view.maybe.possibly(*lo, soonest)) + 1.0 - (begin - hi).max(0.0) * low);
    let most = allowed.fold(f64::NEG_INFINITY, f64::max);
    // Nothing was let through before: it was not full.
    if most.is_finite() { most } else { f64::INFINITY }
}

/// Rates and depths that agree with every answer: the hull of what cannot be refuted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Region {
    /// Rates, per second.
    pub(super) rate: (f64, f64),
    /// Depths.
    pub(super) depth: (f64, f64),
}

/// The lowest and the highest rate that are ever looked at.
const RATES: (f64, f64) = (1e-4, 1e6);

/// A bucket takes at least this part of a round trip to fill: calls at any rate from anywhere agree with one that is always full.
const FILLS: f64 = 0.25;

/// The token bucket's region, to a relative `resolution` of the rate. `None`: it is refuted.
pub(super) fn region(view: &View, resolution: f64) -> Option<Region> {
    region_from(view, resolution, true)
}

/// The same of a part of the answers; when it was not `full` at its beginning, and never is again, the depth is what it held, a part of a
/// token included.
pub(super) fn region_from(view: &View, resolution: f64, full: bool) -> Option<Region> {
    let trip = view.trip();
    hull(RATES, resolution, &|low, high| {
        let need = least(view, SLACK, |t| high * t, |t| high * t).max(low * trip * FILLS);
        let depth = Depth { least: need, most: most(view, SLACK, |t| low * t, |t| low * t) };
        if full { depth.whole(SLACK) } else { (depth.least <= depth.most + SLACK).then_some((depth.least, depth.most)) }
    })
}

/// The region of a token bucket whose refused calls take what is left.
pub(super) fn region_charged(view: &View, resolution: f64) -> Option<Region> {
    hull(RATES, resolution, &|low, high| charged(view, low, high)?.whole(SLACK))
}

/// The hull of the rates that `test` does not refute.
fn hull(rates: (f64, f64), resolution: f64, test: &impl Fn(f64, f64) -> Option<(f64, f64)>) -> Option<Region> {
    let (low, shallow) = edge(rates, resolution, test, false)?;
    let (high, deep) = edge((low.0, rates.1), resolution, test, true).unwrap_or((low, shallow));
    // The depths of all rates between.
    let (least, most) = test(low.0, high.1).unwrap_or((shallow.0.min(deep.0), shallow.1.max(deep.1)));
    Some(Region { rate: (low.0, high.1), depth: (least, most) })
}

/// A range of rates, and the depths that it leaves.
type Leaf = ((f64, f64), (f64, f64));

/// The first range, from below or from above, that is not refuted when it is as narrow as the resolution.
fn edge(rates: (f64, f64), resolution: f64, test: &impl Fn(f64, f64) -> Option<(f64, f64)>, from_above: bool) -> Option<Leaf> {
    let mut stack = vec![rates];
    while let Some((low, high)) = stack.pop() {
        let Some(depth) = test(low, high) else { continue };
        if high <= low * (1.0 + resolution) {
            return Some(((low, high), depth));
        }
        let middle = (low * high).sqrt();
        let halves = [(low, middle), (middle, high)];
        stack.extend(if from_above { halves } else { [halves[1], halves[0]] });
    }
    None
}

/// A count as a number of tokens.
#[allow(clippy::cast_precision_loss)] // counts of calls
pub(super) fn count(calls: usize) -> f64 {
    calls as f64
}

/// The lowest rate at which one bucket can have let through what it did after each refused call, when less than a token was left.
pub(super) fn rate_after_refusals(view: &View) -> f64 {
    let (mut low, mut high) = RATES;
    while high > low * 1.001 {
        let middle = (low * high).sqrt();
        let enough = least(view, SLACK, |t| middle * t, |t| middle * t) < f64::INFINITY;
        *(if enough { &mut high } else { &mut low }) = middle;
    }
    high
}
