//! What both views are drawn with: named lines, counts, charts.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Clear, Dataset, Gauge, GraphType, Paragraph};

use super::line::clock;
use super::scene::ViewState;
use crate::num;
use crate::units::{human, plural};

pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Lines of a terminal from which on there is room for one chart and for two.
const ONE_CHART: u16 = 18;
const TWO_CHARTS: u16 = 27;

/// Lines that are always there: head, progress, keys.
const OTHERS: usize = 3;

/// Columns of a line's name.
pub(super) const NAME: usize = 12; // derived: "thresholds", the longest, and a gap

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

/// A line that fits; what is cut off is marked.
fn fitting(line: Line<'static>, room: u16) -> Line<'static> {
    let room = usize::from(room);
    if line.width() <= room {
        return line;
    }
    let mut left = room;
    let mut spans = Vec::new();
    for span in line.spans {
        let text = if span.width() < left { span.content.clone().into_owned() } else { marked(&span.content, left) };
        left = left.saturating_sub(span.width());
        spans.push(Span::styled(text, span.style));
        if left == 0 {
            break;
        }
    }
    Line::from(spans).style(line.style)
}

/// The beginning of a text that goes on.
fn marked(text: &str, room: usize) -> String {
    text.chars().take(room.saturating_sub(1)).chain((room > 0).then_some('…')).collect()
}

/// As many of the lines as there is room for; the last one tells of others.
fn at_most(mut lines: Vec<Line<'static>>, room: usize) -> Vec<Line<'static>> {
    if lines.len() > room && room > 0 {
        let hidden = lines.len() - room + 1;
        lines.truncate(room - 1);
        lines.push(Line::styled(format!("… {}, on a higher terminal", plural(hidden as u64, "more line")), DIM));
    }
    lines
}

/// What the keys do, over everything else.
const KEYS: [&str; 5] = [
    "p, space   pause the display, or resume it",
    "w          next window: 10s, 1m, 5m",
    "?, h       show or hide these keys",
    "q, Ctrl-C  stop: no more calls are sent, answers are",
    "           awaited; twice: leave at once",
];

fn help(frame: &mut Frame<'_>) {
    let lines = KEYS.map(Line::from);
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 2;
    let [width, height] = [width, KEYS.len() + 2].map(|n| u16::try_from(n).unwrap_or(u16::MAX));
    let all = frame.area();
    let area = Rect {
        x: all.width.saturating_sub(width) / 2,
        y: all.height.saturating_sub(height) / 2,
        width: width.min(all.width),
        height: height.min(all.height),
    };
    let lines = lines.into_iter().map(|line| fitting(line, area.width.saturating_sub(2)));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(Block::bordered().title(" keys ")), area);
}

fn foot<S: Clone>(view: &ViewState<S>, what: &str) -> Line<'static> {
    let pause = if view.is_held() { "p resume" } else { "p pause" };
    let mut spans = vec![Span::styled(format!("{pause}   w window   ? keys   q stop   "), DIM)];
    if view.is_held() {
        spans.push(Span::styled(format!("paused; the {what} continues   "), Style::new().fg(Color::Yellow)));
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
        let Rect { width, height, .. } = frame.area();
        let charts = usize::from(height >= ONE_CHART) + usize::from(height >= TWO_CHARTS);
        let lines = |n: usize| Constraint::Length(u16::try_from(n).unwrap_or(u16::MAX));
        let texts: Vec<Line<'_>> = self.lines.into_iter().map(|line| fitting(line, width)).collect();
        let texts = at_most(texts, usize::from(height).saturating_sub(OTHERS));
        let mut rows = vec![lines(1), lines(1), lines(texts.len())];
        rows.extend([Constraint::Fill(1); 2].iter().take(charts));
        rows.push(if charts == 0 { Constraint::Fill(1) } else { lines(1) });
        let areas = Layout::vertical(rows).split(frame.area());
        let (part, label) = self.progress;
        frame.render_widget(fitting(self.head, width), areas[0]);
        frame.render_widget(gauge(part, cut(&label, usize::from(width))), areas[1]);
        frame.render_widget(Paragraph::new(texts), areas[2]);
        for (draw, area) in self.charts.iter().zip(&areas[3..3 + charts]) {
            draw(frame, *area);
        }
        frame.render_widget(fitting(foot(view, what), width), areas[3 + charts]);
        if view.help {
            help(frame);
        }
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
        let title: Line<'static> = std::iter::once(Span::raw(self.title.to_owned())).chain(names).collect();
        let clocks: Vec<String> = self.x.iter().map(|at| clock(Duration::from_secs_f64(*at))).collect();
        let chart = Chart::new(lines.collect())
            .block(Block::bordered().border_style(DIM).title(fitting(title, area.width.saturating_sub(2))))
            .x_axis(Axis::default().style(DIM).bounds(self.x).labels(clocks))
            .y_axis(Axis::default().style(DIM).bounds(self.y).labels(self.labels))
            .legend_position(None);
        frame.render_widget(chart, area);
    }
}

/// Bounds and labels of a logarithmic scale of microseconds that holds the curves, whose values are logarithms: from 1, 2 or 5 times a power of
/// ten on, in equal steps, the finest of which there are few enough.
pub(super) fn log_scale(curves: &[NamedCurve]) -> ([f64; 2], Vec<String>) {
    let low = curves.iter().flat_map(|(_, _, points)| points).fold(f64::INFINITY, |low, (_, y)| low.min(*y));
    // derived: a millisecond to a second, before there is anything
    let (low, high) = if low.is_finite() { (low, highest(curves)) } else { (3.0, 6.0) };
    let decade = low.floor();
    // derived: the nearest of 1, 2 and 5 below, a hair aside for what is equal
    let first = [5.0_f64, 2.0, 1.0].map(|m| decade + m.log10()).into_iter().find(|first| *first <= low + 1e-9).unwrap_or(decade);
    // derived: a step is a doubling, a factor of five or of ten; five of them fit a chart of twelve lines
    let steps = [2.0_f64, 5.0, 10.0].map(f64::log10).map(|step| (step, ((high - first - 1e-9) / step).ceil().max(1.0)));
    let [.., widest] = steps;
    let (step, n) = steps.into_iter().find(|(_, n)| *n <= 5.0).unwrap_or(widest);
    let labels = (0..=num::place(n)).map(|i| us(num::whole(10f64.powf(first + step * num::count(i)).round())));
    ([first, first + step * n], labels.collect())
}

pub(super) fn highest(curves: &[NamedCurve]) -> f64 {
    curves.iter().flat_map(|(_, _, points)| points).fold(0.0, |high, (_, y)| high.max(*y))
}

/// The next round number that is not below `value`.
pub(super) fn nice(value: f64) -> f64 {
    let decade = 10f64.powf(value.max(1.0).log10().floor());
    // derived: neighbours are at most a half apart, so that at most a third of the height is empty
    let round = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];
    round.map(|m| m * decade).into_iter().find(|top| *top >= value).unwrap_or(10.0 * decade)
}
