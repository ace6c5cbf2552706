//! A plan with one option applied: what is planned and simulated.

use super::document::{Caller, Plan, Quotas, WhatIf};
use super::limit::Concurrent;
use super::spread::Case;
use crate::num::float;
use crate::stats::erlang;

/// A waiting room lets in evenly, so a rate carries nearly all of itself; repeats need some room.
const EVEN: f64 = 0.9;

/// A plan as it would be with an option.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// Its quotas, changed.
    pub quotas: Quotas,
    /// Its client, changed.
    pub client: Caller,
    /// How long messages are sent over, if that changes, in seconds.
    pub send_over_s: Option<f64>,
    /// Regions over which users are spread evenly.
    pub regions: u32,
    /// Users per second that a waiting room lets in.
    pub pace: Option<f64>,
}

/// What one case of the demand brings, in one region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeakLoad {
    /// Users in all, of every region.
    pub users: f64,
    /// The most users per second, of every region.
    pub users_peak: f64,
    /// When, in seconds.
    pub peak_at_s: f64,
    /// Checks of a user on average.
    pub checks_per_user: f64,
    /// Calls per second at the peak, of Create, Start and Get.
    pub calls: [f64; 3],
    /// Sessions at once at the peak, on average.
    pub erlangs: f64,
}

impl<'p> Situation<'p> {
    /// The plan as it is.
    pub fn as_is(plan: &'p Plan) -> Self {
        Self { plan, quotas: plan.quotas.clone(), client: plan.client, send_over_s: None, regions: 1, pace: None }
    }

    /// The plan with an option.
    pub fn with(plan: &'p Plan, option: &WhatIf) -> Self {
        let mut scene = Self::as_is(plan);
        let quotas = &mut scene.quotas;
        for (quota, rate) in [&mut quotas.create, &mut quotas.start, &mut quotas.get].into_iter().zip(option.rates) {
            if let Some(rate) = rate {
                *quota = quota.raised(rate);
            }
        }
        if let Some(sessions) = option.concurrent {
            quotas.concurrent = Concurrent { sessions, ..quotas.concurrent };
        }
        scene.client.attempts = option.attempts.unwrap_or(scene.client.attempts);
        Self { send_over_s: option.send_over_s, regions: option.regions.unwrap_or(1), pace: option.waiting_room, ..scene }
    }

    /// What a case brings.
    pub fn load(&self, case: &Case) -> PeakLoad {
        let Plan { demand, users, .. } = self.plan;
        let curve = demand.curve(case, self.send_over_s);
        let (users_peak, peak_at_s) = curve.peak();
        let checks_per_user = checks_per_user(users.fail.at(case) * users.repeat.at(case), users.checks_at_most);
        let let_in = users_peak.min(self.pace.unwrap_or(f64::INFINITY));
        let checks = let_in * checks_per_user / float(u64::from(self.regions));
        let creates = checks * checks_per_user_lost(self.client.lost, self.client.attempts);
        PeakLoad {
            users: curve.users(),
            users_peak,
            peak_at_s,
            checks_per_user,
            calls: [creates, checks, checks * users.gets_per_check],
            erlangs: checks * users.session_s.at(case),
        }
    }

    /// The pace at which a waiting room keeps every quota to its target, in users per second: the tightest of the four.
    pub fn safe_pace(&self) -> f64 {
        let users = &self.plan.users;
        let expected = |spread: super::spread::Uncertain| spread.at(&Case::Expected);
        let checks = checks_per_user(expected(users.fail) * expected(users.repeat), users.checks_at_most);
        let target = self.plan.target;
        let sessions = erlang::load_for(u64::from(self.quotas.concurrent.sessions), target) / expected(users.session_s).max(1e-9);
        let rates = [(&self.quotas.create, 1.0), (&self.quotas.start, 1.0), (&self.quotas.get, users.gets_per_check)];
        let rates = rates.map(|(quota, calls)| (quota.rate[1] - self.quotas.shared).max(0.0) * EVEN / f64::max(calls, 1e-9));
        rates.into_iter().fold(sessions, f64::min) / checks
    }
}

/// Checks of a user, of which a share `again` leads to another, `at_most` in all.
pub fn checks_per_user(again: f64, at_most: u32) -> f64 {
    (0..at_most).map(|n| again.powi(i32::try_from(n).unwrap_or(i32::MAX))).sum()
}

/// Calls for one that must be answered, when a share of the answers is lost and retried.
fn checks_per_user_lost(lost: f64, attempts: u32) -> f64 {
    checks_per_user(lost, attempts.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A failed check in ten, four in five of them repeated, three at most.
    #[test]
    fn repeated_checks() {
        assert!((checks_per_user(0.08, 3) - 1.0864).abs() < 1e-12);
        assert!((checks_per_user(0.9, 1) - 1.0).abs() < 1e-12);
    }
}
