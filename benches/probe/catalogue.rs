//! The kinds that are more than a bucket, a window, a log, a counter or a cap, a row each; and how many guarantees were false, over all kinds.

use std::time::Duration;

use livebench::limiter::{
    Ban, Delay, FixedWindow, PlainQuota, Quota, RefusedPays, ShardedBucket, SlidingCounter, SlidingLog, Stacked, TokenBucket,
};
use livebench::probe::{Kind, ProbeFinding, ProbeSettings};
use livebench::units::Rate;

use crate::world::{Conditions, Draws, KINDS, Truth, World, truth};

/// What stands in the first column, in the order in which they are drawn.
const ROWS: [&str; 10] = [
    "bucket, not full at the start",
    "bucket of whole tokens",
    "window from the first call on",
    "sliding log of coarse counts",
    "counter, rounded down",
    "shards in turn",
    "queue",
    "ban",
    "two limits stacked",
    "refused calls cost a part",
];

/// A limiter of a row, and what a refused call costs.
fn limiter(row: usize, draws: &mut Draws) -> (Truth, f64) {
    let rate = Rate::per_second(draws.between(1.0, 10.0)).unwrap();
    let r = rate.as_f64();
    let depth = (r * draws.between(0.4, 5.0)).round().max(4.0);
    let calls = (r * draws.between(0.5, 5.0)).round().max(2.0);
    let window = Duration::from_millis((calls / r * 1000.0).round() as u64);
    let (w, limit) = (window.as_secs_f64(), calls as u32);
    let of = |kind, rate, burst, quota| Truth { kind, rate, burst, full_s: None, quota };
    let bucket = TokenBucket::full(rate, depth as u32);
    let plain = |quota: Quota| PlainQuota::try_from(quota).unwrap();
    let truth = match row {
        0 => {
            let start = livebench::limiter::TokenAmount::new((depth * (0.2 + 0.6 * draws.unit())).max(1.0));
            of(Kind::TokenBucket, Some(r), Some(depth), Quota::TokenBucket(TokenBucket { start, ..bucket }))
        }
        // Its rate for long depends on how it is asked.
        1 => of(Kind::TokenBucket, None, Some(depth), Quota::TokenBucket(TokenBucket { whole_tokens: true, ..bucket })),
        2 => of(Kind::FixedWindow, Some(calls / w), Some(calls), Quota::FixedWindow(FixedWindow::from_first_call(limit, window))),
        3 => {
            let parts = Some((4.0 + 16.0 * draws.unit()).round() as u32);
            let quota = Quota::SlidingLog(SlidingLog { parts, ..SlidingLog::exact(limit, window) });
            of(Kind::SlidingLog, None, Some(calls), quota)
        }
        4 => {
            let quota = Quota::SlidingCounter(SlidingCounter { floored: true, ..SlidingCounter::exact(limit, window) });
            of(Kind::SlidingCounter, Some(calls / w), Some(calls), quota)
        }
        5 => of(Kind::ShardedBucket, None, None, Quota::ShardedBucket(ShardedBucket::in_turn(3, rate, depth.max(6.0) as u32))),
        6 => of(Kind::Delay, Some(r), None, Quota::Delay(Delay { rate, queue: depth.min(20.0) as u32 })),
        7 => {
            let (after, ban) = ((5.0 + 30.0 * draws.unit()) as u32, Duration::from_secs_f64(draws.between(2.0, 10.0)));
            let ban = Ban { of: plain(Quota::TokenBucket(bucket)), after, length: ban, renewed: draws.unit() < 0.5 };
            of(Kind::Ban, None, None, Quota::Ban(ban))
        }
        8 => {
            let (short, long) = (draws.between(0.5, 1.5), draws.between(4.0, 9.0));
            let first = (r * 2.0 * short).round().max(2.0);
            let second = (first / short * long * (0.3 + 0.4 * draws.unit())).round();
            let length = |s: f64| Duration::from_millis((s * 1000.0).round() as u64);
            let one = |n: f64, s: f64| plain(Quota::FixedWindow(FixedWindow::on_grid(n as u32, length(s))));
            let quota = Quota::Stacked(Stacked {
                first: one(first, short),
                second: one(second, long),
                refused_pays: RefusedPays::Nothing,
            });
            of(Kind::Stacked, Some(second / length(long).as_secs_f64()), None, quota)
        }
        _ => of(Kind::TokenBucket, Some(r), Some(depth), Quota::TokenBucket(bucket)),
    };
    (truth, if row == 9 { 0.1 + 0.9 * draws.unit() } else { 0.0 })
}

/// What was said of the limiters of a row.
#[derive(Default)]
struct Row {
    right: u32,
    named: u32,
    inconclusive: u32,
    guaranteed: u32,
    falsely: u32,
    missed: u32,
    errors: Vec<f64>,
    calls: Vec<f64>,
    cpu: Vec<f64>,
}

/// Whether the intervals that are said hold the truth.
pub(crate) fn covers(truth: &Truth, found: &ProbeFinding) -> bool {
    let rate = truth.rate.zip(found.rate_per_s).is_none_or(|(rate, said)| said.low <= rate && rate <= said.high);
    let burst = truth.burst.zip(found.burst_between);
    rate && burst.is_none_or(|(burst, (low, high))| f64::from(low) <= burst.floor() && burst.floor() <= f64::from(high))
}

impl Row {
    fn count(&mut self, truth: &Truth, found: &ProbeFinding) {
        let right = found.kind == truth.kind;
        self.right += u32::from(right);
        self.named += u32::from(!right && found.also.iter().any(|also| also.kind == truth.kind));
        self.inconclusive += u32::from(found.kind == Kind::Inconclusive);
        self.guaranteed += u32::from(found.guaranteed);
        self.falsely += u32::from(found.guaranteed && !(right && covers(truth, found)));
        self.missed += u32::from(right && !covers(truth, found));
        if let (true, Some(rate), Some(said)) = (right, truth.rate, found.rate_per_s) {
            self.errors.push((said.point / rate - 1.0).abs() * 100.0);
        }
        self.calls.push(f64::from(found.calls));
    }

    fn print(&mut self, name: &str, limiters: usize) {
        let at = |list: &mut Vec<f64>, share: f64| {
            list.sort_by(f64::total_cmp);
            list.get((list.len().saturating_sub(1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
        };
        println!(
            "  {name:<30} {:>4}/{limiters:<4} {:>5} {:>12} {:>10} {:>7} {:>6}   {:>6.3} % / {:<6.3} % {:>5.0} {:>6.2} s",
            self.right,
            self.named,
            self.inconclusive,
            self.guaranteed,
            self.falsely,
            self.missed,
            at(&mut self.errors, 0.5),
            at(&mut self.errors, 0.95),
            at(&mut self.calls, 0.5),
            at(&mut self.cpu, 0.5)
        );
    }
}

/// The table, `limiters` a row.
pub(crate) fn catalogue(limiters: usize, seed: u64, settings: &ProbeSettings) {
    println!("the other kinds, {limiters} of each:");
    println!(
        "  kind                              right  also inconclusive guaranteed falsely missed   error p50 / p95    calls    CPU"
    );
    for (at, name) in ROWS.iter().enumerate() {
        let mut row = Row::default();
        for n in 0..limiters {
            let mut draws = Draws { seed: seed * 1_000_000 + (n * ROWS.len() + at) as u64, n: 0 };
            let (truth, cost) = limiter(at, &mut draws);
            let mut world = World::new(&truth, draws, Conditions { cost, ..Conditions::default() });
            let found = world.probe(settings);
            row.cpu.push(world.deciding);
            row.count(&truth, &found);
        }
        row.print(name, limiters);
    }
}

/// The n-th limiter of all kinds, and what a refused call costs.
fn any(seed: u64, n: usize) -> (Truth, Draws, f64) {
    let all = KINDS + ROWS.len();
    if n % all < KINDS {
        let (truth, draws) = truth(seed, n / all * KINDS + n % all);
        return (truth, draws, 0.0);
    }
    let mut draws = Draws { seed: seed * 1_000_000 + n as u64, n: 0 };
    let (truth, cost) = limiter(n % all - KINDS, &mut draws);
    (truth, draws, cost)
}

/// Whether the n-th of them is guaranteed, and falsely.
fn guaranteed(seed: u64, n: usize, settings: &ProbeSettings) -> (u32, u32) {
    let (truth, draws, cost) = any(seed, n);
    let found = World::new(&truth, draws, Conditions { cost, ..Conditions::default() }).probe(settings);
    let falsely = found.guaranteed && !(found.kind == truth.kind && covers(&truth, &found));
    if falsely {
        println!(
            "  limiter {n}: {} is guaranteed to be {} {:?} {:?}",
            truth.quota, found.kind, found.rate_per_s, found.burst_between
        );
    }
    (u32::from(found.guaranteed), u32::from(falsely))
}

/// What is said of the n-th of them.
pub(crate) fn single(seed: u64, n: usize, settings: &ProbeSettings) {
    let (truth, draws, cost) = any(seed, n);
    let found = World::new(&truth, draws, Conditions { cost, ..Conditions::default() }).probe(settings);
    println!("limiter {n}: {} is {}, guaranteed: {}", truth.quota, found.kind, found.guaranteed);
    println!("  rate {:?} burst {:?}", found.rate_per_s, found.burst_between);
    println!("  odds {:?}\n  also {:?}\n  {:?}", found.odds, found.also, found.notes);
}

/// How many of so many limiters of all kinds are guaranteed to be what they are not, on all cores.
pub(crate) fn falsely(limiters: usize, seed: u64, settings: &ProbeSettings) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let one = |n: usize| guaranteed(seed, n, settings);
    let (guaranteed, falsely) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| {
                let one = &one;
                scope.spawn(move || (core..limiters).step_by(cores).map(one).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1)))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1))
    });
    print!("false guarantees: {falsely} of {limiters} limiters, of which {guaranteed} were guaranteed");
    if falsely == 0 {
        // The highest share of which none in so many is no surprise at 95 %.
        println!("; at 95 % no more than {:.2} %", (1.0 - 0.05_f64.powf(1.0 / limiters as f64)) * 100.0);
    } else {
        println!();
    }
}
