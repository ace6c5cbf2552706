//! What of a run's course is no noise.
//!
//! A figure that changes while a run goes on may drift by chance, on another day another way; or it has a reason that stays, and is no
//! noise. Four reasons are known:
//!
//! * **the plan**: what all runs do alike (a ramp, a planned burst);
//! * **the side**: what all runs of one side do alike, where each side has several;
//! * **the load**: with a run a side, what rises or falls with the calls that are due, each side in its own way: more and more is refused
//!   as a ramp goes on, on one side from an earlier step on. Nothing else of a single run's course is its answer to the load;
//! * **the beginning**: with a run a side, what never happens on one of them, and on the other begins and stays: a burst is used up, and a
//!   lower quota begins to bite. What comes and goes may come and go on another day on the other side, and stays noise.
//!
//! A trend is taken out only where it makes up most of the variance.

use std::borrow::Cow;
use std::ops::Range;

use super::terms::{BATCHES, BINS, Terms};
use crate::num::count;
use crate::stats::batch;

/// By how much taking a trend out must lessen the variance: two drifts that are alike by luck lessen it by less.
// derived: the ratio of two variances of 32 independent batches each exceeds 5 in 1 of 90,000 (F with 31 and 31 degrees of freedom)
const WORTH: f64 = 5.0;

/// Series without their trends.
pub(super) struct Detrended<'a> {
    pub(super) values: Vec<Cow<'a, [f64]>>,
    /// How many of them are no function of the others.
    pub(super) independent: usize,
}

/// Which runs have one trend: those of a side where each side has several, so that what one side does at some time is its effect and no
/// noise; else all.
pub(super) fn alike<T>(base: &[T], new: &[T]) -> Vec<Range<usize>> {
    let all = base.len() + new.len();
    if base.len() > 1 && new.len() > 1 { vec![0..base.len(), base.len()..all] } else { std::iter::once(0..all).collect() }
}

/// A mean of so many runs holds a part of each one's own noise, which is taken out with it; this puts it back (Bessel's correction, of a
/// deviation: the variance about the mean of `n` is n - 1 parts in n of the variance).
pub(super) fn bessel(runs: usize) -> f64 {
    (count(runs) / (count(runs) - 1.0).max(1.0)).sqrt()
}

/// The series of the runs of both sides, without the trend whose removal lessens their variance most.
pub(super) fn detrended<'a>(base: &'a [Terms], new: &'a [Terms]) -> Detrended<'a> {
    let runs: Vec<&Terms> = base.iter().chain(new).collect();
    let raw = Detrended { values: runs.iter().map(|run| Cow::Borrowed(&*run.values)).collect(), independent: runs.len() };
    let single = base.len() == 1 && new.len() == 1;
    if runs.iter().any(|run| run.bins.is_empty()) {
        return Detrended { independent: runs.len() - alike(base, new).len(), ..raw };
    }
    // Each is to lessen the variance by so much beyond the one before, which takes less for granted.
    let mut known = vec![shared(&runs, alike(base, new))];
    if single && runs.iter().all(|run| run.load.len() == BINS) {
        known.push(without(&runs, |run| along(run, &run.load, &[1.0, -1.0])));
    }
    if single && still(&base[0]) != still(&new[0]) {
        let time: [f64; BINS] = std::array::from_fn(count);
        known.push(without(&runs, |run| along(run, &time, &[1.0])));
    }
    known.into_iter().fold(raw, |best, next| if varies(&best) > WORTH * varies(&next) { next } else { best })
}

/// Whether nothing happens in a run.
fn still(run: &Terms) -> bool {
    run.values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq())
}

/// How much the means of batches vary, over all series.
fn varies(series: &Detrended<'_>) -> f64 {
    let of =
        |values: &[f64]| batch::batched_variance(values, values.len() / BATCHES).unwrap_or_else(|| batch::plain_variance(values));
    series.values.iter().map(|values| of(values)).sum()
}

/// The runs without the mean course of their group.
fn shared<'a>(runs: &[&'a Terms], groups: Vec<Range<usize>>) -> Detrended<'a> {
    let independent = runs.len() - groups.len();
    let mut values: Vec<Cow<'_, [f64]>> = Vec::with_capacity(runs.len());
    for group in groups {
        let (course, back) = (course(&runs[group.clone()]).map(|part| part.mean), bessel(group.len()));
        values.extend(runs[group].iter().map(|run| Cow::Owned(minus(run, &course, back))));
    }
    Detrended { values, independent }
}

/// The runs without a course that each has for itself.
fn without<'a>(runs: &[&'a Terms], course: impl Fn(&Terms) -> [f64; BINS]) -> Detrended<'a> {
    Detrended { values: runs.iter().map(|run| Cow::Owned(minus(run, &course(run), 1.0))).collect(), independent: runs.len() }
}

fn minus(run: &Terms, course: &[f64; BINS], back: f64) -> Vec<f64> {
    run.values.iter().zip(&*run.bins).map(|(value, bin)| (value - course[usize::from(*bin)]) * back).collect()
}

/// One part of a course.
#[derive(Debug, Clone, Copy, Default)]
struct CoursePart {
    mean: f64,
    /// How many terms it has.
    n: f64,
}

/// The mean of each part of the run over some runs.
fn course(runs: &[&Terms]) -> [CoursePart; BINS] {
    let mut sums = [CoursePart::default(); BINS];
    for run in runs {
        for (value, bin) in run.values.iter().zip(&*run.bins) {
            let part = &mut sums[usize::from(*bin)];
            part.mean += value;
            part.n += 1.0;
        }
    }
    sums.map(|sum| CoursePart { mean: if sum.n > 0.0 { sum.mean / sum.n } else { 0.0 }, n: sum.n })
}

/// The course of a run as a function of `level` (the load, the time) that only rises (a sign of 1) or only falls (-1), whichever of
/// `signs` is nearer.
fn along(run: &Terms, level: &[f64], signs: &[f64]) -> [f64; BINS] {
    let means = course(&[run]);
    let distance = |fit: &[f64; BINS]| fit.iter().zip(&means).map(|(fit, part)| part.n * (fit - part.mean).powi(2)).sum::<f64>();
    let fits = signs.iter().map(|sign| monotone(level, &means, *sign));
    fits.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or([0.0; BINS])
}

/// The nearest course that never falls (rises, with a `sign` of -1) with the level (Ayer, Brunk, Ewing, Reid, Silverman: An empirical
/// distribution function for sampling with incomplete information, 1955: neighbours that fall are pooled). Parts of one level are one.
fn monotone(level: &[f64], means: &[CoursePart; BINS], sign: f64) -> [f64; BINS] {
    struct Block {
        sum: f64,
        n: f64,
        parts: usize,
    }
    let mut order: [usize; BINS] = std::array::from_fn(|part| part);
    order.sort_by(|a, b| level[*a].total_cmp(&level[*b]));
    let mean = |block: &Block| block.sum / block.n.max(f64::MIN_POSITIVE);
    let mut blocks: Vec<Block> = Vec::with_capacity(BINS);
    for (place, &part) in order.iter().enumerate() {
        let CoursePart { mean: value, n } = means[part];
        let mut block = Block { sum: sign * value * n, n, parts: 1 };
        let mut equal = place > 0 && level[order[place - 1]].total_cmp(&level[part]).is_eq();
        while let Some(last) = blocks.pop_if(|last| equal || last.n <= 0.0 || block.n <= 0.0 || mean(last) >= mean(&block)) {
            block = Block { sum: last.sum + block.sum, n: last.n + block.n, parts: last.parts + block.parts };
            equal = false;
        }
        blocks.push(block);
    }
    let mut fit = [0.0; BINS];
    let mut places = order.iter();
    for block in &blocks {
        for &part in places.by_ref().take(block.parts) {
            fit[part] = sign * mean(block);
        }
    }
    fit
}

/// By how much the load must vary beyond the chance of independent arrivals to be a plan.
// derived: 64 counts of independent arrivals have a variance over mean of 1 with a standard deviation of sqrt(2 / 63) = 0.18, 17 of which
// lie below 4. A plan that stays below moves 90 calls a part by less than sqrt(3 / 90), 18 %
const PLANNED: f64 = 4.0;

/// How much was due in each part of the runs, from the calls of each part, smoothed over neighbours; empty if it hardly changes.
pub(super) fn load(calls: &[f64]) -> Vec<f64> {
    let mean = batch::mean(calls);
    if calls.len() != BINS || batch::sample_variance(calls) <= PLANNED * mean {
        return Vec::new();
    }
    // derived: two neighbours on either side (the end is not included): counts of 5 parts are less than half as uncertain as one
    let near = |i: usize| &calls[i.saturating_sub(2)..(i + 3).min(calls.len())];
    (0..calls.len()).map(|i| batch::mean(near(i))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A fit never falls with the level, keeps the mean, and leaves a course alone that does not fall.
        #[test]
        fn fits_rise(values in prop::collection::vec(0.0..1.0f64, BINS), levels in prop::collection::vec(0u8..40, BINS)) {
            let level: Vec<f64> = levels.iter().map(|level| f64::from(*level)).collect();
            let means: [CoursePart; BINS] = std::array::from_fn(|i| CoursePart { mean: values[i], n: 1.0 + f64::from(levels[i] % 3) });
            let fit = monotone(&level, &means, 1.0);
            for i in 0..BINS {
                for j in 0..BINS {
                    prop_assert!(level[i] > level[j] || fit[i] <= fit[j] + 1e-9);
                }
            }
            let sum = |fit: &[f64; BINS]| fit.iter().zip(&means).map(|(value, part)| value * part.n).sum::<f64>();
            prop_assert!((sum(&fit) - means.iter().map(|part| part.mean * part.n).sum::<f64>()).abs() < 1e-9);
            let risen = std::array::from_fn(|i| CoursePart { mean: fit[i], n: means[i].n });
            prop_assert!(monotone(&level, &risen, 1.0).iter().zip(&fit).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }

    /// A ramp and a burst are planned; chance and a steady load are not.
    #[test]
    fn loads_are_planned() {
        let parts = |f: fn(usize) -> f64| (0..BINS).map(f).collect::<Vec<f64>>();
        assert!(load(&parts(|_| 90.0)).is_empty() && load(&parts(|i| 90.0 + count(i % 7) * 4.0)).is_empty());
        assert_eq!(load(&parts(|i| count(i) * 2.0)).len(), BINS);
        assert_eq!(load(&parts(|i| if i == 20 { 500.0 } else { 50.0 })).len(), BINS);
    }
}
