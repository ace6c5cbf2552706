//! `livebench resume`: a run that was cut off goes on, as another segment of it.

use std::path::Path;

use super::connect::{self, Asked, TargetOptions};
use super::drive::{Prepared, Ran, Resumption, RunOptions, begun_afresh};
use super::report::scenario_of;
use super::service::{Service, ServiceOptions};
use super::show::show;
use super::watch::ViewOptions;
use super::{Error, Exit, could_not_run, not_trusted, raise_open_files, talk};
use crate::cli::{ConnectionArgs, PartArgs, ResumeArgs, TargetKind};
use crate::client::outcome::Outcome;
use crate::load::{self, Part, Workload};
use crate::record::Recorded;
use crate::results::{Manifest, ManifestSegment, RunDir, RunOnDisk};
use crate::scenario::{self, Scenario};
use crate::shard::Shard;
use crate::summary::{Called, Endpoint, Stop, summarize};
use crate::units::{human, plural};

/// What the shards of a run are told: their run cannot wait for one of them.
const SHARD: &str = "is a shard of a run over many machines; start it again with the same --shard and --barrier while the others run, and merge all of \
                     its attempts";

pub(super) async fn resume(args: &ResumeArgs, debug: bool) -> Result<Exit, Error> {
    let dir = RunDir::open_changed(&args.run).map_err(could_not_run)?;
    let held = dir.lock().map_err(could_not_run)?;
    let manifest = dir.manifest().map_err(could_not_run)?;
    let last = unfinished(&dir, &manifest)?;
    let scenario = scenario(args, &dir)?;
    let changed = dir.has_other_scenario().map_err(could_not_run)?;
    let mut differences: Vec<String> =
        changed.then(|| "scenario: scenario.toml is not what the run began with".to_owned()).into_iter().collect();
    let mut prepared = Prepared::new(scenario, dir.scenario_text().map_err(could_not_run)?)?;
    let found = dir.recorded(&prepared.scenario).map_err(could_not_run)?;
    let resumption = taken_up(dir, &prepared.scenario, &found, last.number + 1)?;
    let cut = resumption.cut;
    raise_open_files();
    if manifest.called.virtual_time {
        differences.extend(last.unlike(&last.called, &last.endpoint));
        allowed(&differences, args.force)?;
        prepared.resume(resumption);
        let ran = prepared.simulate(Path::new(""), &PartArgs::default())?;
        return finish(args, &prepared.scenario, &found, ran);
    }
    let service = reach(args, &prepared.scenario, &last).await?;
    differences.extend(last.unlike(&service.called(), &service.destination.endpoint));
    if let Err(refused) = allowed(&differences, args.force) {
        service.close()?;
        return Err(refused);
    }
    talk(&format!("resume   segment {}, from call {} at {} of the schedule", last.number + 1, cut.seq, human(cut.at)));
    if service.kind == Endpoint::Embedded {
        talk("note     the embedded emulator begins afresh: no session, no token, its whole quota");
    }
    prepared.resume(resumption);
    let view = ViewOptions::of(&args.watch, debug);
    let options = RunOptions { out: Path::new(""), view, announced: true, start: PartArgs::default() };
    let ran = Box::pin(prepared.drive(service, options)).await?;
    let exit = finish(args, &prepared.scenario, &found, ran);
    drop(held);
    exit
}

/// The last segment of a run of which something is left.
fn unfinished(dir: &RunDir, manifest: &Manifest) -> Result<ManifestSegment, Error> {
    if manifest.shard.is_some() {
        return Err(could_not_run(format!("{} {SHARD}", dir.path().display())));
    }
    let last = manifest.last_segment();
    if last.facts.as_ref().is_some_and(|facts| facts.stop == Stop::Completed) {
        return Err(could_not_run(format!(
            "{} is complete: its schedule came to its end; livebench report shows it, livebench run makes another",
            dir.path().display()
        )));
    }
    Ok(last)
}

/// The scenario with its requests.
fn scenario(args: &ResumeArgs, dir: &RunDir) -> Result<Scenario, Error> {
    let plain = scenario_of(dir)?;
    let text = dir.scenario_text().map_err(could_not_run)?;
    let Some(path) = &args.scenario else {
        if text.contains("request_file") {
            return Err(could_not_run(
                "its scenario reads requests from files, which are not in the run's directory; name its own file: --scenario FILE",
            ));
        }
        return Ok(plain);
    };
    let (mut scenario, given) = scenario::load(path).map_err(could_not_run)?;
    if given != text {
        return Err(could_not_run(format!(
            "{} is not the scenario of this run; name the file that `run` was given",
            path.display()
        )));
    }
    scenario.reseed(plain.seed);
    Ok(scenario)
}

/// Where the run is taken up, and which calls nobody saw the end of.
pub(super) fn taken_up(dir: RunDir, scenario: &Scenario, found: &RunOnDisk, number: u64) -> Result<Resumption, Error> {
    let workload = Workload::of(scenario).map_err(could_not_run)?;
    let part = Part::new(scenario, Shard::WHOLE);
    let cut = match workload.schedule() {
        Some(schedule) => found.signs.cut(found.ended, part.dues(&schedule)),
        None => found.signs.cut_work(workload.length()),
    };
    let Some(cut) = cut else {
        return Err(could_not_run(format!(
            "{} has nothing left to resume: its last calls were due when it was cut off; livebench report shows what was recorded",
            dir.path().display()
        )));
    };
    let unseen = |k: &u64| !found.calls.has(*k);
    let unknown: Vec<_> = match workload.schedule() {
        Some(schedule) => {
            let before = part.dues(&schedule).take_while(|(k, _)| *k < cut.seq);
            before.filter(|(k, _)| unseen(k)).map(|(k, due)| part.unknown(k, due)).collect()
        }
        // When a worker came to a call is not known: not after the cut.
        None => (0..cut.seq).filter(unseen).map(|k| part.unknown(k, cut.at)).collect(),
    };
    let untold = if found.ended || workload.scheduled().is_some() { 0 } else { found.signs.untold_calls() };
    let told: u64 = found.segments.iter().map(|of| of.recorder.sent() + of.recorder.count(Outcome::Unknown)).sum();
    let spent = told + unknown.len() as u64 + untold;
    if let Some(most) = scenario.budget.max_calls.filter(|most| *most <= spent) {
        return Err(could_not_run(format!(
            "budget.max_calls is used up: {} of {most} were sent, or may have been; raise it in {} and use --force",
            plural(spent, "call"),
            dir.scenario_path().display()
        )));
    }
    Ok(Resumption { dir, cut, number, unknown, spent })
}

/// Refuses what is nothing like the run, unless it is forced.
fn allowed(differences: &[String], force: bool) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    if force {
        for what in differences {
            talk(&format!("warning: resuming although it differs in {what}"));
        }
        return Ok(());
    }
    Err(could_not_run(format!("this is not what the run was: {}; --force resumes anyway", differences.join("; "))))
}

/// Reaches what the run called, unless something else was typed.
async fn reach(args: &ResumeArgs, scenario: &Scenario, last: &ManifestSegment) -> Result<Service, Error> {
    let Called { endpoint, region, .. } = &last.called;
    let typed = args.target.is_some() || args.connection.endpoint_url.is_some();
    let (mut connection, mut target): (ConnectionArgs, _) = (args.connection.clone(), args.target);
    if !typed && *endpoint == Endpoint::Embedded {
        target = Some(TargetKind::Emulator);
    } else if !typed {
        connection.endpoint_url = Some(last.endpoint.clone());
    }
    connection.region.get_or_insert_with(|| region.clone());
    let options = TargetOptions {
        target,
        yes: args.yes,
        connection: &connection,
        region: &scenario.emulator.region,
        budget: &scenario.budget,
        asked: Asked::SCENARIO,
    };
    let target = connect::resolve(options).await?;
    let emulator = begun_afresh(scenario, last.number);
    let options = ServiceOptions {
        connection: &connection,
        emulator: &emulator,
        log: args.emulator_log.as_deref(),
        transport: scenario.load.transport,
        requests: load::requests(scenario),
    };
    Service::reach(target, options).await
}

/// Renews what the directory says of the run, and prints it.
fn finish(args: &ResumeArgs, scenario: &Scenario, found: &RunOnDisk, ran: Ran) -> Result<Exit, Error> {
    let Ran { dir, recorded, facts, problem } = ran;
    let kept = dir.keep_facts(&facts, &recorded.recorder).map_err(not_trusted);
    let sealed = dir.recorded(scenario).map_err(not_trusted)?;
    // The segments before have the rows of their unknown calls by now; the last has what it counted, also where a file is not whole.
    let before = sealed.segments.len().saturating_sub(1).min(found.segments.len());
    let mut segments: Vec<Recorded> = sealed.segments.into_iter().take(before).collect();
    segments.push(recorded);
    let facts = dir.facts(&segments).map_err(not_trusted)?;
    let summary = summarize(scenario, &Recorded::together(&segments), &facts);
    let written =
        || dir.write_timeline(scenario, &summary).and_then(|_| dir.write_summary(scenario, &summary)).map_err(not_trusted);
    let kept = kept.and_then(|()| written());
    let exit = show(&summary, args.output, dir.path());
    problem.map_or(Ok(()), Err).and(kept)?;
    Ok(exit)
}
