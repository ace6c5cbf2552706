//! `latency.hlog`: an HdrHistogram interval log, V2, one line a second and outcome, in the form that the Java, Python and other
//! implementations of <https://hdrhistogram.org> read.
//!
//! Values, `Interval_Max` included, are response times in microseconds (a `HistogramLogProcessor` shows milliseconds with
//! `-outputValueUnitRatio 1000`). Times are seconds from the start, which `StartTime` and `BaseTime` give.

use std::io::{self, Write};
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag};

use crate::record::timeline::ClosedSecond;

/// Writes an interval log.
pub(super) struct HlogWriter<W: Write> {
    out: W,
    serializer: V2DeflateSerializer,
    lines: Vec<u8>,
}

impl<W: Write> HlogWriter<W> {
    /// A writer that has written the header.
    pub(super) fn new(mut out: W, since_epoch: Duration) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        let mut head = Vec::new();
        let start = std::time::UNIX_EPOCH + since_epoch;
        IntervalLogWriterBuilder::new()
            .add_comment("[Response times of livebench in microseconds, one line a second and outcome]")
            .add_comment("[Histogram log format version 1.3]")
            .with_start_time(start)
            .with_base_time(start)
            .begin_log_with(&mut head, &mut serializer)?;
        head.extend_from_slice(b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
        out.write_all(&head)?;
        Ok(Self { out, serializer, lines: Vec::new() })
    }

    /// Writes one second.
    pub(super) fn write(&mut self, interval: &ClosedSecond) -> io::Result<()> {
        self.lines.clear();
        // A builder without settings writes no header, so each second can have a writer of its own.
        let mut log = IntervalLogWriterBuilder::new().begin_log_with(&mut self.lines, &mut self.serializer)?;
        for (outcome, histogram) in &interval.responses {
            let start = Duration::from_secs(interval.row.second);
            log.write_histogram(histogram, start, Duration::from_secs(1), Tag::new(outcome.name())).map_err(|e| match e {
                IntervalLogWriterError::IoError(e) => e,
                IntervalLogWriterError::SerializeError(e) => io::Error::other(e.to_string()),
            })?;
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
