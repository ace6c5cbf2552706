//! What the charts of a comparison draw: both sides over each other, over time and by percentile.
//!
//! Runs of a side are pooled call by call: a percentile of a step is one of all calls that were due in it, never an average.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::outcome::Class;
use crate::num::{count, float, place};
use crate::record::calls::{Call, Calls};
use crate::record::timeline::SECOND_US;
use crate::report::html::chart::{Across, ChartCurve, ChartData, ChartSpec, CurveStyle, StageMark, Upward};

/// Points of a curve over time at most: two sides of noisy seconds over each other would hide one another.
const POINTS: u64 = 240;

/// Points of a percentile curve: as many a factor of ten towards 100 %.
const A_DECADE: u32 = 24;

/// Calls below and beyond a percentile, with fewer of which its change is mostly noise.
const BEYOND: f64 = 10.0;

const CLOCK: &str = "time since the start";

/// Hues of the page's style: a side each.
const HUES: [(&str, &str); 2] = [("base", "--c1"), ("new", "--c4")];

/// Everything, as JSON that may stand inside a `<script>`.
pub(super) fn payload(base: &[&Calls], new: &[&Calls], stages: &[(Duration, String)]) -> String {
    let sides = [base, new];
    let span_s = sides.iter().flat_map(|side| side.iter()).map(|run| seconds(run)).max().unwrap_or(1);
    let steps = TimeSteps { step_s: span_s.div_ceil(POINTS).max(1), span_s };
    let over_time = sides.map(|side| steps.side(side));
    let sorted = sides.map(|side| times(side, Call::response_us));
    let service = sides.map(|side| times(side, |call| call.service_us));
    let marks = stages.iter().map(|(at, label)| StageMark { at: at.as_secs_f64(), label: label.clone() });
    let charts = BTreeMap::from([
        ("rate".into(), rate(&steps, &over_time)),
        ("times".into(), percentiles(&steps, &over_time)),
        ("spectrum".into(), spectrum(&sorted, &service)),
        ("change".into(), change(&sorted)),
    ]);
    ChartData { columns: BTreeMap::new(), stages: marks.collect(), charts }.in_script()
}

/// How many seconds of a run's schedule are drawn. The last one is left out if far fewer calls were due in it than in the one before: the
/// schedule ended within it, which would look like a fall.
fn seconds(run: &Calls) -> u64 {
    let Some(last) = run.last_due_us().map(|last| last / SECOND_US) else { return 1 };
    let due_in = |second: u64| run.iter().filter(|call| call.due_us / SECOND_US == second).count();
    // A second that is half over has half of the calls; chance alone seldom halves more than a few.
    let is_whole = last == 0 || due_in(last) * 2 >= due_in(last - 1);
    last + u64::from(is_whole)
}

/// The times of the answers that were ok, of all runs, by size.
fn times(side: &[&Calls], time: impl Fn(&Call) -> u32) -> Vec<u32> {
    let mut times: Vec<u32> = side.iter().flat_map(|run| run.of_class(Class::Ok)).map(|call| time(&call)).collect();
    times.sort_unstable();
    times
}

/// The time axis, cut into steps of whole seconds.
struct TimeSteps {
    step_s: u64,
    span_s: u64,
}

/// One side in one step.
#[derive(Debug, Clone, Default)]
struct Step {
    /// How many runs' seconds it holds.
    run_seconds: u64,
    ok: u64,
    throttled: u64,
    other: u64,
    /// Response times of the answers that were ok, by size.
    response_us: Vec<u32>,
}

impl TimeSteps {
    fn count(&self) -> u64 {
        self.span_s.div_ceil(self.step_s)
    }

    fn at(&self) -> Vec<u64> {
        (0..self.count()).map(|step| step * self.step_s).collect()
    }

    fn side(&self, runs: &[&Calls]) -> Vec<Step> {
        let mut steps: Vec<Step> = (0..self.count()).map(|_| Step::default()).collect();
        for run in runs {
            let seconds = seconds(run);
            for (step, begins) in steps.iter_mut().zip(self.at()) {
                step.run_seconds += seconds.saturating_sub(begins).min(self.step_s);
            }
            for call in run.iter() {
                let at = usize::try_from(call.due_us / SECOND_US / self.step_s).unwrap_or(usize::MAX);
                let Some(step) = steps.get_mut(at) else { continue };
                match call.outcome.class() {
                    Class::Ok => {
                        step.ok += 1;
                        step.response_us.push(call.response_us());
                    }
                    Class::Throttled => step.throttled += 1,
                    _ => step.other += 1,
                }
            }
        }
        for step in &mut steps {
            step.response_us.sort_unstable();
        }
        steps
    }
}

type ReadStep = fn(&Step) -> u64;

type Sides = [Vec<Step>; 2];

/// Calls per second of a run, by how they ended; what never happened is not drawn.
fn rate(steps: &TimeSteps, sides: &Sides) -> ChartSpec {
    let reads: [(&str, CurveStyle, ReadStep); 3] = [
        ("ok", CurveStyle::Step, |s| s.ok),
        ("throttled", CurveStyle::StepDash, |s| s.throttled),
        ("errors, missed, capped", CurveStyle::StepDash, |s| s.other),
    ];
    let mut chart = ChartSpec::new(Across::Time, Upward::Count, [CLOCK, "calls per second"], steps.at());
    for (name, style, read) in reads {
        if !sides.iter().flatten().any(|step| read(step) > 0) {
            continue;
        }
        for (steps, (side, hue)) in sides.iter().zip(HUES) {
            let values: Vec<Option<f64>> = steps.iter().map(|step| per_second(read(step), step.run_seconds)).collect();
            chart = chart.curve(ChartCurve::new(format!("{side} {name}"), hue, style, values));
        }
    }
    chart
}

/// A rate with two decimals; `None` where no run has calls any more.
fn per_second(n: u64, seconds: u64) -> Option<f64> {
    (seconds > 0).then(|| (float(n) / float(seconds) * 100.0).round() / 100.0)
}

fn percentiles(steps: &TimeSteps, sides: &Sides) -> ChartSpec {
    let mut chart = ChartSpec::new(Across::Time, Upward::Time, [CLOCK, "response of an ok answer"], steps.at());
    for (name, style, share) in [("p99", CurveStyle::Dash, 0.99), ("p50", CurveStyle::Line, 0.5)] {
        for (steps, (side, hue)) in sides.iter().zip(HUES) {
            let values: Vec<Option<u32>> = steps.iter().map(|step| percentile(&step.response_us, share)).collect();
            chart = chart.curve(ChartCurve::new(format!("{side} {name}"), hue, style, values));
        }
    }
    chart
}

/// The smallest time that a share of them does not exceed; never 0, which has no place on a logarithmic scale.
fn percentile(sorted: &[u32], share: f64) -> Option<u32> {
    sorted.get(place((share * count(sorted.len())).ceil()).saturating_sub(1)).map(|us| (*us).max(1))
}

/// Places on a scale of 1 / (1 - quantile), up to 99.99 %.
fn places() -> impl Iterator<Item = f64> {
    (0..=4 * A_DECADE).map(|i| 10f64.powf(f64::from(i) / f64::from(A_DECADE)))
}

/// A percentile curve, as far as `beyond` calls lie beyond it.
fn curve(sorted: &[u32], beyond: f64) -> impl Iterator<Item = Option<u32>> {
    places().map(move |x| (count(sorted.len()) >= x * beyond).then(|| percentile(sorted, 1.0 - 1.0 / x)).flatten())
}

fn axis() -> Vec<f64> {
    places().map(|x| (x * 1e4).round() / 1e4).collect()
}

fn spectrum(response: &[Vec<u32>; 2], service: &[Vec<u32>; 2]) -> ChartSpec {
    let mut chart = ChartSpec::new(Across::Percentile, Upward::Time, ["percentile", "time of an ok answer"], axis());
    // Where no call was late, service is response. It lies under response, wide and pale.
    let kinds = [("service", CurveStyle::Wide, service), ("response", CurveStyle::Line, response)];
    for (name, style, sides) in kinds.into_iter().skip(usize::from(service == response)) {
        for (sorted, (side, hue)) in sides.iter().zip(HUES) {
            let values: Vec<Option<u32>> = curve(sorted, 1.0).collect();
            chart = chart.curve(ChartCurve::new(format!("{side} {name}"), hue, style, values));
        }
    }
    chart
}

/// The change of the response time in percent, by percentile.
fn change([base, new]: &[Vec<u32>; 2]) -> ChartSpec {
    let fewest = count(base.len().min(new.len()));
    let change = |((base, new), x): ((Option<u32>, Option<u32>), f64)| {
        let (base, new) = (f64::from(base?), f64::from(new?));
        let enough = fewest * (1.0 - 1.0 / x) >= BEYOND;
        enough.then(|| ((new / base - 1.0) * 1e4).round() / 100.0)
    };
    let values: Vec<Option<f64>> = curve(base, BEYOND).zip(curve(new, BEYOND)).zip(places()).map(change).collect();
    ChartSpec::new(Across::Percentile, Upward::Change, ["percentile", "change of the response, %"], axis())
        .curve(ChartCurve::new("new against base", "--c4", CurveStyle::Line, values))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::client::outcome::Outcome;

    fn run(seconds: u64, service_us: u32) -> Calls {
        let call = |i: u64| {
            let outcome = if i % 10 == 9 { Outcome::ThrottledQuota } else { Outcome::Ok };
            Call { due_us: i * 100_000, lateness_us: 0, service_us: service_us + u32::try_from(i % 10).unwrap(), outcome }
        };
        (0..seconds * 10).map(call).collect()
    }

    fn of(base: &[&Calls], new: &[&Calls]) -> Value {
        serde_json::from_str(&payload(base, new, &[])).unwrap()
    }

    /// Rates are those of one run, percentiles those of all calls of a step, and a side that ended is not drawn any further.
    #[test]
    fn sides_are_pooled() {
        let (short, long) = (run(3, 1000), run(5, 2000));
        let value = of(&[&short, &short], &[&long]);
        let rate = &value["charts"]["rate"];
        assert_eq!(rate["at"], json!([0, 1, 2, 3, 4]));
        assert_eq!(rate["series"][0]["values"], json!([9.0, 9.0, 9.0, null, null]));
        assert_eq!(rate["series"][3]["values"], json!([1.0, 1.0, 1.0, 1.0, 1.0]));
        let times = &value["charts"]["times"]["series"];
        assert_eq!((&times[2]["values"][0], &times[3]["values"][4]), (&json!(1004), &json!(2004)));
        // 45 calls: the median is the last percentile with ten calls beyond it.
        let change = value["charts"]["change"]["series"][0]["values"].as_array().unwrap();
        let known: Vec<&Value> = change.iter().filter(|change| !change.is_null()).collect();
        assert!(known.len() > 5 && known.iter().all(|change| (99.0..101.0).contains(&change.as_f64().unwrap())), "{known:?}");
        assert_eq!(value["charts"]["spectrum"]["series"].as_array().unwrap().len(), 2);
    }

    /// Long runs are drawn in longer steps, runs without calls as nothing.
    #[test]
    fn any_length() {
        let hour = run(3600, 1000);
        let value = of(&[&hour], &[&Calls::default()]);
        let rate = &value["charts"]["rate"];
        assert_eq!((rate["at"].as_array().unwrap().len(), &rate["at"][1]), (240, &json!(15)));
        assert_eq!(rate["series"][0]["values"][239], json!(9.0));
        let none = of(&[&Calls::default()], &[&Calls::default()]);
        assert_eq!(none["charts"]["rate"]["series"], json!([]));
    }
}
