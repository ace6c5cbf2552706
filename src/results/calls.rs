//! `samples.csv` as columns: only what a comparison needs of each row, so that an hour's run is read in a fraction of a second.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::cells::{before_zeros, begins_header, cell_end, header, instant_us, number, read_line, whole_line};
use super::{ResultsError, RunDir, SAMPLE_COLUMNS, SAMPLES};
use crate::client::outcome::Outcome;
use crate::record::calls::{Call, Calls};
use crate::record::endings::Endings;
use crate::record::timeline::SECOND_US;

const BUFFER: usize = 1 << 20;

/// Columns that are read: `seq` to `outcome`.
const READ: usize = 6;

/// The column of the HTTP status.
const STATUS: usize = 6;

impl RunDir {
    /// The calls on disk in the order in which they were due; a torn last line is left out.
    pub fn calls(&self) -> Result<Calls, ResultsError> {
        let mut calls = Calls::default();
        for segment in self.segments()? {
            each_row(&segment.path(SAMPLES), |row| call(row).map(|call| calls.push(call)))?;
        }
        calls.sort();
        Ok(calls)
    }

    /// How calls ended, by the second of their end on a file's own clock; a torn last line is left out.
    pub(super) fn endings(path: &Path) -> Result<Endings, ResultsError> {
        let mut endings = Endings::default();
        each_row(path, |row| {
            let (call, status) = (call(row)?, status(row)?);
            endings.add((call.due_us + u64::from(call.response_us())) / SECOND_US, call.outcome, status, 1);
            Ok(())
        })?;
        Ok(endings)
    }
}

/// Reads a file row by row.
fn each_row(path: &Path, mut take: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), ResultsError> {
    let unreadable = |reason| ResultsError::Read { path: path.to_owned(), reason };
    let malformed =
        |line: u64, what: String| ResultsError::Malformed { path: path.to_owned(), what: format!("line {line}: {what}") };
    let mut file = BufReader::with_capacity(BUFFER, File::open(path).map_err(unreadable)?);
    let mut row = Vec::with_capacity(512);
    for line in 1.. {
        read_line(&mut file, &mut row).map_err(unreadable)?;
        match whole_line(&row) {
            Some(whole) if line > 1 => take(whole).map_err(|what| malformed(line, what))?,
            Some(first) if first == header().as_bytes() => {}
            None if line > 1 || begins_header(before_zeros(&row)) => break,
            _ => return Err(malformed(1, format!("the columns are not {}", header()))),
        }
    }
    Ok(())
}

/// The HTTP status of a row; `None` where there was no answer.
fn status(row: &[u8]) -> Result<Option<u16>, String> {
    let mut rest = row;
    for _ in 0..STATUS {
        rest = rest.get(cell_end(rest) + 1..).unwrap_or_default();
    }
    let cell = &rest[..cell_end(rest)];
    if cell.is_empty() {
        return Ok(None);
    }
    let status = number(cell).and_then(|n| u16::try_from(n).ok());
    status.map(Some).ok_or_else(|| format!("`{}` is not a valid {}", String::from_utf8_lossy(cell), SAMPLE_COLUMNS[STATUS]))
}

/// One row. Only the mix's name can be quoted among the columns that are read.
fn call(row: &[u8]) -> Result<Call, String> {
    let mut cells = [&row[..0]; READ];
    let mut rest = row;
    for cell in &mut cells {
        let end = cell_end(rest);
        (*cell, rest) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    }
    let text = |i: usize| String::from_utf8_lossy(cells[i]).into_owned();
    let wrong = |i: usize| format!("`{}` is not a valid {}", text(i), SAMPLE_COLUMNS[i]);
    let instant = |i: usize| if cells[i].is_empty() { Ok(None) } else { instant_us(cells[i]).map(Some).ok_or_else(|| wrong(i)) };
    let due_us = instant_us(cells[1]).ok_or_else(|| wrong(1))?;
    let (sent_us, done_us) = (instant(2)?, instant(3)?);
    let outcome = std::str::from_utf8(cells[5]).ok().and_then(|name| name.parse::<Outcome>().ok()).ok_or_else(|| wrong(5))?;
    let between = |from: Option<u64>, to: Option<u64>| match (from, to) {
        (Some(from), Some(to)) => u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX),
        _ => 0,
    };
    Ok(Call { due_us, lateness_us: between(Some(due_us), sent_us), service_us: between(sent_us, done_us), outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status is the column behind the outcome, and empty where there was no answer.
    #[test]
    fn statuses_are_read() {
        assert_eq!(SAMPLE_COLUMNS[STATUS], "status");
        assert_eq!(status(b"7,1000,1050,46050,\"a, \"\"b\"\"\",ok,200,1,s,r,t,fresh,"), Ok(Some(200)));
        assert_eq!(status(b"7,1000,,,m,missed,,1,,,,fresh,"), Ok(None));
        assert!(status(b"7,1000,1050,46050,m,ok,70000,1,,,,fresh,").is_err());
    }

    /// Rows are read as the whole reader reads them, quoted names and empty cells included; what is no row is told.
    #[test]
    fn rows_are_read() {
        let sent = call(b"7,1000,1050,46050,\"a, \"\"b\"\"\",ok,200,1,s,r,t,fresh,").unwrap();
        assert_eq!(sent, Call { due_us: 1000, lateness_us: 50, service_us: 45_000, outcome: Outcome::Ok });
        let missed = call(b"7,1000,,,m,missed,,1,,,,fresh,").unwrap();
        assert_eq!((missed.response_us(), missed.outcome), (0, Outcome::Missed));
        let far = "7,1,2,1209600000001,m,ok";
        assert!(call(b"7,1,2,1209600000000,m,ok").is_ok());
        for wrong in ["", "7,x,,,m,ok", "7,1,2,3,m,fine", "7,1,-2,3,m,ok", "7,99999999999999999999,2,3,m,ok", far] {
            assert!(call(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
