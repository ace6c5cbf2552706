//! Limiters over the whole range that is asked for, most of them out of reach of the default budget: what is said of them must be right,
//! or honest.

use std::time::Duration;

use livebench::limiter::{Concurrency, FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use livebench::probe::{Kind, ProbeFinding, ProbeSettings};
use livebench::units::Rate;

use crate::world::{Conditions, Draws, KINDS, Truth, World};

/// The names of the kinds, in the order in which they are drawn.
const NAMES: [&str; KINDS] =
    ["token-bucket", "step-bucket", "fixed-window", "sliding-log", "sliding-counter", "concurrency", "none", "sharded-bucket"];

/// Rates of 0.2 to 500/s, bursts and limits of 1 to 2000, windows and steps of 0.1 to 60 s, caps of 1 to 200, 2 to 5 shards.
fn limiter(kind: usize, draws: &mut Draws) -> Truth {
    let r = draws.between(0.2, 500.0);
    let rate = Rate::per_second(r).unwrap();
    let r = rate.as_f64();
    let calls = draws.between(1.0, 2000.0).round();
    // As many calls as keep the rate between 0.2 and 500/s in a window between 0.1 and 60 s.
    let length = draws.between((calls / 500.0).max(0.1), (calls / 0.2).min(60.0));
    let window = Duration::from_millis((length * 1000.0).round() as u64);
    let (w, limit) = (window.as_secs_f64(), calls as u32);
    let windowed = |kind, quota| Truth { kind, rate: Some(calls / w), burst: Some(calls), full_s: Some(w), quota };
    match kind {
        0 => {
            let quota = Quota::TokenBucket(TokenBucket::full(rate, limit));
            Truth { kind: Kind::TokenBucket, rate: Some(r), burst: Some(calls), full_s: Some(calls / r), quota }
        }
        1 => {
            let depth = (calls * draws.between(1.2, 8.0)).clamp(calls + 1.0, 2001.0).round();
            let quota = Quota::StepBucket(StepBucket::full(limit, window, depth as u32));
            let full_s = Some((depth / calls).ceil() * w);
            Truth { kind: Kind::StepBucket, rate: Some(calls / w), burst: Some(depth), full_s, quota }
        }
        2 => windowed(Kind::FixedWindow, Quota::FixedWindow(FixedWindow::on_grid(limit, window))),
        // A log of one call is a bucket of one.
        3 if limit == 1 => windowed(Kind::TokenBucket, Quota::SlidingLog(SlidingLog::exact(limit, window))),
        3 => windowed(Kind::SlidingLog, Quota::SlidingLog(SlidingLog::exact(limit, window))),
        // A counter of one call lets one through every second window: a window of twice the length.
        4 if limit == 1 => limiter(kind, draws),
        4 => windowed(Kind::SlidingCounter, Quota::SlidingCounter(SlidingCounter::exact(limit, window))),
        5 => {
            let cap = draws.between(1.0, 200.0).round();
            let quota = Quota::Concurrency(Concurrency::of(cap as u32));
            Truth { kind: Kind::Concurrency, rate: None, burst: Some(cap), full_s: None, quota }
        }
        6 => Truth { kind: Kind::None, rate: None, burst: None, full_s: None, quota: Quota::None },
        _ => {
            let nodes = draws.between(1.5, 5.5).round() as u32;
            let burst = (calls as u32).max(2 * nodes);
            Truth {
                kind: Kind::ShardedBucket,
                rate: None,
                burst: None,
                full_s: None,
                quota: Quota::ShardedBucket(ShardedBucket::at_random(nodes, rate, burst)),
            }
        }
    }
}

/// What was said of the limiters of one kind.
#[derive(Default)]
struct Row {
    limiters: u32,
    right: u32,
    guaranteed: u32,
    /// Shared use or several buckets were named in the place of the kind.
    doubted: u32,
    inconclusive: u32,
    /// Another kind, only likely.
    wrong: u32,
    /// Another kind, guaranteed, or a guaranteed interval without the truth.
    falsely: u32,
    /// The interval of the right kind misses the truth.
    missed: u32,
    over: u32,
    errors: Vec<f64>,
    calls: Vec<f64>,
    seconds: Vec<f64>,
}

impl Row {
    fn count(&mut self, truth: &Truth, found: &ProbeFinding, verbose: bool) {
        self.limiters += 1;
        let right = found.kind == truth.kind;
        let inside = match (truth.rate, found.rate_per_s) {
            (Some(rate), Some(said)) => said.low <= rate && rate <= said.high,
            _ => true,
        };
        let depth = match (truth.burst, found.burst_between) {
            (Some(burst), Some((low, high))) => f64::from(low) <= burst && burst <= f64::from(high),
            _ => true,
        };
        let doubted = !right && (found.shared_use || found.kind == Kind::ShardedBucket);
        let inconclusive = found.kind == Kind::Inconclusive;
        let honest = found.kind == Kind::None && found.signals.quota == 0;
        self.right += u32::from(right);
        self.guaranteed += u32::from(right && found.guaranteed);
        self.doubted += u32::from(doubted);
        self.inconclusive += u32::from(inconclusive || honest && !right);
        let wrong = !right && !doubted && !inconclusive && !honest;
        self.falsely += u32::from(found.guaranteed && (!right || !inside || !depth));
        self.wrong += u32::from(wrong && !found.guaranteed);
        let missed = right && !(inside && depth) && truth.kind != Kind::ShardedBucket;
        self.missed += u32::from(missed);
        let budget = &found.settings;
        let over = found.calls > budget.max_calls || found.sessions > budget.max_sessions || found.seconds > budget.max_seconds;
        self.over += u32::from(over);
        if let (Some(rate), Some(said), true) = (truth.rate, found.rate_per_s, right) {
            self.errors.push((said.point / rate - 1.0).abs() * 100.0);
        }
        self.calls.push(f64::from(found.calls));
        self.seconds.push(found.seconds);
        if verbose && (!right || missed || over) {
            println!(
                "    {} is {}{} {:?} burst {:?} {:?}, {} calls, {:.1} s, {:?}: {:?}",
                truth.quota,
                found.kind,
                if found.guaranteed { " (guaranteed)" } else { "" },
                found.rate_per_s,
                found.burst,
                found.burst_between,
                found.calls,
                found.seconds,
                found.stop,
                found.notes
            );
        }
    }

    fn print(&mut self, name: &str) {
        let at = |list: &mut Vec<f64>, share: f64| {
            list.sort_by(f64::total_cmp);
            list.get(((list.len().max(1) - 1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
        };
        println!(
            "  {name:<16} {:>3}/{:<3} {:>10} {:>8} {:>12} {:>6} {:>7} {:>6} {:>5}   {:>7.3} % / {:<7.3} % {:>6.0} / {:<6.0} {:>5.1} / {:.1}",
            self.right,
            self.limiters,
            self.guaranteed,
            self.doubted,
            self.inconclusive,
            self.wrong,
            self.falsely,
            self.missed,
            self.over,
            at(&mut self.errors, 0.5),
            at(&mut self.errors, 0.95),
            at(&mut self.calls, 0.5),
            at(&mut self.calls, 1.0),
            at(&mut self.seconds, 0.5),
            at(&mut self.seconds, 1.0)
        );
    }
}

/// The table: `limiters` of each kind with the default budget, and a fourth of them with thirty times as many calls and ten times as long.
pub(crate) fn wide(limiters: usize, seed: u64, only: Option<usize>, settings: &ProbeSettings) {
    let raised = ProbeSettings { max_calls: 20_000, max_sessions: 20_000, max_seconds: 300.0, ..*settings };
    for (name, settings, limiters) in
        [("the default budget", *settings, limiters), ("20000 calls, 300 s", raised, limiters.div_ceil(4))]
    {
        let (mut next, mut judge) = (Vec::new(), Vec::new());
        println!(
            "{name}: right, of these guaranteed; not right: shared or sharded, inconclusive, likely, guaranteed; interval missed; over budget"
        );
        println!(
            "  kind               right guaranteed   shared inconclusive likely falsely missed  over   error p50 / p95      calls p50 / max  seconds p50 / max"
        );
        for (kind, name) in NAMES.iter().enumerate().filter(|(kind, _)| only.is_none_or(|only| only == *kind)) {
            let mut row = Row::default();
            for n in 0..limiters {
                let mut draws = Draws { seed: seed * 1_000_000 + (n * KINDS + kind) as u64, n: 0 };
                let truth = limiter(kind, &mut draws);
                let mut world = World::new(&truth, draws, Conditions::default());
                let found = world.probe(&settings);
                next.push(world.longest_next);
                judge.push(world.judging);
                row.count(&truth, &found, std::env::var_os("LIVEBENCH_BENCH_VERBOSE").is_some());
            }
            row.print(name);
        }
        next.sort_by(f64::total_cmp);
        judge.sort_by(f64::total_cmp);
        let (last, p95) = (next.len() - 1, next.len() * 95 / 100);
        println!(
            "  time on this machine: the longest decision p95 {:.3} s, max {:.3} s; the verdict p95 {:.2} s, max {:.2} s",
            next[p95], next[last], judge[p95], judge[last]
        );
    }
}
