//! What the black-box tests share: the built binary, an emulator process, a server that says exactly what a test wants.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part of what is public here
#![allow(clippy::unwrap_used)] // clippy sees no test in a test's helper

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The built binary, deaf to whatever AWS settings the machine has.
pub fn livebench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livebench"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("NO_COLOR", "1");
    command
}

/// Whether a test may have a namespace of its own (`--net`, `--mount`), and these programs in it. Where not, the test says so on stderr and
/// ends. In the gate (`LIVEBENCH_GATE`, set by `.ci/run`) only the kernel's own refusal is a reason to go without.
pub fn gives_namespace(which: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| Command::new(program).arg("--version").output().is_err());
    let unshare = ["--user", "--map-root-user", which, "true"];
    let why = match (missing, Command::new("unshare").env("LC_ALL", "C").args(unshare).output()) {
        (None, Ok(output)) if output.status.success() => return true,
        (Some(program), _) => format!("there is no program {program}"),
        (None, Ok(output)) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        (None, Err(error)) => format!("unshare: {error}"),
    };
    // unshare(2): EPERM, EACCES (a security module), ENOSPC (user.max_user_namespaces), EINVAL (not built in).
    let refusals = ["Operation not permitted", "Permission denied", "No space left on device", "Invalid argument"];
    let refused = missing.is_none() && refusals.iter().any(|refusal| why.contains(refusal));
    assert!(refused || std::env::var_os("LIVEBENCH_GATE").is_none(), "the gate needs a namespace ({which}) here: {why}");
    // Straight to stderr: what a passing test prints otherwise is captured.
    let said = format!("not tried: {}: {why}\n", std::thread::current().name().unwrap_or_default());
    let _ = std::io::stderr().write_all(said.as_bytes());
    false
}

/// A finished run.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The run's directory, if it made one.
    pub dir: Option<PathBuf>,
}

impl Run {
    /// Runs `livebench run` on a scenario's text.
    pub fn of(scenario: &str, arguments: &[&str], adjust: impl FnOnce(&mut Command)) -> (Self, tempfile::TempDir) {
        let work = tempfile::tempdir().unwrap();
        let (path, out) = (work.path().join("scenario.toml"), work.path().join("results"));
        std::fs::write(&path, scenario).unwrap();
        let mut command = livebench();
        command.arg("run").arg(&path).arg("--out").arg(&out).args(arguments);
        adjust(&mut command);
        let output = command.output().unwrap();
        (Self::new(&output, &out), work)
    }

    fn new(output: &Output, out: &Path) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr), dir: only_entry(out) }
    }

    /// The run's directory; a run that made none fails the test with what it said.
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().unwrap_or_else(|| panic!("no run was made: {}", self.stderr))
    }

    /// The summary that it wrote.
    pub fn summary(&self) -> serde_json::Value {
        json(&self.dir().join("summary.json"))
    }

    /// The rows of samples.csv, by column.
    pub fn samples(&self) -> Vec<BTreeMap<String, String>> {
        samples(self.dir())
    }

    /// How many samples ended how.
    pub fn outcomes(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.samples() {
            *counts.entry(row["outcome"].clone()).or_default() += 1;
        }
        counts
    }
}

/// A row of samples.csv, by column.
pub type Row = BTreeMap<String, String>;

/// An instant of a row.
pub fn instant(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} in {row:?}"))
}

pub fn number(value: &serde_json::Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is not a count"))
}

/// The smallest value that at least `percent` of all do not exceed: a percentile by the nearest rank.
pub fn nearest_rank(mut values: Vec<u64>, percent: usize) -> u64 {
    values.sort_unstable();
    values[(values.len() * percent).div_ceil(100) - 1]
}

/// Ten seconds at 200/s; the service answers nothing from 4 s to 6 s.
pub const STALL: &str = "name = \"stall\"\n[load]\nconcurrency = 512\nstages = [ { for = \"10s\", rate = 200 } ]\n\
    [emulator]\nquota = { kind = \"none\" }\nlatency = \"10ms\"\nstalls = [ { at = \"4s\", for = \"2s\" } ]\n";

/// The rows of a run's samples.csv.
pub fn samples(dir: &Path) -> Vec<Row> {
    csv::Reader::from_path(dir.join("samples.csv")).unwrap().deserialize().map(Result::unwrap).collect()
}

fn only_entry(directory: &Path) -> Option<PathBuf> {
    std::fs::read_dir(directory).ok().and_then(|mut entries| entries.next()).map(|entry| entry.unwrap().path())
}

/// A file's JSON.
pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// An emulator's arrival log, without what came before the run's start.
pub fn arrivals(log: &Path, epoch: u64) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["epoch"] == epoch).collect()
}

/// `livebench report` on a run's directory.
pub fn report(dir: &Path, arguments: &[&str]) -> Output {
    livebench().arg("report").arg(dir).args(arguments).output().unwrap()
}

/// Looks again and again until there is something to see.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A run under way; killed when dropped.
pub struct Running {
    process: Child,
    work: tempfile::TempDir,
}

impl Running {
    /// Starts `livebench run` on a scenario's text.
    pub fn start(scenario: &str, arguments: &[&str]) -> Self {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("scenario.toml");
        std::fs::write(&path, scenario).unwrap();
        let process = livebench()
            .arg("run")
            .arg(&path)
            .arg("--out")
            .arg(work.path().join("results"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(work.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        Self { process, work }
    }

    /// Its directory, once it is there with all its files.
    pub fn dir(&self) -> PathBuf {
        eventually("the run's directory", || {
            only_entry(&self.work.path().join("results")).filter(|dir| dir.join("latency.hlog").exists())
        })
    }

    /// What it has said on stderr so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.work.path().join("stderr")).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(&mut self) -> ExitStatus {
        eventually("the end of the run", || self.process.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `livebench emulate` on a free port, until dropped.
pub struct Emulate {
    process: Child,
    pub endpoint: String,
}

impl Emulate {
    pub fn start(arguments: &[&str]) -> Self {
        let mut process = livebench()
            .args(["emulate", "--listen", "127.0.0.1:0", "--output", "json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        let endpoint = ready["endpoint"].as_str().unwrap().to_owned();
        Self { process, endpoint }
    }
}

impl Emulate {
    /// Stops it as a user would, so that its log is whole.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Emulate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a [`Server`] does with a request.
#[derive(Clone)]
pub enum Say {
    /// Status, content type and body; `{uuid}` in the body becomes a session id.
    Answer(u16, &'static str, &'static str),
    /// Nothing, for ever.
    Nothing,
    /// The connection is closed without an answer.
    Close,
}

/// A server that answers every request the same way and remembers what it was asked.
pub struct Server {
    pub address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    connections: usize,
    requests: Vec<String>,
}

impl Server {
    pub fn start(say: Say) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Heard::default())));
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (say, shared) = (say.clone(), Arc::clone(&shared));
                shared.lock().unwrap().connections += 1;
                std::thread::spawn(move || converse(stream.unwrap(), &say, &shared));
            }
        });
        Self { address, heard }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.heard.lock().unwrap().connections
    }

    /// Heads of the requests, lower case.
    pub fn requests(&self) -> Vec<String> {
        self.heard.lock().unwrap().requests.clone()
    }
}

fn converse(mut stream: TcpStream, say: &Say, heard: &Mutex<Heard>) {
    stream.set_nodelay(true).unwrap();
    while let Some(head) = read_head(&mut stream) {
        let number = {
            let mut heard = heard.lock().unwrap();
            heard.requests.push(head);
            heard.requests.len()
        };
        match say {
            Say::Close => return,
            Say::Nothing => {
                // Until the client has had enough.
                let _ = stream.read(&mut [0; 1]);
                return;
            }
            Say::Answer(status, content_type, body) => {
                let body = body.replace("{uuid}", &format!("00000000-0000-4000-8000-{number:012x}"));
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nx-amzn-RequestId: r-{number}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

/// One request's head in lower case, after its body was read too.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let request = read_request(stream)?;
    let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
    text.split_once("\r\n\r\n").map(|(head, _)| head.to_owned())
}

/// One request, head and body; `None` when the connection ends before.
pub fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some(end) = text.find("\r\n\r\n") else { continue };
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.trim().parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Some(bytes);
        }
    }
}

/// So many calls, one after the other, a hundredth of a second apart.
pub fn few_calls(calls: u32) -> String {
    format!(
        "name = \"few\"\n[load]\nconcurrency = 8\nstages = [{{ for = \"{}ms\", rate = 100 }}]\n[emulator]\nquota = {{ kind = \"none\" }}\n",
        calls * 10
    )
}
