//! A probe's finding as a quota to plan with.
//!
//! Reads the published fields alone, so that a finding of a later version serves as well.

use std::path::Path;

use serde_json::Value;

use super::limit::{KnownFrom, LimiterFamily, OperationQuota};
use crate::num::{float, whole};
use crate::probe::ProbeFinding;

/// Where a plan's probes come from: a directory's finding, or why it cannot be had.
pub trait Probes {
    /// The finding of the probe in a directory.
    ///
    /// # Errors
    /// What is wrong with it, and the remedy.
    fn finding(&self, directory: &Path) -> Result<ProbeFinding, (String, String)>;
}

/// How much wider than it says an interval is taken that is likely and not guaranteed.
const WIDER: f64 = 2.0;

/// The quota that a probe found.
///
/// # Errors
/// What is wrong with the finding, and the remedy.
pub(super) fn quota(finding: &ProbeFinding) -> Result<OperationQuota, (String, String)> {
    // The contract, rather than this version's type of it.
    of_contract(&serde_json::to_value(finding).unwrap_or_default())
}

fn of_contract(finding: &Value) -> Result<OperationQuota, (String, String)> {
    let again = || "probe again until it is guaranteed or likely, or give the quota by hand".to_owned();
    let kind = finding["kind"].as_str().unwrap_or("inconclusive");
    if matches!(finding["stop"].as_str(), Some("killed" | "denied" | "unanswered" | "exhausted")) {
        let stop = finding["stop"].as_str().unwrap_or_default();
        return Err((format!("it was {stop}, so it found no quota"), again()));
    }
    if kind == "inconclusive" {
        return Err(("it was inconclusive".to_owned(), again()));
    }
    let guaranteed = finding["guaranteed"].as_bool().unwrap_or(false);
    let mut notes = Vec::new();
    if kind == "none" {
        let tried = finding["tried_per_s"].as_f64().unwrap_or(0.0);
        notes.push(format!("nothing was refused up to {tried:.1}/s"));
        if tried <= 0.0 {
            return Err(("it tried nothing".to_owned(), again()));
        }
        return Ok(OperationQuota { notes, ..OperationQuota::of_rate(tried, KnownFrom::Probed) });
    }
    let number = |value: &Value| value.as_f64().filter(|n| n.is_finite() && *n > 0.0);
    let rate = &finding["rate_per_s"];
    let (Some(low), Some(point), Some(high)) = (number(&rate["low"]), number(&rate["point"]), number(&rate["high"])) else {
        return Err(("it has no rate".to_owned(), again()));
    };
    let rate = if guaranteed {
        notes.push(format!("guaranteed [{low:.4}, {high:.4}]"));
        [low, point, high]
    } else {
        notes.push(format!("likely [{low:.4}, {high:.4}], planned with twice the width"));
        [(point - WIDER * (point - low)).max(point * f64::EPSILON), point, point + WIDER * (high - point)]
    };
    let period = number(&finding["period_s"]["point"]);
    let family = match (kind, period) {
        ("fixed-window", Some(seconds)) => LimiterFamily::Window(seconds),
        ("sliding-log", Some(seconds)) => LimiterFamily::Log(seconds),
        ("sliding-counter", Some(seconds)) => LimiterFamily::Counter(seconds),
        ("step-bucket", Some(seconds)) => LimiterFamily::Step(seconds),
        ("sharded-bucket", _) => {
            LimiterFamily::Shards(finding["nodes"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(2))
        }
        ("token-bucket", _) => LimiterFamily::Bucket,
        _ => {
            notes.push(format!("{kind}: planned as a token bucket of the same rate"));
            LimiterFamily::Bucket
        }
    };
    also(finding, &mut notes);
    let burst = finding["burst"].as_u64().map(|burst| float(whole(float(burst))));
    Ok(OperationQuota { family, rate, burst, evidence: KnownFrom::Probed, notes })
}

/// What else a reader of the plan must know of the finding.
fn also(finding: &Value, notes: &mut Vec<String>) {
    match finding["rejects_are_free"].as_bool() {
        Some(true) => notes.push("refused calls are free".to_owned()),
        Some(false) => notes.push("refused calls cost: retries make it worse".to_owned()),
        None => {}
    }
    if finding["shared_use"].as_bool() == Some(true) {
        notes.push("others seem to use it as well: give quota.shared".to_owned());
    }
    if finding["quota_changed"].as_bool() == Some(true) {
        notes.push("it seems to have changed while it was probed".to_owned());
    }
    if let Some(others) = finding["also"].as_array().filter(|others| !others.is_empty()) {
        let name = |other: &Value| other["kind"].as_str().or_else(|| other.as_str()).unwrap_or("another kind").to_owned();
        let names: Vec<String> = others.iter().map(name).collect();
        notes.push(format!("the answers do not exclude {}", names.join(", ")));
    }
    if let Some(seconds) = finding["horizon_s"].as_f64() {
        notes.push(format!("limits of more than {seconds:.0} s were not looked for"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(kind: &str) -> Value {
        json!({ "kind": kind, "guaranteed": true, "rate_per_s": { "low": 24.9, "point": 25.0, "high": 25.1 }, "burst": 25, "stop": "precise",
            "rejects_are_free": true, "also": [{ "kind": "sliding-log" }], "horizon_s": 30.0 })
    }

    /// A guaranteed interval is kept, a likely one widened; what the probe says besides stands beside the quota.
    #[test]
    fn intervals_take_part() {
        let quota = of_contract(&found("token-bucket")).unwrap();
        assert_eq!((quota.family, quota.burst), (LimiterFamily::Bucket, Some(25.0)));
        assert!((quota.rate[0] - 24.9).abs() < 1e-12 && (quota.rate[2] - 25.1).abs() < 1e-12);
        assert_eq!(quota.notes.len(), 4, "{:?}", quota.notes);
        let mut likely = found("token-bucket");
        likely["guaranteed"] = json!(false);
        let quota = of_contract(&likely).unwrap();
        assert!((quota.rate[0] - 24.8).abs() < 1e-9 && (quota.rate[2] - 25.2).abs() < 1e-9, "{quota:?}");
    }

    /// A probe that found nothing is no quota, and says what to do.
    #[test]
    fn killed_probes_are_refused() {
        for (key, value, word) in
            [("stop", "killed", "killed"), ("kind", "inconclusive", "inconclusive"), ("stop", "denied", "denied")]
        {
            let mut finding = found("token-bucket");
            finding[key] = json!(value);
            let (what, help) = of_contract(&finding).unwrap_err();
            assert!(what.contains(word) && help.contains("probe again"), "{what} {help}");
        }
        let mut finding = found("fixed-window");
        finding["period_s"] = json!({ "low": 0.9, "point": 1.0, "high": 1.1 });
        assert_eq!(of_contract(&finding).unwrap().family, LimiterFamily::Window(1.0));
        assert_eq!(of_contract(&found("ban")).unwrap().family, LimiterFamily::Bucket);
    }
}
