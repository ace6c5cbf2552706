//! How many answers a hypothesis does not explain: the emulator's limiter, called at the middles of the brackets.

use std::time::Duration;

use super::finding::{Finding, RunnerUp};
use super::judge::model;
use super::kind::Kind;
use super::observation::{Answer, Observation};
use super::view::seconds;
use crate::limiter::{Arrival, Limiter};
use crate::limiter::{FixedWindow, Quota, SlidingCounter, SlidingLog, TokenBucket};
use crate::units::Rate;

/// Phases of the service's clock that are tried.
const PHASES: u32 = 40;

/// Answers that a limiter with a clock of its own gives differently, at its best phase.
fn differing(quota: Quota, period: f64, observations: &[Observation]) -> u32 {
    let phases = if period > 0.0 { PHASES } else { 1 };
    (0..phases).map(|n| at_phase(quota, period * f64::from(n) / f64::from(phases), observations)).min().unwrap_or(0)
}

fn at_phase(quota: Quota, phase: f64, observations: &[Observation]) -> u32 {
    let mut limiter = Limiter::new(quota, false);
    let mut calls: Vec<(f64, Answer)> =
        observations.iter().map(|o| (f64::midpoint(seconds(o.sent_us), seconds(o.done_us)), o.answer)).collect();
    calls.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut differing = 0;
    for (number, (at, answer)) in (0u64..).zip(calls) {
        let now = Duration::try_from_secs_f64(at + phase).unwrap_or_default();
        if matches!(answer, Answer::Ramp | Answer::Service) {
            continue;
        }
        let passed = limiter.take(Arrival { now, until: now, node: number }).is_ok();
        differing += u32::from(answer != Answer::Unknown && passed != (answer == Answer::Accepted));
    }
    differing
}

/// Answers that the kind found does not explain with the numbers found.
pub(super) fn answers(finding: &Finding, observations: &[Observation]) -> u32 {
    let period = finding.period_s.map_or(0.0, |p| p.point);
    model(finding).map_or(0, |quota| differing(quota, period, observations))
}

/// The same as a share of the calls.
pub(super) fn share(finding: &Finding, observations: &[Observation]) -> f64 {
    f64::from(answers(finding, observations)) / f64::from(finding.calls.max(1))
}

/// Of the other kinds with about the same rate and burst, the one that explains most.
pub(super) fn runner_up(finding: &Finding, observations: &[Observation]) -> Option<RunnerUp> {
    let (rate, burst) = (finding.rate_per_s?.point, finding.burst?.max(1));
    let window = f64::from(burst) / rate;
    let per_second = Rate::per_second(rate).ok()?;
    let length = Duration::try_from_secs_f64(window).ok()?;
    let others = [
        (Kind::TokenBucket, 0.0, Quota::TokenBucket(TokenBucket::full(per_second, burst))),
        (Kind::FixedWindow, window, Quota::FixedWindow(FixedWindow::on_grid(burst, length))),
        (Kind::SlidingLog, 0.0, Quota::SlidingLog(SlidingLog::exact(burst, length))),
        (Kind::SlidingCounter, window, Quota::SlidingCounter(SlidingCounter::exact(burst, length))),
    ];
    let others = others.into_iter().filter(|(kind, ..)| *kind != finding.kind);
    let counted = others.map(|(kind, period, quota)| RunnerUp { kind, violated_answers: differing(quota, period, observations) });
    counted.min_by_key(|other| other.violated_answers)
}
