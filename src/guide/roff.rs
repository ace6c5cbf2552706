//! A page as roff for man(1).
//!
//! Refuses tbl: a table is a list, each row under its first cell, so that every reader of manual pages shows it.

use std::fmt::Write as _;

use super::Topic;
use super::page::{Block, Page, spans};

/// Title and name, which man(1) looks pages up by.
pub(super) fn head(topic: &Topic) -> String {
    let (name, section) = (topic.name, topic.section);
    let version = env!("CARGO_PKG_VERSION");
    format!(
        ".TH livebench-{name} {section} \"\" \"livebench {version}\" \"livebench manual\"\n.SH NAME\nlivebench\\-{name} \\- {}\n",
        plain(topic.about)
    )
}

/// The page below its title, section by section.
pub(super) fn body(page: &Page) -> String {
    let mut out = String::new();
    for block in &page.blocks {
        match block {
            Block::Heading { level: 1, text } => _ = writeln!(out, ".SH {}", marked(&text.to_uppercase())),
            Block::Heading { text, .. } => _ = writeln!(out, ".SS {}", marked(text)),
            Block::Paragraph(text) => _ = writeln!(out, ".PP\n{}", marked(text)),
            Block::Item { marker, text } if marker == "-" => _ = writeln!(out, ".IP \\(bu 2\n{}", marked(text)),
            Block::Item { marker, text } => _ = writeln!(out, ".IP {marker} 4\n{}", marked(text)),
            Block::Code(lines) => {
                let code: Vec<String> = lines.iter().map(|line| plain(line)).collect();
                _ = writeln!(out, ".PP\n.RS 4\n.nf\n{}\n.fi\n.RE", code.join("\n"));
            }
            Block::Table(rows) => table(&mut out, rows),
        }
    }
    out
}

fn table(out: &mut String, rows: &[Vec<String>]) {
    let Some((header, rows)) = rows.split_first() else { return };
    for row in rows {
        let first = row.first().map_or("", String::as_str);
        let others: Vec<String> = match row.get(1..) {
            // One more column explains itself.
            Some([only]) => vec![marked(only)],
            _ => header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()).map(cell).collect(),
        };
        let _ = writeln!(out, ".TP\n{}\n{}", marked(first), others.join("\n.br\n"));
    }
}

/// A cell under the name of its column.
fn cell((column, cell): (&String, &String)) -> String {
    format!("\\fI{}:\\fR {}", plain(column), marked(cell))
}

/// A text with code and strong words in bold.
fn marked(text: &str) -> String {
    let look = |bold: bool, text: String| if bold { format!("\\fB{text}\\fR") } else { text };
    let line: String = spans(text).iter().map(|span| look(span.code || span.strong, escaped(&span.text))).collect();
    at_the_beginning(line)
}

fn plain(line: &str) -> String {
    at_the_beginning(escaped(line))
}

/// What roff would read as a mark of its own.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// A full stop or a quote at the beginning of a line is a request to roff.
fn at_the_beginning(line: String) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks of roff in a text are words, and the text's own marks are looks.
    #[test]
    fn marks_are_escaped() {
        assert_eq!(marked("`--out` is **a** \\"), "\\fB\\-\\-out\\fR is \\fBa\\fR \\e");
        assert_eq!(plain(".SH"), "\\&.SH");
    }

    /// A row stands under its first cell.
    #[test]
    fn a_row_is_an_entry() {
        let page = Page::parse("| key | means | default |\n|---|---|---|\n| `rate` | calls | `1` |\n");
        assert_eq!(body(&page), ".TP\n\\fBrate\\fR\n\\fImeans:\\fR calls\n.br\n\\fIdefault:\\fR \\fB1\\fR\n");
    }
}
