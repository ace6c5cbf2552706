//! What is wrong with a file: where, what, and the remedy; all of it at once.
//!
//! Refuses to print: it makes texts.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use serde::Serialize;
use thiserror::Error;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Index of the file: 0 is the scenario, others are its request files.
    pub(crate) source: usize,
    /// Bytes of the file.
    pub(crate) span: Range<usize>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
    /// Whether it complains about something that is not there; such a complaint is not made when the syntax is broken.
    pub(crate) missing: bool,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { source: 0, span, message: message.into(), help: help.into(), missing: false }
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Everything that is wrong with a file and the files that it names, in the order of the text. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    sources: Vec<Source>,
    list: Vec<Problem>,
}

/// A problem as other programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located<'p> {
    /// The file as it was named.
    pub file: &'p str,
    /// From 1; absent when the problem is the file itself.
    pub line: Option<usize>,
    /// In characters, from 1; absent when the problem is the file itself.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: &'p str,
    /// What to do about it.
    pub help: &'p str,
}

/// How problems are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// ASCII, no colour: for files and pipes.
    Plain,
    /// Box-drawing characters without colour.
    Unicode,
    /// Box-drawing characters and colours.
    Colour,
}

/// Drawing is for eyes; what comes after so many drawings is written a line each.
const DRAWN_AT_MOST: usize = 50;

/// A longer line is not shown, only named.
const SHOWN_LINE: usize = 240;

impl Problems {
    /// Sorts by place and drops what was said twice. `sources[0]` is the scenario.
    pub(crate) fn new(sources: Vec<Source>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|p| (p.source, p.span.start));
        list.dedup();
        Self { sources, list }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Each with its place.
    pub fn located(&self) -> Vec<Located<'_>> {
        let mut places: Vec<Places<'_>> = self.sources.iter().map(|s| Places::of(&s.text)).collect();
        self.list
            .iter()
            .map(|p| {
                let (line, column) = places[p.source].next(p.span.start);
                let file = self.sources[p.source].name.as_str();
                Located { file, line: Some(line), column: Some(column), message: &p.message, help: &p.help }
            })
            .collect()
    }

    /// Draws each problem under its line, `width` columns wide, and says at the end how many there are.
    pub fn draw(&self, style: Style, width: usize) -> String {
        let theme = match style {
            Style::Plain => GraphicalTheme::none(),
            Style::Unicode => GraphicalTheme::unicode_nocolor(),
            Style::Colour => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).with_context_lines(0);
        let mut out = String::new();
        for (n, (problem, located)) in self.list.iter().zip(self.located()).enumerate() {
            let line = (n < DRAWN_AT_MOST).then(|| Line::of(&self.sources[problem.source], problem, &located));
            let line = line.filter(|line| line.text.len() <= SHOWN_LINE);
            if line.is_none_or(|line| handler.render_report(&mut out, &Drawing { problem, line }).is_err()) {
                out.push_str(&located.to_string());
            }
            out.push('\n');
        }
        out.push_str(&self.total());
        out.push('\n');
        out
    }

    fn total(&self) -> String {
        let plural = if self.count() == 1 { "" } else { "s" };
        format!("{} problem{plural} in {}", self.count(), self.sources[0].name)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for located in self.located() {
            writeln!(f, "{located}")?;
        }
        f.write_str(&self.total())
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}\n  help: {}", self.message, self.help)
    }
}

/// Why a scenario could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// The file itself could not be read as text.
    #[error("{}: {message}\n  help: {help}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// The text is no sound scenario.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl LoadError {
    /// Draws it as [`Problems::draw`] does.
    pub fn draw(&self, style: Style, width: usize) -> String {
        match self {
            Self::File { .. } => format!("{self}\n"),
            Self::Problems(problems) => problems.draw(style, width),
        }
    }

    /// Hands each problem to `each`, for other programs to read.
    pub fn visit(&self, mut each: impl FnMut(Located<'_>)) {
        match self {
            Self::File { path, message, help } => {
                each(Located { file: &path.to_string_lossy(), line: None, column: None, message, help });
            }
            Self::Problems(problems) => problems.located().into_iter().for_each(each),
        }
    }
}

/// One problem as miette draws it.
#[derive(Debug)]
struct Drawing<'p> {
    problem: &'p Problem,
    line: Line,
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Drawing<'_> {}

impl Diagnostic for Drawing<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.problem.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.line)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(None, self.line.marked.clone()))))
    }
}

/// The line that a problem begins in: all that is drawn of a file.
#[derive(Debug)]
struct Line {
    file: String,
    /// From 0.
    number: usize,
    text: String,
    /// The problem's bytes in `text`.
    marked: Range<usize>,
}

impl Line {
    fn of(source: &Source, problem: &Problem, located: &Located<'_>) -> Self {
        let at = problem.span.start.min(source.text.len());
        let start = source.text.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let text = source.text[start..].lines().next().unwrap_or_default();
        let from = (at - start).min(text.len());
        // A value over many lines is marked by its first one.
        let to = (problem.span.end.max(at) - start).clamp(from, text.len());
        Self { file: located.file.to_owned(), number: located.line.unwrap_or(1) - 1, text: harmless(text), marked: from..to }
    }
}

impl SourceCode for Line {
    fn read_span<'a>(&'a self, _: &SourceSpan, _: usize, _: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let column = self.text.get(..self.marked.start).map_or(0, |head| head.chars().count());
        let span = SourceSpan::from(0..self.text.len());
        let contents = MietteSpanContents::new_named(self.file.clone(), self.text.as_bytes(), span, self.number, column, 1);
        Ok(Box::new(contents))
    }
}

/// The text with control characters replaced, byte for byte: a file must not steer the terminal that shows it.
fn harmless(text: &str) -> String {
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\r');
    text.chars().map(|c| if plain(c) { c } else { ['?', '\u{bf}'][c.len_utf8() - 1] }).collect()
}

/// A piece of a file as it may stand in a message: one line, no control characters, not long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push_str("...");
    }
    format!("`{}`", shown.replace("\\\"", "\"").replace("\\'", "'"))
}

/// The byte that each line begins at.
pub(crate) fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1)).collect()
}

/// Lines and columns from 1, columns in characters, of places that are asked for in the order of the text: each piece of the text
/// is counted once, however many problems one line has.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
    at: usize,
    column: usize,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, starts: line_starts(text), at: 0, column: 1 }
    }

    fn next(&mut self, at: usize) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.starts.partition_point(|s| *s <= at);
        let start = self.starts[line - 1];
        if start > self.at {
            (self.at, self.column) = (start, 1);
        }
        self.column += self.text.get(self.at..at).map_or(0, |piece| piece.chars().count());
        self.at = at;
        (line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, spans: &[Range<usize>]) -> Problems {
        let list = spans.iter().map(|s| Problem::new(s.clone(), "wrong", "right it")).collect();
        Problems::new(vec![Source { name: "a.toml".to_owned(), text: text.to_owned() }], list)
    }

    /// Lines and columns count from 1, columns in characters, in the order of the text.
    #[test]
    fn places_are_where_people_look() {
        let text = "é = 1\nkey = 2\n";
        let found = problems(text, &[15..15, 7..10, 3..4]);
        let places: Vec<_> = found.located().iter().map(|l| (l.line.unwrap(), l.column.unwrap())).collect();
        assert_eq!(places, [(1, 3), (2, 1), (3, 1)]);
        assert!(found.to_string().ends_with("3 problems in a.toml"));
    }

    /// The drawing shows the line and marks the place; no control character of the file gets through.
    #[test]
    fn drawing_is_harmless() {
        let found = problems("a = 1\n# \u{1b}[31m\u{85}\nkey = 2\n", &[8..9, 16..19]);
        let drawn = found.draw(Style::Plain, 80);
        assert!(drawn.contains("key = 2") && drawn.contains("[a.toml:3:1]") && drawn.contains("right it"), "{drawn}");
        assert!(!drawn.contains('\u{1b}') && !drawn.contains('\u{85}'), "{drawn}");
    }

    /// A place at the very end, in an empty text or beyond is drawn without panic; long lines are named only.
    #[test]
    fn odd_places_are_survived() {
        for text in ["", "x", "x\n", "é"] {
            for start in 0..=4 {
                let drawn = problems(text, std::slice::from_ref(&(start..start + 2))).draw(Style::Unicode, 40);
                assert!(drawn.contains("wrong"), "{drawn}");
            }
        }
        let long = "x".repeat(100_000);
        let drawn = problems(&long, &vec![0..1; 3]).draw(Style::Plain, 80);
        assert!(drawn.len() < 500, "{}", drawn.len());
    }
}
