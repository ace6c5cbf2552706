//! A run that was cut off and resumed, or of which a shard was, as reasons of its verdict.
//!
//! Refuses to close up the time between two segments.

use std::time::Duration;

use super::contract::{Counts, Reason, Severity};
use super::facts::{Endpoint, RunFacts};
use crate::units::{human, plural};

/// What a run of several segments cannot be, one measurement without a break; and how many calls have an end that nobody saw.
pub(super) fn reasons(facts: &RunFacts, counts: &Counts) -> Vec<Reason> {
    if facts.segments.is_empty() {
        return perhaps_sent(counts).into_iter().collect();
    }
    let gap_us: u64 = facts.segments.iter().filter_map(|segment| segment.gap_us).sum();
    let state = match facts.called.endpoint {
        Endpoint::Embedded | Endpoint::Model => "each had a separate emulator that started with its whole quota",
        Endpoint::Loopback | Endpoint::Remote => "quotas that recovered in between let more through where a segment begins",
    };
    let what = format!(
        "resumed: {} with {} between them; {state}",
        plural(facts.segments.len() as u64, "segment"),
        human(Duration::from_micros(gap_us))
    );
    let resumed = suspect(what, "read the segments one by one; for one measurement without a break, run it again");
    let unknown = (counts.unknown > 0).then(|| {
        let what =
            format!("{} with an unknown end: due when the run was cut off, and perhaps sent", plural(counts.unknown, "call"));
        suspect(what, "nothing: they are neither ok nor missed, and count as sent in the budget")
    });
    std::iter::once(resumed).chain(unknown).collect()
}

/// Calls of a merged run whose end nobody saw.
fn perhaps_sent(counts: &Counts) -> Option<Reason> {
    let has = if counts.unknown == 1 { "has" } else { "have" };
    let what = format!(
        "{} {has} an unknown end: perhaps sent by a shard that was killed, interrupted or could not write",
        plural(counts.unknown, "call")
    );
    (counts.unknown > 0).then(|| suspect(what, "none needed: such calls count neither as ok nor as missed"))
}

fn suspect(what: String, remedy: &str) -> Reason {
    Reason { severity: Severity::Suspect, what, remedy: remedy.to_owned() }
}
