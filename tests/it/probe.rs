//! `livebench probe` as a process: what a user sees, gets and cannot do by accident.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::livebench;
use serde_json::Value;

fn probe(out: &Path, arguments: &[&str]) -> Output {
    livebench().arg("probe").arg("--out").arg(out).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn directory(out: &Path) -> PathBuf {
    std::fs::read_dir(out).unwrap().next().unwrap().unwrap().path()
}

/// The budget is printed before anything is sent, the JSON is the file's, and `report` makes the same result of the observations.
#[test]
fn a_probe_can_be_derived_again() {
    let out = tempfile::tempdir().unwrap();
    let done = probe(out.path(), &["--virtual-time", "--output", "json", "--max-calls", "120"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("budget   up to 120 calls, 600 sessions and 30 s"), "{}", text(&done.stderr));
    let dir = directory(out.path());
    let first = std::fs::read(dir.join("probe.json")).unwrap();
    assert_eq!(text(&first), text(&done.stdout));
    std::fs::remove_file(dir.join("probe.json")).unwrap();
    let again = livebench().arg("report").arg(&dir).args(["--output", "json"]).output().unwrap();
    assert_eq!(text(&again.stdout), text(&first));
    let found: Value = serde_json::from_slice(&first).unwrap();
    for field in [
        "kind",
        "rate_per_s",
        "burst",
        "guaranteed",
        "calls",
        "sessions",
        "seconds",
        "rejects_are_free",
        "shared_use",
        "confidence",
        "applied_per_s",
        "quota_changed",
        "runner_up",
        "recovery",
        "signals",
        "advice",
        "observations",
    ] {
        assert!(found.get(field).is_some(), "{field}");
    }
}

/// Service Quotas is asked only when told to, of the emulator itself, through either transport; the applied quota stands beside the
/// measured one, also when the report is made again.
#[test]
fn measured_beside_applied() {
    let out = tempfile::tempdir().unwrap();
    let few = ["--max-calls", "4", "--output", "json", "--target", "emulator"];
    let plain = probe(&out.path().join("plain"), &few);
    let found: Value = serde_json::from_slice(&plain.stdout).unwrap();
    assert_eq!(found["applied_per_s"], Value::Null);
    let asked = probe(&out.path().join("asked"), &[&few[..], &["--applied-quota", "--transport", "wire"]].concat());
    let found: Value = serde_json::from_slice(&asked.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&asked.stderr)));
    assert_eq!((&found["applied_per_s"], &found["calls"]), (&Value::from(25.0), &Value::from(4)), "{}", text(&asked.stderr));
    let again = livebench().arg("report").arg(directory(&out.path().join("asked"))).output().unwrap();
    assert!(text(&again.stdout).contains("25.0000/s by Service Quotas"), "{}", text(&again.stdout));
}

/// Nothing goes to AWS, nor does Service Quotas, without a word and a budget.
#[test]
fn aws_needs_a_word_and_a_budget() {
    let out = tempfile::tempdir().unwrap();
    for (arguments, lacking) in [
        (
            &["--target", "aws", "--region", "us-east-1", "--applied-quota"][..],
            "--yes on the command line, --max-spend-usd above 0",
        ),
        (&["--target", "aws", "--region", "us-east-1", "--yes"][..], "--max-spend-usd above 0"),
        (&["--endpoint-url", "http://192.0.2.1", "--max-spend-usd", "1"][..], "--yes on the command line"),
    ] {
        let done = probe(out.path(), arguments);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains("nothing was sent") && said.contains(lacking), "{said}");
    }
    assert!(std::fs::read_dir(out.path()).unwrap().next().is_none());
}
