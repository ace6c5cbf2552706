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
