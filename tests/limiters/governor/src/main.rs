//! `CreateFaceLivenessSession` behind governor: `livebench-governor PORT PER_SECOND BURST`. Answers as the service does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

const REFUSED: &str = r#"{"__type":"ProvisionedThroughputExceededException","Message":"Provisioned throughput exceeded"}"#;

static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// Answers the calls of one connection, until it ends.
fn serve(stream: &TcpStream, limiter: &DefaultDirectRateLimiter) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let (status, body) = if limiter.check().is_ok() {
            let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
            ("200 OK", format!(r#"{{"SessionId":"00000000-0000-4000-8000-{number:012x}"}}"#))
        } else {
            ("400 Bad Request", REFUSED.to_owned())
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        (&mut &*stream).write_all((head + &body).as_bytes())?;
    }
}

fn main() {
    let number = |n: usize| std::env::args().nth(n).and_then(|given| given.parse::<u32>().ok()).expect("PORT PER_SECOND BURST");
    let some = |n: usize| NonZeroU32::new(number(n)).expect("above 0");
    let limiter = Arc::new(RateLimiter::direct(Quota::per_second(some(2)).allow_burst(some(3))));
    let port = u16::try_from(number(1)).expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    for stream in listener.incoming().flatten() {
        let limiter = Arc::clone(&limiter);
        std::thread::spawn(move || serve(&stream, &limiter));
    }
}
