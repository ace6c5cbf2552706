//! Shards of one run into one run directory, as if one machine had recorded all.
//!
//! The rows of all shards, in the order of the schedule; everything else follows from them by the same way as for a run that was killed:
//! counts, histograms, timeline, ledger, thresholds, verdict. No percentile of a shard is ever averaged, or even read. Refuses to put
//! together what is not one run, and to count a call twice.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;
use thiserror::Error;

use super::external::{ExternalSort, OnDisk};
use super::manifest::{ManifestShard, MergedPart};
use super::{MANIFEST, Manifest, ResultsError, RunDir, SAMPLE_COLUMNS, SAMPLES, SCENARIO, new_directory};
use crate::client::outcome::Outcome;
use crate::shard::{Coverage, Gap, Shard};
use crate::summary::Validity;

/// Rows that are sorted in memory at once: some 8 MB at 250 bytes a row.
const SEGMENT: usize = 32_768;
/// Shards whose times are kept apart, to find the one that differs.
// derived: a histogram of two digits up to an hour takes 40 KB, so 256 of them 10 MB
const APART: u64 = 256;

/// Why shards cannot be put together.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A directory cannot be read, or the merged one not written.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A directory is not a shard.
    #[error("{} is not a shard of a run: its manifest names none; a whole run needs no merging", .0.display())]
    NotAShard(PathBuf),
    /// They belong to different runs.
    #[error("{} and {} are not of one run: {differences}", one.display(), other.display())]
    Different {
        /// One of them.
        one: PathBuf,
        /// Another.
        other: PathBuf,
        /// What differs, and how.
        differences: String,
    },
    /// No directory is named.
    #[error("name the directories of the shards")]
    Nothing,
    /// A directory is named twice.
    #[error("{} is named twice", .0.display())]
    Twice(PathBuf),
    /// A shard is still at work.
    #[error("{} is still running; wait for its end, or stop it", .0.display())]
    Running(PathBuf),
    /// A row cannot be understood.
    #[error("shard {shard} is damaged: {} line {line} is no row; restore the file, or merge without it", path.display())]
    Damaged {
        /// Whose.
        shard: Shard,
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
}

/// A merged run, before its summary.
#[derive(Debug)]
pub struct MergedRun {
    /// Its directory, with `manifest.json`, `scenario.toml` and `samples.csv`.
    pub dir: RunDir,
    /// Calls that two attempts at one shard have rows of; one row of each is kept.
    pub doubled: u64,
    /// Calls without a row, by shard.
    pub gaps: Vec<Gap>,
    /// A shard whose median lies above the 90th percentile of all others, in microseconds: shard, median, that percentile.
    pub slow: Vec<(Shard, u64, u64)>,
}

/// Puts the runs at `paths` together, in a new directory below `out`. `total` is how many calls the whole schedule has, if it has any, and
/// `owner` the number that decides whose a call is.
///
/// # Errors
/// See [`MergeError`]; nothing is made then.
pub fn merge(paths: &[PathBuf], out: &Path, total: Option<u64>, owner: impl Fn(u64) -> u64) -> Result<MergedRun, MergeError> {
    let parts = parts(paths)?;
    let (first, _) = parts.first().ok_or(MergeError::Nothing)?;
    let manifest = together(&parts, first.manifest()?)?;
    let of = manifest.shard.as_ref().map_or(1, |shard| shard.of);
    let text = first.scenario_text()?;
    let path = new_directory(out, &format!("{}-{}", manifest.start_compact(), manifest.name))?;
    let dir = RunDir { path };
    dir.write_manifest(&manifest)?;
    dir.replace(SCENARIO, |file| file.write_all(text.as_bytes()))?;
    let mut sort = ExternalSort::new(dir.path.join(".merge"), SEGMENT, RowLine::order);
    let read = parts.iter().try_for_each(|(part, shard)| push_rows(part, *shard, &mut sort));
    let written = read.and_then(|()| write_rows(&dir, sort, of, total, &owner));
    // The files of the sort are in nobody's way but the reader's.
    let _ = fs::remove_dir_all(dir.path.join(".merge"));
    let (doubled, gaps, slow) = written.inspect_err(|_| drop(fs::remove_dir_all(&dir.path)))?;
    let doubled = doubled + manifest.shard.as_ref().map_or(0, |shard| shard.doubled);
    dir.write_manifest(&Manifest { shard: manifest.shard.map(|shard| ManifestShard { doubled, ..shard }), ..dir.manifest()? })?;
    Ok(MergedRun { dir, doubled, gaps, slow })
}

/// The directories with the shards that they are; the first of a merged one stands for all of it.
fn parts(paths: &[PathBuf]) -> Result<Vec<(RunDir, Shard)>, MergeError> {
    let mut parts: Vec<(RunDir, Shard, Manifest)> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for path in paths {
        let dir = RunDir::open(path)?;
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.contains(&real) {
            return Err(MergeError::Twice(path.clone()));
        }
        seen.push(real);
        if dir.is_running() {
            return Err(MergeError::Running(path.clone()));
        }
        let manifest = dir.manifest()?;
        let Some(shard) = manifest.shard.as_ref().and_then(|own| Shard::new(own.parts.first()?.shard, own.of)) else {
            return Err(MergeError::NotAShard(path.clone()));
        };
        if let Some((one, _, first)) = parts.first() {
            let mut differences = first.differences(&manifest);
            if one.scenario_text()? != dir.scenario_text()? {
                differences.push("the scenario's text".to_owned());
            }
            if !differences.is_empty() {
                let (one, other) = (one.path.clone(), path.clone());
                return Err(MergeError::Different { one, other, differences: differences.join("; ") });
            }
        }
        parts.push((dir, shard, manifest));
    }
    Ok(parts.into_iter().map(|(dir, shard, _)| (dir, shard)).collect())
}

/// The manifest of all parts, the same in whatever order they are named.
fn together(parts: &[(RunDir, Shard)], mut manifest: Manifest) -> Result<Manifest, ResultsError> {
    let mut all: Vec<MergedPart> = Vec::new();
    let mut doubled = 0;
    for (dir, _) in parts {
        let manifest = dir.manifest()?;
        let validity = dir.summary()?.map(|summary| summary.verdict.validity);
        if let Some(own) = &manifest.shard {
            doubled += own.doubled;
            let single = own.parts.len() == 1 && !own.merged;
            all.extend(own.parts.iter().cloned().map(|part| {
                if single {
                    MergedPart { validity, facts: manifest.facts.clone(), machine: Some(manifest.machine.clone()), ..part }
                } else {
                    part
                }
            }));
        }
    }
    all.sort_by_cached_key(|part| (part.shard, part.attempt, serde_json::to_string(part).unwrap_or_default()));
    if let Some(machine) = all.first().and_then(|part| part.machine.clone()) {
        manifest.machine = machine;
    }
    manifest.load_cores = all.iter().filter_map(|part| part.facts.as_ref()?.harness.as_ref()).map(|h| h.load_threads.len()).sum();
    manifest.shard = manifest.shard.map(|own| ManifestShard { parts: all, merged: true, doubled, ..own });
    (manifest.facts, manifest.scheduled) = (None, None);
    Ok(manifest)
}

/// Takes the whole rows of a shard.
fn push_rows(dir: &RunDir, shard: Shard, sort: &mut ExternalSort<RowLine>) -> Result<(), MergeError> {
    let path = dir.path.join(SAMPLES);
    let unreadable = |reason| ResultsError::Read { path: path.clone(), reason };
    let mut file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(unreadable)?);
    let mut row = Vec::with_capacity(512);
    for line in 1.. {
        row.clear();
        file.read_until(b'\n', &mut row).map_err(unreadable)?;
        // A torn last line is a row that was lost.
        let Some(whole) = row.strip_suffix(b"\n") else { break };
        if line == 1 && whole == SAMPLE_COLUMNS.join(",").as_bytes() {
            continue;
        }
        sort.push(RowLine::of(whole).filter(|_| line > 1).ok_or_else(|| MergeError::Damaged {
            shard,
            path: path.clone(),
            line,
        })?)?;
    }
    Ok(())
}

type Written = (u64, Vec<Gap>, Vec<(Shard, u64, u64)>);

/// Writes the rows in order, one of each call.
fn write_rows(
    dir: &RunDir,
    sort: ExternalSort<RowLine>,
    of: u64,
    total: Option<u64>,
    owner: &impl Fn(u64) -> u64,
) -> Result<Written, MergeError> {
    let (mut coverage, mut doubled, mut last) = (Coverage::new(of), 0, None);
    let mut times = ShardTimes::new(of);
    let mut failed = None;
    let mut lines = sort.sorted()?;
    dir.replace(SAMPLES, |file| {
        file.write_all(SAMPLE_COLUMNS.join(",").as_bytes())?;
        file.write_all(b"\n")?;
        for line in lines.by_ref() {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            if last == Some(line.seq) {
                doubled += 1;
                continue;
            }
            last = Some(line.seq);
            if total.is_some() {
                coverage.has(line.seq, owner);
            }
            times.take(owner(line.seq) % of.max(1), &line.text);
            file.write_all(&line.text)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let gaps = total.map_or_else(Vec::new, |total| coverage.finish(total, owner));
    Ok((doubled, gaps, times.slow()))
}

/// A row, as far as it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RowLine {
    seq: u64,
    /// When it was sent; what was not comes last.
    sent_us: u64,
    text: Vec<u8>,
}

impl RowLine {
    /// A row of `samples.csv`; `None` if it is none.
    fn of(text: &[u8]) -> Option<Self> {
        let number = |cell: &[u8]| std::str::from_utf8(cell).ok()?.parse::<u64>().ok();
        let mut cells = text.split(|byte| *byte == b',');
        let (seq, _, sent) = (number(cells.next()?)?, number(cells.next()?)?, cells.next()?);
        let sent_us = if sent.is_empty() { u64::MAX } else { number(sent)? };
        (cells.count() + 3 >= SAMPLE_COLUMNS.len()).then(|| Self { seq, sent_us, text: text.to_vec() })
    }

    /// By number; of two attempts at one call the one that was sent first, then any, but always the same.
    fn order(a: &Self, b: &Self) -> Ordering {
        (a.seq, a.sent_us, &a.text).cmp(&(b.seq, b.sent_us, &b.text))
    }
}

impl OnDisk for RowLine {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.text.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        out.write_all(&self.seq.to_le_bytes())?;
        out.write_all(&self.sent_us.to_le_bytes())?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&self.text)
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let (mut number, mut length) = ([0; 8], [0; 4]);
        input.read_exact(&mut number)?;
        let seq = u64::from_le_bytes(number);
        input.read_exact(&mut number)?;
        let sent_us = u64::from_le_bytes(number);
        input.read_exact(&mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        let mut text = Vec::new();
        if input.take(length).read_to_end(&mut text)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self { seq, sent_us, text })
    }
}

/// The response times of each shard's ok calls.
struct ShardTimes(Vec<Histogram<u64>>);

impl ShardTimes {
    fn new(of: u64) -> Self {
        // One of them alone has no others to be held against.
        let shards = if (2..=APART).contains(&of) { of } else { 0 };
        Self((0..shards).filter_map(|_| Histogram::new_with_bounds(1, 3_600_000_000, 2).ok()).collect())
    }

    fn take(&mut self, shard: u64, row: &[u8]) {
        let Some(times) = usize::try_from(shard).ok().and_then(|shard| self.0.get_mut(shard)) else { return };
        let mut cells = row.split(|byte| *byte == b',');
        let mut number = |skip: usize| std::str::from_utf8(cells.nth(skip)?).ok()?.parse::<u64>().ok();
        let (due, done) = (number(1), number(1));
        let ok = row.windows(4).any(|cell| cell == b",ok,") && Outcome::Ok.name() == "ok";
        if let (Some(due), Some(done), true) = (due, done, ok) {
            times.saturating_record(done.saturating_sub(due).max(1));
        }
    }

    /// Shards whose median lies above nine of ten times of all others.
    fn slow(&self) -> Vec<(Shard, u64, u64)> {
        let of = self.0.len() as u64;
        let others = |apart: usize| {
            let mut all = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 2).ok()?;
            self.0.iter().enumerate().filter(|(n, _)| *n != apart).try_for_each(|(_, times)| all.add(times)).ok()?;
            (!all.is_empty()).then(|| all.value_at_quantile(0.9))
        };
        let slow = |(n, times): (usize, &Histogram<u64>)| {
            let (median, p90) = ((!times.is_empty()).then(|| times.value_at_quantile(0.5))?, others(n)?);
            (median > p90).then_some((Shard { index: n as u64, of }, median, p90))
        };
        self.0.iter().enumerate().filter_map(slow).collect()
    }
}

/// What is wrong with the parts of a merged run, in words; each costs it its trust.
pub fn problems(shard: &ManifestShard) -> Vec<String> {
    let mut found = Vec::new();
    let named = |index: u64| Shard { index, of: shard.of };
    for index in (0..shard.of).filter(|index| shard.parts.iter().all(|part| part.shard != *index)) {
        found.push(format!("shard {} is missing", named(index)));
    }
    for part in &shard.parts {
        if part.facts.is_none() {
            found.push(format!("shard {} is unfinished: it was killed, or could not write any more", named(part.shard)));
        } else if part.validity == Some(Validity::Invalid) {
            found.push(format!("shard {} is not to be trusted: its own verdict is INVALID", named(part.shard)));
        }
    }
    found
}

impl RunDir {
    /// Whether a directory is a shard's, or merged of some.
    pub fn is_shard(path: &Path) -> bool {
        fs::read_to_string(path.join(MANIFEST))
            .ok()
            .and_then(|text| serde_json::from_str::<Manifest>(&text).ok())
            .is_some_and(|m| m.shard.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row is read and comes back from the disk as it was; what is none is refused.
    #[test]
    fn rows_round_trip() {
        let text = b"12,500000,500100,545000,default,ok,200,1,0f1f2f3f-0000-4000-8000-00000000000a,r,t,fresh,";
        let line = RowLine::of(text).unwrap();
        assert_eq!((line.seq, line.sent_us), (12, 500_100));
        let mut disk = Vec::new();
        line.encode(&mut disk).unwrap();
        assert_eq!(RowLine::decode(&mut disk.as_slice()).unwrap(), line);
        assert!(RowLine::decode(&mut &disk[..disk.len() - 1]).is_err());
        for wrong in [&b""[..], b"x,1,2", b"1,2", b"1,2,3,4", b"-1,2,3,4,5,6,7,8,9,10,11,12,13"] {
            assert_eq!(RowLine::of(wrong), None, "{wrong:?}");
        }
    }

    /// A shard that is slower than the others is named, and like ones are not.
    #[test]
    fn outliers_are_named() {
        let row = |us: u64| format!("0,0,0,{us},default,ok,200,1,,,,fresh,").into_bytes();
        let mut times = ShardTimes::new(4);
        for n in 0..400u64 {
            let slow = if n % 4 == 2 { 40_000 } else { 0 };
            times.take(n % 4, &row(45_000 + slow + n % 7 * 100));
        }
        let named = times.slow();
        assert_eq!(named.iter().map(|(shard, ..)| shard.to_string()).collect::<Vec<_>>(), ["2/4"]);
        let mut alike = ShardTimes::new(4);
        (0..400u64).for_each(|n| alike.take(n % 4, &row(45_000 + n % 50 * 100)));
        assert_eq!(alike.slow(), []);
    }
}
