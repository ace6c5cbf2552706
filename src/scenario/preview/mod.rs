//! What a scenario would do, without doing it: shape, calls, sessions, cost, and what its author may have overlooked.
//!
//! Refuses to send, and to promise: what depends on answers is an expectation under the emulator's own settings.

mod numbers;
mod plot;
mod text;
mod warnings;

use serde::Serialize;
pub use text::write_markdown;

use super::{Model, Scenario, Threshold};
use crate::num::float;
use crate::schedule::Schedule;
use crate::service::price;

/// What a scenario would do. Numbers that nobody can know beforehand are absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The scenario's name.
    pub name: String,
    /// What it shows; may be empty.
    pub description: String,
    /// `open` or `closed`.
    pub model: &'static str,
    /// Every draw comes from it.
    pub seed: u64,
    /// How calls reach the service: `sdk` or `wire`.
    pub transport: &'static str,
    /// Length of the stages, in seconds.
    pub length_s: f64,
    /// The stages in words, in order.
    pub stages: Vec<String>,
    /// Calls on the schedule: exact in the open model, absent in the closed one.
    pub calls: Option<u64>,
    /// Calls to expect in the closed model, from the emulator's latency and the think time.
    pub expected_calls: Option<u64>,
    /// Highest rate of the stages, calls per second; bursts have none.
    pub peak_rate_per_s: Option<f64>,
    /// Calls of the largest burst.
    pub largest_burst: Option<u32>,
    /// Most workers at once.
    pub peak_workers: Option<usize>,
    /// Calls in flight at most.
    pub concurrency: Option<usize>,
    /// Calls in flight to expect at the peak (Little's law on the emulator's 99th percentile, stalls and bursts).
    pub expected_in_flight: Option<u64>,
    /// Calls that repeat an earlier token and so make no session.
    pub expected_repeats: Option<u64>,
    /// Calls that the emulator's quota would refuse, if every call arrived when it is due.
    pub expected_throttled: Option<u64>,
    /// Different sessions to expect on the emulator.
    pub expected_sessions: Option<u64>,
    /// US dollars on AWS if every call that is sent were billed as a check.
    pub worst_case_usd: Option<f64>,
    /// The mixes with their shares of the calls.
    pub mixes: Vec<MixPreview>,
    /// What must hold, as it was understood: `response.p99 < 800 ms`.
    pub thresholds: Vec<String>,
    /// What its author may have overlooked.
    pub warnings: Vec<String>,
    /// The picture's columns.
    #[serde(skip)]
    picture: plot::Picture,
}

/// A mix in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MixPreview {
    /// Its name.
    pub name: String,
    /// Its share of the calls, 0 to 1.
    pub share: f64,
    /// `fresh`, `none` or `fixed`.
    pub token: &'static str,
    /// What is sent, as the service's JSON, without a fresh token.
    pub request: String,
}

impl Preview {
    /// The preview of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let schedule = match &scenario.load.model {
            // A validated scenario always has a schedule.
            Model::Open(open) => Schedule::new(&open.stages, open.arrivals, scenario.seed).ok(),
            Model::Closed(_) => None,
        };
        let numbers = numbers::Numbers::of(scenario, schedule.as_ref());
        let worst_case = numbers.calls.or(numbers.expected_calls).map(|n| paid_for(capped_by_budget(n, scenario), scenario));
        let worst_case_usd = worst_case.map(price::usd);
        Self {
            name: scenario.name.clone(),
            description: scenario.description.clone(),
            model: if schedule.is_some() { "open" } else { "closed" },
            seed: scenario.seed,
            transport: scenario.load.transport.name(),
            length_s: numbers.length.as_secs_f64(),
            stages: text::stages(scenario),
            calls: numbers.calls,
            expected_calls: numbers.expected_calls,
            peak_rate_per_s: numbers.peak_rate,
            largest_burst: numbers.largest_burst,
            peak_workers: numbers.peak_workers,
            concurrency: numbers.concurrency,
            expected_in_flight: numbers.in_flight,
            expected_repeats: numbers.repeats,
            expected_throttled: numbers.throttled,
            expected_sessions: numbers.sessions,
            worst_case_usd,
            mixes: mixes(scenario),
            thresholds: scenario.thresholds.iter().map(understood).collect(),
            warnings: warnings::warnings(scenario, &numbers),
            picture: plot::Picture::of(scenario, schedule.as_ref(), numbers.length),
        }
    }
}

/// A threshold as it was understood, its limit in the unit that reports use.
fn understood(threshold: &Threshold) -> String {
    format!("{} {} {}", threshold.metric, threshold.op, threshold.metric.quantity().show(threshold.limit))
}

fn capped_by_budget(calls: u64, scenario: &Scenario) -> u64 {
    calls.min(scenario.budget.max_calls.unwrap_or(u64::MAX))
}

/// Of so many calls on AWS, those that `max_spend_usd` pays for; 0 dollars keep the run away from AWS, and cap nothing.
fn paid_for(calls: u64, scenario: &Scenario) -> u64 {
    let dollars = scenario.budget.max_spend_usd;
    if dollars > 0.0 { calls.min(price::affordable_calls(dollars)) } else { calls }
}

fn mixes(scenario: &Scenario) -> Vec<MixPreview> {
    let total: u64 = scenario.mixes.iter().map(|m| u64::from(m.weight)).sum();
    let share = |weight: u32| f64::from(weight) / float(total.max(1));
    let token = |mix: &super::Mix| match (&mix.request.client_request_token, mix.fresh_token) {
        (Some(_), _) => "fixed",
        (None, true) => "fresh",
        (None, false) => "none",
    };
    scenario
        .mixes
        .iter()
        .map(|mix| MixPreview {
            name: mix.name.clone(),
            share: share(mix.weight),
            token: token(mix),
            request: serde_json::to_string(&mix.request).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
