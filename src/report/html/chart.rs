//! A chart as a page carries it: what its axes show, its curves, and the limits drawn across it. `charts.js` draws it.
//!
//! Refuses to know what is drawn: the run's, the comparison's and the probe's charts are made of the same parts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// What the horizontal axis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::report) enum Across {
    /// Seconds from the start.
    Time,
    /// 1 / (1 - quantile), on a logarithmic scale.
    Percentile,
    /// Microseconds, on a logarithmic scale.
    Duration,
    /// Runs in their order, each with its date.
    Run,
}

/// What the vertical axis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::report) enum Upward {
    /// A number from 0 up.
    Count,
    /// Microseconds, on a logarithmic scale.
    Time,
    /// Microseconds, from 0 up.
    Span,
    /// A change in per cent, on both sides of 0.
    Change,
    /// A share in per cent, from 0 up.
    Percent,
}

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::report) enum CurveStyle {
    /// From point to point.
    Line,
    /// From point to point, dashed.
    Dash,
    /// A value holds until the next one.
    Step,
    /// The same, dashed.
    StepDash,
    /// The same, with its area.
    StepFill,
    /// A wide, pale line: what lies under another curve is seen beside it.
    Wide,
    /// The same for values that hold until the next one.
    WideStep,
    /// Points alone.
    Points,
    /// From point to point, with the points.
    Dots,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct ChartCurve {
    label: String,
    hue: &'static str,
    style: CurveStyle,
    /// A value for each place of the axis, or the name of a column that has them.
    values: Value,
}

impl ChartCurve {
    pub(in crate::report) fn new(
        label: impl Into<String>,
        hue: &'static str,
        style: CurveStyle,
        values: impl Into<Value>,
    ) -> Self {
        Self { label: label.into(), hue, style, values: values.into() }
    }
}

/// A limit, drawn across the chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct ChartLimit {
    /// Where it is on the axis that its chart measures it on.
    pub(in crate::report) at: f64,
    pub(in crate::report) label: String,
    pub(in crate::report) hue: &'static str,
    /// Whether it is a place on the horizontal axis.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    upright: bool,
    /// The only place on the horizontal axis where it holds; over the whole width without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    near: Option<f64>,
}

impl ChartLimit {
    /// Over the whole width.
    pub(in crate::report) fn across(at: f64, label: impl Into<String>, hue: &'static str) -> Self {
        Self { at, label: label.into(), hue, upright: false, near: None }
    }

    /// Over the whole height.
    pub(in crate::report) fn upright(at: f64, label: impl Into<String>, hue: &'static str) -> Self {
        Self { upright: true, ..Self::across(at, label, hue) }
    }

    /// Around one place of the horizontal axis only.
    pub(in crate::report) fn near(self, near: f64) -> Self {
        Self { near: Some(near), ..self }
    }
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct ChartSpec {
    x: Across,
    y: Upward,
    /// What the axes show, in words.
    titles: [&'static str; 2],
    /// The places of the values, or the name of a column that has them.
    at: Value,
    series: Vec<ChartCurve>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<ChartLimit>,
    /// Whether the last place only ends what begins at the one before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
    /// The columns with the name and the date of each run, where the horizontal axis shows runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<[String; 2]>,
}

impl ChartSpec {
    pub(in crate::report) fn new(x: Across, y: Upward, titles: [&'static str; 2], at: impl Into<Value>) -> Self {
        Self { x, y, titles, at: at.into(), series: Vec::new(), limits: Vec::new(), closed: false, runs: None }
    }

    /// The last place only ends what begins at the one before: a value that holds until the next place has a length there, too.
    pub(in crate::report) fn closed(self) -> Self {
        Self { closed: true, ..self }
    }

    /// The horizontal axis shows runs, which these columns name and date.
    pub(in crate::report) fn runs(self, columns: [String; 2]) -> Self {
        Self { runs: Some(columns), ..self }
    }

    pub(in crate::report) fn curve(mut self, curve: ChartCurve) -> Self {
        self.series.push(curve);
        self
    }

    pub(in crate::report) fn curves(mut self, curves: impl IntoIterator<Item = ChartCurve>) -> Self {
        self.series.extend(curves);
        self
    }

    pub(in crate::report) fn limits(mut self, limits: impl IntoIterator<Item = ChartLimit>) -> Self {
        self.limits.extend(limits);
        self
    }
}

/// Everything that the charts of a page draw.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct ChartData {
    /// What several charts share.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::report) columns: BTreeMap<String, Vec<Value>>,
    /// Where stages begin.
    pub(in crate::report) stages: Vec<StageMark>,
    pub(in crate::report) charts: BTreeMap<Cow<'static, str>, ChartSpec>,
}

/// Where a stage begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::report) struct StageMark {
    /// Seconds from the start.
    pub(in crate::report) at: f64,
    /// What it does.
    pub(in crate::report) label: String,
}

impl ChartData {
    /// JSON that may stand inside a `<script>`: no string in it can end the element, `<` is written as JSON may write it.
    pub(in crate::report) fn in_script(&self) -> String {
        // Numbers, texts and lists of them always have a form in JSON.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned()).replace('<', "\\u003c")
    }
}
