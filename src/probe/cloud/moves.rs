//! Particles that carry no weight are replaced, and all move: as Markov chains that leave their law as it is, or by a shrunken kernel.

use super::super::timeline::Timeline;
use super::Cloud;
use super::particle::{Coordinates, Particle, top};
use super::prior::{Leap, moved, near};
use crate::limiter::suspect::NumberScale;
use crate::num::count;

/// What rounding may add to a number at the edge of its range.
const ROUNDING: f64 = 1e-12; // derived: a hundred times the resolution of a number of about 50

impl Cloud {
    /// Systematic resampling (Kitagawa: Monte Carlo filter and smoother, 1996).
    pub(super) fn resampled(&mut self, old: &[Particle], size: usize) -> Vec<Particle> {
        let top = top(old);
        let total: f64 = old.iter().map(|p| (p.weight - top).exp()).sum();
        let step = total / count(size);
        let mut at = self.dice.unit() * step;
        let (mut sum, mut drawn) = (0.0, Vec::with_capacity(size));
        for p in old {
            sum += (p.weight - top).exp();
            while at < sum && drawn.len() < size {
                drawn.push(Particle { weight: 0.0, ..*p });
                at += step;
            }
        }
        while drawn.len() < size {
            drawn.push(Particle { weight: 0.0, ..old[old.len() - 1] });
        }
        drawn
    }

    /// One move of every particle.
    pub(super) fn move_all(&mut self, timeline: &Timeline) {
        // source: ter Braak 2006, 2.38 / sqrt(2 d)
        let gamma = 2.38 / (2.0 * count(self.ranges.len())).sqrt();
        let course = self.course(timeline);
        let swarm: Vec<Coordinates> = self.particles.iter().map(|p| p.point).collect();
        for at in 0..self.particles.len() {
            let (a, b) = (swarm[self.dice.below(swarm.len())], swarm[self.dice.below(swarm.len())]);
            let mut point = self.particles[at].point;
            let alone = self.dice.unit() < 0.5; // derived: as many moves of one number as of all
            let only = self.ranges[self.dice.below(self.ranges.len())].0;
            let (mut inside, mut prior) = (true, 0.0);
            for (place, range) in &self.ranges {
                if alone && *place != only {
                    continue;
                }
                // Of any size, so that a swarm that shrank to few points spreads again.
                let size = 10.0_f64.powf(-6.0 * self.dice.unit()); // derived: from all of the range to a millionth
                // derived: to both sides; and with all others next to nothing, which keeps a swarm of one point from standing still
                let own = (self.dice.unit() - 0.5) * if alone { size } else { 1e-7 };
                let leap = Leap { between: (a[*place], b[*place]), gamma: if alone { 0.0 } else { gamma }, own };
                point[*place] = moved(range, point[*place], leap);
                if let NumberScale::Near(middle) = range.scale {
                    prior += (near(point[*place], middle) / near(self.particles[at].point[*place], middle)).ln();
                }
                inside &= point[*place] >= range.low - ROUNDING && point[*place] <= range.high + ROUNDING;
            }
            let accept = self.dice.unit().ln();
            #[allow(clippy::float_cmp)] // a move that moves nothing, bit by bit
            let stays = point == self.particles[at].point;
            if !inside || stays {
                continue;
            }
            let before = self.particles[at];
            // derived: as often another chance as the same one
            let key = if self.dice.unit() < 0.5 { self.dice.key() } else { before.key };
            if let Some(next) = self.replay(point, key, before.likelihood + accept - prior, &course) {
                self.particles[at] = next;
            }
        }
    }

    /// Numbers move a little towards their mean, and by as much at random: their spread stays.
    pub(super) fn shrink(&mut self) {
        const KEEP: f64 = 0.98; // source: Liu, West 2001: a discount of 0.95 to 0.99
        let n = count(self.particles.len());
        for (place, range) in self.ranges.clone() {
            let log = |v: f64| if range.scale == NumberScale::Log { v.ln() } else { v };
            let mean = self.particles.iter().map(|p| log(p.point[place])).sum::<f64>() / n;
            let var = self.particles.iter().map(|p| (log(p.point[place]) - mean).powi(2)).sum::<f64>() / n;
            let spread = (var * (1.0 - KEEP * KEEP)).sqrt();
            for at in 0..self.particles.len() {
                // derived: the sum of twelve uniform numbers less six is nearly normal
                let normal = (0..12).map(|_| self.dice.unit()).sum::<f64>() - 6.0;
                let p = &mut self.particles[at];
                if matches!(range.scale, NumberScale::Whole | NumberScale::Near(_)) {
                    continue;
                }
                let v = KEEP * log(p.point[place]) + (1.0 - KEEP) * mean + spread * normal;
                let v = if range.scale == NumberScale::Log { v.exp() } else { v };
                p.point[place] = v.clamp(range.low, range.high);
            }
        }
        for p in &mut self.particles {
            p.key = self.dice.key();
        }
    }
}
