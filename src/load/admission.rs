//! What every call must pass before it is sent, on whichever core: room, `max_rate`, budget; and the one stop signal.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::rate_cap::RateCap;
use crate::units::Rate;

/// Why a run stopped before its schedule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// Somebody asked for it.
    Interrupted,
    /// `max_calls` were sent.
    BudgetCalls,
    /// `max_spend_usd` would be exceeded.
    BudgetSpend,
    /// The service denied access or did not accept key, signature or token; every further call would be denied too.
    AccessDenied,
    /// The results could not be written any more.
    SinkFailed,
}

/// The bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadLimits {
    /// Calls in flight at most, over all cores.
    pub concurrency: usize,
    /// Calls per second at most.
    pub max_rate: Option<Rate>,
    /// Calls sent at most, and what to call it when they are.
    pub max_calls: Option<(u64, StopCause)>,
    /// Whether the first denied call stops the run.
    pub stop_on_denied: bool,
}

/// The bounds of a run at work, shared by all cores.
#[derive(Debug)]
pub struct Admission {
    room: Arc<Semaphore>,
    rate_cap: Option<RateCap>,
    calls_left: AtomicU64,
    exhausted: StopCause,
    sequence: AtomicU64,
    stop_on_denied: bool,
    stop: watch::Sender<Option<StopCause>>,
    /// Whether answers are waited for no longer.
    given_up: watch::Sender<bool>,
}

/// Leave to have one more call in flight; given back when dropped.
pub(super) type Permit = OwnedSemaphorePermit;

impl Admission {
    /// Admission with all its room and budget left.
    pub fn new(limits: LoadLimits) -> Self {
        let (calls_left, exhausted) = limits.max_calls.unwrap_or((u64::MAX, StopCause::BudgetCalls));
        Self {
            room: Arc::new(Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS))),
            rate_cap: limits.max_rate.and_then(RateCap::new),
            calls_left: AtomicU64::new(calls_left),
            exhausted,
            sequence: AtomicU64::new(0),
            stop_on_denied: limits.stop_on_denied,
            stop: watch::Sender::new(None),
            given_up: watch::Sender::new(false),
        }
    }

    /// Stops the run: nothing is sent any more, answers are waited for. The first cause stands.
    pub fn stop(&self, cause: StopCause) {
        self.stop.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert(cause);
            first
        });
    }

    /// Why the run stopped, if it did.
    pub fn stopped(&self) -> Option<StopCause> {
        *self.stop.borrow()
    }

    /// Stops the run if a denied call shall.
    pub(super) fn denied(&self) {
        if self.stop_on_denied {
            self.stop(StopCause::AccessDenied);
        }
    }

    /// A future that ends when the run is stopped.
    pub fn signal(&self) -> StopSignal {
        StopSignal::new(&self.stop, Option::is_some)
    }

    /// Waits for answers no longer. Calls in flight then have no end that anybody saw.
    pub fn give_up(&self) {
        self.given_up.send_replace(true);
    }

    /// A future that ends when answers are waited for no longer.
    pub(super) fn given_up(&self) -> StopSignal {
        StopSignal::new(&self.given_up, |given_up| *given_up)
    }

    /// A permit, if there is room.
    pub(super) fn try_permit(&self) -> Option<Permit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// A permit when there is room, in the order of asking.
    pub(super) fn permit(&self) -> Pin<Box<dyn Future<Output = Option<Permit>>>> {
        let room = Arc::clone(&self.room);
        Box::pin(async move { room.acquire_owned().await.ok() })
    }

    /// Whether `max_rate` lets a call go at `now`; if not, when it would.
    pub(super) fn check_rate(&self, now: Duration) -> Result<(), Duration> {
        self.rate_cap.as_ref().map_or(Ok(()), |rate_cap| rate_cap.check(now))
    }

    /// Takes one call from the budget; stops the run when nothing is left.
    pub(super) fn spend(&self) -> bool {
        let spent = self.calls_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if !spent {
            self.stop(self.exhausted);
        }
        spent
    }

    /// The next number of a call that no schedule numbers.
    pub(super) fn next_seq(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }
}

/// The future of [`Admission::signal`].
pub struct StopSignal {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whether anything was said since it was made: a driver asks at every turn, and this takes no lock.
    said: Box<dyn Fn() -> bool + Send>,
    /// Whom the future wakes.
    waits: Option<Waker>,
}

impl StopSignal {
    fn new<T: Send + Sync + 'static>(of: &watch::Sender<T>, over: fn(&T) -> bool) -> Self {
        let (mut until, since) = (of.subscribe(), of.subscribe());
        Self {
            // A closed channel cannot be: admission outlives every driver. If it were, stopping is the safe reading.
            future: Box::pin(async move { drop(until.wait_for(over).await) }),
            said: Box::new(move || since.has_changed().unwrap_or(true)),
            waits: None,
        }
    }

    pub(super) fn poll_now(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waits.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) && !(self.said)() {
            return Poll::Pending;
        }
        let polled = self.future.as_mut().poll(cx);
        self.waits = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}

impl Future for StopSignal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().poll_now(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The budget lets exactly its calls through and then stops the run with its own name; a later cause does not replace it.
    #[test]
    fn budget_stops_once() {
        let limits =
            LoadLimits { concurrency: 1, max_rate: None, max_calls: Some((3, StopCause::BudgetSpend)), stop_on_denied: false };
        let admission = Admission::new(limits);
        assert_eq!((0..10).filter(|_| admission.spend()).count(), 3);
        admission.stop(StopCause::Interrupted);
        assert_eq!(admission.stopped(), Some(StopCause::BudgetSpend));
    }
}
