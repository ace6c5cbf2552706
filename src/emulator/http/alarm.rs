//! Waits until an instant, to within tens of microseconds.
//!
//! One kernel timer a server wakes a heap of deadlines: tokio's own timers round up to whole milliseconds, which would add
//! half a millisecond to every latency served.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::timer::{Deadlines, Timer};

/// A handle to the server's alarm.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    waiting: Arc<Mutex<Waiting>>,
    /// One instant on both clocks. Read once, so that what is due at the same instant, as after a stall, goes off in the order of its
    /// setting; in this order, so that the time between the two readings makes it late, never early.
    base: (Instant, Duration),
}

impl Default for Alarm {
    fn default() -> Self {
        Self { waiting: Arc::default(), base: (Instant::now(), Timer::now()) }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    /// On the timer's clock; equal ones go off in the order in which they were set.
    deadlines: Deadlines<oneshot::Sender<()>>,
    ringer: Option<Waker>,
}

impl Alarm {
    /// Waits until `deadline`. It goes off only while [`Alarm::ring`] runs.
    pub(super) async fn until(&self, deadline: Instant) {
        if deadline > Instant::now() {
            let (instant, timer) = self.base;
            // The sender is dropped unsent only when the whole server is.
            drop(self.enter(timer + deadline.saturating_duration_since(instant)).await);
        }
    }

    fn enter(&self, at: Duration) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut waiting = self.waiting();
        let first = waiting.deadlines.push(at, wake);
        if first && let Some(ringer) = waiting.ringer.take() {
            ringer.wake();
        }
        woken
    }

    /// Wakes whoever is due, until dropped. Fails only with the kernel's timer.
    pub(super) async fn ring(&self, mut timer: Timer) -> io::Result<()> {
        poll_fn(|cx| {
            loop {
                let first = {
                    let mut waiting = self.waiting();
                    waiting.ringer = Some(cx.waker().clone());
                    waiting.deadlines.first().map(|(at, _)| at)
                };
                let Some(at) = first else { return Poll::Pending };
                ready!(timer.poll_at(at, cx))?;
                self.wake_due();
            }
        })
        .await
    }

    fn wake_due(&self) {
        let now = Timer::now();
        let mut waiting = self.waiting();
        while waiting.deadlines.first().is_some_and(|(at, _)| at <= now) {
            if let Some(wake) = waiting.deadlines.pop() {
                // Whoever gave up waiting is not there to be woken.
                let _ = wake.send(());
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every wait ends, none before its instant, and equal or past deadlines do not get in each other's way.
    #[tokio::test]
    async fn never_early() {
        let alarm = Alarm::default();
        let start = Instant::now();
        let waits = (0..200u64).map(|n| {
            let deadline = start + Duration::from_micros(n * 7919 % 5000);
            let alarm = alarm.clone();
            async move {
                alarm.until(deadline).await;
                assert!(Instant::now() >= deadline);
            }
        });
        tokio::select! {
            _ = futures_util::future::join_all(waits) => {}
            end = alarm.ring(Timer::new().unwrap()) => panic!("the alarm stopped: {end:?}"),
        }
    }

    /// A wait that was given up leaves the others alone, and one set while the alarm waits for a later one is not late for it.
    #[tokio::test]
    async fn given_up_and_overtaken() {
        let alarm = Alarm::default();
        let ringing = alarm.clone();
        let ringer = tokio::spawn(async move { ringing.ring(Timer::new().unwrap()).await });
        let far = Instant::now() + Duration::from_mins(50);
        let mut later = Box::pin(alarm.until(far));
        assert!(tokio::time::timeout(Duration::ZERO, &mut later).await.is_err());
        tokio::task::yield_now().await;
        let soon = Instant::now() + Duration::from_micros(300);
        drop(tokio::time::timeout(Duration::ZERO, alarm.until(soon)).await);
        alarm.until(soon).await;
        assert!(Instant::now() >= soon && Instant::now() < far);
        assert!(tokio::time::timeout(Duration::ZERO, &mut later).await.is_err());
        ringer.abort();
    }
}
