//! A history of runs as Markdown, as JUnit XML and as a page that needs nothing else.

use std::io::{self, Write};

use maud::{Markup, html};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::history::{none, rows, sentence};
use super::words::value;
use crate::compare::history::{Change, History, RunSeries};
use crate::compare::{ChangeVerdict, MetricUnit};
use crate::metric::{Metric, Quantity};
use crate::num::count;
use crate::report::html::chart::ChartData;
use crate::report::html::frame::{frame, section, table};
use crate::report::parts;

/// Width and height of a drawn series, in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 120.0;

/// Writes a history for a job's summary: the sentence, the changes, and the runs folded.
pub fn history_markdown(history: &History, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## livebench history: {}\n\n**{}**", history.verdict, history.sentence)?;
    for series in &history.series {
        writeln!(out, "\n### {}\n", title(series))?;
        for (setting, value) in &series.apart {
            writeln!(out, "- {setting} = {value}")?;
        }
        for line in lines(series) {
            writeln!(out, "- {line}")?;
        }
        writeln!(out, "\n<details><summary>Runs</summary>\n\n{}\n\n</details>", parts::piped(rows(series), 3))?;
    }
    for reason in &history.skipped {
        writeln!(out, "\nleft out: {reason}")?;
    }
    Ok(())
}

fn title(series: &RunSeries) -> String {
    let runs = if series.runs.len() == 1 { "run" } else { "runs" };
    format!("{}, {} {runs}", series.name, series.runs.len())
}

fn lines(series: &RunSeries) -> Vec<String> {
    if series.changes.is_empty() { vec![none(series)] } else { series.changes.iter().map(sentence).collect() }
}

/// Writes a history as JUnit XML: a suite a series, a test case a metric. A regression that stands is a failure.
pub fn history_junit(history: &History, out: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("livebench");
    for series in &history.series {
        let apart: Vec<String> = series.apart.iter().map(|(setting, value)| format!(", {setting} = {value}")).collect();
        let mut suite = TestSuite::new(format!("livebench history: {}{}", series.name, apart.concat()));
        suite.add_test_cases(Metric::followed().into_iter().map(|metric| case(series, metric)));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)
}

fn case(series: &RunSeries, metric: Metric) -> TestCase {
    let changes: Vec<&Change> = series.changes.iter().filter(|change| change.metric == metric.name()).collect();
    let regressed = changes.iter().any(|change| change.stands && change.verdict == ChangeVerdict::Regressed);
    let text = changes.iter().map(|change| sentence(change)).collect::<Vec<_>>().join("; ");
    let mut status = if regressed { TestCaseStatus::non_success(NonSuccessKind::Failure) } else { TestCaseStatus::success() };
    if regressed {
        status.set_message(text.clone());
    }
    let mut case = TestCase::new(metric.name(), status);
    case.set_classname("livebench.history");
    if !regressed {
        case.set_system_out(if text.is_empty() { none(series) } else { text });
    }
    case
}

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
        @for series in &history.series { (one(series)) }
        @for reason in &history.skipped { p.dim { "left out: " (reason) } }
    };
    let title = format!("{}: history of runs", history.verdict);
    out.write_all(frame(&title, &body, &ChartData::default().in_script()).into_string().as_bytes())?;
    out.write_all(b"\n")
}

fn one(series: &RunSeries) -> Markup {
    let body = html! {
        @for (setting, value) in &series.apart { p.dim { (setting) " = " (value) } }
        @for line in lines(series) { p { (line) } }
        @for metric in Metric::followed() { (drawn(series, metric)) }
        details { summary { "Runs" } div.texts.tight { (table(&format!("runs of {}", title(series)), rows(series))) } }
    };
    section(&title(series), &body)
}

/// One metric over the runs, from 0 up, with a mark at every change; nothing where there is nothing to see.
fn drawn(series: &RunSeries, metric: Metric) -> Markup {
    let name = metric.name();
    let values: Vec<(usize, f64)> =
        series.runs.iter().enumerate().filter_map(|(i, run)| Some((i, *run.values.get(name)?))).collect();
    let highest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if values.len() < 2 || highest <= 0.0 {
        return html! {};
    }
    let last = count(series.runs.len() - 1).max(1.0);
    let x = |i: usize| count(i) / last * WIDTH;
    let points: Vec<String> =
        values.iter().map(|(i, value)| format!("{:.1},{:.1}", x(*i), (1.0 - value / highest) * HEIGHT)).collect();
    let at = |change: &&Change| series.runs.iter().position(|run| run.run == change.run).map(x);
    let marks: Vec<f64> = series.changes.iter().filter(|change| change.metric == name).filter_map(|change| at(&change)).collect();
    let caption = format!("{name}, 0 to {}", value(unit(metric), Some(highest)));
    html! {
        figure {
            figcaption { (caption) }
            svg width="100%" viewBox=(format!("-4 -4 {} {}", WIDTH + 8.0, HEIGHT + 8.0)) role="img" aria-label=(caption) {
                @for mark in marks { line.zero x1=(format!("{mark:.1}")) x2=(format!("{mark:.1}")) y1="0" y2=(HEIGHT) {} }
                polyline points=(points.join(" ")) fill="none" stroke="var(--c1)" stroke-width="1.5" {}
            }
        }
    }
}

/// What its values are given in; nobody follows a count.
fn unit(metric: Metric) -> MetricUnit {
    match metric.quantity() {
        Quantity::Time => MetricUnit::Us,
        Quantity::Rate => MetricUnit::PerS,
        Quantity::Share | Quantity::Count => MetricUnit::Share,
        Quantity::LogRatio => MetricUnit::Ln,
    }
}
