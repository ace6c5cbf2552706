//! `token-bucket`: continuous refill at a rate, at most a burst. Also GCRA, and a leaky bucket that refuses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::amount::TokenAmount;
use super::keys::{Unfit, depth, depth_of, needed, rate};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
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

    const WORDS: &'static str = "token bucket, continuous refill";

    const TOLD_BY: &'static str = "calls above the rate for longer";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[
        &BUCKET,
        &LEVEL_BUCKET,
        &BucketSuspect(Habit::Costly),
        &BucketSuspect(Habit::Noisy),
        &BucketSuspect(Habit::Truncating),
        &BucketSuspect(Habit::Changing),
    ];

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

// How it shows itself to a probe: buckets: full or not at the start, with refused calls that cost, shared, truncating, or changed in between.

/// What goes on with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Full at the start, a whole depth.
    Plain,
    /// Any depth, and at the start any level.
    Level,
    /// A refused call costs a part of a token.
    Costly,
    /// Some calls are refused by chance, whatever it holds.
    Noisy,
    /// Whole tokens only, and the clock starts anew with every call that finds some.
    Truncating,
    /// Another rate and depth from some instant on.
    Changing,
}

/// A bucket of one habit.
pub(crate) struct BucketSuspect(Habit);

/// Less than a token is left after a refusal.
const ALMOST: f64 = 0.999; // derived: a token less what a microsecond brings at 1000/s

/// What is left of `held` after a refusal: if it was less than a token but for the jitter, that; else others took the whole tokens, and the
/// part of one that is coming stays.
pub(super) fn emptied(held: f64, blur: f64) -> f64 {
    if held < 1.0 + blur { held.min(ALMOST) } else { held.fract() }
}

/// What is left of `held` after a call: a little less than nothing if the jitter was in its favour.
pub(super) fn paid(held: f64, blur: f64) -> f64 {
    (held - 1.0).max(-blur)
}

impl BucketSuspect {
    fn now(&self, n: &LimiterNumbers, t: f64) -> (f64, f64) {
        if self.0 == Habit::Changing && t > n[4] { (n[2], n[3]) } else { (n[0], n[1]) }
    }
}

/// The plain one: full at the start.
pub(crate) static BUCKET: BucketSuspect = BucketSuspect(Habit::Plain);

/// Not full at the start.
pub(crate) static LEVEL_BUCKET: BucketSuspect = BucketSuspect(Habit::Level);

impl Suspect for BucketSuspect {
    fn kind(&self) -> Kind {
        Kind::TokenBucket
    }

    fn name(&self) -> &'static str {
        match self.0 {
            Habit::Plain => "token bucket",
            Habit::Level => "token bucket, not full at the start",
            Habit::Costly => "token bucket, refused calls cost",
            Habit::Noisy => "token bucket, some calls refused by chance",
            Habit::Truncating => "token bucket of whole tokens",
            Habit::Changing => "token bucket that changed",
        }
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        let mut ranges = vec![facts.rates(), facts.depths()];
        match self.0 {
            Habit::Plain | Habit::Noisy | Habit::Truncating => {}
            Habit::Level => {
                // derived: a bucket that began with a hundredth of its depth would look like one that is never full
                ranges[1] = Range::log((facts.burst / 2.0).max(1.0), facts.burst * 100.0 + 1.0);
                ranges.push(Range::log((facts.burst / 2.0).max(1.0), facts.burst + 1.0));
            }
            Habit::Costly => ranges.push(Range::even(0.0, 1.0)),
            Habit::Changing => {
                // derived: a second rate and depth within a factor of 10, at any instant of the probe
                ranges.extend([facts.rates(), Range::log(1.0, facts.burst * 10.0 + 1.0), Range::even(0.0, facts.most_s)]);
            }
        }
        ranges
    }

    fn start(&self, n: &LimiterNumbers, s: &mut Remembered) {
        s[0] = if self.0 == Habit::Level { n[2].min(n[1]) } else { n[1] };
    }

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        let (rate, depth) = self.now(n, now.t);
        if self.0 == Habit::Truncating {
            let came = ((now.t - s[1]) * rate).floor();
            let had = s[0];
            let need = s[1] + 1.0 / rate;
            if came > 0.0 {
                s[0] = (had + came).min(depth);
                s[1] = now.t;
            }
            return if had >= 1.0 { FAR } else { now.t - need };
        }
        // Answers after the change, enough of both kinds to tell it.
        if self.0 == Habit::Changing && now.t > n[4] && s[0] < 1.0 {
            s[2] = 1.0;
        }
        s[0] = (s[0] + rate * (now.t - s[1])).min(depth);
        s[1] = now.t;
        if s[0] >= depth - 1e-9 { if s[0] >= 1.0 { FAR } else { -FAR } } else { (s[0] - 1.0) / rate }
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        s[0] = paid(s[0], now.jitter * self.now(n, now.t).0);
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        let blur = now.jitter * self.now(n, now.t).0;
        match self.0 {
            Habit::Noisy => {}
            Habit::Truncating => s[0] = 0.0,
            Habit::Costly => s[0] = (emptied(s[0], blur) - n[2]).max(0.0),
            Habit::Plain | Habit::Level | Habit::Changing => s[0] = emptied(s[0], blur),
        }
    }

    fn changes(&self) -> bool {
        self.0 == Habit::Changing
    }

    fn is_noisy(&self) -> bool {
        self.0 == Habit::Noisy
    }

    fn is_composite(&self) -> bool {
        self.changes()
    }

    fn acted(&self, s: &Remembered) -> bool {
        self.0 != Habit::Changing || s[2] > 0.0
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        let mut traits = Traits { rate: Some(n[0]), burst: Some((n[1] + 1e-9).floor()), ..Traits::default() };
        match self.0 {
            Habit::Level => traits.start = Some(n[2].min(n[1])),
            Habit::Costly => traits.cost = Some(n[2]),
            Habit::Changing => (traits.rate, traits.burst) = (Some(n[2]), Some((n[3] + 1e-9).floor())),
            Habit::Plain | Habit::Noisy | Habit::Truncating => {}
        }
        traits
    }
}
