//! What each compared metric asks of a side; the list itself is in [`crate::metric`].

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::outcome::{Class, Outcome};
use crate::metric::{ComparedMetric, Metric, Quantity, Series, Stat};

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Unit")]
pub enum MetricUnit {
    /// Microseconds.
    Us,
    /// A share from 0 to 1.
    Share,
    /// Calls per second.
    PerS,
    /// The mean difference of two logarithms.
    Ln,
}

/// Metrics that share a smallest effect that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Accepted calls per second.
    Rate,
    /// Shares of calls: throttled by cause, errors, missed, capped.
    Share,
    /// Where response and service times lie: geometric mean, median, spread.
    Latency,
    /// Their upper percentiles.
    Tail,
    /// Our own lateness.
    Lateness,
}

impl Family {
    /// Every family, in the order of the reports.
    // derived: so many variants
    pub const ALL: [Self; 5] = [Self::Rate, Self::Share, Self::Latency, Self::Tail, Self::Lateness];

    /// The spelling used everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Share => "share",
            Self::Latency => "latency",
            Self::Tail => "tail",
            Self::Lateness => "lateness",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| format!("`{name}` is not a family of metrics; there are {}", names()))
    }
}

/// What is asked of a side.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    /// A percentile of a series.
    Quantile(Series, f64),
    /// The mean of the logarithms of a series.
    Geomean(Series),
    /// The logarithm of the mean difference of two logarithms of a series (Gini): how far apart two calls lie. Shown as the spread.
    LogGini(Series),
    /// The geometric mean of the slowest tenth of a series, whose middle counts most.
    TailMean(Series),
    /// A share of the sent or of the scheduled calls.
    Share(Of, fn(Outcome) -> bool),
    /// Accepted calls per second.
    Rate,
}

impl Question {
    /// Whether its answer moves when all response and service times move.
    pub(super) const fn moves_with_answers(&self) -> bool {
        match self {
            Self::Quantile(series, _) => !matches!(series, Series::Lateness),
            Self::Geomean(_) | Self::TailMean(_) => true,
            Self::LogGini(_) | Self::Share(..) | Self::Rate => false,
        }
    }
}

/// What a share is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Calls that left the harness.
    Sent,
    /// Every scheduled call that has an end.
    Scheduled,
}

/// One line of the comparison.
#[derive(Debug, Clone, Copy)]
pub(super) struct MetricQuestion {
    pub(super) metric: Metric,
    pub(super) family: Family,
    /// Its part of the chance of a false alarm, in proportion to the others.
    pub(super) weight: f64,
    pub(super) question: Question,
    pub(super) unit: MetricUnit,
}

/// Everything that is compared, in the order of the reports.
pub(super) fn asked() -> Vec<MetricQuestion> {
    let asked = |compared: ComparedMetric| {
        let metric = compared.metric;
        let (question, unit) = (question(metric)?, unit(metric)?);
        Some(MetricQuestion { metric, family: family(metric), weight: compared.weight, question, unit })
    };
    Metric::compared().into_iter().filter_map(asked).collect()
}

/// What the metric asks of a side; `None` for what is not compared.
fn question(metric: Metric) -> Option<Question> {
    let of_sent = |asked| Some(Question::Share(Of::Sent, asked));
    let of_scheduled = |asked| Some(Question::Share(Of::Scheduled, asked));
    match metric {
        Metric::Latency(series, Stat::Geomean) => Some(Question::Geomean(series)),
        Metric::Latency(series, Stat::Spread) => Some(Question::LogGini(series)),
        Metric::Latency(series, Stat::SlowestTenth) => Some(Question::TailMean(series)),
        Metric::Latency(series, stat) => Some(Question::Quantile(series, stat.quantile()?)),
        Metric::RateOk => Some(Question::Rate),
        Metric::ThrottledQuota => of_sent(|outcome| matches!(outcome, Outcome::ThrottledQuota)),
        Metric::ThrottledRamp => of_sent(|outcome| matches!(outcome, Outcome::ThrottledRamp)),
        Metric::ThrottledService => of_sent(|outcome| matches!(outcome, Outcome::ThrottledService)),
        Metric::Errors => of_sent(|outcome| matches!(outcome.class(), Class::Error)),
        Metric::Missed => of_scheduled(|outcome| matches!(outcome, Outcome::Missed)),
        Metric::Capped => of_scheduled(|outcome| matches!(outcome, Outcome::Capped)),
        Metric::Ok
        | Metric::Malformed
        | Metric::Throttled
        | Metric::RateOffered
        | Metric::RateSent
        | Metric::SessionsDistinct
        | Metric::IdempotencyViolations => None,
    }
}

/// The family of a metric.
fn family(metric: Metric) -> Family {
    match metric {
        Metric::Latency(Series::Lateness, _) => Family::Lateness,
        Metric::Latency(_, Stat::P50 | Stat::Geomean | Stat::Spread | Stat::Min | Stat::Mean) => Family::Latency,
        Metric::Latency(..) => Family::Tail,
        other if other.quantity() == Quantity::Rate => Family::Rate,
        _ => Family::Share,
    }
}

/// What a comparison or a history gives a metric in; `None` for a count, which neither has.
pub(super) fn unit(metric: Metric) -> Option<MetricUnit> {
    match metric.quantity() {
        Quantity::Time => Some(MetricUnit::Us),
        Quantity::Share => Some(MetricUnit::Share),
        Quantity::Rate => Some(MetricUnit::PerS),
        Quantity::LogRatio => Some(MetricUnit::Ln),
        Quantity::Count => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that the list of metrics wants compared is asked, and belongs to the family that its smallest effect is set by.
    #[test]
    fn nothing_is_left_out() {
        let asked = asked();
        assert_eq!(asked.len(), Metric::compared().len());
        let families: Vec<&str> = asked.iter().map(|asked| asked.family.name()).collect();
        let mut expected = vec!["rate"];
        expected.extend(["share"; 6]);
        expected.extend(["latency", "latency", "tail", "latency", "tail", "tail", "tail"]);
        expected.extend(["latency", "tail", "tail", "tail", "lateness", "lateness"]);
        assert_eq!(families, expected);
    }
}
