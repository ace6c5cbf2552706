//! Buckets of tokens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::window_of;
use crate::units::{Rate, serde_u128, serde_us};

/// One token, in units of micro-hertz times nanoseconds: 10^6 micro-hertz for 10^9 ns.
pub(super) const TOKEN: u128 = 1_000_000_000_000_000;

/// A token bucket: continuous refill at a rate, capped at its depth, full at the start.
///
/// Its contents are a whole number of micro-hertz-nanoseconds, in which every instant of a nanosecond clock and every
/// [`Rate`] are exact: nothing is rounded, however long it runs.
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
    /// A full bucket of `burst` tokens.
    pub(super) fn new(rate: Rate, burst: u32) -> Self {
        Self::shared(rate, burst, 1)
    }

    /// One of `nodes` buckets that share a rate and a depth evenly. Instead of dividing these, everything costs that much more.
    pub(super) fn shared(rate: Rate, burst: u32, nodes: u32) -> Self {
        let price = TOKEN * u128::from(nodes.max(1));
        let depth = (u128::from(burst) * TOKEN).max(price);
        Self { micro_hz: rate.micro_hz(), price, depth, held: depth, last: Duration::ZERO }
    }

    /// A refused call costs what is left, if it is charged.
    pub(super) fn take(&mut self, now: Duration, charge_rejected: bool) -> bool {
        let passed = now.saturating_sub(self.last).as_nanos();
        self.last = self.last.max(now);
        self.held = self.held.saturating_add(passed.saturating_mul(u128::from(self.micro_hz))).min(self.depth);
        let enough = self.held >= self.price;
        if enough {
            self.held -= self.price;
        } else if charge_rejected {
            self.held = 0;
        }
        enough
    }
}

/// A token bucket whose tokens come in steps: `tokens` at once at every whole multiple of `every`, at most `burst`.
///
/// When it refuses there is no part of a token left that a refused call could cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepBucket {
    tokens: u32,
    #[serde(rename = "every_us", with = "serde_us")]
    every: Duration,
    burst: u32,
    held: u64,
    /// Refills so far.
    steps: u64,
}

impl StepBucket {
    /// A full one.
    pub(super) const fn new(tokens: u32, every: Duration, burst: u32) -> Self {
        Self { tokens, every, burst, held: burst as u64, steps: 0 }
    }

    pub(super) fn take(&mut self, now: Duration) -> bool {
        let (steps, _) = window_of(now, self.every);
        let new = steps.saturating_sub(self.steps);
        self.steps = self.steps.max(steps);
        self.held = self.held.saturating_add(new.saturating_mul(u64::from(self.tokens))).min(u64::from(self.burst));
        let enough = self.held > 0;
        self.held -= u64::from(enough);
        enough
    }
}

/// Buckets that know nothing of each other; every call lands on one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nodes(Vec<Bucket>);

impl Nodes {
    /// `nodes` full buckets that share `rate` and `burst` evenly.
    pub(super) fn new(nodes: u32, rate: Rate, burst: u32) -> Self {
        Self((0..nodes.max(1)).map(|_| Bucket::shared(rate, burst, nodes)).collect())
    }

    /// The node of some random bits.
    pub(super) fn index(&self, bits: u64) -> usize {
        let nodes = self.0.len() as u64;
        // Below the number of nodes, which is a usize.
        usize::try_from(bits % nodes.max(1)).unwrap_or(0)
    }

    pub(super) fn take(&mut self, now: Duration, bits: u64, charge_rejected: bool) -> bool {
        let index = self.index(bits);
        self.0.get_mut(index).is_none_or(|bucket| bucket.take(now, charge_rejected))
    }
}
