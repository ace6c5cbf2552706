//! How exact the probe is: seeded random limiters of every kind, the emulator's own limiter as the truth.
//!
//! `cargo bench --bench probe` prints the table of records in virtual time: a round trip of 30 ms with jitter on both ways, the service's
//! clock at any phase. Seeds come from the clock unless `-- --seed S` gives one, and are printed; `-- --limiters N` chooses how many. `--
//! --catalogue` prints a row for each of the other kinds, `-- --falsely` how many of 2,000 limiters of all kinds are guaranteed to be what they
//! are not, and `-- --limiter N` what is said of the n-th of these; `-- --conditions` prints what other round trips, lost calls, refused
//! calls that cost, other traffic and a quota that changes do to it; `-- --curve` what rate, burst and precision cost; `-- --likely`
//! what is said of quotas with round numbers that are decided anywhere in the round trip; `-- --wide` what is said of rates from 0.2 to 500/s
//! and bursts to 2,000; and `-- --real N` probes N of them over HTTP, in real time.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // numbers of limiters and their settings, all small

mod catalogue;
mod conditions;
mod curve;
mod likely;
mod real;
mod score;
mod wide;
mod world;

use livebench::probe::{Kind, ProbeSettings};

use score::Score;
use world::{Conditions, KINDS, World, truth};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)?.parse::<usize>().ok());
    let asked = |name: &str| arguments.iter().any(|a| a == name);
    let seed = value("--seed").map_or_else(from_the_clock, |seed| seed as u64);
    println!("--seed {seed}");
    let limiters = value("--limiters");
    let settings = ProbeSettings { max_sessions: 600, ..ProbeSettings::default() };
    if let Some(n) = value("--real") {
        return real::real(n, seed);
    }
    if asked("--catalogue") {
        return catalogue::catalogue(limiters.unwrap_or(40), seed, &settings);
    }
    if let Some(n) = value("--limiter") {
        return catalogue::single(seed, n, &settings);
    }
    if asked("--falsely") {
        return catalogue::falsely(limiters.unwrap_or(2000), seed, &settings);
    }
    if asked("--curve") {
        return curve::curve(&settings);
    }
    if asked("--conditions") {
        return conditions::conditions(limiters.unwrap_or(8), seed, &settings);
    }
    if asked("--likely") {
        return likely::likely(limiters.unwrap_or(1), seed, value("--kind"), &settings);
    }
    if asked("--wide") {
        return wide::wide(limiters.unwrap_or(25), seed, value("--kind"), &settings);
    }
    let limiters = limiters.unwrap_or(200);
    if !asked("--shared") {
        alone(limiters, seed, &settings);
    }
    shared(limiters / 8, seed, &settings);
    sharded(limiters / 8, seed, &settings);
    catalogue::catalogue(limiters / 8, seed, &settings);
}

/// A seed that nobody knew before: nothing is tuned on it.
fn from_the_clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_micros() as u64 % 1_000_000)
}

/// The table of records.
fn alone(limiters: usize, seed: u64, settings: &ProbeSettings) {
    let mut score = Score::default();
    for n in 0..limiters {
        let (truth, draws) = truth(seed, n);
        let mut world = World::new(&truth, draws, Conditions::default());
        let found = world.probe(settings);
        score.took(&world);
        if found.kind != truth.kind {
            println!("  {} taken for {}", truth.quota, found.kind);
        }
        score.count(&truth, &found);
    }
    score.print("alone");
}

/// Token buckets of which others take a tenth.
fn shared(limiters: usize, seed: u64, settings: &ProbeSettings) {
    let (mut said, mut wrong, mut single) = (0, 0, 0);
    for n in 0..limiters {
        let (truth, draws) = truth(seed, n * KINDS);
        let rate = truth.rate.unwrap_or(1.0);
        let mut world = World::new(&truth, draws, Conditions { others: 0.1, ..Conditions::default() });
        let found = world.probe(settings);
        let covers = found.rate_per_s.is_some_and(|r| r.low <= rate && rate <= r.high);
        let right = found.shared_use || found.kind == Kind::ShardedBucket;
        said += u32::from(right);
        if !right {
            single += u32::from(truth.burst == Some(1.0) && covers);
            println!("  {} with others is taken for {}: {} answers differ for them", truth.quota, found.kind, world.differing);
        }
        if found.guaranteed && (!covers || found.kind != truth.kind) {
            wrong += 1;
            println!("  {} is guaranteed to be {}, its rate within the interval: {covers}", truth.quota, found.kind);
        }
    }
    println!("10 % of the quota taken by others: {said}/{limiters} said so, {wrong} false guarantees");
    println!(
        "  of the rest, {single} have a burst of 1 and a rate that explains every answer, and the interval holds it: nobody can tell"
    );
}

/// Three buckets.
fn sharded(limiters: usize, seed: u64, settings: &ProbeSettings) {
    let (mut said, mut wrong) = (0, 0);
    for n in 0..limiters {
        let (truth, draws) = truth(seed + 1, n * KINDS + KINDS - 1);
        let found = World::new(&truth, draws, Conditions::default()).probe(settings);
        said += u32::from(found.shared_use || found.kind == Kind::ShardedBucket);
        wrong += u32::from(found.guaranteed);
    }
    println!("three shards: {said}/{limiters} said sharded or shared, {wrong} false guarantees");
}
