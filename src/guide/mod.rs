//! The guide: livebench's reference, one page a topic.
//!
//! The pages are Markdown files. They are read here in rustdoc, on a terminal with `livebench help TOPIC`, and in man with
//! `livebench man TOPIC`. `tests/it/readme.rs` runs their commands and holds their tables.
//!
//! Refuses to use a pager, and to know of anything but text: which command a page belongs to is decided in `commands`.

mod page;
mod roff;
mod search;
mod terminal;

pub use page::{Block, Page};
pub use search::Passage;

/// A page of the guide.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// What is typed after `livebench help`: lower-case letters and hyphens.
    pub name: &'static str,
    /// One line that says what the page is about, without a full stop.
    pub about: &'static str,
    /// Section of the manual: 5 for the form of files, 7 for the rest.
    pub section: u8,
    /// The page, in Markdown.
    pub text: &'static str,
}

impl Topic {
    /// The topic of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }

    /// The page as lines for a terminal that is `width` columns wide.
    pub fn terminal(&self, width: usize) -> String {
        terminal::render(&Page::parse(self.text), width)
    }

    /// The page as a manual page of its own, roff for man(1).
    pub fn manual(&self) -> String {
        format!("{}{}", roff::head(self), roff::body(&Page::parse(self.text)))
    }

    /// The page as sections that stand at the end of a command's manual page.
    pub fn sections(&self) -> String {
        roff::body(&Page::parse(self.text))
    }
}

macro_rules! topics {
    ($($module:ident $name:literal $section:literal $about:literal)*) => {
        $(
            #[allow(clippy::doc_markdown)] // names such as SigV4 and JMESPath are no code on a page that users read
            #[doc = include_str!(concat!($name, ".md"))]
            pub mod $module {}
        )*

        /// Every page, in the order in which a reader meets them.
        pub const TOPICS: &[Topic] =
            &[$(Topic { name: $name, about: $about, section: $section, text: include_str!(concat!($name, ".md")) }),*];
    };
}

topics! {
    commands "commands" 7 "Every command, on one page"
    scenario "scenario" 5 "The scenario file: every key, with its values and default"
    report "report" 7 "How to read a report: result, verdict, counts, latency"
    live "live" 7 "What a run or a probe shows on the terminal, and its keys"
    results "results" 5 "The files in a run's directory, and the formats of a report"
    exit_codes "exit-codes" 7 "What each exit code means"
    probe "probe" 7 "How to measure a quota, and what the answer guarantees"
    plan "plan" 7 "How to find out whether your quotas are enough for a launch"
    compare "compare" 7 "How to compare runs, and how sure the verdict is"
    ci "ci" 7 "Recipes for CI: nightly runs, an emulator as a test double, pull requests"
    emulator "emulator" 7 "The emulator: clients, switches, faults, the arrival log"
    call "call" 7 "How to make a single call"
    aws "aws" 7 "How to run against AWS: connection, safety, cost"
    machines "machines" 7 "How to split one run over many machines"
    resume "resume" 7 "How to resume an interrupted run"
    exactness "exactness" 7 "How exact livebench is, and what it can't tell you"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every page begins with its title, and has more than that.
    #[test]
    fn a_page_has_a_title() {
        for topic in TOPICS {
            let page = Page::parse(topic.text);
            assert!(matches!(page.blocks.first(), Some(Block::Heading { level: 1, .. })), "{}", topic.name);
            assert!(page.blocks.len() > 2, "{}", topic.name);
            assert!(!topic.about.ends_with('.'), "{}", topic.about);
            assert!(Topic::find(topic.name).is_some_and(|found| found.about == topic.about));
        }
    }

    /// No line is wider than the terminal, except code, which is never broken.
    #[test]
    fn a_terminal_is_wide_enough() {
        for topic in TOPICS {
            let code: Vec<&str> = topic.text.lines().map(str::trim_start).collect();
            for width in [60, 80, 100] {
                for line in topic.terminal(width).lines() {
                    let plain = unstyled(line);
                    let whole = code.contains(&plain.trim_start());
                    assert!(plain.chars().count() <= width || whole, "{} at {width}: {plain}", topic.name);
                }
            }
        }
    }

    /// A line without its escape sequences.
    fn unstyled(line: &str) -> String {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            text.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        text + rest
    }

    /// Nothing of Markdown's marks for tables, code and comments is left on a terminal or in a manual.
    #[test]
    fn no_marks_are_left() {
        for topic in TOPICS {
            for text in [topic.terminal(80), topic.manual()] {
                for mark in ["```", "|---", "<!--", "**", "\n# ", "\n## "] {
                    assert!(!text.contains(mark), "{}: {mark:?}", topic.name);
                }
            }
        }
    }
}
