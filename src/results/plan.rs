//! The directory of a plan: `plan.toml` as given, `plan.json`, `plan.md`, `plan.html`, and what goes to AWS: `case.txt` and `request.sh`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kind::{KnownThing, known_thing};
use super::manifest::{compact, utc};
use super::probe::ProbeDir;
use super::{ResultsError, new_directory, replace};
use crate::plan::{PlanReport, Probes};
use crate::probe::ProbeFinding;
use crate::report::plan;

/// Writes everything to `parent/<UTC>-plan`, and says where that is.
///
/// # Errors
/// A file could not be written.
pub fn write_plan(parent: &Path, since_epoch: Duration, text: &str, report: &PlanReport) -> Result<PathBuf, ResultsError> {
    let path = new_directory(parent, &format!("{}-plan", compact(&utc(since_epoch))))?;
    replace(&path, "plan.toml", |out| out.write_all(text.as_bytes()))?;
    replace(&path, "plan.json", |out| plan::json(report, out))?;
    replace(&path, "plan.md", |out| plan::markdown(report, out))?;
    replace(&path, "plan.html", |out| plan::html(report, out))?;
    replace(&path, "case.txt", |out| plan::case(report, out))?;
    replace(&path, "request.sh", |out| plan::request(report, out))?;
    Ok(path)
}

/// Probes as `livebench probe` has left them.
#[derive(Debug, Clone, Copy)]
pub struct ProbesOnDisk;

impl Probes for ProbesOnDisk {
    fn finding(&self, directory: &Path) -> Result<ProbeFinding, (String, String)> {
        let help = || "name the directory that `livebench probe` made, like results/<UTC>-probe".to_owned();
        let dir = match ProbeDir::open(directory) {
            Ok(Some(dir)) => dir,
            Ok(None) => {
                return Err(match known_thing(directory) {
                    Some(KnownThing { what, taken_by }) => (format!("it is {what}, not the directory of a probe"), taken_by),
                    None if !directory.exists() => ("there is no such directory".to_owned(), help()),
                    None => ("it is not the directory of a probe".to_owned(), help()),
                });
            }
            Err(error) => return Err((error.to_string(), help())),
        };
        let text = std::fs::read_to_string(dir.path().join("probe.json"));
        let text = text.map_err(|_| {
            let again =
                format!("`livebench report {}` rebuilds it if there are enough answers; or probe again", directory.display());
            ("it was killed before it had a result".to_owned(), again)
        })?;
        serde_json::from_str(&text).map_err(|error| (format!("its probe.json cannot be understood: {error}"), help()))
    }
}
