//! The files of a merged run that are made of the rows: `samples.csv`, `latency.hlog`, `timeline.csv`.
//!
//! Refuses to leave half a row: a file is there as a whole, or not at all.

use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::super::cells::header;
use super::super::disk::Buffered;
use super::super::hlog::HlogWriter;
use super::super::table::TableWriter;
use super::super::{HLOG, ResultsError, RunDir, SAMPLES, TIMELINE};
use super::order::{OrderError, OrderPlan, OrderedRows};
use super::row::RowLine;
use super::tally::{RowTally, Tallied, TallyPlan};
use crate::shard::CallRanges;

/// Batches of rows that wait to be written.
const AHEAD: usize = 4; // derived: neither thread waits for the other because of one slow batch

/// The copying of all rows.
pub(super) struct CopyJob<'a> {
    /// Where the files go.
    pub(super) dir: &'a RunDir,
    pub(super) order: OrderPlan<'a>,
    pub(super) plan: &'a TallyPlan<'a>,
    /// When the schedule's time 0 was, since 1970.
    pub(super) since_epoch: Duration,
    /// How long a session lives, in microseconds.
    pub(super) ttl_us: u64,
}

impl CopyJob<'_> {
    /// Copies the rows, and counts the calls that were made more than once.
    pub(super) fn run(&self) -> Result<(Tallied, CallRanges), ResultsError> {
        let mut copied = self.once(false);
        if matches!(copied, Err(OrderError::Disordered)) {
            copied = self.once(true);
        }
        match copied {
            Ok(copied) => Ok(copied),
            Err(OrderError::Results(error)) => Err(error),
            Err(OrderError::Disordered) => {
                let path = self.dir.path.join(SAMPLES);
                Err(ResultsError::Malformed { path, what: "its rows cannot be sorted".to_owned() })
            }
        }
    }

    fn once(&self, all_on_disk: bool) -> Result<(Tallied, CallRanges), OrderError> {
        let mut doubles = CallRanges::new(self.plan.rules.of);
        let rows = self.order.rows(all_on_disk, &mut doubles)?;
        let tallied = self.replaced(HLOG, |out| {
            let mut hlog = HlogWriter::new(out, self.since_epoch)?;
            Ok(self.tally(rows, &mut hlog))
        })?;
        self.dir.replace(TIMELINE, |out| {
            let mut table = TableWriter::new(out)?;
            tallied.timeline.iter().try_for_each(|row| table.write(row))?;
            table.flush()
        })?;
        Ok((tallied, doubles))
    }

    /// One thread reads the rows and puts them in order, another writes and counts them.
    fn tally(&self, rows: OrderedRows<'_>, hlog: &mut HlogWriter<&mut Buffered>) -> Result<Tallied, OrderError> {
        let mut tally = RowTally::new(self.plan, &self.dir.path);
        thread::scope(|scope| {
            let (taker, ready) = mpsc::sync_channel(AHEAD);
            thread::Builder::new().spawn_scoped(scope, move || rows.hand_over(&taker)).map_err(ResultsError::Thread)?;
            self.replaced(SAMPLES, |file| {
                file.write_all(header().as_bytes())?;
                file.write_all(b"\n")?;
                for batch in &ready {
                    match batch {
                        Ok(rows) => rows.iter().try_for_each(|row| write(row, file, &mut tally, hlog))?,
                        Err(error) => return Ok(Err(error)),
                    }
                }
                Ok(Ok(()))
            })
        })?;
        tally.finish(hlog, self.ttl_us).map_err(|reason| self.unwritten(reason))
    }

    /// Writes a file, and gives what came of it. Where the rows fail, the file that was there stays.
    fn replaced<T>(
        &self,
        name: &str,
        write: impl FnOnce(&mut Buffered) -> io::Result<Result<T, OrderError>>,
    ) -> Result<T, OrderError> {
        let mut given = Err(OrderError::Disordered);
        let written = self.dir.replace(name, |out| {
            given = write(out)?;
            // Whoever asked hears why, and not this.
            if given.is_ok() { Ok(()) } else { Err(io::Error::other("the rows failed")) }
        });
        match (given, written) {
            (Ok(_), Err(error)) => Err(error.into()),
            (given, _) => given,
        }
    }

    fn unwritten(&self, reason: io::Error) -> OrderError {
        OrderError::Results(ResultsError::Write { path: self.dir.path.join(HLOG), reason })
    }
}

fn write(row: &RowLine, file: &mut Buffered, tally: &mut RowTally<'_>, hlog: &mut HlogWriter<&mut Buffered>) -> io::Result<()> {
    file.write_all(&row.text)?;
    file.write_all(b"\n")?;
    tally.take(&row.text, hlog)
}
