//! A history of runs as a page that needs nothing else: each metric over the runs, with its threshold and where it changed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use maud::{Markup, html};
use serde_json::Value;

use super::history::rows;
use super::trends::{lines, title};
use crate::compare::ChangeVerdict;
use crate::compare::history::{Change, History, Point, RunSeries};
use crate::metric::{Metric, Quantity};
use crate::num::count;
use crate::report::html::chart::{Across, ChartCurve, ChartData, ChartLimit, ChartSpec, CurveStyle, Upward};
use crate::report::html::frame::{chart, frame, licence, section, table};
use crate::scenario::threshold::{self, Threshold};
use crate::summary::Validity;

/// Writes a history as a page: the sentence first, then a chart a metric and the runs of each series.
pub fn history_html(history: &History, out: &mut impl Write) -> io::Result<()> {
    let class = match history.verdict {
        ChangeVerdict::Improved | ChangeVerdict::Unchanged => "verdict",
        ChangeVerdict::Inconclusive | ChangeVerdict::Incomparable => "verdict suspect",
        ChangeVerdict::Regressed => "verdict invalid",
    };
    let body = html! {
        header class=(class) {
            h1 { "History" }
            p { strong.word { (history.verdict.name().to_uppercase()) } " " strong { (history.sentence) } }
        }
        @for (n, series) in history.series.iter().enumerate() { (one(n, series)) }
        @for reason in &history.skipped { p.dim { "left out: " (reason) } }
        (licence())
    };
    let title = format!("{}: history of runs", history.verdict);
    out.write_all(frame(&title, &body, &payload(history)).into_string().as_bytes())?;
    out.write_all(b"\n")
}

fn one(n: usize, series: &RunSeries) -> Markup {
    let body = html! {
        @for (setting, value) in &series.apart { p.dim { (setting) " = " (value) } }
        @for line in lines(series) { p { (line) } }
        @for metric in shown(series) {
            (chart(&key(n, metric), caption(metric), &format!("{} of each run; the table of the runs has the numbers.", caption(metric))))
        }
        details { summary { "Runs" } div.texts.tight { (table(&format!("runs of {}", title(series)), rows(series))) } }
    };
    section(&title(series), &body)
}

/// The metrics that are worth a chart: those that two runs have, and that were not 0 all along.
fn shown(series: &RunSeries) -> Vec<Metric> {
    let values = |metric: Metric| series.runs.iter().filter_map(move |run| run.values.get(metric.name()).copied());
    Metric::followed().into_iter().filter(|m| values(*m).count() > 1 && values(*m).any(|value| value > 0.0)).collect()
}

fn key(n: usize, metric: Metric) -> String {
    format!("{n} {}", metric.name())
}

/// What a chart shows, in words.
fn caption(metric: Metric) -> &'static str {
    match metric {
        Metric::RateOk => "Sessions per second (rate.ok)",
        Metric::Throttled => "Share of throttled calls (throttled)",
        Metric::Errors => "Share of calls with an error (errors)",
        Metric::Missed => "Share of missed calls (missed)",
        other => other.name(),
    }
}

/// Everything that the charts draw, as JSON that may stand inside a `<script>`.
fn payload(history: &History) -> String {
    let (mut columns, mut charts) = (BTreeMap::new(), BTreeMap::new());
    for (n, series) in history.series.iter().enumerate() {
        let names = [format!("{n} run"), format!("{n} date")];
        let dates = dates(series);
        columns.insert(names[0].clone(), series.runs.iter().map(|run| run.run.as_str().into()).collect());
        columns.insert(names[1].clone(), dates.into_iter().map(Value::from).collect());
        for metric in shown(series) {
            charts.insert(key(n, metric).into(), course(series, metric).runs(names.clone()));
        }
    }
    ChartData { columns, stages: Vec::new(), charts }.in_script()
}

/// The dates of the runs, as short as they can be told apart by: without the day where all are of one, without the time where none shares its
/// day with another, and with seconds only where minutes are shared.
fn dates(series: &RunSeries) -> Vec<String> {
    // RFC 3339: 2026-11-21T10:15:00.000000Z
    let parts: Vec<(&str, &str)> =
        series.runs.iter().map(|run| run.start_utc.split_once('T').unwrap_or((&run.start_utc, ""))).collect();
    let shared = parts.windows(2).any(|two| two[0].0 == two[1].0 && two[0].1.get(..5) == two[1].1.get(..5));
    let length = if shared { 8 } else { 5 }; // source: RFC 3339, `10:15:00` and `10:15`
    let short = |time: &str| time.chars().take(length).collect::<String>();
    let one_day = parts.windows(2).all(|two| two[0].0 == two[1].0);
    let a_day_each = parts.windows(2).all(|two| two[0].0 != two[1].0);
    let one = |(day, time): (&str, &str)| match (one_day, a_day_each) {
        (true, false) => short(time),
        (_, true) => day.to_owned(),
        _ => format!("{day} {}", short(time)).trim_end().to_owned(),
    };
    parts.into_iter().map(one).collect()
}

/// A metric over the runs, with what its threshold asks for and a line where it changed.
fn course(series: &RunSeries, metric: Metric) -> ChartSpec {
    let (upward, factor, title) = match metric.quantity() {
        Quantity::Time => (Upward::Span, 1.0, "time of an ok answer"),
        Quantity::Share => (Upward::Percent, 100.0, "calls, %"),
        Quantity::Rate => (Upward::Count, 1.0, "sessions per second"),
        Quantity::Count | Quantity::LogRatio => (Upward::Count, 1.0, "value"),
    };
    let values = |of: &dyn Fn(&Point) -> bool| -> Vec<Value> {
        let value = |run: &Point| run.values.get(metric.name()).filter(|_| of(run)).map(|value| value * factor);
        series.runs.iter().map(|run| value(run).into()).collect()
    };
    let places: Vec<u64> = (0..series.runs.len() as u64).collect();
    let believed = values(&|run| run.validity != Validity::Invalid);
    let mut spec = ChartSpec::new(Across::Run, upward, ["start of the run, UTC", title], places).curve(ChartCurve::new(
        metric.name(),
        "--c1",
        CurveStyle::Dots,
        believed,
    ));
    if series.runs.iter().any(|run| run.validity == Validity::Invalid) {
        let invalid = values(&|run| run.validity == Validity::Invalid);
        spec = spec.curve(ChartCurve::new("INVALID, not counted", "--c4", CurveStyle::Points, invalid));
    }
    spec.limits(asked(series, metric, factor)).limits(changed(series, metric))
}

/// What the newest run's threshold asks for, in the colour of whether that run meets it.
fn asked(series: &RunSeries, metric: Metric, factor: f64) -> Option<ChartLimit> {
    let expression = series.thresholds.get(metric.name())?;
    let threshold = threshold::named(metric.name()).and_then(|metric| Threshold::parse(metric, expression)).ok()?;
    let newest = series.runs.last().and_then(|run| run.values.get(metric.name()));
    let hue = match newest.map(|value| threshold.holds(*value)) {
        Some(true) => "--good",
        Some(false) => "--bad",
        None => "--warn",
    };
    Some(ChartLimit::across(threshold.limit * factor, threshold.to_string(), hue))
}

/// Where it changed, between the last run before and the first one after.
fn changed(series: &RunSeries, metric: Metric) -> impl Iterator<Item = ChartLimit> {
    let changes = series.changes.iter().filter(move |change| change.metric == metric.name());
    changes.filter_map(|change| {
        let at = series.runs.iter().position(|run| run.run == change.run)?;
        let hue = if change.verdict == ChangeVerdict::Improved { "--good" } else { "--bad" };
        Some(ChartLimit::upright(count(at) - 0.5, by(change), hue))
    })
}

/// A change in a few words.
fn by(change: &Change) -> String {
    let percent = change.change_pct.map_or_else(|| change.verdict.name().to_owned(), |pct| format!("{pct:+.1} %"));
    if change.stands { percent } else { format!("{percent}, gone since") }
}
