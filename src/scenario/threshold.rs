//! What must hold: a metric, a comparison and a limit, and how each is written.
//!
//! Refuses to observe anything.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::near::nearest;
use super::problem::quoted;
use crate::metric::{Metric, Quantity};
use crate::num::{float, percent};
use crate::units::parse_duration;

/// Why a line of `[thresholds]` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThresholdError {
    /// A name that stands for no metric.
    #[error("unknown metric {}", quoted(.0))]
    Metric(String),
    /// A text that does not begin with a comparison.
    #[error("{} has no comparison", quoted(.0))]
    Op(String),
    /// A limit that does not fit the metric's quantity.
    #[error("{} is not a limit for {}, which is {}", quoted(.limit), .metric.name(), .metric.quantity().described())]
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
            Self::Metric(name) => match nearest(name, Metric::thresholds().map(Metric::name)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known metrics: {}", metric_families()),
            },
            Self::Op(_) => "a threshold is a comparison (<, <=, >, >=, ==, !=) and a limit, like \"< 800ms\"".to_owned(),
            Self::Limit { metric, limit } => match metric.quantity().with_unit(limit) {
                Some(meant) => format!("a limit has its unit: {meant}"),
                None => format!("write it like {} = \"{}\"", quoted_key(metric.name()), metric.quantity().example()),
            },
        }
    }
}

fn quoted_key(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

/// The metrics in a line: the latencies by their two parts, the others by name.
fn metric_families() -> String {
    let others = Metric::thresholds().filter(|metric| metric.quantity() != Quantity::Time);
    let others: Vec<&str> = others.map(Metric::name).collect();
    format!("lateness, service or response with .min .mean .p50 .p90 .p95 .p99 .p999 or .max; {}", others.join(", "))
}

/// One line of `[thresholds]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is observed.
    pub metric: Metric,
    /// How it is compared.
    pub op: Op,
    /// With what: microseconds, a share from 0 to 1, a count or calls per second, as the metric's [`Quantity`] says.
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

/// The metric that a line of `[thresholds]` names.
pub fn named(name: &str) -> Result<Metric, ThresholdError> {
    Metric::thresholds().find(|metric| metric.name() == name).ok_or_else(|| ThresholdError::Metric(name.to_owned()))
}

impl Threshold {
    /// Reads the line `text` for `metric`: `< 800ms`.
    pub fn parse(metric: Metric, text: &str) -> Result<Self, ThresholdError> {
        let trimmed = text.trim();
        let (op, rest) = Op::ALL
            .into_iter()
            .find_map(|op| trimmed.strip_prefix(op.symbol()).map(|rest| (op, rest.trim())))
            .ok_or_else(|| ThresholdError::Op(text.to_owned()))?;
        let limit = metric.quantity().parse(rest).ok_or_else(|| ThresholdError::Limit { metric, limit: rest.to_owned() })?;
        Ok(Self { metric, op, limit, text: trimmed.to_owned() })
    }

    /// Whether `observed`, in the unit of the metric's quantity, is as it must be.
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

impl Quantity {
    /// What a value of it is, in words.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Time => "a time with its unit",
            Self::Share => "a share from 0% to 100%, with its sign",
            Self::Count => "a whole number",
            Self::Rate => "a number of calls per second, with its unit /s",
            Self::LogRatio => "a number without a unit",
        }
    }

    /// A line that could be written.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Time => "< 800ms",
            Self::Share => "< 1%",
            Self::Count => "== 0",
            Self::Rate => ">= 25/s",
            Self::LogRatio => "< 0.1",
        }
    }

    /// What a limit without its unit may have meant.
    fn with_unit(self, limit: &str) -> Option<String> {
        let number = limit.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0)?;
        let limit = limit.trim();
        match self {
            Self::Time => Some(format!("{limit}ms, or {limit}s")),
            Self::Share if number <= 1.0 => Some(format!("{limit}%, or {}% if a part of 1 is meant", number * 100.0)),
            Self::Share if number <= 100.0 => Some(format!("{limit}%")),
            Self::Rate => Some(format!("{limit}/s")),
            Self::Share | Self::Count | Self::LogRatio => None,
        }
    }

    /// Reads a limit into the unit of this quantity; `None` when it is none.
    pub fn parse(self, text: &str) -> Option<f64> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        match self {
            Self::Time => parse_duration(text).ok().filter(|_| text.ends_with(char::is_alphabetic)).map(limit_us),
            // Without its sign 1 could be a hundredth or the whole.
            Self::Share => percent(text).filter(|n| *n <= 1.0),
            Self::Count => text.parse::<u64>().ok().map(float),
            Self::Rate => number(text.strip_suffix("/s")?),
            Self::LogRatio => number(text),
        }
    }
}

/// A time's limit in microseconds, from a duration.
#[allow(clippy::cast_precision_loss)] // microseconds of a limit that a person wrote
pub fn limit_us(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::{Series, Stat};

    /// The name of a metric leads back to it, and each can have a limit.
    #[test]
    fn names_round_trip() {
        for metric in Metric::thresholds() {
            assert_eq!(named(metric.name()), Ok(metric));
            assert!(Threshold::parse(metric, metric.quantity().example()).is_ok(), "{metric}");
        }
        assert_eq!(named("response.p99"), Ok(Metric::Latency(Series::Response, Stat::P99)));
        // It is compared, and no summary holds it.
        assert!(named("response.geomean").is_err());
    }

    /// Limits are read in the unit of their kind, and refused in another.
    #[test]
    fn limits_have_units() {
        let parse = |metric: &str, text: &str| Threshold::parse(named(metric).unwrap(), text).map(|t| (t.op, t.limit));
        assert_eq!(parse("response.p99", "< 800ms"), Ok((Op::Less, 800_000.0)));
        assert_eq!(parse("lateness.max", "<=1ms 500us"), Ok((Op::LessOrEqual, 1_500.0)));
        assert_eq!(parse("throttled.quota", "< 1%"), Ok((Op::Less, 0.01)));
        assert_eq!(parse("ok", ">= 99.9 %"), Ok((Op::GreaterOrEqual, 0.999)));
        assert_eq!(parse("idempotency.violations", "== 0"), Ok((Op::Equal, 0.0)));
        assert_eq!(parse("rate.ok", "> 24.5/s"), Ok((Op::Greater, 24.5)));
        assert_eq!(parse("rate.ok", "!= 24 /s"), Ok((Op::NotEqual, 24.0)));
        // 99.9 / 100 is a little more than 0.999, and a run that reached exactly that would miss it.
        assert_eq!(parse("ok", ">= 99.9%"), Ok((Op::GreaterOrEqual, 0.999)));
        for (metric, wrong) in [
            ("response.p99", "800ms"),
            ("response.p99", "<"),
            ("throttled", "< 800ms"),
            ("throttled", "< 101%"),
            ("throttled", "< 200"),
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

    /// A limit without its unit is never guessed: it is answered with what it may have meant.
    #[test]
    fn a_bare_number_is_no_limit() {
        let help = |metric: &str, text: &str| Threshold::parse(named(metric).unwrap(), text).unwrap_err().help();
        assert_eq!(help("throttled", "< 1"), "a limit has its unit: 1%, or 100% if a part of 1 is meant");
        assert_eq!(help("ok", ">= 0.995"), "a limit has its unit: 0.995%, or 99.5% if a part of 1 is meant");
        assert_eq!(help("throttled", "< 5"), "a limit has its unit: 5%");
        assert_eq!(help("rate.ok", "> 25"), "a limit has its unit: 25/s");
        assert_eq!(help("response.p99", "< 800"), "a limit has its unit: 800ms, or 800s");
    }

    /// A name that is nearly right is set right; another one is answered with what there is.
    #[test]
    fn unknown_metrics_are_answered() {
        let help = |name: &str| named(name).unwrap_err().help();
        assert_eq!(help("response.p99.9"), "did you mean \"response.p999\"?");
        assert_eq!(help("trottled"), "did you mean \"throttled\"?");
        assert!(help("happiness").starts_with("known metrics: lateness, service or response with .min"));
    }

    proptest! {
        /// What is shown can be read back, near enough.
        #[test]
        fn limits_round_trip(value in 0.0..1.0f64) {
            for (quantity, scale, slack) in [(Quantity::Share, 1.0, 0.005 * value + 1e-9), (Quantity::Rate, 1e4, 50.0 * value + 1e-9), (Quantity::Time, 1e7, 0.01 * 1e7 * value + 0.01)] {
                let read = quantity.parse(&quantity.show(value * scale));
                // Zero has no unit when shown as a time.
                if let Some(read) = read {
                    prop_assert!((read - value * scale).abs() <= slack, "{value} {quantity:?} {read}");
                } else {
                    prop_assert!(quantity == Quantity::Time && value * scale < 0.001);
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
        fn any_text_is_survived(text in ".*", n in 0..Metric::thresholds().count()) {
            let _ = Metric::thresholds().nth(n).map(|metric| Threshold::parse(metric, &text));
            let _ = named(&text);
        }
    }

    /// An observation that is not a number passes nothing.
    #[test]
    fn unknown_never_holds() {
        assert!(Op::ALL.into_iter().all(|op| !op.holds(f64::NAN, 0.0)));
    }
}
