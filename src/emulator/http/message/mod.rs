//! A request of HTTP/1.1 in the bytes that came: where its head ends, how its body is framed, and whether another may follow.
//!
//! Reads in place: nothing is copied of a request that came in one piece, unless its body is in chunks. Pure, and held against hyper's server in
//! its tests, whose rules these are (RFC 9112, sections 2 to 9). Refuses to know what a request asks for, and to keep bodies beyond
//! [`BODY_LIMIT`].

#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;

use http::{Method, Uri};
use httparse::{Header, ParserConfig, Request, Status};
use thiserror::Error;

use crate::emulator::model::Rejection;
use crate::http1::{ChunkFlaw, Chunks, Fields, HeadWait, MOST_FIELDS, ends_in_chunked, words};

/// The largest body that is read as a request.
pub const BODY_LIMIT: usize = 1 << 20;

/// How much of a larger body is read and dropped, so that its sender gets to read the 413.
pub(super) const DRAIN_LIMIT: usize = 16 << 20;

/// The longest head that is waited for.
const LONGEST_HEAD: usize = 8192 + 4096 * 100; // source: hyper, DEFAULT_MAX_BUFFER_SIZE

/// The longest target of a request.
const LONGEST_TARGET: usize = u16::MAX as usize - 1; // source: hyper, MAX_URI_LEN

/// The longest name of a header.
const LONGEST_NAME: usize = u16::MAX as usize; // source: hyper, record_header_indices

/// What a client of HTTP/2 says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; // source: RFC 9113, section 3.4

/// Why what came is no request. Each ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum RequestFlaw {
    /// The first line, or a header, is none; lengths contradict each other, or the form of transfer is unknown.
    #[error("no request of HTTP/1.1")]
    Malformed,
    /// The target is too long.
    #[error("its target is too long")]
    LongTarget,
    /// The head is too long, or has too many fields.
    #[error("its head is too long")]
    LongHead,
    /// It is of HTTP/2.
    #[error("HTTP/2 is not spoken")]
    Http2,
    /// Its body has a chunk that is none.
    #[error(transparent)]
    Chunk(#[from] ChunkFlaw),
}

impl RequestFlaw {
    /// The status that tells the client; `None` where nothing can be told.
    pub(super) const fn status(self) -> Option<u16> {
        match self {
            Self::Malformed => Some(400),
            Self::LongTarget => Some(414),
            Self::LongHead => Some(431),
            Self::Http2 | Self::Chunk(_) => None,
        }
    }
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestHead<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) fields: Fields<'a>,
}

/// How an answer has to be framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnswerFrame {
    /// The client speaks HTTP/1.0.
    pub(super) is_old: bool,
    /// Another request may follow on the connection.
    pub(super) keeps: bool,
    /// The answer has a head alone.
    pub(super) is_bare: bool,
}

/// One request.
#[derive(Debug)]
pub(super) struct WireRequest<'a> {
    pub(super) head: RequestHead<'a>,
    /// The body, or why there is none.
    pub(super) body: Result<&'a [u8], Rejection>,
    pub(super) frame: AnswerFrame,
}

/// How far a request is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequestProgress<T> {
    More,
    /// Its client waits for a word before it sends the body. Said once.
    Expects,
    Whole(T),
}

/// How the end of a body is known.
#[derive(Debug)]
enum BodyFraming {
    /// So many bytes.
    Length(u64),
    /// So many bytes, more than are kept, of which so many came.
    Dropped(u64, u64),
    Chunked(Chunks),
}

/// A head that was read.
#[derive(Debug)]
struct KnownHead {
    method: Method,
    uri: Uri,
    end: usize,
    framing: BodyFraming,
    frame: AnswerFrame,
    expects: bool,
}

/// One request after the other as they come.
#[derive(Debug, Default)]
pub(super) struct RequestReader {
    head: Option<KnownHead>,
    wait: HeadWait,
}

impl RequestReader {
    /// Whether a head is whole and its body is not.
    pub(super) const fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// Reads on in the next `piece`, behind what `came` and was not used up. When the request is whole, `take` has it, and what is behind it
    /// is left in `came`.
    pub(super) fn next<T>(
        &mut self,
        came: &mut Vec<u8>,
        piece: &[u8],
        take: impl FnOnce(&WireRequest<'_>) -> T,
    ) -> Result<RequestProgress<T>, RequestFlaw> {
        if came.is_empty() {
            // The usual request comes in one piece, which is not copied.
            return match self.read(piece, take)? {
                RequestReading::Whole(taken, used) => {
                    came.extend_from_slice(&piece[used..]);
                    Ok(RequestProgress::Whole(taken))
                }
                RequestReading::Unfinished(drop) => Ok(self.unfinished(came, piece, drop)),
            };
        }
        came.extend_from_slice(piece);
        match self.read(came, take)? {
            RequestReading::Whole(taken, used) => {
                came.drain(..used);
                Ok(RequestProgress::Whole(taken))
            }
            RequestReading::Unfinished(drop) => {
                match &self.head {
                    Some(head) => std::mem::drop(came.drain(head.end..head.end + drop)),
                    None => self.skip_empty_lines(came),
                }
                Ok(self.more())
            }
        }
    }

    /// Has `take` a request whose body does not come, if its head did.
    pub(super) fn give_up<T>(&mut self, came: &[u8], take: impl FnOnce(&WireRequest<'_>) -> T) -> Option<T> {
        let head = self.head.take()?;
        let frame = AnswerFrame { keeps: false, ..head.frame };
        parsed(&came[..head.end], |request, _| take(&head.request(request, Err(Rejection::TooSlow), frame))).ok().flatten()
    }

    /// Drops the empty lines that may stand before a head: each could be the end of one, and all of them would be parsed again with each.
    fn skip_empty_lines(&mut self, came: &mut Vec<u8>) {
        let empty = came.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let whole = came[..empty].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let dropped = whole.saturating_sub(HeadWait::BEFORE);
        came.drain(..dropped);
        self.wait.forget(dropped);
    }

    fn unfinished<T>(&mut self, came: &mut Vec<u8>, piece: &[u8], drop: usize) -> RequestProgress<T> {
        let end = self.head.as_ref().map_or(0, |head| head.end);
        came.extend_from_slice(&piece[..end]);
        came.extend_from_slice(&piece[end + drop..]);
        self.more()
    }

    fn more<T>(&mut self) -> RequestProgress<T> {
        let expects = self.head.as_mut().is_some_and(|head| std::mem::take(&mut head.expects));
        if expects { RequestProgress::Expects } else { RequestProgress::More }
    }

    fn read<T>(&mut self, bytes: &[u8], take: impl FnOnce(&WireRequest<'_>) -> T) -> Result<RequestReading<T>, RequestFlaw> {
        if let Some(head) = &mut self.head {
            return match head.extent(bytes)? {
                BodyExtent::More(drop) => Ok(RequestReading::Unfinished(drop)),
                BodyExtent::Ends(end) => {
                    let head = self.head.take();
                    self.wait = HeadWait::default();
                    let taken = head.map(|head| parsed(&bytes[..head.end], |request, _| head.taken(request, bytes, end, take)));
                    // It was parsed before.
                    taken.transpose()?.flatten().map(|taken| RequestReading::Whole(taken, end)).ok_or(RequestFlaw::Malformed)
                }
            };
        }
        if self.wait.goes_on(bytes) && bytes.len() < LONGEST_HEAD {
            return Ok(RequestReading::Unfinished(0));
        }
        let read: Option<Result<RequestReading<T>, RequestFlaw>> = parsed(bytes, |request, end| {
            let mut head = KnownHead::of(request, end)?;
            match head.extent(bytes)? {
                BodyExtent::Ends(end) => Ok(RequestReading::Whole(head.taken(request, bytes, end, take), end)),
                BodyExtent::More(drop) => {
                    self.head = Some(head);
                    Ok(RequestReading::Unfinished(drop))
                }
            }
        })?;
        let read = read.transpose()?.unwrap_or(RequestReading::Unfinished(0));
        if matches!(read, RequestReading::Whole(..)) {
            self.wait = HeadWait::default();
        }
        Ok(read)
    }
}

/// What came of reading.
enum RequestReading<T> {
    /// A request, which used up so many bytes.
    Whole(T, usize),
    /// Not yet; so many bytes behind the head are not needed any more.
    Unfinished(usize),
}

/// How far a body is.
enum BodyExtent {
    /// Not to its end; so many bytes are not needed any more.
    More(usize),
    /// Its end among all bytes of the request.
    Ends(usize),
}

/// Parses a head; `None` if it is not whole.
fn parsed<T>(bytes: &[u8], read: impl FnOnce(&Request<'_, '_>, usize) -> T) -> Result<Option<T>, RequestFlaw> {
    let (mut space, mut request) = ([const { MaybeUninit::<Header<'_>>::uninit() }; MOST_FIELDS], Request::new(&mut []));
    match ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, &mut space) {
        Ok(Status::Complete(length)) => Ok(Some(read(&request, length))),
        Ok(Status::Partial) if bytes.len() < LONGEST_HEAD => Ok(None),
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => Err(RequestFlaw::LongHead),
        Err(_) if bytes.starts_with(PREFACE) => Err(RequestFlaw::Http2),
        Err(_) => Err(RequestFlaw::Malformed),
    }
}

impl KnownHead {
    fn of(request: &Request<'_, '_>, end: usize) -> Result<Self, RequestFlaw> {
        let target = request.path.unwrap_or_default();
        if target.len() > LONGEST_TARGET {
            return Err(RequestFlaw::LongTarget);
        }
        let method = Method::from_bytes(request.method.unwrap_or_default().as_bytes()).map_err(|_| RequestFlaw::Malformed)?;
        if request.headers.iter().any(|field| field.name.len() > LONGEST_NAME) {
            return Err(RequestFlaw::LongHead);
        }
        // Nearly every request is for this, which needs no parser.
        let uri = if target == "/" { Uri::default() } else { target.parse().map_err(|_| RequestFlaw::Malformed)? };
        let said = HeadFields::of(request.headers, request.version == Some(0))?;
        let framing = match said.length {
            _ if said.is_chunked => BodyFraming::Chunked(Chunks::new(BODY_LIMIT)),
            Some(length) if length > BODY_LIMIT as u64 => BodyFraming::Dropped(length, 0),
            length => BodyFraming::Length(length.unwrap_or(0)),
        };
        let frame = AnswerFrame { is_bare: method == Method::HEAD, ..said.frame };
        Ok(Self { method, uri, end, framing, frame, expects: said.expects && !frame.is_old })
    }

    /// How far the body is, in all bytes of the request that are left.
    fn extent(&mut self, bytes: &[u8]) -> Result<BodyExtent, RequestFlaw> {
        let came = &bytes[self.end..];
        Ok(match &mut self.framing {
            BodyFraming::Length(length) => match usize::try_from(*length) {
                Ok(length) if length <= came.len() => BodyExtent::Ends(self.end + length),
                _ => BodyExtent::More(0),
            },
            BodyFraming::Dropped(length, dropped) => {
                let left = usize::try_from(*length - *dropped).unwrap_or(usize::MAX).min(came.len());
                *dropped += left as u64;
                if dropped == length {
                    BodyExtent::Ends(self.end + left)
                } else if *dropped > DRAIN_LIMIT as u64 {
                    self.frame.keeps = false;
                    BodyExtent::Ends(bytes.len())
                } else {
                    BodyExtent::More(left)
                }
            }
            BodyFraming::Chunked(chunks) => {
                let used = chunks.read(came)?;
                if chunks.is_whole() {
                    BodyExtent::Ends(self.end + used)
                } else if chunks.seen() > DRAIN_LIMIT {
                    self.frame.keeps = false;
                    BodyExtent::Ends(bytes.len())
                } else {
                    BodyExtent::More(used)
                }
            }
        })
    }

    /// Has `take` the request, whose bytes end at `end`.
    fn taken<T>(&self, request: &Request<'_, '_>, bytes: &[u8], end: usize, take: impl FnOnce(&WireRequest<'_>) -> T) -> T {
        let body = match &self.framing {
            BodyFraming::Length(_) => Ok(&bytes[self.end..end]),
            BodyFraming::Dropped(..) => Err(Rejection::TooLarge),
            BodyFraming::Chunked(chunks) => chunks.body().ok_or(Rejection::TooLarge),
        };
        take(&self.request(request, body, self.frame))
    }

    fn request<'a>(
        &'a self,
        request: &'a Request<'_, '_>,
        body: Result<&'a [u8], Rejection>,
        frame: AnswerFrame,
    ) -> WireRequest<'a> {
        let head = RequestHead { method: &self.method, uri: &self.uri, fields: Fields::of(request.headers) };
        WireRequest { head, body, frame }
    }
}

/// What the header fields say of body and connection.
struct HeadFields {
    frame: AnswerFrame,
    expects: bool,
    length: Option<u64>,
    is_chunked: bool,
}

impl HeadFields {
    fn of(fields: &[Header<'_>], is_old: bool) -> Result<Self, RequestFlaw> {
        let frame = AnswerFrame { is_old, keeps: !is_old, is_bare: false };
        let mut said = Self { frame, expects: false, length: None, is_chunked: false };
        let (mut closes, mut has_length, mut has_coding) = (false, false, false);
        for Header { name, value } in fields {
            // Names of other lengths are none of these.
            match name.len() {
                6 if name.eq_ignore_ascii_case("expect") => said.expects = value.eq_ignore_ascii_case(b"100-continue"),
                10 if name.eq_ignore_ascii_case("connection") => {
                    let says = |word: &str| words(value).any(|said| said.eq_ignore_ascii_case(word));
                    closes |= says("close");
                    said.frame.keeps = !closes && (said.frame.keeps || says("keep-alive"));
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    has_length = true;
                    if !has_coding {
                        said.length(value)?;
                    }
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    if is_old {
                        return Err(RequestFlaw::Malformed);
                    }
                    has_coding = true;
                    said.is_chunked = ends_in_chunked(value);
                }
                _ => {}
            }
        }
        if has_coding && !said.is_chunked {
            return Err(RequestFlaw::Malformed);
        }
        // Whoever says both may be about to smuggle a request in.
        said.frame.keeps &= !(has_coding && has_length);
        Ok(said)
    }

    fn length(&mut self, value: &[u8]) -> Result<(), RequestFlaw> {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        let number = |sum: u64, byte| sum.checked_mul(10)?.checked_add(digit(byte)?);
        let length = value.iter().try_fold(0, number).filter(|_| !value.is_empty()).ok_or(RequestFlaw::Malformed)?;
        if *self.length.get_or_insert(length) != length {
            return Err(RequestFlaw::Malformed);
        }
        if length > u64::MAX - 2 {
            return Err(RequestFlaw::LongHead); // source: hyper, DecodedLength::checked_new
        }
        Ok(())
    }
}
