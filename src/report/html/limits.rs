//! The thresholds of a run as limits in its charts: each in those that show what it is about.

use super::chart::ChartLimit;
use crate::metric::{Metric, Quantity, Series};
use crate::scenario::threshold::{self, Threshold};
use crate::summary::{Summary, ThresholdStatus};

/// Limits by the charts that draw them.
#[derive(Debug, Default)]
pub(super) struct ThresholdLimits {
    /// Calls per second.
    pub(super) rates: Vec<ChartLimit>,
    /// Microseconds of response and service.
    pub(super) times: Vec<ChartLimit>,
    /// The same by percentile, with lateness.
    pub(super) percentiles: Vec<ChartLimit>,
    /// The same on a horizontal axis of microseconds.
    pub(super) spans: Vec<ChartLimit>,
    /// Shares of the calls that were sent, of what is counted by outcome; none of 0, which is the axis itself.
    pub(super) shares: Vec<ChartLimit>,
}

impl ThresholdLimits {
    /// What the thresholds of a run ask for; one that cannot be read any more is left out.
    pub(super) fn of(summary: &Summary) -> Self {
        let mut limits = Self::default();
        for result in &summary.thresholds {
            let read = threshold::named(&result.metric).and_then(|metric| Threshold::parse(metric, &result.expression));
            let Ok(threshold) = read else { continue };
            let hue = match result.status {
                ThresholdStatus::Ok => "--good",
                ThresholdStatus::Failed => "--bad",
                ThresholdStatus::Unknown => "--warn",
            };
            limits.add(&threshold, hue);
        }
        limits
    }

    fn add(&mut self, threshold: &Threshold, hue: &'static str) {
        let (at, label) = (threshold.limit, threshold.to_string());
        match (threshold.metric, threshold.metric.quantity()) {
            (Metric::Latency(series, stat), Quantity::Time) => {
                let near = stat.quantile().map(|quantile| 1.0 / (1.0 - quantile));
                self.percentiles.extend(near.map(|near| ChartLimit::across(at, &*label, hue).near(near)));
                if series != Series::Lateness {
                    self.times.push(ChartLimit::across(at, &*label, hue));
                    self.spans.push(ChartLimit::upright(at, label, hue));
                }
            }
            (_, Quantity::Rate) => self.rates.push(ChartLimit::across(at, label, hue)),
            (
                Metric::Errors
                | Metric::Malformed
                | Metric::Throttled
                | Metric::ThrottledQuota
                | Metric::ThrottledRamp
                | Metric::ThrottledService,
                _,
            ) if at > 0.0 => self.shares.push(ChartLimit::across(at, label, hue)),
            _ => {}
        }
    }
}
