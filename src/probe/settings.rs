//! What a probe may spend, and why it ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a probe may spend, and when it is content.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeSettings {
    /// Half of the rate's interval, relative to the rate, that is narrow enough: from then on telling kinds apart is worth more.
    pub precision: f64,
    /// Calls at most.
    pub max_calls: u32,
    /// Sessions at most: calls that are let through.
    pub max_sessions: u32,
    /// Seconds at most.
    pub max_seconds: f64,
    /// Share of the answers that may contradict the kind that is named before anybody else is suspected.
    #[serde(default)]
    pub outliers: f64,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        // derived: half a percent, ten calls of each of sixty tokens, and what a user waits for
        Self { precision: 0.005, max_calls: 600, max_sessions: 600, max_seconds: 30.0, outliers: 0.0, seed: 1 }
    }
}

/// Why a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeStop {
    /// The interval is as narrow as asked: probes of 0.1.0.
    Precision,
    /// `max_calls` were sent.
    Calls,
    /// `max_sessions` may be reached with the next calls.
    Sessions,
    /// The time is over.
    Time,
    /// More would not tell more: probes of 0.1.0.
    Enough,
    /// Everything was refused from the first call on.
    Shut,
    /// Somebody asked for it.
    Interrupted,
    /// Access was denied.
    Denied,
    /// Five answers in a row were neither a success nor a refusal.
    Unanswered,
    /// This machine had nothing left for another call: no file descriptor, port or memory.
    Exhausted,
    /// It ended without a word.
    Killed,
}
