//! The threads that drive load: one a core, each with a tokio runtime of its own.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use thiserror::Error;
use tokio::sync::oneshot;

use super::admission::Admission;
use super::pacer::{Pacer, StartInstant};
use super::watch::{ThreadDesk, Waited};

/// Why a core could not do its work.
#[derive(Debug, Error)]
pub enum PoolError {
    /// No thread, no runtime or no timer to be had.
    #[error("core {core} could not start: {source}")]
    Start {
        /// The core's number.
        core: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A core ended without a word.
    #[error("core {0} ended unexpectedly; please report this")]
    Lost(usize),
}

/// What one of the threads that drive load works with.
#[derive(Debug)]
pub struct LoadThread {
    /// Its number, from 0.
    pub index: usize,
    /// How many threads share the load.
    pub threads: usize,
    /// Its clock.
    pub pacer: Pacer,
    /// What the clock shows at the start: 0, or where a run that was cut off is taken up.
    pub from: Duration,
    /// What all threads' calls must pass.
    pub admission: Arc<Admission>,
}

/// How a thread's work went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Joined<R> {
    /// What the work returned.
    pub output: R,
    /// CPU time of the thread from the start of the run.
    pub busy: Duration,
    /// Time that the thread could have run and had no core, and how often it had to wait; `None` where the system does not say.
    pub waited: Option<Waited>,
    /// Length of the run as this thread saw it.
    pub elapsed: Duration,
}

/// Threads at work; [`LoadThreads::join`] waits for them.
#[must_use = "threads must be joined"]
#[derive(Debug)]
pub(super) struct LoadThreads<R> {
    threads: Vec<Worker<R>>,
}

/// A thread, and where it says how it ended.
type Worker<R> = (JoinHandle<()>, oneshot::Receiver<io::Result<Joined<R>>>);

/// How many threads there shall be, and what they share.
#[derive(Debug, Clone)]
pub(super) struct Crew {
    pub(super) threads: usize,
    pub(super) start: StartInstant,
    /// What their clocks show then.
    pub(super) from: Duration,
    /// Whether their pacers stay awake before each instant.
    pub(super) spin: bool,
    pub(super) admission: Arc<Admission>,
    /// Where each thread hands in what the system says of it.
    pub(super) desk: ThreadDesk,
}

/// Runs `work` on the threads of a crew. Each is called on its own thread before the start of the run, so that it can make ready; its
/// future is then driven on a runtime of one thread.
pub(super) fn spawn<W, Fut>(crew: &Crew, work: W) -> Result<LoadThreads<Fut::Output>, PoolError>
where
    W: Fn(LoadThread) -> Fut + Send + Sync + 'static,
    Fut: Future,
    Fut::Output: Send + 'static,
{
    let work = Arc::new(work);
    let mut pool = LoadThreads { threads: Vec::with_capacity(crew.threads) };
    for index in 0..crew.threads {
        let (tell, told) = oneshot::channel();
        let (crew, work) = (crew.clone(), Arc::clone(&work));
        let body = move || drop(tell.send(run(index, crew, &*work)));
        let thread = thread::Builder::new().name(format!("load-{index}")).spawn(body);
        let thread = thread.map_err(|source| PoolError::Start { core: index, source })?;
        pool.threads.push((thread, told));
    }
    Ok(pool)
}

fn run<W, Fut>(index: usize, crew: Crew, work: &W) -> io::Result<Joined<Fut::Output>>
where
    W: Fn(LoadThread) -> Fut,
    Fut: Future,
{
    crew.desk.sign_in(index);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // The driver and the sockets get their turn every few polls of a connection instead of every 61: after a stall hundreds of answers
    // come at once, and reading the last must not delay the `done` of the first. A spinning core is never idle, so it needs this too.
    // derived: a poll of a connection takes some 20 us (bench `cost`), so eight delay a `done` by less than 0.2 ms.
    builder.event_interval(8);
    let runtime = builder.enable_all().build()?;
    let pacer = crew.start.pacer();
    let thread = LoadThread { index, threads: crew.threads, pacer: pacer.clone(), from: crew.from, admission: crew.admission };
    runtime.block_on(async {
        let future = work(thread);
        let (before, waited_before) = (clock_gettime(ClockId::ThreadCPUTime), Waited::so_far());
        let output = pacer.keep(crew.spin, future).await?;
        let busy = clock_gettime(ClockId::ThreadCPUTime) - before;
        let waited = Waited::so_far().zip(waited_before).map(|(now, before)| now.since(before));
        Ok(Joined { output, busy: busy.try_into().unwrap_or_default(), waited, elapsed: pacer.now().saturating_sub(crew.from) })
    })
}

impl<R> LoadThreads<R> {
    /// Waits for every thread, in their order.
    pub(super) async fn join(self) -> Result<Vec<Joined<R>>, PoolError> {
        let mut ended = Vec::with_capacity(self.threads.len());
        for (core, (thread, told)) in self.threads.into_iter().enumerate() {
            let result = told.await.map_err(|_| PoolError::Lost(core))?;
            thread.join().map_err(|_| PoolError::Lost(core))?;
            ended.push(result.map_err(|source| PoolError::Start { core, source })?);
        }
        Ok(ended)
    }
}
