//! Shards of one run into one run directory, as if one machine had recorded all.
//!
//! What a shard has counted is added: histograms of equal bounds, counts, exact sums. The rows are read twice, on several cores, in a memory that
//! does not grow with them: once to hold them against those counts, once to copy them in the order of their ends; what only all of them together can say
//! (a second's percentiles, a token that another machine repeated) follows from the copy. Rows are counted one by one where nothing else is
//! to be believed: of a shard that was killed, is damaged or was attempted twice. What a shard may have sent and did not tell is unknown, as in a
//! run that is resumed. No percentile of a shard is ever averaged. Refuses to put together what is not one run, and to count a call twice.

mod copy;
mod order;
mod part;
mod parts;
mod perhaps_sent;
mod row;
mod rules;
mod scan;
mod tally;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::manifest::ManifestShard;
use super::{Manifest, ResultsError, RunDir, SCENARIO, new_directory};
use crate::record::Recorded;
use crate::record::cut::ToldCalls;
use crate::record::sample::Sample;
use crate::scenario::Scenario;
use crate::shard::{CallRange, Shard, shifts};
use crate::summary::{GroupLine, ShardClock};
use crate::units::floor_us;
use copy::CopyJob;
use order::OrderPlan;
use part::MergePart;
use parts::Added;
pub use parts::problems;
use rules::RowRules;
pub use tally::SlowShard;
use tally::TallyPlan;

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
}

/// Takes a call.
pub type CallTaker<'a> = dyn FnMut(&Sample) + 'a;

/// What the whole run is.
pub struct MergeTerms<'a> {
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// How many calls the whole schedule has, if it has any.
    pub total: Option<u64>,
    /// The number that decides whose call k is.
    pub owner: &'a (dyn Fn(u64) -> u64 + Sync),
    /// Hands over, one by one, the calls of a shard that a process may have sent which told so much, as calls whose end nobody saw.
    pub perhaps_sent: &'a (dyn Fn(Shard, &ToldCalls, &mut CallTaker<'_>) + Sync),
}

/// A merged run, before its summary.
#[derive(Debug)]
pub struct MergedRun {
    /// Its directory, with everything but the summary.
    pub dir: RunDir,
    /// Everything that was counted.
    pub recorded: Recorded,
    /// Calls that two attempts at one shard have sent; one row of each is kept.
    pub doubles: Vec<CallRange>,
    /// Calls without a row, by shard.
    pub gaps: Vec<CallRange>,
    /// Shards that are slower than all others.
    pub slow: Vec<SlowShard>,
    /// The run by group; empty if no shard has one.
    pub groups: Vec<GroupLine>,
    /// The clock of each shard.
    pub clocks: Vec<ShardClock>,
}

/// Puts the runs at `paths` together, in a new directory below `out`.
///
/// # Errors
/// See [`MergeError`]; nothing is made then, and what had been begun is removed.
pub fn merge(paths: &[PathBuf], out: &Path, terms: &MergeTerms<'_>) -> Result<MergedRun, MergeError> {
    let all = parts::parts(paths)?;
    let first = &all.first().ok_or(MergeError::Nothing)?.manifest;
    let of = first.shard.as_ref().map_or(1, |shard| shard.of);
    let names: Vec<String> = terms.scenario.mixes.iter().map(|mix| mix.name.clone()).collect();
    let mixes = row::written_names(&names);
    let rules = RowRules { terms, of, mixes: &mixes };
    let scanned = scan::scan(&all, &rules, out)?;
    let contested = parts::contested(&all, &scanned);
    let Added { mut recorder, uncounted, damages } = parts::added(&all, &scanned, &contested);
    let manifest = parts::together(&all, &damages, first);
    let new = NewRun::begin(out, &manifest, &all)?;
    let clocks = parts::clocks(&manifest);
    let place = new.dir.path.join(".merge");
    let plan = TallyPlan {
        rules: &rules,
        scanned: &scanned,
        mixes: &names,
        uncounted,
        groups: parts::groups(&manifest),
        shifts: shifts(&clocks),
    };
    let job = CopyJob {
        dir: &new.dir,
        order: OrderPlan { parts: &all, rules: &rules, scanned: &scanned, contested, place: &place },
        plan: &plan,
        since_epoch: manifest.since_epoch().unwrap_or_default(),
        ttl_us: floor_us(terms.scenario.idempotency.session_ttl),
    };
    let (tallied, doubles) = job.run()?;
    // The files of the sort are in nobody's way but the reader's.
    let _ = fs::remove_dir_all(&place);
    let doubles = parts::with_earlier(&all, doubles);
    let calls = doubles.iter().map(|range| range.calls).sum();
    let shard = manifest.shard.clone().map(|shard| ManifestShard { doubled: calls, doubles: doubles.clone(), ..shard });
    new.dir.write_manifest(&Manifest { shard, ..manifest })?;
    recorder.merge(&tallied.recorder);
    let recorded = Recorded { recorder, ledger: tallied.ledger };
    let gaps = if terms.total.is_some() { scanned.coverage.gaps(terms.owner) } else { Vec::new() };
    Ok(MergedRun { dir: new.keep(), recorded, doubles, gaps, slow: tallied.slow, groups: tallied.groups, clocks })
}

/// A directory that is removed again unless it is kept.
struct NewRun {
    dir: RunDir,
    kept: bool,
}

impl NewRun {
    fn begin(out: &Path, manifest: &Manifest, parts: &[MergePart]) -> Result<Self, MergeError> {
        let first = parts.first().ok_or(MergeError::Nothing)?;
        let text = first.dir.scenario_text()?;
        let path = new_directory(out, &format!("{}-{}", manifest.start_compact(), manifest.name))?;
        let new = Self { dir: RunDir::on_system(path), kept: false };
        new.dir.write_manifest(manifest)?;
        new.dir.replace(SCENARIO, |file| file.write_all(text.as_bytes()))?;
        Ok(new)
    }

    fn keep(mut self) -> RunDir {
        self.kept = true;
        RunDir::on_system(self.dir.path.clone())
    }
}

impl Drop for NewRun {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is told by the error that brought us here.
            let _ = fs::remove_dir_all(&self.dir.path);
        }
    }
}
