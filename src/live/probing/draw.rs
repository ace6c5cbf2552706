//! A probe as a picture on the terminal.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::GraphType;

use super::{Known, Probing, does, name, rest, words};
use crate::live::line::clock;
use crate::live::parts::{
    BAD, BOLD, DIM, DrawChart, NAME, Plot, Points, ViewLayout, WARN, count, cut, highest, log_scale, named,
};
use crate::live::window::TimeSpread;
use crate::num;
use crate::probe::{AnswerClass, Observation, reading};
use crate::service::price::Bill;
use crate::units::{human, plural};

/// Draws the whole view.
pub(super) fn draw(frame: &mut Frame<'_>, probing: &Probing) {
    let known = probing.view.shown();
    let width = frame.area().width;
    let mut lines = vec![last(known), total(known), throttled(known), trip(probing, known), budget(probing, known)];
    lines.extend(explains(probing, known, width));
    let charts: [DrawChart<'_>; 2] =
        [&|frame, area| answers_chart(frame, area, probing, known), &|frame, area| trips_chart(frame, area, probing, known)];
    ViewLayout { head: head(probing, known), progress: progress(probing, known), lines, charts }.draw(
        frame,
        &probing.view,
        "probe",
    );
}

fn head(probing: &Probing, known: &Known) -> Line<'static> {
    let doing = known.batch.as_ref().map_or_else(String::new, |b| format!("   {}: {}", name(b.phase), does(b.phase)));
    let target = format!("   {} {}", probing.setting.endpoint, probing.setting.region);
    Line::from(vec![Span::styled("livebench probe", BOLD), Span::raw(doing), Span::styled(target, DIM)])
}

/// By the time, which most probes run out of at last.
fn progress(probing: &Probing, known: &Known) -> (f64, String) {
    let (over, most) = (known.over(), probing.setting.settings.max_seconds);
    let rest = known.batch.as_ref().and_then(|batch| rest(over, batch)).map_or_else(String::new, |text| format!("; {text}"));
    let most_said = clock(Duration::try_from_secs_f64(most).unwrap_or(Duration::MAX));
    (over.as_secs_f64() / most.max(1e-9), format!("{} of up to {most_said}{rest}", clock(over)))
}

/// The last experiment that was answered.
fn last(known: &Known) -> Line<'static> {
    let Some(of) = known.observations.chunk_by(|a, b| a.round == b.round).last() else {
        return named("now", [Span::styled("nothing is answered", DIM)]);
    };
    let read = reading(&known.observations);
    let number = |answer| of.iter().filter(|o| read(o) == answer).count();
    let (first, end) = (of.iter().map(|o| o.sent_us).min(), of.iter().map(|o| o.done_us).max());
    let took = first.zip(end).map_or(Duration::ZERO, |(first, end)| Duration::from_micros(end.saturating_sub(first)));
    let text = format!(
        "{} {}: sent {}   ok {}   refused {}   in {}",
        name(of[0].phase),
        of[0].round + 1,
        of.len(),
        number(AnswerClass::Accepted),
        number(AnswerClass::Refused),
        human(Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
    );
    named("now", [Span::raw(text)])
}

fn total(known: &Known) -> Line<'static> {
    let read = reading(&known.observations);
    let number = |answer| known.observations.iter().filter(|o| read(o) == answer).count() as u64;
    let refused = [AnswerClass::Refused, AnswerClass::Ramp, AnswerClass::Service].map(number).iter().sum();
    named(
        "so far",
        [
            count("sent", known.observations.len() as u64, None),
            count("ok", known.number(AnswerClass::Accepted), None),
            count("throttled", refused, None), // that is what a probe is for
            count("errors", number(AnswerClass::Unknown), BAD),
        ],
    )
}

fn throttled(known: &Known) -> Line<'static> {
    let counts =
        [("quota", AnswerClass::Refused, None), ("ramp", AnswerClass::Ramp, WARN), ("service", AnswerClass::Service, WARN)];
    named("throttled", counts.map(|(name, answer, bad)| count(name, known.number(answer), bad)))
}

/// Round trips over the window.
fn trip(probing: &Probing, known: &Known) -> Line<'static> {
    let from = span(probing, known)[0];
    let times = known.observations.iter().filter(|o| sent(o) >= from).map(|o| (o.done_us - o.sent_us, 1));
    let window = human(Duration::from_secs(probing.view.window.seconds() as u64));
    let text = TimeSpread::over(times).map_or_else(|| "-".to_owned(), |spread| spread.words());
    named("round trip", [Span::raw(text), Span::styled(format!("   last {window}"), DIM)])
}

fn budget(probing: &Probing, known: &Known) -> Line<'static> {
    let (settings, calls) = (&probing.setting.settings, known.observations.len());
    let sessions = known.number(AnswerClass::Accepted);
    let mut text = format!(
        "{calls} of up to {}, {sessions} of up to {}",
        plural(u64::from(settings.max_calls), "call"),
        plural(u64::from(settings.max_sessions), "session")
    );
    if probing.setting.usd_per_call > 0.0 {
        let [worst, most] = [num::count(calls), f64::from(settings.max_calls)].map(|n| n * probing.setting.usd_per_call);
        text = format!("{text}   {} of {} at worst", Bill::up(worst), Bill::up(most));
    }
    named("budget", [Span::raw(text)])
}

/// The kinds that explain everything so far, the first with its precision.
fn explains(probing: &Probing, known: &Known, width: u16) -> Vec<Line<'static>> {
    let Some((first, others)) = known.kinds.split_first() else {
        let why = if known.number(AnswerClass::Refused) == 0 {
            "no call was refused yet"
        } else {
            "no single kind explains every answer so far"
        };
        return vec![named("explains", [Span::styled(why, DIM)])];
    };
    let asked = probing.setting.settings.precision * 100.0;
    let half = first.rate_per_s.map(|(low, high)| (high - low) / (high + low) * 100.0);
    let colour = if half.is_none_or(|half| half <= asked) { Color::Green } else { Color::Yellow };
    let half = half.map_or_else(String::new, |half| format!("   ±{half:.2} % (asked ±{asked} %)"));
    let room = usize::from(width).saturating_sub(NAME);
    let mut lines = vec![named("explains", [Span::styled(cut(&(words(first) + &half), room), Style::new().fg(colour))])];
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(words).collect();
        lines.push(named("or", [Span::raw(cut(&others.join("; "), room))]));
    }
    lines
}

fn sent(o: &Observation) -> f64 {
    Duration::from_micros(o.sent_us).as_secs_f64()
}

/// The seconds that the charts span.
fn span(probing: &Probing, known: &Known) -> [f64; 2] {
    let until = known.over().as_secs_f64().max(1.0);
    [(until - num::count(probing.view.window.seconds())).max(0.0), until]
}

/// How many were let through, over time: its slope is the rate, its first step the burst. Refused calls stand where they came.
#[allow(clippy::cast_precision_loss)] // counts of calls
fn answers_chart(frame: &mut Frame<'_>, area: Rect, probing: &Probing, known: &Known) {
    let x = span(probing, known);
    let (read, mut passed) = (reading(&known.observations), 0.0);
    let (mut accepted, mut refused) = (Points::new(), Points::new());
    for o in &known.observations {
        passed += f64::from(u8::from(o.answer == AnswerClass::Accepted));
        match read(o) {
            AnswerClass::Accepted => accepted.push((sent(o), passed)),
            AnswerClass::Refused => refused.push((sent(o), passed)),
            AnswerClass::Ramp | AnswerClass::Service | AnswerClass::TooMany | AnswerClass::Unavailable | AnswerClass::Unknown => {
            }
        }
    }
    let within = |points: Points| points.into_iter().filter(|(at, _)| *at >= x[0]).collect::<Points>();
    let curves = [("ok", Color::Green, within(accepted)), ("refused", Color::Red, within(refused))];
    let low = curves.iter().flat_map(|(_, _, points)| points).fold(f64::INFINITY, |low, (_, y)| low.min(*y));
    let low = if low.is_finite() && x[0] > 0.0 { low } else { 0.0 };
    let high = highest(&curves).max(low + 1.0);
    let labels = vec![format!("{low}"), format!("{high}")];
    Plot { title: " let through, in all  ", curves: &curves, graph: GraphType::Scatter, x, y: [low, high], labels }
        .draw(frame, area);
}

/// Each call's round trip, on a logarithmic scale.
fn trips_chart(frame: &mut Frame<'_>, area: Rect, probing: &Probing, known: &Known) {
    let x = span(probing, known);
    let of = |answer: AnswerClass| -> Points {
        let calls = known.observations.iter().filter(|o| o.answer == answer && sent(o) >= x[0]);
        calls.map(|o| (sent(o), Duration::from_micros(o.done_us - o.sent_us).as_secs_f64().max(1e-6).log10() + 6.0)).collect()
    };
    let curves = [("ok", Color::Green, of(AnswerClass::Accepted)), ("refused", Color::Red, of(AnswerClass::Refused))];
    let (y, labels) = log_scale(&curves);
    Plot { title: " each call's round trip  ", curves: &curves, graph: GraphType::Scatter, x, y, labels }.draw(frame, area);
}
