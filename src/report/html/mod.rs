//! `report.html`: one file that needs nothing else, for people who were not there.
//!
//! Every number stands in the page as text; a script in it draws the charts (uPlot, which it carries). Refuses to load anything.

pub(in crate::report) mod chart;
mod data;
pub(in crate::report) mod frame;
mod limits;
mod spread;
pub(in crate::report) mod ticks;

use std::io::{self, Write};
use std::time::Duration;

use maud::{Markup, html};

use self::frame::{chart, frame, licence, pairs, scrolling, section, table};
pub(in crate::report) use self::spread::decode;
use super::parts;
use crate::record::endings::Endings;
use crate::record::timeline::Row;
use crate::scenario::Scenario;
use crate::summary::{RunResult, Severity, Summary, ThresholdStatus};

/// Findings that are shown with their evidence; `summary.json` has more.
const SHOWN_FINDINGS: usize = 20;

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct HtmlPage<'a> {
    /// The run's numbers.
    pub summary: &'a Summary,
    /// What it recorded second by second, by segment: one, unless it was resumed.
    pub segments: &'a [SegmentSeconds],
    /// What was asked for.
    pub scenario: &'a Scenario,
    /// The same, as written.
    pub scenario_text: &'a str,
    /// Where the numbers come from, in pairs of name and value.
    pub provenance: &'a [(String, String)],
}

impl HtmlPage<'_> {
    /// How the calls of all segments ended, whenever that was.
    fn endings(&self) -> Endings {
        self.segments.iter().fold(Endings::default(), |mut all, segment| {
            all.append(segment.endings.clone());
            all
        })
    }
}

/// The seconds of a segment, on its own clock: a segment begins within a second of the one before, so their seconds do not coincide.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SegmentSeconds {
    /// A row a second.
    pub rows: Vec<Row>,
    /// How its calls ended, by second.
    pub endings: Endings,
    /// How much later its clock began than that of the first segment; 0 for that one.
    pub later: Duration,
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
        (section("Thresholds", &thresholds(summary)))
        (section("Over time", &over_time(page)))
        (section("Times", &times(summary)))
        (section("Calls", &calls(summary)))
        (throttled(summary))
        (section("Sessions and idempotency", &idempotency(summary)))
        (section("Where this comes from", &origin(page)))
        (licence())
    };
    frame(&title, &body, &data::payload(page))
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
            @if let Some(stop) = parts::stop(summary) { p.warn { (stop) } }
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
    if summary.thresholds.is_empty() {
        return html! { p.dim { "The scenario sets none." } };
    }
    let rows = html! {
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
    };
    html! { (scrolling("thresholds", &rows)) p.dim { "The charts draw each threshold that they have an axis for." } }
}

fn over_time(page: &HtmlPage<'_>) -> Markup {
    let summary = page.summary;
    let endings = &page.endings();
    let says = format!("Calls per second over time. {}", parts::rates(summary));
    let unwanted = !endings.unwanted().is_empty();
    let statuses = endings.statuses().iter().any(|status| *status != Some(200)); // source: RFC 9110, the status of a plain success
    let rows: usize = page.segments.iter().map(|segment| segment.rows.len()).sum();
    let left_out = rows - data::whole(page).iter().map(|rows| rows.len()).sum::<usize>();
    html! {
        (chart("rate", "Calls per second", &says))
        (chart("times", "Percentiles of each second, ok answers", "Response and service time percentiles over time; the table under Times has the whole run."))
        p.dim { "Thin lines: response. Wide, pale lines: service. Where they part, livebench was late." }
        @if unwanted {
            (chart("endings", "Throttles and errors per second, by outcome", "Throttles and errors per second over time by outcome; the table under Calls has the sums."))
        }
        @if statuses {
            (chart("statuses", "Answers per second, by HTTP status", "Answers per second over time by HTTP status; the section Calls has the sums."))
        }
        (chart("flight", "Calls in flight at the end of each second", "Calls in flight over time."))
        @if left_out > 0 { p.dim { "The charts show whole seconds; tables have every call." } }
    }
}

fn times(summary: &Summary) -> Markup {
    html! {
        (chart("spectrum", "Percentile spectrum", "Times by percentile on a logarithmic scale up to 99.99 per cent; the table below has the usual ones."))
        (chart("histogram", "Histogram, ok answers", "How many of the ok answers took how long; the table below has the percentiles."))
        (table("times by percentile", parts::times(summary)))
        @if let Some(segments) = parts::segments(summary) { (table("segments", segments)) }
        p.dim { (parts::TIMES_MEAN) }
        @if let Some(why) = &summary.lower_bounds_why { p.warn { "≥ marks lower bounds: " (why) } }
    }
}

fn calls(summary: &Summary) -> Markup {
    html! {
        p { (parts::accounting(&summary.counts)) }
        p { (parts::rates(summary)) }
        (table("calls by outcome", parts::outcomes(&summary.counts)))
        @if let Some(rows) = parts::mixes(summary) { (table("calls by mix", rows)) }
        @if let Some(statuses) = parts::statuses(summary) { p { "HTTP status: " (statuses) } }
        @if let Some(example) = parts::unexpected(summary) { p { "An unexpected answer: " code { (example) } } }
        @if let Some(names) = parts::exceptions(summary) { p { "Exceptions: " (names) } }
    }
}

fn throttled(summary: &Summary) -> Markup {
    let causes = parts::throttles(summary);
    html! {
        @if !causes.is_empty() {
            (section("Throttled", &html! {
                ul { @for (n, cause, meaning) in causes { li { strong { (cause) " " (n) } ": " (meaning) } } }
            }))
        }
    }
}

fn idempotency(summary: &Summary) -> Markup {
    let idempotency = &summary.idempotency;
    let shown = idempotency.findings.len().min(SHOWN_FINDINGS);
    html! {
        p { (parts::sessions(summary)) }
        p class=(if idempotency.violations > 0 { "bad" } else { "note" }) { (parts::violations(idempotency)) }
        @if !idempotency.by_role.is_empty() { (table("repeated tokens", parts::roles(idempotency))) }
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
        p { (parts::own(page.summary)) }
        @if let Some(clocks) = parts::clocks(page.summary) { p { (clocks) } }
        @if let Some(groups) = parts::groups(page.summary) { (table("groups", groups)) }
        (pairs("the run", page.provenance))
        details { summary { "scenario.toml" } pre tabindex="0" role="region" aria-label="scenario.toml" { (page.scenario_text) } }
    }
}

#[cfg(test)]
mod tests;
