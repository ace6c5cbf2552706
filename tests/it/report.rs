//! `livebench report` as it is typed: on whole, killed and wrong directories.

use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use livebench::client::Answer;
use livebench::client::outcome::Outcome;
use livebench::record::sample::{Batch, Role, Sample, Second};
use livebench::results::{Manifest, RunDir, Start};
use livebench::scenario;
use livebench::summary::{Called, Endpoint, RunFacts, Stop, Summary, summarize};
use livebench::units::Text64;

const SCENARIO: &str = "name = \"example\"\nseed = 1\n[load]\nstages = [ { for = \"60s\", rate = 20 } ]\n\
    [[mix]]\nname = \"plain\"\nrequest_file = \"not-there.json\"\n[thresholds]\n\"response.p99\" = \"< 800ms\"\n";

fn calls() -> impl Iterator<Item = Sample> {
    (0..1200u64).map(|seq| {
        let due = Duration::from_millis(seq * 50);
        let outcome = if seq % 40 == 3 { Outcome::ThrottledQuota } else { Outcome::Ok };
        let mut answer = Answer::without_reply(outcome);
        answer.session_id = (outcome == Outcome::Ok).then(|| Text64::cut(&format!("00000000-0000-4000-8000-{seq:012x}")));
        Sample {
            seq,
            due,
            sent: Some(due + Duration::from_micros(80)),
            done: Some(due + Duration::from_micros(40_000 + seq * 7919 % 90_000)),
            mix: 0,
            role: Role::Fresh,
            attempt: 1,
            token: Some(Text64::cut(&format!("token-{seq}"))),
            answer,
        }
    })
}

fn called() -> Called {
    Called { endpoint: Endpoint::Embedded, region: "us-east-1".to_owned(), transport: "sdk".to_owned(), virtual_time: false }
}

/// A run's directory up to its summary; `whole` or as a `kill -9` leaves it.
fn run(parent: &Path, whole: bool) -> (RunDir, Summary) {
    let without_file = SCENARIO.replace("request_file = \"not-there.json\"\n", "");
    let mut scenario = scenario::read("example.toml", &without_file, parent).unwrap();
    scenario.seed = 99; // --seed 99
    let start = Start {
        since_epoch: Duration::from_secs(1_795_256_101),
        nonce: "n",
        endpoint: "http://127.0.0.1:4566",
        called: called(),
        load_cores: 1,
        scheduled: Some(1200),
        shard: None,
    };
    let dir = RunDir::create(parent, &Manifest::of_run(&scenario, start), SCENARIO).unwrap();
    let mut journal = dir.journal(&scenario, 1).unwrap();
    let seconds = (0..61).map(|second| Second { second, offered: 20, sent: 20, in_flight: 1 }).collect();
    journal.accept(&mut Batch { core: 0, samples: calls().collect(), seconds }).unwrap();
    journal.flush().unwrap();
    let finished = journal.finish();
    let stop = if whole { Stop::Completed } else { Stop::Killed };
    let elapsed_us = whole.then_some(60_100_000);
    let facts = RunFacts {
        scheduled: Some(1200),
        elapsed_us,
        stop,
        cpu: None,
        harness: None,
        called: called(),
        unexpected: None,
        merged: None,
        held_back_us: 0,
        server_clock: None,
        joined_us: None,
        of_shards: false,
        segments: Vec::new(),
    };
    if whole {
        dir.keep_facts(&facts, &finished.recorded.recorder).unwrap();
    }
    let summary = summarize(&scenario, &finished.recorded, &facts);
    (dir, summary)
}

fn report(dir: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("livebench").unwrap().arg("report").arg(dir).args(arguments).assert()
}

fn stdout(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// A whole run: the same summary as the run's own, `--seed` and a request file that is gone included, on stdout and in the directory.
#[test]
fn a_whole_run() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, summary) = run(parent.path(), true);
    let assert = report(dir.path(), &["--output", "json"]).code(0);
    let printed: Summary = serde_json::from_str(&stdout(&assert)).unwrap();
    assert_eq!(printed, summary);
    assert_eq!(printed.seed, 99);
    let written = std::fs::read_to_string(dir.path().join("summary.json")).unwrap();
    assert_eq!(written, stdout(&assert));
    assert!(std::fs::read_to_string(dir.path().join("summary.md")).unwrap().starts_with("# PASSED: example"));
}

/// A killed run: rescued, SUSPECT, said on stderr, exit 0, and complete afterwards.
#[test]
fn a_killed_run() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, summary) = run(parent.path(), false);
    let samples = dir.path().join("samples.csv");
    let mut text = std::fs::read_to_string(&samples).unwrap();
    text.push_str("1200,600");
    std::fs::write(&samples, text).unwrap();
    for name in ["timeline.csv", "latency.hlog"] {
        std::fs::remove_file(dir.path().join(name)).unwrap();
    }
    let assert = report(dir.path(), &[]).code(3);
    let first = "NOT TRUSTED  example  killed before its end  (measurement: SUSPECT)\n";
    assert!(stdout(&assert).starts_with(first), "{}", stdout(&assert));
    assert!(stderr(&assert).contains("the last line of samples.csv is torn"), "{}", stderr(&assert));
    assert!(stderr(&assert).contains("warning: SUSPECT: the run was killed"), "{}", stderr(&assert));
    let written: Summary = serde_json::from_slice(&std::fs::read(dir.path().join("summary.json")).unwrap()).unwrap();
    assert_eq!(written, summary);
    assert_eq!(std::fs::read_to_string(dir.path().join("timeline.csv")).unwrap().lines().count(), 62);
}

/// Wrong directories and a run that is still going on: one sentence, exit 2, nothing written.
#[test]
fn wrong_directories() {
    let parent = tempfile::tempdir().unwrap();
    let nowhere = report(&parent.path().join("nowhere"), &[]).code(2);
    assert!(stderr(&nowhere).contains("name the directory of a run"), "{}", stderr(&nowhere));
    let empty = report(parent.path(), &[]).code(2);
    assert!(stderr(&empty).contains("is not a run of livebench: it has no manifest.json"), "{}", stderr(&empty));
    let (dir, _) = run(parent.path(), false);
    let lock = std::fs::OpenOptions::new().write(true).open(dir.path().join("samples.csv")).unwrap();
    lock.lock().unwrap();
    let running = report(dir.path(), &[]).code(2);
    assert!(stderr(&running).contains("is still running"), "{}", stderr(&running));
    drop(lock);
    std::fs::write(dir.path().join("manifest.json"), "{").unwrap();
    let broken = report(dir.path(), &[]).code(2);
    assert!(stderr(&broken).contains("manifest.json cannot be understood"), "{}", stderr(&broken));
    assert!(!dir.path().join("summary.json").exists());
}

/// The summary's published schema is printed.
#[test]
fn the_schema_is_printed() {
    let assert = Command::cargo_bin("livebench").unwrap().args(["schema", "summary"]).assert().code(0);
    assert_eq!(stdout(&assert), livebench::summary::schema());
}

/// `--debug` prints what lies beneath an error, cause by cause; without it the message stands alone, and is the same.
#[test]
fn debug_prints_the_causes() {
    let place = tempfile::tempdir().unwrap();
    let missing = place.path().join("missing");
    let plain = stderr(&report(&missing, &[]).code(2));
    let debug = stderr(&report(&missing, &["--debug"]).code(2));
    assert_eq!(plain.lines().count(), 1, "{plain}");
    let causes = debug.strip_prefix(&plain).unwrap_or_else(|| panic!("{debug}"));
    assert_eq!(causes, "  caused by: No such file or directory (os error 2)\n");
}
