//! Which of livebench's files a text is: each command takes one of them, and says so where it is given another.

use super::super::problem::Problem;
use super::tree::{self, Node, Value};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// What a run sends.
    Scenario,
    /// A launch that is planned.
    Plan,
    /// The settings of an emulator.
    Emulator,
}

impl FileKind {
    /// What a file is, by the table that no other kind has.
    fn of(root: &Node) -> Option<Self> {
        let Value::Table(entries) = &root.value else { return None };
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        if has("load") {
            Some(Self::Scenario)
        } else if has("demand") {
            Some(Self::Plan)
        } else {
            // A scenario has a name, too.
            (has("emulator") && !has("name")).then_some(Self::Emulator)
        }
    }

    /// The same of a text, even where it has mistakes.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        Self::of(&tree::from_toml(text).0)
    }

    /// What it is, in words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scenario => "a scenario",
            Self::Plan => "a plan",
            Self::Emulator => "a file with settings of the emulator",
        }
    }

    /// Which command takes it.
    pub(crate) const fn taken_by(self) -> &'static str {
        match self {
            Self::Scenario => "`livebench run` takes scenarios, `livebench init` writes one",
            Self::Plan => "`livebench plan` takes plans, `livebench init --plan` writes one",
            Self::Emulator => "`livebench emulate --config` and `livebench probe --emulator` take it",
        }
    }

    /// The smallest file of this kind, in words.
    pub(crate) const fn smallest(self) -> &'static str {
        match self {
            Self::Scenario => {
                "the smallest scenario is:  name = \"first\"  and  [load]  with  stages = [ { for = \"10s\", rate = 5 } ]"
            }
            Self::Plan => "the smallest plan is:  name = \"launch\"  and  [demand]  with  peak = \"20/s\"",
            Self::Emulator => "the smallest is:  [emulator]",
        }
    }

    /// What is wrong with a file that is of another kind; `None` if it may be of this one.
    pub(crate) fn instead(self, root: &Node) -> Option<Problem> {
        let other = Self::of(root).filter(|other| *other != self)?;
        Some(Problem::new(0..0, format!("this is {}, not {}", other.name(), self.name()), other.taken_by()))
    }
}
