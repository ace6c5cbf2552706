//! A comparison, and a history of runs, for the terminal, Markdown, JSON, JUnit and browsers.
//!
//! Every format is a function of the value and `&mut impl Write`. Refuses to compute: what it prints stands in the comparison.

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
pub use history::history;
pub use html::{Overlay, html};
pub use junit::junit;
pub use trends::{history_html, history_junit, history_markdown};

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
/// rows and notes that are folded otherwise.
pub fn terminal(comparison: &Comparison, all: bool, out: &mut impl Write) -> io::Result<()> {
    let colour = style(comparison.verdict);
    let verdict = comparison.verdict.name().to_uppercase();
    writeln!(out, "{colour}{verdict}{colour:#}  {HEAD}{}{HEAD:#}", comparison.sentence)?;
    writeln!(out, "  {}", words::sides(comparison))?;
    for line in words::summary(comparison) {
        writeln!(out, "  {line}")?;
    }
    if !comparison.differences.is_empty() {
        writeln!(out, "\n{HEAD}DIFFERENCES{HEAD:#}")?;
        for line in parts::plain(words::differences(comparison), 4).iter().skip(1) {
            writeln!(out, " {line}")?;
        }
    }
    writeln!(out, "\n{HEAD}METRICS{HEAD:#}")?;
    let shown = words::shown(comparison);
    let rows = if all { [&shown.first[..], &shown.folded].concat() } else { shown.first.clone() };
    table(&rows, out)?;
    for line in words::legend(comparison) {
        writeln!(out, "  {line}")?;
    }
    if all {
        writeln!(out, "\n{HEAD}LATENESS{HEAD:#}  livebench's own, none of the service's")?;
        table(&shown.own, out)?;
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

fn table(rows: &[&MetricLine], out: &mut impl Write) -> io::Result<()> {
    for (i, line) in parts::plain(words::table(rows), 1).iter().enumerate() {
        let colour = if i == 0 { DIM } else { style(rows[i - 1].verdict) };
        writeln!(out, " {colour}{line}{colour:#}")?;
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
