//! What the charts of a run draw over time: the timeline by column, how calls ended, the stages, and the limits of the thresholds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::chart::{Across, ChartCurve, ChartData, ChartLimit, ChartSpec, CurveStyle, StageMark, Upward};
use super::limits::ThresholdLimits;
use super::spread;
use super::{HtmlPage, SegmentSeconds};
use crate::client::outcome::Outcome;
use crate::num::{count, float};
use crate::record::endings::Endings;
use crate::record::timeline::Row;
use crate::report::stages::{ends_at_once, length, stages};
use crate::summary::{Stop, Summary};
use crate::units::human;

/// Numbers in curves over time at most: an hour of seconds with a dozen columns. Longer runs, and runs with more to show, are drawn in longer steps.
const NUMBERS: usize = 45_000; // derived: 7 characters each leave 185 kB of the page's 500 kB for everything else

/// Hues of the curves whose number is known only from the run, in turn.
const HUES: [&str; 6] = ["--c3", "--c4", "--c5", "--c1", "--c2", "--c6"];

const CLOCK: &str = "time since the start";
const PER_SECOND: &str = "calls per second";

/// Everything, as JSON that may stand inside a `<script>`.
pub(super) fn payload(page: &HtmlPage<'_>) -> String {
    let limits = ThresholdLimits::of(page.summary);
    let mut timeline = DrawnTimeline::new(page, &limits);
    let mut charts = BTreeMap::new();
    charts.insert("rate".into(), timeline.rate(&limits));
    charts.insert("times".into(), timeline.times(&limits));
    charts.insert("endings".into(), timeline.endings(&limits));
    charts.insert("statuses".into(), timeline.statuses());
    charts.insert("flight".into(), timeline.flight());
    charts.insert("spectrum".into(), spread::spectrum(page.summary, &limits));
    charts.insert("histogram".into(), spread::histogram(page.summary, &limits));
    let stages = marks(page);
    ChartData { columns: timeline.columns, stages, charts }.in_script()
}

/// The rows that are whole seconds: those in which a segment began late or ended are not, and would look like a fall.
pub(super) fn whole<'a>(page: &HtmlPage<'a>) -> Vec<&'a [Row]> {
    let last = page.segments.len().saturating_sub(1);
    let ended = ended(page);
    let one = |(n, segment): (usize, &'a SegmentSeconds)| {
        let mut rows = &segment.rows[..];
        let begins_us = page.summary.segments.get(n).map_or(0, |line| line.from_us);
        if let [first, rest @ ..] = rows
            && !rest.is_empty()
            && first.second * 1_000_000 < begins_us
        {
            rows = rest;
        }
        match rows.split_last() {
            Some((row, before)) if !before.is_empty() && (n < last || row.second + 1 > ended) => before,
            _ => rows,
        }
    };
    page.segments.iter().enumerate().map(one).collect()
}

/// The second up to which everything is known of a run of one segment: until then calls were due, or answers came.
fn ended(page: &HtmlPage<'_>) -> u64 {
    let Summary { stop, elapsed_us, segments, .. } = page.summary;
    if !segments.is_empty() {
        return 0;
    }
    let answered = Duration::from_micros(elapsed_us.unwrap_or(0)).as_secs();
    let scheduled = length(page.scenario).as_secs() + u64::from(ends_at_once(page.scenario));
    if *stop == Stop::Completed { scheduled.max(answered) } else { answered }
}

type ReadRow = fn(&Row) -> Option<u64>;

/// Counts are added up over a step and shown per second; of percentiles the worst second of the step is shown, never an average.
const COUNTS: [(&str, &str, CurveStyle, ReadRow); 6] = [
    ("offered", "--c6", CurveStyle::StepDash, |r| Some(r.offered)),
    ("sent", "--c1", CurveStyle::Step, |r| Some(r.sent)),
    ("ok", "--c2", CurveStyle::Step, |r| Some(r.ok)),
    ("throttled", "--c3", CurveStyle::Step, |r| Some(r.throttled_quota + r.throttled_ramp + r.throttled_service)),
    ("errors", "--c4", CurveStyle::Step, |r| Some(r.errors)),
    ("missed", "--c5", CurveStyle::Step, |r| Some(r.missed)),
];

/// Service lies under response, wide and pale, so that both are seen where they are equal.
const TIMES: [(&str, &str, CurveStyle, ReadRow); 4] = [
    ("service p99", "--c4", CurveStyle::Wide, |r| r.service_p99_us),
    ("service p50", "--c2", CurveStyle::Wide, |r| r.service_p50_us),
    ("response p99", "--c3", CurveStyle::Line, |r| r.response_p99_us),
    ("response p50", "--c1", CurveStyle::Line, |r| r.response_p50_us),
];

/// Rows that are drawn as one, with the segment that they are of.
#[derive(Clone, Copy)]
struct DrawnStep<'a> {
    rows: &'a [Row],
    segment: &'a SegmentSeconds,
}

impl DrawnStep<'_> {
    /// Where a second of its segment's clock lies on the clock of the first segment, in seconds.
    fn place(&self, second: u64) -> Value {
        let later = self.segment.later;
        let whole = second + later.as_secs();
        // derived: a thousandth of a second is less than a pixel from a minute on
        let part = f64::from(later.subsec_millis()) / 1e3;
        if part > 0.0 { (float(whole) + part).into() } else { whole.into() }
    }

    fn begin(&self) -> Value {
        self.rows.first().map_or(Value::Null, |row| self.place(row.second))
    }

    fn end(&self) -> Value {
        self.rows.last().map_or(Value::Null, |row| self.place(row.second + 1))
    }

    fn calls(&self, ended: impl Fn(Outcome, Option<u16>) -> bool) -> u64 {
        self.rows.iter().map(|row| self.segment.endings.count(row.second, &ended)).sum()
    }
}

/// The rows in steps, and the columns that the charts have asked for.
struct DrawnTimeline<'a> {
    endings: Endings,
    segments: Vec<DrawnStep<'a>>,
    step: usize,
    columns: BTreeMap<String, Vec<Value>>,
}

impl<'a> DrawnTimeline<'a> {
    fn new(page: &'a HtmlPage<'a>, limits: &ThresholdLimits) -> Self {
        let drawn = whole(page).into_iter().zip(page.segments).map(|(rows, segment)| DrawnStep { rows, segment });
        let segments: Vec<DrawnStep<'a>> = drawn.filter(|segment| !segment.rows.is_empty()).collect();
        let rows: usize = segments.iter().map(|segment| segment.rows.len()).sum();
        let endings = page.endings();
        let columns =
            1 + COUNTS.len() + TIMES.len() + 1 + endings.unwanted().len() + endings.statuses().len() + limits.shares.len();
        let step = (rows * columns).div_ceil(NUMBERS).max(1);
        let mut made = Self { endings, segments, step, columns: BTreeMap::new() };
        let mut seconds = made.joined(&|part| part.begin(), &|before| before.end());
        // Where the last step ends: a value that holds has a length there, too.
        seconds.extend(made.segments.last().map(DrawnStep::end));
        made.columns.insert("second".to_owned(), in_order(seconds));
        made
    }

    /// A value for each step, one for each break between two segments, and the last one once more.
    fn joined(&self, of: &dyn Fn(DrawnStep<'_>) -> Value, between: &dyn Fn(&DrawnStep<'_>) -> Value) -> Vec<Value> {
        let mut column = Vec::new();
        for (n, DrawnStep { rows, segment }) in self.segments.iter().enumerate() {
            if n > 0 {
                column.push(between(&self.segments[n - 1]));
            }
            column.extend(rows.chunks(self.step).map(|rows| of(DrawnStep { rows, segment })));
        }
        column
    }

    /// Adds a column that holds something; whether it does.
    fn add(&mut self, name: &str, holds: bool, of: &dyn Fn(DrawnStep<'_>) -> Value) -> bool {
        if holds {
            let mut column = self.joined(of, &|_| Value::Null);
            column.extend(column.last().cloned());
            self.columns.insert(name.to_owned(), column);
        }
        holds
    }

    fn any(&self, is: impl Fn(&Row) -> bool) -> bool {
        self.segments.iter().flat_map(|segment| segment.rows).any(is)
    }

    /// A curve of counts per second, if there is anything to count.
    fn counted(&mut self, name: &str, read: &dyn Fn(DrawnStep<'_>) -> u64) -> bool {
        let some = self.segments.iter().any(|segment| read(*segment) > 0);
        self.add(name, some, &|part| mean(read(part), part.rows.len()))
    }

    fn over_time(y: Upward, title: &'static str) -> ChartSpec {
        ChartSpec::new(Across::Time, y, [CLOCK, title], "second").closed()
    }

    fn rate(&mut self, limits: &ThresholdLimits) -> ChartSpec {
        let mut chart = Self::over_time(Upward::Count, PER_SECOND).limits(limits.rates.clone());
        for (name, hue, style, read) in COUNTS {
            if self.counted(name, &|part| part.rows.iter().filter_map(read).sum()) {
                chart = chart.curve(ChartCurve::new(name, hue, style, name));
            }
        }
        chart
    }

    fn times(&mut self, limits: &ThresholdLimits) -> ChartSpec {
        let mut chart = Self::over_time(Upward::Time, "time of an ok answer").limits(limits.times.clone());
        for (name, hue, style, read) in TIMES {
            let some = self.any(|row| read(row).is_some());
            if self.add(name, some, &|part| part.rows.iter().filter_map(read).max().into()) {
                chart = chart.curve(ChartCurve::new(name, hue, style, name));
            }
        }
        chart
    }

    /// What was refused or failed, by outcome, with what the thresholds allow of it at the rate that was sent.
    fn endings(&mut self, limits: &ThresholdLimits) -> ChartSpec {
        let mut chart = Self::over_time(Upward::Count, PER_SECOND);
        for (n, outcome) in self.endings.unwanted().into_iter().enumerate() {
            if self.counted(outcome.name(), &|part| part.calls(|o, _| o == outcome)) {
                let hue = HUES[n % HUES.len()];
                chart = chart.curve(ChartCurve::new(outcome.name(), hue, CurveStyle::Step, outcome.name()));
            }
        }
        for ChartLimit { at, label, hue, .. } in &limits.shares {
            let allowed =
                |part: DrawnStep<'_>| hundredths(float(part.rows.iter().map(|row| row.sent).sum()) * at / count(part.rows.len()));
            self.add(label, true, &allowed);
            chart = chart.curve(ChartCurve::new(label.as_str(), hue, CurveStyle::StepDash, label.as_str()));
        }
        chart
    }

    fn statuses(&mut self) -> ChartSpec {
        let mut chart = Self::over_time(Upward::Count, PER_SECOND);
        for status in self.endings.statuses() {
            let name = status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
            if self.counted(&name, &|part| part.calls(|_, s| s == status)) {
                chart = chart.curve(ChartCurve::new(&*name, status_hue(status), CurveStyle::Step, &*name));
            }
        }
        chart
    }

    fn flight(&mut self) -> ChartSpec {
        self.add("in flight", true, &|part| part.rows.iter().map(|row| row.in_flight).max().into());
        let curve = ChartCurve::new("in flight", "--c1", CurveStyle::Step, "in flight");
        Self::over_time(Upward::Count, "calls in flight").curve(curve)
    }
}

/// Successes are green, refusals and mistakes red, failures brown; calls without an answer violet.
const fn status_hue(status: Option<u16>) -> &'static str {
    match status {
        Some(200..=299) => "--c2",
        Some(429) => "--c1",
        Some(500..) => "--c4",
        Some(_) => "--c3",
        None => "--c5",
    }
}

/// Places that never go back, which a chart needs: a break ends at the latest where the next segment begins, and so does what came before a wall
/// clock was set back.
fn in_order(mut places: Vec<Value>) -> Vec<Value> {
    let mut least = f64::INFINITY;
    for place in places.iter_mut().rev() {
        match place.as_f64() {
            Some(at) if at > least => *place = least.into(),
            Some(at) => least = at,
            None => {}
        }
    }
    places
}

fn mean(sum: u64, seconds: usize) -> Value {
    if seconds == 1 { sum.into() } else { hundredths(float(sum) / count(seconds)) }
}

fn hundredths(value: f64) -> Value {
    ((value * 100.0).round() / 100.0).into()
}

/// Where each stage begins and what it does; where the schedule ends; and where each segment begins, which the stages after it follow.
fn marks(page: &HtmlPage<'_>) -> Vec<StageMark> {
    let summary = page.summary;
    let seconds = |us: u64| float(us) / 1e6;
    let delayed = |at: f64| {
        let before = summary.segments.iter().rev().find(|segment| seconds(segment.from_us) <= at);
        before.map_or(0.0, |segment| seconds(segment.delayed_us))
    };
    // A burst at the end says so itself.
    let end = (!ends_at_once(page.scenario)).then(|| (length(page.scenario), "end of the schedule".to_owned()));
    let stages = stages(page.scenario).into_iter().chain(end).map(|(at, label)| (at.as_secs_f64(), label));
    let mut marks: Vec<StageMark> = stages.map(|(at, label)| StageMark { at: at + delayed(at), label }).collect();
    marks.extend(summary.segments.iter().skip(1).map(|segment| {
        let gap = human(Duration::from_micros(segment.gap_us.unwrap_or(0)));
        StageMark { at: seconds(segment.from_us + segment.delayed_us), label: format!("segment {}, after {gap}", segment.number) }
    }));
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    marks
}
