//! The directories that are merged: whether they are of one run, what each has counted, and how far it can be believed.
//!
//! Refuses to read a row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::belonging::RowCounts;
use super::super::manifest::{ManifestShard, MergedPart};
use super::super::{MANIFEST, Manifest, RunDir, SAMPLES};
use super::MergeError;
use super::part::MergePart;
use super::scan::{Scanned, ScannedPart};
use crate::record::recorder::Recorder;
use crate::shard::{self, CallRange, CallRanges, ClockEvidence, Shard};
use crate::summary::{ShardClock, Stop, Validity};

/// The directories that are merged, if they are of one run.
pub(super) fn parts(paths: &[PathBuf]) -> Result<Vec<MergePart>, MergeError> {
    let mut parts: Vec<MergePart> = Vec::new();
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
        let own = manifest.shard.as_ref().filter(|own| own.parts.iter().any(|part| Shard::new(part.shard, own.of).is_some()));
        let Some(own) = own else { return Err(MergeError::NotAShard(path.clone())) };
        if let Some(first) = parts.first() {
            let mut differences = first.manifest.differences(&manifest);
            if first.dir.scenario_text()? != dir.scenario_text()? {
                differences.push("the scenario's text".to_owned());
            }
            if !differences.is_empty() {
                let (one, other) = (first.dir.path.clone(), path.clone());
                return Err(MergeError::Different { one, other, differences: differences.join("; ") });
            }
        }
        let shards = own.parts.iter().map(|part| part.shard).collect();
        let summary = dir.summary().map_err(|error| error.to_string());
        parts.push(MergePart { dir, manifest, shards, summary });
    }
    Ok(parts)
}

/// Which parts may have rows of one call, or calls that no row of theirs tells of: those of one shard, those in which a number stands twice, and
/// those that may have sent more than they told.
pub(super) fn contested(parts: &[MergePart], scanned: &Scanned) -> Vec<bool> {
    let mut owners: BTreeMap<u64, u64> = BTreeMap::new();
    parts.iter().flat_map(|part| &part.shards).for_each(|shard| *owners.entry(*shard).or_default() += 1);
    let shared = |part: &MergePart| part.shards.iter().any(|shard| owners.get(shard).is_some_and(|n| *n > 1));
    parts
        .iter()
        .zip(&scanned.parts)
        .map(|(part, scanned)| scanned.doubled || scanned.perhaps_sent.is_some() || shared(part))
        .collect()
}

/// What the parts have counted themselves.
pub(super) struct Added {
    /// All of it, added.
    pub(super) recorder: Recorder,
    /// Shards whose rows must be counted one by one.
    pub(super) uncounted: BTreeSet<u64>,
    /// By part: how it is damaged.
    pub(super) damages: Vec<Option<String>>,
}

/// Adds what the parts have counted, as far as their rows agree.
pub(super) fn added(parts: &[MergePart], scanned: &Scanned, contested: &[bool]) -> Added {
    let mut added = Added { recorder: Recorder::default(), uncounted: BTreeSet::new(), damages: Vec::new() };
    for ((part, rows), contested) in parts.iter().zip(&scanned.parts).zip(contested) {
        let damage = part.damage(rows);
        let whole = !contested && damage.is_none();
        match part.counted(rows).filter(|_| whole) {
            Some(recorder) => added.recorder.merge(&recorder),
            None => added.uncounted.extend(&part.shards),
        }
        added.damages.push(damage);
    }
    added
}

impl MergePart {
    /// How its files contradict themselves.
    fn damage(&self, rows: &ScannedPart) -> Option<String> {
        if let Some((lines, first)) = rows.damaged {
            return Some(format!("{lines} lines of its {SAMPLES} are not valid rows; the first is line {first}"));
        }
        match &self.summary {
            Err(why) => Some(why.clone()),
            // A disk that is full takes fewer rows than there were calls, and the run says so itself.
            Ok(Some(summary)) if summary.stop != Stop::DiskFull => {
                RowCounts::of(rows.counts.clone()).differ(&summary.into()).map(|what| format!("of {SAMPLES}, {what}"))
            }
            Ok(_) => None,
        }
    }

    /// What it has counted, if its rows say the same; `None` if only they can tell.
    fn counted(&self, rows: &ScannedPart) -> Option<Recorder> {
        let summary = self.summary.as_ref().ok()?.as_ref()?;
        let equal = RowCounts::of(rows.counts.clone()) == summary.into();
        summary.recorder(self.manifest.shard.as_ref()?.exact.as_ref()?).filter(|_| equal)
    }
}

/// The manifest of all parts, the same in whatever order they are named.
pub(super) fn together(parts: &[MergePart], damages: &[Option<String>], first: &Manifest) -> Manifest {
    let mut all: Vec<MergedPart> = Vec::new();
    for (part, damage) in parts.iter().zip(damages) {
        let validity = part.summary.as_ref().ok().and_then(Option::as_ref).map(|summary| summary.verdict.validity);
        let Some(own) = &part.manifest.shard else { continue };
        let single = own.parts.len() == 1 && !own.merged;
        all.extend(own.parts.iter().cloned().map(|merged| {
            let merged = MergedPart { damage: damage.clone().or(merged.damage), ..merged };
            if !single {
                return merged;
            }
            MergedPart { validity, facts: part.manifest.facts.clone(), machine: Some(part.manifest.machine.clone()), ..merged }
        }));
    }
    all.sort_by_cached_key(|part| (part.shard, part.attempt, serde_json::to_string(part).unwrap_or_default()));
    let earliest = |part: &&MergePart| {
        let attempts = part.manifest.shard.iter().flat_map(|own| &own.parts).map(|part| (part.shard, part.attempt));
        (attempts.min(), part.manifest.endpoint.clone())
    };
    let mut manifest = parts.iter().min_by_key(earliest).map_or_else(|| first.clone(), |part| part.manifest.clone());
    if let Some(machine) = all.first().and_then(|part| part.machine.clone()) {
        manifest.machine = machine;
    }
    manifest.load_cores = all.iter().filter_map(|part| part.facts.as_ref()?.harness.as_ref()).map(|h| h.load_threads.len()).sum();
    manifest.shard =
        manifest.shard.map(|own| ManifestShard { parts: all, merged: true, exact: None, doubles: Vec::new(), ..own });
    (manifest.facts, manifest.scheduled) = (None, None);
    manifest
}

/// The group of each shard; empty if none has one.
pub(super) fn groups(manifest: &Manifest) -> BTreeMap<u64, Option<String>> {
    let parts = || manifest.shard.iter().flat_map(|own| &own.parts);
    if parts().all(|part| part.group.is_none()) {
        return BTreeMap::new();
    }
    parts().map(|part| (part.shard, part.group.clone())).collect()
}

/// The clock of each shard of which something is known.
pub(super) fn clocks(manifest: &Manifest) -> Vec<ShardClock> {
    let known = evidence(manifest.shard.iter().flat_map(|own| &own.parts));
    let start = manifest.since_epoch().and_then(|start| i64::try_from(start.as_micros()).ok());
    shard::clocks(manifest.shard.as_ref().map_or(1, |own| own.of), start.unwrap_or_default(), &known)
}

/// What all attempts at a shard, in order, know of its clock: the dates of the last one that has any, and the largest error that a system told.
fn evidence<'a>(parts: impl Iterator<Item = &'a MergedPart>) -> BTreeMap<u64, ClockEvidence> {
    let mut known = BTreeMap::new();
    for (shard, facts) in parts.filter_map(|part| Some((part.shard, part.facts.as_ref()?))) {
        let error_us = facts.harness.as_ref().and_then(|harness| harness.wall_clock_error_us);
        if facts.server_clock.is_none() && error_us.is_none() {
            continue;
        }
        let clock = known.entry(shard).or_insert(ClockEvidence { server: None, wall_clock_error_us: None });
        clock.server = facts.server_clock.or(clock.server);
        clock.wall_clock_error_us = clock.wall_clock_error_us.max(error_us);
    }
    known
}

/// The doubled calls of this merging and of earlier ones.
pub(super) fn with_earlier(parts: &[MergePart], mut doubles: CallRanges) -> Vec<CallRange> {
    parts
        .iter()
        .filter_map(|part| part.manifest.shard.as_ref())
        .flat_map(|own| &own.doubles)
        .for_each(|range| doubles.add(*range));
    doubles.into_vec()
}

/// What is wrong with the parts of a merged run, in words; each costs it its trust.
pub fn problems(shard: &ManifestShard) -> Vec<String> {
    let mut found = Vec::new();
    let named = |index: u64| Shard { index, of: shard.of };
    for missing in Shard::missing(shard.of, |index| shard.parts.iter().any(|part| part.shard == index)) {
        found.push(format!("shard {missing} is missing"));
    }
    for part in &shard.parts {
        if let Some(damage) = &part.damage {
            found.push(format!("shard {} is damaged: {damage}", named(part.shard)));
        }
        if part.facts.is_none() {
            found.push(format!("shard {} is unfinished: it was killed, or could not write any more", named(part.shard)));
        } else if part.validity == Some(Validity::Invalid) {
            found.push(format!("shard {} is not trusted: its own verdict is INVALID", named(part.shard)));
        } else if part.facts.as_ref().is_some_and(|facts| facts.stop == Stop::DiskFull) {
            found.push(format!("shard {} is not trusted: it could not write everything", named(part.shard)));
        }
    }
    // Two attempts at one shard may have ended alike.
    let mut told = BTreeSet::new();
    found.retain(|problem| told.insert(problem.clone()));
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
    use crate::record::server_clock::ServerClock;
    use crate::summary::{Harness, RunFacts};

    fn part(shard: u64, attempt: u64, dates: Option<i64>, error_us: Option<u64>) -> MergedPart {
        let server_clock = dates.map(|us| ServerClock { low_epoch_us: us, high_epoch_us: us + 1, answers: 9 });
        let harness = Harness {
            load_threads: Vec::new(),
            wall_clock_moved_us: 0,
            wall_clock_error_us: error_us,
            asleep_us: None,
            connections_opened: 1,
            files_open: None,
            files_limit: None,
            memory_peak_bytes: None,
            memory_left_bytes: None,
        };
        let facts = RunFacts { server_clock, harness: Some(harness), ..crate::summary::testing::facts(9) };
        let machine = None;
        MergedPart { shard, attempt, group: None, joined_us: None, validity: None, facts: Some(facts), machine, damage: None }
    }

    /// An attempt that knows less takes nothing from what others know: the last dates stay, and the largest error.
    #[test]
    fn attempts_add_what_they_know() {
        let killed = MergedPart { facts: None, ..part(0, 2, None, None) };
        let parts = [
            part(0, 0, Some(100), Some(16_000_000)),
            part(0, 1, None, Some(9_000)),
            killed,
            part(1, 0, Some(100), None),
            part(1, 1, Some(200), Some(7)),
            part(2, 0, None, None),
        ];
        let known: Vec<_> = evidence(parts.iter())
            .into_iter()
            .map(|(shard, clock)| (shard, clock.server.map(|server| server.low_epoch_us), clock.wall_clock_error_us))
            .collect();
        assert_eq!(known, [(0, Some(100), Some(16_000_000)), (1, Some(200), Some(7))]);
    }
}
