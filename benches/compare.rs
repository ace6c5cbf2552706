//! How often `compare` is wrong, what it finds, and what it costs; with the rules of latte and rlt on the same pairs.
//!
//! `cargo bench --bench compare` makes its runs in virtual time: the shipped driver against the emulator's model, 60 s at 100/s, log-normal
//! service times, another seed for every run. `-- --pairs N` sets the number of pairs (200), `-- --real N` makes N pairs in real time
//! instead, through the built binary, base and new in turn. `-- --hour` measures two runs of an hour alone.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use livebench::compare::{Settings, Subject, Verdict, compare};
use livebench::emulator::model::Emulator;
use livebench::load::{self, Gate, Limits, Outbox, Pacer, Part, Script, drive_open};
use livebench::record::calls::{Call, Calls};
use livebench::record::sample::Batch;
use livebench::results::RunDir;
use livebench::scenario::{self, Model as LoadModel, Scenario};
use livebench::schedule::Schedule;
use livebench::stats::batch;
use livebench::stats::draw::{Stream, normal};
use livebench::stats::student;
use livebench::target::model::Model;
use livebench::target::outcome::{Class, Outcome};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A comparison of equals, or of what is not equal.
struct Case {
    name: &'static str,
    base: (&'static str, &'static str),
    new: (&'static str, &'static str),
}

const EQUAL: (&str, &str) = ("45ms", "160ms");

const CASES: [Case; 4] = [
    Case { name: "A/A", base: EQUAL, new: EQUAL },
    Case { name: "A/B median +5 % (p99 as before)", base: EQUAL, new: ("47.25ms", "160ms") },
    Case { name: "A/B every time +5 %", base: EQUAL, new: ("47.25ms", "168ms") },
    Case { name: "A/B p99 +10 % (median as before)", base: EQUAL, new: ("45ms", "176ms") },
];

fn text(latency: (&str, &str), length: &str) -> String {
    let (median, p99) = latency;
    format!(
        "name = \"pair\"\n[load]\nconcurrency = 1000\nstages = [ {{ for = \"{length}\", rate = 100 }} ]\n\
         [emulator]\nquota = {{ kind = \"none\" }}\nlatency = {{ median = \"{median}\", p99 = \"{p99}\" }}\n"
    )
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    if let [_, flag, base, new] = &arguments[..]
        && flag == "--measure"
    {
        return measure(Path::new(base), Path::new(new));
    }
    if let Some(pairs) = number("--real") {
        return real(pairs);
    }
    if !arguments.iter().any(|a| a == "--hour") {
        let pairs = number("--pairs").unwrap_or(200);
        virtual_pairs(pairs);
        dependent_pairs(pairs);
    }
    hour();
}

/// How often each rule said what.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, [u64; 4]>);

impl Tally {
    fn add(&mut self, rule: &'static str, verdict: Verdict) {
        let place = match verdict {
            Verdict::Improved => 0,
            Verdict::Regressed => 1,
            Verdict::Unchanged => 2,
            Verdict::Inconclusive | Verdict::Incomparable => 3,
        };
        self.0.entry(rule).or_default()[place] += 1;
    }

    fn pair(&mut self, base: &(Subject, Calls), new: &(Subject, Calls)) {
        let comparison = compare(std::slice::from_ref(base), std::slice::from_ref(new), &Settings::default());
        self.add("livebench", comparison.verdict);
        for (rule, metric) in [
            ("  response.geomean", "response.geomean"),
            ("  response.spread", "response.spread"),
            ("  response.p50", "response.p50"),
            ("  response.p99", "response.p99"),
        ] {
            let line = comparison.metrics.iter().find(|m| m.name == metric).unwrap();
            self.add(rule, line.verdict);
        }
        self.add("latte", latte(&base.1, &new.1));
        self.add("rlt", rlt(&base.1, &new.1));
    }

    fn print(&self, name: &str, pairs: u64) {
        println!("\n{name}, {pairs} pairs of 60 s at 100/s");
        println!("  {:<20} {:>9} {:>9} {:>9} {:>12}", "rule", "improved", "regressed", "unchanged", "inconclusive");
        for rule in ["livebench", "  response.geomean", "  response.spread", "  response.p50", "  response.p99", "latte", "rlt"] {
            let [improved, regressed, unchanged, inconclusive] = self.0.get(rule).copied().unwrap_or_default();
            println!("  {rule:<20} {improved:>9} {regressed:>9} {unchanged:>9} {inconclusive:>12}");
        }
    }
}

fn virtual_pairs(pairs: u64) {
    for (number, case) in (0u64..).zip(&CASES) {
        let mut tally = Tally::default();
        for pair in 0..pairs {
            let seed = (number * pairs + pair) * 2 + 1;
            tally.pair(&virtual_run(case.base, seed), &virtual_run(case.new, seed + 1));
        }
        tally.print(case.name, pairs);
    }
}

/// A run in virtual time: the shipped driver on the emulator's model.
fn virtual_run(latency: (&str, &str), seed: u64) -> (Subject, Calls) {
    let mut scenario: Scenario = scenario::read("pair.toml", &text(latency, "60s"), Path::new(".")).unwrap();
    scenario.reseed(seed);
    let LoadModel::Open(open) = &scenario.load.model else { unreachable!("the scenario above is open") };
    let schedule = Schedule::new(&open.stages, open.arrivals, scenario.seed).unwrap();
    let pacer = Pacer::virtual_time();
    let gate = Gate::new(Limits { concurrency: open.concurrency, max_rate: None, max_calls: None, stop_on_denied: false });
    let model = Model::new(Emulator::new(scenario.emulator.clone()), load::requests(&scenario), pacer.clone());
    let mut calls = Calls::default();
    let outbox = Outbox::new(0, |batch: &mut Batch| {
        for sample in batch.samples.drain(..) {
            let times = sample.times();
            let us = |us: u64| u32::try_from(us).unwrap_or(u32::MAX);
            calls.push(Call {
                due_us: u64::try_from(sample.due.as_micros()).unwrap(),
                lateness_us: times.map_or(0, |t| us(t.lateness_us)),
                service_us: times.map_or(0, |t| us(t.service_us)),
                outcome: sample.outcome(),
            });
        }
        batch.seconds.clear();
        true
    });
    let part = Part { schedule: &schedule, core: 0, cores: 1, overflow: open.overflow };
    let script = Script::new(&scenario, 0);
    load::run_virtual(&pacer, drive_open(part, &model, &pacer, &gate, script, outbox)).unwrap();
    calls.sort();
    assert_eq!(calls.len(), 6000);
    (Subject { name: format!("run-{seed}"), seed, ..Subject::default() }, calls)
}

/// Service times whose neighbours depend on each other: log-normal, a slow part of the variance with a time of correlation.
struct Dependent {
    name: &'static str,
    /// Share of the variance of the logarithm that is slow.
    slow: f64,
    /// Calls over which it is correlated.
    calls: f64,
    /// Correlation of the fast part from call to call.
    fast: f64,
}

const DEPENDENT: [Dependent; 3] = [
    Dependent { name: "A/A, neighbours correlated 0.3", slow: 0.0, calls: 1.0, fast: 0.3 },
    Dependent { name: "A/A, 5 % of the variance drifts over 1 s", slow: 0.05, calls: 100.0, fast: 0.0 },
    Dependent { name: "A/A, 5 % of the variance drifts over 5 s", slow: 0.05, calls: 500.0, fast: 0.0 },
];

fn dependent_pairs(pairs: u64) {
    for case in &DEPENDENT {
        let mut tally = Tally::default();
        for pair in 0..pairs {
            tally.pair(&dependent_run(case, pair * 2 + 1), &dependent_run(case, pair * 2 + 2));
        }
        tally.print(case.name, pairs);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some milliseconds
fn dependent_run(case: &Dependent, seed: u64) -> (Subject, Calls) {
    let sigma = (160.0f64 / 45.0).ln() / 2.326_348;
    let rho = (-1.0 / case.calls).exp();
    let (mut fast, mut slow) = (normal(seed, Stream::Spike, 0), normal(seed, Stream::Fault, 0));
    let calls = (0..6000u64).map(|i| {
        fast = case.fast * fast + (1.0 - case.fast * case.fast).sqrt() * normal(seed, Stream::Spike, i + 1);
        slow = rho * slow + (1.0 - rho * rho).sqrt() * normal(seed, Stream::Fault, i + 1);
        let z = (1.0 - case.slow).sqrt() * fast + case.slow.sqrt() * slow;
        Call { due_us: i * 10_000, lateness_us: 0, service_us: (45_000.0 * (sigma * z).exp()) as u32, outcome: Outcome::Ok }
    });
    (Subject { name: format!("run-{seed}"), seed, ..Subject::default() }, calls.collect())
}

fn responses(calls: &Calls) -> Vec<f64> {
    calls.of_class(Class::Ok).map(|call| f64::from(call.response_us())).collect()
}

fn quantile(sorted: &[f64], p: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in a slice
    let place = ((sorted.len() - 1) as f64 * p).round() as usize;
    sorted[place]
}

/// latte's rule, as its `compare` colours a change: Welch's t test on a mean or a percentile at 1 %, each line on its own. The errors are
/// made for the effective number of calls that batch means give; a percentile's is that of order statistics, to which its bootstrap
/// converges. Mean, p50, p90, p95 and p99 of the response; throughput is the same by the schedule.
fn latte(base: &Calls, new: &Calls) -> Verdict {
    let sides = [base, new].map(|calls| {
        let series = responses(calls);
        let n = series.len() as f64;
        let plain = batch::plain_variance(&series);
        let effective = n * plain / batch::batched_variance(&series, series.len() / 64).unwrap_or(plain).max(plain);
        let mut sorted = series.clone();
        sorted.sort_by(f64::total_cmp);
        let percentile = |p: f64| {
            let step = (p * (1.0 - p) / effective).sqrt();
            let error = (quantile(&sorted, (p + step).min(1.0)) - quantile(&sorted, p - step)) / 2.0;
            (quantile(&sorted, p), error, effective)
        };
        let mean = (batch::mean(&series), (plain * n / effective).sqrt(), effective);
        [mean, percentile(0.5), percentile(0.9), percentile(0.95), percentile(0.99)]
    });
    let mut verdict = Verdict::Unchanged;
    for ((a, e, n), (b, f, m)) in sides[0].iter().zip(&sides[1]) {
        let squares = e * e + f * f;
        let freedom = squares * squares / (e.powi(4) / (n - 1.0) + f.powi(4) / (m - 1.0));
        if student::two_sided((b - a) / squares.sqrt(), freedom) <= 0.01 {
            verdict = if b > a || verdict == Verdict::Regressed { Verdict::Regressed } else { Verdict::Improved };
        }
    }
    verdict
}

/// rlt's rule (its RFC 0001): mean, p90, p99, rate and success ratio; a change above 1 % counts; regressed if one is worse ("mixed" fails
/// the gate as a regression does).
fn rlt(base: &Calls, new: &Calls) -> Verdict {
    let sides = [base, new].map(|calls| {
        let mut sorted = responses(calls);
        let mean = batch::mean(&sorted);
        sorted.sort_by(f64::total_cmp);
        [mean, quantile(&sorted, 0.9), quantile(&sorted, 0.99)]
    });
    let changes: Vec<f64> = sides[0].iter().zip(&sides[1]).map(|(a, b)| b / a - 1.0).collect();
    if changes.iter().any(|c| *c > 0.01) {
        Verdict::Regressed
    } else if changes.iter().any(|c| *c < -0.01) {
        Verdict::Improved
    } else {
        Verdict::Unchanged
    }
}

fn livebench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livebench"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Makes a run with the built binary, and gives its directory.
fn recorded(work: &Path, name: &str, scenario: &str, seed: u64, extra: &[&str]) -> PathBuf {
    let (file, out) = (work.join(format!("{name}.toml")), work.join(name));
    std::fs::write(&file, scenario).unwrap();
    let status = livebench()
        .arg("run")
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .args(["--quiet", "--seed", &seed.to_string()])
        .args(extra)
        .status();
    assert!(status.unwrap().code().is_some_and(|code| code != 2), "{name} could not run");
    let mut entries = std::fs::read_dir(&out).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// Pairs in real time, base and new in turn, over HTTP against the embedded emulator.
fn real(pairs: u64) {
    for case in [&CASES[0], &CASES[2]] {
        let mut tally = Tally::default();
        for pair in 0..pairs {
            let work = tempfile::tempdir().unwrap();
            let run = |name: &str, latency, seed| {
                let dir = RunDir::open(&recorded(work.path(), name, &text(latency, "60s"), seed, &[])).unwrap();
                (Subject { name: name.to_owned(), seed, ..Subject::default() }, dir.calls().unwrap())
            };
            tally.pair(&run("base", case.base, pair * 2 + 1), &run("new", case.new, pair * 2 + 2));
        }
        tally.print(&format!("real time, {}", case.name), pairs);
    }
}

/// Time and memory of comparing two runs of an hour at 100/s, in a process of its own.
fn hour() {
    let work = tempfile::tempdir().unwrap();
    let [base, new] =
        [("base", 1), ("new", 2)].map(|(name, seed)| recorded(work.path(), name, &text(EQUAL, "1h"), seed, &["--virtual-time"]));
    let size = std::fs::metadata(base.join("samples.csv")).unwrap().len();
    println!("\ntwo runs of an hour at 100/s (360000 calls, {} MiB of samples.csv each)", size >> 20);
    let mut command = Command::new(std::env::current_exe().unwrap());
    assert!(command.arg("--measure").arg(&base).arg(&new).status().unwrap().success());
    let begun = Instant::now();
    let status = livebench().arg("compare").arg(&base).arg(&new).status().unwrap();
    println!("  livebench compare: {:.2} s, exit code {}", begun.elapsed().as_secs_f64(), status.code().unwrap());
}

fn measure(base: &Path, new: &Path) {
    let begun = Instant::now();
    let read = |dir: &Path| (Subject::default(), RunDir::open(dir).unwrap().calls().unwrap());
    let sides = (read(base), read(new));
    let read = begun.elapsed();
    let comparison = compare(&[sides.0], &[sides.1], &Settings::default());
    let compared: Duration = begun.elapsed().saturating_sub(read);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("unknown", str::trim);
    println!(
        "  read {:.2} s, compared {:.2} s, peak memory {peak}: {}",
        read.as_secs_f64(),
        compared.as_secs_f64(),
        comparison.verdict
    );
}
