//! The closed list of metrics: thresholds, comparisons, histories and reports take it from here.
//!
//! A row says what a metric is called, what it is a quantity of, which way is better, and who uses it. Refuses to know where values come
//! from: each user asks its own data.

use std::fmt;
use std::time::Duration;

use crate::units::{THREE, human_to, significant};

/// Which of the three times of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Series {
    /// `sent - due`, over everything that was sent.
    Lateness,
    /// `done - sent`, over the calls that ended `ok`.
    Service,
    /// `done - due`, over the calls that ended `ok`.
    Response,
}

impl Series {
    /// The three, in the order of a summary.
    pub const ALL: [Self; 3] = [Self::Lateness, Self::Service, Self::Response];

    /// The spelling used everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lateness => "lateness",
            Self::Service => "service",
            Self::Response => "response",
        }
    }
}

/// Which value of a distribution of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stat {
    /// The smallest.
    Min,
    /// The arithmetic mean.
    Mean,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// The largest.
    Max,
    /// The geometric mean.
    Geomean,
    /// How far apart two calls lie: the mean difference of their logarithms.
    Spread,
    /// The geometric mean of the slowest tenth, whose middle counts most.
    SlowestTenth,
}

impl Stat {
    /// The share of the calls below a percentile, from 0 to 1; `None` for what is not one.
    pub const fn quantile(self) -> Option<f64> {
        // derived: as their names say
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
            Self::Min | Self::Mean | Self::Max | Self::Geomean | Self::Spread | Self::SlowestTenth => None,
        }
    }

    /// How many samples it takes before this value is more than a guess.
    pub const fn samples_needed(self) -> u64 {
        // derived: ten beyond the percentile, 10 / (1 - p), on either side of a median; ten of a tenth
        match self {
            Self::P50 => 20,
            Self::P90 | Self::SlowestTenth => 100,
            Self::P95 => 200,
            Self::P99 => 1_000,
            Self::P999 => 10_000,
            Self::Min | Self::Mean | Self::Max | Self::Geomean | Self::Spread => 1,
        }
    }
}

/// What a metric is a quantity of, and so the unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A time, in microseconds; written `800ms`.
    Time,
    /// A share from 0 to 1; written `1%` or `0.01`.
    Share,
    /// A whole number.
    Count,
    /// Calls per second; written `25/s` or `25`.
    Rate,
    /// A difference of logarithms, without a unit.
    LogRatio,
}

impl Quantity {
    /// A value as people read it, to three digits: `45.2ms`, `0.25%`, `3`, `24.9/s`, `0.61`.
    pub fn show(self, value: f64) -> String {
        self.to_digits(value, THREE)
    }

    /// A value beside a limit: with as many digits as tell the two apart, three where they are equal.
    #[allow(clippy::float_cmp)] // what is equal to the last bit is equal
    pub fn show_beside(self, value: f64, limit: f64) -> String {
        // derived: 17 digits tell any two numbers of 64 bits apart
        let digits =
            (THREE..=17).find(|digits| value == limit || self.to_digits(value, *digits) != self.to_digits(limit, *digits));
        self.to_digits(value, digits.unwrap_or(THREE))
    }

    /// Values of one line: with as many digits, from three to five, as tell those apart that differ, and the same number for all of them.
    #[allow(clippy::float_cmp)] // what is equal to the last bit is equal
    pub fn show_apart(self, values: &[f64]) -> Vec<String> {
        let shown = |digits| values.iter().map(|value| self.to_digits(*value, digits)).collect::<Vec<_>>();
        let apart = |texts: &[String]| {
            let pairs = (0..values.len()).flat_map(|i| (0..i).map(move |k| (i, k)));
            pairs.into_iter().all(|(i, k)| values[i] == values[k] || texts[i] != texts[k])
        };
        // derived: beyond five a difference is a hundred-thousandth, less than a run of 10 million calls can tell
        let most = THREE + 2;
        (THREE..most).map(shown).find(|texts| apart(texts)).unwrap_or_else(|| shown(most))
    }

    fn to_digits(self, value: f64, digits: usize) -> String {
        match self {
            Self::Time => human_to(Duration::try_from_secs_f64(value / 1e6).unwrap_or(Duration::MAX), digits),
            Self::Share => format!("{}%", significant(value * 100.0, digits)),
            Self::Count => format!("{value:.0}"),
            Self::Rate => format!("{}/s", significant(value, digits)),
            Self::LogRatio => significant(value, digits),
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A larger value.
    More,
    /// A smaller value.
    Less,
}

/// Every metric there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `response.p99`, `service.p50`, `lateness.max`, ...
    Latency(Series, Stat),
    /// `ok`: share of the sent calls that handed out a session.
    Ok,
    /// `errors`: share of the sent calls that ended neither ok nor throttled.
    Errors,
    /// `malformed`: share of the sent calls that ended as a 200 without a session id.
    Malformed,
    /// `throttled`: share of the sent calls that were refused for rate.
    Throttled,
    /// `throttled.quota`
    ThrottledQuota,
    /// `throttled.ramp`
    ThrottledRamp,
    /// `throttled.service`
    ThrottledService,
    /// `missed`: share of the offered calls that were due and never sent: no room, or more than 100 ms late.
    Missed,
    /// `capped`: share of the offered calls that `max_rate` refused.
    Capped,
    /// `rate.offered`: scheduled calls per second of the schedule.
    RateOffered,
    /// `rate.sent`: sent calls per second.
    RateSent,
    /// `rate.ok`: sessions per second.
    RateOk,
    /// `sessions.distinct`: different session ids.
    SessionsDistinct,
    /// `idempotency.violations`
    IdempotencyViolations,
}

/// A metric as `livebench compare` uses it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparedMetric {
    /// Which.
    pub metric: Metric,
    /// Its part of the chance of a false alarm, in proportion to the others.
    pub weight: f64,
    /// Its place in the reports.
    place: u8,
}

/// One metric with everything that is said of it.
#[derive(Debug, Clone, Copy)]
struct MetricRow {
    metric: Metric,
    name: &'static str,
    quantity: Quantity,
    better: Direction,
    /// Whether `[thresholds]` can name it.
    threshold: bool,
    /// Whether it is compared.
    compared: Option<ComparedMetric>,
    /// Its place in a history; `None` if it is not followed.
    followed: Option<u8>,
}

impl MetricRow {
    const fn new(name: &'static str, metric: Metric, quantity: Quantity, better: Direction) -> Self {
        Self { metric, name, quantity, better, threshold: true, compared: None, followed: None }
    }

    /// A time of a call, or what is made of one.
    const fn time(name: &'static str, series: Series, stat: Stat) -> Self {
        Self::new(name, Metric::Latency(series, stat), Quantity::Time, Direction::Less)
    }

    /// A share of what nobody wants.
    const fn bad(name: &'static str, metric: Metric) -> Self {
        Self::new(name, metric, Quantity::Share, Direction::Less)
    }

    const fn compared(mut self, place: u8, weight: f64) -> Self {
        self.compared = Some(ComparedMetric { metric: self.metric, weight, place });
        self
    }

    const fn followed(mut self, place: u8) -> Self {
        self.followed = Some(place);
        self
    }

    /// Takes every call of a run and none of a summary: no threshold can name it.
    const fn of_calls(mut self) -> Self {
        self.threshold = false;
        self
    }
}

use Metric as M;
use MetricRow as Row;
use Series::{Lateness, Response, Service};

/// The list, in the order in which thresholds are told of it. `compared(place, weight)` and `followed(place)` give the places in a
/// comparison's and in a history's reports.
///
/// Weights: geometric mean and spread use every call, and the slowest tenth ten times as many as lie beyond a p99: they see small changes
/// first, and carry most of the weight for it. Upper percentiles see what happens to few calls, and have more the higher they are; each
/// other metric has one part.
// measured: a judgement, held by `cargo bench --bench compare`: with these parts of 84 a slowest tenth that is 10 % slower is found in 96 %
// of pairs, and equal runs are called changed in 0.7 %; how many pairs that rests on is not on record. Other parts were not tried
const TABLE: &[MetricRow] = &[
    Row::time("lateness.min", Lateness, Stat::Min),
    Row::time("lateness.mean", Lateness, Stat::Mean),
    Row::time("lateness.p50", Lateness, Stat::P50).compared(18, 1.0),
    Row::time("lateness.p90", Lateness, Stat::P90),
    Row::time("lateness.p95", Lateness, Stat::P95),
    Row::time("lateness.p99", Lateness, Stat::P99).compared(19, 1.0),
    Row::time("lateness.p999", Lateness, Stat::P999),
    Row::time("lateness.max", Lateness, Stat::Max),
    Row::time("service.min", Service, Stat::Min),
    Row::time("service.mean", Service, Stat::Mean),
    Row::time("service.p50", Service, Stat::P50).compared(14, 1.0),
    Row::time("service.p90", Service, Stat::P90).compared(15, 1.0),
    Row::time("service.p95", Service, Stat::P95).compared(16, 1.0),
    Row::time("service.p99", Service, Stat::P99).compared(17, 1.0),
    Row::time("service.p999", Service, Stat::P999),
    Row::time("service.max", Service, Stat::Max),
    Row::time("response.min", Response, Stat::Min),
    Row::time("response.mean", Response, Stat::Mean),
    Row::time("response.p50", Response, Stat::P50).compared(10, 2.0).followed(4),
    Row::time("response.p90", Response, Stat::P90).compared(11, 2.0),
    Row::time("response.p95", Response, Stat::P95).compared(12, 3.0).followed(5),
    Row::time("response.p99", Response, Stat::P99).compared(13, 5.0).followed(6),
    Row::time("response.p999", Response, Stat::P999),
    Row::time("response.max", Response, Stat::Max),
    Row::time("response.geomean", Response, Stat::Geomean).compared(7, 28.0).of_calls(),
    Row::new("response.spread", M::Latency(Response, Stat::Spread), Quantity::LogRatio, Direction::Less)
        .compared(8, 11.0)
        .of_calls(),
    Row::time("response.slowest_tenth", Response, Stat::SlowestTenth).compared(9, 20.0).of_calls(),
    Row::new("ok", M::Ok, Quantity::Share, Direction::More),
    Row::bad("errors", M::Errors).compared(4, 1.0).followed(2),
    Row::bad("malformed", M::Malformed),
    Row::bad("throttled", M::Throttled).followed(1),
    Row::bad("throttled.quota", M::ThrottledQuota).compared(1, 1.0),
    Row::bad("throttled.ramp", M::ThrottledRamp).compared(2, 1.0),
    Row::bad("throttled.service", M::ThrottledService).compared(3, 1.0),
    Row::bad("missed", M::Missed).compared(5, 1.0).followed(3),
    Row::bad("capped", M::Capped).compared(6, 1.0),
    Row::new("rate.offered", M::RateOffered, Quantity::Rate, Direction::More),
    Row::new("rate.sent", M::RateSent, Quantity::Rate, Direction::More),
    Row::new("rate.ok", M::RateOk, Quantity::Rate, Direction::More).compared(0, 1.0).followed(0),
    Row::new("sessions.distinct", M::SessionsDistinct, Quantity::Count, Direction::More),
    Row::new("idempotency.violations", M::IdempotencyViolations, Quantity::Count, Direction::Less),
];

impl Metric {
    /// What `[thresholds]` can name, in the order in which that is told.
    pub fn thresholds() -> impl Iterator<Item = Self> {
        TABLE.iter().filter(|row| row.threshold).map(|row| row.metric)
    }

    /// What is compared, in the order of the reports.
    pub fn compared() -> Vec<ComparedMetric> {
        let mut compared: Vec<ComparedMetric> = TABLE.iter().filter_map(|row| row.compared).collect();
        compared.sort_by_key(|compared| compared.place);
        compared
    }

    /// What a history follows, in the order of the reports.
    pub fn followed() -> Vec<Self> {
        let mut followed: Vec<(u8, Self)> = TABLE.iter().filter_map(|row| Some((row.followed?, row.metric))).collect();
        followed.sort_by_key(|(place, _)| *place);
        followed.into_iter().map(|(_, metric)| metric).collect()
    }

    /// `None` for what can be put together and is no metric: `service.geomean`.
    fn row(self) -> Option<&'static MetricRow> {
        TABLE.iter().find(|row| row.metric == self)
    }

    /// Its name in `[thresholds]` and in every file; empty for a pair of time and value that is no metric.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// What it is a quantity of.
    pub fn quantity(self) -> Quantity {
        self.row().map_or(Quantity::Time, |row| row.quantity)
    }

    /// Which way is better.
    pub fn better(self) -> Direction {
        self.row().map_or(Direction::Less, |row| row.better)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every metric stands once, under a name of its own that says which time it is of.
    #[test]
    fn each_metric_has_one_row() {
        let mut names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for row in TABLE {
            assert_eq!(row.metric.name(), row.name);
            if let Metric::Latency(series, stat) = row.metric {
                let (first, last) = row.name.split_once('.').unwrap();
                assert_eq!(first, series.name());
                assert_eq!(last.replace('_', ""), format!("{stat:?}").to_lowercase());
            }
        }
        // Three times with eight values each, and the fourteen others.
        assert_eq!(Metric::thresholds().count(), 3 * 8 + 14);
    }

    /// Places are counted through: none is left out, none is given twice.
    #[test]
    fn places_are_a_count() {
        let compared: Vec<u8> = Metric::compared().iter().map(|compared| compared.place).collect();
        assert_eq!(compared, (0..20).collect::<Vec<u8>>());
        let mut followed: Vec<u8> = TABLE.iter().filter_map(|row| row.followed).collect();
        followed.sort_unstable();
        assert_eq!(followed, (0..7).collect::<Vec<u8>>());
    }

    /// A percentile's samples lie ten beyond it, on either side of the median.
    #[test]
    fn percentiles_have_ten_beyond_them() {
        for stat in [Stat::P50, Stat::P90, Stat::P95, Stat::P99, Stat::P999] {
            let beyond = 10.0 / (1.0 - stat.quantile().unwrap());
            assert!((beyond - crate::num::float(stat.samples_needed())).abs() < 1e-6, "{stat:?}");
        }
    }

    /// Values are shown in the unit that limits are written in.
    #[test]
    fn values_read_well() {
        assert_eq!(Quantity::Time.show(45_230.0), "45.2ms");
        assert_eq!(Quantity::Share.show(0.0025), "0.25%");
        assert_eq!(Quantity::Count.show(3.0), "3");
        assert_eq!(Quantity::Rate.show(24.9), "24.9/s");
        assert_eq!(Quantity::LogRatio.show(0.61), "0.61");
        assert_eq!((Quantity::Share.show(0.160_721), Quantity::Rate.show(1234.56)), ("16.1%".to_owned(), "1235/s".to_owned()));
    }

    /// Report on 0.1.0 (B12): a failing `== 0.3333/s` stood beside an observed `0.3333/s`. What differs looks different, and on the side of the
    /// limit on which it is.
    #[test]
    fn a_value_is_told_from_its_limit() {
        for (quantity, value, limit, shown) in [
            (Quantity::Rate, 1.0 / 3.0, 0.3333, "0.33333/s"),
            (Quantity::Rate, 0.3333, 0.3333, "0.333/s"),
            (Quantity::Time, 800_200.0, 800_000.0, "800.2ms"),
            (Quantity::Time, 799_999.0, 800_000.0, "799.999ms"),
            (Quantity::Time, 60_250_000.0, 60_000_000.0, "1m 200ms"),
            (Quantity::Share, 0.999_96, 1.0, "99.996%"),
            (Quantity::Share, 0.160_721, 0.5, "16.1%"),
            (Quantity::Count, 3.0, 2.0, "3"),
        ] {
            assert_eq!(quantity.show_beside(value, limit), shown, "{value} {limit}");
        }
        assert_eq!(Quantity::Rate.show_apart(&[34.7, 34.693, 34.693]), ["34.7/s", "34.69/s", "34.69/s"]);
        assert_eq!(Quantity::Rate.show_apart(&[20.0, 19.6, 19.49]), ["20/s", "19.6/s", "19.5/s"]);
        assert_eq!(Quantity::Rate.show_apart(&[20.0, 19.999_999]), ["20/s", "20/s"]);
    }
}
