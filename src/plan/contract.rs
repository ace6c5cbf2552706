//! The contract: what a plan says, as it stands in `plan.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::PlanVerdict;
use super::launch::LaunchSecond;
use super::limit::KnownFrom;
use super::spread::InputUnit;

/// Version of this contract.
pub const SCHEMA: u32 = 1;

/// What a plan says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanReport {
    /// Version of this contract: 1.
    pub schema: u32,
    /// The plan's name.
    pub name: String,
    /// Where.
    pub region: String,
    /// Every draw came from it.
    pub seed: u64,
    /// The answer.
    pub verdict: PlanVerdict,
    /// Why, in sentences; the first is the answer in a line.
    pub reasons: Vec<String>,
    /// Share of the calls that may be refused at the peak.
    pub target_refused_share: f64,
    /// The day of the launch, `YYYY-MM-DD`; null where the plan does not say it.
    pub launch_date: Option<String>,
    /// Cases that were drawn.
    pub draws: u64,
    /// Who comes, and when.
    pub demand: DemandFigures,
    /// The four quotas, each judged alone at the demand of users who see no error.
    pub quotas: Vec<QuotaFigures>,
    /// The launch as it is, simulated, with what the quotas do to each other.
    pub launch: LaunchReport,
    /// The first launch as it is, second by second, of one region.
    pub timeline: Vec<LaunchSecond>,
    /// What could be done instead.
    pub options: Vec<OptionFigures>,
    /// What each uncertain input does to the quota that is shortest, the greatest effect first.
    pub sensitivity: Vec<InputEffect>,
    /// What to ask AWS for.
    pub ask: Vec<QuotaAsk>,
    /// Whether retries can keep an overload alive.
    pub stability: StabilityFigures,
    /// What was assumed because the plan does not say it.
    pub assumptions: Vec<String>,
    /// What the checks of the launch cost.
    pub spend_usd: Spend,
}

/// A number in the cases that were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// With every input as expected.
    pub expected: f64,
    /// Exceeded in nine of ten cases.
    pub p10: f64,
    /// Exceeded in half of the cases.
    pub p50: f64,
    /// Exceeded in one of ten cases.
    pub p90: f64,
    /// Exceeded in one of twenty cases.
    pub p95: f64,
}

/// Who comes, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DemandFigures {
    /// Users in all.
    pub users_total: Percentiles,
    /// Users per second at the peak.
    pub users_peak_per_s: Percentiles,
    /// Checks per second at the peak, failed ones that are repeated among them.
    pub checks_peak_per_s: Percentiles,
    /// Sessions at once at the peak, on average.
    pub sessions_at_once: Percentiles,
    /// Checks of a user on average.
    pub checks_per_user: f64,
    /// When the peak is, in seconds from the start.
    pub peak_at_s: f64,
    /// Seconds of the plan.
    pub length_s: f64,
    /// Coefficient of variation of the rate from minute to minute.
    pub dispersion_cv: f64,
    /// What the demand is made of.
    pub source: String,
    /// Users per second over time, over the cases.
    pub bands: Vec<Band>,
}

/// The demand at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// Seconds from the start.
    pub at_s: f64,
    /// Users per second, exceeded in nine of ten cases.
    pub p10: f64,
    /// As expected.
    pub expected: f64,
    /// Exceeded in one of ten cases.
    pub p90: f64,
}

/// A rate and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateInterval {
    /// At least.
    pub low: f64,
    /// Most likely.
    pub point: f64,
    /// At most.
    pub high: f64,
}

/// One of the four quotas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaFigures {
    /// `CreateFaceLivenessSession`, `StartFaceLivenessSession`, `GetFaceLivenessSessionResults` or `ConcurrentSessions`.
    pub operation: String,
    /// Its code in Service Quotas.
    pub quota_code: String,
    /// What enforces it.
    pub kind: String,
    /// Calls per second; null for sessions at once, and where there is no limit.
    pub rate_per_s: Option<RateInterval>,
    /// Calls at once from rest; null where nobody knows, and for sessions at once.
    pub burst: Option<f64>,
    /// Sessions at once; null for rates.
    pub limit: Option<u32>,
    /// How it is known.
    pub evidence: KnownFrom,
    /// What is known of it besides.
    pub notes: Vec<String>,
    /// Calls per second at the peak, or sessions at once, that the users bring.
    pub load: f64,
    /// How much of it is needed.
    pub needed: Percentiles,
    /// What is needed if the burst is only a fifth of a second's calls; null where the burst is known.
    pub needed_small_burst: Option<f64>,
    /// What is needed in 0 %, 1 %, ..., 100 % of the cases at most.
    pub needed_quantiles: Vec<f64>,
    /// What is left of it beyond what is needed, as a share of it; below 0 where it is short.
    pub headroom_share: Option<f64>,
    /// Share of the cases in which it is enough, as it most likely is.
    pub p_enough: f64,
    /// The same at the worst end of what is not known of the quota.
    pub p_enough_worst: f64,
    /// The same at the best end.
    pub p_enough_best: f64,
    /// The answer for this quota.
    pub verdict: PlanVerdict,
    /// Share refused at the peak, as expected.
    pub refused_share_at_peak: f64,
    /// Share refused over the whole plan, as expected.
    pub refused_share_total: f64,
}

/// Simulated launches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchReport {
    /// How many launches.
    pub replications: usize,
    /// Users who came.
    pub users: f64,
    /// Creates that were sent, attempts counted.
    pub creates_sent: f64,
    /// Creates sent for each check of users who see no error.
    pub amplification: f64,
    /// The most creates per second over ten seconds, in one region.
    pub creates_peak_per_s: f64,
    /// Share of the creates sent that was refused.
    pub create_refused_share: f64,
    /// Share of the starts that was refused.
    pub start_refused_share: f64,
    /// Share of the calls for results that was refused.
    pub get_refused_share: f64,
    /// Share of the users who saw an error.
    pub error_seen_share: f64,
    /// Share of the users whose check succeeded.
    pub verified_share: f64,
    /// Half of the users had a session after this time.
    pub wait_p50_us: u64,
    /// All but a hundredth had a session after this time.
    pub wait_p99_us: u64,
    /// The most sessions at once, in one region.
    pub concurrent_max: f64,
    /// Streams, which are paid for.
    pub checks: f64,
    /// Standard errors over the replications.
    pub standard_errors: LaunchErrors,
}

/// Standard errors of the figures of the same names; 0 of one replication.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchErrors {
    /// Of the users.
    pub users: f64,
    /// Of the creates sent.
    pub creates_sent: f64,
    /// Of the share of creates refused.
    pub create_refused_share: f64,
    /// Of the share of starts refused.
    pub start_refused_share: f64,
    /// Of the share of users who saw an error.
    pub error_seen_share: f64,
    /// Of the share of users whose check succeeded.
    pub verified_share: f64,
    /// Of the median wait.
    pub wait_p50_us: f64,
    /// Of the wait of the slowest hundredth.
    pub wait_p99_us: f64,
    /// Of the most sessions at once.
    pub concurrent_max: f64,
}

/// Something that could be done instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptionFigures {
    /// Its name.
    pub name: String,
    /// What changes.
    pub change: String,
    /// Users per second that its waiting room lets in; null without one.
    pub waiting_room_per_s: Option<f64>,
    /// Its launch, simulated.
    pub launch: LaunchReport,
    /// What its checks cost.
    pub spend_usd: f64,
    /// What it costs more than the plan as it is.
    pub delta_spend_usd: f64,
    /// What it costs besides.
    pub costs: String,
    /// Days before it is in effect.
    pub lead_time_days: u32,
    /// The last day to begin, `YYYY-MM-DD`; null where the plan does not say when the launch is.
    pub latest_request_date: Option<String>,
}

/// What an uncertain input does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputEffect {
    /// Which.
    pub input: String,
    /// What its ends are measured in.
    pub unit: InputUnit,
    /// Its low end.
    pub low: f64,
    /// Its high end.
    pub high: f64,
    /// The operation whose quota the rest is about.
    pub quota: String,
    /// What is needed with it low, everything else as expected.
    pub needed_low: f64,
    /// What is needed with it high.
    pub needed_high: f64,
    /// Correlation of its rank with that of what is needed.
    pub spearman: f64,
}

/// What to ask AWS for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaAsk {
    /// The code in Service Quotas.
    pub quota_code: String,
    /// The operation, or `ConcurrentSessions`.
    pub operation: String,
    /// Where.
    pub region: String,
    /// What there is.
    pub current: f64,
    /// What to ask for.
    pub desired: f64,
    /// Share of the cases in which that is enough.
    pub p_enough: f64,
    /// Why so much.
    pub justification: String,
}

/// Whether retries can keep an overload alive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StabilityFigures {
    /// Attempts of a call over all layers: the client's and the users'.
    pub attempts_all_layers: f64,
    /// `safe`, `vulnerable` or `overloaded`.
    pub class: String,
    /// What it means here.
    pub meaning: String,
}

/// What the checks cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spend {
    /// With every input as expected, and nobody refused.
    pub expected: f64,
    /// In one of ten cases more.
    pub p90: f64,
    /// US dollars for the first check.
    pub price_per_check_usd: f64,
}

/// The JSON Schema of [`PlanReport`].
pub fn report_schema() -> String {
    let schema = schemars::schema_for!(PlanReport);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
