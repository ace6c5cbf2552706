//! Laws of reading, hyper's server as the oracle.

use std::cell::RefCell;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::http1::drawn::chunked;

/// Method, target, header fields and body.
type Asked = (String, String, Vec<(String, Vec<u8>)>, Vec<u8>);

/// The requests that were read, the status of a refusal, and whether the connection was ended.
type HeardRequests = (Vec<Asked>, Option<u16>, bool);

/// Fields by name, in the order in which the names came first. Lengths are left out: hyper drops what contradicts a transfer coding.
fn grouped(fields: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> = fields.filter(|(name, _)| name != "content-length").collect();
    let names: Vec<String> = fields.iter().map(|field| field.0.clone()).collect();
    fields.sort_by_key(|field| names.iter().position(|name| *name == field.0));
    fields
}

/// The bytes between the cuts.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).filter(|piece| !piece.is_empty()).collect()
}

/// What hyper's server makes of pieces behind which the client waits for answers. Every request is answered with 405. In pieces, as a head
/// that is begun is parsed again only when its end may have come: until then nothing is refused, by either side.
fn theirs(bytes: &[u8], cuts: &[usize]) -> HeardRequests {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let heard = RefCell::new(Vec::new());
        let service = service_fn(|request: http::Request<Incoming>| async {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes().to_vec();
            let fields = parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
            heard.borrow_mut().push((parts.method.to_string(), parts.uri.to_string(), grouped(fields), body));
            let mut response = http::Response::new(Empty::<Bytes>::new());
            *response.status_mut() = http::StatusCode::METHOD_NOT_ALLOWED;
            Ok::<_, hyper::Error>(response)
        });
        let mut connection = Box::pin(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(near), service));
        let mut ended = false;
        for piece in pieces(bytes, cuts) {
            // Whoever has ended the connection reads no more.
            let _ = far.write_all(piece).await;
            // All of the piece is there, and nothing is waited for: it reads on whenever it is asked to.
            ended = ended || (0..50).any(|_| (&mut connection).now_or_never().is_some());
            if ended {
                break;
            }
        }
        drop(connection);
        let mut said = Vec::new();
        far.read_to_end(&mut said).await.unwrap();
        let said = String::from_utf8(said).unwrap();
        let statuses = said.split("\r\n\r\n").filter_map(|answer| answer.get(9..12)?.parse::<u16>().ok());
        let refusal = statuses.filter(|status| ![100, 405].contains(status)).last();
        (heard.into_inner(), refusal, ended)
    })
}

/// What ours makes of it, in pieces.
fn ours(bytes: &[u8], cuts: &[usize]) -> HeardRequests {
    let (mut reader, mut came, mut heard) = (RequestReader::default(), Vec::new(), Vec::new());
    for piece in pieces(bytes, cuts) {
        let mut next = piece.to_vec();
        loop {
            let take = |request: &WireRequest<'_>| {
                let WireRequest { head: RequestHead { method, uri, .. }, body, frame } = request;
                (method.to_string(), uri.to_string(), body.as_ref().unwrap().to_vec(), frame.keeps)
            };
            let fields = RefCell::new(Vec::new());
            let taken = reader.next(&mut came, &next, |request| {
                let listed = request.head.fields.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()));
                *fields.borrow_mut() = grouped(listed);
                take(request)
            });
            match taken {
                Ok(RequestProgress::Whole((method, uri, body, keeps))) => {
                    heard.push((method, uri, fields.into_inner(), body));
                    if !keeps {
                        return (heard, None, true);
                    }
                    next = std::mem::take(&mut came);
                    if next.is_empty() {
                        break;
                    }
                }
                Ok(RequestProgress::Expects) => next.clear(),
                Ok(RequestProgress::More) => break,
                Err(flaw) => return (heard, flaw.status(), true),
            }
        }
    }
    (heard, None, false)
}

/// Lines of a head that say how the body is framed, whether the connection is kept, or something else.
fn field() -> impl Strategy<Value = &'static str> {
    select(vec![
        "Content-Length: 5",
        "Content-Length: 5",
        "content-length: 7",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length:",
        "Content-Length: 99999999999999999999999",
        "Content-Length: 18446744073709551615",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, Chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: \u{e9}, chunked",
        "Transfer-Encoding: identity",
        "Connection: close",
        "Connection: Keep-Alive",
        "Connection: te, CLOSE",
        "Expect: 100-Continue",
        "Expect: something",
        "Upgrade: h2c",
        "Host: 127.0.0.1:1",
        "x-amz-Target:\t r-2 \t",
        "no colon",
        "bad name: 1",
        " folded",
        "x: \u{e9}",
    ])
}

fn request() -> impl Strategy<Value = String> {
    let first = select(vec![
        "POST / HTTP/1.1",
        "POST / HTTP/1.1",
        "POST / HTTP/1.1",
        "GET /a?b=c HTTP/1.1",
        "HEAD /_livebench/health HTTP/1.1",
        "POST / HTTP/1.0",
        "OPTIONS * HTTP/1.1",
        "CONNECT h:1 HTTP/1.1",
        "POST http://h/x HTTP/1.1",
        "POST nowhere HTTP/1.1",
        "POST /{} HTTP/1.1",
        "P\u{e9}ST / HTTP/1.1",
        "POST / HTTP/2",
        "\r\nPOST / HTTP/1.1",
        "hello",
    ]);
    let end = select(vec!["\r\n", "\r\n", "\r\n", "\n"]);
    let body = prop_oneof![chunked(), select(vec!["12345", "12345", "1234567", "", "123"]).prop_map(str::to_owned)];
    (first, end, prop::collection::vec(field(), 0..4), body).prop_map(|(first, end, fields, body)| {
        let fields: String = fields.iter().flat_map(|line| [*line, end]).collect();
        format!("{first}{end}{fields}{end}{body}")
    })
}

fn sent() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (prop::collection::vec(request(), 1..4), change).prop_map(|(requests, (at, byte, kind))| {
        let mut bytes = requests.concat().into_bytes();
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            _ => {}
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// What hyper reads, ours reads, to the byte, in whatever pieces it comes, one request behind the other; what hyper refuses, ours refuses
    /// with the same status; where hyper ends the connection, ours does.
    #[test]
    fn reads_what_hyper_reads(bytes in sent(), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        prop_assert_eq!(ours(&bytes, &cuts), theirs(&bytes, &cuts), "{}", String::from_utf8_lossy(&bytes));
    }
}

/// Empty lines before a head are not kept, and the head behind them is read.
#[test]
fn empty_lines_are_dropped() {
    let (mut reader, mut came) = (RequestReader::default(), Vec::new());
    for _ in 0..10_000 {
        assert_eq!(reader.next(&mut came, b"\r\n", |_| ()), Ok(RequestProgress::More));
        assert!(came.len() <= HeadWait::BEFORE + 2, "{came:?}");
    }
    let read = reader.next(&mut came, b"GET /a HTTP/1.1\r\n\r\n", |request| request.head.uri.to_string());
    assert_eq!(read, Ok(RequestProgress::Whole("/a".to_owned())));
}

/// Bounds of heads, told by their statuses; nothing beyond them is waited for.
#[test]
fn bounds() {
    let refused = |text: &str| {
        let (mine, other) = (ours(text.as_bytes(), &[]), theirs(text.as_bytes(), &[]));
        assert_eq!(mine, other, "{text:.40}");
        mine.1
    };
    let long = "a".repeat(LONGEST_HEAD);
    assert_eq!(refused(&format!("POST / HTTP/1.1\r\nx: {long}")), Some(431));
    assert_eq!(refused(&format!("POST / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(MOST_FIELDS + 1))), Some(431));
    assert_eq!(refused(&format!("POST / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(MOST_FIELDS))), None);
    assert_eq!(refused(&format!("POST / HTTP/1.1\r\n{}: 1\r\n\r\n", &long[..=LONGEST_NAME])), Some(431));
    assert_eq!(refused(&format!("POST /{} HTTP/1.1\r\n\r\n", &long[..LONGEST_TARGET])), Some(414));
    assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), None);
}

/// A body beyond its bound is read and dropped, and its request told of; one beyond the greater bound ends the connection. Neither is kept.
#[test]
fn long_bodies() {
    let piece = vec![b'x'; 1 << 16];
    let chunk = [b"10000\r\n", &piece[..], b"\r\n"].concat();
    for (head, piece) in
        [("Transfer-Encoding: chunked", &chunk), ("Content-Length: 2097152", &piece), ("Content-Length: 1000000000", &piece)]
    {
        let (mut reader, mut came) = (RequestReader::default(), Vec::new());
        let begun = format!("POST / HTTP/1.1\r\nExpect: 100-continue\r\n{head}\r\n\r\n");
        let take = |request: &WireRequest<'_>| (request.body.clone().unwrap_err(), request.frame.keeps);
        assert_eq!(reader.next(&mut came, begun.as_bytes(), take), Ok(RequestProgress::Expects));
        let mut pieces = 0;
        let taken = loop {
            // A chunked body of two MiB ends here.
            let next = if pieces == 32 && head.starts_with('T') { b"0\r\n\r\nGET" } else { &piece[..] };
            pieces += 1;
            match reader.next(&mut came, next, take).unwrap() {
                RequestProgress::Whole(taken) => break taken,
                _ => assert!(came.len() < 200 && pieces < 300, "{head}: {}", came.len()),
            }
        };
        let endless = head.ends_with("000000000");
        assert_eq!((taken, pieces > 200), ((Rejection::TooLarge, !endless), endless), "{head}");
        assert_eq!(came, if head.starts_with('T') { b"GET" as &[u8] } else { b"" });
    }
}

/// A head that comes byte by byte is read as one that comes at once, and one whose body does not come can be given up.
#[test]
fn slow_requests() {
    let bytes = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(ours(bytes, &every), ours(bytes, &[]));
    let (mut reader, mut came) = (RequestReader::default(), Vec::new());
    let give_up = |reader: &mut RequestReader, came: &[u8]| {
        reader.give_up(came, |request| (request.body.clone().unwrap_err(), request.frame.keeps))
    };
    assert_eq!(give_up(&mut reader, &came), None);
    assert_eq!(reader.next(&mut came, &bytes[..bytes.len() - 1], |_| ()), Ok(RequestProgress::More));
    assert_eq!(give_up(&mut reader, &came), Some((Rejection::TooSlow, false)));
}
