//! `token-bucket`: continuous refill at a rate, at most a burst. Also GCRA, and a leaky bucket that refuses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::amount::TokenAmount;
use super::keys::{Unfit, depth, depth_of, needed, rate};
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll, disk, nanos};
use crate::key::{Amounts, Given, TableKey, ValueForm, Variant};
use crate::units::{Rate, serde_u128};

/// One token, in units of micro-hertz times nanoseconds: 10^6 micro-hertz for 10^9 ns.
pub(super) const TOKEN: u128 = 1_000_000_000_000_000;

/// A millionth of a token.
const MILLIONTH: u128 = TOKEN / 1_000_000;

/// Continuous refill at `rate`, at most `burst` tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBucket {
    /// Tokens per second, above 0.
    pub rate: Rate,
    /// Depth, at least 1.
    pub burst: TokenAmount,
    /// Tokens at the start, at most `burst`; `None`: full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<TokenAmount>,
    /// Whether only whole tokens are credited, and its clock restarts whenever some are: what had come of the next one is lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_tokens: bool,
}

impl TokenBucket {
    /// A bucket that is full at the start: `rate` tokens per second, a depth of `burst`.
    pub fn full(rate: Rate, burst: impl Into<TokenAmount>) -> Self {
        Self { rate, burst: burst.into(), start: None, whole_tokens: false }
    }
}

impl LimiterKind for TokenBucket {
    type State = Bucket;

    const KEYS: &'static Variant = &Variant {
        name: "token-bucket",
        help: "A token bucket: continuous refill at `rate`, at most `burst` tokens.",
        keys: &[
            rate("Tokens per second."),
            depth("Depth; it need not be whole."),
            TableKey::optional("start", ValueForm::Number(0.0..=1e6), "full", "Tokens at the start, at most `burst`.").like("25"),
            TableKey::default(
                "whole_tokens",
                ValueForm::Truth,
                Given::Truth(false),
                "Whether only whole tokens are credited, and its clock restarts whenever some are.",
            ),
        ],
    };

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let rate = needed(given.rate("rate"))?;
        let (burst, start) = (depth_of(given, rate), given.number("start").and_then(TokenAmount::new));
        if start.is_some_and(|start| start > burst) {
            return Err(Unfit::Contradiction {
                key: "start",
                why: "`start` is more than `burst`",
                help: "a bucket holds at most its burst",
            });
        }
        Ok(Self { rate, burst, start, whole_tokens: given.truth("whole_tokens") })
    }

    fn start(&self) -> Bucket {
        let full = Bucket::shared(self.rate, self.burst, 1);
        let held = self.start.map_or(full.held, |start| u128::from(start.millionths()) * MILLIONTH);
        Bucket { held, whole_tokens: self.whole_tokens, ..full }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(self.rate.as_f64())
    }
}

impl fmt::Display for TokenBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} burst {}", self.rate, self.burst)?;
        if let Some(start) = self.start {
            write!(f, ", {start} at the start")?;
        }
        f.write_str(if self.whole_tokens { ", whole tokens only" } else { "" })
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
    /// Since when nothing was credited.
    #[serde(rename = "last_us", with = "disk")]
    last: Duration,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole_tokens: bool,
}

impl Bucket {
    /// One of `nodes` full buckets that share a rate and a depth evenly. Instead of dividing these, everything costs that much more.
    pub(super) fn shared(rate: Rate, burst: TokenAmount, nodes: u32) -> Self {
        let price = TOKEN * u128::from(nodes.max(1));
        let depth = (u128::from(burst.millionths()) * MILLIONTH).max(price);
        Self { micro_hz: rate.micro_hz(), price, depth, held: depth, last: Duration::ZERO, whole_tokens: false }
    }

    /// How long the refill takes of what is spent, rounded up to a nanosecond; `None` if it never comes.
    pub(super) fn until_full(&self) -> Option<Duration> {
        self.refill(self.depth.saturating_sub(self.held))
    }

    /// What has come since, whole tokens of it where only these are credited.
    fn come(&self, now: Duration) -> u128 {
        let come = now.saturating_sub(self.last).as_nanos().saturating_mul(u128::from(self.micro_hz));
        if self.whole_tokens { come - come % TOKEN } else { come }
    }

    /// What it holds at an instant.
    fn at(&self, now: Duration) -> u128 {
        self.held.saturating_add(self.come(now)).min(self.depth)
    }

    /// How long `amount` takes to come, in whole nanoseconds; `None` if it never does.
    fn refill(&self, amount: u128) -> Option<Duration> {
        (self.micro_hz > 0).then(|| nanos(amount.div_ceil(u128::from(self.micro_hz))))
    }
}

impl State for Bucket {
    /// One of whole tokens goes on when it is asked alone: then its clock may restart.
    fn advance(&mut self, now: Duration) {
        if !self.whole_tokens {
            (self.held, self.last) = (self.at(now), self.last.max(now));
        }
    }

    fn decide(&self, arrival: &Arrival) -> Passing {
        let Some(missing) = self.price.checked_sub(self.at(arrival.now)).filter(|missing| *missing > 0) else {
            return Ok(Duration::ZERO);
        };
        // Of whole tokens none has come since, or it would be enough.
        let missing = if self.whole_tokens { missing.next_multiple_of(TOKEN) } else { missing };
        Err(NotUntil { at: self.refill(missing).map(|wait| self.last.saturating_add(wait)) })
    }

    /// A refused call costs its part, but never more than there is.
    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        if self.whole_tokens && self.come(arrival.now) > 0 {
            (self.held, self.last) = (self.at(arrival.now), arrival.now);
        }
        self.held = self.held.saturating_sub(self.price * u128::from(toll.milli()) / 1000);
    }
}
