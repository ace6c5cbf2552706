//! `livebench selftest`, from outside: what it prints is what was measured, and it leaves nothing behind.

#![allow(clippy::cast_precision_loss)] // microseconds of seconds

use std::process::Stdio;

use crate::support::{eventually, livebench};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// One rate, two ways, both transports: the contract holds, every call is accounted for, the stall was felt, and the exit code says what
/// the trust does. How exact it was depends on the machine, and is not held here.
#[test]
fn figures_are_measured() {
    let place = tempfile::tempdir().unwrap();
    let output = livebench()
        .args(["selftest", "--seconds", "2", "--rate", "50", "--output", "json"])
        .current_dir(place.path())
        .env("TMPDIR", place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    let schema = serde_json::from_slice(&livebench().args(["schema", "selftest"]).output().unwrap().stdout).unwrap();
    let problems: Vec<String> =
        jsonschema::draft202012::new(&schema).unwrap().iter_errors(&result).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let trusted = result["trust"]["trusted"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(if trusted { 0 } else { 3 }), "{said}");

    let pacing = result["pacing"].as_array().unwrap();
    let ways: Vec<_> = pacing.iter().map(|p| (p["transport"].as_str().unwrap(), p["pacing"].as_str().unwrap())).collect();
    assert_eq!(ways, [("sdk", "timer"), ("wire", "spin")]);
    for measured in pacing {
        assert_eq!((measured["calls"].as_u64(), measured["rate_per_s"].as_f64()), (Some(100), Some(50.0)), "{measured}");
        // No call gets to the server before it was sent, nor in no time.
        assert!(measured["deviation"]["p50_us"].as_u64() > measured["send_lag"]["p50_us"].as_u64(), "{measured}");
    }
    for told in result["honesty"].as_array().unwrap() {
        let truth = told["truth"]["p99_us"].as_u64().unwrap();
        assert!((1_500_000..3_000_000).contains(&truth) || told["missed"].as_u64() > Some(0), "the stall was not felt: {told}");
        let off = told["reported"]["p99_us"].as_u64().unwrap().abs_diff(truth) as f64 / truth as f64;
        assert!((off - told["p99_off"].as_f64().unwrap()).abs() < 1e-9, "{told}");
    }
    for ceiling in result["ceiling"].as_array().unwrap() {
        assert!(
            ceiling["calls_per_s"].as_f64().unwrap() > 50.0 && ceiling["cpu_us_per_call"].as_f64().unwrap() > 1.0,
            "{ceiling}"
        );
    }
    let cost = result["cost"].as_array().unwrap();
    assert_eq!(cost.iter().map(|c| c["what"].as_str().unwrap()).collect::<Vec<_>>(), ["bare", "wire", "sdk", "emulator"]);
    assert_eq!(cost[0]["of_bare"].as_f64(), Some(1.0));
    assert!(cost.iter().all(|c| c["cpu_us_per_call"].as_f64() > Some(0.0) && c["of_bare"].as_f64() > Some(0.0)), "{cost:?}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "it left files");
}

/// Interrupted it ends at once, says nothing that it has not measured, and leaves no files.
#[test]
fn an_interrupt_ends_it() {
    let place = tempfile::tempdir().unwrap();
    let mut process = livebench()
        .args(["selftest", "--seconds", "600", "--rate", "10"])
        .current_dir(place.path())
        .env("TMPDIR", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let samples = || {
        let top = std::fs::read_dir(place.path()).ok()?.next()?.ok()?.path();
        std::fs::read_dir(top).ok()?.filter_map(Result::ok).find(|entry| entry.path().join("samples.csv").exists())
    };
    eventually("a run has begun", samples);
    kill_process(Pid::from_child(&process), Signal::INT).unwrap();
    let status = eventually("it has ended", || process.try_wait().unwrap());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut process.stdout.take().unwrap(), &mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(130), ""));
    eventually("its files are gone", || (std::fs::read_dir(place.path()).unwrap().count() == 0).then_some(()));
}

/// What cannot be measured is refused in one message.
#[test]
fn what_cannot_be_asked() {
    for wrong in [["--seconds", "1"], ["--seconds", "601"], ["--rate", "0"], ["--rate", "fast"], ["--rate", "5000000"]] {
        let output = livebench().arg("selftest").args(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(wrong[0]), "{wrong:?}");
    }
}
