//! The segments of a run: one, unless it was cut off and resumed. Whoever reads a run's rows goes over them with [`RunDir::segments`].
//!
//! A segment has its own entry in the manifest, its own tokens, and files of its own: `samples.csv`, then `samples.2.csv`, ... Instants stand
//! where the schedule has them; when the schedule's time 0 was is the segment's own. Refuses to close up the time between two of them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use super::cells::header;
use super::manifest::{Machine, Manifest, ManifestSegment, Start, digest_of, since_epoch, utc, without_secrets};
use super::rows::{RowWriter, Rows, kept_lines};
use super::{HLOG, REPORT_HTML, ResultsError, RunDir, SAMPLES, SUMMARY_JSON, SUMMARY_MD, TIMELINE};
use crate::record::Recorded;
use crate::record::cut::Cut;
use crate::record::sample::Sample;
use crate::record::timeline::Row;
use crate::scenario::Scenario;
use crate::summary::{Called, RunFacts, SegmentSpan, Stop, segment_line};
use crate::units::floor_us;

impl ManifestSegment {
    /// The first segment, from what the manifest says of the run.
    pub(super) fn first(manifest: &Manifest) -> Self {
        Self {
            number: 1,
            start_utc: manifest.start_utc.clone(),
            nonce: manifest.nonce.clone(),
            first_seq: 0,
            from_us: 0,
            endpoint: manifest.endpoint.clone(),
            called: manifest.called.clone(),
            version: manifest.version.clone(),
            commit: manifest.commit.clone(),
            machine: manifest.machine.clone(),
            load_cores: manifest.load_cores,
            facts: manifest.facts.clone(),
        }
    }

    /// The segment that goes on at `cut`, on this machine and now.
    pub(super) fn next(number: u64, cut: Cut, start: &Start<'_>) -> Self {
        Self {
            number,
            start_utc: utc(start.since_epoch),
            nonce: start.nonce.to_owned(),
            first_seq: cut.seq,
            from_us: floor_us(cut.at),
            endpoint: without_secrets(start.endpoint),
            called: start.called.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("LIVEBENCH_COMMIT").map(str::to_owned),
            machine: Machine::here(),
            load_cores: start.load_cores,
            facts: None,
        }
    }

    /// Where on the schedule it begins.
    pub const fn from(&self) -> Duration {
        Duration::from_micros(self.from_us)
    }

    /// When the schedule's time 0 was for it, since 1970; 0 if the manifest names no time.
    pub(super) fn zero(&self) -> Duration {
        since_epoch(&self.start_utc).unwrap_or_default().saturating_sub(self.from())
    }

    /// In what a segment that begins here would differ from it, in words.
    pub fn unlike(&self, called: &Called, endpoint: &str) -> Vec<String> {
        let target = |called: &Called, endpoint: &str| match called.endpoint {
            // Which port it listens on says nothing.
            crate::summary::Endpoint::Embedded | crate::summary::Endpoint::Model => {
                format!("the emulator inside ({}, {})", called.region, called.transport)
            }
            _ => format!("{} ({}, {})", without_secrets(endpoint), called.region, called.transport),
        };
        let machine =
            |m: &Machine| format!("{} {} with {} cores", m.os, m.arch, m.cores.map_or_else(|| "?".to_owned(), |n| n.to_string()));
        let version = |version: &str, commit: Option<&str>| format!("{version} {}", commit.unwrap_or("")).trim().to_owned();
        let here = option_env!("LIVEBENCH_COMMIT");
        let known = here.is_some() && self.commit.is_some();
        let pairs = [
            (
                "livebench",
                version(&self.version, self.commit.as_deref().filter(|_| known)),
                version(env!("CARGO_PKG_VERSION"), here.filter(|_| known)),
            ),
            ("machine", machine(&self.machine), machine(&Machine::here())),
            ("target", target(&self.called, &self.endpoint), target(called, endpoint)),
        ];
        pairs
            .into_iter()
            .filter(|(_, was, is)| was != is)
            .map(|(what, was, is)| format!("{what}: it was {was}, and is {is}"))
            .collect()
    }
}

impl Manifest {
    /// What is known of its segments, in order: one at least.
    pub fn all_segments(&self) -> Vec<ManifestSegment> {
        std::iter::once(self.first_segment()).chain(self.segments.iter().skip(1).cloned()).collect()
    }

    /// Its last segment.
    pub fn last_segment(&self) -> ManifestSegment {
        self.segments.last().cloned().unwrap_or_else(|| ManifestSegment::first(self))
    }

    /// Its first segment.
    pub fn first_segment(&self) -> ManifestSegment {
        self.segments.first().cloned().unwrap_or_else(|| ManifestSegment::first(self))
    }

    /// What the last segment knew; `None` until it ended.
    pub fn last_facts(&self) -> Option<&RunFacts> {
        self.segments.last().map_or(self.facts.as_ref(), |last| last.facts.as_ref())
    }
}

/// A segment on disk.
#[derive(Debug, Clone)]
pub struct SegmentFiles {
    dir: PathBuf,
    entry: ManifestSegment,
}

impl SegmentFiles {
    pub(super) const fn new(dir: PathBuf, entry: ManifestSegment) -> Self {
        Self { dir, entry }
    }

    /// What the manifest says of it.
    pub const fn entry(&self) -> &ManifestSegment {
        &self.entry
    }

    /// The name of one of its files: `samples.csv` of the first is `samples.2.csv` of the second.
    pub(super) fn name(&self, of_first: &str) -> String {
        match of_first.split_once('.') {
            Some((stem, kind)) if self.entry.number > 1 => format!("{stem}.{}.{kind}", self.entry.number),
            _ => of_first.to_owned(),
        }
    }

    pub(super) fn path(&self, of_first: &str) -> PathBuf {
        self.dir.join(self.name(of_first))
    }

    /// Its calls on disk, one after the other.
    pub fn rows(&self, scenario: &Scenario) -> Result<Rows, ResultsError> {
        Rows::open(&self.path(SAMPLES), scenario)
    }

    /// The rows of its timeline, up to the first that is torn.
    pub fn timeline(&self) -> Result<impl Iterator<Item = Row> + use<>, ResultsError> {
        let path = self.path(TIMELINE);
        let file = File::open(&path).map_err(|reason| ResultsError::Read { path, reason })?;
        Ok(csv::Reader::from_reader(file).into_deserialize().map_while(Result::ok))
    }

    /// Whether it came so far as to have rows: one that ended before is as if it had not been.
    fn has_begun(&self) -> bool {
        let head = header() + "\n";
        let mut begun = Vec::new();
        let read = File::open(self.path(SAMPLES)).and_then(|file| file.take(head.len() as u64).read_to_end(&mut begun));
        read.is_ok() && begun == head.as_bytes()
    }

    /// Cuts off a torn last row and adds the calls whose end nobody saw.
    fn seal(&self, scenario: &Scenario, unknown: &[Sample]) -> Result<(), ResultsError> {
        let path = self.path(SAMPLES);
        let sealed = || -> io::Result<()> {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let whole = kept_lines(&mut file)?;
            file.set_len(whole)?;
            file.seek(SeekFrom::Start(whole))?;
            let mut rows = if whole == 0 { RowWriter::new(&file, scenario)? } else { RowWriter::going_on(&file, scenario) };
            unknown.iter().try_for_each(|sample| rows.write(sample))?;
            rows.flush()?;
            drop(rows);
            file.sync_data()
        };
        sealed().map_err(|reason| ResultsError::Write { path: path.clone(), reason })
    }
}

impl RunDir {
    /// Its segments, in order: one, unless it was resumed.
    pub fn segments(&self) -> Result<Vec<SegmentFiles>, ResultsError> {
        let all = self.manifest()?.all_segments();
        let files = all.into_iter().map(|entry| SegmentFiles::new(self.path.clone(), entry));
        Ok(files.filter(|files| files.entry.number == 1 || files.has_begun()).collect())
    }

    /// Its calls on disk, one segment after the other.
    pub fn rows(&self, scenario: &Scenario) -> Result<impl Iterator<Item = Result<Sample, ResultsError>> + use<>, ResultsError> {
        let files = self.segments()?;
        let rows: Vec<Rows> = files.iter().map(|files| files.rows(scenario)).collect::<Result<_, _>>()?;
        Ok(rows.into_iter().flatten())
    }

    /// Keeps everybody else from writing this run, as long as the file is held.
    ///
    /// # Errors
    /// Somebody writes it, or it cannot be opened.
    pub fn lock(&self) -> Result<File, ResultsError> {
        let path = self.path.join(SAMPLES);
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|reason| ResultsError::Write { path: path.clone(), reason })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(ResultsError::StillRunning { path: self.path.clone() }),
            // Where the system has no locks nobody can tell.
            _ => Ok(file),
        }
    }

    /// Begins a segment that goes on at `cut`: its entry in the manifest, and `unknown`, the calls of the segments before whose end nobody saw.
    /// What was said of the run until now is removed: it is made again at the end, or by `livebench report`.
    pub fn begin_segment(
        &self,
        cut: Cut,
        start: &Start<'_>,
        scenario: &Scenario,
        unknown: &[Sample],
    ) -> Result<(), ResultsError> {
        let manifest = self.manifest()?;
        let mut all = manifest.all_segments();
        let before = self.segments()?;
        let number = all.last().map_or(0, |last| last.number) + 1;
        all.push(ManifestSegment::next(number, cut, start));
        let scenario_digest = Some(digest_of(&self.scenario_text()?));
        self.write_manifest(&Manifest { schema: Manifest::SCHEMA, scenario_digest, segments: all, ..manifest })?;
        for name in [SUMMARY_JSON, SUMMARY_MD, REPORT_HTML] {
            match self.disk.remove(&self.path.join(name)) {
                Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                    return Err(ResultsError::Write { path: self.path.join(name), reason });
                }
                _ => {}
            }
        }
        self.keep_reserve()?;
        before.last().map_or(Ok(()), |last| last.seal(scenario, unknown))
    }

    /// The facts of the whole run; `recorded` is what its segments counted, in order.
    pub fn facts(&self, recorded: &[Recorded]) -> Result<RunFacts, ResultsError> {
        let (manifest, segments) = (self.manifest()?, self.segments()?);
        let of_shards = manifest.shard.is_some();
        let killed =
            |called: &Called| RunFacts { scheduled: manifest.scheduled, ..RunFacts::untold(called.clone(), Stop::Killed) };
        let known = |files: &SegmentFiles| files.entry.facts.clone().unwrap_or_else(|| killed(&files.entry.called));
        let parts: Vec<RunFacts> = segments.iter().map(known).collect();
        if let ([only], true) = (parts.as_slice(), segments.len() == 1) {
            return Ok(RunFacts { of_shards, ..only.clone() });
        }
        let spans = spans(&segments, recorded);
        let lines =
            spans.iter().zip(&parts).zip(recorded).map(|((span, facts), recorded)| segment_line(*span, facts.stop, recorded));
        let delayed = spans.last().map_or(0, |span| span.delayed_us);
        let elapsed = parts
            .last()
            .and_then(|last| last.elapsed_us)
            .zip(segments.last())
            .map(|(us, last)| us + last.entry.from_us + delayed);
        let lines = lines.collect();
        let facts = RunFacts::resumed(&parts, elapsed, lines).unwrap_or_else(|| killed(&manifest.called));
        Ok(RunFacts { of_shards, ..facts })
    }
}

/// Where the segments lie.
fn spans(segments: &[SegmentFiles], recorded: &[Recorded]) -> Vec<SegmentSpan> {
    let first = segments.first().map(|files| files.entry.zero()).unwrap_or_default();
    let mut ended: Option<Duration> = None;
    let mut spans = Vec::new();
    for (SegmentFiles { entry, .. }, counted) in segments.iter().zip(recorded) {
        let seen = &counted.recorder;
        let last_us = seen.last_done_us().max(seen.last_sent_us()).unwrap_or(0).max(entry.from_us);
        spans.push(SegmentSpan {
            number: entry.number,
            first_seq: entry.first_seq,
            from_us: entry.from_us,
            delayed_us: floor_us(entry.zero().saturating_sub(first)),
            gap_us: ended.map(|ended| floor_us((entry.zero() + entry.from()).saturating_sub(ended))),
        });
        ended = Some(entry.zero() + Duration::from_micros(last_us));
    }
    spans
}

/// The interval logs of all segments as one, in seconds from the start of the first.
pub(super) fn interval_log(segments: &[SegmentFiles]) -> Result<String, ResultsError> {
    let first = segments.first().map(|files| files.entry.zero()).unwrap_or_default();
    let mut whole = String::new();
    for files in segments {
        let path = files.path(HLOG);
        let text = fs::read_to_string(&path).map_err(|reason| ResultsError::Read { path, reason })?;
        if whole.is_empty() {
            whole = text;
            continue;
        }
        let delayed = files.entry.zero().saturating_sub(first).as_secs_f64();
        for line in text.lines().filter(|line| line.starts_with("Tag=")) {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            if let Some(at) = cells.get_mut(1) {
                *at = at.parse::<f64>().map_or_else(|_| at.clone(), |seconds| format!("{:.3}", seconds + delayed));
            }
            whole.push_str(&cells.join(","));
            whole.push('\n');
        }
    }
    Ok(whole)
}
