//! A comparison, and a history of runs, for the terminal, Markdown, JSON, JUnit and browsers.
//!
//! Every format is a function of the value and `&mut impl Write`. Refuses to compute: what it prints stands in the comparison.

mod course;
mod history;
mod html;
mod junit;
mod overlay;
mod trends;
mod words;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::parts;
use crate::compare::{ChangeVerdict, Comparison, MetricLine};
pub use course::history_html;
pub use history::history;
pub use html::{Overlay, html};
pub use junit::junit;
pub use trends::{history_junit, history_markdown};

const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

const fn style(verdict: ChangeVerdict) -> Style {
    match verdict {
        ChangeVerdict::Improved => AnsiColor::Green.on_default().bold(),
        ChangeVerdict::Regressed => AnsiColor::Red.on_default().bold(),
        ChangeVerdict::Inconclusive | ChangeVerdict::Incomparable => AnsiColor::Yellow.on_default().bold(),
        ChangeVerdict::Unchanged => Style::new(),
    }
}

/// Writes a comparison or a history as JSON: the published contract.
pub fn json(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Writes a comparison for a terminal: the verdict and its sentence first, then what is set differently, then the table. `all` shows the
/// rows and notes that are folded otherwise. Tables fit into `columns`.
pub fn terminal(comparison: &Comparison, all: bool, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let colour = style(comparison.verdict);
    let verdict = comparison.verdict.name().to_uppercase();
    writeln!(out, "{colour}{verdict}{colour:#}  {HEAD}{}{HEAD:#}", comparison.sentence)?;
    writeln!(out, "  {}", words::sides(comparison))?;
    for line in words::summary(comparison) {
        writeln!(out, "  {line}")?;
    }
    if !comparison.differences.is_empty() {
        writeln!(out, "\n{HEAD}DIFFERENCES{HEAD:#}")?;
        for line in differences(comparison, columns) {
            writeln!(out, " {line}")?;
        }
    }
    writeln!(out, "\n{HEAD}METRICS{HEAD:#}")?;
    let shown = words::shown(comparison);
    let rows = if all { [&shown.first[..], &shown.folded].concat() } else { shown.first.clone() };
    table(&rows, columns, out)?;
    for line in words::legend(comparison) {
        writeln!(out, "  {line}")?;
    }
    if all {
        writeln!(out, "\n{HEAD}LATENESS{HEAD:#}  livebench's own lateness, not the service's")?;
        table(&shown.own, columns, out)?;
        for line in words::remarks(comparison, &shown).into_iter().chain(comparison.checks.iter().map(words::check)) {
            writeln!(out, "  {line}")?;
        }
        return Ok(());
    }
    if let Some(line) = words::own(&shown.own) {
        writeln!(out, "  {line}")?;
    }
    if let Some(line) = words::folded(&shown.folded) {
        writeln!(out, "  {DIM}{line} (--all shows them){DIM:#}")?;
    }
    Ok(())
}

/// What is set differently, as a table where it fits, else a line for each setting.
fn differences(comparison: &Comparison, columns: usize) -> Vec<String> {
    let lines: Vec<String> = parts::plain(words::differences(comparison), 4).into_iter().skip(1).collect();
    if lines.iter().all(|line| line.chars().count() < columns) {
        return lines;
    }
    comparison.differences.iter().map(|d| format!(" {}: {}: {} -> {}", d.kind.name(), d.key, d.base, d.new)).collect()
}

/// Columns that a narrow terminal has no room for, in this order: values and limits tell the same; every other format has them.
const FIRST_TO_GO: [&str; 2] = ["p", "change"];

fn table(rows: &[&MetricLine], columns: usize, out: &mut impl Write) -> io::Result<()> {
    let mut whole = words::table(rows);
    for name in FIRST_TO_GO {
        if parts::fitted(&whole, 1, columns.saturating_sub(1)).len() < 2 {
            break;
        }
        if let Some(at) = whole[0].iter().position(|cell| cell == name) {
            for row in &mut whole {
                row.remove(at);
            }
        }
    }
    for lines in parts::fitted(&whole, 1, columns.saturating_sub(1)) {
        for (i, line) in lines.iter().enumerate() {
            let colour = if i == 0 { DIM } else { style(rows[i - 1].verdict) };
            writeln!(out, " {colour}{line}{colour:#}")?;
        }
    }
    Ok(())
}

/// Writes a comparison for a pull request: what is open is folded.
pub fn markdown(comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    let (verdict, sides) = (comparison.verdict, words::sides(comparison));
    writeln!(out, "## livebench: {verdict}\n\n**{}**\n\n{sides}\n", comparison.sentence)?;
    for line in words::summary(comparison) {
        writeln!(out, "- {line}")?;
    }
    if !comparison.differences.is_empty() {
        writeln!(out, "\n**Differences in setup**\n\n{}", parts::piped(words::differences(comparison), 4))?;
    }
    let shown = words::shown(comparison);
    writeln!(out, "\n{}\n", parts::piped(words::table(&shown.first), 1))?;
    for line in words::legend(comparison).into_iter().chain(words::own(&shown.own)) {
        writeln!(out, "- {line}")?;
    }
    let rest = [&shown.folded[..], &shown.own].concat();
    let title = words::folded(&rest).unwrap_or_else(|| "Notes".to_owned());
    writeln!(out, "\n<details><summary>{title}</summary>\n")?;
    writeln!(out, "{}\n", parts::piped(words::table(&rest), 1))?;
    for line in words::remarks(comparison, &shown).into_iter().chain(comparison.checks.iter().map(words::check)) {
        writeln!(out, "- {line}")?;
    }
    writeln!(out, "\n</details>")
}

#[cfg(test)]
mod tests;
