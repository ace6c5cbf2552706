//! A series of runs of one experiment, and where it changed.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalog::MetricUnit;
use super::catalog::unit;
use super::contract::ChangeVerdict;
use super::subject::Subject;
use crate::metric::{Direction, Metric, Series, Stat};
use crate::num::float;
use crate::stats::divisive::{Search, change_points};
use crate::summary::{Summary, Validity};

/// Version of the contract.
pub const HISTORY_SCHEMA: u32 = 2;

/// The runs of a directory, by experiment. Unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Version of this contract: 2.
    pub schema: u32,
    /// regressed if a regression of any series still stands at its last run, else improved if an improvement does, else unchanged;
    /// inconclusive if no series has enough runs to tell.
    pub verdict: ChangeVerdict,
    /// The same in a sentence.
    pub sentence: String,
    /// Runs that differ in nothing but time, seed and version, a series each.
    pub series: Vec<RunSeries>,
    /// Directories that were left out, and why.
    pub skipped: Vec<String>,
}

/// Runs of one experiment, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSeries {
    /// The scenario's name.
    pub name: String,
    /// What sets it apart from other series of that name: settings with their values; `-` where one is not set.
    pub apart: BTreeMap<String, String>,
    /// The runs.
    pub runs: Vec<Point>,
    /// What the thresholds of the newest run ask of the metrics: `response.p99` and `< 800ms`.
    #[serde(default)]
    pub thresholds: BTreeMap<String, String>,
    /// Where a metric changed, in the order of the runs.
    pub changes: Vec<Change>,
}

/// One run of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Its directory's name.
    pub run: String,
    /// When it started, UTC.
    pub start_utc: String,
    /// Which livebench it was.
    pub version: String,
    /// Its seed.
    pub seed: u64,
    /// Whether it can be believed; an INVALID run is listed and left out of the search.
    pub validity: Validity,
    /// Its values by metric.
    pub values: BTreeMap<String, f64>,
}

/// A metric that changed at a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Which metric.
    pub metric: String,
    /// In what it is measured.
    pub unit: MetricUnit,
    /// Better or worse.
    pub verdict: ChangeVerdict,
    /// The first run after the change.
    pub run: String,
    /// The median from the change before, or the first run.
    pub before: f64,
    /// The median up to the next change, or the last run.
    pub after: f64,
    /// The change in percent of `before`; null if that is 0.
    pub change_pct: Option<f64>,
    /// How often chance alone would split the series as well.
    pub p_value: f64,
    /// Whether more than half of the change is still there at the last run.
    pub stands: bool,
}

/// With fewer runs that can be believed no change stands out from chance: too few orders of them are otherwise.
// derived: two levels of n runs, each in its half, are split as well in 2 of the C(n, n / 2) orders: 2 / 126 for 9 runs, 2 / 252 for 10, which
// is the first below `Search`'s alpha of 1 %
pub const ENOUGH: usize = 10;

/// The history of runs, in any order.
pub fn history(runs: Vec<(Subject, Summary)>, skipped: Vec<String>, search: &Search) -> History {
    let mut groups = Groups::new();
    for (subject, summary) in runs {
        groups.entry((summary.name.clone(), experiment(&subject))).or_default().push((subject, summary));
    }
    let apart: Vec<BTreeMap<String, String>> = groups.iter().map(|((name, _), runs)| apart(name, &runs[0].0, &groups)).collect();
    let series = groups.into_iter().zip(apart).map(|(((name, _), mut runs), apart)| {
        runs.sort_by(|a, b| (&a.0.start_utc, &a.0.name).cmp(&(&b.0.start_utc, &b.0.name)));
        let newest = runs.last().map(|(_, summary)| &summary.thresholds[..]).unwrap_or_default();
        let thresholds = newest.iter().map(|threshold| (threshold.metric.clone(), threshold.expression.clone())).collect();
        let runs: Vec<Point> = runs.iter().map(|(subject, summary)| point(subject, summary)).collect();
        RunSeries { name, apart, changes: changes(&runs, search), runs, thresholds }
    });
    let series: Vec<RunSeries> = series.collect();
    let verdict = overall(&series);
    History { schema: HISTORY_SCHEMA, verdict, sentence: sentence(verdict, &series), series, skipped }
}

/// The worst change that still stands.
fn overall(series: &[RunSeries]) -> ChangeVerdict {
    let stands = |verdict| series.iter().flat_map(|s| &s.changes).any(|change| change.stands && change.verdict == verdict);
    if let Some(verdict) = [ChangeVerdict::Regressed, ChangeVerdict::Improved].into_iter().find(|verdict| stands(*verdict)) {
        return verdict;
    }
    if series.iter().any(|series| series.believed() >= ENOUGH) { ChangeVerdict::Unchanged } else { ChangeVerdict::Inconclusive }
}

/// What stands, in words: the largest change of each series that has one.
fn sentence(verdict: ChangeVerdict, series: &[RunSeries]) -> String {
    let size = |change: &Change| change.change_pct.map_or(f64::INFINITY, f64::abs);
    let largest = |series: &RunSeries| {
        let standing = series.changes.iter().filter(|change| change.stands && change.verdict == verdict);
        let change = standing.max_by(|a, b| size(a).total_cmp(&size(b)))?;
        let percent = change.change_pct.map_or_else(String::new, |pct| format!(" by {:.1} %", pct.abs()));
        Some(format!("{} of {} {verdict}{percent} at {}", change.metric, series.name, change.run))
    };
    let found: Vec<String> = series.iter().filter_map(largest).collect();
    match verdict {
        ChangeVerdict::Regressed | ChangeVerdict::Improved => format!("{}.", found.join("; ")),
        ChangeVerdict::Unchanged => "No change still holds at the last run.".to_owned(),
        _ => format!("With fewer than {ENOUGH} runs of one experiment no change can be told from chance."),
    }
}

impl RunSeries {
    /// How many of the runs can be believed.
    fn believed(&self) -> usize {
        self.runs.iter().filter(|run| run.validity != Validity::Invalid).count()
    }
}

type Groups = BTreeMap<(String, String), Vec<(Subject, Summary)>>;

/// What a series of some name has otherwise than the others of that name.
fn apart(name: &str, one: &Subject, groups: &Groups) -> BTreeMap<String, String> {
    let same: Vec<&Subject> = groups.iter().filter(|((other, _), _)| other == name).map(|(_, runs)| &runs[0].0).collect();
    let keys: BTreeSet<_> = same.iter().flat_map(|s| s.settings.keys()).filter(|(kind, _)| kind.forbids()).collect();
    let differ = keys.into_iter().filter(|key| same.iter().any(|s| s.settings.get(*key) != one.settings.get(*key)));
    let value = |key| one.settings.get(key).cloned().unwrap_or_else(|| "-".to_owned());
    differ.map(|key| (key.1.clone(), value(key))).collect()
}

/// Everything that makes runs comparable, as one text.
fn experiment(subject: &Subject) -> String {
    let settings = subject.settings.iter().filter(|((kind, _), _)| kind.forbids());
    settings.fold(String::new(), |text, ((kind, key), value)| text + kind.name() + "." + key + "=" + value + "\n")
}

fn point(subject: &Subject, summary: &Summary) -> Point {
    let version = subject.settings.iter().find(|((_, key), _)| key == "version").map(|(_, value)| value.clone());
    let mut values = BTreeMap::new();
    for metric in Metric::followed() {
        if let Some(value) = value(summary, metric) {
            values.insert(metric.name().to_owned(), value);
        }
    }
    Point {
        run: subject.name.clone(),
        start_utc: subject.start_utc.clone(),
        version: version.unwrap_or_default(),
        seed: subject.seed,
        validity: summary.verdict.validity,
        values,
    }
}

/// What a summary says of a metric that is followed.
fn value(summary: &Summary, metric: Metric) -> Option<f64> {
    let counts = &summary.counts;
    let share = |n: u64, of: u64| (of > 0).then(|| float(n) / float(of));
    let response = summary.latency.response.ok.as_ref();
    match metric {
        Metric::RateOk => summary.rates.ok_per_s,
        Metric::Throttled => share(counts.throttled, counts.sent),
        Metric::Errors => share(counts.errors, counts.sent),
        Metric::Missed => share(counts.missed, counts.scheduled),
        Metric::Latency(Series::Response, Stat::P50) => response?.p50_us.map(float),
        Metric::Latency(Series::Response, Stat::P95) => response?.p95_us.map(float),
        Metric::Latency(Series::Response, Stat::P99) => response?.p99_us.map(float),
        _ => None,
    }
}

/// The change points of every metric, in the order of the runs.
fn changes(runs: &[Point], search: &Search) -> Vec<Change> {
    let mut found: Vec<(usize, Change)> = Vec::new();
    for metric in Metric::followed() {
        let Some(unit) = unit(metric) else { continue };
        let trusted = runs.iter().enumerate().filter(|(_, point)| point.validity != Validity::Invalid);
        let series: Vec<(usize, f64)> = trusted.filter_map(|(i, point)| Some((i, *point.values.get(metric.name())?))).collect();
        let values: Vec<f64> = series.iter().map(|(_, value)| *value).collect();
        let points = change_points(&values, search);
        // What it is now: the level since the last change.
        let now = median(&values[points.last().map_or(0, |last| last.at)..]);
        for (k, at) in points.iter().enumerate() {
            let from = if k == 0 { 0 } else { points[k - 1].at };
            let to = points.get(k + 1).map_or(values.len(), |next| next.at);
            let (before, after) = (median(&values[from..at.at]), median(&values[at.at..to]));
            let better = (after < before) == (metric.better() == Direction::Less);
            let (first, run) = (series[at.at].0, runs[series[at.at].0].run.clone());
            let change = Change {
                metric: metric.name().to_owned(),
                unit,
                verdict: if better { ChangeVerdict::Improved } else { ChangeVerdict::Regressed },
                run,
                before,
                after,
                change_pct: (before.abs() > f64::EPSILON).then(|| 100.0 * (after / before - 1.0)),
                p_value: at.p_value,
                stands: stands(before, after, now),
            };
            found.push((first, change));
        }
    }
    found.sort_by_key(|(first, _)| *first);
    found.into_iter().map(|(_, change)| change).collect()
}

/// Whether more of a change is left `now` than went back: medians of a few runs never come back exactly.
fn stands(before: f64, after: f64, now: f64) -> bool {
    // derived: halfway, where both levels are equally near
    (now - before).abs() > 0.5 * (after - before).abs() && (now > before) == (after > before)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(*upper, sorted[middle - 1]),
        None => 0.0,
    }
}

/// The JSON Schema of [`History`], for `livebench schema history`.
pub fn history_schema() -> String {
    let schema = schemars::schema_for!(History);
    // A schema made of our own types serialises.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
