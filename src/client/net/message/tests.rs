//! Laws of reading, hyper's client as the oracle.

use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::http1::drawn::chunked;

/// Status, header fields and body.
type Said = (u16, Vec<(String, Vec<u8>)>, Vec<u8>);

/// What hyper's client makes of an answer after which the server closes; `None`: an error.
fn theirs(bytes: &[u8]) -> Option<Said> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut builder = hyper::client::conn::http1::Builder::new();
        let (mut sender, connection) =
            builder.max_buf_size(LONGEST_HEAD).handshake::<_, Empty<bytes::Bytes>>(TokioIo::new(near)).await.unwrap();
        let bytes = bytes.to_vec();
        tokio::spawn(connection);
        tokio::spawn(async move {
            let mut request = [0; 1024];
            let _ = far.read(&mut request).await;
            let _ = far.write_all(&bytes).await;
        });
        let request = http::Request::post("/").header("host", "h").body(Empty::new()).unwrap();
        let response = sender.send_request(request).await.ok()?;
        let (head, body) = response.into_parts();
        let fields = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        Some((head.status.as_u16(), fields, body.collect().await.ok()?.to_bytes().to_vec()))
    })
}

/// What ours makes of it, in pieces.
fn ours(bytes: &[u8], cuts: &[usize]) -> Result<Said, Flaw> {
    let take = |reply: &WireReply<'_>| {
        let mut fields: Vec<_> = reply.fields.iter().map(|f| (f.name.to_ascii_lowercase(), f.value.to_vec())).collect();
        // hyper groups what has one name, in the order of the first of each.
        let names: Vec<String> = fields.iter().map(|field| field.0.clone()).collect();
        fields.sort_by_key(|field| names.iter().position(|name| *name == field.0));
        (reply.status, fields, reply.body.unwrap().to_vec())
    };
    let mut reading = ReplyReader::default();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    for cut in cuts {
        if let Some(said) = reading.next(&bytes[..cut], false, take)? {
            return Ok(said);
        }
    }
    match reading.next(bytes, false, take)? {
        Some(said) => Ok(said),
        None => Ok(reading.next(bytes, true, take)?.unwrap()),
    }
}

/// Lines of a head that say how the body is framed, or something else.
fn field() -> impl Strategy<Value = &'static str> {
    select(vec![
        "Content-Length: 5",
        "content-length: 7",
        "Content-Length: 5, 5",
        "Content-Length: 5,6",
        "Content-Length: +5",
        "Content-Length:",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, Chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: identity",
        "Connection: close",
        "Connection: Keep-Alive",
        "x-amzn-RequestId: r-1",
        "x-amzn-RequestId:\t r-2 \t",
        "Date: Sat, 28 Nov 2026 00:00:00 GMT",
        "no colon",
        "bad name: 1",
        " folded",
        "x: \u{e9}",
    ])
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let first = select(vec![
        "HTTP/1.1 200 OK",
        "HTTP/1.1 400 ",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 204 No",
        "HTTP/1.1 503",
        "HTTP/2 200",
        "hello",
    ]);
    let interim = select(vec![
        "",
        "",
        "",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n",
        "HTTP/1.1 103 Early\r\nLink: a\r\n\r\n",
    ]);
    let body = prop_oneof![chunked(), "[ -~]{0,12}".prop_map(|text| text)];
    let fields = prop::collection::vec(field(), 0..4);
    (interim, first, fields, body, any::<Option<(prop::sample::Index, u8)>>(), 0..4_u8).prop_map(
        |(interim, first, fields, body, change, cut)| {
            let fields: String = fields.iter().flat_map(|line| [*line, "\r\n"]).collect();
            let mut bytes = format!("{interim}{first}\r\n{fields}\r\n{body}").into_bytes();
            if let Some((at, byte)) = change.filter(|_| cut == 1) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some((at, _)) = change.filter(|_| cut == 2) {
                bytes.truncate(at.index(bytes.len()));
            }
            bytes
        },
    )
}

/// Heads that say that an answer will come are skipped, up to the length of one head; no status below 100 is one.
#[test]
fn interim_answers_are_bounded() {
    let text = |interims: usize| {
        format!("{}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(interims))
    };
    let read = |text: &str| ReplyReader::default().next(text.as_bytes(), false, |reply| reply.status);
    assert_eq!(read(&text(1000)), Ok(Some(200)));
    assert_eq!(read(&text(3000)), Err(Flaw::LongHead));
    assert_eq!(read("HTTP/1.1 099 x\r\n\r\n"), Err(Flaw::Code));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What hyper reads, ours reads, to the byte, in whatever pieces it comes; what hyper refuses, ours does.
    #[test]
    fn reads_what_hyper_reads(bytes in answer(), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        let (mine, other) = (ours(&bytes, &cuts), theirs(&bytes));
        prop_assert_eq!(mine.as_ref().ok(), other.as_ref(), "{:?} {}", mine, String::from_utf8_lossy(&bytes));
    }
}

fn kept(bytes: &str) -> bool {
    ReplyReader::default().next(bytes.as_bytes(), false, |reply| reply.keeps).unwrap().unwrap()
}

/// A connection is kept where both sides know where the next answer begins, and nothing came too early.
#[test]
fn connections_are_kept() {
    assert!(kept("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
    assert!(kept("HTTP/1.1 204 No Content\r\n\r\n"));
    assert!(kept("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"));
    assert!(kept("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"));
    assert!(!kept("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"));
    assert!(!kept("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
    assert!(!kept("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK"));
    assert!(!kept("HTTP/1.1 101 Switching\r\n\r\n"));
}

/// A head that comes byte by byte is parsed when it begins and when it is whole, and not with each byte.
#[test]
fn slow_heads_are_not_parsed_again() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let mut reader = ReplyReader::default();
    let head = bytes.len() - b"{}".len();
    let parsed = (1..=head).filter(|end| !reader.wait.goes_on(&bytes[..*end])).count();
    // Its first byte, and its last.
    assert_eq!(parsed, 2);
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(ours(bytes, &every).unwrap().2, b"{}");
}

/// Heads and bodies beyond their bounds are told as such, and no more of them is waited for.
#[test]
fn bounds() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(LONGEST_HEAD));
    assert_eq!(ours(long.as_bytes(), &[]), Err(Flaw::LongHead));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(MOST_FIELDS + 1));
    assert_eq!(ours(many.as_bytes(), &[]), Err(Flaw::LongHead));
    let over = "a".repeat(LONGEST_BODY + 1);
    for head in ["Content-Length: 2000000", "Transfer-Encoding: chunked", "x: 1"] {
        let size = if head.starts_with('T') { "1e8480\r\n" } else { "" };
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{size}{over}");
        let (body, keeps) =
            ReplyReader::default().next(bytes.as_bytes(), false, |reply| (reply.body.is_some(), reply.keeps)).unwrap().unwrap();
        assert_eq!((body, keeps), (false, false), "{head}");
    }
}
