//! `livebench run`: scenario in, governed load, honest numbers out.

use super::check::refuse;
use super::connect::{self, Asked, TargetOptions};
use super::drive::{Prepared, Ran, RunOptions};
use super::part;
use super::service::{Service, ServiceOptions};
use super::show::show;
use super::watch::ViewOptions;
use super::{Error, Exit, not_trusted, raise_open_files};
use crate::cli::RunArgs;
use crate::load;
use crate::scenario::{self, LoadError, Scenario};
use crate::summary::summarize;

pub(super) async fn run(args: &RunArgs, debug: bool) -> Result<Exit, Error> {
    let prepared = match load_scenario(args) {
        Ok((scenario, text)) => Prepared::new(scenario, text)?.of_shard(part::identity(args.part.shard)?)?,
        Err(problems) => return Ok(refuse(&problems)),
    };
    raise_open_files();
    let ran = if args.virtual_time {
        prepared.simulate(&args.out, &args.part)?
    } else {
        part::guard(&args.part, args.yes)?;
        let service = reach(args, &prepared.scenario).await?;
        let view = ViewOptions::of(&args.watch, debug).with_metrics(args.metrics);
        Box::pin(prepared.drive(service, RunOptions { out: &args.out, view, announced: true, start: args.part.clone() })).await?
    };
    finish(args, &prepared.scenario, ran)
}

/// The scenario, with the seed of the command line, and its text.
fn load_scenario(args: &RunArgs) -> Result<(Scenario, String), LoadError> {
    let (mut scenario, text) = scenario::load(&args.scenario)?;
    if let Some(seed) = args.seed {
        scenario.reseed(seed);
    }
    Ok((scenario, text))
}

/// Decides what is called, and reaches it.
async fn reach(args: &RunArgs, scenario: &Scenario) -> Result<Service, Error> {
    let target = connect::resolve(TargetOptions {
        target: args.target,
        yes: args.yes,
        connection: &args.connection,
        region: &scenario.emulator.region,
        budget: &scenario.budget,
        asked: Asked::SCENARIO,
    })
    .await?;
    let options = ServiceOptions {
        connection: &args.connection,
        emulator: &scenario.emulator,
        log: args.emulator_log.as_deref(),
        transport: scenario.load.transport,
        requests: load::requests(scenario),
    };
    Service::reach(target, options).await
}

/// Writes and prints the summary; what it says decides how the process ends.
fn finish(args: &RunArgs, scenario: &Scenario, ran: Ran) -> Result<Exit, Error> {
    let summary = summarize(scenario, &ran.recorded, &ran.facts);
    let kept = ran.dir.conclude(scenario, &summary, &ran.facts, &ran.recorded.recorder).map_err(not_trusted);
    let exit = show(&summary, args.output, ran.dir.path());
    ran.problem.map_or(Ok(()), Err).and(kept)?;
    Ok(exit)
}
