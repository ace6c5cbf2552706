//! One metric on both sides: its change, how sure that is, and how likely chance alone would show as much.
//!
//! Every metric is brought into one form: a value on each side whose limits can be asked for at any number of standard errors. Limits of
//! the change follow from those of the sides, and the p value is found where they touch no change.

use super::catalog::{Of, Question};
use super::side::{ComparedSide, SeriesTimes, ln};
use super::terms::{Terms, count_of, mean};
use super::trend::{alike, bessel};
use super::variance::{Variance, variance};
use crate::client::outcome::Outcome;
use crate::interval::Interval;
use crate::num::count;
use crate::stats::batch;
use crate::stats::drift::Prior;
use crate::stats::interval::{IntervalEstimate, difference, wilson};

/// How a change is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Difference of logarithms: of times.
    Log,
    /// Difference of logarithms: of what has no unit.
    Ratio,
    /// Difference, as a part of the base: of rates.
    Relative,
    /// Difference: of shares.
    Points,
}

/// A metric on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct MetricEstimate {
    pub(super) scale: Scale,
    /// The sides' values as they are shown; `None` where there is nothing to see.
    pub(super) base: Option<f64>,
    pub(super) new: Option<f64>,
    /// How many calls the values rest on.
    pub(super) samples: (usize, usize),
    /// The change with its limits, on its scale; `None` if one side is unknown.
    pub(super) change: Option<IntervalEstimate>,
    /// The chance of as large a change if there were none; `None` if nothing varies on either side.
    pub(super) p: Option<f64>,
    /// Whether runs differ more than calls within them.
    pub(super) between_runs: bool,
    /// Whether the slowest tenth moved in the direction of the change; only asked for the log-Gini, which is shown as the spread.
    pub(super) confirmed: bool,
    /// What the calls say of drifts.
    pub(super) posterior: Prior,
}

/// How sure a change shall be, and what is taken for granted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assumptions {
    /// The limits of the change hold with it.
    pub(super) confidence: f64,
    /// What is believed of drifts before.
    pub(super) prior: Prior,
}

/// A side's value, and what its limits follow from.
#[derive(Debug, Clone, Copy)]
enum SideEstimate<'a> {
    /// A value with a standard error.
    Normal { value: f64, error: f64 },
    /// A percentile: the share of calls below it has the standard error (Woodruff: Confidence intervals for medians and other position
    /// measures, JASA 1952).
    Quantile { times: &'a SeriesTimes, p: f64, error: f64 },
    /// A share among an effective number of calls.
    Share { value: f64, n: f64 },
}

impl SideEstimate<'_> {
    /// The limits, `t` standard errors wide.
    fn at(self, t: f64) -> IntervalEstimate {
        match self {
            Self::Normal { value, error } => IntervalEstimate::symmetric(value, t * error),
            Self::Quantile { times, p, error } => IntervalEstimate {
                value: times.ln_quantile(p),
                limits: Interval::new(times.ln_quantile(p - t * error), times.ln_quantile(p + t * error)),
            },
            Self::Share { value, n } => IntervalEstimate { value, limits: wilson(value, n, t) },
        }
    }
}

/// Answers a question on both sides.
pub(super) fn estimate(
    question: Question,
    base: &ComparedSide<'_>,
    new: &ComparedSide<'_>,
    assumptions: &Assumptions,
) -> MetricEstimate {
    match question {
        Question::Quantile(series, p) => quantile(p, base.times(series), new.times(series), assumptions),
        Question::Geomean(series) => geomean(base.times(series), new.times(series), assumptions),
        Question::LogGini(series) => log_gini(base.times(series), new.times(series), assumptions),
        Question::TailMean(series) => tail_mean(base.times(series), new.times(series), assumptions),
        Question::Share(of, asked) => share(of, asked, base, new, assumptions),
        Question::Rate => rate(base, new, assumptions),
    }
}

fn quantile(p: f64, base: &SeriesTimes, new: &SeriesTimes, assumptions: &Assumptions) -> MetricEstimate {
    let supported = |times: &SeriesTimes| count(times.sorted.len()) * (1.0 - p) >= 1.0;
    let value = |times: &SeriesTimes| supported(times).then(|| times.ln_quantile(p).exp());
    let mut found = nothing(Scale::Log, value(base), value(new), (base.sorted.len(), new.sorted.len()));
    if base.runs == new.runs {
        settle(&mut found);
        return found;
    }
    if !supported(base) || !supported(new) {
        return found;
    }
    let below = |times: &SeriesTimes| {
        // derived: a little above it, so that the rounding of a logarithm and back (some 2^-50) does not lose the call that it is
        let limit = times.ln_quantile(p).exp() * (1.0 + 1e-12);
        times.terms(|us| if f64::from(us) <= limit { 1.0 } else { 0.0 })
    };
    let sure = variance(&below(base), &below(new), &assumptions.prior);
    let shape = |times, variance: f64| SideEstimate::Quantile { times, p, error: variance.sqrt() };
    conclude(&mut found, shape(base, sure.base), shape(new, sure.new), &sure, assumptions);
    found
}

fn geomean(base: &SeriesTimes, new: &SeriesTimes, assumptions: &Assumptions) -> MetricEstimate {
    let figure = |times: &SeriesTimes| {
        let terms = times.terms(ln);
        Figure { value: mean(&terms), terms }
    };
    smooth([base, new], figure, assumptions)
}

fn log_gini(base: &SeriesTimes, new: &SeriesTimes, assumptions: &Assumptions) -> MetricEstimate {
    let mut found = MetricEstimate { scale: Scale::Ratio, ..smooth([base, new], gini, assumptions) };
    let Some(change) = found.change else { return found };
    // derived: one-sided at 10 %: the limits of an 80 % interval. Where the tail did not move, one spread in ten that changed by luck is
    // confirmed; the spread itself was tested before
    let tail = tail_mean(base, new, &Assumptions { confidence: 0.8, ..*assumptions });
    found.confirmed =
        tail.change.is_some_and(|tail| if change.value > 0.0 { tail.limits.low > 0.0 } else { tail.limits.high < 0.0 });
    found
}

fn tail_mean(base: &SeriesTimes, new: &SeriesTimes, assumptions: &Assumptions) -> MetricEstimate {
    smooth([base, new], slowest_tenth, assumptions)
}

/// The logarithm of a figure that every call adds a little to, and each call's part in it: its error is normal.
struct Figure {
    value: f64,
    terms: Vec<Terms>,
}

/// The change of such a figure.
fn smooth(sides: [&SeriesTimes; 2], figure: impl Fn(&SeriesTimes) -> Figure, assumptions: &Assumptions) -> MetricEstimate {
    let samples = sides.map(|times| times.sorted.len());
    let figures = sides.map(figure);
    let [base, new] = figures.each_ref().map(|figure| figure.value.is_finite().then(|| figure.value.exp()));
    let mut found = nothing(Scale::Log, base, new, (samples[0], samples[1]));
    if sides[0].runs == sides[1].runs {
        settle(&mut found);
        return found;
    }
    if found.base.is_none() || found.new.is_none() || samples.iter().any(|n| *n < 2) {
        return found;
    }
    let [base, new] = figures;
    let sure = variance(&base.terms, &new.terms, &assumptions.prior);
    let shape = |value, variance: f64| SideEstimate::Normal { value, error: variance.sqrt() };
    conclude(&mut found, shape(base.value, sure.base), shape(new.value, sure.new), &sure, assumptions);
    found
}

fn share(
    of: Of,
    asked: fn(Outcome) -> bool,
    base: &ComparedSide<'_>,
    new: &ComparedSide<'_>,
    assumptions: &Assumptions,
) -> MetricEstimate {
    if let (Some(of_base), Some(of_new)) = (base.never(of, asked), new.never(of, asked)) {
        // Nothing of it on either side: nothing varies, and nothing is to be tested.
        let mut found = nothing(Scale::Points, Some(0.0), Some(0.0), (of_base, of_new));
        settle(&mut found);
        return found;
    }
    let terms = (base.indicators(of, asked), new.indicators(of, asked));
    let samples = (count_of(&terms.0), count_of(&terms.1));
    let value = |terms: &[Terms], n: usize| (n > 0).then(|| mean(terms));
    let mut found = nothing(Scale::Points, value(&terms.0, samples.0), value(&terms.1, samples.1), samples);
    let (Some(of_base), Some(of_new)) = (found.base, found.new) else { return found };
    let sure = variance(&terms.0, &terms.1, &assumptions.prior);
    let shape = |value: f64, variance: f64, n: usize| {
        // So many independent calls would be as sure.
        let effective = if variance > 0.0 { value * (1.0 - value) / variance } else { count(n) / sure.inflation };
        SideEstimate::Share { value, n: effective }
    };
    conclude(&mut found, shape(of_base, sure.base, samples.0), shape(of_new, sure.new, samples.1), &sure, assumptions);
    let constant = (of_base - of_new).abs() < f64::EPSILON && (of_base <= 0.0 || of_base >= 1.0);
    let same = terms.0.iter().map(|run| &run.values).eq(terms.1.iter().map(|run| &run.values));
    if same || constant {
        settle(&mut found);
    }
    found
}

fn rate(base: &ComparedSide<'_>, new: &ComparedSide<'_>, assumptions: &Assumptions) -> MetricEstimate {
    let seconds = base.seconds().min(new.seconds());
    let (mut of_base, mut of_new) = (base.ok_by_second(seconds), new.ok_by_second(seconds));
    let per_second =
        |side: &[Vec<f64>]| (seconds > 0).then(|| side.iter().map(|run| batch::mean(run)).sum::<f64>() / count(side.len()));
    let samples = (base.response.sorted.len(), new.response.sorted.len());
    let mut found = nothing(Scale::Relative, per_second(&of_base), per_second(&of_new), samples);
    let (Some(value), Some(new_value)) = (found.base, found.new) else { return found };
    let same = of_base == of_new;
    detrend(&mut of_base, &mut of_new);
    let terms = |side: Vec<Vec<f64>>| side.into_iter().map(|values| Terms { values, ..Terms::default() }).collect::<Vec<_>>();
    let sure = variance(&terms(of_base), &terms(of_new), &assumptions.prior);
    let shape = |value, variance: f64| SideEstimate::Normal { value, error: variance.sqrt() };
    conclude(&mut found, shape(value, sure.base), shape(new_value, sure.new), &sure, assumptions);
    if same {
        settle(&mut found);
    }
    found
}

/// What all runs do in a second is the schedule, and no noise.
fn detrend(base: &mut [Vec<f64>], new: &mut [Vec<f64>]) {
    let groups = alike(base, new);
    let mut runs: Vec<&mut Vec<f64>> = base.iter_mut().chain(new).collect();
    for group in groups {
        let runs = &mut runs[group];
        let back = bessel(runs.len());
        for second in 0..runs.iter().map(|run| run.len()).min().unwrap_or(0) {
            let mean = runs.iter().map(|run| run[second]).sum::<f64>() / count(runs.len());
            for run in runs.iter_mut() {
                run[second] = (run[second] - mean) * back;
            }
        }
    }
}

/// The logarithm of the mean difference of two logarithms.
fn gini(times: &SeriesTimes) -> Figure {
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
fn slowest_tenth(times: &SeriesTimes) -> Figure {
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

fn nothing(scale: Scale, base: Option<f64>, new: Option<f64>, samples: (usize, usize)) -> MetricEstimate {
    MetricEstimate {
        scale,
        base,
        new,
        samples,
        change: None,
        p: None,
        between_runs: false,
        confirmed: true,
        posterior: Prior::default(),
    }
}

/// Limits and p value of the change from the shapes of both sides.
fn conclude(
    found: &mut MetricEstimate,
    base: SideEstimate<'_>,
    new: SideEstimate<'_>,
    sure: &Variance,
    assumptions: &Assumptions,
) {
    let at = |t: f64| difference(base.at(t), new.at(t));
    found.change = Some(at(sure.difference.critical(assumptions.confidence)));
    found.p = Some(sure.difference.two_sided(touches_zero(at)));
    // derived: more than half of the variance
    found.between_runs = sure.between > 0.5;
    found.posterior = sure.posterior;
}

/// Both sides are the same, call for call: there is no change, for sure.
const fn settle(found: &mut MetricEstimate) {
    found.change = Some(IntervalEstimate::exact(0.0));
    found.p = None;
}

/// How many standard errors wide the limits are that just touch no change.
fn touches_zero(at: impl Fn(f64) -> IntervalEstimate) -> f64 {
    let excludes = |t: f64| {
        let limits = at(t).limits;
        limits.low > 0.0 || limits.high < 0.0
    };
    // derived: a normal deviation beyond 50 errors has a chance below 10^-500, which is 0 as a float
    let (mut low, mut high) = (0.0, 50.0);
    if excludes(high) {
        return high;
    }
    // derived: 50 halvings of 50 leave less than 1e-13
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if excludes(middle) { low = middle } else { high = middle }
    }
    low
}
