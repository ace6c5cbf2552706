//! The ledger over a whole run, in bounded memory: an external sort of its calls, once by token and once by session.
//!
//! Nearly every call brings a token and gets a session that no other call has, and of those the ledger has nothing to tell but their number. So
//! a [`CallSieve`] takes 16 bytes of each call as the run goes, and only the calls whose token or session came more than once are read
//! again and sorted.
//!
//! Temporary files live in the run's own directory, where there is room for a run, and are removed afterwards.

use std::fs;
use std::hash::BuildHasher as _;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ResultsError;
use super::external::{ExternalSort, OnDisk};
use super::sieve::{BitSet, Sieve};
use crate::client::outcome::Outcome;
use crate::record::ledger::id::Id;
use crate::record::ledger::{BySession, ByToken, LedgerEntry, LedgerReport};
use crate::record::sample::{Role, Sample};
use crate::stats::keyed::KeyedState;
use crate::units::Text64;

/// Entries that are sorted in memory at once, by token and by session: some 4 MB. A power of two is all of a vector that doubles. Ten
/// million calls that all repeat a token make 611 segments of each, of which at most 127 are files at a time.
pub(super) const SEGMENT: usize = 16_384;

/// Takes the calls of a run in any order, and keeps what tells which of them must be looked at again.
pub(super) struct CallSieve {
    dir: PathBuf,
    keys: KeyedState,
    tokens: Sieve,
    sessions: Sieve,
    /// Whether a call repeats a token on purpose: it has a line in the report, whatever became of the token.
    repeats: bool,
    /// The first that could not be kept; nothing is taken after it.
    failed: Result<(), ResultsError>,
}

impl CallSieve {
    /// One that keeps below `dir` what it cannot keep in memory.
    pub(super) fn new(dir: &Path) -> Self {
        let (tokens, sessions) = (Sieve::new(dir), Sieve::new(dir));
        Self { dir: dir.to_owned(), keys: KeyedState::default(), tokens, sessions, repeats: false, failed: Ok(()) }
    }

    /// Takes a call.
    pub(super) fn take(&mut self, sample: &Sample) {
        if self.failed.is_err() || sample.sent.is_none() || sample.done.is_none() {
            return;
        }
        self.repeats |= sample.role.repeats();
        let keys = self.keys;
        let token = sample.token.map_or(Ok(()), |token| self.tokens.take(keys.hash_one(token.as_str())));
        let session = session_of(sample).map_or(Ok(()), |session| self.sessions.take(keys.hash_one(session.as_str())));
        self.failed = token.and(session);
    }

    /// The ledger of all calls that were taken. `rows` reads them once more, if any has to be looked at; then at most `segment` of them are in
    /// memory at a time.
    pub(super) fn report<R>(
        self,
        ttl_us: u64,
        segment: usize,
        rows: impl FnOnce() -> Result<R, ResultsError>,
    ) -> Result<LedgerReport, ResultsError>
    where
        R: Iterator<Item = Result<Sample, ResultsError>>,
    {
        let Self { dir, keys, tokens, sessions, repeats, failed } = self;
        failed?;
        let all_sessions = sessions.taken();
        let (tokens, sessions) = (tokens.finish()?, sessions.finish()?);
        if tokens.is_empty() && sessions.is_empty() && !repeats {
            let mut report = LedgerReport::default();
            report.distinct_sessions += all_sessions;
            return Ok(report);
        }
        let again = |ids: &BitSet, id: Option<&Text64>| id.is_some_and(|id| ids.may_have(keys.hash_one(id.as_str())));
        let mut sorter = Sorter::new(&dir, segment);
        let mut others = 0;
        for sample in rows()? {
            let sample = sample?;
            let session = session_of(&sample);
            if sample.role.repeats() || again(&tokens, sample.token.as_ref()) || again(&sessions, session) {
                LedgerEntry::of(&sample).map_or(Ok(()), |entry| sorter.push(entry))?;
            } else if sample.sent.is_some() && sample.done.is_some() {
                // Of a session that came once there is nothing else to tell.
                others += u64::from(session.is_some());
            }
        }
        let mut report = sorter.finish(ttl_us)?;
        report.distinct_sessions += others;
        Ok(report)
    }
}

/// The session that a call got, as far as the ledger is concerned.
fn session_of(sample: &Sample) -> Option<&Text64> {
    sample.answer.session_id.as_ref().filter(|_| sample.answer.outcome == Outcome::Ok)
}

/// Takes the calls of a run in any order.
pub(super) struct Sorter {
    by_token: ExternalSort<LedgerEntry>,
    by_session: ExternalSort<LedgerEntry>,
    /// Last, so that it goes after what lies in it.
    dir: TemporaryDir,
}

impl Sorter {
    /// A sorter that keeps `segment` calls in memory and the rest below `dir`.
    pub(super) fn new(dir: &Path, segment: usize) -> Self {
        let dir = TemporaryDir(dir.join(".sort"));
        let by_token = ExternalSort::new(dir.0.join("token"), segment, LedgerEntry::by_token);
        let by_session = ExternalSort::new(dir.0.join("session"), segment, LedgerEntry::by_session);
        Self { by_token, by_session, dir }
    }

    /// Takes a call.
    pub(super) fn push(&mut self, entry: LedgerEntry) -> Result<(), ResultsError> {
        match (&entry.token, &entry.session) {
            (Some(_), Some(_)) => self.by_session.push(entry.clone()).and_then(|()| self.by_token.push(entry)),
            (Some(_), None) => self.by_token.push(entry),
            (None, Some(_)) => self.by_session.push(entry),
            (None, None) => Ok(()),
        }
    }

    /// Reads everything in order.
    pub(super) fn finish(self, ttl_us: u64) -> Result<LedgerReport, ResultsError> {
        let Self { by_token, by_session, dir: _until_the_end } = self;
        let mut report = LedgerReport::default();
        let mut tokens = ByToken::new(ttl_us);
        for entry in by_token.sorted()? {
            tokens.read(&entry?, &mut report);
        }
        let mut sessions = BySession::default();
        for entry in by_session.sorted()? {
            sessions.read(&entry?, &mut report);
        }
        Ok(report)
    }
}

/// A directory that is removed when it is no longer needed, if it was.
struct TemporaryDir(PathBuf);

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        // It may never have been made; and a left-over is removed by the next sort.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl OnDisk for LedgerEntry {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        for number in [self.seq, self.sent_us, self.done_us] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&self.mix.to_le_bytes())?;
        out.write_all(&[place(&Role::ALL, &self.role)?, place(Outcome::ALL, &self.outcome)?])?;
        for id in [&self.token, &self.session, &self.request, &self.exception] {
            encode_id(out, id.as_ref())?;
        }
        Ok(())
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let [seq, sent_us, done_us] = [number(input)?, number(input)?, number(input)?];
        let mix = u16::from_le_bytes(bytes(input)?);
        let [role, outcome] = bytes(input)?;
        let listed = |found: bool| if found { Ok(()) } else { Err(io::Error::from(io::ErrorKind::InvalidData)) };
        listed(usize::from(role) < Role::ALL.len() && usize::from(outcome) < Outcome::ALL.len())?;
        Ok(Self {
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
        })
    }
}

/// The place of a value in its closed list, which has fewer than 256.
fn place<T: PartialEq>(all: &[T], value: &T) -> io::Result<u8> {
    let found = all.iter().position(|v| v == value).and_then(|i| u8::try_from(i).ok());
    found.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn bytes<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut buffer = [0; N];
    input.read_exact(&mut buffer)?;
    Ok(buffer)
}

fn number(input: &mut impl Read) -> io::Result<u64> {
    bytes(input).map(u64::from_le_bytes)
}

const NONE: u8 = 255;
const UUID: u8 = 254;
const TOKEN: u8 = 253;

/// An id: a byte that says none, UUID, token or the text's length (at most 64), then the bytes.
fn encode_id(out: &mut impl Write, id: Option<&Id>) -> io::Result<()> {
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

fn decode_id(input: &mut impl Read) -> io::Result<Option<Id>> {
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
        fn sorting_on_disk_equals_memory(list in samples(120), segment in 1usize..40, ttl_s in 1u64..200) {
            let dir = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(dir.path(), segment);
            for entry in list.iter().filter_map(LedgerEntry::of) {
                sorter.push(entry).unwrap();
            }
            prop_assert_eq!(sorter.finish(ttl_s * 1_000_000).unwrap(), whole(&list, ttl_s * 1_000_000));
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }

        /// Sieved first, and only then sorted, it says the same: a call that is not looked at again has nothing to tell.
        #[test]
        fn sieving_equals_memory(list in samples(120), segment in 1usize..40, ttl_s in 1u64..200) {
            let dir = tempfile::tempdir().unwrap();
            let mut sieve = CallSieve::new(dir.path());
            for sample in &list {
                sieve.take(sample);
            }
            let report = sieve.report(ttl_s * 1_000_000, segment, || Ok(list.iter().copied().map(Ok)));
            prop_assert_eq!(report.unwrap(), whole(&list, ttl_s * 1_000_000));
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
