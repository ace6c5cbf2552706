//! How numbers may lie before anything is known, and steps from one value to another.

use super::particle::{COMMON, OTHERS, SIGMA, SLIP};
use crate::limiter::suspect::{Facts, NumberScale, Range, Suspect};

/// All numbers of a suspect, with their places among the coordinates of a particle.
pub(super) fn ranges(suspect: &dyn Suspect, facts: &Facts) -> Vec<(usize, Range)> {
    let own = suspect.ranges(facts).into_iter().enumerate();
    let trip = facts.trip.max(0.002); // derived: below 2 ms this machine's own jitter is no less
    let common = [
        (SLIP, Range::log(1e-4, 0.1)),           // derived: one in ten that is not its own is another limiter
        (SIGMA, Range::log(2.5e-4, trip / 2.0)), // derived: from a quarter of a millisecond, a timer's, to half of the way
        (OTHERS, Range::log(1e-3, 0.5)),         // derived: who gets less than half of it is not the one to measure it
    ];
    let mut all: Vec<(usize, Range)> = own.collect();
    all.extend(common.into_iter().take(COMMON));
    all
}

/// A number drawn by its prior: `u` is uniform from 0 to 1.
pub(super) fn drawn(range: &Range, u: f64) -> f64 {
    match range.scale {
        NumberScale::Log => range.low * (range.high / range.low).powf(u),
        NumberScale::Whole => {
            // derived: each whole number takes the half before it and the half after it
            let (low, high) = (range.low.max(0.5), range.high + 0.5);
            (low * (high / low).powf(u)).round().clamp(range.low, range.high)
        }
        NumberScale::Near(middle) => {
            let (mut left, mut at) = (u * near_total(range, middle), range.low);
            while at < range.high {
                left -= near(at, middle);
                if left <= 0.0 {
                    break;
                }
                at += 1.0;
            }
            at
        }
        NumberScale::Turn => u,
        NumberScale::Even => range.low + (range.high - range.low) * u,
    }
}

/// A number as a share of its range; a phase as its distance from another, the short way round.
pub(super) fn share(range: &Range, value: f64, best: f64) -> f64 {
    match range.scale {
        NumberScale::Log => (value / range.low).ln() / (range.high / range.low).ln(),
        NumberScale::Whole => value.max(0.5).ln() / (range.high / range.low.max(0.5)).ln(), // derived: as drawn
        NumberScale::Near(_) => value / (range.high - range.low + 1.0),
        NumberScale::Turn => (value - best) - (value - best).round(),
        NumberScale::Even => (value - range.low) / (range.high - range.low),
    }
}

/// How likely a number is at a distance from the middle, but for a factor.
pub(super) fn near(at: f64, middle: f64) -> f64 {
    (1.0 + (at - middle).abs()).powi(-2)
}

pub(super) fn near_total(range: &Range, middle: f64) -> f64 {
    let (mut total, mut at) = (0.0, range.low);
    while at <= range.high {
        total += near(at, middle);
        at += 1.0;
    }
    total
}

/// How far a number is moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leap {
    /// Two values of others, whose difference it follows.
    pub(super) between: (f64, f64),
    /// By which part of it.
    pub(super) gamma: f64,
    /// A step of its own, as a share of the range.
    pub(super) own: f64,
}

/// Another value of a number.
pub(super) fn moved(range: &Range, from: f64, leap: Leap) -> f64 {
    let Leap { between: (a, b), gamma, own } = leap;
    match range.scale {
        NumberScale::Log => from * (a / b).powf(gamma) * (range.high / range.low).powf(own),
        NumberScale::Whole | NumberScale::Near(_) => {
            // By one at least, when it moves alone.
            let least = if gamma > 0.0 { 0.0 } else { 0.5 * own.signum() }; // derived: half a step, rounded to a whole one
            (from + gamma * (a - b) + own * (range.high - range.low).min(2.0 * from + 2.0) + least).round()
        }
        NumberScale::Turn => {
            let turn = (a - b) - (a - b).round();
            (from + gamma * turn + own).rem_euclid(1.0)
        }
        NumberScale::Even => from + gamma * (a - b) + own * (range.high - range.low),
    }
}

/// By how much a step to the next value moves a number, as a share of its range; a millionth where values have no step.
pub(super) fn step_share(range: &Range, at: f64) -> f64 {
    match range.scale {
        NumberScale::Whole => ((at + 1.0) / at.max(0.5)).ln() / (range.high / range.low.max(0.5)).ln(), // derived: as drawn
        NumberScale::Near(_) => 1.0 / (range.high - range.low + 1.0),
        NumberScale::Log | NumberScale::Turn | NumberScale::Even => 1e-6,
    }
}

/// How much likelier a number was before than by a uniform law of its share, as a logarithm.
pub(super) fn log_prior(range: &Range, at: f64) -> f64 {
    match range.scale {
        NumberScale::Near(middle) => (near(at, middle) / near_total(range, middle)).ln() + (range.high - range.low + 1.0).ln(),
        NumberScale::Whole | NumberScale::Log | NumberScale::Turn | NumberScale::Even => 0.0,
    }
}
