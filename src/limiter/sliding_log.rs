//! `sliding-log`: so many calls in any window, remembered one by one.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Arrival, LimiterKind, NotUntil, State, per_second};
use crate::units::{human, serde_us, serde_us_list};

/// `limit` calls in every half-open interval of `window`, whenever it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingLog {
    /// Calls of a window, at least 1.
    pub limit: u32,
    /// Its length.
    #[serde(rename = "window_us", with = "serde_us")]
    pub window: Duration,
}

impl SlidingLog {
    /// A log that remembers every call by its instant.
    pub const fn exact(limit: u32, window: Duration) -> Self {
        Self { limit, window }
    }
}

impl LimiterKind for SlidingLog {
    type State = Log;

    fn start(&self) -> Log {
        Log { limit: self.limit, window: self.window, counted: VecDeque::new() }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.limit, self.window))
    }
}

impl fmt::Display for SlidingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in any {}", self.limit, human(self.window))
    }
}

/// The last `limit` calls that count: whether there is room depends on the oldest of them alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log {
    limit: u32,
    #[serde(rename = "window_us", with = "serde_us")]
    window: Duration,
    #[serde(rename = "counted_us", with = "serde_us_list")]
    counted: VecDeque<Duration>,
}

impl State for Log {
    fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil> {
        let full = self.counted.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        let free = match self.counted.front() {
            Some(oldest) if full => oldest.saturating_add(self.window) <= arrival.now,
            _ => self.limit > 0,
        };
        if free || charged {
            if full {
                self.counted.pop_front();
            }
            self.counted.push_back(arrival.now);
        }
        if free {
            return Ok(());
        }
        let oldest = self.counted.front().filter(|_| self.limit > 0);
        Err(NotUntil { at: oldest.map(|oldest| oldest.saturating_add(self.window)) })
    }
}
