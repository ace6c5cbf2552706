//! One stretch of load from its first call to its last answer: the threads, their clock and what every call must pass.
//!
//! A session does not know what its threads do: a scenario's load ([`Drive`](super::Drive)), a probe's experiments. It runs the same
//! [`Work`] on the kernel's clock ([`LoadSession::spawn`]) and in virtual time ([`LoadSession::simulate`]). Refuses to know of files, of
//! commands and of where the calls go: it is handed a client and a function that takes the samples.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::admission::{Admission, LoadLimits};
use super::machine::{Before, MachineUse, ThreadUsage};
use super::open::CATCH_UP;
use super::pacer::{Pacer, StartInstant};
use super::pool::{self, Crew, Joined, LoadThread, LoadThreads, PoolError};
use super::run_virtual;
use super::watch::Watches;
use crate::client::{Client, UnexpectedAnswer};
use crate::scenario::Pacing;
use crate::summary::{CpuUse, Harness};

/// Time for every thread to be ready before the first call.
const LEAD: Duration = Duration::from_millis(100);

/// How often it is looked at what may run out.
// derived: a call that waits for a second is seen ten times; counting 1,000 files takes about 0.2 ms of a thread that only waits
const LOOK: Duration = Duration::from_millis(100);

/// What one thread of a session does.
pub trait Work {
    /// What it leaves behind.
    type Output;

    /// Does it, with a client of this thread, and returns when the last answer is in.
    fn run<C: Client>(self, thread: LoadThread, client: &C) -> impl Future<Output = Self::Output>;
}

/// The bounds of one stretch of load, and the threads that keep them.
#[derive(Debug)]
pub struct LoadSession {
    admission: Arc<Admission>,
    threads: usize,
    pacing: Pacing,
    /// What the clock shows at the start.
    from: Duration,
}

impl LoadSession {
    /// A session of one thread within these limits.
    pub fn new(limits: LoadLimits) -> Self {
        Self { admission: Arc::new(Admission::new(limits)), threads: 1, pacing: Pacing::Timer, from: Duration::ZERO }
    }

    /// The same on so many threads with this pacing. In virtual time there is one thread whatever is said here.
    #[must_use]
    pub fn on_threads(self, threads: usize, pacing: Pacing) -> Self {
        Self { threads, pacing, ..self }
    }

    /// The same with a clock that begins at `from` instead of 0: it takes up a run that was cut off there.
    #[must_use]
    pub fn taken_up(self, from: Duration) -> Self {
        Self { from, ..self }
    }

    /// What every call must pass; who holds it may stop the session.
    pub const fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// What the clock shows at the start.
    pub(super) const fn from(&self) -> Duration {
        self.from
    }

    /// The instant at which threads that are spawned now shall start.
    pub fn start(&self) -> StartInstant {
        Pacer::starting_in(LEAD)
    }

    /// How long after its start a session begins that begins now; `None` if what was due meanwhile can be caught up with.
    pub fn late(start: StartInstant) -> Option<Duration> {
        Some(start.passed()).filter(|late| *late > CATCH_UP)
    }

    /// Begins in real time. `work` is called on each thread before the start, so that it can make its client.
    ///
    /// # Errors
    /// No thread is to be had.
    pub fn spawn<W, Fut>(&self, start: StartInstant, work: W) -> Result<Running<Fut::Output>, PoolError>
    where
        W: Fn(LoadThread) -> Fut + Send + Sync + 'static,
        Fut: Future,
        Fut::Output: Send + 'static,
    {
        let before = Before::read();
        let joined = Self::late(start);
        let spin = self.pacing == Pacing::Spin;
        let (watches, desk) = Watches::new();
        let start = start.showing(self.from);
        let crew = Crew { threads: self.threads, start, from: self.from, spin, admission: Arc::clone(&self.admission), desk };
        Ok(Running { threads: pool::spawn(&crew, work)?, before, watches, joined })
    }

    /// Runs from beginning to end in virtual time, in this thread, on the client that `connect` makes for its clock. `None` when all of it
    /// waits for something that is not in the clock's queue, which would be for ever.
    pub fn simulate<W: Work, C: Client>(&self, work: W, connect: impl FnOnce(&Pacer) -> C) -> Option<EndedSession<W::Output>> {
        let pacer = Pacer::virtual_from(self.from);
        let client = connect(&pacer);
        let thread =
            LoadThread { index: 0, threads: 1, pacer: pacer.clone(), from: self.from, admission: Arc::clone(&self.admission) };
        let output = run_virtual(&pacer, work.run(thread, &client))?;
        let joined = Joined { output, busy: Duration::ZERO, waited: None, elapsed: pacer.now().saturating_sub(self.from) };
        Some(EndedSession { threads: vec![joined], machine: None, joined: None })
    }
}

/// A session at work in real time.
#[must_use = "a session's threads must be joined"]
#[derive(Debug)]
pub struct Running<R> {
    threads: LoadThreads<R>,
    before: Before,
    watches: Watches,
    joined: Option<Duration>,
}

impl<R> Running<R> {
    /// Waits for every thread.
    ///
    /// # Errors
    /// A thread could not start, or ended without a word.
    pub async fn join(self) -> Result<EndedSession<R>, PoolError> {
        let Self { threads, before, mut watches, joined: late } = self;
        let mut joined = std::pin::pin!(threads.join());
        let mut look = tokio::time::interval(LOOK);
        let threads = loop {
            tokio::select! {
                threads = &mut joined => break threads?,
                _ = look.tick() => watches.look(),
            }
        };
        let machine = before.until_now(&threads).at_worst(watches.peaks(threads.len()));
        Ok(EndedSession { threads, machine: Some(machine), joined: late })
    }
}

/// A session that has come to its end.
#[derive(Debug)]
pub struct EndedSession<R> {
    /// How each thread's work went, in their order.
    pub threads: Vec<Joined<R>>,
    /// `None` in virtual time, which uses no machine.
    machine: Option<MachineUse>,
    /// How long after the start it began, if that is later than a call may be.
    joined: Option<Duration>,
}

impl<R> EndedSession<R> {
    /// From the start to the end of the last thread.
    pub fn elapsed(&self) -> Duration {
        self.threads.iter().map(|thread| thread.elapsed).max().unwrap_or_default()
    }

    /// How long after the start it began; `None` if it was there in time for the first call.
    pub const fn joined(&self) -> Option<Duration> {
        self.joined
    }

    /// What the threads leave behind, in their order.
    pub fn outputs(self) -> impl Iterator<Item = R> {
        self.threads.into_iter().map(|thread| thread.output)
    }
}

impl<R, E> EndedSession<Result<R, E>> {
    /// The same, if every thread's work could be done.
    ///
    /// # Errors
    /// The first thread's reason that has one.
    pub fn sound(self) -> Result<EndedSession<R>, E> {
        let sound = |thread: Joined<Result<R, E>>| {
            let Joined { output, busy, waited, elapsed } = thread;
            Ok(Joined { output: output?, busy, waited, elapsed })
        };
        let threads = self.threads.into_iter().map(sound).collect::<Result<_, E>>()?;
        Ok(EndedSession { threads, machine: self.machine, joined: self.joined })
    }
}

impl EndedSession<ThreadUsage> {
    /// The harness's own CPU; `None` in virtual time.
    pub fn cpu(&self) -> Option<CpuUse> {
        self.machine.as_ref().map(|machine| machine.cpu)
    }

    /// The first answer of any thread that the service's model does not know.
    pub fn unexpected(&self) -> Option<UnexpectedAnswer> {
        self.threads.iter().find_map(|thread| thread.output.unexpected.clone())
    }

    /// How long the workers of all threads held back, since nobody answered.
    pub fn held_back(&self) -> Duration {
        self.threads.iter().map(|thread| thread.output.held_back).sum()
    }

    /// What the machine did to the harness, and the harness to the machine; `None` in virtual time.
    pub fn harness(&self) -> Option<Harness> {
        let used = || self.threads.iter().map(|thread| &thread.output);
        let machine = self.machine.as_ref()?;
        Some(Harness {
            connections_opened: used().map(|used| used.connections).sum(),
            files_open: used().filter_map(|used| used.files).max().max(machine.harness.files_open),
            ..machine.harness.clone()
        })
    }
}
