//! `livebench selftest`: how far this machine can be trusted.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::connect::Target;
use super::drive::{Prepared, Ran, RunOptions};
use super::service::{Service, ServiceOptions};
use super::show::text;
use super::watch::ViewOptions;
use super::{Error, Exit, cost, could_not_run, raise_open_files, talk, written};
use crate::cli::PartArgs;
use crate::cli::{ConnectionArgs, Output, SelftestArgs};
use crate::emulator::http::arrivals;
use crate::load;
use crate::report;
use crate::results;
use crate::scenario::{self, Scenario};
use crate::selftest::{
    Ceiling, Claim, DelayPercentiles, Honesty, PacingResult, Reported, SelfTest, SendSetup, ServedCall, ServerStall, StallTimes,
    TestedMachine,
};
use crate::summary::{Stats, Stop, Summary, summarize};
use crate::units::{Rate, floor_us};

/// Rates without `--rate`, calls per second.
const RATES: [f64; 3] = [200.0, 1000.0, 5000.0];

/// The ways that are compared: what a scenario gets that says nothing, and the most exact.
const WAYS: [(&str, &str); 2] = [("sdk", "timer"), ("wire", "spin")];

/// Workers of the closed model that look for the ceiling.
const WORKERS: u32 = 64;

/// The honesty test: calls per second, and how long the server answers nothing. 400 calls are in flight at its end; there is room for them.
const STALLED: ServerStall = ServerStall { rate_per_s: 200.0, stall_s: 2.0 };

pub(super) async fn selftest(args: &SelftestArgs) -> Result<Exit, Error> {
    raise_open_files();
    let place = tempfile::tempdir().map_err(could_not_run)?;
    match Box::pin(measured(args, place.path())).await? {
        None => Ok(Exit::Interrupted),
        Some(result) => {
            show(&result, args.output)?;
            Ok(if result.trust.trusted { Exit::Good } else { Exit::NotTrusted })
        }
    }
}

/// Everything, one after the other; `None` if it was interrupted.
async fn measured(args: &SelftestArgs, place: &Path) -> Result<Option<SelfTest>, Error> {
    let rates = rates(args)?;
    let (mut pacing, mut honesty, mut ceiling) = (Vec::new(), Vec::new(), Vec::new());
    for rate in rates {
        for (transport, keeping) in WAYS {
            talk(&format!("pacing   {}/s for {} s, transport {transport}, pacing {keeping}", rate.as_f64(), args.seconds));
            let text = paced(rate, args.seconds, transport, keeping);
            let Some(trial) = Trial::make(place, &text).await? else { return Ok(None) };
            pacing.push(trial.pacing(rate, transport, keeping)?);
        }
    }
    for (transport, _) in WAYS {
        talk(&format!("honesty  {}/s for 6 s, no answers for {} s, transport {transport}", STALLED.rate_per_s, STALLED.stall_s));
        let Some(trial) = Trial::make(place, &stalled(transport)).await? else { return Ok(None) };
        honesty.push(trial.honesty(transport)?);
    }
    for (transport, _) in WAYS {
        talk(&format!("ceiling  {WORKERS} workers for {} s, transport {transport}", args.seconds));
        let Some(trial) = Trial::make(place, &flat_out(args.seconds, transport)).await? else { return Ok(None) };
        ceiling.push(trial.ceiling(transport));
    }
    talk("cost     each transport beside a bare client");
    let Some(cost) = cost::measured().await? else { return Ok(None) };
    Ok(Some(SelfTest::new(machine(), pacing, honesty, ceiling, &cost)))
}

fn rates(args: &SelftestArgs) -> Result<Vec<Rate>, Error> {
    if args.rate.is_empty() {
        return RATES.into_iter().map(|rate| Rate::per_second(rate).map_err(could_not_run)).collect();
    }
    Ok(args.rate.clone())
}

fn machine() -> TestedMachine {
    let commit = option_env!("LIVEBENCH_COMMIT").map_or_else(String::new, |commit| format!(" ({commit})"));
    let results::Machine { os, arch, cores } = results::Machine::here();
    TestedMachine { livebench: format!("{}{commit}", env!("CARGO_PKG_VERSION")), os, arch, cores }
}

const EMULATOR: &str = "[emulator]\nquota = { kind = \"none\" }\n";

fn paced(rate: Rate, seconds: u32, transport: &str, keeping: &str) -> String {
    let rate = rate.as_f64();
    format!(
        "name = \"pacing\"\n[load]\nconcurrency = 1024\ntransport = \"{transport}\"\npacing = \"{keeping}\"\n\
         stages = [ {{ for = \"{seconds}s\", rate = {rate:?} }} ]\n{EMULATOR}latency = \"0ms\"\n"
    )
}

fn stalled(transport: &str) -> String {
    let ServerStall { rate_per_s: rate, stall_s: stall } = STALLED;
    format!(
        "name = \"honesty\"\n[load]\nconcurrency = 512\ntransport = \"{transport}\"\nstages = [ {{ for = \"6s\", rate = {rate:?} }} ]\n\
         {EMULATOR}latency = \"10ms\"\nstalls = [ {{ at = \"2s\", for = \"{stall}s\" }} ]\n"
    )
}

fn flat_out(seconds: u32, transport: &str) -> String {
    format!(
        "name = \"ceiling\"\n[load]\nmodel = \"closed\"\ntransport = \"{transport}\"\n\
         stages = [ {{ for = \"{seconds}s\", workers = {WORKERS} }} ]\n{EMULATOR}latency = \"0ms\"\n"
    )
}

/// A run that has ended, and the emulator's audit log of it.
struct Trial {
    scenario: Scenario,
    ran: Ran,
    summary: Summary,
    log: PathBuf,
}

impl Trial {
    /// Runs a scenario on an embedded emulator that nobody watches; `None` if it was interrupted.
    async fn make(place: &Path, text: &str) -> Result<Option<Self>, Error> {
        let scenario = scenario::read("selftest", text, place).map_err(|problems| {
            could_not_run(format!("the self-test's own scenario is refused; please report this: {} problems", problems.count()))
        })?;
        let log = place.join("arrivals.jsonl");
        if log.exists() {
            std::fs::remove_file(&log).map_err(could_not_run)?;
        }
        let prepared = Prepared::new(scenario, text.to_owned())?;
        let service = reach(&prepared.scenario, &log).await?;
        let options = RunOptions { out: place, view: ViewOptions::NOTHING, announced: false, start: PartArgs::default() };
        let mut ran = Box::pin(prepared.drive(service, options)).await?;
        if let Some(problem) = ran.problem.take() {
            return Err(problem);
        }
        if ran.facts.stop == Stop::Interrupted {
            return Ok(None);
        }
        let summary = summarize(&prepared.scenario, &ran.recorded, &ran.facts);
        Ok(Some(Self { scenario: prepared.scenario, ran, summary, log }))
    }

    /// Each call that arrived, beside when it was due: tokens join the two.
    fn seen(&self) -> Result<Vec<ServedCall>, Error> {
        let mut due = HashMap::new();
        for sample in self.ran.dir.rows(&self.scenario).map_err(could_not_run)? {
            let sample = sample.map_err(could_not_run)?;
            due.extend(sample.token.map(|token| (token.as_str().to_owned(), floor_us(sample.due))));
        }
        let arrivals = arrivals(&self.log).map_err(could_not_run)?;
        let newest = arrivals.iter().map(|arrival| arrival.epoch).max().unwrap_or(0);
        let joined = arrivals.into_iter().filter(|arrival| arrival.epoch == newest).filter_map(|arrival| {
            let due_us = *due.get(&arrival.token?)?;
            Some(ServedCall { due_us, arrived_us: arrival.arrived_us, replied_us: arrival.replied_us })
        });
        let mut seen: Vec<ServedCall> = joined.collect();
        seen.sort_by_key(|call| (call.due_us, call.arrived_us));
        Ok(seen)
    }

    fn unsent(&self) -> u64 {
        self.summary.counts.missed + self.summary.counts.unsent
    }

    fn pacing(&self, rate: Rate, transport: &str, keeping: &str) -> Result<PacingResult, Error> {
        let lateness = self.summary.latency.lateness.all.as_ref();
        let told = Reported {
            way: SendSetup { transport: transport.to_owned(), pacing: keeping.to_owned() },
            rate_per_s: rate.as_f64(),
            missed: self.unsent(),
            send_lag: DelayPercentiles {
                p50_us: lateness.and_then(|s| s.p50_us).unwrap_or(0),
                p99_us: lateness.and_then(|s| s.p99_us).unwrap_or(0),
                max_us: lateness.map_or(0, |s| s.max_us),
            },
            load_cpu_share: self.load_cpu_share(),
            validity: self.summary.verdict.validity,
        };
        Ok(PacingResult::of(&self.seen()?, told))
    }

    fn honesty(&self, transport: &str) -> Result<Honesty, Error> {
        let times = |stats: &Option<Stats>| stats.as_ref().map(StallTimes::reported).unwrap_or_default();
        let latency = &self.summary.latency;
        let claim = Claim {
            reported: times(&latency.response.ok),
            service: times(&latency.service.ok),
            missed: self.unsent(),
            validity: self.summary.verdict.validity,
        };
        Ok(Honesty::of(transport, STALLED, &self.seen()?, claim))
    }

    #[allow(clippy::cast_precision_loss)] // calls and microseconds of minutes, far below 2^52
    fn ceiling(&self, transport: &str) -> Ceiling {
        let calls = self.summary.counts.sent;
        let elapsed_s = self.ran.facts.elapsed_us.unwrap_or(0) as f64 / 1e6;
        Ceiling {
            transport: transport.to_owned(),
            workers: WORKERS,
            calls,
            calls_per_s: if elapsed_s > 0.0 { calls as f64 / elapsed_s } else { 0.0 },
            cpu_us_per_call: self.load_cpu_share().filter(|_| calls > 0).map(|share| share * elapsed_s * 1e6 / calls as f64),
        }
    }

    /// CPU of all load threads together.
    fn load_cpu_share(&self) -> Option<f64> {
        let harness = self.ran.facts.harness.as_ref()?;
        Some(harness.load_threads.iter().map(|thread| thread.cpu_share).sum())
    }
}

/// An embedded emulator with its arrivals in `log`.
async fn reach(scenario: &Scenario, log: &Path) -> Result<Service, Error> {
    let options = ServiceOptions {
        connection: &ConnectionArgs::default(),
        emulator: &scenario.emulator,
        log: Some(log),
        transport: scenario.load.transport,
        requests: load::requests(scenario),
    };
    Service::reach(Target::Embedded, options).await
}

fn show(result: &SelfTest, output: Output) -> Result<(), Error> {
    let shown = match output {
        Output::Text => text(|out| report::selftest::terminal(result, out.columns(), out)),
        Output::Json => report::selftest::json(result, &mut io::stdout().lock()),
        Output::Markdown => report::selftest::markdown(result, &mut io::stdout().lock()),
    };
    written(shown.and_then(|()| io::stdout().flush()))
}
