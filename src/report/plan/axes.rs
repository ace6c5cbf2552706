//! The axes of a plan's drawings, and the numbers that each drawing shows.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use crate::report::html::frame::scrolling;
use crate::report::html::ticks::{short, ticks, time_ticks};

/// A drawing's size, and the room for its axes.
pub(super) const WIDTH: f64 = 860.0;
pub(super) const HEIGHT: f64 = 260.0;
const LEFT: f64 = 72.0; // derived: a title upright, and 6 digits
pub(super) const BOTTOM: f64 = 44.0; // derived: two lines of text: the ticks, and the title
pub(super) const TOP: f64 = 12.0;
const RIGHT: f64 = 32.0; // derived: half of the last label of the time axis

/// Axes of a drawing.
pub(super) struct Axes {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    /// What they show, in words.
    pub(super) titles: [&'static str; 2],
}

const CLOCK: &str = "time since the start";

impl Axes {
    /// Time from 0 on, and what is above it.
    pub(super) fn over_time(end_s: f64, top: f64, title: &'static str) -> Self {
        let titles = [CLOCK, title];
        // derived: 8 % of the height is free above the highest value, for the name of a level
        Self { x: (0.0, if end_s > 0.0 { end_s } else { 1.0 }), y: (0.0, if top > 0.0 { top * 1.08 } else { 1.0 }), titles }
    }

    pub(super) fn at_x(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn at_y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - BOTTOM - TOP)
    }

    /// A line through points.
    pub(super) fn line(&self, points: impl Iterator<Item = (f64, f64)>, style: &str) -> String {
        format!("<polyline points=\"{}\" fill=\"none\" style=\"{style}\"/>", self.points(points))
    }

    /// The area between two lines.
    pub(super) fn area(
        &self,
        upper: impl Iterator<Item = (f64, f64)>,
        lower: impl DoubleEndedIterator<Item = (f64, f64)>,
        style: &str,
    ) -> String {
        format!("<polygon points=\"{} {}\" style=\"stroke:none;{style}\"/>", self.points(upper), self.points(lower.rev()))
    }

    fn points(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut text = String::new();
        for (x, y) in points {
            // A text in memory takes whatever is written.
            let _ = write!(text, "{:.1},{:.1} ", self.at_x(x), self.at_y(y));
        }
        text
    }

    /// A level over the whole width, named.
    pub(super) fn level(&self, y: f64, colour: &str, name: &str) -> String {
        let at = self.at_y(y);
        format!(
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" style=\"stroke:var(--{colour});stroke-dasharray:6 4\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" style=\"fill:var(--{colour})\">{}</text>",
            WIDTH - RIGHT,
            WIDTH - RIGHT - 4.0,
            at - 5.0,
            escaped(name)
        )
    }

    /// The drawing with its ticks, and the numbers that it shows.
    pub(super) fn drawing(&self, says: &str, inner: &str, rows: &DrawnRows) -> Markup {
        let mut drawn = String::new();
        let [across, up] = self.titles.map(escaped);
        let middle = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
        let _ = write!(
            drawn,
            "<text x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"middle\">{across}</text>\
             <text x=\"14\" y=\"{1:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {1:.1})\">{up}</text>",
            middle.0,
            middle.1,
            HEIGHT - 8.0
        );
        let numbers = |(from, to): (f64, f64)| ticks(from, to).into_iter().map(move |at| (at, short(at, to - from)));
        for (y, text) in numbers(self.y) {
            let (at, end) = (self.at_y(y), WIDTH - RIGHT);
            let _ = write!(
                drawn,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>\
                 <line x1=\"{LEFT}\" x2=\"{end:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" style=\"stroke:var(--line)\"/>",
                LEFT - 6.0,
                at + 4.0,
            );
        }
        let across: Vec<(f64, String)> = if self.titles[0] == CLOCK { time_ticks(self.x.1) } else { numbers(self.x).collect() };
        for (x, text) in across {
            let _ = write!(
                drawn,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                self.at_x(x),
                HEIGHT - 26.0,
                escaped(&text)
            );
        }
        let svg = format!(
            "<svg class=\"drawing\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{drawn}{inner}</svg>",
            escaped(says)
        );
        figure(says, svg, rows)
    }
}

/// A drawing, which scrolls where it is too wide to be read, with its numbers, which the page offers to download.
pub(super) fn figure(says: &str, svg: String, rows: &DrawnRows) -> Markup {
    html! { figure data-rows=(rows.json()) { figcaption { (says) } (scrolling(says, &PreEscaped(svg))) } }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The numbers of a drawing, the names of the columns first.
pub(super) struct DrawnRows(Vec<Vec<Value>>);

impl DrawnRows {
    /// Rows of numbers.
    pub(super) fn new<const N: usize>(names: [&str; N], rows: impl IntoIterator<Item = Vec<f64>>) -> Self {
        // derived: a thousandth of a second, of a call or of a session is less than any drawing tells
        let short = |x: f64| Value::from((x * 1e3).round() / 1e3);
        Self::of(names.map(Value::from).to_vec(), rows.into_iter().map(|row| row.into_iter().map(short).collect()))
    }

    /// Rows of anything.
    pub(super) fn of(names: Vec<Value>, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        Self(std::iter::once(names).chain(rows).collect())
    }

    fn json(&self) -> String {
        // Lists of numbers and texts always have a form in JSON.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}
