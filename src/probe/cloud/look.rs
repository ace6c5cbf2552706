//! Looks where the answers hint at: numbers that a random walk would take long to find.

use super::super::clues::Clues;
use super::super::sets::Set;
use super::super::timeline::Timeline;
use super::Cloud;
use super::particle::{COORDINATES, Coordinates};
use super::prior::drawn;
use crate::limiter::suspect::{Facts, NUMBERS, NumberRole, Suspect};

/// Rounds of search and moves from random numbers to settled ones.
const ROUNDS: usize = 6; // derived: of each, half of the particles move on; after six rounds one in 64 did not

/// So much less likely than the best, as a logarithm, a particle is not worth a place.
const WORSE: f64 = 12.0; // derived: one in 10^5 of the best

impl Cloud {
    /// Looks where the answers hint at: particles that explain them better take the place of those that do worse.
    pub(super) fn look(&mut self, timeline: &Timeline) {
        let clues = Clues::of(timeline);
        let mut pool = std::mem::take(&mut self.particles);
        let mut least = pool.iter().map(|p| p.likelihood).fold(f64::NEG_INFINITY, f64::max) - WORSE;
        let size = pool.len();
        for _ in 0..size {
            let at = self.dice.below(size);
            let mut point = pool[at].point;
            self.hint(&mut point, &clues);
            let key = pool[at].key;
            if let Some(found) = self.replay(point, key, least, timeline) {
                least = least.max(found.likelihood - WORSE);
                pool.push(found);
            }
        }
        if pool.len() == size {
            self.particles = pool;
            return;
        }
        let top = pool.iter().map(|p| p.likelihood).fold(f64::NEG_INFINITY, f64::max);
        for p in &mut pool {
            p.weight = p.likelihood - top;
        }
        self.particles = self.resampled(&pool, size);
        for _ in 0..2 {
            self.move_all(timeline);
        }
    }

    /// Numbers at which the answers hint. Every number is now and then drawn as if nothing were known, for hints may mislead.
    fn hint(&mut self, point: &mut Coordinates, clues: &Clues) {
        let (mut calls, mut period) = (1.0, 1.0);
        let mut edge: fn(&Clues, f64) -> Option<f64> = Clues::edge;
        // Of two parts one may be right already; derived: thirds, one for each part and one for both
        let kept = match (self.suspect.first(), self.dice.below(3)) {
            (Some((_, numbers)), 1) => 0..numbers,
            (Some((_, numbers)), 2) => numbers..NUMBERS,
            _ => 0..0,
        };
        for at in 0..self.ranges.len() {
            let (place, range) = self.ranges[at];
            if kept.contains(&place) {
                continue;
            }
            let (u, v) = (self.dice.unit(), self.dice.unit());
            // derived: one in four, and one in two of those without hints, so that a start afresh and a step from here are both tried
            let afresh = self.dice.unit() < if range.role == NumberRole::Other { 0.5 } else { 0.25 };
            let hinted = match range.role {
                _ if afresh => Some(drawn(&range, u)),
                NumberRole::Calls => clues.calls(u),
                NumberRole::Total => clues.total((u, v)),
                NumberRole::Period => clues.period(calls, (u, v), edge),
                NumberRole::Rate => clues.rate(u),
                NumberRole::Phase => edge(clues, u).map(|edge| ((edge - self.baseline.origin) / period).rem_euclid(1.0)),
                NumberRole::Other => None,
            };
            point[place] = hinted.unwrap_or(point[place]).clamp(range.low, range.high);
            match range.role {
                NumberRole::Calls => calls = point[place],
                NumberRole::Total => (calls, edge) = (point[place], Clues::edge_after_silence),
                NumberRole::Period => period = point[place],
                NumberRole::Rate | NumberRole::Phase | NumberRole::Other => {}
            }
        }
    }

    /// Asks a suspect again that was dropped: numbers drawn as at the beginning, numbers at which the answers hint, and where `plain` is the
    /// cloud of its first part, that one's numbers. It is back if some make the answers at least as likely as `least`. Chance that no number tells cannot be asked again.
    pub(in super::super) fn revive(&mut self, timeline: &Timeline, mut least: f64, plain: Option<&Cloud>) {
        if self.suspect.hidden() {
            return;
        }
        let (size, clues) = (self.particles.len(), Clues::of(timeline));
        let (told, first) = (std::mem::replace(&mut self.told, timeline.told.len()), self.suspect.first().map_or(0, |(_, n)| n));
        let mut found = Vec::new();
        for at in 0..size {
            let mut point = [0.0; COORDINATES];
            for (place, range) in &self.ranges {
                point[*place] = drawn(range, self.dice.unit());
            }
            let way = at % 3; // derived: three ways of looking, each tried as often
            if way > 0 {
                self.hint(&mut point, &clues);
            }
            if let Some(plain) = plain.filter(|_| way == 2) {
                point[..first].copy_from_slice(&plain.particles[self.dice.below(plain.particles.len())].numbers()[..first]);
            }
            let key = self.dice.key();
            if let Some(one) = self.replay(point, key, least, timeline) {
                least = least.max(one.likelihood - WORSE);
                found.push(one);
            }
        }
        if found.is_empty() {
            self.told = told;
            return;
        }
        let top = found.iter().map(|p| p.likelihood).fold(f64::NEG_INFINITY, f64::max);
        for p in &mut found {
            p.weight = p.likelihood - top;
        }
        self.particles = self.resampled(&found, size);
        // derived: a few that were found spread over what is as likely in a handful of rounds
        for _ in 0..ROUNDS {
            self.move_all(timeline);
        }
        self.dropped = false;
        self.judge();
    }
}

/// Whether some numbers of a suspect, within a set if one is given, make the answers at least as likely as `least`.
pub(in super::super) fn second_look(
    suspect: &'static dyn Suspect,
    facts: &Facts,
    set: Option<&Set>,
    timeline: &Timeline,
    least: f64,
) -> bool {
    let mut cloud = Cloud::new(suspect, 0, facts, 0);
    for (_, range) in &mut cloud.ranges {
        let within = match (range.role, set) {
            (NumberRole::Calls, Some(set)) => {
                Some((set.tokens.map_or(set.burst.0, |tokens| tokens.min(set.burst.0)).floor(), set.burst.1.ceil()))
            }
            (NumberRole::Period, Some(set)) => set.period,
            (NumberRole::Rate, Some(set)) => Some(set.rate),
            _ => None,
        };
        if let Some((low, high)) = within {
            (range.low, range.high) = (range.low.max(low), range.high.min(high));
            // What is over within a round trip, or lasts longer than the probe can tell, is nothing that it sees.
            if range.low > range.high {
                return false;
            }
        }
    }
    cloud.told = timeline.told.len();
    for at in 0..cloud.particles.len() {
        let mut point = cloud.particles[at].point;
        for (place, range) in &cloud.ranges {
            point[*place] = drawn(range, cloud.dice.unit());
        }
        let key = cloud.particles[at].key;
        cloud.particles[at] = cloud.replay(point, key, f64::NEG_INFINITY, timeline).unwrap_or(cloud.particles[at]);
    }
    for _ in 0..ROUNDS {
        if cloud.best_likelihood() >= least {
            return true;
        }
        cloud.look(timeline);
        cloud.move_all(timeline);
    }
    cloud.best_likelihood() >= least
}
