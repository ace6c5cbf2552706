//! `livebench plan`: is it enough, what do we ask for, and what will users feel?

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::check::refuse;
use super::show::text as for_people;
use super::{Error, Exit, connect, could_not_run, not_trusted, talk, written};
use crate::cli::{ConnectionArgs, Output, PlanArgs};
use crate::client::model::ModelClient;
use crate::client::request::CreateRequest;
use crate::emulator::config::{EmulatorConfig, LatencyModel};
use crate::emulator::model::Emulator;
use crate::load::simulate_users;
use crate::num;
use crate::plan::assemble::{self, Tried};
use crate::plan::chance::{Chances, DRAWS};
use crate::plan::judge::PlanVerdict;
use crate::plan::launch::{self, Journey, LaunchFigures, LaunchTally};
use crate::plan::limit::{Concurrent, KnownFrom, OperationQuota};
use crate::plan::scene::Situation;
use crate::plan::{self, Plan, proof, whatif};
use crate::report;
use crate::results::{ProbesOnDisk, write_plan};
use crate::scenario::LoadError;
use crate::schedule::{Arrivals, Schedule, ScheduleError};
use crate::service::operation::Operation;
use crate::service::quota;
use crate::stats::draw::{self, Stream};
use crate::units::{Rate, Share};

pub(super) async fn plan(args: &PlanArgs) -> Result<Exit, Error> {
    let (mut plan, text) = match given(args) {
        Ok(read) => read,
        Err(problems) => return Ok(refuse(&problems)),
    };
    plan.seed = args.seed.unwrap_or(plan.seed);
    let own = if args.applied_quota { applied(args, &plan).await? } else { OwnQuotas::typed(args) };
    own.replace(&mut plan);
    let chances = Chances::of(&plan, DRAWS);
    let options = if args.no_options { Vec::new() } else { whatif::options(&plan, &chances) };
    let figures = simulate(&assemble::scenes(&plan, &options), args.launches)?;
    let [as_is, others @ ..] = &figures[..] else { return Err(not_trusted("no launch was simulated; please report this")) };
    let tried: Vec<Tried> =
        options.into_iter().zip(others).map(|(option, figures)| Tried { option, figures: figures.clone() }).collect();
    let report = assemble::report(&plan, &chances, as_is, &tried);
    if let Some(path) = &args.scenario {
        super::init::write_new(path, &proof::scenario(&plan, &chances))?;
        talk(&format!("scenario {}", path.display()));
    }
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let dir = write_plan(&args.out, since_epoch, &text, &report).map_err(could_not_run)?;
    talk(&format!("results  {}", dir.display()));
    let shown = match args.output {
        Output::Text => for_people(|out| report::plan::terminal(&report, out.columns(), out)),
        Output::Json => report::plan::json(&report, &mut io::stdout().lock()),
        Output::Markdown => report::plan::markdown(&report, &mut io::stdout().lock()),
    };
    written(shown.and_then(|()| io::stdout().flush()))?;
    Ok(match report.verdict {
        PlanVerdict::Enough => Exit::Good,
        PlanVerdict::NotEnough => Exit::Bad,
        PlanVerdict::Unsure => Exit::NotTrusted,
    })
}

/// The plan of a file, or of what was typed, with its text.
fn given(args: &PlanArgs) -> Result<(Plan, String), LoadError> {
    if let Some(path) = &args.plan {
        return plan::load(path, &ProbesOnDisk);
    }
    let text = typed(args);
    Ok((plan::read("the options", &text, Path::new(""), &ProbesOnDisk)?, text))
}

/// What was typed, as the file that says the same.
fn typed(args: &PlanArgs) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let region = args.region.as_ref().map(|region| format!("region = {}\n", quoted(region)));
    let probe =
        args.probe.as_ref().map(|probe| format!("\n[quota]\ncreate = {{ probe = {} }}\n", quoted(&probe.to_string_lossy())));
    let peak = args.peak.unwrap_or_default().as_f64();
    format!("name = \"peak\"\n{}\n[demand]\npeak = {peak}\n{}", region.unwrap_or_default(), probe.unwrap_or_default())
}

/// Quotas that take the place of what the plan says.
struct OwnQuotas {
    /// Calls per second of Create, Start and Get.
    rates: [Option<f64>; 3],
    /// Sessions at once.
    sessions: Option<u32>,
    evidence: KnownFrom,
}

impl OwnQuotas {
    /// What was typed.
    fn typed(args: &PlanArgs) -> Self {
        Self { rates: [args.quota.map(Rate::as_f64); 3], sessions: args.concurrent, evidence: KnownFrom::Given }
    }

    fn replace(self, plan: &mut Plan) {
        let quotas = &mut plan.quotas;
        let known = [("create", &mut quotas.create), ("start", &mut quotas.start), ("get", &mut quotas.get)];
        for ((name, quota), rate) in known.into_iter().zip(self.rates) {
            // A probe has measured what is applied.
            if let Some(rate) = rate.filter(|_| quota.evidence != KnownFrom::Probed) {
                *quota = OperationQuota { burst: quota.burst, ..OperationQuota::of_rate(rate, self.evidence) };
                plan.assumed.retain(|line| !line.starts_with(&format!("quota.{name}:")));
            }
        }
        if let Some(sessions) = self.sessions {
            quotas.concurrent = Concurrent { sessions, evidence: self.evidence };
            plan.assumed.retain(|line| !line.starts_with("quota.concurrent:"));
        }
    }
}

/// The quotas that Service Quotas says are applied in the plan's region. Who asks for them does not plan without them.
async fn applied(args: &PlanArgs, plan: &Plan) -> Result<OwnQuotas, Error> {
    let connection = ConnectionArgs {
        endpoint_url: args.endpoint_url.clone(),
        region: Some(plan.region.name.to_owned()),
        profile: args.profile.clone(),
        ..ConnectionArgs::default()
    };
    let destination = connect::for_quotas(&connection, args.yes).await?;
    let mut values = [0.0; 4];
    let codes = [quota::code(Operation::Create), quota::START, quota::code(Operation::GetResults), quota::CONCURRENT_SESSIONS];
    for (value, code) in values.iter_mut().zip(codes) {
        *value = destination.applied_quota(code).await.map_err(|why| {
            could_not_run(format!(
                "Service Quotas did not say what is applied for {code}: {why}; --quota and --concurrent take what you know"
            ))
        })?;
    }
    let [create, start, get, sessions] = values;
    let sessions = u32::try_from(num::whole(sessions)).unwrap_or(u32::MAX);
    Ok(OwnQuotas { rates: [create, start, get].map(Some), sessions: Some(sessions), evidence: KnownFrom::Applied })
}

/// Simulates the launches of each scene: the first as often as asked, the others half as often. All of them on all cores; what comes out
/// does not depend on how many there are.
fn simulate(scenes: &[Situation<'_>], launches: u32) -> Result<Vec<LaunchFigures>, Error> {
    let often = |scene: usize| if scene == 0 { launches } else { launches.div_ceil(2) };
    let jobs: Vec<(usize, u32)> = (0..scenes.len()).flat_map(|scene| (0..often(scene)).map(move |n| (scene, n))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((job, (scene, n))) = jobs.get(next.fetch_add(1, Ordering::Relaxed)).map(|job| (job, *job)) {
            done.push((*job, one(&scenes[scene], n)));
        }
        done
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let mut done: Vec<((usize, u32), Result<LaunchTally, Error>)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    if done.len() != jobs.len() {
        return Err(not_trusted("a simulation ended unexpectedly; please report this"));
    }
    done.sort_by_key(|(job, _)| *job);
    let mut tallies: Vec<Vec<LaunchTally>> = vec![Vec::new(); scenes.len()];
    for ((scene, _), tally) in done {
        tallies[scene].push(tally?);
    }
    let figures = scenes.iter().zip(tallies);
    Ok(figures.map(|(scene, tallies)| LaunchFigures::of(&tallies, scene.regions, assemble::checks_of(scene.plan))).collect())
}

/// One launch of a scene.
fn one(scene: &Situation<'_>, n: u32) -> Result<LaunchTally, Error> {
    // The same users come whatever the option, so that options differ by what they change.
    let seed = draw::bits(scene.plan.seed, Stream::Launch, u64::from(n));
    let schedule =
        Schedule::new(&launch::stages(scene, seed), Arrivals::Poisson, seed).map_err(|error| could_not_run(explained(&error)))?;
    let journey = Journey::of(scene, seed);
    let emulator = emulator(scene, seed);
    let tally = simulate_users(&schedule, &journey, |pacer| {
        ModelClient::new(Emulator::new(emulator), vec![CreateRequest::default()], pacer.clone())
    });
    tally.ok_or_else(|| not_trusted("virtual time ran out of events before the launch ended; please report this"))
}

fn explained(error: &ScheduleError) -> String {
    match error {
        ScheduleError::TooManyCalls => "the plan has more than 100 million users; plan its busiest hours".to_owned(),
        ScheduleError::TooLong => "the plan is longer than a week; plan its busiest hours".to_owned(),
        ScheduleError::Empty => error.to_string(),
    }
}

/// The service of a scene, as far as its quotas go.
fn emulator(scene: &Situation<'_>, seed: u64) -> EmulatorConfig {
    let quotas = &scene.quotas;
    let mut config = EmulatorConfig {
        seed,
        region: scene.plan.region.name.to_owned(),
        quota: Some(quotas.create.limiter(quotas.shared)),
        get_quota: Some(quotas.get.limiter(quotas.shared)),
        start_quota: Some(quotas.start.limiter(quotas.shared)),
        concurrent_sessions: Some(quotas.concurrent.sessions),
        latency: LatencyModel::Fixed(scene.client.answer),
        ..EmulatorConfig::default()
    };
    config.faults.reset_after = Share::new(scene.client.lost).unwrap_or(Share::NONE);
    config
}
