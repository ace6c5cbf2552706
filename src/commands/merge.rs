//! `livebench merge`: the shards of a run, put together as if one machine had recorded all.

use std::path::PathBuf;

use super::compare::inside;
use super::report::scenario_of;
use super::show::show;
use super::{Error, Exit, could_not_run, not_trusted, talk};
use crate::cli::MergeArgs;
use crate::load::{Part, Workload};
use crate::results::{ManifestShard, MergedRun, RunDir, merge as put_together, problems};
use crate::shard::Shard;
use crate::summary::{MergedFacts, RunFacts, summarize};
use crate::units::{human, plural, plural_was};

pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Error> {
    let runs = shards(&args.runs)?;
    let first =
        RunDir::open(runs.first().ok_or_else(|| could_not_run("name the directories of the shards"))?).map_err(could_not_run)?;
    let scenario = scenario_of(&first)?;
    let total = Workload::of(&scenario).map_err(could_not_run)?.scheduled();
    let whole = Part::new(&scenario, Shard::WHOLE);
    let merged = put_together(&runs, &args.out, total, |k| whole.owner(k)).map_err(could_not_run)?;
    let manifest = merged.dir.manifest().map_err(could_not_run)?;
    let own = manifest.shard.clone().ok_or_else(|| could_not_run("the merged run lost its shards; please report this"))?;
    let parts = own.parts.iter().map(|part| part.facts.as_ref());
    let together = RunFacts::together(manifest.called.clone(), total, parts);
    let facts = RunFacts { merged: Some(seen(&own, &merged)), ..together };
    merged.dir.keep_facts(&facts).map_err(not_trusted)?;
    let scenario = scenario_of(&merged.dir)?;
    let (recorded, _) = merged.dir.recorded(&scenario).map_err(could_not_run)?;
    let summary = summarize(&scenario, &recorded, &facts);
    merged.dir.complete(&scenario, &summary).map_err(not_trusted)?;
    talk(&format!("results  {}", merged.dir.path().display()));
    Ok(show(&summary, args.output, merged.dir.path()))
}

/// The directories that the paths name: each a shard's, or one that holds some.
fn shards(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let within = if RunDir::is_run(path) {
            Vec::new()
        } else {
            inside(path)?.into_iter().filter(|path| RunDir::is_shard(path)).collect()
        };
        if within.is_empty() { found.push(path.clone()) } else { found.extend(within) }
    }
    Ok(found)
}

/// What the merging showed.
fn seen(own: &ManifestShard, merged: &MergedRun) -> MergedFacts {
    let mut problems = problems(own);
    for gap in &merged.gaps {
        let (shard, calls) = (gap.shard, plural(gap.calls, "call"));
        problems.push(format!("shard {shard} left out {calls}, between number {} and {}", gap.first, gap.last));
    }
    if merged.doubled > 0 {
        problems.push(format!(
            "{} made twice, by two attempts at one shard; one row of each is kept",
            plural_was(merged.doubled, "call")
        ));
    }
    let time = |us: u64| human(std::time::Duration::from_micros(us));
    let slow = |(shard, median, p90): &(Shard, u64, u64)| {
        format!(
            "shard {shard} is slower than the others: its median response is {}, the 90th percentile of all others {}",
            time(*median),
            time(*p90)
        )
    };
    MergedFacts { shards: own.of, problems, notes: merged.slow.iter().map(slow).collect() }
}
