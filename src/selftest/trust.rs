//! What follows from the figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Honesty, PacingResult, SendSetup, believed};

/// The rate error up to which a schedule counts as kept.
pub const MOST_RATE_ERROR: f64 = 1e-4;

/// How far a reported 99th percentile may be from the truth.
pub const MOST_OFF: f64 = 0.005;

/// The most that the harness can send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ceiling {
    /// How the calls went: `sdk` or `wire`.
    pub transport: String,
    /// Workers of the closed model.
    pub workers: u32,
    /// Calls that were answered.
    pub calls: u64,
    /// Calls per second, with the emulator on the same machine.
    pub calls_per_s: f64,
    /// CPU time of the load threads, a call; null where the system does not say.
    pub cpu_us_per_call: Option<f64>,
}

/// The rates that one way has kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// How.
    #[serde(flatten)]
    pub way: SendSetup,
    /// The highest rate tried up to which nothing was missed, no run was INVALID and the rate error stayed within [`MOST_RATE_ERROR`]; null
    /// if not even the lowest was kept.
    pub up_to_per_s: Option<f64>,
    /// The 99th percentile of the deviation there: differences between latencies below it are this machine's.
    pub deviation_p99_us: Option<u64>,
}

/// What this machine can be trusted with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Trust")]
pub struct TrustReport {
    /// Schedules, a way each.
    pub schedules: Vec<Kept>,
    /// Whether every reported 99th percentile was within [`MOST_OFF`] of the truth.
    pub percentiles: bool,
    /// Whether it can be trusted with anything: some schedule was kept, and percentiles are true.
    pub trusted: bool,
    /// The same in sentences.
    pub says: Vec<String>,
}

impl TrustReport {
    pub(super) fn of(pacing: &[PacingResult], honesty: &[Honesty], ceiling: &[Ceiling]) -> Self {
        let mut ways: Vec<&SendSetup> = Vec::new();
        for measured in pacing {
            if !ways.contains(&&measured.way) {
                ways.push(&measured.way);
            }
        }
        let schedules: Vec<Kept> = ways.into_iter().map(|way| kept(way, pacing)).collect();
        let percentiles = honesty.iter().all(|told| told.p99_off.is_some_and(|off| off <= MOST_OFF) && believed(told.validity));
        let some_kept = schedules.is_empty() || schedules.iter().any(|kept| kept.up_to_per_s.is_some());
        let says = schedules.iter().map(schedule_says).chain(ceiling.iter().map(ceiling_says)).chain(tax_says(ceiling));
        let says = says.chain((!honesty.is_empty()).then(|| honesty_says(percentiles)));
        Self { says: says.collect(), percentiles, trusted: percentiles && some_kept, schedules }
    }
}

/// From the lowest rate up: where one is not kept, those above it do not count.
fn kept(way: &SendSetup, pacing: &[PacingResult]) -> Kept {
    let mut tried: Vec<&PacingResult> = pacing.iter().filter(|measured| measured.way == *way).collect();
    tried.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    let best = tried.into_iter().take_while(|measured| is_kept(measured)).last();
    Kept {
        way: way.clone(),
        up_to_per_s: best.map(|measured| measured.rate_per_s),
        deviation_p99_us: best.map(|measured| measured.deviation.p99_us),
    }
}

fn is_kept(measured: &PacingResult) -> bool {
    measured.missed == 0 && believed(measured.validity) && measured.rate_error.is_some_and(|error| error.abs() <= MOST_RATE_ERROR)
}

fn schedule_says(kept: &Kept) -> String {
    let SendSetup { transport, pacing } = &kept.way;
    match (kept.up_to_per_s, kept.deviation_p99_us) {
        (Some(rate), Some(deviation)) => format!(
            "transport \"{transport}\", pacing \"{pacing}\": schedules of up to {rate}/s are kept; latencies that differ by less than {deviation} us may be this machine's"
        ),
        _ => format!(
            "transport \"{transport}\", pacing \"{pacing}\": not even the lowest rate was kept; stop what else runs here, or use a machine with more cores"
        ),
    }
}

fn ceiling_says(ceiling: &Ceiling) -> String {
    format!(
        "transport \"{}\": {:.0} calls/s with the emulator on the same machine; stay below half of that, or you measure livebench",
        ceiling.transport, ceiling.calls_per_s
    )
}

/// The SDK beside the same calls without it, where both were measured.
fn tax_says(ceiling: &[Ceiling]) -> Option<String> {
    let cpu = |transport: &str| ceiling.iter().find(|c| c.transport == transport)?.cpu_us_per_call;
    let (sdk, wire) = (cpu("sdk")?, cpu("wire")?);
    Some(format!("the AWS SDK's tax is {:.1} us of CPU a call: {sdk:.1} us with it, {wire:.1} us without", sdk - wire))
}

fn honesty_says(percentiles: bool) -> String {
    if percentiles {
        format!("a stall of the server is measured as users would see it, the 99th percentile within {} %", MOST_OFF * 100.0)
    } else {
        format!(
            "a stall of the server was measured with an error of more than {} %: this machine was too busy, do not trust its upper percentiles",
            MOST_OFF * 100.0
        )
    }
}
