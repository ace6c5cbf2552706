//! The schedule as the server saw it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SendSetup, ServedCall, nearest_rank};
use crate::num::{count, float};
use crate::summary::Validity;

/// A distribution, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Spread")]
pub struct DelayPercentiles {
    /// The median.
    pub p50_us: u64,
    /// The 99th percentile.
    pub p99_us: u64,
    /// The largest.
    pub max_us: u64,
}

impl DelayPercentiles {
    /// Of these values; zeros of nothing.
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        Self {
            p50_us: nearest_rank(&values, 0.50),
            p99_us: nearest_rank(&values, 0.99),
            max_us: values.last().copied().unwrap_or(0),
        }
    }
}

/// One rate, kept in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Pacing")]
pub struct PacingResult {
    /// How.
    #[serde(flatten)]
    pub way: SendSetup,
    /// The rate asked for, even arrivals.
    pub rate_per_s: f64,
    /// Calls of the schedule.
    pub calls: u64,
    /// Calls of it that were not sent.
    pub missed: u64,
    /// From due to the arrival of the last byte at the server: send lag, client, sockets and the server's reading.
    pub deviation: DelayPercentiles,
    /// From due to the hand-over to the client: the pacer's own part.
    pub send_lag: DelayPercentiles,
    /// How much faster (above 0) or slower the arrivals came than the schedule, as a share: 1 over the slope of the regression of
    /// arrival over due, less 1. Null below two calls.
    pub rate_error: Option<f64>,
    /// Standard deviation over mean of the times between arrivals; 0 is a perfect grid, 1 a Poisson stream. Null below three calls.
    pub inter_arrival_cv: Option<f64>,
    /// CPU time of the load threads over elapsed time: what the pacing costs, spinning included.
    pub load_cpu_share: Option<f64>,
    /// What the run said of itself.
    pub validity: Validity,
}

/// What the run itself knew.
#[derive(Debug, Clone)]
pub struct Reported {
    /// How the calls went.
    pub way: SendSetup,
    /// Its rate.
    pub rate_per_s: f64,
    /// Calls of the schedule that were not sent.
    pub missed: u64,
    /// From due to the hand-over.
    pub send_lag: DelayPercentiles,
    /// CPU of the load threads.
    pub load_cpu_share: Option<f64>,
    /// Its verdict on itself.
    pub validity: Validity,
}

impl PacingResult {
    /// Holds what the server saw against the schedule.
    pub fn of(seen: &[ServedCall], told: Reported) -> Self {
        let Reported { way, rate_per_s, missed, send_lag, load_cpu_share, validity } = told;
        Self {
            way,
            rate_per_s,
            calls: seen.len() as u64 + missed,
            missed,
            deviation: DelayPercentiles::of(seen.iter().map(|call| call.arrived_us.saturating_sub(call.due_us)).collect()),
            send_lag,
            rate_error: slope(seen).map(|slope| 1.0 / slope - 1.0),
            inter_arrival_cv: inter_arrival_cv(seen),
            load_cpu_share,
            validity,
        }
    }
}

/// Microseconds of arrival a microsecond of schedule, by least squares.
fn slope(seen: &[ServedCall]) -> Option<f64> {
    let n = count(seen.len());
    let mean = |of: fn(&ServedCall) -> u64| seen.iter().map(|call| float(of(call))).sum::<f64>() / n;
    let (due, arrived) = (mean(|call| call.due_us), mean(|call| call.arrived_us));
    let (mut above, mut below) = (0.0, 0.0);
    for call in seen {
        let x = float(call.due_us) - due;
        above += x * (float(call.arrived_us) - arrived);
        below += x * x;
    }
    (above > 0.0 && below > 0.0).then(|| above / below)
}

fn inter_arrival_cv(seen: &[ServedCall]) -> Option<f64> {
    let mut arrived: Vec<u64> = seen.iter().map(|call| call.arrived_us).collect();
    arrived.sort_unstable();
    let gaps: Vec<f64> = arrived.windows(2).map(|pair| float(pair[1] - pair[0])).collect();
    if gaps.len() < 2 {
        return None;
    }
    let mean = crate::stats::batch::mean(&gaps);
    (mean > 0.0).then(|| crate::stats::batch::sample_variance(&gaps).sqrt() / mean)
}
