//! A run that was cut off and resumed, as reasons of its verdict.
//!
//! Refuses to close up the time between two segments.

use std::time::Duration;

use super::contract::{Counts, Reason, Severity};
use super::facts::{Endpoint, RunFacts};
use crate::units::{human, plural};

/// What a run of several segments cannot be: one measurement without a break.
pub(super) fn reasons(facts: &RunFacts, counts: &Counts) -> Vec<Reason> {
    if facts.segments.is_empty() {
        return Vec::new();
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
    let suspect = |what, remedy: &str| Reason { severity: Severity::Suspect, what, remedy: remedy.to_owned() };
    let resumed = suspect(what, "read the segments one by one; for one measurement without a break, run it again");
    let unknown = (counts.unknown > 0).then(|| {
        let what =
            format!("{} with an unknown end: due when the run was cut off, and perhaps sent", plural(counts.unknown, "call"));
        suspect(what, "nothing: they are neither ok nor missed, and count as sent in the budget")
    });
    std::iter::once(resumed).chain(unknown).collect()
}
