//! Thresholds: what was observed beside what was asked for.

use super::contract::{Counts, IdempotencyReport, Rates, SessionCounts, ThresholdResult, ThresholdStatus, Throttled, Unit};
use crate::client::outcome::{Class, Outcome};
use crate::metric::{Metric, Quantity, Series, Stat};
use crate::num::{float, whole};
use crate::record::recorder::{Recorder, TimeHistogram};
use crate::scenario::threshold::Threshold;

/// What thresholds look at.
pub(super) struct Observed<'a> {
    pub(super) recorder: &'a Recorder,
    pub(super) counts: &'a Counts,
    pub(super) rates: &'a Rates,
    pub(super) throttled: &'a Throttled,
    pub(super) sessions: &'a SessionCounts,
    pub(super) idempotency: &'a IdempotencyReport,
}

/// Samples that a percentile needs to be known at all: one beyond it.
pub(super) fn needed(quantile: f64) -> u64 {
    // The nearest whole number: 1 / (1 - 0.99) is 99.99999999999991 in binary.
    whole((1.0 / (1.0 - quantile)).round())
}

/// A percentile, if there are samples enough for it.
pub(super) fn supported(times: &TimeHistogram, quantile: f64) -> Option<u64> {
    if times.count() >= needed(quantile) { times.quantile_us(quantile) } else { None }
}

impl Observed<'_> {
    /// How many samples stand behind a latency metric.
    pub(super) fn samples(&self, series: Series) -> u64 {
        self.with_times(series, TimeHistogram::count).unwrap_or(0)
    }

    fn with_times<T>(&self, series: Series, read: impl Fn(&TimeHistogram) -> T) -> Option<T> {
        match series {
            Series::Lateness => self.recorder.timed_all().map(|timed| read(timed.of(series))),
            Series::Service | Series::Response => self.recorder.timed(Class::Ok).map(|timed| read(timed.of(series))),
        }
    }

    fn value(&self, metric: Metric) -> Option<f64> {
        let count = |n: u64| Some(float(n));
        let of_sent = |n: u64| share(n, self.counts.sent);
        let of_scheduled = |n: u64| share(n, self.counts.scheduled);
        match metric {
            Metric::Latency(series, stat) => self.with_times(series, |times| stat_us(times, stat)).flatten().map(float),
            Metric::Ok => of_sent(self.counts.ok),
            Metric::Errors => of_sent(self.counts.errors),
            Metric::Malformed => of_sent(self.recorder.count(Outcome::MalformedSuccess)),
            Metric::Throttled => of_sent(self.counts.throttled),
            Metric::ThrottledQuota => of_sent(self.throttled.quota),
            Metric::ThrottledRamp => of_sent(self.throttled.ramp),
            Metric::ThrottledService => of_sent(self.throttled.service),
            Metric::Missed => of_scheduled(self.counts.missed),
            Metric::Capped => of_scheduled(self.counts.capped),
            Metric::RateOffered => self.rates.offered_per_s,
            Metric::RateSent => self.rates.sent_per_s,
            Metric::RateOk => self.rates.ok_per_s,
            Metric::SessionsDistinct => self.sessions.distinct.and_then(count),
            Metric::IdempotencyViolations => count(self.idempotency.violations),
        }
    }

    /// What the metric would be if every missed call had been slower than all others: infinite where those reach the percentile.
    fn at_worst(&self, metric: Metric, observed: f64) -> f64 {
        let Metric::Latency(series, stat) = metric else { return observed };
        let missed = self.counts.missed;
        match (stat, stat.quantile()) {
            (Stat::Max, _) if missed > 0 => f64::INFINITY,
            (_, Some(quantile)) if missed > 0 => {
                let sent = float(self.samples(series));
                let quantile = quantile * (sent + float(missed)) / sent;
                let known = (quantile <= 1.0).then(|| self.with_times(series, |times| times.quantile_us(quantile)));
                known.flatten().flatten().map_or(f64::INFINITY, float)
            }
            _ => observed,
        }
    }

    /// Compares one threshold. It holds, or is missed, only if that is so whatever the missed calls would have been.
    pub(super) fn judge(&self, threshold: &Threshold, lower_bounds: bool) -> ThresholdResult {
        let observed = self.value(threshold.metric);
        let status = match observed.map(|value| [value, self.at_worst(threshold.metric, value)].map(|v| threshold.holds(v))) {
            Some([true, true]) => ThresholdStatus::Ok,
            Some([false, false]) => ThresholdStatus::Failed,
            Some(_) | None => ThresholdStatus::Unknown,
        };
        let upper = matches!(threshold.metric, Metric::Latency(_, Stat::P90 | Stat::P95 | Stat::P99 | Stat::P999 | Stat::Max));
        ThresholdResult {
            metric: threshold.metric.name().to_owned(),
            expression: threshold.text.clone(),
            unit: unit(threshold.metric),
            observed,
            lower_bound: lower_bounds && upper,
            status,
        }
    }
}

/// A part of a whole; `None` of nothing.
pub(super) fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| float(part) / float(of))
}

fn stat_us(times: &TimeHistogram, stat: Stat) -> Option<u64> {
    match (stat, stat.quantile()) {
        (_, Some(quantile)) => supported(times, quantile),
        (Stat::Min, _) => times.min_us(),
        (Stat::Max, _) => times.max_us(),
        (Stat::Mean, _) => times.mean_us(),
        // No threshold can name them: they take every call.
        (_, None) => None,
    }
}

/// What a metric is measured in.
fn unit(metric: Metric) -> Unit {
    match metric.quantity() {
        Quantity::Time => Unit::Us,
        Quantity::Share => Unit::Share,
        Quantity::Count | Quantity::LogRatio => Unit::Count,
        Quantity::Rate => Unit::PerS,
    }
}
