//! What limits an operation: its kind and numbers, how sure they are, and what it refuses of random arrivals.

use std::time::Duration;

use crate::limiter::{Arrival, FixedWindow, Limiter, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use crate::num::{float, whole};
use crate::stats::bucket::{self, BucketDepth};
use crate::stats::draw::{self, Stream};
use crate::stats::{dispersion, erlang, root, step, window};
use crate::units::Rate;

/// How a number is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownFrom {
    /// A probe found it.
    Probed,
    /// Service Quotas says it.
    Applied,
    /// AWS's default of the region: assumed.
    Default,
    /// The plan's file says it.
    Given,
}

/// A quota on an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationQuota {
    /// Which kind.
    pub family: LimiterFamily,
    /// Calls per second that it lets through for long: at least, most likely, at most. Infinite without a limit.
    pub rate: [f64; 3],
    /// Calls at once from rest; `None` where nobody knows.
    pub burst: Option<f64>,
    /// How it is known.
    pub evidence: KnownFrom,
    /// What is known of it besides, for reports.
    pub notes: Vec<String>,
}

/// How many sessions may stream at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrent {
    /// Sessions.
    pub sessions: u32,
    /// How it is known.
    pub evidence: KnownFrom,
}

/// A kind of limiter without the number that is asked for, its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LimiterFamily {
    /// A token bucket.
    Bucket,
    /// Windows of so many seconds.
    Window(f64),
    /// Any interval of so many seconds.
    Log(f64),
    /// Two weighted windows of so many seconds.
    Counter(f64),
    /// A bucket that is refilled every so many seconds.
    Step(f64),
    /// So many buckets that know nothing of each other.
    Shards(u32),
    /// No limit.
    Unlimited,
    /// Another kind, as it stands: what it refuses is simulated.
    Other(Quota),
}

/// A limiter whose numbers are all known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownLimiter {
    /// Which kind.
    pub family: LimiterFamily,
    /// Calls per second.
    pub rate: f64,
    /// Calls at once from rest.
    pub depth: BucketDepth,
}

/// Arrivals of which a share refused is simulated that has no closed form.
// derived: at a share of 0.1 % they see 200 refusals, a standard error of some 10 %
const SIMULATED: u64 = 200_000;

/// A burst that is not known: between a fifth of the rate and one second of it.
pub const LEAST_BURST_S: f64 = 0.2;

impl OperationQuota {
    /// What `quota` is, exactly.
    pub fn exactly(quota: Quota, evidence: KnownFrom) -> Self {
        let rate = quota.rate_per_s().unwrap_or(f64::INFINITY);
        let seconds = |time: Duration| time.as_secs_f64();
        // What differs from the plain kind in anything has no closed form here.
        let (family, burst) = match quota {
            Quota::None => (LimiterFamily::Unlimited, None),
            Quota::TokenBucket(of) if of == TokenBucket::full(of.rate, of.burst) => {
                (LimiterFamily::Bucket, Some(of.burst.as_f64()))
            }
            Quota::FixedWindow(of) if of == FixedWindow::on_grid(of.limit, of.window) => {
                (LimiterFamily::Window(seconds(of.window)), Some(f64::from(of.limit)))
            }
            Quota::SlidingLog(of) if of == SlidingLog::exact(of.limit, of.window) => {
                (LimiterFamily::Log(seconds(of.window)), Some(f64::from(of.limit)))
            }
            Quota::SlidingCounter(of) if of == SlidingCounter::exact(of.limit, of.window) => {
                (LimiterFamily::Counter(seconds(of.window)), Some(f64::from(of.limit)))
            }
            Quota::StepBucket(of) if of == StepBucket::full(of.tokens, of.every, of.burst) => {
                (LimiterFamily::Step(seconds(of.every)), Some(f64::from(of.burst)))
            }
            Quota::ShardedBucket(of) if of == ShardedBucket::at_random(of.nodes, of.rate, of.burst) => {
                (LimiterFamily::Shards(of.nodes), Some(of.burst.as_f64()))
            }
            other => (LimiterFamily::Other(other), None),
        };
        Self { family, rate: [rate; 3], burst, evidence, notes: Vec::new() }
    }

    /// A token bucket of a rate whose burst nobody knows.
    pub const fn of_rate(rate: f64, evidence: KnownFrom) -> Self {
        Self { family: LimiterFamily::Bucket, rate: [rate; 3], burst: None, evidence, notes: Vec::new() }
    }

    /// Whether its burst could be anything.
    pub fn burst_is_unknown(&self) -> bool {
        self.burst.is_none() && matches!(self.family, LimiterFamily::Bucket | LimiterFamily::Shards(_) | LimiterFamily::Step(_))
    }

    /// How deep it is, most likely: as given, or one second of its rate.
    pub fn depth(&self) -> BucketDepth {
        // A burst is taken as so much time of the rate, so that a higher quota has a higher burst.
        self.burst
            .filter(|_| self.rate[1].is_finite())
            .map_or(BucketDepth::Seconds(1.0), |burst| BucketDepth::Seconds(burst / self.rate[1]))
    }

    /// It as it is at worst, most likely and at best.
    pub fn readings(&self) -> [KnownLimiter; 3] {
        let depth = |least: bool| match self.burst {
            Some(burst) => BucketDepth::Calls(burst),
            None if least => BucketDepth::Seconds(LEAST_BURST_S),
            None => BucketDepth::Seconds(1.0),
        };
        let of = |rate: f64, least: bool| KnownLimiter { family: self.family, rate, depth: depth(least) };
        [of(self.rate[0], true), of(self.rate[1], false), of(self.rate[2], false)]
    }

    /// The same with another rate, and a burst that grows with it.
    #[must_use]
    pub fn raised(&self, rate: f64) -> Self {
        let family = if matches!(self.family, LimiterFamily::Other(_) | LimiterFamily::Unlimited) {
            LimiterFamily::Bucket
        } else {
            self.family
        };
        let burst = self.burst.filter(|_| self.rate[1].is_finite()).map(|burst| (burst / self.rate[1] * rate).floor().max(1.0));
        Self { family, rate: [rate; 3], burst, ..self.clone() }
    }

    /// As the emulator's model has it, with so much less per second.
    pub fn limiter(&self, shared: f64) -> Quota {
        self.readings()[1].limiter(shared)
    }

    /// The name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self.family {
            LimiterFamily::Bucket => "token-bucket",
            LimiterFamily::Window(_) => "fixed-window",
            LimiterFamily::Log(_) => "sliding-log",
            LimiterFamily::Counter(_) => "sliding-counter",
            LimiterFamily::Step(_) => "step-bucket",
            LimiterFamily::Shards(_) => "sharded-bucket",
            LimiterFamily::Unlimited => "none",
            LimiterFamily::Other(_) => "other",
        }
    }
}

impl KnownLimiter {
    /// Share refused of `load` Poisson calls per second.
    pub fn refused(&self, load: f64) -> f64 {
        let Self { family, rate, depth } = *self;
        let calls = |seconds: f64| whole((rate * seconds).round()).max(1);
        match family {
            LimiterFamily::Unlimited => 0.0,
            LimiterFamily::Bucket => bucket::refused(load, rate, depth.at(rate)),
            LimiterFamily::Window(seconds) => window::refused(load, calls(seconds), seconds),
            LimiterFamily::Log(seconds) => erlang::refused(load * seconds, calls(seconds)),
            LimiterFamily::Shards(nodes) => bucket::refused_sharded(load, rate, depth.at(rate), nodes),
            LimiterFamily::Step(seconds) => {
                let narrow = |calls: u64| u32::try_from(calls).unwrap_or(u32::MAX);
                step::refused(
                    load,
                    narrow(calls(seconds)),
                    seconds,
                    narrow(whole(depth.at(rate).round())).max(narrow(calls(seconds))),
                )
            }
            LimiterFamily::Counter(_) | LimiterFamily::Other(_) => simulated(self.limiter(0.0), load),
        }
    }

    /// The same of demand whose rate varies with the coefficient `cv` from minute to minute.
    pub fn refused_of(&self, load: f64, cv: f64) -> f64 {
        dispersion::quasi_static(load, cv, |load| self.refused(load))
    }

    /// As the emulator's model has it, with so much less per second.
    fn limiter(&self, shared: f64) -> Quota {
        let left = (self.rate - shared).max(1e-6);
        let Ok(rate) = Rate::per_second(left.min(Rate::MAX_PER_SECOND)) else { return Quota::None };
        let calls = |calls: f64| u32::try_from(whole(calls.round().max(1.0))).unwrap_or(u32::MAX);
        let (burst, time) =
            (calls(self.depth.at(left).floor()), |seconds: f64| Duration::from_secs_f64(seconds.clamp(1e-3, 86_400.0)));
        match self.family {
            LimiterFamily::Unlimited => Quota::None,
            LimiterFamily::Bucket => Quota::TokenBucket(TokenBucket::full(rate, burst)),
            LimiterFamily::Window(s) => Quota::FixedWindow(FixedWindow::on_grid(calls(left * s), time(s))),
            LimiterFamily::Log(s) => Quota::SlidingLog(SlidingLog::exact(calls(left * s), time(s))),
            LimiterFamily::Counter(s) => Quota::SlidingCounter(SlidingCounter::exact(calls(left * s), time(s))),
            LimiterFamily::Step(s) => Quota::StepBucket(StepBucket::full(calls(left * s), time(s), burst.max(calls(left * s)))),
            LimiterFamily::Shards(nodes) => Quota::ShardedBucket(ShardedBucket::at_random(nodes, rate, burst)),
            LimiterFamily::Other(quota) => quota,
        }
    }
}

/// The least rate of a family at which it refuses at most `target` of `load` with the coefficient of variation `cv`. What is asked for of
/// another kind is taken to be a token bucket.
pub fn rate_for(family: LimiterFamily, depth: BucketDepth, load: f64, cv: f64, target: f64) -> f64 {
    match family {
        LimiterFamily::Unlimited => 0.0,
        LimiterFamily::Bucket | LimiterFamily::Other(_) if cv <= 0.0 => bucket::rate_for(load, depth, target),
        LimiterFamily::Log(seconds) if cv <= 0.0 => float(erlang::places_for(load * seconds, target)) / seconds,
        LimiterFamily::Window(seconds) if cv <= 0.0 => float(window::limit_for(load, seconds, target)) / seconds,
        _ => {
            let family = if matches!(family, LimiterFamily::Other(_)) { LimiterFamily::Bucket } else { family };
            let share = |rate: f64| KnownLimiter { family, rate, depth }.refused_of(load, cv);
            if load <= 0.0 { 0.0 } else { root::falls_to_above(target, load * (1.0 - target), load * 2.0 / target, share) }
        }
    }
}

/// The share refused, by so many arrivals.
fn simulated(quota: Quota, load: f64) -> f64 {
    if load <= 0.0 {
        return 0.0;
    }
    let mut limiter = Limiter::new(quota, false);
    let (mut at, mut refused) = (0.0, 0u64);
    for n in 0..SIMULATED {
        at += draw::exponential(1, Stream::Loss, n) / load;
        let now = Duration::from_secs_f64(at);
        refused += u64::from(limiter.take(Arrival { now, until: now, node: draw::bits(1, Stream::Node, n) }).is_err());
    }
    float(refused) / float(SIMULATED)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exactly(quota: Quota) -> OperationQuota {
        OperationQuota::exactly(quota, KnownFrom::Given)
    }

    fn rate(per_s: f64) -> Rate {
        Rate::per_second(per_s).unwrap()
    }

    /// What a limiter refuses by its closed form is what the emulator's refuses of random arrivals, kind by kind.
    #[test]
    fn closed_forms_agree_with_the_limiters() {
        let second = Duration::from_secs(1);
        for quota in [
            Quota::TokenBucket(TokenBucket::full(rate(5.0), 5)),
            Quota::FixedWindow(FixedWindow::on_grid(5, second)),
            Quota::SlidingLog(SlidingLog::exact(5, second)),
            Quota::StepBucket(StepBucket::full(5, second, 10)),
            Quota::ShardedBucket(ShardedBucket::at_random(2, rate(10.0), 10)),
        ] {
            let load = 4.0 * quota.rate_per_s().unwrap() / 5.0;
            let of = exactly(quota);
            let (closed, seen) = (of.readings()[1].refused(load), simulated(quota, load));
            assert!((closed / seen - 1.0).abs() < 0.08, "{quota}: {closed} {seen}");
            assert_eq!(of.limiter(0.0), quota, "{quota}");
        }
    }

    /// Oracle O17: the sliding counter, which has no closed form, as others have simulated it.
    #[test]
    fn the_sliding_counter() {
        for (limit, load, mean, error) in [(25, 20.0, 0.042_465, 0.000_15), (5, 4.0, 0.232_666, 0.0003)] {
            let found = simulated(Quota::SlidingCounter(SlidingCounter::exact(limit, Duration::from_secs(1))), load);
            // derived: 200,000 arrivals, whose refusals come in clusters: three times the deviation of independent ones
            let own = 3.0 * (mean * (1.0 - mean) / 2e5_f64).sqrt();
            assert!((found - mean).abs() < 4.0 * own.hypot(error), "{found} {mean}");
        }
    }

    /// A burst that nobody knows is planned both ways; more rate brings more burst; what others use is gone.
    #[test]
    fn unknown_bursts() {
        let unknown = OperationQuota::of_rate(25.0, KnownFrom::Default);
        let [worst, likely, best] = unknown.readings();
        assert!(worst.refused(20.0) > 100.0 * likely.refused(20.0) && (likely.refused(20.0) - best.refused(20.0)).abs() < 1e-15);
        assert!((rate_for(LimiterFamily::Bucket, likely.depth, 20.0, 0.0, 1e-3) - 22.31).abs() < 0.01);
        assert!((rate_for(LimiterFamily::Bucket, BucketDepth::Calls(5.0), 20.0, 0.0, 1e-3) - 45.34).abs() < 0.01);
        let known = exactly(Quota::TokenBucket(TokenBucket::full(rate(25.0), 50)));
        assert_eq!(known.raised(40.0).burst, Some(80.0));
        assert_eq!(unknown.limiter(5.0), Quota::TokenBucket(TokenBucket::full(rate(20.0), 20)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// The rate that is asked for refuses no more than the target, and a little less of it refuses more.
        #[test]
        fn rates_are_the_least(load in 1.0..40.0f64, cv in 0.0..0.5f64, steady in any::<bool>()) {
            let cv = if steady { 0.0 } else { cv };
            for family in [LimiterFamily::Bucket, LimiterFamily::Window(1.0), LimiterFamily::Log(2.0), LimiterFamily::Shards(3)] {
                let depth = BucketDepth::Seconds(1.0);
                let needed = rate_for(family, depth, load, cv, 1e-3);
                let share = |rate: f64| KnownLimiter { family, rate, depth }.refused_of(load, cv);
                prop_assert!(share(needed) <= 1e-3 * (1.0 + 1e-6), "{family:?} {}", share(needed));
                // A window has whole calls alone.
                prop_assert!(share(needed - 1.01) > 1e-3, "{family:?}");
            }
        }
    }
}
