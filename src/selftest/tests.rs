//! Figures that can be worked out by hand.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // microseconds of seconds

use proptest::prelude::*;

use super::*;

fn told(rate: f64, missed: u64, validity: Validity) -> Reported {
    Reported {
        way: SendSetup { transport: "wire".to_owned(), pacing: "spin".to_owned() },
        rate_per_s: rate,
        missed,
        send_lag: DelayPercentiles::of(vec![1, 2, 3]),
        load_cpu_share: None,
        validity,
    }
}

/// Calls of `rate`, each `late(k)` microseconds after its time at a server whose clock runs `skew` times as fast.
fn calls(rate: u64, n: u64, skew: f64, late: impl Fn(u64) -> u64) -> Vec<ServedCall> {
    (0..n)
        .map(|k| {
            let due_us = k * 1_000_000 / rate;
            let arrived_us = (due_us as f64 * skew) as u64 + late(k);
            ServedCall { due_us, arrived_us, replied_us: Some(arrived_us + 1000) }
        })
        .collect()
}

/// The deviation is arrival less due; a constant one is no rate error, and a perfect grid has no spread.
#[test]
fn a_constant_delay_is_no_rate_error() {
    let pacing = PacingResult::of(&calls(1000, 5000, 1.0, |_| 70), told(1000.0, 3, Validity::Valid));
    assert_eq!(pacing.deviation, DelayPercentiles { p50_us: 70, p99_us: 70, max_us: 70 });
    assert_eq!((pacing.calls, pacing.missed), (5003, 3));
    assert!(pacing.rate_error.unwrap().abs() < 1e-12 && pacing.inter_arrival_cv.unwrap() < 1e-9);
}

/// What comes a tenth of a percent slower is told as that, and its way is not trusted with that rate.
#[test]
fn a_slow_schedule_is_seen() {
    let slow = PacingResult::of(&calls(1000, 5000, 1.001, |_| 70), told(1000.0, 0, Validity::Valid));
    assert!((slow.rate_error.unwrap() + 0.001).abs() < 1e-5, "{slow:?}");
    let good = PacingResult::of(&calls(200, 1000, 1.0, |k| 50 + k % 10), told(200.0, 0, Validity::Valid));
    let trust = TrustReport::of(&[slow, good], &[], &[]);
    assert_eq!(trust.schedules[0].up_to_per_s, Some(200.0));
    assert!(trust.trusted);
}

/// One call in a hundred that is 5 ms late is the largest and above the 99th percentile; all of one size give a spread of gaps.
#[test]
fn outliers_are_outliers() {
    let pacing =
        PacingResult::of(&calls(1000, 1000, 1.0, |k| if k % 100 == 50 { 5000 } else { 20 }), told(1000.0, 0, Validity::Valid));
    assert_eq!(pacing.deviation, DelayPercentiles { p50_us: 20, p99_us: 20, max_us: 5000 });
    assert!(pacing.inter_arrival_cv.unwrap() > 0.1);
}

const STALL: ServerStall = ServerStall { rate_per_s: 200.0, stall_s: 2.0 };

fn claim(reported: StallTimes, missed: u64, validity: Validity) -> Claim {
    Claim { reported, service: StallTimes::default(), missed, validity }
}

/// Nothing measured is nothing known, and nothing to be trusted with.
#[test]
fn nothing_is_unknown() {
    let pacing = PacingResult::of(&[], told(200.0, 1000, Validity::Invalid));
    assert_eq!((pacing.rate_error, pacing.inter_arrival_cv, pacing.calls), (None, None, 1000));
    let trust = TrustReport::of(&[pacing], &[], &[]);
    assert!(!trust.trusted && trust.schedules[0].up_to_per_s.is_none());
    let silent = Honesty::of("sdk", STALL, &[], claim(StallTimes::default(), 2000, Validity::Invalid));
    assert_eq!(silent.p99_off, None);
    assert!(!TrustReport::of(&[], &[silent], &[]).percentiles);
}

/// A run that was the limit itself, or missed calls, is trusted with nothing from its rate up, whatever comes above it.
#[test]
fn a_gap_ends_the_trust() {
    let of =
        |rate: u64, missed, validity| PacingResult::of(&calls(rate, rate * 5, 1.0, |_| 50), told(rate as f64, missed, validity));
    let up_to = |tried: &[PacingResult]| TrustReport::of(tried, &[], &[]).schedules[0].up_to_per_s;
    let valid = [of(5000, 0, Validity::Valid), of(200, 0, Validity::Suspect), of(1000, 0, Validity::Valid)];
    assert_eq!(up_to(&valid), Some(5000.0));
    assert_eq!(up_to(&[of(200, 0, Validity::Valid), of(1000, 1, Validity::Valid), of(5000, 0, Validity::Valid)]), Some(200.0));
    assert_eq!(up_to(&[of(200, 0, Validity::Invalid), of(1000, 0, Validity::Valid)]), None);
}

/// Half a percent beside the truth is honest, more is not.
#[test]
fn honesty_has_a_limit() {
    let seen = calls(200, 1000, 1.0, |_| 99_000);
    let of = |p99_us| {
        let reported = StallTimes { p99_us, ..StallTimes::default() };
        Honesty::of("sdk", STALL, &seen, claim(reported, 0, Validity::Valid))
    };
    assert_eq!(of(100_000).truth, StallTimes { p50_us: 100_000, p95_us: 100_000, p99_us: 100_000, mean_us: 100_000 });
    assert!(TrustReport::of(&[], &[of(100_500)], &[]).percentiles);
    assert!(!TrustReport::of(&[], &[of(100_501)], &[]).percentiles);
    assert!(!TrustReport::of(&[], &[of(99_000)], &[]).percentiles);
}

/// Figures are medians, and ratios those of each round: a round in which everything was slow counts for what it was.
#[test]
fn costs_are_seen_beside_the_least() {
    let round =
        |slow: f64, sdk: f64| CostRound { bare_us: 8.0 * slow, wire_us: 6.0 * slow, sdk_us: sdk * slow, emulator_us: 12.0 };
    let costs = CallCost::of(&[round(1.0, 32.0), round(2.0, 40.0), round(1.0, 24.0)]);
    let of = |what: &str| costs.iter().find(|cost| cost.what == what).map(|cost| (cost.cpu_us_per_call, cost.of_bare));
    assert_eq!(of("bare"), Some((8.0, 1.0)));
    assert_eq!((of("wire"), of("sdk"), of("emulator")), (Some((6.0, 0.75)), Some((32.0, 4.0)), Some((12.0, 1.5))));
    assert!(CallCost::of(&[]).is_empty());
}

proptest! {
    /// The rate error is that of the clocks, whatever bounded jitter lies on it.
    #[test]
    fn the_slope_is_the_rate(skew in -0.01f64..0.01, jitter in 0u64..400, seed in 0u64..1000) {
        let seen = calls(1000, 10_000, 1.0 / (1.0 + skew), |k| k.wrapping_mul(seed * 2 + 1) % (jitter + 1));
        let pacing = PacingResult::of(&seen, told(1000.0, 0, Validity::Valid));
        // Uniform jitter of 400 us over 10,000 calls in 10 s: a standard error of 4e-7, and six of them.
        prop_assert!((pacing.rate_error.unwrap() - skew).abs() < 1e-5, "{:?} beside {}", pacing.rate_error, skew);
    }

    /// Percentiles by the nearest rank are values that occurred, in order.
    #[test]
    fn spreads_are_ordered(values in proptest::collection::vec(0u64..1_000_000, 1..500)) {
        let spread = DelayPercentiles::of(values.clone());
        prop_assert!(spread.p50_us <= spread.p99_us && spread.p99_us <= spread.max_us);
        prop_assert!([spread.p50_us, spread.p99_us, spread.max_us].iter().all(|v| values.contains(v)));
        let below = values.iter().filter(|v| **v <= spread.p50_us).count();
        prop_assert!(below * 2 >= values.len());
    }
}
