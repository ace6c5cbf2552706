//! `step-bucket`: tokens come several at once. Bucket4j calls this an interval refill.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Arrival, LimiterKind, NotUntil, State, per_second, window_of, window_start};
use crate::units::{human, serde_us};

/// `tokens` come at once at every whole multiple of `every`; at most `burst`, full at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepBucket {
    /// Tokens of a refill, at least 1.
    pub tokens: u32,
    /// Between two refills.
    #[serde(rename = "every_us", with = "serde_us")]
    pub every: Duration,
    /// Depth, at least 1.
    pub burst: u32,
}

impl StepBucket {
    /// A bucket that is full at the start.
    pub const fn full(tokens: u32, every: Duration, burst: u32) -> Self {
        Self { tokens, every, burst }
    }
}

impl LimiterKind for StepBucket {
    type State = StepState;

    fn start(&self) -> StepState {
        let Self { tokens, every, burst } = *self;
        StepState { tokens, every, burst, held: u64::from(burst), steps: 0 }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.tokens, self.every))
    }
}

impl fmt::Display for StepBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} every {} burst {}", self.tokens, human(self.every), self.burst)
    }
}

/// A bucket's contents. When it refuses there is no part of a token left that a refused call could cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepState {
    tokens: u32,
    #[serde(rename = "every_us", with = "serde_us")]
    every: Duration,
    burst: u32,
    held: u64,
    /// Refills so far.
    steps: u64,
}

impl State for StepState {
    fn take(&mut self, arrival: Arrival, _charged: bool) -> Result<(), NotUntil> {
        let (steps, _) = window_of(arrival.now, self.every);
        let new = steps.saturating_sub(self.steps);
        self.steps = self.steps.max(steps);
        self.held = self.held.saturating_add(new.saturating_mul(u64::from(self.tokens))).min(u64::from(self.burst));
        if self.held > 0 {
            self.held -= 1;
            return Ok(());
        }
        Err(NotUntil::until(window_start(self.steps.saturating_add(1), self.every)))
    }
}
