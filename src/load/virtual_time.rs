//! Virtual time: the same futures on a clock that jumps from event to event.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::Pacer;

/// Remembers that somebody was woken.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` to its end on a virtual pacer. `None` when everything waits for something that is not in the pacer's queue, which
/// would be waiting for ever.
pub fn run_virtual<F: Future>(pacer: &Pacer, work: F) -> Option<F::Output> {
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&flag));
    let mut cx = Context::from_waker(&waker);
    // Inside a tokio runtime its semaphores would stop answering after 128 operations, until a scheduler that never gets its turn here
    // renews the budget.
    let mut work = pin!(tokio::task::unconstrained(work));
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut cx) {
            return Some(output);
        }
        if flag.0.swap(false, Ordering::Relaxed) {
            continue;
        }
        let at = pacer.earliest()?;
        pacer.jump(at);
        pacer.fire(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A day passes at once, instants are exact, and a wait without end is noticed.
    #[test]
    fn jumps_from_event_to_event() {
        let pacer = Pacer::virtual_time();
        let day = Duration::from_secs(86_400);
        let seen = run_virtual(&pacer, async {
            pacer.until(day + Duration::from_nanos(1)).await;
            pacer.now()
        });
        assert_eq!(seen, Some(day + Duration::from_nanos(1)));
        assert_eq!(run_virtual(&pacer, std::future::pending::<()>()), None);
    }

    /// Waiters of one instant go on in the order in which they came.
    #[test]
    fn ties_keep_their_order() {
        let pacer = Pacer::virtual_time();
        let order = std::cell::RefCell::new(Vec::new());
        let wait = async |name| {
            pacer.until(Duration::from_secs(1)).await;
            order.borrow_mut().push(name);
        };
        run_virtual(&pacer, futures_util::future::join_all(["a", "b", "c"].map(wait)));
        assert_eq!(*order.borrow(), ["a", "b", "c"]);
    }
}
