//! A plan as it was read: sound, with its defaults filled in.

use std::time::Duration;

use super::demand::Demand;
use super::keys::{Jitter, TokenHabit};
use super::limit::{Concurrent, OperationQuota};
use super::spread::{Uncertain, UncertainInput};
use crate::service::region::LivenessRegion;
use crate::stats::retry::Backoff;

/// A validated plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Names it in reports: 1 to 64 characters of `a-z0-9-_`.
    pub name: String,
    /// Where.
    pub region: LivenessRegion,
    /// Every draw comes from it.
    pub seed: u64,
    /// Share of the calls that may be refused at the peak, above 0 and below 1.
    pub target: f64,
    /// The day of the launch, `YYYY-MM-DD`.
    pub launch: Option<String>,
    /// Users, and when they come.
    pub demand: Demand,
    /// What a user does.
    pub users: Users,
    /// Who calls for them.
    pub client: Caller,
    /// What AWS grants.
    pub quotas: Quotas,
    /// What could be done instead; empty for the standard set.
    pub options: Vec<WhatIf>,
    /// What a check costs.
    pub price: Price,
    /// Every uncertain number by the name that people read, in the order of their numbers.
    pub inputs: Vec<UncertainInput>,
    /// What was assumed because the plan does not say it, in sentences.
    pub assumed: Vec<String>,
}

/// What a user does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Users {
    /// Share of the checks that fail.
    pub fail: Uncertain,
    /// Share of those users who try again.
    pub repeat: Uncertain,
    /// Checks of one user at most, at least 1.
    pub checks_at_most: u32,
    /// How long before the next check, at least and at most.
    pub repeat_after: (Duration, Duration),
    /// From having a session to starting its stream, at least and at most.
    pub ready: (Duration, Duration),
    /// Mean length of a stream, in seconds.
    pub session_s: Uncertain,
    /// Deviation of its logarithm.
    pub session_sigma: f64,
    /// Share of the users who begin again after an error.
    pub again: Uncertain,
    /// How long before, at least and at most.
    pub again_after: (Duration, Duration),
    /// Tries of one user at most, the first among them; at least 1.
    pub tries_at_most: u32,
    /// Calls for the results of a check.
    pub gets_per_check: f64,
}

/// Who calls for the users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caller {
    /// Attempts of a call in all, at least 1.
    pub attempts: u32,
    /// Pauses between them.
    pub backoff: Backoff,
    /// How the pauses are drawn.
    pub jitter: Jitter,
    /// Clients with a retry quota each, at least 1.
    pub processes: u32,
    /// Which token a retry brings.
    pub token: TokenHabit,
    /// Share of the answers that are lost.
    pub lost: f64,
    /// How long an answer takes.
    pub answer: Duration,
}

/// What AWS grants the account in the region.
#[derive(Debug, Clone, PartialEq)]
pub struct Quotas {
    /// `CreateFaceLivenessSession`.
    pub create: OperationQuota,
    /// `StartFaceLivenessSession`.
    pub start: OperationQuota,
    /// `GetFaceLivenessSessionResults`.
    pub get: OperationQuota,
    /// Sessions that stream at once.
    pub concurrent: Concurrent,
    /// What others use of each rate, per second.
    pub shared: f64,
}

/// Something that could be done instead; what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WhatIf {
    /// For the table.
    pub name: String,
    /// Quotas per second, of Create, Start and Get.
    pub rates: [Option<f64>; 3],
    /// Sessions at once.
    pub concurrent: Option<u32>,
    /// How long the sending of every message takes, in seconds.
    pub send_over_s: Option<f64>,
    /// Users per second that a waiting room lets in.
    pub waiting_room: Option<f64>,
    /// Regions over which users are spread evenly.
    pub regions: Option<u32>,
    /// Attempts of a call in all.
    pub attempts: Option<u32>,
    /// Days before it is in effect.
    pub lead_time_days: Option<u32>,
    /// What it costs besides money.
    pub costs: Option<String>,
}

impl WhatIf {
    /// Whether AWS must be asked for it.
    pub fn asks(&self) -> bool {
        self.concurrent.is_some() || self.rates.iter().any(Option::is_some)
    }
}

/// What a check costs: steps by the checks of this launch, the last without an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Up to so many checks, so many US dollars each; never empty.
    pub tiers: Vec<(f64, f64)>,
    /// Whether the plan's file gives it.
    pub given: bool,
}

impl Price {
    /// US dollars for so many checks.
    pub fn usd(&self, checks: f64) -> f64 {
        let (mut from, mut sum) = (0.0, 0.0);
        for (up_to, each) in &self.tiers {
            sum += (checks.min(*up_to) - from).max(0.0) * each;
            from = up_to.max(from);
        }
        sum
    }

    /// US dollars for the first check.
    pub fn first(&self) -> f64 {
        self.tiers.first().map_or(0.0, |(_, each)| *each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tiers are paid one after the other.
    #[test]
    fn tiers_add_up() {
        let price = Price { tiers: vec![(100.0, 0.02), (1000.0, 0.01), (f64::INFINITY, 0.005)], given: true };
        assert!((price.usd(50.0) - 1.0).abs() < 1e-9 && (price.usd(200.0) - 3.0).abs() < 1e-9);
        assert!((price.usd(2000.0) - (2.0 + 9.0 + 5.0)).abs() < 1e-9 && (price.first() - 0.02).abs() < 1e-12);
    }
}
