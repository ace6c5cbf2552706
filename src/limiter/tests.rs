//! Each limit against its plain definition.

use proptest::prelude::*;

use super::growth::{Ramp, Scaling};
use super::token_bucket::TOKEN;
use super::*;
use crate::units::Rate;

fn ns(n: u64) -> Duration {
    Duration::from_nanos(n)
}

fn call(now: u64) -> Arrival {
    Arrival { now: ns(now), until: ns(now), node: 0 }
}

fn bucket(per_second: f64, burst: u32) -> Limiter {
    Limiter::new(Quota::TokenBucket(TokenBucket::full(Rate::per_second(per_second).unwrap(), burst)), false)
}

/// Any rate that a bucket may have.
fn rates() -> impl Strategy<Value = Rate> {
    (1u64..50_000_000).prop_map(|micro_hz| {
        #[allow(clippy::cast_precision_loss)] // below 2^53
        Rate::per_second(micro_hz as f64 / 1e6).unwrap()
    })
}

/// Instants of calls, in order: many at once, some close, some far apart.
fn instants(longest: u64) -> impl Strategy<Value = Vec<u64>> {
    let gap = prop_oneof![3 => Just(0u64), 3 => 0u64..longest / 20, 2 => 0u64..longest];
    prop::collection::vec(gap, 1..150).prop_map(|gaps| {
        let mut at = 0;
        gaps.into_iter()
            .map(|gap| {
                at += gap;
                at
            })
            .collect()
    })
}

/// The example of the issue: 40/s for 60 s against 25/s with burst 25 lets exactly 25 + 25 * 60 calls through, less
/// what had not refilled by the last call.
#[test]
fn sixty_seconds_of_overload() {
    let mut limiter = bucket(25.0, 25);
    let accepted = (0..2400u64).filter(|k| limiter.take(call(k * 25_000_000)).is_ok()).count();
    assert_eq!(accepted, 25 + 1499);
}

/// At exactly the rate nothing is refused, for a week, with a bucket of one: no drift.
#[test]
fn no_drift() {
    let mut limiter = bucket(8.0, 1);
    assert!((0..8 * 3600 * 24 * 7u64).all(|k| limiter.take(call(k * 125_000_000)).is_ok()));
}

/// One nanosecond early is too early.
#[test]
fn exact_to_the_nanosecond() {
    let mut limiter = bucket(4.0, 1);
    assert!(limiter.take(call(0)).is_ok());
    assert_eq!(limiter.take(call(249_999_999)), Err(NotUntil { at: Some(ns(250_000_000)) }));
    assert!(limiter.take(call(250_000_000)).is_ok());
}

/// Without a quota nothing is refused.
#[test]
fn unlimited() {
    let mut limiter = Limiter::new(Quota::None, false);
    assert!((0..10_000).all(|_| limiter.take(call(0)).is_ok()));
}

/// Under a steady overload a charged bucket starves: that is what the switch is for. An uncharged one lets its rate through.
#[test]
fn charged_refusals_starve() {
    let overload = |charge| {
        let quota = Quota::TokenBucket(TokenBucket::full(Rate::per_second(10.0).unwrap(), 10));
        let mut limiter = Limiter::new(quota, charge);
        (0..1000u64).filter(|k| limiter.take(call(k * 50_000_000)).is_ok()).count()
    };
    assert_eq!((overload(false), overload(true)), (509, 19));
}

/// Sharded enforcement lets the rate through in the long run, and is wrong in the short one: at two thirds of the rate some are refused.
#[test]
fn shards_are_approximate() {
    let quota = Quota::ShardedBucket(ShardedBucket::at_random(5, Rate::per_second(50.0).unwrap(), 10));
    let run = |gap: u64, calls: u64| {
        let mut limiter = Limiter::new(quota, false);
        let node = |k| crate::stats::draw::bits(3, crate::stats::draw::Stream::Node, k);
        (0..calls).filter(|k| limiter.take(Arrival { node: node(*k), ..call(k * gap) }).is_ok()).count()
    };
    let over = run(5_000_000, 20_000);
    assert!((4850..=5010).contains(&over), "{over}");
    let under = run(30_000_000, 3000);
    assert!((2500..2950).contains(&under), "{under}");
}

/// The documented meaning of a ramp: a jump is refused, a climb in steps is not.
#[test]
fn ramps_may_climb_but_not_jump() {
    let growth = Growth { window: Duration::from_secs(1), growth_milli: 1500, floor: 10, status: 400 };
    let mut ramp = Ramp::new(growth);
    let mut second = |index: u64, calls: u64| (0..calls).filter(|_| ramp.take(Duration::from_secs(index))).count();
    assert_eq!([second(0, 10), second(1, 15), second(2, 22), second(3, 40), second(5, 100)], [10, 15, 22, 33, 10]);
    let mut scaling = Scaling::new(Growth { status: 500, ..growth });
    let mut second = |index: u64, calls: u64| (0..calls).filter(|_| scaling.take(Duration::from_secs(index))).count();
    assert_eq!([second(0, 30), second(1, 30), second(2, 12), second(3, 30), second(9, 30)], [10, 15, 12, 12, 10]);
}

/// Whether one more call at `at` would keep every interval that ends there within `burst + rate * length`, on one of `nodes`:
/// the definition of a token bucket that was full at 0, over the calls accepted so far.
fn bucket_allows(rate: Rate, burst: u32, nodes: u32, accepted: &[u64], at: u64) -> bool {
    let (price, depth) = (TOKEN * u128::from(nodes), u128::from(burst) * TOKEN);
    (0..=accepted.len()).all(|from| {
        let start = accepted.get(from).copied().unwrap_or(at);
        let calls = (accepted.len() - from + 1) as u128;
        calls * price <= depth.max(price) + u128::from(rate.micro_hz()) * u128::from(at - start)
    })
}

/// Plays calls through a limiter and through a definition that is given the calls which count so far, and compares.
fn compare(
    quota: Quota,
    charge: bool,
    calls: &[u64],
    allowed: impl Fn(&[u64], u64) -> bool,
) -> Result<(), proptest::test_runner::TestCaseError> {
    let mut limiter = Limiter::new(quota, charge);
    let mut counted = Vec::new();
    for &at in calls {
        let expected = allowed(&counted, at);
        prop_assert_eq!(limiter.take(call(at)).is_ok(), expected, "{:?} at {}", quota, at);
        if expected || charge {
            counted.push(at);
        }
    }
    Ok(())
}

fn count(calls: &[u64], within: impl Fn(u64) -> bool) -> u64 {
    calls.iter().filter(|t| within(**t)).count() as u64
}

/// Numbers for a limiter of any kind.
#[derive(Clone, Copy)]
struct Numbers {
    rate: Rate,
    limit: u32,
    window: Duration,
}

const KINDS: usize = 8;

/// A limiter of the kind with this number.
fn quota(kind: usize, numbers: Numbers) -> Quota {
    let Numbers { rate, limit, window } = numbers;
    let all: [Quota; KINDS] = [
        Quota::None,
        Quota::TokenBucket(TokenBucket::full(rate, limit)),
        Quota::StepBucket(StepBucket::full(limit, window, limit + 1)),
        Quota::FixedWindow(FixedWindow::on_grid(limit, window)),
        Quota::SlidingLog(SlidingLog::exact(limit, window)),
        Quota::SlidingCounter(SlidingCounter::exact(limit, window)),
        Quota::Concurrency(Concurrency::of(limit)),
        Quota::ShardedBucket(ShardedBucket::at_random(3, rate, 2 * limit)),
    ];
    all[kind]
}

proptest! {
    /// Token bucket: no interval has more than `burst + rate * length`, and nothing is refused that would keep it so.
    #[test]
    fn token_bucket(rate in rates(), burst in 1u32..12, calls in instants(20_000_000_000)) {
        let quota = Quota::TokenBucket(TokenBucket::full(rate, burst));
        compare(quota, false, &calls, |accepted, at| bucket_allows(rate, burst, 1, accepted, at))?;
    }

    /// Charged token bucket: against the plain simulation in steps of one call.
    #[test]
    fn charged_token_bucket(rate in rates(), burst in 1u32..12, calls in instants(20_000_000_000)) {
        let mut limiter = Limiter::new(Quota::TokenBucket(TokenBucket::full(rate, burst)), true);
        let (mut held, mut last) = (u128::from(burst) * TOKEN, 0);
        for at in calls {
            held = (held + u128::from(at - last) * u128::from(rate.micro_hz())).min(u128::from(burst) * TOKEN);
            last = at;
            let expected = held >= TOKEN;
            held = if expected { held - TOKEN } else { 0 };
            prop_assert_eq!(limiter.take(call(at)).is_ok(), expected);
        }
    }

    /// Step refill: against a bucket that is refilled at every multiple of `every`, one after the other.
    #[test]
    fn step_bucket(tokens in 1u32..8, every in 50u64..3000, burst in 1u32..12, calls in instants(20_000)) {
        let mut limiter = Limiter::new(Quota::StepBucket(StepBucket::full(tokens, ns(every), burst)), false);
        let (mut held, mut next) = (burst, every);
        for at in calls {
            while next <= at {
                held = (held + tokens).min(burst);
                next += every;
            }
            prop_assert_eq!(limiter.take(call(at)).is_ok(), held > 0);
            held = held.saturating_sub(1);
        }
    }

    /// Fixed window: fewer than `limit` calls with the same whole quotient.
    #[test]
    fn fixed_window(limit in 1u32..8, window in 1u64..3000, calls in instants(10_000), charge: bool) {
        compare(Quota::FixedWindow(FixedWindow::on_grid(limit, ns(window))), charge, &calls, |counted, at| {
            count(counted, |t| t / window == at / window) < u64::from(limit)
        })?;
    }

    /// Sliding log: fewer than `limit` calls in the `window` that ends with this one, its start left out.
    #[test]
    fn sliding_log(limit in 1u32..8, window in 1u64..3000, calls in instants(10_000), charge: bool) {
        compare(Quota::SlidingLog(SlidingLog::exact(limit, ns(window))), charge, &calls, |counted, at| {
            count(counted, |t| t + window > at) < u64::from(limit)
        })?;
    }

    /// Sliding counter: the weighted sum of this window's calls and those of the one before.
    #[test]
    fn sliding_counter(limit in 1u32..8, window in 1u64..3000, calls in instants(10_000), charge: bool) {
        compare(Quota::SlidingCounter(SlidingCounter::exact(limit, ns(window))), charge, &calls, |counted, at| {
            let (index, left) = (at / window, window - at % window);
            let before = count(counted, |t| t / window + 1 == index);
            let now = count(counted, |t| t / window == index);
            before * left + (now + 1) * window <= u64::from(limit) * window
        })?;
    }

    /// Concurrency: fewer than `limit` calls that are not answered yet.
    #[test]
    fn concurrency(limit in 1u32..6, calls in instants(5000), took in prop::collection::vec(0u64..4000, 150), charge: bool) {
        let mut limiter = Limiter::new(Quota::Concurrency(Concurrency::of(limit)), charge);
        let mut held: Vec<(u64, u64)> = Vec::new();
        for (at, took) in calls.into_iter().zip(took) {
            let expected = held.iter().filter(|(_, end)| *end > at).count() < limit as usize;
            prop_assert_eq!(limiter.take(Arrival { now: ns(at), until: ns(at + took), node: 0 }).is_ok(), expected);
            if expected || charge {
                held.push((at, at + took));
            }
        }
    }

    /// Sharded bucket: every node by the definition of a bucket with its share, over the calls that landed on it.
    #[test]
    fn sharded_bucket(
        rate in rates(), burst in 1u32..30, nodes in 1u32..5,
        calls in instants(20_000_000_000), lands in prop::collection::vec(any::<u64>(), 150),
    ) {
        let mut limiter = Limiter::new(Quota::ShardedBucket(ShardedBucket::at_random(nodes, rate, burst)), false);
        let mut accepted = vec![Vec::new(); nodes as usize];
        for (at, node) in calls.into_iter().zip(lands) {
            let on = &mut accepted[usize::try_from(node % u64::from(nodes)).unwrap()];
            let expected = bucket_allows(rate, burst, nodes, on, at);
            prop_assert_eq!(limiter.take(Arrival { node, ..call(at) }).is_ok(), expected);
            if expected {
                on.push(at);
            }
        }
    }

    /// Growth: against tables of what each window had.
    #[test]
    fn growth(growth_milli in 1000u32..4000, floor in 1u32..10, window in 1u64..3000, calls in instants(8000)) {
        let growth = Growth { window: ns(window), growth_milli, floor, status: 400 };
        let (mut ramp, mut scaling) = (Ramp::new(growth), Scaling::new(growth));
        let windows = calls.last().map_or(0, |at| at / window) + 1;
        let grown = |n: u64| n * u64::from(growth_milli) / 1000;
        let mut expected = Vec::new();
        let (mut passed, mut capacity) = (0, u64::from(floor));
        for index in 0..windows {
            let asked = count(&calls, |t| t / window == index);
            passed = asked.min(grown(passed).max(u64::from(floor)));
            expected.push((passed, asked.min(capacity)));
            capacity = asked.min(grown(capacity)).max(u64::from(floor));
        }
        let mut got = vec![(0, 0); expected.len()];
        for at in calls {
            let window = &mut got[usize::try_from(at / window).unwrap()];
            window.0 += u64::from(ramp.take(ns(at)));
            window.1 += u64::from(scaling.take(ns(at)));
        }
        prop_assert_eq!(got, expected);
    }

    /// A refusal says when: at that instant the same call passes, a nanosecond before it does not. Kinds that cannot know say nothing.
    #[test]
    fn passes_when_it_says(
        kind in 0usize..KINDS, limit in 1u32..5, window in 1u64..2_000_000_000, charge: bool,
        rate in rates(), calls in instants(3_000_000_000),
    ) {
        let quota = quota(kind, Numbers { rate, limit, window: ns(window) });
        let mut limiter = Limiter::new(quota, charge);
        for at in calls {
            let Err(refusal) = limiter.take(call(at)) else { continue };
            let Some(says) = refusal.at else {
                prop_assert!(matches!(quota, Quota::Concurrency(_) | Quota::ShardedBucket(_)), "{:?} does not say when", quota);
                continue;
            };
            prop_assert!(says > ns(at));
            let passes = |now: Duration| limiter.clone().take(Arrival { now, until: now, node: 0 }).is_ok();
            prop_assert!(passes(says), "{:?} refuses at {:?}, as promised at {}", quota, says, at);
            prop_assert!(!passes(says.saturating_sub(ns(1))), "{:?} passes before {:?}", quota, says);
        }
    }

    /// A clock that goes back gains nothing, and a state that was written and read goes on as it was.
    #[test]
    fn back_and_restored(
        times in prop::collection::vec(0u64..1_000_000, 1..60), kind in 0usize..KINDS, charge: bool, at in 0usize..60,
    ) {
        let (rate, us) = (Rate::per_second(7.0).unwrap(), Duration::from_micros);
        let window = us(90_000);
        let quota = quota(kind, Numbers { rate, limit: 2, window });
        let mut given = Limiter::new(quota, charge);
        let mut sorted = given.clone();
        let mut latest = 0;
        for (i, time) in times.into_iter().enumerate() {
            latest = latest.max(time);
            let arrival = |now| Arrival { now: us(now), until: us(latest + 70_000), node: i as u64 };
            prop_assert_eq!(given.take(arrival(time)), sorted.take(arrival(latest)));
            if i == at {
                given = serde_json::from_str(&serde_json::to_string(&given).unwrap()).unwrap();
            }
        }
    }
}
