//! How sure a side's figure is, when neighbouring calls and whole runs may depend on each other.
//!
//! Three layers: the variance that independent calls would have; its growth by neighbours that depend on each other, from overlapping
//! batch means; and what runs of one side differ beyond that (`DerSimonian`, Laird: Meta-analysis in clinical trials, 1986, over both
//! sides). Only with several runs a side can the third be seen.

use std::borrow::Cow;
use std::rc::Rc;

use crate::stats::{batch, student};

/// Batches in a run, end to end: long enough to hold the dependence of neighbours, enough of them to know their variance.
const BATCHES: usize = 32;

/// Fewer batches than these would leave their variance unknown.
const FEWEST_BATCHES: usize = 8;

/// Batches are made longer already where a test would speak of dependence in one of twenty cases without any.
const LENIENT: f64 = 1.645;

/// The largest correlation of the longest batches that is believed.
const MOST_LEFT: f64 = 0.6;

/// The confidence of the upper limit at which the variance between runs is taken.
const CAUTION: f64 = 0.8;

/// Parts of a run whose mean over all runs is its trend: two in a batch.
pub(super) const BINS: usize = 2 * BATCHES;

/// One run's terms of a mean, in the order of time; a percentile's terms are 1 below it and 0 above, and so on.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    pub(super) values: Vec<f64>,
    /// In which of the [`BINS`] parts of the run each term lies; empty if its trend was taken out before.
    pub(super) bins: Rc<[u8]>,
}

/// The variances of the means of both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Variance {
    pub(super) base: f64,
    pub(super) new: f64,
    /// How much dependent neighbours add to the variance: 1 or more.
    pub(super) inflation: f64,
    /// Degrees of freedom of their sum.
    pub(super) freedom: f64,
    /// Share of the sum that comes from differences between runs.
    pub(super) between: f64,
}

/// The variances of the means of the terms of both sides, a run each.
pub(super) fn variance(base: &[Terms], new: &[Terms]) -> Variance {
    let runs: Vec<&Terms> = base.iter().chain(new).collect();
    let plain: Vec<f64> = runs.iter().map(|run| batch::plain_variance(&run.values)).collect();
    let total: f64 = plain.iter().sum();
    let (batched, batched_freedom) = batched(&runs);
    let inflation = if total > 0.0 { (batched / total).max(1.0) } else { 1.0 };
    let terms: usize = runs.iter().map(|run| run.values.len()).sum();
    let within_freedom = if inflation > 1.0 { batched_freedom } else { count(terms.saturating_sub(2)).max(1.0) };
    let within = total * inflation / count(runs.len());
    let (between, between_freedom) = between(base, new, within);
    let side =
        |side: &[Terms], plain: &[f64]| (plain.iter().sum::<f64>() * inflation / count(side.len()) + between) / count(side.len());
    let (of_base, of_new) = plain.split_at(base.len());
    let both = within + between;
    let parts = within * within / within_freedom + between * between / between_freedom;
    Variance {
        base: side(base, of_base),
        new: side(new, of_new),
        inflation,
        // Satterthwaite 1946: the freedom of a sum of two variances.
        freedom: if parts > 0.0 { both * both / parts } else { within_freedom },
        between: if both > 0.0 { between / both } else { 0.0 },
    }
}

/// What the runs of a side differ beyond what `within`, the mean variance of one run, explains; and its degrees of freedom.
///
/// A few runs often look more alike than they are; their variance is taken at its upper limit of [`CAUTION`].
fn between(base: &[Terms], new: &[Terms], within: f64) -> (f64, f64) {
    let mut squares = 0.0;
    let mut freedom = 0.0;
    for side in [base, new] {
        let means: Vec<f64> = side.iter().map(|run| batch::mean(&run.values)).collect();
        let grand = batch::mean(&means);
        squares += means.iter().map(|m| (m - grand).powi(2)).sum::<f64>();
        freedom += count(side.len()) - 1.0;
    }
    if freedom < 1.0 {
        return (0.0, 1.0);
    }
    ((squares / student::chi_squared_quantile(1.0 - CAUTION, freedom) - within).max(0.0), freedom)
}

/// The sum over runs of the batched variance, with its degrees of freedom.
///
/// Batches are made longer as long as neighbouring ones depend on each other; what dependence is left between the longest is put on top
/// as that of an autoregressive series.
fn batched(runs: &[&Terms]) -> (f64, f64) {
    let series = without_trend(runs);
    let runs_count = count(series.values.len());
    let mut batches = BATCHES;
    let mut correlation = batch_correlation(&series.values, batches);
    while correlation > LENIENT / (count(batches) * runs_count).sqrt() && batches > FEWEST_BATCHES {
        batches /= 2;
        correlation = batch_correlation(&series.values, batches);
    }
    let left = if batches < BATCHES { correlation.clamp(0.0, MOST_LEFT) } else { 0.0 };
    let sum: f64 = series.values.iter().map(|values| batched_of(values, batches)).sum();
    (sum * series.scale * (1.0 + left) / (1.0 - left), batch::batched_freedom(batches) * runs_count)
}

fn batched_of(values: &[f64], batches: usize) -> f64 {
    batch::batched_variance(values, values.len() / batches).unwrap_or_else(|| batch::plain_variance(values))
}

/// The correlation of neighbouring batches, over all runs.
fn batch_correlation(runs: &[Cow<'_, [f64]>], batches: usize) -> f64 {
    let (mut products, mut squares) = (0.0, 0.0);
    for values in runs {
        let mean = batch::mean(values);
        let means: Vec<f64> =
            values.chunks_exact((values.len() / batches).max(1)).map(|batch| batch::mean(batch) - mean).collect();
        products += means.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        squares += means.iter().map(|m| m * m).sum::<f64>();
    }
    // Taking out the mean alone makes it -1/n.
    if squares > 0.0 { products / squares + 1.0 / count(batches) } else { 0.0 }
}

/// Series whose shared trend is no noise.
struct Detrended<'a> {
    values: Vec<Cow<'a, [f64]>>,
    /// By how much their variance must be multiplied.
    scale: f64,
}

/// A trend that all runs share (a ramp, a planned burst) is no noise: where it makes up more than half of it, it is taken out.
fn without_trend<'a>(runs: &[&'a Terms]) -> Detrended<'a> {
    let raw = || Detrended { values: runs.iter().map(|run| Cow::Borrowed(&*run.values)).collect(), scale: 1.0 };
    if runs.iter().any(|run| run.bins.is_empty()) {
        return raw();
    }
    let trend = trend(runs);
    let centred = |run: &&Terms| run.values.iter().zip(&*run.bins).map(|(v, bin)| v - trend[usize::from(*bin)]).collect();
    let values: Vec<Cow<'_, [f64]>> = runs.iter().map(centred).collect();
    // A mean of k runs holds a k-th of each run's own noise, which is taken out with it.
    let scale = count(runs.len()) / (count(runs.len()) - 1.0).max(1.0);
    let with: f64 = runs.iter().map(|run| batched_of(&run.values, BATCHES)).sum();
    let without: f64 = values.iter().map(|values| batched_of(values, BATCHES)).sum();
    if with > 2.0 * without * scale { Detrended { values, scale } } else { raw() }
}

/// The mean of each part of the run over all runs.
fn trend(runs: &[&Terms]) -> [f64; BINS] {
    let mut sums = [(0.0, 0.0); BINS];
    for run in runs {
        for (value, bin) in run.values.iter().zip(&*run.bins) {
            let (sum, n) = &mut sums[usize::from(*bin)];
            *sum += value;
            *n += 1.0;
        }
    }
    sums.map(|(sum, n): (f64, f64)| if n > 0.0 { sum / n } else { 0.0 })
}

#[allow(clippy::cast_precision_loss)] // numbers of runs and calls
pub(super) const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draw::{Stream, normal};

    fn noise(seed: u64, f: impl Fn(usize, f64) -> f64) -> Terms {
        let values = (0..6400usize).map(|i| f(i, normal(seed, Stream::Latency, i as u64))).collect();
        Terms { values, bins: (0..6400).map(|i| u8::try_from(i * BINS / 6400).unwrap()).collect() }
    }

    /// Independent terms are taken as such, a shared ramp is no noise, a drift of one side is.
    #[test]
    fn a_shared_trend_is_no_noise() {
        let ramp = |i: usize| count(i) / 1000.0;
        let flat = variance(&[noise(1, |_, z| z)], &[noise(2, |_, z| z)]);
        assert!(flat.inflation < 1.5, "{flat:?}");
        let shared = variance(&[noise(1, |i, z| z + ramp(i))], &[noise(2, |i, z| z + ramp(i))]);
        assert!(shared.inflation < 1.5, "{shared:?}");
        let one = variance(&[noise(1, |_, z| z)], &[noise(2, |i, z| z + ramp(i))]);
        assert!(one.inflation > 20.0, "{one:?}");
    }

    /// Runs of one side that differ make the side less sure than their calls alone would.
    #[test]
    fn runs_differ() {
        let runs = |shift: f64| -> Vec<Terms> {
            (0..4).map(|r| noise(r, |_, z| z + shift * count(usize::try_from(r).unwrap()))).collect()
        };
        let same = variance(&runs(0.0), &runs(0.0));
        let unlike = variance(&runs(1.0), &runs(1.0));
        assert!(same.base < 0.001 && unlike.between > 0.99, "{same:?} {unlike:?}");
        assert!(unlike.base > 0.3 && (unlike.freedom - 6.0).abs() < 0.1, "{unlike:?}");
    }
}
