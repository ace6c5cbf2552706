//! Sliding logs by set membership: every length of the window follows from the numbers of calls.

use std::collections::VecDeque;

use super::super::view::{Ends, SLACK, View};
use super::{Set, Standing};
use crate::num::count;

/// Window lengths, in seconds, under which a sliding log of `limit` calls agrees with every answer.
///
/// Any `limit + 1` calls that were let through span at least a window; a refused call has `limit` of them within a window before it.
/// With `charged`, refused calls count as well.
fn lengths(view: &View, limit: usize, charged: bool) -> Option<(f64, f64)> {
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
        high = span(view, limit);
    }
    let low = spanned(maybe, view, limit + usize::from(charged))?;
    (low <= high + SLACK && high > 0.0).then_some((low, high))
}

/// The least time that one call more than `limit` took, of those that were let through.
pub(super) fn span(view: &View, limit: usize) -> f64 {
    view.accepted.hi.iter().skip(limit).zip(&view.accepted.lo).map(|(hi, lo)| hi - lo).fold(f64::INFINITY, f64::min)
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

/// Which logs agree with every answer, of any number of calls; with `charged`, refused calls count as well.
pub(in super::super) fn log(view: &View, charged: bool) -> Standing {
    let Some(first) = view.refused.first() else { return Standing::Open };
    // Whoever is refused has as many before it.
    let most =
        if charged { view.all.possibly(f64::NEG_INFINITY, first.1) } else { view.maybe.possibly(f64::NEG_INFINITY, first.1) };
    let sets = (1..=most).filter_map(|limit| {
        let (low, high) = lengths(view, limit, charged)?;
        let (n, low) = (count(limit), low.max(1e-6));
        let rate = (if high.is_finite() { n / high } else { 0.0 }, n / low);
        Some(Set { rate, burst: (n, n), period: Some((low, high)), edge: None, tokens: None, start: None })
    });
    Standing::of(sets.collect())
}
