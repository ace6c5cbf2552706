//! What the emulator costs: CPU a request of its server against a bare hyper server that answers the same bytes.
//!
//! `cargo bench --bench emulator`. Every round measures the three servers one after the other with the same client and the same
//! number of requests, so that what the machine does besides falls on all of them; the ratios are those of a round, and their
//! median is printed. Each server has a thread of its own, and what is counted is that thread's CPU time.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use livebench::emulator::config::{Credential, EmulatorConfig, Secret};
use livebench::emulator::http::{Control, listen, serve};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 9;
const CONNECTIONS: usize = 32;
const REQUESTS: usize = 16_000;
const KEY: &str = "AKIDBENCH";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A server on a thread of its own, which tells its CPU time when asked.
struct Server {
    address: SocketAddr,
    ask: Option<tokio::sync::mpsc::UnboundedSender<mpsc::Sender<Duration>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start<F: Future<Output = ()>>(name: &str, run: impl FnOnce(TcpListener) -> F + Send + 'static) -> Self {
        let (ready, address) = mpsc::channel();
        let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel::<mpsc::Sender<Duration>>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                let meter = async {
                    while let Some(answer) = asked.recv().await {
                        let now = clock_gettime(ClockId::ThreadCPUTime);
                        answer
                            .send(Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs().try_into().unwrap()))
                            .unwrap();
                    }
                };
                tokio::select! { () = run(listener) => {}, () = meter => {} }
            });
        });
        let thread = thread.unwrap();
        Self { address: address.recv().unwrap(), ask: Some(ask), thread: Some(thread) }
    }

    fn cpu(&self) -> Duration {
        let (answer, told) = mpsc::channel();
        self.ask.as_ref().unwrap().send(answer).unwrap();
        told.recv().unwrap()
    }

    fn bare() -> Self {
        Self::start("bare", |listener| async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(bare)));
            }
        })
    }

    fn ours(name: &str, config: EmulatorConfig) -> Self {
        Self::start(name, |listener| async move {
            serve(listener, Control::new(config), None, None, std::future::pending()).await.unwrap();
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.ask.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The bare server's work: it reads the body, and answers what the emulator would.
async fn bare(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    let body = Bytes::from_static(br#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}"#);
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert(HeaderName::from_static("x-amzn-requestid"), HeaderValue::from_static("03507c9b-1111-4222-8333-44445555aaaa"));
    Ok(response)
}

/// Signed requests as the Rust SDK sends them, each with a token of its own.
fn requests(round: usize, server: &str) -> Vec<Vec<u8>> {
    (0..REQUESTS).map(|n| request(&format!("bench-token-{round:04}-{server}-{n:08}"))).collect()
}

fn request(token: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"KmsKeyId":"arn:aws:kms:us-east-1:123456789012:key/x","Settings":{{"OutputConfig":{{"S3Bucket":"livebench-bucket","S3KeyPrefix":"sessions/"}},"AuditImagesLimit":4}},"ClientRequestToken":"{token}"}}"#
    );
    let length = body.len().to_string();
    let mut headers = vec![
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", "RekognitionService.CreateFaceLivenessSession".to_owned()),
        ("content-length", length),
        ("host", "127.0.0.1:4566".to_owned()),
        ("x-amz-user-agent", "aws-sdk-rust/1.7.0 api/rekognition/1.123.0 os/linux lang/rust/1.95.0".to_owned()),
    ];
    let mut out = "POST / HTTP/1.1\r\n".to_owned();
    let identity = Credentials::new(KEY, SECRET, None, None, "bench").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("rekognition")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let listed = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable = SignableRequest::new("POST", "http://127.0.0.1:4566/", listed, SignableBody::Bytes(body.as_bytes())).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        write!(out, "{name}: {value}\r\n").unwrap();
    }
    headers.push(("user-agent", "aws-sdk-rust/1.7.0 ua/2.1 api/rekognition/1.123.0 os/linux lang/rust/1.95.0 m/E,b".to_owned()));
    headers.push(("amz-sdk-request", "attempt=1; max=3".to_owned()));
    headers.push(("amz-sdk-invocation-id", token.to_owned()));
    for (name, value) in headers {
        write!(out, "{name}: {value}\r\n").unwrap();
    }
    format!("{out}\r\n{body}").into_bytes()
}

/// CPU microseconds a request of `server`, all of which have to be answered with 200.
fn measure(server: &Server, requests: &[Vec<u8>]) -> f64 {
    let mut streams: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(server.address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        })
        .collect();
    exchange(&mut streams, &requests[..CONNECTIONS]);
    let before = server.cpu();
    for batch in requests.chunks(CONNECTIONS) {
        exchange(&mut streams, batch);
    }
    server.cpu().saturating_sub(before).as_secs_f64() * 1e6 / requests.len() as f64
}

fn exchange(streams: &mut [TcpStream], batch: &[Vec<u8>]) {
    for (stream, request) in streams.iter_mut().zip(batch) {
        stream.write_all(request).unwrap();
    }
    let mut answer = [0; 4096];
    for (stream, _) in streams.iter_mut().zip(batch) {
        let mut seen = 0;
        // An answer of either server ends with the only closing brace in it.
        while seen == 0 || answer[seen - 1] != b'}' {
            let n = stream.read(&mut answer[seen..]).unwrap();
            assert!(n > 0, "the server closed the connection");
            seen += n;
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer[..seen]));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let credential = Credential {
        access_key_id: KEY.to_owned(),
        secret_access_key: Secret::new(SECRET.to_owned()),
        session_token: None,
        account: "123456789012".to_owned(),
    };
    let strict = EmulatorConfig { credentials: vec![credential], allow_unsigned: false, ..EmulatorConfig::default() };
    let (bare, off, on) = (Server::bare(), Server::ours("off", EmulatorConfig::default()), Server::ours("on", strict));
    println!("CPU us a request on the server's thread; {REQUESTS} requests a round over {CONNECTIONS} connections");
    println!("round   bare    off     on");
    let mut rows = Vec::new();
    for round in 0..=ROUNDS {
        let row = [("bare", &bare), ("off", &off), ("on", &on)].map(|(name, server)| measure(server, &requests(round, name)));
        // The first round only warms up.
        if round > 0 {
            println!("{round:5} {:6.2} {:6.2} {:6.2}", row[0], row[1], row[2]);
            rows.push(row);
        }
    }
    let [bare, off, on] = [0, 1, 2].map(|i| median(rows.iter().map(|row| row[i])));
    println!("median {bare:5.2} {off:6.2} {on:6.2}");
    let ratio = |i: usize| median(rows.iter().map(|row| row[i] / row[0]));
    println!("signatures off: {:.2}x bare hyper (target 1.3); on: {:.2}x (target 1.8)", ratio(1), ratio(2));
}
