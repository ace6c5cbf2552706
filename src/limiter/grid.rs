//! The edges of a clock: at a phase, and from there at every whole multiple of a length.

use std::time::Duration;

use super::nanos;

/// Edges `length` apart, of which one lies at `phase`. A length of zero counts as a nanosecond.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockGrid {
    length: u128,
    /// How long before time 0 the window begins that holds it.
    before: u128,
}

impl ClockGrid {
    pub(super) const fn new(length: Duration, phase: Duration) -> Self {
        let length = if length.is_zero() { 1 } else { length.as_nanos() };
        Self { length, before: (length - phase.as_nanos() % length) % length }
    }

    /// From one edge to the next, in nanoseconds, never 0.
    pub(super) const fn length(self) -> u128 {
        self.length
    }

    /// Which window an instant lies in, 0 that of time 0, and how far, in nanoseconds.
    pub(super) fn place(self, now: Duration) -> (u64, u128) {
        let since = now.as_nanos() + self.before;
        (u64::try_from(since / self.length).unwrap_or(u64::MAX), since % self.length)
    }

    /// Which window an instant lies in.
    pub(super) fn index(self, now: Duration) -> u64 {
        self.place(now).0
    }

    /// Where a window begins; time 0 for what begins before.
    pub(super) fn edge(self, index: u64) -> Duration {
        self.within(index, 0)
    }

    /// The instant so many nanoseconds after a window begins; time 0 for what lies before.
    pub(super) fn within(self, index: u64, passed: u128) -> Duration {
        nanos(u128::from(index).saturating_mul(self.length).saturating_add(passed).saturating_sub(self.before))
    }
}
