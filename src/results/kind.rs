//! What a path leads to: a command that was given something else says what that is, and which command takes it.
//!
//! Looks at names and at the first table of a text. Refuses to judge whether what is there is whole.

use std::path::{Path, PathBuf};

use super::{MANIFEST, ProbeDir, SCENARIO};
use crate::scenario::{FileKind, MAX_BYTES};

/// The file that every plan's directory has.
const PLAN: &str = "plan.json";

/// Something that livebench knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownThing {
    /// What it is: `a plan`, `the directory of a run`.
    pub what: String,
    /// Which command takes it, or where it is read; a clause without a full stop.
    pub taken_by: String,
}

/// What a path leads to; `None` if livebench does not know it.
pub fn known_thing(path: &Path) -> Option<KnownThing> {
    let thing = |what: &str, taken_by: String| Some(KnownThing { what: what.to_owned(), taken_by });
    if path.is_file() {
        return of_file(path);
    }
    if ProbeDir::is_probe(path) {
        return thing(
            "the directory of a probe",
            "`livebench report` shows it, `livebench plan --probe` plans with it".to_owned(),
        );
    }
    if path.join(PLAN).is_file() {
        return thing("the directory of a plan", "read its plan.md, or open its plan.html".to_owned());
    }
    if path.join(MANIFEST).is_file() && path.join(SCENARIO).is_file() {
        let taken_by = "`livebench report`, `livebench compare` and `livebench resume` take it";
        return thing("the directory of a run", taken_by.to_owned());
    }
    let one =
        std::fs::read_dir(path).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.join(MANIFEST).is_file()).max()?;
    thing("a directory of runs and probes", format!("name one of them, like {}", one.display()))
}

/// The same of what is no directory of a run, whole or not.
pub(super) fn no_run(path: &Path) -> Option<KnownThing> {
    if path.join(SCENARIO).is_file() { None } else { known_thing(path) }
}

fn of_file(path: &Path) -> Option<KnownThing> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let is_toml = path.extension().is_some_and(|ending| ending == "toml");
    if !is_toml && let Some(whole) = [MANIFEST, PLAN].iter().any(|name| parent.join(name).is_file()).then(|| known_thing(&parent))
    {
        let KnownThing { what, .. } = whole?;
        return Some(KnownThing {
            what: format!("a file in {what}"),
            taken_by: format!("name the directory: {}", parent.display()),
        });
    }
    let short = std::fs::metadata(path).is_ok_and(|data| data.len() <= MAX_BYTES);
    let kind = short.then(|| std::fs::read_to_string(path).ok()).flatten().and_then(|text| FileKind::of_text(&text))?;
    Some(KnownThing { what: kind.name().to_owned(), taken_by: kind.taken_by().to_owned() })
}
