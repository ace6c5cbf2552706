//! The figures of a preview.

use std::time::Duration;

use super::super::{Closed, Model, Scenario};
use super::capped_by_budget;
use crate::emulator::config::{EmulatorConfig, LatencyModel};
use crate::limiter::{Quota, TokenBucket};
use crate::num::{self, count, float};
use crate::schedule::{Schedule, Stage};
use crate::service::operation::Operation;
use crate::service::region;

/// More calls than these are not played through the quota.
const PLAYED: u64 = 2_000_000;
/// The standard normal's 99th percentile.
const Z99: f64 = 2.326_347_874_040_841;

/// What can be known or expected of a scenario.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) length: Duration,
    pub(super) calls: Option<u64>,
    pub(super) expected_calls: Option<u64>,
    pub(super) peak_rate: Option<f64>,
    pub(super) largest_burst: Option<u32>,
    pub(super) peak_workers: Option<usize>,
    pub(super) concurrency: Option<usize>,
    pub(super) in_flight: Option<u64>,
    pub(super) repeats: Option<u64>,
    pub(super) throttled: Option<u64>,
    pub(super) sessions: Option<u64>,
}

impl Numbers {
    pub(super) fn of(scenario: &Scenario, schedule: Option<&Schedule>) -> Self {
        match (&scenario.load.model, schedule) {
            (Model::Closed(closed), _) => Self::closed(closed, &scenario.emulator),
            (Model::Open(open), Some(schedule)) => {
                let mut numbers = Self::open(&open.stages, schedule, &scenario.emulator);
                numbers.concurrency = Some(open.concurrency);
                numbers.expect(scenario, schedule);
                numbers
            }
            (Model::Open(_), None) => Self::default(),
        }
    }

    fn closed(closed: &Closed, emulator: &EmulatorConfig) -> Self {
        let cycle = mean(emulator.latency) + closed.think_time.as_secs_f64();
        let expected: f64 = closed.stages.iter().map(|s| count(s.workers) * s.length.as_secs_f64() / cycle).sum();
        Self {
            length: closed.stages.iter().map(|s| s.length).sum(),
            // Without any latency only the machine limits the rate.
            expected_calls: (cycle > 0.0).then(|| whole(expected)),
            peak_workers: closed.stages.iter().map(|s| s.workers).max(),
            ..Self::default()
        }
    }

    fn open(stages: &[Stage], schedule: &Schedule, emulator: &EmulatorConfig) -> Self {
        let peak = stages.iter().filter_map(|s| match s {
            Stage::Line { from, to, .. } => Some(from.as_f64().max(to.as_f64())),
            Stage::Burst { .. } => None,
        });
        let peak_rate = peak.fold(None, |most: Option<f64>, rate| Some(most.map_or(rate, |m| m.max(rate))));
        let bursts = stages.iter().filter_map(|s| match s {
            Stage::Burst { calls } => Some(*calls),
            Stage::Line { .. } => None,
        });
        let largest_burst = bursts.max();
        let slowest = emulator.stalls.iter().map(|s| s.length).fold(slow(emulator.latency), Duration::max);
        let flowing = whole((peak_rate.unwrap_or(0.0) * slowest.as_secs_f64()).ceil());
        Self {
            length: schedule.length(),
            calls: Some(schedule.calls()),
            peak_rate,
            largest_burst,
            in_flight: Some(flowing + u64::from(largest_burst.unwrap_or(0))),
            ..Self::default()
        }
    }

    /// What the emulator would make of it.
    fn expect(&mut self, scenario: &Scenario, schedule: &Schedule) {
        let emulator = &scenario.emulator;
        let sent = capped_by_budget(schedule.calls(), scenario);
        self.throttled = match emulator.quota_of(Operation::Create, &emulator.region) {
            // What `max_rate` lets through depends on the instant of every call.
            _ if scenario.load.max_rate.is_some() || sent > PLAYED => None,
            // So does what a limit that follows the load lets through.
            _ if emulator.ramp.is_some() || emulator.scaling.is_some() => None,
            Quota::None => Some(0),
            Quota::TokenBucket(TokenBucket { rate, burst, start: None, whole_tokens: false }) => {
                Some(refused(schedule, sent, rate.as_f64(), burst.as_f64()))
            }
            // Only the emulator itself plays the other kinds.
            _ => None,
        };
        let of = &scenario.idempotency;
        let repeating = [of.replay, of.race, of.mismatch, of.after_loss].iter().map(|s| s.as_f64()).sum::<f64>();
        let (fresh, fixed) = (share(scenario, |m| m.fresh_token), share(scenario, |m| m.request.client_request_token.is_some()));
        let of_sent = |part: f64| float(sent) * part;
        self.repeats = Some(whole(of_sent(fresh * repeating)));
        let lives = self.length.as_secs_f64() / emulator.session_ttl.as_secs_f64();
        let tokens = scenario.mixes.iter().filter(|m| m.request.client_request_token.is_some()).count();
        let of_fixed = (count(tokens) * (1.0 + lives.floor())).min(of_sent(fixed));
        let faults = &emulator.faults;
        let lost: f64 = [faults.reset_before, faults.internal_error, faults.unavailable].iter().map(|s| s.as_f64()).sum::<f64>()
            + faults.raw.as_ref().map_or(0.0, |r| r.share.as_f64());
        let served = region::find(&emulator.region).is_some();
        self.sessions = self.throttled.map(|throttled| {
            let accepted = 1.0 - float(throttled) / float(sent.max(1));
            let new = of_sent((1.0 - fixed - fresh * repeating) * accepted * (1.0 - lost)).max(0.0) + of_fixed;
            if served { whole(new) } else { 0 }
        });
    }
}

/// Share of the calls whose mix is as asked.
fn share(scenario: &Scenario, of: impl Fn(&super::super::Mix) -> bool) -> f64 {
    let total: f64 = scenario.mixes.iter().map(|m| f64::from(m.weight)).sum();
    scenario.mixes.iter().filter(|m| of(m)).map(|m| f64::from(m.weight)).sum::<f64>() / total.max(1.0)
}

/// Calls that a token bucket refuses when each arrives at its due time. A refused call takes no token.
fn refused(schedule: &Schedule, sent: u64, rate: f64, burst: f64) -> u64 {
    let (mut tokens, mut last, mut refused) = (burst, 0.0, 0);
    let sent = usize::try_from(sent).unwrap_or(usize::MAX);
    for due in schedule.iter().take(sent) {
        let now = due.as_secs_f64();
        tokens = f64::min(burst, tokens + (now - last) * rate);
        last = now;
        if tokens >= 1.0 {
            tokens -= 1.0;
        } else {
            refused += 1;
        }
    }
    refused
}

/// Mean latency in seconds: exp(mu + sigma^2 / 2) of the log-normal.
fn mean(latency: LatencyModel) -> f64 {
    match latency {
        LatencyModel::None => 0.0,
        LatencyModel::Fixed(length) => length.as_secs_f64(),
        LatencyModel::Uniform { from, to } => f64::midpoint(from.as_secs_f64(), to.as_secs_f64()),
        LatencyModel::LogNormal { median, p99 } => {
            let sigma = (p99.as_secs_f64() / median.as_secs_f64()).ln() / Z99;
            median.as_secs_f64() * (sigma * sigma / 2.0).exp()
        }
    }
}

fn slow(latency: LatencyModel) -> Duration {
    match latency {
        LatencyModel::None => Duration::ZERO,
        LatencyModel::Fixed(length) | LatencyModel::Uniform { to: length, .. } | LatencyModel::LogNormal { p99: length, .. } => {
            length
        }
    }
}

fn whole(value: f64) -> u64 {
    num::whole(value.round())
}
