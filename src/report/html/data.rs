//! What the page's charts draw: the timeline by column, the stages, and the percentile spectrum.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use serde::Serialize;
use serde_json::{Value, json};

use crate::num::{count, float};
use crate::record::timeline::Row;
use crate::report::stages;
use crate::scenario::Scenario;
use crate::summary::Summary;
use crate::units::human;

/// Points of a curve over time at most: an hour of seconds. Longer runs are drawn in longer steps.
const POINTS: usize = 3600;

/// Points of a percentile curve: as many a factor of ten towards 100 %.
const A_DECADE: u32 = 24;

/// Where a stage begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Mark {
    /// Seconds from the start.
    at: f64,
    /// What it does.
    label: String,
}

/// Everything, as JSON that may stand inside a `<script>`.
pub(super) fn payload(summary: &Summary, rows: &[Vec<Row>], scenario: &Scenario) -> String {
    in_script(&json!({ "columns": columns(rows), "stages": marks(scenario, summary), "spectrum": spectrum(summary) }))
}

/// JSON that may stand inside a `<script>`: no string in it can end the element, `<` is written as JSON may write it.
pub(in crate::report) fn in_script(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

type ReadRow = fn(&Row) -> Option<u64>;

/// Counts are added up over a step and shown per second; of percentiles the worst second of the step is shown, never an average.
const COUNTS: [(&str, ReadRow); 6] = [
    ("offered", |r| Some(r.offered)),
    ("sent", |r| Some(r.sent)),
    ("ok", |r| Some(r.ok)),
    ("throttled", |r| Some(r.throttled_quota + r.throttled_ramp + r.throttled_service)),
    ("errors", |r| Some(r.errors)),
    ("missed", |r| Some(r.missed)),
];
const CAUSES: [(&str, ReadRow); 3] = [
    ("throttled_quota", |r| Some(r.throttled_quota)),
    ("throttled_ramp", |r| Some(r.throttled_ramp)),
    ("throttled_service", |r| Some(r.throttled_service)),
];
const WORST: [(&str, ReadRow); 5] = [
    ("response_p50_us", |r| r.response_p50_us),
    ("response_p99_us", |r| r.response_p99_us),
    ("service_p50_us", |r| r.service_p50_us),
    ("service_p99_us", |r| r.service_p99_us),
    ("in_flight", |r| Some(r.in_flight)),
];

/// Columns that hold something, by name. Between two segments nothing is drawn.
fn columns(segments: &[Vec<Row>]) -> BTreeMap<&'static str, Vec<Value>> {
    let all = || segments.iter().flatten();
    let step = all().count().div_ceil(POINTS).max(1);
    let joined = |of: &dyn Fn(&[Row]) -> Value, between: &dyn Fn(&[Row]) -> Value| {
        let mut column = Vec::new();
        for (n, rows) in segments.iter().enumerate() {
            if n > 0 {
                column.push(between(&segments[n - 1]));
            }
            column.extend(rows.chunks(step).map(of));
        }
        column
    };
    let nothing = |_: &[Row]| Value::Null;
    let mut columns = BTreeMap::new();
    let after = |rows: &[Row]| rows.last().map_or(Value::Null, |row| (row.second + 1).into());
    columns.insert("second", joined(&|part| part[0].second.into(), &after));
    for (name, read) in COUNTS.into_iter().chain(CAUSES) {
        if all().any(|row| read(row) != Some(0)) {
            columns.insert(name, joined(&|part| mean(part, read), &nothing));
        }
    }
    for (name, read) in WORST {
        if all().any(|row| read(row).is_some()) {
            columns.insert(name, joined(&|part| part.iter().filter_map(read).max().into(), &nothing));
        }
    }
    columns
}

fn mean(part: &[Row], read: ReadRow) -> Value {
    let sum: u64 = part.iter().filter_map(read).sum();
    if part.len() == 1 { sum.into() } else { ((float(sum) / count(part.len()) * 100.0).round() / 100.0).into() }
}

/// Where each stage begins and what it does; and where each segment does, which the stages after it follow.
fn marks(scenario: &Scenario, summary: &Summary) -> Vec<Mark> {
    let seconds = |us: u64| float(us) / 1e6;
    let delayed = |at: f64| {
        let before = summary.segments.iter().rev().find(|segment| seconds(segment.from_us) <= at);
        before.map_or(0.0, |segment| seconds(segment.delayed_us))
    };
    let stages = stages(scenario).into_iter().map(|(at, label)| (at.as_secs_f64(), label));
    let mut marks: Vec<Mark> = stages.map(|(at, label)| Mark { at: at + delayed(at), label }).collect();
    marks.extend(summary.segments.iter().skip(1).map(|segment| {
        let gap = human(Duration::from_micros(segment.gap_us.unwrap_or(0)));
        Mark { at: seconds(segment.from_us + segment.delayed_us), label: format!("segment {}, after {gap}", segment.number) }
    }));
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    marks
}

/// The curves of the spectrum, by what they show.
const CURVES: [(&str, &str); 5] = [
    ("response.ok", "response ok"),
    ("response.throttled", "response throttled"),
    ("service.ok", "service ok"),
    ("service.throttled", "service throttled"),
    ("lateness.all", "lateness"),
];

/// Percentiles on a scale of 1 / (1 - quantile), from the median's side to 99.99 %; each curve ends where one sample lies beyond it.
fn spectrum(summary: &Summary) -> Value {
    let at: Vec<f64> = (0..=4 * A_DECADE).map(|i| 10f64.powf(f64::from(i) / f64::from(A_DECADE))).collect();
    let curves: Vec<Value> = CURVES
        .iter()
        .filter_map(|(key, label)| {
            let histogram = decode(summary.histograms.get(*key)?)?;
            let us: Vec<Option<u64>> = at.iter().map(|x| percentile(&histogram, *x)).collect();
            Some(json!({ "label": label, "us": us }))
        })
        .collect();
    let at: Vec<f64> = at.into_iter().map(|x| (x * 1e4).round() / 1e4).collect();
    json!({ "at": at, "series": curves })
}

/// A histogram of `summary.json`; `None` if it is not one.
pub(in crate::report) fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

/// The value below which all but one in `x` lie, if at least one sample lies beyond it. Never 0, which has no place on a logarithmic scale.
fn percentile(histogram: &Histogram<u64>, x: f64) -> Option<u64> {
    (float(histogram.len()) >= x).then(|| histogram.value_at_quantile(1.0 - 1.0 / x).min(histogram.max()).max(1))
}
