//! What a scenario asks to be sent, and the driving of one thread's part of it.

use std::sync::Arc;
use std::time::Duration;

use super::admission::{LoadLimits, StopCause};
use super::closed::{Workforce, drive_closed};
use super::machine::ThreadUsage;
use super::open::{OpenArrivals, drive_open};
use super::outbox::Outbox;
use super::part::Part;
use super::pool::LoadThread;
use super::request_mix::RequestMix;
use super::session::{EndedSession, LoadSession, Work};
use crate::client::Client;
use crate::record::cut::ToldCalls;
use crate::record::sample::{Batch, Sample};
use crate::scenario::{Budget, Model, Overflow, Scenario, Transport};
use crate::schedule::{Schedule, ScheduleError};
use crate::service::price::affordable_calls;
use crate::summary::{Called, RunFacts, Stop};
use crate::units::floor_us;

/// Calls per second that one thread is asked for at most: about a tenth of what it can, so that none waits for another.
const fn calls_per_thread(transport: Transport) -> f64 {
    match transport {
        // measured: 18,000 calls/s a thread (the layout in this room's docs)
        Transport::Sdk => 2000.0,
        // derived: a call costs a quarter to a fifth of the SDK's CPU (`cargo bench --bench cost`)
        Transport::Wire => 8000.0,
    }
}

/// What is to be sent. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Workload {
    /// A schedule, which does not wait for answers, and what happens to a call that finds no room.
    Open(Arc<Schedule>, Overflow),
    /// Workers, each of which waits for its answer.
    Closed(Arc<Workforce>),
}

impl Workload {
    /// The load of a scenario.
    ///
    /// # Errors
    /// The stages cannot be scheduled.
    pub fn of(scenario: &Scenario) -> Result<Self, ScheduleError> {
        Ok(match &scenario.load.model {
            Model::Open(open) => {
                let schedule = Schedule::new(&open.stages, open.arrivals, scenario.seed)?;
                if schedule.calls() == 0 {
                    return Err(ScheduleError::Empty);
                }
                Self::Open(Arc::new(schedule), open.overflow)
            }
            Model::Closed(closed) => Self::Closed(Arc::new(Workforce::new(closed))),
        })
    }

    /// Calls of the whole schedule; `None` where answers decide.
    pub fn scheduled(&self) -> Option<u64> {
        match self {
            Self::Open(schedule, _) => Some(schedule.calls()),
            Self::Closed(_) => None,
        }
    }

    /// The schedule; `None` where answers decide.
    pub fn schedule(&self) -> Option<Arc<Schedule>> {
        match self {
            Self::Open(schedule, _) => Some(Arc::clone(schedule)),
            Self::Closed(_) => None,
        }
    }

    /// Hands over the calls of a part that a process may have sent which `told` so much and had this `budget`, as calls whose end nobody saw. None
    /// where answers decide.
    pub fn perhaps_sent(&self, part: &Part, budget: u64, told: &ToldCalls, take: &mut dyn FnMut(&Sample)) {
        if let Self::Open(schedule, _) = self {
            told.perhaps_sent(part.dues(schedule), budget, |k, due| take(&part.unknown(k, due)));
        }
    }

    /// Calls of a part that were due before an attempt joined the schedule, which is `late`: an earlier attempt may have sent them. Of workers
    /// nobody knows how many calls they have made.
    pub fn spent_before(&self, part: &Part, late: Duration) -> u64 {
        let Self::Open(schedule, _) = self else { return u64::MAX };
        part.dues(schedule).take_while(|(_, due)| *due < late).count() as u64
    }

    /// How long it is meant to last.
    pub fn length(&self) -> Duration {
        match self {
            Self::Open(schedule, _) => schedule.length(),
            Self::Closed(workforce) => workforce.length(),
        }
    }

    /// How many threads drive it: no more than its rate needs and than the machine has cores, of which so many are `taken`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // small whole numbers
    pub fn threads(&self, transport: Transport, taken: usize) -> usize {
        let here = std::thread::available_parallelism().map_or(1, usize::from);
        let free = here.saturating_sub(taken).max(1);
        let wanted = match self {
            Self::Open(schedule, _) => {
                let mean = schedule.calls() as f64 / schedule.length().as_secs_f64().max(1.0);
                (mean / calls_per_thread(transport)).ceil() as usize
            }
            Self::Closed(workforce) => workforce.peak(),
        };
        wanted.clamp(1, free)
    }

    /// Calls that can be sent at most; dollars count where calls are `billed`.
    pub fn calls_at_most(&self, budget: &Budget, billed: bool) -> u64 {
        let limit = budget_limit(budget, billed).map_or(u64::MAX, |(calls, _)| calls);
        self.scheduled().unwrap_or(u64::MAX).min(limit)
    }

    /// The bounds that the scenario sets. Where calls are `billed`, dollars count and the first denied call is the last.
    pub fn limits(&self, scenario: &Scenario, billed: bool) -> LoadLimits {
        let concurrency = match (&scenario.load.model, self) {
            (Model::Open(open), _) => open.concurrency,
            (_, Self::Closed(workforce)) => workforce.peak(),
            (Model::Closed(_), Self::Open(..)) => 1,
        };
        let max_calls = budget_limit(&scenario.budget, billed);
        LoadLimits { concurrency, max_rate: scenario.load.max_rate, max_calls, stop_on_denied: billed }
    }

    /// What only a session on it knows of a run: its length, why it stopped, and what it used of the machine. A run that was not cut short
    /// lasts as long as it was meant to, even if its last stage is a pause.
    pub fn facts(&self, session: &LoadSession, ended: &EndedSession<ThreadUsage>, called: Called) -> RunFacts {
        let stop = session.admission().stopped().map_or(Stop::Completed, stop_of);
        let meant = if stop == Stop::Completed { self.length().saturating_sub(session.from()) } else { Duration::ZERO };
        RunFacts {
            scheduled: self.scheduled(),
            elapsed_us: Some(floor_us(ended.elapsed().max(meant))),
            stop,
            cpu: ended.cpu(),
            harness: ended.harness(),
            called,
            unexpected: ended.unexpected(),
            merged: None,
            held_back_us: floor_us(ended.held_back()),
            server_clock: None,
            joined_us: ended.joined().map(floor_us),
            of_shards: false,
            segments: Vec::new(),
        }
    }

    /// One thread's work on it: calls as `mix` composes them, samples to `hand_over`, which empties the batch and says whether to go on.
    pub fn drive<F>(&self, mix: RequestMix, hand_over: F) -> Drive<F>
    where
        F: FnMut(&mut Batch) -> bool,
    {
        Drive { workload: self.clone(), mix, hand_over }
    }
}

const fn stop_of(cause: StopCause) -> Stop {
    match cause {
        StopCause::Interrupted => Stop::Interrupted,
        StopCause::BudgetCalls => Stop::BudgetCalls,
        StopCause::BudgetSpend => Stop::BudgetSpend,
        StopCause::AccessDenied => Stop::AccessDenied,
        StopCause::SinkFailed => Stop::DiskFull,
    }
}

/// Calls that the budget allows; `None` without one. Dollars count where calls are `billed`.
pub fn calls_budget(budget: &Budget, billed: bool) -> Option<u64> {
    budget_limit(budget, billed).map(|(calls, _)| calls)
}

/// The tighter of the two budgets; dollars count only where calls cost any.
fn budget_limit(budget: &Budget, billed: bool) -> Option<(u64, StopCause)> {
    let calls = budget.max_calls.map(|calls| (calls, StopCause::BudgetCalls));
    let dollars = billed.then(|| (affordable_calls(budget.max_spend_usd), StopCause::BudgetSpend));
    [calls, dollars].into_iter().flatten().min_by_key(|(calls, _)| *calls)
}

/// One thread's work on a [`Workload`].
#[derive(Debug)]
pub struct Drive<F> {
    workload: Workload,
    mix: RequestMix,
    hand_over: F,
}

impl<F: FnMut(&mut Batch) -> bool> Work for Drive<F> {
    type Output = ThreadUsage;

    async fn run<C: Client>(self, thread: LoadThread, client: &C) -> ThreadUsage {
        let outbox = Outbox::new(thread.index, self.hand_over).beginning(thread.from);
        let held_back = match &self.workload {
            Workload::Open(schedule, overflow) => {
                let arrivals = OpenArrivals { schedule, overflow: *overflow };
                drive_open(&thread, client, arrivals, self.mix, outbox).await;
                Duration::ZERO
            }
            Workload::Closed(workforce) => drive_closed(&thread, client, workforce, self.mix, outbox).await,
        };
        ThreadUsage::so_far(client, held_back)
    }
}
