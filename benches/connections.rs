//! Many and idle connections: 10,000 that say nothing, 1,000 that all call at once, and what that costs in memory.
//!
//! `cargo bench --bench connections`. The server is a process of its own, so that each side has its own file descriptors.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const IDLE: usize = 10_000;
const BUSY: usize = 1_000;
const CALLS: usize = 50;

const CALL: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: RekognitionService.CreateFaceLivenessSession\r\n\
    Content-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}";

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("emulator.toml");
        std::fs::write(&config, "[emulator]\nquota = { kind = \"none\" }\n").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_livebench"))
            .args(["emulate", "--listen", "127.0.0.1:0", "--output", "json", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = ready["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { child, address }
    }

    /// Resident memory in MiB, where the system tells it.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().map_or(f64::NAN, |kb| kb / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// One call; how long it took.
async fn call(stream: &mut TcpStream) -> Duration {
    let start = Instant::now();
    stream.write_all(CALL).await.unwrap();
    let (mut answer, mut seen) = ([0; 1024], 0);
    while seen == 0 || answer[seen - 1] != b'}' {
        let n = stream.read(&mut answer[seen..]).await.unwrap();
        assert!(n > 0, "the server closed the connection");
        seen += n;
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&answer[..seen]));
    start.elapsed()
}

/// Percentiles of sequential calls over one connection, in microseconds.
async fn alone(address: &str) -> String {
    let mut stream = connect(address).await;
    let mut times = Vec::new();
    for _ in 0..2000 {
        times.push(call(&mut stream).await);
    }
    percentiles(times)
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    format!("p50 {} us, p99 {} us, max {} us", at(50), at(99), at(100))
}

async fn busy(address: &str) -> (Duration, Vec<Duration>) {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..BUSY {
        let address = address.to_owned();
        tasks.spawn(async move {
            let mut stream = connect(&address).await;
            let mut times = Vec::new();
            for _ in 0..CALLS {
                times.push(call(&mut stream).await);
            }
            times
        });
    }
    let times = tasks.join_all().await.into_iter().flatten().collect();
    (start.elapsed(), times)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let server = Server::start();
    println!("start: {:.1} MiB; alone: {}", server.memory(), alone(&server.address).await);

    let mut idle = Vec::new();
    for n in 0..IDLE {
        let mut stream = connect(&server.address).await;
        // Some have called before, some have begun to, and some said nothing at all.
        match n % 3 {
            0 => drop(call(&mut stream).await),
            1 => stream.write_all(b"POST / HTTP/1.1\r\nHost").await.unwrap(),
            _ => {}
        }
        idle.push(stream);
    }
    println!("{IDLE} idle: {:.1} MiB; beside them, alone: {}", server.memory(), alone(&server.address).await);

    for _ in 0..3 {
        let (took, times) = busy(&server.address).await;
        let rate = times.len() as f64 / took.as_secs_f64();
        println!("{BUSY} at once: {rate:.0} calls/s, {}; {:.1} MiB", percentiles(times), server.memory());
    }
    drop(idle);
    println!("afterwards: {:.1} MiB; alone: {}", server.memory(), alone(&server.address).await);
}
