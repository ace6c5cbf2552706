//! `samples.csv`: one row a scheduled call, there and back.
//!
//! Cells are empty for what did not happen; instants are floored to microseconds. One row is one line: control characters in texts that
//! the service chose are replaced before anything is counted, so that a torn file can be cut at its last line break.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cells::{before_zeros, begins_header, cells_of, header, instant_us, number, read_line, unquoted};
use super::{ResultsError, SAMPLE_COLUMNS};
use crate::client::Answer;
use crate::record::sample::{Role, Sample};
use crate::scenario::Scenario;
use crate::units::{Text64, floor_us};

const BUFFER: usize = 64 * 1024;

/// Bytes that a row takes, nearly always: a buffer with less room than that is full.
// derived: 13 cells of which five have 64 bytes or fewer and three 20 digits
const LONGEST_ROW: usize = 512;

/// Bytes that tell whether a file without a line break begins as a header does.
const LINE_AT_MOST: u64 = 4096; // derived: more than a header has, so that what goes on behind one is seen

/// Writes rows, many at a time.
pub(super) struct RowWriter<W: Write> {
    out: W,
    rows: Vec<u8>,
    /// The names of the mixes, as they stand in a file.
    mixes: Vec<Vec<u8>>,
}

impl<W: Write> RowWriter<W> {
    /// A writer that has written the header.
    pub(super) fn new(out: W, scenario: &Scenario) -> io::Result<Self> {
        let mut writer = Self::going_on(out, scenario);
        writer.rows.extend_from_slice(header().as_bytes());
        writer.rows.push(b'\n');
        writer.flush()?;
        Ok(writer)
    }

    /// A writer that goes on after the rows that are there.
    pub(super) fn going_on(out: W, scenario: &Scenario) -> Self {
        let name = |text: &str| {
            let mut name = Vec::new();
            push_text(&mut name, text);
            name
        };
        Self { out, rows: Vec::with_capacity(BUFFER), mixes: scenario.mixes.iter().map(|mix| name(&mix.name)).collect() }
    }

    /// Writes one row into the buffer.
    pub(super) fn write(&mut self, sample: &Sample) -> io::Result<()> {
        push_row(&mut self.rows, sample, &self.mixes);
        self.rows.push(b'\n');
        if self.rows.len() < BUFFER - LONGEST_ROW { Ok(()) } else { self.hand_over() }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.rows);
        self.rows.clear();
        written
    }

    /// Hands everything written so far to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.hand_over()?;
        self.out.flush()
    }
}

/// Adds a row without its line break; `mixes` are the names of the mixes as they stand in a file.
pub(super) fn push_row(rows: &mut Vec<u8>, sample: &Sample, mixes: &[Vec<u8>]) {
    let answer = &sample.answer;
    push_number(rows, Some(sample.seq));
    push_number(rows, Some(floor_us(sample.due)));
    push_number(rows, sample.sent.map(floor_us));
    push_number(rows, sample.done.map(floor_us));
    rows.extend_from_slice(mixes.get(usize::from(sample.mix)).map_or(&[][..], Vec::as_slice));
    rows.push(b',');
    rows.extend_from_slice(answer.outcome.name().as_bytes());
    rows.push(b',');
    push_number(rows, answer.status.map(u64::from));
    push_number(rows, Some(u64::from(sample.attempt)));
    for text in [&answer.session_id, &answer.request_id, &sample.token] {
        push_text(rows, text.as_ref().map_or("", Text64::as_str));
        rows.push(b',');
    }
    rows.extend_from_slice(sample.role.name().as_bytes());
    rows.push(b',');
    push_text(rows, answer.exception.as_ref().map_or("", Text64::as_str));
}

impl<W: Write> Drop for RowWriter<W> {
    /// What is dropped before its end keeps its rows all the same.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

impl RowWriter<super::Sink> {
    pub(super) const fn sink(&self) -> &super::Sink {
        &self.out
    }
}

/// Adds a number and the comma behind it.
fn push_number(row: &mut Vec<u8>, number: Option<u64>) {
    if let Some(number) = number {
        row.extend_from_slice(decimal(number, &mut [0; 20]));
    }
    row.push(b',');
}

/// Adds a text, quoted where it has to be.
fn push_text(row: &mut Vec<u8>, text: &str) {
    let special = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    // Without a way out: so it takes many bytes at a time.
    if !text.bytes().fold(false, |quoted, byte| quoted | special(byte)) {
        return row.extend_from_slice(text.as_bytes());
    }
    row.push(b'"');
    row.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    row.push(b'"');
}

/// The decimal digits of a number, without an allocation.
fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let digit = |n: u64| b'0' + u8::try_from(n % 10).unwrap_or(0);
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = digit(n);
        n /= 10;
        if n == 0 {
            return &digits[start..];
        }
    }
}

/// Makes of a sample what will be read back of it: texts of the service without control characters, and none where there is nothing.
pub(super) fn make_readable(sample: &mut Sample) {
    let answer = &mut sample.answer;
    for text in [&mut answer.session_id, &mut answer.request_id, &mut answer.exception] {
        if let Some(inner) = text {
            let plain = |byte: u8| (b' '..=b'~').contains(&byte);
            if inner.as_str().is_empty() {
                *text = None;
            } else if !inner.as_str().bytes().fold(true, |all, byte| all & plain(byte)) {
                *text = Some(Text64::cut(&inner.as_str().replace(char::is_control, "?")));
            }
        }
    }
}

/// Reads rows, one after the other, in bounded memory.
pub struct Rows {
    path: PathBuf,
    file: BufReader<io::Take<File>>,
    line: Vec<u8>,
    /// The number of the line that was read last.
    number: u64,
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
            file: BufReader::with_capacity(BUFFER, input),
            line: Vec::with_capacity(LONGEST_ROW),
            number: 0,
            mixes: scenario.mixes.iter().map(|m| m.name.clone()).collect(),
            torn,
            over: false,
        };
        rows.next_line()?;
        if lost(&rows.line) {
            (rows.torn, rows.over) = (true, true);
        } else if without_end(&rows.line) != header().as_bytes() && !unbegun {
            return Err(rows.malformed(&format!("the columns are not {}", header())));
        }
        Ok(rows)
    }

    /// Whether a torn last line was left out: the run was killed, or its disk was full.
    pub const fn torn(&self) -> bool {
        self.torn
    }

    fn malformed(&self, what: &str) -> ResultsError {
        ResultsError::Malformed { path: self.path.clone(), what: format!("line {}: {what}", self.number.max(1)) }
    }

    /// Reads a line; false at the end.
    fn next_line(&mut self) -> Result<bool, ResultsError> {
        let read =
            read_line(&mut self.file, &mut self.line).map_err(|reason| ResultsError::Read { path: self.path.clone(), reason })?;
        self.number += u64::from(read > 0);
        Ok(read > 0)
    }

    fn read(&mut self) -> Result<Option<Sample>, ResultsError> {
        while self.next_line()? {
            // What the power took: nothing behind it is in its place.
            if lost(&self.line) {
                (self.torn, self.over) = (true, true);
                return Ok(None);
            }
            let line = without_end(&self.line);
            if !line.is_empty() {
                return parse(line, &self.mixes).map(Some).map_err(|what| self.malformed(&what));
            }
        }
        Ok(None)
    }
}

/// A line without its end, whichever it is.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line has bytes that a loss of power left as zeros: a file system may keep a file's length and lose what stood there. No row
/// has such bytes, for control characters are not written.
fn lost(line: &[u8]) -> bool {
    line.contains(&0)
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

/// The call that a line tells of, without its end.
pub(super) fn parse(line: &[u8], mixes: &[String]) -> Result<Sample, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.contains('"') {
        let cells = cells_of(line).map(|cells| cells.map(unquoted)).ok_or_else(columns)?;
        // A character is whole on either side of a quote or a comma.
        return sample(&cells.each_ref().map(|cell| std::str::from_utf8(cell).unwrap_or_default()), mixes);
    }
    let mut cells = [""; SAMPLE_COLUMNS.len()];
    let mut rest = text.split(',');
    for cell in &mut cells {
        *cell = rest.next().ok_or_else(columns)?;
    }
    if rest.next().is_some() { Err(columns()) } else { sample(&cells, mixes) }
}

/// What is wrong with a row of too many cells, or too few.
fn columns() -> String {
    format!("it has not {} columns", SAMPLE_COLUMNS.len())
}

fn sample(cells: &[&str; SAMPLE_COLUMNS.len()], mixes: &[String]) -> Result<Sample, String> {
    let wrong = |i: usize| format!("`{}` is not a valid {}", cells[i], SAMPLE_COLUMNS[i]);
    let instant = |i: usize| {
        if cells[i].is_empty() {
            Ok(None)
        } else {
            instant_us(cells[i].as_bytes()).map(|us| Some(Duration::from_micros(us))).ok_or_else(|| wrong(i))
        }
    };
    let text = |i: usize| (!cells[i].is_empty()).then(|| Text64::cut(cells[i]));
    let status = if cells[6].is_empty() { None } else { Some(cells[6].parse::<u16>().map_err(|_| wrong(6))?) };
    let mix = mixes.iter().position(|m| m == cells[4]).and_then(|i| u16::try_from(i).ok());
    Ok(Sample {
        seq: number(cells[0].as_bytes()).ok_or_else(|| wrong(0))?,
        due: instant(1)?.ok_or_else(|| wrong(1))?,
        sent: instant(2)?,
        done: instant(3)?,
        mix: mix.ok_or_else(|| format!("`{}` is not a mix of the scenario", cells[4]))?,
        role: cells[11].parse::<Role>()?,
        attempt: cells[7].parse().map_err(|_| wrong(7))?,
        token: text(10),
        answer: Answer {
            outcome: cells[5].parse().map_err(|_| wrong(5))?,
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
    use crate::record::sample::testing::samples;
    use crate::scenario::Mix;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Rows are what a writer of CSV makes of their cells, quoted where that quotes, and come back as they were.
        #[test]
        fn rows_are_csv(list in samples(30), odd in proptest::collection::vec("[a-z,\"\r\n\t é]{0,70}", 30)) {
            let mut scenario = crate::summary::testing::steady("");
            scenario.mixes = ["a, b", "c", "\"d\""].map(|name| Mix { name: name.to_owned(), ..scenario.mixes[0].clone() }).to_vec();
            let list: Vec<Sample> = list
                .into_iter()
                .zip(odd)
                .map(|(mut made, odd)| {
                    made.answer.exception = Some(Text64::cut(&odd));
                    make_readable(&mut made);
                    made
                })
                .collect();
            let (mut ours, mut csv) = (RowWriter::new(Vec::new(), &scenario).unwrap(), csv::Writer::from_writer(Vec::new()));
            csv.write_record(SAMPLE_COLUMNS).unwrap();
            for made in &list {
                ours.write(made).unwrap();
                let us = |at: Option<Duration>| at.map(|at| floor_us(at).to_string()).unwrap_or_default();
                let text = |text: Option<Text64>| text.map(|text| text.to_string()).unwrap_or_default();
                let answer = &made.answer;
                let mut cells = vec![made.seq.to_string(), us(Some(made.due)), us(made.sent), us(made.done)];
                cells.extend([scenario.mixes[usize::from(made.mix)].name.clone(), answer.outcome.name().to_owned()]);
                cells.extend([answer.status.map(|s| s.to_string()).unwrap_or_default(), made.attempt.to_string()]);
                cells.extend([text(answer.session_id), text(answer.request_id), text(made.token), made.role.name().to_owned()]);
                cells.push(text(answer.exception));
                csv.write_record(cells).unwrap();
            }
            ours.flush().unwrap();
            let written = String::from_utf8(ours.out.clone()).unwrap();
            prop_assert_eq!(&written, &String::from_utf8(csv.into_inner().unwrap()).unwrap());
            let mixes: Vec<String> = scenario.mixes.iter().map(|mix| mix.name.clone()).collect();
            let floored = |at: Duration| Duration::from_micros(floor_us(at));
            for (line, mut made) in written.lines().skip(1).zip(list) {
                (made.due, made.sent, made.done) = (floored(made.due), made.sent.map(floored), made.done.map(floored));
                prop_assert_eq!(parse(line.as_bytes(), &mixes), Ok(made));
            }
        }
    }

    /// Numbers are written as everyone writes them.
    #[test]
    fn decimals_are_right() {
        for n in [0, 9, 10, 1_234_567, u64::MAX] {
            assert_eq!(decimal(n, &mut [0; 20]), n.to_string().as_bytes());
        }
    }
}
