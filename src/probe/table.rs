//! Forty limiters in virtual time, four of each of ten kinds: what is said of them, as `cargo bench --bench probe` says it of more.

use std::time::Duration;

use super::testing::probe;
use super::*;
use crate::limiter::{
    Ban, Delay, FixedWindow, PlainQuota, Quota, RefusedPays, ShardedBucket, SlidingCounter, SlidingLog, Stacked,
};
use crate::limiter::{StepBucket, TokenBucket};
use crate::units::Rate;

/// The n-th of four: a rate, calls of a window or a depth, and the window that goes with them.
fn numbers(n: usize) -> (Rate, u32, Duration) {
    let (rate, calls, window) = [(1.7, 4, 2353), (3.9, 11, 2821), (6.2, 9, 1452), (9.1, 23, 2527)][n];
    (Rate::per_second(rate).unwrap(), calls, Duration::from_millis(window))
}

/// Four of a kind: each is what is said, or among what else it may be, and none is guaranteed to be what it is not.
fn hold(kind: Kind, least_right: usize, of: fn(usize) -> (Quota, Option<f64>)) {
    hold_each(kind, 1, least_right, of);
}

/// The same, each of the four probed so many times: where chance decides more, more probes.
fn hold_each(kind: Kind, times: usize, least_right: usize, of: fn(usize) -> (Quota, Option<f64>)) {
    let mut right = 0;
    for n in 0..4 * times {
        let (quota, rate) = of(n % 4);
        let settings = ProbeSettings { seed: 1 + n as u64 / 4, ..ProbeSettings::default() };
        let (observations, stop) = probe(quota, &settings);
        let found = judge(&settings, &observations, stop);
        let covers = rate.zip(found.rate_per_s).is_none_or(|(rate, said)| said.low <= rate && rate <= said.high);
        assert!(!found.guaranteed || found.kind == kind && covers, "{quota}: {} {:?}", found.kind, found.rate_per_s);
        right += usize::from(found.kind == kind || found.also.iter().any(|also| also.kind == kind));
    }
    assert!(right >= least_right, "{kind}: {right} of {}", 4 * times);
}

fn per_second(calls: u32, window: Duration) -> f64 {
    f64::from(calls) / window.as_secs_f64()
}

fn plain(quota: Quota) -> PlainQuota {
    PlainQuota::try_from(quota).unwrap()
}

/// Continuous refill.
#[test]
fn token_buckets() {
    hold(Kind::TokenBucket, 4, |n| {
        let (rate, depth, _) = numbers(n);
        (Quota::TokenBucket(TokenBucket::full(rate, depth)), Some(rate.as_f64()))
    });
}

/// Refill in steps of half of the depth.
#[test]
fn step_buckets() {
    hold(Kind::StepBucket, 3, |n| {
        let (_, depth, window) = numbers(n);
        (Quota::StepBucket(StepBucket::full(depth / 2, window / 2, depth)), Some(per_second(depth / 2, window / 2)))
    });
}

/// Windows on the clock's grid.
#[test]
fn windows_on_a_grid() {
    hold(Kind::FixedWindow, 4, |n| {
        let (_, calls, window) = numbers(n);
        (Quota::FixedWindow(FixedWindow::on_grid(calls, window)), Some(per_second(calls, window)))
    });
}

/// Windows from the first call on.
#[test]
fn windows_from_the_first_call() {
    hold(Kind::FixedWindow, 4, |n| {
        let (_, calls, window) = numbers(n);
        (Quota::FixedWindow(FixedWindow::from_first_call(calls, window)), Some(per_second(calls, window)))
    });
}

/// Logs of every call.
#[test]
fn sliding_logs() {
    hold(Kind::SlidingLog, 4, |n| {
        let (_, calls, window) = numbers(n);
        (Quota::SlidingLog(SlidingLog::exact(calls, window)), Some(per_second(calls, window)))
    });
}

/// Counts of two windows.
#[test]
fn sliding_counters() {
    hold(Kind::SlidingCounter, 4, |n| {
        let (_, calls, window) = numbers(n);
        (Quota::SlidingCounter(SlidingCounter::exact(calls, window)), Some(per_second(calls, window)))
    });
}

/// Three buckets, calls land by chance.
#[test]
fn sharded_buckets() {
    hold(Kind::ShardedBucket, 3, |n| {
        let (rate, depth, _) = numbers(n);
        (Quota::ShardedBucket(ShardedBucket::at_random(3, rate, depth.max(9))), None)
    });
}

/// Queues.
#[test]
fn delays() {
    hold(Kind::Delay, 3, |n| {
        let (rate, queue, _) = numbers(n);
        (Quota::Delay(Delay { rate, queue }), Some(rate.as_f64()))
    });
}

/// Buckets that are shut for some seconds after some refused calls.
#[test]
fn bans() {
    // Three in four, as of four probes; four in five are right over many seeds, so that of four alone chance decides.
    hold_each(Kind::Ban, 3, 9, |n| {
        let (rate, depth, _) = numbers(n);
        let of = plain(Quota::TokenBucket(TokenBucket::full(rate, depth)));
        (Quota::Ban(Ban { of, after: 12, length: Duration::from_secs(3), renewed: n % 2 == 0 }), None)
    });
}

/// Two windows, the longer of which lets half as many through.
#[test]
fn stacked_limits() {
    hold(Kind::Stacked, 3, |n| {
        let (_, calls, _) = numbers(n);
        let first = plain(Quota::FixedWindow(FixedWindow::on_grid(calls, Duration::from_millis(1100))));
        let long = Duration::from_millis(6300);
        let second = plain(Quota::FixedWindow(FixedWindow::on_grid(calls * 3, long)));
        (Quota::Stacked(Stacked { first, second, refused_pays: RefusedPays::Nothing }), Some(per_second(calls * 3, long)))
    });
}
