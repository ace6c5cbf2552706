//! What must hold: a metric, a comparison and a limit, and how each is written.
//!
//! Refuses to observe anything.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::near::nearest;
use super::problem::quoted;
use crate::num::float;
use crate::units::{human, parse_duration};

/// Why a line of `[thresholds]` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThresholdError {
    /// A name that stands for no metric.
    #[error("unknown metric {}", quoted(.0))]
    Metric(String),
    /// A text that does not begin with a comparison.
    #[error("{} has no comparison", quoted(.0))]
    Op(String),
    /// A limit that does not fit the metric's kind.
    #[error("{} is no limit for {}, which is {}", quoted(.limit), .metric.name(), .metric.kind().described())]
    Limit {
        /// What is observed.
        metric: Metric,
        /// The limit as written.
        limit: String,
    },
}

impl ThresholdError {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            Self::Metric(name) => match nearest(name, Metric::ALL.iter().map(|(n, _)| *n)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known metrics: {}", metric_families()),
            },
            Self::Op(_) => "a threshold is a comparison (<, <=, >, >=, ==, !=) and a limit, like \"< 800ms\"".to_owned(),
            Self::Limit { metric, .. } => {
                format!("write it like {} = \"{}\"", quoted_key(metric.name()), metric.kind().example())
            }
        }
    }
}

fn quoted_key(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

/// The metrics in a line: the latencies by their two parts, the others by name.
fn metric_families() -> String {
    let others: Vec<&str> = Metric::ALL.iter().filter(|(_, m)| m.kind() != Kind::Time).map(|(n, _)| *n).collect();
    format!("lateness, service or response with .min .mean .p50 .p90 .p95 .p99 .p999 or .max; {}", others.join(", "))
}

/// One line of `[thresholds]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is observed.
    pub metric: Metric,
    /// How it is compared.
    pub op: Op,
    /// With what: microseconds, a share from 0 to 1, a count or calls per second, as the metric's [`Kind`] says.
    pub limit: f64,
    /// The line as given: `< 800ms`.
    pub text: String,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Microseconds; a limit is written `800ms`.
    Time,
    /// A share from 0 to 1; a limit is written `1%` or `0.01`.
    Share,
    /// A number.
    Count,
    /// Calls per second; a limit is written `25/s` or `25`.
    Rate,
}

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

/// Which value of a distribution.
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
}

/// The closed list of what a threshold can name.
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

impl Threshold {
    /// Reads the line `text` for `metric`: `< 800ms`.
    pub fn parse(metric: Metric, text: &str) -> Result<Self, ThresholdError> {
        let trimmed = text.trim();
        let (op, rest) = Op::ALL
            .into_iter()
            .find_map(|op| trimmed.strip_prefix(op.symbol()).map(|rest| (op, rest.trim())))
            .ok_or_else(|| ThresholdError::Op(text.to_owned()))?;
        let limit = metric.kind().parse(rest).ok_or_else(|| ThresholdError::Limit { metric, limit: rest.to_owned() })?;
        Ok(Self { metric, op, limit, text: trimmed.to_owned() })
    }

    /// Whether `observed`, in the unit of the metric's kind, is as it must be.
    pub fn holds(&self, observed: f64) -> bool {
        self.op.holds(observed, self.limit)
    }
}

impl fmt::Display for Threshold {
    /// `response.p99 < 800ms`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.metric, self.text)
    }
}

impl Op {
    /// Every comparison; those of two characters first, so that a prefix is not taken for the whole.
    pub const ALL: [Self; 6] = [Self::LessOrEqual, Self::GreaterOrEqual, Self::Equal, Self::NotEqual, Self::Less, Self::Greater];

    /// How it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether `observed` stands in this relation to `limit`. A value that is not a number holds nothing.
    #[allow(clippy::float_cmp)] // counts and limits are compared as they were given
    pub fn holds(self, observed: f64, limit: f64) -> bool {
        match self {
            Self::Less => observed < limit,
            Self::LessOrEqual => observed <= limit,
            Self::Greater => observed > limit,
            Self::GreaterOrEqual => observed >= limit,
            Self::Equal => observed == limit,
            Self::NotEqual => observed != limit && !observed.is_nan(),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.symbol())
    }
}

impl FromStr for Op {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|op| op.symbol() == text).ok_or_else(|| ThresholdError::Op(text.to_owned()))
    }
}

impl Kind {
    /// What a value of it is, in words.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Time => "a time with its unit",
            Self::Share => "a share from 0% to 100%",
            Self::Count => "a whole number",
            Self::Rate => "a number of calls per second",
        }
    }

    /// A line that could be written.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Time => "< 800ms",
            Self::Share => "< 1%",
            Self::Count => "== 0",
            Self::Rate => ">= 25/s",
        }
    }

    /// Reads a limit into the unit of this kind; `None` when it is none.
    pub fn parse(self, text: &str) -> Option<f64> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        match self {
            Self::Time => parse_duration(text).ok().filter(|_| text.ends_with(char::is_alphabetic)).map(limit_us),
            Self::Share => match text.strip_suffix('%') {
                Some(percent) => number(percent).map(|n| n / 100.0),
                None => number(text),
            }
            .filter(|n| *n <= 1.0),
            Self::Count => text.parse::<u64>().ok().map(float),
            Self::Rate => number(text.strip_suffix("/s").unwrap_or(text)),
        }
    }

    /// A value of this kind as people read it: `45.2ms`, `0.25%`, `3`, `24.9/s`.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Time => human(Duration::try_from_secs_f64(value / 1e6).unwrap_or(Duration::MAX)),
            Self::Share => format!("{}%", rounded(value * 100.0)),
            Self::Count => format!("{value:.0}"),
            Self::Rate => format!("{}/s", rounded(value)),
        }
    }
}

/// At most four decimals, and no zeros at the end.
fn rounded(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

macro_rules! metrics {
    (latency { $($series:ident $prefix:literal),+ } $stats:tt; $($name:literal = $variant:ident in $kind:ident),+ $(,)?) => {
        impl Metric {
            /// Every metric with its name, in the order of the reports.
            pub const ALL: &'static [(&'static str, Metric)] = metrics!(@all [] [$($series $prefix)+] $stats [$(($name, Metric::$variant),)+]);

            /// What it is measured in.
            pub const fn kind(self) -> Kind {
                match self { Self::Latency(..) => Kind::Time, $(Self::$variant => Kind::$kind),+ }
            }
        }
    };
    (@all [$($done:tt)*] [$series:ident $prefix:literal $($more:tt)*] { $($stat:ident $suffix:literal),+ } $rest:tt) => {
        metrics!(@all [$($done)* $((concat!($prefix, ".", $suffix), Metric::Latency(Series::$series, Stat::$stat)),)+] [$($more)*] { $($stat $suffix),+ } $rest)
    };
    (@all [$($done:tt)*] [] $stats:tt [$($rest:tt)*]) => { &[$($done)* $($rest)*] };
}

metrics! {
    latency { Lateness "lateness", Service "service", Response "response" }
        { Min "min", Mean "mean", P50 "p50", P90 "p90", P95 "p95", P99 "p99", P999 "p999", Max "max" };
    "ok" = Ok in Share,
    "errors" = Errors in Share,
    "malformed" = Malformed in Share,
    "throttled" = Throttled in Share,
    "throttled.quota" = ThrottledQuota in Share,
    "throttled.ramp" = ThrottledRamp in Share,
    "throttled.service" = ThrottledService in Share,
    "missed" = Missed in Share,
    "capped" = Capped in Share,
    "rate.offered" = RateOffered in Rate,
    "rate.sent" = RateSent in Rate,
    "rate.ok" = RateOk in Rate,
    "sessions.distinct" = SessionsDistinct in Count,
    "idempotency.violations" = IdempotencyViolations in Count,
}

impl Metric {
    /// Its name in `[thresholds]` and in every file.
    pub fn name(self) -> &'static str {
        // `ALL` is complete: a test walks every variant.
        Self::ALL.iter().find(|(_, m)| *m == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = ThresholdError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, m)| *m).ok_or_else(|| ThresholdError::Metric(name.to_owned()))
    }
}

impl Stat {
    /// How many samples it takes before this value is more than a guess: ten beyond the percentile.
    pub const fn samples_needed(self) -> u64 {
        match self {
            Self::Min | Self::Mean | Self::Max => 1,
            Self::P50 => 20,
            Self::P90 => 100,
            Self::P95 => 200,
            Self::P99 => 1_000,
            Self::P999 => 10_000,
        }
    }
}

/// A limit in the unit of its kind, from a duration.
#[allow(clippy::cast_precision_loss)] // microseconds of a limit that a person wrote
pub fn limit_us(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every metric has a name of its own, and the name leads back to it.
    #[test]
    fn names_round_trip() {
        let mut names: Vec<&str> = Metric::ALL.iter().map(|(n, _)| *n).collect();
        for (name, metric) in Metric::ALL {
            assert_eq!(metric.name(), *name);
            assert_eq!(name.parse(), Ok(*metric));
            assert!(Threshold::parse(*metric, metric.kind().example()).is_ok(), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 3 * 8 + 14);
        assert_eq!("response.p99".parse(), Ok(Metric::Latency(Series::Response, Stat::P99)));
    }

    /// Limits are read in the unit of their kind, and refused in another.
    #[test]
    fn limits_have_units() {
        let parse = |metric: &str, text: &str| Threshold::parse(metric.parse().unwrap(), text).map(|t| (t.op, t.limit));
        assert_eq!(parse("response.p99", "< 800ms"), Ok((Op::Less, 800_000.0)));
        assert_eq!(parse("lateness.max", "<=1ms 500us"), Ok((Op::LessOrEqual, 1_500.0)));
        assert_eq!(parse("throttled.quota", "< 1%"), Ok((Op::Less, 0.01)));
        assert_eq!(parse("ok", ">= 0.99"), Ok((Op::GreaterOrEqual, 0.99)));
        assert_eq!(parse("idempotency.violations", "== 0"), Ok((Op::Equal, 0.0)));
        assert_eq!(parse("rate.ok", "> 24.5/s"), Ok((Op::Greater, 24.5)));
        assert_eq!(parse("rate.ok", "!= 24"), Ok((Op::NotEqual, 24.0)));
        for (metric, wrong) in [
            ("response.p99", "< 800"),
            ("response.p99", "< 0"),
            ("response.p99", "800ms"),
            ("response.p99", "<"),
            ("throttled", "< 800ms"),
            ("throttled", "< 101%"),
            ("throttled", "< 2"),
            ("throttled", "< -1%"),
            ("sessions.distinct", "== 1.5"),
            ("sessions.distinct", "== 1%"),
            ("rate.ok", "> 25ms"),
            ("rate.ok", "> nan"),
            ("rate.ok", "=> 25"),
        ] {
            let error = parse(metric, wrong).unwrap_err();
            assert!(error.help().contains('"'), "{error}: {}", error.help());
        }
    }

    /// A name that is nearly right is set right; another one is answered with what there is.
    #[test]
    fn unknown_metrics_are_answered() {
        let help = |name: &str| name.parse::<Metric>().unwrap_err().help();
        assert_eq!(help("response.p99.9"), "did you mean \"response.p999\"?");
        assert_eq!(help("trottled"), "did you mean \"throttled\"?");
        assert!(help("happiness").starts_with("known metrics: lateness, service or response with .min"));
    }

    /// Observed values are shown in the unit that limits are written in.
    #[test]
    fn values_read_well() {
        assert_eq!(Kind::Time.show(45_230.0), "45.2ms");
        assert_eq!(Kind::Share.show(0.0025), "0.25%");
        assert_eq!(Kind::Count.show(3.0), "3");
        assert_eq!(Kind::Rate.show(24.9), "24.9/s");
    }

    proptest! {
        /// What is shown can be read back, near enough.
        #[test]
        fn limits_round_trip(value in 0.0..1.0f64) {
            for (kind, scale, slack) in [(Kind::Share, 1.0, 1e-6), (Kind::Rate, 1e4, 1e-4), (Kind::Time, 1e7, 0.01 * 1e7 * value + 0.01)] {
                let read = kind.parse(&kind.show(value * scale));
                // Zero has no unit when shown as a time.
                if let Some(read) = read {
                    prop_assert!((read - value * scale).abs() <= slack, "{value} {kind:?} {read}");
                } else {
                    prop_assert!(kind == Kind::Time && value * scale < 0.001);
                }
            }
        }

        /// Exactly one of less, equal and greater holds, and the others follow from it.
        #[test]
        fn comparisons_are_consistent(a in -5i8..5, b in -5i8..5) {
            let (a, b) = (f64::from(a), f64::from(b));
            let holds = |op: Op| op.holds(a, b);
            prop_assert_eq!(u8::from(holds(Op::Less)) + u8::from(holds(Op::Equal)) + u8::from(holds(Op::Greater)), 1);
            prop_assert_eq!(holds(Op::LessOrEqual), !holds(Op::Greater));
            prop_assert_eq!(holds(Op::GreaterOrEqual), !holds(Op::Less));
            prop_assert_eq!(holds(Op::NotEqual), !holds(Op::Equal));
        }

        /// No text makes the parser panic.
        #[test]
        fn any_text_is_survived(text in ".*", n in 0..Metric::ALL.len()) {
            let _ = Threshold::parse(Metric::ALL[n].1, &text);
            let _ = text.parse::<Metric>();
        }
    }

    /// An observation that is not a number passes nothing.
    #[test]
    fn unknown_never_holds() {
        assert!(Op::ALL.into_iter().all(|op| !op.holds(f64::NAN, 0.0)));
    }
}
