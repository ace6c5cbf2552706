//! A page for a terminal: wrapped to its width, with ANSI styles that `anstream` takes out where nobody wants them.
//!
//! Refuses to break code.

use std::fmt::Write as _;

use anstyle::Style;
use comfy_table::{ContentArrangement, Table, presets};

use super::page::{Block, Page, spans};

/// Narrower than this, a table is no table.
const NARROWEST: usize = 40;

const STRONG: Style = Style::new().bold();
const HEAD: Style = Style::new().bold().underline();

/// The page as lines of at most `width` columns, code excepted.
pub(super) fn render(page: &Page, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    let mut last_item = false;
    for block in &page.blocks {
        let is_item = matches!(block, Block::Item { .. });
        let together = last_item && is_item;
        if !out.is_empty() && !together {
            out.push('\n');
        }
        last_item = is_item;
        match block {
            Block::Heading { level: 1, text } => _ = writeln!(out, "{HEAD}{}{HEAD:#}", unmarked(text)),
            Block::Heading { text, .. } => _ = writeln!(out, "{STRONG}{}{STRONG:#}", unmarked(text)),
            Block::Paragraph(text) => wrapped(&mut out, text, ["", ""], width),
            Block::Item { marker, text } => {
                let lead = format!("{marker} ");
                wrapped(&mut out, text, [&lead, &" ".repeat(lead.len())], width);
            }
            Block::Code(lines) => lines.iter().for_each(|line| _ = writeln!(out, "{}", format!("    {line}").trim_end())),
            Block::Table(rows) => table(&mut out, rows, width),
        }
    }
    out
}

/// Words of one look, with the style they need.
fn styled(words: &str, strong: bool) -> String {
    if strong { format!("{STRONG}{words}{STRONG:#}") } else { words.to_owned() }
}

/// The text without marks for strong words; code keeps its backticks.
fn unmarked(text: &str) -> String {
    spans(text).iter().map(|span| if span.code { format!("`{}`", span.text) } else { span.text.clone() }).collect()
}

/// A paragraph, wrapped; the first line begins with `leads[0]`, the others with `leads[1]`, which are equally wide.
fn wrapped(out: &mut String, text: &str, leads: [&str; 2], width: usize) {
    let mut column = 0;
    let mut lead = leads[0];
    // A word may have spans of several looks: `a`, and what follows it without a space.
    for word in words(text) {
        let long: usize = word.iter().map(|(part, _)| part.chars().count()).sum();
        if column > 0 && column + 1 + long > width {
            out.push('\n');
            column = 0;
        }
        let before = if column == 0 { lead } else { " " };
        if column == 0 {
            lead = leads[1];
        }
        out.push_str(before);
        column += before.chars().count() + long;
        for (part, strong) in word {
            out.push_str(&styled(&part, strong));
        }
    }
    out.push('\n');
}

/// The words of a text, each of parts with their looks. Code with spaces is one word while it is short.
fn words(text: &str) -> Vec<Vec<(String, bool)>> {
    /// Longer code is broken at its spaces.
    const SHORT: usize = 24;
    let mut words: Vec<Vec<(String, bool)>> = vec![Vec::new()];
    for span in spans(text) {
        let whole = if span.code { format!("`{}`", span.text) } else { span.text };
        if span.code && whole.chars().count() <= SHORT {
            words.last_mut().into_iter().for_each(|word| word.push((whole.clone(), span.strong)));
            continue;
        }
        for (n, part) in whole.split(' ').enumerate() {
            if n > 0 {
                words.push(Vec::new());
            }
            if !part.is_empty() {
                words.last_mut().into_iter().for_each(|word| word.push((part.to_owned(), span.strong)));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn table(out: &mut String, rows: &[Vec<String>], width: usize) {
    let mut rows = rows.iter().map(|row| row.iter().map(|cell| unmarked(cell)).collect::<Vec<_>>());
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(rows.next().unwrap_or_default()).add_rows(rows);
    table.lines().for_each(|line| _ = writeln!(out, "{}", line.trim_end()));
}
