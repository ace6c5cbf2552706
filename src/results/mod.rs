//! The run's directory: the only writer of files.
//!
//! `manifest.json` and `scenario.toml` are written at the start, `samples.csv`, `timeline.csv` and `latency.hlog` as the run goes
//! ([`Journal`]), `summary.json`, `summary.md` and
//! `report.html` at its end. Whoever kills the process loses at most the last second: everything else is
//! made again from what is there ([`RunDir::recorded`], [`RunDir::write_timeline`]). Refuses to overwrite a run, and to write a secret.

mod barrier;
mod belonging;
mod calls;
mod cells;
mod disk;
mod error;
mod external;
#[cfg(test)]
pub(crate) mod faulty;
mod hlog;
mod journal;
mod kind;
mod manifest;
mod merge;
mod page;
mod plan;
mod probe;
mod rebuild;
mod rows;
mod segment;
mod sieve;
mod sink;
mod table;
mod whole;
mod writer_thread;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::record::recorder::Recorder;
use crate::report;
use crate::scenario::Scenario;
use crate::shard::StartDecision;
use crate::summary::{ReadError, RunFacts, SCHEMA, Summary};
#[cfg(any(feature = "s3", test))]
pub use barrier::BucketAddress;
pub use barrier::{Barrier, BarrierClocks, BarrierError, BarrierPlace, StartProposal, WaitingProcess};
pub use belonging::RowCounts;
use disk::{Buffered, replace, replace_on};
pub use disk::{Disk, DiskFile, SystemDisk};
pub use error::ResultsError;
pub use journal::{Finished, Journal, Moment, Progress, RunSoFar};
pub use kind::{KnownThing, known_thing};
pub use manifest::{Machine, Manifest, ManifestSegment, ManifestShard, MergedPart, Start};
pub use merge::{CallTaker, MergeError, MergeTerms, MergedRun, SlowShard, merge, problems};
pub use page::PageParts;
pub use plan::{ProbesOnDisk, write_plan};
pub use probe::{Diary, ProbeDir, ProbeManifest, ProbeStart};
pub use rebuild::RunOnDisk;
pub use rows::Rows;
pub use segment::SegmentFiles;
use sink::Sink;
pub use writer_thread::{Sender, Senders, WriterThread};

const MANIFEST: &str = "manifest.json";
const START: &str = "start.json";
const SCENARIO: &str = "scenario.toml";
const SAMPLES: &str = "samples.csv";
const TIMELINE: &str = "timeline.csv";
const HLOG: &str = "latency.hlog";
const SUMMARY_JSON: &str = "summary.json";
const SUMMARY_MD: &str = "summary.md";
const REPORT_HTML: &str = "report.html";

/// The columns of `samples.csv`, in their order.
pub const SAMPLE_COLUMNS: [&str; 13] = [
    "seq",
    "due_us",
    "sent_us",
    "done_us",
    "mix",
    "outcome",
    "status",
    "attempt",
    "session_id",
    "request_id",
    "token",
    "role",
    "exception",
];

/// Keeps room on the disk, so that why a run ended can be written when nothing else can.
const RESERVE: &str = ".reserve";

/// So many bytes of it.
// measured: a manifest with its facts has 2 kB, and 0.2 kB more for each thread that drives load
const RESERVED: usize = 16 * 1024;

/// A run's directory.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl RunDir {
    /// Makes `parent/<UTC>-<name>` with `manifest.json` and `scenario.toml`. If it exists, the name gets `-2`, `-3` and so on.
    pub fn create(parent: &Path, manifest: &Manifest, scenario_text: &str) -> Result<Self, ResultsError> {
        Self::create_on(Arc::new(SystemDisk), parent, manifest, scenario_text)
    }

    /// The same, with every file of the run on this disk.
    pub fn create_on(disk: Arc<dyn Disk>, parent: &Path, manifest: &Manifest, scenario_text: &str) -> Result<Self, ResultsError> {
        let part = manifest.shard.as_ref().and_then(|own| Some(format!("-shard-{}-of-{}", own.parts.first()?.shard, own.of)));
        let name = format!("{}-{}{}", manifest.start_compact(), manifest.name, part.unwrap_or_default());
        let dir = Self { path: new_directory(parent, &name)?, disk };
        dir.disk.sync_names(parent).map_err(|reason| ResultsError::Write { path: parent.to_owned(), reason })?;
        dir.write_manifest(&Manifest { scenario_digest: Some(manifest::digest_of(scenario_text)), ..manifest.clone() })?;
        dir.keep_reserve()?;
        dir.replace(SCENARIO, |out| out.write_all(scenario_text.as_bytes()))?;
        Ok(dir)
    }

    /// Opens a run that is already there, whole or not.
    ///
    /// # Errors
    /// It is no run, of a schema that this version does not know, or its files are not of one run.
    pub fn open(path: &Path) -> Result<Self, ResultsError> {
        let entries = fs::read_dir(path).map_err(|reason| match kind::known_thing(path) {
            Some(KnownThing { what, taken_by }) => ResultsError::OtherThing { path: path.to_owned(), what, taken_by },
            None => ResultsError::Read { path: path.to_owned(), reason },
        })?;
        if let Some(missing) = [MANIFEST, SCENARIO, SAMPLES].into_iter().find(|name| !path.join(name).is_file()) {
            let inside: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| Self::is_run(path)).collect();
            let path = path.to_owned();
            return Err(match inside.iter().max() {
                Some(newest) => ResultsError::HoldsRuns { path, runs: inside.len() as u64, newest: newest.clone() },
                None => match kind::no_run(&path) {
                    Some(KnownThing { what, taken_by }) => ResultsError::OtherThing { path, what, taken_by },
                    None => ResultsError::NotARun { path, missing },
                },
            });
        }
        let dir = Self::on_system(path.to_owned());
        dir.hold_together()?;
        Ok(dir)
    }

    /// The same, whose scenario may have been changed since: who goes on with it says so ([`RunDir::has_other_scenario`]).
    pub fn open_changed(path: &Path) -> Result<Self, ResultsError> {
        let dir = Self::on_system(path.to_owned());
        if !Self::is_run(path) || !path.join(SCENARIO).is_file() || !path.join(SAMPLES).is_file() || !dir.has_other_scenario()? {
            return Self::open(path);
        }
        dir.hold_tokens()?;
        Ok(dir)
    }

    /// The same directory, whose files go to this disk from now on.
    #[must_use]
    pub fn on_disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// A directory that is read, or written by one command at its end.
    fn on_system(path: PathBuf) -> Self {
        Self { path, disk: Arc::new(SystemDisk) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of its `scenario.toml`, for messages.
    pub fn scenario_path(&self) -> PathBuf {
        self.path.join(SCENARIO)
    }

    /// Opens the files that grow as the run goes. `cores` cores will hand over batches.
    pub fn journal(&self, scenario: &Scenario, cores: usize) -> Result<Journal, ResultsError> {
        let manifest = self.manifest()?;
        let last = manifest.last_segment();
        let files = SegmentFiles::new(self.path.clone(), last);
        let sink = |name: &str| {
            let path = files.path(name);
            match self.disk.create_new(&path) {
                Ok(file) => Ok(Sink::new(path, file)),
                Err(reason) => Err(ResultsError::Write { path, reason }),
            }
        };
        let outputs = journal::Outputs { samples: sink(SAMPLES)?, timeline: sink(TIMELINE)?, hlog: sink(HLOG)? };
        self.disk.sync_names(&self.path).map_err(|reason| ResultsError::Write { path: self.path.clone(), reason })?;
        Journal::new(outputs, scenario, cores, files.entry(), Some(&self.path))
    }

    fn keep_reserve(&self) -> Result<(), ResultsError> {
        self.replace(RESERVE, |out| out.write_all(&[b'\n'; RESERVED]))
    }

    /// What is known of the run beside its samples.
    pub fn manifest(&self) -> Result<Manifest, ResultsError> {
        belonging::manifest(self)
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<(), ResultsError> {
        self.replace(MANIFEST, |out| {
            serde_json::to_writer_pretty(&mut *out, manifest)?;
            out.write_all(b"\n")
        })
    }

    /// Keeps what only the run knew, at its end, so that `livebench report` says the same as the run did.
    ///
    /// A shard keeps, too, what its summary does not say of `recorder`, so that merging can add it.
    pub fn keep_facts(&self, facts: &RunFacts, recorder: &Recorder) -> Result<(), ResultsError> {
        let manifest = self.manifest()?;
        let shard = manifest.shard.map(|own| ManifestShard { exact: Some(recorder.exact()), ..own });
        let mut manifest = Manifest { shard, ..manifest };
        match manifest.segments.last_mut() {
            Some(last) => last.facts = Some(facts.clone()),
            None => manifest.facts = Some(facts.clone()),
        }
        self.free_reserve();
        self.write_manifest(&manifest)
    }

    /// Keeps the end of a run: what only it knew, and then what is said of it, for a summary without the facts would be of a run that nobody
    /// saw the end of.
    pub fn conclude(
        &self,
        scenario: &Scenario,
        summary: &Summary,
        facts: &RunFacts,
        recorder: &Recorder,
    ) -> Result<(), ResultsError> {
        self.keep_facts(facts, recorder)?;
        self.write_summary(scenario, summary)
    }

    /// Keeps what all shards of the run obey.
    pub fn keep_start(&self, decision: &StartDecision) -> Result<(), ResultsError> {
        self.replace(START, |out| {
            serde_json::to_writer_pretty(&mut *out, decision)?;
            out.write_all(b"\n")
        })
    }

    /// Gives back the room that was kept for the end.
    fn free_reserve(&self) {
        // Without it there is nothing to give back.
        let _ = self.disk.remove(&self.path.join(RESERVE));
    }

    /// The scenario as it was given.
    pub fn scenario_text(&self) -> Result<String, ResultsError> {
        self.read(SCENARIO)
    }

    /// Writes `summary.json`, `summary.md` and `report.html`.
    pub fn write_summary(&self, scenario: &Scenario, summary: &Summary) -> Result<(), ResultsError> {
        self.replace(SUMMARY_JSON, |out| report::json::write(summary, out))?;
        self.replace(SUMMARY_MD, |out| report::markdown::write(summary, out))?;
        self.write_page(scenario, summary)
    }

    /// The summary as it was written; `None` if there is none that is whole, as of a killed run.
    pub fn summary(&self) -> Result<Option<Summary>, ResultsError> {
        if !self.is_whole(SUMMARY_JSON) {
            return Ok(None);
        }
        let text = self.read(SUMMARY_JSON)?;
        let path = || self.path.join(SUMMARY_JSON);
        Summary::read(&text).map(Some).map_err(|e| match e {
            ReadError::Schema(found) => ResultsError::Schema { path: path(), found, newest: SCHEMA },
            ReadError::Json(e) => {
                ResultsError::Malformed { path: path(), what: format!("{e} (without it, `livebench report` makes it again)") }
            }
        })
    }

    /// Whether a directory holds a run, judged by its manifest.
    pub fn is_run(path: &Path) -> bool {
        path.join(MANIFEST).is_file()
    }

    /// Whether another process is writing this run: the journal holds a lock on `samples.csv` until it ends or its process does.
    pub fn is_running(&self) -> bool {
        // Where the system has no locks nobody can tell, and a run that ended is the likelier case.
        File::open(self.path.join(SAMPLES)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Writes what is missing: `timeline.csv` and `latency.hlog`, `summary.json`, `summary.md` and `report.html`. Of a run that did
    /// not come to its end all of them are made again.
    pub fn complete(&self, scenario: &Scenario, summary: &Summary) -> Result<(), ResultsError> {
        self.free_reserve();
        self.write_timeline(scenario, summary)?;
        if self.manifest()?.last_facts().is_some()
            && [SUMMARY_JSON, SUMMARY_MD, REPORT_HTML].iter().all(|name| self.is_whole(name))
        {
            return Ok(());
        }
        self.write_summary(scenario, summary)
    }

    /// Whether a file is there and ends with a whole line.
    fn is_whole(&self, name: &str) -> bool {
        let last_byte = || -> io::Result<u8> {
            let mut file = File::open(self.path.join(name))?;
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            Ok(last[0])
        };
        last_byte().is_ok_and(|b| b == b'\n')
    }

    /// The interval log, as it stands on disk.
    pub fn interval_log(&self) -> Result<String, ResultsError> {
        segment::interval_log(&self.segments()?)
    }

    fn read(&self, name: &str) -> Result<String, ResultsError> {
        let path = self.path.join(name);
        fs::read_to_string(&path).map_err(|reason| ResultsError::Read { path, reason })
    }

    /// Writes a file under another name first, so that nobody ever sees half of it.
    fn replace(&self, name: &str, write: impl FnOnce(&mut Buffered) -> io::Result<()>) -> Result<(), ResultsError> {
        replace_on(&*self.disk, &self.path, name, true, write)
    }
}

/// Makes `parent/<name>`; if it exists, the name gets `-2`, `-3` and so on.
fn new_directory(parent: &Path, name: &str) -> Result<PathBuf, ResultsError> {
    fs::create_dir_all(parent).map_err(|reason| match parent.ancestors().find(|path| path.exists()) {
        Some(file) if !file.is_dir() => ResultsError::NotADirectory { path: file.to_owned() },
        _ => ResultsError::Write { path: parent.to_owned(), reason },
    })?;
    let mut path = parent.join(name);
    let mut next = 2u32;
    while let Err(reason) = fs::create_dir(&path) {
        if reason.kind() != io::ErrorKind::AlreadyExists {
            return Err(ResultsError::Write { path, reason });
        }
        path = parent.join(format!("{name}-{next}"));
        next += 1;
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
