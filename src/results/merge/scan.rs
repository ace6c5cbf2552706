//! The first reading of all shards' rows: what is there, what is damaged, and whose summary can be believed.
//!
//! Refuses to keep a row.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::super::cells::{before_zeros, begins_header, header, read_line, whole_line};
use super::super::sieve::{BitSet, Sieve};
use super::super::{ResultsError, SAMPLES};
use super::part::MergePart;
use super::perhaps_sent::{PartTelling, PerhapsSent};
use super::row::RowCells;
use super::rules::RowRules;
use crate::client::outcome::Outcome;
use crate::shard::Coverage;
use crate::stats::keyed::KeyedState;

/// Rows that a reading thread tells of at once.
// derived: three numbers of each are 100 KB, and a channel's cost is spread over thousands
const BATCH: usize = 4096;

/// What the first reading shows.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Which calls have a row.
    pub(super) coverage: Coverage,
    keys: KeyedState,
    tokens: BitSet,
    sessions: BitSet,
    /// Of each part, in order.
    pub(super) parts: Vec<ScannedPart>,
}

impl Scanned {
    /// Whether a token may have come twice; never false for one that did.
    pub(super) fn token_may_repeat(&self, token: &[u8]) -> bool {
        !self.tokens.is_empty() && self.tokens.may_have(self.keys.hash_one(token))
    }

    /// The same of a session.
    pub(super) fn session_may_repeat(&self, session: &[u8]) -> bool {
        !self.sessions.is_empty() && self.sessions.may_have(self.keys.hash_one(session))
    }
}

/// What it shows of one part.
#[derive(Debug, Default)]
pub(super) struct ScannedPart {
    /// Rows by outcome.
    pub(super) counts: BTreeMap<Outcome, u64>,
    /// Lines that are no rows of this part: how many, and the number of the first.
    pub(super) damaged: Option<(u64, u64)>,
    /// Whether a call has two rows in it, or one here and one in another part.
    pub(super) doubled: bool,
    /// Calls that it may have sent and has not told of, if there are any.
    pub(super) perhaps_sent: Option<PerhapsSent>,
}

/// What a reading thread tells: of some rows, or of a part that is read to its end.
enum ScanNews {
    Rows(usize, RowBatch),
    End(usize, Result<ScannedPart, ResultsError>),
}

/// What must be held against the rows of other parts.
#[derive(Default)]
struct RowBatch {
    calls: Vec<u64>,
    /// Their hashes.
    tokens: Vec<u64>,
    /// The same.
    sessions: Vec<u64>,
}

/// Reads all rows once, as many parts at a time as there are cores. What memory does not hold goes to disk where `out` is, or will be.
pub(super) fn scan(parts: &[MergePart], rules: &RowRules<'_>, out: &Path) -> Result<Scanned, ResultsError> {
    let keys = KeyedState::default();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(parts.len());
    let next = AtomicUsize::new(0);
    let (teller, news) = mpsc::sync_channel(2 * threads); // derived: a batch is being filled and another one waits, of each thread
    thread::scope(|scope| {
        for _ in 0..threads {
            let (teller, next) = (teller.clone(), &next);
            let reading = move || {
                while let Some((n, part)) = take_next(parts, next) {
                    let read = scan_part(part, rules, keys, |batch| teller.send(ScanNews::Rows(n, batch)).is_ok());
                    // Nobody hears it when the disk took no more.
                    if teller.send(ScanNews::End(n, read)).is_err() {
                        break;
                    }
                }
            };
            thread::Builder::new().spawn_scoped(scope, reading).map_err(ResultsError::Thread)?;
        }
        drop(teller);
        let place = out.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("."));
        let mut scanning = Scanning::new(place, rules, parts.len());
        news.into_iter().try_for_each(|told| scanning.take(told))?;
        scanning.finish(keys)
    })
}

fn take_next<'a>(parts: &'a [MergePart], next: &AtomicUsize) -> Option<(usize, &'a MergePart)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    Some((n, parts.get(n)?))
}

/// Reads the rows of one part. `tell` says whether anybody hears.
fn scan_part(
    part: &MergePart,
    rules: &RowRules<'_>,
    keys: KeyedState,
    tell: impl Fn(RowBatch) -> bool,
) -> Result<ScannedPart, ResultsError> {
    let (mut found, mut batch) = (ScannedPart::default(), RowBatch::default());
    let mut telling = PartTelling::of(part, rules);
    let mut lines = Lines::open(part)?;
    while let Some(line) = lines.next()? {
        let Some(cells) = rules.admit(part, line) else {
            let number = lines.number;
            let damaged = found.damaged.get_or_insert((0, number));
            damaged.0 += 1;
            continue;
        };
        *found.counts.entry(cells.ending.outcome).or_default() += 1;
        telling.call(&cells);
        batch.take(&cells, keys);
        if batch.calls.len() == BATCH && !tell(std::mem::take(&mut batch)) {
            return Ok(found);
        }
    }
    found.perhaps_sent = telling.perhaps_sent(part)?.filter(|perhaps| {
        let mut any = false;
        perhaps.each(part, rules, |row| {
            any = true;
            batch.calls.push(row.seq);
            if batch.calls.len() >= BATCH {
                tell(std::mem::take(&mut batch));
            }
        });
        any
    });
    tell(batch);
    found.damaged = if lines.headed { found.damaged } else { Some((found.damaged.map_or(1, |(n, _)| n + 1), 1)) };
    Ok(found)
}

impl RowBatch {
    fn take(&mut self, cells: &RowCells<'_>, keys: KeyedState) {
        if self.calls.is_empty() {
            for numbers in [&mut self.calls, &mut self.tokens, &mut self.sessions] {
                numbers.reserve_exact(BATCH);
            }
        }
        self.calls.push(cells.seq);
        if !cells.token.is_empty() && cells.ending.sent_us.is_some() {
            self.tokens.push(keys.hash_one(cells.token));
        }
        self.sessions.extend(cells.session().map(|session| keys.hash_one(session)));
    }
}

/// What was read so far.
struct Scanning {
    coverage: Coverage,
    tokens: Sieve,
    sessions: Sieve,
    parts: Vec<Result<ScannedPart, ResultsError>>,
    doubled: Vec<bool>,
}

impl Scanning {
    fn new(place: &Path, rules: &RowRules<'_>, parts: usize) -> Self {
        Self {
            coverage: Coverage::new(rules.of, rules.terms.total.unwrap_or(0)),
            tokens: Sieve::new(place),
            sessions: Sieve::new(place),
            parts: std::iter::repeat_with(|| Ok(ScannedPart::default())).take(parts).collect(),
            doubled: vec![false; parts],
        }
    }

    fn take(&mut self, told: ScanNews) -> Result<(), ResultsError> {
        match told {
            ScanNews::End(n, read) => self.parts[n] = read,
            ScanNews::Rows(n, batch) => {
                for call in batch.calls {
                    self.doubled[n] |= !self.coverage.has(call);
                }
                batch.tokens.into_iter().try_for_each(|token| self.tokens.take(token))?;
                batch.sessions.into_iter().try_for_each(|session| self.sessions.take(session))?;
            }
        }
        Ok(())
    }

    fn finish(self, keys: KeyedState) -> Result<Scanned, ResultsError> {
        // Of several that cannot be read the first is told, whichever failed first.
        let parts = self.parts.into_iter().zip(self.doubled).map(|(part, doubled)| Ok(ScannedPart { doubled, ..part? }));
        let parts = parts.collect::<Result<_, ResultsError>>()?;
        Ok(Scanned { coverage: self.coverage, keys, tokens: self.tokens.finish()?, sessions: self.sessions.finish()?, parts })
    }
}

/// The lines of a part's rows, without the header and without a torn last line, which is a row that was lost.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    /// Whether the header is what it should be.
    headed: bool,
    /// Whether the last whole line was read.
    over: bool,
}

impl Lines {
    pub(super) fn open(part: &MergePart) -> Result<Self, ResultsError> {
        let path = part.dir.path.join(SAMPLES);
        let file = match File::open(&path) {
            // derived: some hundred rows a system call; 256 files of it are 16 MiB
            Ok(file) => BufReader::with_capacity(1 << 16, file),
            Err(reason) => return Err(ResultsError::Read { path, reason }),
        };
        let mut lines = Self { path, file, line: Vec::with_capacity(512), number: 0, headed: false, over: false };
        lines.headed = match lines.next()? {
            Some(line) => line == header().as_bytes(),
            None => begins_header(before_zeros(&lines.line)),
        };
        Ok(lines)
    }

    /// The next line; after the last one, or one that lost bytes, there is none any more.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, ResultsError> {
        self.line.clear();
        if self.over {
            return Ok(None);
        }
        read_line(&mut self.file, &mut self.line).map_err(|reason| ResultsError::Read { path: self.path.clone(), reason })?;
        self.number += 1;
        let line = whole_line(&self.line);
        self.over = line.is_none();
        Ok(line)
    }
}
