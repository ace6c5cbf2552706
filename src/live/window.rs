//! Percentiles over the last seconds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::record::recorder::histogram;
use crate::results::Moment;
use crate::units::human;

/// Over how long percentiles are taken and curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewWindow {
    /// The last 10 s.
    TenSeconds,
    /// The last minute.
    Minute,
    /// The last five minutes.
    FiveMinutes,
}

impl ViewWindow {
    /// Seconds that it covers at most.
    pub const fn seconds(self) -> usize {
        match self {
            Self::TenSeconds => 10,
            Self::Minute => 60,
            Self::FiveMinutes => 300,
        }
    }

    /// The next one, the shortest after the longest.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::TenSeconds => Self::Minute,
            Self::Minute => Self::FiveMinutes,
            Self::FiveMinutes => Self::TenSeconds,
        }
    }
}

/// How times are spread, in microseconds; a percentile is there if a sample lies beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpread {
    /// Answers behind it.
    pub calls: u64,
    /// Median.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// The slowest.
    pub max_us: u64,
}

impl TimeSpread {
    /// The spread of the times that `pick` finds in the last seconds of the window; `None` without any.
    pub fn of(seconds: &VecDeque<Arc<Moment>>, window: ViewWindow, pick: fn(&Moment) -> &[(u64, u64)]) -> Option<Self> {
        Self::over(seconds.iter().rev().take(window.seconds()).flat_map(|second| pick(second)).copied())
    }

    /// The spread of times in microseconds, each with how often it was; `None` without any.
    pub fn over(all: impl Iterator<Item = (u64, u64)>) -> Option<Self> {
        let mut times = histogram();
        for (us, count) in all {
            times.saturating_record_n(us, count);
        }
        let calls = times.len();
        let at = |quantile: f64, needed: u64| (calls >= needed).then(|| times.value_at_quantile(quantile).min(times.max()));
        (calls > 0).then(|| Self { calls, p50_us: at(0.5, 2), p90_us: at(0.9, 10), p99_us: at(0.99, 100), max_us: times.max() })
    }

    /// For people.
    pub fn words(&self) -> String {
        let us = |us: u64| human(Duration::from_micros(us));
        let at = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), us);
        format!("p50 {}   p90 {}   p99 {}   max {}", at(self.p50_us), at(self.p90_us), at(self.p99_us), us(self.max_us))
    }
}
