//! A load's stages in a few words each.

use std::time::Duration;

use crate::scenario::{Model, Scenario};
use crate::schedule::Stage;

/// When each stage begins, and what it does: `5/s to 40/s`, `50 at once`, `8 workers`.
pub fn stages(scenario: &Scenario) -> Vec<(Duration, String)> {
    let mut at = Duration::ZERO;
    let mut mark = |says: String, length: Duration| {
        let begins = at;
        at += length;
        (begins, says)
    };
    match &scenario.load.model {
        Model::Open(open) => open
            .stages
            .iter()
            .map(|stage| match stage {
                Stage::Line { length, from, to } if from == to => mark(from.to_string(), *length),
                Stage::Line { length, from, to } => mark(format!("{from} to {to}"), *length),
                Stage::Burst { calls } => mark(format!("{calls} at once"), Duration::ZERO),
            })
            .collect(),
        Model::Closed(closed) => {
            closed.stages.iter().map(|stage| mark(format!("{} workers", stage.workers), stage.length)).collect()
        }
    }
}

/// How long a load's stages take.
pub(in crate::report) fn length(scenario: &Scenario) -> Duration {
    match &scenario.load.model {
        Model::Open(open) => open.stages.iter().map(lasts).sum(),
        Model::Closed(closed) => closed.stages.iter().map(|stage| stage.length).sum(),
    }
}

const fn lasts(stage: &Stage) -> Duration {
    match stage {
        Stage::Line { length, .. } => *length,
        Stage::Burst { .. } => Duration::ZERO,
    }
}

/// Whether calls are due at the very end: all of that second are.
pub(in crate::report) fn ends_at_once(scenario: &Scenario) -> bool {
    matches!(&scenario.load.model, Model::Open(open) if matches!(open.stages.last(), Some(Stage::Burst { .. })))
}
