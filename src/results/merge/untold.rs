//! Calls that a shard may have sent which ended without a word, as rows that say so.
//!
//! A second attempt at the shard calls missed what was due before it came, and some of that was sent. Of a run that is resumed such calls are
//! unknown, so they are here, too. Refuses to guess how they ended.

use std::io;

use super::super::ResultsError;
use super::super::rows::RowWriter;
use super::part::MergePart;
use super::row::{RowCells, RowLine};
use super::rules::RowRules;
use crate::record::cut::ToldCalls;
use crate::shard::Shard;
use crate::summary::Stop;

impl MergePart {
    /// The shard whose process ended without a word, or could not write to its end; `None` if none did, or if it was merged before.
    fn cut_off(&self) -> Option<Shard> {
        let own = self.manifest.shard.as_ref().filter(|own| !own.merged)?;
        let ended = self.manifest.facts.as_ref().is_some_and(|facts| facts.stop != Stop::DiskFull);
        let [part] = own.parts.as_slice() else { return None };
        Shard::new(part.shard, own.of).filter(|_| !ended)
    }
}

/// What a part tells of its calls, while its rows are read.
pub(super) struct PartTelling {
    told: Option<(Shard, ToldCalls)>,
}

impl PartTelling {
    /// Nothing read yet. Of a part that came to its end, and of calls that no schedule numbers, there is nothing to keep.
    pub(super) fn of(part: &MergePart, rules: &RowRules<'_>) -> Self {
        let total = rules.terms.total;
        Self { told: part.cut_off().zip(total).map(|(shard, total)| (shard, ToldCalls::below(total))) }
    }

    /// Takes a row.
    pub(super) fn call(&mut self, cells: &RowCells<'_>) {
        if let Some((_, told)) = &mut self.told {
            told.call(cells.seq, &cells.ending);
        }
    }

    /// The rows of what it may have sent besides.
    pub(super) fn untold(self, part: &MergePart, rules: &RowRules<'_>) -> Result<Vec<RowLine>, ResultsError> {
        let Some((shard, mut told)) = self.told else { return Ok(Vec::new()) };
        for files in part.dir.segments()? {
            // Without a timeline only the rows tell.
            files.timeline().into_iter().flatten().for_each(|row| told.signs.second(&row));
        }
        let mut text = Vec::new();
        let written = {
            let mut rows = RowWriter::going_on(&mut text, rules.terms.scenario);
            let samples = (rules.terms.untold)(shard, &told);
            samples.iter().try_for_each(|sample| rows.write(sample)).and_then(|()| rows.flush())
        };
        written.map_err(|reason: io::Error| ResultsError::Write { path: part.dir.path.clone(), reason })?;
        let lines = text.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| Some(RowLine::of(&rules.admit(part, line)?, line))).collect())
    }
}
