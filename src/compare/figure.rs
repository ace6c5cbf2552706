//! Figures of a series that every call adds a little to: what the calls say together, and each one's part in it.
//!
//! Refuses to know how sure they are.

use super::side::{SeriesTimes, ln};
use super::terms::{Terms, mean};
use crate::num::count;

/// The logarithm of a figure that every call adds a little to, and each call's part in it: its error is normal.
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) terms: Vec<Terms>,
}

/// The mean logarithm.
pub(super) fn mean_ln(times: &SeriesTimes) -> Figure {
    let terms = times.terms(ln);
    Figure { value: mean(&terms), terms }
}

/// The logarithm of the mean difference of two logarithms.
pub(super) fn gini(times: &SeriesTimes) -> Figure {
    let n = count(times.sorted.len());
    let mut sums = Vec::with_capacity(times.sorted.len() + 1);
    sums.push(0.0);
    for us in &times.sorted {
        sums.push(sums[sums.len() - 1] + ln(*us));
    }
    let all = sums[sums.len() - 1];
    // The mean distance of one time to all others.
    let distance = |us: u32| {
        let below = times.sorted.partition_point(|other| *other <= us);
        let x = ln(us);
        (x * count(below) - sums[below] + (all - sums[below]) - x * (n - count(below))) / n
    };
    let mut terms = times.terms(distance);
    let gini = mean(&terms);
    // Its influence on the logarithm of the mean difference.
    terms.iter_mut().flat_map(|run| &mut run.values).for_each(|term| *term = 2.0 * (*term - gini) / gini);
    Figure { value: gini.ln(), terms }
}

/// Where the slowest tenth begins.
// derived: 1 - 1 / 10
const TENTH: f64 = 0.9;

/// How much the percentile `p` counts in the mean of the slowest tenth: not at its edges, where a tenth that moved away from the others
/// leaves a gap, and where a few calls decide; twice for its middle (the mean of it is 1).
fn part_in_tenth(p: f64) -> f64 {
    let place = (p - TENTH) / (1.0 - TENTH);
    // derived: the integral of x (1 - x) from 0 to 1 is a sixth
    if (0.0..1.0).contains(&place) { 6.0 * place * (1.0 - place) } else { 0.0 }
}

/// The weighted mean logarithm of the slowest tenth (a linear function of order statistics; van der Vaart: Asymptotic Statistics, 1998,
/// chapter 22).
pub(super) fn slowest_tenth(times: &SeriesTimes) -> Figure {
    let n = count(times.sorted.len());
    let (mut value, mut weights) = (0.0, 0.0);
    // The part of a call: how far the weighted percentiles below it lie apart.
    let mut parts = Vec::with_capacity(times.sorted.len());
    let (mut last, mut part) = (0.0, 0.0);
    for (i, us) in times.sorted.iter().enumerate() {
        // source: Hazen's place, as in `SeriesTimes::ln_quantile`
        let (x, weight) = (ln(*us), part_in_tenth((count(i) + 0.5) / n));
        value += weight * x;
        weights += weight;
        if i > 0 {
            part += part_in_tenth(count(i) / n) / (1.0 - TENTH) * (x - last);
        }
        parts.push(part);
        last = x;
    }
    let terms = times.terms(|us| {
        let at = times.sorted.partition_point(|other| *other < us);
        parts.get(at).copied().unwrap_or(part)
    });
    Figure { value: value / weights, terms }
}
