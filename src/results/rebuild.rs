//! What a run's files say, read again: the whole of a killed run, and what is missing of any.

use super::hlog::HlogWriter;
use super::table::TableWriter;
use super::{HLOG, ResultsError, RunDir, TIMELINE, whole};
use crate::record::Recorded;
use crate::record::ledger::LedgerEntry;
use crate::record::recorder::Recorder;
use crate::record::timeline::Rebuilt;
use crate::scenario::Scenario;
use crate::units::floor_us;

impl RunDir {
    /// Counts everything on disk again: equal to what the run itself counted, for as much as it wrote. The second value says whether a
    /// torn last line was left out.
    pub fn recorded(&self, scenario: &Scenario) -> Result<(Recorded, bool), ResultsError> {
        self.recorded_in(scenario, whole::SEGMENT)
    }

    pub(super) fn recorded_in(&self, scenario: &Scenario, segment: usize) -> Result<(Recorded, bool), ResultsError> {
        let mut recorder = Recorder::default();
        let mut sorter = whole::Sorter::new(self.path(), segment);
        let mut rows = self.rows(scenario)?;
        for sample in rows.by_ref() {
            let sample = sample?;
            recorder.record(&sample);
            if let Some(entry) = LedgerEntry::of(&sample) {
                sorter.push(entry)?;
            }
        }
        let ledger = sorter.finish(floor_us(scenario.idempotency.session_ttl))?;
        Ok((Recorded { recorder, ledger }, rows.torn()))
    }

    /// Makes `timeline.csv` and `latency.hlog` again from the `ended` calls of `samples.csv`, if one is missing, torn or of another run, or
    /// the run did not come to its end. Says whether it did.
    pub fn write_timeline(&self, scenario: &Scenario, ended: u64) -> Result<bool, ResultsError> {
        let manifest = self.manifest()?;
        let whole = self.is_whole(TIMELINE) && self.is_whole(HLOG);
        if manifest.facts.is_some() && whole && self.has_timeline_of(&manifest, ended) {
            return Ok(false);
        }
        let mut timeline = Rebuilt::default();
        let mut rows = self.rows(scenario)?;
        let mut failed = None;
        self.replace(HLOG, |out| {
            let mut hlog = HlogWriter::new(out, manifest.since_epoch().unwrap_or_default())?;
            for sample in rows.by_ref() {
                match sample {
                    Ok(sample) => timeline.sample(&sample),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
                while let Some(interval) = timeline.next_complete() {
                    hlog.write(&interval)?;
                    timeline.recycle(interval);
                }
            }
            while let Some(interval) = timeline.next_remaining() {
                hlog.write(&interval)?;
                timeline.recycle(interval);
            }
            hlog.flush()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        self.replace(TIMELINE, |out| {
            let mut table = TableWriter::new(out)?;
            timeline.into_rows().try_for_each(|row| table.write(&row))?;
            table.flush()
        })?;
        Ok(true)
    }
}
