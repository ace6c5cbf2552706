//! `livebench merge`: the shards of a run, put together as if one machine had recorded all.

use std::path::PathBuf;
use std::time::Duration;

use super::compare::inside;
use super::report::scenario_of;
use super::show::show;
use super::{Error, Exit, could_not_run, not_trusted, talk};
use crate::cli::MergeArgs;
use crate::load::{Part, Workload, calls_budget};
use crate::results::{ManifestShard, MergeTerms, MergedRun, RunDir, merge as put_together, problems};
use crate::shard::{CallRange, Shard};
use crate::summary::{Endpoint, MergedFacts, RunFacts, Stop, summarize};
use crate::units::{human, plural, plural_was};

pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Error> {
    let runs = shards(&args.runs)?;
    let first =
        RunDir::open(runs.first().ok_or_else(|| could_not_run("name the directories of the shards"))?).map_err(could_not_run)?;
    let scenario = scenario_of(&first)?;
    let workload = Workload::of(&scenario).map_err(could_not_run)?;
    let total = workload.scheduled();
    let manifest = first.manifest().map_err(could_not_run)?;
    let budget = calls_budget(&scenario.budget, manifest.called.endpoint == Endpoint::Remote);
    let of = manifest.shard.map_or(1, |own| own.of);
    let part = Part::new(&scenario, Shard::new(0, of).unwrap_or(Shard::WHOLE));
    let terms = MergeTerms {
        scenario: &scenario,
        total,
        owner: &|k| part.owner(k),
        perhaps_sent: &|shard, told, take| {
            let budget = budget.map_or(u64::MAX, |calls| shard.part_of(calls));
            workload.perhaps_sent(&Part::new(&scenario, shard), budget, told, take);
        },
    };
    let merged = put_together(&runs, &args.out, &terms).map_err(could_not_run)?;
    let manifest = merged.dir.manifest().map_err(could_not_run)?;
    let own = manifest.shard.clone().ok_or_else(|| could_not_run("the merged run lost its shards; please report this"))?;
    let parts = own.parts.iter().map(|part| part.facts.as_ref());
    let together = RunFacts::together(manifest.called.clone(), total, parts);
    let facts = RunFacts { merged: Some(seen(&own, &merged, together.stop)), of_shards: true, ..together };
    merged.dir.keep_facts(&facts, &merged.recorded.recorder).map_err(not_trusted)?;
    let scenario = scenario_of(&merged.dir)?;
    let summary = summarize(&scenario, &merged.recorded, &facts);
    merged.dir.write_summary(&scenario, &summary).map_err(not_trusted)?;
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
fn seen(own: &ManifestShard, merged: &MergedRun, stop: Stop) -> MergedFacts {
    let mut problems = problems(own);
    let between = |range: &CallRange| format!("between number {} and {}", range.first, range.last);
    let of_shard = |index: u64| own.parts.iter().filter(move |part| part.shard == index).filter_map(|part| part.facts.as_ref());
    let is_budget = |stop: Stop| matches!(stop, Stop::BudgetCalls | Stop::BudgetSpend);
    for gap in &merged.gaps {
        let mut spent = of_shard(gap.shard.index).filter(|facts| is_budget(facts.stop));
        let why = match spent.next().map(|facts| facts.joined_us.is_some()) {
            // What a budget has left out is no fault of the shard, and the run says so, if nothing worse has ended it.
            Some(false) if is_budget(stop) => continue,
            Some(false) => ", after its budget was used up",
            Some(true) => {
                ", after its budget was used up; calls due before it joined count against that, since an earlier attempt may have sent them"
            }
            None => "",
        };
        problems.push(format!("shard {} left out {}, {}{why}", gap.shard, plural(gap.calls, "call"), between(gap)));
    }
    for range in &merged.doubles {
        problems.push(format!(
            "{} made twice, by two attempts at shard {}, {}; one row of each is kept",
            plural_was(range.calls, "call"),
            range.shard,
            between(range)
        ));
    }
    let time = |us: u64| human(Duration::from_micros(us));
    let slow = merged.slow.iter().map(|slow| {
        format!(
            "shard {} is slower than the others: its median response is {}, the 90th percentile of all others {}",
            slow.shard,
            time(slow.median_us),
            time(slow.others_p90_us)
        )
    });
    let joined = own.parts.iter().filter(|part| part.facts.as_ref().is_some_and(|facts| facts.joined_us.is_some()));
    let mut late: Vec<Shard> = joined.map(|part| Shard { index: part.shard, of: own.of }).collect();
    late.dedup();
    MergedFacts {
        shards: own.of,
        problems,
        notes: slow.collect(),
        groups: merged.groups.clone(),
        clocks: merged.clocks.clone(),
        late: late.iter().map(ToString::to_string).collect(),
    }
}
