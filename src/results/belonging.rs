//! A run's directory held against itself: what does not belong together is named before anything is said of the run.
//!
//! Every file has something to be held against: the manifest's schema, the scenario's digest in the manifest, the run's own part of the
//! tokens in `samples.csv`, and the counts in `summary.json`. Refuses to choose which of two files is the right one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::manifest::{Manifest, digest_of};
use super::{MANIFEST, ResultsError, RunDir, SAMPLE_COLUMNS, SAMPLES, SCENARIO, SUMMARY_JSON};
use crate::client::outcome::Outcome;
use crate::record::calls::Calls;
use crate::record::recorder::Recorder;
use crate::summary::{Stop, Summary};
use crate::units::plural;

/// The column of the token.
const TOKEN: usize = 10;

/// The first bytes of `samples.csv` that are looked at for a token.
// derived: some 300 rows of 200 bytes; a run without a token among its first calls has none to tell it by
const HEAD: u64 = 64 * 1024;

/// Reads a manifest of a schema that this version knows.
pub(super) fn known<T: serde::de::DeserializeOwned>(path: &Path, text: &str, newest: u32) -> Result<T, ResultsError> {
    let malformed = |e: serde_json::Error| ResultsError::Malformed { path: path.to_owned(), what: e.to_string() };
    let value: Value = serde_json::from_str(text).map_err(malformed)?;
    match value.get("schema") {
        Some(found) if found.as_u64().is_none_or(|n| n == 0 || n > u64::from(newest)) => {
            Err(ResultsError::Schema { path: path.to_owned(), found: found.to_string(), newest })
        }
        _ => serde_json::from_value(value).map_err(malformed),
    }
}

/// How many calls ended in which way: what `summary.json` and `samples.csv` both say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowCounts(BTreeMap<Outcome, u64>);

impl From<&Calls> for RowCounts {
    fn from(calls: &Calls) -> Self {
        let mut counts = BTreeMap::new();
        for call in calls.iter() {
            *counts.entry(call.outcome).or_default() += 1;
        }
        Self(counts)
    }
}

impl From<&Recorder> for RowCounts {
    fn from(recorder: &Recorder) -> Self {
        Self(Outcome::ALL.iter().map(|o| (*o, recorder.count(*o))).filter(|(_, n)| *n > 0).collect())
    }
}

impl From<&Summary> for RowCounts {
    fn from(summary: &Summary) -> Self {
        Self(summary.counts.by_outcome.iter().map(|(o, n)| (*o, *n)).filter(|(_, n)| *n > 0).collect())
    }
}

impl RowCounts {
    /// Rows that were counted elsewhere.
    pub(super) fn of(counts: BTreeMap<Outcome, u64>) -> Self {
        Self(counts.into_iter().filter(|(_, n)| *n > 0).collect())
    }

    fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Where two counts differ, in words; `None` if they are equal.
    pub(super) fn differ(&self, counted: &Self) -> Option<String> {
        let (rows, calls) = (self.total(), counted.total());
        if rows != calls {
            return Some(format!("it has {}, and {SUMMARY_JSON} counts {}", plural(rows, "row"), plural(calls, "call")));
        }
        let of = |counts: &Self, outcome| counts.0.get(&outcome).copied().unwrap_or(0);
        let other = Outcome::ALL.iter().copied().find(|outcome| of(self, *outcome) != of(counted, *outcome))?;
        Some(format!("{} of its rows are {other}, and {SUMMARY_JSON} counts {}", of(self, other), of(counted, other)))
    }
}

impl RunDir {
    /// Whether manifest, scenario and samples are of one run, as far as their beginnings say.
    pub(super) fn hold_together(&self) -> Result<(), ResultsError> {
        if self.has_other_scenario()? {
            return Err(self.foreign(SCENARIO, "it is not the scenario that this run began with"));
        }
        self.hold_tokens()
    }

    /// Whether its scenario is another than it began with.
    pub fn has_other_scenario(&self) -> Result<bool, ResultsError> {
        let text = self.scenario_text()?;
        Ok(self.manifest()?.scenario_digest.is_some_and(|digest| digest_of(&text) != digest))
    }

    /// Whether the tokens in its samples are those of its segments.
    pub(super) fn hold_tokens(&self) -> Result<(), ResultsError> {
        for files in self.segments()? {
            match first_token(&files.path(SAMPLES))? {
                Some(token) if !token.starts_with(&format!("lb-{}-", files.entry().nonce)) => {
                    let what = format!("its token {token} is of another run, whose tokens begin otherwise");
                    return Err(self.foreign(&files.name(SAMPLES), &what));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether `samples.csv` says what `summary.json` says, or, without one, has every call of a schedule that came to its end. A run whose
    /// disk was full counted more than it could write: it says so itself.
    ///
    /// # Errors
    /// Either is cut off or of another run.
    pub fn hold_against(&self, summary: Option<&Summary>, rows: &RowCounts) -> Result<(), ResultsError> {
        let manifest = self.manifest()?;
        let Some(summary) = summary else {
            // A shard has a part of the schedule.
            let whole = manifest.shard.is_none();
            let scheduled =
                manifest.last_facts().filter(|facts| whole && facts.stop == Stop::Completed).and_then(|facts| facts.scheduled);
            return match scheduled.filter(|calls| *calls != rows.total()) {
                Some(calls) => Err(self.foreign(
                    SAMPLES,
                    &format!(
                        "it has {}, and the schedule came to its end with {}",
                        plural(rows.total(), "row"),
                        plural(calls, "call")
                    ),
                )),
                None => Ok(()),
            };
        };
        if (&summary.name, summary.seed, &summary.called) != (&manifest.name, manifest.seed, &manifest.called) {
            return Err(self.foreign(SUMMARY_JSON, "name, seed or target are not those of the manifest"));
        }
        match rows.differ(&summary.into()) {
            Some(what) if summary.stop != Stop::DiskFull => Err(self.foreign(SAMPLES, &what)),
            _ => Ok(()),
        }
    }

    fn foreign(&self, name: &str, what: &str) -> ResultsError {
        ResultsError::Foreign { path: self.path.join(name), what: what.to_owned() }
    }
}

/// The first token in `samples.csv` that a run of livebench made.
fn first_token(path: &Path) -> Result<Option<String>, ResultsError> {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.map_err(|reason| ResultsError::Read { path: path.to_owned(), reason })?;
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(head.as_slice());
    // A last row that is cut off, by us or by a kill, has no whole token.
    let whole = rows.records().filter_map(Result::ok).filter(|row| row.len() == SAMPLE_COLUMNS.len());
    let mut tokens = whole.filter_map(|row| row.get(TOKEN).map(str::to_owned));
    // source: `call_plan::token`: lb-, 16 digits of the run, 16 of the call
    Ok(tokens.find(|token| token.starts_with("lb-") && token.len() == 36))
}

/// Reads a run's manifest.
pub(super) fn manifest(dir: &RunDir) -> Result<Manifest, ResultsError> {
    known(&dir.path.join(MANIFEST), &dir.read(MANIFEST)?, Manifest::SCHEMA)
}
