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
use crate::http1::{ChunkFlaw, Chunks, Fields, HeadWait, MOST_FIELDS, ends_in_chunked};

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
    #[error(transparent)]
    Chunk(#[from] ChunkFlaw),
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
    /// In chunks, of which so many bytes were read.
    Chunked(usize, Chunks),
    /// By the end of the connection.
    UntilEnd,
}

/// A head that was read.
#[derive(Debug, PartialEq, Eq)]
struct ReplyHead {
    end: usize,
    framing: Framing,
    keeps: bool,
}

/// One answer as it comes.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    head: Option<ReplyHead>,
    wait: HeadWait,
    /// Bytes of heads that only said that an answer will come.
    interim: usize,
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
        if self.head.is_none() && !ended && self.wait.goes_on(bytes) && bytes.len() < LONGEST_HEAD {
            return Ok(None);
        }
        if self.head.is_none() && !self.skips_interim(bytes)? {
            return unfinished(ended);
        }
        let begin = self.interim;
        let (mut space, mut response) = ([const { MaybeUninit::uninit() }; MOST_FIELDS], Response::new(&mut []));
        let Some(length) = parse(&bytes[begin..], &mut response, &mut space)? else { return unfinished(ended) };
        let head = match &mut self.head {
            Some(head) => head,
            none => none.insert(ReplyHead::of(&response, begin + length)?),
        };
        let end = match known.map_or_else(|| head.extent(bytes, ended), Ok)? {
            Extent::More => return Ok(None),
            Extent::Ends(end) => Some(end),
            Extent::TooLong => None,
        };
        let whole = match &head.framing {
            Framing::Chunked(_, chunks) => chunks.body().unwrap_or_default(),
            _ => &bytes[head.end..end.unwrap_or(head.end)],
        };
        let keeps = head.keeps && !ended && end == Some(bytes.len());
        let status = response.code.unwrap_or_default();
        Ok(Some(take(&WireReply { status, fields: response.headers, body: end.map(|_| whole), keeps })))
    }

    /// Skips the heads that only say that an answer will come; `false` if one of them is not whole. All of them together are as long as a head
    /// may be: who sends them for ever is not listened to.
    fn skips_interim(&mut self, bytes: &[u8]) -> Result<bool, Flaw> {
        // Where a status stands: most answers are looked at no further.
        while bytes.get(self.interim + "HTTP/1.1 ".len()) == Some(&b'1') {
            let (mut space, mut response) = ([const { MaybeUninit::uninit() }; MOST_FIELDS], Response::new(&mut []));
            let Some(length) = parse(&bytes[self.interim..], &mut response, &mut space)? else { return Ok(false) };
            if response.code.is_none_or(|code| code == SWITCHING || code >= 200) {
                break;
            }
            self.interim += length;
            if self.interim > LONGEST_HEAD {
                return Err(Flaw::LongHead);
            }
        }
        Ok(true)
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

/// What follows is another protocol.
const SWITCHING: u16 = 101;

impl ReplyHead {
    fn of(response: &Response<'_, '_>, end: usize) -> Result<Self, Flaw> {
        let (fields, is_old) = (Fields::of(response.headers), response.version == Some(0));
        let connection = |word: &str| fields.words("connection").any(|said| said.eq_ignore_ascii_case(word));
        let keeps = if is_old { connection("keep-alive") } else { !connection("close") };
        let framing = match response.code {
            None | Some(..=99) => return Err(Flaw::Code),
            Some(SWITCHING | 204 | 304) => Framing::Length(0),
            _ => framing(fields, is_old)?,
        };
        let keeps = keeps && framing != Framing::UntilEnd && response.code != Some(SWITCHING);
        Ok(Self { end, framing, keeps })
    }

    /// How far the body is, in all bytes of the answer.
    fn extent(&mut self, bytes: &[u8], ended: bool) -> Result<Extent, Flaw> {
        let came = &bytes[self.end..];
        let extent = match &mut self.framing {
            Framing::Length(length) if came.len().min(*length) > LONGEST_BODY => Extent::TooLong,
            Framing::Length(length) if came.len() >= *length => Extent::Ends(self.end + *length),
            Framing::Chunked(at, chunks) => {
                *at += chunks.read(&came[*at..])?;
                match chunks.body() {
                    None => Extent::TooLong,
                    Some(_) if chunks.is_whole() => Extent::Ends(self.end + *at),
                    Some(_) => Extent::More,
                }
            }
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

/// How a body is framed that a status allows.
fn framing(fields: Fields<'_>, is_old: bool) -> Result<Framing, Flaw> {
    if let Some(last) = fields.all("transfer-encoding").next_back() {
        return match (is_old, ends_in_chunked(last)) {
            (true, _) => Err(Flaw::Encoding),
            (false, true) => Ok(Framing::Chunked(0, Chunks::new(LONGEST_BODY))),
            (false, false) => Ok(Framing::UntilEnd),
        };
    }
    let mut length = None;
    for word in fields.words("content-length") {
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse::<usize>().ok().filter(|_| digits).ok_or(Flaw::Length)?;
        if *length.get_or_insert(number) != number {
            return Err(Flaw::Length);
        }
    }
    Ok(length.map_or(Framing::UntilEnd, Framing::Length))
}
