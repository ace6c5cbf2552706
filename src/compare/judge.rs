//! From estimates to verdicts.

use super::catalog::{Family, MetricQuestion, Question, asked};
use super::checks::checks;
use super::contract::{
    ChangeIn, ChangeVerdict, CheckLine, Comparison, DifferenceKind, Incomparability, MetricLine, RunLine, SCHEMA,
};
use super::estimate::{Assumptions, MetricEstimate, Scale, estimate};
use super::sentence::Verdicts;
use super::side::{ComparedSide, Parts};
use super::subject::{Subject, again, differences};
use super::{CompareSettings, comparable};
use crate::client::outcome::Outcome;
use crate::interval::Interval;
use crate::metric::{Direction, Metric, Series};
use crate::record::calls::Calls;
use crate::stats::drift::Prior;
use crate::stats::holm;

/// A difference of times below it matters to nobody, whatever part of the base it is.
// measured: livebench's own lateness, a part of every response, is of this size (results/example-*: median 86 us, p90 110 us)
const FLOOR_US: f64 = 100.0;

/// The same for our own lateness.
// source: the rule of a run's verdict: lateness above 1 ms can make it SUSPECT (`summary`)
const LATENESS_FLOOR_US: f64 = 1000.0;

/// The part of the smallest effect that limits may take on either side, so that a change of that size is seen, and none told from it, in 95
/// of 100 pairs.
// derived: an error e must leave room for its limits at 99 % and for its luck at 95 %: 2.58 e + 1.64 e = 1, and 2.58 e = 0.61
const SETTLED: f64 = 0.6;

/// Compares the runs of two sides; each side has one at least.
pub fn compare(base: &[(Subject, Calls)], new: &[(Subject, Calls)], settings: &CompareSettings) -> Comparison {
    let (of_base, of_new) = (subjects(base), subjects(new));
    let incomparable = comparable(&of_base, &of_new);
    let refused = !incomparable.is_empty() && !settings.force;
    let planned = base.iter().chain(new).all(|(subject, _)| !subject.closed)
        && incomparable.iter().all(|reason| reason.kind != DifferenceKind::Scenario);
    let (mut metrics, mut checks) = (metrics(base, new, planned, settings), checks(&of_base, &of_new));
    let verdict = if refused { ChangeVerdict::Incomparable } else { overall(&metrics, &checks) };
    let notes = notes(base, new, &incomparable, &metrics);
    if refused {
        metrics.iter_mut().for_each(forget);
        for check in &mut checks {
            check.verdict = ChangeVerdict::Incomparable;
        }
    }
    let open = metrics.iter().filter(|m| m.verdict == ChangeVerdict::Inconclusive && m.family != Family::Lateness);
    let more_data = open.map(|m| m.more_data).collect::<Option<Vec<f64>>>();
    let more_data = more_data.filter(|all| !all.is_empty()).map(|all| all.into_iter().fold(1.0, f64::max));
    Comparison {
        schema: SCHEMA,
        verdict,
        sentence: Verdicts { overall: verdict, metrics: &metrics, checks: &checks, reasons: &incomparable }.sentence(),
        forced: settings.force && !incomparable.is_empty(),
        confidence: settings.confidence,
        min_effect: settings.min_effect.clone(),
        base: lines(base),
        new: lines(new),
        differences: differences(&of_base, &of_new),
        notes,
        incomparable,
        metrics,
        checks,
        more_data,
    }
}

fn subjects(side: &[(Subject, Calls)]) -> Vec<&Subject> {
    side.iter().map(|(subject, _)| subject).collect()
}

fn lines(side: &[(Subject, Calls)]) -> Vec<RunLine> {
    let line = |(subject, calls): &(Subject, Calls)| RunLine {
        name: subject.name.clone(),
        start_utc: subject.start_utc.clone(),
        seed: subject.seed,
        calls: calls.len() as u64,
    };
    side.iter().map(line).collect()
}

fn notes(
    base: &[(Subject, Calls)],
    new: &[(Subject, Calls)],
    reasons: &[Incomparability],
    metrics: &[MetricLine],
) -> Vec<String> {
    let mut notes = Vec::new();
    let all = || base.iter().chain(new);
    if let Some(same) = again(&subjects(new), &subjects(base)) {
        notes.push(format!("{} is on both sides, so its calls are compared with themselves", same.name));
    } else if base.len() == 1 && new.len() == 1 {
        notes.push(
            "one run per side: run-to-run variation isn't included in the intervals; five runs per side, made alternately, would show it"
                .to_owned(),
        );
    }
    if all().all(|(_, calls)| calls.is_empty()) {
        notes.push("no run has a call: nothing was compared".to_owned());
    }
    if all().any(|(_, calls)| calls.iter().any(|call| call.outcome == Outcome::Missed)) {
        notes.push(
            "some calls were missed (never sent); on the side that missed more, upper percentiles are lower bounds".to_owned(),
        );
    }
    let suspect = all().filter(|(subject, _)| subject.suspect).map(|(subject, _)| subject.name.as_str()).collect::<Vec<_>>();
    if !suspect.is_empty() {
        notes.push(format!("SUSPECT runs are compared, too; read their reports: {}", suspect.join(", ")));
    }
    let late = metrics.iter().find(|m| m.family == Family::Lateness && m.verdict == ChangeVerdict::Regressed);
    if let Some(late) = late {
        notes.push(format!(
            "livebench itself sent later on the new side ({}); response times include that, service times don't",
            late.name
        ));
    }
    if reasons.iter().any(|r| r.kind == DifferenceKind::Validity) {
        notes.push("an INVALID run can't be compared; `livebench report` says why it is INVALID".to_owned());
    }
    notes
}

/// A metric with what was found of it.
struct AskedMetric<'a> {
    asked: MetricQuestion,
    estimate: MetricEstimate<'a>,
    /// The metric whose times are these, too.
    twin: Option<Metric>,
}

/// Every metric with its verdict. `base` and `new` hold one run at least.
fn metrics(base: &[(Subject, Calls)], new: &[(Subject, Calls)], planned: bool, settings: &CompareSettings) -> Vec<MetricLine> {
    let parts = Parts::of(&base.iter().chain(new).map(|(_, calls)| calls).collect::<Vec<_>>());
    let (base, new) = (ComparedSide::new(base, parts.clone()), ComparedSide::new(new, parts));
    // In virtual time nothing is late: service is response, and asking twice would cost twice.
    let twins = base.service.runs == base.response.runs && new.service.runs == new.response.runs;
    let everything = asked();
    let mut found: Vec<AskedMetric> = Vec::with_capacity(everything.len());
    let mut of_times = Prior::default();
    for asked in everything {
        let twin = match asked.metric {
            Metric::Latency(Series::Service, stat) if twins => Some(Metric::Latency(Series::Response, stat)),
            _ => None,
        };
        let original = found.iter().find(|other| Some(other.asked.metric) == twin).map(|other| other.estimate.clone());
        let prior = if asked.question.moves_with_answers() { of_times } else { Prior::default() };
        let assumptions = Assumptions { confidence: settings.confidence, prior, planned };
        let estimate = original.unwrap_or_else(|| estimate(asked.question, &base, &new, &assumptions));
        // The mean sees a drift of the answers best: every other figure of them hears of it.
        if matches!(asked.question, Question::Geomean(_)) {
            of_times = estimate.posterior.for_relatives();
        }
        found.push(AskedMetric { asked, estimate, twin });
    }
    let tested = corrected(&found, 1.0 - settings.confidence);
    found.iter().zip(tested).map(|(answered, tested)| line(answered, tested, settings)).collect()
}

/// What a metric is held against once all of them are tested.
#[derive(Debug, Clone, Copy)]
struct Corrected {
    /// Its p value after Holm's correction.
    p: f64,
    /// The chance at which it is tested itself.
    level: f64,
}

/// Holm's correction over all metrics that were tested at `alpha` together; those that are another one under another name share its value.
fn corrected(found: &[AskedMetric<'_>], alpha: f64) -> Vec<Option<Corrected>> {
    let tested: Vec<usize> = (0..found.len()).filter(|&i| found[i].twin.is_none() && found[i].estimate.p.is_some()).collect();
    let test = |&i: &usize| holm::Test { p: found[i].estimate.p.unwrap_or(1.0), weight: found[i].asked.weight };
    let tests: Vec<holm::Test> = tested.iter().map(test).collect();
    let mut corrected = vec![None; found.len()];
    for (i, (p, level)) in tested.into_iter().zip(holm::adjusted(&tests).into_iter().zip(holm::levels(&tests, alpha))) {
        corrected[i] = Some(Corrected { p, level });
    }
    for i in 0..found.len() {
        if let Some(twin) = found[i].twin {
            let original = found.iter().position(|other| other.asked.metric == twin);
            corrected[i] = original.and_then(|at| corrected[at]);
        }
    }
    corrected
}

fn line(answered: &AskedMetric<'_>, tested: Option<Corrected>, settings: &CompareSettings) -> MetricLine {
    let (asked, found) = (&answered.asked, &answered.estimate);
    let margin = margin(asked.family, found, settings);
    let adjusted = tested.map(|tested| tested.p);
    let verdict = verdict(asked, found, adjusted, margin, settings);
    let by_chance = adjusted.is_none_or(|p| p > 1.0 - settings.confidence);
    // That all are unchanged has to hold for each; that any has changed is claimed of many, and corrected for that.
    let limits_confidence = match tested {
        Some(tested) if verdict != ChangeVerdict::Unchanged => 1.0 - tested.level,
        _ => settings.confidence,
    };
    // A limit that nobody knows is none, also where its exponential would be a number.
    let pct = |value: f64| value.is_finite().then(|| percent(found, value)).filter(|p| p.is_finite());
    let more_data = (verdict == ChangeVerdict::Inconclusive).then(|| more_data(found, margin)).flatten();
    let change = found.change_at(limits_confidence);
    MetricLine {
        name: asked.metric.name().to_owned(),
        family: asked.family,
        verdict,
        unit: asked.unit,
        base: found.base,
        new: found.new,
        change_in: match found.scale {
            Scale::Points | Scale::FromNothing { .. } => ChangeIn::Points,
            Scale::Log | Scale::Ratio | Scale::Relative { .. } => ChangeIn::Percent,
        },
        change_pct: change.and_then(|c| pct(c.value)),
        low_pct: change.and_then(|c| pct(c.limits.low)),
        high_pct: change.and_then(|c| pct(c.limits.high)),
        limits_confidence,
        p_value: change.map(|_| found.p.unwrap_or(1.0)),
        p_adjusted: change.map(|_| adjusted.unwrap_or(1.0)),
        min_effect_pct: percent(found, margin),
        base_samples: found.samples.0 as u64,
        new_samples: found.samples.1 as u64,
        more_data,
        note: note(asked, found, verdict, by_chance),
        same_as: answered.twin.map(|twin| twin.name().to_owned()),
    }
}

/// The smallest change that matters, on the scale of the change.
fn margin(family: Family, found: &MetricEstimate<'_>, settings: &CompareSettings) -> f64 {
    let effect = settings.min_effect.get(&family).copied().unwrap_or(0.0);
    let base = found.base.unwrap_or(0.0).max(1.0);
    match (found.scale, family) {
        (Scale::Points, _) => effect,
        (Scale::Relative { of }, _) => effect * of,
        // What is nothing has no part: only the floor is left, as a part of what the calls take.
        (Scale::FromNothing { median_us }, _) => FLOOR_US / median_us.max(1.0),
        (Scale::Log, Family::Lateness) => effect.max(LATENESS_FLOOR_US / base).ln_1p(),
        (Scale::Log, _) => effect.max(FLOOR_US / base).ln_1p(),
        // What has no unit has no floor.
        (Scale::Ratio, _) => effect.ln_1p(),
    }
}

/// A change on its scale as people read it.
fn percent(found: &MetricEstimate<'_>, change: f64) -> f64 {
    100.0
        * match found.scale {
            Scale::Log | Scale::Ratio => change.exp_m1(),
            Scale::Relative { of } => change / of,
            Scale::Points | Scale::FromNothing { .. } => change,
        }
}

fn verdict(
    asked: &MetricQuestion,
    found: &MetricEstimate<'_>,
    adjusted: Option<f64>,
    margin: f64,
    settings: &CompareSettings,
) -> ChangeVerdict {
    let Some(change) = found.change else {
        // Nothing on either side is the same on both sides; nothing on one side is not.
        return if found.samples == (0, 0) { ChangeVerdict::Unchanged } else { ChangeVerdict::Inconclusive };
    };
    let Interval { low, high } = change.limits;
    if low > -margin && high < margin || low >= 0.0 && high <= 0.0 {
        return ChangeVerdict::Unchanged;
    }
    if adjusted.is_none_or(|p| p > 1.0 - settings.confidence) {
        return ChangeVerdict::Inconclusive;
    }
    if !found.confirmed {
        return ChangeVerdict::Unchanged;
    }
    let better = match asked.metric.better() {
        Direction::More => change.value > 0.0,
        Direction::Less => change.value < 0.0,
    };
    if better { ChangeVerdict::Improved } else { ChangeVerdict::Regressed }
}

/// How many times as much data would bring the limits to [`SETTLED`] of the smallest effect: limits shrink with the root of the data.
fn more_data(found: &MetricEstimate<'_>, margin: f64) -> Option<f64> {
    let change = found.change?;
    let half = (change.limits.high - change.value).max(change.value - change.limits.low);
    // derived: where luck decided, an estimate over half as much data again differs from this one by more than half of its error
    // (sqrt(1 - 1 / 1.5) = 0.58); one over less would mostly repeat it
    let factor = (half / (SETTLED * margin)).powi(2).max(1.5);
    // derived: tenths are read easily
    factor.is_finite().then(|| (factor * 10.0).ceil() / 10.0)
}

fn note(asked: &MetricQuestion, found: &MetricEstimate<'_>, verdict: ChangeVerdict, by_chance: bool) -> Option<String> {
    let unbounded = found.change.is_some_and(|change| !change.limits.is_bounded());
    let text = match verdict {
        ChangeVerdict::Inconclusive if found.change.is_none() => "too few calls on a side",
        ChangeVerdict::Inconclusive if unbounded => "too few calls are above it for an interval: run longer, or more often",
        ChangeVerdict::Inconclusive if found.between_runs => {
            "the runs of one side differ more than the calls within a run do; make more runs rather than longer ones"
        }
        ChangeVerdict::Unchanged if !found.confirmed && !by_chance && matches!(asked.question, Question::LogGini(_)) => {
            "the slowest tenth did not change with it, so it counts as unchanged"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// The values stay, what they would mean does not.
fn forget(line: &mut MetricLine) {
    line.verdict = ChangeVerdict::Incomparable;
    line.more_data = None;
    line.note = None;
}

/// The worst that anything says, but for our own lateness: responses hold it, and it is none of the service's.
fn overall(metrics: &[MetricLine], checks: &[CheckLine]) -> ChangeVerdict {
    let of_service = metrics.iter().filter(|m| m.family != Family::Lateness).map(|m| m.verdict);
    let found: Vec<ChangeVerdict> = of_service.chain(checks.iter().map(|check| check.verdict)).collect();
    let order = [ChangeVerdict::Regressed, ChangeVerdict::Improved, ChangeVerdict::Inconclusive];
    order.into_iter().find(|verdict| found.contains(verdict)).unwrap_or(ChangeVerdict::Unchanged)
}
