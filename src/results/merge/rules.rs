//! Which lines are rows of which part, and whose calls are whose.
//!
//! Refuses to read a file.

use super::MergeTerms;
use super::part::MergePart;
use super::row::RowCells;

/// What must hold of every row of a part, and whose calls are whose.
pub(super) struct RowRules<'a> {
    /// What the whole run is.
    pub(super) terms: &'a MergeTerms<'a>,
    /// How many shards there are.
    pub(super) of: u64,
    /// The names of the mixes, as they stand in a file.
    pub(super) mixes: &'a [Vec<u8>],
}

impl RowRules<'_> {
    /// The shard whose call this is.
    pub(super) fn shard(&self, seq: u64) -> u64 {
        (self.terms.owner)(seq) % self.of.max(1)
    }

    /// The cells of a line, if it is a row of this part.
    pub(super) fn admit<'a>(&self, part: &MergePart, line: &'a [u8]) -> Option<RowCells<'a>> {
        let cells = RowCells::of(line)?;
        let known = cells.has_mix_of(self.mixes) && self.terms.total.is_none_or(|total| cells.seq < total);
        (known && part.shards.contains(&self.shard(cells.seq))).then_some(cells)
    }
}
