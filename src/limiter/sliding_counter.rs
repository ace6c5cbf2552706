//! `sliding-counter`: the usual approximation of a sliding log by two counts.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Arrival, LimiterKind, NotUntil, State, nanos, per_second, window_of, window_start};
use crate::units::{human, serde_us};

/// The calls of the current fixed window, and those of the one before by the part of it that the sliding window still covers, are at
/// most `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingCounter {
    /// Calls of a window, at least 1.
    pub limit: u32,
    /// Its length.
    #[serde(rename = "window_us", with = "serde_us")]
    pub window: Duration,
}

impl SlidingCounter {
    /// A counter that rounds nothing.
    pub const fn exact(limit: u32, window: Duration) -> Self {
        Self { limit, window }
    }
}

impl LimiterKind for SlidingCounter {
    type State = Counter;

    fn start(&self) -> Counter {
        Counter { limit: self.limit, window: self.window, index: 0, before: 0, count: 0 }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.limit, self.window))
    }
}

impl fmt::Display for SlidingCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in about any {}", self.limit, human(self.window))
    }
}

/// The counts of the current window and of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counter {
    limit: u32,
    #[serde(rename = "window_us", with = "serde_us")]
    window: Duration,
    index: u64,
    before: u64,
    count: u64,
}

impl Counter {
    /// The window's length in nanoseconds, never 0.
    fn length(&self) -> u128 {
        self.window.as_nanos().max(1)
    }

    /// When one more call would pass: as soon as so little of the window before is covered that there is room for it.
    fn room_at(&self) -> Option<Duration> {
        let (limit, length) = (u64::from(self.limit), self.length());
        // In this window while it has room of its own; in the next one, for which this one is the one before, otherwise.
        let (index, before, taken) =
            if self.count < limit { (self.index, self.before, self.count) } else { (self.index + 1, self.count, 0) };
        let room = limit.checked_sub(taken + 1)?;
        // before * left <= room * length
        let left = (u128::from(room) * length).checked_div(u128::from(before)).map_or(length, |left| left.min(length));
        Some(window_start(index, self.window).saturating_add(nanos(length - left)))
    }
}

impl State for Counter {
    fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil> {
        let (index, passed) = window_of(arrival.now, self.window);
        if index > self.index {
            self.before = if index == self.index + 1 { self.count } else { 0 };
            (self.index, self.count) = (index, 0);
        }
        let length = self.length();
        let left = length.saturating_sub(u128::from(passed));
        // before * left / length + count + 1 <= limit, without the division.
        let free = u128::from(self.before) * left + (u128::from(self.count) + 1) * length <= u128::from(self.limit) * length;
        self.count += u64::from(free || charged);
        if free { Ok(()) } else { Err(NotUntil { at: self.room_at() }) }
    }
}
