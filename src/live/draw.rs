//! A run as a picture on the terminal.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::GraphType;

use super::judgement::{VerdictSoFar, so_far};
use super::line::clock;
use super::parts::{BAD, BOLD, DIM, DrawChart, NAME, Plot, Points, ViewLayout, WARN, count, highest, log_scale, named, nice};
use super::state::RunView;
use crate::num::{self, float};
use crate::results::Moment;
use crate::service::price::Bill;
use crate::summary::ThresholdStatus;
use crate::units::human;

/// Draws the whole view.
pub(super) fn draw(frame: &mut Frame<'_>, state: &RunView) {
    let [response, service] = times(state);
    let mut lines = vec![now(state), total(state, frame.area().width), throttled(state), response, service, budget(state)];
    lines.extend(verdict(state, frame.area().width));
    let charts: [DrawChart<'_>; 2] =
        [&|frame, area| rate_chart(frame, area, state), &|frame, area| times_chart(frame, area, state)];
    ViewLayout { head: head(state), progress: progress(state), lines, charts }.draw(frame, &state.view, "run");
}

fn head(state: &RunView) -> Line<'static> {
    let (setting, scenario) = (state.setting(), &state.setting().scenario);
    let doing = state.stage().map_or_else(String::new, |(at, of, says)| format!("   stage {at} of {of}: {says}"));
    let target = format!("   {} {}", setting.endpoint, setting.called.region);
    Line::from(vec![Span::styled(format!("livebench {}", scenario.name), BOLD), Span::raw(doing), Span::styled(target, DIM)])
}

fn progress(state: &RunView) -> (f64, String) {
    let (over, length) = (state.over(), state.setting().length);
    let part = over.as_secs_f64() / length.as_secs_f64().max(1e-9);
    let label = if over > length { "waiting for answers".to_owned() } else { format!("{} of {}", clock(over), clock(length)) };
    (part, label)
}

fn now(state: &RunView) -> Line<'static> {
    let Some(Moment { row, .. }) = state.newest() else { return named("now", [Span::styled("no second is complete", DIM)]) };
    let answered = row.ok + row.throttled_quota + row.throttled_ramp + row.throttled_service + row.errors;
    let rates = [("offered", row.offered), ("sent", row.sent), ("answered", answered), ("ok", row.ok)];
    let rates = rates.map(|(name, n)| Span::raw(format!("{name} {n}/s   ")));
    named("now", rates.into_iter().chain([Span::raw(format!("in flight {}", row.in_flight))]))
}

/// The counts so far; where there is no room for all, those of what did not happen are left out.
fn total(state: &RunView, width: u16) -> Line<'static> {
    let p = &state.shown().progress;
    let mut counts = vec![
        count("sent", p.sent, None),
        count("ok", p.ok, None),
        count("throttled", p.throttled, WARN),
        count("errors", p.errors, BAD),
        count("missed", p.missed, BAD),
        count("violations", p.violations, BAD),
    ];
    if p.capped > 0 {
        // Only where `max_rate` is set, and 80 columns are few.
        counts.push(count("capped", p.capped, WARN));
    }
    let wide: usize = counts.iter().map(Span::width).sum();
    if wide + NAME > usize::from(width) {
        counts.retain(|count| !count.content.ends_with(" 0  "));
    }
    named("so far", counts)
}

fn throttled(state: &RunView) -> Line<'static> {
    let counts = ["quota", "ramp", "service"].into_iter().zip(state.shown().progress.by_cause);
    named("throttled", counts.map(|(name, n)| count(name, n, WARN)))
}

/// Response and service times over the window.
fn times(state: &RunView) -> [Line<'static>; 2] {
    let [response, service] = state.spreads().map(|spread| spread.map_or_else(|| "-".to_owned(), |spread| spread.words()));
    let window = human(Duration::from_secs(state.window().seconds() as u64));
    [
        named("response", [Span::raw(response), Span::styled(format!("   ok, last {window}"), DIM)]),
        named("service", [Span::raw(service)]),
    ]
}

fn budget(state: &RunView) -> Line<'static> {
    let (setting, sent) = (state.setting(), state.shown().progress.sent);
    let scheduled = setting.schedule.as_ref().map(|schedule| schedule.calls());
    let mut text = match (setting.calls_budget, scheduled) {
        (Some(most), None) => format!("{sent} of up to {most} calls"),
        (Some(most), Some(scheduled)) => format!("{sent} of up to {most} calls, {scheduled} scheduled"),
        (None, Some(scheduled)) => format!("none; {sent} of {scheduled} scheduled calls"),
        (None, None) => format!("none; {sent} calls"),
    };
    if setting.usd_per_call > 0.0 {
        let most = setting.scenario.budget.max_spend_usd;
        let worst = float(sent) * setting.usd_per_call;
        text = format!("{text}   {} of ${most:.2} at worst", Bill::up(worst));
    }
    named("budget", [Span::raw(text)])
}

/// The verdict and the thresholds so far, as many as there is some use in showing.
fn verdict(state: &RunView, width: u16) -> Vec<Line<'static>> {
    let Some(summary) = &state.shown().summary else { return vec![named("verdict", [Span::raw("-")])] };
    let (verdict, reason) = so_far(state.setting(), state.over(), summary);
    let colour = match verdict {
        VerdictSoFar::Valid => Color::Green,
        VerdictSoFar::TooEarly | VerdictSoFar::Suspect => Color::Yellow,
        VerdictSoFar::Invalid => Color::Red,
    };
    let reason = reason.map_or_else(String::new, |reason| format!("  {}", reason.what));
    let mut lines = vec![named("verdict", [Span::styled(verdict.word(), BOLD.fg(colour)), Span::raw(reason)])];
    let results = summary.thresholds.iter().map(|t| {
        let (mark, colour) = match t.status {
            ThresholdStatus::Ok => ("✓", Color::Green),
            ThresholdStatus::Failed => ("✗", Color::Red),
            ThresholdStatus::Unknown => ("?", Color::Yellow),
        };
        let text = format!("{mark} {} {}  {}   ", t.metric, t.expression, crate::report::observed(t));
        Span::styled(text, Style::new().fg(colour))
    });
    let mut free = 0;
    let mut packed: Vec<Vec<Span<'static>>> = Vec::new();
    for result in results {
        // A line takes what fits, and one that fits nowhere.
        if let Some(line) = packed.last_mut().filter(|_| result.width() <= free) {
            free -= result.width();
            line.push(result);
        } else {
            free = usize::from(width).saturating_sub(NAME + result.width());
            packed.push(vec![result]);
        }
    }
    let named = |(i, some)| named(if i == 0 { "thresholds" } else { "" }, some);
    lines.extend(packed.into_iter().enumerate().map(named));
    lines
}

/// The seconds that the charts span: the window, and as much again ahead as a sixth of it, so that the schedule's future shows.
fn span(state: &RunView) -> [f64; 2] {
    let window = num::count(state.window().seconds());
    let until =
        (state.over().as_secs_f64() + window / 6.0).min(state.setting().length.as_secs_f64()).max(state.over().as_secs_f64());
    let from = (until - window).max(0.0);
    [from, until.max(from + 1.0)]
}

/// A curve of the window's seconds, each at its middle.
fn curve(state: &RunView, read: impl Fn(&Moment) -> Option<u64>) -> Points {
    let from = span(state)[0];
    let points = state.in_window().filter_map(|m| Some((float(m.row.second) + 0.5, float(read(m)?))));
    points.filter(|(x, _)| *x >= from).collect()
}

fn scheduled(state: &RunView) -> Points {
    let Some(schedule) = &state.setting().schedule else { return Vec::new() };
    let [from, to] = span(state);
    let at = (0..200).map(|i| from + (to - from) * f64::from(i) / 200.0);
    at.map(|x| (x, schedule.rate_at(Duration::from_secs_f64(x)))).collect()
}

fn rate_chart(frame: &mut Frame<'_>, area: Rect, state: &RunView) {
    let throttled = |m: &Moment| m.row.throttled_quota + m.row.throttled_ramp + m.row.throttled_service;
    let some = |points: Points| if points.iter().any(|(_, y)| *y > 0.0) { points } else { Vec::new() };
    let curves = [
        ("schedule", Color::DarkGray, scheduled(state)),
        ("sent", Color::Blue, curve(state, |m| Some(m.row.sent))),
        ("ok", Color::Green, curve(state, |m| Some(m.row.ok))),
        ("throttled", Color::Red, some(curve(state, |m| Some(throttled(m))))),
        ("errors", Color::Magenta, some(curve(state, |m| Some(m.row.errors)))),
    ];
    let high = nice(highest(&curves));
    let labels = vec!["0".into(), format!("{high}")];
    Plot { title: " calls per second  ", curves: &curves, graph: GraphType::Line, x: span(state), y: [0.0, high], labels }
        .draw(frame, area);
}

/// Percentiles of each second, on a logarithmic scale.
fn times_chart(frame: &mut Frame<'_>, area: Rect, state: &RunView) {
    let log = |read: fn(&Moment) -> Option<u64>| -> Points {
        curve(state, read).into_iter().map(|(x, us)| (x, us.max(1.0).log10())).collect()
    };
    let curves = [
        ("response p99", Color::Red, log(|m| m.row.response_p99_us)),
        ("response p50", Color::Blue, log(|m| m.row.response_p50_us)),
        ("service p99", Color::Yellow, log(|m| m.row.service_p99_us)),
        ("service p50", Color::Green, log(|m| m.row.service_p50_us)),
    ];
    let (y, labels) = log_scale(&curves);
    Plot { title: " each second's ok answers  ", curves: &curves, graph: GraphType::Line, x: span(state), y, labels }
        .draw(frame, area);
}
