//! What a run's files say, read again: the whole of a killed run, and what is missing of any.

use std::fs::File;
use std::io::{self, Read as _};

use super::hlog::HlogWriter;
use super::segment::SegmentFiles;
use super::table::TableWriter;
use super::{HLOG, ResultsError, RunDir, SAMPLES, TIMELINE, whole};
use crate::record::Recorded;
use crate::record::cut::{CallSet, LastSigns};
use crate::record::recorder::Recorder;
use crate::record::timeline::Rebuilt;
use crate::scenario::Scenario;
use crate::summary::{Stop, Summary};
use crate::units::floor_us;

/// Bytes that a row has at least: its thirteen cells, with one digit or the shortest name in those that are never empty.
const LEAST_ROW: u64 = 32;

/// What the files of a run say.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOnDisk {
    /// What was counted, by segment.
    pub segments: Vec<Recorded>,
    /// Calls that have a row.
    pub calls: CallSet,
    /// The last that the last segment tells.
    pub signs: LastSigns,
    /// Whether the last segment ended with a word, and could write to its end.
    pub ended: bool,
    /// Whether a torn last line was left out.
    pub torn: bool,
}

impl RunOnDisk {
    /// What was counted, over all segments; tokens and sessions were compared within each.
    pub fn together(&self) -> Recorded {
        Recorded::together(&self.segments)
    }
}

impl RunDir {
    /// Counts everything on disk again: equal to what the run itself counted, for as much as it wrote.
    pub fn recorded(&self, scenario: &Scenario) -> Result<RunOnDisk, ResultsError> {
        self.recorded_in(scenario, whole::SEGMENT)
    }

    pub(super) fn recorded_in(&self, scenario: &Scenario, segment: usize) -> Result<RunOnDisk, ResultsError> {
        let all = self.segments()?;
        let bytes: u64 = all.iter().filter_map(|files| Some(files.path(SAMPLES).metadata().ok()?.len())).sum();
        // A call that no row has room for is a damaged number.
        let below = self.manifest()?.scheduled.unwrap_or(0).max(bytes / LEAST_ROW);
        let mut read = RunOnDisk {
            segments: Vec::new(),
            calls: CallSet::below(below),
            signs: LastSigns::default(),
            ended: true,
            torn: false,
        };
        for files in &all {
            read.signs = LastSigns::of_segment(files.entry().first_seq, files.entry().from());
            let mut recorder = Recorder::default();
            let mut sieve = whole::CallSieve::new(self.path());
            let mut rows = files.rows(scenario)?;
            for sample in rows.by_ref() {
                let sample = sample?;
                recorder.record(&sample);
                read.calls.insert(sample.seq);
                read.signs.call(sample.seq, &sample.ending());
                sieve.take(&sample);
            }
            let ledger = sieve.report(floor_us(scenario.idempotency.session_ttl), segment, || files.rows(scenario))?;
            read.segments.push(Recorded { recorder, ledger });
            read.torn |= rows.torn();
            let facts = files.entry().facts.as_ref();
            read.ended = facts.is_some_and(|facts| facts.stop != Stop::DiskFull);
        }
        if let Some(last) = all.last() {
            // Without a timeline only the rows tell.
            last.timeline().into_iter().flatten().for_each(|row| read.signs.second(&row));
        }
        Ok(read)
    }

    /// Makes the timelines and interval logs again from the rows, where one is missing, torn or of another run, or a segment did not come to
    /// its end. Says whether it did.
    pub fn write_timeline(&self, scenario: &Scenario, summary: &Summary) -> Result<bool, ResultsError> {
        let mut written = false;
        for files in self.segments()? {
            let line = summary.segments.iter().find(|line| line.number == files.entry().number);
            let counts = &summary.counts;
            let (ended, unknown) = line.map_or((counts.ended, counts.unknown), |line| (line.ended, line.unknown));
            let whole = self.is_whole(&files.name(TIMELINE)) && self.is_whole(&files.name(HLOG));
            // A full disk may have cut the interval log at the end of a line, which does not show.
            let ended_well = files.entry().facts.as_ref().is_some_and(|facts| facts.stop != Stop::DiskFull);
            if ended_well && whole && files.has_timeline_of(ended.saturating_sub(unknown)) {
                continue;
            }
            self.write_timeline_of(&files, scenario)?;
            written = true;
        }
        Ok(written)
    }

    fn write_timeline_of(&self, files: &SegmentFiles, scenario: &Scenario) -> Result<(), ResultsError> {
        let mut timeline = Rebuilt::default();
        let from = files.entry().from().as_secs();
        // Its last rows tell how long the process lived, and its calls do not.
        let told = (from..).zip(files.timeline().into_iter().flatten()).take_while(|(second, row)| row.second == *second);
        let lived = told.last().map(|(second, _)| second);
        let mut rows = files.rows(scenario)?;
        let mut failed = None;
        self.replace(&files.name(HLOG), |out| {
            let mut hlog = HlogWriter::new(out, files.entry().zero())?;
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
        if let Some(second) = lived {
            timeline.lived(second);
        }
        self.replace(&files.name(TIMELINE), |out| {
            let mut table = TableWriter::new(out)?;
            timeline.into_rows().filter(|row| row.second >= from).try_for_each(|row| table.write(&row))?;
            table.flush()
        })
    }
}

impl SegmentFiles {
    /// Whether the files that are made of its samples are those of its `ended` calls; if not, they can be made again.
    fn has_timeline_of(&self, ended: u64) -> bool {
        let Ok(rows) = self.timeline() else { return false };
        let counted: u64 = rows.map(|row| row.ended()).sum();
        let mut head = Vec::new();
        let written: io::Result<_> = HlogWriter::new(&mut head, self.entry().zero()).map(drop);
        let mut begins = vec![0; head.len()];
        let read = File::open(self.path(HLOG)).and_then(|mut log| log.read_exact(&mut begins));
        counted == ended && written.is_ok() && read.is_ok() && begins == head
    }
}
