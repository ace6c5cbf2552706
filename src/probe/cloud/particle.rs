//! One guess at a suspect's numbers, and how likely it made what was answered.

use std::ops::Range;

use super::super::timeline::Timeline;
use crate::limiter::suspect::{CallMoment, LimiterNumbers, NUMBERS, PLACES, Suspect, cauchy};
use crate::num::count;
use crate::stats::draw::{Stream, unit};

/// Numbers that every suspect has: share of answers that are none of its own, jitter in seconds, and share of the calls that would pass
/// but are refused because somebody else was there first.
pub(super) const COMMON: usize = 3; // derived: the three named above

/// How many numbers a particle has.
pub(super) const COORDINATES: usize = NUMBERS + COMMON;

/// All numbers of a particle.
pub(super) type Coordinates = [f64; COORDINATES];

/// Where the common numbers begin.
pub(super) const SLIP: usize = NUMBERS;
pub(super) const SIGMA: usize = SLIP + 1;
pub(super) const OTHERS: usize = SLIP + 2;

/// What is the same for all particles: the instant from which phases are counted, and by how many seconds an answer may be late without
/// having waited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baseline {
    pub(super) origin: f64,
    pub(super) late: f64,
}

/// One guess.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Particle {
    pub(super) point: Coordinates,
    pub(in super::super) state: [f64; PLACES],
    /// Logarithm of the weight since the last draw.
    pub(super) weight: f64,
    /// Logarithm of the likelihood of all answers.
    pub(super) likelihood: f64,
    /// Key of its own chance.
    pub(super) key: u64,
}

impl Particle {
    pub(in super::super) fn numbers(&self) -> &LimiterNumbers {
        &self.point[..NUMBERS]
    }

    pub(in super::super) fn sigma(&self) -> f64 {
        self.point[SIGMA]
    }

    pub(in super::super) fn others(&self) -> f64 {
        self.point[OTHERS]
    }

    pub(in super::super) fn slip(&self) -> f64 {
        self.point[SLIP]
    }
}

pub(super) fn fresh(suspect: &dyn Suspect, point: Coordinates, key: u64) -> Particle {
    let mut p = Particle { point, state: [0.0; PLACES], weight: 0.0, likelihood: 0.0, key };
    suspect.start(&p.point[..NUMBERS], &mut p.state);
    p
}

/// How likely an answer was: that it was let through or refused, and how long it took, but for a factor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likelihood {
    pub(super) decision: f64,
    pub(super) wait: f64,
    /// The chance to be let through by the limiter itself.
    pub(super) open: f64,
}

/// Tells a particle some answers; the logarithm of how likely it made them.
pub(super) fn tell(suspect: &dyn Suspect, p: &mut Particle, timeline: &Timeline, which: Range<usize>, baseline: Baseline) -> f64 {
    let mut product = 1.0;
    for at in which {
        let one = step(suspect, p, timeline, at, baseline);
        product *= one.decision * one.wait;
    }
    product.ln()
}

/// Answers whose likelihoods are multiplied before one logarithm is taken.
pub(super) const AT_ONCE: usize = 8; // derived: no answer is less likely than 1e-12 or so, and 1e-96 is far from the least number

/// Tells a particle one answer.
pub(super) fn step(suspect: &dyn Suspect, p: &mut Particle, timeline: &Timeline, at: usize, baseline: Baseline) -> Likelihood {
    let told = &timeline.told[at];
    let chance = unit(p.key, Stream::Particle, at as u64);
    let (sigma, slip, others) = (p.sigma(), p.slip(), p.others());
    // derived: Cauchy's law is within three of its widths in four of five cases
    let now = CallMoment { jitter: 3.0 * sigma, ..timeline.moment(at, baseline.origin, chance) };
    let (numbers, state) = (&p.point[..NUMBERS], &mut p.state);
    let open = suspect.chance(numbers, state, &now, sigma);
    let Some(passed) = told.passed else {
        // derived: half of the calls that got no answer never arrived, and what is likelier than not was let through
        if chance < 0.5 && open > 0.5 {
            suspect.passed(numbers, state, &now);
        }
        return Likelihood { decision: 1.0, wait: 1.0, open };
    };
    let mine = |open: f64| (slip / 2.0 + (1.0 - slip) * open) * (1.0 - others);
    if !passed {
        let open = open.min(cauchy(suspect.excuse(numbers, state, &now) / sigma));
        suspect.refused(numbers, state, &now);
        return Likelihood { decision: 1.0 - mine(open), wait: 1.0, open };
    }
    let wait = suspect.wait(numbers, state, &now);
    suspect.passed(numbers, state, &now);
    // Cauchy: one answer that is late for another reason decides nothing.
    Likelihood { decision: mine(open), wait: 1.0 / (1.0 + ((told.late - wait) / baseline.late).powi(2)), open }
}

pub(super) fn top(particles: &[Particle]) -> f64 {
    particles.iter().map(|p| p.weight).fold(f64::NEG_INFINITY, f64::max)
}

pub(super) fn effective(particles: &[Particle]) -> f64 {
    let top = top(particles);
    let (sum, squares) = particles.iter().fold((0.0, 0.0), |(sum, squares), p| {
        let w = (p.weight - top).exp();
        (sum + w, squares + w * w)
    });
    if squares > 0.0 { sum * sum / squares } else { 1.0 }
}

pub(super) fn log_mean(particles: &[Particle]) -> f64 {
    let top = top(particles);
    if top == f64::NEG_INFINITY {
        return top;
    }
    let sum: f64 = particles.iter().map(|p| (p.weight - top).exp()).sum();
    top + (sum / count(particles.len())).ln()
}
