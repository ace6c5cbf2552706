//! Faults as they are on the wire.

use super::*;
use crate::service::operation::Operation;

/// A slow body begins with its head, comes bit by bit and is whole in the end; the log has the whole of it.
#[test]
fn slow_bodies() {
    let over = Duration::from_millis(30);
    let emulator = started(|c| {
        c.faults.slow_body = Share::new(1.0).unwrap();
        c.faults.slow_body_for = over;
    });
    let mut stream = connect(&emulator);
    let start = Instant::now();
    stream.write_all(&post(&[TARGET], "{}")).unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let mut rest = Vec::new();
    while !rest.ends_with(b"}") {
        let mut some = [0; 512];
        let n = stream.read(&mut some).unwrap();
        assert!(n > 0);
        rest.extend_from_slice(&some[..n]);
    }
    assert!(start.elapsed() >= over);
    let body = String::from_utf8(rest).unwrap();
    let json: Value = serde_json::from_str(body.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert!(is_session_id(json["SessionId"].as_str().unwrap()));
    // The connection goes on.
    stream.write_all(&post(&[TARGET], "{}")).unwrap();
    stream.read_exact(&mut head).unwrap();
}

/// A half-open connection stays open without a word; others are served, and stopping does not wait for it.
#[test]
fn half_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.jsonl");
    let emulator = logged(|c| c.faults.half_open = Share::new(1.0).unwrap(), Some(&log));
    let mut stream = connect(&emulator);
    stream.write_all(&post(&[TARGET], "{}")).unwrap();
    let patience = Instant::now() + TEST_PATIENCE;
    while emulator.arrivals() < 1 && Instant::now() < patience {
        std::thread::yield_now();
    }
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    emulator.stop().unwrap();
    let record = &lines(&log)[0];
    assert_eq!((&record["verdict"], &record["replied_us"], &record["status"]), (&"half_open".into(), &Value::Null, &Value::Null));
    assert_eq!(record["operation"], Operation::Create.name());
}
