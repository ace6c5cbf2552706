//! What reports of users showed of comparisons and histories, a test a kind of fault: each names its report, and holds the values that are
//! right for it and for others of its kind.

use std::path::{Path, PathBuf};
use std::process::Output;

use livebench::client::outcome::Outcome;
use livebench::compare::{ChangeVerdict, CompareSettings, Comparison, MetricLine, Subject, compare};
use livebench::record::calls::{Call, Calls};
use livebench::stats::draw::{Stream, exponential, normal};
use livebench::summary::ThresholdStatus;
use serde_json::Value;

use crate::support::livebench;

type Run = (Subject, Calls);

fn subject(seed: u64) -> Subject {
    Subject { name: format!("run-{seed}"), seed, planned_us: Some(60_000_000), ..Subject::default() }
}

/// 60 s at 100/s, Poisson, log-normal around `median_ms`.
fn drawn(seed: u64, median_ms: f64) -> Run {
    let (mut at, mut calls) = (0.0, Calls::default());
    for i in 0.. {
        at += exponential(seed, Stream::Spike, i) / 100.0;
        if at >= 60.0 {
            break;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some seconds
        let (due_us, service_us) =
            ((at * 1e6) as u64, (1000.0 * median_ms * (0.545 * normal(seed, Stream::Latency, i)).exp()) as u32);
        calls.push(Call { due_us, lateness_us: 0, service_us, outcome: Outcome::Ok });
    }
    (subject(seed), calls)
}

/// 3000 calls in 60 s that all take the same, and are sent `late_us` late.
fn constant(seed: u64, service_us: u32, late_us: u32) -> Run {
    let call = |i: u64| Call { due_us: i * 20_000, lateness_us: late_us, service_us, outcome: Outcome::Ok };
    (subject(seed), (0..3000).map(call).collect())
}

fn of(base: &[Run], new: &[Run]) -> Comparison {
    compare(base, new, &CompareSettings::default())
}

fn line<'a>(comparison: &'a Comparison, name: &str) -> &'a MetricLine {
    comparison.metrics.iter().find(|metric| metric.name == name).unwrap()
}

/// criterion.rs#720: the rounding residue of a variance of zero is no data. What never varies is exact, whatever it is compared with.
#[test]
fn what_never_varies_is_exact() {
    for (base, new, verdict) in [
        (5_000, 5_100, ChangeVerdict::Unchanged),
        (20_000, 45_000, ChangeVerdict::Regressed),
        (45_000, 20_000, ChangeVerdict::Improved),
        (300, 301, ChangeVerdict::Unchanged),
        (33_333, 33_333, ChangeVerdict::Unchanged),
    ] {
        // Another lateness, so that no two runs are the same call for call.
        let found = of(&[constant(1, base, 1)], &[constant(2, new, 3)]);
        assert_eq!(found.verdict, verdict, "{base} {new} {:?}", found.metrics);
        let spread = line(&found, "response.spread");
        assert_eq!(
            (spread.verdict, spread.base, spread.new, spread.change_pct),
            (ChangeVerdict::Unchanged, Some(0.0), Some(0.0), Some(0.0))
        );
        assert!(found.metrics.iter().all(|metric| metric.verdict != ChangeVerdict::Inconclusive), "{base} {new}");
    }
}

/// The same kind: where one side never varies and the other does, there is a spread now, and no percentage of nothing.
#[test]
fn a_spread_from_nothing_is_no_percentage() {
    let found = of(&[constant(1, 45_000, 0)], &[drawn(2, 45.0)]);
    let spread = line(&found, "response.spread");
    assert_eq!((spread.verdict, spread.base), (ChangeVerdict::Regressed, Some(0.0)));
    assert!((spread.change_pct.unwrap() / 100.0 - spread.new.unwrap()).abs() < 1e-9, "{spread:?}");
    let back = of(&[drawn(2, 45.0)], &[constant(1, 45_000, 0)]);
    assert_eq!(line(&back, "response.spread").verdict, ChangeVerdict::Improved);
}

/// Report on 0.1.0: Poisson arrivals, another seed a run, five a side, one binary: INCONCLUSIVE by `rate.ok` alone, "13x as much data". How
/// many calls a plan drew is known beforehand.
#[test]
fn drawn_arrivals_are_no_noise() {
    let side = |first: u64, median_ms: f64| (0..5).map(|i| drawn(first + 2 * i, median_ms)).collect::<Vec<_>>();
    let equal = of(&side(1, 45.0), &side(2, 45.0));
    assert_eq!(equal.verdict, ChangeVerdict::Unchanged, "{:?}", equal.metrics);
    let rate = line(&equal, "rate.ok");
    assert_eq!((rate.verdict, rate.change_pct), (ChangeVerdict::Unchanged, Some(0.0)), "{rate:?}");
    assert!(rate.base != rate.new);
    let slower = of(&side(1, 45.0), &side(2, 54.0));
    assert!(slower.verdict == ChangeVerdict::Regressed && slower.sentence.contains("% slower"), "{}", slower.sentence);
    // Calls that get no session are still missed: one in twenty of those that were offered.
    let refused = |(subject, calls): Run| {
        let refuse =
            |(i, call): (usize, Call)| if i % 20 == 0 { Call { outcome: Outcome::ThrottledQuota, ..call } } else { call };
        (subject, calls.iter().enumerate().map(refuse).collect::<Calls>())
    };
    let fewer = of(&side(1, 45.0), &side(2, 45.0).into_iter().map(refused).collect::<Vec<_>>());
    let rate = line(&fewer, "rate.ok");
    assert!(rate.verdict == ChangeVerdict::Regressed && (rate.change_pct.unwrap() + 5.0).abs() < 0.1, "{rate:?}");
}

/// Five runs a side, of which one side is never throttled and the other in one call of twenty, were inconclusive (limits of -95 to +5 points):
/// what never or seldom happens was taken to be as unsure as the runs of the other side.
#[test]
fn what_never_happened_before_is_found_in_several_runs() {
    for (runs, before) in [(1, usize::MAX), (2, usize::MAX), (5, usize::MAX), (2, 5_000), (5, 5_000)] {
        let side = |first: u64, one_in: usize| -> Vec<Run> {
            let throttled = |(subject, calls): Run| {
                let all = calls.iter().enumerate();
                let refuse = |(i, call): (usize, Call)| {
                    if i % one_in == one_in - 1 { Call { outcome: Outcome::ThrottledQuota, ..call } } else { call }
                };
                (subject, all.map(refuse).collect::<Calls>())
            };
            (0..runs).map(|i| throttled(drawn(first + 2 * i, 45.0))).collect()
        };
        let found = of(&side(1, before), &side(2, 20));
        let quota = line(&found, "throttled.quota");
        assert_eq!(
            (found.verdict, quota.verdict),
            (ChangeVerdict::Regressed, ChangeVerdict::Regressed),
            "{runs} {before} {quota:?}"
        );
        assert!(quota.low_pct.unwrap() > 0.0 && quota.high_pct.unwrap() < 15.0, "{quota:?}");
        let back = of(&side(2, 20), &side(1, before));
        assert_eq!(line(&back, "throttled.quota").verdict, ChangeVerdict::Improved);
    }
}

/// Report on 0.1.0: limits of +7.25 to +65.1 beside the verdict inconclusive. Limits and verdict come from one correction.
#[test]
fn limits_and_verdicts_agree() {
    for seed in 0..12u32 {
        let size = f64::from(seed) * 0.6;
        let found = of(&[drawn(u64::from(seed), 45.0)], &[drawn(u64::from(seed) + 100, 45.0 + size)]);
        for metric in &found.metrics {
            let (Some(low), Some(high)) = (metric.low_pct, metric.high_pct) else { continue };
            let excludes = low > 0.0 || high < 0.0;
            match metric.verdict {
                ChangeVerdict::Regressed | ChangeVerdict::Improved => assert!(excludes, "{metric:?}"),
                ChangeVerdict::Inconclusive => assert!(!excludes, "{metric:?}"),
                _ => {}
            }
        }
    }
}

/// Report on 0.1.0: 70 idempotency violations on the new side were UNCHANGED. What fails on the new side only has regressed, under `--force`,
/// too; what fails on both sides is not this change's doing.
#[test]
fn what_fails_on_the_new_side_only_has_regressed() {
    use ThresholdStatus::{Failed, Ok};
    let with = |seed, violations, status| {
        let (subject, calls) = constant(seed, 45_000, 0);
        (Subject { violations: Some(violations), thresholds: vec![("errors < 1%".to_owned(), status)], ..subject }, calls)
    };
    for (base, new, verdict) in [
        ((0, Ok), (70, Ok), ChangeVerdict::Regressed),
        ((0, Ok), (0, Failed), ChangeVerdict::Regressed),
        ((0, Failed), (0, Failed), ChangeVerdict::Unchanged),
        ((70, Ok), (70, Ok), ChangeVerdict::Unchanged),
        ((3, Ok), (70, Ok), ChangeVerdict::Unchanged),
        ((0, Failed), (0, Ok), ChangeVerdict::Improved),
    ] {
        for force in [false, true] {
            let settings = CompareSettings { force, ..CompareSettings::default() };
            let found = compare(&[with(1, base.0, base.1)], &[with(2, new.0, new.1)], &settings);
            assert_eq!(found.verdict, verdict, "{base:?} {new:?} {}", found.sentence);
            // What has grown on both sides is no new fault, and is told.
            if base.0 > 0 && base.0 != new.0 {
                let mut told = Vec::new();
                livebench::report::compare::terminal(&found, false, 100, &mut told).unwrap();
                let told = String::from_utf8(told).unwrap();
                assert!(told.contains(&format!("violations {} -> {}", base.0, new.0)), "{told}");
            }
        }
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A run in virtual time of a load and what follows it.
fn run(out: &Path, seed: u64, load: &str, more: &str) -> PathBuf {
    std::fs::create_dir_all(out).unwrap();
    let file = out.join("pair.toml");
    std::fs::write(&file, format!("name = \"pair\"\n[load]\n{load}\n{more}\n")).unwrap();
    let before = entries(out);
    let mut command = livebench();
    command.arg("run").arg(&file).arg("--out").arg(out).args(["--virtual-time", "--seed", &seed.to_string()]);
    let done = command.output().unwrap();
    assert!(done.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&done.stderr));
    entries(out).into_iter().find(|path| path.is_dir() && !before.contains(path)).unwrap()
}

fn compared(base: &Path, new: &Path, options: &[&str]) -> Output {
    livebench().arg("compare").args([base, new]).args(options).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Report on 0.1.0: `for = "20s"` against `"20000ms"`, and a default spelled out, were INCOMPARABLE. Settings are compared by meaning, and
/// what differs in meaning is named alone.
#[test]
fn settings_are_compared_by_meaning() {
    let work = tempfile::tempdir().unwrap();
    let base = run(&work.path().join("base"), 1, "stages = [ { for = \"20s\", rate = 20 } ]", "");
    let spelled =
        "stages = [ { for = \"20000ms\", from = 20.0, to = 20 } ]\narrivals = \"even\"\noverflow = \"miss\"\ntransport = \"sdk\"";
    let other = run(&work.path().join("other"), 1, spelled, "[idempotency]\nreplay = 0.0\n[emulator]\nseed = 1\n");
    let found = json(&compared(&base, &other, &["--output", "json"]));
    assert_eq!((&found["verdict"], &found["differences"]), (&"unchanged".into(), &Value::Array(vec![])), "{found:#}");
    let longer = run(&work.path().join("longer"), 1, "stages = [ { for = \"21s\", rate = 20 } ]\noverflow = \"miss\"", "");
    let found = json(&compared(&base, &longer, &["--output", "json"]));
    assert_eq!(found["verdict"], "incomparable");
    let keys: Vec<&str> = found["differences"].as_array().unwrap().iter().map(|d| d["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["load.stages"]);
}

/// Report on 0.1.0: `rate.ok` of the shipped ramp was 34.68/s in the report and 33.85/s in compare. It has one definition.
#[test]
fn one_rate_in_every_report() {
    let work = tempfile::tempdir().unwrap();
    for (name, stages) in [
        ("ramp", "stages = [ { for = \"10s\", from = 5, to = 40 }, { for = \"3500ms\", rate = 40 } ]"),
        ("burst", "stages = [ { calls = 30 }, { for = \"2500ms\", rate = 10 } ]"),
        ("closed", "model = \"closed\"\nstages = [ { for = \"2500ms\", workers = 3 } ]"),
    ] {
        let dir = run(&work.path().join(name), 1, stages, "[emulator]\nlatency = { median = \"45ms\", p99 = \"160ms\" }\n");
        let summary: Value = serde_json::from_slice(&std::fs::read(dir.join("summary.json")).unwrap()).unwrap();
        let found = json(&compared(&dir, &dir, &["--output", "json"]));
        let rate = found["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "rate.ok").unwrap().clone();
        assert_eq!(rate["base"], summary["rates"]["ok_per_s"], "{name}");
    }
}

/// A run that stands twice on one side is refused, also as a copy; one that stands on both sides is noted, and unchanged.
#[test]
fn a_run_counts_once() {
    let work = tempfile::tempdir().unwrap();
    let base = run(&work.path().join("base"), 1, "stages = [ { for = \"5s\", rate = 20 } ]", "");
    let copy = work.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in entries(&base) {
        std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
    }
    let link = work.path().join("link");
    std::os::unix::fs::symlink(&base, &link).unwrap();
    for again in [&base, &copy, &link] {
        let twice = livebench().arg("compare").arg("--base").args([&base, again]).arg("--new").arg(&base).output().unwrap();
        assert_eq!(twice.status.code(), Some(2), "{}", again.display());
        assert!(String::from_utf8_lossy(&twice.stderr).contains("twice"));
        let found = json(&compared(&base, again, &["--output", "json"]));
        assert_eq!(found["verdict"], "unchanged");
        assert!(found["notes"][0].as_str().unwrap().contains("is on both sides"), "{found:#}");
    }
}

/// Report on 0.1.0: the first thing that a comparison said was thirteen open rows. It is the verdict in a sentence, in every format.
#[test]
fn a_sentence_comes_first() {
    let work = tempfile::tempdir().unwrap();
    let stages = "stages = [ { for = \"30s\", rate = 50 } ]";
    let latency = |median: &str| format!("[emulator]\nlatency = {{ median = \"{median}\", p99 = \"200ms\" }}\n");
    let base = run(&work.path().join("base"), 1, stages, &latency("45ms"));
    let same = run(&work.path().join("same"), 2, stages, &latency("45ms"));
    let slow = run(&work.path().join("slow"), 3, stages, &latency("70ms"));
    let first = |output: &Output| String::from_utf8_lossy(&output.stdout).lines().next().unwrap().to_owned();
    let open = first(&compared(&base, &same, &[]));
    assert!(open.starts_with("INCONCLUSIVE  No regression found: the median changed by between -"), "{open}");
    let slower = first(&compared(&base, &slow, &["--force"]));
    assert!(slower.starts_with("REGRESSED  Responses are ") && slower.contains("% slower ("), "{slower}");
    let text = String::from_utf8(compared(&base, &same, &[]).stdout).unwrap();
    assert!(text.lines().count() < 20 && text.contains("--all shows them"), "{text}");
    let markdown = String::from_utf8(compared(&base, &slow, &["--force", "--output", "markdown"]).stdout).unwrap();
    assert!(markdown.contains("\n**Responses are ") && markdown.contains("<details>"), "{markdown}");
}

/// Report on 0.1.0: three regressed lines of a history, exit 0. `--fail-on regression` gates while one stands, in every format.
#[test]
fn a_history_gates() {
    let work = tempfile::tempdir().unwrap();
    for seed in 1..13u64 {
        let stages = "stages = [ { for = \"4s\", rate = 50 } ]";
        // Nobody emulated what answers: a service that became slower is not another target.
        run(work.path(), seed, stages, "[emulator]\nlatency = { median = \"45ms\", p99 = \"160ms\" }\n");
    }
    let list = |options: &[&str]| livebench().arg("history").arg(work.path()).args(options).output().unwrap();
    let steady = list(&["--fail-on", "regression"]);
    assert_eq!(steady.status.code(), Some(0), "{}", String::from_utf8_lossy(&steady.stdout));
    for dir in entries(work.path()).into_iter().filter(|path| path.is_dir()) {
        let path = dir.join("summary.json");
        let mut summary: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if summary["seed"].as_u64().unwrap() > 6 {
            for p in ["p50_us", "p95_us", "p99_us"] {
                let slow = summary["latency"]["response"]["ok"][p].as_u64().map(|us| us * 2);
                summary["latency"]["response"]["ok"][p] = slow.into();
            }
            std::fs::write(&path, format!("{summary}\n")).unwrap();
        }
    }
    for (format, says) in [
        ("text", "REGRESSED"),
        ("json", "\"stands\": true"),
        ("markdown", "## livebench history: regressed"),
        ("junit", "<failure"),
        ("html", "REGRESSED"),
    ] {
        let gated = list(&["--fail-on", "regression", "--output", format]);
        let text = String::from_utf8_lossy(&gated.stdout);
        assert!(gated.status.code() == Some(1) && text.contains(says), "{format}: {text}");
        assert_eq!(list(&["--output", format]).status.code(), Some(0));
    }
}
