//! `livebench resume`: a run that was cut off goes on, and every call of its schedule has one row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Emulate, Run, Running, few_calls, json, livebench, report, samples};

/// Moments at which each kind of interruption is tried.
const MOMENTS: u64 = 20;

/// The n-th number of a sequence that looks random and is the same every time: `SplitMix64`.
fn random(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add((n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 10 s at 50/s, some of them at random instants, repeated and raced.
const STEADY: &str = "name = \"cut\"\nseed = 3\n[load]\nconcurrency = 64\narrivals = \"poisson\"\nstages = [ { for = \"4s\", rate = 50 }, { calls = 30 }, \
                      { for = \"6s\", rate = 50 } ]\n[idempotency]\nreplay = 0.1\nrace = 0.1\n[emulator]\nquota = { kind = \"none\" }\n";

/// Four workers for 10 s.
const WORKERS: &str = "name = \"workers\"\n[load]\nmodel = \"closed\"\nstages = [ { for = \"10s\", workers = 4 } ]\nthink_time = \"50ms\"\n[emulator]\nquota = { kind = \"none\" }\n";

fn resume(dir: &Path, arguments: &[&str]) -> Output {
    livebench().arg("resume").arg(dir).args(["--quiet", "--output", "json"]).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A whole run in virtual time.
fn whole(scenario: &str, out: &Path) -> PathBuf {
    let path = out.join("scenario.toml");
    fs::write(&path, scenario).unwrap();
    let mut run = livebench();
    run.arg("run").arg(&path).args(["--virtual-time", "--quiet"]).arg("--out").arg(out.join("results"));
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    fs::read_dir(out.join("results")).unwrap().next().unwrap().unwrap().path()
}

/// A segment in real time came to its end: a crowded machine makes the measurement INVALID (3), and the accounting is exact on any.
fn is_done(output: &Output, why: &str) {
    assert!(matches!(output.status.code(), Some(0 | 3)), "{why}: {}", said(output));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What is left of a run of which the process ended without a word after `until_us`: the rows of what had ended, half a row more, and no
/// word of the end.
fn cut_off(dir: &Path, until_us: u64) {
    let text = fs::read_to_string(dir.join("samples.csv")).unwrap();
    let end = |line: &str| -> u64 {
        let cells: Vec<&str> = line.split(',').collect();
        cells[3].parse().or_else(|_| cells[1].parse()).unwrap_or(0)
    };
    let mut lines = text.lines();
    let mut kept = lines.next().unwrap().to_owned() + "\n";
    let mut torn = None;
    for line in lines {
        if end(line) <= until_us {
            kept.push_str(line);
            kept.push('\n');
        } else {
            torn.get_or_insert(line);
        }
    }
    kept.push_str(torn.map_or("", |line| &line[..line.len() / 2]));
    fs::write(dir.join("samples.csv"), kept).unwrap();
    let timeline = fs::read_to_string(dir.join("timeline.csv")).unwrap();
    let seconds = usize::try_from(until_us / 1_000_000).unwrap();
    fs::write(dir.join("timeline.csv"), timeline.split_inclusive('\n').take(1 + seconds).collect::<String>()).unwrap();
    for name in ["summary.json", "summary.md", "report.html", "latency.hlog"] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    let mut manifest = json(&dir.join("manifest.json"));
    manifest["facts"] = Value::Null;
    fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
}

/// The rows of all segments.
fn all_rows(dir: &Path) -> Vec<BTreeMap<String, String>> {
    let mut rows = samples(dir);
    for number in 2.. {
        let path = dir.join(format!("samples.{number}.csv"));
        if !path.exists() {
            return rows;
        }
        rows.extend(csv::Reader::from_path(path).unwrap().deserialize::<BTreeMap<String, String>>().map(Result::unwrap));
    }
    unreachable!()
}

/// Every call of the schedule has exactly one row, the counts are those of the rows and add up, the segments add up to the whole, and a report
/// made again says the same.
fn is_exact(dir: &Path, scheduled: Option<u64>, why: &str) -> Value {
    let (rows, summary) = (all_rows(dir), json(&dir.join("summary.json")));
    let numbers: BTreeSet<u64> = rows.iter().map(|row| row["seq"].parse().unwrap()).collect();
    assert_eq!(numbers.len(), rows.len(), "{why}: a call has two rows");
    let last = scheduled.unwrap_or(rows.len() as u64);
    assert!(numbers.iter().copied().eq(0..last), "{why}: {} of {last} calls have a row", numbers.len());
    let counts = &summary["counts"];
    let of = |name: &str| counts[name].as_u64().unwrap();
    let sum: u64 = ["ok", "throttled", "errors", "missed", "capped", "harness", "unknown", "unsent"].map(of).iter().sum();
    assert_eq!((sum, of("scheduled"), of("unsent")), (last, last, 0), "{why}: {counts}");
    for outcome in ["ok", "missed", "unknown"] {
        let counted = rows.iter().filter(|row| row["outcome"] == outcome).count() as u64;
        assert_eq!(of(outcome), counted, "{why}: {outcome}");
    }
    assert!(
        rows.iter().filter(|row| row["outcome"] == "unknown").all(|row| row["sent_us"].is_empty() && row["done_us"].is_empty())
    );
    let segments = summary["segments"].as_array().unwrap();
    for name in ["ended", "sent", "ok", "unknown"] {
        let sum: u64 = segments.iter().map(|segment| segment[name].as_u64().unwrap()).sum();
        assert_eq!(sum, of(name), "{why}: {name} by segment");
    }
    let tokens: BTreeSet<&str> = rows.iter().filter(|row| row["role"] == "fresh").map(|row| row["token"].as_str()).collect();
    let fresh = rows.iter().filter(|row| row["role"] == "fresh" && !row["token"].is_empty()).count();
    assert_eq!(tokens.iter().filter(|token| !token.is_empty()).count(), fresh, "{why}: a token was brought twice");
    assert_eq!(summary["idempotency"]["violations"], 0, "{why}");
    assert_ne!(summary["verdict"]["validity"], "VALID", "{why}: {}", summary["verdict"]);
    fs::remove_file(dir.join("summary.json")).unwrap();
    let again = report(dir, &["--format", "json"]);
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), summary, "{why}: {}", said(&again));
    summary
}

/// Cut off at 40 moments in either model: every call has one row, and so it is when the second
/// segment is cut off, too.
#[test]
fn whatever_is_left_goes_on() {
    let seed = 20_261_127;
    let work = tempfile::tempdir().unwrap();
    for (model, scenario) in [("open", STEADY), ("closed", WORKERS)] {
        let place = work.path().join(model);
        fs::create_dir_all(&place).unwrap();
        let sound = whole(scenario, &place);
        let scheduled = json(&sound.join("summary.json"))["counts"]["scheduled"].as_u64().unwrap();
        for n in 0..2 * MOMENTS {
            let until_us = random(seed, n) % 7_000_000;
            let why = format!("{model}, moment {n} of seed {seed}, {until_us} us");
            let dir = place.join(format!("cut-{n}"));
            copy(&sound, &dir);
            cut_off(&dir, until_us);
            let output = resume(&dir, &[]);
            assert_eq!(output.status.code(), Some(0), "{why}: {}", said(&output));
            let whole = (model == "open").then_some(scheduled);
            let summary = is_exact(&dir, whole, &why);
            assert_eq!(summary["stop"], "completed", "{why}");
            assert_eq!(summary["segments"].as_array().unwrap().len(), 2, "{why}");
            assert_eq!(resume(&dir, &[]).status.code(), Some(2), "{why}: complete");
        }
    }
}

/// Killed a moment after a pause of its schedule: the quiet seconds tell that the process lived, so the first calls after them may have been sent;
/// also after a report has made the timeline again.
#[test]
fn a_quiet_second_is_a_sign_of_life() {
    let pause = "name = \"pause\"\n[load]\nstages = [ { for = \"1s\", rate = 20 }, { for = \"7s\", rate = 0 }, { for = \"3s\", rate = 20 } ]\n\
                 [emulator]\nquota = { kind = \"none\" }\n";
    let work = tempfile::tempdir().unwrap();
    let sound = whole(pause, work.path());
    for reported in [false, true] {
        let dir = work.path().join(format!("reported-{reported}"));
        copy(&sound, &dir);
        cut_off(&dir, 7_990_000);
        if reported {
            assert_eq!(report(&dir, &[]).status.code(), Some(3));
        }
        let output = resume(&dir, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        // The seventh second was over: what was due up to 9.2 s may have been sent.
        let summary = is_exact(&dir, Some(80), "after a pause");
        assert_eq!(
            (&summary["counts"]["unknown"], &json(&dir.join("manifest.json"))["segments"][1]["first_seq"]),
            (&25.into(), &45.into())
        );
    }
}

/// Killed before its first rows reached the file: no more than a part of the header is there, or nothing. The run is read as one without rows
/// and goes on; a file that begins otherwise is refused.
#[test]
fn a_header_that_is_torn_is_no_row() {
    let work = tempfile::tempdir().unwrap();
    let sound = whole(STEADY, work.path());
    let scheduled = json(&sound.join("summary.json"))["counts"]["scheduled"].as_u64();
    let header = fs::read_to_string(sound.join("samples.csv")).unwrap().split_inclusive('\n').next().unwrap().to_owned();
    for length in [0, 10, header.len() - 1, header.len()] {
        let (why, dir) = (format!("{length} bytes of the header"), work.path().join(format!("cut-{length}")));
        copy(&sound, &dir);
        cut_off(&dir, 0);
        fs::write(dir.join("samples.csv"), &header[..length]).unwrap();
        let read = report(&dir, &["--format", "json"]);
        let summary: Value = serde_json::from_slice(&read.stdout).unwrap();
        assert_eq!((read.status.code(), &summary["counts"]["sent"]), (Some(3), &0.into()), "{why}: {}", said(&read));
        let output = resume(&dir, &[]);
        assert_eq!(output.status.code(), Some(0), "{why}: {}", said(&output));
        is_exact(&dir, scheduled, &why);
    }
    fs::write(sound.join("samples.csv"), "seq;due").unwrap();
    let refused = report(&sound, &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("the columns are not seq,due_us"), "{}", said(&refused));
}

/// Interrupted by hand and killed, 20 moments each: the run goes on, and what was waited for is not unknown.
#[test]
fn interrupted_runs_go_on() {
    let seed = 9;
    let moments: Vec<u64> = (0..2 * MOMENTS).collect();
    for some in moments.chunks(8) {
        std::thread::scope(|threads| {
            let running: Vec<_> = some.iter().map(|n| threads.spawn(move || interrupted(seed, *n))).collect();
            for one in running {
                one.join().unwrap();
            }
        });
    }
}

fn interrupted(seed: u64, n: u64) {
    let after = std::time::Duration::from_millis(200 + random(seed, n) % 900);
    let (killed, why) = (n % 2 == 1, format!("moment {n} of seed {seed}, {after:?}"));
    // A killed one loses up to 2.2 s of its schedule.
    let calls = if killed { 400 } else { 150 };
    let mut run = Running::start(&few_calls(calls), &["--quiet"]);
    let dir = run.dir();
    std::thread::sleep(after);
    run.signal(if killed { Signal::KILL } else { Signal::INT });
    run.end();
    let log = dir.join("arrivals");
    let output = resume(&dir, &["--emulator-log", log.to_str().unwrap()]);
    if !killed && said(&output).contains("is complete") {
        return;
    }
    is_done(&output, &why);
    assert!(said(&output).contains("begins afresh"), "{why}: {}", said(&output));
    let summary = is_exact(&dir, Some(calls.into()), &why);
    assert_eq!((summary["segments"][0]["gap_us"].is_null(), summary["segments"][1]["gap_us"].is_u64()), (true, true));
    assert!(killed || summary["counts"]["unknown"] == 0, "{why}: answers were waited for");
    let page = String::from_utf8(report(&dir, &["--format", "html"]).stdout).unwrap();
    assert!(page.contains("segment 2, after"), "{why}: the break is drawn");
    let compared = livebench().arg("compare").args([&dir, &dir]).args(["--output", "json"]).output().unwrap();
    assert!(String::from_utf8_lossy(&compared.stdout).contains("no measurement without a break"), "{why}");
}

/// A second segment that is cut off itself goes on as a third.
#[test]
fn segments_are_cut_off_too() {
    let mut run = Running::start(&few_calls(300), &["--quiet"]);
    let dir = run.dir();
    run.signal(Signal::INT);
    run.end();
    let mut second = livebench().arg("resume").arg(&dir).arg("--quiet").stderr(std::process::Stdio::null()).spawn().unwrap();
    crate::support::eventually("a row of the second segment", || {
        fs::read_to_string(dir.join("samples.2.csv")).ok().filter(|text| text.lines().count() > 2)
    });
    rustix::process::kill_process(rustix::process::Pid::from_child(&second), Signal::INT).unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(130));
    let output = resume(&dir, &[]);
    is_done(&output, "three");
    let summary = is_exact(&dir, Some(300), "three");
    assert_eq!(summary["segments"].as_array().unwrap().len(), 3);
    assert_eq!(json(&dir.join("manifest.json"))["segments"].as_array().unwrap().len(), 3);
}

/// What cannot go on is refused with one message, and nothing of it is changed; what differs is said, and can be forced.
#[test]
fn what_differs_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let dir = whole(&few_calls(500), work.path());
    let refused = |arguments: &[&str], words: &str| {
        let before = fs::read(dir.join("manifest.json")).unwrap();
        let output = resume(&dir, arguments);
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(fs::read(dir.join("manifest.json")).unwrap(), before);
    };
    refused(&[], "is complete");
    cut_off(&dir, 2_000_000);
    let change = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(dir.join(name), text.replacen(from, to, 1)).unwrap();
    };
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    change("manifest.json", &version, "\"version\":\"0.0.9\"");
    refused(&[], "livebench: it was 0.0.9");
    change("manifest.json", "\"os\":\"linux\"", "\"os\":\"plan9\"");
    refused(&[], "machine: it was plan9");
    change("scenario.toml", "concurrency = 8", "concurrency = 9");
    refused(&[], "scenario.toml is not what the run began with");
    let output = resume(&dir, &["--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for what in ["livebench: it was 0.0.9", "plan9", "scenario.toml"] {
        assert!(said(&output).contains(what), "{}", said(&output));
    }
    is_exact(&dir, Some(500), "forced");
}

/// One emulator behind both segments is the witness: no call reaches it twice, and a budget counts both segments.
#[test]
fn budgets_count_both_segments() {
    let work = tempfile::tempdir().unwrap();
    let log = work.path().join("arrivals");
    let emulator = Emulate::start(&["--log", log.to_str().unwrap()]);
    let scenario = few_calls(250) + "[budget]\nmax_calls = 220\n";
    let mut run = Running::start(&scenario, &["--quiet", "--endpoint-url", &emulator.endpoint]);
    let dir = run.dir();
    std::thread::sleep(std::time::Duration::from_millis(600));
    run.signal(Signal::INT);
    assert_eq!(run.end().code(), Some(130));
    let output = resume(&dir, &[]);
    is_done(&output, "budget");
    emulator.stop();
    let sent = all_rows(&dir).iter().filter(|row| row["outcome"] != "missed").count();
    assert_eq!(sent, 220, "{}", said(&output));
    let arrived = fs::read_to_string(&log).unwrap().lines().count();
    assert_eq!(arrived, 220, "{}", said(&output));
    assert!(said(&resume(&dir, &[])).contains("budget.max_calls is used up"));
}

/// Somebody who still writes a run is left alone.
#[test]
fn a_run_that_goes_on_is_left_alone() {
    let run = Running::start(&few_calls(2_000), &["--quiet"]);
    let output = resume(&run.dir(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("still being written"), "{}", said(&output));
}

/// A disk that is full ends a run with a word, and it goes on once there is room.
#[test]
fn full_disks_go_on() {
    let limited = |bytes: u64| format!("ulimit -f {}; exec \"$0\" \"$@\"", bytes / 1024);
    for n in 0..MOMENTS {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("scenario.toml");
        fs::write(&path, STEADY.replace("\"6s\"", "\"60s\"")).unwrap();
        let bytes = 17 * 1024 + random(5, n) % 200_000;
        let mut run = std::process::Command::new("bash");
        run.arg("-c").arg(format!("trap '' XFSZ; {}", limited(bytes))).arg(livebench().get_program()).arg("run").arg(&path);
        let output = run.args(["--virtual-time", "--quiet", "--out"]).arg(work.path().join("results")).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        let dir = fs::read_dir(work.path().join("results")).unwrap().next().unwrap().unwrap().path();
        let scheduled = json(&dir.join("manifest.json"))["scheduled"].as_u64().unwrap();
        let output = resume(&dir, &[]);
        assert_eq!(output.status.code(), Some(0), "{bytes}: {}", said(&output));
        is_exact(&dir, Some(scheduled), &format!("disk of {bytes}"));
    }
}

/// A shard is not a run of its own: who wants to go on with one is told what to do.
#[test]
fn shards_are_refused() {
    let arguments = ["--virtual-time", "--shard", "0/2", "--start-at", "2026-11-27T10:15:00Z"];
    let (run, _work) = Run::of(&few_calls(50), &arguments, |_| {});
    let output = resume(run.dir(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is a shard of a run"), "{}", said(&output));
}
