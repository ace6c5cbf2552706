//! One metric on both sides: its change, how sure that is, and how likely chance alone would show as much.
//!
//! Every metric is brought into one form: a value on each side whose limits can be asked for at any number of standard errors. Limits of
//! the change follow from those of the sides, and the p value is found where they touch no change.

use super::catalog::{Of, Question};
use super::figure::{Figure, gini, mean_ln, slowest_tenth};
use super::side::{ComparedSide, SeriesTimes};
use super::terms::{Terms, count_of, mean};
use super::trend::{alike, bessel};
use super::variance::{Variance, variance};
use crate::client::outcome::{Class, Outcome};
use crate::interval::Interval;
use crate::num::count;
use crate::stats::drift::{PosteriorT, Prior};
use crate::stats::interval::{IntervalEstimate, difference, wilson};

/// How a change is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Difference of logarithms: of times.
    Log,
    /// Difference of logarithms: of what has no unit.
    Ratio,
    /// Difference, as a part of `of`, the base: of rates.
    Relative {
        /// The base, in what the difference is measured in.
        of: f64,
    },
    /// Difference: of shares.
    Points,
    /// Difference of logarithms of times from a base that does not vary, and has no logarithm: it is no part of anything.
    FromNothing {
        /// The median of the base in microseconds: what the logarithms are far from.
        median_us: f64,
    },
}

/// A metric on both sides.
#[derive(Debug, Clone)]
pub(super) struct MetricEstimate<'a> {
    pub(super) scale: Scale,
    /// The sides' values as they are shown; `None` where there is nothing to see.
    pub(super) base: Option<f64>,
    pub(super) new: Option<f64>,
    /// How many calls the values rest on.
    pub(super) samples: (usize, usize),
    /// The change with its limits, on its scale, each metric for itself; `None` if one side is unknown.
    pub(super) change: Option<IntervalEstimate>,
    /// What the limits follow from; `None` if the change is unknown, or known exactly.
    evidence: Option<ChangeEvidence<'a>>,
    /// The chance of as large a change if there were none; `None` if nothing varies on either side.
    pub(super) p: Option<f64>,
    /// Whether runs differ more than calls within them.
    pub(super) between_runs: bool,
    /// Whether the slowest tenth moved in the direction of the change; only asked for the log-Gini, which is shown as the spread.
    pub(super) confirmed: bool,
    /// What the calls say of drifts.
    pub(super) posterior: Prior,
}

impl MetricEstimate<'_> {
    /// The change with limits of another confidence.
    pub(super) fn change_at(&self, confidence: f64) -> Option<IntervalEstimate> {
        self.evidence.as_ref().map(|evidence| evidence.at(evidence.difference.critical(confidence))).or(self.change)
    }
}

/// What the limits of a change follow from.
#[derive(Debug, Clone)]
struct ChangeEvidence<'a> {
    base: SideEstimate<'a>,
    new: SideEstimate<'a>,
    /// The chance of a difference of both, in standard errors.
    difference: PosteriorT,
}

impl ChangeEvidence<'_> {
    /// The limits, `t` standard errors wide.
    fn at(&self, t: f64) -> IntervalEstimate {
        difference(self.base.at(t), self.new.at(t))
    }
}

/// How sure a change shall be, and what is taken for granted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assumptions {
    /// The limits of the change hold with it.
    pub(super) confidence: f64,
    /// What is believed of drifts before.
    pub(super) prior: Prior,
    /// Whether all runs had one plan of arrivals, which waits for no answer.
    pub(super) planned: bool,
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
pub(super) fn estimate<'a>(
    question: Question,
    base: &'a ComparedSide<'_>,
    new: &'a ComparedSide<'_>,
    assumptions: &Assumptions,
) -> MetricEstimate<'a> {
    match question {
        Question::Quantile(series, p) => quantile(p, base.times(series), new.times(series), assumptions),
        Question::Geomean(series) => geomean(base.times(series), new.times(series), assumptions),
        Question::LogGini(series) => log_gini(base.times(series), new.times(series), assumptions),
        Question::TailMean(series) => tail_mean(base.times(series), new.times(series), assumptions),
        Question::Share(of, asked) => share(of, asked, base, new, assumptions),
        Question::Rate if assumptions.planned => rate_of_a_plan(base, new, assumptions),
        Question::Rate => rate(base, new, assumptions),
    }
}

fn quantile<'a>(p: f64, base: &'a SeriesTimes, new: &'a SeriesTimes, assumptions: &Assumptions) -> MetricEstimate<'a> {
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
    conclude(&mut found, shape(base, sure.base), shape(new, sure.new), sure, assumptions);
    found
}

fn geomean<'a>(base: &'a SeriesTimes, new: &'a SeriesTimes, assumptions: &Assumptions) -> MetricEstimate<'a> {
    smooth([base, new], mean_ln, assumptions)
}

fn log_gini<'a>(base: &'a SeriesTimes, new: &'a SeriesTimes, assumptions: &Assumptions) -> MetricEstimate<'a> {
    let mut found = match (base.constant(), new.constant()) {
        (None, None) => MetricEstimate { scale: Scale::Ratio, ..smooth([base, new], gini, assumptions) },
        (of_base, of_new) => from_nothing([base, new], of_base.or(of_new).unwrap_or(0), assumptions),
    };
    let Some(change) = found.change else { return found };
    // derived: one-sided at 10 %: the limits of an 80 % interval. Where the tail did not move, one spread in ten that changed by luck is
    // confirmed; the spread itself was tested before
    let tail = tail_mean(base, new, &Assumptions { confidence: 0.8, ..*assumptions });
    found.confirmed =
        tail.change.is_some_and(|tail| if change.value > 0.0 { tail.limits.low > 0.0 } else { tail.limits.high < 0.0 });
    found
}

/// The change of a spread that is exactly none on a side: what never varies has no logarithm of its spread, and no error. `us` is what the
/// calls of that side take.
fn from_nothing<'a>(sides: [&'a SeriesTimes; 2], us: u32, assumptions: &Assumptions) -> MetricEstimate<'a> {
    let samples = (sides[0].sorted.len(), sides[1].sorted.len());
    // Of one call nobody knows whether it varies.
    let known = |times: &SeriesTimes| times.sorted.len() > 1;
    let linear = |times: &SeriesTimes| {
        if times.constant().is_some() {
            return Figure { value: 0.0, terms: times.terms(|_| 0.0) };
        }
        let Figure { value, mut terms } = gini(times);
        let spread = value.exp();
        terms.iter_mut().flat_map(|run| &mut run.values).for_each(|term| *term *= spread);
        Figure { value: spread, terms }
    };
    let [base, new] = sides.map(linear);
    let scale = Scale::FromNothing { median_us: f64::from(us) };
    let value = |figure: &Figure, times| known(times).then_some(figure.value);
    let mut found = nothing(scale, value(&base, sides[0]), value(&new, sides[1]), samples);
    let still = found.base.is_some() && found.new.is_some() && sides.iter().all(|times| times.constant().is_some());
    if still || sides[0].runs == sides[1].runs {
        // Two that do not vary do not differ in how they vary.
        settle(&mut found);
    } else if found.base.is_some() && found.new.is_some() {
        let sure = variance(&base.terms, &new.terms, &assumptions.prior);
        let shape = |value, variance: f64| SideEstimate::Normal { value, error: variance.sqrt() };
        conclude(&mut found, shape(base.value, sure.base), shape(new.value, sure.new), sure, assumptions);
    }
    found
}

fn tail_mean<'a>(base: &'a SeriesTimes, new: &'a SeriesTimes, assumptions: &Assumptions) -> MetricEstimate<'a> {
    smooth([base, new], slowest_tenth, assumptions)
}

/// The change of a figure that every call adds a little to.
fn smooth<'a>(
    sides: [&'a SeriesTimes; 2],
    figure: impl Fn(&SeriesTimes) -> Figure,
    assumptions: &Assumptions,
) -> MetricEstimate<'a> {
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
    conclude(&mut found, shape(base.value, sure.base), shape(new.value, sure.new), sure, assumptions);
    found
}

fn share<'a>(
    of: Of,
    asked: fn(Outcome) -> bool,
    base: &ComparedSide<'_>,
    new: &ComparedSide<'_>,
    assumptions: &Assumptions,
) -> MetricEstimate<'a> {
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
    // So many independent calls would be as sure: shares that lie apart have variances that do, p (1 - p), and what is beyond chance is a
    // multiple of each (McCullagh, Nelder: Generalized linear models, 1989, 4.5), so that what runs of a side that is often refused differ by
    // does not swamp one that never is.
    let shape = |value: f64, n: usize| SideEstimate::Share { value, n: count(n) / sure.design };
    let (base, new) = (shape(of_base, samples.0), shape(of_new, samples.1));
    conclude(&mut found, base, new, sure, assumptions);
    let constant = (of_base - of_new).abs() < f64::EPSILON && (of_base <= 0.0 || of_base >= 1.0);
    let same = terms.0.iter().map(|run| &run.values).eq(terms.1.iter().map(|run| &run.values));
    if same || constant {
        settle(&mut found);
    }
    found
}

/// Sessions per second where both sides had one plan of arrivals: judged per offered call. How many calls a plan drew is known beforehand,
/// and is no noise of the service's.
fn rate_of_a_plan<'a>(base: &ComparedSide<'_>, new: &ComparedSide<'_>, assumptions: &Assumptions) -> MetricEstimate<'a> {
    let offered = share(Of::Scheduled, |outcome| outcome.class() == Class::Ok, base, new, assumptions);
    let scale = Scale::Relative { of: offered.base.unwrap_or(0.0) };
    MetricEstimate { scale, base: base.ok_per_s(), new: new.ok_per_s(), ..offered }
}

/// Sessions per second where calls wait for answers, or the plans differ.
fn rate<'a>(base: &ComparedSide<'_>, new: &ComparedSide<'_>, assumptions: &Assumptions) -> MetricEstimate<'a> {
    let seconds = base.seconds().min(new.seconds());
    let (mut of_base, mut of_new) = (base.ok_by_second(seconds), new.ok_by_second(seconds));
    let samples = (base.response.sorted.len(), new.response.sorted.len());
    let (value, new_value) = (base.ok_per_s(), new.ok_per_s());
    let mut found = nothing(Scale::Relative { of: value.unwrap_or(0.0) }, value, new_value, samples);
    let (Some(value), Some(new_value)) = (value, new_value) else { return found };
    let same = of_base == of_new;
    detrend(&mut of_base, &mut of_new);
    let terms = |side: Vec<Vec<f64>>| side.into_iter().map(|values| Terms { values, ..Terms::default() }).collect::<Vec<_>>();
    let sure = variance(&terms(of_base), &terms(of_new), &assumptions.prior);
    let shape = |value, variance: f64| SideEstimate::Normal { value, error: variance.sqrt() };
    let (base, new) = (shape(value, sure.base), shape(new_value, sure.new));
    conclude(&mut found, base, new, sure, assumptions);
    if same && value.total_cmp(&new_value).is_eq() {
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

fn nothing<'a>(scale: Scale, base: Option<f64>, new: Option<f64>, samples: (usize, usize)) -> MetricEstimate<'a> {
    MetricEstimate {
        scale,
        base,
        new,
        samples,
        change: None,
        evidence: None,
        p: None,
        between_runs: false,
        confirmed: true,
        posterior: Prior::default(),
    }
}

/// Limits and p value of the change from the shapes of both sides.
fn conclude<'a>(
    found: &mut MetricEstimate<'a>,
    base: SideEstimate<'a>,
    new: SideEstimate<'a>,
    sure: Variance,
    assumptions: &Assumptions,
) {
    let evidence = ChangeEvidence { base, new, difference: sure.difference };
    found.change = Some(evidence.at(evidence.difference.critical(assumptions.confidence)));
    found.p = Some(evidence.difference.two_sided(touches_zero(|t| evidence.at(t))));
    found.evidence = Some(evidence);
    // derived: more than half of the variance
    found.between_runs = sure.between > 0.5;
    found.posterior = sure.posterior;
}

/// Both sides are the same, call for call: there is no change, for sure.
fn settle(found: &mut MetricEstimate<'_>) {
    found.change = Some(IntervalEstimate::exact(0.0));
    found.evidence = None;
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
