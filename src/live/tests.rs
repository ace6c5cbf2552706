use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::record::Recorded;
use crate::record::timeline::Row;
use crate::results::{Moment, Progress, RunSoFar};
use crate::scenario::{self, Model, Scenario};
use crate::schedule::{Arrivals, Schedule, Stage};
use crate::summary::testing::{facts, good_calls, recorded};

const TEXT: &str = "name = \"example\"\nseed = 7\n[load]\nstages = [ { for = \"40s\", from = 5, to = 40 }, { for = \"60s\", rate = 40 }, { calls = 50 } ]\n\
    [budget]\nmax_calls = 5000\n[thresholds]\n\"response.p99\" = \"< 800ms\"\n\"throttled.quota\" = \"< 1%\"\n\"rate.ok\" = \">= 500/s\"\n\"idempotency.violations\" = \"== 0\"\n";

fn example() -> Scenario {
    scenario::read("test.toml", TEXT, Path::new("")).unwrap()
}

fn setting() -> RunSetting {
    let scenario = example();
    let Model::Open(open) = &scenario.load.model else { unreachable!() };
    let schedule = Schedule::new(&open.stages, open.arrivals, scenario.seed).unwrap();
    RunSetting {
        called: facts(1).called,
        endpoint: "http://127.0.0.1:40479".to_owned(),
        length: schedule.length(),
        schedule: Some(Arc::new(schedule)),
        calls_budget: Some(5000),
        usd_per_call: 0.0,
        scenario,
    }
}

/// A second at the rate of the schedule, some of it throttled from the 30th on.
fn moment(second: u64) -> Moment {
    let offered = (5 + second * 35 / 40).min(40);
    let throttled = if second >= 30 { 3 } else { 0 };
    let row = Row {
        second,
        offered,
        sent: offered,
        ok: offered - throttled,
        throttled_quota: throttled,
        in_flight: 2 + second % 3,
        response_p50_us: Some(47_000 + second * 7919 % 5_000),
        response_p99_us: Some(150_000 + second * 104_729 % 90_000),
        service_p50_us: Some(46_000 + second * 7919 % 5_000),
        service_p99_us: Some(149_000 + second * 104_729 % 80_000),
        ..Row::default()
    };
    Moment {
        row,
        response_ok: vec![(47_000, 30), (90_000, 5), (150_000 + second, 1)],
        service_ok: vec![(46_000, 35), (140_000, 1)],
    }
}

fn news(seconds: std::ops::Range<u64>, calls: u64) -> RunSoFar {
    let recorded: Recorded = recorded(&example(), &good_calls(calls));
    let progress = Progress {
        offered: calls,
        sent: calls,
        ok: calls.saturating_sub(39),
        throttled: 36,
        by_cause: [36, 0, 0],
        in_flight: 3,
        violations: 1,
        ..Progress::default()
    };
    RunSoFar { seconds: seconds.map(moment).collect(), recorded, progress }
}

/// 42 s into the run.
fn midway() -> RunView {
    let mut state = RunView::new(setting());
    state.take(vec![news(0..42, 1000)]);
    state
}

fn picture(state: &impl Scene, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| state.draw(frame)).unwrap();
    terminal.backend().to_string()
}

/// In the middle of a run, on a terminal with room for everything.
#[test]
fn picture_midway() {
    insta::assert_snapshot!(picture(&midway(), 120, 40));
}

/// Before the first second is complete nothing is known, and nothing is made up.
#[test]
fn picture_before_the_first_second() {
    insta::assert_snapshot!(picture(&RunView::new(setting()), 100, 30));
}

/// Held still, with another window and something said, on a small terminal.
#[test]
fn picture_held_small() {
    let mut state = midway();
    assert_eq!(state.key(ViewKey::Pause), None);
    assert_eq!(state.key(ViewKey::Window), None);
    state.note("stopping: nothing more is sent");
    state.take(vec![news(42..45, 1100)]);
    insta::assert_snapshot!(picture(&state, 80, 20));
}

/// No terminal is too small to draw on.
#[test]
fn any_size() {
    for (width, height) in [(1, 1), (20, 3), (40, 9), (300, 100), (500, 12)] {
        picture(&midway(), width, height);
    }
}

/// On the smallest terminal that shows everything but charts, and on a large one: nothing is cut without a mark, and the last line says which
/// keys there are.
#[test]
fn small_and_large() {
    let small = picture(&midway(), 60, 15);
    insta::assert_snapshot!(small);
    for (width, height) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
        let text = picture(&midway(), width, height);
        assert!(text.contains("? keys") && text.contains("violations 1"), "{text}");
        let cut: Vec<&str> = text.lines().filter(|line| line.ends_with("…\"")).collect();
        assert_eq!(cut.is_empty(), width >= 80, "{text}");
    }
}

/// A key shows what the keys do, over everything else, and hides it again.
#[test]
fn keys_are_shown() {
    let mut state = midway();
    let before = picture(&state, 120, 40);
    assert_eq!(state.key(ViewKey::Help), None);
    let shown = picture(&state, 120, 40);
    assert!(shown.contains("next window") && shown.contains("leave at once"), "{shown}");
    picture(&state, 10, 4);
    state.key(ViewKey::Help);
    assert_eq!(picture(&state, 120, 40), before);
}

/// That a p99 rests on few samples is no verdict on a young run that will have enough; it is one on a run that is over, or whose schedule has too few calls.
#[test]
fn too_early_to_tell() {
    let verdict = |state: &RunView| {
        let text = picture(state, 120, 40);
        text.lines().find(|line| line.contains("verdict")).unwrap().to_owned()
    };
    let after = |setting: RunSetting, seconds: u64| {
        let mut state = RunView::new(setting);
        state.take(vec![news(0..seconds, 277)]);
        state
    };
    assert!(
        verdict(&after(setting(), 12)).contains("too early  response.p99 rests on 277 samples"),
        "{}",
        verdict(&after(setting(), 12))
    );
    assert!(verdict(&after(setting(), 100)).contains("SUSPECT"));
    // Who scrapes it hears the same.
    for (seconds, word) in [(12, "too early"), (100, "SUSPECT")] {
        let text = metrics::text(&after(setting(), seconds));
        let said: Vec<&str> =
            text.lines().filter(|line| line.starts_with("livebench_verdict{") && line.ends_with(" 1")).collect();
        assert!(matches!(said[..], [one] if one.contains(&format!("verdict=\"{word}\""))), "{said:?}");
    }
    let rate = crate::units::Rate::per_second(10.0).unwrap();
    let stages = [Stage::Line { length: Duration::from_secs(60), from: rate, to: rate }];
    let few = Arc::new(Schedule::new(&stages, Arrivals::Even, 7).unwrap());
    assert!(verdict(&after(RunSetting { schedule: Some(few), ..setting() }, 12)).contains("SUSPECT"));
    assert!(verdict(&midway()).contains("VALID"));
}

/// Axes end soon above what they show, at round numbers.
#[test]
fn axes_fit() {
    for (value, top) in [(0.3, 1.0), (1.0, 1.0), (2.1, 3.0), (40.0, 40.0), (41.0, 50.0), (85.0, 100.0), (101.0, 150.0)] {
        assert!((parts::nice(value) - top).abs() < 1e-9, "{value}");
    }
    let scale = |low: f64, high: f64| {
        let points = vec![(0.0, low.log10()), (1.0, high.log10())];
        parts::log_scale(&[("", ratatui::style::Color::Red, points)])
    };
    assert_eq!(scale(45e3, 138e3).1, ["20.0ms", "40.0ms", "80.0ms", "160ms"]);
    assert_eq!(scale(1.0, 9e6).1.len(), 8);
    let ([low, high], _) = scale(50e3, 50e3);
    assert!(low <= 50e3_f64.log10() && 50e3_f64.log10() < high);
}

/// While it is held still the picture stays the same, and then it is where the run is.
#[test]
fn pause() {
    let mut state = midway();
    state.key(ViewKey::Pause);
    let held = picture(&state, 120, 40);
    state.take(vec![news(42..50, 1300)]);
    assert_eq!(picture(&state, 120, 40), held);
    assert!(metrics::text(&state).contains("livebench_elapsed_seconds{scenario=\"example\"} 50\n"));
    state.key(ViewKey::Pause);
    let mut other = midway();
    other.take(vec![news(42..50, 1300)]);
    assert_eq!(picture(&state, 120, 40), picture(&other, 120, 40));
}

/// Only the key for it stops the run.
#[test]
fn stop() {
    let mut state = midway();
    assert_eq!([ViewKey::Pause, ViewKey::Window, ViewKey::Stop].map(|key| state.key(key)), [None, None, Some(ViewRequest::Stop)]);
}

/// Percentiles are those of the window's seconds, and need a sample beyond them.
#[test]
fn spreads() {
    let seconds = (0..100u64).map(|s| Arc::new(Moment { response_ok: vec![(1000 + s * 1000, 1)], ..moment(s) })).collect();
    let of = |window| TimeSpread::of(&seconds, window, |m| &m.response_ok).unwrap();
    let close = |us: Option<u64>, to: u64| us.is_some_and(|us| us.abs_diff(to) <= to / 500);
    let ten = of(ViewWindow::TenSeconds);
    assert!(ten.calls == 10 && close(ten.p50_us, 95_000) && close(ten.p90_us, 99_000) && ten.p99_us.is_none(), "{ten:?}");
    let minute = of(ViewWindow::Minute);
    assert!(minute.calls == 60 && close(minute.p50_us, 70_000) && minute.p99_us.is_none(), "{minute:?}");
    let all = of(ViewWindow::FiveMinutes);
    assert!(all.calls == 100 && close(all.p99_us, 99_000) && close(Some(all.max_us), 100_000), "{all:?}");
    assert_eq!(TimeSpread::of(&seconds, ViewWindow::Minute, |_| &[]), None);
    assert_eq!(ViewWindow::Minute.next().next().next(), ViewWindow::Minute);
}

/// However long a run is, the view keeps as much as its longest window needs.
#[test]
fn memory_is_bounded() {
    let mut state = RunView::new(setting());
    for part in 0..10 {
        state.take(vec![news(part * 100..part * 100 + 100, 10)]);
    }
    assert_eq!(state.shown().seconds.len(), ViewWindow::FiveMinutes.seconds());
    assert_eq!(state.over(), Duration::from_secs(1000));
}

/// A line says what happened, and leaves out what did not.
#[test]
fn lines() {
    let quiet = Row { second: 3661, ..Row::default() };
    let lines = [line::line(&moment(11).row), line::line(&moment(41).row), line::line(&quiet)];
    insta::assert_snapshot!(lines.join("\n"));
}

/// What Prometheus gets in the middle of a run.
#[test]
fn metrics_midway() {
    insta::assert_snapshot!(metrics::text(&midway()));
}

/// Before the first second there are counters at 0, and no percentiles.
#[test]
fn metrics_at_first() {
    let text = metrics::text(&RunView::new(setting()));
    assert!(text.contains("livebench_sent_calls_total{scenario=\"example\"} 0\n") && !text.contains("p99"), "{text}");
}

/// Only this machine may look.
#[tokio::test]
async fn metrics_stay_here() {
    let refused = Metrics::bind("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.to_string(), "--metrics 0.0.0.0:0 is not a loopback address; use 127.0.0.1 or [::1]");
    let first = Metrics::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let taken = Metrics::bind(first.address()).await.unwrap_err();
    assert!(taken.to_string().contains("choose another port"), "{taken}");
}
