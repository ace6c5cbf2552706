//! The state as a picture on the terminal.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph};

use super::line::clock;
use super::state::State;
use super::window::Spread;
use crate::results::Moment;
use crate::summary::{Severity, ThresholdStatus, Validity};
use crate::units::human;

const DIM: Style = Style::new().fg(Color::DarkGray);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Lines of a terminal from which on there is room for one chart and for two.
const ONE_CHART: u16 = 18;
const TWO_CHARTS: u16 = 27;

/// Draws the whole view.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let [response, service] = times(state);
    let text = [now(state), total(state), throttled(state), response, service, budget(state)];
    let verdict = verdict(state, frame.area().width);
    let height = frame.area().height;
    let charts = usize::from(height >= ONE_CHART) + usize::from(height >= TWO_CHARTS);
    let lines = |n: usize| Constraint::Length(u16::try_from(n).unwrap_or(u16::MAX));
    let mut rows = vec![lines(1), lines(1), lines(text.len()), lines(verdict.len())];
    rows.extend([Constraint::Fill(1); 2].iter().take(charts));
    rows.push(if charts == 0 { Constraint::Fill(1) } else { lines(1) });
    let areas = Layout::vertical(rows).split(frame.area());
    frame.render_widget(head(state), areas[0]);
    frame.render_widget(gauge(state), areas[1]);
    frame.render_widget(Paragraph::new(text.to_vec()), areas[2]);
    frame.render_widget(Paragraph::new(verdict), areas[3]);
    let draws: [fn(&mut Frame<'_>, Rect, &State); 2] = [rate_chart, times_chart];
    for (draw, area) in draws.iter().zip(&areas[4..4 + charts]) {
        draw(frame, *area, state);
    }
    frame.render_widget(foot(state), areas[4 + charts]);
}

/// Columns of a line's name.
const NAME: usize = 10;

/// A line that begins with its name.
fn named(name: &str, spans: impl IntoIterator<Item = Span<'static>>) -> Line<'static> {
    let name = Span::styled(format!("{name:<NAME$}"), DIM);
    std::iter::once(name).chain(spans).collect()
}

fn head(state: &State) -> Line<'static> {
    let (plan, scenario) = (state.plan(), &state.plan().scenario);
    let doing = state.stage().map_or_else(String::new, |(at, of, says)| format!("   stage {at} of {of}: {says}"));
    let target = format!("   {} {}", plan.endpoint, plan.called.region);
    Line::from(vec![Span::styled(format!("livebench {}", scenario.name), BOLD), Span::raw(doing), Span::styled(target, DIM)])
}

fn gauge(state: &State) -> Gauge<'static> {
    let (over, length) = (state.over(), state.plan().length);
    let part = over.as_secs_f64() / length.as_secs_f64().max(1e-9);
    let label = if over > length { "waiting for answers".to_owned() } else { format!("{} of {}", clock(over), clock(length)) };
    Gauge::default().ratio(part.clamp(0.0, 1.0)).label(label).gauge_style(Style::new().fg(Color::Blue).bg(Color::Black))
}

/// A count with its name; a bad one that is above 0 stands out.
fn count(name: &str, n: u64, bad: Option<Color>) -> Span<'static> {
    let style = bad.filter(|_| n > 0).map_or_else(Style::new, |colour| Style::new().fg(colour));
    Span::styled(format!("{name} {n}  "), style)
}

const WARN: Option<Color> = Some(Color::Yellow);
const BAD: Option<Color> = Some(Color::Red);

fn now(state: &State) -> Line<'static> {
    let Some(Moment { row, .. }) = state.newest() else { return named("now", [Span::styled("no second is complete", DIM)]) };
    let answered = row.ok + row.throttled_quota + row.throttled_ramp + row.throttled_service + row.errors;
    let rates = [("offered", row.offered), ("sent", row.sent), ("answered", answered), ("ok", row.ok)];
    let rates = rates.map(|(name, n)| Span::raw(format!("{name} {n}/s   ")));
    named("now", rates.into_iter().chain([Span::raw(format!("in flight {}", row.in_flight))]))
}

fn total(state: &State) -> Line<'static> {
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
    named("so far", counts)
}

fn throttled(state: &State) -> Line<'static> {
    let causes = state.shown().summary.as_ref().map(|s| s.throttled.clone()).unwrap_or_default();
    let counts = [("quota", causes.quota), ("ramp", causes.ramp), ("service", causes.service)];
    named("throttled", counts.map(|(name, n)| count(name, n, WARN)))
}

fn us(us: u64) -> String {
    human(Duration::from_micros(us))
}

/// Response and service times over the window.
fn times(state: &State) -> [Line<'static>; 2] {
    let spread = |spread: Option<Spread>| {
        let Some(s) = spread else { return "-".to_owned() };
        let at = |us_: Option<u64>| us_.map_or_else(|| "-".to_owned(), us);
        format!("p50 {}   p90 {}   p99 {}   max {}", at(s.p50_us), at(s.p90_us), at(s.p99_us), us(s.max_us))
    };
    let [response, service] = state.spreads().map(spread);
    let window = human(Duration::from_secs(state.window().seconds() as u64));
    [
        named("response", [Span::raw(response), Span::styled(format!("   ok, last {window}"), DIM)]),
        named("service", [Span::raw(service)]),
    ]
}

#[allow(clippy::cast_precision_loss)] // dollars for people
fn budget(state: &State) -> Line<'static> {
    let (plan, sent) = (state.plan(), state.shown().progress.sent);
    let mut text = match plan.calls_at_most {
        Some(most) => format!("{sent} of {most} calls at most"),
        None => format!("{sent} calls, no limit but the schedule"),
    };
    if plan.usd_per_call > 0.0 {
        let most = plan.scenario.budget.max_spend_usd;
        let worst = sent as f64 * plan.usd_per_call;
        text = format!("{text}   ${worst:.2} of ${most:.2} at worst");
    }
    named("budget", [Span::raw(text)])
}

/// A text that fits; what is cut off is marked.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

/// The verdict and the thresholds so far, as many as there is some use in showing.
fn verdict(state: &State, width: u16) -> Vec<Line<'static>> {
    let Some(summary) = &state.shown().summary else { return vec![named("verdict", [Span::raw("-")])] };
    let (word, colour) = match summary.verdict.validity {
        Validity::Valid => ("VALID", Color::Green),
        Validity::Suspect => ("SUSPECT", Color::Yellow),
        Validity::Invalid => ("INVALID", Color::Red),
    };
    let worst = summary.verdict.reasons.iter().find(|r| r.severity != Severity::Note);
    let room = usize::from(width).saturating_sub(NAME + word.len() + 2);
    let reason = worst.map_or_else(String::new, |reason| format!("  {}", cut(&reason.what, room)));
    let mut lines = vec![named("verdict", [Span::styled(word, BOLD.fg(colour)), Span::raw(reason)])];
    let results = summary.thresholds.iter().map(|t| {
        let (mark, colour) = match t.status {
            ThresholdStatus::Ok => ("✓", Color::Green),
            ThresholdStatus::Failed => ("✗", Color::Red),
            ThresholdStatus::Unknown => ("?", Color::Yellow),
        };
        let text = format!("{mark} {} {}  {}   ", t.metric, t.expression, crate::report::observed(t));
        Span::styled(text, Style::new().fg(colour))
    });
    let results: Vec<Span<'static>> = results.collect();
    for (i, some) in results.chunks(if width < 110 { 2 } else { 3 }).take(4).enumerate() {
        lines.push(named(if i == 0 { "holds" } else { "" }, some.to_vec()));
    }
    lines
}

fn foot(state: &State) -> Line<'static> {
    let pause = if state.is_held() { "p go on" } else { "p pause" };
    let mut spans = vec![Span::styled(format!("{pause}   w window   q stop   "), DIM)];
    if state.is_held() {
        spans.push(Span::styled("held still; the run goes on   ", Style::new().fg(Color::Yellow)));
    }
    spans.extend(state.last_note().map(|note| Span::styled(note.to_owned(), Style::new().fg(Color::Yellow))));
    Line::from(spans)
}

/// Points of a curve: seconds from the start, and a value.
type Points = Vec<(f64, f64)>;

/// The seconds that the charts span: the window, and as much again ahead as a sixth of it, so that the schedule's future shows.
#[allow(clippy::cast_precision_loss)] // a week has 604,800 seconds
fn span(state: &State) -> [f64; 2] {
    let window = state.window().seconds() as f64;
    let until =
        (state.over().as_secs_f64() + window / 6.0).min(state.plan().length.as_secs_f64()).max(state.over().as_secs_f64());
    let from = (until - window).max(0.0);
    [from, until.max(from + 1.0)]
}

/// A curve of the window's seconds, each at its middle.
#[allow(clippy::cast_precision_loss)] // counts of a second
fn curve(state: &State, read: impl Fn(&Moment) -> Option<u64>) -> Points {
    let from = span(state)[0];
    let points = state.in_window().filter_map(|m| Some((m.row.second as f64 + 0.5, read(m)? as f64)));
    points.filter(|(x, _)| *x >= from).collect()
}

#[allow(clippy::cast_precision_loss)] // 200 steps
fn scheduled(state: &State) -> Points {
    let Some(schedule) = &state.plan().schedule else { return Vec::new() };
    let [from, to] = span(state);
    let at = (0..200).map(|i| from + (to - from) * f64::from(i) / 200.0);
    at.map(|x| (x, schedule.rate_at(Duration::from_secs_f64(x)))).collect()
}

/// What a curve is called, its colour and its points.
type Curve = (&'static str, Color, Points);

fn chart(frame: &mut Frame<'_>, area: Rect, title: &str, curves: &[Curve], x: [f64; 2], (y, labels): ([f64; 2], Vec<String>)) {
    let drawn: Vec<&Curve> = curves.iter().filter(|(_, _, points)| !points.is_empty()).collect();
    let lines = drawn.iter().map(|(_, colour, points)| {
        let line = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line);
        line.style(Style::new().fg(*colour)).data(points)
    });
    // A legend inside would lie over the curves.
    let names = drawn.iter().map(|(name, colour, _)| Span::styled(format!("━ {name} "), Style::new().fg(*colour)));
    let title: Line<'_> = std::iter::once(Span::raw(title.to_owned())).chain(names).collect();
    let clocks: Vec<String> = x.iter().map(|at| clock(Duration::from_secs_f64(*at))).collect();
    let chart = Chart::new(lines.collect())
        .block(Block::bordered().border_style(DIM).title(title))
        .x_axis(Axis::default().style(DIM).bounds(x).labels(clocks))
        .y_axis(Axis::default().style(DIM).bounds(y).labels(labels))
        .legend_position(None);
    frame.render_widget(chart, area);
}

fn highest(curves: &[Curve]) -> f64 {
    curves.iter().flat_map(|(_, _, points)| points).fold(0.0, |high, (_, y)| high.max(*y))
}

fn rate_chart(frame: &mut Frame<'_>, area: Rect, state: &State) {
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
    chart(frame, area, " calls per second  ", &curves, span(state), ([0.0, high], vec!["0".into(), format!("{high}")]));
}

/// The next of 1, 2, 5, 10, 20, ... that is not below `value`.
fn nice(value: f64) -> f64 {
    let decade = 10f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0].map(|m| m * decade).into_iter().find(|top| *top >= value).unwrap_or(10.0 * decade)
}

/// Percentiles of each second, on a logarithmic scale.
fn times_chart(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let log = |read: fn(&Moment) -> Option<u64>| -> Points {
        curve(state, read).into_iter().map(|(x, us)| (x, us.max(1.0).log10())).collect()
    };
    let curves = [
        ("response p99", Color::Red, log(|m| m.row.response_p99_us)),
        ("response p50", Color::Blue, log(|m| m.row.response_p50_us)),
        ("service p99", Color::Yellow, log(|m| m.row.service_p99_us)),
        ("service p50", Color::Green, log(|m| m.row.service_p50_us)),
    ];
    let low = curves.iter().flat_map(|(_, _, points)| points).fold(f64::INFINITY, |low, (_, y)| low.min(*y));
    let (low, high) = if low.is_finite() { (low.floor(), (highest(&curves) + 1e-9).ceil()) } else { (3.0, 6.0) };
    chart(frame, area, " each second's ok answers  ", &curves, span(state), ([low, high], decades(low, high)));
}

/// A label for each factor of ten.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 10
fn decades(low: f64, high: f64) -> Vec<String> {
    (low as u32..=high as u32).map(|exponent| us(10u64.pow(exponent))).collect()
}
