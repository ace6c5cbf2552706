//! A stall of the server: what users felt, beside what the report says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ServedCall, nearest_rank};
use crate::num::float;
use crate::summary::{Stats, Validity};

/// A distribution of times, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Times")]
pub struct StallTimes {
    /// The median.
    pub p50_us: u64,
    /// The 95th percentile.
    pub p95_us: u64,
    /// The 99th percentile.
    pub p99_us: u64,
    /// The mean.
    pub mean_us: u64,
}

impl StallTimes {
    /// As a summary has them; percentiles that it does not have are 0.
    pub fn reported(stats: &Stats) -> Self {
        Self {
            p50_us: stats.p50_us.unwrap_or(0),
            p95_us: stats.p95_us.unwrap_or(0),
            p99_us: stats.p99_us.unwrap_or(0),
            mean_us: stats.mean_us,
        }
    }

    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let mean = values.iter().sum::<u64>().checked_div(values.len() as u64).unwrap_or(0);
        Self {
            p50_us: nearest_rank(&values, 0.50),
            p95_us: nearest_rank(&values, 0.95),
            p99_us: nearest_rank(&values, 0.99),
            mean_us: mean,
        }
    }
}

/// The load and the stall that a server is put under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServerStall {
    /// Calls per second, above 0.
    pub rate_per_s: f64,
    /// For how many seconds it answers nothing.
    pub stall_s: f64,
}

/// What the report of such a run says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// Its response times.
    pub reported: StallTimes,
    /// Its service times.
    pub service: StallTimes,
    /// Calls of the schedule that were not sent.
    pub missed: u64,
    /// Whether the run is to be believed.
    pub validity: Validity,
}

/// What a stall of the server did, and what was told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Honesty {
    /// How the calls went: `sdk` or `wire`.
    pub transport: String,
    /// The rate.
    pub rate_per_s: f64,
    /// How long the server answered nothing.
    pub stall_s: f64,
    /// Calls of the schedule that were not sent.
    pub missed: u64,
    /// From due to the answer's first byte leaving the server: nobody can have felt less.
    pub truth: StallTimes,
    /// The report's response times.
    pub reported: StallTimes,
    /// The report's service times: what a tool says that starts its clock when it sends.
    pub service: StallTimes,
    /// How far the reported 99th percentile is from the truth, as a share of it. Null if nothing was answered.
    pub p99_off: Option<f64>,
    /// What the run said of itself.
    pub validity: Validity,
}

impl Honesty {
    /// Holds the two against each other.
    pub fn of(transport: &str, stall: ServerStall, seen: &[ServedCall], claim: Claim) -> Self {
        let Claim { reported, service, missed, validity } = claim;
        let truth = StallTimes::of(seen.iter().filter_map(|call| Some(call.replied_us?.saturating_sub(call.due_us))).collect());
        let off = float(reported.p99_us.abs_diff(truth.p99_us)) / float(truth.p99_us);
        Self {
            transport: transport.to_owned(),
            rate_per_s: stall.rate_per_s,
            stall_s: stall.stall_s,
            missed,
            truth,
            reported,
            service,
            p99_off: (truth.p99_us > 0).then_some(off),
            validity,
        }
    }
}
