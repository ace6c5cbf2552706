//! Tokens that come in steps: a step bucket, and the fixed window, which is a step bucket as deep as its step.
//!
//! The refill is `tokens` times the number of edges so far. Where a call was surely refused and a later one let through, an edge lies
//! between; the first and the last such place of a stream hold two edges `u` and `v` with a whole number M of steps between. For every M,
//! the rectangle of (u, v) is halved as in [`bucket`](super::bucket), and what is not refuted bounds the step's length and phase.

use super::bucket::{self, Depth, count};
use super::view::View;
use super::window;

/// All steps that are looked at share so many times the effort of one.
const POOL: usize = 4;

/// The part of the effort for steps that are looked at when it is spent.
const LEAST: usize = 150;

/// Steps that agree with every answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps {
    /// Tokens of a step.
    pub(super) tokens: f64,
    /// Length of a step, in seconds.
    pub(super) every: (f64, f64),
    /// An edge, in seconds from the probe's start.
    pub(super) edge: (f64, f64),
    /// Depths.
    pub(super) depth: (f64, f64),
}

/// A place in which an edge lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) lo: f64,
    pub(super) hi: f64,
    pub(super) segment: u32,
}

/// Places where a refused call surely comes before one that is let through, with nothing let through between.
pub(super) fn places(view: &View) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    for (index, call) in view.seen.iter().enumerate().filter(|(_, call)| call.accepted) {
        let refused = view.seen[..index].iter().rev().find(|other| !other.accepted && other.hi <= call.lo);
        let Some(refused) = refused.filter(|r| r.segment == call.segment) else { continue };
        // A later accepted call with the same refused one before it says less.
        if found.last().is_some_and(|last| last.lo >= refused.lo) {
            continue;
        }
        found.push(Place { lo: refused.lo, hi: call.hi, segment: call.segment });
    }
    found
}

/// Two places far apart, as narrow as can be; in one stream, if asked.
fn anchors(places: &[Place], one_stream: bool) -> Option<(Place, Place)> {
    let blur = |(a, b): &(Place, Place)| (a.hi - a.lo + b.hi - b.lo) / (b.lo - a.hi);
    let pairs = places.iter().enumerate().flat_map(|(index, first)| {
        let later = places[index + 1..].iter().filter(|p| p.lo > first.hi && (!one_stream || p.segment == first.segment));
        later.map(|last| (*first, *last))
    });
    pairs.min_by(|a, b| blur(a).total_cmp(&blur(b)))
}

/// The two edges' rectangle and the steps between them.
#[derive(Debug, Clone, Copy)]
struct Frame {
    u: (f64, f64),
    v: (f64, f64),
    steps: f64,
}

impl Frame {
    /// Edges up to `t`, counted from `u`: at most.
    fn most_edges(&self, t: f64) -> f64 {
        // The earliest that the n-th edge can be is linear in n between u and v, and beyond them on either side.
        let n = (t - self.u.0) / ((self.v.0 - self.u.0) / self.steps);
        let n = if n > self.steps {
            self.steps + (t - self.v.0) / ((self.v.0 - self.u.1) / self.steps)
        } else if n < 0.0 {
            (t - self.u.0) / ((self.v.1 - self.u.0) / self.steps)
        } else {
            n
        };
        (n + 1e-9).floor()
    }

    /// Edges up to `t`, counted from `u`: at least.
    fn least_edges(&self, t: f64) -> f64 {
        let n = (t - self.u.1) / ((self.v.1 - self.u.1) / self.steps);
        let n = if n > self.steps {
            self.steps + (t - self.v.1) / ((self.v.1 - self.u.0) / self.steps)
        } else if n < 0.0 {
            (t - self.u.1) / ((self.v.0 - self.u.1) / self.steps)
        } else {
            n
        };
        (n - 1e-9).floor()
    }

    fn depth(&self, view: &View, tokens: f64) -> Option<(f64, f64)> {
        let (few, many) = (|t| tokens * self.least_edges(t), |t| tokens * self.most_edges(t));
        let least = bucket::least(view, 0.0, few, many);
        if least == f64::INFINITY {
            return None;
        }
        Depth { least, most: bucket::most(view, 0.0, many, few) }.whole(0.0)
    }

    fn halves(&self) -> [Self; 2] {
        let (mut a, mut b) = (*self, *self);
        if self.u.1 - self.u.0 > self.v.1 - self.v.0 {
            (a.u.1, b.u.0) = (f64::midpoint(self.u.0, self.u.1), f64::midpoint(self.u.0, self.u.1));
        } else {
            (a.v.1, b.v.0) = (f64::midpoint(self.v.0, self.v.1), f64::midpoint(self.v.0, self.v.1));
        }
        [a, b]
    }

    fn wide(&self) -> f64 {
        (self.u.1 - self.u.0).max(self.v.1 - self.v.0)
    }
}

/// Every step refill that agrees with all answers, one for each number of tokens and of steps: at most a few.
///
/// `fineness` is how far the two edges are pinned down, in seconds; `effort` bounds the rectangles that are looked at; `bursts` are
/// numbers of calls that bursts from rest let through. `fixed` asks for
/// fixed windows only, whose depth is their step.
pub(super) fn steps(view: &View, fineness: f64, fixed: bool, effort: usize, bursts: &[usize]) -> Vec<Steps> {
    let places = places(view);
    let Some((first, last)) = anchors(&places, true) else {
        return if fixed { apart(view, &places, fineness, effort, bursts) } else { Vec::new() };
    };
    let mut pairs = if fixed { window_pairs(view, &places, (first, last)) } else { step_pairs(view, &places, (first, last)) };
    // Where round trips leave many windows open, none is looked at closely but those of what passed from rest.
    pairs.sort_by_key(|(tokens, _)| fixed && !bursts.contains(tokens));
    let mut pool = effort * POOL;
    let mut found: Vec<Steps> = Vec::new();
    for (tokens, steps) in pairs {
        let begin = effort.min(pool).max(effort / LEAST);
        let mut left = begin;
        let frame = Frame { u: (first.lo, first.hi), v: (last.lo, last.hi), steps: count(steps) };
        found.extend(refine(view, frame, count(tokens), fineness, fixed, &mut left));
        pool = pool.saturating_sub(begin - left);
    }
    match anchors(&places, false).filter(|far| *far != (first, last)) {
        Some(far) => found.into_iter().filter_map(|near| over_rests(view, near, far, fineness, fixed, effort)).collect(),
        None => found,
    }
}

/// Tokens of a step, and steps from one place to another. Exhausted before both edges, so what was let through between them is what came in
/// the steps between them. Large steps first: they are few, and soon refuted.
fn step_pairs(view: &View, places: &[Place], (first, last): (Place, Place)) -> Vec<(usize, usize)> {
    let (surely, taken) = (view.accepted.surely(first.hi, last.lo).max(1), view.accepted.possibly(first.lo, last.hi));
    // As many steps as there are edges of their own between them, and no more calls let through than came in them.
    let seen = edges_between(places, first, last);
    let most = taken.checked_div(seen).unwrap_or(taken);
    let steps = |tokens: usize| surely.div_ceil(tokens).max(seen)..=taken / tokens;
    (1..=most).rev().flat_map(|tokens| steps(tokens).map(move |steps| (tokens, steps))).collect()
}

/// Calls of a window, and windows from one place to another. A window that was not used up is lost, so that fewer calls may have been let
/// through than windows would have; but whoever is refused has as many as a window lets through within one window before it.
fn window_pairs(view: &View, places: &[Place], (first, last): (Place, Place)) -> Vec<(usize, usize)> {
    let (surely, taken) = (view.accepted.surely(first.hi, last.lo).max(1), view.accepted.possibly(first.lo, last.hi));
    let seen = edges_between(places, first, last).max(1);
    let trip = view.trip();
    let refused = view.refused.iter().map(|(_, hi)| *hi).next().unwrap_or(0.0);
    let most = view.maybe.possibly(f64::NEG_INFINITY, refused);
    let mut pairs = Vec::new();
    for calls in (1..=most).rev() {
        let Some(shortest) = window::shortest(view, calls) else { continue };
        // A stream above the rate uses up more than half of them; and those shorter than a round trip are a bucket's.
        let longest = ((last.hi - first.lo) / shortest.max(trip)).min(count(2 * taken / calls + 2));
        // More than two windows let through at once need more than one window's time.
        let span =
            view.accepted.hi.iter().skip(2 * calls).zip(&view.accepted.lo).map(|(hi, lo)| hi - lo).fold(f64::INFINITY, f64::min);
        let soonest = whole(((last.lo - first.hi) / span).ceil());
        let mut steps = surely.div_ceil(calls).max(seen).max(soonest);
        while count(steps) <= longest {
            pairs.push((calls, steps));
            steps += 1;
        }
    }
    pairs
}

/// A number of steps.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative, and a cast saturates
fn whole(steps: f64) -> usize {
    steps.max(0.0) as usize
}

/// From one place to another: how many edges there are at least, beyond the first.
fn edges_between(places: &[Place], first: Place, last: Place) -> usize {
    let (mut edges, mut end) = (0, first.hi);
    for place in places.iter().filter(|p| p.lo >= first.hi && p.hi <= last.hi) {
        if place.lo >= end {
            (edges, end) = (edges + 1, place.hi);
        }
    }
    edges
}

/// How many edges of their own were seen.
pub(super) fn edges(view: &View) -> usize {
    let (mut edges, mut end) = (0, f64::NEG_INFINITY);
    for place in places(view) {
        if place.lo >= end {
            (edges, end) = (edges + 1, place.hi);
        }
    }
    edges
}

/// Windows that were seen once in each stream: as many calls as a burst from rest let through, and a few windows between.
fn apart(view: &View, places: &[Place], fineness: f64, effort: usize, bursts: &[usize]) -> Vec<Steps> {
    let Some((first, last)) = anchors(places, false) else { return Vec::new() };
    let frame = |steps: usize| Frame { u: (first.lo, first.hi), v: (last.lo, last.hi), steps: count(steps) };
    let all = bursts.iter().flat_map(|tokens| (1..=6).map(move |steps| (*tokens, steps)));
    all.filter_map(|(tokens, steps)| refine(view, frame(steps), count(tokens), fineness, true, &mut effort.clone())).collect()
}

/// The same steps between two edges further apart, with rests between them.
fn over_rests(view: &View, near: Steps, far: (Place, Place), fineness: f64, fixed: bool, effort: usize) -> Option<Steps> {
    let (u, v) = ((far.0.lo, far.0.hi), (far.1.lo, far.1.hi));
    let (low, high) = (((v.0 - u.1) / near.every.1).ceil().max(1.0), ((v.1 - u.0) / near.every.0).floor());
    if high - low > 6.0 {
        return Some(near);
    }
    let mut hull: Option<Steps> = None;
    let mut steps = low;
    while steps <= high {
        let mut left = effort;
        if let Some(part) = refine(view, Frame { u, v, steps }, near.tokens, fineness, fixed, &mut left) {
            hull = Some(hull.map_or(part, |h| join(h, part)));
        }
        steps += 1.0;
    }
    hull
}

/// The hull of the part of a frame that is not refuted.
fn refine(view: &View, frame: Frame, tokens: f64, fineness: f64, fixed: bool, left: &mut usize) -> Option<Steps> {
    let fits = |depth: &(f64, f64)| if fixed { depth.0 <= tokens && tokens <= depth.1 } else { depth.1 >= tokens };
    let mut stack = vec![frame];
    let mut hull: Option<Steps> = None;
    while let Some(part) = stack.pop() {
        let outer = Steps {
            tokens,
            every: ((part.v.0 - part.u.1) / part.steps, (part.v.1 - part.u.0) / part.steps),
            edge: part.u,
            depth: (tokens, tokens),
        };
        // What lies within the hull already adds nothing.
        if hull.is_some_and(|h| {
            h.every.0 <= outer.every.0 && outer.every.1 <= h.every.1 && h.edge.0 <= part.u.0 && part.u.1 <= h.edge.1
        }) {
            continue;
        }
        *left = left.saturating_sub(1);
        let Some(depth) = part.depth(view, tokens).filter(fits) else { continue };
        if part.wide() > fineness && *left > 0 {
            stack.extend(part.halves());
            continue;
        }
        let depth = if fixed { (tokens, tokens) } else { (depth.0.max(tokens), depth.1) };
        let leaf = Steps { depth, ..outer };
        hull = Some(hull.map_or(leaf, |h| join(h, leaf)));
    }
    hull
}

fn join(a: Steps, b: Steps) -> Steps {
    let wide = |x: (f64, f64), y: (f64, f64)| (x.0.min(y.0), x.1.max(y.1));
    Steps { tokens: a.tokens, every: wide(a.every, b.every), edge: wide(a.edge, b.edge), depth: wide(a.depth, b.depth) }
}
