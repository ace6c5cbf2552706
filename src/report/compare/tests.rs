use super::{Overlay, history, history_html, history_junit, history_markdown, html, json, junit, markdown, terminal};
use std::time::Duration;

use crate::client::outcome::Outcome;
use crate::compare::history::History;
use crate::compare::{ChangeVerdict, CompareSettings, Comparison, DifferenceKind, Subject, compare};
use crate::record::calls::{Call, Calls};
use crate::stats::divisive::Search;
use crate::stats::draw::{Stream, normal, unit};
use crate::summary::testing::good;

fn run(seed: u64, median_us: f64, throttled: f64, setting: &str) -> (Subject, Calls) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some milliseconds
    let call = |i: u64| Call {
        due_us: i * 20_000,
        lateness_us: 50 + (i % 7) as u32,
        service_us: (median_us * (0.4 * normal(seed, Stream::Latency, i)).exp()) as u32,
        outcome: if unit(seed, Stream::Fault, i) < throttled { Outcome::ThrottledQuota } else { Outcome::Ok },
    };
    let settings = [((DifferenceKind::Target, "emulator.quota.rate".to_owned()), setting.to_owned())];
    let subject = Subject {
        name: format!("20261121T10150{seed}Z-steady"),
        start_utc: format!("2026-11-21T10:15:0{seed}.000000Z"),
        seed,
        settings: settings.into_iter().collect(),
        ..Subject::default()
    };
    (subject, (0..3000).map(call).collect())
}

fn comparison(force: bool) -> Comparison {
    let settings = CompareSettings { force, ..CompareSettings::default() };
    compare(&[run(1, 45_000.0, 0.0, "60")], &[run(2, 49_000.0, 0.04, "50")], &settings)
}

fn text(write: impl Fn(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
}

/// A regression with everything a comparison has to say, in every format.
#[test]
fn formats() {
    let comparison = comparison(true);
    assert_eq!(comparison.verdict, ChangeVerdict::Regressed);
    insta::assert_snapshot!("compare_terminal", text(|out| terminal(&comparison, false, 100, out)));
    insta::assert_snapshot!("compare_terminal_all", text(|out| terminal(&comparison, true, 100, out)));
    insta::assert_snapshot!("compare_markdown", text(|out| markdown(&comparison, out)));
    insta::assert_snapshot!("compare_json", text(|out| json(&comparison, out)));
    insta::assert_snapshot!("compare_junit", text(|out| junit(&comparison, false, out)));
}

/// A page with the verdict first and both sides over each other; what every page carries is left out.
#[test]
fn pages() {
    let (base, new) = (run(1, 45_000.0, 0.0, "60"), run(2, 49_000.0, 0.04, "50"));
    let calls = ([&base.1], [&new.1]);
    let stages = [(Duration::ZERO, "50/s".to_owned())];
    let page = Overlay { comparison: &comparison(true), base: &calls.0, new: &calls.1, stages: &stages };
    let page = text(|out| html(&page, out));
    let (own, carried) = page.split_once("<script id=\"data\"").unwrap();
    let head = own.find("</head>").unwrap();
    insta::assert_snapshot!("compare_html", own[head..].replace("><", ">\n<"));
    assert!(page.len() < 500_000 && !page.contains("src=") && !page.contains("href="), "{}", page.len());
    assert!(["spectrum", "change", "times", "rate"].iter().all(|kind| carried.contains(&format!("\"{kind}\":{{\"x\""))));
}

/// No name of a run becomes markup.
#[test]
fn nothing_escapes() {
    let mut comparison = comparison(true);
    comparison.base[0].name = "</script><img src=x>".to_owned();
    let page = text(|out| html(&Overlay { comparison: &comparison, base: &[], new: &[], stages: &[] }, out));
    assert!(!page.contains("<img"), "{page}");
}

/// What cannot be compared says why and what to do; it has values, and no verdicts.
#[test]
fn incomparable() {
    insta::assert_snapshot!("compare_incomparable", text(|out| terminal(&comparison(false), false, 100, out)));
}

/// What is open is skipped, unless it shall fail.
#[test]
fn strictness() {
    let equal = compare(&[run(1, 45_000.0, 0.0, "60")], &[run(2, 45_000.0, 0.0, "60")], &CompareSettings::default());
    assert_eq!(equal.verdict, ChangeVerdict::Inconclusive);
    let (lenient, strict) = (text(|out| junit(&equal, false, out)), text(|out| junit(&equal, true, out)));
    assert!(lenient.contains("<skipped") && !lenient.contains("<failure"), "{lenient}");
    assert!(strict.contains("<failure") && !strict.contains("<skipped"), "{strict}");
}

/// No line of a table is wider than a terminal, and colours are there for those who want them.
#[test]
fn fits() {
    let comparison = comparison(true);
    let table = text(|out| terminal(&comparison, false, 100, out));
    let rows: Vec<&str> = table.lines().skip_while(|line| *line != "METRICS").filter(|line| line.starts_with("  re")).collect();
    assert!(rows.len() > 3 && rows.iter().all(|line| line.chars().count() <= 100), "{rows:?}");
    let mut coloured = Vec::new();
    terminal(&comparison, false, 100, &mut coloured).unwrap();
    assert!(coloured.starts_with(b"\x1b[1m\x1b[31mREGRESSED\x1b[0m"));
}

/// Twelve runs of one experiment that became slower at the seventh, and one of another experiment.
fn made_history() -> History {
    let runs = (0..13u64).map(|i| {
        let mut summary = good();
        let ok = summary.latency.response.ok.as_mut().unwrap();
        let level = if i < 6 { 100_000 } else { 130_000 };
        ok.p50_us = Some(level + 100 * (i * 7 % 5));
        ok.p95_us = ok.p50_us.map(|us| us * 2);
        ok.p99_us = ok.p50_us.map(|us| us * 3 + 10_000 * (i * 5 % 3));
        let setting = if i == 12 { "other" } else { "60" };
        let (mut subject, _) = run(1, 1.0, 0.0, setting);
        subject.name = format!("20261121T1{i:02}000Z-steady");
        subject.start_utc.clone_from(&subject.name);
        (subject, summary)
    });
    crate::compare::history::history(runs.collect(), vec!["x: no run".to_owned()], &Search::default())
}

/// Change points are named with the run at which they begin.
#[test]
fn histories() {
    let made = made_history();
    assert_eq!(made.series.len(), 2);
    insta::assert_snapshot!("history_terminal", text(|out| history(&made, 100, out)));
    insta::assert_snapshot!("history_markdown", text(|out| history_markdown(&made, out)));
    insta::assert_snapshot!("history_junit", text(|out| history_junit(&made, out)));
    let page = text(|out| history_html(&made, out));
    assert!(page.contains("REGRESSED") && !page.contains("src="), "{page}");
    insta::assert_snapshot!("history_json", text(|out| json(&made.series[0].changes, out)));
}

/// What a page's script draws.
fn drawn(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("type=\"application/json\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Each metric is a chart over the runs, whose axes have titles and the runs' dates, with the threshold of the newest run and a line where it
/// changed; dates are as short as they can be told apart by.
#[test]
fn histories_have_axes() {
    let mut made = made_history();
    let steady = &mut made.series[0];
    assert_eq!(steady.runs.len(), 12);
    for (run, day) in steady.runs.iter_mut().zip(1..) {
        run.start_utc = format!("2026-11-{day:02}T03:17:00.000000Z");
    }
    steady.thresholds.insert("response.p50".to_owned(), "< 120ms".to_owned());
    let data = drawn(&text(|out| history_html(&made, out)));
    let chart = &data["charts"]["0 response.p50"];
    assert_eq!(chart["titles"], serde_json::json!(["start of the run, UTC", "time of an ok answer"]));
    assert_eq!((chart["x"].as_str(), &chart["runs"]), (Some("run"), &serde_json::json!(["0 run", "0 date"])));
    assert_eq!((&data["columns"]["0 date"][0], &data["columns"]["0 date"][11]), (&"2026-11-01".into(), &"2026-11-12".into()));
    let limits = chart["limits"].as_array().unwrap();
    assert_eq!(limits[0], serde_json::json!({ "at": 120_000.0, "label": "response.p50 < 120ms", "hue": "--bad" }));
    assert_eq!((limits[1]["at"].as_f64(), limits[1]["upright"].as_bool()), (Some(5.5), Some(true)), "{limits:?}");
    assert!(limits[1]["label"].as_str().is_some_and(|label| label.starts_with("+30")), "{limits:?}");
    let steady = &mut made.series[0];
    for (run, minute) in steady.runs.iter_mut().zip(10..) {
        run.start_utc = format!("2026-11-21T10:{minute}:00.000000Z");
    }
    let data = drawn(&text(|out| history_html(&made, out)));
    assert_eq!(data["columns"]["0 date"][1], "10:11");
    made.series[0].runs[1].start_utc = "2026-11-21T10:10:07.000000Z".to_owned();
    let data = drawn(&text(|out| history_html(&made, out)));
    assert_eq!(data["columns"]["0 date"][1], "10:10:07");
}
