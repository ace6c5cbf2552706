//! What merging the shards of a run showed, as reasons of its verdict.

use super::contract::{Reason, Severity};
use super::facts::MergedFacts;
use super::figures::ShardClock;
use crate::num::float;
use crate::record::timeline::MOST_SHIFT_US;

/// The reasons, each as heavy as it is.
pub(super) fn reasons(merged: &MergedFacts) -> Vec<Reason> {
    let reason = |severity, what: String, remedy: &str| Reason { severity, what, remedy: remedy.to_owned() };
    let problems = merged.problems.iter().map(|what| {
        reason(Severity::Invalid, what.clone(), "run the missing shards again while the others run, or the whole run again")
    });
    let clocks = merged.clocks.iter().filter_map(apart).map(|what| {
        reason(Severity::Suspect, what, "synchronize the clocks of all machines (chrony, systemd-timesyncd) and run again")
    });
    let notes = merged
        .notes
        .iter()
        .map(|what| reason(Severity::Note, what.clone(), "look at that machine, its way to the service, or its region"));
    problems.chain(clocks).chain(notes).collect()
}

/// A clock that certainly shows something else than those of the other shards.
fn apart(clock: &ShardClock) -> Option<String> {
    let (apart_us, within_us) = (clock.apart_us?, clock.apart_within_us?);
    let seconds = |us: u64| float(us) / 1e6;
    let told =
        if apart_us.abs() <= MOST_SHIFT_US { "the merged timeline is corrected" } else { "the merged timeline is not corrected" };
    Some(format!(
        "the clock of shard {} was {:.2} s {} those of the others (± {:.2} s): its calls came at other times than planned; latencies are \
         right, {told}",
        clock.shard,
        seconds(apart_us.unsigned_abs()),
        if apart_us < 0 { "behind" } else { "ahead of" },
        seconds(within_us)
    ))
}
