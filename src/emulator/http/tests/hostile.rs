//! Clients that are slow, broken or ill-meaning never keep others waiting.

use super::*;

/// Somebody else is served.
fn others_are_served(emulator: &Embedded) {
    assert_eq!(create(&mut connect(emulator), "{}").status, 200);
}

/// Reads until the server ends the connection, and gives what it said.
fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

/// Heads and bodies that never end keep nobody waiting, and neither do those who say nothing or only begin.
#[test]
fn slow_and_silent() {
    let emulator = started(|_| ());
    let beginnings: [&[u8]; 4] =
        [b"", b"P", b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"];
    let held: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut stream = connect(&emulator);
            stream.write_all(beginnings[n % beginnings.len()]).unwrap();
            stream
        })
        .collect();
    others_are_served(&emulator);
    assert_eq!(emulator.arrivals(), 1);
    drop(held);
    others_are_served(&emulator);
}

/// Who leaves while it waits for an answer that never comes is let go of, whatever it had sent behind its request.
#[test]
fn leaving_with_a_word() {
    let emulator = started(|c| c.faults.half_open = Share::new(1.0).unwrap());
    let mut stream = connect(&emulator);
    stream.write_all(&[&post(&[TARGET], "{}")[..], b"\r\n", &vec![b'x'; 1 << 20]].concat()).unwrap();
    drop(stream);
    let alone = || {
        let ask = b"GET /_livebench/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        exchange_bytes(&mut connect(&emulator), ask).unwrap().body.lines().any(|line| line == "livebench_connections 1")
    };
    let patience = Instant::now() + TEST_PATIENCE;
    while !alone() {
        assert!(Instant::now() < patience, "its connection is still open");
        std::thread::yield_now();
    }
}

/// A body without end is cut off after a bounded part of it; others are served meanwhile.
#[test]
fn endless_bodies() {
    let emulator = started(|_| ());
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    for head in ["Transfer-Encoding: chunked", "Content-Length: 1000000000000"] {
        let mut stream = connect(&emulator);
        write!(stream, "POST / HTTP/1.1\r\nHost: x\r\n{TARGET}\r\n{head}\r\n\r\n").unwrap();
        let mut sent = 0;
        while stream.write_all(&chunk).is_ok() {
            sent += chunk.len();
            assert!(sent < 8 * DRAIN_LIMIT, "nobody stops the body");
            if sent == 16 * chunk.len() {
                others_are_served(&emulator);
            }
        }
    }
    others_are_served(&emulator);
}

/// Garbage is refused and its connection ended; so is a head beyond all measure.
#[test]
fn garbage() {
    let emulator = started(|_| ());
    let many = "X-Many: y\r\n".repeat(2000);
    let rows = [
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("HELLO\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}".to_owned(), "HTTP/1.1 400 "),
        (format!("POST / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "HTTP/1.1 431 "),
    ];
    for (request, expected) in rows {
        let mut stream = connect(&emulator);
        stream.write_all(request.as_bytes()).unwrap();
        let said = rest(&mut stream);
        assert!(said.starts_with(expected), "{request:.40}: {said}");
        others_are_served(&emulator);
    }
}

/// Who sends and sends and never reads an answer is not read from either: the answers do not pile up in memory.
#[test]
fn unread_answers() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    stream.set_nonblocking(true).unwrap();
    let request = post(&[TARGET], "{}").repeat(100);
    let (mut sent, mut refused) = (0u64, 0);
    // Full buffers on both sides are told from a server that is about to read by others being served in between.
    while refused < 50 {
        match stream.write(&request) {
            Ok(n) => (sent, refused) = (sent + n as u64, 0),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                refused += 1;
                others_are_served(&emulator);
            }
            Err(e) => panic!("{e}"),
        }
        assert!(sent < 1 << 30, "the server reads on and on");
    }
    others_are_served(&emulator);
}

/// Three hundred at once, each with a connection of its own, are all served.
#[test]
fn many_at_once() {
    let emulator = started(|_| ());
    let mut streams: Vec<TcpStream> = (0..300).map(|_| connect(&emulator)).collect();
    let request = post(&[TARGET], "{}");
    for stream in &mut streams {
        stream.write_all(&request).unwrap();
    }
    let sessions: std::collections::BTreeSet<String> = streams.iter_mut().map(|s| receive(s).unwrap().session()).collect();
    assert_eq!(sessions.len(), 300);
}
