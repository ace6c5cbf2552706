//! Sorting in bounded memory: sorted segments on disk, and a heap that merges them.
//!
//! What fits into one segment never leaves memory. A segment is a file of its own and knows how many records it holds, so that one cut
//! short is an error and not a smaller result. [`FAN_IN`] segments of one size become one as soon as there are as many: neither open files nor
//! buffers grow with the records by more than a logarithm. Refuses to know what a record means: whoever sorts gives the order and the bytes.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::ResultsError;

/// Segments that are merged at once, each an open file with a buffer of 8 KiB: 512 KiB, and two levels of them below the 1024 files that
/// a process may usually have open (`RLIMIT_NOFILE`).
const FAN_IN: usize = 64;

/// A record as it lies on disk: what `encode` writes, `decode` reads, to the byte.
pub(super) trait OnDisk: Sized {
    /// Writes the record.
    fn encode(&self, out: &mut impl Write) -> io::Result<()>;
    /// Reads one record; `InvalidData` if the bytes are none.
    fn decode(input: &mut impl Read) -> io::Result<Self>;
}

/// The order of the result.
pub(super) type Order<T> = fn(&T, &T) -> Ordering;

/// Takes records in any order. Of equal ones nobody knows which comes first: the order tells apart what a reader tells apart.
pub(super) struct ExternalSort<T> {
    place: PathBuf,
    most: usize,
    order: Order<T>,
    buffer: Vec<T>,
    /// Largest level first.
    segments: Vec<Segment>,
    made: usize,
}

impl<T: OnDisk> ExternalSort<T> {
    /// A sort that keeps at most `most` records (at least one) in memory, and the others as files in the directory `place`. The directory
    /// is made with the first file, in place of what a killed process may have left there; to remove it is the caller's.
    pub(super) const fn new(place: PathBuf, most: usize, order: Order<T>) -> Self {
        Self { place, most, order, buffer: Vec::new(), segments: Vec::new(), made: 0 }
    }

    /// Takes a record.
    pub(super) fn push(&mut self, record: T) -> Result<(), ResultsError> {
        // Only when there is one more: what fills a segment exactly may be all.
        if self.buffer.len() >= self.most.max(1) {
            self.spill()?;
        }
        self.buffer.push(record);
        Ok(())
    }

    /// Everything in order.
    pub(super) fn sorted(mut self) -> Result<Merge<T>, ResultsError> {
        self.buffer.sort_unstable_by(self.order);
        let files = self.segments.iter().map(Segment::open);
        let mut sources: Vec<SortedRun<T>> = files.collect::<Result<_, _>>()?;
        sources.push(SortedRun::Memory(self.buffer.into_iter()));
        Merge::of(sources, self.order)
    }

    /// Writes the buffer as a segment, and merges as many as there are of one level.
    fn spill(&mut self) -> Result<(), ResultsError> {
        if self.made == 0 {
            make_empty(&self.place)?;
        }
        self.buffer.sort_unstable_by(self.order);
        let records = std::mem::take(&mut self.buffer);
        let mut writer = self.next_segment(0)?;
        for record in &records {
            writer.write(record)?;
        }
        self.segments.push(writer.finish()?);
        self.buffer = records;
        self.buffer.clear();
        while let Some(level) = self.full_level() {
            self.merge_last(level + 1)?;
        }
        Ok(())
    }

    /// The level of the last [`FAN_IN`] segments, if they are all of one.
    fn full_level(&self) -> Option<u32> {
        let last = self.segments.last()?.level;
        let of_it = self.segments.iter().rev().take_while(|segment| segment.level == last).count();
        (of_it >= FAN_IN).then_some(last)
    }

    /// Makes one segment of the last [`FAN_IN`].
    fn merge_last(&mut self, level: u32) -> Result<(), ResultsError> {
        let old = self.segments.split_off(self.segments.len() - FAN_IN);
        let sources = old.iter().map(Segment::open).collect::<Result<_, _>>()?;
        let mut writer = self.next_segment(level)?;
        for record in Merge::of(sources, self.order)? {
            writer.write(&record?)?;
        }
        self.segments.push(writer.finish()?);
        for segment in old {
            fs::remove_file(&segment.path).map_err(|reason| ResultsError::Write { path: segment.path, reason })?;
        }
        Ok(())
    }

    fn next_segment(&mut self, level: u32) -> Result<SegmentWriter, ResultsError> {
        let path = self.place.join(self.made.to_string());
        self.made += 1;
        match File::create_new(&path) {
            Ok(file) => Ok(SegmentWriter { out: BufWriter::new(file), segment: Segment { path, level, records: 0 } }),
            Err(reason) => Err(ResultsError::Write { path, reason }),
        }
    }
}

fn make_empty(place: &Path) -> Result<(), ResultsError> {
    let cleared = match fs::remove_dir_all(place) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => Err(reason),
        _ => fs::create_dir_all(place),
    };
    cleared.map_err(|reason| ResultsError::Write { path: place.to_owned(), reason })
}

/// A sorted file.
struct Segment {
    path: PathBuf,
    /// How often its records have been merged.
    level: u32,
    records: u64,
}

impl Segment {
    fn open<T>(&self) -> Result<SortedRun<T>, ResultsError> {
        match File::open(&self.path) {
            Ok(file) => Ok(SortedRun::File { input: BufReader::new(file), path: self.path.clone(), left: self.records }),
            Err(reason) => Err(ResultsError::Read { path: self.path.clone(), reason }),
        }
    }
}

struct SegmentWriter {
    out: BufWriter<File>,
    segment: Segment,
}

impl SegmentWriter {
    fn write(&mut self, record: &impl OnDisk) -> Result<(), ResultsError> {
        self.segment.records += 1;
        let written = record.encode(&mut self.out);
        written.map_err(|reason| ResultsError::Write { path: self.segment.path.clone(), reason })
    }

    fn finish(mut self) -> Result<Segment, ResultsError> {
        match self.out.flush() {
            Ok(()) => Ok(self.segment),
            Err(reason) => Err(ResultsError::Write { path: self.segment.path, reason }),
        }
    }
}

/// Where sorted records come from.
enum SortedRun<T> {
    Memory(std::vec::IntoIter<T>),
    File { input: BufReader<File>, path: PathBuf, left: u64 },
}

impl<T: OnDisk> SortedRun<T> {
    fn next(&mut self) -> Result<Option<T>, ResultsError> {
        match self {
            Self::Memory(records) => Ok(records.next()),
            Self::File { left: 0, .. } => Ok(None),
            Self::File { input, path, left } => {
                *left -= 1;
                T::decode(input).map(Some).map_err(|reason| ResultsError::Read { path: path.clone(), reason })
            }
        }
    }
}

/// Sorted sources as one. Ends after an error.
pub(super) struct Merge<T> {
    sources: Vec<SortedRun<T>>,
    /// The first record of every source that has one.
    heads: BinaryHeap<Reverse<Head<T>>>,
    order: Order<T>,
}

impl<T: OnDisk> Merge<T> {
    fn of(sources: Vec<SortedRun<T>>, order: Order<T>) -> Result<Self, ResultsError> {
        let mut merge = Self { heads: BinaryHeap::with_capacity(sources.len()), sources, order };
        for source in 0..merge.sources.len() {
            merge.refill(source)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, source: usize) -> Result<(), ResultsError> {
        if let Some(record) = self.sources[source].next()? {
            self.heads.push(Reverse(Head { record, source, order: self.order }));
        }
        Ok(())
    }
}

impl<T: OnDisk> Iterator for Merge<T> {
    type Item = Result<T, ResultsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse(Head { record, source, .. }) = self.heads.pop()?;
        if let Err(error) = self.refill(source) {
            self.heads.clear();
            return Some(Err(error));
        }
        Some(Ok(record))
    }
}

/// The first record of a source.
struct Head<T> {
    record: T,
    source: usize,
    order: Order<T>,
}

impl<T> Ord for Head<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.order)(&self.record, &other.record)
    }
}

impl<T> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Head<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Head<T> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::draw::{Stream, bits};

    impl OnDisk for [u8; 2] {
        fn encode(&self, out: &mut impl Write) -> io::Result<()> {
            out.write_all(self)
        }

        fn decode(input: &mut impl Read) -> io::Result<Self> {
            let mut record = [0; 2];
            input.read_exact(&mut record)?;
            Ok(record)
        }
    }

    /// `length` records, some of them twice.
    fn records(length: usize, seed: u64) -> Vec<[u8; 2]> {
        let draw = |n: u64| bits(seed, Stream::Arrival, n).to_le_bytes();
        (0u64..).take(length).map(draw).map(|[a, b, ..]| [a % 8, b]).collect()
    }

    fn sort_of(place: &Path, most: usize, records: &[[u8; 2]]) -> ExternalSort<[u8; 2]> {
        let mut sort = ExternalSort::new(place.join("sort"), most, Ord::cmp);
        for record in records {
            sort.push(*record).unwrap();
        }
        sort
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Around every multiple of a segment, at which a buffer is just full or just empty, the result is that of a sort in memory.
        #[test]
        fn equals_a_sort_in_memory(most in 1usize..8, segments in 0usize..140, beside in -2isize..=2, seed: u64) {
            let length = (most * segments).saturating_add_signed(beside);
            let mut expected = records(length, seed);
            let dir = tempfile::tempdir().unwrap();
            let sort = sort_of(dir.path(), most, &expected);
            prop_assert!(sort.buffer.len() <= most);
            expected.sort_unstable();
            prop_assert_eq!(sort.sorted().unwrap().collect::<Result<Vec<_>, _>>().unwrap(), expected);
        }
    }

    /// Files grow with the logarithm of the records only: a level that is full becomes one segment of the next.
    #[test]
    fn full_levels_are_merged() {
        let dir = tempfile::tempdir().unwrap();
        let most = FAN_IN * FAN_IN + FAN_IN + 2;
        let list = records(most, 7);
        let sort = sort_of(dir.path(), 1, &list);
        assert_eq!(sort.segments.iter().map(|s| (s.level, s.records)).collect::<Vec<_>>(), [(2, 4096), (1, 64), (0, 1)]);
        assert_eq!(fs::read_dir(dir.path().join("sort")).unwrap().count(), 3);
        assert_eq!(sort.sorted().unwrap().count(), most);
    }

    /// What fits into memory needs no disk.
    #[test]
    fn one_segment_stays_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(sort_of(dir.path(), 10, &records(10, 1)).sorted().unwrap().count(), 10);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    /// A segment that has lost its end is told, with its name, instead of giving a smaller result.
    #[test]
    fn a_segment_cut_short_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let sort = sort_of(dir.path(), 10, &records(25, 1));
        let path = sort.segments[1].path.clone();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(2 * 9).unwrap(); // whole records, one too few
        let result: Result<Vec<[u8; 2]>, ResultsError> = sort.sorted().unwrap().collect();
        let Err(ResultsError::Read { path: told, reason }) = result else { panic!("{result:?}") };
        assert_eq!((told, reason.kind()), (path, io::ErrorKind::UnexpectedEof));
    }

    /// A directory that cannot be made is told as what could not be written.
    #[test]
    fn no_place_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let mut sort = ExternalSort::new(dir.path().join("file/sort"), 1, Ord::cmp);
        sort.push([1, 1]).unwrap();
        assert!(matches!(sort.push([2, 2]), Err(ResultsError::Write { .. })));
    }
}
