//! What must hold: a metric, a comparison and a limit.

use std::time::Duration;

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
    /// `missed`: share of the offered calls that found no room.
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

/// A limit in the unit of its kind, from a duration.
#[allow(clippy::cast_precision_loss)] // microseconds of a limit that a person wrote
pub fn limit_us(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}
