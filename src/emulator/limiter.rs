//! The quota: which calls are let through, in exact whole numbers.
//!
//! Refuses to read a clock and to say how a refusal is answered.

use std::time::Duration;

use crate::scenario::emulator::Quota;

/// A limit on calls. A refused call costs nothing.
#[derive(Debug, Clone)]
pub enum Limiter {
    /// Lets everything through.
    Unlimited,
    /// A token bucket.
    TokenBucket(TokenBucket),
}

impl Limiter {
    /// The limiter of a quota, full.
    pub fn new(quota: Quota) -> Self {
        match quota {
            Quota::None => Self::Unlimited,
            Quota::TokenBucket { rate, burst } => Self::TokenBucket(TokenBucket::new(rate.micro_hz(), burst)),
            _ => Self::Unlimited,
        }
    }

    /// Whether a call at `now` is let through, and pays if it is.
    ///
    /// `now` must not go back; an earlier instant counts as the latest one.
    pub fn take(&mut self, now: Duration) -> bool {
        match self {
            Self::Unlimited => true,
            Self::TokenBucket(bucket) => bucket.take(now),
        }
    }
}

/// One token, in units of micro-hertz times nanoseconds: 10^6 micro-hertz for 10^9 ns.
const TOKEN: u128 = 1_000_000_000_000_000;

/// A token bucket: continuous refill at `rate`, capped at `burst`, full at the start.
///
/// Its contents are a whole number of micro-hertz-nanoseconds, in which every instant of a nanosecond clock and every
/// [`Rate`](crate::units::Rate) are exact: nothing is rounded, however long it runs.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    micro_hz: u128,
    depth: u128,
    held: u128,
    last: Duration,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens that refills with `micro_hz` millionths of a token a second.
    pub fn new(micro_hz: u64, burst: u32) -> Self {
        let depth = u128::from(burst) * TOKEN;
        Self { micro_hz: u128::from(micro_hz), depth, held: depth, last: Duration::ZERO }
    }

    fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.last).as_nanos();
        self.last = self.last.max(now);
        self.held = self.held.saturating_add(passed.saturating_mul(self.micro_hz)).min(self.depth);
        let enough = self.held >= TOKEN;
        if enough {
            self.held -= TOKEN;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Rate;

    fn bucket(per_second: f64, burst: u32) -> Limiter {
        Limiter::new(Quota::TokenBucket { rate: Rate::per_second(per_second).unwrap(), burst })
    }

    /// The example of the issue: 40/s for 60 s against 25/s with burst 25 lets exactly 25 + 25 * 60 calls through, less
    /// what had not refilled by the last call.
    #[test]
    fn sixty_seconds_of_overload() {
        let mut limiter = bucket(25.0, 25);
        let accepted = (0..2400u64).filter(|k| limiter.take(Duration::from_millis(k * 25))).count();
        assert_eq!(accepted, 25 + 1499);
    }

    /// At exactly the rate nothing is refused, for a week, with a bucket of one: no drift.
    #[test]
    fn no_drift() {
        let mut limiter = bucket(8.0, 1);
        assert!((0..8 * 3600 * 24 * 7u64).all(|k| limiter.take(Duration::from_millis(k * 125))));
    }

    /// One nanosecond early is too early.
    #[test]
    fn exact_to_the_nanosecond() {
        let mut limiter = bucket(4.0, 1);
        assert!(limiter.take(Duration::ZERO));
        assert!(!limiter.take(Duration::from_nanos(249_999_999)));
        assert!(limiter.take(Duration::from_millis(250)));
    }

    /// Without a quota nothing is refused.
    #[test]
    fn unlimited() {
        let mut limiter = Limiter::new(Quota::None);
        assert!((0..10_000).all(|_| limiter.take(Duration::ZERO)));
    }

    /// Whether one more call at `at` would keep every interval that ends there within `burst + rate * length`:
    /// the definition of a token bucket that was full at 0, over the calls accepted so far.
    fn allowed(micro_hz: u64, burst: u32, accepted: &[u64], at: u64) -> bool {
        (0..=accepted.len()).all(|from| {
            let start = accepted.get(from).copied().unwrap_or(at);
            let calls = (accepted.len() - from + 1) as u128;
            calls * TOKEN <= u128::from(burst) * TOKEN + u128::from(micro_hz) * u128::from(at - start)
        })
    }

    proptest! {
        /// A call is accepted exactly when the definition allows it, for any rate, burst and arrivals.
        #[test]
        fn obeys_its_definition(
            micro_hz in 1u64..50_000_000,
            burst in 1u32..12,
            gaps in prop::collection::vec(prop_oneof![Just(0u64), 0u64..2_000_000_000, 0u64..20_000_000_000], 1..120),
        ) {
            let mut limiter = Limiter::TokenBucket(TokenBucket::new(micro_hz, burst));
            let (mut at, mut accepted) = (0u64, Vec::new());
            for gap in gaps {
                at += gap;
                let expected = allowed(micro_hz, burst, &accepted, at);
                prop_assert_eq!(limiter.take(Duration::from_nanos(at)), expected);
                if expected {
                    accepted.push(at);
                }
            }
        }

        /// A clock that goes back gains nothing.
        #[test]
        fn time_does_not_go_back(times in prop::collection::vec(0u64..1_000_000_000, 1..50)) {
            let (mut given, mut sorted) = (bucket(7.0, 2), bucket(7.0, 2));
            let mut latest = 0;
            for at in times {
                latest = latest.max(at);
                prop_assert_eq!(given.take(Duration::from_nanos(at)), sorted.take(Duration::from_nanos(latest)));
            }
        }
    }
}
