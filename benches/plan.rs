//! The records of the capacity planner: oracles that need hours of simulation, the worked example, and what it all costs.
//!
//! `cargo bench --bench plan`. Prints a line a figure with the published value, its standard error where there is one, and how far off the
//! house's own simulation is, in combined standard errors.
// A program of its own: it prints, its counts are small, and its clocks do not go back.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, clippy::many_single_char_names)]
#![allow(clippy::items_after_statements, clippy::unchecked_time_subtraction)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use livebench::client::model::ModelClient;
use livebench::client::request::CreateRequest;
use livebench::emulator::config::{EmulatorConfig, LatencyModel};
use livebench::emulator::model::Emulator;
use livebench::limiter::{Arrival, Limiter, Quota, SlidingCounter, TokenBucket};
use livebench::load::{LoadLimits, LoadSession, RequestMix, Workload, requests, simulate_users};
use livebench::plan::assemble::{Tried, checks_of, report, scenes};
use livebench::plan::chance::{Chances, DRAWS};
use livebench::plan::document::WhatIf;
use livebench::plan::keys::{Jitter, TokenHabit};
use livebench::plan::launch::{Journey, LaunchFigures, LaunchTally, Measured, stages};
use livebench::plan::scene::Situation;
use livebench::plan::{Plan, Probes, read};
use livebench::probe::ProbeFinding;
use livebench::record::recorder::Recorder;
use livebench::record::sample::Batch;
use livebench::schedule::{Arrivals, Schedule, Stage};
use livebench::stats::draw::{self, Stream};
use livebench::stats::retry::Backoff;
use livebench::units::Rate;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    oracles();
    retries();
    worked_example();
    costs();
}

fn rate(per_s: f64) -> Rate {
    Rate::per_second(per_s).unwrap()
}

/// A line: ours beside theirs.
fn line(name: &str, ours: Measured, theirs: f64, error: f64) {
    let combined = ours.error.hypot(error);
    let off = if combined > 0.0 { (ours.mean - theirs) / combined } else { 0.0 };
    let word =
        if off.abs() <= 4.0 || combined <= 0.0 && (ours.mean - theirs).abs() <= 0.05 * theirs.abs() { "ok" } else { "OFF" };
    println!(
        "{word:4} {name:58} {:>12.6} ± {:<10.6} published {theirs:>12.6} ± {error:<9.6} {off:+.1} SE",
        ours.mean, ours.error
    );
}

fn measured(values: &[f64]) -> Measured {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let error = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    Measured { mean, error }
}

/// Share refused of arrivals whose instants `next` gives.
fn share(quota: Quota, arrivals: u64, mut next: impl FnMut(u64) -> f64) -> f64 {
    let mut limiter = Limiter::new(quota, false);
    let mut refused = 0;
    for n in 0..arrivals {
        let now = Duration::from_secs_f64(next(n));
        refused += u64::from(limiter.take(Arrival { now, until: now, node: 0 }).is_err());
    }
    refused as f64 / arrivals as f64
}

/// O17 to O21 and O31: what has no closed form, or only a limit.
fn oracles() {
    println!("ORACLES that are simulated: 12 replications each");
    let bucket = |per_s: f64, burst: u32| Quota::TokenBucket(TokenBucket::full(rate(per_s), burst));
    let counter = |limit: u32| Quota::SlidingCounter(SlidingCounter::exact(limit, Duration::from_secs(1)));
    let poisson = |quota: Quota, load: f64, arrivals: u64| {
        measured(
            &(0..12)
                .map(|seed| {
                    let mut at = 0.0;
                    share(quota, arrivals, |n| {
                        at += draw::exponential(seed, Stream::Arrival, n) / load;
                        at
                    })
                })
                .collect::<Vec<_>>(),
        )
    };
    line("O17 sliding counter 25 in 1 s, 20/s", poisson(counter(25), 20.0, 500_000), 0.042_465, 0.000_15);
    line("O17 sliding counter 5 in 1 s, 4/s", poisson(counter(5), 4.0, 500_000), 0.232_666, 0.000_3);
    for (name, quota, load, cv, interval, theirs, error) in [
        ("O18 bucket 25/25, 20/s, cv 0.2, 60 s", bucket(25.0, 25), 20.0, 0.2, 60.0, 0.013_48, 0.000_35),
        ("O18 bucket 25/25, 20/s, cv 0.2, 300 s", bucket(25.0, 25), 20.0, 0.2, 300.0, 0.014_56, 0.000_97),
        ("O19 bucket 25/25, 20/s, cv 0.5, 60 s", bucket(25.0, 25), 20.0, 0.5, 60.0, 0.107_35, 0.002),
        ("O20 bucket 5/5, 4/s, cv 0.3, 60 s", bucket(5.0, 5), 4.0, 0.3, 60.0, 0.078_36, 0.000_86),
    ] {
        line(name, dispersed(quota, load, (cv, interval)), theirs, error);
    }
    line("O31 bucket 5/s burst 10 at 3.6485/s", poisson(bucket(5.0, 10), 3.6485, 3_900_000), 0.001, 0.0);
}

/// A gamma factor an interval: the schedule of the plan's own simulation.
fn dispersed(quota: Quota, load: f64, (cv, interval): (f64, f64)) -> Measured {
    let values: Vec<f64> = (0..12u64)
        .map(|seed| {
            let factors: Vec<f64> = (0..600).map(|n| gamma(cv, seed, n)).collect();
            let (mut at, mut unit) = (0.0, 0.0);
            let mut n = 0;
            let end = interval * factors.len() as f64;
            let mut limiter = Limiter::new(quota, false);
            let (mut refused, mut all) = (0u64, 0u64);
            // Unit-rate arrivals seen through the rate, piece by piece.
            for (piece, factor) in factors.iter().enumerate() {
                let start = interval * piece as f64;
                let area = load * factor * interval;
                let base = unit;
                while at < end {
                    let next = at + draw::exponential(seed, Stream::Arrival, n);
                    if next > base + area {
                        break;
                    }
                    (at, n) = (next, n + 1);
                    let now = Duration::from_secs_f64(start + (at - base) / (load * factor).max(1e-12));
                    all += 1;
                    refused += u64::from(limiter.take(Arrival { now, until: now, node: 0 }).is_err());
                }
                unit = base + area;
                at = at.max(base);
            }
            refused as f64 / all.max(1) as f64
        })
        .collect();
    measured(&values)
}

/// Marsaglia and Tsang, as the launch draws its minutes.
fn gamma(cv: f64, seed: u64, n: u64) -> f64 {
    let shape = 1.0 / (cv * cv);
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    (0..64)
        .find_map(|i| {
            let x = draw::normal(seed, Stream::Minute, n * 64 + i);
            let v = (1.0 + c * x).powi(3);
            let u = draw::unit(seed ^ 1, Stream::Minute, n * 64 + i);
            (v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln()).then_some(d * v / shape)
        })
        .unwrap_or(1.0)
}

fn journey(attempts: u32, processes: u32, seed: u64) -> Journey {
    let s = Duration::from_secs;
    Journey {
        seed,
        streams: false,
        attempts,
        backoff: Backoff { base: 1.0, most: 20.0 },
        jitter: Jitter::Full,
        processes,
        token: TokenHabit::Reused,
        ready: (s(5), s(15)),
        session_s: 7.0,
        session_sigma: 0.25,
        gets_per_check: 1.0,
        fail: 0.1,
        repeat: 0.8,
        checks_at_most: 3,
        repeat_after: (s(5), s(20)),
        again: 0.0,
        tries_at_most: 1,
        again_after: (s(5), s(30)),
        pace: None,
    }
}

/// O26 to O29 on the driver `users` and the emulator's model.
fn retries() {
    println!("\nRETRIES on the house's driver and model: 8 replications of an hour and more");
    let run = |load: f64, limit: (f64, u32), attempts: u32, processes: u32| {
        let tallies: Vec<LaunchTally> = (0..8)
            .map(|seed| {
                let stage = Stage::Line { length: Duration::from_secs(14_400), from: rate(load), to: rate(load) };
                let schedule = Schedule::new(&[stage], Arrivals::Poisson, seed).unwrap();
                simulate_users(&schedule, &journey(attempts, processes, seed), |pacer| {
                    let quota = Some(Quota::TokenBucket(TokenBucket::full(rate(limit.0), limit.1)));
                    let config = EmulatorConfig {
                        quota,
                        latency: LatencyModel::Fixed(Duration::from_millis(50)),
                        ..EmulatorConfig::default()
                    };
                    ModelClient::new(Emulator::new(config), vec![CreateRequest::default()], pacer.clone())
                })
                .unwrap()
            })
            .collect();
        let of = |figure: &dyn Fn(&LaunchTally) -> f64| measured(&tallies.iter().map(figure).collect::<Vec<_>>());
        (of(&|t| t.creates_failed as f64 / t.creates as f64), of(&|t| t.creates_sent as f64 / t.creates as f64))
    };
    const PLENTY: u32 = 100_000;
    for (attempts, failed, error, calls) in
        [(1, 0.006_303, 8e-5, 1.0), (3, 0.002_357, 4e-5, 1.0355), (5, 0.000_583, 3e-5, 1.0597)]
    {
        let (f, a) = run(24.0, (25.0, 25), attempts, PLENTY);
        line(&format!("O26 24/s on 25/25, {attempts} attempts: failed"), f, failed, error);
        line(&format!("O26 24/s on 25/25, {attempts} attempts: calls"), a, calls, 5e-5);
    }
    for (attempts, failed, error) in [(1, 0.035_255, 0.000_11), (3, 0.007_342, 8e-5), (5, 0.000_737, 1.3e-5)] {
        line(&format!("O27 4/s on 5/5, {attempts} attempts: failed"), run(4.0, (5.0, 5), attempts, PLENTY).0, failed, error);
    }
    let (f, a) = run(30.0, (25.0, 25), 3, PLENTY);
    line("O28 30/s on 25/25, 3 attempts: failed", f, 0.166_564, 0.000_35);
    line("O28 30/s on 25/25, 3 attempts: calls", a, 1.8387, 0.0009);
    line("O29 50/s on 25/25, one process: calls", run(50.0, (25.0, 25), 3, 1).1, 1.1541, 0.0001);
}

struct NoProbes;

impl Probes for NoProbes {
    fn finding(&self, _: &Path) -> Result<ProbeFinding, (String, String)> {
        Err(("none here".to_owned(), "none".to_owned()))
    }
}

fn example() -> Plan {
    let text = include_str!("../scenarios/plans/reverify.toml")
        .replace("start = { rate = 25, burst = 25 }", "start = { kind = \"none\" }");
    let text = text.replace("get = { rate = 25, burst = 25 }", "get = { kind = \"none\" }");
    // The published retries had no quota of their own: so many processes that theirs never runs out.
    let text = text.replace("processes = 10 ", "processes = 100000 ");
    read("reverify.toml", &text, Path::new(""), &NoProbes).unwrap()
}

fn emulator(scene: &Situation<'_>, seed: u64) -> Emulator {
    let quotas = &scene.quotas;
    Emulator::new(EmulatorConfig {
        seed,
        quota: Some(quotas.create.limiter(0.0)),
        get_quota: Some(quotas.get.limiter(0.0)),
        start_quota: Some(quotas.start.limiter(0.0)),
        concurrent_sessions: Some(quotas.concurrent.sessions),
        latency: LatencyModel::Fixed(scene.client.answer),
        ..EmulatorConfig::default()
    })
}

fn launches(scene: &Situation<'_>, n: u64) -> LaunchFigures {
    let tallies: Vec<LaunchTally> = (0..n)
        .map(|n| {
            let seed = draw::bits(scene.plan.seed, Stream::Launch, n);
            let schedule = Schedule::new(&stages(scene, seed), Arrivals::Poisson, seed).unwrap();
            simulate_users(&schedule, &Journey::of(scene, seed), |pacer| {
                ModelClient::new(emulator(scene, seed), vec![CreateRequest::default()], pacer.clone())
            })
            .unwrap()
        })
        .collect();
    LaunchFigures::of(&tallies, scene.regions, checks_of(scene.plan))
}

/// The options table of the worked example. It has no limit on Start's rate, as the published one had none.
fn worked_example() {
    println!("\nTHE WORKED EXAMPLE: 8 launches each");
    let plan = example();
    let what = |name: &str| WhatIf { name: name.to_owned(), ..WhatIf::default() };
    let rows = [
        (what("as is, no retries"), 0.0622, 0.0014, 0.253, 0.240, 0.0014, 0.847),
        (WhatIf { attempts: Some(3), ..what("as is, SDK 3 attempts") }, 0.259, 0.005, 0.254, 0.240, 0.0010, 0.847),
        (WhatIf { concurrent: Some(200), ..what("concurrency 200") }, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9776),
        (
            WhatIf { concurrent: Some(150), send_over_s: Some(1800.0), ..what("push over 30 min and 150") },
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.977,
        ),
        // Published without an error, of 8 launches: one launch deviates by 0.25 points (32 launches), so 0.09. The load rises to 70.7 of
        // the 75 sessions, where one more in a hundred refuses a tenth more. Erlang B minute by minute, with those who begin again: 0.0194
        (WhatIf { send_over_s: Some(3600.0), ..what("push over 60 min") }, 0.0, 0.0, 0.021, 0.022, 0.0009, 0.971),
        (WhatIf { send_over_s: Some(7200.0), ..what("push over 120 min") }, 0.0, 0.0, 0.0, 0.0, 0.0, 0.978),
        (WhatIf { regions: Some(2), ..what("two regions") }, 0.0, 0.0, 0.0077, 0.0081, 0.0, 0.975),
        (
            WhatIf { regions: Some(2), send_over_s: Some(3600.0), ..what("two regions, push over 60 min") },
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.977,
        ),
        (WhatIf { waiting_room: Some(7.0), ..what("waiting room 7/s") }, 0.0, 0.0, 0.000_01, 0.000_01, 0.0, 0.978),
        (WhatIf { waiting_room: Some(9.0), ..what("waiting room 9/s") }, 0.0, 0.0, 0.032, 0.034, 0.0, 0.967),
    ];
    for (option, create, create_error, start, error, error_error, verified) in rows {
        let found = launches(&Situation::with(&plan, &option), 8);
        let name = &option.name;
        line(&format!("{name}: Create refused"), found.create_refused, create, create_error);
        // A user who sees an error is one whose start was refused: the two have about the same error.
        line(&format!("{name}: Start refused"), found.start_refused, start, error_error);
        line(&format!("{name}: users with an error"), found.error_seen, error, error_error);
        line(&format!("{name}: verified"), found.verified, verified, 0.0);
        let waits = (found.wait_p50_us.mean / 1e6, found.wait_p99_us.mean / 1e6);
        println!(
            "     {name}: {:.0} users, {:.0} creates, peak {:.1}/s, {:.0} checks ${:.0}, wait p50 {:.1} s p99 {:.1} s, {:.0} at once",
            found.users.mean,
            found.creates_sent.mean,
            found.creates_peak_per_s.mean,
            found.checks.mean,
            plan.price.usd(found.checks.mean),
            waits.0,
            waits.1,
            found.concurrent_max.mean
        );
    }
}

fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// What it costs: CPU of this process, which has one thread.
fn costs() {
    println!("\nCOSTS");
    let plan = example();
    let before = cpu();
    let chances = Chances::of(&plan, DRAWS);
    let drawn = cpu();
    let all = scenes(&plan, &[]);
    let figures = launches(&all[0], 8);
    let made = report(&plan, &chances, &figures, &[] as &[Tried]);
    let end = cpu();
    println!(
        "{} draws {:.2} s, 8 launches and the report {:.2} s, together {:.2} s of CPU (record: 10 s)",
        made.draws,
        (drawn - before).as_secs_f64(),
        (end - drawn).as_secs_f64(),
        (end - before).as_secs_f64()
    );
    let (hour, _) = simulated(3600, 25.0);
    println!("an hour at 25/s, driver, model and recorder: {:.3} s of CPU (record: 0.5 s)", hour.as_secs_f64());
    let first = resident();
    let (long, calls) = simulated(400_000, 25.0);
    println!("{calls} calls in {:.1} s of CPU; resident {first} kB before, {} kB at the end", long.as_secs_f64(), resident());
}

/// An open schedule on the model, recorded and not written: CPU and calls.
fn simulated(seconds: u64, load: f64) -> (Duration, u64) {
    let before = cpu();
    let text = format!(
        "name = \"hour\"\n[load]\narrivals = \"poisson\"\nconcurrency = 10000\nstages = [ {{ for = \"{seconds}s\", rate = {load} }} ]\n"
    );
    let scenario = livebench::scenario::read("hour.toml", &text, Path::new("")).unwrap();
    let stage = Stage::Line { length: Duration::from_secs(seconds), from: rate(load), to: rate(load) };
    let schedule = Arc::new(Schedule::new(&[stage], Arrivals::Poisson, 1).unwrap());
    let mut recorder = Recorder::default();
    let keep = |batch: &mut Batch| {
        batch.samples.drain(..).for_each(|sample| recorder.record(&sample));
        batch.seconds.clear();
        true
    };
    let workload = Workload::Open(Arc::clone(&schedule), livebench::scenario::Overflow::Miss);
    let limits = LoadLimits { concurrency: 10_000, max_rate: None, max_calls: None, stop_on_denied: false };
    let work = workload.drive(RequestMix::new(&scenario, 0), keep);
    LoadSession::new(limits)
        .simulate(work, |pacer| ModelClient::new(Emulator::new(scenario.emulator.clone()), requests(&scenario), pacer.clone()))
        .unwrap();
    (cpu() - before, recorder.sent())
}

/// Resident memory of this process, in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse().ok()).unwrap_or(0)
}
