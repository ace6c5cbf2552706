//! Recording allocates nothing once it is warm, and a run of any length fits into the memory of a short one.

use std::alloc::System;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use livebench::client::Answer;
use livebench::client::outcome::Outcome;
use livebench::record::sample::{Batch, Role, Sample, Second};
use livebench::results::{Journal, Manifest, RunDir, Start};
use livebench::scenario::{self, Scenario};
use livebench::summary::{Called, Endpoint};
use livebench::units::Text64;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const RATE: u64 = 2_000;

/// Call n of a run at 2000/s: mostly sessions, some throttles, and one in ten repeats a token of a moment ago.
fn sample(n: u64) -> Sample {
    let due = Duration::from_nanos(n * 1_000_000_000 / RATE);
    let sent = due + Duration::from_micros(20);
    let repeats = n % 10 == 9;
    let (token, outcome) = (if repeats { n - 5 } else { n }, if n % 10 == 3 { Outcome::ThrottledQuota } else { Outcome::Ok });
    let text = |text: String| Some(Text64::cut(&text));
    let answer = Answer {
        outcome,
        status: Some(if outcome == Outcome::Ok { 200 } else { 400 }),
        exception: (outcome != Outcome::Ok).then(|| Text64::cut("ProvisionedThroughputExceededException")),
        session_id: (outcome == Outcome::Ok).then(|| Text64::cut(&format!("00000000-0000-4000-8000-{token:012x}"))),
        request_id: text(format!("00000000-0000-4000-9000-{n:012x}")),
        server_second: None,
    };
    let role = if repeats { Role::Replay } else { Role::Fresh };
    let token = text(format!("lb-0123456789abcdef-{token:016x}"));
    Sample {
        seq: n,
        due,
        sent: Some(sent),
        done: Some(sent + Duration::from_millis(40)),
        mix: 0,
        role,
        attempt: 1,
        token,
        answer,
    }
}

fn scenario() -> (Scenario, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scenario.toml");
    std::fs::write(&path, "name = \"recording\"\n[load]\nstages = [{ for = \"1h\", rate = 2000 }]\n").unwrap();
    let scenario = scenario::load(&path).map_or_else(|_| panic!("the scenario is sound"), |(scenario, _)| scenario);
    (scenario, dir)
}

fn journal(scenario: &Scenario, dir: &std::path::Path) -> Journal {
    let called = Called {
        endpoint: Endpoint::Loopback,
        region: "us-east-1".to_owned(),
        transport: "wire".to_owned(),
        virtual_time: false,
    };
    let start = Start {
        since_epoch: Duration::from_secs(1_795_256_101),
        nonce: "n1",
        endpoint: "http://127.0.0.1:1",
        called,
        load_cores: 1,
        scheduled: None,
        shard: None,
    };
    RunDir::create(dir, &Manifest::of_run(scenario, start), "").unwrap().journal(scenario, 1).unwrap()
}

/// Hands a tenth of a second over, as a core does.
fn tenth(journal: &mut Journal, batch: &mut Batch, tenth: u64) {
    let calls = RATE / 10;
    batch.samples.extend((tenth * calls..(tenth + 1) * calls).map(sample));
    if tenth % 10 == 9 {
        // Answers of the last calls of a second come in the next one; the second is reported when they are in.
        let second = (tenth / 10).checked_sub(1);
        batch.seconds.extend(second.map(|second| Second { second, offered: RATE, sent: RATE, in_flight: 80 }));
    }
    journal.accept(batch).unwrap();
    journal.flush().unwrap();
}

/// Bytes that are in use.
fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    // Growth by reallocation is counted among the allocated bytes.
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Once every buffer has its size, a second of 2000 calls allocates for itself (its row, its interval log) and for a repeated token or
/// session (what is known of it), and for no other call.
#[test]
fn a_call_allocates_nothing() {
    let _alone = crate::alone();
    let (scenario, dir) = scenario();
    let mut journal = journal(&scenario, dir.path());
    let (mut batch, warm) = (Batch::default(), 60 * 10);
    for n in 0..warm {
        tenth(&mut journal, &mut batch, n);
    }
    let made: Vec<Vec<Sample>> = (0..10).map(|n| (0..RATE / 10).map(|k| sample((warm + n) * RATE / 10 + k)).collect()).collect();
    let before = ALLOCATOR.stats().allocations;
    for samples in &made {
        batch.samples.extend_from_slice(samples);
        journal.accept(&mut batch).unwrap();
    }
    let allocations = ALLOCATOR.stats().allocations - before;
    assert!(allocations <= 20, "{allocations} allocations for 2000 calls, none of them settled in the ledger");
    batch.seconds.push(Second { second: 59, offered: RATE, sent: RATE, in_flight: 80 });
    journal.accept(&mut batch).unwrap();
    let settled = ALLOCATOR.stats().allocations - before;
    assert!(settled <= 100, "{settled} allocations for 2000 calls and their second");
}

/// Tells the watcher to stop, also when the test fails.
struct Watched<'a>(&'a AtomicBool);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The most that a run of so many calls has in use at once, its end and the comparison of the whole run included.
fn peak(calls: u64) -> usize {
    let (scenario, dir) = scenario();
    let before = in_use();
    let mut journal = journal(&scenario, dir.path());
    let (peak, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        // Looks while the end sorts, which is one call.
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                peak.fetch_max(in_use(), Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        let watched = Watched(&ended);
        let mut batch = Batch::default();
        for n in 0..calls * 10 / RATE {
            tenth(&mut journal, &mut batch, n);
        }
        drop(batch);
        let finished = journal.finish();
        drop(watched);
        assert_eq!(finished.recorded.recorder.ended(), calls);
        assert_eq!(finished.recorded.ledger.violations, 0);
        assert_eq!(finished.problem.map(|p| p.to_string()), None);
    });
    peak.load(Ordering::Relaxed).saturating_sub(before)
}

/// Once the ledger's cap is reached nothing grows: 300,000 calls fit within 10 MiB of 10,000. Sorting adds a file a segment and its
/// buffer of 8 kB.
#[test]
fn memory_is_flat() {
    let _alone = crate::alone();
    let (short, medium, long) = (peak(10_000), peak(150_000), peak(300_000));
    assert!(long < short + 10 * 1024 * 1024, "{short} bytes, and {long}");
    assert!(long < medium + 1024 * 1024, "it still grows: {medium} bytes, and {long}");
}
