//! An answer of HTTP/1.1 in the bytes that came: where its head ends, how its body is framed, and whether another answer may follow.
//!
//! Reads in place: nothing is copied of an answer that came in one piece, unless its body is in chunks. Pure, and held against hyper's client
//! in its tests, whose rules these are (RFC 9112, sections 4 to 9). Refuses to know what an answer means.

#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Response, Status};
use thiserror::Error;

use crate::client::reading::{LONGEST_BODY, LONGEST_HEAD};

/// Header fields of an answer.
const MOST_FIELDS: usize = 100; // source: hyper, DEFAULT_MAX_HEADERS

/// What a chunk may have besides its data: its line, or all trailers.
const LONGEST_LINE: usize = 16 * 1024; // source: hyper, CHUNKED_EXTENSIONS_LIMIT and TRAILER_LIMIT

/// Why what came is no answer. The words are hyper's, whose causes the other transport tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Flaw {
    /// It ended before its head did.
    #[error("connection closed before message completed")]
    NoHead,
    /// It ended before its body did.
    #[error("end of file before message length reached")]
    NoEnd,
    /// The head is longer than its bound, or has too many fields.
    #[error("its head is longer than 64 KiB")]
    LongHead,
    /// No version that is known: most often no HTTP at all.
    #[error("invalid HTTP version parsed")]
    Version,
    /// No status.
    #[error("invalid HTTP status-code parsed")]
    Code,
    /// A header that is none.
    #[error("invalid HTTP header parsed")]
    Field,
    /// Lengths that contradict each other, or are none.
    #[error("invalid content-length parsed")]
    Length,
    /// A form of transfer that the version does not know.
    #[error("unexpected transfer-encoding parsed")]
    Encoding,
    /// A chunk without a size, or without an end.
    #[error("Invalid chunk size line")]
    Chunk,
}

/// One answer.
#[derive(Debug)]
pub(in crate::client) struct WireReply<'a> {
    pub(in crate::client) status: u16,
    pub(in crate::client) fields: &'a [Header<'a>],
    /// `None` if it is longer than its bound and was cut off.
    pub(in crate::client) body: Option<&'a [u8]>,
    /// Whether another request may follow on the connection: it is kept, and nothing came behind the answer.
    pub(super) keeps: bool,
}

/// How the end of a body is known.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked(Chunks),
    /// By the end of the connection.
    UntilEnd,
}

/// A head that was read.
#[derive(Debug, PartialEq, Eq)]
struct ReplyHead {
    begin: usize,
    end: usize,
    framing: Framing,
    keeps: bool,
}

/// One answer as it comes.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    head: Option<ReplyHead>,
    /// Bytes that were looked at while the head was not whole.
    looked: usize,
}

impl ReplyReader {
    /// Reads on, in all `bytes` of the answer so far; `ended`: no more will come. When it is whole, `take` has it. `None`: it is not yet.
    pub(super) fn next<T>(
        &mut self,
        bytes: &[u8],
        ended: bool,
        take: impl FnOnce(&WireReply<'_>) -> T,
    ) -> Result<Option<T>, Flaw> {
        let known = match &mut self.head {
            Some(head) => Some(head.extent(bytes, ended)?),
            None => None,
        };
        if known == Some(Extent::More) {
            return Ok(None);
        }
        if self.head.is_none() && !ended && self.waits_for_head(bytes) {
            return Ok(None);
        }
        let Some(begin) = self.head.as_ref().map_or_else(|| behind_interim(bytes), |head| Ok(Some(head.begin)))? else {
            return unfinished(ended);
        };
        let (mut space, mut response) = ([const { MaybeUninit::uninit() }; MOST_FIELDS], Response::new(&mut []));
        let Some(length) = parse(&bytes[begin..], &mut response, &mut space)? else { return unfinished(ended) };
        let head = match &mut self.head {
            Some(head) => head,
            none => none.insert(ReplyHead::of(&response, begin, begin + length)?),
        };
        let end = match known.map_or_else(|| head.extent(bytes, ended), Ok)? {
            Extent::More => return Ok(None),
            Extent::Ends(end) => Some(end),
            Extent::TooLong => None,
        };
        let whole = match &head.framing {
            Framing::Chunked(chunks) => &chunks.body[..],
            _ => &bytes[head.end..end.unwrap_or(head.end)],
        };
        let keeps = head.keeps && !ended && end == Some(bytes.len());
        let status = response.code.unwrap_or_default();
        Ok(Some(take(&WireReply { status, fields: response.headers, body: end.map(|_| whole), keeps })))
    }
}

impl ReplyReader {
    /// Whether a head that was begun has no end in what came since, so that it need not be parsed again: one that comes byte by byte would
    /// take the square of its length.
    fn waits_for_head(&mut self, bytes: &[u8]) -> bool {
        let looked = std::mem::replace(&mut self.looked, bytes.len());
        // derived: an end of three octets ("\n\r\n") may begin two before what is new
        let new = &bytes[looked.saturating_sub(2)..];
        let may_end = new.windows(2).any(|two| two == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n");
        looked > 0 && !may_end && bytes.len() < LONGEST_HEAD
    }
}

/// Where a head is missing.
const fn unfinished<T>(ended: bool) -> Result<Option<T>, Flaw> {
    if ended { Err(Flaw::NoHead) } else { Ok(None) }
}

/// Parses a head; its length, or `None` if it is not whole.
fn parse<'b, 'h>(
    bytes: &'b [u8],
    response: &mut Response<'h, 'b>,
    space: &'h mut [MaybeUninit<Header<'b>>],
) -> Result<Option<usize>, Flaw> {
    match ParserConfig::default().parse_response_with_uninit_headers(response, bytes, space) {
        Ok(Status::Complete(length)) if length <= LONGEST_HEAD => Ok(Some(length)),
        Ok(Status::Partial) if bytes.len() < LONGEST_HEAD => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(Flaw::LongHead),
        Err(httparse::Error::Version) => Err(Flaw::Version),
        Err(httparse::Error::Status) => Err(Flaw::Code),
        Err(_) => Err(Flaw::Field),
    }
}

/// Where the answer begins, behind those that only say that it will come; `None` if one of these is not whole.
fn behind_interim(bytes: &[u8]) -> Result<Option<usize>, Flaw> {
    let mut begin = 0;
    // Where a status stands: most answers are looked at no further.
    while bytes.get(begin + "HTTP/1.1 ".len()) == Some(&b'1') {
        let (mut space, mut response) = ([const { MaybeUninit::uninit() }; MOST_FIELDS], Response::new(&mut []));
        let Some(length) = parse(&bytes[begin..], &mut response, &mut space)? else { return Ok(None) };
        if response.code.is_none_or(|code| code == SWITCHING || code >= 200) {
            break;
        }
        begin += length;
    }
    Ok(Some(begin))
}

/// What follows is another protocol.
const SWITCHING: u16 = 101;

impl ReplyHead {
    fn of(response: &Response<'_, '_>, begin: usize, end: usize) -> Result<Self, Flaw> {
        let (fields, is_old) = (&*response.headers, response.version == Some(0));
        let connection = |word: &str| words(fields, "connection").any(|said| said.eq_ignore_ascii_case(word));
        let keeps = if is_old { connection("keep-alive") } else { !connection("close") };
        let framing = match response.code {
            Some(SWITCHING | 204 | 304) => Framing::Length(0),
            _ => framing(fields, is_old)?,
        };
        let keeps = keeps && framing != Framing::UntilEnd && response.code != Some(SWITCHING);
        Ok(Self { begin, end, framing, keeps })
    }

    /// How far the body is, in all bytes of the answer.
    fn extent(&mut self, bytes: &[u8], ended: bool) -> Result<Extent, Flaw> {
        let came = &bytes[self.end..];
        let extent = match &mut self.framing {
            Framing::Length(length) if came.len().min(*length) > LONGEST_BODY => Extent::TooLong,
            Framing::Length(length) if came.len() >= *length => Extent::Ends(self.end + *length),
            Framing::Chunked(chunks) => chunks.next(came)?.behind(self.end),
            Framing::UntilEnd if came.len() > LONGEST_BODY => Extent::TooLong,
            Framing::UntilEnd if ended => Extent::Ends(bytes.len()),
            Framing::Length(_) | Framing::UntilEnd => Extent::More,
        };
        if ended && extent == Extent::More { Err(Flaw::NoEnd) } else { Ok(extent) }
    }
}

/// How far a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    More,
    /// Its end among the bytes.
    Ends(usize),
    TooLong,
}

impl Extent {
    const fn behind(self, begin: usize) -> Self {
        if let Self::Ends(end) = self { Self::Ends(begin + end) } else { self }
    }
}

/// The values of a header's fields, in their order.
fn values<'a>(fields: &'a [Header<'a>], name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// What stands in these between commas; what is no text has nothing.
fn words<'a>(fields: &'a [Header<'a>], name: &str) -> impl Iterator<Item = &'a str> {
    values(fields, name).flat_map(|value| std::str::from_utf8(value).unwrap_or_default().split(',').map(str::trim))
}

/// How a body is framed that a status allows.
fn framing(fields: &[Header<'_>], is_old: bool) -> Result<Framing, Flaw> {
    if let Some(last) = values(fields, "transfer-encoding").next_back() {
        let last = std::str::from_utf8(last).unwrap_or_default().rsplit(',').next().unwrap_or_default();
        return match (is_old, last.trim().eq_ignore_ascii_case("chunked")) {
            (true, _) => Err(Flaw::Encoding),
            (false, true) => Ok(Framing::Chunked(Chunks::default())),
            (false, false) => Ok(Framing::UntilEnd),
        };
    }
    let mut length = None;
    for word in words(fields, "content-length") {
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse::<usize>().ok().filter(|_| digits).ok_or(Flaw::Length)?;
        if *length.get_or_insert(number) != number {
            return Err(Flaw::Length);
        }
    }
    Ok(length.map_or(Framing::UntilEnd, Framing::Length))
}

/// A body in chunks, as far as it came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Chunks {
    /// Bytes that were read.
    at: usize,
    part: ChunkPart,
    body: Vec<u8>,
}

/// What comes next of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ChunkPart {
    #[default]
    Size,
    /// So many bytes.
    Data(usize),
    /// The end of a line.
    LineEnd,
    /// Lines up to an empty one; where they began.
    Trailers(usize),
}

impl Chunks {
    /// Reads on, in all `bytes` of the body so far.
    fn next(&mut self, bytes: &[u8]) -> Result<Extent, Flaw> {
        loop {
            let rest = &bytes[self.at..];
            match self.part {
                ChunkPart::Size => match httparse::parse_chunk_size(rest) {
                    Ok(Status::Complete((line, size))) => {
                        self.at += line;
                        let size = usize::try_from(size).map_err(|_| Flaw::Chunk)?;
                        self.part = if size == 0 { ChunkPart::Trailers(self.at) } else { ChunkPart::Data(size) };
                    }
                    Ok(Status::Partial) if rest.len() <= LONGEST_LINE => return Ok(Extent::More),
                    _ => return Err(Flaw::Chunk),
                },
                ChunkPart::Data(left) => {
                    let came = left.min(rest.len());
                    if self.body.len() + came > LONGEST_BODY {
                        return Ok(Extent::TooLong);
                    }
                    self.body.extend_from_slice(&rest[..came]);
                    self.at += came;
                    self.part = if came == left { ChunkPart::LineEnd } else { ChunkPart::Data(left - came) };
                    if came < left {
                        return Ok(Extent::More);
                    }
                }
                ChunkPart::LineEnd => match rest {
                    [b'\r', b'\n', ..] => (self.at, self.part) = (self.at + 2, ChunkPart::Size),
                    [] | [b'\r'] => return Ok(Extent::More),
                    _ => return Err(Flaw::Chunk),
                },
                ChunkPart::Trailers(begin) => match rest.windows(2).position(|two| two == b"\r\n") {
                    Some(0) => return Ok(Extent::Ends(self.at + 2)),
                    Some(length) if self.at + length - begin <= LONGEST_LINE => self.at += length + 2,
                    None if self.at + rest.len() - begin <= LONGEST_LINE => return Ok(Extent::More),
                    _ => return Err(Flaw::Chunk),
                },
            }
        }
    }
}
