//! How cost and memory grow with the calls of a run, in virtual time: with files, without, and when a run is reported and merged.
//!
//! `cargo bench --bench growth` runs all parts, `cargo bench --bench growth -- files [MOST]` (or `bare [MOST]`, `report [MOST]`, `merge [EACH]`,
//! `hour`) one of them. MOST is ten million calls where nothing is said, of `bare` a hundred million at most.
//!
//! - hour: an hour at 25/s, with files: the figure that is told elsewhere.
//! - files: `livebench run --virtual-time` at 250/s, files and all, of ten thousand calls and more.
//! - bare: the same driver on the same model, in this process's child; samples are counted and dropped.
//! - report: `livebench report` of such a run, from its rows alone: what it had concluded is removed first.
//! - merge: four shards of a run into one.
//!
//! CPU is user and system time of the process, memory its largest resident set. Where a call costs a quarter more than at a tenth of the calls,
//! or less, or memory grows by more than 2 MiB, a line names the knee and what lies there.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use livebench::client::model::ModelClient;
use livebench::emulator::model::Emulator;
use livebench::load::{self, LoadSession, RequestMix, Workload};
use livebench::record::recorder::Recorder;
use livebench::record::sample::Batch;
use livebench::scenario;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From how many calls on which cause lies behind a knee.
type Knees = [(u64, &'static str)];

/// Where a run is simulated.
const SIMULATED: &Knees = &[
    (10_000, "up to here a call shares the cost of beginning and ending a process: 10 to 20 ms of CPU"),
    (100_000, "the emulator's tables have filled: a life of 180 s at 250/s is 45,000 sessions and tokens"),
    (1_000_000, "of what grows with the seconds there are ten times as many: timeline, page, interval log"),
];

/// Where rows are read.
const READ: &Knees = &[
    (10_000, "up to here a call shares the cost of beginning and ending a process: 10 to 20 ms of CPU"),
    (100_000, "of what grows with the seconds there are ten times as many: timeline, page, interval log"),
];

/// What one process took.
#[derive(Clone, Copy)]
struct Taken {
    cpu: Duration,
    peak_kb: u64,
}

impl Taken {
    fn us_a_call(self, calls: u64) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / calls as f64
    }

    fn mib(self) -> f64 {
        self.peak_kb as f64 / 1024.0
    }
}

/// Runs a command to its end.
fn taken(command: &mut Command) -> Taken {
    // Of children that were waited for, in hundredths of a second.
    let children_ms = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        10 * (fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap())
    };
    let before = children_ms();
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", process.id());
    let mut peak_kb = 0;
    let ended = loop {
        if let Some(ended) = process.try_wait().unwrap() {
            break ended;
        }
        let seen = std::fs::read_to_string(&status).unwrap_or_default();
        let line = seen.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak_kb = peak_kb.max(line.and_then(|v| v.trim().split(' ').next()?.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(matches!(ended.code(), Some(0 | 1 | 3)), "{command:?} ended with {ended}");
    Taken { cpu: Duration::from_millis(children_ms() - before), peak_kb }
}

fn livebench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livebench"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("AWS_CONFIG_FILE", "/nonexistent").env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    command
}

fn text(calls: u64, rate: u64) -> String {
    format!(
        "name = \"growth\"\nseed = 7\n[load]\nconcurrency = 1024\nstages = [{{ for = \"{}s\", rate = {rate} }}]\n[emulator]\nquota = {{ kind = \"token-bucket\", rate = 600, burst = 60 }}\nlatency = {{ median = \"45ms\", p99 = \"160ms\" }}\n",
        calls / rate
    )
}

/// Runs `calls` calls below `work` and returns the run's directory.
fn run(work: &Path, calls: u64, rate: u64, more: &[&str]) -> (PathBuf, Taken) {
    let path = work.join("scenario.toml");
    std::fs::write(&path, text(calls, rate)).unwrap();
    let out = work.join(format!("results-{calls}-{}", more.concat().replace('/', "-")));
    let _ = std::fs::remove_dir_all(&out);
    let mut command = livebench();
    command.arg("run").arg(&path).arg("--out").arg(&out).args(["--virtual-time", "--quiet"]).args(more);
    let taken = taken(&mut command);
    let run = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    (run, taken)
}

fn decades(most: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(10_000u64), |calls| calls.checked_mul(10)).take_while(move |calls| *calls <= most)
}

/// A curve: a line a size, the knees between them, and the last line's ratio to the goals.
fn curve(name: &str, most: u64, goal: (f64, f64), knees: &Knees, measure: impl Fn(u64) -> Taken) {
    println!("\n{name}\n{:>12} {:>10} {:>10} {:>10}", "calls", "CPU s", "us a call", "peak MiB");
    let mut seen: Vec<(u64, Taken)> = Vec::new();
    for calls in decades(most) {
        let taken = measure(calls);
        println!("{calls:>12} {:>10.2} {:>10.2} {:>10.1}", taken.cpu.as_secs_f64(), taken.us_a_call(calls), taken.mib());
        if let Some((fewer, before)) = seen.last() {
            let ratio = taken.us_a_call(calls) / before.us_a_call(*fewer);
            let grown = taken.mib() - before.mib();
            if !(0.8..=1.25).contains(&ratio) || grown > 2.0 {
                let why = knees.iter().rev().find(|(from, _)| *from <= calls).map_or("", |(_, why)| why);
                println!("{:>12} knee: {ratio:.2}x a call, {grown:+.1} MiB; {why}", "");
            }
        }
        seen.push((calls, taken));
    }
    if let (Some((_, first)), Some((calls, last))) = (seen.first(), seen.last()) {
        let (us, mib) = goal;
        let (cost, grown) = (last.us_a_call(*calls), last.mib() - first.mib());
        println!("{calls} calls: {cost:.2} us a call, goal {us}, ratio {:.2}; grown by {grown:.1} MiB, goal {mib}", cost / us);
    }
}

fn hour() {
    let work = tempfile::tempdir().unwrap();
    let mut rounds: Vec<Taken> = (0..5).map(|_| run(work.path(), 90_000, 25, &[]).1).collect();
    rounds.sort_by_key(|taken| taken.cpu);
    let (median, calls) = (rounds[2], 90_000);
    println!("\nan hour at 25/s in virtual time, files and all, median of 5: {:.2} s of CPU", median.cpu.as_secs_f64());
    println!(
        "{:.2} us a call, goal 3, ratio {:.2}; {:.1} MiB",
        median.us_a_call(calls),
        median.us_a_call(calls) / 3.0,
        median.mib()
    );
}

/// Drives so many calls in this process, and keeps nothing but counts.
fn drive_bare(calls: u64) {
    let scenario = scenario::read("growth", &text(calls, 250), Path::new("")).map_err(|problems| problems.to_string()).unwrap();
    let workload = Workload::of(&scenario).unwrap();
    let session = LoadSession::new(workload.limits(&scenario, false));
    let mut recorder = Recorder::default();
    let work = workload.drive(RequestMix::new(&scenario, 0), |batch: &mut Batch| {
        batch.samples.drain(..).for_each(|sample| recorder.record(&sample));
        batch.seconds.clear();
        true
    });
    let emulator = Emulator::new(scenario.emulator.clone());
    let ended = session.simulate(work, |pacer| ModelClient::new(emulator, load::requests(&scenario), pacer.clone()));
    assert!(ended.is_some());
    assert_eq!(recorder.ended(), calls);
}

fn bare(most: u64) {
    let measure = |calls: u64| taken(Command::new(std::env::current_exe().unwrap()).args(["drive-bare", &calls.to_string()]));
    curve("virtual time at 250/s, without files", most, (1.0, 10.0), SIMULATED, measure);
}

fn files(most: u64) {
    let work = tempfile::tempdir().unwrap();
    curve("virtual time at 250/s, files and all", most, (3.0, 10.0), SIMULATED, |calls| run(work.path(), calls, 250, &[]).1);
}

fn report(most: u64) {
    let work = tempfile::tempdir().unwrap();
    curve("report of a run, from its rows alone", most, (1.0, 75.0), READ, |calls| {
        let (dir, _) = run(work.path(), calls, 250, &[]);
        for name in ["summary.json", "summary.md", "report.html"] {
            std::fs::remove_file(dir.join(name)).unwrap();
        }
        let taken = taken(livebench().arg("report").arg(&dir));
        std::fs::remove_dir_all(&dir).unwrap();
        taken
    });
}

fn merge(each: u64) {
    let work = tempfile::tempdir().unwrap();
    let mut command = livebench();
    command.arg("merge").arg("--out").arg(work.path().join("merged"));
    for shard in ["0/4", "1/4", "2/4", "3/4"] {
        command.arg(run(work.path(), 4 * each, 1000, &["--start-at", "2026-11-27T00:00:00Z", "--shard", shard]).0);
    }
    let taken = taken(&mut command);
    let cpu = taken.cpu.as_secs_f64();
    println!("\nmerge of 4 x {each} calls: {cpu:.2} s of CPU, goal 5, ratio {:.2}; {:.1} MiB, goal 100", cpu / 5.0, taken.mib());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wanted = arguments.first().map_or("all", String::as_str);
    let number = |otherwise: u64| arguments.get(1).and_then(|calls| calls.parse().ok()).unwrap_or(otherwise);
    let most = number(10_000_000);
    match wanted {
        "drive-bare" => drive_bare(most),
        "hour" => hour(),
        "files" => files(most),
        "bare" => bare(most),
        "report" => report(most),
        "merge" => merge(number(1_000_000)),
        _ => {
            hour();
            bare(most);
            files(most);
            report(most);
            merge(1_000_000);
        }
    }
}
