//! Markdown, as far as the pages use it: headings, paragraphs, lists, code and tables.
//!
//! Refuses to be a Markdown library: nothing is nested, and whatever is not known is a paragraph.

/// A page, block by block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The blocks from top to bottom.
    pub blocks: Vec<Block>,
}

/// A block of a page. Texts keep their marks for code (`` ` ``) and strong words (`**`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading {
        /// 1 for the title of the page.
        level: usize,
        /// Its words.
        text: String,
    },
    /// A paragraph, in one line.
    Paragraph(String),
    /// An item of a list, in one line.
    Item {
        /// `-`, or the number with its full stop.
        marker: String,
        /// Its words.
        text: String,
    },
    /// Lines that stand as they are.
    Code(Vec<String>),
    /// Rows of cells, the header first.
    Table(Vec<Vec<String>>),
}

impl Page {
    /// Reads a page.
    pub fn parse(text: &str) -> Self {
        let mut blocks = Vec::new();
        let mut lines = text.lines().peekable();
        // Whether the next line begins anew, as after an empty one.
        let mut apart = true;
        while let Some(line) = lines.next() {
            if line.starts_with("```") {
                let code = lines.by_ref().take_while(|line| !line.starts_with("```")).map(str::to_owned);
                blocks.push(Block::Code(code.collect()));
            } else if line.trim().is_empty() || line.starts_with("<!--") {
                apart = true;
                continue;
            } else if line.starts_with('|') {
                let mut rows = vec![cells(line)];
                while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
                    if !line.starts_with("|---") {
                        rows.push(cells(line));
                    }
                }
                blocks.push(Block::Table(rows));
            } else if let Some(text) = heading(line) {
                blocks.push(text);
            } else if let Some(item) = item(line) {
                blocks.push(item);
                apart = false;
                continue;
            } else {
                match blocks.last_mut() {
                    Some(Block::Paragraph(text) | Block::Item { text, .. }) if !apart => {
                        text.push(' ');
                        text.push_str(line.trim());
                    }
                    _ => blocks.push(Block::Paragraph(line.trim().to_owned())),
                }
                apart = false;
                continue;
            }
            apart = true;
        }
        Self { blocks }
    }
}

fn heading(line: &str) -> Option<Block> {
    let level = line.chars().take_while(|c| *c == '#').count();
    let text = line[level..].strip_prefix(' ')?;
    (level > 0).then(|| Block::Heading { level, text: text.to_owned() })
}

fn item(line: &str) -> Option<Block> {
    let (marker, text) = line.split_once(' ')?;
    let number = marker.strip_suffix('.').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    (marker == "-" || number).then(|| Block::Item { marker: marker.to_owned(), text: text.trim().to_owned() })
}

/// The cells of a row. A bar within code or after a backslash is no border.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut code = false;
    let mut escaped = false;
    for c in line.trim().trim_start_matches('|').trim_end_matches('|').chars() {
        match c {
            '|' if !escaped && !code => cells.push(String::new()),
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            c => {
                if escaped && c != '|' {
                    cells.last_mut().into_iter().for_each(|cell| cell.push('\\'));
                }
                code ^= c == '`';
                cells.last_mut().into_iter().for_each(|cell| cell.push(c));
            }
        }
        escaped = false;
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// A text as spans: whether each is code, whether it is strong, and its words. A link is its words.
pub(super) fn spans(text: &str) -> Vec<Phrase> {
    let mut spans = Vec::new();
    let mut strong = false;
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 1 {
            spans.push(Phrase { code: true, strong, text: part.to_owned() });
            continue;
        }
        for (n, part) in part.split("**").enumerate() {
            strong ^= n > 0;
            if !part.is_empty() {
                spans.push(Phrase { code: false, strong, text: part.to_owned() });
            }
        }
    }
    spans
}

/// Phrase of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) code: bool,
    pub(super) strong: bool,
    pub(super) text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each form of a block is read as what it is.
    #[test]
    fn blocks_are_read() {
        let text = "# Title\n\nOne\ntwo.\n\n- a\n  b\n- c\n\n1. first\n\n```sh\n# code\n\n| x |\n```\n| a | b |\n|---|---|\n| `x \\| y` | z |\n<!-- no -->\nEnd.";
        let blocks = Page::parse(text).blocks;
        let item = |marker: &str, text: &str| Block::Item { marker: marker.to_owned(), text: text.to_owned() };
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let wanted = [
            Block::Heading { level: 1, text: "Title".to_owned() },
            Block::Paragraph("One two.".to_owned()),
            item("-", "a b"),
            item("-", "c"),
            item("1.", "first"),
            Block::Code(row(&["# code", "", "| x |"])),
            Block::Table(vec![row(&["a", "b"]), row(&["`x | y`", "z"])]),
            Block::Paragraph("End.".to_owned()),
        ];
        assert_eq!(blocks, wanted);
    }

    /// Code and strong words are told from the rest.
    #[test]
    fn spans_are_read() {
        let spans = spans("a **b `c` d** e");
        let told: Vec<(bool, bool, &str)> = spans.iter().map(|s| (s.code, s.strong, s.text.as_str())).collect();
        assert_eq!(
            told,
            [(false, false, "a "), (false, true, "b "), (true, true, "c"), (false, true, " d"), (false, false, " e")]
        );
    }
}
