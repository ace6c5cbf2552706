//! A limiter, the network before it, and others who use it: all of it drawn from a seed, in virtual time.

use std::time::{Duration, Instant};

use livebench::limiter::{Arrival, Limiter, RefusalCost};
use livebench::limiter::{Concurrency, FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use livebench::probe::{AnswerClass, Inquiry, Kind, Next, Observation, ProbeFinding, ProbeSettings, Volley};
use livebench::stats::draw::{self, Stream};
use livebench::units::Rate;

/// The usual round trip: a quarter on either way, log-normal, and half of it in the service.
pub(crate) const TRIP: f64 = 0.030;

/// Sigma of the logarithm of a way.
const JITTER: f64 = 0.3;

/// After so long a call that got no answer is given up.
const PATIENCE: f64 = 1.0;

/// Draws of one limiter, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Draws {
    pub(crate) seed: u64,
    pub(crate) n: u64,
}

impl Draws {
    pub(crate) fn unit(&mut self) -> f64 {
        self.n += 1;
        draw::unit(self.seed, Stream::Mix, self.n)
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        (low.ln() + (high / low).ln() * self.unit()).exp()
    }

    fn jitter(&mut self, sigma: f64) -> f64 {
        self.n += 1;
        (sigma * draw::normal(self.seed, Stream::Latency, self.n)).exp()
    }
}

/// A limiter and what a probe should say of it.
#[derive(Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) kind: Kind,
    pub(crate) rate: Option<f64>,
    pub(crate) burst: Option<f64>,
    pub(crate) full_s: Option<f64>,
    pub(crate) quota: Quota,
}

/// How many kinds there are.
pub(crate) const KINDS: usize = 8;

/// Rates of 1 to 10/s, bursts of 0.2 to 10 s of the rate, windows of 0.5 to 10 s: the n-th kind.
pub(crate) fn limiter(kind: usize, draws: &mut Draws) -> Truth {
    let rate = Rate::per_second(draws.between(1.0, 10.0)).unwrap();
    let r = rate.as_f64();
    let burst = (r * draws.between(0.2, 10.0)).round().max(1.0);
    let calls = (r * draws.between(0.5, 10.0)).round().max(2.0);
    let window = Duration::from_millis((calls / r * 1000.0).round() as u64);
    let (w, limit) = (window.as_secs_f64(), calls as u32);
    let windowed = |kind, quota| Truth { kind, rate: Some(calls / w), burst: Some(calls), full_s: Some(w), quota };
    match kind {
        0 => {
            let quota = Quota::TokenBucket(TokenBucket::full(rate, burst as u32));
            Truth { kind: Kind::TokenBucket, rate: Some(r), burst: Some(burst), full_s: Some(burst / r), quota }
        }
        1 => {
            // As deep as the others, in steps of two tokens or more that are smaller than that.
            let depth = calls.max(3.0);
            let tokens = (2.0 + draws.unit() * (depth - 2.0)).floor().min(depth - 1.0);
            let every = Duration::from_millis((tokens / r * 1000.0).round() as u64);
            let step = every.as_secs_f64();
            let quota = Quota::StepBucket(StepBucket::full(tokens as u32, every, depth as u32));
            let full_s = Some((depth / tokens).ceil() * step);
            Truth { kind: Kind::StepBucket, rate: Some(tokens / step), burst: Some(depth), full_s, quota }
        }
        2 => windowed(Kind::FixedWindow, Quota::FixedWindow(FixedWindow::on_grid(limit, window))),
        3 => windowed(Kind::SlidingLog, Quota::SlidingLog(SlidingLog::exact(limit, window))),
        4 => windowed(Kind::SlidingCounter, Quota::SlidingCounter(SlidingCounter::exact(limit, window))),
        5 => {
            let cap = draws.between(1.0, 60.0).round();
            let quota = Quota::Concurrency(Concurrency::of(cap as u32));
            Truth { kind: Kind::Concurrency, rate: None, burst: Some(cap), full_s: None, quota }
        }
        6 => Truth { kind: Kind::None, rate: None, burst: None, full_s: None, quota: Quota::None },
        _ => {
            let quota = Quota::ShardedBucket(ShardedBucket::at_random(3, rate, burst.max(6.0) as u32));
            // Its rate and burst are estimates, and not among the records.
            Truth { kind: Kind::ShardedBucket, rate: None, burst: None, full_s: None, quota }
        }
    }
}

/// The n-th limiter of a seed, its kinds in turn.
pub(crate) fn truth(seed: u64, n: usize) -> (Truth, Draws) {
    let mut draws = Draws { seed: seed * 100_000 + n as u64, n: 0 };
    (limiter(n % KINDS, &mut draws), draws)
}

/// Where in the round trip a service decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// When the call is sent: all the time goes into the answer.
    AtOnce,
    /// After a way there, with some work and a way back to come.
    Middle,
    /// A fifth of the median before the answer is complete.
    Late,
}

/// What goes on around a limiter.
#[derive(Clone, Copy)]
pub(crate) struct Conditions {
    /// Seconds of a round trip.
    pub(crate) trip: f64,
    /// Sigma of its logarithm, or of that of a way.
    pub(crate) sigma: f64,
    /// Where in it the service decides.
    pub(crate) place: Place,
    /// Share of the calls that get no answer: half of them never arrive.
    pub(crate) lost: f64,
    /// What a refused call costs: nothing to 1, a whole one.
    pub(crate) cost: f64,
    /// Calls of others, as a share of the rate.
    pub(crate) others: f64,
    /// When another rate begins, as a share of the first, in seconds.
    pub(crate) change: Option<(f64, f64)>,
    /// A rate counter of `HAProxy`, with the numbers of the sliding counter.
    pub(crate) haproxy: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { trip: TRIP, sigma: JITTER, place: Place::Middle, lost: 0.0, cost: 0.0, others: 0.0, change: None, haproxy: false }
    }
}

/// Whoever decides.
enum Gate {
    Emulator(Box<Limiter>),
    Haproxy(StickTable),
}

/// `http_req_rate(window) gt limit` as `HAProxy` counts: refused calls as well, the last window's share rounded down, and windows that begin
/// anew with the first call after two windows of silence.
struct StickTable {
    limit: u64,
    window_ms: u64,
    begin_ms: u64,
    count: u64,
    before: u64,
}

impl StickTable {
    fn take(&mut self, at: Duration) -> bool {
        let now = at.as_millis() as u64;
        if now >= self.begin_ms + self.window_ms {
            (self.before, self.count) = (self.count, 0);
            self.begin_ms += self.window_ms;
            if now >= self.begin_ms + self.window_ms {
                (self.before, self.begin_ms) = (0, now);
            }
        }
        self.count += 1;
        let left = self.begin_ms + self.window_ms - now;
        (self.before * left + self.count * self.window_ms) / self.window_ms <= self.limit
    }
}

/// A limiter, a network before it and others who use it.
pub(crate) struct World {
    gate: Gate,
    quota: Quota,
    conditions: Conditions,
    /// Calls of others per second.
    others: f64,
    /// The service's clock at the probe's start.
    clock: f64,
    draws: Draws,
    next_other: f64,
    calls: u64,
    /// What it would be without others, and how many answers differ.
    twin: Limiter,
    pub(crate) differing: u32,
    /// CPU's worth of the longest decision what to send next, and of the verdict, in seconds of this machine.
    pub(crate) longest_next: f64,
    pub(crate) judging: f64,
    /// The same of all decisions and the verdict.
    pub(crate) deciding: f64,
}

fn price(cost: f64) -> RefusalCost {
    RefusalCost::new(cost).unwrap()
}

impl World {
    pub(crate) fn new(truth: &Truth, mut draws: Draws, conditions: Conditions) -> Self {
        let clock = draws.unit() * 100.0;
        let gate = match truth.quota {
            Quota::SlidingCounter(SlidingCounter { limit, window, .. }) if conditions.haproxy => Gate::Haproxy(StickTable {
                limit: u64::from(limit),
                window_ms: window.as_millis() as u64,
                begin_ms: 0,
                count: 0,
                before: 0,
            }),
            quota => Gate::Emulator(Box::new(Limiter::new(quota, price(conditions.cost)))),
        };
        let others = conditions.others * truth.rate.unwrap_or(1.0);
        let twin = Limiter::new(truth.quota, price(conditions.cost));
        Self {
            gate,
            quota: truth.quota,
            conditions,
            others,
            clock,
            draws,
            next_other: 0.0,
            calls: 0,
            twin,
            differing: 0,
            longest_next: 0.0,
            judging: 0.0,
            deciding: 0.0,
        }
    }

    /// Whether a call is let through, and for how many seconds it waits.
    fn take(&mut self, at: f64, until: f64) -> Option<f64> {
        while self.others > 0.0 && self.next_other < at {
            let other = self.next_other;
            self.next_other += -self.draws.unit().ln() / self.others;
            self.decide(other, other + self.conditions.trip / 2.0);
        }
        let passed = self.decide(at, until);
        let now = Duration::from_secs_f64(at + self.clock);
        let alone = self.twin.take(Arrival { now, until: now, node: 0 }).is_ok();
        self.differing += u32::from(passed.is_some() != alone);
        passed
    }

    fn decide(&mut self, at: f64, until: f64) -> Option<f64> {
        self.calls += 1;
        if let Some((_, share)) = self.conditions.change.take_if(|change| change.0 <= at)
            && let Quota::TokenBucket(TokenBucket { rate, burst, .. }) = self.quota
        {
            let rate = Rate::per_second(rate.as_f64() * share).unwrap();
            self.gate = Gate::Emulator(Box::new(Limiter::new(
                Quota::TokenBucket(TokenBucket::full(rate, burst)),
                price(self.conditions.cost),
            )));
        }
        let instant = |t: f64| Duration::from_secs_f64(t + self.clock);
        let node = draw::bits(self.draws.seed, Stream::Node, self.calls);
        match &mut self.gate {
            Gate::Emulator(limiter) => {
                let arrival = Arrival { now: instant(at), until: instant(until), node };
                limiter.take(arrival).ok().map(|wait| wait.as_secs_f64())
            }
            Gate::Haproxy(table) => table.take(instant(at)).then_some(0.0),
        }
    }

    /// When a call that is sent at an instant is decided, and when the service is done with it.
    fn served(&mut self, sent: f64) -> (f64, f64) {
        let Conditions { trip, sigma, place, .. } = self.conditions;
        match place {
            Place::AtOnce => (sent, sent + trip * self.draws.jitter(sigma)),
            Place::Middle => {
                let arrival = sent + trip / 4.0 * self.draws.jitter(sigma);
                (arrival, arrival + trip / 2.0)
            }
            Place::Late => {
                let end = sent + trip * self.draws.jitter(sigma);
                (end - trip * 0.2, end)
            }
        }
    }

    fn send(&mut self, batch: &Volley, now: f64) -> Vec<Observation> {
        let Conditions { trip, sigma, place, .. } = self.conditions;
        let sent = |due: &Duration| due.as_secs_f64().max(now) + 0.0001;
        let mut calls: Vec<((f64, f64), f64, Duration)> =
            batch.dues.iter().map(|due| (self.served(sent(due)), sent(due), *due)).collect();
        calls.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
        let mut seen: Vec<Observation> = Vec::new();
        for ((arrival, end), sent, due) in calls {
            let fate = if self.conditions.lost > 0.0 { self.draws.unit() / self.conditions.lost } else { 1.0 };
            // Half of the lost calls never arrive.
            let waits = if fate >= 0.5 { self.take(arrival, end) } else { None };
            let answer = match (fate < 1.0, waits.is_some()) {
                (true, _) => AnswerClass::Unknown,
                (false, true) => AnswerClass::Accepted,
                (false, false) => AnswerClass::Refused,
            };
            let back = if place == Place::Middle { trip / 4.0 * self.draws.jitter(sigma) } else { 0.0 };
            let done = if fate < 1.0 { sent + PATIENCE } else { end + waits.unwrap_or(0.0) + back };
            seen.push(batch.observe(due, Duration::from_secs_f64(sent), Duration::from_secs_f64(done), answer));
        }
        seen.sort_by_key(|o| (o.sent_us, o.done_us));
        seen
    }

    /// Probes it.
    pub(crate) fn probe(&mut self, settings: &ProbeSettings) -> ProbeFinding {
        let (mut inquiry, mut now) = (Inquiry::new(*settings), 0.0);
        let stop = loop {
            let begin = Instant::now();
            let next = inquiry.next(Duration::from_secs_f64(now));
            let mut took = begin.elapsed().as_secs_f64();
            match next {
                Next::Done(stop) => break stop,
                Next::Send(batch) => {
                    let seen = self.send(&batch, now);
                    now = seen.iter().map(|o| o.done_us).max().unwrap_or(0) as f64 / 1e6;
                    let begin = Instant::now();
                    inquiry.observe(&seen);
                    took += begin.elapsed().as_secs_f64();
                }
            }
            self.longest_next = self.longest_next.max(took);
            self.deciding += took;
        };
        let begin = Instant::now();
        let found = inquiry.finding(stop);
        self.judging = begin.elapsed().as_secs_f64();
        self.deciding += self.judging;
        found
    }
}
