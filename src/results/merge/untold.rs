//! Calls that a shard may have sent and has not told of, as rows that say so: it was killed, it could not write any more, or it was interrupted
//! and waited for its answers no longer.
//!
//! A second attempt at the shard calls missed what was due before it came, and some of that was sent. Of a run that is resumed such calls are
//! unknown, so they are here, too. Refuses to guess how they ended, and to keep more than a bit a call.

use super::super::ResultsError;
use super::super::rows::push_row;
use super::part::MergePart;
use super::row::{RowCells, RowLine};
use super::rules::RowRules;
use crate::record::cut::ToldCalls;
use crate::shard::Shard;
use crate::summary::Stop;

/// What a part tells of its calls, while its rows are read.
pub(super) struct PartTelling(Option<UntoldCalls>);

/// Calls that a part may have sent, and has not told of.
#[derive(Debug)]
pub(super) struct UntoldCalls {
    shard: Shard,
    told: ToldCalls,
}

impl PartTelling {
    /// Nothing read yet. Of a part that came to its end, that was merged before, or whose calls no schedule numbers, there is nothing to keep.
    pub(super) fn of(part: &MergePart, rules: &RowRules<'_>) -> Self {
        let untold = || {
            let own = part.manifest.shard.as_ref().filter(|own| !own.merged)?;
            let [only] = own.parts.as_slice() else { return None };
            let ended = match part.manifest.facts.as_ref().map(|facts| facts.stop) {
                None | Some(Stop::DiskFull) => false,
                Some(Stop::Interrupted) => true,
                Some(_) => return None,
            };
            let shard = Shard::new(only.shard, own.of)?;
            Some(UntoldCalls { shard, told: ToldCalls::below(rules.terms.total?, ended) })
        };
        Self(untold())
    }

    /// Takes a row.
    pub(super) fn call(&mut self, cells: &RowCells<'_>) {
        if let Self(Some(untold)) = self {
            untold.told.call(cells.seq, &cells.ending);
        }
    }

    /// What is untold once all rows are read.
    pub(super) fn untold(self, part: &MergePart) -> Result<Option<UntoldCalls>, ResultsError> {
        let Self(Some(mut untold)) = self else { return Ok(None) };
        for files in part.dir.segments()? {
            // Without a timeline only the rows tell.
            files.timeline().into_iter().flatten().for_each(|row| untold.told.signs.second(&row));
        }
        Ok(Some(untold))
    }
}

impl UntoldCalls {
    /// Hands over a row of each, in the order of their numbers.
    pub(super) fn each(&self, part: &MergePart, rules: &RowRules<'_>, mut take: impl FnMut(RowLine)) {
        let mut line = Vec::new();
        (rules.terms.untold)(self.shard, &self.told, &mut |sample| {
            line.clear();
            push_row(&mut line, sample, rules.mixes);
            if let Some(cells) = rules.admit(part, &line) {
                take(RowLine::of(&cells, &line));
            }
        });
    }
}
