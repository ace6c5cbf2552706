//! An answer as bytes: head and body in one run, but for a body that comes bit by bit.
//!
//! Framed as hyper frames answers (RFC 9112, sections 6 and 9): no body behind a head to `HEAD` or a status that has none, HTTP/1.0 in HTTP/1.0.

use std::cell::RefCell;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response, StatusCode};

use super::message::AnswerFrame;
use super::web;
use crate::emulator::reply::Reply;
use crate::emulator::ruling::Ruling;

/// The pieces of a trickle at most.
const PIECES: u32 = 20;

thread_local! {
    /// The second of the last answer, and its line.
    static DATED: RefCell<(u64, Vec<u8>)> = const { RefCell::new((u64::MAX, Vec::new())) };
}

/// Writes the answer of the model, and gives the length of its body.
pub(super) fn call(out: &mut Vec<u8>, frame: AnswerFrame, ruling: &Ruling, page: Option<(&str, bool)>) -> usize {
    let reply = &ruling.reply;
    let status = reply.status().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    begin(out, frame, status);
    // A content type of the scenario's that is no header value is left out.
    let kind = reply.content_type().as_bytes();
    if HeaderValue::from_bytes(kind).is_ok() {
        field(out, "content-type", kind);
    }
    let body = reply.body();
    if has_body(status) {
        number(out, "content-length", body.len() as u64);
    }
    if reply.has_request_id() {
        field(out, "x-amzn-requestid", ruling.request_id.as_str().as_bytes());
    }
    if let Some(after) = reply.retry_after_ms() {
        number(out, "x-amz-retry-after", after);
    }
    if let Some((origin, is_page)) = page {
        for (name, value) in web::fields(origin, is_page) {
            field(out, name, value.as_bytes());
        }
    }
    end(out, frame);
    if frame.is_bare || !has_body(status) {
        return 0;
    }
    out.extend_from_slice(body.as_bytes());
    body.len()
}

/// Writes an answer of the server's own.
pub(super) fn own(out: &mut Vec<u8>, frame: AnswerFrame, response: &Response<Bytes>) {
    let (status, body) = (response.status(), response.body());
    begin(out, frame, status);
    for (name, value) in response.headers().iter().filter(|(name, _)| *name != CONTENT_LENGTH) {
        field(out, name.as_str(), value.as_bytes());
    }
    if has_body(status) {
        number(out, "content-length", body.len() as u64);
    }
    end(out, frame);
    if has_body(status) && !frame.is_bare {
        out.extend_from_slice(body);
    }
}

/// Writes the answer to what is no request, after which the connection ends.
pub(super) fn refusal(out: &mut Vec<u8>, status: u16) {
    let frame = AnswerFrame { is_old: false, keeps: false, is_bare: false };
    begin(out, frame, StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST));
    number(out, "content-length", 0);
    end(out, frame);
}

/// Whether an answer of this status has a body, be it an empty one.
fn has_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn begin(out: &mut Vec<u8>, frame: AnswerFrame, status: StatusCode) {
    out.extend_from_slice(if frame.is_old { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or("<none>").as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    // A vector takes whatever is written.
    let _ = write!(out, "{name}: {value}\r\n");
}

fn end(out: &mut Vec<u8>, frame: AnswerFrame) {
    date(out);
    match frame {
        AnswerFrame { is_old: true, keeps: true, .. } => out.extend_from_slice(b"connection: keep-alive\r\n"),
        AnswerFrame { is_old: false, keeps: false, .. } => out.extend_from_slice(b"connection: close\r\n"),
        _ => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// The time of this machine, made anew when its second is another one: also after a step of the clock, as the AWS SDKs correct their
/// signatures by it.
fn date(out: &mut Vec<u8>) {
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    DATED.with_borrow_mut(|(dated, line)| {
        if *dated != second {
            *dated = second;
            line.clear();
            field(line, "date", httpdate::fmt_http_date(now).as_bytes());
        }
        out.extend_from_slice(line);
    });
}

/// The way of a body that does not come at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trickle {
    start: Instant,
    over: Duration,
    /// Bytes of a piece.
    pub(super) piece: usize,
    pieces: u32,
}

impl Trickle {
    /// That of a body of `length` bytes which a fault delays; `None` of any other answer.
    pub(super) fn of(reply: &Reply, length: usize, start: Instant) -> Option<Self> {
        let over = reply.slow_for()?;
        let piece = length.div_ceil(PIECES as usize).max(1);
        let pieces = u32::try_from(length.div_ceil(piece)).unwrap_or(PIECES).max(1);
        Some(Self { start, over, piece, pieces })
    }

    /// When the n-th piece is due, from 0. The last one is `over` after the start.
    pub(super) fn due(&self, n: u32) -> Instant {
        self.start + self.over.mul_f64(f64::from(n + 1) / f64::from(self.pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: AnswerFrame = AnswerFrame { is_old: false, keeps: true, is_bare: false };

    fn written(frame: AnswerFrame, status: u16) -> String {
        let mut out = Vec::new();
        let response = Response::builder().status(status).header("x-a", "b").body(Bytes::from_static(b"{}")).unwrap();
        own(&mut out, frame, &response);
        let text = String::from_utf8(out).unwrap();
        let (head, rest) = text.split_once("date: ").unwrap();
        let date = &rest[..rest.find("\r\n").unwrap()];
        assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
        format!("{head}date\r\n{}", &rest[date.len() + 2..])
    }

    /// Version, length, body and connection, as client and status have it.
    #[test]
    fn framing() {
        assert_eq!(written(FRAME, 200), "HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 2\r\ndate\r\n\r\n{}");
        let closing = written(AnswerFrame { keeps: false, ..FRAME }, 404);
        assert_eq!(closing, "HTTP/1.1 404 Not Found\r\nx-a: b\r\ncontent-length: 2\r\ndate\r\nconnection: close\r\n\r\n{}");
        let old = written(AnswerFrame { is_old: true, ..FRAME }, 599);
        assert_eq!(old, "HTTP/1.0 599 <none>\r\nx-a: b\r\ncontent-length: 2\r\ndate\r\nconnection: keep-alive\r\n\r\n{}");
        assert_eq!(
            written(AnswerFrame { is_bare: true, ..FRAME }, 200),
            "HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 2\r\ndate\r\n\r\n"
        );
        assert_eq!(written(FRAME, 204), "HTTP/1.1 204 No Content\r\nx-a: b\r\ndate\r\n\r\n");
    }

    /// The pieces of a trickle cover the body, the last of them when all of its time is over.
    #[test]
    fn trickles() {
        let over = Duration::from_millis(30);
        let (slow, start) = (Reply::Slow { over, whole: Box::new(Reply::Reset) }, Instant::now());
        for (length, pieces) in [(0, 1), (1, 1), (20, 20), (43, 15), (1000, 20)] {
            let trickle = Trickle::of(&slow, length, start).unwrap();
            assert!(trickle.pieces == pieces && trickle.piece * pieces as usize >= length, "{length}");
            assert_eq!(trickle.due(pieces - 1), start + over);
            assert!(trickle.due(0) > start);
        }
        assert!(Trickle::of(&Reply::Reset, 10, start).is_none());
    }
}
