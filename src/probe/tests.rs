//! The laws of the engine, and every kind against the emulator's own limiters.

use std::time::Duration;

use proptest::prelude::*;

use super::cloud::SecondLook;
use super::sets::{Standing, Testable};
use super::testing::{finding, probe};
use super::view::View;
use super::*;
use crate::limiter::suspect::Traits;
use crate::limiter::{
    FixedWindow, PlainQuota, Quota, RefusedPays, ShardedBucket, SlidingCounter, SlidingLog, Stacked, StepBucket, TokenBucket,
};
use crate::units::Rate;

fn found(quota: Quota) -> ProbeFinding {
    let settings = ProbeSettings::default();
    let (observations, stop) = probe(quota, &settings);
    judge(&settings, &observations, stop)
}

fn holds(finding: &ProbeFinding, rate: f64) -> bool {
    finding.rate_per_s.is_some_and(|r| r.low <= rate && rate <= r.high)
}

fn rate(per_second: f64) -> Rate {
    Rate::per_second(per_second).unwrap()
}

/// Every kind is found with its numbers: no network noise, so nothing may be wrong.
#[test]
fn every_kind_is_found() {
    let window = Duration::from_millis(1700);
    let cases = [
        (Quota::TokenBucket(TokenBucket::full(rate(5.0), 10)), Kind::TokenBucket, 5.0, 10),
        (Quota::StepBucket(StepBucket::full(5, Duration::from_secs(1), 12)), Kind::StepBucket, 5.0, 12),
        (Quota::FixedWindow(FixedWindow::on_grid(8, window)), Kind::FixedWindow, 8.0 / 1.7, 8),
        (Quota::SlidingLog(SlidingLog::exact(8, window)), Kind::SlidingLog, 8.0 / 1.7, 8),
        (Quota::SlidingCounter(SlidingCounter::exact(8, window)), Kind::SlidingCounter, 8.0 / 1.7, 8),
    ];
    for (quota, kind, rate, burst) in cases {
        let finding = found(quota);
        assert_eq!((finding.kind, finding.burst), (kind, Some(burst)), "{quota}: {:?}", finding.notes);
        assert!(holds(&finding, rate), "{quota}: {:?}", finding.rate_per_s);
        assert_eq!(finding.rejects_are_free, Some(true));
        assert!(finding.odds[&kind] > 0.95, "{quota}: {:?}", finding.odds);
    }
}

/// Nothing refused: no kind, and up to which rate.
#[test]
fn no_limiter_is_none() {
    let finding = found(Quota::None);
    assert_eq!((finding.kind, finding.rate_per_s, finding.burst, finding.stop), (Kind::None, None, None, ProbeStop::Calls));
    assert!(finding.tried_per_s > 100.0);
}

/// Limiters that no client can tell apart have one name.
#[test]
fn classes_are_canonical() {
    let every = Duration::from_millis(1300);
    assert_eq!(found(Quota::StepBucket(StepBucket::full(6, every, 6))).kind, Kind::FixedWindow);
    assert_eq!(found(Quota::SlidingLog(SlidingLog::exact(1, every))).kind, Kind::TokenBucket);
    assert_eq!(found(Quota::ShardedBucket(ShardedBucket::at_random(1, rate(4.0), 8))).kind, Kind::TokenBucket);
}

/// The budget is a bound, whatever it is.
#[test]
fn budgets_hold() {
    let quota = Quota::TokenBucket(TokenBucket::full(rate(5.0), 40));
    for (max_calls, max_sessions) in [(1, 600), (7, 600), (60, 600), (600, 1), (600, 45)] {
        let settings = ProbeSettings { max_calls, max_sessions, ..ProbeSettings::default() };
        let (seen, _) = probe(quota, &settings);
        let sessions = seen.iter().filter(|o| o.answer == AnswerClass::Accepted).count();
        assert!(seen.len() <= max_calls as usize && sessions <= max_sessions as usize, "{} {sessions}", seen.len());
    }
}

/// So is the time: nothing is due after it, however long a rest would have to be.
#[test]
fn time_holds() {
    let window = Duration::from_secs(5);
    for quota in [Quota::StepBucket(StepBucket::full(5, window, 12)), Quota::FixedWindow(FixedWindow::on_grid(9, window))] {
        let max_seconds = 7.0;
        let (seen, _) = probe(quota, &ProbeSettings { max_seconds, ..ProbeSettings::default() });
        let last = seen.iter().map(|o| o.sent_us).max().unwrap();
        assert!(Duration::from_micros(last).as_secs_f64() <= max_seconds, "{quota:?} {max_seconds} {last}");
    }
}

/// The same observations give the same finding, and the same next question.
#[test]
fn a_probe_can_be_followed() {
    let quota = Quota::FixedWindow(FixedWindow::on_grid(6, Duration::from_millis(900)));
    let settings = ProbeSettings { max_calls: 60, ..ProbeSettings::default() };
    let (seen, stop) = probe(quota, &settings);
    let written = |finding: &ProbeFinding| serde_json::to_string(finding).unwrap();
    assert_eq!(written(&judge(&settings, &seen, stop)), written(&judge(&settings, &seen, stop)));
    let mut inquiry = Inquiry::new(settings);
    let mut now = Duration::ZERO;
    for batch in seen.chunk_by(|a, b| a.round == b.round).take(8) {
        assert_eq!(inquiry.next(now), next(&settings, inquiry.observations(), now));
        inquiry.observe(batch);
        now = Duration::from_micros(batch.iter().map(|o| o.done_us).max().unwrap());
    }
}

/// Answers of calls that were sent one after the other, in 5 ms each.
fn answered(batch: &Volley, now: Duration, answer: AnswerClass) -> Vec<Observation> {
    let sent = |due: &Duration| (*due).max(now);
    batch.dues.iter().map(|due| batch.observe(*due, sent(due), sent(due) + Duration::from_millis(5), answer)).collect()
}

/// Lets the same answer be given to every call; the waves' sizes, and how it ended.
fn always(answer: AnswerClass) -> (Vec<usize>, ProbeFinding) {
    let mut inquiry = Inquiry::new(ProbeSettings::default());
    let (mut now, mut waves) = (Duration::ZERO, Vec::new());
    loop {
        match inquiry.next(now) {
            Next::Done(stop) => return (waves, inquiry.finding(stop)),
            Next::Send(batch) => {
                waves.push(batch.dues.len());
                let seen = answered(&batch, now, answer);
                now = Duration::from_micros(seen.iter().map(|o| o.done_us).max().unwrap());
                inquiry.observe(&seen);
            }
        }
    }
}

/// A wave never grows after an answer that is no success, whatever it is; what says nothing ends after five answers, what refuses
/// everything after a patience that is said.
#[test]
fn nothing_grows_on_refusals() {
    for refusal in [AnswerClass::Refused, AnswerClass::Ramp, AnswerClass::Service, AnswerClass::TooMany, AnswerClass::Unavailable]
    {
        let (waves, finding) = always(refusal);
        assert!(waves.iter().all(|size| *size == 1), "{refusal:?}: {waves:?}");
        assert_eq!((finding.kind, finding.stop), (Kind::Inconclusive, ProbeStop::Shut), "{refusal:?}");
        assert!(finding.calls < 60 && finding.refusal.is_some(), "{refusal:?}: {}", finding.calls);
        assert!(finding.notes.iter().any(|note| note.contains("from the first call on")), "{:?}", finding.notes);
    }
    let (waves, finding) = always(AnswerClass::Unknown);
    assert_eq!((waves, finding.stop, finding.calls), (vec![1; SILENT], ProbeStop::Unanswered, 5));
}

/// A 429, a 503 or a throttle is a refusal where there is no quota error: the same limiter is found, and the signal is named.
#[test]
fn other_refusals_are_refusals() {
    let plain = finding();
    for (answer, name) in [
        (AnswerClass::TooMany, "HTTP 429"),
        (AnswerClass::Unavailable, "HTTP 503"),
        (AnswerClass::Ramp, "ThrottlingException"),
        (AnswerClass::Service, "ThrottlingException (HTTP 500)"),
    ] {
        let mut seen = plain.observations.clone();
        seen.iter_mut().filter(|o| o.answer == AnswerClass::Refused).for_each(|o| o.answer = answer);
        let found = judge(&plain.settings, &seen, plain.stop);
        assert_eq!((found.kind, found.burst, found.rate_per_s), (plain.kind, plain.burst, plain.rate_per_s), "{answer:?}");
        assert_eq!(found.refusal.as_deref(), Some(name));
    }
    assert_eq!(plain.refusal.as_deref(), Some("ProvisionedThroughputExceededException"));
}

/// Beside a quota error throttles of other causes say nothing about the quota: with them the result is the same, but for their count.
#[test]
fn other_throttles_are_kept_apart() {
    let plain = finding();
    let mut observations = plain.observations.clone();
    let extra = Observation { answer: AnswerClass::Ramp, ..observations[observations.len() / 2] };
    observations.insert(observations.len() / 2, extra);
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
    let read: ProbeFinding = serde_json::from_value(written).unwrap();
    assert_eq!((read.kind, read.schema), (Kind::TokenBucket, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    /// The interval of a token bucket holds its rate, and its burst is right, whatever both are.
    #[test]
    fn the_interval_covers(micro in 500_000u64..20_000_000, burst in 1u32..40) {
        #[allow(clippy::cast_precision_loss)] // below 2^53
        let rate = Rate::per_second(micro as f64 / 1e6).unwrap();
        let finding = found(Quota::TokenBucket(TokenBucket::full(rate, burst)));
        prop_assert!(finding.kind == Kind::TokenBucket || !finding.guaranteed, "{}: {:?}", finding.kind, finding.notes);
        if finding.kind == Kind::TokenBucket {
            prop_assert!(holds(&finding, rate.as_f64()), "{:?}", finding.rate_per_s);
            let (low, high) = finding.burst_between.unwrap();
            prop_assert!(low <= burst && burst <= high);
        }
    }
}

/// A few answers of another limiter do not name another kind, and then nothing is guaranteed.
#[test]
fn outliers_are_no_other_limiter() {
    let mut plain = finding();
    // In the middle: the last one could as well be the first of a limiter that changed.
    let refused: Vec<usize> =
        (0..plain.observations.len()).filter(|at| plain.observations[*at].answer == AnswerClass::Refused).collect();
    let stray = refused[refused.len() / 2];
    plain.observations[stray].answer = AnswerClass::Accepted;
    let found = judge(&plain.settings, &plain.observations, plain.stop);
    assert_eq!((found.kind, found.burst, found.guaranteed), (Kind::TokenBucket, Some(10), false));
    assert!(holds(&found, 5.0) && found.violated_answers >= 1, "{:?}", found.rate_per_s);
}

/// A log of coarse counts is guaranteed no better than its parts are known.
#[test]
fn coarse_counts_are_no_log_of_every_call() {
    for (limit, millis, parts) in [(2, 1037, 8), (2, 886, 13), (4, 1009, 5)] {
        let window = Duration::from_millis(millis);
        let finding = found(Quota::SlidingLog(SlidingLog::coarse(limit, window, parts)));
        assert!(!finding.guaranteed || holds(&finding, f64::from(limit) / window.as_secs_f64()), "{finding:?}");
    }
}

/// Of two limits of which the slower one's period is longer than the probe, no rate is told.
#[test]
fn a_period_that_was_not_seen_tells_no_rate() {
    let first = PlainQuota::FixedWindow(FixedWindow::on_grid(10, Duration::from_secs(1)));
    let second = PlainQuota::FixedWindow(FixedWindow::on_grid(100, Duration::from_mins(1)));
    let finding = found(Quota::Stacked(Stacked { first, second, refused_pays: RefusedPays::Nothing }));
    assert!(finding.rate_per_s.is_none(), "{:?}: {:?}", finding.kind, finding.rate_per_s);
}

/// Where nothing came back within the time, nothing is said but what to raise.
#[test]
fn long_windows_are_inconclusive() {
    let quota = Quota::SlidingLog(SlidingLog::exact(60, Duration::from_mins(1)));
    let finding = found(quota);
    assert_eq!((finding.kind, finding.guaranteed, finding.rate_per_s), (Kind::Inconclusive, false, None), "{quota}");
    assert!(finding.notes.iter().any(|note| note.contains("--max-time")), "{:?}", finding.notes);
}

/// Counters of 10 in 2 s, exact and rounded down, whose windows begin while the first burst is sent: 11 calls pass, as of a window of 11.
fn counters_over_an_edge() -> impl Iterator<Item = (SlidingCounter, ProbeSettings)> {
    let one = |(n, floored): (u64, bool)| {
        let phase = Duration::from_millis(50 + 10 * n);
        let counter = SlidingCounter { floored, phase, ..SlidingCounter::exact(10, Duration::from_secs(2)) };
        (counter, ProbeSettings { seed: 100 + n, ..ProbeSettings::default() })
    };
    (0..6).flat_map(|n| [(n, false), (n, true)]).map(one)
}

/// What is guaranteed holds the truth, and the counter's own numbers are found within what brackets leave of them: that a search found
/// none is no proof that there are none.
#[test]
fn a_burst_over_an_edge_refutes_no_truth() {
    for (counter, settings) in counters_over_an_edge() {
        let (observations, stop) = probe(Quota::SlidingCounter(counter), &settings);
        let inquiry = Inquiry::of(settings, &observations);
        let family = if counter.floored { Testable::CounterFloored } else { Testable::Counter };
        let Standing::Left(sets) = family.standing(&View::whole(&observations)) else { panic!("{counter} is refuted") };
        let numbers = Traits { rate: Some(5.0), burst: Some(10.0), period: Some(2.0), ..Traits::default() };
        let truth = sets.iter().find(|set| set.holds(&numbers)).unwrap_or_else(|| panic!("{counter}: {sets:?}"));
        let least = guarantee::least(inquiry.belief.as_ref().unwrap().judged()[0]);
        let (timeline, facts) = (&inquiry.timeline, inquiry.facts.unwrap());
        let mut look = SecondLook { timeline, facts, clouds: &[], least, credit: i64::MAX };
        assert!(look.leaves(family.suspect(), Some(truth)), "{counter} at {:?}, seed {}", counter.phase, settings.seed);
        let found = judge(&settings, &observations, stop);
        let burst = found.burst_between.is_some_and(|(low, high)| low <= 10 && 10 <= high);
        assert!(!found.guaranteed || holds(&found, 5.0) && burst, "{counter}: {:?} {:?}", found.rate_per_s, found.burst_between);
    }
}

/// Of calls that were sent at one instant, some one was let through last: it tells a counter from one of a call less that rounds down,
/// which answers alike but where nothing is left of the window before.
#[test]
fn a_counter_is_no_other_that_rounds_down() {
    for millis in [300, 700, 1100, 1500, 1900] {
        let phase = Duration::from_millis(millis);
        let found = found(Quota::SlidingCounter(SlidingCounter { phase, ..SlidingCounter::exact(10, Duration::from_secs(2)) }));
        assert_eq!(
            (found.kind, found.guaranteed, found.burst_between),
            (Kind::SlidingCounter, true, Some((10, 10))),
            "{phase:?}"
        );
        let rate = found.rate_per_s.unwrap();
        assert!(holds(&found, 5.0) && rate.high - rate.low < 0.05, "{phase:?}: {rate:?}");
    }
}
