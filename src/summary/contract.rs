//! The shape of `summary.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{Called, CpuUse, Harness};
use super::figures::{GroupLine, SegmentLine, ShardClock, Stats};
use super::stop::Stop;
use crate::client::UnexpectedAnswer;
use crate::client::outcome::Outcome;
use crate::record::ledger::{Finding, RoleRow, Window};
use crate::record::names::Names;
use crate::record::sample::Role;

/// Version of the contract.
pub const SCHEMA: u32 = 2;

/// One run's numbers. All times are microseconds, all shares lie between 0 and 1, unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Version of this contract: 2.
    pub schema: u32,
    /// What became of what the run was to show: passed, failed or not trusted.
    pub result: RunResult,
    /// Why the result is what it is, in one line.
    pub result_why: String,
    /// Whether the numbers can be trusted.
    pub verdict: Verdict,
    /// The scenario's name.
    pub name: String,
    /// What the scenario shows.
    pub description: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Whether arrivals wait for answers.
    pub model: ModelKind,
    /// What was called.
    pub called: Called,
    /// Why the run stopped.
    pub stop: Stop,
    /// From the start to the last answer.
    pub elapsed_us: Option<u64>,
    /// What must hold, with what was observed.
    pub thresholds: Vec<ThresholdResult>,
    /// Every scheduled call, accounted for.
    pub counts: Counts,
    /// Calls per second.
    pub rates: Rates,
    /// Refusals for rate by cause.
    pub throttled: Throttled,
    /// The names that the service gave to its exceptions.
    pub exceptions: Names,
    /// Answers by their HTTP status.
    pub statuses: BTreeMap<u16, u64>,
    /// The first answer that the service's model does not know, as it came; null if there was none.
    pub unexpected: Option<UnexpectedAnswer>,
    /// What happened to each mix, in the scenario's order.
    pub mixes: Vec<MixLine>,
    /// Lateness, service and response.
    pub latency: LatencyTable,
    /// Whether the true upper percentiles (above the median) are at least those given: calls that were never sent would have been slow.
    pub percentiles_are_lower_bounds: bool,
    /// Why, when they are.
    pub lower_bounds_why: Option<String>,
    /// Sessions handed out.
    pub sessions: SessionCounts,
    /// What became of repeated tokens.
    pub idempotency: IdempotencyReport,
    /// The harness's own part.
    pub own: Own,
    /// How many shards the run was merged of; absent for a run of one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u64>,
    /// A merged run by `LIVEBENCH_GROUP`, in the order of the names; absent if no shard has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupLine>,
    /// The clocks of a merged run's shards, as far as something is known of them, in their order; absent for a run of one machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ShardClock>,
    /// The segments of a run that was cut off and resumed, in order; absent for a run of one. Everything else here is over all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentLine>,
    /// The histograms behind `latency`, by `series.class`: HdrHistogram V2, deflated, base64; microseconds, 3 digits.
    pub histograms: BTreeMap<String, String>,
}

/// What became of what a run was to show. The verdict on the measurement is another thing: see [`Validity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Every threshold is met, and no token got two sessions.
    Passed,
    /// A threshold is missed, or idempotency is violated.
    Failed,
    /// The measurement cannot say: it is INVALID, was interrupted, or a threshold could not be observed.
    NotTrusted,
}

impl RunResult {
    /// As people read it: `PASSED`, `FAILED` or `NOT TRUSTED`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::NotTrusted => "NOT TRUSTED",
        }
    }
}

/// Whether the numbers can be trusted, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The worst of the reasons.
    pub validity: Validity,
    /// The worst first.
    pub reasons: Vec<Reason>,
}

/// A verdict on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Validity {
    /// The numbers say what they seem to say.
    Valid,
    /// Read the reasons before the numbers.
    Suspect,
    /// The numbers do not answer the question.
    Invalid,
}

/// How much a reason weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Makes the run SUSPECT.
    Suspect,
    /// Makes the run INVALID.
    Invalid,
}

/// Why a run is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// How much it weighs.
    pub severity: Severity,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Whether arrivals wait for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Arrivals do not wait.
    Open,
    /// Workers each wait for their answer.
    Closed,
}

/// Every scheduled call, accounted for: `ok + throttled + errors + missed + capped + harness + unknown + unsent = scheduled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Calls of the schedule; in the closed model those that workers came to.
    pub scheduled: u64,
    /// Calls that have an end: everything but `unsent`.
    pub ended: u64,
    /// Calls whose time never came, or whose end nobody saw.
    pub unsent: u64,
    /// Calls handed to the client.
    pub sent: u64,
    /// Sessions handed out.
    pub ok: u64,
    /// Refused for rate.
    pub throttled: u64,
    /// All other endings of sent calls.
    pub errors: u64,
    /// Due, but the harness had no room, or was more than 100 ms late.
    pub missed: u64,
    /// Due, but refused by the scenario's own `max_rate`.
    pub capped: u64,
    /// Due, but this machine had no file, port or memory left for them.
    pub harness: u64,
    /// Due when the run was cut off, which was resumed later: nobody saw their end. Neither ok nor missed.
    #[serde(default)]
    pub unknown: u64,
    /// By outcome, all of them.
    pub by_outcome: BTreeMap<Outcome, u64>,
}

/// Calls per second; null where there is no time to divide by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    /// Scheduled calls over the schedule's length.
    pub offered_per_s: Option<f64>,
    /// Sent calls over the time in which calls were sent, at least the schedule's length of a completed run.
    pub sent_per_s: Option<f64>,
    /// Sessions over the same time.
    pub ok_per_s: Option<f64>,
}

/// Refusals for rate by cause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Throttled {
    /// `ProvisionedThroughputExceededException`: over the account's quota.
    pub quota: u64,
    /// `ThrottlingException` 400: the rate rose too fast.
    pub ramp: u64,
    /// `ThrottlingException` 500: the service is scaling.
    pub service: u64,
}

/// What happened to one mix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MixLine {
    /// The mix.
    pub name: String,
    /// Calls with it that have an end.
    pub ended: u64,
    /// Calls sent.
    pub sent: u64,
    /// Sessions handed out.
    pub ok: u64,
}

/// The three times of a call: `response = lateness + service`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Latency")]
pub struct LatencyTable {
    /// `sent - due`: ours.
    pub lateness: ByClass,
    /// `done - sent`: theirs.
    pub service: ByClass,
    /// `done - due`: what a user would have felt.
    pub response: ByClass,
}

/// One series, over everything that was sent and by class; null without samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ByClass {
    /// Everything that was sent.
    pub all: Option<Stats>,
    /// Sessions handed out.
    pub ok: Option<Stats>,
    /// Refused for rate.
    pub throttled: Option<Stats>,
    /// All other endings.
    pub error: Option<Stats>,
}

/// Sessions handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Sessions")]
pub struct SessionCounts {
    /// 200s with a well-formed session id.
    pub ok_200s: u64,
    /// 200s without one.
    pub malformed_200s: u64,
    /// Different session ids; null when they were not compared over the whole run.
    pub distinct: Option<u64>,
}

/// What became of repeated tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Idempotency")]
pub struct IdempotencyReport {
    /// How old a session must be to count as expired.
    pub session_ttl_us: u64,
    /// How much was compared.
    pub window: Window,
    /// Contradictions in all.
    pub violations: u64,
    /// The first 100 of them, by time.
    pub findings: Vec<Finding>,
    /// By role, those that occurred.
    pub by_role: Vec<RoleLine>,
    /// What only the service can define, as it was seen.
    pub observed: Vec<String>,
}

/// What became of the repetitions of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleLine {
    /// The role.
    pub role: Role,
    /// Its counts.
    #[serde(flatten)]
    pub row: RoleRow,
}

/// The harness's own part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Its lateness, 99th percentile over everything that was sent; null below 100 calls, as every p99.
    pub lateness_p99_us: Option<u64>,
    /// The same beside the response's 99th percentile (of the ok ones; of all if fewer than 100 are ok); null where one of the two is.
    pub lateness_share_of_response: Option<f64>,
    /// CPU; null if unknown or in virtual time.
    pub cpu: Option<CpuUse>,
    /// What the machine did to it; null if unknown or in virtual time.
    #[serde(default)]
    pub harness: Option<Harness>,
}

/// Whether a threshold holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdStatus {
    /// It holds.
    Ok,
    /// It does not.
    Failed,
    /// There is nothing to compare.
    Unknown,
}

/// What a value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// A share from 0 to 1.
    Share,
    /// A number.
    Count,
    /// Calls per second.
    PerS,
}

/// A threshold and what was observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdResult {
    /// What is observed: `response.p99`.
    pub metric: String,
    /// The line as given: `< 800ms`.
    pub expression: String,
    /// What it is measured in.
    pub unit: Unit,
    /// What was observed; null if there is nothing to observe.
    pub observed: Option<f64>,
    /// Whether the true value is at least the observed one, since calls were missed.
    pub lower_bound: bool,
    /// Whether it holds.
    pub status: ThresholdStatus,
}
