use proptest::prelude::*;

use super::testing::{bad, facts, good, good_calls, late, scenario, steady, summary};
use super::*;
use crate::client::outcome::Outcome;
use crate::record::sample::testing::{sample, samples};

fn reasons(summary: &Summary, severity: Severity) -> Vec<&str> {
    summary.verdict.reasons.iter().filter(|r| r.severity == severity).map(|r| r.what.as_str()).collect()
}

/// A run in which everything holds says so, without a reason.
#[test]
fn a_good_run_is_valid() {
    let summary = good();
    assert_eq!((summary.verdict.validity, summary.verdict.reasons.len()), (Validity::Valid, 0));
    assert_eq!(summary.ending(), Ending::Good);
    assert_eq!(summary.rates.offered_per_s, Some(20.0));
    assert_eq!((summary.sessions.ok_200s, summary.sessions.distinct), (1998, Some(1988)));
    assert!(summary.thresholds.iter().all(|t| t.status == ThresholdStatus::Ok));
}

/// Misses above one per cent: INVALID first, percentiles are lower bounds, and the threshold says so too.
#[test]
fn misses_make_lower_bounds() {
    let summary = bad();
    assert_eq!(summary.verdict.validity, Validity::Invalid);
    assert!(summary.percentiles_are_lower_bounds && summary.lower_bounds_why.is_some());
    let p99 = summary.thresholds.iter().find(|t| t.metric == "response.p99").unwrap();
    assert!(p99.lower_bound && p99.status == ThresholdStatus::Failed);
    assert_eq!(summary.idempotency.violations, 4);
    assert_eq!(summary.ending(), Ending::NotTrusted);
}

/// A limit holds only if it would hold with every missed call as the slowest of all; where those reach the percentile it is unknown.
#[test]
fn missed_calls_are_taken_at_their_worst() {
    let limits = "[thresholds]\n\"response.p99\" = \"< 800ms\"\n\"response.p999\" = \"< 800ms\"\n\"response.max\" = \"> 1us\"\n\
        \"response.p50\" = \"< 1us\"\n\"response.mean\" = \"< 800ms\"";
    let mut calls = good_calls(2000);
    for (seq, call) in (0..10).zip(&mut calls) {
        *call = sample(seq, Outcome::Missed, seq * 50, 0, 0);
    }
    let judged = summary(&steady(limits), &calls, &facts(2000));
    let of = |metric: &str| judged.thresholds.iter().find(|t| t.metric == metric).unwrap().status;
    assert_eq!(of("response.p99"), ThresholdStatus::Ok);
    assert_eq!(of("response.p999"), ThresholdStatus::Unknown);
    assert_eq!(of("response.max"), ThresholdStatus::Ok);
    assert_eq!(of("response.p50"), ThresholdStatus::Failed);
    assert_eq!(of("response.mean"), ThresholdStatus::Ok);
}

/// Misses up to one per cent are SUSPECT; one more makes the run INVALID.
#[test]
fn one_per_cent_is_the_edge() {
    for (missed, validity) in [(0, Validity::Valid), (1, Validity::Suspect), (20, Validity::Suspect), (21, Validity::Invalid)] {
        let mut calls = good_calls(2000);
        for (seq, call) in (0..missed).zip(&mut calls) {
            *call = sample(seq, Outcome::Missed, seq * 50, 0, 0);
        }
        assert_eq!(summary(&steady(""), &calls, &facts(2000)).verdict.validity, validity, "{missed}");
    }
}

/// Who joined late is told so: the missed calls found no place taken.
#[test]
fn who_joined_late_is_told() {
    let mut calls = good_calls(2000);
    for (seq, call) in (0..60).zip(&mut calls) {
        *call = sample(seq, Outcome::Missed, seq * 50, 0, 0);
    }
    let told = |late: &[&str], of_shards: bool| {
        let merged = (!late.is_empty()).then(|| MergedFacts {
            shards: 4,
            problems: Vec::new(),
            notes: Vec::new(),
            groups: Vec::new(),
            clocks: Vec::new(),
            late: late.iter().map(|shard| (*shard).to_owned()).collect(),
        });
        let facts = RunFacts { joined_us: Some(3_100_000), of_shards, merged, ..facts(2000) };
        let summary = summary(&steady(""), &calls, &facts);
        assert!(summary.lower_bounds_why.as_ref().is_some_and(|why| why.contains("could have been")), "{summary:?}");
        assert!(summary.verdict.reasons[0].remedy.starts_with("run the whole run again"), "{:?}", summary.verdict);
        summary.verdict.reasons[0].what.clone()
    };
    let whole = "60 of 2000 scheduled calls were missed (3 %): livebench joined the schedule 3.10s after its start, too late for what was \
                 due before; if others were missed, all 64 places were taken, or the harness was more than 100 ms late";
    assert_eq!(told(&[], false), whole);
    assert!(told(&[], true).contains(": this shard joined the schedule 3.10s after its start"));
    assert!(told(&["2/4"], true).contains(": shard 2/4 joined the schedule 3.10s after"));
    assert!(told(&["1/4", "2/4"], true).contains(": 2 shards (1/4, 2/4) joined the schedule up to 3.10s after"));
}

/// Only a run of one machine is told that it can be resumed.
#[test]
fn what_cannot_be_resumed_is_not_told_to() {
    let merged = MergedFacts {
        shards: 4,
        problems: Vec::new(),
        notes: Vec::new(),
        groups: Vec::new(),
        clocks: Vec::new(),
        late: Vec::new(),
    };
    let told = |stop, of_shards, merged: Option<&MergedFacts>| {
        let facts = RunFacts { stop, of_shards, merged: merged.cloned(), ..facts(2000) };
        let reason = summary(&steady(""), &good_calls(1000), &facts).verdict.reasons[0].clone();
        format!("{} -> {}", reason.what, reason.remedy)
    };
    for stop in [Stop::Killed, Stop::Interrupted] {
        assert!(told(stop, false, None).contains("livebench resume continues it"));
        assert!(told(stop, true, None).contains("start the shard again while the others run"));
        let together = told(stop, true, Some(&merged));
        assert!(together.contains("-> run the whole run again") && !together.contains("the run was killed"), "{together}");
    }
}

/// Own lateness beside the response decides: nothing below a millisecond, SUSPECT above a tenth, INVALID above a half.
#[test]
fn own_lateness_is_judged() {
    for (ms, validity) in
        [(1, Validity::Valid), (3, Validity::Valid), (6, Validity::Suspect), (30, Validity::Suspect), (60, Validity::Invalid)]
    {
        assert_eq!(late(ms).verdict.validity, validity, "{ms} ms");
    }
    let late = late(60);
    assert!(late.verdict.reasons[0].remedy.contains("load.concurrency"), "{:?}", late.verdict);
}

/// A run of too few calls for a p99 is not judged by one: its longest lateness is, and the reason says so.
#[test]
fn few_calls_have_no_p99() {
    let calls = |n: u64| (0..n).map(|seq| sample(seq, Outcome::Ok, seq * 50, 60, 100)).collect::<Vec<_>>();
    let few = summary(&steady(""), &calls(99), &facts(2000));
    assert_eq!((few.own.lateness_p99_us, few.own.lateness_share_of_response), (None, None));
    assert_eq!(few.latency.lateness.all.as_ref().map(|all| all.p99_us), Some(None));
    let late = |summary: &Summary| summary.verdict.reasons.iter().find(|r| r.what.contains("sent late")).unwrap().what.clone();
    assert!(late(&few).contains("the longest lateness of 99 calls, 60.0ms, is 38 % of the longest response"), "{}", late(&few));
    let enough = summary(&steady(""), &calls(100), &facts(2000));
    assert!(enough.own.lateness_p99_us.is_some() && late(&enough).contains("lateness p99 60"), "{}", late(&enough));
}

/// CPU of the busiest load thread: above 80 % SUSPECT, above 95 % INVALID, unknown says nothing.
#[test]
fn own_cpu_is_judged() {
    let judged = |share: Option<f64>| {
        let mut facts = facts(2000);
        facts.cpu = share.map(|s| CpuUse { busiest_load_thread_share: s, process_share: s, cores: 2 });
        summary(&steady(""), &good_calls(2000), &facts).verdict.validity
    };
    let expected =
        [(None, Validity::Valid), (Some(0.8), Validity::Valid), (Some(0.81), Validity::Suspect), (Some(0.96), Validity::Invalid)];
    for (share, validity) in expected {
        assert_eq!(judged(share), validity, "{share:?}");
    }
}

/// A load thread with little to do.
const IDLE: ThreadUse =
    ThreadUse { cpu_share: 0.05, waited_share: Some(0.02), wait_mean_us: Some(40), busiest_second_share: Some(0.1) };

/// A machine that does nothing to its harness.
const QUIET: Harness = Harness {
    load_threads: Vec::new(),
    wall_clock_moved_us: -900,
    wall_clock_error_us: Some(12_000),
    asleep_us: Some(3),
    connections_opened: 64,
    files_open: Some(90),
    files_limit: Some(1024),
    memory_peak_bytes: Some(90 << 20),
    memory_left_bytes: Some(10 << 20),
};

/// What the machine did to the harness: each rule has its edge, and what is unknown says nothing.
#[test]
fn the_machine_is_judged() {
    let quiet = Harness { load_threads: vec![IDLE], ..QUIET };
    let judged = |change: &dyn Fn(&mut Harness)| {
        let mut harness = quiet.clone();
        change(&mut harness);
        let verdict = summary(&steady(""), &good_calls(2000), &RunFacts { harness: Some(harness), ..facts(2000) }).verdict;
        assert!(verdict.reasons.iter().all(|r| !r.remedy.is_empty()));
        (verdict.validity, verdict.reasons.first().map_or_else(String::new, |r| r.what.clone()))
    };
    let waited = |share: Option<f64>, us: u64| {
        judged(&move |h| {
            h.load_threads.push(ThreadUse { waited_share: share, wait_mean_us: share.map(|_| us), ..IDLE });
        })
    };
    assert_eq!(judged(&|_| {}).0, Validity::Valid);
    assert_eq!(waited(None, 0).0, Validity::Valid);
    assert_eq!(waited(Some(0.25), 2_000).0, Validity::Valid);
    assert_eq!(waited(Some(0.9), 1_000).0, Validity::Valid, "many short waits are what a busy machine is like");
    assert_eq!(waited(Some(0.26), 2_000).0, Validity::Suspect);
    let (validity, what) = waited(Some(0.51), 2_000);
    assert_eq!(validity, Validity::Invalid);
    assert!(what.contains("waited for 51 % of the run, 2.00ms each time"), "{what}");
    // 100.25 s: time daemons may slew 62.7 ms, and a tenth of a second is nobody's fault.
    assert_eq!(judged(&|h| h.wall_clock_moved_us = 162_000).0, Validity::Valid);
    let (validity, what) = judged(&|h| h.wall_clock_moved_us = -163_000);
    assert_eq!(validity, Validity::Suspect);
    assert!(what.contains("set back by 163ms"), "{what}");
    assert_eq!(judged(&|h| h.asleep_us = Some(10_001)).0, Validity::Invalid);
    assert_eq!(judged(&|h| h.asleep_us = None).0, Validity::Valid);
    assert_eq!(judged(&|h| h.connections_opened = 264).0, Validity::Valid);
    assert_eq!(judged(&|h| h.connections_opened = 265).0, Validity::Suspect);
    assert_eq!(judged(&|h| h.files_open = Some(921)).0, Validity::Valid);
    assert_eq!(judged(&|h| h.files_open = Some(922)).0, Validity::Suspect);
    assert_eq!(judged(&|h| (h.files_open, h.files_limit) = (Some(5000), None)).0, Validity::Valid);
    assert_eq!(judged(&|h| h.memory_left_bytes = None).0, Validity::Valid);
    assert_eq!(judged(&|h| h.memory_left_bytes = Some((10 << 20) - 1)).0, Validity::Suspect);
    assert_eq!(judged(&|h| h.memory_left_bytes = Some(1 << 20)).0, Validity::Suspect);
    let (validity, what) = judged(&|h| h.memory_left_bytes = Some((1 << 20) - 1));
    assert_eq!(validity, Validity::Invalid);
    assert!(what.contains("used 90 MiB and less than 1 MiB"), "{what}");
}

/// A thread that has time to spare on average and none at its peak makes the run INVALID, once; the mean is told where it is as bad.
#[test]
fn the_busiest_second_is_judged() {
    let judged = |mean: f64, peak: Option<f64>| {
        let mut facts = facts(2000);
        facts.cpu = Some(CpuUse { busiest_load_thread_share: mean, process_share: mean, cores: 2 });
        let busy = ThreadUse { busiest_second_share: peak, ..IDLE };
        facts.harness =
            Some(Harness { load_threads: vec![IDLE, busy, ThreadUse { busiest_second_share: Some(0.2), ..IDLE }], ..QUIET });
        let verdict = summary(&steady(""), &good_calls(2000), &facts).verdict;
        assert!(verdict.reasons.len() < 2, "{:?}", verdict.reasons);
        (verdict.validity, verdict.reasons.first().is_some_and(|r| r.what.contains("in its busiest second")))
    };
    assert_eq!(judged(0.3, None), (Validity::Valid, false));
    assert_eq!(judged(0.3, Some(0.95)), (Validity::Valid, false));
    assert_eq!(judged(0.3, Some(0.96)), (Validity::Invalid, true));
    assert_eq!(judged(0.85, Some(0.9)), (Validity::Suspect, false));
    assert_eq!(judged(0.85, Some(0.96)), (Validity::Invalid, true));
    assert_eq!(judged(0.97, Some(0.99)), (Validity::Invalid, false));
}

/// A percentile without samples enough is null, and a threshold on it is unknown and not trusted; never 0, never passed.
#[test]
fn few_samples_are_said() {
    let scenario = steady("[thresholds]\n\"response.p99\" = \"< 800ms\"");
    for (n, status, validity) in [
        (99, ThresholdStatus::Unknown, Validity::Invalid),
        (100, ThresholdStatus::Ok, Validity::Suspect),
        (1000, ThresholdStatus::Ok, Validity::Valid),
    ] {
        let summary = summary(&scenario, &good_calls(n), &facts(n));
        assert_eq!((summary.thresholds[0].status, summary.verdict.validity), (status, validity), "{n}");
        assert_eq!(summary.thresholds[0].observed.is_none(), n < 100);
        assert_eq!(summary.latency.response.ok.unwrap().p999_us.is_none(), n < 1000);
    }
}

/// A run that sent nothing is INVALID and has no times at all.
#[test]
fn nothing_sent_is_invalid() {
    let summary = summary(&steady(""), &[], &facts(2000));
    assert_eq!(summary.verdict.validity, Validity::Invalid);
    assert_eq!((summary.counts.unsent, summary.rates.sent_per_s, summary.latency.response.all.clone()), (2000, None, None));
}

/// Each way to stop has its verdict and its ending; interrupted comes before everything, INVALID before a bad result.
#[test]
fn stops_are_reasons() {
    let expected = [
        (Stop::Completed, Validity::Valid, Ending::Good),
        (Stop::Interrupted, Validity::Suspect, Ending::Interrupted),
        (Stop::BudgetCalls, Validity::Suspect, Ending::Good),
        (Stop::BudgetSpend, Validity::Suspect, Ending::Good),
        (Stop::AccessDenied, Validity::Invalid, Ending::NotTrusted),
        (Stop::DiskFull, Validity::Invalid, Ending::NotTrusted),
        (Stop::Killed, Validity::Suspect, Ending::NotTrusted),
    ];
    for (stop, validity, ending) in expected {
        let facts = RunFacts { stop, ..facts(2000) };
        let summary = summary(&steady(""), &good_calls(1000), &facts);
        assert_eq!((summary.verdict.validity, summary.ending()), (validity, ending), "{stop:?}");
        assert_eq!(summary.counts.unsent, 1000);
    }
}

/// What `max_rate` held back is a note up to one per cent and SUSPECT beyond: it is not the load of the stages any more.
#[test]
fn capped_is_said() {
    let scenario = scenario("max_rate = 19.0\nstages = [ { for = \"100s\", rate = 20 } ]", "");
    for (capped, severity) in [(20, Severity::Note), (100, Severity::Suspect)] {
        let mut calls = good_calls(2000);
        for (seq, call) in (0..capped).zip(&mut calls) {
            *call = sample(seq, Outcome::Capped, seq * 50, 0, 0);
        }
        let summary = summary(&scenario, &calls, &facts(2000));
        assert_eq!(reasons(&summary, severity).len(), 1);
        assert_eq!(summary.verdict.validity == Validity::Suspect, severity == Severity::Suspect);
    }
}

proptest! {
    /// The accounting adds up to the schedule exactly, whatever happened.
    #[test]
    fn the_accounting_adds_up(list in samples(60), beyond in 0u64..50) {
        let scheduled = list.len() as u64 + beyond;
        let c = summary(&steady(""), &list, &facts(scheduled)).counts;
        prop_assert_eq!(c.ok + c.throttled + c.errors + c.missed + c.capped + c.harness + c.unknown + c.unsent, scheduled);
        prop_assert_eq!(c.sent, c.ok + c.throttled + c.errors);
        prop_assert_eq!(c.by_outcome.values().sum::<u64>(), c.ended);
    }

    /// The same calls in another order give the same bytes.
    #[test]
    fn order_does_not_matter(list in samples(40)) {
        let bytes = |list: &[_]| serde_json::to_string(&summary(&steady(""), list, &facts(40))).unwrap();
        let mut reversed = list.clone();
        reversed.reverse();
        prop_assert_eq!(bytes(&list), bytes(&reversed));
    }

    /// What is written can be read back, and it is what the published schema says.
    #[test]
    fn the_contract_holds(list in samples(40)) {
        let summary = summary(&steady("[thresholds]\n\"response.p99\" = \"< 800ms\""), &list, &facts(40));
        let value = serde_json::to_value(&summary).unwrap();
        let back: Summary = serde_json::from_value(value.clone()).unwrap();
        prop_assert_eq!(back, summary);
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
    }
}

/// A histogram in the summary can be read back: any percentile can be asked for later.
#[test]
fn histograms_can_be_read_back() {
    use base64::Engine as _;
    let summary = good();
    let bytes = base64::engine::general_purpose::STANDARD.decode(&summary.histograms["response.ok"]).unwrap();
    let histogram: hdrhistogram::Histogram<u64> =
        hdrhistogram::serialization::Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    let stats = summary.latency.response.ok.unwrap();
    assert_eq!(histogram.len(), stats.count);
    assert_eq!(Some(histogram.value_at_quantile(0.5)), stats.p50_us);
}

/// The published schema changes only on purpose.
#[test]
fn schema_is_published() {
    insta::assert_snapshot!(schema());
}

/// The result and its reason, in every order of precedence: interrupted, INVALID, unknown, missed, violated, passed.
#[test]
fn the_result_says_why() {
    let told = |summary: &Summary| (summary.result, summary.result_why.clone());
    assert_eq!(told(&good()), (RunResult::Passed, "all 3 thresholds met".to_owned()));
    assert_eq!(told(&bad()), (RunResult::NotTrusted, "30 of 2000 scheduled calls were missed (1.5 %)".to_owned()));
    let of = |rest: &str, stop: Stop| {
        let run = summary(&steady(rest), &good_calls(2000), &RunFacts { stop, ..facts(2000) });
        (run.result, run.result_why)
    };
    let limits = "[thresholds]\n\"response.p99\" = \"< 1ms\"\n\"response.p50\" = \"< 1ms\"\nok = \"== 100%\"";
    assert_eq!(of("", Stop::Completed), (RunResult::Passed, "no thresholds set".to_owned()));
    let refused: Vec<_> = (0..5).map(|seq| sample(seq, Outcome::Unmodelled, seq * 50_000, 0, 9_000)).collect();
    let refused = summary(&steady(""), &refused, &facts(5));
    assert_eq!(told(&refused), (RunResult::Passed, "no thresholds set, and none of the 5 calls got a session".to_owned()));
    assert_eq!(of("[thresholds]\nok = \"== 100%\"", Stop::Completed).1, "its threshold met");
    assert_eq!(of(limits, Stop::Completed), (RunResult::Failed, "2 of 3 thresholds missed".to_owned()));
    assert_eq!(of(limits, Stop::Interrupted), (RunResult::NotTrusted, "interrupted before its end".to_owned()));
    assert_eq!(of(limits, Stop::AccessDenied).0, RunResult::NotTrusted);
}

/// When nobody answered the run is not trusted, and the headline names what stood in the way of most calls.
#[test]
fn silence_is_not_trusted() {
    let silent = |outcome: Outcome, cause: Option<&str>, ok: u64| {
        let mut calls: Vec<_> = (0..50).map(|seq| sample(seq, outcome, seq * 50, 0, 3)).collect();
        for call in &mut calls {
            call.answer.exception = cause.map(crate::units::Text64::cut);
        }
        for (seq, call) in (0..ok).zip(&mut calls) {
            *call = sample(seq, Outcome::ThrottledQuota, seq * 50, 0, 3);
        }
        let run = summary(&steady(""), &calls, &facts(50));
        (run.ending(), run.result_why)
    };
    let (ending, why) = silent(Outcome::OtherTransport, Some("Connection refused (os error 111)"), 0);
    assert_eq!((ending, why.as_str()), (Ending::NotTrusted, "no call got an answer (connection refused)"));
    assert_eq!(silent(Outcome::ReadTimeout, None, 0).1, "no call got an answer (read timeout)");
    assert_eq!(silent(Outcome::OtherTransport, Some("UnknownIssuer"), 0).1, "no call got an answer (UnknownIssuer)");
    assert_eq!(silent(Outcome::ReadTimeout, None, 1).0, Ending::Good, "a refusal is an answer");
}

/// A summary of 0.1.0 is read, and its result follows from the rest; another schema is refused by its number.
#[test]
fn earlier_summaries_are_read() {
    for summary in [good(), bad()] {
        let mut value = serde_json::to_value(&summary).unwrap();
        value["schema"] = 1.into();
        value.as_object_mut().unwrap().retain(|name, _| !name.starts_with("result"));
        let read = Summary::read(&value.to_string()).unwrap();
        assert_eq!((read.result, &read.result_why), (summary.result, &summary.result_why));
        for schema in [serde_json::json!(99), serde_json::json!("2"), serde_json::Value::Null] {
            value["schema"] = schema.clone();
            let refused = Summary::read(&value.to_string()).unwrap_err().to_string();
            assert!(refused.contains(&format!("schema is {schema}")), "{refused}");
        }
    }
}

/// What this machine had no more of makes the run INVALID and is no error of the service; all files open does so, too.
#[test]
fn our_own_exhaustion_is_invalid() {
    let mut calls = good_calls(2000);
    for (seq, call) in (0..3).zip(&mut calls) {
        *call = sample(seq, Outcome::Harness, seq * 50, 0, 0);
        call.answer.exception = Some(crate::units::Text64::cut(crate::client::outcome::Shortage::Ports.name()));
    }
    let run = summary(&steady(""), &calls, &facts(2000));
    assert_eq!((run.result, run.result_why.as_str()), (RunResult::NotTrusted, "this machine ran out of local ports"));
    assert_eq!((run.counts.harness, run.counts.errors, run.counts.sent), (3, 0, 1997));
}
