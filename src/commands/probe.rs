//! `livebench probe`: which limiter stands before the operation.

use std::io::{self, Write as _};
use std::sync::mpsc::channel;
use std::time::{SystemTime, UNIX_EPOCH};

use super::check::refuse;
use super::connect::{self, Asked, TargetOptions};
use super::credentials::renewed_during;
use super::explore::{self, Exploration, Explored, ProbeLog};
use super::service::{Service, ServiceOptions};
use super::show::text;
use super::watch::ViewOptions;
use super::{Error, Exit, could_not_run, not_trusted, repeated, talk, written};
use crate::cli::{Output, ProbeArgs};
use crate::client::model::ModelClient;
use crate::client::request::CreateRequest;
use crate::emulator::config::EmulatorConfig;
use crate::emulator::model::Emulator;
use crate::live::{ProbeSetting, Probing};
use crate::load::LoadSession;
use crate::probe::{Kind, ProbeFinding, ProbeSettings, ProbeStop, judge};
use crate::report;
use crate::results::{ProbeDir, ProbeStart};
use crate::scenario::{Budget, load_emulator};
use crate::service::operation::Operation;
use crate::service::price::{Bill, USD_PER_CHECK, affordable_calls, usd_per_call};
use crate::service::quota;
use crate::service::region;
use crate::units::plural;

pub(super) async fn probe(args: &ProbeArgs, debug: bool) -> Result<Exit, Error> {
    let emulator = match args.emulator.as_deref().map(load_emulator) {
        // What a scenario gets that says nothing of its emulator.
        None => EmulatorConfig::of_region(region::DEFAULT, 1),
        Some(Ok(config)) => config,
        Some(Err(problems)) => return Ok(refuse(&problems)),
    };
    let probed = if args.virtual_time {
        simulate(args, &emulator)?
    } else {
        let service = reach(args, &emulator).await?;
        Box::pin(drive(args, service, ViewOptions::of(&args.watch, debug))).await?
    };
    conclude(probed, args.output)
}

/// How a probe went.
struct Probed {
    dir: ProbeDir,
    explored: Explored,
}

fn settings(args: &ProbeArgs) -> ProbeSettings {
    ProbeSettings {
        precision: args.precision.as_f64(),
        max_calls: args.max_calls,
        max_sessions: args.max_sessions,
        max_seconds: args.max_time.as_secs_f64(),
        outliers: args.outliers.as_f64(),
        seed: args.seed,
    }
}

/// Probes the emulator's model in virtual time: the same answers, with the same arguments.
fn simulate(args: &ProbeArgs, emulator: &EmulatorConfig) -> Result<Probed, Error> {
    let settings = settings(args);
    announce_budget(&settings, false);
    let start = ProbeStart {
        since_epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        nonce: "0000000000000000",
        endpoint: "model",
        region: &emulator.region,
        settings,
        applied_per_s: None,
    };
    let dir = directory(args, start)?;
    let log = ProbeLog::new(dir.diary().map_err(could_not_run)?, None);
    let session = LoadSession::new(explore::limits(&settings, false));
    let ended = session.simulate(Exploration { settings, nonce: 0, log }, |pacer| {
        ModelClient::new(Emulator::new(emulator.clone()), vec![CreateRequest::default()], pacer.clone())
    });
    let explored = ended.and_then(|ended| ended.outputs().next());
    let explored =
        explored.ok_or_else(|| not_trusted("virtual time ran out of events before the probe ended; please report this"))?;
    Ok(Probed { dir, explored })
}

/// What may be spent.
const fn budget(args: &ProbeArgs) -> Budget {
    Budget { max_calls: Some(args.max_calls as u64), max_spend_usd: args.max_spend_usd }
}

/// Decides what is called, and reaches it.
async fn reach(args: &ProbeArgs, emulator: &EmulatorConfig) -> Result<Service, Error> {
    let target = connect::resolve(TargetOptions {
        target: args.target,
        yes: args.yes,
        connection: &args.connection,
        region: &emulator.region,
        budget: &budget(args),
        asked: Asked::OPTIONS,
    })
    .await?;
    let options = ServiceOptions {
        connection: &args.connection,
        emulator,
        log: None,
        transport: args.transport,
        requests: vec![CreateRequest::default()],
    };
    Service::reach(target, options).await
}

/// Probes over HTTP, on a thread of its own, and closes the service.
async fn drive(args: &ProbeArgs, service: Service, view: ViewOptions) -> Result<Probed, Error> {
    let settings = affordable(args, service.is_aws);
    service.announce().await;
    announce_budget(&settings, service.is_aws);
    service.destination.warm().await.map_err(could_not_run)?;
    let applied_per_s = if args.applied_quota { applied(&service).await } else { None };
    let nonce = connect::nonce();
    let start = ProbeStart {
        since_epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        nonce: &format!("{nonce:016x}"),
        endpoint: &service.destination.endpoint.clone(),
        region: &service.destination.region.clone(),
        settings,
        applied_per_s,
    };
    let dir = directory(args, start)?;
    let diary = dir.diary().map_err(could_not_run)?;
    let session = LoadSession::new(explore::limits(&settings, service.is_aws));
    let viewer = view.open().await?;
    let (watcher, news) = channel();
    let log = ProbeLog::new(diary, viewer.shows().then_some(watcher));
    let watch = viewer.start(|| Probing::new(setting(&service, settings)), news)?;
    let running = service.begin(&session, None, move || Exploration { settings, nonce, log: log.clone() })?;
    let joined = watch.join(running, session.admission());
    let ended = renewed_during(&service.destination, joined).await?.sound().map_err(could_not_run)?;
    let explored = ended.outputs().next().ok_or_else(|| could_not_run("no core ran"))?;
    if explored.stop == ProbeStop::Denied {
        service.explain_denial();
    }
    service.close()?;
    Ok(Probed { dir, explored })
}

/// The settings, with no more calls than the dollars allow where calls cost any. Whether a refused call costs anything is not
/// documented; each is counted.
fn affordable(args: &ProbeArgs, billed: bool) -> ProbeSettings {
    let mut settings = settings(args);
    if billed {
        let affordable = u32::try_from(affordable_calls(args.max_spend_usd)).unwrap_or(u32::MAX);
        settings.max_calls = settings.max_calls.min(affordable);
    }
    settings
}

/// What the view is told before the first call.
fn setting(service: &Service, settings: ProbeSettings) -> ProbeSetting {
    ProbeSetting {
        endpoint: service.destination.endpoint.clone(),
        region: service.destination.region.clone(),
        settings,
        usd_per_call: usd_per_call(service.is_aws),
    }
}

/// The quota that Service Quotas says is applied. A probe goes on without it.
async fn applied(service: &Service) -> Option<f64> {
    let asked = service.destination.applied_quota(quota::code(Operation::Create)).await;
    asked.map_err(|why| talk(&format!("warning  Service Quotas did not say which quota is applied: {why}"))).ok()
}

fn directory(args: &ProbeArgs, start: ProbeStart<'_>) -> Result<ProbeDir, Error> {
    let dir = ProbeDir::create(&args.out, start).map_err(could_not_run)?;
    talk(&format!("results  {}", dir.path().display()));
    Ok(dir)
}

/// Says what may be spent, before the first call.
fn announce_budget(settings: &ProbeSettings, is_aws: bool) {
    let cost = if is_aws {
        format!(
            "{} at worst (${USD_PER_CHECK} a check; whether an unstreamed session is billed is undocumented)",
            Bill::of(u64::from(settings.max_calls))
        )
    } else {
        format!("no cost here; on AWS {} at worst", Bill::of(u64::from(settings.max_calls)))
    };
    talk(&format!(
        "budget   up to {}, {} and {} s, {cost}",
        plural(u64::from(settings.max_calls), "call"),
        plural(u64::from(settings.max_sessions), "session"),
        settings.max_seconds
    ));
}

/// Judges, writes and prints.
fn conclude(probed: Probed, output: Output) -> Result<Exit, Error> {
    let Probed { mut dir, explored } = probed;
    let finding = explored.inquiry.finding(explored.stop).beside(dir.manifest().applied_per_s);
    let kept = dir.finish(&finding).map_err(not_trusted);
    if let Some(ending) = &explored.silence {
        talk(&format!("the probe stopped after {}: {ending}", plural(u64::from(finding.calls), "call")));
    }
    repeated(show(&finding, output), dir.path());
    explored.problem.map_or(Ok(()), |problem| Err(not_trusted(problem))).and(kept)?;
    Ok(exit(&finding))
}

/// Makes the result again from the observations of a probe's directory, and has it printed.
pub(super) fn again(mut dir: ProbeDir, print: impl FnOnce(&ProbeDir, &ProbeFinding) -> io::Result<()>) -> Result<Exit, Error> {
    let observations = dir.observations().map_err(could_not_run)?;
    let settings = dir.manifest().settings;
    let stop = dir.manifest().stop.unwrap_or(ProbeStop::Killed);
    let finding = judge(&settings, &observations, stop).beside(dir.manifest().applied_per_s);
    written(print(&dir, &finding))?;
    dir.finish(&finding).map_err(not_trusted)?;
    Ok(exit(&finding))
}

/// Prints what was found.
pub(super) fn show(finding: &ProbeFinding, output: Output) -> io::Result<()> {
    let shown = match output {
        Output::Text => text(|out| report::probe::terminal(finding, out)),
        Output::Json => report::probe::json(finding, &mut io::stdout().lock()),
        Output::Markdown => report::probe::markdown(finding, &mut io::stdout().lock()),
    };
    shown.and_then(|()| io::stdout().flush())
}

/// How the process ends: as sure as the finding is.
const fn exit(finding: &ProbeFinding) -> Exit {
    match (finding.stop, finding.kind) {
        (ProbeStop::Interrupted, _) => Exit::Interrupted,
        (ProbeStop::Denied | ProbeStop::Unanswered | ProbeStop::Exhausted | ProbeStop::Shut | ProbeStop::Killed, _)
        | (_, Kind::Inconclusive) => Exit::NotTrusted,
        _ => Exit::Good,
    }
}
