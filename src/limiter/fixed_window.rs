//! `fixed-window`: so many calls from one edge of the clock's grid to the next.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Arrival, LimiterKind, NotUntil, State, per_second, window_of, window_start};
use crate::units::{human, serde_us};

/// `limit` calls in `[k * window, (k + 1) * window)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedWindow {
    /// Calls of a window, at least 1.
    pub limit: u32,
    /// Its length.
    #[serde(rename = "window_us", with = "serde_us")]
    pub window: Duration,
}

impl FixedWindow {
    /// Windows that begin at whole multiples of their length.
    pub const fn on_grid(limit: u32, window: Duration) -> Self {
        Self { limit, window }
    }
}

impl LimiterKind for FixedWindow {
    type State = CurrentWindow;

    fn start(&self) -> CurrentWindow {
        CurrentWindow { limit: self.limit, window: self.window, index: 0, count: 0 }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.limit, self.window))
    }
}

impl fmt::Display for FixedWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in each window of {}", self.limit, human(self.window))
    }
}

/// The count of the current window. Refused calls come on top of a full one: whether they count makes no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CurrentWindow {
    limit: u32,
    #[serde(rename = "window_us", with = "serde_us")]
    window: Duration,
    index: u64,
    count: u32,
}

impl State for CurrentWindow {
    fn take(&mut self, arrival: Arrival, _charged: bool) -> Result<(), NotUntil> {
        let (index, _) = window_of(arrival.now, self.window);
        if index > self.index {
            (self.index, self.count) = (index, 0);
        }
        if self.count < self.limit {
            self.count += 1;
            return Ok(());
        }
        Err(NotUntil { at: (self.limit > 0).then(|| window_start(self.index.saturating_add(1), self.window)) })
    }
}
