//! Branch and prune over boxes: which values of some numbers agree with all observations.
//!
//! A test refutes a whole box of values or does not. What is not refuted is halved, down to a stated fineness; the hull of what is left holds
//! every value that no test refutes (Jaulin, Walter: Set inversion via interval analysis for nonlinear bounded-error estimation, Automatica
//! 29, 1993). A search that ran out of effort says so: what it did not look at is left over, not refuted.
//!
//! Refuses to guess: the hull may be too wide, never too narrow.

use std::collections::VecDeque;

/// The least and the most of each number.
pub type Bounds<const N: usize> = [(f64, f64); N];

/// What a search left over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left<const N: usize> {
    /// The hull of all that is not refuted; `None`: everything is.
    pub hull: Option<Bounds<N>>,
    /// Whether all of it was looked at as finely as asked.
    pub complete: bool,
}

/// Searches `whole` with boxes of which each number is at most `fine` wide at the end; at most `effort` boxes are tested.
/// `refuted` says of a box that none of its values agrees with the observations.
pub fn search<const N: usize>(
    whole: Bounds<N>,
    fine: [f64; N],
    effort: usize,
    mut refuted: impl FnMut(&Bounds<N>) -> bool,
) -> Left<N> {
    let mut parts = VecDeque::from([whole]);
    let mut left = Left { hull: None, complete: true };
    let (mut looked, mut high_end) = (0, true);
    // From both ends in turn: what lies between two places that are left needs no look.
    while let Some(part) = if high_end { parts.pop_back() } else { parts.pop_front() } {
        // What lies within the hull adds nothing.
        if left.hull.is_some_and(|hull| holds(&hull, &part)) {
            continue;
        }
        looked += 1;
        if looked <= effort && refuted(&part) {
            continue;
        }
        let (at, width) = widest(&part, &fine);
        if width > 1.0 && looked < effort {
            let middle = f64::midpoint(part[at].0, part[at].1);
            let (mut low, mut high) = (part, part);
            (low[at].1, high[at].0) = (middle, middle);
            if high_end {
                parts.extend([low, high]);
            } else {
                parts.push_front(high);
                parts.push_front(low);
            }
            continue;
        }
        left.complete &= looked < effort || width <= 1.0;
        high_end = !high_end;
        left.hull = Some(left.hull.map_or(part, |hull| joined(&hull, &part)));
    }
    left
}

/// The number that is widest for its fineness, and how wide.
fn widest<const N: usize>(part: &Bounds<N>, fine: &[f64; N]) -> (usize, f64) {
    let width = |at: usize| (part[at].1 - part[at].0) / fine[at];
    (0..N).map(|at| (at, width(at))).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

fn holds<const N: usize>(outer: &Bounds<N>, inner: &Bounds<N>) -> bool {
    outer.iter().zip(inner).all(|(o, i)| o.0 <= i.0 && i.1 <= o.1)
}

fn joined<const N: usize>(a: &Bounds<N>, b: &Bounds<N>) -> Bounds<N> {
    let mut both = *a;
    for (at, other) in both.iter_mut().zip(b) {
        *at = (at.0.min(other.0), at.1.max(other.1));
    }
    both
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A disc: a box is refuted if none of its points is in it.
    fn outside(part: &Bounds<2>, x: f64, y: f64, radius: f64) -> bool {
        let near = |(low, high): (f64, f64), at: f64| (low - at).max(at - high).max(0.0);
        near(part[0], x).hypot(near(part[1], y)) > radius
    }

    proptest! {
        /// The hull holds the whole disc, and little more than it.
        #[test]
        fn the_hull_holds_what_agrees(x in 1.0f64..9.0, y in 1.0f64..9.0, radius in 0.1f64..1.0) {
            let left = search([(0.0, 10.0); 2], [0.02; 2], 20_000, |part| outside(part, x, y, radius));
            prop_assert!(left.complete);
            let hull = left.hull.unwrap();
            for (bounds, at) in hull.iter().zip([x, y]) {
                prop_assert!(bounds.0 <= at - radius && at + radius <= bounds.1, "{:?} {}", bounds, at);
                prop_assert!(bounds.0 >= at - radius - 0.05 && bounds.1 <= at + radius + 0.05, "{:?} {}", bounds, at);
            }
        }

        /// Without enough effort the hull is wider, and said not to be complete.
        #[test]
        fn effort_that_ran_out_is_said(x in 1.0f64..9.0, y in 1.0f64..9.0) {
            let left = search([(0.0, 10.0); 2], [0.001; 2], 30, |part| outside(part, x, y, 0.5));
            prop_assert!(!left.complete);
            let hull = left.hull.unwrap();
            prop_assert!(hull[0].0 <= x - 0.5 && x + 0.5 <= hull[0].1);
        }
    }

    /// Where nothing agrees nothing is left, and the search is complete.
    #[test]
    fn nothing_is_left_of_what_is_refuted() {
        let left = search([(0.0, 1.0)], [0.1], 100, |part: &Bounds<1>| part[0].1 - part[0].0 < 0.5);
        assert_eq!(left, Left { hull: None, complete: true });
    }
}
