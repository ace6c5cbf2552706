//! Windows that slide: the log, and the counter that approximates it.

use std::collections::VecDeque;

use super::bucket::count;
use super::view::{Ends, SLACK, View};

/// Window lengths, in seconds, under which a sliding log of `limit` calls agrees with every answer.
///
/// Any `limit + 1` calls that were let through span at least a window; a refused call has `limit` of them within a window before it.
/// With `charged`, refused calls count as well.
pub(super) fn log(view: &View, limit: usize, charged: bool) -> Option<(f64, f64)> {
    let (counted, maybe) = if charged { (&view.all, &view.all) } else { (&view.accepted, &view.maybe) };
    let mut high = f64::INFINITY;
    if charged {
        // An accepted call has fewer than `limit` of any kind in the window before it: of those surely before it the limit-th last, by its
        // earliest instant.
        let mut before = Latest::new(limit);
        let mut next = counted.by_end.iter().peekable();
        for call in view.seen.iter().filter(|call| call.accepted) {
            while let Some(pair) = next.next_if(|pair| pair.1 <= call.lo) {
                before.add(pair.0);
            }
            high = high.min(call.hi - before.nth());
        }
    } else {
        for (hi, lo) in counted.hi.iter().skip(limit).zip(&counted.lo) {
            high = high.min(hi - lo);
        }
    }
    let low = spanned(maybe, view, limit + usize::from(charged))?;
    (low <= high + SLACK && high > 0.0).then_some((low, high))
}

/// The shortest time within which `limit` calls can have been let through before every refused call; `None`: fewer were.
pub(super) fn shortest(view: &View, limit: usize) -> Option<f64> {
    spanned(&view.maybe, view, limit)
}

/// The same of `calls`, whichever count.
fn spanned(calls: &Ends, view: &View, limit: usize) -> Option<f64> {
    let mut before = Latest::new(limit);
    let mut next = calls.pairs.iter().peekable();
    let mut low = 0.0_f64;
    for (lo, hi) in &view.refused {
        while let Some(pair) = next.next_if(|pair| pair.0 <= *hi) {
            before.add(pair.1);
        }
        if !before.full() {
            return None;
        }
        low = low.max(lo - before.nth());
    }
    Some(low)
}

/// The latest so many of some instants, which come in nearly in order.
struct Latest {
    kept: VecDeque<f64>,
    most: usize,
}

impl Latest {
    fn new(most: usize) -> Self {
        Self { kept: VecDeque::with_capacity(most + 1), most }
    }

    fn add(&mut self, instant: f64) {
        let place = self.kept.partition_point(|other| *other <= instant);
        self.kept.insert(place, instant);
        if self.kept.len() > self.most {
            self.kept.pop_front();
        }
    }

    fn full(&self) -> bool {
        self.kept.len() >= self.most
    }

    /// The earliest of them, if there are so many.
    fn nth(&self) -> f64 {
        if self.full() { self.kept.front().copied().unwrap_or(f64::NEG_INFINITY) } else { f64::NEG_INFINITY }
    }
}

/// A sliding counter that agrees with every answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counter {
    /// Calls of a window.
    pub(super) limit: usize,
    /// Its length, in seconds.
    pub(super) window: (f64, f64),
    /// A window's beginning, in seconds from the probe's start.
    pub(super) edge: (f64, f64),
}

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
        ((first - 1e-9).floor(), (last + 1e-9).floor())
    }

    /// Whether one answer can come about.
    fn allows(&self, view: &View, limit: f64, (lo, hi): (f64, f64), accepted: bool, (charged, floored): (bool, bool)) -> bool {
        let (counted, maybe) = if charged { (&view.all, &view.all) } else { (&view.accepted, &view.maybe) };
        // Below the next whole call, not only up to this one; by more than rounding does, as servers that round count in milliseconds.
        let (spare, most) = if floored { (1.0, limit + 1.0 - SLACK) } else { (0.0, limit + SLACK) };
        let (mut n, last) = self.windows(lo, hi);
        if last - n > 2.0 {
            return true;
        }
        while n <= last {
            let (before, begin, end) = (self.begin(n - 1.0), self.begin(n), self.begin(n + 1.0));
            let possible = if accepted {
                let taken = count(counted.surely(begin.1, lo));
                let earlier = count(counted.surely(before.1, begin.0));
                let left = (1.0 - (hi.min(end.1) - begin.0) / self.window.0).clamp(0.0, 1.0);
                earlier * left + taken + 1.0 <= most
            } else {
                let own = if charged { 1.0 } else { 0.0 };
                let taken = count(maybe.possibly(begin.0, hi)) - own;
                let earlier = count(maybe.possibly(before.0, begin.1));
                let left = (1.0 - (lo.max(begin.0) - begin.1) / self.window.1).clamp(0.0, 1.0);
                earlier * left + taken + 1.0 > limit + spare - SLACK
            };
            if possible {
                return true;
            }
            n += 1.0;
        }
        false
    }

    /// Whether all answers can come about. `order` is that of looking: whoever refutes is looked at first the next time.
    fn agrees(&self, view: &View, limit: f64, cost: (bool, bool), order: &mut [usize]) -> bool {
        let refutes = |index: &usize| {
            let call = &view.seen[*index];
            !self.allows(view, limit, (call.lo, call.hi), call.accepted, cost)
        };
        let Some(place) = order.iter().position(refutes) else { return true };
        order[..=place].rotate_right(1);
        false
    }

    fn halves(&self) -> [Self; 2] {
        let (mut a, mut b) = (*self, *self);
        let reach = (self.window.1 - self.window.0) * 4.0;
        if self.edge.1 - self.edge.0 > reach {
            (a.edge.1, b.edge.0) = (f64::midpoint(self.edge.0, self.edge.1), f64::midpoint(self.edge.0, self.edge.1));
        } else {
            (a.window.1, b.window.0) = (f64::midpoint(self.window.0, self.window.1), f64::midpoint(self.window.0, self.window.1));
        }
        [a, b]
    }
}

/// Sliding counters of `limit` that agree with every answer; `edge` and `window` bound where to look. `fineness` in seconds; `effort` is
/// how many rectangles may be looked at; `cost` says whether refused calls count, and whether the share of the last window is rounded
/// down.
pub(super) fn counter(
    view: &View,
    limit: usize,
    cost: (bool, bool),
    edge: (f64, f64),
    window: (f64, f64),
    (fineness, effort): (f64, usize),
) -> Option<Counter> {
    // What the effort did not suffice to refute widens the hull, but does not make a counter.
    search(view, limit, cost, Grid { edge, window }, (fineness, effort)).filter(|(_, found)| *found).map(|(hull, _)| hull)
}

/// The same where it is hardly known where to look: finer and finer, each time within what was not refuted before. `effort` is that of
/// each time; when it does not suffice, the last hull stands.
pub(super) fn counter_from_afar(
    view: &View,
    limit: usize,
    cost: (bool, bool),
    (edge, window): ((f64, f64), (f64, f64)),
    (fineness, effort): (f64, usize),
) -> Option<Counter> {
    let mut hull = Counter { limit, window, edge };
    let fineness = fineness.max(window.1 / 2000.0);
    let mut fine = ((edge.1 - edge.0) / 4.0).max(fineness);
    loop {
        let (found, done) = search(view, limit, cost, Grid { edge: hull.edge, window: hull.window }, (fine, effort))?;
        hull = found;
        if !done || fine <= fineness {
            return Some(hull);
        }
        fine /= 3.0;
    }
}

/// The hull of what is not refuted, and whether any of it was looked at as finely as asked.
fn search(
    view: &View,
    limit: usize,
    cost: (bool, bool),
    whole: Grid,
    (fineness, effort): (f64, usize),
) -> Option<(Counter, bool)> {
    let mut stack = vec![whole];
    let mut hull: Option<Counter> = None;
    let (mut looked, mut found) = (0, false);
    let mut order: Vec<usize> = (0..view.seen.len()).collect();
    while let Some(part) = stack.pop() {
        let inside = |h: Counter| {
            h.edge.0 <= part.edge.0 && part.edge.1 <= h.edge.1 && h.window.0 <= part.window.0 && part.window.1 <= h.window.1
        };
        if hull.is_some_and(inside) {
            continue;
        }
        looked += 1;
        if !part.agrees(view, count(limit), cost, &mut order) {
            continue;
        }
        let fine = part.edge.1 - part.edge.0 <= fineness && part.window.1 - part.window.0 <= fineness / 8.0;
        if !fine && looked < effort {
            stack.extend(part.halves());
            continue;
        }
        found |= fine;
        hull = Some(hull.map_or(Counter { limit, window: part.window, edge: part.edge }, |h| Counter {
            limit,
            window: (h.window.0.min(part.window.0), h.window.1.max(part.window.1)),
            edge: (h.edge.0.min(part.edge.0), h.edge.1.max(part.edge.1)),
        }));
    }
    hull.map(|hull| (hull, found))
}
