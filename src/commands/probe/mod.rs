//! `livebench probe`: which limiter stands before the operation.

mod drive;

use std::io::{self, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::check::refuse;
use super::connect::{self, Asked, worst_case_usd};
use super::service::Service;
use super::{Error, Exit, could_not_run, talk, watch, written};
use crate::cli::{Output, ProbeArgs};
use crate::client::request::CreateRequest;
use crate::emulator::config::EmulatorConfig;
use crate::probe::{Finding, Kind, Settings, Stop, judge};
use crate::report;
use crate::results::{ProbeDir, ProbeStart, ResultsError};
use crate::scenario::{self, Budget, LoadError};
use crate::service::price::USD_PER_CHECK;
use crate::service::region;
use drive::Way;

pub(super) async fn probe(args: &ProbeArgs, debug: bool) -> Result<Exit, Error> {
    let emulator = match args.emulator.as_deref().map(emulator) {
        // What a scenario gets that says nothing of its emulator.
        None => EmulatorConfig::of_region(region::DEFAULT, 1),
        Some(Ok(config)) => config,
        Some(Err(problems)) => return Ok(refuse(&problems)),
    };
    let settings = settings(args);
    if args.virtual_time { virtually(args, &emulator, settings) } else { really(args, debug, &emulator, settings).await }
}

/// The emulator of a scenario, or of a file that has nothing else.
fn emulator(path: &Path) -> Result<EmulatorConfig, LoadError> {
    scenario::load_emulator(path).or_else(|problems| match scenario::load(path) {
        Ok((scenario, _)) => Ok(scenario.emulator),
        // Of a file with neither load nor name the first refusal tells more.
        Err(other) => Err(if is_scenario(path) { other } else { problems }),
    })
}

fn is_scenario(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line.trim_start().starts_with("[load]")))
}

fn settings(args: &ProbeArgs) -> Settings {
    Settings {
        precision: args.precision.as_f64(),
        max_calls: args.max_calls,
        max_sessions: args.max_sessions,
        max_seconds: args.max_time.as_secs_f64(),
        outliers: args.outliers.as_f64(),
        seed: args.seed,
    }
}

/// Probes the emulator's model in virtual time: the same answers, with the same arguments.
fn virtually(args: &ProbeArgs, emulator: &EmulatorConfig, settings: Settings) -> Result<Exit, Error> {
    announce_budget(&settings, false);
    let start = ProbeStart {
        since_epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        nonce: "0000000000000000",
        endpoint: "model",
        region: &emulator.region,
        settings,
        applied_per_s: None,
    };
    let mut dir = directory(args, start)?;
    let diary = dir.diary().map_err(could_not_run)?;
    let probed = drive::virtually(emulator, settings, diary)?;
    conclude(&mut dir, &settings, probed, args.output)
}

/// Probes over HTTP.
async fn really(args: &ProbeArgs, debug: bool, emulator: &EmulatorConfig, mut settings: Settings) -> Result<Exit, Error> {
    let budget = Budget { max_calls: Some(u64::from(args.max_calls)), max_spend_usd: args.max_spend_usd };
    let aim = connect::aim(args.target, args.yes, &args.connection, &emulator.region, &budget, Asked::OPTIONS).await?;
    let requests = [CreateRequest::default()];
    let mut service = Service::reach(aim, &args.connection, emulator, None, args.transport, &requests).await?;
    if service.is_aws {
        // Whether a refused call costs anything is not documented; each is counted.
        let affordable = u32::try_from(connect::affordable(&budget)).unwrap_or(u32::MAX);
        settings.max_calls = settings.max_calls.min(affordable);
    }
    announce(&service, &settings).await;
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
    let mut dir = directory(args, start)?;
    let diary = dir.diary().map_err(could_not_run)?;
    let probed =
        drive::really(&service, Way { settings, transport: args.transport, nonce, form: watch::form(&args.watch, debug) }, diary)
            .await?;
    if probed.stop == Stop::Denied
        && let Some(hint) = connect::region_hint(&service.destination.region)
    {
        talk(&format!("access was denied: {hint}"));
    }
    service.close()?;
    conclude(&mut dir, &settings, probed, args.output)
}

/// The quota that Service Quotas says is applied. A probe goes on without it.
async fn applied(service: &Service) -> Option<f64> {
    let asked = service.destination.applied_quota().await;
    asked.map_err(|why| talk(&format!("warning  Service Quotas did not say which quota is applied: {why}"))).ok()
}

fn directory(args: &ProbeArgs, start: ProbeStart<'_>) -> Result<ProbeDir, Error> {
    let dir = ProbeDir::create(&args.out, start).map_err(could_not_run)?;
    talk(&format!("results  {}", dir.path().display()));
    Ok(dir)
}

/// Says where the calls go and what they may cost, before the first one.
async fn announce(service: &Service, settings: &Settings) {
    service.announce().await;
    announce_budget(settings, service.is_aws);
}

fn announce_budget(settings: &Settings, is_aws: bool) {
    let cost = if is_aws {
        format!(
            "${:.2} at worst (${USD_PER_CHECK} a check; whether an unstreamed session is billed is undocumented)",
            worst_case_usd(u64::from(settings.max_calls))
        )
    } else {
        format!("no cost here; on AWS ${:.2} at worst", worst_case_usd(u64::from(settings.max_calls)))
    };
    talk(&format!(
        "budget   {} calls, {} sessions and {} s at most, {cost}",
        settings.max_calls, settings.max_sessions, settings.max_seconds
    ));
}

/// Judges, writes and prints.
fn conclude(dir: &mut ProbeDir, settings: &Settings, probed: drive::Probed, output: Output) -> Result<Exit, Error> {
    let finding = judge(settings, &probed.observations, probed.stop).beside(dir.manifest().applied_per_s);
    let kept = dir.finish(&finding).map_err(not_kept);
    let exit = show(&finding, output)?;
    probed.problem.map_or(Ok(()), |problem| Err(not_kept(problem))).and(kept)?;
    Ok(exit)
}

/// Makes and prints the result again, from the observations of a probe's directory.
pub(super) fn again(mut dir: ProbeDir, output: Output) -> Result<Exit, Error> {
    let observations = dir.observations().map_err(could_not_run)?;
    let settings = dir.manifest().settings;
    let stop = dir.manifest().stop.unwrap_or(Stop::Killed);
    let finding = judge(&settings, &observations, stop).beside(dir.manifest().applied_per_s);
    let exit = show(&finding, output)?;
    dir.finish(&finding).map_err(not_kept)?;
    Ok(exit)
}

/// Prints what was found; how sure it is decides how the process ends.
fn show(finding: &Finding, output: Output) -> Result<Exit, Error> {
    let shown = match output {
        Output::Text => report::probe::terminal(finding, &mut anstream::stdout().lock()),
        Output::Json => report::probe::json(finding, &mut io::stdout().lock()),
        Output::Markdown => report::probe::markdown(finding, &mut io::stdout().lock()),
    };
    written(shown.and_then(|()| io::stdout().flush()))?;
    Ok(match (finding.stop, finding.kind) {
        (Stop::Interrupted, _) => Exit::Interrupted,
        (Stop::Denied | Stop::Killed, _) | (_, Kind::Inconclusive) => Exit::NotTrusted,
        _ => Exit::Good,
    })
}

/// It ran, but not all of it is on disk.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn not_kept(problem: ResultsError) -> Error {
    Error::NotTrusted(problem.to_string())
}
