//! What had to hold on each run, held against the other side: thresholds and idempotency.
//!
//! A run's own thresholds say pass or fail; which side they fail on says whether that is new. Refuses to judge a threshold again.

use std::collections::BTreeSet;

use super::contract::{ChangeVerdict, CheckLine};
use super::subject::Subject;
use crate::summary::ThresholdStatus;

/// The name of the check that no token was answered in two ways.
pub(super) const VIOLATIONS: &str = "idempotency.violations";

/// Every threshold of either side, and idempotency. One that fails on the new side only has regressed, however few of its runs fail it.
pub(super) fn checks(base: &[&Subject], new: &[&Subject]) -> Vec<CheckLine> {
    let names: BTreeSet<&String> = base.iter().chain(new).flat_map(|s| s.thresholds.iter().map(|(name, _)| name)).collect();
    let mut lines: Vec<CheckLine> = names.into_iter().map(|name| threshold(name, base, new)).collect();
    if base.iter().chain(new).any(|subject| subject.violations.is_some()) {
        lines.push(violations(base, new));
    }
    lines
}

/// How a side's runs came off.
#[derive(Debug, Clone, Copy, Default)]
struct SideResult {
    /// Runs that could be judged.
    judged: u64,
    /// Those of them that failed.
    failed: u64,
}

fn threshold(name: &str, base: &[&Subject], new: &[&Subject]) -> CheckLine {
    let of = |side: &[&Subject]| {
        let all = side.iter().flat_map(|subject| &subject.thresholds).filter(|(other, _)| other == name);
        all.fold(SideResult::default(), |found, (_, status)| SideResult {
            judged: found.judged + u64::from(*status != ThresholdStatus::Unknown),
            failed: found.failed + u64::from(*status == ThresholdStatus::Failed),
        })
    };
    line(name, of(base), of(new))
}

fn violations(base: &[&Subject], new: &[&Subject]) -> CheckLine {
    let of = |side: &[&Subject]| {
        let counted = side.iter().filter_map(|subject| subject.violations);
        counted.fold(SideResult::default(), |found, n| SideResult {
            judged: found.judged + 1,
            failed: found.failed + u64::from(n > 0),
        })
    };
    let count = |side: &[&Subject]| side.iter().filter_map(|subject| subject.violations).sum::<u64>();
    CheckLine { base_count: Some(count(base)), new_count: Some(count(new)), ..line(VIOLATIONS, of(base), of(new)) }
}

fn line(name: &str, base: SideResult, new: SideResult) -> CheckLine {
    let verdict = match (base.failed > 0, new.failed > 0) {
        (false, true) => ChangeVerdict::Regressed,
        (true, false) if new.judged > 0 => ChangeVerdict::Improved,
        (_, false) if new.judged == 0 && base.judged > 0 => ChangeVerdict::Inconclusive,
        _ => ChangeVerdict::Unchanged,
    };
    CheckLine {
        name: name.to_owned(),
        verdict,
        base_failed: base.failed,
        base_runs: base.judged,
        new_failed: new.failed,
        new_runs: new.judged,
        base_count: None,
        new_count: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(status: Option<ThresholdStatus>, violations: Option<u64>) -> Subject {
        let thresholds = status.map(|status| ("ok >= 99%".to_owned(), status)).into_iter().collect();
        Subject { thresholds, violations, ..Subject::default() }
    }

    /// Only what fails on the new side alone is worse, and only what fails on the base alone is better.
    #[test]
    fn sides_are_held_against_each_other() {
        use ThresholdStatus::{Failed, Ok, Unknown};
        for (base, new, verdict) in [
            (Some(Ok), Some(Failed), ChangeVerdict::Regressed),
            (None, Some(Failed), ChangeVerdict::Regressed),
            (Some(Unknown), Some(Failed), ChangeVerdict::Regressed),
            (Some(Failed), Some(Failed), ChangeVerdict::Unchanged),
            (Some(Ok), Some(Ok), ChangeVerdict::Unchanged),
            (Some(Failed), Some(Ok), ChangeVerdict::Improved),
            (Some(Failed), Some(Unknown), ChangeVerdict::Inconclusive),
            (Some(Ok), None, ChangeVerdict::Inconclusive),
        ] {
            let found = checks(&[&subject(base, None)], &[&subject(new, None)]);
            assert_eq!(found.iter().map(|check| check.verdict).collect::<Vec<_>>(), [verdict], "{base:?} {new:?}");
        }
    }

    /// Violations count once there are some on the new side and none before, in however many of its runs.
    #[test]
    fn violations_are_new() {
        let of = |base: &[u64], new: &[u64]| {
            let side = |counts: &[u64]| counts.iter().map(|n| subject(None, Some(*n))).collect::<Vec<_>>();
            let (base, new) = (side(base), side(new));
            let check = checks(&base.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>()).remove(0);
            (check.verdict, check.new_count)
        };
        assert_eq!(of(&[0, 0], &[0, 70]), (ChangeVerdict::Regressed, Some(70)));
        assert_eq!(of(&[3, 0], &[0, 70]), (ChangeVerdict::Unchanged, Some(70)));
        // Both sides violate, however much more the new one does: what is new is the verdict's, and the counts are told.
        assert_eq!(of(&[3], &[70]), (ChangeVerdict::Unchanged, Some(70)));
        assert_eq!(of(&[3], &[0]), (ChangeVerdict::Improved, Some(0)));
        assert!(checks(&[&Subject::default()], &[&Subject::default()]).is_empty());
    }
}
