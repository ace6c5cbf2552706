//! What both views are drawn with: named lines, counts, charts.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph};

use super::line::clock;
use super::scene::ViewState;
use crate::units::human;

pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Lines of a terminal from which on there is room for one chart and for two.
const ONE_CHART: u16 = 18;
const TWO_CHARTS: u16 = 27;

/// Columns of a line's name.
pub(super) const NAME: usize = 10;

/// A line that begins with its name.
pub(super) fn named(name: &str, spans: impl IntoIterator<Item = Span<'static>>) -> Line<'static> {
    let name = Span::styled(format!("{name:<NAME$}"), DIM);
    std::iter::once(name).chain(spans).collect()
}

/// A count with its name; a bad one that is above 0 stands out.
pub(super) fn count(name: &str, n: u64, bad: Option<Color>) -> Span<'static> {
    let style = bad.filter(|_| n > 0).map_or_else(Style::new, |colour| Style::new().fg(colour));
    Span::styled(format!("{name} {n}  "), style)
}

pub(super) const WARN: Option<Color> = Some(Color::Yellow);
pub(super) const BAD: Option<Color> = Some(Color::Red);

pub(super) fn us(us: u64) -> String {
    human(Duration::from_micros(us))
}

/// A text that fits; what is cut off is marked.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn foot<S: Clone>(view: &ViewState<S>, what: &str) -> Line<'static> {
    let pause = if view.is_held() { "p go on" } else { "p pause" };
    let mut spans = vec![Span::styled(format!("{pause}   w window   q stop   "), DIM)];
    if view.is_held() {
        spans.push(Span::styled(format!("held still; the {what} goes on   "), Style::new().fg(Color::Yellow)));
    }
    spans.extend(view.note.as_ref().map(|note| Span::styled(note.clone(), Style::new().fg(Color::Yellow))));
    Line::from(spans)
}

/// How far it is.
fn gauge(part: f64, label: String) -> Gauge<'static> {
    let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    Gauge::default().ratio(part).label(label).gauge_style(Style::new().fg(Color::Blue).bg(Color::Black))
}

/// A chart that fills what room it gets.
pub(super) type DrawChart<'a> = &'a dyn Fn(&mut Frame<'_>, Rect);

/// A view as a whole: where it stands, what the numbers are, and as many charts as there is room for.
pub(super) struct ViewLayout<'a> {
    pub(super) head: Line<'static>,
    /// How far it is, from 0 to 1, and in words.
    pub(super) progress: (f64, String),
    pub(super) lines: Vec<Line<'static>>,
    pub(super) charts: [DrawChart<'a>; 2],
}

impl ViewLayout<'_> {
    /// Draws it, with a last line that says which keys mean something while `what` goes on.
    pub(super) fn draw<S: Clone>(self, frame: &mut Frame<'_>, view: &ViewState<S>, what: &str) {
        let height = frame.area().height;
        let charts = usize::from(height >= ONE_CHART) + usize::from(height >= TWO_CHARTS);
        let lines = |n: usize| Constraint::Length(u16::try_from(n).unwrap_or(u16::MAX));
        let mut rows = vec![lines(1), lines(1), lines(self.lines.len())];
        rows.extend([Constraint::Fill(1); 2].iter().take(charts));
        rows.push(if charts == 0 { Constraint::Fill(1) } else { lines(1) });
        let areas = Layout::vertical(rows).split(frame.area());
        let (part, label) = self.progress;
        frame.render_widget(self.head, areas[0]);
        frame.render_widget(gauge(part, label), areas[1]);
        frame.render_widget(Paragraph::new(self.lines), areas[2]);
        for (draw, area) in self.charts.iter().zip(&areas[3..3 + charts]) {
            draw(frame, *area);
        }
        frame.render_widget(foot(view, what), areas[3 + charts]);
    }
}

/// Points of a curve: seconds from the start, and a value.
pub(super) type Points = Vec<(f64, f64)>;

/// What a curve is called, its colour and its points.
pub(super) type NamedCurve = (&'static str, Color, Points);

/// A chart: its curves over seconds, with a label at each end or step of its height.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) curves: &'a [NamedCurve],
    pub(super) graph: GraphType,
    pub(super) x: [f64; 2],
    pub(super) y: [f64; 2],
    pub(super) labels: Vec<String>,
}

impl Plot<'_> {
    pub(super) fn draw(self, frame: &mut Frame<'_>, area: Rect) {
        let drawn: Vec<&NamedCurve> = self.curves.iter().filter(|(_, _, points)| !points.is_empty()).collect();
        let lines = drawn.iter().map(|(_, colour, points)| {
            let line = Dataset::default().marker(Marker::Braille).graph_type(self.graph);
            line.style(Style::new().fg(*colour)).data(points)
        });
        // A legend inside would lie over the curves.
        let names = drawn.iter().map(|(name, colour, _)| Span::styled(format!("━ {name} "), Style::new().fg(*colour)));
        let title: Line<'_> = std::iter::once(Span::raw(self.title.to_owned())).chain(names).collect();
        let clocks: Vec<String> = self.x.iter().map(|at| clock(Duration::from_secs_f64(*at))).collect();
        let chart = Chart::new(lines.collect())
            .block(Block::bordered().border_style(DIM).title(title))
            .x_axis(Axis::default().style(DIM).bounds(self.x).labels(clocks))
            .y_axis(Axis::default().style(DIM).bounds(self.y).labels(self.labels))
            .legend_position(None);
        frame.render_widget(chart, area);
    }
}

/// Bounds and labels of a logarithmic scale of microseconds that holds the curves, whose values are logarithms.
pub(super) fn log_scale(curves: &[NamedCurve]) -> ([f64; 2], Vec<String>) {
    let low = curves.iter().flat_map(|(_, _, points)| points).fold(f64::INFINITY, |low, (_, y)| low.min(*y));
    let (low, high) = if low.is_finite() { (low.floor(), (highest(curves) + 1e-9).ceil()) } else { (3.0, 6.0) };
    ([low, high], decades(low, high))
}

pub(super) fn highest(curves: &[NamedCurve]) -> f64 {
    curves.iter().flat_map(|(_, _, points)| points).fold(0.0, |high, (_, y)| high.max(*y))
}

/// The next of 1, 2, 5, 10, 20, ... that is not below `value`.
pub(super) fn nice(value: f64) -> f64 {
    let decade = 10f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0].map(|m| m * decade).into_iter().find(|top| *top >= value).unwrap_or(10.0 * decade)
}

/// A label for each factor of ten.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 10
fn decades(low: f64, high: f64) -> Vec<String> {
    (low as u32..=high as u32).map(|exponent| us(10u64.pow(exponent))).collect()
}
