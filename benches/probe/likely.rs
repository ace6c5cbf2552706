//! Quotas that services are likely to have: round numbers, and decisions anywhere in the round trip.

use std::time::Duration;

use livebench::limiter::{Concurrency, FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use livebench::probe::{Kind, ProbeFinding, ProbeSettings};
use livebench::units::Rate;

use crate::world::{Conditions, Draws, Place, Truth, World};

/// Token buckets: rate per second, burst.
const BUCKETS: [(f64, u32); 16] = [
    (0.5, 1),
    (1.0, 1),
    (1.0, 5),
    (1.0, 10),
    (2.0, 2),
    (5.0, 1),
    (5.0, 5),
    (5.0, 10),
    (10.0, 10),
    (10.0, 20),
    (25.0, 25),
    (25.0, 50),
    (50.0, 50),
    (50.0, 100),
    (100.0, 100),
    (100.0, 200),
];

/// Windows of three kinds: calls, length in seconds.
const WINDOWS: [(u32, u64); 8] = [(5, 1), (10, 1), (20, 1), (50, 1), (100, 1), (50, 10), (100, 10), (60, 60)];

/// Steps: tokens, length in milliseconds, burst.
const STEPS: [(u32, u64, u32); 4] = [(5, 1000, 10), (10, 1000, 20), (25, 1000, 50), (5, 500, 20)];

/// Medians of the round trip in seconds, and the sigma of its logarithm.
const TRIPS: [(f64, f64); 3] = [(0.005, 0.0), (0.030, 0.298), (0.100, 0.298)];

/// All of them.
fn quotas() -> Vec<Truth> {
    let truth = |kind, rate, burst: u32, quota| Truth { kind, rate, burst: Some(f64::from(burst)), full_s: None, quota };
    let mut all = Vec::new();
    for (per_s, burst) in BUCKETS {
        let rate = Rate::per_second(per_s).unwrap();
        all.push(truth(Kind::TokenBucket, Some(per_s), burst, Quota::TokenBucket(TokenBucket::full(rate, burst))));
    }
    for (limit, s) in WINDOWS {
        let (rate, window) = (Some(f64::from(limit) / s as f64), Duration::from_secs(s));
        all.push(truth(Kind::FixedWindow, rate, limit, Quota::FixedWindow(FixedWindow::on_grid(limit, window))));
        all.push(truth(Kind::SlidingLog, rate, limit, Quota::SlidingLog(SlidingLog::exact(limit, window))));
        all.push(truth(Kind::SlidingCounter, rate, limit, Quota::SlidingCounter(SlidingCounter::exact(limit, window))));
    }
    for (tokens, ms, burst) in STEPS {
        let every = Duration::from_millis(ms);
        let rate = Some(f64::from(tokens) / every.as_secs_f64());
        all.push(truth(Kind::StepBucket, rate, burst, Quota::StepBucket(StepBucket::full(tokens, every, burst))));
    }
    for limit in [1, 2, 5, 10, 50] {
        all.push(truth(Kind::Concurrency, None, limit, Quota::Concurrency(Concurrency::of(limit))));
    }
    all.push(Truth { kind: Kind::None, rate: None, burst: None, full_s: None, quota: Quota::None });
    let quota = Quota::ShardedBucket(ShardedBucket::at_random(3, Rate::per_second(10.0).unwrap(), 30));
    all.push(Truth { kind: Kind::ShardedBucket, rate: None, burst: None, full_s: None, quota });
    all
}

/// What was said of them.
#[derive(Default)]
struct Row {
    right: u32,
    kinds: u32,
    covers: u32,
    inconclusive: u32,
    false_guarantees: u32,
}

/// Prints the table, `rounds` times with other draws.
pub(crate) fn likely(rounds: usize, seed: u64, only: Option<usize>, settings: &ProbeSettings) {
    for place in [Place::AtOnce, Place::Middle, Place::Late] {
        for (at, (trip, sigma)) in TRIPS.into_iter().enumerate() {
            if only.is_some_and(|only| only != at + place as usize * TRIPS.len()) {
                continue;
            }
            let (mut row, mut next, mut judging) = (Row::default(), 0.0_f64, 0.0_f64);
            let quotas = quotas();
            for (n, truth) in quotas.iter().cycle().take(quotas.len() * rounds).enumerate() {
                let draws = Draws { seed: seed * 100_000 + n as u64, n: 0 };
                let mut world = World::new(truth, draws, Conditions { trip, sigma, place, ..Conditions::default() });
                let found = world.probe(settings);
                (next, judging) = (next.max(world.longest_next), judging.max(world.judging));
                if world.longest_next.max(world.judging) > 0.5 {
                    println!("  {}: a decision of {:.2} s, the verdict {:.2} s", truth.quota, world.longest_next, world.judging);
                }
                row.count(truth, &found);
            }
            println!(
                "decided {place:?}, round trip {:.0} ms: right {}/{}, kind {}, interval covers {}, inconclusive {}, false guarantees {}; longest decision {next:.2} s, verdict {judging:.2} s",
                trip * 1000.0,
                row.right,
                quotas.len() * rounds,
                row.kinds,
                row.covers,
                row.inconclusive,
                row.false_guarantees
            );
        }
    }
}

impl Row {
    fn count(&mut self, truth: &Truth, found: &ProbeFinding) {
        let inside = truth.rate.is_none_or(|rate| found.rate_per_s.is_some_and(|r| r.low <= rate && rate <= r.high));
        let exact =
            truth.kind == Kind::ShardedBucket || truth.burst.is_none_or(|burst| found.burst.map(f64::from) == Some(burst));
        let kind = found.kind == truth.kind;
        let deep = truth.burst.is_none_or(|b| found.burst_between.is_none_or(|(l, h)| f64::from(l) <= b && b <= f64::from(h)));
        let (right, falsely) = (kind && inside && exact, found.guaranteed && !(kind && inside && deep));
        self.kinds += u32::from(kind);
        self.right += u32::from(right);
        self.covers += u32::from(inside);
        self.inconclusive += u32::from(found.kind == Kind::Inconclusive);
        self.false_guarantees += u32::from(falsely);
        if !right || falsely {
            println!(
                "  {}{} is {}, {:.3?}, burst {:?} {:?}, confidence {:.2?}, {} calls, {:.1} s, {:?}",
                if falsely { "FALSE GUARANTEE: " } else { "" },
                truth.quota,
                found.kind,
                found.rate_per_s.map(|r| (r.low, r.point, r.high)),
                found.burst,
                found.burst_between,
                found.confidence,
                found.calls,
                found.seconds,
                found.notes
            );
        }
    }
}
