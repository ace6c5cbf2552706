//! A scenario driven, from its text to what was recorded: what `run` and `selftest` share.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::connect;
use super::credentials::renewed_during;
use super::part::{RunPart, now};
use super::service::Service;
use super::watch::{Interrupts, OpenView, ViewOptions};
use super::{Error, could_not_run, not_trusted, talk};
use crate::cli::PartArgs;
use crate::client::model::ModelClient;
use crate::emulator::config::EmulatorConfig;
use crate::emulator::model::Emulator;
use crate::live::{RunSetting, RunView};
use crate::load::{self, LoadLimits, LoadSession, RequestMix, StartInstant, StopCause, Workload};
use crate::record::Recorded;
use crate::record::cut::Cut;
use crate::record::sample::{Batch, Sample};
use crate::results::{Disk, Finished, Journal, Manifest, RunDir, Start, SystemDisk, WriterThread};
use crate::scenario::Scenario;
use crate::service::price::{Bill, USD_PER_CHECK, usd_per_call};
use crate::shard::{Shard, ShardIdentity};
use crate::summary::{Called, Endpoint, RunFacts, Stop};
use crate::units::{floor_us, plural};

/// Seconds that may wait to be shown; beyond them the journal keeps them.
const WAITING: usize = 4;

/// A scenario that is ready to run.
pub(super) struct Prepared {
    pub(super) scenario: Scenario,
    /// As it was written.
    text: String,
    workload: Workload,
    part: RunPart,
    /// Set for a run that was cut off and goes on.
    resumption: Option<Resumption>,
    /// Where its files go.
    disk: Arc<dyn Disk>,
}

/// Where a run that was cut off goes on.
#[derive(Debug)]
pub(super) struct Resumption {
    /// The run's directory.
    pub(super) dir: RunDir,
    /// Its next call.
    pub(super) cut: Cut,
    /// Which segment it is, from 1.
    pub(super) number: u64,
    /// Calls of the segments before whose end nobody saw.
    pub(super) unknown: Vec<Sample>,
    /// Calls that were sent before, or may have been.
    pub(super) spent: u64,
}

/// The emulator of a segment that has `before` segments before it: it gives out sessions of its own.
pub(super) fn begun_afresh(scenario: &Scenario, before: u64) -> EmulatorConfig {
    let mut emulator = scenario.emulator.clone();
    // derived: further apart than the emulators of two shards
    emulator.seed = emulator.seed.wrapping_add(before.wrapping_mul(Shard::MOST));
    emulator
}

/// Where a run's files go, and what people see of it.
pub(super) struct RunOptions<'a> {
    /// The parent of the run's directory.
    pub(super) out: &'a Path,
    /// How it is shown while it goes on.
    pub(super) view: ViewOptions,
    /// Whether target, budget and directory are said before the first call.
    pub(super) announced: bool,
    /// When it starts.
    pub(super) start: PartArgs,
}

/// How a run went.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) dir: RunDir,
    pub(super) recorded: Recorded,
    pub(super) facts: RunFacts,
    /// Why not everything was kept.
    pub(super) problem: Option<Error>,
}

impl Ran {
    /// Whatever else stopped it, a run with a file that could not be written is not whole, and its directory shall say so, too.
    fn new(dir: RunDir, finished: Finished, mut facts: RunFacts) -> Self {
        let Finished { recorded, server, problem } = finished;
        facts.server_clock = server;
        if problem.is_some() {
            facts.stop = Stop::DiskFull;
        }
        Self { dir, recorded, facts, problem: problem.map(not_trusted) }
    }
}

/// What a run is before its first call.
struct RunContext {
    endpoint: String,
    called: Called,
    /// Keeps its tokens apart from those of every other run.
    nonce: u64,
    threads: usize,
    /// When the schedule's time 0 is, since 1970.
    since_epoch: Duration,
    /// How long after it a shard joined, if it came too late.
    late: Option<Duration>,
    /// Calls that may have been sent before.
    spent: u64,
}

impl RunContext {
    /// On the emulator's model. The nonce is fixed, so that the same scenario makes the same tokens, and with them the same bytes.
    fn of_model(scenario: &Scenario) -> Self {
        let called = Called {
            endpoint: Endpoint::Model,
            region: scenario.emulator.region.clone(),
            transport: "model".to_owned(),
            virtual_time: true,
        };
        Self { endpoint: "model".to_owned(), called, nonce: 0, threads: 1, since_epoch: now(), late: None, spent: 0 }
    }

    /// On a service; an embedded emulator needs a core for itself.
    fn of_service(service: &Service, prepared: &Prepared) -> Self {
        let taken = usize::from(service.kind == Endpoint::Embedded);
        Self {
            endpoint: service.destination.endpoint.clone(),
            called: service.called(),
            nonce: connect::nonce(),
            threads: prepared.workload.threads(prepared.scenario.load.transport, taken),
            since_epoch: now(),
            late: None,
            spent: 0,
        }
    }
}

impl Prepared {
    /// A scenario and its text; its load is computed.
    pub(super) fn new(scenario: Scenario, text: String) -> Result<Self, Error> {
        let workload = Workload::of(&scenario).map_err(could_not_run)?;
        let part = RunPart::whole(&scenario);
        Ok(Self { scenario, text, workload, part, resumption: None, disk: Arc::new(SystemDisk) })
    }

    /// Whether how many calls there are is known before.
    #[cfg(test)]
    pub(super) fn is_scheduled(&self) -> bool {
        self.workload.scheduled().is_some()
    }

    /// The same with its files on this disk.
    #[cfg(test)]
    pub(super) fn on_disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// The same as another segment of a run that was cut off.
    pub(super) fn resume(&mut self, resumption: Resumption) {
        self.resumption = Some(resumption);
    }

    /// Where the schedule is taken up.
    fn cut(&self) -> Cut {
        self.resumption.as_ref().map_or(Cut { seq: 0, at: Duration::ZERO }, |resumption| resumption.cut)
    }

    /// The bounds of what this process makes: a budget counts what was sent before.
    fn limits(&self, billed: bool, spent: u64) -> LoadLimits {
        let limits = self.part.part().limits(self.workload.limits(&self.scenario, billed));
        LoadLimits { max_calls: limits.max_calls.map(|(calls, cause)| (calls.saturating_sub(spent), cause)), ..limits }
    }

    /// Calls that may have been sent before: by the segments of a run that was cut off, or by earlier attempts at a shard that joins late.
    fn spent(&self, late: Option<Duration>, billed: bool) -> u64 {
        let late = late.filter(|_| load::calls_budget(&self.scenario.budget, billed).is_some());
        let missed = late.map_or(0, |late| self.workload.spent_before(self.part.part(), late));
        self.resumption.as_ref().map_or(missed, |resumption| resumption.spent)
    }

    /// A session that begins where the schedule is taken up.
    fn session(&self, billed: bool, spent: u64) -> LoadSession {
        LoadSession::new(self.limits(billed, spent)).taken_up(self.cut().at)
    }

    /// The same for one shard of the run. Its thresholds are those of the whole run, which only merging can judge.
    pub(super) fn of_shard(self, identity: ShardIdentity) -> Result<Self, Error> {
        let part = RunPart::new(&self.scenario, &self.text, identity)?;
        let mut scenario = self.scenario;
        if part.part().shard().is_part() {
            scenario.thresholds.clear();
            // An emulator of its own gives out sessions of its own.
            scenario.emulator.seed = scenario.emulator.seed.wrapping_add(part.part().shard().index);
        }
        Ok(Self { scenario, part, ..self })
    }

    /// The emulator's model for its calls.
    pub(super) fn model(&self) -> Emulator {
        Emulator::new(begun_afresh(&self.scenario, self.segments_before()))
    }

    /// Segments of the run that came before.
    fn segments_before(&self) -> u64 {
        self.resumption.as_ref().map_or(0, |resumption| resumption.number - 1)
    }

    /// Runs in virtual time on the emulator's model, in this thread.
    pub(super) fn simulate(&self, out: &Path, start: &PartArgs) -> Result<Ran, Error> {
        self.simulate_on(&Rc::new(RefCell::new(self.model())), out, start)
    }

    /// The same on a model that the caller made.
    pub(super) fn simulate_on(&self, emulator: &Rc<RefCell<Emulator>>, out: &Path, start: &PartArgs) -> Result<Ran, Error> {
        let Self { scenario, workload, .. } = self;
        let mut context = RunContext::of_model(scenario);
        // Nobody waits in virtual time: the start only dates the run.
        let (shard, dated) = (self.part.part().shard(), start.start_at);
        if shard.is_part() && dated.is_none() {
            return Err(could_not_run("shards in virtual time need --start-at TIME, which dates them all alike"));
        }
        context.since_epoch = dated.unwrap_or(context.since_epoch);
        // A segment's tokens are its own.
        context.nonce = self.segments_before();
        let dir = self.directory(out, &context)?;
        let mut journal = dir.journal(scenario, context.threads).map_err(could_not_run)?.unwatched();
        let session = self.session(false, self.spent(None, false));
        let keep = |batch: &mut Batch| {
            let kept = journal.accept(batch).is_ok();
            if !kept {
                session.admission().stop(StopCause::SinkFailed);
            }
            kept
        };
        let mix = RequestMix::of_shard(scenario, context.nonce, shard).from_call(self.cut().seq);
        let work = workload.drive(mix, keep);
        let model = |pacer: &load::Pacer| ModelClient::sharing(Rc::clone(emulator), load::requests(scenario), pacer.clone());
        let ended = session
            .simulate(work, model)
            .ok_or_else(|| not_trusted("virtual time ran out of events before the run ended; please report this"))?;
        let finished = journal.finish();
        Ok(Ran::new(dir, finished, self.of_part(workload.facts(&session, &ended, context.called), None)))
    }

    /// Runs in real time over HTTP, and closes the service.
    pub(super) async fn drive(&self, service: Service, options: RunOptions<'_>) -> Result<Ran, Error> {
        service.destination.warm().await.map_err(could_not_run)?;
        let mut interrupts = Interrupts::new()?;
        let begun = self.part.begin(&options.start, self.workload.length(), &mut interrupts).await?;
        let context = RunContext {
            nonce: begun.nonce(),
            since_epoch: begun.since_epoch(),
            late: begun.late,
            spent: self.spent(begun.late, service.is_aws),
            ..RunContext::of_service(&service, self)
        };
        let viewer = options.view.open_with(interrupts).await?;
        let dir = self.directory(options.out, &context)?;
        if options.announced {
            self.announce(&service, &dir, context.spent).await;
        }
        let journal = dir.journal(&self.scenario, context.threads).map_err(could_not_run)?;
        if let Some(decision) = &begun.decision {
            dir.keep_start(decision).map_err(could_not_run)?;
        }
        viewer.announce();
        let (finished, facts) = self.record(&service, &context, viewer, (journal, begun.instant())).await?;
        let mut ran = Ran::new(dir, finished, facts);
        if ran.facts.stop == Stop::AccessDenied {
            service.explain_denial();
        }
        // A log that is not whole costs the run its trust, not its summary.
        ran.problem = ran.problem.or(service.close().err());
        Ok(ran)
    }

    /// Drives the load on threads of its own, beside the one that writes the journal and the one that shows it.
    async fn record(
        &self,
        service: &Service,
        context: &RunContext,
        viewer: OpenView,
        (journal, start): (Journal, Option<StartInstant>),
    ) -> Result<(Finished, RunFacts), Error> {
        let session = self.session(service.is_aws, context.spent).on_threads(context.threads, self.scenario.load.pacing);
        let (watcher, news) = sync_channel(WAITING);
        let watcher = viewer.shows().then_some(watcher);
        let watch = viewer.start(|| RunView::new(self.setting(service, context)), news)?;
        let stopping = Arc::clone(session.admission());
        let writer =
            WriterThread::start(journal, watcher, move || stopping.stop(StopCause::SinkFailed)).map_err(could_not_run)?;
        let (senders, workload) = (writer.senders(), self.workload.clone());
        let (scenario, nonce, shard, first) = (self.scenario.clone(), context.nonce, self.part.part().shard(), self.cut().seq);
        let running = service.begin(&session, start, move || {
            let mut sender = senders.sender();
            let mix = RequestMix::of_shard(&scenario, nonce, shard).from_call(first);
            workload.drive(mix, move |batch: &mut Batch| sender.hand_over(batch))
        })?;
        let joined = watch.join(running, session.admission());
        let ended = renewed_during(&service.destination, joined).await?.sound().map_err(could_not_run)?;
        // What is still on its way to the disk may fail, too: only then it is known why the run stopped.
        let finished = writer.finish().map_err(not_trusted)?;
        let facts = self.workload.facts(&session, &ended, context.called.clone());
        Ok((finished, self.of_part(facts, context.late)))
    }

    /// How many calls this process's part of the schedule has.
    fn scheduled(&self) -> Option<u64> {
        let part = self.part.part();
        // Of workers that are others' nothing is scheduled here.
        let idle = matches!(&self.workload, Workload::Closed(workforce) if part.shard().part_of(workforce.peak() as u64) == 0);
        if idle { Some(0) } else { self.workload.scheduled().map(|total| part.calls(total)) }
    }

    /// The facts of this process's part, which joined the schedule so late if it is a shard.
    fn of_part(&self, facts: RunFacts, late: Option<Duration>) -> RunFacts {
        let of_shards = self.part.part().shard().is_part();
        let joined_us = if of_shards { late.map(floor_us) } else { facts.joined_us };
        RunFacts { scheduled: self.scheduled(), of_shards, joined_us, ..facts }
    }

    fn directory(&self, out: &Path, context: &RunContext) -> Result<RunDir, Error> {
        let start = Start {
            since_epoch: context.since_epoch,
            nonce: &format!("{:016x}", context.nonce),
            endpoint: &context.endpoint,
            called: context.called.clone(),
            load_cores: context.threads,
            scheduled: self.scheduled(),
            shard: self.part.in_manifest(context.late),
        };
        if let Some(resumption) = &self.resumption {
            let Resumption { dir, cut, unknown, .. } = resumption;
            dir.begin_segment(*cut, &start, &self.scenario, unknown).map_err(could_not_run)?;
            return Ok(RunDir::open(dir.path()).map_err(could_not_run)?.on_disk(Arc::clone(&self.disk)));
        }
        RunDir::create_on(Arc::clone(&self.disk), out, &Manifest::of_run(&self.scenario, start), &self.text)
            .map_err(could_not_run)
    }

    /// Says where the calls go and what they may cost, before the first one.
    async fn announce(&self, service: &Service, dir: &RunDir, spent: u64) {
        service.announce().await;
        if service.is_aws {
            let whole = self.workload.calls_at_most(&self.scenario.budget, true);
            let calls = self.part.part().shard().part_of(whole).saturating_sub(spent);
            talk(&format!(
                "budget   up to {}, {} at worst (${} a check; whether an unstreamed session is billed is undocumented)",
                plural(calls, "call"),
                Bill::of(calls),
                USD_PER_CHECK
            ));
        }
        talk(&format!("results  {}", dir.path().display()));
    }

    /// What the view is told before the first call.
    fn setting(&self, service: &Service, context: &RunContext) -> RunSetting {
        let Self { scenario, workload, .. } = self;
        RunSetting {
            scenario: scenario.clone(),
            called: context.called.clone(),
            endpoint: context.endpoint.clone(),
            schedule: workload.schedule(),
            length: workload.length(),
            calls_budget: load::calls_budget(&scenario.budget, service.is_aws),
            usd_per_call: usd_per_call(service.is_aws),
        }
    }
}
