//! Where a series changes its level or its form: E-divisive (Matteson, James: A nonparametric approach for multiple change point
//! analysis of multivariate data, JASA 2014), with exponent 1 and each segment taken to its end.
//!
//! The most divergent split is looked for, held against splits of the same series in permuted order, and if it stands the parts are
//! looked at in turn. Nothing is assumed of the values' distribution. The permutations are draws of a seed: the same series gives the
//! same answer.

use super::draw::{Stream, bits};
use crate::num::{count, float};

/// How change points are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// Values between two change points at least, from 2.
    pub least: usize,
    /// Permutations of a test; the smallest p value is 1 / (permutations + 1).
    pub permutations: u64,
    /// A split with a larger p value is chance.
    pub alpha: f64,
    /// What the permutations are drawn from.
    pub seed: u64,
}

impl Default for Search {
    fn default() -> Self {
        // derived: the median of three is that of the other two where one is an outlier; with 499 permutations a p value at alpha rests on
        // the fifth of 500 orders, and its own standard error is below half of alpha (sqrt(0.01 * 0.99 / 500) = 0.0044); alpha is what the
        // confidence of a comparison leaves, 1 in 100
        Self { least: 3, permutations: 499, alpha: 0.01, seed: 1 }
    }
}

/// A place where the series changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The first value after the change.
    pub at: usize,
    /// How often chance alone splits as well.
    pub p_value: f64,
}

/// The change points of a series, in its order.
pub fn change_points(series: &[f64], search: &Search) -> Vec<ChangePoint> {
    let mut found: Vec<ChangePoint> = Vec::new();
    let mut round = 0;
    while let Some((at, divergence)) = best_split(series, &found, search.least) {
        let chance = (0..search.permutations).filter(|k| {
            let shuffled = permuted(series, &found, search.seed, round * search.permutations + k);
            best_split(&shuffled, &found, search.least).is_some_and(|(_, other)| other >= divergence)
        });
        let p_value = count(chance.count() + 1) / float(search.permutations + 1);
        if p_value > search.alpha {
            break;
        }
        found.push(ChangePoint { at, p_value });
        found.sort_by_key(|point| point.at);
        round += 1;
    }
    found
}

/// The segments between the change points found so far.
fn segments(length: usize, found: &[ChangePoint]) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(found.iter().map(|point| point.at));
    let ends = found.iter().map(|point| point.at).chain(std::iter::once(length));
    starts.zip(ends)
}

/// The most divergent split over all segments; `None` if no segment can be split, or nothing differs.
fn best_split(series: &[f64], found: &[ChangePoint], least: usize) -> Option<(usize, f64)> {
    let best = segments(series.len(), found)
        .filter_map(|(start, end)| split(&series[start..end], least.max(2)).map(|(at, q)| (start + at, q)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    // derived: sums that are carried over n^2 pairs are rounded by n^2 2^-53 of a distance, 4e-13 for n = 60: less is none
    best.filter(|(_, divergence)| *divergence > 1e-12)
}

/// The most divergent split of one segment. Sums of distances are carried from one split to the next.
fn split(segment: &[f64], least: usize) -> Option<(usize, f64)> {
    let n = segment.len();
    if n < 2 * least {
        return None;
    }
    let distance = |i: usize, range: std::ops::Range<usize>| -> f64 { range.map(|j| (segment[i] - segment[j]).abs()).sum() };
    let (mut left, mut between) = (0.0, 0.0);
    let mut right: f64 = (0..n).map(|i| distance(i, i + 1..n)).sum();
    let mut best: Option<(usize, f64)> = None;
    for at in 1..=n - least {
        let moved = at - 1;
        let (to_left, to_right) = (distance(moved, 0..moved), distance(moved, at..n));
        left += to_left;
        right -= to_right;
        between += to_right - to_left;
        if at >= least {
            let (left, right) = (SplitSide { size: at, within: left }, SplitSide { size: n - at, within: right });
            let q = divergence(&left, &right, between);
            if best.is_none_or(|(_, other)| q > other) {
                best = Some((at, q));
            }
        }
    }
    best
}

/// One side of a split.
struct SplitSide {
    size: usize,
    /// The sum of the distances of its pairs.
    within: f64,
}

/// The empirical divergence of two samples, scaled by their sizes; `between` is the sum of the distances from one to the other.
fn divergence(left: &SplitSide, right: &SplitSide, between: f64) -> f64 {
    let (m, n) = (count(left.size), count(right.size));
    let pairs = |k: f64| k * (k - 1.0) / 2.0;
    m * n / (m + n) * (2.0 * between / (m * n) - left.within / pairs(m) - right.within / pairs(n))
}

/// The series with the values of each segment in another order (Fisher, Yates).
fn permuted(series: &[f64], found: &[ChangePoint], seed: u64, k: u64) -> Vec<f64> {
    let mut values = series.to_vec();
    let mut draw = k.wrapping_mul(series.len() as u64);
    for (start, end) in segments(series.len(), found) {
        let segment = &mut values[start..end];
        for last in (1..segment.len()).rev() {
            // The bias of the remainder is below 2^-40 for any series that fits.
            let other = usize::try_from(bits(seed, Stream::Permutation, draw) % (last as u64 + 1)).unwrap_or(0);
            segment.swap(last, other);
            draw += 1;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draw::normal;

    fn levels(seed: u64, levels: &[(usize, f64)]) -> Vec<f64> {
        let flat: Vec<f64> = levels.iter().flat_map(|(n, level)| std::iter::repeat_n(*level, *n)).collect();
        (0u64..).zip(flat).map(|(i, level)| level + normal(seed, Stream::Latency, i)).collect()
    }

    /// Changes of level are found where they are, or one beside.
    #[test]
    fn finds_levels() {
        let points = change_points(&levels(1, &[(20, 0.0), (15, 4.0), (20, -2.0)]), &Search::default());
        let at: Vec<usize> = points.iter().map(|p| p.at).collect();
        assert!(at.len() == 2 && at[0].abs_diff(20) <= 1 && at[1].abs_diff(35) <= 1, "{points:?}");
    }

    /// A series that does not change has change points in about alpha of the cases; a constant or short one never.
    #[test]
    fn chance_is_no_change() {
        let search = Search { permutations: 99, ..Search::default() };
        let wrong = (0..200).filter(|seed| !change_points(&levels(*seed, &[(24, 0.0)]), &search).is_empty()).count();
        assert!(wrong <= 8, "{wrong}");
        for series in [vec![], vec![1.0; 5], vec![3.0; 50]] {
            assert_eq!(change_points(&series, &search), []);
        }
    }

    /// The sums that are carried along are those that counting anew gives.
    #[test]
    fn carried_sums_are_right() {
        let series = levels(3, &[(6, 0.0), (7, 1.0)]);
        let sum = |a: &[f64], b: &[f64]| a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum::<f64>();
        let anew = |at: usize| {
            let (a, b) = series.split_at(at);
            let sample = |side: &[f64]| SplitSide { size: side.len(), within: sum(side, side) / 2.0 };
            divergence(&sample(a), &sample(b), sum(a, b))
        };
        let (at, q) = split(&series, 3).unwrap();
        let best = (3..=10).max_by(|a, b| anew(*a).total_cmp(&anew(*b))).unwrap();
        assert!(at == best && (q - anew(best)).abs() < 1e-9);
    }
}
