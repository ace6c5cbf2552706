//! What livebench promises, from outside: the built binary, its files, and the emulator's own log as the witness.

#![allow(clippy::print_stdout)] // what was measured, for `cargo test --test it acceptance -- --nocapture`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{
    Emulate, Row, Run, Running, STALL, Say, Server, arrivals, eventually, instant, json, livebench, nearest_rank, number, report,
    samples,
};
use rustix::process::Signal;
use serde_json::Value;

/// Holds a summary against the published schema.
fn assert_valid(summary: &Value) {
    let printed = livebench().args(["schema", "summary"]).output().unwrap();
    let schema = serde_json::from_slice(&printed.stdout).unwrap();
    let problems: Vec<String> =
        jsonschema::draft202012::new(&schema).unwrap().iter_errors(summary).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
}

/// The exit code of a run that ends with `code` if it can be trusted: on a machine too busy for that it is 3, as the summary says.
fn unless_invalid(summary: &Value, code: i32) -> i32 {
    if summary["verdict"]["validity"] == "INVALID" { 3 } else { code }
}

/// The class that an outcome is counted in, as the README has it.
fn class(outcome: &str) -> &'static str {
    match outcome {
        "ok" => "ok",
        "missed" => "missed",
        "capped" => "capped",
        "harness" => "harness",
        _ if outcome.starts_with("throttled_") => "throttled",
        _ => "errors",
    }
}

/// Every scheduled call is accounted for exactly: in the summary, and again in the rows of samples.csv.
fn assert_accounts(run: &Run, scheduled: u64) {
    let (summary, rows) = (run.summary(), run.samples());
    let counts = &summary["counts"];
    let ends = ["ok", "throttled", "errors", "capped", "missed", "harness"];
    assert_eq!(number(&counts["scheduled"]), scheduled);
    assert_eq!(ends.iter().map(|end| number(&counts[end])).sum::<u64>() + number(&counts["unsent"]), scheduled, "{counts}");
    let mut by_class = BTreeMap::from(ends.map(|end| (end, 0)));
    for row in &rows {
        *by_class.get_mut(class(&row["outcome"])).unwrap() += 1;
    }
    for end in ends {
        assert_eq!(by_class[end], number(&counts[end]), "{end}");
    }
    assert_eq!(rows.len() as u64 + number(&counts["unsent"]), scheduled);
    let numbers: BTreeSet<&String> = rows.iter().map(|row| &row["seq"]).collect();
    assert_eq!(numbers.len(), rows.len(), "a call has two rows");
}

/// Calls that a token bucket, full at 0, lets through of arrivals at these microseconds.
fn bucket_allows(rate: u64, burst: u64, arrivals: impl IntoIterator<Item = u64>) -> u64 {
    const TOKEN: u64 = 1_000_000;
    let (mut held, mut last, mut allowed) = (burst * TOKEN, 0, 0);
    for at in arrivals {
        held = (held + (at - last) * rate).min(burst * TOKEN);
        last = at;
        if held >= TOKEN {
            held -= TOKEN;
            allowed += 1;
        }
    }
    allowed
}

fn overload(seconds: u32) -> String {
    format!(
        "name = \"quota\"\n[load]\nconcurrency = 512\nstages = [ {{ for = \"{seconds}s\", rate = 40 }} ]\n\
         [emulator]\nquota = {{ kind = \"token-bucket\", rate = 25, burst = 25 }}\nlatency = {{ median = \"45ms\", p99 = \"160ms\" }}\n"
    )
}

/// 40/s for a minute against 25/s with a burst of 25, in virtual time: everything adds up, accepted is what the bucket allows, and a
/// second run writes the same bytes.
#[test]
fn quota_in_virtual_time() {
    let runs = [(); 2].map(|()| Run::of(&overload(60), &["--virtual-time"], |_| {}));
    let (run, _work) = &runs[0];
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_accounts(run, 2400);
    let counts = &run.summary()["counts"];
    let allowed = bucket_allows(25, 25, (0..2400).map(|k| k * 25_000));
    println!("virtual: {} accepted, {allowed} allowed", counts["ok"]);
    assert!(number(&counts["ok"]).abs_diff(allowed) <= 1, "{counts}, {allowed} allowed");
    assert_eq!(number(&counts["ok"]) + number(&counts["throttled"]), 2400);
    for name in ["summary.json", "summary.md", "samples.csv", "timeline.csv"] {
        let [first, second] = [0, 1].map(|n: usize| std::fs::read(runs[n].0.dir().join(name)).unwrap());
        assert!(first == second, "{name} differs between two runs in virtual time");
    }
}

/// The same load over HTTP: accepted is within 1 of what the bucket allows for the arrivals in the emulator's own log.
#[test]
fn quota_in_real_time() {
    let files = tempfile::tempdir().unwrap();
    let log = files.path().join("arrivals.jsonl");
    let (run, _work) = Run::of(&overload(6), &["--emulator-log", log.to_str().unwrap()], |_| {});
    assert_accounts(&run, 240);
    let lines = arrivals(&log, 1);
    assert_eq!(lines.len(), run.samples().iter().filter(|row| !row["sent_us"].is_empty()).count(), "one arrival a call sent");
    let mut arrived: Vec<u64> = lines.iter().map(|line| number(&line["arrived_us"])).collect();
    arrived.sort_unstable();
    let (allowed, spent) = (bucket_allows(25, 25, arrived), lines.iter().filter(|line| line["spent"] == true).count() as u64);
    let accepted = number(&run.summary()["counts"]["ok"]);
    println!("real time: {accepted} accepted, {allowed} allowed, {spent} spent");
    assert_eq!(accepted, spent, "what the emulator let through, the report calls ok");
    assert!(accepted.abs_diff(allowed) <= 1, "{accepted} accepted, {allowed} allowed");
    assert!(number(&run.summary()["throttled"]["quota"]) > 0);
}

/// Everything that can become of a call in one run, stopped by its budget: not one is lost from the books.
#[test]
fn nothing_is_lost_from_the_books() {
    let scenario = "name = \"books\"\n[load]\nconcurrency = 3\nmax_rate = 38\nstages = [ { for = \"60s\", from = 10, to = 60 } ]\n\
        [budget]\nmax_calls = 1000\n[emulator]\nquota = { kind = \"token-bucket\", rate = 25, burst = 25 }\n\
        latency = { median = \"45ms\", p99 = \"160ms\" }\nfaults = { reset_after = 0.02, reset_before = 0.02 }\n";
    let (run, _work) = Run::of(scenario, &["--virtual-time"], |_| {});
    assert_accounts(&run, 2100);
    let summary = run.summary();
    for end in ["ok", "throttled", "errors", "capped", "missed", "unsent"] {
        assert!(number(&summary["counts"][end]) > 0, "the scenario shows no {end}: {}", summary["counts"]);
    }
    assert_eq!((&summary["counts"]["sent"], &summary["stop"]), (&1000.into(), &"budget_calls".into()));
    assert_eq!(summary["percentiles_are_lower_bounds"], true);
    assert!(run.stdout.contains('≥'), "missed calls make upper percentiles lower bounds: {}", run.stdout);
}

/// A stall of the server is felt in full, in virtual time exactly: the rows to the microsecond, the summary to the histogram's three digits.
#[test]
fn a_stall_is_exact_in_virtual_time() {
    let (run, _work) = Run::of(STALL, &["--virtual-time"], |_| {});
    let (rows, summary) = (run.samples(), run.summary());
    // An answer takes 10 ms of the server's time, which stands still from 4 s to 6 s.
    let reply = |arrived: u64| if (3_990_000..6_000_000).contains(&arrived) { arrived.max(4_000_000) } else { arrived + 10_000 };
    let truth_of = |due: u64| match due {
        3_990_000..=3_999_999 => 2_000_000 + reply(due) - due + (10_000 - (4_000_000 - due)),
        4_000_000..=5_999_999 => 6_010_000 - due,
        _ => 10_000,
    };
    for row in &rows {
        let due = instant(row, "due_us");
        assert_eq!(instant(row, "sent_us"), due);
        assert_eq!(instant(row, "done_us") - due, truth_of(due), "{row:?}");
    }
    let truth = nearest_rank((0..2000).map(|k| truth_of(k * 5000)).collect(), 99);
    let [response, service] = ["response", "service"].map(|series| number(&summary["latency"][series]["ok"]["p99_us"]));
    println!("virtual: response p99 {response} us, truth {truth} us");
    assert_eq!(rows.len(), 2000);
    assert_eq!(nearest_rank(rows.iter().map(|row| instant(row, "done_us") - instant(row, "due_us")).collect(), 99), truth);
    let histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).unwrap();
    assert!(histogram.equivalent(response, truth), "{response} and {truth} differ in three digits");
    assert_eq!((response, number(&summary["counts"]["missed"])), (service, 0));
}

/// Whole lines of a CSV file, without its head.
fn lines_below_the_head(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.matches('\n').count().saturating_sub(1))
}

/// A run that was killed with -9 loses at most the last second, and `livebench report` makes everything else of what is there.
#[test]
fn killed_runs_are_completed() {
    let files = tempfile::tempdir().unwrap();
    let (log, config) = (files.path().join("arrivals.jsonl"), files.path().join("emulator.toml"));
    std::fs::write(&config, "[emulator]\nquota = { kind = \"none\" }\nlatency = \"20ms\"\n").unwrap();
    let emulator = Emulate::start(&["--log", log.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    let scenario = "name = \"killed\"\n[load]\nstages = [ { for = \"60s\", rate = 200 } ]\n";
    let mut running = Running::start(scenario, &["--endpoint-url", &emulator.endpoint]);
    let dir = running.dir();
    eventually("the rows of three seconds", || (lines_below_the_head(&dir.join("samples.csv")) > 600).then_some(()));
    // Rows are written every 100 ms, just now for one: between two of these times some are lost.
    std::thread::sleep(Duration::from_millis(450));
    running.signal(Signal::KILL);
    assert_eq!(running.end().code(), None);
    emulator.stop();

    let output = report(&dir, &["--output", "json"]);
    let (stderr, summary) = (String::from_utf8_lossy(&output.stderr), serde_json::from_slice::<Value>(&output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(3), "a run that was killed is not trusted: {stderr}");
    assert!(stderr.contains("the run was killed, or could not write any more; rebuilt from the"), "{stderr}");
    assert_valid(&summary);
    assert_eq!(summary, json(&dir.join("summary.json")));
    assert_eq!((&summary["stop"], &summary["counts"]["scheduled"]), (&"killed".into(), &12_000.into()));
    for name in ["summary.md", "timeline.csv", "latency.hlog"] {
        assert!(std::fs::read_to_string(dir.join(name)).unwrap().ends_with('\n'), "{name}");
    }

    // The emulator lived on and knows what was answered. A torn last row is lost.
    let text = std::fs::read_to_string(dir.join("samples.csv")).unwrap();
    let whole = &text[..=text.rfind('\n').unwrap()];
    let rows = csv::Reader::from_reader(whole.as_bytes()).deserialize().map(Result::unwrap).collect::<Vec<Row>>();
    let kept: BTreeSet<&str> = rows.iter().map(|row| row["token"].as_str()).collect();
    let answered: BTreeMap<String, u64> = arrivals(&log, 0)
        .iter()
        .filter_map(|line| Some((line["token"].as_str()?.to_owned(), line["replied_us"].as_u64()?)))
        .collect();
    let end = answered.values().max().unwrap();
    let lost: Vec<u64> = answered.iter().filter(|(token, _)| !kept.contains(token.as_str())).map(|(_, at)| end - at).collect();
    println!("{} rows kept, {} lost, the oldest {} us before the end", rows.len(), lost.len(), lost.iter().max().unwrap_or(&0));
    assert_eq!(number(&summary["counts"]["ended"]), rows.len() as u64);
    assert!(lost.iter().all(|age| *age <= 1_000_000), "answers older than a second were lost: {lost:?}");
}

/// A full disk ends the run with exit code 3 and a message that names file and remedy; what was written stays and can be read.
#[test]
fn a_full_disk_keeps_what_was_written() {
    let scenario =
        "name = \"full\"\n[load]\nstages = [ { for = \"60s\", rate = 400 } ]\n[emulator]\nquota = { kind = \"none\" }\n";
    let work = tempfile::tempdir().unwrap();
    let (path, out) = (work.path().join("scenario.toml"), work.path().join("results"));
    std::fs::write(&path, scenario).unwrap();
    // Files may not grow beyond 64 blocks of 512 or 1024 bytes, whichever this shell means.
    let bare = livebench();
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "ulimit -f 64; trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(bare.get_program())
        .arg("run")
        .arg(&path)
        .arg("--out")
        .arg(&out);
    for (name, value) in bare.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stdout.starts_with("NOT TRUSTED  full"), "{stdout}");
    let dir = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    let expected = format!("error: cannot write {}: ", dir.join("samples.csv").display());
    assert!(stderr.contains(&expected) && stderr.contains("with --out"), "{stderr}");

    let size = std::fs::metadata(dir.join("samples.csv")).unwrap().len();
    assert!(size == 64 * 512 || size == 64 * 1024, "it was written as long as there was room: {size}");
    let output = report(&dir, &["--output", "json"]);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(summary["stop"], "disk_full");
    let ended = number(&summary["counts"]["ended"]);
    println!("{ended} calls on disk, {} unsent", summary["counts"]["unsent"]);
    assert_eq!(ended, lines_below_the_head(&dir.join("samples.csv")) as u64);
    assert!(ended > 100 && number(&summary["counts"]["unsent"]) > 20_000, "it stopped when the disk was full: {summary}");
}

/// Interrupted once: nothing more is sent, every answer is waited for, everything is written.
#[test]
fn one_interrupt_ends_in_order() {
    let files = tempfile::tempdir().unwrap();
    let log = files.path().join("arrivals.jsonl");
    let scenario = "name = \"once\"\n[load]\nconcurrency = 512\nstages = [ { for = \"60s\", rate = 100 } ]\n\
        [emulator]\nquota = { kind = \"none\" }\nlatency = \"400ms\"\n";
    let mut running = Running::start(scenario, &["--emulator-log", log.to_str().unwrap()]);
    let dir = running.dir();
    eventually("the first rows", || (lines_below_the_head(&dir.join("samples.csv")) > 0).then_some(()));
    running.signal(Signal::INT);
    assert_eq!(running.end().code(), Some(130), "{}", running.said());
    assert!(running.said().contains("stopping: nothing more is sent"), "{}", running.said());

    let (summary, rows) = (json(&dir.join("summary.json")), samples(&dir));
    println!("{} sent, {} unsent", summary["counts"]["sent"], summary["counts"]["unsent"]);
    assert_eq!(summary["stop"], "interrupted");
    assert!(rows.iter().all(|row| row["outcome"] == "ok" && !row["done_us"].is_empty()), "every call sent was waited for");
    assert_eq!(rows.len(), arrivals(&log, 1).len(), "every arrival has its row");
    assert_eq!(number(&summary["counts"]["sent"]), rows.len() as u64);
    assert_eq!(number(&summary["counts"]["unsent"]), 6000 - rows.len() as u64);
    assert!(rows.len() < 6000, "it was not stopped");
    let again = report(&dir, &["--output", "json"]);
    assert_eq!(again.status.code(), Some(130));
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), summary);
}

/// Interrupted twice, it leaves although answers are pending, also when something else had stopped it before; `livebench report`
/// completes what it left.
#[test]
fn two_interrupts_leave_at_once() {
    for budget in ["", "[budget]\nmax_calls = 60\n"] {
        let scenario = "name = \"twice\"\n[load]\nconcurrency = 512\nstages = [ { for = \"600s\", rate = 50 } ]\n\
            [emulator]\nquota = { kind = \"none\" }\nlatency = \"10ms\"\nstalls = [ { at = \"1s\", for = \"590s\" } ]\n";
        let mut running = Running::start(&format!("{scenario}{budget}"), &[]);
        let dir = running.dir();
        // A second of the stall is over: there are rows from before it, and calls in flight.
        eventually("a second in the stall", || (lines_below_the_head(&dir.join("timeline.csv")) > 1).then_some(()));
        running.signal(Signal::INT);
        eventually("word of the first interrupt", || running.said().contains("stopping:").then_some(()));
        running.signal(Signal::INT);
        assert_eq!(running.end().code(), Some(130));
        assert!(running.said().contains("left at once; `livebench report`"), "{}", running.said());
        assert!(!dir.join("summary.json").exists());

        let output = report(&dir, &[]);
        let summary = json(&dir.join("summary.json"));
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        assert_valid(&summary);
        assert_eq!(summary["stop"], "killed");
        assert_eq!(number(&summary["counts"]["ended"]), samples(&dir).len() as u64);
        assert!(number(&summary["counts"]["ok"]) > 0);
        assert!(dir.join("summary.md").exists());
    }
}

/// An arrival log that cannot be written costs the run its trust, but not its summary.
#[test]
fn a_lost_log_keeps_the_summary() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let (run, _work) = Run::of(&crate::support::few_calls(20), &["--emulator-log", "/dev/full"], |_| {});
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("error: cannot write the arrival log /dev/full"), "{}", run.stderr);
    assert_eq!(run.summary()["counts"]["ok"], 20);
}

/// Runs a file that is no scenario: exit code 2, every problem on stderr, nothing on stdout, no results directory.
fn assert_refused(bytes: &[u8], problems: &[&str]) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("bad.toml");
    std::fs::write(&path, bytes).unwrap();
    let output = livebench().current_dir(work.path()).args(["run", "bad.toml"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()), "{stderr}");
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 1, "something was written");
    for problem in problems {
        assert!(stderr.contains(problem), "`{problem}` is not said: {stderr}");
    }
}

/// A wrong scenario is refused with all that is wrong with it, before anything is made.
#[test]
fn bad_scenarios_are_refused() {
    let everything = "name = \"bad\"\nsead = 7\n[load]\nstages = [ { for = \"30s\", rate = -5 } ]\n\
        [[mix]]\nname = \"plain\"\nrequest = { Settings = { OutputConfig = { S3Bucket = \"My Bucket!\" } } }\nrequest_file = \"x.json\"\n\
        [thresholds]\n\"response.p97\" = \"< 800ms\"\n";
    let named = ["`sead`", "`rate` is out of range", "My Bucket!", "request_file", "`response.p97`"];
    assert_refused(everything.as_bytes(), &named);
    assert_refused(b"name = \"a\"\n[load]\nconcurrency = 8\n", &["stages"]);
    assert_refused(b"", &["empty"]);
    assert_refused(&vec![b'#'; 10 << 20], &["1 MiB"]);
    assert_refused(b"name = \"a\"\n# caf\xe9\n", &["UTF-8"]);
}

/// Every shipped scenario holds its own thresholds in virtual time; `spike` misses one, as its page says.
#[test]
fn shipped_scenarios_in_virtual_time() {
    let work = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        let spike = path.file_stem().unwrap() == "spike";
        let mut command = livebench();
        command.arg("run").arg(&path).args(["--virtual-time", "--output", "json", "--out"]).arg(work.path());
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(i32::from(spike)), "{}: {stderr}", path.display());
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["verdict"]["validity"], "VALID", "{}: {stderr}", path.display());
        assert_valid(&summary);
        let missed = summary["thresholds"].as_array().unwrap().iter().filter(|t| t["status"] == "failed");
        let missed: Vec<&str> = missed.map(|t| t["metric"].as_str().unwrap()).collect();
        assert_eq!(missed, if spike { vec!["throttled.quota"] } else { vec![] }, "{}", path.display());
    }
    assert_eq!(seen, 13);
}

/// Replays and races, half of the load.
const REPEATS: &str =
    "name = \"repeats\"\n[load]\nstages = [ { for = \"2s\", rate = 100 } ]\n[idempotency]\nreplay = 0.3\nrace = 0.2\n";

/// Runs [`REPEATS`] against a service that answers every call with this body; the findings of one kind.
fn findings(body: &'static str, kind: &str) -> Vec<Value> {
    let server = Server::start(Say::Answer(200, "application/x-amz-json-1.1", body));
    let (run, _work) = Run::of(REPEATS, &["--endpoint-url", &server.endpoint()], |_| {});
    let summary = run.summary();
    assert_valid(&summary);
    assert_eq!(run.code, Some(unless_invalid(&summary, 1)), "{}{}", run.stdout, run.stderr);
    assert!(number(&summary["idempotency"]["violations"]) > 0);
    let all = summary["idempotency"]["findings"].as_array().unwrap();
    let found: Vec<Value> = all.iter().filter(|finding| finding["kind"] == kind).cloned().collect();
    assert!(!found.is_empty(), "{all:?}");
    let rows = run.samples();
    for finding in &found {
        for side in ["first", "second"] {
            let evidence = &finding[side];
            let row = rows.iter().find(|row| instant(row, "seq") == number(&evidence["seq"])).unwrap();
            for field in ["token", "session_id", "request_id"] {
                let said = evidence[field].as_str().unwrap();
                assert_eq!(said, row[field]);
            }
            assert_eq!(
                (number(&evidence["sent_us"]), number(&evidence["done_us"])),
                (instant(row, "sent_us"), instant(row, "done_us"))
            );
        }
        assert_ne!(finding["first"]["request_id"], finding["second"]["request_id"]);
    }
    let shown = found[0]["second"]["request_id"].as_str().unwrap();
    assert!(run.stdout.contains(shown), "the first finding is not in the report: {}", run.stdout);
    found
}

/// A service that makes a new session for every call, whatever its token, is found out, with evidence.
#[test]
fn a_token_with_two_sessions_is_found() {
    for finding in findings(r#"{"SessionId":"{uuid}"}"#, "token_with_two_sessions") {
        assert_eq!(finding["first"]["token"], finding["second"]["token"]);
        assert_ne!(finding["first"]["session_id"], finding["second"]["session_id"]);
    }
}

/// A service that gives one session to all is found out, with evidence.
#[test]
fn a_session_with_two_tokens_is_found() {
    let one = r#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}"#;
    for finding in findings(one, "session_with_two_tokens") {
        assert_ne!(finding["first"]["token"], finding["second"]["token"]);
        assert_eq!(finding["first"]["session_id"], finding["second"]["session_id"]);
    }
}

/// What is on stdout is the summary and nothing else.
#[test]
fn stdout_is_the_summary() {
    let (run, _work) = Run::of(&crate::support::few_calls(20), &["--output", "json"], |_| {});
    let printed: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(run.code, Some(unless_invalid(&printed, 0)), "{}", run.stderr);
    assert_valid(&printed);
    assert_eq!(printed, run.summary());
    assert!(run.stderr.contains("target   embedded emulator at http://127.0.0.1:"), "{}", run.stderr);
}

/// A reader that has seen enough (`| head -1`) is no failure, in any form.
#[test]
fn a_closed_pipe_is_no_failure() {
    for form in ["text", "json", "markdown"] {
        let work = tempfile::tempdir().unwrap();
        std::fs::write(work.path().join("few.toml"), crate::support::few_calls(20)).unwrap();
        let mut process = livebench()
            .current_dir(work.path())
            .args(["run", "few.toml", "--virtual-time", "--output", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(process.stdout.take());
        let output = process.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{form}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("error"), "{form}: {stderr}");
    }
}

/// Colours are for terminals, or on request; `NO_COLOR` and `--color off` are obeyed.
#[test]
fn colours_are_for_terminals() {
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&["--virtual-time"], arguments].concat();
        let (run, _work) = Run::of(&crate::support::few_calls(20), &arguments, |command| {
            command.env_remove("NO_COLOR").envs(environment.iter().copied());
        });
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        format!("{}{}", run.stdout, run.stderr).contains('\u{1b}')
    };
    assert!(coloured(&["--color", "on"], &[]), "asked for");
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]), "forced");
    assert!(!coloured(&[], &[]), "nothing here is a terminal");
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "off"], &[("CLICOLOR_FORCE", "1")]));
}
