//! What the cores hand over, written and counted as the run goes.
//!
//! A file that cannot be written stops growing and is told once; the others go on, and so does the counting.

use std::path::{Path, PathBuf};
use std::{io, mem};

use super::ResultsError;
use super::hlog::HlogWriter;
use super::manifest::ManifestSegment;
use super::rows::{RowWriter, Rows, make_readable};
use super::sink::Sink;
use super::table::TableWriter;
use super::whole::{CallSieve, SEGMENT};
use crate::client::outcome::Outcome;
use crate::record::Recorded;
use crate::record::ledger::online::Ledger;
use crate::record::ledger::{LedgerEntry, LedgerReport};
use crate::record::recorder::Recorder;
use crate::record::sample::Batch;
use crate::record::second_times::SecondTimes;
use crate::record::server_clock::ServerClock;
use crate::record::timeline::{ClosedSecond, Live, Row};
use crate::scenario::Scenario;
use crate::units::floor_us;

/// Where the growing files go.
pub(super) struct Outputs {
    pub(super) samples: Sink,
    pub(super) timeline: Sink,
    pub(super) hlog: Sink,
}

/// The growing files of a run, and what they hold, counted.
pub struct Journal {
    samples: RowWriter<Sink>,
    timeline_csv: TableWriter<Row, Sink>,
    hlog: HlogWriter<Sink>,
    recorder: Recorder,
    timeline: Live,
    /// `None` if nobody watches: then tokens and sessions are compared at the end only.
    ledger: Option<Ledger>,
    /// For the end, when more went by than the ledger remembers; `None` if the files lie nowhere.
    sieve: Option<CallSieve>,
    /// Sent calls whose second is not complete yet: the ledger reads in the order of the ends, over all cores.
    waiting: Vec<LedgerEntry>,
    settled_until: u64,
    /// Until which second what ended would survive a loss of power.
    synced_until: u64,
    progress: Progress,
    scenario: Scenario,
    told: u8,
    server: Option<ServerClock>,
    /// The seconds that a watcher was not told of yet; `None` if nobody watches.
    untold: Option<Vec<Moment>>,
}

/// Seconds that are kept for a watcher who does not listen.
const UNTOLD: usize = 600;

/// A complete second, for who watches a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moment {
    /// Its row in `timeline.csv`.
    pub row: Row,
    /// Response times of its ok answers in microseconds, each with its count, ascending.
    pub response_ok: Vec<(u64, u64)>,
    /// Service times of the same.
    pub service_ok: Vec<(u64, u64)>,
}

impl Moment {
    fn of(interval: &ClosedSecond) -> Self {
        let times = |times: Option<&SecondTimes>| {
            times.into_iter().flat_map(SecondTimes::steps).map(|step| (step.highest_us, step.count)).collect()
        };
        let ok = interval.responses.iter().find(|(outcome, _)| *outcome == Outcome::Ok).map(|(_, times)| times);
        Self { row: interval.row, response_ok: times(ok), service_ok: times(interval.service_ok.as_ref()) }
    }
}

/// What a watcher is told whenever seconds are complete.
#[derive(Debug, Clone)]
pub struct RunSoFar {
    /// Those seconds, in order.
    pub seconds: Vec<Moment>,
    /// Everything that was counted until now.
    pub recorded: Recorded,
    /// Where the run stands.
    pub progress: Progress,
}

/// Where a run stands, for the progress line: all of it at one instant, the end of the last complete second, so that
/// `sent = ok + throttled + errors + in_flight`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Calls that came due in the seconds that are complete.
    pub offered: u64,
    /// Calls sent in them.
    pub sent: u64,
    /// Sessions handed out in them.
    pub ok: u64,
    /// Calls refused for rate in them.
    pub throttled: u64,
    /// Of those, for the quota, because the rate rose too fast, and because the service is scaling.
    pub by_cause: [u64; 3],
    /// All other endings of sent calls in them.
    pub errors: u64,
    /// Calls missed in them, or for which this machine had nothing left.
    pub missed: u64,
    /// Calls capped in them.
    pub capped: u64,
    /// Calls in flight at the end of the last complete second.
    pub in_flight: u64,
    /// Idempotency violations found in them.
    pub violations: u64,
    /// Median response of the ok answers of the last complete second; `None` without any.
    pub response_p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub response_p99_us: Option<u64>,
}

impl Progress {
    /// One complete second more.
    fn add(&mut self, row: &Row) {
        let causes = [row.throttled_quota, row.throttled_ramp, row.throttled_service];
        self.offered += row.offered;
        self.sent += row.sent;
        self.ok += row.ok;
        self.throttled += causes.iter().sum::<u64>();
        self.by_cause.iter_mut().zip(causes).for_each(|(all, n)| *all += n);
        self.errors += row.errors;
        self.missed += row.missed;
        self.capped += row.capped;
        self.in_flight = row.in_flight;
        (self.response_p50_us, self.response_p99_us) = (row.response_p50_us, row.response_p99_us);
    }
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// Everything that was counted: whole, even if a file is not.
    pub recorded: Recorded,
    /// The server's clock, as its answers show it.
    pub server: Option<ServerClock>,
    /// The first file that could not be written, if there is one.
    pub problem: Option<ResultsError>,
}

impl Journal {
    pub(super) fn new(
        outputs: Outputs,
        scenario: &Scenario,
        cores: usize,
        segment: &ManifestSegment,
        dir: Option<&Path>,
    ) -> Result<Self, ResultsError> {
        let paths = [&outputs.samples, &outputs.timeline, &outputs.hlog].map(|sink| sink.path().to_owned());
        let [samples_path, timeline_path, hlog_path] = paths;
        let failed = |path: PathBuf| move |reason: io::Error| ResultsError::Write { path, reason };
        Ok(Self {
            samples: RowWriter::new(outputs.samples, scenario).map_err(failed(samples_path))?,
            timeline_csv: TableWriter::new(outputs.timeline).map_err(failed(timeline_path))?,
            hlog: HlogWriter::new(outputs.hlog, segment.zero()).map_err(failed(hlog_path))?,
            recorder: Recorder::default(),
            timeline: Live::new(cores).beginning(segment.from().as_secs()),
            ledger: Some(Ledger::new(scenario.idempotency.session_ttl)),
            waiting: Vec::new(),
            settled_until: 0,
            synced_until: 0,
            progress: Progress::default(),
            scenario: scenario.clone(),
            sieve: dir.map(CallSieve::new),
            told: 0,
            server: None,
            untold: None,
        })
    }

    /// The same for a run that nobody watches: what only a watcher is told is not worked out.
    #[must_use]
    pub fn unwatched(self) -> Self {
        let ledger = self.ledger.filter(|_| self.sieve.is_none());
        Self { ledger, ..self }
    }

    /// From now on [`Journal::so_far`] has something to say.
    pub fn watch(&mut self) {
        self.untold.get_or_insert_default();
    }

    /// What a watcher was not told yet; `None` when no second was completed since, or nobody watches.
    pub fn so_far(&mut self) -> Option<RunSoFar> {
        let seconds = self.untold.as_mut().filter(|untold| !untold.is_empty()).map(mem::take)?;
        let recorded =
            Recorded { recorder: self.recorder.clone(), ledger: self.ledger.as_ref().map(Ledger::so_far).unwrap_or_default() };
        Some(RunSoFar { seconds, recorded, progress: self.progress() })
    }

    /// Takes back what could not be told, for the next time; of too much the oldest is dropped.
    pub fn untold(&mut self, mut seconds: Vec<Moment>) {
        let Some(untold) = &mut self.untold else { return };
        seconds.append(untold);
        let surplus = seconds.len().saturating_sub(UNTOLD);
        seconds.drain(..surplus);
        *untold = seconds;
    }

    /// Takes what a core hands over, and leaves its vectors empty for the next time.
    ///
    /// # Errors
    /// The first failure of each file, once. The calls are counted all the same.
    pub fn accept(&mut self, batch: &mut Batch) -> Result<(), ResultsError> {
        for sample in &mut batch.samples {
            make_readable(sample);
            self.recorder.record(sample);
            ServerClock::observe(&mut self.server, sample);
            self.timeline.sample(sample);
            if self.ledger.is_some() {
                self.waiting.extend(LedgerEntry::of(sample));
            }
            self.sieve.iter_mut().for_each(|sieve| sieve.take(sample));
            // The sink remembers a failure; `news` tells it.
            let _ = self.samples.write(sample);
        }
        batch.samples.clear();
        for second in batch.seconds.drain(..) {
            self.timeline.second(batch.core, &second);
        }
        while let Some(interval) = self.timeline.next_complete() {
            self.write_interval(interval);
        }
        self.settle(self.timeline.complete_until());
        self.news()
    }

    fn write_interval(&mut self, interval: ClosedSecond) {
        let row = &interval.row;
        self.progress.add(row);
        let _ = self.timeline_csv.write(row); // the sink remembers a failure
        let _ = self.hlog.write(&interval);
        if let Some(untold) = &mut self.untold {
            untold.push(Moment::of(&interval));
        }
        self.timeline.recycle(interval);
    }

    /// Gives the ledger everything that ended before second `until`, in order.
    fn settle(&mut self, until: u64) {
        let Some(ledger) = self.ledger.as_mut().filter(|_| until > self.settled_until) else { return };
        self.settled_until = until;
        let until_us = until.saturating_mul(1_000_000);
        self.waiting.sort_unstable_by(LedgerEntry::by_end);
        let ready = self.waiting.partition_point(|e| e.done_us < until_us);
        for entry in self.waiting.drain(..ready) {
            ledger.observe(&entry);
        }
    }

    /// Hands everything to the system; call it at least once a second. Whatever was accepted before then survives a `kill -9`, and with each
    /// second that is complete, the rows of `samples.csv` a loss of power: everything else is made of them again.
    ///
    /// # Errors
    /// The first failure of each file, once.
    pub fn flush(&mut self) -> Result<(), ResultsError> {
        if self.timeline.complete_until() > self.synced_until {
            self.synced_until = self.timeline.complete_until();
            self.samples.sink().sync_with_flush();
        }
        // One failing file must not keep the others from the disk; the sinks remember.
        let _ = self.samples.flush();
        let _ = self.timeline_csv.flush();
        let _ = self.hlog.flush();
        self.news()
    }

    /// The failures that were not told yet.
    fn news(&mut self) -> Result<(), ResultsError> {
        for bit in 0..3 {
            let sink = self.sinks()[bit];
            if self.told & (1 << bit) == 0
                && let Some(failure) = sink.failure()
            {
                self.told |= 1 << bit;
                return Err(failure);
            }
        }
        Ok(())
    }

    fn sinks(&self) -> [&Sink; 3] {
        [self.samples.sink(), self.timeline_csv.out(), self.hlog.sink()]
    }

    /// Where the run stands.
    pub fn progress(&self) -> Progress {
        Progress { violations: self.ledger.as_ref().map_or(0, Ledger::violations), ..self.progress }
    }

    /// What was counted so far.
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Writes what is left and compares tokens and sessions over the whole run: from memory when nothing was forgotten, otherwise by
    /// looking at the calls of `samples.csv` again whose token or session came more than once.
    pub fn finish(mut self) -> Finished {
        while let Some(interval) = self.timeline.next_remaining() {
            self.write_interval(interval);
        }
        self.settle(u64::MAX);
        // The manifest will say that the run has ended: nothing of it may be lost after that.
        self.sinks().into_iter().for_each(Sink::sync_with_flush);
        let _ = self.flush(); // told below
        let mut problem = self.sinks().into_iter().find_map(Sink::failure);
        let Self { recorder, ledger, scenario, sieve, samples, server, .. } = self;
        let whole = ledger.as_ref().is_some_and(Ledger::is_whole);
        // What it remembers makes room for the sorting.
        let mut ledger = ledger.map_or_else(LedgerReport::unknown, Ledger::into_report);
        if let Some(sieve) = sieve.filter(|_| !whole && !samples.sink().has_failed()) {
            let rows = || Rows::open(samples.sink().path(), &scenario);
            match sieve.report(floor_us(scenario.idempotency.session_ttl), SEGMENT, rows) {
                Ok(report) => ledger = report,
                Err(error) => {
                    problem.get_or_insert(error);
                }
            }
        }
        Finished { recorded: Recorded { recorder, ledger }, server, problem }
    }
}
