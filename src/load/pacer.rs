//! The one keeper of time: everything that waits in a driver waits here, on absolute instants.
//!
//! A pacer is a queue of instants and a source of time. In real time [`Pacer::keep`] sleeps on one kernel timer until the earliest of
//! them (and, with `pacing = "spin"`, stays awake for the last stretch); in virtual time the executor jumps to it. What waits cannot
//! tell the difference.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::timer::{Deadlines, Timer};

/// How long before an instant a spinning pacer stays awake: as long as this machine's timer has lately been late, and some more. Nobody
/// knows that beforehand: a wake-up takes 30 us on one machine and 200 us (99th percentile) on another. 150 us cost 3 % of a core at
/// 200/s.
#[derive(Debug, Clone, Copy)]
struct Spin {
    lead: Duration,
    /// The timer was armed, and what comes next is a wake-up.
    asleep: bool,
    /// The instant for which it stays awake.
    awake_for: Option<Duration>,
}

impl Spin {
    /// Before anything is known.
    // measured: between the wake-ups of a quick machine (30 us) and of a slow one (200 us at the 99th percentile).
    const FIRST: Duration = Duration::from_micros(150);
    /// The least, however quick the wake-ups are.
    // measured: a wake-up takes 30 us on the quickest machine seen; a third more.
    const SHORTEST: Duration = Duration::from_micros(40);
    /// The last stretch, in which not even the runtime gets its turn: one takes a microsecond or two.
    // derived: two turns of the runtime and what reading the clock takes.
    const LAST: Duration = Duration::from_micros(5);
    /// How long before its instant somebody is woken, to make ready what he will hand over: `hold` waits for the rest. Composing a
    /// call takes 2 to 6 us, the longer the more seldom it is done.
    // measured: composing takes 6 us at most; the rest is a turn of the runtime.
    const READY: Duration = Duration::from_micros(10);
    /// A wake-up that takes longer is a stall, and no spinning helps against those.
    // measured: twice the 99th percentile of a slow machine's wake-ups, 200 us.
    const LONGEST: Duration = Duration::from_micros(400);

    const fn new() -> Self {
        Self { lead: Self::FIRST, asleep: false, awake_for: None }
    }

    /// Learns from a wake-up that came so late. One that was later than expected counts at once; the others let the lead shrink by a
    /// hundredth, so that it stands about where one wake-up in a hundred lies.
    fn learn(&mut self, late: Duration) {
        // derived: with a quarter more, the lead falls below the late wake-up again only after 22 that were not late (1.25 x 0.99^22 = 1).
        let wanted = late + late / 4;
        let lead = if wanted > self.lead { wanted } else { self.lead.saturating_sub(self.lead / 100) };
        self.lead = lead.clamp(Self::SHORTEST, Self::LONGEST);
    }
}

/// A clock that counts from the start of the run, and a queue of those who wait for it. One for each core; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pacer {
    shared: Rc<PacerState>,
}

#[derive(Debug)]
struct PacerState {
    source: TimeSource,
    /// In the order of instants, then of arrival, so that virtual time is the same every time.
    queue: RefCell<Deadlines<Rc<Slot>>>,
    /// Who keeps the queue, to be told of an earlier instant.
    keeper: RefCell<Option<Waker>>,
    spin: Cell<Spin>,
    /// How long before their instant people are woken.
    ahead: Cell<Duration>,
}

#[derive(Debug)]
enum TimeSource {
    /// The monotonic clock's reading when this clock began, and what it showed then: 0, or where a run that was cut off is taken up. The run's
    /// own beginning may lie before the machine's, which the monotonic clock cannot show.
    Real {
        start: Duration,
        from: Duration,
    },
    Virtual {
        now: Cell<Duration>,
    },
}

/// Where one waiter leaves its waker; empty when nobody waits any more.
#[derive(Debug, Default)]
struct Slot {
    waker: RefCell<Option<Waker>>,
}

impl Pacer {
    /// A real clock that starts `lead` from now, so that everyone can be ready at 0.
    pub fn starting_in(lead: Duration) -> StartInstant {
        StartInstant { at: Timer::now() + lead, instant: Instant::now() + lead, from: Duration::ZERO }
    }

    /// A real clock that started `ago`: for who joins a run that others have begun.
    pub fn started(ago: Duration) -> StartInstant {
        // A machine that has been up for less than the run cannot have its start on its own clock: it starts at the boot.
        let now = Instant::now();
        let instant = now.checked_sub(ago).unwrap_or(now);
        StartInstant { at: Timer::now().saturating_sub(ago), instant, from: Duration::ZERO }
    }

    /// A virtual clock at 0.
    pub fn virtual_time() -> Self {
        Self::virtual_from(Duration::ZERO)
    }

    /// A virtual clock that begins at `from`.
    pub fn virtual_from(from: Duration) -> Self {
        Self::new(TimeSource::Virtual { now: Cell::new(from) })
    }

    fn new(source: TimeSource) -> Self {
        let shared = PacerState {
            source,
            queue: RefCell::default(),
            keeper: RefCell::new(None),
            spin: Cell::new(Spin::new()),
            ahead: Cell::new(Duration::ZERO),
        };
        Self { shared: Rc::new(shared) }
    }

    /// Time since the start of the run; 0 before it, or where it is taken up.
    pub fn now(&self) -> Duration {
        match &self.shared.source {
            TimeSource::Real { start, from } => *from + Timer::now().saturating_sub(*start),
            TimeSource::Virtual { now } => now.get(),
        }
    }

    /// Whether `at` has come, or is so near that whoever waits for it makes ready. Before the start of the run not even 0 has.
    fn reached(&self, at: Duration) -> bool {
        match &self.shared.source {
            TimeSource::Real { start, from } => {
                Timer::now() >= *start + at.saturating_sub(self.shared.ahead.get()).saturating_sub(*from)
            }
            TimeSource::Virtual { now } => now.get() >= at,
        }
    }

    /// The time at which something that is ready is handed over: now, or, spinning, `at` if that is a few microseconds ahead.
    pub(super) fn hold(&self, at: Duration) -> Duration {
        let latest = self.now() + self.shared.ahead.get();
        loop {
            let now = self.now();
            if now >= at || at > latest {
                return now;
            }
            std::hint::spin_loop();
        }
    }

    /// Waits until `at`, counted from the start of the run; with `pacing = "spin"` until just before, see `hold`. Never waits for
    /// an instant that has passed.
    pub fn until(&self, at: Duration) -> Until {
        Until { pacer: self.clone(), at, slot: None }
    }

    /// Runs `work` while keeping time for it. Fails only when the kernel refuses a timer.
    pub async fn keep<F: Future>(&self, spin: bool, work: F) -> io::Result<F::Output> {
        self.shared.ahead.set(if spin { Spin::READY } else { Duration::ZERO });
        let mut work = std::pin::pin!(work);
        let mut timer = Timer::new()?;
        poll_fn(|cx| {
            // Whoever is due goes at once rather than after a turn of the runtime; but only once, or a harness that is always behind
            // would never look at its sockets again.
            for _ in 0..2 {
                if let Poll::Ready(output) = work.as_mut().poll(cx) {
                    return Poll::Ready(Ok(output));
                }
                match self.poll_queue(spin, &mut timer, cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Ready when it has woken somebody who is due; otherwise the timer is armed for the next.
    fn poll_queue(&self, spin: bool, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let TimeSource::Real { start, from } = &self.shared.source else { return Poll::Pending };
        *self.shared.keeper.borrow_mut() = Some(cx.waker().clone());
        while let Some(at) = self.earliest() {
            if self.reached(at) {
                self.fire(self.now() + self.shared.ahead.get());
                return Poll::Ready(Ok(()));
            }
            let on_kernel = *start + at.saturating_sub(*from);
            let polled = if spin { self.poll_spin(at, on_kernel, timer, cx) } else { timer.poll_at(on_kernel, cx) };
            match polled {
                Poll::Pending => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
        }
        Poll::Pending
    }

    /// Sleeps until shortly before `at`, which the kernel's clock calls `on_kernel`, and stays awake from there; the runtime looks at its sockets
    /// in between.
    fn poll_spin(&self, at: Duration, on_kernel: Duration, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut spin = self.shared.spin.get();
        if spin.awake_for != Some(at) {
            let wake_at = on_kernel.saturating_sub(spin.lead);
            match timer.poll_at(wake_at, cx) {
                Poll::Pending => {
                    self.shared.spin.set(Spin { asleep: true, ..spin });
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if spin.asleep => spin.learn(Timer::now().saturating_sub(wake_at)),
                Poll::Ready(Ok(())) => {}
            }
            self.shared.spin.set(Spin { asleep: false, awake_for: Some(at), ..spin });
        }
        if !self.reached(at.saturating_sub(Spin::LAST)) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !self.reached(at) {
            std::hint::spin_loop();
        }
        Poll::Ready(Ok(()))
    }

    /// The earliest instant that somebody still waits for.
    pub(super) fn earliest(&self) -> Option<Duration> {
        let mut queue = self.shared.queue.borrow_mut();
        while let Some((at, slot)) = queue.first() {
            if slot.waker.borrow().is_some() {
                return Some(at);
            }
            queue.pop();
        }
        None
    }

    /// Moves virtual time to `at`; it never goes back. Real time moves by itself.
    pub(super) fn jump(&self, at: Duration) {
        if let TimeSource::Virtual { now } = &self.shared.source {
            now.set(now.get().max(at));
        }
    }

    /// Wakes everyone whose instant is not after `now`, in order.
    pub(super) fn fire(&self, now: Duration) {
        while self.earliest().is_some_and(|at| at <= now) {
            let slot = self.shared.queue.borrow_mut().pop();
            if let Some(waker) = slot.and_then(|slot| slot.waker.take()) {
                waker.wake();
            }
        }
    }

    fn register(&self, at: Duration) -> Rc<Slot> {
        let slot = Rc::new(Slot::default());
        let first = self.shared.queue.borrow_mut().push(at, Rc::clone(&slot));
        if first && let Some(keeper) = &*self.shared.keeper.borrow() {
            keeper.wake_by_ref();
        }
        slot
    }
}

/// The instant at which a run starts, to make the pacers of all cores from.
#[derive(Debug, Clone, Copy)]
pub struct StartInstant {
    at: Duration,
    instant: Instant,
    /// What the run's clock shows then.
    from: Duration,
}

impl StartInstant {
    /// A pacer for the current thread.
    pub fn pacer(self) -> Pacer {
        Pacer::new(TimeSource::Real { start: self.at, from: self.from })
    }

    /// The same instant, at which the run's clock shows `from`: a run that was cut off is taken up there.
    #[must_use]
    pub fn showing(self, from: Duration) -> Self {
        Self { from, ..self }
    }

    /// The same instant for those who count from it elsewhere: the embedded emulator.
    pub const fn instant(self) -> Instant {
        self.instant
    }

    /// How long ago the start was; 0 before it.
    pub fn passed(self) -> Duration {
        Timer::now().saturating_sub(self.at)
    }

    /// How long until the start; 0 once it has passed.
    pub fn remaining(self) -> Duration {
        self.at.saturating_sub(Timer::now())
    }
}

/// The future of [`Pacer::until`].
#[derive(Debug)]
pub struct Until {
    pacer: Pacer,
    at: Duration,
    slot: Option<Rc<Slot>>,
}

impl Until {
    /// Polls without pinning: the future holds no reference into itself.
    pub(super) fn poll_now(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pacer.reached(self.at) {
            self.leave();
            return Poll::Ready(());
        }
        let slot = self.slot.get_or_insert_with(|| self.pacer.register(self.at));
        *slot.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn leave(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.waker.take();
        }
    }
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().poll_now(cx)
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream::{FuturesUnordered, StreamExt as _};

    use super::*;

    /// What is due at 0 waits for the start of the run: sent earlier, its times would all be 0.
    #[test]
    fn nothing_goes_before_the_start() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for spin in [false, true] {
            let start = Pacer::starting_in(Duration::from_millis(20));
            let pacer = start.pacer();
            runtime.block_on(pacer.keep(spin, pacer.until(Duration::ZERO))).unwrap();
            assert_eq!(start.remaining(), Duration::ZERO);
        }
    }

    /// A clock that takes up a run shows where, however young the machine is, and waits from there.
    #[test]
    fn runs_are_taken_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let week = Duration::from_secs(604_800);
        for spin in [false, true] {
            let pacer = Pacer::starting_in(Duration::from_millis(20)).showing(week).pacer();
            assert_eq!(pacer.now(), week);
            let at = week + Duration::from_millis(10);
            runtime.block_on(pacer.keep(spin, pacer.until(at))).unwrap();
            assert!(pacer.now() + Spin::READY >= at);
        }
    }

    /// The lead follows late wake-ups at once and forgets them slowly, within its bounds.
    #[test]
    fn the_spin_learns() {
        let mut spin = Spin::new();
        spin.learn(Duration::from_micros(200));
        assert_eq!(spin.lead, Duration::from_micros(250));
        spin.learn(Duration::from_millis(30));
        assert_eq!(spin.lead, Spin::LONGEST);
        for _ in 0..20 {
            spin.learn(Duration::from_micros(30));
        }
        assert!(spin.lead > Duration::from_micros(300) && spin.lead < Spin::LONGEST, "{:?}", spin.lead);
        for _ in 0..1000 {
            spin.learn(Duration::from_micros(30));
        }
        assert_eq!(spin.lead, Spin::SHORTEST);
    }

    /// On the real clock nobody hands over early, instants that have passed do not wait, and order is by instant.
    #[test]
    fn real_time_keeps_order() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for spin in [false, true] {
            let pacer = Pacer::starting_in(Duration::ZERO).pacer();
            let order = RefCell::new(Vec::new());
            let wait = async |ms: u64| {
                pacer.until(Duration::from_millis(ms)).await;
                assert!(pacer.now() >= Duration::from_millis(ms).saturating_sub(Spin::READY));
                assert!(pacer.hold(Duration::from_millis(ms)) >= Duration::from_millis(ms));
                order.borrow_mut().push(ms);
            };
            // Those that are due together, after a pause of the machine, go in the order in which they were woken.
            let all = [6, 0, 3, 1].map(wait).into_iter().collect::<FuturesUnordered<_>>().collect::<()>();
            runtime.block_on(pacer.keep(spin, all)).unwrap();
            assert_eq!(*order.borrow(), [0, 1, 3, 6]);
        }
    }
}
