//! How calls ended, second by second: for charts, which show what a column of the timeline has no room for.
//!
//! As large as the seconds in which something else happened than in those before, not as the calls. Refuses to know times.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::outcome::{Class, Outcome};

/// An ending: the outcome, and the HTTP status if there was an answer.
type OutcomeStatus = (Outcome, Option<u16>);

/// Calls by how they ended and the second of their end.
// derived: a map of numbers takes some 20 bytes for each; a map for each second would be an allocation of some 190
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endings(BTreeMap<OutcomeStatus, BTreeMap<u64, u64>>);

impl Endings {
    /// Adds calls that were sent; those that never were have no ending.
    pub fn add(&mut self, second: u64, outcome: Outcome, status: Option<u16>, calls: u64) {
        if outcome.was_sent() && calls > 0 {
            *self.0.entry((outcome, status)).or_default().entry(second).or_default() += calls;
        }
    }

    /// Adds others, each in its own second.
    pub fn append(&mut self, others: Self) {
        for (ending, seconds) in others.0 {
            let here = self.0.entry(ending).or_default();
            for (second, n) in seconds {
                *here.entry(second).or_default() += n;
            }
        }
    }

    /// The outcomes that occurred other than ok, in the order of the reports.
    pub fn unwanted(&self) -> Vec<Outcome> {
        let seen: BTreeSet<Outcome> = self.0.keys().map(|(outcome, _)| *outcome).filter(|o| o.class() != Class::Ok).collect();
        seen.into_iter().collect()
    }

    /// The statuses that occurred; `None` stands for calls without an answer.
    pub fn statuses(&self) -> Vec<Option<u16>> {
        let seen: BTreeSet<Option<u16>> = self.0.keys().map(|(_, status)| *status).collect();
        seen.into_iter().collect()
    }

    /// Calls that ended so in a second.
    pub fn count(&self, second: u64, ended: impl Fn(Outcome, Option<u16>) -> bool) -> u64 {
        let some = self.0.iter().filter(|((outcome, status), _)| ended(*outcome, *status));
        some.filter_map(|(_, seconds)| seconds.get(&second)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls are counted in the second of their end, by outcome and by status; others are added.
    #[test]
    fn counts_by_second() {
        let mut first = Endings::default();
        first.add(0, Outcome::Ok, Some(200), 1);
        first.add(0, Outcome::ThrottledQuota, Some(400), 1);
        first.add(0, Outcome::Missed, None, 1);
        let mut second = Endings::default();
        second.add(7, Outcome::ReadTimeout, None, 1);
        second.add(0, Outcome::Ok, Some(200), 1);
        first.append(second);
        assert_eq!(first.unwanted(), [Outcome::ThrottledQuota, Outcome::ReadTimeout]);
        assert_eq!(first.statuses(), [None, Some(200), Some(400)]);
        assert_eq!(first.count(0, |_, status| status.is_some()), 3);
        assert_eq!(first.count(7, |outcome, _| outcome == Outcome::ReadTimeout), 1);
    }
}
