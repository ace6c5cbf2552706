//! The first reading of all shards' rows: what is there, what is damaged, and whose summary can be believed.
//!
//! Refuses to keep a row.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::super::cells::{before_zeros, begins_header, header, whole_line};
use super::super::sieve::{BitSet, Sieve};
use super::super::{ResultsError, SAMPLES};
use super::part::MergePart;
use super::row::RowCells;
use crate::client::outcome::Outcome;
use crate::shard::Coverage;
use crate::stats::keyed::KeyedState;

/// What must hold of every row of a part, and whose calls are whose.
pub(super) struct RowRules<'a> {
    /// Calls of the whole schedule, if it has any.
    pub(super) total: Option<u64>,
    /// How many shards there are.
    pub(super) of: u64,
    /// The number that decides whose a call is.
    pub(super) owner: &'a dyn Fn(u64) -> u64,
    /// The names of the mixes, as they stand in a file.
    pub(super) mixes: &'a [Vec<u8>],
}

impl RowRules<'_> {
    /// The shard whose call this is.
    pub(super) fn shard(&self, seq: u64) -> u64 {
        (self.owner)(seq) % self.of.max(1)
    }

    /// The cells of a line, if it is a row of this part.
    pub(super) fn admit<'a>(&self, part: &MergePart, line: &'a [u8]) -> Option<RowCells<'a>> {
        let cells = RowCells::of(line)?;
        let known = cells.has_mix_of(self.mixes) && self.total.is_none_or(|total| cells.seq < total);
        (known && part.shards.contains(&self.shard(cells.seq))).then_some(cells)
    }
}

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
}

/// Reads all rows once. What memory does not hold goes to disk where `out` is, or will be.
pub(super) fn scan(parts: &[MergePart], rules: &RowRules<'_>, out: &Path) -> Result<Scanned, ResultsError> {
    let place = out.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("."));
    let (mut tokens, mut sessions) = (Sieve::new(place), Sieve::new(place));
    let keys = KeyedState::default();
    let mut coverage = Coverage::new(rules.of, rules.total.unwrap_or(0));
    let mut scanned = Vec::new();
    for part in parts {
        let mut found = ScannedPart::default();
        let mut lines = Lines::open(part)?;
        while let Some(line) = lines.next()? {
            let Some(cells) = rules.admit(part, line) else {
                let number = lines.number;
                let damaged = found.damaged.get_or_insert((0, number));
                damaged.0 += 1;
                continue;
            };
            *found.counts.entry(cells.ending.outcome).or_default() += 1;
            found.doubled |= !coverage.has(cells.seq);
            if !cells.token.is_empty() && cells.ending.sent_us.is_some() {
                tokens.take(keys.hash_one(cells.token))?;
            }
            if let Some(session) = cells.session() {
                sessions.take(keys.hash_one(session))?;
            }
        }
        found.damaged = if lines.headed { found.damaged } else { Some((found.damaged.map_or(1, |(n, _)| n + 1), 1)) };
        scanned.push(found);
    }
    Ok(Scanned { coverage, keys, tokens: tokens.finish()?, sessions: sessions.finish()?, parts: scanned })
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
}

impl Lines {
    pub(super) fn open(part: &MergePart) -> Result<Self, ResultsError> {
        let path = part.dir.path.join(SAMPLES);
        let file = match File::open(&path) {
            // derived: some hundred rows a system call; 256 files of it are 16 MiB
            Ok(file) => BufReader::with_capacity(1 << 16, file),
            Err(reason) => return Err(ResultsError::Read { path, reason }),
        };
        let mut lines = Self { path, file, line: Vec::with_capacity(512), number: 0, headed: false };
        lines.headed = match lines.next()? {
            Some(line) => line == header().as_bytes(),
            None => begins_header(before_zeros(&lines.line)),
        };
        Ok(lines)
    }

    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, ResultsError> {
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line);
        read.map_err(|reason| ResultsError::Read { path: self.path.clone(), reason })?;
        self.number += 1;
        Ok(whole_line(&self.line))
    }
}
