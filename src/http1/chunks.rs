//! A body in chunks (RFC 9112, section 7.1), as it comes.

use httparse::Status;
use thiserror::Error;

use super::MOST_FIELDS;

/// What a body may have besides its data: a chunk's line, what all of them say for nothing, all trailers.
const LONGEST_LINE: usize = 16 * 1024; // source: hyper, CHUNKED_EXTENSIONS_LIMIT and TRAILER_LIMIT

/// Digits of a size that may say something.
const DIGITS: usize = 16; // derived: 64 bits

/// A chunk without a size or an end, or trailers that are none. The words are hyper's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Invalid chunk size line")]
pub(crate) struct ChunkFlaw;

/// A body in chunks, as far as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    part: ChunkPart,
    /// The data, no longer than `most`.
    body: Vec<u8>,
    most: usize,
    /// Bytes of data that came.
    seen: usize,
    /// Bytes of lines that came and say nothing.
    padding: usize,
}

/// What comes next of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkPart {
    Size,
    /// So many bytes.
    Data(usize),
    /// The end of a line.
    LineEnd,
    /// Lines up to an empty one.
    Trailers,
    /// Nothing.
    End,
}

impl Chunks {
    /// One of which nothing came; at most `most` bytes of its data are kept.
    pub(crate) const fn new(most: usize) -> Self {
        Self { part: ChunkPart::Size, body: Vec::new(), most, seen: 0, padding: 0 }
    }

    /// Whether all of it came.
    pub(crate) const fn is_whole(&self) -> bool {
        matches!(self.part, ChunkPart::End)
    }

    /// Bytes of data that came.
    pub(crate) const fn seen(&self) -> usize {
        self.seen
    }

    /// The data; `None` if it is longer than what is kept.
    pub(crate) fn body(&self) -> Option<&[u8]> {
        (self.seen <= self.most).then_some(&self.body)
    }

    /// Reads on, and says how many of the `bytes` are used up: the next ones begin behind those.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<usize, ChunkFlaw> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            at += match self.part {
                ChunkPart::Size => match SizeLine::of(rest)? {
                    Some(line) => self.begin(&line)?,
                    None if rest.len() <= LONGEST_LINE => return Ok(at),
                    None => return Err(ChunkFlaw),
                },
                ChunkPart::Data(left) => {
                    let came = left.min(rest.len());
                    self.keep(&rest[..came]);
                    self.part = if came == left { ChunkPart::LineEnd } else { ChunkPart::Data(left - came) };
                    if came < left {
                        return Ok(at + came);
                    }
                    came
                }
                ChunkPart::LineEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        self.part = ChunkPart::Size;
                        2
                    }
                    [] | [b'\r'] => return Ok(at),
                    _ => return Err(ChunkFlaw),
                },
                ChunkPart::Trailers => match trailers(rest)? {
                    Some(length) => {
                        self.part = ChunkPart::End;
                        length
                    }
                    None => return Ok(at),
                },
                ChunkPart::End => return Ok(at),
            };
        }
    }

    /// Begins a chunk; gives the length of its line.
    fn begin(&mut self, line: &SizeLine) -> Result<usize, ChunkFlaw> {
        self.padding += line.padding;
        if self.padding >= LONGEST_LINE {
            return Err(ChunkFlaw);
        }
        self.part = if line.size == 0 { ChunkPart::Trailers } else { ChunkPart::Data(line.size) };
        Ok(line.length)
    }

    fn keep(&mut self, data: &[u8]) {
        self.seen = self.seen.saturating_add(data.len());
        if self.seen <= self.most {
            self.body.extend_from_slice(data);
        }
    }
}

/// A chunk's line. httparse has a reader of it, which takes no digits for a zero and a line feed alone for an end: whoever reads the same bytes
/// otherwise could be sent a request inside of another one.
struct SizeLine {
    /// Bytes of the line, its end included.
    length: usize,
    /// Bytes of the chunk.
    size: usize,
    /// Bytes of it that say nothing: its extension, blanks, zeros in front.
    padding: usize,
}

impl SizeLine {
    /// The line that the bytes begin with; `None` while it is not whole.
    fn of(bytes: &[u8]) -> Result<Option<Self>, ChunkFlaw> {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let add = |size: usize, digit: &u8| size.checked_mul(16)?.checked_add(char::from(*digit).to_digit(16)? as usize);
        let size = bytes[..digits].iter().try_fold(0, add).ok_or(ChunkFlaw)?;
        let blanks = bytes[digits..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = &bytes[digits + blanks..];
        let extension = match rest.first() {
            Some(b';') => rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len()),
            _ => 0,
        };
        match &rest[extension..] {
            _ if digits == 0 && !bytes.is_empty() => Err(ChunkFlaw),
            [b'\r', b'\n', ..] => {
                let length = digits + blanks + extension + 2;
                let zeros = digits.saturating_sub(DIGITS);
                Ok(Some(Self { length, size, padding: zeros + blanks + extension.saturating_sub(1) }))
            }
            [] | [b'\r'] => Ok(None),
            _ => Err(ChunkFlaw),
        }
    }
}

/// The length of the lines behind the last chunk, the empty one included; `None` while they are not whole.
fn trailers(bytes: &[u8]) -> Result<Option<usize>, ChunkFlaw> {
    if bytes.starts_with(b"\r\n") {
        return Ok(Some(2));
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let length = end.unwrap_or(bytes.len());
    // What no further byte can make right is told at once.
    let broken = bytes[..length].windows(2).any(|two| two[0] == b'\r' && two[1] != b'\n');
    if length > LONGEST_LINE || broken {
        return Err(ChunkFlaw);
    }
    let Some(end) = end else { return Ok(None) };
    // As many fields as lines, as hyper has it: httparse takes a line feed alone for the end of one, too.
    let lines = bytes[..end].windows(2).filter(|two| two == b"\r\n").count() - 1;
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    match httparse::parse_headers(&bytes[..end], fields.get_mut(..lines).ok_or(ChunkFlaw)?) {
        Ok(Status::Complete(_)) => Ok(Some(end)),
        _ => Err(ChunkFlaw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], most: usize) -> (Option<Vec<u8>>, usize, usize) {
        let mut chunks = Chunks::new(most);
        let used = chunks.read(bytes).unwrap();
        assert!(chunks.is_whole());
        (chunks.body().map(<[u8]>::to_vec), chunks.seen(), used)
    }

    /// The data is what stands between the lines; what follows is left, and data beyond its bound is counted, not kept.
    #[test]
    fn data() {
        let bytes = b"2;a=b\r\n{}\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\nPOST";
        assert_eq!(read(bytes, 12), (Some(b"{}0123456789".to_vec()), 12, bytes.len() - 4));
        assert_eq!(read(bytes, 11), (None, 12, bytes.len() - 4));
        assert_eq!(read(b"0\r\n\r\n", 0), (Some(Vec::new()), 0, 5));
    }

    /// Wherever it is cut, the same comes of it; what is used up need not be kept.
    #[test]
    fn pieces() {
        let bytes = b"2;a=b\r\n{}\r\nA\r\n0123456789\r\n0\r\nT: 1\r\nU: 2\r\n\r\n";
        for cut in 0..bytes.len() {
            let mut chunks = Chunks::new(100);
            let used = chunks.read(&bytes[..cut]).unwrap();
            assert!(!chunks.is_whole(), "{cut}");
            chunks.read(&bytes[used..]).unwrap();
            assert_eq!((chunks.is_whole(), chunks.body()), (true, Some(b"{}0123456789" as &[u8])), "{cut}");
        }
    }

    /// Lines without end, extensions without end, trailers that are none.
    #[test]
    fn flaws() {
        let long = "a".repeat(LONGEST_LINE);
        let many = format!("1;{}\r\nx\r\n", "a".repeat(1000)).repeat(20);
        let blanks = format!("1{}\r\nx\r\n", " ".repeat(1000)).repeat(20);
        let trailers = format!("0\r\nT: {long}");
        for bytes in [
            "x",
            "1;a=b\n1\r\n",
            "1;a\0\nx\r\n",
            "1\r\nab",
            "1\r\n\r\nx",
            "ffffffffffffffffff\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\n\r\0",
            "\r\n\r\n",
            " 1\r\n",
            "1 1\r\n",
            "0\r\na: b\rc",
            "0\r\na: b\nc: d\r\n\r\n",
            &many,
            &blanks,
            &trailers,
        ] {
            assert_eq!(Chunks::new(100).read(bytes.as_bytes()), Err(ChunkFlaw), "{bytes:.20}");
        }
    }
}
