//! How far this machine can be trusted: the schedule as the server saw it, the truth beside what a report says, the most that the harness can
//! send, and what a call costs.
//!
//! Pure: calls as the emulator's audit log and the run's own files tell them go in, a [`SelfTest`] comes out. Refuses to run anything and
//! to judge the service.

mod cost;
mod honesty;
mod pacing;
mod trust;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cost::{CallCost, CostRound};
pub use honesty::{Claim, Honesty, ServerStall, StallTimes};
pub use pacing::{DelayPercentiles, PacingResult, Reported};
pub use trust::{Ceiling, Kept, MOST_OFF, MOST_RATE_ERROR, TrustReport};

use crate::num;
use crate::summary::Validity;

/// One call: when the schedule wanted it, and what the server saw of it. Microseconds since the start of the run, on the same clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedCall {
    /// When it was due.
    pub due_us: u64,
    /// When its last byte had arrived.
    pub arrived_us: u64,
    /// When the answer's first byte had left; `None` if the client was gone.
    pub replied_us: Option<u64>,
}

/// How a run's calls were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Way")]
pub struct SendSetup {
    /// How the calls went: `sdk` or `wire`.
    pub transport: String,
    /// How due times were kept: `timer` or `spin`.
    pub pacing: String,
}

/// The machine that was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Machine")]
pub struct TestedMachine {
    /// livebench's version and commit.
    pub livebench: String,
    /// Its operating system.
    pub os: String,
    /// Its processor architecture.
    pub arch: String,
    /// Cores that this process may use; null if the system does not tell.
    pub cores: Option<usize>,
}

/// The contract of `livebench selftest --output json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "livebench selftest")]
pub struct SelfTest {
    /// Version of this contract.
    pub schema: u32,
    /// What was tested.
    pub machine: TestedMachine,
    /// The schedule as the server saw it, a rate and a way each.
    pub pacing: Vec<PacingResult>,
    /// A stall of the server, as it was and as the report tells it.
    pub honesty: Vec<Honesty>,
    /// The most that the harness can send, a transport each.
    pub ceiling: Vec<Ceiling>,
    /// What a call costs, beside hyper's bare client in the same rounds.
    pub cost: Vec<CallCost>,
    /// What follows from all this.
    pub trust: TrustReport,
}

/// Version of the contract.
pub const SCHEMA: u32 = 1;

impl SelfTest {
    /// Draws the conclusions.
    pub fn new(
        machine: TestedMachine,
        pacing: Vec<PacingResult>,
        honesty: Vec<Honesty>,
        ceiling: Vec<Ceiling>,
        cost: &[CostRound],
    ) -> Self {
        let trust = TrustReport::of(&pacing, &honesty, &ceiling);
        Self { schema: SCHEMA, machine, pacing, honesty, ceiling, cost: CallCost::of(cost), trust }
    }
}

/// The published JSON Schema of [`SelfTest`].
pub fn schema() -> String {
    let schema = schemars::schema_for!(SelfTest);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// The smallest of `sorted` that at least `share` of all do not exceed: a percentile by the nearest rank. 0 of nothing.
fn nearest_rank(sorted: &[u64], share: f64) -> u64 {
    let rank = num::place((num::count(sorted.len()) * share).ceil());
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0)
}

/// Whether a run's numbers are to be believed.
fn believed(validity: Validity) -> bool {
    validity != Validity::Invalid
}

#[cfg(test)]
mod tests;
