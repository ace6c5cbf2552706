//! The contract: what a probe found, as it stands in `probe.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::observation::Observation;
use super::settings::{ProbeSettings, ProbeStop};
use crate::limiter::{Kind, WindowAnchor};

/// A value and the interval that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// At least.
    pub low: f64,
    /// Most likely.
    pub point: f64,
    /// At most.
    pub high: f64,
}

/// How calls were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signals {
    /// Let through.
    pub accepted: u32,
    /// Refused for the quota.
    pub quota: u32,
    /// Refused because the rate rose too fast. Part of the estimate only where `refusal` says so.
    pub ramp: u32,
    /// Refused because the service is scaling. Part of the estimate only where `refusal` says so.
    pub service: u32,
    /// Any other ending. Such a call may have cost a token.
    pub other: u32,
}

/// How it fills again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recovery {
    /// Seconds from empty until one call is let through, at most.
    pub one_s: f64,
    /// Seconds from empty until it is full.
    pub full_s: f64,
    /// Seconds of the shortest rest after which a burst was let through as large as the first; null without one.
    pub seen_full_after_s: Option<f64>,
}

/// A kind that explains less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunnerUp {
    /// Which.
    pub kind: Kind,
    /// Answers that it does not explain, at its best.
    pub violated_answers: u32,
}

/// How calls may come so that fewer than one in a thousand is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Advice {
    /// Calls per second, arriving at random (Poisson).
    pub sustained_per_s: f64,
    /// Calls at once from rest.
    pub spike: u32,
    /// Seconds of rest after such a spike.
    pub rest_s: f64,
}

/// One limit of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OneLimit {
    /// Which kind.
    pub kind: Kind,
    /// Calls per second that it lets through for long; null where it has none, or its period was not seen.
    pub rate_per_s: Option<f64>,
    /// Calls that it lets through at once from rest.
    pub burst: Option<u32>,
    /// Length of its window in seconds; null where it has none, or it was not seen.
    pub period_s: Option<f64>,
}

/// A kind that is not refuted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlsoPossible {
    /// Which.
    pub kind: Kind,
    /// Its calls per second; null where the kind has no rate.
    pub rate_per_s: Option<Estimate>,
    /// Calls that it lets through at once from rest; null where the kind has none.
    pub burst_between: Option<(u32, u32)>,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeFinding {
    /// Version of this contract: 2.
    pub schema: u32,
    /// The class of limiter.
    pub kind: Kind,
    /// Calls per second that it lets through for long; null where the kind has none.
    pub rate_per_s: Option<Estimate>,
    /// Calls that it lets through at once from rest; null where the kind has none. For a cap on calls in flight, the cap.
    pub burst: Option<u32>,
    /// The interval of `burst`.
    pub burst_between: Option<(u32, u32)>,
    /// Length of its window or step, in seconds; null where the kind has none.
    pub period_s: Option<Estimate>,
    /// Tokens of a step; null where the kind has none.
    pub step_tokens: Option<u32>,
    /// Whether the intervals hold the truth whenever the limiter is one of the catalogue and nobody else uses the quota: no statistics, within
    /// the horizon.
    pub guaranteed: bool,
    /// The posterior of each kind that the answers leave, all of them alike before.
    pub odds: BTreeMap<Kind, f64>,
    /// Seconds for which it was watched: a limit that is slower was not seen.
    pub horizon_s: f64,
    /// From when on its windows are counted; null where it has none.
    pub anchor: Option<WindowAnchor>,
    /// Tokens at the start, where it was not full; null otherwise.
    pub start_level: Option<f64>,
    /// The limits of a stacked limiter; empty otherwise.
    pub limits: Vec<OneLimit>,
    /// Seconds that a call waits at most before it is refused; null where calls do not wait.
    pub delay_s_max: Option<f64>,
    /// Seconds for which refused calls shut it; null where they do not.
    pub ban_s: Option<f64>,
    /// Other kinds that are not refuted.
    pub also: Vec<AlsoPossible>,
    /// What a refusal looks like; null where none was seen.
    pub refusal: Option<String>,
    /// Where it is not guaranteed: the share of the answers that is explained. Null where it is guaranteed or nothing is to be explained.
    pub confidence: Option<f64>,
    /// Calls per second that Service Quotas says are applied to the account; null unless it was asked and answered.
    pub applied_per_s: Option<f64>,
    /// Calls that were sent.
    pub calls: u32,
    /// Calls that made a session.
    pub sessions: u32,
    /// From the first call to the last answer.
    pub seconds: f64,
    /// Whether refused calls cost nothing; null when none was refused or it cannot be told.
    pub rejects_are_free: Option<bool>,
    /// Whether somebody else seems to use the quota, or it was not full at the start.
    pub shared_use: bool,
    /// Whether the quota seems to have changed in between.
    pub quota_changed: bool,
    /// Answers that the kind does not explain.
    pub violated_answers: u32,
    /// The kind that explains most of the others.
    pub runner_up: Option<RunnerUp>,
    /// How it fills again; null where the kind has no memory.
    pub recovery: Option<Recovery>,
    /// The highest rate that was tried over a whole experiment of 8 calls or more, per second.
    pub tried_per_s: f64,
    /// How calls were answered.
    pub signals: Signals,
    /// What to do; null when nothing is known.
    pub advice: Option<Advice>,
    /// Why the probe ended.
    pub stop: ProbeStop,
    /// What it might spend.
    pub settings: ProbeSettings,
    /// What a reader must know besides.
    pub notes: Vec<String>,
    /// Every call, in the order of sending: all that the rest is made from.
    pub observations: Vec<Observation>,
}

impl ProbeFinding {
    /// The same beside the applied quota, in calls per second.
    #[must_use]
    pub fn beside(mut self, applied_per_s: Option<f64>) -> Self {
        self.applied_per_s = applied_per_s;
        self
    }
}

/// The JSON Schema of [`ProbeFinding`].
pub fn schema() -> String {
    let schema = schemars::schema_for!(ProbeFinding);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
