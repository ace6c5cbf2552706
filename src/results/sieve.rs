//! Which of many numbers came more than once, in bounded memory: nearly all tokens and sessions of a run come once, and of those the ledger
//! has nothing to tell.
//!
//! Numbers are spread over parts by their upper bits. A part that is full goes to disk as a block, in one file without a name: nothing is left
//! of it, however the process ends. At the end each part is sorted by itself. Refuses to miss a repetition; what may be one by chance is one
//! too many, and no more.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::ResultsError;

/// Upper bits that choose the part.
// derived: of ten million numbers each of 128 parts has 78,000, or 625 kB in memory when it is sorted
const PART_BITS: u32 = 7;
/// Numbers that a part holds in memory.
// derived: 2 KiB, so that all parts take 256 KiB and a block is worth its system call
const BLOCK: usize = 256;

/// Numbers, as they come.
pub(super) struct Sieve {
    /// Where the file is made.
    dir: PathBuf,
    /// What is still in memory, by part; empty until the first number.
    open: Vec<Vec<u64>>,
    /// The numbers of the blocks on disk, by part.
    blocks: Vec<Vec<u32>>,
    file: Option<File>,
    written: u32,
    taken: u64,
    twice: BitSet,
}

impl Sieve {
    /// One that takes disk below `dir`, once it needs any.
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            open: Vec::new(),
            blocks: Vec::new(),
            file: None,
            written: 0,
            taken: 0,
            twice: BitSet::default(),
        }
    }

    /// How many numbers were taken.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes a number.
    pub(super) fn take(&mut self, number: u64) -> Result<(), ResultsError> {
        if self.open.is_empty() {
            self.open.resize_with(1 << PART_BITS, Vec::new);
            self.blocks.resize_with(1 << PART_BITS, Vec::new);
        }
        self.taken += 1;
        let part = usize::try_from(number >> (u64::BITS - PART_BITS)).unwrap_or(0);
        let open = &mut self.open[part];
        open.push(number);
        if open.len() < BLOCK {
            return Ok(());
        }
        // Of a few numbers that come again and again nothing ever goes to disk.
        keep_once(open, &mut self.twice);
        if open.len() <= BLOCK / 2 { Ok(()) } else { self.spill(part) }
    }

    fn spill(&mut self, part: usize) -> Result<(), ResultsError> {
        let numbers = std::mem::take(&mut self.open[part]);
        let mut block = [0; BLOCK * size_of::<u64>()];
        // What is lacking to a whole block says what its last number says.
        let filled = numbers.iter().chain(std::iter::repeat(numbers.last().unwrap_or(&0)));
        for (bytes, number) in block.as_chunks_mut().0.iter_mut().zip(filled) {
            *bytes = number.to_le_bytes();
        }
        let dir = &self.dir;
        let file = match &mut self.file {
            Some(file) => Ok(file),
            none => tempfile::tempfile_in(dir).map(|file| none.insert(file)),
        };
        let written = file.and_then(|file| file.write_all(&block));
        written.map_err(|reason| ResultsError::Write { path: dir.clone(), reason })?;
        self.blocks[part].push(self.written);
        self.written += 1;
        self.open[part] = numbers;
        self.open[part].clear();
        Ok(())
    }

    /// What came more than once.
    pub(super) fn finish(mut self) -> Result<BitSet, ResultsError> {
        let mut twice = std::mem::take(&mut self.twice);
        for (mut numbers, blocks) in self.open.into_iter().zip(&self.blocks) {
            for block in blocks {
                let read = self.file.as_mut().map_or(Ok(()), |file| read_block(file, *block, &mut numbers));
                read.map_err(|reason| ResultsError::Read { path: self.dir.clone(), reason })?;
            }
            keep_once(&mut numbers, &mut twice);
        }
        Ok(twice)
    }
}

/// Brings numbers into order, each once; those that came again are noted.
fn keep_once(numbers: &mut Vec<u64>, twice: &mut BitSet) {
    numbers.sort_unstable();
    numbers.dedup_by(|number, before| {
        let again = number == before;
        if again {
            twice.insert(*number);
        }
        again
    });
}

/// Adds the numbers of a block, each once: a block has only different ones, and the last fills what is lacking.
fn read_block(file: &mut File, block: u32, numbers: &mut Vec<u64>) -> io::Result<()> {
    let mut bytes = [0; BLOCK * size_of::<u64>()];
    file.seek(SeekFrom::Start(u64::from(block) * bytes.len() as u64))?;
    file.read_exact(&mut bytes)?;
    let start = numbers.len();
    numbers.extend(bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)));
    let last = numbers.last().copied();
    while numbers.len() > start + 1 && numbers.get(numbers.len() - 2).copied() == last {
        numbers.pop();
    }
    Ok(())
}

/// Numbers, a bit or two each: what was put in is always found, what was not nearly never.
#[derive(Debug, Default)]
pub(super) struct BitSet {
    /// Empty while nothing is in it.
    words: Vec<u64>,
}

impl BitSet {
    /// The bits that say where a number stands.
    // derived: 1 MiB: of 500,000 numbers, a twentieth of ten million calls, 1.3 % of the others are taken for one of them, (1 - exp(-2 * 0.5 / 8.4))^2
    const BITS: u32 = 23;

    /// Whether nothing is in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn insert(&mut self, number: u64) {
        self.words.resize(1 << (Self::BITS - u64::BITS.ilog2()), 0);
        for (word, bit) in Self::places(number) {
            self.words[word] |= bit;
        }
    }

    /// Whether a number may be in it; never false for one that is.
    pub(super) fn may_have(&self, number: u64) -> bool {
        !self.words.is_empty() && Self::places(number).iter().all(|(word, bit)| self.words[*word] & bit != 0)
    }

    /// Two bits for each number, from both ends of it.
    fn places(number: u64) -> [(usize, u64); 2] {
        [number >> (u64::BITS - Self::BITS), number % (1 << Self::BITS)]
            .map(|place| (usize::try_from(place / 64).unwrap_or(0), 1 << (place % 64)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::draw::{Stream, bits};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whether in memory or on disk, near each other or far apart: every number that came again is told, and of the others nearly none.
        #[test]
        fn repetitions_are_never_missed(numbers in 1u64..120_000, again in 0u64..300, seed: u64) {
            let dir = tempfile::tempdir().unwrap();
            let mut sieve = Sieve::new(dir.path());
            let drawn = |n: u64| bits(seed, Stream::Arrival, n);
            let repeated = |n: u64| (n * 7919) % numbers;
            for n in (0..numbers).chain((0..again).map(repeated)) {
                sieve.take(drawn(n)).unwrap();
            }
            prop_assert_eq!(sieve.taken(), numbers + again);
            let twice = sieve.finish().unwrap();
            prop_assert_eq!(twice.is_empty(), again == 0);
            prop_assert!((0..again).all(|n| twice.may_have(drawn(repeated(n)))));
            let told = (0..numbers).filter(|n| twice.may_have(drawn(*n))).count() as u64;
            prop_assert!(told <= again + 5, "{} of {}", told, again);
            prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    /// One number that comes for ever takes no disk.
    #[test]
    fn one_number_stays_in_memory() {
        let mut sieve = Sieve::new(Path::new("nowhere"));
        for _ in 0..10_000 {
            sieve.take(7).unwrap();
        }
        assert!(sieve.finish().unwrap().may_have(7));
    }
}
