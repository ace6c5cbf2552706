//! For pull requests: `summary.md`.

use std::io::{self, Write};

use super::parts;
use crate::summary::{Severity, Summary};

/// Findings that are written with their evidence; `summary.json` has more.
const SHOWN_FINDINGS: usize = 10;

/// Writes the summary as Markdown.
pub fn write(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    verdict(summary, out)?;
    thresholds(summary, out)?;
    calls(summary, out)?;
    times(summary, out)?;
    idempotency(summary, out)?;
    if let Some(rows) = parts::segments(summary) {
        section(out, "Segments", rows, 1)?;
    }
    if let Some(rows) = parts::groups(summary) {
        section(out, "Groups", rows, 1)?;
    }
    writeln!(out, "\n## Harness\n\n{}", parts::own(summary))?;
    parts::clocks(summary).map_or(Ok(()), |clocks| writeln!(out, "\n{clocks}"))
}

fn verdict(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "# {}: {}\n", summary.result.word(), summary.name)?;
    writeln!(out, "**{}** (measurement: {})\n", summary.result_why, parts::validity(summary.verdict.validity))?;
    writeln!(out, "{}", parts::subject(summary))?;
    if let Some(stop) = parts::stop(summary) {
        writeln!(out, "\n**{stop}**")?;
    }
    if !summary.verdict.reasons.is_empty() {
        writeln!(out)?;
    }
    for reason in &summary.verdict.reasons {
        let weight = match reason.severity {
            Severity::Invalid => "INVALID",
            Severity::Suspect => "SUSPECT",
            Severity::Note => "note",
        };
        writeln!(out, "- **{weight}**: {}. *{}*", reason.what, reason.remedy)?;
    }
    Ok(())
}

fn thresholds(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    if summary.thresholds.is_empty() {
        return Ok(());
    }
    let mut rows = vec![["", "threshold", "limit", "observed"].map(str::to_owned).to_vec()];
    for t in &summary.thresholds {
        rows.push(vec![parts::mark(t.status).to_owned(), t.metric.clone(), t.expression.clone(), parts::observed(t)]);
    }
    section(out, "Thresholds", rows, 3)
}

fn calls(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n## Calls\n\n{}\n\n{}\n", parts::accounting(&summary.counts), parts::rates(summary))?;
    writeln!(out, "{}", parts::piped(parts::outcomes(&summary.counts), 1))?;
    if let Some(statuses) = parts::statuses(summary) {
        writeln!(out, "\nHTTP status: {statuses}")?;
    }
    if let Some(example) = parts::unexpected(summary) {
        writeln!(out, "\nAn unexpected answer: `{}`", example.replace('`', "'"))?;
    }
    if let Some(names) = parts::exceptions(summary) {
        writeln!(out, "\nExceptions: {names}")?;
    }
    for (n, cause, meaning) in parts::throttles(summary) {
        writeln!(out, "\nThrottled, {cause}: {n}. {meaning}")?;
    }
    match parts::mixes(summary) {
        Some(rows) => writeln!(out, "\n{}", parts::piped(rows, 1)),
        None => Ok(()),
    }
}

fn times(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let rows = parts::times(summary);
    if rows.len() < 2 {
        return Ok(());
    }
    section(out, "Times", rows, 1)?;
    writeln!(out, "\n{}", parts::TIMES_MEAN)?;
    match &summary.lower_bounds_why {
        Some(why) => writeln!(out, "\n**≥ marks lower bounds**: {why}"),
        None => Ok(()),
    }
}

fn idempotency(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let idempotency = &summary.idempotency;
    writeln!(out, "\n## Sessions and idempotency\n\n{}\n\n{}", parts::sessions(summary), parts::violations(idempotency))?;
    if !idempotency.by_role.is_empty() {
        writeln!(out, "\n{}", parts::piped(parts::roles(idempotency), 1))?;
    }
    for found in idempotency.findings.iter().take(SHOWN_FINDINGS) {
        writeln!(out, "\n- **{}**", parts::finding(found))?;
        for line in parts::evidence(found) {
            writeln!(out, "  - {line}")?;
        }
    }
    let more = idempotency.violations.saturating_sub(SHOWN_FINDINGS as u64);
    if more > 0 {
        writeln!(out, "\nand {more} more: see summary.json")?;
    }
    for line in &idempotency.observed {
        writeln!(out, "\nObserved: {line}")?;
    }
    Ok(())
}

fn section(out: &mut impl Write, name: &str, rows: parts::TableRows, left: usize) -> io::Result<()> {
    writeln!(out, "\n## {name}\n\n{}", parts::piped(rows, left))
}
