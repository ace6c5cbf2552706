//! What merging the shards of a run showed, as reasons of its verdict.

use super::contract::{Reason, Severity};
use super::facts::MergedFacts;
use super::figures::ShardClock;
use crate::num::float;
use crate::record::timeline::MOST_SHIFT_US;
use crate::units::plural;

/// The reasons, each as heavy as it is; of so many calls nobody saw the end.
pub(super) fn reasons(merged: &MergedFacts, unknown: u64) -> Vec<Reason> {
    let reason = |severity, what: String, remedy: &str| Reason { severity, what, remedy: remedy.to_owned() };
    let none = "none needed: such calls count neither as ok nor as missed";
    let perhaps = perhaps_sent(unknown).map(|what| reason(Severity::Suspect, what, none));
    let problems = merged
        .problems
        .iter()
        .map(|what| reason(Severity::Invalid, what.clone(), "merge the directories of all shards, or run the whole run again"));
    let remedy = "synchronize the clocks of all machines (chrony, systemd-timesyncd) and run again";
    let clocks = merged.clocks.iter().filter_map(apart).map(|what| reason(Severity::Suspect, what, remedy));
    let unsure = unsure(&merged.clocks).map(|what| reason(Severity::Note, what, remedy));
    let notes = merged
        .notes
        .iter()
        .map(|what| reason(Severity::Note, what.clone(), "look at that machine, its way to the service, or its region"));
    problems.chain(perhaps).chain(clocks).chain(unsure).chain(notes).collect()
}

/// Calls whose end nobody saw.
fn perhaps_sent(unknown: u64) -> Option<String> {
    let has = if unknown == 1 { "has" } else { "have" };
    let calls = Some(plural(unknown, "call")).filter(|_| unknown > 0)?;
    Some(format!("{calls} {has} an unknown end: perhaps sent by a shard that was killed, interrupted or could not write"))
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

/// The clocks that nobody keeps, and that the answers do not place well enough either.
fn unsure(clocks: &[ShardClock]) -> Option<String> {
    let unsure: Vec<&ShardClock> = clocks.iter().filter(|clock| clock.is_unsure()).collect();
    let names: Vec<&str> = unsure.iter().map(|clock| clock.shard.as_str()).collect();
    let whose = match names.as_slice() {
        [] => return None,
        [name] => format!("the clock of shard {name}, as far as its system knows"),
        names => format!("the clocks of {} shards ({}), as far as their systems know", names.len(), names.join(", ")),
    };
    let placed: Vec<u64> = unsure.iter().filter_map(|clock| clock.placed_within_us()).collect();
    let those = match (names.len(), placed.len()) {
        (1, _) => "it".to_owned(),
        (all, n) if all == n => "them".to_owned(),
        (_, n) => format!("{n} of them"),
    };
    let within = match placed.into_iter().max() {
        None => format!("no date of an answer places {}", if names.len() == 1 { "it" } else { "them" }),
        Some(us) => format!("the dates of the answers place {those} only within ± {:.2} s", float(us) / 1e6),
    };
    Some(format!("nothing synchronizes {whose}, and {within}"))
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

    /// A clock is worth a word if nothing synchronizes it, and the dates do not place it to 0.1 s. A second is what the kernel allows a clock that
    /// is kept.
    #[test]
    fn clocks_that_nobody_keeps_are_told() {
        let known = [(Some(1_024), None), (Some(15_999), None), (Some(16_000), Some(100)), (None, None), (None, Some(400))];
        let known = known.map(|(error_ms, placed_ms)| clock("0/4", error_ms, placed_ms));
        assert_eq!(unsure(&known), None);
        let (kept, lost) = (clock("0/4", Some(12), None), clock("1/4", Some(16_000), None));
        let (wide, wider) = (clock("2/4", Some(16_000), Some(101)), clock("3/4", Some(16_000), Some(130)));
        let told = |clocks: &[&ShardClock]| unsure(&clocks.iter().map(|clock| (*clock).clone()).collect::<Vec<_>>()).unwrap();
        let both = "nothing synchronizes the clocks of 2 shards (2/4, 3/4), as far as their systems know, and the dates of the answers place \
                    them only within ± 0.13 s";
        assert_eq!(told(&[&kept, &wide, &wider]), both);
        let one = "nothing synchronizes the clock of shard 1/4, as far as its system knows, and no date of an answer places it";
        assert_eq!(told(&[&kept, &lost]), one);
        assert!(told(&[&lost, &lost]).ends_with("and no date of an answer places them"));
        assert!(told(&[&wider]).ends_with("the dates of the answers place it only within ± 0.13 s"));
        assert!(told(&[&lost, &wider]).ends_with("the dates of the answers place 1 of them only within ± 0.13 s"));
        let merged = MergedFacts {
            shards: 4,
            problems: Vec::new(),
            notes: Vec::new(),
            groups: Vec::new(),
            clocks: vec![clock("2/4", Some(16_000), None)],
            late: Vec::new(),
        };
        assert_eq!(reasons(&merged, 0).iter().map(|reason| reason.severity).collect::<Vec<_>>(), [Severity::Note]);
        let lost = reasons(&merged, 1);
        assert!(lost[0].severity == Severity::Suspect && lost[0].what.starts_with("1 call has an unknown end"), "{lost:?}");
    }
}
