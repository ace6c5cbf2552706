//! One guess at a suspect's numbers, and how likely it made what was answered.

use std::ops::Range;

use crate::limiter::suspect::{Answers, Guess, Likelihood, LimiterNumbers, NUMBERS, PLACES, Suspect, likelihood};
use crate::num::count;
use crate::stats::draw::{Keyed, Stream};

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

    /// What it guesses, and what it remembers.
    fn guess(&mut self) -> (Guess<'_>, &mut [f64; PLACES]) {
        let [.., slip, sigma, others] = self.point;
        let chance = Keyed::new(self.key, Stream::Particle);
        (Guess { numbers: &self.point[..NUMBERS], slip, sigma, others, chance }, &mut self.state)
    }

    pub(in super::super) fn sigma(&self) -> f64 {
        self.point[SIGMA]
    }

    pub(in super::super) fn others(&self) -> f64 {
        self.point[OTHERS]
    }
}

pub(super) fn fresh(suspect: &dyn Suspect, point: Coordinates, key: u64) -> Particle {
    let mut p = Particle { point, state: [0.0; PLACES], weight: 0.0, likelihood: 0.0, key };
    suspect.start(&p.point[..NUMBERS], &mut p.state);
    p
}

/// Tells a particle some answers; the logarithm of how likely it made them.
pub(super) fn tell(suspect: &dyn Suspect, p: &mut Particle, answers: &Answers<'_>, which: Range<usize>) -> f64 {
    let (guess, state) = p.guess();
    suspect.tell(&guess, state, answers, which).ln()
}

/// Answers whose likelihoods are multiplied before one logarithm is taken.
pub(super) const AT_ONCE: usize = 8; // derived: no answer is less likely than 1e-12 or so, and 1e-96 is far from the least number

/// Tells a particle one answer.
pub(super) fn step(suspect: &dyn Suspect, p: &mut Particle, answers: &Answers<'_>, at: usize) -> Likelihood {
    let (guess, state) = p.guess();
    likelihood(suspect, &guess, state, &answers.at(at))
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
