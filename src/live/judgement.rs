//! The verdict on a run that goes on: one judgement for whoever watches it and for whoever scrapes it.

use std::time::Duration;

use super::state::RunSetting;
use crate::metric::Metric;
use crate::summary::{Reason, Severity, Summary};

/// What can be said of the measurement while the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerdictSoFar {
    /// Nothing speaks against it.
    Valid,
    /// A percentile in the thresholds rests on too few samples, and the whole schedule has as many as it takes.
    TooEarly,
    /// SUSPECT if it ended now.
    Suspect,
    /// INVALID if it ended now.
    Invalid,
}

impl VerdictSoFar {
    pub(super) const ALL: [Self; 4] = [Self::Valid, Self::TooEarly, Self::Suspect, Self::Invalid];

    /// The word for people and for Prometheus.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::TooEarly => "too early",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
        }
    }
}

/// The verdict on `summary`, which is the run as if it had ended `over` after its start, with its reason. That a percentile rests on few samples
/// is no verdict on a run that still gets as many as it takes.
pub(super) fn so_far<'a>(setting: &RunSetting, over: Duration, summary: &'a Summary) -> (VerdictSoFar, Option<&'a Reason>) {
    let (waiting, others): (Vec<&Reason>, Vec<&Reason>) =
        summary.verdict.reasons.iter().filter(|r| r.severity != Severity::Note).partition(|r| r.is_few_samples());
    let early = !waiting.is_empty() && over < setting.length && enough_to_come(setting);
    let counted = if early { others } else { summary.verdict.reasons.iter().filter(|r| r.severity != Severity::Note).collect() };
    let worst = counted.into_iter().max_by_key(|r| r.severity);
    match worst.map(|r| r.severity) {
        Some(Severity::Invalid) => (VerdictSoFar::Invalid, worst),
        Some(Severity::Suspect) => (VerdictSoFar::Suspect, worst),
        Some(Severity::Note) | None if early => (VerdictSoFar::TooEarly, waiting.first().copied()),
        Some(Severity::Note) | None => (VerdictSoFar::Valid, None),
    }
}

/// Whether the schedule has the calls that every percentile in the thresholds takes.
fn enough_to_come(setting: &RunSetting) -> bool {
    let Some(schedule) = &setting.schedule else { return true };
    let takes = setting.scenario.thresholds.iter().filter_map(|threshold| match threshold.metric {
        Metric::Latency(_, stat) => stat.quantile().map(|_| stat.samples_needed()),
        _ => None,
    });
    takes.max().is_none_or(|needed| schedule.calls() >= needed)
}
