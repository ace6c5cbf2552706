//! A plan for the terminal, for pull requests, for browsers and for programs; and the texts that go to AWS.

mod axes;
mod case;
mod html;
mod queue;
mod words;

use std::io::{self, Write};

pub use self::case::{case, request};
pub use self::html::write as html;
use super::parts::piped;
use crate::plan::PlanReport;

/// The contract.
pub fn json(report: &PlanReport, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

/// For people, with tables that fit into `columns`.
pub fn terminal(report: &PlanReport, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let [first, rest @ ..] = &report.reasons[..] else { return Ok(()) };
    writeln!(out, "{}  {}", report.verdict.word(), words::subject(report))?;
    writeln!(out, "  {first}")?;
    for reason in rest {
        writeln!(out, "  - {reason}")?;
    }
    for section in words::sections(report) {
        writeln!(out, "\n{}{}{}", section.title, if section.says.is_empty() { "" } else { "   " }, section.says)?;
        for line in section.lines(columns.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    for (title, lines) in words::notes(report) {
        writeln!(out, "\n{title}")?;
        for line in lines {
            writeln!(out, "  - {line}")?;
        }
    }
    Ok(())
}

/// For pull requests.
pub fn markdown(report: &PlanReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}: {}\n", report.verdict.word(), words::subject(report))?;
    for reason in &report.reasons {
        writeln!(out, "- {reason}")?;
    }
    for section in words::sections(report) {
        let says = if section.says.is_empty() { String::new() } else { format!(" ({})", section.says) };
        writeln!(out, "\n### {}{says}\n\n{}", section.title, piped(section.rows, section.left))?;
    }
    for (title, lines) in words::notes(report) {
        writeln!(out, "\n### {title}\n")?;
        for line in lines {
            writeln!(out, "- {line}")?;
        }
    }
    Ok(())
}
