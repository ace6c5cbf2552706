//! The laws of the engine, and every kind against the emulator's own limiters.

use std::time::Duration;

use proptest::prelude::*;

use super::testing::{finding, probe};
use super::*;
use crate::limiter::{Arrival, Limiter};
use crate::limiter::{FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use crate::units::Rate;

fn found(quota: Quota) -> Finding {
    let settings = Settings::default();
    let (observations, stop) = probe(quota, &settings);
    judge(&settings, &observations, stop)
}

fn holds(finding: &Finding, rate: f64) -> bool {
    finding.rate_per_s.is_some_and(|r| r.low <= rate && rate <= r.high)
}

/// Every kind is found with its numbers: no network noise, so nothing may be wrong.
#[test]
fn every_kind_is_found() {
    let window = Duration::from_millis(1700);
    let rate = |per_second| Rate::per_second(per_second).unwrap();
    let cases = [
        (Quota::TokenBucket(TokenBucket::full(rate(5.0), 10)), Kind::TokenBucket, 5.0, 10),
        (Quota::StepBucket(StepBucket::full(5, Duration::from_secs(1), 12)), Kind::StepBucket, 5.0, 12),
        (Quota::FixedWindow(FixedWindow::on_grid(8, window)), Kind::FixedWindow, 8.0 / 1.7, 8),
        (Quota::SlidingLog(SlidingLog::exact(8, window)), Kind::SlidingLog, 8.0 / 1.7, 8),
    ];
    for (quota, kind, rate, burst) in cases {
        let finding = found(quota);
        assert_eq!((finding.kind, finding.burst), (kind, Some(burst)), "{quota}");
        assert!(holds(&finding, rate), "{quota}: {:?}", finding.rate_per_s);
        assert_eq!(finding.rejects_are_free, Some(true));
    }
}

/// Nothing refused: no kind, and up to which rate.
#[test]
fn no_limiter_is_none() {
    let finding = found(Quota::None);
    assert_eq!((finding.kind, finding.rate_per_s, finding.burst, finding.stop), (Kind::None, None, None, Stop::Calls));
    assert!(finding.tried_per_s > 100.0);
}

/// Limiters that no client can tell apart have one name.
#[test]
fn classes_are_canonical() {
    let every = Duration::from_millis(1300);
    assert_eq!(found(Quota::StepBucket(StepBucket::full(6, every, 6))).kind, Kind::FixedWindow);
    assert_eq!(found(Quota::SlidingLog(SlidingLog::exact(1, every))).kind, Kind::TokenBucket);
    let rate = Rate::per_second(4.0).unwrap();
    assert_eq!(found(Quota::ShardedBucket(ShardedBucket::at_random(1, rate, 8))).kind, Kind::TokenBucket);
}

/// The budget is a bound, whatever it is.
#[test]
fn budgets_hold() {
    let quota = Quota::TokenBucket(TokenBucket::full(Rate::per_second(5.0).unwrap(), 40));
    for (max_calls, max_sessions) in [(1, 600), (7, 600), (100, 600), (600, 1), (600, 25)] {
        let settings = Settings { max_calls, max_sessions, ..Settings::default() };
        let (seen, _) = probe(quota, &settings);
        let sessions = seen.iter().filter(|o| o.answer == Answer::Accepted).count();
        assert!(seen.len() <= max_calls as usize && sessions <= max_sessions as usize, "{} {sessions}", seen.len());
    }
}

/// So is the time: nothing is due after it, however long a rest would have to be.
#[test]
fn time_holds() {
    let window = Duration::from_secs(5);
    let step = Quota::StepBucket(StepBucket::full(5, window, 12));
    for quota in
        [step, Quota::SlidingCounter(SlidingCounter::exact(9, window)), Quota::FixedWindow(FixedWindow::on_grid(9, window))]
    {
        for max_seconds in [5.0, 12.0, 21.0, 30.0] {
            let (seen, _) = probe(quota, &Settings { max_seconds, ..Settings::default() });
            let last = seen.iter().map(|o| o.sent_us).max().unwrap();
            assert!(Duration::from_micros(last).as_secs_f64() <= max_seconds, "{quota:?} {max_seconds} {last}");
        }
    }
}

/// Throttles of other causes say nothing about the quota: with them the result is the same, but for their count.
#[test]
fn other_throttles_are_kept_apart() {
    let plain = finding();
    let mut observations = plain.observations.clone();
    let extra = Observation { answer: Answer::Ramp, ..observations[observations.len() / 2] };
    observations.push(extra);
    let mixed = judge(&plain.settings, &observations, plain.stop);
    assert_eq!((mixed.kind, mixed.rate_per_s, mixed.burst), (plain.kind, plain.rate_per_s, plain.burst));
    assert_eq!((mixed.signals.ramp, plain.signals.ramp), (1, 0));
}

/// The contract is published, and what is written can be read.
#[test]
fn the_contract_is_published() {
    let written = serde_json::to_value(finding()).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    jsonschema::validate(&schema, &written).unwrap();
    let read: Finding = serde_json::from_value(written).unwrap();
    assert_eq!(read.kind, Kind::TokenBucket);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The interval of a token bucket holds its rate, and its burst is right, whatever both are.
    #[test]
    fn the_interval_covers(micro in 500_000u64..20_000_000, burst in 1u32..40) {
        #[allow(clippy::cast_precision_loss)] // below 2^53
        let rate = Rate::per_second(micro as f64 / 1e6).unwrap();
        let finding = found(Quota::TokenBucket(TokenBucket::full(rate, burst)));
        prop_assert_eq!(finding.kind, Kind::TokenBucket);
        prop_assert!(holds(&finding, rate.as_f64()), "{:?}", finding.rate_per_s);
        let (low, high) = finding.burst_between.unwrap();
        prop_assert!(low <= burst && burst <= high);
    }
}

/// A quota that changes while it is probed is named, with what holds now.
#[test]
fn a_change_is_detected() {
    let settings = Settings::default();
    let rate = |per_second| Rate::per_second(per_second).unwrap();
    let (mut seen, mut now) = (Vec::new(), Duration::ZERO);
    let mut limiter = Limiter::new(Quota::TokenBucket(TokenBucket::full(rate(6.0), 9)), false);
    let mut changed = false;
    let stop = loop {
        let batch = match next(&settings, &seen, now) {
            Next::Done(stop) => break stop,
            Next::Send(batch) => batch,
        };
        if now > Duration::from_secs(8) && !changed {
            (limiter, changed) = (Limiter::new(Quota::TokenBucket(TokenBucket::full(rate(3.0), 9)), false), true);
        }
        answer(&mut limiter, &batch, now, &mut seen);
        now = seen.last().map_or(now, |o| Duration::from_micros(o.done_us));
    };
    let finding = judge(&settings, &seen, stop);
    assert!(finding.quota_changed && !finding.guaranteed, "{:?}", finding.notes);
    assert!(holds(&finding, 3.0), "{:?}", finding.rate_per_s);
}

fn answer(limiter: &mut Limiter, batch: &Batch, now: Duration, seen: &mut Vec<Observation>) {
    let way = Duration::from_millis(15);
    for due in &batch.dues {
        let sent = (*due).max(now);
        let passed = limiter.take(Arrival { now: sent + way, until: sent + way, node: 0 }).is_ok();
        seen.push(batch.observe(*due, sent, sent + 2 * way, if passed { Answer::Accepted } else { Answer::Refused }));
    }
}

/// A few answers of another limiter are refused by default, and left out when the settings allow it: then nothing is guaranteed.
#[test]
fn outliers_are_tolerated_when_asked() {
    let mut plain = finding();
    let stray = plain.observations.iter().rposition(|o| o.answer == Answer::Refused).unwrap();
    plain.observations[stray].answer = Answer::Accepted;
    let strict = judge(&plain.settings, &plain.observations, plain.stop);
    assert!(!strict.guaranteed);
    let lenient = Settings { outliers: 0.02, ..plain.settings };
    let found = judge(&lenient, &plain.observations, plain.stop);
    assert_eq!((found.kind, found.burst, found.guaranteed, found.violated_answers), (Kind::TokenBucket, Some(10), false, 1));
    assert!(holds(&found, 5.0) && found.confidence.is_some_and(|c| c > 0.98 && c < 1.0), "{:?}", found.confidence);
}

/// Refused calls that cost are named, whether they empty a bucket or count in a window; the interval holds the rate.
#[test]
fn refused_calls_that_cost() {
    let settings = Settings::default();
    let quota = Quota::TokenBucket(TokenBucket::full(Rate::per_second(5.0).unwrap(), 12));
    let (mut limiter, mut seen, mut now) = (Limiter::new(quota, true), Vec::new(), Duration::ZERO);
    let stop = loop {
        match next(&settings, &seen, now) {
            Next::Done(stop) => break stop,
            Next::Send(batch) => answer(&mut limiter, &batch, now, &mut seen),
        }
        now = seen.last().map_or(now, |o| Duration::from_micros(o.done_us));
    };
    let finding = judge(&settings, &seen, stop);
    assert_eq!((finding.kind, finding.rejects_are_free, finding.guaranteed), (Kind::TokenBucket, Some(false), false));
    assert!(holds(&finding, 5.0), "{:?}", finding.rate_per_s);
}

/// Probes a limiter that decides when a call is sent, so that all of the round trip comes after.
fn found_at_once(quota: Quota, trip_ms: u64) -> Finding {
    let settings = Settings::default();
    let (mut limiter, mut seen, mut now) = (Limiter::new(quota, false), Vec::new(), Duration::ZERO);
    let stop = loop {
        let batch = match next(&settings, &seen, now) {
            Next::Done(stop) => break stop,
            Next::Send(batch) => batch,
        };
        for due in &batch.dues {
            let sent = (*due).max(now);
            let answer = if limiter.take(Arrival { now: sent, until: sent, node: 0 }).is_ok() {
                Answer::Accepted
            } else {
                Answer::Refused
            };
            seen.push(batch.observe(*due, sent, sent + Duration::from_millis(trip_ms), answer));
        }
        now = seen.iter().map(|o| Duration::from_micros(o.done_us)).max().unwrap_or(now);
    };
    judge(&settings, &seen, stop)
}

/// Windows of a second are not taken for several buckets where the stream did not use up each of them.
#[test]
fn windows_that_were_not_used_up() {
    for limit in [20, 50] {
        let quota = Quota::FixedWindow(FixedWindow::on_grid(limit, Duration::from_secs(1)));
        let finding = found_at_once(quota, 5);
        assert_eq!((finding.kind, finding.burst), (Kind::FixedWindow, Some(limit)), "{quota}: {:?}", finding.notes);
        assert!(holds(&finding, f64::from(limit)), "{quota}: {:?}", finding.rate_per_s);
    }
}

/// A bucket that fills by more than a token in a round trip is no cap on calls in flight.
#[test]
fn fast_buckets_are_no_caps() {
    let quota = Quota::TokenBucket(TokenBucket::full(Rate::per_second(50.0).unwrap(), 50));
    let finding = found_at_once(quota, 40);
    assert_eq!((finding.kind, finding.burst), (Kind::TokenBucket, Some(50)), "{:?}", finding.notes);
    assert!(holds(&finding, 50.0), "{:?}", finding.rate_per_s);
}

/// Where nothing came back within the time, nothing is said but the burst and what to raise.
#[test]
fn long_windows_are_inconclusive() {
    let window = Duration::from_mins(1);
    for quota in [Quota::SlidingLog(SlidingLog::exact(60, window)), Quota::SlidingCounter(SlidingCounter::exact(60, window))] {
        let finding = found_at_once(quota, 5);
        assert_eq!((finding.kind, finding.guaranteed, finding.rate_per_s), (Kind::Inconclusive, false, None), "{quota}");
        assert!(finding.notes.iter().any(|note| note.contains("--max-time")), "{:?}", finding.notes);
    }
}
