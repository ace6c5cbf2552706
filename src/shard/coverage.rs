//! Which calls of a schedule have a row, by shard: what is missing and what was done twice.
//!
//! Refuses to keep more than a bit a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Shard;

/// Calls of one shard: so many of them, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRange {
    /// Whose.
    pub shard: Shard,
    /// How many.
    pub calls: u64,
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// Calls by shard.
#[derive(Debug, Clone, Default)]
pub struct CallRanges {
    of: u64,
    by_shard: BTreeMap<u64, CallRange>,
}

impl CallRanges {
    /// None yet of a run of so many shards.
    pub fn new(of: u64) -> Self {
        Self { of: of.clamp(1, Shard::MOST), by_shard: BTreeMap::new() }
    }

    /// Takes call `k`; `owner` is the number that decides whose it is.
    pub fn take(&mut self, k: u64, owner: u64) {
        let shard = Shard { index: owner % self.of.max(1), of: self.of };
        self.add(CallRange { shard, calls: 1, first: k, last: k });
    }

    /// Takes what was counted before.
    pub fn add(&mut self, range: CallRange) {
        let sum = self.by_shard.entry(range.shard.index).or_insert(CallRange { calls: 0, ..range });
        (sum.calls, sum.first, sum.last) = (sum.calls + range.calls, sum.first.min(range.first), sum.last.max(range.last));
    }

    /// All of them, in the order of the shards.
    pub fn into_vec(self) -> Vec<CallRange> {
        self.by_shard.into_values().collect()
    }
}

/// Takes the numbers of the calls that have a row, in any order.
#[derive(Debug, Clone)]
pub struct Coverage {
    of: u64,
    total: u64,
    seen: Vec<u64>,
}

impl Coverage {
    /// Nothing seen yet of a run of so many shards, whose schedule has `total` calls; 0 where answers decide.
    pub fn new(of: u64, total: u64) -> Self {
        let words = usize::try_from(total.div_ceil(64)).unwrap_or(0);
        Self { of, total, seen: vec![0; words] }
    }

    /// Call `k` has a row. Says whether it is the first; of a call that is not in the schedule nobody knows, and it counts as the first.
    pub fn has(&mut self, k: u64) -> bool {
        let Some(word) = usize::try_from(k / 64).ok().and_then(|word| self.seen.get_mut(word)) else { return true };
        let bit = 1 << (k % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }

    /// What has no row. `owner` gives the number that decides whose a call is.
    pub fn gaps(&self, owner: impl Fn(u64) -> u64) -> Vec<CallRange> {
        let mut gaps = CallRanges::new(self.of);
        let words = (0u64..).step_by(64).zip(&self.seen).filter(|(_, word)| **word != u64::MAX);
        for (first, word) in words {
            let missing = (first..self.total.min(first + 64)).filter(|k| word & (1 << (k % 64)) == 0);
            missing.for_each(|k| gaps.take(k, owner(k)));
        }
        gaps.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has no row is counted at its owner, from first to last, in whatever order the others came.
    #[test]
    fn gaps_are_counted() {
        let mut coverage = Coverage::new(2, 10);
        let firsts: Vec<bool> = [6, 0, 2, 1, 4, 6].into_iter().map(|k| coverage.has(k)).collect();
        assert_eq!(firsts, [true, true, true, true, true, false]);
        let gap = |index, calls, first, last| CallRange { shard: Shard { index, of: 2 }, calls, first, last };
        assert_eq!(coverage.gaps(|k| k), [gap(0, 1, 8, 8), gap(1, 4, 3, 9)]);
        assert_eq!(Coverage::new(3, 0).gaps(|k| k), []);
        // A last word that is not full, and a call beyond the schedule.
        let mut long = Coverage::new(1, 130);
        (0..129).for_each(|k| assert!(long.has(k)));
        assert!(long.has(500) && long.has(500));
        assert_eq!(long.gaps(|k| k), [CallRange { shard: Shard::WHOLE, calls: 1, first: 129, last: 129 }]);
    }
}
