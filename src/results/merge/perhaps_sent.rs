//! Calls that a shard may have sent and has not told of, as rows that say so: it was killed, it could not write any more, or it waited for its
//! answers no longer.
//!
//! A second attempt at the shard calls missed what was due before it came, and some of that was sent. Such calls are unknown, as in a run that is
//! resumed. Refuses to guess how they ended, and to keep more than a bit a call.

use std::time::Duration;

use super::super::ResultsError;
use super::super::rows::push_row;
use super::part::MergePart;
use super::row::{RowCells, RowLine};
use super::rules::RowRules;
use crate::record::cut::ToldCalls;
use crate::shard::Shard;
use crate::summary::Stop;

/// What a part tells of its calls, while its rows are read.
pub(super) struct PartTelling(Option<PerhapsSent>);

/// A shard that may have sent more than it told.
#[derive(Debug)]
pub(super) struct PerhapsSent {
    shard: Shard,
    told: ToldCalls,
}

impl PartTelling {
    /// Nothing read yet. Of a part that came to its end, that was merged before, or whose calls no schedule numbers, there is nothing to keep.
    pub(super) fn of(part: &MergePart, rules: &RowRules<'_>) -> Self {
        let telling = || {
            let own = part.manifest.shard.as_ref().filter(|own| !own.merged)?;
            let [only] = own.parts.as_slice() else { return None };
            let told = ToldCalls::below(rules.terms.total?).joined(Duration::from_micros(only.joined_us.unwrap_or(0)));
            let told = match part.manifest.facts.as_ref().map(|facts| facts.stop) {
                Some(Stop::Completed) => return None,
                None | Some(Stop::DiskFull) => told,
                Some(_) => told.ended(),
            };
            Some(PerhapsSent { shard: Shard::new(only.shard, own.of)?, told })
        };
        Self(telling())
    }

    /// Takes a row.
    pub(super) fn call(&mut self, cells: &RowCells<'_>) {
        if let Self(Some(PerhapsSent { told, .. })) = self {
            told.call(cells.seq, &cells.ending);
        }
    }

    /// What it may have sent, once all rows are read.
    pub(super) fn perhaps_sent(self, part: &MergePart) -> Result<Option<PerhapsSent>, ResultsError> {
        let Self(Some(mut perhaps)) = self else { return Ok(None) };
        for files in part.dir.segments()? {
            // Without a timeline only the rows tell.
            files.timeline().into_iter().flatten().for_each(|row| perhaps.told.second(&row));
        }
        Ok(Some(perhaps))
    }
}

impl PerhapsSent {
    /// Hands over a row of each, in the order of their numbers.
    pub(super) fn each(&self, part: &MergePart, rules: &RowRules<'_>, mut take: impl FnMut(RowLine)) {
        let mut line = Vec::new();
        (rules.terms.perhaps_sent)(self.shard, &self.told, &mut |sample| {
            line.clear();
            push_row(&mut line, sample, rules.mixes);
            if let Some(cells) = rules.admit(part, &line) {
                take(RowLine::of(&cells, &line));
            }
        });
    }
}
