//! `samples.csv`: one row a scheduled call, there and back.
//!
//! Cells are empty for what did not happen; instants are floored to microseconds. One row is one line: control characters in texts that
//! the service chose are replaced before anything is counted, so that a torn file can be cut at its last line break.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cells::{before_zeros, begins_header, header, instant_us};
use super::{ResultsError, SAMPLE_COLUMNS};
use crate::client::Answer;
use crate::record::sample::{Role, Sample};
use crate::scenario::Scenario;
use crate::units::{Text64, floor_us};

const BUFFER: usize = 64 * 1024;

/// Bytes that tell whether a file without a line break begins as a header does.
const LINE_AT_MOST: u64 = 4096; // derived: more than a header has, so that what goes on behind one is seen

/// Writes rows.
pub(super) struct RowWriter<W: Write> {
    csv: csv::Writer<W>,
    mixes: Vec<String>,
}

impl<W: Write> RowWriter<W> {
    /// A writer that has written the header.
    pub(super) fn new(out: W, scenario: &Scenario) -> io::Result<Self> {
        let mut csv = csv::WriterBuilder::new().buffer_capacity(BUFFER).from_writer(out);
        csv.write_record(SAMPLE_COLUMNS)?;
        csv.flush()?;
        Ok(Self { csv, mixes: scenario.mixes.iter().map(|m| m.name.clone()).collect() })
    }

    /// A writer that goes on after the rows that are there.
    pub(super) fn going_on(out: W, scenario: &Scenario) -> Self {
        let csv = csv::WriterBuilder::new().buffer_capacity(BUFFER).from_writer(out);
        Self { csv, mixes: scenario.mixes.iter().map(|m| m.name.clone()).collect() }
    }

    /// Writes one row into the buffer.
    pub(super) fn write(&mut self, sample: &Sample) -> io::Result<()> {
        let answer = &sample.answer;
        self.number(Some(sample.seq))?;
        self.number(Some(floor_us(sample.due)))?;
        self.number(sample.sent.map(floor_us))?;
        self.number(sample.done.map(floor_us))?;
        let mix = self.mixes.get(usize::from(sample.mix)).map_or("", String::as_str);
        self.csv.write_field(mix)?;
        self.csv.write_field(answer.outcome.name())?;
        self.number(answer.status.map(u64::from))?;
        self.number(Some(u64::from(sample.attempt)))?;
        self.text(answer.session_id.as_ref())?;
        self.text(answer.request_id.as_ref())?;
        self.text(sample.token.as_ref())?;
        self.csv.write_field(sample.role.name())?;
        self.text(answer.exception.as_ref())?;
        Ok(self.csv.write_record(None::<&[u8]>)?)
    }

    fn number(&mut self, number: Option<u64>) -> io::Result<()> {
        let mut digits = [0; 20];
        Ok(self.csv.write_field(number.map_or(&[][..], |n| decimal(n, &mut digits)))?)
    }

    fn text(&mut self, text: Option<&Text64>) -> io::Result<()> {
        Ok(self.csv.write_field(text.map_or("", Text64::as_str))?)
    }

    /// Hands everything written so far to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.csv.flush()
    }
}

impl RowWriter<super::Sink> {
    pub(super) fn sink(&self) -> &super::Sink {
        self.csv.get_ref()
    }
}

/// The decimal digits of a number, without an allocation.
fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(n % 10).unwrap_or(0);
        n /= 10;
        if n == 0 {
            return &digits[start..];
        }
    }
}

/// The sample as it will be read back: texts of the service without control characters, and none where there is nothing.
pub(super) fn readable(mut sample: Sample) -> Sample {
    let answer = &mut sample.answer;
    for text in [&mut answer.session_id, &mut answer.request_id, &mut answer.exception] {
        if let Some(inner) = text {
            if inner.as_str().is_empty() {
                *text = None;
            } else if inner.as_str().contains(char::is_control) {
                *text = Some(Text64::cut(&inner.as_str().replace(char::is_control, "?")));
            }
        }
    }
    sample
}

/// Reads rows, one after the other, in bounded memory.
pub struct Rows {
    path: PathBuf,
    csv: csv::Reader<io::Take<File>>,
    record: csv::StringRecord,
    mixes: Vec<String>,
    torn: bool,
    /// Nothing more is read.
    over: bool,
}

impl Rows {
    /// Opens a `samples.csv`; a torn last line is left out.
    pub(super) fn open(path: &Path, scenario: &Scenario) -> Result<Self, ResultsError> {
        let opened = File::open(path).and_then(|mut file| {
            let length = file.metadata()?.len();
            let whole = whole_lines(&mut file, length)?;
            file.seek(SeekFrom::Start(0))?;
            let mut begun = Vec::new();
            if whole == 0 {
                (&file).take(LINE_AT_MOST).read_to_end(&mut begun)?;
            }
            Ok((file.take(whole), whole < length, whole == 0 && begins_header(before_zeros(&begun))))
        });
        let (input, torn, unbegun) = opened.map_err(|reason| ResultsError::Read { path: path.to_owned(), reason })?;
        let mut rows = Self {
            path: path.to_owned(),
            csv: csv::ReaderBuilder::new().buffer_capacity(BUFFER).from_reader(input),
            record: csv::StringRecord::new(),
            mixes: scenario.mixes.iter().map(|m| m.name.clone()).collect(),
            torn,
            over: false,
        };
        let columns = rows.csv.headers().map_err(|e| ResultsError::Malformed { path: path.to_owned(), what: e.to_string() })?;
        if lost(columns) {
            (rows.torn, rows.over) = (true, true);
        } else if *columns != SAMPLE_COLUMNS[..] && !unbegun {
            return Err(rows.malformed(1, &format!("the columns are not {}", header())));
        }
        Ok(rows)
    }

    /// Whether a torn last line was left out: the run was killed, or its disk was full.
    pub const fn torn(&self) -> bool {
        self.torn
    }

    fn malformed(&self, line: u64, what: &str) -> ResultsError {
        ResultsError::Malformed { path: self.path.clone(), what: format!("line {line}: {what}") }
    }

    fn read(&mut self) -> Result<Option<Sample>, ResultsError> {
        match self.csv.read_record(&mut self.record) {
            Ok(false) => Ok(None),
            // What the power took: nothing behind it is in its place.
            Ok(true) if lost(&self.record) => {
                (self.torn, self.over) = (true, true);
                Ok(None)
            }
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                parse(&self.record, &self.mixes).map(Some).map_err(|what| self.malformed(line, &what))
            }
            Err(e) => Err(ResultsError::Malformed { path: self.path.clone(), what: e.to_string() }),
        }
    }
}

/// Whether a record has bytes that a loss of power left as zeros: a file system may keep a file's length and lose what stood there. No row
/// has such bytes, for control characters are not written.
fn lost(record: &csv::StringRecord) -> bool {
    record.as_slice().contains('\0')
}

impl Iterator for Rows {
    type Item = Result<Sample, ResultsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        self.read().transpose()
    }
}

/// How many bytes of a file are whole lines with nothing lost before them.
pub(super) fn kept_lines(file: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let (mut block, mut until) = (vec![0; BUFFER], 0u64);
    loop {
        let read = file.read(&mut block)?;
        let lost = block[..read].iter().position(|byte| *byte == 0);
        until += lost.unwrap_or(read) as u64;
        if read == 0 || lost.is_some() {
            return whole_lines(file, until);
        }
    }
}

/// How many bytes of a file are whole lines.
pub(super) fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut block = vec![0; 4096];
    while end > 0 {
        let start = end.saturating_sub(4096);
        let size = usize::try_from(end - start).unwrap_or(0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block[..size])?;
        if let Some(at) = block[..size].iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

pub(super) fn parse(record: &csv::StringRecord, mixes: &[String]) -> Result<Sample, String> {
    let cell = |i: usize| record.get(i).unwrap_or_default();
    let wrong = |i: usize| format!("`{}` is no {}", cell(i), SAMPLE_COLUMNS[i]);
    let number = |i: usize| cell(i).parse::<u64>().map_err(|_| wrong(i));
    let instant = |i: usize| {
        if cell(i).is_empty() {
            Ok(None)
        } else {
            instant_us(cell(i).as_bytes()).map(|us| Some(Duration::from_micros(us))).ok_or_else(|| wrong(i))
        }
    };
    let text = |i: usize| (!cell(i).is_empty()).then(|| Text64::cut(cell(i)));
    let status = if cell(6).is_empty() { None } else { Some(cell(6).parse::<u16>().map_err(|_| wrong(6))?) };
    let mix = mixes.iter().position(|m| m == cell(4)).and_then(|i| u16::try_from(i).ok());
    Ok(Sample {
        seq: number(0)?,
        due: instant(1)?.ok_or_else(|| wrong(1))?,
        sent: instant(2)?,
        done: instant(3)?,
        mix: mix.ok_or_else(|| format!("`{}` is no mix of the scenario", cell(4)))?,
        role: cell(11).parse::<Role>()?,
        attempt: cell(7).parse().map_err(|_| wrong(7))?,
        token: text(10),
        answer: Answer {
            outcome: cell(5).parse().map_err(|_| wrong(5))?,
            status,
            exception: text(12),
            session_id: text(8),
            request_id: text(9),
            server_second: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are written as everyone writes them.
    #[test]
    fn decimals_are_right() {
        for n in [0, 9, 10, 1_234_567, u64::MAX] {
            assert_eq!(decimal(n, &mut [0; 20]), n.to_string().as_bytes());
        }
    }
}
