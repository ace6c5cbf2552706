//! The emulator's own time: when a call counts as arrived, and when it is answered.
//!
//! Refuses to read a clock: the instant is passed in.

use std::time::Duration;

use super::delay::{self, Stalls};
use crate::emulator::config::{EmulatorConfig, LatencyModel, Spikes};

/// The latest instant, and what delays an answer.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    seed: u64,
    latency: LatencyModel,
    spikes: Option<Spikes>,
    stalls: Stalls,
    latest: Duration,
}

impl Clock {
    /// One at time 0.
    pub(super) fn new(config: &EmulatorConfig) -> Self {
        let EmulatorConfig { seed, latency, spikes, stalls, .. } = config;
        Self { seed: *seed, latency: *latency, spikes: *spikes, stalls: Stalls::new(stalls), latest: Duration::ZERO }
    }

    /// The latest instant that it saw.
    pub(super) const fn latest(&self) -> Duration {
        self.latest
    }

    /// Goes on to `now`, if that is later, and returns the latest instant: time does not go back.
    pub(super) fn advance(&mut self, now: Duration) -> Duration {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// How long the answer to the n-th arrival takes, stalls aside.
    pub(super) fn latency(&self, n: u64) -> Duration {
        delay::latency(self.latency, self.spikes, self.seed, n)
    }

    /// When a call that arrives at `now` and takes `work` is answered, stalls included.
    pub(super) fn reply_at(&self, now: Duration, work: Duration) -> Duration {
        self.stalls.reply_at(now, work)
    }
}
