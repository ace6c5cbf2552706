//! Which calls of a schedule have a row, by shard: what is missing and what was done twice.
//!
//! Refuses to keep more than a few numbers a shard, however long the run is.

use super::Shard;

/// What a shard left out: so many of its calls, from the first to the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub shard: Shard,
    /// How many calls have no row.
    pub calls: u64,
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// Takes the numbers of the calls that have a row, in order.
#[derive(Debug, Clone)]
pub struct Coverage {
    gaps: Vec<Option<Gap>>,
    next: u64,
}

impl Coverage {
    /// Nothing seen yet of a run of so many shards.
    pub fn new(of: u64) -> Self {
        Self { gaps: (0..of.clamp(1, Shard::MOST)).map(|_| None).collect(), next: 0 }
    }

    /// Call `k` has a row. `owner` gives the number that decides whose a call is.
    pub fn has(&mut self, k: u64, owner: impl Fn(u64) -> u64) {
        (self.next..k).for_each(|missing| self.miss(missing, owner(missing)));
        self.next = k.saturating_add(1).max(self.next);
    }

    /// Every gap up to the end of a schedule of `total` calls.
    pub fn finish(mut self, total: u64, owner: impl Fn(u64) -> u64) -> Vec<Gap> {
        (self.next..total).for_each(|missing| self.miss(missing, owner(missing)));
        self.gaps.into_iter().flatten().collect()
    }

    fn miss(&mut self, k: u64, owner: u64) {
        let of = self.gaps.len() as u64;
        let Some(slot) = usize::try_from(owner % of).ok().and_then(|index| self.gaps.get_mut(index)) else { return };
        let shard = Shard { index: owner % of, of };
        let gap = slot.get_or_insert(Gap { shard, calls: 0, first: k, last: k });
        (gap.calls, gap.last) = (gap.calls + 1, k);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has no row is counted at its owner, from first to last.
    #[test]
    fn gaps_are_counted() {
        let mut coverage = Coverage::new(2);
        for k in [0, 1, 2, 4, 6, 6] {
            coverage.has(k, |k| k);
        }
        let gap = Gap { shard: Shard { index: 1, of: 2 }, calls: 4, first: 3, last: 9 };
        assert_eq!(coverage.finish(10, |k| k), [Gap { shard: Shard { index: 0, of: 2 }, calls: 1, first: 8, last: 8 }, gap]);
        assert_eq!(Coverage::new(3).finish(0, |k| k), []);
    }
}
