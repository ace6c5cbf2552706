//! From a prepared run to what was recorded: the target is reached, the cores are driven, the files are written.

use std::sync::Arc;
use std::time::Duration;

use super::machine::{Before, open_files};
use super::view::View;
use crate::client::Client;
use crate::client::model::Model;
use crate::commands::connect;
use crate::commands::service::{Interrupts, Service, Transported};
use crate::commands::watch;
use crate::commands::{Error, could_not_run};
use crate::emulator::model::Emulator;
use crate::load::{self, Cause, Core, Gate, Limits, Outbox, Pacer, Part, Pool, Script, Workforce, drive_closed, drive_open};
use crate::record::Recorded;
use crate::record::sample::Batch;
use crate::results::{Finished, Journal, ResultsError, Scribe};
use crate::scenario::{Budget, Model as LoadModel, Overflow, Pacing, Scenario, Transport};
use crate::schedule::{Schedule, ScheduleError};
use crate::summary::{Called, RunFacts, Stop};

/// Time for every core to be ready before the first call.
const LEAD: Duration = Duration::from_millis(100);

/// Calls per second that one core is asked for at most: a tenth of what it can, so that none waits for another.
const fn calls_per_core(transport: Transport) -> f64 {
    match transport {
        Transport::Sdk => 2000.0,
        Transport::Wire => 8000.0,
    }
}

/// What is to be driven.
#[derive(Debug, Clone)]
pub(super) enum Job {
    /// A schedule.
    Open(Arc<Schedule>, Overflow),
    /// Workers.
    Closed(Arc<Workforce>),
}

impl Job {
    pub(super) fn of(scenario: &Scenario) -> Result<Self, ScheduleError> {
        Ok(match &scenario.load.model {
            LoadModel::Open(open) => {
                Self::Open(Arc::new(Schedule::new(&open.stages, open.arrivals, scenario.seed)?), open.overflow)
            }
            LoadModel::Closed(closed) => Self::Closed(Arc::new(Workforce::new(closed))),
        })
    }

    /// Calls of the whole schedule; `None` where answers decide.
    pub(super) fn scheduled(&self) -> Option<u64> {
        match self {
            Self::Open(schedule, _) => Some(schedule.calls()),
            Self::Closed(_) => None,
        }
    }

    /// The schedule; `None` where answers decide.
    pub(super) fn schedule(&self) -> Option<Arc<Schedule>> {
        match self {
            Self::Open(schedule, _) => Some(Arc::clone(schedule)),
            Self::Closed(_) => None,
        }
    }

    /// How long it is meant to last.
    pub(super) fn length(&self) -> Duration {
        match self {
            Self::Open(schedule, _) => schedule.length(),
            Self::Closed(workforce) => workforce.length(),
        }
    }

    /// How many cores drive it: no more than its rate needs, and one is left to an embedded emulator.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // small whole numbers
    pub(super) fn cores(&self, embedded: bool, transport: Transport) -> usize {
        let here = std::thread::available_parallelism().map_or(1, usize::from);
        let free = here.saturating_sub(usize::from(embedded)).max(1);
        let wanted = match self {
            Self::Open(schedule, _) => {
                let mean = schedule.calls() as f64 / schedule.length().as_secs_f64().max(1.0);
                (mean / calls_per_core(transport)).ceil() as usize
            }
            Self::Closed(workforce) => workforce.peak(),
        };
        wanted.clamp(1, free)
    }

    /// Calls that can be sent at most.
    pub(super) fn calls_at_most(&self, budget: &Budget, is_aws: bool) -> u64 {
        let limit = budget_limit(budget, is_aws).map_or(u64::MAX, |(calls, _)| calls);
        self.scheduled().unwrap_or(u64::MAX).min(limit)
    }

    fn limits(&self, scenario: &Scenario, is_aws: bool) -> Limits {
        let concurrency = match (&scenario.load.model, self) {
            (LoadModel::Open(open), _) => open.concurrency,
            (_, Self::Closed(workforce)) => workforce.peak(),
            (LoadModel::Closed(_), Self::Open(..)) => 1,
        };
        let max_calls = budget_limit(&scenario.budget, is_aws);
        Limits { concurrency, max_rate: scenario.load.max_rate, max_calls, stop_on_denied: is_aws }
    }

    /// Drives one core's part.
    async fn drive<T, F>(
        &self,
        (core, cores): (usize, usize),
        client: &T,
        pacer: &Pacer,
        gate: &Gate,
        script: Script,
        outbox: Outbox<F>,
    ) where
        T: Client,
        F: FnMut(&mut Batch) -> bool,
    {
        match self {
            Self::Open(schedule, overflow) => {
                let part = Part { schedule, core, cores, overflow: *overflow };
                drive_open(part, client, pacer, gate, script, outbox).await;
            }
            Self::Closed(workforce) => drive_closed(workforce, (core, cores), client, pacer, gate, script, outbox).await,
        }
    }
}

/// The tighter of the two budgets; dollars count only where calls cost any.
fn budget_limit(budget: &Budget, is_aws: bool) -> Option<(u64, Cause)> {
    let calls = budget.max_calls.map(|calls| (calls, Cause::BudgetCalls));
    let dollars = is_aws.then(|| (connect::affordable(budget), Cause::BudgetSpend));
    [calls, dollars].into_iter().flatten().min_by_key(|(calls, _)| *calls)
}

/// How a run went.
#[derive(Debug)]
pub(in crate::commands) struct Ran {
    pub(in crate::commands) recorded: Recorded,
    pub(in crate::commands) facts: RunFacts,
    /// Why not everything was kept.
    pub(in crate::commands) problem: Option<Error>,
}

/// What the driving of a run needs to know besides the scenario.
pub(super) struct Way<'a> {
    pub(super) nonce: u64,
    pub(super) cores: usize,
    pub(super) called: &'a Called,
}

/// Runs in virtual time on the emulator's model, in this thread.
pub(super) fn virtually(scenario: &Scenario, job: &Job, mut journal: Journal, way: &Way<'_>) -> Result<Ran, Error> {
    let pacer = Pacer::virtual_time();
    let gate = Gate::new(job.limits(scenario, false));
    let model = Model::new(Emulator::new(scenario.emulator.clone()), load::requests(scenario), pacer.clone());
    let outbox = Outbox::new(0, |batch: &mut Batch| {
        let kept = journal.accept(batch).is_ok();
        if !kept {
            gate.stop(Cause::SinkFailed);
        }
        kept
    });
    let script = Script::new(scenario, way.nonce);
    load::run_virtual(&pacer, job.drive((0, 1), &model, &pacer, &gate, script, outbox))
        .ok_or_else(|| Error::NotTrusted("virtual time ran out of events before the run ended; please report this".to_owned()))?;
    let Finished { recorded, problem } = journal.finish();
    let facts = RunFacts {
        scheduled: job.scheduled(),
        elapsed_us: Some(crate::units::floor_us(pacer.now().max(job.length_if_whole(&gate)))),
        stop: stop_of(&gate),
        cpu: None,
        harness: None,
        called: way.called.clone(),
    };
    Ok(Ran { recorded, facts, problem: problem.map(not_kept) })
}

/// Runs in real time, on threads of their own.
pub(super) async fn really(
    service: &Service,
    scenario: &Scenario,
    job: &Job,
    journal: Journal,
    way: &Way<'_>,
    view: View,
) -> Result<Ran, Error> {
    let gate = Arc::new(Gate::new(job.limits(scenario, service.is_aws)));
    let stopping = Arc::clone(&gate);
    let interrupts = Interrupts::new()?;
    let (show, watcher) = view.start(interrupts.asker())?;
    let scribe = Scribe::start(journal, watcher, move || stopping.stop(Cause::SinkFailed)).map_err(could_not_run)?;
    let start = Pacer::starting_in(LEAD);
    if let Some(embedded) = &service.embedded {
        embedded.restart_at(start.instant());
    }
    let before = Before::read();
    let pool = spawn(service, scenario, job, &gate, &scribe, way, start)?;
    let ended = watch::join(pool, &gate, interrupts, &show).await?;
    show.end();
    if let Some(reason) = ended.iter().find_map(|core| core.output.as_ref().err()) {
        return Err(could_not_run(reason));
    }
    let used: Vec<Used> = ended.iter().filter_map(|core| core.output.as_ref().ok().copied()).collect();
    let (cpu, connections) = (before.cpu(&ended), used.iter().map(|used| used.connections).sum());
    let harness = before.harness(&ended, connections, used.iter().filter_map(|used| used.files).max());
    let Finished { recorded, problem } = scribe.finish().map_err(|e| Error::NotTrusted(e.to_string()))?;
    let elapsed = ended.iter().map(|core| core.elapsed).max().unwrap_or_default().max(job.length_if_whole(&gate));
    let facts = RunFacts {
        scheduled: job.scheduled(),
        elapsed_us: Some(crate::units::floor_us(elapsed)),
        stop: stop_of(&gate),
        cpu: Some(cpu),
        harness: Some(harness),
        called: way.called.clone(),
    };
    Ok(Ran { recorded, facts, problem: problem.map(not_kept) })
}

/// It ran, but not all of it is on disk.
#[allow(clippy::needless_pass_by_value)] // for `map`
pub(super) fn not_kept(problem: ResultsError) -> Error {
    Error::NotTrusted(problem.to_string())
}

impl Job {
    /// A run that was not cut short lasts as long as it was meant to, even if its last stage is a pause.
    fn length_if_whole(&self, gate: &Gate) -> Duration {
        if gate.stopped().is_none() { self.length() } else { Duration::ZERO }
    }
}

/// What a core used: connections that it opened, and files that the process had open when it ended, its sockets among them.
#[derive(Debug, Clone, Copy)]
struct Used {
    connections: u64,
    files: Option<u64>,
}

/// A core says what it used, or why it could not begin.
type Cores = Pool<Result<Used, String>>;

fn spawn(
    service: &Service,
    scenario: &Scenario,
    job: &Job,
    gate: &Arc<Gate>,
    scribe: &Scribe,
    way: &Way<'_>,
    start: load::Start,
) -> Result<Cores, Error> {
    let (destination, scenario, job) = (service.destination.clone(), scenario.clone(), job.clone());
    let (gate, desks, nonce, cores) = (Arc::clone(gate), scribe.desks(), way.nonce, way.cores);
    let (requests, transport) = (load::requests(&scenario), scenario.load.transport);
    let spin = scenario.load.pacing == Pacing::Spin;
    let work = move |Core { index, pacer }| {
        // Before the start: TLS settings are read here.
        let client = Transported::new(transport, &destination, &requests);
        let (job, gate, script, mut desk) = (job.clone(), Arc::clone(&gate), Script::new(&scenario, nonce), desks.desk());
        async move {
            let outbox = Outbox::new(index, |batch: &mut Batch| desk.hand_over(batch));
            let part = (index, cores);
            let client = client?;
            let connections = match &client {
                Transported::Sdk(sdk) => {
                    job.drive(part, sdk, &pacer, &gate, script, outbox).await;
                    sdk.connections_opened()
                }
                Transported::Wire(wire) => {
                    job.drive(part, &**wire, &pacer, &gate, script, outbox).await;
                    wire.connections_opened()
                }
            };
            Ok(Used { connections, files: open_files() })
        }
    };
    load::spawn(cores, start, spin, work).map_err(could_not_run)
}

fn stop_of(gate: &Gate) -> Stop {
    match gate.stopped() {
        None => Stop::Completed,
        Some(Cause::Interrupted) => Stop::Interrupted,
        Some(Cause::BudgetCalls) => Stop::BudgetCalls,
        Some(Cause::BudgetSpend) => Stop::BudgetSpend,
        Some(Cause::AccessDenied) => Stop::AccessDenied,
        Some(Cause::SinkFailed) => Stop::DiskFull,
    }
}
