//! The closed list of what is compared.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::outcome::{Class, Outcome};

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
            .ok_or_else(|| format!("`{name}` is no family of metrics; there are {}", names()))
    }
}

/// Which of a call's three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// `done - due` of the calls that ended ok.
    Response,
    /// `done - sent` of the same.
    Service,
    /// `sent - due` of everything that was sent.
    Lateness,
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
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) family: Family,
    /// Its part of the chance of a false alarm; see [`METRICS`].
    pub(super) weight: f64,
    pub(super) question: Question,
}

impl Metric {
    /// Whether it moves when all response and service times move.
    pub(super) const fn moves_with_answers(&self) -> bool {
        match self.question {
            Question::Quantile(series, _) => !matches!(series, Series::Lateness),
            Question::Geomean(_) | Question::TailMean(_) => true,
            Question::LogGini(_) | Question::Share(..) | Question::Rate => false,
        }
    }
}

const fn metric(name: &'static str, family: Family, weight: f64, question: Question) -> Metric {
    Metric { name, family, weight, question }
}

/// Everything that is compared, in the order of the reports.
///
/// Geometric mean and spread use every call, and the slowest tenth ten times as many as lie beyond a p99: they see small changes first,
/// and carry most of the weight for it. Upper percentiles see what happens to few calls, and have more the higher they are; each other
/// metric has one part.
// measured: a judgement, held by `cargo bench --bench compare` (1000 pairs at 1 %): with these parts of 84 a slowest tenth that is 10 % slower
// is found in 96 % of pairs, and equal runs are called changed in 0.7 %. Other parts were not tried
pub(super) const METRICS: [Metric; 20] = [
    metric("rate.ok", Family::Rate, 1.0, Question::Rate),
    metric("throttled.quota", Family::Share, 1.0, Question::Share(Of::Sent, |o| matches!(o, Outcome::ThrottledQuota))),
    metric("throttled.ramp", Family::Share, 1.0, Question::Share(Of::Sent, |o| matches!(o, Outcome::ThrottledRamp))),
    metric("throttled.service", Family::Share, 1.0, Question::Share(Of::Sent, |o| matches!(o, Outcome::ThrottledService))),
    metric("errors", Family::Share, 1.0, Question::Share(Of::Sent, |o| matches!(o.class(), Class::Error))),
    metric("missed", Family::Share, 1.0, Question::Share(Of::Scheduled, |o| matches!(o, Outcome::Missed))),
    metric("capped", Family::Share, 1.0, Question::Share(Of::Scheduled, |o| matches!(o, Outcome::Capped))),
    metric("response.geomean", Family::Latency, 28.0, Question::Geomean(Series::Response)),
    metric("response.spread", Family::Latency, 11.0, Question::LogGini(Series::Response)),
    metric("response.slowest_tenth", Family::Tail, 20.0, Question::TailMean(Series::Response)),
    metric("response.p50", Family::Latency, 2.0, Question::Quantile(Series::Response, 0.5)),
    metric("response.p90", Family::Tail, 2.0, Question::Quantile(Series::Response, 0.9)),
    metric("response.p95", Family::Tail, 3.0, Question::Quantile(Series::Response, 0.95)),
    metric("response.p99", Family::Tail, 5.0, Question::Quantile(Series::Response, 0.99)),
    metric("service.p50", Family::Latency, 1.0, Question::Quantile(Series::Service, 0.5)),
    metric("service.p90", Family::Tail, 1.0, Question::Quantile(Series::Service, 0.9)),
    metric("service.p95", Family::Tail, 1.0, Question::Quantile(Series::Service, 0.95)),
    metric("service.p99", Family::Tail, 1.0, Question::Quantile(Series::Service, 0.99)),
    metric("lateness.p50", Family::Lateness, 1.0, Question::Quantile(Series::Lateness, 0.5)),
    metric("lateness.p99", Family::Lateness, 1.0, Question::Quantile(Series::Lateness, 0.99)),
];
