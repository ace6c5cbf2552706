//! For people at a terminal: the result first, in its width.
//!
//! Writes ANSI colours; whoever has no terminal wraps the writer in `anstream`, which takes them out.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::parts;
use crate::service::exception::name::ACCESS_DENIED;
use crate::summary::{RunResult, Severity, Summary, ThresholdStatus};

const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Columns of the times that a narrow terminal has no room for, in this order; every other format has them.
const FIRST_TO_GO: [&str; 4] = ["min", "p99.9", "mean", "p95"];

/// Findings that are printed with their evidence; `summary.json` has more.
const SHOWN_FINDINGS: usize = 5;

/// Writes the summary for a terminal of so many columns.
pub fn write(summary: &Summary, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let out = &mut FittedLines { out, columns };
    verdict(summary, out)?;
    thresholds(summary, out)?;
    calls(summary, out)?;
    times(summary, out)?;
    throttles(summary, out)?;
    sessions(summary, out)?;
    idempotency(summary, out)?;
    if let Some(rows) = parts::segments(summary) {
        head(out, "SEGMENTS")?;
        table(out, &rows)?;
    }
    if let Some(rows) = parts::groups(summary) {
        head(out, "GROUPS")?;
        table(out, &rows)?;
    }
    head(out, "HARNESS")?;
    wrapped(out, "  ", &parts::own(summary), Style::new())?;
    parts::clocks(summary).map_or(Ok(()), |clocks| wrapped(out, "  ", &clocks, Style::new()))
}

fn verdict<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    let style = match summary.result {
        RunResult::Passed => GOOD,
        RunResult::Failed => BAD,
        RunResult::NotTrusted => WARN,
    };
    let (word, headline) = (summary.result.word(), parts::headline(summary));
    let one_line = [word, &summary.name, &headline].map(|part| part.chars().count() + 2).iter().sum::<usize>() <= out.columns + 2;
    if one_line {
        writeln!(out.out, "{style}{word}{style:#}  {HEAD}{}{HEAD:#}  {headline}", summary.name)?;
    } else {
        writeln!(out.out, "{style}{word}{style:#}  {HEAD}{}{HEAD:#}", summary.name)?;
        wrapped(out, "  ", &headline, Style::new())?;
    }
    wrapped(out, "  ", &parts::subject(summary), DIM)?;
    if let Some(stop) = parts::stop(summary) {
        writeln!(out.out, "  {WARN}{stop}{WARN:#}")?;
    }
    for reason in &summary.verdict.reasons {
        let (sign, style) = match reason.severity {
            Severity::Invalid => ("✗ ", BAD),
            Severity::Suspect => ("! ", WARN),
            Severity::Note => ("- ", Style::new()),
        };
        hanging(out, "  ", sign, &reason.what, style)?;
        wrapped(out, "    ", &format!("-> {}", reason.remedy), Style::new())?;
    }
    Ok(())
}

fn thresholds<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    if summary.thresholds.is_empty() {
        return Ok(());
    }
    head(out, "THRESHOLDS")?;
    let width = summary.thresholds.iter().map(|t| t.metric.chars().count()).max().unwrap_or(0);
    let limit = summary.thresholds.iter().map(|t| t.expression.chars().count()).max().unwrap_or(0);
    for t in &summary.thresholds {
        let style = match t.status {
            ThresholdStatus::Ok => GOOD,
            ThresholdStatus::Failed => BAD,
            ThresholdStatus::Unknown => WARN,
        };
        let (mark, observed) = (parts::mark(t.status), parts::observed(t));
        writeln!(out.out, "  {style}{mark}{style:#} {:width$}  {:limit$}  {style}{observed}{style:#}", t.metric, t.expression)?;
    }
    Ok(())
}

fn calls<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    head(out, "CALLS")?;
    wrapped(out, "  ", &parts::accounting(&summary.counts), Style::new())?;
    wrapped(out, "  ", &parts::rates(summary), Style::new())?;
    table(out, &parts::outcomes(&summary.counts))?;
    if let Some(statuses) = parts::statuses(summary) {
        wrapped(out, "  ", &format!("HTTP status: {statuses}"), Style::new())?;
    }
    if let Some(example) = parts::unexpected(summary) {
        wrapped(out, "  ", &format!("an unexpected answer: {example}"), Style::new())?;
    }
    if let Some(names) = parts::exceptions(summary) {
        wrapped(out, "  ", &format!("exceptions: {names}"), Style::new())?;
    }
    if parts::denied(summary) {
        wrapped(out, "  ", &format!("{ACCESS_DENIED} is also what a region without Face Liveness answers"), Style::new())?;
    }
    parts::mixes(summary).map_or(Ok(()), |rows| table(out, &rows))
}

fn times<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    let mut rows = parts::times(summary);
    if rows.len() < 2 {
        return Ok(());
    }
    head(out, "TIMES")?;
    for name in FIRST_TO_GO {
        if parts::plain(rows.clone(), 1).iter().all(|line| line.chars().count() < out.columns) {
            break;
        }
        if let Some(at) = rows[0].iter().position(|cell| cell == name) {
            for row in &mut rows {
                row.remove(at);
            }
        }
    }
    table(out, &rows)?;
    wrapped(out, "  ", parts::TIMES_MEAN, DIM)?;
    match &summary.lower_bounds_why {
        Some(why) => wrapped(out, "  ", &format!("≥ marks lower bounds: {why}"), WARN),
        None => Ok(()),
    }
}

fn throttles<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    let causes = parts::throttles(summary);
    if causes.is_empty() {
        return Ok(());
    }
    head(out, "THROTTLED")?;
    for (n, cause, meaning) in causes {
        hanging(out, "  ", &format!("{cause:<8} {n:>7}  "), &meaning, Style::new())?;
    }
    Ok(())
}

fn sessions<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    head(out, "SESSIONS")?;
    wrapped(out, "  ", &parts::sessions(summary), Style::new())
}

fn idempotency<W: Write>(summary: &Summary, out: &mut FittedLines<'_, W>) -> io::Result<()> {
    let idempotency = &summary.idempotency;
    head(out, "IDEMPOTENCY")?;
    let style = if idempotency.violations > 0 { BAD } else { Style::new() };
    wrapped(out, "  ", &parts::violations(idempotency), style)?;
    if !idempotency.by_role.is_empty() {
        table(out, &parts::roles(idempotency))?;
    }
    for found in idempotency.findings.iter().take(SHOWN_FINDINGS) {
        hanging(out, "  ", "✗ ", parts::finding(found), BAD)?;
        for line in parts::evidence(found) {
            wrapped(out, "    ", &line, Style::new())?;
        }
    }
    let more = idempotency.violations.saturating_sub(SHOWN_FINDINGS as u64);
    if more > 0 {
        writeln!(out.out, "  and {more} more: see summary.json")?;
    }
    for line in &idempotency.observed {
        hanging(out, "  ", "observed: ", line, Style::new())?;
    }
    Ok(())
}

/// Where it is written, and how long a line may be.
struct FittedLines<'a, W> {
    out: &'a mut W,
    columns: usize,
}

fn head<W: Write>(out: &mut FittedLines<'_, W>, name: &str) -> io::Result<()> {
    writeln!(out.out, "\n{HEAD}{name}{HEAD:#}")
}

/// A table; where it is too wide, it goes on below.
fn table<W: Write>(out: &mut FittedLines<'_, W>, rows: &[Vec<String>]) -> io::Result<()> {
    for lines in parts::fitted(rows, 1, out.columns.saturating_sub(1)) {
        for (i, line) in lines.iter().enumerate() {
            let style = if i == 0 { DIM } else { Style::new() };
            writeln!(out.out, " {style}{line}{style:#}")?;
        }
    }
    Ok(())
}

fn wrapped<W: Write>(out: &mut FittedLines<'_, W>, indent: &str, text: &str, style: Style) -> io::Result<()> {
    hanging(out, indent, "", text, style)
}

/// Text at a hanging indent: `sign` before the first line, as much space before the others.
fn hanging<W: Write>(out: &mut FittedLines<'_, W>, indent: &str, sign: &str, text: &str, style: Style) -> io::Result<()> {
    let hang = sign.chars().count();
    let width = out.columns.saturating_sub(indent.chars().count() + hang).max(1);
    for (i, line) in wrap(text, width).iter().enumerate() {
        let lead = if i == 0 { sign.to_owned() } else { " ".repeat(hang) };
        writeln!(out.out, "{indent}{style}{lead}{line}{style:#}")?;
    }
    Ok(())
}

/// Breaks a text between words; a word that is longer than a line is broken where the line ends.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        while !letters.is_empty() {
            let gap = usize::from(length > 0);
            if length + gap + letters.len() > width && length > 0 {
                lines.push(String::new());
                length = 0;
                continue;
            }
            let taken: String = letters.drain(..letters.len().min(width)).collect();
            if let Some(line) = lines.last_mut() {
                line.push_str(&" ".repeat(gap));
                line.push_str(&taken);
            }
            length += gap + taken.chars().count();
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    /// Lines keep to their width, words stay whole unless they cannot.
    #[test]
    fn wraps() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
