//! What counts calls in windows.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::window_of;
use crate::units::{serde_us, serde_us_list};

/// `limit` calls in each window from one whole multiple of its length to the next.
///
/// Refused calls come on top of a full window: whether they count makes no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FixedWindow {
    limit: u32,
    #[serde(rename = "window_us", with = "serde_us")]
    window: Duration,
    index: u64,
    count: u32,
}

impl FixedWindow {
    pub(super) const fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, index: 0, count: 0 }
    }

    pub(super) fn take(&mut self, now: Duration) -> bool {
        let (index, _) = window_of(now, self.window);
        if index > self.index {
            (self.index, self.count) = (index, 0);
        }
        let free = self.count < self.limit;
        self.count += u32::from(free);
        free
    }
}

/// `limit` calls in every `[t, t + window)`.
///
/// Only the last `limit` calls that count are kept: whether there is room depends on the oldest of them alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SlidingLog {
    limit: u32,
    #[serde(rename = "window_us", with = "serde_us")]
    window: Duration,
    #[serde(rename = "counted_us", with = "serde_us_list")]
    counted: VecDeque<Duration>,
}

impl SlidingLog {
    pub(super) const fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, counted: VecDeque::new() }
    }

    pub(super) fn take(&mut self, now: Duration, charge_rejected: bool) -> bool {
        let full = self.counted.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        let free = match self.counted.front() {
            Some(oldest) if full => oldest.saturating_add(self.window) <= now,
            _ => self.limit > 0,
        };
        if free || charge_rejected {
            if full {
                self.counted.pop_front();
            }
            self.counted.push_back(now);
        }
        free
    }
}

/// The usual approximation of a sliding log by two counts: those of the fixed window before weigh as much of it as a sliding
/// window that ends now still covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SlidingCounter {
    limit: u32,
    #[serde(rename = "window_us", with = "serde_us")]
    window: Duration,
    index: u64,
    before: u64,
    count: u64,
}

impl SlidingCounter {
    pub(super) const fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, index: 0, before: 0, count: 0 }
    }

    pub(super) fn take(&mut self, now: Duration, charge_rejected: bool) -> bool {
        let (index, passed) = window_of(now, self.window);
        if index > self.index {
            self.before = if index == self.index + 1 { self.count } else { 0 };
            (self.index, self.count) = (index, 0);
        }
        let window = self.window.as_nanos().max(1);
        let left = window.saturating_sub(u128::from(passed));
        // before * left / window + count + 1 <= limit, without the division.
        let free = u128::from(self.before) * left + (u128::from(self.count) + 1) * window <= u128::from(self.limit) * window;
        self.count += u64::from(free || charge_rejected);
        free
    }
}
