//! Probes of limiters that nobody here wrote, as they were recorded: what is said of them today.
//!
//! Each directory under `tests/limiters/recorded` is one of 2026-11-27 on a crowded machine of two cores. Python's `limits`, `ratelimit`,
//! `throttled-py` and `pyrate-limiter`, Node's `express-rate-limit` and `limiter`, nginx, `HAProxy`, and plain definitions.

use std::path::{Path, PathBuf};

use crate::support::livebench;
use serde_json::Value;

/// What is true of a limiter: its kind as it is published, its rate and its burst.
struct Known {
    name: &'static str,
    kinds: &'static [&'static str],
    rate: Option<f64>,
    burst: Option<f64>,
}

const fn known(name: &'static str, kinds: &'static [&'static str], rate: Option<f64>, burst: Option<f64>) -> Known {
    Known { name, kinds, rate, burst }
}

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/limiters/recorded").join(name)
}

fn said(name: &str) -> Value {
    let copy = tempfile::tempdir().unwrap();
    for file in ["manifest.json", "observations.csv"] {
        std::fs::copy(recorded(name).join(file), copy.path().join(file)).unwrap();
    }
    let done = livebench().arg("report").arg(copy.path()).args(["--output", "json"]).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{name}: {e}: {}", String::from_utf8_lossy(&done.stderr)))
}

/// Never a guarantee that is not true; at most one of them without an answer, none of them wrong.
fn hold(cases: &[Known]) {
    let mut open = Vec::new();
    for Known { name, kinds, rate, burst } in cases {
        let said = said(name);
        let kind = said["kind"].as_str().unwrap();
        if kind == "inconclusive" {
            open.push(*name);
            continue;
        }
        assert!(kinds.contains(&kind), "{name} is {kind}: {:?}", said["notes"]);
        if let (Some(rate), Some(point)) = (rate, said["rate_per_s"]["point"].as_f64()) {
            assert!((point / rate - 1.0).abs() < 0.01, "{name}: {point}/s of {rate}/s");
        }
        if said["guaranteed"] == true {
            let low = said["rate_per_s"]["low"].as_f64().unwrap();
            let high = said["rate_per_s"]["high"].as_f64().unwrap();
            assert!(rate.is_none_or(|rate| low <= rate && rate <= high), "{name}: {low} to {high}");
            let [least, most] = [0, 1].map(|at| said["burst_between"][at].as_f64().unwrap());
            assert!(burst.is_none_or(|burst| least <= burst && burst <= most), "{name}: {least} to {most}");
        }
    }
    assert!(open.len() <= 1, "inconclusive: {open:?}");
}

/// Windows on a grid and from the first call on, and steps.
#[test]
fn windows_that_do_not_slide() {
    hold(&[
        known("limits-fixed-5-1s", &["fixed-window"], Some(5.0), Some(5.0)),
        known("express-60-10s", &["fixed-window"], Some(6.0), Some(60.0)),
        known("ratelimit-15-3s", &["fixed-window"], Some(5.0), Some(15.0)),
        known("throttled-leaking-5-10", &["step-bucket", "fixed-window"], Some(5.0), Some(10.0)),
        known("wall-50-10s", &["fixed-window"], Some(5.0), Some(50.0)),
    ]);
}

/// Counters and logs.
#[test]
fn windows_that_slide() {
    hold(&[
        known("limits-counter-10-2s", &["sliding-counter"], Some(5.0), Some(10.0)),
        known("haproxy-ok-10-1s", &["sliding-counter"], Some(10.0), Some(10.0)),
        known("pyrate-25-5s", &["sliding-log"], Some(5.0), Some(25.0)),
    ]);
}

/// Buckets, a cap, and two limits of which the slower one is slower than the probe was long. The decisions of Node's `limiter` came late in
/// their brackets: it looks like a counter of 12 calls, which must not be guaranteed.
#[test]
fn buckets_and_caps() {
    hold(&[
        known("nginx-5-10-nodelay", &["token-bucket"], Some(5.0), Some(10.0)),
        known("nginx-conn-8", &["concurrency"], None, Some(8.0)),
        known("stacked-10-1s-and-100-60s", &["stacked"], None, Some(10.0)),
    ]);
    assert_eq!(said("limiter-bucket-5-10")["guaranteed"], false);
}
