//! The ledger over a whole run, in bounded memory: an external sort of its calls, once by token and once by session.
//!
//! Temporary files live in the run's own directory, where there is room for a run, and are removed afterwards.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use extsort::{ExternalSorter, PushExternalSorter, Sortable, SortedIterator};

use super::ResultsError;
use crate::client::outcome::Outcome;
use crate::record::ledger::id::Id;
use crate::record::ledger::{BySession, ByToken, LedgerEntry, LedgerReport};
use crate::record::sample::Role;

/// Entries that are sorted in memory at once, by token and by session: some 8 MB. Every segment is an open file until the end, so ten
/// million calls need 610 of them.
pub(super) const SEGMENT: usize = 32_767; // extsort takes one more, and a power of two fills its buffer

type Compare = fn(&Stored, &Stored) -> std::cmp::Ordering;

/// Takes the calls of a run in any order.
pub(super) struct Sorter {
    dir: TemporaryDir,
    segment: usize,
    pushed: usize,
    by_token: Pushed,
    by_session: Pushed,
}

/// A sorter and how many entries it was given.
struct Pushed {
    sorter: PushExternalSorter<Stored, Compare>,
    count: usize,
    segment: usize,
}

impl Pushed {
    fn new(place: PathBuf, segment: usize, compare: Compare) -> Self {
        let sorter = ExternalSorter::new().with_segment_size(segment).with_sort_dir(place).pushed_by(compare);
        Self { sorter, count: 0, segment }
    }

    fn push(&mut self, entry: LedgerEntry) -> io::Result<()> {
        self.count += 1;
        self.sorter.push(Stored(entry))
    }

    /// Everything in order.
    ///
    /// extsort 0.5 forgets all it has on disk when its last buffer is empty at the end, which is after every multiple of
    /// `segment + 1` entries: then an entry without token and session, which every reader passes over, keeps the buffer from being so.
    fn sorted(mut self) -> io::Result<SortedIterator<Stored, Compare>> {
        if self.count.is_multiple_of(self.segment + 1) {
            self.push(nothing())?;
        }
        self.sorter.done()
    }
}

/// An entry that no reader looks at.
fn nothing() -> LedgerEntry {
    LedgerEntry {
        seq: 0,
        sent_us: 0,
        done_us: 0,
        mix: 0,
        role: Role::Tokenless,
        outcome: Outcome::Missed,
        token: None,
        session: None,
        request: None,
        exception: None,
    }
}

impl Sorter {
    /// A sorter that keeps `segment` calls in memory and the rest below `dir`.
    pub(super) fn new(dir: &Path, segment: usize) -> Self {
        let dir = TemporaryDir(dir.join(".sort"));
        let by_token = Pushed::new(dir.0.join("token"), segment, |a, b| a.0.by_token(&b.0));
        let by_session = Pushed::new(dir.0.join("session"), segment, |a, b| a.0.by_session(&b.0));
        Self { dir, segment, pushed: 0, by_token, by_session }
    }

    /// Takes a call.
    pub(super) fn push(&mut self, entry: LedgerEntry) -> Result<(), ResultsError> {
        if self.pushed == self.segment {
            self.dir.make()?; // from here on a sorter may write
        }
        self.pushed += 1;
        let pushed = match (&entry.token, &entry.session) {
            (Some(_), Some(_)) => self.by_session.push(entry.clone()).and_then(|()| self.by_token.push(entry)),
            (Some(_), None) => self.by_token.push(entry),
            (None, Some(_)) => self.by_session.push(entry),
            (None, None) => Ok(()),
        };
        pushed.map_err(|reason| self.dir.failed(reason))
    }

    /// Reads everything in order.
    pub(super) fn finish(self, ttl_us: u64) -> Result<LedgerReport, ResultsError> {
        let Self { dir, by_token, by_session, .. } = self;
        let mut report = LedgerReport::default();
        let mut tokens = ByToken::new(ttl_us);
        for entry in by_token.sorted().map_err(|reason| dir.failed(reason))? {
            tokens.read(&entry.map_err(|reason| dir.failed(reason))?.0, &mut report);
        }
        let mut sessions = BySession::default();
        for entry in by_session.sorted().map_err(|reason| dir.failed(reason))? {
            sessions.read(&entry.map_err(|reason| dir.failed(reason))?.0, &mut report);
        }
        Ok(report)
    }
}

/// A directory that exists only when it is needed, and not for longer.
struct TemporaryDir(PathBuf);

impl TemporaryDir {
    fn make(&self) -> Result<(), ResultsError> {
        // What a killed process left.
        let _ = fs::remove_dir_all(&self.0);
        for name in ["token", "session"] {
            fs::create_dir_all(self.0.join(name)).map_err(|reason| self.failed(reason))?;
        }
        Ok(())
    }

    fn failed(&self, reason: io::Error) -> ResultsError {
        ResultsError::Write { path: self.0.clone(), reason }
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        // It may never have been made; and a left-over is removed by the next sort.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An entry as it lies on disk.
struct Stored(LedgerEntry);

impl Sortable for Stored {
    fn encode<W: Write>(&self, out: &mut W) -> io::Result<()> {
        let e = &self.0;
        for number in [e.seq, e.sent_us, e.done_us] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&e.mix.to_le_bytes())?;
        out.write_all(&[place(&Role::ALL, &e.role)?, place(Outcome::ALL, &e.outcome)?])?;
        for id in [&e.token, &e.session, &e.request, &e.exception] {
            encode_id(out, id.as_ref())?;
        }
        Ok(())
    }

    fn decode<R: Read>(input: &mut R) -> io::Result<Self> {
        let [seq, sent_us, done_us] = [number(input)?, number(input)?, number(input)?];
        let mix = u16::from_le_bytes(bytes(input)?);
        let [role, outcome] = bytes(input)?;
        let at = |found: bool| if found { Ok(()) } else { Err(io::Error::from(io::ErrorKind::InvalidData)) };
        at(usize::from(role) < Role::ALL.len() && usize::from(outcome) < Outcome::ALL.len())?;
        Ok(Self(LedgerEntry {
            seq,
            sent_us,
            done_us,
            mix,
            role: Role::ALL[usize::from(role)],
            outcome: Outcome::ALL[usize::from(outcome)],
            token: decode_id(input)?,
            session: decode_id(input)?,
            request: decode_id(input)?,
            exception: decode_id(input)?,
        }))
    }
}

/// The place of a value in its closed list, which has fewer than 256.
fn place<T: PartialEq>(all: &[T], value: &T) -> io::Result<u8> {
    let found = all.iter().position(|v| v == value).and_then(|i| u8::try_from(i).ok());
    found.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn bytes<const N: usize, R: Read>(input: &mut R) -> io::Result<[u8; N]> {
    let mut buffer = [0; N];
    input.read_exact(&mut buffer)?;
    Ok(buffer)
}

fn number<R: Read>(input: &mut R) -> io::Result<u64> {
    bytes(input).map(u64::from_le_bytes)
}

const NONE: u8 = 255;
const UUID: u8 = 254;
const TOKEN: u8 = 253;

/// An id: a byte that says none, UUID, token or the text's length (at most 64), then the bytes.
fn encode_id<W: Write>(out: &mut W, id: Option<&Id>) -> io::Result<()> {
    match id {
        None => out.write_all(&[NONE]),
        Some(Id::Uuid(uuid)) => {
            out.write_all(&[UUID])?;
            out.write_all(uuid)
        }
        Some(Id::Token(token)) => {
            out.write_all(&[TOKEN])?;
            out.write_all(token)
        }
        Some(Id::Text(text)) => {
            let length = u8::try_from(text.len()).ok().filter(|n| *n < TOKEN);
            out.write_all(&[length.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?])?;
            out.write_all(text.as_bytes())
        }
    }
}

fn decode_id<R: Read>(input: &mut R) -> io::Result<Option<Id>> {
    let [kind] = bytes(input)?;
    match kind {
        NONE => Ok(None),
        UUID => bytes(input).map(|uuid| Some(Id::Uuid(uuid))),
        TOKEN => bytes(input).map(|token| Some(Id::Token(token))),
        length => {
            let mut text = vec![0; usize::from(length)];
            input.read_exact(&mut text)?;
            let text = String::from_utf8(text).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            Ok(Some(Id::Text(text.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::ledger::whole;
    use crate::record::sample::testing::samples;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Sorted on disk in segments of a few calls, the ledger says what it says in memory, and leaves nothing behind.
        #[test]
        fn sorting_on_disk_equals_memory(list in samples(120), segment in 2usize..40, ttl_s in 1u64..200) {
            let dir = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(dir.path(), segment);
            for entry in list.iter().filter_map(LedgerEntry::of) {
                sorter.push(entry).unwrap();
            }
            prop_assert_eq!(sorter.finish(ttl_s * 1_000_000).unwrap(), whole(&list, ttl_s * 1_000_000));
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
