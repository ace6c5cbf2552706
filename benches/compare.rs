//! How often `compare` is wrong, what it finds, and what it costs; with the rules of latte and rlt on the same pairs.
//!
//! `cargo bench --bench compare` makes its runs in virtual time: the shipped driver against the emulator's model, 60 s at 100/s, log-normal
//! service times, another seed for every run. `-- --pairs N` sets the number of pairs (200), `--seed N` the first seed (1). `-- --real N`
//! makes N pairs in real time instead (4 s at 400/s), through the built binary over HTTP, base and new in turn, and shows how far runs lie
//! apart. `-- --hour` measures two runs of an hour alone, `-- --recipe N` how often N repetitions of the recipe for CI (five runs a side, in turn,
//! Poisson arrivals, another seed for each, in virtual time) say what.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use livebench::client::model::ModelClient;
use livebench::client::outcome::{Class, Outcome};
use livebench::compare::{ChangeVerdict, CompareSettings, Subject, compare};
use livebench::emulator::model::Emulator;
use livebench::load::{self, LoadSession, RequestMix, Workload};
use livebench::record::calls::{Call, Calls};
use livebench::record::sample::Batch;
use livebench::results::RunDir;
use livebench::scenario::{self, Scenario};
use livebench::stats::batch;
use livebench::stats::draw::{Stream, exponential, normal, unit};
use livebench::stats::student;
use livebench::summary::{Stop, planned_us};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A comparison of equals, or of what is not equal.
struct Case {
    name: &'static str,
    base: (&'static str, &'static str),
    new: (&'static str, &'static str),
    /// By what the slowest tenth of the new side is slower.
    upper: f64,
}

const EQUAL: (&str, &str) = ("45ms", "160ms");

const fn case(name: &'static str, new: (&'static str, &'static str), upper: f64) -> Case {
    Case { name, base: EQUAL, new, upper }
}

const CASES: [Case; 5] = [
    case("A/A", EQUAL, 0.0),
    case("A/B median +5 % (p99 as before)", ("47.25ms", "160ms"), 0.0),
    case("A/B every time +5 %", ("47.25ms", "168ms"), 0.0),
    case("A/B p99 +10 % (log-normal, median as before)", ("45ms", "176ms"), 0.0),
    case("A/B p99 +10 % (the slowest tenth 10 % slower, all else as before)", EQUAL, 0.1),
];

const REAL: [Case; 2] = [case("A/A", EQUAL, 0.0), case("A/B every time +10 %", ("49.5ms", "176ms"), 0.0)];

/// Seconds and calls per second of a run.
const VIRTUAL: (&str, u32) = ("60s", 100);
const SHORT: (&str, u32) = ("4s", 400);

fn text(latency: (&str, &str), (length, rate): (&str, u32)) -> String {
    let (median, p99) = latency;
    format!(
        "name = \"pair\"\n[load]\nconcurrency = 1000\nstages = [ {{ for = \"{length}\", rate = {rate} }} ]\n\
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
    if let Some(repetitions) = number("--recipe") {
        return recipe(repetitions, number("--seed").unwrap_or(1));
    }
    if let Some(pairs) = number("--real") {
        return real(pairs);
    }
    if !arguments.iter().any(|a| a == "--hour") {
        let (pairs, first) = (number("--pairs").unwrap_or(200), number("--seed").unwrap_or(1));
        virtual_pairs(pairs, first);
        bounds();
        dependent_pairs(pairs, first);
        throttled_pairs(pairs, first);
    }
    hour();
}

const RULES: [&str; 9] = [
    "livebench",
    "  response.geomean",
    "  response.spread",
    "  .slowest_tenth",
    "  response.p50",
    "  response.p99",
    "  throttled.quota",
    "latte",
    "rlt",
];

/// How often each rule said what.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, [u64; 4]>);

impl Tally {
    fn add(&mut self, rule: &'static str, verdict: ChangeVerdict) {
        let place = match verdict {
            ChangeVerdict::Improved => 0,
            ChangeVerdict::Regressed => 1,
            ChangeVerdict::Unchanged => 2,
            ChangeVerdict::Inconclusive | ChangeVerdict::Incomparable => 3,
        };
        self.0.entry(rule).or_default()[place] += 1;
    }

    fn pair(&mut self, base: &(Subject, Calls), new: &(Subject, Calls)) {
        self.ours(base, new);
        self.add("latte", latte(&base.1, &new.1));
        self.add("rlt", rlt(&base.1, &new.1));
    }

    fn ours(&mut self, base: &(Subject, Calls), new: &(Subject, Calls)) {
        let comparison = compare(std::slice::from_ref(base), std::slice::from_ref(new), &CompareSettings::default());
        self.add("livebench", comparison.verdict);
        for (rule, metric) in [
            ("  response.geomean", "response.geomean"),
            ("  response.spread", "response.spread"),
            ("  .slowest_tenth", "response.slowest_tenth"),
            ("  response.p50", "response.p50"),
            ("  response.p99", "response.p99"),
            ("  throttled.quota", "throttled.quota"),
        ] {
            let line = comparison.metrics.iter().find(|m| m.name == metric).unwrap();
            self.add(rule, line.verdict);
        }
    }

    fn print(&self, name: &str, pairs: u64, (length, rate): (&str, u32)) {
        println!("\n{name}, {pairs} pairs of {length} at {rate}/s");
        println!("  {:<20} {:>9} {:>9} {:>9} {:>12}", "rule", "improved", "regressed", "unchanged", "inconclusive");
        for rule in RULES {
            let Some([improved, regressed, unchanged, inconclusive]) = self.0.get(rule) else { continue };
            println!("  {rule:<20} {improved:>9} {regressed:>9} {unchanged:>9} {inconclusive:>12}");
        }
    }
}

fn virtual_pairs(pairs: u64, first: u64) {
    for (number, case) in (0u64..).zip(&CASES) {
        let mut tally = Tally::default();
        for pair in 0..pairs {
            let seed = (number * pairs + pair) * 2 + first;
            tally.pair(&virtual_run(case.base, seed, 0.0), &virtual_run(case.new, seed + 1, case.upper));
        }
        tally.print(case.name, pairs, VIRTUAL);
    }
}

/// The recipe for CI: as it is shipped (`scenarios/ci.toml`, 240 calls a run), with 6000 calls a run, and with a service that is 20 % slower.
fn recipe(repetitions: u64, first: u64) {
    let shipped = include_str!("../scenarios/ci.toml").to_owned();
    let long = shipped
        .replace("{ for = \"12s\", rate = 20 }", "{ for = \"60s\", rate = 100 }")
        .replace("rate = 40, burst = 40", "rate = 400, burst = 400");
    assert_ne!(shipped, long);
    let slower = long.replace("median = \"45ms\", p99 = \"160ms\"", "median = \"54ms\", p99 = \"192ms\"");
    assert_ne!(long, slower);
    let cases = [
        ("equal builds, as shipped", &shipped, &shipped),
        ("equal builds, 60 s at 100/s", &long, &long),
        ("20 % slower, 60 s at 100/s", &long, &slower),
    ];
    println!("five runs a side, in turn, Poisson arrivals, another seed for each, {repetitions} repetitions");
    println!("  {:<28} {:>9} {:>9} {:>9} {:>12}", "case", "improved", "regressed", "unchanged", "inconclusive");
    for (name, base, new) in cases {
        let mut tally = Tally::default();
        for repetition in 0..repetitions {
            let seed = |run: u64| first + 10 * repetition + run;
            let side = |text: &str, turn: u64| (0..5).map(|round| driven(text, seed(2 * round + turn))).collect::<Vec<_>>();
            tally.add("livebench", compare(&side(base, 0), &side(new, 1), &CompareSettings::default()).verdict);
        }
        let [improved, regressed, unchanged, inconclusive] = tally.0["livebench"];
        println!("  {name:<28} {improved:>9} {regressed:>9} {unchanged:>9} {inconclusive:>12}");
    }
}

/// A run in virtual time whose slowest tenth is slower by a share of `upper`.
fn virtual_run(latency: (&str, &str), seed: u64, upper: f64) -> (Subject, Calls) {
    let (subject, calls) = driven(&text(latency, VIRTUAL), seed);
    assert_eq!(calls.len(), 6000);
    let slower = |call: Call| Call { service_us: slowed(call.service_us, upper), ..call };
    (subject, calls.iter().map(slower).collect())
}

/// A run in virtual time: the shipped driver on the emulator's model.
fn driven(text: &str, seed: u64) -> (Subject, Calls) {
    let mut scenario: Scenario = scenario::read("pair.toml", text, Path::new(".")).unwrap();
    scenario.reseed(seed);
    let workload = Workload::of(&scenario).unwrap();
    let mut calls = Calls::default();
    let take = |batch: &mut Batch| {
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
    };
    let session = LoadSession::new(workload.limits(&scenario, false));
    let model = |pacer: &load::Pacer| {
        ModelClient::new(Emulator::new(scenario.emulator.clone()), load::requests(&scenario), pacer.clone())
    };
    session.simulate(workload.drive(RequestMix::new(&scenario, 0), take), model).unwrap();
    calls.sort();
    let planned_us = planned_us(&scenario, Stop::Completed);
    (Subject { name: format!("run-{seed}"), seed, planned_us, ..Subject::default() }, calls)
}

/// Standard deviation of the logarithm of the times in [`EQUAL`], and where their slowest tenth begins.
fn sigma() -> f64 {
    (160.0f64 / 45.0).ln() / Z99
}

const Z99: f64 = 2.326_348;
const Z90: f64 = 1.281_552;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some milliseconds
fn slowed(us: u32, upper: f64) -> u32 {
    let slow = f64::from(us) > 45_000.0 * (Z90 * sigma()).exp();
    if slow { (f64::from(us) * (1.0 + upper)) as u32 } else { us }
}

/// What so many calls can tell of a p99 at all, printed beside what was found.
///
/// No estimator that assumes nothing of the distribution has a smaller error than the sample's percentile (van der Vaart: Asymptotic
/// Statistics, 1998, chapter 25); the other bound is that of one who knew that times are log-normal.
fn bounds() {
    let density = (-Z99 * Z99 / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let shift = 1.1f64.ln();
    println!("\nwhat 6000 calls a side can tell of a p99 that is 10 % larger (alone, at 1 %)");
    let rows = [
        ("nothing assumed: p (1 - p) / f^2", sigma() * (0.01f64 * 0.99).sqrt() / density),
        ("known to be log-normal", sigma() * (1.0 + Z99 * Z99 / 2.0).sqrt()),
    ];
    for (name, root) in rows {
        let error = root * (2.0f64 / 6000.0).sqrt();
        let found = 1.0 - student::two_sided(shift / error - student::critical(0.99, 1e9), 1e9) / 2.0;
        let found = if shift / error > student::critical(0.99, 1e9) { found } else { 1.0 - found };
        let needed = 2.0 * (root * (student::critical(0.99, 1e9) + 1.644_854) / shift).powi(2);
        println!(
            "  {name:<34} error of the change {:.1} %, the shift is {:.2} of it, found in {:.0} %; 95 % takes {needed:.0} calls a side",
            100.0 * error,
            shift / error,
            100.0 * found
        );
    }
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

const DEPENDENT: [Dependent; 5] = [
    Dependent { name: "A/A, neighbours correlated 0.3", slow: 0.0, calls: 1.0, fast: 0.3 },
    Dependent { name: "A/A, 5 % of the variance drifts over 1 s", slow: 0.05, calls: 100.0, fast: 0.0 },
    Dependent { name: "A/A, 5 % of the variance drifts over 5 s", slow: 0.05, calls: 500.0, fast: 0.0 },
    Dependent { name: "A/A, 2 % of the variance drifts over 5 s", slow: 0.02, calls: 500.0, fast: 0.0 },
    Dependent { name: "A/A, 5 % of the variance drifts over 20 s, a third of the run", slow: 0.05, calls: 2000.0, fast: 0.0 },
];

fn dependent_pairs(pairs: u64, first: u64) {
    for case in &DEPENDENT {
        let mut tally = Tally::default();
        for pair in 0..pairs {
            let seed = pair * 2 + first;
            tally.pair(&dependent_run(case, seed), &dependent_run(case, seed + 1));
        }
        tally.print(case.name, pairs, VIRTUAL);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some milliseconds
fn dependent_run(case: &Dependent, seed: u64) -> (Subject, Calls) {
    let sigma = sigma();
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

/// How calls are refused: 60 s at 100/s, or as a ramp from 5/s to 100/s, against a token bucket of `burst` that fills with `quota`, and
/// with storms that refuse half of the calls.
#[derive(Clone, Copy)]
struct Refused {
    ramp: bool,
    quota: f64,
    burst: f64,
    /// Seconds that a storm takes, in the mean; 30 s lie between two.
    storm: f64,
    /// Share of the calls that are refused in the last quarter.
    late: f64,
}

const NEVER: Refused = Refused { ramp: false, quota: 1e9, burst: 60.0, storm: 0.0, late: 0.0 };

/// Ours alone: the other two rules are re-implemented for times.
fn throttled_pairs(pairs: u64, first: u64) {
    let ramp = Refused { ramp: true, quota: 60.0, ..NEVER };
    let storms = Refused { storm: 5.0, ..NEVER };
    let cases = [
        ("A/A, storms of 5 s refuse half of the calls", storms, storms),
        ("A/A, a ramp beyond a quota of 60/s", ramp, ramp),
        ("A/B, a ramp beyond a quota of 60/s, then of 50/s", ramp, Refused { quota: 50.0, ..ramp }),
        (
            "A/B, a quota of 200/s, then of 90/s that bites once its burst is used up",
            Refused { quota: 200.0, ..NEVER },
            Refused { quota: 90.0, ..NEVER },
        ),
        ("A/B, never refused, then a third of the last quarter", NEVER, Refused { late: 0.33, ..NEVER }),
    ];
    for (name, base, new) in cases {
        let mut tally = Tally::default();
        for pair in 0..pairs {
            let seed = pair * 2 + first;
            tally.ours(&refused_run(base, seed), &refused_run(new, seed + 1));
        }
        tally.print(name, pairs, VIRTUAL);
    }
}

/// A run with independent times and throttled calls.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some milliseconds
fn refused_run(of: Refused, seed: u64) -> (Subject, Calls) {
    const PAUSE: f64 = 30.0;
    let (mut calls, mut i, mut at) = (Calls::default(), 0u64, 0.0f64);
    let (mut tokens, mut storms, mut turns) = (of.burst, false, 0u64);
    let mut turn = 0.0;
    while at < 60.0 {
        while of.storm > 0.0 && at >= turn {
            // The first turn is whatever it would be at a random time.
            storms = if turns == 0 { unit(seed, Stream::Mix, 0) < of.storm / (of.storm + PAUSE) } else { !storms };
            turn += exponential(seed, Stream::Spike, turns) * if storms { of.storm } else { PAUSE };
            turns += 1;
        }
        let empty = tokens < 1.0;
        tokens -= if empty { 0.0 } else { 1.0 };
        let chance = if storms {
            0.5
        } else if at > 45.0 {
            of.late
        } else {
            0.0
        };
        let outcome = if empty || unit(seed, Stream::Fault, i) < chance { Outcome::ThrottledQuota } else { Outcome::Ok };
        let service_us = (45_000.0 * (sigma() * normal(seed, Stream::Latency, i)).exp()) as u32;
        calls.push(Call { due_us: (at * 1e6) as u64, lateness_us: 0, service_us, outcome });
        let gap = 1.0 / if of.ramp { 5.0 + 95.0 * at / 60.0 } else { 100.0 };
        tokens = (tokens + gap * of.quota).min(of.burst);
        (at, i) = (at + gap, i + 1);
    }
    (Subject { name: format!("run-{seed}"), seed, ..Subject::default() }, calls)
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
fn latte(base: &Calls, new: &Calls) -> ChangeVerdict {
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
    let mut verdict = ChangeVerdict::Unchanged;
    for ((a, e, n), (b, f, m)) in sides[0].iter().zip(&sides[1]) {
        let squares = e * e + f * f;
        let freedom = squares * squares / (e.powi(4) / (n - 1.0) + f.powi(4) / (m - 1.0));
        if student::two_sided((b - a) / squares.sqrt(), freedom) <= 0.01 {
            verdict =
                if b > a || verdict == ChangeVerdict::Regressed { ChangeVerdict::Regressed } else { ChangeVerdict::Improved };
        }
    }
    verdict
}

/// rlt's rule (its RFC 0001): mean, p90, p99, rate and success ratio; a change above 1 % counts; regressed if one is worse ("mixed" fails
/// the gate as a regression does).
fn rlt(base: &Calls, new: &Calls) -> ChangeVerdict {
    let sides = [base, new].map(|calls| {
        let mut sorted = responses(calls);
        let mean = batch::mean(&sorted);
        sorted.sort_by(f64::total_cmp);
        [mean, quantile(&sorted, 0.9), quantile(&sorted, 0.99)]
    });
    let changes: Vec<f64> = sides[0].iter().zip(&sides[1]).map(|(a, b)| b / a - 1.0).collect();
    if changes.iter().any(|c| *c > 0.01) {
        ChangeVerdict::Regressed
    } else if changes.iter().any(|c| *c < -0.01) {
        ChangeVerdict::Improved
    } else {
        ChangeVerdict::Unchanged
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
        .args(["--live", "off", "--seed", &seed.to_string()])
        .args(extra)
        .status();
    assert!(status.unwrap().code().is_some_and(|code| code != 2), "{name} could not run");
    let mut entries = std::fs::read_dir(&out).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// Pairs in real time, base and new in turn, over HTTP against the embedded emulator.
fn real(pairs: u64) {
    for case in &REAL {
        let (mut tally, mut sides) = (Tally::default(), [Vec::new(), Vec::new()]);
        for pair in 0..pairs {
            let work = tempfile::tempdir().unwrap();
            let run = |name: &str, latency, seed| {
                let dir = RunDir::open(&recorded(work.path(), name, &text(latency, SHORT), seed, &[])).unwrap();
                (Subject { name: name.to_owned(), seed, ..Subject::default() }, dir.calls().unwrap())
            };
            let (base, new) = (run("base", case.base, pair * 2 + 1), run("new", case.new, pair * 2 + 2));
            tally.pair(&base, &new);
            for (side, run) in sides.iter_mut().zip([base, new]) {
                let logarithms: Vec<f64> = responses(&run.1).iter().map(|us| us.ln()).collect();
                side.push((batch::mean(&logarithms), batch::plain_variance(&logarithms)));
            }
        }
        tally.print(&format!("real time, {}", case.name), pairs, SHORT);
        for (name, runs) in ["base", "new"].iter().zip(&sides) {
            let (means, within): (Vec<f64>, Vec<f64>) = runs.iter().copied().unzip();
            println!(
                "  {name}: geometric means of runs differ by {:.2} % (standard deviation); calls that depend on nothing would make it {:.2} %",
                100.0 * batch::sample_variance(&means).sqrt(),
                100.0 * batch::mean(&within).sqrt()
            );
        }
    }
}

/// Time and memory of comparing two runs of an hour at 100/s, in a process of its own.
fn hour() {
    let work = tempfile::tempdir().unwrap();
    let [base, new] = [("base", 1), ("new", 2)]
        .map(|(name, seed)| recorded(work.path(), name, &text(EQUAL, ("1h", 100)), seed, &["--virtual-time"]));
    let size = std::fs::metadata(base.join("samples.csv")).unwrap().len();
    println!("\ntwo runs of an hour at 100/s (360000 calls, {} MiB of samples.csv each)", size >> 20);
    let mut command = Command::new(std::env::current_exe().unwrap());
    assert!(command.arg("--measure").arg(&base).arg(&new).status().unwrap().success());
    let begun = Instant::now();
    let mut child = livebench().arg("compare").arg(&base).arg(&new).spawn().unwrap();
    let of = format!("/proc/{}/status", child.id());
    let mut highest = "unknown".to_owned();
    let status = loop {
        // A high-water mark: the last one seen is the peak, but for what was asked for in the last millisecond.
        if let Some(peak) = peak(Path::new(&of)) {
            highest = peak;
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    println!(
        "  livebench compare, the binary: {:.2} s, peak memory {highest}, exit code {}",
        begun.elapsed().as_secs_f64(),
        status.code().unwrap()
    );
}

/// The peak of a process's resident memory.
fn peak(status: &Path) -> Option<String> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|peak| peak.trim().to_owned())
}

fn measure(base: &Path, new: &Path) {
    let begun = Instant::now();
    let read = |dir: &Path| (Subject::default(), RunDir::open(dir).unwrap().calls().unwrap());
    let sides = (read(base), read(new));
    let read = begun.elapsed();
    let comparison = compare(&[sides.0], &[sides.1], &CompareSettings::default());
    let compared: Duration = begun.elapsed().saturating_sub(read);
    let peak = peak(Path::new("/proc/self/status")).unwrap_or_else(|| "unknown".to_owned());
    println!(
        "  read {:.2} s, compared {:.2} s, peak memory {peak}: {}",
        read.as_secs_f64(),
        compared.as_secs_f64(),
        comparison.verdict
    );
}
