//! The edge over real sockets, spoken to byte by byte.

mod admin;
mod faults;
mod hostile;
mod limits;
mod quotas;
mod signatures;
mod web;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use super::message::DRAIN_LIMIT;
use super::*;
use crate::emulator::config::{EmulatorConfig, LatencyModel, RawAnswer, Stall};
use crate::limiter::{Quota, TokenBucket};
use crate::service::constraint::is_session_id;
use crate::units::{Rate, Share};

const TARGET: &str = "X-Amz-Target: RekognitionService.CreateFaceLivenessSession";

const GET_TARGET: &str = "X-Amz-Target: RekognitionService.GetFaceLivenessSessionResults";

/// A test must fail rather than hang.
const TEST_PATIENCE: Duration = Duration::from_secs(20);

fn started(change: impl FnOnce(&mut EmulatorConfig)) -> Embedded {
    logged(change, None)
}

fn logged(change: impl FnOnce(&mut EmulatorConfig), log: Option<&Path>) -> Embedded {
    let mut config = EmulatorConfig::default();
    change(&mut config);
    Embedded::start(config, Extras { tls: None, log: log.map(|path| ArrivalLog::append(path).unwrap()) }).unwrap()
}

fn connect(emulator: &Embedded) -> TcpStream {
    let stream = TcpStream::connect(emulator.address()).unwrap();
    stream.set_read_timeout(Some(TEST_PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn post(headers: &[&str], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        self.json()["__type"].as_str().unwrap().to_owned()
    }

    fn session(&self) -> String {
        self.json()["SessionId"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn receive(stream: &mut impl Read) -> std::io::Result<Got> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head[9..12].parse().unwrap();
    let mut got = Got { status, head, body: String::new() };
    let mut body = vec![0; got.header("content-length").unwrap().parse().unwrap()];
    stream.read_exact(&mut body)?;
    got.body = String::from_utf8(body).unwrap();
    Ok(got)
}

fn exchange_bytes(stream: &mut (impl Read + Write), request: &[u8]) -> std::io::Result<Got> {
    stream.write_all(request)?;
    receive(stream)
}

fn create(stream: &mut (impl Read + Write), body: &str) -> Got {
    exchange_bytes(stream, &post(&[TARGET], body)).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One connection carries many calls; the answers have the service's headers.
#[test]
fn keeps_alive() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let first = create(&mut stream, r#"{"ClientRequestToken":"a"}"#);
    assert_eq!(first.status, 200);
    assert!(is_session_id(&first.session()));
    assert_eq!(first.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(first.header("x-amzn-requestid").map(str::len), Some(36));
    assert!(first.header("date").is_some());
    let again = create(&mut stream, r#"{"ClientRequestToken":"a","Settings":{"AuditImagesLimit":9}}"#);
    assert_eq!(again.session(), first.session());
    assert_ne!(again.header("x-amzn-requestid"), first.header("x-amzn-requestid"));
    assert_ne!(create(&mut stream, r#"{"ClientRequestToken":"b"}"#).session(), first.session());
    emulator.stop().unwrap();
}

/// The header's case is the client's own affair.
#[test]
fn headers_in_any_case() {
    let emulator = started(|_| ());
    for name in ["x-amz-target", "X-AMZ-TARGET"] {
        let header = TARGET.replace("X-Amz-Target", name);
        assert_eq!(exchange_bytes(&mut connect(&emulator), &post(&[&header], "{}")).unwrap().status, 200, "{header}");
    }
}

/// What is no create call is answered by the front door, and the connection goes on.
#[test]
fn front_door() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let path = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let rows = [
        (get, 405, "UnknownOperationException"),
        (path, 404, "UnknownOperationException"),
        (post(&[], "{}"), 400, "UnknownOperationException"),
        (post(&["X-Amz-Target: RekognitionService.DetectFaces"], "{}"), 400, "UnknownOperationException"),
        (post(&["X-Amz-Target: GetFaceLivenessSessionResults"], "{}"), 400, "UnknownOperationException"),
        (post(&[GET_TARGET], r#"{"SessionId":7}"#), 400, "SerializationException"),
        (post(&[GET_TARGET], "["), 400, "SerializationException"),
        (post(&[TARGET], "{nope"), 400, "SerializationException"),
        (post(&[TARGET], ""), 400, "SerializationException"),
        (post(&[TARGET], r#"{"KmsKeyId":1}"#), 400, "SerializationException"),
        (post(&[TARGET], r#"{"KmsKeyId":"?"}"#), 400, "InvalidParameterException"),
    ];
    for (request, status, kind) in rows {
        let got = exchange_bytes(&mut stream, &request).unwrap();
        assert_eq!((got.status, got.kind()), (status, kind.to_owned()), "{}", String::from_utf8_lossy(&request));
        assert!(got.header("x-amzn-requestid").is_some());
    }
    assert_eq!(create(&mut stream, r#"{"Unknown":{},"KmsKeyId":null}"#).status, 200);
}

/// A body above 1 MiB is refused, and one of exactly 1 MiB is not; the sender gets to read it.
#[test]
fn body_limit() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let padded = |size: usize| format!(r#"{{"Padding":"{}"}}"#, "x".repeat(size - 14));
    assert_eq!(create(&mut stream, &padded(BODY_LIMIT)).status, 200);
    assert_eq!(create(&mut stream, &padded(BODY_LIMIT + 1)).status, 413);
    assert_eq!(create(&mut stream, "{}").status, 200);
}

/// A request that comes in pieces, and two that come at once, are whole requests.
#[test]
fn pieces_and_pipelines() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let request = post(&[TARGET], r#"{"ClientRequestToken":"a"}"#);
    for byte in &request {
        stream.write_all(std::slice::from_ref(byte)).unwrap();
    }
    let first = receive(&mut stream).unwrap();
    stream.write_all(&[request.clone(), request].concat()).unwrap();
    let (second, third) = (receive(&mut stream).unwrap(), receive(&mut stream).unwrap());
    assert_eq!([second.session(), third.session()], [first.session(), first.session()]);
}

/// The credential scope names the region; without one it is the configured one. Without keys only a signature's form is looked at.
#[test]
fn regions_by_scope() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let scope = |region: &str| {
        let header = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/{region}/rekognition/aws4_request, SignedHeaders=host, Signature=0"
        );
        post(&[TARGET, "X-Amz-Date: 20261121T195216Z", &header], r#"{"ClientRequestToken":"a"}"#)
    };
    let here = create(&mut stream, r#"{"ClientRequestToken":"a"}"#);
    assert_eq!(exchange_bytes(&mut stream, &scope("us-east-1")).unwrap().session(), here.session());
    assert_ne!(exchange_bytes(&mut stream, &scope("eu-west-1")).unwrap().session(), here.session());
    let denied = exchange_bytes(&mut stream, &scope("eu-central-1")).unwrap();
    assert_eq!((denied.status, denied.body.as_str()), (400, r#"{"__type":"AccessDeniedException"}"#));
    let nonsense = exchange_bytes(&mut stream, &post(&[TARGET, "Authorization: nonsense"], "{}")).unwrap();
    assert_eq!((nonsense.status, nonsense.kind()), (400, "IncompleteSignatureException".to_owned()));
}

/// Over the quota is a 400 with the modelled name and members, and a restart fills the bucket and forgets the tokens.
#[test]
fn quota_and_restart() {
    let rate = Rate::per_second(0.000_001).unwrap();
    let emulator = started(|c| c.quota = Some(Quota::TokenBucket(TokenBucket::full(rate, 2))));
    let mut stream = connect(&emulator);
    let call = |stream: &mut TcpStream| create(stream, r#"{"ClientRequestToken":"a"}"#);
    assert_eq!([call(&mut stream).status, call(&mut stream).status], [200, 200]);
    let over = call(&mut stream);
    assert_eq!(over.status, 400);
    let members: Vec<String> = over.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["Code", "Logref", "Message", "__type"]);
    assert_eq!(over.kind(), "ProvisionedThroughputExceededException");
    emulator.restart_at(Instant::now() + Duration::from_hours(1));
    assert_eq!([call(&mut stream).status, call(&mut stream).status, call(&mut stream).status], [200, 200, 400]);
}

/// A reset is a reset on the wire, before and after the commit; the log tells them apart and knows the session.
#[test]
fn resets() {
    let dir = tempfile::tempdir().unwrap();
    for before in [true, false] {
        let log = dir.path().join(format!("{before}.jsonl"));
        let all = Share::new(1.0).unwrap();
        let faults = |c: &mut EmulatorConfig| {
            if before { c.faults.reset_before = all } else { c.faults.reset_after = all }
        };
        let emulator = logged(faults, Some(&log));
        let mut stream = connect(&emulator);
        let error = exchange_bytes(&mut stream, &post(&[TARGET], r#"{"ClientRequestToken":"a"}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        emulator.stop().unwrap();
        let record = &lines(&log)[0];
        let (verdict, decided) = if before { ("reset_before", Value::Null) } else { ("reset_after", "ok".into()) };
        assert_eq!((&record["verdict"], &record["decided"], &record["status"]), (&verdict.into(), &decided, &Value::Null));
        assert_eq!(record["session_id"].is_string(), !before);
        assert!(record["replied_us"].as_u64() >= record["arrived_us"].as_u64());
    }
}

/// A raw answer goes out as it stands, without a request id.
#[test]
fn raw_answers() {
    let emulator = started(|c| {
        let (content_type, body) = ("text/html".to_owned(), "<html>busy</html>".to_owned());
        c.faults.raw = Some(RawAnswer { share: Share::new(1.0).unwrap(), status: 503, content_type, body });
    });
    let got = create(&mut connect(&emulator), "{}");
    assert_eq!((got.status, got.body.as_str(), got.header("content-type")), (503, "<html>busy</html>", Some("text/html")));
    assert_eq!(got.header("x-amzn-requestid"), None);
}

/// 32 calls at once with one token make one session; each connection is counted.
#[test]
fn one_token_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.jsonl");
    let emulator = logged(|c| c.latency = LatencyModel::Fixed(Duration::from_millis(1)), Some(&log));
    let sessions: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let call = || create(&mut connect(&emulator), r#"{"ClientRequestToken":"a"}"#).session();
        let calls: Vec<_> = (0..32).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(sessions.len(), 1);
    emulator.stop().unwrap();
    let records = lines(&log);
    assert_eq!(records.iter().filter(|r| r["created"] == true).count(), 1);
    let connections: std::collections::BTreeSet<_> = records.iter().map(|r| r["connection"].as_u64()).collect();
    assert_eq!((records.len(), connections.len()), (32, 32));
}

/// No answer leaves before it is due, through latency and a stall, and the log says when it did.
#[test]
fn answers_are_not_early() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.jsonl");
    let (latency, stall) = (Duration::from_millis(3), Duration::from_millis(40));
    let settings = |c: &mut EmulatorConfig| {
        c.latency = LatencyModel::Fixed(latency);
        c.stalls = vec![Stall { at: Duration::ZERO, length: stall }];
    };
    let emulator = logged(settings, Some(&log));
    let mut stream = connect(&emulator);
    let epoch = Instant::now();
    emulator.restart_at(epoch);
    for _ in 0..3 {
        create(&mut stream, "{}");
    }
    assert!(epoch.elapsed() >= stall + latency);
    emulator.stop().unwrap();
    let us = |record: &Value, name: &str| Duration::from_micros(record[name].as_u64().unwrap());
    for (n, record) in lines(&log).iter().enumerate() {
        let (arrived, planned, replied) = (us(record, "arrived_us"), us(record, "planned_reply_us"), us(record, "replied_us"));
        assert!(planned >= arrived.max(stall) + latency && replied >= planned, "{record}");
        assert_eq!((record["number"].as_u64(), record["epoch"].as_u64()), (Some(n as u64), Some(1)));
    }
}

/// A client that leaves before its answer is in the log, without a reply; stopping does not wait for the answer.
#[test]
fn gone_clients() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.jsonl");
    let emulator = logged(|c| c.latency = LatencyModel::Fixed(Duration::from_mins(50)), Some(&log));
    let (mut leaves, mut stays) = (connect(&emulator), connect(&emulator));
    leaves.write_all(&post(&[TARGET, "amz-sdk-request: attempt=2; max=3", "User-Agent: Boto3/1.44.5 md/x"], "{}")).unwrap();
    stays.write_all(&post(&[TARGET, "amz-sdk-invocation-id: i-1"], "{}")).unwrap();
    let patience = Instant::now() + TEST_PATIENCE;
    while emulator.arrivals() < 2 && Instant::now() < patience {
        std::thread::yield_now();
    }
    drop(leaves);
    emulator.stop().unwrap();
    assert!(receive(&mut stays).is_err());
    let mut records = lines(&log);
    records.sort_by_key(|r| r["attempt"].as_u64());
    assert_eq!((&records[0]["invocation_id"], &records[0]["replied_us"]), (&"i-1".into(), &Value::Null));
    let left = &records[1];
    assert_eq!((&left["attempt"], &left["user_agent"], &left["replied_us"]), (&2.into(), &"Boto3/1.44.5".into(), &Value::Null));
}

/// TLS with a private certificate, keep-alive and resets included.
#[test]
fn tls() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&cert, identity.cert.pem()).unwrap();
    std::fs::write(&key, identity.signing_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(&cert).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Arc::new(client);
    let dial = |emulator: &Embedded| {
        let name = ServerName::try_from("localhost").unwrap();
        rustls::StreamOwned::new(rustls::ClientConnection::new(Arc::clone(&client), name).unwrap(), connect(emulator))
    };
    let start = |config| Embedded::start(config, Extras { tls: Some(server_config(&cert, &key).unwrap()), log: None }).unwrap();

    let emulator = start(EmulatorConfig::default());
    assert!(emulator.endpoint_url().starts_with("https://127.0.0.1:"));
    let mut stream = dial(&emulator);
    assert_eq!([create(&mut stream, "{}").status, create(&mut stream, "{}").status], [200, 200]);
    assert_ne!(create(&mut stream, "{}").session(), create(&mut stream, "{}").session());
    // Somebody who speaks plainly gets nowhere, and does not disturb.
    assert!(exchange_bytes(&mut connect(&emulator), &post(&[TARGET], "{}")).is_err());
    assert_eq!(create(&mut stream, "{}").status, 200);

    let mut faulty = EmulatorConfig::default();
    faulty.faults.reset_after = Share::new(1.0).unwrap();
    let error = exchange_bytes(&mut dial(&start(faulty)), &post(&[TARGET], "{}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Only this machine is listened on, and a taken port is said to be taken.
#[tokio::test]
async fn addresses() {
    for elsewhere in ["0.0.0.0:0", "192.0.2.1:4566", "[::]:0"] {
        assert!(matches!(listen(elsewhere.parse().unwrap()), Err(ServeError::NotLoopback(_))), "{elsewhere}");
    }
    let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let taken = first.local_addr().unwrap();
    assert!(matches!(listen(taken), Err(ServeError::AddressInUse(address)) if address == taken));
    insta::assert_snapshot!(ServeError::NotLoopback("0.0.0.0:4566".parse().unwrap()), @"0.0.0.0:4566 is not an address of this machine alone; the emulator only listens on loopback, such as 127.0.0.1:4566");
}

/// The same seed and the same calls in the same order get the same sessions, whatever the clock says.
#[test]
fn seeded() {
    let run = |seed| {
        let emulator = started(|c| c.seed = seed);
        let mut stream = connect(&emulator);
        let ids: Vec<String> = (0..5).map(|_| create(&mut stream, "{}").session()).collect();
        ids
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

/// A dropped emulator is gone: its thread is joined and its port closed.
#[test]
fn nothing_outlives() {
    let emulator = started(|_| ());
    let address = emulator.address();
    drop(emulator);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// A log that fails is told when the emulator stops.
#[test]
fn failing_log() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = ArrivalLog::to(Box::new(Full), "arrivals.jsonl".to_owned()).unwrap();
    let emulator = Embedded::start(EmulatorConfig::default(), Extras { tls: None, log: Some(log) }).unwrap();
    assert_eq!(create(&mut connect(&emulator), "{}").status, 200);
    assert!(matches!(emulator.stop(), Err(ServeError::Log(LogError::Write { .. }))));
}

proptest! {
    /// No head and no body makes the reader of requests panic; whatever came is answered and counted.
    #[test]
    fn survives_anything(
        method in "[A-Z]{1,8}",
        path in "/[!-~&&[^#?\"<>\\\\^`{|}]]{0,12}",
        headers in prop::collection::vec(("[a-z-]{1,12}|authorization|x-amz-target|x-amz-date|user-agent", prop::collection::vec(32u8..=255, 0..60)), 0..6),
        create in any::<bool>(),
        body in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let control = Control::new(EmulatorConfig::default());
        let mut builder = http::Request::builder().method(method.as_str()).uri(path.as_str());
        if create {
            builder = builder.method("POST").uri("/").header("x-amz-target", "RekognitionService.CreateFaceLivenessSession");
        }
        for (name, value) in headers {
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                builder = builder.header(name, value);
            }
        }
        if let Ok(request) = builder.body(()) {
            let verdict = control.judge_request(&request.into_parts().0, &body, Duration::ZERO);
            prop_assert!(verdict.reply.status().is_some());
            prop_assert_eq!((control.arrivals(), control.clients()[0].requests), (1, 1));
        }
    }
}
