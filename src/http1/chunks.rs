//! A body in chunks (RFC 9112, section 7.1), as it comes.

use httparse::Status;
use thiserror::Error;

use super::MOST_FIELDS;

/// What a body may have besides its data: a chunk's line, all extensions, all trailers.
const LONGEST_LINE: usize = 16 * 1024; // source: hyper, CHUNKED_EXTENSIONS_LIMIT and TRAILER_LIMIT

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
    /// Bytes of extensions that came.
    extensions: usize,
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
        Self { part: ChunkPart::Size, body: Vec::new(), most, seen: 0, extensions: 0 }
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
                ChunkPart::Size => match httparse::parse_chunk_size(rest) {
                    Ok(Status::Complete((line, size))) => self.begin(&rest[..line], size)?,
                    Ok(Status::Partial) if rest.len() <= LONGEST_LINE => return Ok(at),
                    _ => return Err(ChunkFlaw),
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

    /// A chunk's line, which says its size; gives the line's length.
    fn begin(&mut self, line: &[u8], size: u64) -> Result<usize, ChunkFlaw> {
        let extension = line.iter().position(|byte| *byte == b';').map_or(0, |at| line.len() - at);
        self.extensions += extension;
        if self.extensions > LONGEST_LINE {
            return Err(ChunkFlaw);
        }
        let size = usize::try_from(size).map_err(|_| ChunkFlaw)?;
        self.part = if size == 0 { ChunkPart::Trailers } else { ChunkPart::Data(size) };
        Ok(line.len())
    }

    fn keep(&mut self, data: &[u8]) {
        self.seen = self.seen.saturating_add(data.len());
        if self.seen <= self.most {
            self.body.extend_from_slice(data);
        }
    }
}

/// The length of the lines behind the last chunk, the empty one included; `None` while they are not whole.
fn trailers(bytes: &[u8]) -> Result<Option<usize>, ChunkFlaw> {
    if bytes.starts_with(b"\r\n") {
        return Ok(Some(2));
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    if end.unwrap_or(bytes.len()) > LONGEST_LINE {
        return Err(ChunkFlaw);
    }
    let Some(end) = end else { return Ok(None) };
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    match httparse::parse_headers(&bytes[..end], &mut fields) {
        Ok(Status::Complete((length, _))) if length == end => Ok(Some(end)),
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
        let trailers = format!("0\r\nT: {long}");
        for bytes in ["x", "1\r\nab", "1\r\n\r\nx", "ffffffffffffffffff\r\n", "0\r\nno colon\r\n\r\n", &many, &trailers] {
            assert_eq!(Chunks::new(100).read(bytes.as_bytes()), Err(ChunkFlaw), "{bytes:.20}");
        }
    }
}
