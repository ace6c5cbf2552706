//! The second reading: the rows of all parts in one order, one of each call.
//!
//! A run's own file is nearly in the order of the ends: its threads hand over several times a second. So a file needs a little room to be put
//! in order as it is read, and nothing is written but the result. What needs more room, and parts that may have rows of the same call, are
//! sorted on disk. Refuses to say which way was taken: the order is the same.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::Path;
use std::sync::mpsc::SyncSender;

use super::super::ResultsError;
use super::super::external::{ExternalSort, Merge};
use super::part::MergePart;
use super::row::RowLine;
use super::rules::RowRules;
use super::scan::{Lines, Scanned};
use crate::shard::CallRanges;

/// Rows that are sorted in memory at once: some 8 MB at 250 bytes a row.
const SEGMENT: usize = 32_768;
/// Rows that wait in memory to be put in order, of all parts together: 16 MB at 250 bytes a row.
// derived: threads hand over every tenth of a second, and half the room is ahead of a row, so 4 parts may send 80,000 calls/s each
const WAITING: usize = 65_536;
/// Rows that are handed to who writes them at once.
// derived: 125 kB at 250 bytes a row, and a channel's cost is spread over hundreds
const HANDED: usize = 512;
/// Files that are read side by side.
// derived: a quarter of the 1024 files that a process may usually have open
const OPEN: usize = 256;

/// Why the next row cannot be had.
#[derive(Debug)]
pub(super) enum OrderError {
    /// A file is further from the order than the room for it; all must be sorted on disk.
    Disordered,
    /// A file cannot be read or written.
    Results(ResultsError),
}

impl From<ResultsError> for OrderError {
    fn from(error: ResultsError) -> Self {
        Self::Results(error)
    }
}

/// Rows in order.
pub(super) struct OrderedRows<'a> {
    sources: Vec<RowSource<'a>>,
    heads: BinaryHeap<Reverse<SourceHead>>,
}

/// Where rows come from.
enum RowSource<'a> {
    File(NearlyOrdered<'a>),
    Disk(Merge<RowLine>),
}

/// How the rows are to be read.
pub(super) struct OrderPlan<'a> {
    pub(super) parts: &'a [MergePart],
    pub(super) rules: &'a RowRules<'a>,
    /// What the first reading showed.
    pub(super) scanned: &'a Scanned,
    /// Which parts may have rows of one call, or calls without a row.
    pub(super) contested: Vec<bool>,
    /// Where what is sorted on disk lies meanwhile.
    pub(super) place: &'a Path,
}

impl<'a> OrderPlan<'a> {
    /// Opens the sources. Of doubled calls the one row is kept that was sent first, and the others that were sent are counted in `doubles`.
    pub(super) fn rows(&self, all_on_disk: bool, doubles: &mut CallRanges) -> Result<OrderedRows<'a>, OrderError> {
        let on_disk = |n: usize| all_on_disk || self.parts.len() > OPEN || self.contested[n];
        let room = (WAITING / self.parts.len().max(1)).max(1);
        let mut sources = Vec::new();
        for (_, part) in self.parts.iter().enumerate().filter(|(n, _)| !on_disk(*n)) {
            let lines = Lines::open(part)?;
            sources.push(RowSource::File(NearlyOrdered {
                part,
                rules: self.rules,
                lines,
                room,
                waiting: VecDeque::new(),
                last: None,
            }));
        }
        if (0..self.parts.len()).any(on_disk) {
            sources.push(RowSource::Disk(self.sorted(&on_disk, doubles)?));
        }
        OrderedRows::of(sources)
    }

    /// The rows of these parts, sorted on disk, by call to find those of one call, then by their ends.
    fn sorted(&self, on_disk: &dyn Fn(usize) -> bool, doubles: &mut CallRanges) -> Result<Merge<RowLine>, ResultsError> {
        let mut by_call = ExternalSort::new(self.place.join("calls"), SEGMENT, RowLine::by_call);
        for (n, part) in self.parts.iter().enumerate().filter(|(n, _)| on_disk(*n)) {
            if let Some(perhaps) = &self.scanned.parts[n].perhaps_sent {
                let mut pushed = Ok(());
                perhaps.each(part, self.rules, |row| {
                    if pushed.is_ok() {
                        pushed = by_call.push(row);
                    }
                });
                pushed?;
            }
            let mut lines = Lines::open(part)?;
            while let Some(line) = lines.next()? {
                if let Some(cells) = self.rules.admit(part, line) {
                    by_call.push(RowLine::of(&cells, line))?;
                }
            }
        }
        let mut by_end = ExternalSort::new(self.place.join("ends"), SEGMENT, RowLine::by_end);
        let mut last = None;
        for row in by_call.sorted()? {
            let row = row?;
            if last == Some(row.seq) {
                // What was sent comes first: if this one was, so was the one that is kept.
                if row.was_sent() {
                    doubles.take(row.seq, self.rules.shard(row.seq));
                }
                continue;
            }
            last = Some(row.seq);
            by_end.push(row)?;
        }
        by_end.sorted()
    }
}

impl RowSource<'_> {
    fn next(&mut self) -> Option<Result<RowLine, OrderError>> {
        match self {
            Self::File(file) => file.next().transpose(),
            Self::Disk(rows) => rows.next().map(|row| row.map_err(OrderError::Results)),
        }
    }
}

impl<'a> OrderedRows<'a> {
    fn of(sources: Vec<RowSource<'a>>) -> Result<Self, OrderError> {
        let mut rows = Self { heads: BinaryHeap::with_capacity(sources.len()), sources };
        for source in 0..rows.sources.len() {
            rows.refill(source)?;
        }
        Ok(rows)
    }

    fn refill(&mut self, source: usize) -> Result<(), OrderError> {
        if let Some(row) = self.sources[source].next() {
            self.heads.push(Reverse(SourceHead { row: row?, source }));
        }
        Ok(())
    }

    /// Hands over all rows, in batches, until nobody takes them. An error is the last thing that is handed over.
    pub(super) fn hand_over(mut self, taker: &SyncSender<Result<Vec<RowLine>, OrderError>>) {
        loop {
            let batch: Result<Vec<_>, _> = std::iter::from_fn(|| self.next().transpose()).take(HANDED).collect();
            let more = batch.as_ref().is_ok_and(|batch| batch.len() == HANDED);
            if taker.send(batch).is_err() || !more {
                return;
            }
        }
    }

    /// The next row.
    fn next(&mut self) -> Result<Option<RowLine>, OrderError> {
        let Some(Reverse(SourceHead { row, source })) = self.heads.pop() else { return Ok(None) };
        self.refill(source)?;
        Ok(Some(row))
    }
}

/// A file that is put in order as it is read: half of what waits is handed over before more is read, so that a row may stand as far from its
/// place as half the room. A nearly ordered run of rows is sorted in little more than one comparison a row, which no heap does.
struct NearlyOrdered<'a> {
    part: &'a MergePart,
    rules: &'a RowRules<'a>,
    lines: Lines,
    /// Rows that wait at most.
    room: usize,
    /// In order.
    waiting: VecDeque<RowLine>,
    last: Option<(u64, u64)>,
}

impl NearlyOrdered<'_> {
    fn next(&mut self) -> Result<Option<RowLine>, OrderError> {
        if self.waiting.len() <= self.room / 2 {
            self.fill()?;
        }
        let Some(row) = self.waiting.pop_front() else { return Ok(None) };
        if self.last.is_some_and(|last| last > row.place()) {
            return Err(OrderError::Disordered);
        }
        self.last = Some(row.place());
        Ok(Some(row))
    }

    fn fill(&mut self) -> Result<(), ResultsError> {
        let before = self.waiting.len();
        while self.waiting.len() < self.room {
            let Some(line) = self.lines.next()? else { break };
            if let Some(cells) = self.rules.admit(self.part, line) {
                self.waiting.push_back(RowLine::of(&cells, line));
            }
        }
        if self.waiting.len() > before {
            self.waiting.make_contiguous().sort_by(RowLine::by_end);
        }
        Ok(())
    }
}

/// The next row of a source.
#[derive(Debug, PartialEq, Eq)]
struct SourceHead {
    row: RowLine,
    source: usize,
}

impl Ord for SourceHead {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.row.by_end(&other.row).then(self.source.cmp(&other.source))
    }
}

impl PartialOrd for SourceHead {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
