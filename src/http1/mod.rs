//! What both ends of HTTP/1.1 share: header fields where they lie, the end of a head, bodies in chunks.
//!
//! The rules are those of RFC 9112 as hyper reads it, and both ends are held against hyper. Pure, but for the memory that a thread's connections
//! read into. Refuses to know requests and answers.

mod chunks;
#[cfg(test)]
pub(crate) mod drawn;
mod scratch;

pub(crate) use chunks::{ChunkFlaw, Chunks};
pub(crate) use scratch::{PIECE, with_scratch};

use httparse::Header;

/// Header fields of a message at most.
pub(crate) const MOST_FIELDS: usize = 100; // source: hyper, DEFAULT_MAX_HEADERS

/// The header fields of a message, in the bytes that came.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [Header<'a>]);

impl<'a> Fields<'a> {
    /// Those of a parsed head.
    pub const fn of(fields: &'a [Header<'a>]) -> Self {
        Self(fields)
    }

    /// All fields, in their order.
    #[cfg(test)]
    pub(crate) fn iter(self) -> std::slice::Iter<'a, Header<'a>> {
        self.0.iter()
    }

    /// The values of a header, in their order. Names are compared without regard to case.
    pub fn all(self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The first value of a header.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The first value of a header, if it is text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(text)
    }

    /// What stands in the values of a header between commas; a value that is no text has nothing.
    pub fn words(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(words)
    }
}

/// A value of visible ASCII, spaces and tabs.
pub(crate) fn text(value: &[u8]) -> Option<&str> {
    // Without a way out: so it takes many bytes at a time.
    let is_text = value.iter().fold(true, |all, byte| all & matches!(byte, b'\t' | b' '..=b'~'));
    if is_text { std::str::from_utf8(value).ok() } else { None }
}

/// What stands in a value between commas, without spaces around; nothing if it is no text.
pub(crate) fn words(value: &[u8]) -> impl Iterator<Item = &str> {
    text(value).unwrap_or_default().split(',').map(str::trim)
}

/// Whether the last of the codings that a value of `Transfer-Encoding` lists is `chunked`.
pub(crate) fn ends_in_chunked(value: &[u8]) -> bool {
    words(value).last().is_some_and(|last| last.eq_ignore_ascii_case("chunked"))
}

/// A head that comes in pieces: it need not be parsed again before its end can have come, or one that comes byte by byte would take the
/// square of its length.
#[derive(Debug, Default)]
pub(crate) struct HeadWait {
    /// Bytes that were looked at while the head was not whole.
    looked: usize,
}

impl HeadWait {
    /// Octets before what is new in which an end may begin.
    // source: hyper, is_complete_fast; two would do for "\n\r\n", and what is refused at which octet shall be the same
    pub(crate) const BEFORE: usize = 3;

    /// Whether what came since the last look, in all `bytes` so far, has no end of a head.
    pub(crate) fn goes_on(&mut self, bytes: &[u8]) -> bool {
        let looked = std::mem::replace(&mut self.looked, bytes.len());
        if looked == 0 {
            return false;
        }
        let new = &bytes[looked.saturating_sub(Self::BEFORE)..];
        let may_end = new.windows(2).any(|two| two == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n");
        !may_end
    }

    /// The first `dropped` bytes are not there any more.
    pub(crate) fn forget(&mut self, dropped: usize) {
        self.looked = self.looked.saturating_sub(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in any case, values in their order, lists between commas; a value with other than visible ASCII is no text.
    #[test]
    fn fields() {
        let field = |name, value| Header { name, value };
        let listed = [field("Connection", b"a, Close" as &[u8]), field("x", b"1"), field("connection", b"\xe9, b")];
        let fields = Fields::of(&listed);
        assert_eq!(fields.words("CONNECTION").collect::<Vec<_>>(), ["a", "Close", ""]);
        assert_eq!((fields.get("X"), fields.text("x"), fields.get("y")), (Some(b"1" as &[u8]), Some("1"), None));
        assert_eq!(fields.all("connection").next_back(), Some(b"\xe9, b" as &[u8]));
        assert!(
            ends_in_chunked(b"gzip, Chunked") && !ends_in_chunked(b"chunked, gzip") && !ends_in_chunked("é, chunked".as_bytes())
        );
    }
}
