//! The open driver: arrivals never wait for answers.
//!
//! One future owns the calls in flight. In turn it launches a call that is due, takes in a call that has ended, and hands over what
//! it knows, so that neither a storm of answers nor a storm of due calls keeps the other waiting.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream as _};

use super::PreparedCall;
use super::admission::{Admission, Permit, StopSignal};
use super::outbox::Outbox;
use super::pacer::{Pacer, Until};
use super::pool::LoadThread;
use super::request_mix::RequestMix;
use crate::client::outcome::Outcome;
use crate::client::{Answer, Client};
use crate::record::sample::{Batch, Sample};
use crate::scenario::Overflow;
use crate::schedule::Schedule;

/// A call that the harness itself (not a full room with `overflow = "wait"`) makes later than this is missed rather than sent: after
/// a stall of our own, what has piled up must not arrive as a burst that trips a quota. What is due at one instant is a burst already:
/// once its first call has been sent in time, the rest follows, however long the sending takes.
// measured: the longest pause of a busy machine of two cores in fourteen self-tests was 108 ms; shorter ones are repaid.
pub(super) const CATCH_UP: Duration = Duration::from_millis(100);

/// A harness that is later than this by its own fault does not repay what has piled up at once either, whatever becomes of full rooms:
/// each call follows the one before it at half their distance in the schedule, until it is on time again.
// measured: an ordinary wake-up is 171 us late at the 99th percentile (self-test, SDK and timer, 5000/s). Thirty times that is a stall.
const PILE_UP: Duration = Duration::from_millis(5);

/// What an open driver obeys.
#[derive(Debug, Clone, Copy)]
pub struct OpenArrivals<'a> {
    /// The whole schedule, of which a thread makes its part.
    pub schedule: &'a Schedule,
    /// What happens to a call that finds no room.
    pub overflow: Overflow,
}

/// Makes one thread's part of the schedule, every `threads`-th call, and returns when the last answer is in.
pub async fn drive_open<T, F>(thread: &LoadThread, client: &T, arrivals: OpenArrivals<'_>, mix: RequestMix, outbox: Outbox<F>)
where
    T: Client,
    F: FnMut(&mut Batch) -> bool,
{
    let pacer = &thread.pacer;
    let mine = mix.plan().dues(arrivals.schedule).skip(thread.index).step_by(thread.threads.max(1));
    let make = |call: PreparedCall, permit: Permit| async move { (call.call(client, pacer).await, permit) };
    let mut driver = OpenDriver {
        dues: mine,
        next: None,
        alarm: pacer.until(Duration::ZERO),
        flush: pacer.until(outbox.next_flush()),
        stop: thread.admission.signal(),
        given_up: thread.admission.given_up(),
        queue: None,
        joined: pacer.now(),
        last_due: None,
        room_at: Duration::ZERO,
        repaid: None,
        flights: FuturesUnordered::new(),
        make,
        overflow: arrivals.overflow,
        pacer,
        admission: &thread.admission,
        mix,
        outbox,
    };
    driver.advance();
    poll_fn(|cx| driver.poll(cx)).await;
}

type Queue = Pin<Box<dyn Future<Output = Option<Permit>>>>;

struct OpenDriver<'a, D, M, C, F> {
    dues: D,
    /// The next call, and when it is due.
    next: Option<(u64, Duration)>,
    alarm: Until,
    flush: Until,
    stop: StopSignal,
    /// Asked once nothing more is sent; then what is in flight is dropped.
    given_up: StopSignal,
    /// Waiting for a permit, with `overflow = "wait"`.
    queue: Option<Queue>,
    /// When this thread was ready: 0, but where it joins a run that others have begun, or takes up one that was cut off. What was due before is missed.
    joined: Duration,
    /// When the last call that was sent was due.
    last_due: Option<Duration>,
    /// When a call that had waited for a permit got it: nobody was late by his own fault before.
    room_at: Duration,
    /// When the last of the late calls was to be sent, while they are repaid.
    repaid: Option<Duration>,
    flights: FuturesUnordered<C>,
    make: M,
    overflow: Overflow,
    pacer: &'a Pacer,
    admission: &'a Admission,
    mix: RequestMix,
    outbox: Outbox<F>,
}

impl<D, M, C, F> OpenDriver<'_, D, M, C, F>
where
    D: Iterator<Item = (u64, Duration)>,
    M: Fn(PreparedCall, Permit) -> C,
    C: Future<Output = (Sample, Permit)>,
    F: FnMut(&mut Batch) -> bool,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.next.is_some() && self.stop.poll_now(cx).is_ready() {
                (self.next, self.queue) = (None, None);
            }
            if self.next.is_none() && !self.flights.is_empty() && self.given_up.poll_now(cx).is_ready() {
                self.flights.clear();
            }
            let mut moved = self.poll_launch(cx);
            moved |= self.poll_landing(cx);
            moved |= self.poll_flush(cx);
            if self.next.is_none() && self.flights.is_empty() {
                self.outbox.finish(self.pacer.now());
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
    }

    /// Moves on to the next call of the schedule.
    fn advance(&mut self) {
        self.next = self.dues.next();
        if let Some((_, due)) = self.next {
            self.alarm = self.pacer.until(due);
        }
    }

    /// After a call that was sent: the next one waits for its time, or for its turn among those that are late.
    fn advance_after(&mut self, sent_due: Duration, now: Duration) {
        self.advance();
        let Some((_, due)) = self.next else { return };
        let behind = now.saturating_sub(due.max(self.room_at));
        let turn = self.repaid.or((behind > PILE_UP).then_some(now)).map(|last| last + due.saturating_sub(sent_due) / 2);
        self.repaid = turn.filter(|turn| *turn > due.max(self.room_at));
        if let Some(turn) = self.repaid {
            self.alarm = self.pacer.until(turn);
        }
    }

    /// Launches the next call if it is due; whether anything happened.
    fn poll_launch(&mut self, cx: &mut Context<'_>) -> bool {
        let Some((k, due)) = self.next else { return false };
        if self.alarm.poll_now(cx).is_pending() {
            return false;
        }
        let Poll::Ready(permit) = self.poll_permit(due, cx) else { return false };
        self.outbox.offered(due);
        // A spinning pacer wakes shortly before.
        let now = self.pacer.now().max(due);
        let wanted = match permit {
            None => self.refuse(k, due, Outcome::Missed),
            Some(_) if self.admission.check_rate(now).is_err() => self.refuse(k, due, Outcome::Capped),
            Some(_) if !self.admission.spend() => false,
            Some(permit) => {
                let call = self.mix.compose(k, due, now);
                self.outbox.sent(now);
                self.last_due = Some(due);
                self.flights.push((self.make)(call, permit));
                self.advance_after(due, now);
                return true;
            }
        };
        if wanted {
            self.advance();
        } else {
            self.next = None;
        }
        true
    }

    /// A permit, `None` if the call is missed; pending while it waits for one.
    fn poll_permit(&mut self, due: Duration, cx: &mut Context<'_>) -> Poll<Option<Permit>> {
        match self.overflow {
            _ if due < self.joined => Poll::Ready(None),
            Overflow::Miss if self.last_due != Some(due) && self.pacer.now() > due + CATCH_UP => Poll::Ready(None),
            Overflow::Miss => Poll::Ready(self.admission.try_permit()),
            Overflow::Wait => {
                let admission = self.admission;
                let waited = self.queue.is_some();
                let permit = self.queue.get_or_insert_with(|| admission.permit()).as_mut().poll(cx);
                if permit.is_ready() {
                    self.queue = None;
                    self.room_at = if waited { self.pacer.now() } else { self.room_at };
                }
                permit
            }
        }
    }

    fn refuse(&mut self, k: u64, due: Duration, outcome: Outcome) -> bool {
        let call = self.mix.blank(k, due);
        self.outbox.unsent(&call.unsent(Answer::without_reply(outcome)))
    }

    /// Takes in a call that has ended; whether there was one.
    fn poll_landing(&mut self, cx: &mut Context<'_>) -> bool {
        let Poll::Ready(Some((sample, _permit))) = Pin::new(&mut self.flights).poll_next(cx) else { return false };
        if sample.answer.refuses_caller() {
            self.admission.denied();
        }
        self.mix.learn(&sample);
        if !self.outbox.landed(&sample) {
            self.next = None;
        }
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> bool {
        if self.flush.poll_now(cx).is_pending() {
            return false;
        }
        let next_due = self.next.map_or(Duration::MAX, |(_, due)| due);
        if !self.outbox.flush(self.pacer.now(), next_due) {
            self.next = None;
        }
        self.flush = self.pacer.until(self.outbox.next_flush());
        true
    }
}
