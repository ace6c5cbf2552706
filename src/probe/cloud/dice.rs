//! Draws of chance that can be repeated.

use crate::num::count;
use crate::stats::draw::{Stream, unit};

/// Draws in order.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Dice {
    seed: u64,
    n: u64,
}

impl Dice {
    pub(in super::super) const fn new(seed: u64, of: u64) -> Self {
        Self { seed, n: of << 40 } // derived: 2^40 draws are more than a probe makes
    }

    pub(in super::super) fn unit(&mut self) -> f64 {
        self.n += 1;
        unit(self.seed, Stream::Particle, self.n)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below `most`
    pub(in super::super) fn below(&mut self, most: usize) -> usize {
        ((self.unit() * count(most)) as usize).min(most.saturating_sub(1))
    }

    pub(super) fn key(&mut self) -> u64 {
        self.unit().to_bits()
    }
}
