//! The directory of a probe: `manifest.json` at the start, `observations.csv` as it goes, `probe.json`, `probe.md` and `report.html` at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::belonging::known;
use super::manifest::{Machine, compact, utc, without_secrets};
use super::table::TableWriter;
use super::{MANIFEST, REPORT_HTML, ResultsError, new_directory, replace};
use crate::probe::{Observation, ProbeFinding, ProbeSettings, ProbeStop};
use crate::report;
use crate::report::probe::ProbePage;

const OBSERVATIONS: &str = "observations.csv";
const PROBE_JSON: &str = "probe.json";
const PROBE_MD: &str = "probe.md";

/// Which probe this is, where and against what it ran. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeManifest {
    /// Version of this file: 1.
    pub schema: u32,
    /// The subcommand: `probe`.
    pub command: String,
    /// Of livebench.
    pub version: String,
    /// Of livebench's sources, when the build knew it (`LIVEBENCH_COMMIT`).
    pub commit: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// When the probe's time 0 was, UTC, RFC 3339.
    pub start_utc: String,
    /// What makes this probe's tokens differ from those of every other run.
    pub nonce: String,
    /// The resolved endpoint.
    pub endpoint: String,
    /// The region.
    pub region: String,
    /// What it might spend.
    pub settings: ProbeSettings,
    /// What Service Quotas said is applied, in calls per second; null unless it was asked and answered.
    #[serde(default)]
    pub applied_per_s: Option<f64>,
    /// Why it ended; null until it ended.
    pub stop: Option<ProbeStop>,
}

/// What a probe knows of itself before its first call.
#[derive(Debug, Clone, Copy)]
pub struct ProbeStart<'a> {
    /// When the probe's time 0 is, since 1970 UTC.
    pub since_epoch: Duration,
    /// See [`ProbeManifest::nonce`].
    pub nonce: &'a str,
    /// The resolved endpoint; user, password, query and fragment are left out.
    pub endpoint: &'a str,
    /// The region.
    pub region: &'a str,
    /// What it may spend.
    pub settings: ProbeSettings,
    /// See [`ProbeManifest::applied_per_s`].
    pub applied_per_s: Option<f64>,
}

impl ProbeManifest {
    /// Version of this file.
    pub const SCHEMA: u32 = 1;

    fn new(start: ProbeStart<'_>) -> Self {
        Self {
            schema: Self::SCHEMA,
            command: "probe".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("LIVEBENCH_COMMIT").map(str::to_owned),
            machine: Machine::here(),
            start_utc: utc(start.since_epoch),
            nonce: start.nonce.to_owned(),
            endpoint: without_secrets(start.endpoint),
            region: start.region.to_owned(),
            settings: start.settings,
            applied_per_s: start.applied_per_s,
            stop: None,
        }
    }
}

/// A probe's directory.
#[derive(Debug)]
pub struct ProbeDir {
    path: PathBuf,
    manifest: ProbeManifest,
}

impl ProbeDir {
    /// Makes `parent/<UTC>-probe` with its manifest.
    pub fn create(parent: &Path, start: ProbeStart<'_>) -> Result<Self, ResultsError> {
        let manifest = ProbeManifest::new(start);
        let path = new_directory(parent, &format!("{}-probe", compact(&manifest.start_utc)))?;
        let dir = Self { path, manifest };
        dir.write_manifest()?;
        Ok(dir)
    }

    /// Whether a directory is a probe's.
    pub fn is_probe(path: &Path) -> bool {
        matches!(Self::open(path), Ok(Some(_)))
    }

    /// Opens a probe that is already there, whole or not; `None` if the directory is not a probe's.
    pub fn open(path: &Path) -> Result<Option<Self>, ResultsError> {
        let file = path.join(MANIFEST);
        let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if value["command"] != "probe" {
            return Ok(None);
        }
        Ok(Some(Self { path: path.to_owned(), manifest: known(&file, &text, ProbeManifest::SCHEMA)? }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its manifest.
    pub const fn manifest(&self) -> &ProbeManifest {
        &self.manifest
    }

    /// Opens the file that grows as the probe goes.
    pub fn diary(&self) -> Result<Diary, ResultsError> {
        let path = self.path.join(OBSERVATIONS);
        let opened = OpenOptions::new().write(true).create_new(true).open(&path).and_then(TableWriter::new);
        match opened {
            Ok(out) => Ok(Diary { path, out }),
            Err(reason) => Err(ResultsError::Write { path, reason }),
        }
    }

    /// What was seen. A torn last line is left out.
    pub fn observations(&self) -> Result<Vec<Observation>, ResultsError> {
        let path = self.path.join(OBSERVATIONS);
        let file = File::open(&path).map_err(|reason| ResultsError::Read { path: path.clone(), reason })?;
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let rows: Vec<Result<Observation, csv::Error>> = rows.deserialize().collect();
        let last = rows.len();
        let mut observations = Vec::with_capacity(last);
        for (index, row) in rows.into_iter().enumerate() {
            match row {
                Ok(observation) => observations.push(observation),
                Err(_) if index + 1 == last => {}
                Err(e) => return Err(ResultsError::Malformed { path, what: format!("line {}: {e}", index + 2) }),
            }
        }
        Ok(observations)
    }

    /// Writes `probe.json`, `probe.md` and `report.html`, and why it ended.
    pub fn finish(&mut self, finding: &ProbeFinding) -> Result<(), ResultsError> {
        self.manifest.stop = Some(finding.stop);
        self.write_manifest()?;
        replace(&self.path, PROBE_JSON, |out| report::probe::json(finding, out))?;
        replace(&self.path, PROBE_MD, |out| report::probe::markdown(finding, out))?;
        replace(&self.path, REPORT_HTML, |out| self.page(finding, out))
    }

    /// What was found as a page.
    pub fn page(&self, finding: &ProbeFinding, out: &mut impl Write) -> io::Result<()> {
        report::probe::html(&ProbePage { finding, provenance: &provenance(&self.manifest) }, out)
    }

    fn write_manifest(&self) -> Result<(), ResultsError> {
        replace(&self.path, MANIFEST, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.manifest)?;
            writeln!(out)
        })
    }
}

fn provenance(m: &ProbeManifest) -> Vec<(String, String)> {
    let commit = m.commit.as_deref().unwrap_or("commit unknown");
    let cores = m.machine.cores.map_or_else(|| "unknown cores".to_owned(), |n| format!("{n} cores"));
    let ProbeSettings { max_calls, max_sessions, max_seconds, precision, seed, .. } = m.settings;
    [
        ("started", m.start_utc.clone()),
        ("livebench", format!("{}, {commit}", m.version)),
        ("machine", format!("{} {}, {cores}", m.machine.os, m.machine.arch)),
        ("endpoint", m.endpoint.clone()),
        ("region", m.region.clone()),
        ("budget", format!("{max_calls} calls, {max_sessions} sessions, {max_seconds} s")),
        ("precision asked for", format!("±{} %", precision * 100.0)),
        ("seed", seed.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The file of the observations.
#[derive(Debug)]
pub struct Diary {
    path: PathBuf,
    out: TableWriter<Observation, File>,
}

impl Diary {
    /// Adds the observations of a batch.
    pub fn add(&mut self, observations: &[Observation]) -> Result<(), ResultsError> {
        let written = observations.iter().try_for_each(|o| self.out.write(o));
        written.and_then(|()| self.out.flush()).map_err(|reason| ResultsError::Write { path: self.path.clone(), reason })
    }
}
