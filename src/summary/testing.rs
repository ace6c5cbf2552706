//! Runs for the tests of this room and of the reports.

use std::path::Path;

use super::{Called, CpuUse, Endpoint, RunFacts, Stop, Summary, summarize};
use crate::client::outcome::Outcome;
use crate::record::Recorded;
use crate::record::ledger::whole;
use crate::record::recorder::Recorder;
use crate::record::sample::testing::{sample, session};
use crate::record::sample::{Role, Sample};
use crate::scenario::{self, Scenario};
use crate::units::Text64;

/// A scenario with the given tables after `[load]`'s own lines.
pub(crate) fn scenario(load: &str, rest: &str) -> Scenario {
    let text = format!("name = \"example\"\nseed = 7\n[load]\n{load}\n{rest}\n");
    scenario::read("test.toml", &text, Path::new("")).unwrap()
}

/// The usual one: 100 s at 20/s.
pub(crate) fn steady(rest: &str) -> Scenario {
    scenario("concurrency = 64\nstages = [ { for = \"100s\", rate = 20 } ]", rest)
}

pub(crate) fn facts(scheduled: u64) -> RunFacts {
    RunFacts {
        scheduled: Some(scheduled),
        elapsed_us: Some(100_250_000),
        stop: Stop::Completed,
        cpu: Some(CpuUse { busiest_load_thread_share: 0.04, process_share: 0.08, cores: 2 }),
        harness: None,
        called: Called {
            endpoint: Endpoint::Embedded,
            region: "us-east-1".to_owned(),
            transport: "sdk".to_owned(),
            virtual_time: false,
        },
        unexpected: None,
        merged: None,
        held_back_us: 0,
        server_clock: None,
        joined_us: None,
        of_shards: false,
        segments: Vec::new(),
    }
}

pub(crate) fn recorded(scenario: &Scenario, samples: &[Sample]) -> Recorded {
    let mut recorder = Recorder::default();
    for sample in samples {
        recorder.record(sample);
    }
    let ttl_us = crate::units::floor_us(scenario.idempotency.session_ttl);
    Recorded { recorder, ledger: whole(samples, ttl_us) }
}

pub(crate) fn summary(scenario: &Scenario, samples: &[Sample], facts: &RunFacts) -> Summary {
    summarize(scenario, &recorded(scenario, samples), facts)
}

/// `n` ok calls at 20/s, 40 to 139 ms each, sent on time.
pub(crate) fn good_calls(n: u64) -> Vec<Sample> {
    (0..n).map(|seq| sample(seq, Outcome::Ok, seq * 50, 0, 40 + seq * 37 % 100)).collect()
}

/// A run in which everything holds.
pub(crate) fn good() -> Summary {
    let scenario = steady(
        "[thresholds]\n\"response.p99\" = \"< 800ms\"\n\"throttled.quota\" = \"< 1%\"\n\"idempotency.violations\" = \"== 0\"",
    );
    let mut calls = good_calls(2000);
    for (seq, outcome) in [(100, Outcome::ThrottledQuota), (101, Outcome::ThrottledRamp)] {
        calls[seq] = sample(seq as u64, outcome, seq as u64 * 50, 0, 12);
    }
    for seq in (500..600).step_by(10) {
        calls[seq].role = Role::Replay;
        calls[seq].attempt = 2;
        (calls[seq].token, calls[seq].answer.session_id) = (calls[seq - 200].token, calls[seq - 200].answer.session_id);
    }
    summary(&scenario, &calls, &facts(2000))
}

/// A run with misses, violations and errors.
pub(crate) fn bad() -> Summary {
    let scenario = steady(
        "[thresholds]\n\"response.p99\" = \"< 100ms\"\n\"service.p999\" = \"< 1s\"\nerrors = \"< 1%\"\n\"idempotency.violations\" = \"== 0\"",
    );
    let mut calls = good_calls(1990);
    for seq in (0..30).map(|n| 900 + n) {
        calls[seq] = sample(seq as u64, Outcome::Missed, seq as u64 * 50, 0, 0);
    }
    for (seq, call) in (930..940u64).zip(&mut calls[930..]) {
        *call = sample(seq, Outcome::ConnectionLost, seq * 50, 30, 2_000);
    }
    let exception = |name: &str| Some(Text64::cut(name));
    calls[950] = sample(950, Outcome::Unmodelled, 47_500, 0, 9);
    calls[950].answer.exception = exception("IdempotentParameterMismatchException");
    (calls[950].role, calls[950].token) = (Role::Mismatch, calls[949].token);
    for (seq, number) in [(960, 5_000), (970, 940)] {
        (calls[seq].role, calls[seq].token) = (Role::Replay, calls[seq - 20].token);
        calls[seq].answer.session_id = Some(session(number));
    }
    calls[980].answer.session_id = calls[979].answer.session_id;
    summary(&scenario, &calls, &facts(2000))
}

/// Late by so much, in a scenario whose calls wait for room.
pub(crate) fn late(late_ms: u64) -> Summary {
    let load = "concurrency = 8\noverflow = \"wait\"\nstages = [ { for = \"100s\", rate = 20 } ]";
    let calls: Vec<Sample> = (0..2000).map(|seq| sample(seq, Outcome::Ok, seq * 50, late_ms, 40)).collect();
    summary(&scenario(load, ""), &calls, &facts(2000))
}
