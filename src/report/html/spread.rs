//! What the charts of a run draw of its histograms: times by percentile, and how often each time was.

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use serde_json::Value;

use super::chart::{Across, ChartCurve, ChartSpec, CurveStyle, Upward};
use super::limits::ThresholdLimits;
use crate::num::{count, float, place};
use crate::summary::Summary;

/// Points of a percentile curve: as many a factor of ten towards 100 %.
const A_DECADE: u32 = 24; // derived: 97 points to 99.99 %, ten pixels apart on a wide screen

/// Bars of a histogram: as many a factor of ten of time.
const BARS: f64 = 20.0; // derived: each 12 % wider than the one before, so that a tenth more is seen as another bar

/// The curves, by what they show. Service lies under response, wide and pale, so that both are seen where they are equal.
const CURVES: [(&str, &str, &str, CurveStyle); 5] = [
    ("service.ok", "service ok", "--c4", CurveStyle::Wide),
    ("service.throttled", "service throttled", "--c5", CurveStyle::Wide),
    ("response.ok", "response ok", "--c1", CurveStyle::Line),
    ("response.throttled", "response throttled", "--c3", CurveStyle::Line),
    ("lateness.all", "lateness", "--c6", CurveStyle::Dash),
];

/// Percentiles on a scale of 1 / (1 - quantile), from the median's side to 99.99 %; each curve ends where one sample lies beyond it.
pub(super) fn spectrum(summary: &Summary, limits: &ThresholdLimits) -> ChartSpec {
    // derived: 10^4 is 99.99 %
    let at: Vec<f64> = (0..=4 * A_DECADE).map(|i| 10f64.powf(f64::from(i) / f64::from(A_DECADE))).collect();
    let curves = CURVES.iter().filter_map(|(key, label, hue, style)| {
        let histogram = decode(summary.histograms.get(*key)?)?;
        let us: Vec<Option<u64>> = at.iter().map(|x| percentile(&histogram, *x)).collect();
        Some(ChartCurve::new(*label, hue, *style, us))
    });
    let curves: Vec<ChartCurve> = curves.collect();
    let at: Vec<f64> = at.into_iter().map(|x| (x * 1e4).round() / 1e4).collect(); // derived: 99.99 % is told from its neighbours
    ChartSpec::new(Across::Percentile, Upward::Time, ["percentile", "time"], at)
        .curves(curves)
        .limits(limits.percentiles.iter().cloned())
}

/// How many of the ok answers took how long, in per cent of them.
pub(super) fn histogram(summary: &Summary, limits: &ThresholdLimits) -> ChartSpec {
    let known = ["service.ok", "response.ok"].map(|key| summary.histograms.get(key).and_then(|text| decode(text)));
    let bar = |us: u64| (float(us.max(1)).log10() * BARS).floor();
    let held = || known.iter().flatten().filter(|histogram| !histogram.is_empty());
    let first = held().map(|histogram| bar(histogram.min())).fold(f64::INFINITY, f64::min);
    let last = held().map(|histogram| bar(histogram.max())).fold(0.0, f64::max);
    let bars = if first.is_finite() { place(last - first) + 1 } else { 0 };
    // The last edge ends the last bar.
    let edges = (0..=bars).map(|n| 10f64.powf((if first.is_finite() { first } else { 0.0 } + count(n)) / BARS).round().max(1.0));
    let at: Vec<f64> = edges.collect();
    let shares = |histogram: &Histogram<u64>| {
        let mut counts = vec![0; bars];
        for value in histogram.iter_recorded() {
            let n = place((bar(value.value_iterated_to()) - first).max(0.0)).min(bars.saturating_sub(1));
            counts[n] += value.count_since_last_iteration();
        }
        let all = float(histogram.len());
        // derived: thousandths of a per cent, one call in 100,000
        let share = |n: u64| (float(n) / all * 1e5).round() / 1e3;
        let mut shares: Vec<Value> = counts.into_iter().map(|n| share(n).into()).collect();
        shares.extend(shares.last().cloned());
        shares
    };
    let [service, response] = &known;
    let curve = |histogram: &Option<Histogram<u64>>, label: &str, hue, style| {
        let histogram = histogram.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(ChartCurve::new(label, hue, style, shares(histogram)))
    };
    ChartSpec::new(Across::Duration, Upward::Percent, ["time of an ok answer", "answers, %"], at)
        .closed()
        .curves(curve(service, "service", "--c4", CurveStyle::WideStep))
        .curves(curve(response, "response", "--c1", CurveStyle::StepFill))
        .limits(limits.spans.iter().cloned())
}

/// A histogram of `summary.json`; `None` if it is not one.
pub(in crate::report) fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

/// The value below which all but one in `x` lie, if at least one sample lies beyond it. Never 0, which has no place on a logarithmic scale.
fn percentile(histogram: &Histogram<u64>, x: f64) -> Option<u64> {
    (float(histogram.len()) >= x).then(|| histogram.value_at_quantile(1.0 - 1.0 / x).min(histogram.max()).max(1))
}
