//! What merging the shards of a run showed, as reasons of its verdict.

use super::contract::{Reason, Severity};
use super::facts::MergedFacts;
use super::figures::ShardClock;
use crate::num::float;
use crate::record::timeline::MOST_SHIFT_US;
use crate::units::plural;

/// The reasons, each as heavy as it is.
pub(super) fn reasons(merged: &MergedFacts) -> Vec<Reason> {
    let reason = |severity, what: String, remedy: &str| Reason { severity, what, remedy: remedy.to_owned() };
    let problems = merged.problems.iter().map(|what| {
        reason(Severity::Invalid, what.clone(), "run the missing shards again while the others run, or the whole run again")
    });
    let remedy = "synchronize the clocks of all machines (chrony, systemd-timesyncd) and run again";
    let clocks = merged.clocks.iter().filter_map(apart).map(|what| reason(Severity::Suspect, what, remedy));
    let unsure = unsure(&merged.clocks).map(|what| reason(Severity::Note, what, remedy));
    let notes = merged
        .notes
        .iter()
        .map(|what| reason(Severity::Note, what.clone(), "look at that machine, its way to the service, or its region"));
    problems.chain(clocks).chain(unsure).chain(notes).collect()
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

/// The clocks of which neither answers nor systems know that they are right.
fn unsure(clocks: &[ShardClock]) -> Option<String> {
    let unsure: Vec<&ShardClock> = clocks.iter().filter(|clock| clock.is_unsure()).collect();
    let most_us = unsure.iter().filter_map(|clock| clock.wall_clock_error_us).max()?;
    let names: Vec<&str> = unsure.iter().map(|clock| clock.shard.as_str()).collect();
    Some(format!(
        "the clocks of {} ({}) may be wrong by up to {:.2} s: their systems know no better, and the dates of the answers do not place them",
        plural(names.len() as u64, "shard"),
        names.join(", "),
        float(most_us) / 1e6
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(shard: &str, error_ms: Option<u64>, placed_ms: Option<i64>) -> ShardClock {
        ShardClock {
            shard: shard.to_owned(),
            ahead_low_us: placed_ms.map(|ms| -ms * 1000),
            ahead_high_us: placed_ms.map(|ms| ms * 1000),
            apart_us: None,
            apart_within_us: None,
            wall_clock_error_us: error_ms.map(|ms| ms * 1000),
        }
    }

    /// A clock is worth a word if neither its system nor the answers know that it is right to 0.1 s.
    #[test]
    fn clocks_that_nobody_knows_are_told() {
        let known = [(Some(100), None), (Some(16_000), Some(100)), (None, None), (None, Some(400))];
        let known = known.map(|(error_ms, placed_ms)| clock("0/4", error_ms, placed_ms));
        assert_eq!(unsure(&known), None);
        let told = unsure(&[clock("0/4", Some(12), None), clock("1/4", Some(101), None), clock("3/4", Some(16_000), Some(101))]);
        let expected = "the clocks of 2 shards (1/4, 3/4) may be wrong by up to 16.00 s: their systems know no better, and the dates of the \
                        answers do not place them";
        assert_eq!(told.as_deref(), Some(expected));
        let merged = MergedFacts {
            shards: 4,
            problems: Vec::new(),
            notes: Vec::new(),
            groups: Vec::new(),
            clocks: vec![clock("2/4", Some(500), None)],
        };
        assert_eq!(reasons(&merged).iter().map(|reason| reason.severity).collect::<Vec<_>>(), [Severity::Note]);
    }
}
