//! A history of runs for the terminal.

use std::io::{self, Write};

use super::words::value;
use super::{DIM, HEAD, style};
use crate::compare::MetricUnit;
use crate::compare::history::{Change, ENOUGH, History, Point, RunSeries};
use crate::metric::{Metric, Series, Stat};
use crate::report::parts;
use crate::summary::Validity;

/// Writes a history for a terminal: the verdict in a sentence, then each experiment with its runs, and where it changed.
/// Tables fit into `columns`.
pub fn history(history: &History, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let colour = style(history.verdict);
    writeln!(out, "{colour}{}{colour:#}  {HEAD}{}{HEAD:#}\n", history.verdict.name().to_uppercase(), history.sentence)?;
    for (i, series) in history.series.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        one(series, columns, out)?;
    }
    for reason in &history.skipped {
        writeln!(out, "{DIM}left out: {reason}{DIM:#}")?;
    }
    Ok(())
}

fn one(series: &RunSeries, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let runs = if series.runs.len() == 1 { "run" } else { "runs" };
    writeln!(out, "{HEAD}{}{HEAD:#}  {} {runs}", series.name, series.runs.len())?;
    for (setting, value) in &series.apart {
        writeln!(out, "  {DIM}{setting} = {value}{DIM:#}")?;
    }
    for lines in parts::fitted(&rows(series), 3, columns.saturating_sub(1)) {
        for (i, line) in lines.iter().enumerate() {
            let colour = if i == 0 { DIM } else { anstyle::Style::new() };
            writeln!(out, " {colour}{line}{colour:#}")?;
        }
    }
    if series.changes.is_empty() {
        return writeln!(out, "  {}", none(series));
    }
    for change in &series.changes {
        let colour = style(change.verdict);
        writeln!(out, "  {colour}{}{colour:#}", sentence(change))?;
    }
    Ok(())
}

/// The runs of a series as a table.
pub(super) fn rows(series: &RunSeries) -> parts::TableRows {
    let header = ["run", "version", "verdict", "ok", "throttled", "errors", "p50", "p95", "p99"].map(str::to_owned).to_vec();
    std::iter::once(header).chain(series.runs.iter().map(row)).collect()
}

/// Why a series has no change point.
pub(super) fn none(series: &RunSeries) -> String {
    let invalid = series.runs.iter().filter(|run| run.validity == Validity::Invalid).count();
    let left = if invalid > 0 { format!("; INVALID runs left out: {invalid}") } else { String::new() };
    let few = series.runs.len() - invalid < ENOUGH;
    let few = if few { format!("; with fewer than {ENOUGH} runs none can be told from chance") } else { String::new() };
    format!("no change points{left}{few}")
}

fn row(point: &Point) -> Vec<String> {
    let of = |metric: Metric, unit| value(unit, point.values.get(metric.name()).copied());
    let response = |stat| of(Metric::Latency(Series::Response, stat), MetricUnit::Us);
    vec![
        point.run.clone(),
        point.version.clone(),
        parts::validity(point.validity).to_owned(),
        of(Metric::RateOk, MetricUnit::PerS),
        of(Metric::Throttled, MetricUnit::Share),
        of(Metric::Errors, MetricUnit::Share),
        response(Stat::P50),
        response(Stat::P95),
        response(Stat::P99),
    ]
}

/// A change in words.
pub(super) fn sentence(change: &Change) -> String {
    let percent = change.change_pct.map_or_else(String::new, |pct| format!(" ({pct:+.1}%)"));
    let gone = if change.stands { "" } else { "; gone since" };
    format!(
        "{} {} from {} on: {} -> {}{percent}, p {}{gone}",
        change.metric,
        change.verdict,
        change.run,
        value(change.unit, Some(change.before)),
        value(change.unit, Some(change.after)),
        change.p_value
    )
}
