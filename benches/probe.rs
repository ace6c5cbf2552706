//! How exact the probe is: seeded random limiters of every kind, the emulator's own limiter as the truth.
//!
//! `cargo bench --bench probe` prints the table of records in virtual time: a round trip of 30 ms with jitter on both ways, the service's
//! clock at any phase. `-- --limiters N --seed S` chooses others; `-- --real N` probes N of them over HTTP, in real time, and
//! `-- --curve` prints what rate, burst and precision cost.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // numbers of limiters and their settings, all small

use std::process::Command;
use std::time::Duration;

use livebench::emulator::limiter::{Limiter, Lot};
use livebench::probe::{Answer, Batch, Finding, Kind, Next, Observation, Settings, judge, next};
use livebench::scenario::emulator::Quota;
use livebench::stats::draw::{self, Stream};
use livebench::units::Rate;

/// The round trip: a quarter on either way, log-normal, and half of it in the service.
const TRIP: f64 = 0.030;

/// Sigma of the logarithm of a way.
const JITTER: f64 = 0.3;

/// Draws of one limiter, one after the other.
struct Draws {
    seed: u64,
    n: u64,
}

impl Draws {
    fn unit(&mut self) -> f64 {
        self.n += 1;
        draw::unit(self.seed, Stream::Mix, self.n)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        (low.ln() + (high / low).ln() * self.unit()).exp()
    }

    fn way(&mut self) -> f64 {
        self.n += 1;
        TRIP / 4.0 * (JITTER * draw::normal(self.seed, Stream::Latency, self.n)).exp()
    }
}

/// A limiter and what a probe should say of it.
#[derive(Clone, Copy)]
struct Truth {
    kind: Kind,
    rate: Option<f64>,
    burst: Option<f64>,
    full_s: Option<f64>,
    quota: Quota,
}

const KINDS: usize = 8;

/// Rates of 1 to 10/s, bursts of 0.2 to 10 s of the rate, windows of 0.5 to 10 s: the n-th kind.
fn limiter(kind: usize, draws: &mut Draws) -> Truth {
    let rate = Rate::per_second(draws.between(1.0, 10.0)).unwrap();
    let r = rate.as_f64();
    let burst = (r * draws.between(0.2, 10.0)).round().max(1.0);
    let calls = (r * draws.between(0.5, 10.0)).round().max(2.0);
    let window = Duration::from_millis((calls / r * 1000.0).round() as u64);
    let (w, limit) = (window.as_secs_f64(), calls as u32);
    let windowed = |kind, quota| Truth { kind, rate: Some(calls / w), burst: Some(calls), full_s: Some(w), quota };
    match kind {
        0 => {
            let quota = Quota::TokenBucket { rate, burst: burst as u32 };
            Truth { kind: Kind::TokenBucket, rate: Some(r), burst: Some(burst), full_s: Some(burst / r), quota }
        }
        1 => {
            // As deep as the others, in steps of two tokens or more that are smaller than that.
            let depth = calls.max(3.0);
            let tokens = (2.0 + draws.unit() * (depth - 2.0)).floor().min(depth - 1.0);
            let every = Duration::from_millis((tokens / r * 1000.0).round() as u64);
            let step = every.as_secs_f64();
            let quota = Quota::StepRefill { tokens: tokens as u32, every, burst: depth as u32 };
            let full_s = Some((depth / tokens).ceil() * step);
            Truth { kind: Kind::StepBucket, rate: Some(tokens / step), burst: Some(depth), full_s, quota }
        }
        2 => windowed(Kind::FixedWindow, Quota::FixedWindow { limit, window }),
        3 => windowed(Kind::SlidingLog, Quota::SlidingLog { limit, window }),
        4 => windowed(Kind::SlidingCounter, Quota::SlidingCounter { limit, window }),
        5 => {
            let cap = draws.between(1.0, 60.0).round();
            let quota = Quota::Concurrency { limit: cap as u32 };
            Truth { kind: Kind::Concurrency, rate: None, burst: Some(cap), full_s: None, quota }
        }
        6 => Truth { kind: Kind::None, rate: None, burst: None, full_s: None, quota: Quota::None },
        _ => {
            let quota = Quota::ShardedBucket { nodes: 3, rate, burst: burst.max(6.0) as u32 };
            // Its rate and burst are estimates, and not among the records.
            Truth { kind: Kind::Sharded, rate: None, burst: None, full_s: None, quota }
        }
    }
}

/// A limiter, a network before it and others who use it.
struct World {
    limiter: Limiter,
    /// The service's clock at the probe's start.
    clock: f64,
    draws: Draws,
    /// Calls of others, per second.
    others: f64,
    next_other: f64,
    calls: u64,
}

impl World {
    fn new(truth: &Truth, mut draws: Draws, others: f64) -> Self {
        let clock = draws.unit() * 100.0;
        let limiter = Limiter::new(truth.quota, false);
        Self { limiter, clock, draws, others, next_other: 0.0, calls: 0 }
    }

    fn take(&mut self, at: f64) -> bool {
        while self.others > 0.0 && self.next_other < at {
            let other = self.next_other;
            self.next_other += -self.draws.unit().ln() / self.others;
            self.decide(other);
        }
        self.decide(at)
    }

    fn decide(&mut self, at: f64) -> bool {
        self.calls += 1;
        let instant = |t: f64| Duration::from_secs_f64(t + self.clock);
        let node = draw::bits(self.draws.seed, Stream::Node, self.calls);
        self.limiter.take(Lot { now: instant(at), until: instant(at + TRIP / 2.0), node })
    }

    fn send(&mut self, batch: &Batch, now: f64) -> Vec<Observation> {
        let sent = |due: &Duration| due.as_secs_f64().max(now) + 0.0001;
        let mut calls: Vec<(f64, f64, Duration)> =
            batch.dues.iter().map(|due| (sent(due) + self.draws.way(), sent(due), *due)).collect();
        calls.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut seen: Vec<Observation> = Vec::new();
        for (arrival, sent, due) in calls {
            let answer = if self.take(arrival) { Answer::Accepted } else { Answer::Refused };
            let done = arrival + TRIP / 2.0 + self.draws.way();
            seen.push(batch.observe(due, Duration::from_secs_f64(sent), Duration::from_secs_f64(done), answer));
        }
        seen.sort_by_key(|o| (o.sent_us, o.done_us));
        seen
    }

    fn probe(mut self, settings: &Settings) -> Finding {
        let (mut seen, mut now) = (Vec::new(), 0.0);
        let stop = loop {
            match next(settings, &seen, Duration::from_secs_f64(now)) {
                Next::Done(stop) => break stop,
                Next::Send(batch) => seen.extend(self.send(&batch, now)),
            }
            now = seen.iter().map(|o| o.done_us).max().unwrap_or(0) as f64 / 1e6;
        };
        judge(settings, &seen, stop)
    }
}

/// The figures of some limiters.
#[derive(Default)]
struct Score {
    limiters: u32,
    kind: u32,
    rates: u32,
    covered: u32,
    errors: Vec<f64>,
    single: Vec<f64>,
    bursts: u32,
    exact: u32,
    off: u32,
    recoveries: u32,
    recovered: u32,
    calls: Vec<f64>,
    seconds: Vec<f64>,
}

impl Score {
    fn count(&mut self, truth: &Truth, found: &Finding) {
        self.limiters += 1;
        self.calls.push(f64::from(found.calls));
        self.seconds.push(found.seconds);
        let right = found.kind == truth.kind;
        self.kind += u32::from(right);
        if let Some(rate) = truth.rate {
            self.rates += 1;
            if let Some(said) = found.rate_per_s {
                self.covered += u32::from(said.low <= rate && rate <= said.high);
                let errors = if truth.burst == Some(1.0) { &mut self.single } else { &mut self.errors };
                errors.push((said.point / rate - 1.0).abs() * 100.0);
            }
        }
        if let Some(burst) = truth.burst {
            self.bursts += 1;
            let off = found.burst.map_or(f64::INFINITY, |said| (f64::from(said) - burst).abs());
            self.exact += u32::from(off < 0.5);
            self.off += u32::from(off > 1.5);
        }
        if let Some(full) = truth.full_s {
            self.recoveries += 1;
            let off = found.recovery.map_or(f64::INFINITY, |said| (said.full_s - full).abs());
            self.recovered += u32::from(off <= 0.02 * full + TRIP);
        }
    }

    fn print(&mut self, name: &str) {
        let at = |list: &[f64], share: f64| {
            let mut list = list.to_vec();
            list.sort_by(f64::total_cmp);
            if list.is_empty() { f64::NAN } else { list[((list.len() - 1) as f64 * share).round() as usize] }
        };
        let Self { limiters, kind, rates, covered, bursts, exact, off, recoveries, recovered, .. } = self;
        println!("{name}: {limiters} limiters");
        println!("  kind right                {kind}/{limiters}");
        println!("  interval covers           {covered}/{rates}");
        println!("  rate error p50 / p95      {:.3} % / {:.3} %", at(&self.errors, 0.5), at(&self.errors, 0.95));
        println!("  the same, burst of 1      {:.3} % / {:.3} %", at(&self.single, 0.5), at(&self.single, 0.95));
        println!("  burst exact, off by > 1   {exact}/{bursts}, {off}");
        println!("  recovery 2 % + round trip {recovered}/{recoveries}");
        println!("  calls p50 / max           {:.0} / {:.0}", at(&self.calls, 0.5), at(&self.calls, 1.0));
        println!("  seconds p50 / max         {:.1} / {:.1}", at(&self.seconds, 0.5), at(&self.seconds, 1.0));
    }
}

fn truth(seed: u64, n: usize) -> (Truth, Draws) {
    let mut draws = Draws { seed: seed * 100_000 + n as u64, n: 0 };
    (limiter(n % KINDS, &mut draws), draws)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)?.parse::<usize>().ok());
    let (limiters, seed) = (value("--limiters").unwrap_or(200), value("--seed").unwrap_or(1) as u64);
    let settings = Settings { max_sessions: 600, ..Settings::default() };
    if let Some(n) = value("--real") {
        return real(n, seed);
    }
    if arguments.iter().any(|a| a == "--curve") {
        return curve(&settings);
    }
    let mut score = Score::default();
    for n in 0..limiters {
        let (truth, draws) = truth(seed, n);
        let found = World::new(&truth, draws, 0.0).probe(&settings);
        if found.kind != truth.kind {
            println!("  {} taken for {}", truth.quota, found.kind);
        }
        score.count(&truth, &found);
    }
    score.print("alone");
    shared(limiters / 8, seed, &settings);
    sharded(limiters / 8, seed, &settings);
}

/// Token buckets of which others take a tenth.
fn shared(limiters: usize, seed: u64, settings: &Settings) {
    let (mut said, mut wrong) = (0, 0);
    for n in 0..limiters {
        let (truth, draws) = truth(seed, n * KINDS);
        let rate = truth.rate.unwrap_or(1.0);
        let found = World::new(&truth, draws, rate * 0.1).probe(settings);
        let covers = found.rate_per_s.is_some_and(|r| r.low <= rate && rate <= r.high);
        said += u32::from(found.shared_use || found.kind == Kind::Sharded);
        if found.guaranteed && (!covers || found.kind != truth.kind) {
            wrong += 1;
            println!("  {} is guaranteed to be {}, its rate within the interval: {covers}", truth.quota, found.kind);
        }
    }
    println!("10 % of the quota taken by others: {said}/{limiters} said so, {wrong} false guarantees");
}

/// Three buckets.
fn sharded(limiters: usize, seed: u64, settings: &Settings) {
    let (mut said, mut wrong) = (0, 0);
    for n in 0..limiters {
        let (truth, draws) = truth(seed + 1, n * KINDS + KINDS - 1);
        let found = World::new(&truth, draws, 0.0).probe(settings);
        said += u32::from(found.shared_use || found.kind == Kind::Sharded);
        wrong += u32::from(found.guaranteed);
    }
    println!("three shards: {said}/{limiters} said sharded or shared, {wrong} false guarantees");
}

/// What a token bucket costs to measure.
fn curve(settings: &Settings) {
    println!("rate/s  burst  precision  calls  seconds  half-width  round trip / seconds");
    for (r, burst) in [(0.2, 1), (0.2, 2), (1.0, 1), (1.0, 10), (5.0, 10), (25.0, 25), (100.0, 100), (500.0, 500), (500.0, 2000)]
    {
        for precision in [0.02, 0.005, 0.002] {
            let rate = Rate::per_second(r).unwrap();
            let quota = Quota::TokenBucket { rate, burst };
            let truth = Truth { kind: Kind::TokenBucket, rate: Some(r), burst: Some(f64::from(burst)), full_s: None, quota };
            let settings = Settings { precision, max_calls: 40_000, max_sessions: 40_000, max_seconds: 60.0, ..*settings };
            let found = World::new(&truth, Draws { seed: u64::from(burst), n: 0 }, 0.0).probe(&settings);
            let half = found.rate_per_s.map_or(f64::NAN, |e| (e.high - e.low) / 2.0 / e.point);
            let (calls, seconds) = (found.calls, found.seconds);
            let bound = TRIP / seconds * 100.0;
            println!(
                "{r:6}  {burst:5}  {:8.1}%  {calls:5}  {seconds:7.1}  {:9.3}%  {bound:.3}%  {}",
                precision * 100.0,
                half * 100.0,
                found.kind
            );
        }
    }
}

/// The same limiters over HTTP: the built binary against its embedded emulator.
fn real(limiters: usize, seed: u64) {
    let work = std::env::temp_dir().join(format!("livebench-bench-probe-{}", std::process::id()));
    std::fs::create_dir_all(&work).unwrap();
    let mut score = Score::default();
    for n in 0..limiters {
        let (truth, _) = truth(seed, n);
        let config = work.join("emulator.toml");
        let latency = "latency = { from = \"20ms\", to = \"40ms\" }";
        std::fs::write(&config, format!("[emulator]\n{latency}\nquota = {}\n", toml(truth.quota))).unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_livebench"))
            .args(["probe", "--output", "json", "--emulator"])
            .arg(&config)
            .arg("--out")
            .arg(work.join("results"))
            .output()
            .unwrap();
        let found: Finding =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&done.stderr)));
        println!("  {} is {}", truth.quota, found.kind);
        score.count(&truth, &found);
    }
    std::fs::remove_dir_all(&work).unwrap();
    score.print("over HTTP");
}

/// A quota as the emulator's file has it.
fn toml(quota: Quota) -> String {
    let ms = |d: Duration| format!("\"{}ms\"", d.as_millis());
    match quota {
        Quota::None => "{ kind = \"none\" }".to_owned(),
        Quota::TokenBucket { rate, burst } => format!("{{ kind = \"token-bucket\", rate = {}, burst = {burst} }}", rate.as_f64()),
        Quota::StepRefill { tokens, every, burst } => {
            format!("{{ kind = \"step-refill\", tokens = {tokens}, every = {}, burst = {burst} }}", ms(every))
        }
        Quota::FixedWindow { limit, window } => {
            format!("{{ kind = \"fixed-window\", limit = {limit}, window = {} }}", ms(window))
        }
        Quota::SlidingLog { limit, window } => format!("{{ kind = \"sliding-log\", limit = {limit}, window = {} }}", ms(window)),
        Quota::SlidingCounter { limit, window } => {
            format!("{{ kind = \"sliding-counter\", limit = {limit}, window = {} }}", ms(window))
        }
        Quota::Concurrency { limit } => format!("{{ kind = \"concurrency\", limit = {limit} }}"),
        Quota::ShardedBucket { nodes, rate, burst } => {
            format!("{{ kind = \"sharded-bucket\", nodes = {nodes}, rate = {}, burst = {burst} }}", rate.as_f64())
        }
    }
}
