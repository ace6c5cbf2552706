//! Text in the width of a terminal: lines that are too long are broken between words, at the indent of their text.
//!
//! Rows of tables stay whole. Refuses to ask how wide a terminal is.

use std::io::{self, Write};

/// The widest line of a report for people: beyond it lines are hard to read, however wide the terminal is.
pub const WIDEST: usize = 100; // source: Bringhurst, The Elements of Typographic Style: 45 to 75 characters a line; tables need some more

/// The narrowest: below it nothing is gained by breaking lines.
const NARROWEST: usize = 40; // derived: an indent of 14 columns leaves room for a few words

/// Gaps in a row of a table: such a line is not broken.
const GAPS: usize = 3; // derived: a line with a name and a text has one, one with a text in two parts two

/// Writes lines that fit.
#[derive(Debug)]
pub struct Narrow<W: Write> {
    out: W,
    width: Option<usize>,
    line: Vec<u8>,
}

impl<W: Write> Narrow<W> {
    /// Lines of so many columns at most; as they come where there is no terminal.
    pub fn new(out: W, columns: Option<usize>) -> Self {
        Self { out, width: columns.map(|columns| columns.clamp(NARROWEST, WIDEST)), line: Vec::new() }
    }

    /// The columns of a line, for who breaks lines on their own.
    pub fn columns(&self) -> usize {
        self.width.unwrap_or(WIDEST)
    }

    fn end_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        match (self.width, std::str::from_utf8(&line)) {
            (Some(width), Ok(text)) if columns_of(text) > width && !is_row(text) => broken(text, width, &mut self.out),
            _ => self.out.write_all(&line),
        }
    }
}

impl<W: Write> Write for Narrow<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) =
                part.split_last().filter(|(last, _)| **last == b'\n').map_or((part, false), |(_, text)| (text, true));
            self.line.extend_from_slice(text);
            if ends {
                self.end_line()?;
                self.out.write_all(b"\n")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end_line()?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Narrow<W> {
    fn drop(&mut self) {
        // Whoever wants to know flushes.
        let _ = self.end_line();
    }
}

/// Characters with their width on the terminal: those of an escape sequence have none.
fn measured(text: &str) -> impl Iterator<Item = (char, usize)> {
    let mut escape = false;
    text.chars().map(move |c| {
        escape |= c == '\u{1b}';
        let width = usize::from(!escape);
        escape &= c != 'm';
        (c, width)
    })
}

fn columns_of(text: &str) -> usize {
    measured(text).map(|(_, width)| width).sum()
}

/// The places where two or more blanks end that lie between words.
fn gaps(text: &str) -> impl Iterator<Item = usize> {
    let plain: Vec<char> = measured(text).filter(|(_, width)| *width > 0).map(|(c, _)| c).collect();
    let first = plain.iter().position(|c| *c != ' ').unwrap_or(plain.len());
    (first + 2..plain.len()).filter(move |at| plain[*at] != ' ' && plain[at - 1] == ' ' && plain[at - 2] == ' ')
}

fn is_row(text: &str) -> bool {
    gaps(text).count() >= GAPS
}

/// Writes a text in lines, each but the first at the indent of what stands behind its name.
fn broken(text: &str, width: usize, out: &mut impl Write) -> io::Result<()> {
    let indent = measured(text).filter(|(_, width)| *width > 0).take_while(|(c, _)| *c == ' ').count();
    // derived: a third of the width at most, so that two thirds are text
    let hang = gaps(text).next().filter(|gap| gap * 3 <= width).unwrap_or(indent + 2);
    let (mut line, mut used) = (String::new(), 0);
    let mut begun = false;
    for word in text.split_inclusive(' ') {
        let columns = columns_of(word.trim_end());
        if begun && used + columns > width {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(hang);
            used = hang;
        }
        begun |= columns > 0;
        line.push_str(word);
        used += columns_of(word);
    }
    out.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(text: &str, columns: Option<usize>) -> String {
        let mut bytes = Vec::new();
        let mut narrow = Narrow::new(&mut bytes, columns);
        narrow.write_all(text.as_bytes()).unwrap();
        narrow.flush().unwrap();
        drop(narrow);
        String::from_utf8(bytes).unwrap()
    }

    /// Long lines are broken between words at the indent of their text, colours take no room, tables and lines that fit stay as they are.
    #[test]
    fn lines_fit() {
        let note = "  note        token bucket: guaranteed if nobody else uses the quota and it does not change";
        let expected = "  note        token bucket: guaranteed if nobody\n              else uses the quota and it does\n              not change\n";
        assert_eq!(narrowed(&format!("{note}\n"), Some(48)), expected);
        let coloured = format!("\u{1b}[1mPASSED\u{1b}[0m  {}\n", "a ".repeat(17));
        assert_eq!(narrowed(&coloured, Some(48)), coloured);
        let row = format!(" {}  {}  {}  {}\n", "metric", "a".repeat(20), "b".repeat(20), "c".repeat(20));
        assert_eq!(narrowed(&row, Some(48)), row);
        assert_eq!(narrowed(&format!("{note}\n"), None), format!("{note}\n"));
    }

    /// No word is lost, whatever the text and the width; a line without an end is written, too.
    #[test]
    fn nothing_is_lost() {
        let text = "-> one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
        for columns in [1, 40, 50, 200] {
            let lines = narrowed(text, Some(columns));
            assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
            assert!(lines.lines().all(|line| line.len() <= columns.max(40)), "{lines}");
        }
    }
}
