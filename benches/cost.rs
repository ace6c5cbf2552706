//! What a call costs: CPU of the thread that makes it, for both transports; the rate that wire reaches; memory at 256 workers.
//!
//! `cargo bench --bench cost` runs all parts, `cargo bench --bench cost -- calls` (or `rate [SECONDS]`, `cap`, `memory`, `samples [N]`) one of
//! them. `calls sdk 20000` makes so many calls of one kind and nothing else: for perf and callgrind.
//!
//! - calls: 64 workers in a closed loop on one thread, plain HTTP over loopback, against a hyper server on another thread that answers
//!   the same bytes to everything. Rounds measure the clients one after the other, so that what the machine does besides falls on
//!   all of them; printed are medians, and the medians of each round's ratios. `bare` is hyper's pooled client with fixed, unsigned
//!   bytes whose answer nobody reads: what oha does. `loop` is the same call through livebench's whole closed driver, recording included.
//! - rate: `livebench run`, open model, 10,000/s through wire for 60 s, against the embedded emulator, files and all.
//! - cap: 1,000/s with `max_rate` at the same 1,000/s beside the same without; what governor, consulted, costs of the rate.
//! - memory: `livebench run` with 256 workers against an emulator in another process; the largest resident set.
//! - samples: ten thousand and ten million calls in virtual time, idempotency checked over all of them; the largest resident set.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::cell::Cell;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use livebench::client::bare::Bare;
use livebench::client::outcome::Outcome;
use livebench::client::request::CreateRequest;
use livebench::client::sdk::{Destination, Options, Sdk, Timeouts, resolve};
use livebench::client::wire::Wire;
use livebench::client::{Ask, Client};
use livebench::emulator::http::listen;
use livebench::load::{self, LoadLimits, LoadSession, LoadThread, RequestMix, Work as _, Workload};
use livebench::record::sample::Batch;
use livebench::scenario::{self, Scenario};
use livebench::units::Text64;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 7;
const WORKERS: u64 = 64;
const ANSWER: &[u8] = br#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}"#;

/// A server on a thread of its own, until the process ends.
fn server() -> SocketAddr {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener: TcpListener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
        });
    });
    told.recv().unwrap()
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert(HeaderName::from_static("x-amzn-requestid"), HeaderValue::from_static("03507c9b-1111-4222-8333-44445555aaaa"));
    Ok(response)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bare,
    Wire,
    WireLoop,
    Sdk,
    SdkLoop,
}

const KINDS: [(Kind, &str, u64); 5] = [
    (Kind::Bare, "bare", 60_000),
    (Kind::Wire, "wire", 60_000),
    (Kind::WireLoop, "wire loop", 60_000),
    (Kind::Sdk, "sdk", 24_000),
    (Kind::SdkLoop, "sdk loop", 24_000),
];

/// CPU time of this thread, in microseconds.
fn cpu_us() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

/// A full request, as an application would send it.
fn request() -> CreateRequest {
    let json = r#"{"KmsKeyId":"arn:aws:kms:us-east-1:123456789012:key/x","Settings":{"OutputConfig":{"S3Bucket":"livebench-bucket","S3KeyPrefix":"sessions/"},"AuditImagesLimit":4}}"#;
    serde_json::from_str(json).unwrap()
}

/// CPU microseconds a call of one kind, on a fresh thread with fresh connections.
fn measure(kind: Kind, calls: u64, address: SocketAddr) -> f64 {
    std::thread::spawn(move || {
        let endpoint = format!("http://{address}");
        if matches!(kind, Kind::WireLoop | Kind::SdkLoop) {
            return driven(kind, calls, &endpoint);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().event_interval(8).enable_all().build().unwrap();
        runtime.block_on(async {
            match kind {
                Kind::Bare => closed(&Bare::new(&endpoint).unwrap(), calls).await,
                Kind::Wire | Kind::WireLoop => {
                    closed(&Wire::new(&destination(&endpoint).await, &[request()]).unwrap(), calls).await
                }
                Kind::Sdk | Kind::SdkLoop => closed(&Sdk::new(&destination(&endpoint).await, &[request()]).unwrap(), calls).await,
            }
        })
    })
    .join()
    .unwrap()
}

async fn destination(endpoint: &str) -> Destination {
    let minute = Some(Duration::from_secs(60)); // what the command line asks for
    let options = Options {
        endpoint_url: Some(endpoint.to_owned()),
        region: Some("us-east-1".to_owned()),
        timeouts: Timeouts { connect: minute, read: minute },
        ..Options::default()
    };
    let destination = resolve(options).await.unwrap();
    destination.warm().await.unwrap();
    destination
}

/// Workers that call one after the other, and nothing else.
async fn closed<T: Client>(client: &T, calls: u64) -> f64 {
    let (left, token) = (Cell::new(WORKERS * 20), Cell::new(0u64));
    let round = async || {
        let worker = async || {
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                token.set(token.get() + 1);
                let fresh = Text64::cut(&format!("lb-0123456789abcdef-{:016x}", token.get()));
                assert_eq!(client.call(Ask { request: 0, token: Some(fresh) }).await.outcome, Outcome::Ok);
            }
        };
        (0..WORKERS).map(|_| worker()).collect::<FuturesUnordered<_>>().collect::<()>().await;
    };
    round().await; // connections, caches, the signing key
    left.set(calls);
    let before = cpu_us();
    round().await;
    (cpu_us() - before) / calls as f64
}

/// A closed scenario for the driver.
fn loop_scenario() -> Scenario {
    let text = format!(
        "name = \"cost\"\n[load]\nmodel = \"closed\"\nstages = [{{ for = \"60s\", workers = {WORKERS} }}]\n[[mix]]\nrequest = {{ KmsKeyId = \"arn:aws:kms:us-east-1:123456789012:key/x\", Settings = {{ AuditImagesLimit = 4, OutputConfig = {{ S3Bucket = \"livebench-bucket\", S3KeyPrefix = \"sessions/\" }} }} }}\n"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    scenario::load(file.path()).map_or_else(|_| panic!("the scenario is sound"), |(scenario, _)| scenario)
}

/// The same through the whole driver: script, gate, pacer and outbox; every sample is handed over and dropped.
fn driven(kind: Kind, calls: u64, endpoint: &str) -> f64 {
    let scenario = loop_scenario();
    let workload = Workload::of(&scenario).unwrap();
    let session = LoadSession::new(LoadLimits {
        max_calls: Some((calls, load::StopCause::BudgetCalls)),
        ..workload.limits(&scenario, false)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let destination = runtime.block_on(destination(endpoint));
    let requests = load::requests(&scenario);
    let work = move |thread: LoadThread| {
        let (sdk, wire) = (Sdk::new(&destination, &requests).unwrap(), Wire::new(&destination, &requests).unwrap());
        let work = workload.drive(RequestMix::new(&scenario, 1), |batch: &mut Batch| {
            batch.samples.clear();
            batch.seconds.clear();
            true
        });
        async move {
            if kind == Kind::SdkLoop {
                work.run(thread, &sdk).await;
            } else {
                work.run(thread, &wire).await;
            }
        }
    };
    let running = session.spawn(session.start(), work).unwrap();
    let ended = runtime.block_on(running.join()).unwrap();
    ended.threads[0].busy.as_secs_f64() * 1e6 / calls as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn calls() {
    let address = server();
    println!("CPU us a call on the client's thread: {WORKERS} connections, closed loop, {ROUNDS} interleaved rounds");
    println!("round {}", KINDS.map(|(_, name, _)| format!("{name:>10}")).concat());
    let mut rows = Vec::new();
    for round in 0..=ROUNDS {
        let row = KINDS.map(|(kind, _, calls)| measure(kind, calls, address));
        // The first round only warms up.
        if round > 0 {
            println!("{round:5} {}", row.map(|us| format!("{us:10.2}")).concat());
            rows.push(row);
        }
    }
    let of = |i: usize| median(rows.iter().map(|row| row[i]));
    println!("median{}", [0, 1, 2, 3, 4].map(|i| format!("{:10.2}", of(i))).concat());
    let ratio = |i: usize, k: usize| median(rows.iter().map(|row| row[i] / row[k]));
    println!("wire: {:.2}x bare; sdk: {:.2}x bare, {:.2}x wire", ratio(1, 0), ratio(3, 0), ratio(3, 1));
    println!("driver and recording on the load thread: {:.2} us a call (wire)", median(rows.iter().map(|row| row[2] - row[1])));
}

/// One kind alone, for a profiler.
fn calls_of(name: &str, calls: Option<u64>) {
    let Some((kind, _, usual)) = KINDS.into_iter().find(|(_, known, _)| *known == name) else {
        return println!("no such kind: {name}");
    };
    let calls = calls.unwrap_or(usual);
    println!("{name}: {:.2} us a call, {calls} calls", measure(kind, calls, server()));
}

fn livebench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livebench"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("AWS_CONFIG_FILE", "/nonexistent").env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    command
}

/// Runs a scenario's text and returns its summary and the largest resident set of the process in MB.
fn run(text: &str, arguments: &[&str]) -> (serde_json::Value, f64) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("scenario.toml");
    std::fs::write(&path, text).unwrap();
    let mut command = livebench();
    command.arg("run").arg(&path).arg("--out").arg(work.path().join("results")).args(["--live", "off", "--output", "json"]);
    let mut process = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", process.id());
    let out = process.stdout.take().unwrap();
    let reader = std::thread::spawn(move || serde_json::from_reader::<_, serde_json::Value>(out));
    let mut peak_mb = 0.0f64;
    while process.try_wait().unwrap().is_none() {
        let seen = std::fs::read_to_string(&status).unwrap_or_default();
        let kb = seen
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|v| v.trim().split(' ').next()?.parse::<f64>().ok());
        peak_mb = peak_mb.max(kb.unwrap_or(0.0) / 1000.0);
        std::thread::sleep(Duration::from_millis(50));
    }
    (reader.join().unwrap().unwrap(), peak_mb)
}

fn rate(seconds: u64) {
    println!("10,000/s through wire for {seconds} s on {} cores, the embedded emulator among them", cores());
    let text = format!(
        "name = \"rate\"\n[load]\ntransport = \"wire\"\nconcurrency = 1024\nstages = [{{ for = \"{seconds}s\", rate = 10000 }}]\n[emulator]\nquota = {{ kind = \"none\" }}\nlatency = \"5ms\"\n"
    );
    let (summary, peak_mb) = run(&text, &[]);
    println!("{}", serde_json::to_string_pretty(&summary["verdict"]).unwrap());
    println!("counts {}", serde_json::to_string(&serde_json::json!({ "scheduled": summary["counts"]["scheduled"], "ok": summary["counts"]["ok"], "missed": summary["counts"]["missed"], "errors": summary["counts"]["errors"] })).unwrap());
    println!("rates {}", summary["rates"]);
    println!("lateness {}", summary["latency"]["lateness"]["all"]);
    println!("own {}", summary["own"]);
    println!("largest resident set {peak_mb:.1} MB (emulator and files included)");
}

/// What the cap costs: the share of the calls that governor, asked for exactly the schedule's rate, does not let through.
fn cap() {
    println!("governor as a cap: 1,000/s for 10 s, through wire, with max_rate at the same rate and without");
    for cap in ["", "max_rate = 1000.0\n"] {
        let text = format!(
            "name = \"cap\"\n[load]\ntransport = \"wire\"\nconcurrency = 1024\n{cap}stages = [{{ for = \"10s\", rate = 1000 }}]\n[emulator]\nquota = {{ kind = \"none\" }}\n"
        );
        let (summary, _) = run(&text, &[]);
        let counts = &summary["counts"];
        println!(
            "{:14} sent {} of {}, capped {}, missed {}",
            cap.trim(),
            counts["sent"],
            counts["scheduled"],
            counts["capped"],
            counts["missed"]
        );
    }
}

/// Memory must not grow with the calls.
fn samples(most: u64) {
    println!("virtual time, 100/s, one call in ten repeats a token; the largest resident set, the emulator's model in it");
    let mut sets = Vec::new();
    for calls in [10_000, most] {
        let text = format!(
            "name = \"samples\"\n[load]\nconcurrency = 1024\nstages = [{{ for = \"{}s\", rate = 100 }}]\n[idempotency]\nreplay = 0.1\n[emulator]\nquota = {{ kind = \"none\" }}\nlatency = \"5ms\"\n",
            calls / 100
        );
        let (summary, peak_mb) = run(&text, &["--virtual-time"]);
        println!(
            "{calls:9} calls: {peak_mb:6.1} MB; sent {}, violations {}",
            summary["counts"]["sent"], summary["idempotency"]["violations"]
        );
        sets.push(peak_mb);
    }
    println!("grown by {:.1} MB", sets[1] - sets[0]);
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A figure of a closed run with so many workers against an emulator in another process.
fn memory() {
    let mut emulator = livebench()
        .args(["emulate", "--listen", "127.0.0.1:0", "--output", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(emulator.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let endpoint = serde_json::from_str::<serde_json::Value>(&line).unwrap()["endpoint"].as_str().unwrap().to_owned();
    for transport in ["sdk", "wire"] {
        for workers in [1, 256] {
            let text = format!(
                "name = \"memory\"\n[load]\nmodel = \"closed\"\ntransport = \"{transport}\"\nstages = [{{ for = \"5s\", workers = {workers} }}]\n"
            );
            let (summary, peak_mb) = run(&text, &["--endpoint-url", &endpoint]);
            println!(
                "{transport}, {workers:3} workers: largest resident set {peak_mb:5.1} MB after {} calls",
                summary["counts"]["sent"]
            );
        }
    }
    emulator.kill().unwrap();
    emulator.wait().unwrap();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wanted = arguments.first().map_or("all", String::as_str);
    if matches!(wanted, "all" | "calls") {
        match arguments.get(1) {
            Some(kind) => calls_of(kind, arguments.get(2).and_then(|calls| calls.parse().ok())),
            None => calls(),
        }
    }
    if matches!(wanted, "all" | "memory") {
        memory();
    }
    if matches!(wanted, "all" | "cap") {
        cap();
    }
    if matches!(wanted, "all" | "samples") {
        samples(arguments.get(1).and_then(|calls| calls.parse().ok()).unwrap_or(10_000_000));
    }
    if matches!(wanted, "all" | "rate") {
        rate(arguments.get(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(60));
    }
}
