//! Windows that begin with the first call after the last one's end, by set membership.
//!
//! The windows are known once it is known with which calls they begin. From the first call on, every later one that was let through may
//! begin the next window if the windows before it can have ended in time: a chain of such calls up to the end must exist.

use super::super::view::View;
use super::grid::lengths;
use super::{Set, Standing, slices};
use crate::num::count;
use crate::stats::boxes::search;

/// Lengths are looked at this finely, relative to the length.
const FINE: f64 = 1e-4; // derived: a fiftieth of the precision that is asked for by default

/// Boxes of lengths for a number of calls.
const EFFORT: usize = 3000; // derived: two edges of a region in steps of 1e-4 need some dozens each, one of several pieces some hundreds

/// Which of them agree with every answer, of any number of calls.
pub(in super::super) fn windows(view: &View) -> Standing {
    let Some(first) = view.refused.first() else { return Standing::Open };
    let most = view.maybe.possibly(f64::NEG_INFINITY, first.1);
    let mut sets = Vec::new();
    for limit in 1..=most {
        let Some(range) = lengths(view, limit, 1.0) else { continue };
        for (low, high) in slices(range) {
            let whole = [(low.ln(), high.ln())];
            let left = search(whole, [FINE], EFFORT, |part| !chained(view, limit, (part[0].0.exp(), part[0].1.exp())));
            let Some([(low, high)]) = left.hull else { continue };
            if !left.complete {
                return Standing::Open;
            }
            let (n, low, high) = (count(limit), low.exp(), high.exp());
            sets.push(Set {
                rate: (n / high, n / low),
                burst: (n, n),
                period: Some((low, high)),
                edge: None,
                tokens: None,
                start: None,
            });
        }
    }
    Standing::of(sets)
}

/// Whether windows of some length between two bounds can follow each other.
fn chained(view: &View, limit: usize, (shortest, longest): (f64, f64)) -> bool {
    // A call of which nobody knows may have begun a window as well.
    let calls = &view.maybe.pairs;
    let Some(first) = calls.first() else { return false };
    let mut can_begin = vec![false; calls.len()];
    for (at, call) in calls.iter().enumerate() {
        // Nothing was surely decided before the first window.
        can_begin[at] = call.0 <= first.1 && !view.refused.iter().any(|r| r.1 < call.0) && view.accepted.before(call.0) == 0;
    }
    for at in 0..calls.len() {
        if !can_begin[at] {
            continue;
        }
        let begin = calls[at];
        if fits(view, limit, begin, longest, None) {
            return true;
        }
        // The next window begins with a call that is surely no earlier than the end of this one.
        let mut next = calls.partition_point(|call| call.0 <= begin.0);
        let latest = latest_next(view, begin, longest);
        while next < calls.len() && calls[next].0 <= latest {
            if !can_begin[next] && calls[next].1 >= begin.0 + shortest && next != at {
                can_begin[next] = fits(view, limit, begin, longest, Some(calls[next]));
            }
            next += 1;
        }
    }
    false
}

/// Beyond the first call that is surely later than the window's end, no other can begin the next one.
fn latest_next(view: &View, begin: (f64, f64), longest: f64) -> f64 {
    let end = begin.1 + longest;
    let later = view.accepted.lo.partition_point(|lo| *lo <= end);
    view.accepted.lo.get(later).map_or(f64::INFINITY, |lo| {
        // Those whose brackets overlap it may have come before it.
        view.accepted.by_end.iter().filter(|pair| pair.0 >= *lo).map(|pair| pair.1).next().unwrap_or(f64::INFINITY)
    })
}

/// Whether all answers surely between the beginning of a window and that of the next agree with it.
fn fits(view: &View, limit: usize, begin: (f64, f64), longest: f64, next: Option<(f64, f64)>) -> bool {
    let until = next.map_or(f64::INFINITY, |next| next.0);
    let last = begin.1 + longest;
    // Surely after the first call and before the next window: in this one, with the call that began it.
    let inside = view.accepted.surely(begin.1, until);
    #[allow(clippy::float_cmp)] // an instant without a width is known exactly
    let exact = begin.0 == begin.1;
    if inside + 1 > limit + usize::from(exact) {
        return false;
    }
    // Let through after its end without beginning another.
    let after = view.accepted.lo.partition_point(|lo| *lo <= last.max(begin.1));
    if view.accepted.lo[after..].iter().take_while(|lo| **lo < until).any(|_| view.accepted.surely(last, until) > 0) {
        return false;
    }
    // Refused calls found it full, and not over.
    let refused = view.refused.partition_point(|r| r.1 < begin.0);
    view.refused[refused..]
        .iter()
        .filter(|r| r.0 > begin.1 && r.1 < until)
        .all(|r| r.0 <= last && view.maybe.possibly(begin.0, r.1) >= limit)
}
