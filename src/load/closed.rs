//! The closed driver: workers that each wait for their answer, think, and call again.
//!
//! A worker is due when it is ready: after its answer and its think time, or when `max_rate` lets it go. One that nobody answers holds back
//! before it calls again: without that a closed port would be called as often as this machine can fail.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream as _};

use super::PreparedCall;
use super::admission::{Admission, StopSignal};
use super::outbox::Outbox;
use super::pacer::{Pacer, Until};
use super::pool::LoadThread;
use super::request_mix::RequestMix;
use crate::client::Client;
use crate::client::outcome::Outcome;
use crate::num::count;
use crate::record::sample::{Batch, Sample};
use crate::scenario::{Closed, WorkerStage};

/// How many workers there are at each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workforce {
    stages: Vec<WorkerStage>,
    think_time: Duration,
}

impl Workforce {
    /// The workforce of a closed model.
    pub fn new(closed: &Closed) -> Self {
        Self { stages: closed.stages.clone(), think_time: closed.think_time }
    }

    /// The most workers at any time.
    pub fn peak(&self) -> usize {
        self.stages.iter().map(|stage| stage.workers).max().unwrap_or(0)
    }

    /// How long there is work.
    pub fn length(&self) -> Duration {
        self.stages.iter().map(|stage| stage.length).sum()
    }

    /// The first instant from `at` on at which this worker is wanted, if there is one.
    fn wanted(&self, worker: usize, at: Duration) -> Option<Duration> {
        let mut start = Duration::ZERO;
        for stage in &self.stages {
            let end = start + stage.length;
            if worker < stage.workers && at < end {
                return Some(at.max(start));
            }
            start = end;
        }
        None
    }
}

/// The first time that a worker holds back.
// derived: a refused call takes 0.1 to 0.3 ms (13,918 calls of 2 workers in 2 s); a hundred a second leave the machine to others
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// The longest.
// derived: a row of the timeline: a service that comes back is found within one
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Whether a call may end at once, and the next one, too: nobody was reached, nobody stayed, or this machine had nothing left for it. Timeouts
/// take their time.
const fn ended_at_once(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::OtherTransport | Outcome::ConnectionLost | Outcome::Harness)
}

/// How long a worker holds back after so many such calls in a row. One alone may be a connection that was closed while it was idle, and
/// changes nothing; from the second on the wait doubles, as the clients of AWS do it (exponential, base 2). Each worker waits for a half to the
/// whole of it, by its number, so that they do not come back as one.
fn wait(in_a_row: u32, worker: usize) -> Duration {
    let Some(doublings) = in_a_row.checked_sub(2) else { return Duration::ZERO };
    // derived: 10 ms doubled seven times is beyond the longest wait
    let whole = (FIRST_WAIT * (1 << doublings.min(7))).min(LONGEST_WAIT);
    // source: Weyl 1916: the multiples of the golden ratio spread evenly over 0 to 1
    let place = (count(worker) * 0.618_033_988_749_895).fract();
    whole.mul_f64(f64::midpoint(1.0, place))
}

/// Runs one thread's workers, every `threads`-th, and returns when the last answer is in: how long they held back in all.
pub async fn drive_closed<T, F>(
    thread: &LoadThread,
    client: &T,
    workforce: &Workforce,
    mix: RequestMix,
    outbox: Outbox<F>,
) -> Duration
where
    T: Client,
    F: FnMut(&mut Batch) -> bool,
{
    let pacer = &thread.pacer;
    let make = |worker: usize, step: WorkerStep| async move {
        match step {
            WorkerStep::Wait(at) => {
                pacer.until(at).await;
                (worker, WorkerEvent::Ready(at))
            }
            WorkerStep::Call(call) => (worker, WorkerEvent::Answered(call.call(client, pacer).await)),
        }
    };
    let mut driver = ClosedDriver {
        workforce,
        flush: pacer.until(outbox.next_flush()),
        stop: Some(thread.admission.signal()),
        given_up: thread.admission.given_up(),
        steps: FuturesUnordered::new(),
        calls: 0,
        unheard: vec![0; workforce.peak()],
        held_back: Duration::ZERO,
        make,
        pacer,
        admission: &thread.admission,
        mix,
        outbox,
    };
    let (shard, joined) = (driver.mix.plan_shard(), pacer.now());
    let mine = (0..workforce.peak()).filter(|worker| shard.owns(*worker as u64));
    for worker in mine.skip(thread.index).step_by(thread.threads.max(1)) {
        driver.rest(worker, joined);
    }
    poll_fn(|cx| driver.poll(cx)).await;
    driver.held_back
}

/// What a worker does next.
enum WorkerStep {
    Wait(Duration),
    Call(PreparedCall),
}

/// What a worker has done.
#[allow(clippy::large_enum_variant)] // it lives for one poll, on the stack; a box would cost an allocation a call
enum WorkerEvent {
    Ready(Duration),
    Answered(Sample),
}

struct ClosedDriver<'a, M, C, F> {
    workforce: &'a Workforce,
    flush: Until,
    /// `None` once the run is stopped.
    stop: Option<StopSignal>,
    /// Asked once nothing more is sent; then what is in flight is dropped.
    given_up: StopSignal,
    steps: FuturesUnordered<C>,
    /// Steps that are calls in flight.
    calls: usize,
    /// By worker: calls in a row that ended at once.
    unheard: Vec<u32>,
    /// How long workers held back in all, beyond their think time.
    held_back: Duration,
    make: M,
    pacer: &'a Pacer,
    admission: &'a Admission,
    mix: RequestMix,
    outbox: Outbox<F>,
}

impl<M, C, F> ClosedDriver<'_, M, C, F>
where
    M: Fn(usize, WorkerStep) -> C,
    C: Future<Output = (usize, WorkerEvent)>,
    F: FnMut(&mut Batch) -> bool,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.stop.as_mut().is_some_and(|stop| stop.poll_now(cx).is_ready()) {
                self.stop = None;
            }
            if self.stop.is_none() && self.calls > 0 && self.given_up.poll_now(cx).is_ready() {
                self.steps.clear();
                self.calls = 0;
            }
            let moved = self.poll_step(cx) | self.poll_flush(cx);
            let idle = self.steps.is_empty() || (self.stop.is_none() && self.calls == 0);
            if idle {
                self.outbox.finish(self.pacer.now());
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> bool {
        let Poll::Ready(Some((worker, woke))) = Pin::new(&mut self.steps).poll_next(cx) else { return false };
        match woke {
            WorkerEvent::Ready(at) => self.start(worker, at),
            WorkerEvent::Answered(sample) => self.landed(worker, &sample),
        }
        true
    }

    /// A worker's answer is in.
    fn landed(&mut self, worker: usize, sample: &Sample) {
        self.calls -= 1;
        if sample.answer.refuses_caller() {
            self.admission.denied();
        }
        self.mix.learn(sample);
        if !self.outbox.landed(sample) {
            self.stop = None;
        }
        let ended = sample.done.unwrap_or_else(|| self.pacer.now());
        let longer = self.hold_back(worker, sample.outcome(), ended);
        self.rest(worker, ended + self.workforce.think_time + longer);
    }

    /// How much longer than its think time a worker waits, now that a call of it has ended.
    fn hold_back(&mut self, worker: usize, outcome: Outcome, ended: Duration) -> Duration {
        let Some(in_a_row) = self.unheard.get_mut(worker) else { return Duration::ZERO };
        *in_a_row = if ended_at_once(outcome) { in_a_row.saturating_add(1) } else { 0 };
        let longer = wait(*in_a_row, worker).saturating_sub(self.workforce.think_time);
        // Nobody waits beyond the end of the work.
        let left = self.workforce.length().saturating_sub(ended).saturating_sub(self.workforce.think_time);
        self.held_back += longer.min(left);
        longer
    }

    /// Lets a worker wait until it is ready and wanted; without either it goes home.
    fn rest(&mut self, worker: usize, ready: Duration) {
        if self.stop.is_some()
            && let Some(at) = self.workforce.wanted(worker, ready)
        {
            self.steps.push((self.make)(worker, WorkerStep::Wait(at)));
        }
    }

    /// Sends a worker's next call, which is due at `due`, unless something forbids it.
    fn start(&mut self, worker: usize, due: Duration) {
        let now = self.pacer.now().max(due);
        if self.stop.is_none() || self.workforce.wanted(worker, now) != Some(now) {
            return self.rest(worker, now);
        }
        if let Err(later) = self.admission.check_rate(now) {
            return self.rest(worker, later);
        }
        if !self.admission.spend() {
            self.stop = None;
            return;
        }
        let shard = self.mix.plan_shard();
        let number = self.mix.first_call() + self.admission.next_seq() * shard.of + shard.index;
        let call = self.mix.compose(number, due, now);
        self.outbox.offered(due);
        self.outbox.sent(now);
        self.calls += 1;
        self.steps.push((self.make)(worker, WorkerStep::Call(call)));
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> bool {
        if self.flush.poll_now(cx).is_pending() {
            return false;
        }
        if !self.outbox.flush(self.pacer.now(), Duration::MAX) {
            self.stop = None;
        }
        self.flush = self.pacer.until(self.outbox.next_flush());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first failure changes nothing; then waits double up to a second, each worker's somewhere in their second half.
    #[test]
    fn waits_double() {
        let whole_ms = [0, 0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000];
        for (in_a_row, whole_ms) in (0..).zip(whole_ms) {
            for worker in 0..50 {
                let (whole, wait) = (Duration::from_millis(whole_ms), wait(in_a_row, worker));
                assert!(wait <= whole && wait * 2 >= whole, "{in_a_row} {worker} {wait:?}");
            }
        }
        assert_eq!(wait(u32::MAX, 0), LONGEST_WAIT / 2);
        assert_ne!(wait(9, 1), wait(9, 2));
    }

    /// Workers come and go with the stages.
    #[test]
    fn workers_are_wanted_by_stage() {
        let stage = |secs, workers| WorkerStage { length: Duration::from_secs(secs), workers };
        let workforce = Workforce { stages: vec![stage(10, 1), stage(10, 3), stage(10, 2)], think_time: Duration::ZERO };
        let at = Duration::from_secs;
        assert_eq!(workforce.wanted(0, at(5)), Some(at(5)));
        assert_eq!(workforce.wanted(2, at(5)), Some(at(10)));
        assert_eq!(workforce.wanted(2, at(20)), None);
        assert_eq!(workforce.wanted(0, at(30)), None);
        assert_eq!((workforce.peak(), workforce.length()), (3, at(30)));
    }
}
