//! A comparison, and a history of runs, for the terminal, Markdown, JSON, JUnit and browsers.
//!
//! Every format is a function of the value and `&mut impl Write`. Refuses to compute: what it prints stands in the comparison.

mod history;
mod html;
mod junit;
mod overlay;
mod words;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::parts;
use crate::compare::{ChangeVerdict, Comparison};
pub use history::history;
pub use html::{Overlay, html};
pub use junit::junit;

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

/// Writes a comparison for a terminal: the verdict first, then what is set differently, then the table.
pub fn terminal(comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    let colour = style(comparison.verdict);
    let verdict = comparison.verdict.name().to_uppercase();
    writeln!(out, "{colour}{verdict}{colour:#}  {HEAD}{}{HEAD:#}", words::sides(comparison))?;
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
    for (i, line) in parts::plain(words::table(comparison, &shown), 1).iter().enumerate() {
        let colour = if i == 0 { DIM } else { style(shown[i - 1].verdict) };
        writeln!(out, " {colour}{line}{colour:#}")?;
    }
    for line in words::remarks(comparison, &shown) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// Writes a comparison for a pull request.
pub fn markdown(comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## livebench: {}\n\n{}\n", comparison.verdict, words::sides(comparison))?;
    for line in words::summary(comparison) {
        writeln!(out, "- {line}")?;
    }
    if !comparison.differences.is_empty() {
        writeln!(out, "\n**Set differently**\n\n{}", parts::piped(words::differences(comparison), 4))?;
    }
    let shown = words::shown(comparison);
    writeln!(out, "\n{}\n", parts::piped(words::table(comparison, &shown), 1))?;
    for line in words::remarks(comparison, &shown) {
        writeln!(out, "- {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
