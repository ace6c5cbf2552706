//! `latency.hlog`: an HdrHistogram interval log, V2, one line a second and outcome, in the form that the Java, Python and other
//! implementations of <https://hdrhistogram.org> read.
//!
//! Values, `Interval_Max` included, are response times in microseconds (a `HistogramLogProcessor` shows milliseconds with
//! `-outputValueUnitRatio 1000`). Times are seconds from the start, which `StartTime` and `BaseTime` give.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress, Status};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::record::recorder::{DIGITS, MAX_US};
use crate::record::second_times::SecondTimes;
use crate::record::timeline::ClosedSecond;

/// What a compressed histogram of the second version begins with.
// source: HdrHistogram, V2EncodingCookieBase and V2CompressedEncodingCookieBase, with the word size of the counts
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// What it begins with inside.
// source: there
const COOKIE: u32 = 0x1c84_9313;
/// Bytes before the counts: cookie, their length, offset, digits, lowest, highest, ratio.
// source: there
const HEAD: usize = 40;

/// Writes an interval log.
pub(super) struct HlogWriter<W: Write> {
    out: W,
    encoder: TimesEncoder,
    lines: Vec<u8>,
}

impl<W: Write> HlogWriter<W> {
    /// A writer that has written the header.
    pub(super) fn new(mut out: W, since_epoch: Duration) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        let mut head = Vec::new();
        let start = std::time::UNIX_EPOCH + since_epoch;
        IntervalLogWriterBuilder::new()
            .add_comment("[Response times of livebench in microseconds, one line per second and outcome]")
            .add_comment("[Histogram log format version 1.3]")
            .with_start_time(start)
            .with_base_time(start)
            .begin_log_with(&mut head, &mut serializer)?;
        head.extend_from_slice(b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
        out.write_all(&head)?;
        Ok(Self { out, encoder: TimesEncoder::default(), lines: Vec::new() })
    }

    /// Writes one second.
    pub(super) fn write(&mut self, interval: &ClosedSecond) -> io::Result<()> {
        self.lines.clear();
        let second = interval.row.second;
        for (outcome, times) in &interval.responses {
            write!(self.lines, "Tag={},{second}.000,1.000,{}.000,", outcome.name(), times.max_us())?;
            let encoded = self.encoder.encode(times)?;
            let start = self.lines.len();
            // derived: base64 makes four characters of three bytes
            self.lines.resize(start + encoded.len().div_ceil(3) * 4, b'=');
            STANDARD.encode_slice(encoded, &mut self.lines[start..]).map_err(io::Error::other)?;
            self.lines.push(b'\n');
        }
        self.out.write_all(&self.lines)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub(super) const fn sink(&self) -> &W {
        &self.out
    }
}

/// The times of a second in the histogram's own form, byte for byte: only the places that occurred are looked at, and what compresses them is
/// used again.
struct TimesEncoder {
    deflate: Compress,
    plain: Vec<u8>,
    compressed: Vec<u8>,
}

impl Default for TimesEncoder {
    fn default() -> Self {
        Self { deflate: Compress::new(Compression::default(), true), plain: Vec::new(), compressed: Vec::new() }
    }
}

impl TimesEncoder {
    fn encode(&mut self, times: &SecondTimes) -> io::Result<&[u8]> {
        self.plain.clear();
        self.plain.extend([COOKIE, 0, 0, u32::from(DIGITS)].map(u32::to_be_bytes).as_flattened());
        self.plain.extend([1, MAX_US, 1f64.to_bits()].map(u64::to_be_bytes).as_flattened());
        // Places without a count are told by their number, below 0; a single one by a count of 0.
        let mut next = 0;
        for step in times.steps() {
            match step.place - next {
                0 => {}
                1 => push_number(&mut self.plain, 0),
                empty => push_number(&mut self.plain, 2 * u64::from(empty) - 1),
            }
            push_number(&mut self.plain, 2 * step.count);
            next = step.place + 1;
        }
        let counts = u32::try_from(self.plain.len() - HEAD).unwrap_or(u32::MAX);
        self.plain[4..8].copy_from_slice(&counts.to_be_bytes());
        self.compress()
    }

    fn compress(&mut self) -> io::Result<&[u8]> {
        self.compressed.clear();
        self.compressed.extend([COMPRESSED_COOKIE, 0].map(u32::to_be_bytes).as_flattened());
        self.deflate.reset();
        loop {
            self.compressed.reserve(self.plain.len().max(64));
            let read = usize::try_from(self.deflate.total_in()).unwrap_or(usize::MAX);
            let rest = self.plain.get(read..).unwrap_or_default();
            let status =
                self.deflate.compress_vec(rest, &mut self.compressed, FlushCompress::Finish).map_err(io::Error::other)?;
            if status == Status::StreamEnd {
                break;
            }
        }
        let length = u32::try_from(self.compressed.len() - 8).unwrap_or(u32::MAX);
        self.compressed[4..8].copy_from_slice(&length.to_be_bytes());
        Ok(&self.compressed)
    }
}

/// Adds a number, seven bits a byte, the lowest first; the highest bit of a byte says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number % 0x80).unwrap_or(0);
        number /= 0x80;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::Tag;
    use proptest::prelude::*;

    use super::*;
    use crate::client::outcome::Outcome;
    use crate::record::recorder::histogram;
    use crate::record::sample::testing::sample;
    use crate::record::timeline::Rebuilt;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// A line is, byte for byte, what the library's own writer makes of the same times.
        #[test]
        fn lines_are_the_librarys_own(times in prop::collection::vec(0u64..6000, 1..400), second in 0u64..4000) {
            let (mut timeline, mut expected) = (Rebuilt::default(), histogram());
            for ms in times {
                timeline.sample(&sample(0, Outcome::Ok, second * 1000, 0, ms % 1000));
                expected.saturating_record(ms % 1000 * 1000);
            }
            let mut ours = HlogWriter::new(Vec::new(), Duration::ZERO).unwrap();
            let head = ours.out.len();
            // Twice: nothing of the first line is left in the second.
            let closed = timeline.next_remaining().unwrap();
            ours.write(&closed).unwrap();
            ours.write(&closed).unwrap();
            let (mut serializer, mut theirs) = (V2DeflateSerializer::new(), Vec::new());
            let mut log = IntervalLogWriterBuilder::new().begin_log_with(&mut theirs, &mut serializer).unwrap();
            for _ in 0..2 {
                log.write_histogram(&expected, Duration::from_secs(second), Duration::from_secs(1), Tag::new("ok")).unwrap();
            }
            prop_assert_eq!(String::from_utf8_lossy(&ours.out[head..]), String::from_utf8_lossy(&theirs));
        }
    }
}
