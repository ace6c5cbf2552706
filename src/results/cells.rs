//! Cells of a row of `samples.csv`, read without making a text of them.
//!
//! Refuses to know columns: what a cell means is said by who reads the row.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use memchr::{memchr, memchr_iter};

use super::SAMPLE_COLUMNS;
use crate::scenario::MAX_BYTES;
use crate::schedule::MAX_LENGTH;
use crate::units::floor_us;

/// Bytes that a line has at most, its end included.
// derived: of its texts only a mix's name may be long, which stands in a scenario; with every character quoted, and as much for the rest
const LONGEST_LINE: u64 = 3 * MAX_BYTES;

/// The header of `samples.csv`, without its line break.
pub(super) fn header() -> String {
    SAMPLE_COLUMNS.join(",")
}

/// Where the first cell of a row ends.
pub(super) fn cell_end(row: &[u8]) -> usize {
    let mut quoted = false;
    let end = row.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    end.unwrap_or(row.len())
}

/// The cells of a row, as they stand there; `None` if there are more or fewer than columns.
pub(super) fn cells_of(row: &[u8]) -> Option<[&[u8]; SAMPLE_COLUMNS.len()]> {
    // Nearly no row has quotes.
    if memchr(b'"', row).is_none() { plain_cells(row) } else { quoted_cells(row) }
}

fn plain_cells(row: &[u8]) -> Option<[&[u8]; SAMPLE_COLUMNS.len()]> {
    let (mut commas, mut begin) = (memchr_iter(b',', row), 0);
    let mut cells = [&row[..0]; SAMPLE_COLUMNS.len()];
    let (last, cells_before) = cells.split_last_mut()?;
    for cell in cells_before {
        let end = commas.next()?;
        *cell = &row[begin..end];
        begin = end + 1;
    }
    *last = &row[begin..];
    commas.next().is_none().then_some(cells)
}

fn quoted_cells(row: &[u8]) -> Option<[&[u8]; SAMPLE_COLUMNS.len()]> {
    let mut cells = [&row[..0]; SAMPLE_COLUMNS.len()];
    let mut rest = Some(row);
    for cell in &mut cells {
        let at = rest?;
        let end = cell_end(at);
        (*cell, rest) = (&at[..end], at.get(end + 1..));
    }
    rest.is_none().then_some(cells)
}

/// What a cell says, without its quotes.
pub(super) fn unquoted(cell: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = cell.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else { return Cow::Borrowed(cell) };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        plain.push(byte);
        if byte == b'"' {
            bytes.next_if_eq(&b'"');
        }
    }
    Cow::Owned(plain)
}

/// The whole number that digits spell; `None` for anything else, or a number beyond 64 bits.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let add = |n: u64, digit: &u8| match digit {
        b'0'..=b'9' => n.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

/// The instant that a cell names, in microseconds from the start of the run; `None` if it names none, or one that no run comes to: a timeline
/// has a row for every second up to the last instant, and a damaged digit shall not make it endless.
pub(super) fn instant_us(cell: &[u8]) -> Option<u64> {
    // derived: nothing is due after the longest schedule; who waits as long again for an answer gets none
    let last_us = floor_us(MAX_LENGTH).saturating_mul(2);
    number(cell).filter(|us| *us <= last_us)
}

/// A line up to what a loss of power left as zeros: a file system may keep a file's length and lose what stood there. No row has such bytes,
/// for control characters are not written.
pub(super) fn before_zeros(line: &[u8]) -> &[u8] {
    &line[..line.iter().position(|byte| *byte == 0).unwrap_or(line.len())]
}

/// A whole line, without its end; `None` if it has none, or lost some of its bytes.
pub(super) fn whole_line(line: &[u8]) -> Option<&[u8]> {
    line.strip_suffix(b"\n").filter(|whole| memchr(0, whole).is_none())
}

/// Whether these bytes are the beginning of the header, or nothing: no more of `samples.csv` is there when a run is cut off before its first
/// rows reach the file.
pub(super) fn begins_header(bytes: &[u8]) -> bool {
    header().as_bytes().starts_with(bytes)
}

/// Reads the next line with its end; 0 bytes at the end of the file. A file that is no table may have no lines, and is refused after as much
/// as a line may have; but one that lost its bytes from there on is given as far as it was read.
pub(super) fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    let read = file.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
    if read as u64 == LONGEST_LINE && !line.ends_with(b"\n") && memchr(0, line).is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than a row can be"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file without lines is not read to its end, unless its bytes were lost; lines up to the bound are read.
    #[test]
    fn lines_have_a_bound() {
        let most = usize::try_from(LONGEST_LINE).unwrap();
        let read = |bytes: &[u8]| {
            let (mut rest, mut line) = (bytes, Vec::new());
            read_line(&mut rest, &mut line).map(|read| (read, line.len(), rest.len())).map_err(|e| e.kind())
        };
        let longest = [vec![b'a'; most - 1], b"\nb\n".to_vec()].concat();
        assert_eq!(read(&longest), Ok((most, most, 2)));
        assert_eq!(read(&vec![b'a'; most - 1]), Ok((most - 1, most - 1, 0)));
        assert_eq!(read(&vec![b'a'; most + 1]), Err(io::ErrorKind::InvalidData));
        assert_eq!(read(&vec![0; most + 1]), Ok((most, most, 1)));
        assert_eq!(read(b""), Ok((0, 0, 0)));
    }

    proptest! {
        /// A row without quotes has the same cells, or none, whichever way it is read.
        #[test]
        fn plain_rows_are_read_alike(row in "[a-z0-9,]{0,40}(,[a-z0-9]{0,12}){8,14}") {
            prop_assert_eq!(plain_cells(row.as_bytes()), quoted_cells(row.as_bytes()));
        }
    }
}
