//! `report.html`: one file that needs nothing else, for people who were not there.
//!
//! Every number stands in the page as text; a script in it draws the charts (uPlot, which it carries). Refuses to load anything.

mod data;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(in crate::report) use data::{decode, in_script};

use super::parts::{self, TableRows};
use crate::record::timeline::Row;
use crate::scenario::Scenario;
use crate::summary::{RunResult, Severity, Summary, ThresholdStatus};

const CHARTS_CSS: &str = include_str!("uPlot.min.css");
const CHARTS_JS: &str = include_str!("uPlot.min.js");
const PAGE_CSS: &str = include_str!("page.css");
const PAGE_JS: &str = include_str!("page.js");

/// Findings that are shown with their evidence; `summary.json` has more.
const SHOWN_FINDINGS: usize = 20;

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct HtmlPage<'a> {
    /// The run's numbers.
    pub summary: &'a Summary,
    /// Its timeline, a row a second, by segment and on the clock of the first.
    pub rows: &'a [Vec<Row>],
    /// What was asked for.
    pub scenario: &'a Scenario,
    /// The same, as written.
    pub scenario_text: &'a str,
    /// Where the numbers come from, in pairs of name and value.
    pub provenance: &'a [(String, String)],
}

/// Writes the page.
pub fn write(page: &HtmlPage<'_>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(whole(page).into_string().as_bytes())?;
    out.write_all(b"\n")
}

fn whole(page: &HtmlPage<'_>) -> Markup {
    let summary = page.summary;
    let title = format!("{}: {}", summary.result.word(), summary.name);
    let body = html! {
        (verdict(summary))
        (thresholds(summary))
        (over_time(summary))
        (times(summary))
        (calls(summary))
        (throttled(summary))
        (idempotency(summary))
        (origin(page))
    };
    frame(&title, &body, &data::payload(summary, page.rows, page.scenario))
}

/// A page that needs nothing else: its text, and the data that its charts draw.
pub(in crate::report) fn frame(title: &str, body: &Markup, payload: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                title { (title) }
                style { (PreEscaped(CHARTS_CSS)) (PreEscaped(PAGE_CSS)) }
            }
            body {
                main { (body) }
                script id="data" type="application/json" { (PreEscaped(payload)) }
                script { (PreEscaped(CHARTS_JS)) }
                script { (PreEscaped(PAGE_JS)) }
            }
        }
    }
}

fn verdict(summary: &Summary) -> Markup {
    let class = match summary.result {
        RunResult::Passed => "verdict",
        RunResult::NotTrusted => "verdict suspect",
        RunResult::Failed => "verdict invalid",
    };
    html! {
        header class=(class) {
            h1 { strong.word { (summary.result.word()) } " " (summary.name) }
            p { strong { (summary.result_why) } " (measurement: " (parts::validity(summary.verdict.validity)) ")" }
            p { (parts::subject(summary)) }
            @if !summary.description.is_empty() { p { (summary.description) } }
            @if let Some(stop) = parts::stop(summary.stop) { p.warn { (stop) } }
            @for reason in &summary.verdict.reasons {
                p class=(weight(reason.severity)) { (reason.what) " " span.dim { "→ " (reason.remedy) } }
            }
        }
    }
}

const fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Invalid => "bad",
        Severity::Suspect => "warn",
        Severity::Note => "note",
    }
}

fn thresholds(summary: &Summary) -> Markup {
    html! {
        h2 { "Thresholds" }
        @if summary.thresholds.is_empty() {
            p.dim { "The scenario sets none." }
        } @else {
            table {
                thead { tr { th scope="col" { "holds" } th scope="col" { "metric" } th scope="col" { "limit" } th.n scope="col" { "observed" } } }
                tbody {
                    @for t in &summary.thresholds {
                        @let (class, word) = match t.status {
                            ThresholdStatus::Ok => ("good", "yes"),
                            ThresholdStatus::Failed => ("bad", "no"),
                            ThresholdStatus::Unknown => ("warn", "unknown"),
                        };
                        tr { td class=(class) { (parts::mark(t.status)) " " (word) } td.mono { (t.metric) } td.mono { (t.expression) } td.n { (parts::observed(t)) } }
                    }
                }
            }
        }
    }
}

pub(in crate::report) fn chart(kind: &str, title: &str, says: &str) -> Markup {
    html! { figure { figcaption { (title) } div data-chart=(kind) data-says=(says) {} } }
}

fn over_time(summary: &Summary) -> Markup {
    let says = format!("Calls per second over time. {}", parts::rates(summary));
    let throttles = parts::throttles(summary);
    html! {
        h2 { "Over time" }
        (chart("rate", "Calls per second", &says))
        (chart("times", "Percentiles of each second, ok answers", "Response and service time percentiles over time; the table under Times has the whole run."))
        @if !throttles.is_empty() {
            (chart("throttles", "Throttles per second, by cause", "Throttles per second over time by cause; the list under Throttled has the sums."))
        }
        (chart("flight", "Calls in flight at the end of each second", "Calls in flight over time."))
    }
}

fn times(summary: &Summary) -> Markup {
    html! {
        h2 { "Times" }
        (chart("spectrum", "Percentile spectrum", "Times by percentile on a logarithmic scale up to 99.99 per cent; the table below has the usual ones."))
        (table(parts::times(summary)))
        @if let Some(segments) = parts::segments(summary) { (table(segments)) }
        p.dim { (parts::TIMES_MEAN) }
        @if let Some(why) = &summary.lower_bounds_why { p.warn { "≥ marks lower bounds: " (why) } }
    }
}

fn calls(summary: &Summary) -> Markup {
    html! {
        h2 { "Calls" }
        p { (parts::accounting(&summary.counts)) }
        p { (parts::rates(summary)) }
        (table(parts::outcomes(&summary.counts)))
        @if let Some(rows) = parts::mixes(summary) { (table(rows)) }
        @if let Some(statuses) = parts::statuses(summary) { p { "HTTP status: " (statuses) } }
        @if let Some(example) = parts::unexpected(summary) { p { "An unexpected answer: " code { (example) } } }
        @if let Some(names) = parts::exceptions(summary) { p { "Exceptions: " (names) } }
    }
}

fn throttled(summary: &Summary) -> Markup {
    let causes = parts::throttles(summary);
    html! {
        @if !causes.is_empty() {
            h2 { "Throttled" }
            ul { @for (n, cause, meaning) in causes { li { strong { (cause) " " (n) } ": " (meaning) } } }
        }
    }
}

fn idempotency(summary: &Summary) -> Markup {
    let idempotency = &summary.idempotency;
    let shown = idempotency.findings.len().min(SHOWN_FINDINGS);
    html! {
        h2 { "Sessions and idempotency" }
        p { (parts::sessions(summary)) }
        p class=(if idempotency.violations > 0 { "bad" } else { "note" }) { (parts::violations(idempotency)) }
        @if !idempotency.by_role.is_empty() { (table(parts::roles(idempotency))) }
        @for found in &idempotency.findings[..shown] {
            details open {
                summary.bad { (parts::finding(found)) }
                pre tabindex="0" { (parts::evidence(found).join("\n")) }
            }
        }
        @if idempotency.violations > shown as u64 { p { "and " (idempotency.violations - shown as u64) " more: see summary.json" } }
        @for line in &idempotency.observed { p { "Observed: " (line) } }
    }
}

fn origin(page: &HtmlPage<'_>) -> Markup {
    html! {
        h2 { "Where this comes from" }
        p { (parts::own(page.summary)) }
        @if let Some(clocks) = parts::clocks(page.summary) { p { (clocks) } }
        @if let Some(groups) = parts::groups(page.summary) { (table(groups)) }
        table { tbody { @for (name, value) in page.provenance { tr { th scope="row" { (name) } td.mono { (value) } } } } }
        details { summary { "scenario.toml" } pre tabindex="0" { (page.scenario_text) } }
        (licence())
    }
}

/// Whose charts these are.
pub(in crate::report) fn licence() -> Markup {
    html! { p.dim { "Charts: uPlot 1.6.32, MIT licence, © 2022 Leon Sorokin." } }
}

/// A table whose first column names its rows.
pub(in crate::report) fn table(rows: TableRows) -> Markup {
    let mut rows = rows.into_iter();
    let head = rows.next().unwrap_or_default();
    html! {
        div.wide tabindex="0" role="region" aria-label="table" {
            table {
                thead { tr { @for (i, cell) in head.iter().enumerate() {
                    @if cell.is_empty() { td {} } @else { th scope="col" class=(if i == 0 { "" } else { "n" }) { (cell) } }
                } } }
                tbody { @for row in rows { tr { @for (i, cell) in row.iter().enumerate() {
                    @if i == 0 { th scope="row" { (cell) } } @else { td.n { (cell) } }
                } } } }
            }
        }
    }
}

#[cfg(test)]
mod tests;
