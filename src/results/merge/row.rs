//! A row of `samples.csv` as bytes, and what merging needs to know of it.
//!
//! Refuses to take for a row what is none.

use std::cmp::Ordering;
use std::io::{self, Read, Write};

use super::super::cells::{cells_of, instant_us, number};
use super::super::external::OnDisk;
use super::super::rows;
use crate::client::outcome::Outcome;
use crate::record::sample::{CallEnding, Role, Sample};

/// Stands for the instant of a call that was not sent: after every other.
const UNSENT: u64 = u64::MAX;
/// The same of a call of which that is not known.
const MAYBE_SENT: u64 = UNSENT - 1;

/// A row, as far as it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowLine {
    /// When the call ended; when it was due if it was never sent.
    end_us: u64,
    pub(super) seq: u64,
    /// When it was sent; what was not comes last, and what may have been before that.
    sent_us: u64,
    pub(super) text: Vec<u8>,
}

impl RowLine {
    /// The row with this text, of which `cells` are known.
    pub(super) fn of(cells: &RowCells<'_>, text: &[u8]) -> Self {
        let ending = &cells.ending;
        let unsent = if ending.outcome == Outcome::Unknown { MAYBE_SENT } else { UNSENT };
        let sent_us = ending.sent_us.filter(|_| ending.outcome.was_sent()).unwrap_or(unsent);
        Self { end_us: ending.end_us(), seq: cells.seq, sent_us, text: text.to_vec() }
    }

    /// Whether the call was sent: two rows of one that was are two calls.
    pub(super) const fn was_sent(&self) -> bool {
        self.sent_us < MAYBE_SENT
    }

    /// Where it stands in the order of the ends, but for rows of one call.
    pub(super) const fn place(&self) -> (u64, u64) {
        (self.end_us, self.seq)
    }

    /// The order of a run's own file: by the instant of the end.
    pub(super) fn by_end(&self, other: &Self) -> Ordering {
        (self.end_us, self.seq, self.sent_us, &self.text).cmp(&(other.end_us, other.seq, other.sent_us, &other.text))
    }

    /// By number; of two attempts at one call the one that was sent first, then any, but always the same.
    pub(super) fn by_call(&self, other: &Self) -> Ordering {
        (self.seq, self.sent_us, &self.text).cmp(&(other.seq, other.sent_us, &other.text))
    }
}

impl OnDisk for RowLine {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.text.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        for number in [self.end_us, self.seq, self.sent_us] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&self.text)
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let mut numbers = [0; 3];
        for number in &mut numbers {
            let mut bytes = [0; 8];
            input.read_exact(&mut bytes)?;
            *number = u64::from_le_bytes(bytes);
        }
        let [end_us, seq, sent_us] = numbers;
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        let mut text = Vec::new();
        if input.take(length).read_to_end(&mut text)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self { end_us, seq, sent_us, text })
    }
}

/// The cells of a row, as far as every row is looked at.
#[derive(Debug)]
pub(super) struct RowCells<'a> {
    pub(super) seq: u64,
    pub(super) ending: CallEnding,
    pub(super) role: Role,
    /// As it stands there.
    mix: &'a [u8],
    session: &'a [u8],
    pub(super) token: &'a [u8],
}

impl<'a> RowCells<'a> {
    /// The cells of a line without its end; `None` if it is no row.
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let cells = cells_of(line)?;
        let instant = |cell: &[u8]| if cell.is_empty() { Some(None) } else { instant_us(cell).map(Some) };
        let name = |cell: &'a [u8]| std::str::from_utf8(cell).ok();
        let ending = CallEnding {
            due_us: instant_us(cells[1])?,
            sent_us: instant(cells[2])?,
            done_us: instant(cells[3])?,
            outcome: name(cells[5])?.parse().ok()?,
        };
        let (mix, session, token) = (cells[4], cells[8], cells[10]);
        Some(Self { seq: number(cells[0])?, ending, role: name(cells[11])?.parse().ok()?, mix, session, token })
    }

    /// Whether its mix is one of these, as they stand in a file.
    pub(super) fn has_mix_of(&self, mixes: &[Vec<u8>]) -> bool {
        mixes.iter().any(|mix| mix == self.mix)
    }

    /// The session that it got.
    pub(super) fn session(&self) -> Option<&'a [u8]> {
        (!self.session.is_empty() && self.ending.outcome == Outcome::Ok).then_some(self.session)
    }
}

/// The whole call, for the few rows of which everything is needed; `None` if a cell cannot be understood.
pub(super) fn whole(line: &[u8], mixes: &[String]) -> Option<Sample> {
    rows::parse(line, mixes).ok()
}

/// The names of mixes as they stand in a file: quoted where they have to be.
pub(super) fn written_names(mixes: &[String]) -> Vec<Vec<u8>> {
    let written = |name: &String| {
        let mut csv = csv::Writer::from_writer(Vec::new());
        // Into memory: it cannot fail; a name that did would be found in no row.
        let _ = csv.write_record([name.as_str(), ""]);
        let mut line = csv.into_inner().unwrap_or_default();
        line.truncate(line.len().saturating_sub(2));
        line
    };
    mixes.iter().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &[u8] = b"12,500000,500100,545000,default,ok,200,1,0f1f2f3f-0000-4000-8000-00000000000a,r,t,fresh,";

    /// A row is read and comes back from the disk as it was; what is none is refused.
    #[test]
    fn rows_round_trip() {
        let line = RowLine::of(&RowCells::of(ROW).unwrap(), ROW);
        assert_eq!((line.seq, line.sent_us, line.end_us), (12, 500_100, 545_000));
        let mut disk = Vec::new();
        line.encode(&mut disk).unwrap();
        assert_eq!(RowLine::decode(&mut disk.as_slice()).unwrap(), line);
        assert!(RowLine::decode(&mut &disk[..disk.len() - 1]).is_err());
        for wrong in [
            "",
            "x,1,2",
            "1,2",
            "1,2,3,4",
            "-1,2,3,4,default,ok,200,1,s,r,t,fresh,",
            "1,2,3,4,d,fine,200,1,s,r,t,fresh,",
            "1,2,3,4,d,ok,200,1,s,r,t,fresh,,",
            "1,2,3,18446744073709551000,d,ok,200,1,s,r,t,fresh,",
        ] {
            assert!(RowCells::of(wrong.as_bytes()).is_none(), "{wrong:?}");
        }
    }

    /// A row that was never sent ends when it was due, and only an ok answer has a session.
    #[test]
    fn cells_say_what_happened() {
        let missed = RowCells::of(b"7,1000,,,\"a, \"\"b\"\"\",missed,,1,,,,fresh,").unwrap();
        assert_eq!((missed.ending.end_us(), missed.session()), (1000, None));
        let names = ["a, \"b\"".to_owned(), "plain".to_owned()];
        assert!(missed.has_mix_of(&written_names(&names)) && !missed.has_mix_of(&written_names(&names[1..])));
        let sample = whole(b"7,1000,,,\"a, \"\"b\"\"\",missed,,1,,,,fresh,", &names).unwrap();
        assert_eq!((sample.seq, sample.mix, sample.token), (7, 0, None));
        assert_eq!(RowCells::of(ROW).unwrap().session(), Some(&b"0f1f2f3f-0000-4000-8000-00000000000a"[..]));
    }
}
