//! The catalogue: examples here, each kind against its plain definition in `laws`, what holds of all kinds in `all`.

mod all;
mod laws;

use proptest::prelude::*;

use super::growth::{Ramp, Scaling};
use super::*;
use crate::num;
use crate::units::{Rate, floor_us};

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

fn count(calls: &[u64], within: impl Fn(u64) -> bool) -> u64 {
    calls.iter().filter(|t| within(**t)).count() as u64
}

proptest! {
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
}

/// A state as version 0.1.0 wrote it, with what it holds of each kind, and until when the next call is refused there.
const EARLIER: [(&str, &str, &str, u64); 8] = [
    (
        r#"{"kind":"token-bucket","rate":5.0,"burst":2}"#,
        "true",
        r#"{"bucket":{"micro_hz":5000000,"price":"1000000000000000","depth":"2000000000000000","held":"0","last_us":500000}}"#,
        700_000,
    ),
    (
        r#"{"kind":"step-bucket","tokens":2,"every_us":1000000,"burst":3}"#,
        "false",
        r#"{"step":{"tokens":2,"every_us":1000000,"burst":3,"held":0,"steps":0}}"#,
        1_000_000,
    ),
    (
        r#"{"kind":"fixed-window","limit":2,"window_us":400000}"#,
        "false",
        r#"{"fixed":{"limit":2,"window_us":400000,"index":1,"count":2}}"#,
        800_000,
    ),
    (
        r#"{"kind":"sliding-log","limit":2,"window_us":400000}"#,
        "false",
        r#"{"log":{"limit":2,"window_us":400000,"counted_us":[200000,450000]}}"#,
        600_000,
    ),
    (
        r#"{"kind":"sliding-counter","limit":2,"window_us":400000}"#,
        "true",
        r#"{"counter":{"limit":2,"window_us":400000,"index":1,"before":2,"count":1}}"#,
        // Charged: there is no room in this window any more, and a half of the next one has to pass.
        1_000_000,
    ),
    (r#"{"kind":"concurrency","limit":1}"#, "false", r#"{"flight":{"limit":1,"ends_us":[900000]}}"#, 0),
    (
        r#"{"kind":"sharded-bucket","nodes":1,"rate":5.0,"burst":2}"#,
        "false",
        r#"{"nodes":[{"micro_hz":5000000,"price":"1000000000000000","depth":"2000000000000000","held":"0","last_us":500000}]}"#,
        0,
    ),
    (r#"{"kind":"none"}"#, "false", r#""unlimited""#, 0),
];

/// What version 0.1.0 kept of a limiter is read and goes on: its kind, its numbers, what a refused call costs, what is spent.
#[test]
fn earlier_states_are_read() {
    for (quota, charged, state, until_us) in EARLIER {
        let text = format!(r#"{{"quota":{quota},"charge_rejected":{charged},"latest_us":500000,"state":{state}}}"#);
        let mut limiter: Limiter = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let cost = RefusalCost::from(charged == "true");
        assert!(limiter.fits(&Limiter::new(limiter.quota, cost)), "{text}");
        let until = (until_us > 0).then(|| Duration::from_micros(until_us));
        let expected = if quota.contains("none") { Ok(Duration::ZERO) } else { Err(NotUntil { at: until }) };
        assert_eq!(limiter.take(call(500_000_000)), expected, "{text}");
    }
}
