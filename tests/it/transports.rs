//! One conformance test over both transports: whatever the SDK makes of a server, the wire transport makes of it too.
//!
//! Every server here says one thing to the SDK and then to the wire transport; outcome, status, exception, session and request id
//! have to be the same, and be what is written beside the case.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Emulate, Run, few_calls, read_request};
use livebench::client::outcome::Outcome;
use livebench::client::request::CreateRequest;
use livebench::client::sdk::{Destination, Options, Sdk, Timeouts, Trust, resolve};
use livebench::client::wire::Wire;
use livebench::client::{Answer, Ask, Client as _};
use livebench::emulator::config::{Credential, EmulatorConfig, Secret};
use livebench::emulator::http::{Embedded, Extras, server_config};
use livebench::units::Text64;

const UUID: &str = "0f2e9b1c-1111-4222-8333-44445555aaaa";

/// One of the two, by its name.
enum Client {
    Sdk(Sdk),
    Wire(Box<Wire>),
}

impl Client {
    async fn call(&self, token: Option<&str>) -> Answer {
        let ask = Ask { request: 0, token: token.map(Text64::cut) };
        match self {
            Self::Sdk(sdk) => sdk.call(ask).await,
            Self::Wire(wire) => wire.call(ask).await,
        }
    }
}

const NAMES: [&str; 2] = ["sdk", "wire"];

fn client(name: &str, destination: &Destination, request: &CreateRequest) -> Client {
    let requests = std::slice::from_ref(request);
    match name {
        "sdk" => Client::Sdk(Sdk::new(destination, requests).unwrap()),
        _ => Client::Wire(Box::new(Wire::new(destination, requests).unwrap())),
    }
}

async fn destination(endpoint: &str, adjust: impl FnOnce(&mut Options)) -> Destination {
    let mut options =
        Options { endpoint_url: Some(endpoint.to_owned()), region: Some("us-east-1".to_owned()), ..Options::default() };
    options.timeouts = Timeouts { connect: Some(Duration::from_secs(20)), read: Some(Duration::from_secs(20)) };
    adjust(&mut options);
    resolve(options).await.unwrap()
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The answers of both transports to one call each.
fn answers(endpoint: &str, adjust: impl Fn(&mut Options)) -> [Answer; 2] {
    block_on(async {
        let destination = destination(endpoint, adjust).await;
        let mut answers = Vec::new();
        for name in NAMES {
            answers.push(client(name, &destination, &CreateRequest::default()).call(Some("token")).await);
        }
        answers.try_into().unwrap()
    })
}

/// What a server does when it has read a request.
#[derive(Clone)]
enum Then {
    Keep,
    Close,
    /// Closes so that the client's kernel is told of a reset.
    Reset,
    /// Says nothing more until the client leaves.
    Hang,
}

/// A server that answers every request with the same bytes, and remembers the requests.
struct Raw {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    closed: std::sync::mpsc::Receiver<()>,
}

impl Raw {
    fn start(answer: &[u8], then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard, answer) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())), answer.to_vec());
        let shared = Arc::clone(&heard);
        let (close, closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, then, shared, close) = (answer.clone(), then.clone(), Arc::clone(&shared), close.clone());
                std::thread::spawn(move || {
                    Self::converse(stream.unwrap(), &answer, &then, &shared);
                    // A test that does not ask is gone.
                    let _ = close.send(());
                });
            }
        });
        Self { address, heard, closed }
    }

    fn converse(mut stream: TcpStream, answer: &[u8], then: &Then, heard: &Mutex<Vec<Vec<u8>>>) {
        while let Some(request) = read_request(&mut stream) {
            heard.lock().unwrap().push(request);
            if stream.write_all(answer).is_err() {
                return;
            }
            match then {
                Then::Keep => {}
                Then::Close => return,
                Then::Reset => {
                    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
                    return;
                }
                Then::Hang => {
                    let _ = stream.read(&mut [0; 1]);
                    return;
                }
            }
        }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An answer with its length.
fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nx-amzn-RequestId: r-1\r\nContent-Type: application/x-amz-json-1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn text(text: Option<Text64>) -> String {
    text.map(|t| t.as_str().to_owned()).unwrap_or_default()
}

/// What the service can say, well and badly: the same answer of both, to the last field.
#[test]
fn every_answer() {
    let ok = format!(r#"{{"SessionId":"{UUID}"}}"#);
    let typed = |name: &str| format!(r#"{{"__type":"{name}","Message":"m"}}"#);
    let cases = [
        (http(200, "", &ok), Outcome::Ok, ""),
        (http(200, "", &format!(r#"{{"New":[{{"a":1}}], "SessionId" : "{UUID}"}}"#)), Outcome::Ok, ""),
        (http(200, "", "{}"), Outcome::MalformedSuccess, ""),
        (http(200, "", ""), Outcome::MalformedSuccess, ""),
        (http(200, "", "{nope"), Outcome::MalformedSuccess, ""),
        (http(200, "", r#"{"SessionId":7}"#), Outcome::MalformedSuccess, ""),
        (http(200, "", r#"{"SessionId":null}"#), Outcome::MalformedSuccess, ""),
        (http(200, "", r#"{"SessionId":"0F2E9B1C-1111-4222-8333-44445555AAAA"}"#), Outcome::MalformedSuccess, ""),
        (http(200, "", &format!("{ok} more")), Outcome::MalformedSuccess, ""),
        (
            http(400, "", &typed("ProvisionedThroughputExceededException")),
            Outcome::ThrottledQuota,
            "ProvisionedThroughputExceededException",
        ),
        (
            http(400, "", &typed("com.amazonaws.rekognition#ProvisionedThroughputExceededException")),
            Outcome::ThrottledQuota,
            "ProvisionedThroughputExceededException",
        ),
        (http(400, "", &typed("ThrottlingException")), Outcome::ThrottledRamp, "ThrottlingException"),
        (http(429, "", &typed("ThrottlingException")), Outcome::ThrottledRamp, "ThrottlingException"),
        (http(500, "", &typed("ThrottlingException")), Outcome::ThrottledService, "ThrottlingException"),
        (http(503, "", &typed("ThrottlingException")), Outcome::ThrottledService, "ThrottlingException"),
        (http(400, "", &typed("AccessDeniedException")), Outcome::AccessDenied, "AccessDeniedException"),
        (http(400, "", &typed("InvalidParameterException")), Outcome::InvalidParameter, "InvalidParameterException"),
        (http(400, "", &typed("ValidationException")), Outcome::Validation, "ValidationException"),
        (http(500, "", &typed("InternalServerError")), Outcome::InternalError, "InternalServerError"),
        (http(400, "", &typed("UnrecognizedClientException")), Outcome::Unmodelled, "UnrecognizedClientException"),
        (
            http(400, "", r#"{"__type":"A","code":"ThrottlingException:http://x/y"}"#),
            Outcome::ThrottledRamp,
            "ThrottlingException",
        ),
        (http(400, "x-amzn-ErrorType: ThrottlingException:http://x\r\n", "{}"), Outcome::ThrottledRamp, "ThrottlingException"),
        (http(400, "x-amzn-ErrorType: ThrottlingException\r\n", ""), Outcome::ThrottledRamp, "ThrottlingException"),
        (http(400, "x-amzn-ErrorType: ThrottlingException\r\n", "{nope"), Outcome::Unmodelled, ""),
        (http(400, "", r#"{"__type":5}"#), Outcome::Unmodelled, ""),
        (http(500, "", "<html>"), Outcome::Unmodelled, ""),
        (http(503, "", ""), Outcome::Unmodelled, ""),
        (http(301, "Location: http://127.0.0.1:1/\r\n", ""), Outcome::Unmodelled, ""),
    ];
    for (bytes, outcome, exception) in cases {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let server = Raw::start(&bytes, Then::Keep);
        let [sdk, wire] = answers(&server.endpoint(), |_| {});
        assert_eq!(wire, sdk, "{shown}");
        assert_eq!((wire.outcome, text(wire.exception).as_str()), (outcome, exception), "{shown}");
        assert_eq!(text(wire.request_id), "r-1", "{shown}");
    }
}

/// Bodies in every form that HTTP/1.1 allows.
#[test]
fn every_form_of_a_body() {
    let body = format!(r#"{{"SessionId":"{UUID}"}}"#);
    let (first, second) = body.split_at(20);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let until_close = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
    let old = format!("HTTP/1.0 200 OK\r\n\r\n{body}");
    let interim = format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for (bytes, then) in [(chunked, Then::Keep), (until_close, Then::Close), (old, Then::Close), (interim, Then::Keep)] {
        let server = Raw::start(bytes.as_bytes(), then);
        let [sdk, wire] = answers(&server.endpoint(), |_| {});
        assert_eq!(wire, sdk, "{bytes}");
        assert_eq!((wire.outcome, text(wire.session_id).as_str()), (Outcome::Ok, UUID), "{bytes}");
    }
}

/// What goes wrong between here and there: the same outcome of both, and the same cause where there are words for it.
#[test]
fn every_failure_on_the_way() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Sess";
    for (name, bytes, then, outcome) in [
        ("closed at once", &b""[..], Then::Close, Outcome::ConnectionLost),
        ("reset at once", b"", Then::Reset, Outcome::ConnectionLost),
        ("closed in the head", b"HTTP/1.1 200 O", Then::Close, Outcome::ConnectionLost),
        ("closed in the body", cut, Then::Close, Outcome::ConnectionLost),
        ("reset in the body", cut, Then::Reset, Outcome::ConnectionLost),
        ("no HTTP", b"hello\r\n\r\n", Then::Close, Outcome::OtherTransport),
        (
            "no end of a chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            Then::Close,
            Outcome::OtherTransport,
        ),
    ] {
        let server = Raw::start(bytes, then);
        let [sdk, wire] = answers(&server.endpoint(), |_| {});
        assert_eq!((wire.outcome, sdk.outcome), (outcome, outcome), "{name}: {wire:?} {sdk:?}");
        assert_eq!(server.heard.lock().unwrap().len(), 2, "{name}: a lost call is not sent again");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [sdk, wire] = answers(&format!("http://{free}"), |_| {});
    assert_eq!(wire, sdk);
    assert!(text(wire.exception).contains("refused"), "{wire:?}");
}

/// Neither an answer that does not come nor one that does not end is waited for longer than the read timeout.
#[test]
fn read_timeouts() {
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let server = Raw::start(bytes, Then::Hang);
        let [sdk, wire] = answers(&server.endpoint(), |options| options.timeouts.read = Some(Duration::from_millis(50)));
        assert_eq!(wire, sdk);
        assert_eq!(wire.outcome, Outcome::ReadTimeout);
        // Both connections are gone with their calls.
        server.closed.recv().unwrap();
        server.closed.recv().unwrap();
    }
}

/// A connection that is not made in time is a connect timeout. The server's queue of connections is full and it accepts none.
#[test]
fn connect_timeouts() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&listener, 0).unwrap();
    let address = SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
    let full = Duration::from_millis(300);
    let queued: Vec<_> = std::iter::from_fn(|| TcpStream::connect_timeout(&address, full).ok()).take(64).collect();
    assert!(queued.len() < 64, "the queue of connections does not fill");
    let endpoint = format!("http://{address}");
    let [sdk, wire] = answers(&endpoint, |options| options.timeouts.connect = Some(Duration::from_millis(200)));
    assert_eq!(wire, sdk);
    assert_eq!(wire.outcome, Outcome::ConnectTimeout);
}

/// The headers of a request and its body.
fn read(request: &[u8]) -> (String, BTreeMap<String, String>, String) {
    let whole = String::from_utf8(request.to_vec()).unwrap();
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let first = lines.next().unwrap().to_owned();
    let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
    (first, headers, body.to_owned())
}

/// One request of each transport for the same call.
fn requests(
    request: &CreateRequest,
    token: Option<&str>,
    adjust: impl Fn(&mut Options),
) -> [(String, BTreeMap<String, String>, String); 2] {
    let server = Raw::start(&http(200, "", "{}"), Then::Keep);
    block_on(async {
        let destination = destination(&server.endpoint(), adjust).await;
        for name in NAMES {
            client(name, &destination, request).call(token).await;
        }
    });
    let heard = server.heard.lock().unwrap();
    [read(&heard[0]), read(&heard[1])]
}

/// The bytes that go out mean the same: first line, body and every header but the user agent; ids and signatures in the same form.
#[test]
fn the_same_request() {
    let full = r#"{"KmsKeyId":"alias/a","Settings":{"OutputConfig":{"S3Bucket":"my-bucket","S3KeyPrefix":"l/é/"},"AuditImagesLimit":4,
        "ChallengePreferences":[{"Type":"FaceMovementChallenge","Versions":{"Minimum":"1.0.0","Maximum":"1.10.100"}}]},"ClientRequestToken":"own"}"#;
    for (json, token) in
        [("{}", None), ("{}", Some("t-1")), (full, None), (full, Some("t_2")), (r#"{"Settings":{}}"#, Some("bad \"é\\"))]
    {
        let request: CreateRequest = serde_json::from_str(json).unwrap();
        let [sdk, wire] = requests(&request, token, |_| {});
        assert_eq!(wire.0, sdk.0);
        let of = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
        assert_eq!(of(&wire.2), of(&sdk.2), "{json} {token:?}");
        for (name, value) in &sdk.1 {
            match name.as_str() {
                "user-agent" | "x-amz-user-agent" => {}
                "x-amz-date" => assert_eq!(wire.1[name].len(), value.len()),
                "amz-sdk-invocation-id" => assert_eq!((wire.1[name].len(), value.len()), (36, 36)),
                "authorization" => {
                    let scope = |value: &str| value.split(',').next().unwrap().to_owned();
                    assert_eq!(scope(&wire.1[name]), scope(value));
                }
                _ => assert_eq!(wire.1.get(name), Some(value), "{name}"),
            }
        }
        assert!(wire.1["user-agent"].starts_with("livebench/"));
        assert!(wire.1.keys().all(|name| sdk.1.contains_key(name)), "{:?}", wire.1);
    }
    let [sdk, wire] = requests(&CreateRequest::default(), None, |options| options.unsigned = true);
    for headers in [&sdk.1, &wire.1] {
        assert!(["authorization", "x-amz-date", "x-amz-security-token"].iter().all(|name| !headers.contains_key(*name)));
    }
}

/// Requests of the SDK without anything of ours: its own signer, identity cache, endpoint, headers and HTTP client.
async fn of_stock_sdk(server: &Raw) {
    let config = aws_sdk_rekognition::Config::builder()
        .behavior_version(aws_sdk_rekognition::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_rekognition::config::Region::new("us-east-1"))
        .endpoint_url(server.endpoint())
        .credentials_provider(aws_credential_types::Credentials::new("AKID", "secret", None, None, "test"))
        .retry_config(aws_sdk_rekognition::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let client = aws_sdk_rekognition::Client::from_conf(config.build());
    client.create_face_liveness_session().client_request_token("t").send().await.unwrap();
}

/// What is made once for all calls is what the SDK makes for each: the same headers, signed alike, from the first call on. Only ids, the
/// signature and the second change; and in the user agent the features that it counts and the name of the HTTP client.
#[test]
fn requests_are_the_stock_sdks() {
    let server = Raw::start(&http(200, "", "{}"), Then::Keep);
    block_on(async {
        let destination = destination(&server.endpoint(), |_| {}).await;
        let client = client("sdk", &destination, &CreateRequest::default());
        for _ in 0..3 {
            client.call(Some("t")).await;
        }
        of_stock_sdk(&server).await;
    });
    let heard: Vec<_> = server.heard.lock().unwrap().iter().map(|request| read(request)).collect();
    let stock = &heard[3].1;
    let signed = |headers: &BTreeMap<String, String>| {
        let (_, names) = headers["authorization"].split_once("SignedHeaders=").unwrap();
        let names = names.split_once(',').unwrap().0.to_owned();
        names.replace("x-amz-security-token;", "")
    };
    let agent = |headers: &BTreeMap<String, String>, name: &str| {
        let words = headers[name].split(' ').filter(|word| !word.starts_with("m/") && !word.starts_with("md/http#"));
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    for (first_line, headers, body) in &heard[..3] {
        assert_eq!((first_line, body), (&heard[3].0, &heard[3].2));
        let names: Vec<_> = headers.keys().filter(|name| *name != "x-amz-security-token").collect();
        assert_eq!(names, stock.keys().collect::<Vec<_>>());
        assert_eq!(signed(headers), signed(stock));
        for name in ["content-type", "content-length", "host", "x-amz-target", "amz-sdk-request"] {
            assert_eq!(headers[name], stock[name], "{name}");
        }
        for name in ["user-agent", "x-amz-user-agent"] {
            assert_eq!(headers[name], heard[0].1[name], "{name}");
            assert_eq!(agent(headers, name), agent(stock, name), "{name}");
        }
    }
    let ids: std::collections::BTreeSet<_> = heard.iter().map(|(_, headers, _)| &headers["amz-sdk-invocation-id"]).collect();
    assert_eq!(ids.len(), 4);
}

/// Where the service's clock is far from ours, its time signs from the second call on, over both transports.
#[test]
fn the_services_clock_signs() {
    for name in NAMES {
        let server = Raw::start(&http(200, "Date: Fri, 27 Nov 2099 10:00:00 GMT\r\n", "{}"), Then::Keep);
        block_on(async {
            let destination = destination(&server.endpoint(), |_| {}).await;
            let client = client(name, &destination, &CreateRequest::default());
            for _ in 0..2 {
                client.call(None).await;
            }
        });
        let dates: Vec<_> = server.heard.lock().unwrap().iter().map(|request| read(request).1["x-amz-date"].clone()).collect();
        assert!(!dates[0].starts_with("2099") && dates[1].starts_with("20991127T10"), "{name}: {dates:?}");
    }
}

/// Calls in a row share one connection, whatever is answered on it, until somebody closes it. An idle one that the server has
/// closed costs no call.
#[test]
fn connections_are_kept() {
    for name in NAMES {
        for (answer, then) in [(http(500, "", "{}"), Then::Keep), (http(200, "", "{}"), Then::Close)] {
            let closes = matches!(then, Then::Close);
            let server = Raw::start(&answer, then);
            block_on(async {
                let destination = destination(&server.endpoint(), |_| {}).await;
                let client = client(name, &destination, &CreateRequest::default());
                for call in 0..5 {
                    let answer = client.call(None).await;
                    assert!(answer.status.is_some(), "{name} {call}: {answer:?}");
                    if closes {
                        server.closed.recv().unwrap();
                        // The runtime looks at its sockets before this comes back.
                        tokio::task::yield_now().await;
                        tokio::task::yield_now().await;
                    }
                }
                let opened = match &client {
                    Client::Sdk(sdk) => sdk.connections_opened(),
                    Client::Wire(wire) => wire.connections_opened(),
                };
                assert_eq!(opened, if closes { 5 } else { 1 }, "{name}");
            });
            assert_eq!(server.heard.lock().unwrap().len(), 5);
        }
    }
}

/// The keys that calls to this machine are signed with, unless the environment has others.
fn credential(session_token: Option<&str>) -> Credential {
    let or = |name: &str, default: &str| std::env::var(name).ok().filter(|v| !v.is_empty()).unwrap_or_else(|| default.to_owned());
    Credential {
        access_key_id: or("AWS_ACCESS_KEY_ID", "LIVEBENCHEMULATOR000"),
        secret_access_key: Secret::new(or("AWS_SECRET_ACCESS_KEY", "livebench")),
        session_token: session_token.map(|token| Secret::new(token.to_owned())),
        account: "123456789012".to_owned(),
    }
}

/// The emulator verifies every signature, over plain TCP and over TLS; with another secret nothing passes. One token is one session,
/// whichever transport brings it.
#[test]
fn signatures_are_verified() {
    let files = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    for tls in [None, Some(server_config(&cert, &key).unwrap())] {
        let secure = tls.is_some();
        let config = EmulatorConfig { credentials: vec![credential(None)], allow_unsigned: false, ..EmulatorConfig::default() };
        let emulator = Embedded::start(config, Extras { tls, log: None }).unwrap();
        let trust = if secure { Trust::Bundle(cert.clone()) } else { Trust::System };
        let [sdk, wire] = answers(&emulator.endpoint_url(), |options| options.trust = Some(trust.clone()));
        assert_eq!((sdk.outcome, wire.outcome), (Outcome::Ok, Outcome::Ok), "{sdk:?} {wire:?}");
        assert_eq!(sdk.session_id, wire.session_id);
        let [sdk, wire] = answers(&emulator.endpoint_url(), |options| {
            options.trust = Some(trust.clone());
            options.unsigned = true;
        });
        assert_eq!((wire.outcome, wire.exception), (sdk.outcome, sdk.exception));
        assert_eq!(text(wire.exception), "MissingAuthenticationTokenException");
        if secure {
            let [sdk, wire] = answers(&emulator.endpoint_url(), |options| options.trust = Some(Trust::Anybody));
            assert_eq!((sdk.outcome, wire.outcome), (Outcome::Ok, Outcome::Ok));
            let [sdk, wire] = answers(&emulator.endpoint_url(), |_| {});
            assert_eq!(wire, sdk, "a stranger's certificate");
            assert_eq!(wire.outcome, Outcome::OtherTransport);
        }
        emulator.stop().unwrap();
    }
    let wrong = Credential { secret_access_key: Secret::new("another".to_owned()), ..credential(None) };
    let config = EmulatorConfig { credentials: vec![wrong], ..EmulatorConfig::default() };
    let emulator = Embedded::start(config, Extras::default()).unwrap();
    let [sdk, wire] = answers(&emulator.endpoint_url(), |_| {});
    assert_eq!((text(wire.exception), wire.outcome), (text(sdk.exception), sdk.outcome));
    assert_eq!(text(wire.exception), "InvalidSignatureException");
}

/// A whole run over each transport: session tokens are signed, repeated tokens compared, and the files say which transport it was.
#[test]
fn whole_runs() {
    let files = tempfile::tempdir().unwrap();
    let config = files.path().join("emulator.toml");
    std::fs::write(
        &config,
        "[emulator]\nquota = { kind = \"none\" }\nlatency = \"1ms\"\nallow_unsigned = false\n[[emulator.credentials]]\naccess_key_id = \"AKIDTEST\"\n\
         secret_access_key = \"sec/ret+\"\nsession_token = \"to/ken+==\"\naccount = \"123456789012\"\n",
    )
    .unwrap();
    let emulator = Emulate::start(&["--config", config.to_str().unwrap()]);
    for name in NAMES {
        let scenario = format!(
            "name = \"few\"\n[load]\ntransport = \"{name}\"\nstages = [{{ for = \"500ms\", rate = 100 }}]\n[idempotency]\nreplay = 0.2\n"
        );
        let (run, _work) = Run::of(&scenario, &["--endpoint-url", &emulator.endpoint], |command| {
            command.env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", "sec/ret+");
            command.env("AWS_SESSION_TOKEN", "to/ken+==");
        });
        assert_eq!(run.outcomes(), BTreeMap::from([("ok".to_owned(), 50)]), "{name}: {}", run.stderr);
        let summary = run.summary();
        assert_eq!(summary["called"]["transport"], name);
        assert_eq!(summary["idempotency"]["violations"], 0);
        assert!(run.stdout.contains(&format!("us-east-1, {name}")), "{}", run.stdout);
        assert_eq!(crate::support::json(&run.dir().join("manifest.json"))["called"]["transport"], name);
    }
}

/// The guard before far endpoints knows no transport.
#[test]
fn the_guard_stands_before_the_wire() {
    let scenario = few_calls(2).replace("[load]", "[load]\ntransport = \"wire\"");
    for arguments in [&["--endpoint-url", "http://10.255.255.1"][..], &["--target", "aws", "--region", "us-east-1"]] {
        let (run, _work) = Run::of(&scenario, arguments, |_| {});
        assert_eq!((run.code, run.dir), (Some(2), None), "{}", run.stderr);
        assert!(run.stderr.contains("nothing was sent"), "{}", run.stderr);
    }
}
