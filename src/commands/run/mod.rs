//! `livebench run`: scenario in, governed load, honest numbers out.

mod drive;
mod machine;
mod view;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::check::refuse;
use super::connect::{self, Aim};
use super::service::Service;
use super::show::show;
use super::{Error, Exit, could_not_run, raise_open_files, talk};
use crate::cli::{ConnectionArgs, RunArgs};
use crate::load;
use crate::results::{Manifest, RunDir, Start};
use crate::scenario::{self, Scenario};
use crate::service::price::USD_PER_CHECK;
use crate::summary::{Called, Endpoint, Stop, summarize};
pub(super) use drive::Ran;
use drive::{Job, Way};
use view::View;

pub(super) async fn run(args: &RunArgs, debug: bool) -> Result<Exit, Error> {
    let (mut scenario, text) = match scenario::load(&args.scenario) {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(refuse(&problems)),
    };
    if let Some(seed) = args.seed {
        scenario.reseed(seed);
    }
    let job = Job::of(&scenario).map_err(could_not_run)?;
    raise_open_files();
    let ran = if args.virtual_time {
        virtually(args, &scenario, &text, &job)?
    } else {
        Box::pin(really(args, debug, &scenario, &text, &job)).await?
    };
    ended(args, &scenario, ran)
}

/// Runs in virtual time on the emulator's model.
fn virtually(args: &RunArgs, scenario: &Scenario, text: &str, job: &Job) -> Result<(RunDir, Ran), Error> {
    let called = Called {
        endpoint: Endpoint::Model,
        region: scenario.emulator.region.clone(),
        transport: "model".to_owned(),
        virtual_time: true,
    };
    // The nonce is fixed, so that the same scenario makes the same tokens, and with them the same bytes.
    let run = Run { endpoint: "model", called, nonce: 0, cores: 1 };
    let dir = directory(&args.out, scenario, text, job, &run)?;
    let journal = dir.journal(scenario, 1).map_err(could_not_run)?;
    let way = Way { nonce: run.nonce, cores: 1, called: &run.called };
    let ran = drive::virtually(scenario, job, journal, &way)?;
    Ok((dir, ran))
}

/// Runs in real time over HTTP.
async fn really(args: &RunArgs, debug: bool, scenario: &Scenario, text: &str, job: &Job) -> Result<(RunDir, Ran), Error> {
    let aim = connect::aim(
        args.target,
        args.yes,
        &args.connection,
        &scenario.emulator.region,
        &scenario.budget,
        connect::Asked::SCENARIO,
    )
    .await?;
    let requests = load::requests(scenario);
    let (log, transport) = (args.emulator_log.as_deref(), scenario.load.transport);
    let service = Service::reach(aim, &args.connection, &scenario.emulator, log, transport, &requests).await?;
    reached(service, Order { out: &args.out, watched: Some((args, debug)) }, (scenario, text, job)).await
}

/// A run on an embedded emulator that nobody watches, with its arrivals in `log`.
pub(super) async fn unwatched(scenario: &Scenario, text: &str, out: &Path, log: &Path) -> Result<(RunDir, Ran), Error> {
    let (connection, requests) = (ConnectionArgs::default(), load::requests(scenario));
    let job = Job::of(scenario).map_err(could_not_run)?;
    let service =
        Service::reach(Aim::Embedded, &connection, &scenario.emulator, Some(log), scenario.load.transport, &requests).await?;
    Box::pin(reached(service, Order { out, watched: None }, (scenario, text, &job))).await
}

/// Where the files go, and who watches: the options of `livebench run`, and whether the SDK talks.
#[derive(Clone, Copy)]
struct Order<'a> {
    out: &'a Path,
    watched: Option<(&'a RunArgs, bool)>,
}

/// Drives the load and closes the service.
async fn reached(
    mut service: Service,
    order: Order<'_>,
    (scenario, text, job): (&Scenario, &str, &Job),
) -> Result<(RunDir, Ran), Error> {
    service.destination.warm().await.map_err(could_not_run)?;
    let called = Called {
        endpoint: service.kind,
        region: service.destination.region.clone(),
        transport: scenario.load.transport.name().to_owned(),
        virtual_time: false,
    };
    let endpoint = service.destination.endpoint.clone();
    let cores = job.cores(service.kind == Endpoint::Embedded, scenario.load.transport);
    let run = Run { endpoint: &endpoint, called, nonce: connect::nonce(), cores };
    let view = View::of(order.watched, (&service, scenario, job, &run.called)).await?;
    let dir = directory(order.out, scenario, text, job, &run)?;
    if order.watched.is_some() {
        announce(&service, scenario, job, &dir).await;
    }
    let journal = dir.journal(scenario, cores).map_err(could_not_run)?;
    let way = Way { nonce: run.nonce, cores, called: &run.called };
    view.announce();
    let mut ran = drive::really(&service, scenario, job, journal, &way, view).await?;
    // A log that is not whole costs the run its trust, not its summary.
    ran.problem = ran.problem.or(service.close().err());
    if ran.facts.stop == Stop::AccessDenied
        && let Some(hint) = connect::region_hint(&run.called.region)
    {
        talk(&format!("access was denied: {hint}"));
    }
    Ok((dir, ran))
}

/// What a run is before its first call.
struct Run<'a> {
    endpoint: &'a str,
    called: Called,
    nonce: u64,
    cores: usize,
}

fn directory(out: &Path, scenario: &Scenario, text: &str, job: &Job, run: &Run<'_>) -> Result<RunDir, Error> {
    let start = Start {
        since_epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        nonce: &format!("{:016x}", run.nonce),
        endpoint: run.endpoint,
        called: run.called.clone(),
        load_cores: run.cores,
        scheduled: job.scheduled(),
    };
    RunDir::create(out, &Manifest::of_run(scenario, start), text).map_err(could_not_run)
}

/// Says where the calls go and what they may cost, before the first one.
async fn announce(service: &Service, scenario: &Scenario, job: &Job, dir: &RunDir) {
    service.announce().await;
    if service.is_aws {
        let calls = job.calls_at_most(&scenario.budget, true);
        talk(&format!(
            "budget   {calls} calls at most, ${:.2} at worst (${} a check; whether an unstreamed session is billed is undocumented)",
            connect::worst_case_usd(calls),
            USD_PER_CHECK
        ));
    }
    talk(&format!("results  {}", dir.path().display()));
}

/// Writes and prints the summary; what it says decides how the process ends.
fn ended(args: &RunArgs, scenario: &Scenario, (dir, ran): (RunDir, Ran)) -> Result<Exit, Error> {
    let summary = summarize(scenario, &ran.recorded, &ran.facts);
    let kept = dir.keep_facts(&ran.facts).and(dir.write_summary(scenario, &summary)).map_err(drive::not_kept);
    let exit = show(&summary, args.output)?;
    ran.problem.map_or(Ok(()), Err).and(kept)?;
    Ok(exit)
}
