//! `token-bucket`: continuous refill at a rate, at most a burst. Also GCRA, and a leaky bucket that refuses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Arrival, LimiterKind, NotUntil, State, nanos};
use crate::units::{Rate, serde_u128, serde_us};

/// One token, in units of micro-hertz times nanoseconds: 10^6 micro-hertz for 10^9 ns.
pub(super) const TOKEN: u128 = 1_000_000_000_000_000;

/// Continuous refill at `rate`, at most `burst` tokens, full at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBucket {
    /// Tokens per second, above 0.
    pub rate: Rate,
    /// Depth, at least 1.
    pub burst: u32,
}

impl TokenBucket {
    /// A bucket that is full at the start: `rate` tokens per second, a depth of `burst`.
    pub const fn full(rate: Rate, burst: u32) -> Self {
        Self { rate, burst }
    }
}

impl LimiterKind for TokenBucket {
    type State = Bucket;

    fn start(&self) -> Bucket {
        Bucket::shared(self.rate, self.burst, 1)
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(self.rate.as_f64())
    }
}

impl fmt::Display for TokenBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} burst {}", self.rate, self.burst)
    }
}

/// A bucket's contents.
///
/// A whole number of micro-hertz-nanoseconds, in which every instant of a nanosecond clock and every [`Rate`] are exact: nothing is
/// rounded, however long it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bucket {
    micro_hz: u64,
    /// What a call costs.
    #[serde(with = "serde_u128")]
    price: u128,
    #[serde(with = "serde_u128")]
    depth: u128,
    #[serde(with = "serde_u128")]
    held: u128,
    #[serde(rename = "last_us", with = "serde_us")]
    last: Duration,
}

impl Bucket {
    /// One of `nodes` full buckets that share a rate and a depth evenly. Instead of dividing these, everything costs that much more.
    pub(super) fn shared(rate: Rate, burst: u32, nodes: u32) -> Self {
        let price = TOKEN * u128::from(nodes.max(1));
        let depth = (u128::from(burst) * TOKEN).max(price);
        Self { micro_hz: rate.micro_hz(), price, depth, held: depth, last: Duration::ZERO }
    }

    /// How long until it holds what a call costs; `None` if it never will.
    fn wait(&self) -> Option<Duration> {
        let missing = self.price.saturating_sub(self.held);
        (self.micro_hz > 0).then(|| nanos(missing.div_ceil(u128::from(self.micro_hz))))
    }
}

impl State for Bucket {
    /// A refused call costs what is left, if it is charged.
    fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil> {
        let passed = arrival.now.saturating_sub(self.last).as_nanos();
        self.last = self.last.max(arrival.now);
        self.held = self.held.saturating_add(passed.saturating_mul(u128::from(self.micro_hz))).min(self.depth);
        if self.held >= self.price {
            self.held -= self.price;
            return Ok(());
        }
        if charged {
            self.held = 0;
        }
        Err(NotUntil { at: self.wait().map(|wait| self.last.saturating_add(wait)) })
    }
}
