//! `max_rate`: governor's token bucket over everything that is sent.
//!
//! It is consulted and never slept on: as a pacer governor loses 3 to 30 % of the rate. Its clock is the run's, handed in, so that it
//! works in virtual time too.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::scenario::cap_burst;
use crate::units::Rate;

/// The instant that the caller last clock.
#[derive(Debug, Clone, Default)]
struct HandedClock(Arc<AtomicU64>);

impl Clock for HandedClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// The cap on everything that is sent, shared by all cores.
#[derive(Debug)]
pub(super) struct RateCap {
    clock: HandedClock,
    bucket: RateLimiter<NotKeyed, InMemoryState, HandedClock, NoOpMiddleware<Duration>>,
}

impl RateCap {
    /// A bucket as deep as [`cap_burst`] says. `None` for a rate of 0, which caps nothing because no scenario can ask for it.
    pub(super) fn new(rate: Rate) -> Option<Self> {
        let period = Duration::from_nanos(1_000_000_000_000_000u64.checked_div(rate.micro_hz())?.max(1));
        let burst = NonZeroU32::new(cap_burst(rate)).unwrap_or(NonZeroU32::MIN);
        let clock = HandedClock::default();
        let quota = Quota::with_period(period)?.allow_burst(burst);
        Some(Self { bucket: RateLimiter::direct_with_clock(quota, clock.clone()), clock })
    }

    /// Whether a call may go at `now`; if not, when it may.
    pub(super) fn check(&self, now: Duration) -> Result<(), Duration> {
        self.clock.0.fetch_max(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.bucket.check().map_err(|not_until| now + not_until.wait_time_from(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The depth is a tenth of a second, at least one call.
    #[test]
    fn depth_is_a_tenth_of_a_second() {
        for (rate, depth) in [(0.5, 1), (19.0, 1), (50.0, 5), (5000.0, 500)] {
            let limiter = RateCap::new(Rate::per_second(rate).unwrap()).unwrap();
            let let_through = (0..10_000).filter(|_| limiter.check(Duration::from_secs(1)).is_ok()).count();
            assert_eq!(let_through, depth, "{rate}/s");
        }
    }

    /// Even calls at the cap itself all pass.
    #[test]
    fn the_rate_itself_passes() {
        let limiter = RateCap::new(Rate::per_second(50.0).unwrap()).unwrap();
        assert!((0..1000).all(|k| limiter.check(Duration::from_millis(20 * k)).is_ok()));
    }

    proptest! {
        /// Never more than depth + rate * time, and whoever is told an instant may go then.
        #[test]
        fn never_more_than_the_rate(gaps in proptest::collection::vec(0u64..30_000_000, 1..300)) {
            let limiter = RateCap::new(Rate::per_second(100.0).unwrap()).unwrap();
            let (mut now, mut passed) = (Duration::ZERO, 0u32);
            for gap in gaps {
                now += Duration::from_nanos(gap);
                match limiter.check(now) {
                    Ok(()) => passed += 1,
                    Err(at) => {
                        prop_assert!(at > now);
                        if gap % 3 == 0 {
                            now = at;
                            prop_assert!(limiter.check(now).is_ok());
                            passed += 1;
                        }
                    }
                }
                prop_assert!(f64::from(passed) <= 10.0 + 100.0 * now.as_secs_f64() + 1e-6);
            }
        }
    }
}
