//! Looks where the answers hint at: numbers that a random walk would take long to find.

use super::super::clues::Clues;
use super::super::sets::Set;
use super::super::timeline::Timeline;
use super::particle::{COORDINATES, Coordinates, Particle};
use super::prior::drawn;
use super::{Cloud, Course, WORSE};
use crate::limiter::suspect::{Facts, NUMBERS, NumberRole, Range, Suspect};
use crate::num::count;

/// Rounds of search and moves from random numbers to settled ones.
const ROUNDS: usize = 6; // derived: of each, half of the particles move on; after six rounds one in 64 did not

impl Cloud {
    /// Looks where the answers hint at: particles that explain them better take the place of those that do worse.
    pub(super) fn look(&mut self, timeline: &Timeline) {
        let (clues, course) = (Clues::of(timeline), self.course(timeline));
        let mut pool = std::mem::take(&mut self.particles);
        let mut least = pool.iter().map(|p| p.likelihood).fold(f64::NEG_INFINITY, f64::max) - WORSE;
        let size = pool.len();
        for _ in 0..size {
            let at = self.dice.below(size);
            let mut point = pool[at].point;
            self.hint(&mut point, &clues);
            let key = pool[at].key;
            if let Some(found) = self.replay(point, key, least, &course) {
                least = least.max(found.likelihood - WORSE);
                pool.push(found);
            }
        }
        if pool.len() == size {
            self.particles = pool;
            return;
        }
        self.gather(pool, size);
        for _ in 0..2 {
            self.move_all(timeline);
        }
    }

    /// Its particles are drawn anew out of a pool, by how likely they make the answers.
    fn gather(&mut self, mut pool: Vec<Particle>, size: usize) {
        let top = pool.iter().map(|p| p.likelihood).fold(f64::NEG_INFINITY, f64::max);
        for p in &mut pool {
            p.weight = p.likelihood - top;
        }
        self.particles = self.resampled(&pool, size);
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
                NumberRole::Phase => edge(clues, u).map(|edge| turned((edge - self.origin) / period, &range)),
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
    /// cloud of its first part, that one's numbers. It is back if some make the answers at least as likely as `least`.
    pub(in super::super) fn revive(&mut self, timeline: &Timeline, mut least: f64, plain: Option<&Cloud>) {
        let (size, clues) = (self.particles.len(), Clues::of(timeline));
        let (told, first) = (std::mem::replace(&mut self.told, timeline.told.len()), self.suspect.first().map_or(0, |(_, n)| n));
        let (course, mut found) = (Course::open(self.answers(timeline)), Vec::new());
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
            if let Some(one) = self.replay(point, key, least, &course) {
                least = least.max(one.likelihood - WORSE);
                found.push(one);
            }
        }
        if found.is_empty() {
            self.told = told;
            return;
        }
        self.gather(found, size);
        // derived: a few that were found spread over what is as likely in a handful of rounds
        for _ in 0..ROUNDS {
            self.move_all(timeline);
        }
        self.dropped = false;
        self.judge();
    }
}

/// Suspects that answers are told once more, within numbers that brackets leave.
pub(in super::super) struct SecondLook<'a> {
    pub(in super::super) timeline: &'a Timeline,
    pub(in super::super) facts: Facts,
    /// Those that followed the answers.
    pub(in super::super) clouds: &'a [Cloud],
    /// How likely one must make the answers.
    pub(in super::super) least: f64,
    /// Steps that all looks together may still take.
    pub(in super::super) credit: i64,
}

impl SecondLook<'_> {
    /// Whether some numbers of a suspect, within a set if one is given, may make the answers at least as likely as asked: such numbers are
    /// known or were found, or not all of the search was afforded.
    pub(in super::super) fn leaves(&mut self, suspect: &'static dyn Suspect, set: Option<&Set>) -> bool {
        let followed = self.clouds.iter().find(|followed| !followed.dropped && followed.suspect.name() == suspect.name());
        if followed.is_some_and(|followed| followed.knows(self.least, set)) {
            return true;
        }
        let mut cloud = Cloud::new(suspect, 0, &self.facts, 0);
        if !set.is_none_or(|set| cloud.narrow(set)) {
            return false;
        }
        if self.credit <= 0 {
            return true;
        }
        cloud.credit = self.credit;
        let found = cloud.reaches(self.least, self.timeline, set);
        self.credit = cloud.credit;
        found
    }
}

impl Cloud {
    /// Narrows its numbers to a set; false if none is left.
    fn narrow(&mut self, set: &Set) -> bool {
        let phases = set.edge.zip(set.period).and_then(|(edge, period)| phases(edge, period, self.origin));
        for (_, range) in &mut self.ranges {
            if let (NumberRole::Phase, Some((low, high))) = (range.role, phases) {
                *range = Range { role: NumberRole::Phase, ..Range::even(low, high) };
                continue;
            }
            let within = match range.role {
                NumberRole::Calls => {
                    Some((set.tokens.map_or(set.burst.0, |tokens| tokens.min(set.burst.0)).floor(), set.burst.1.ceil()))
                }
                NumberRole::Period => set.period,
                NumberRole::Rate => Some(set.rate),
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
        true
    }

    /// Whether some of its numbers, within a set if one is given, make the answers at least as likely as `least`.
    fn knows(&self, least: f64, set: Option<&Set>) -> bool {
        let within = |p: &Particle| set.is_none_or(|set| set.holds(&self.traits(p)));
        self.particles.iter().any(|p| p.likelihood >= least && within(p))
    }

    /// Where a set says when a window begins, the phase follows from that and from the window's length. Drawn by itself it would hardly ever
    /// go with the length: over many windows few phases do.
    fn put_edge(&mut self, point: &mut Coordinates, set: Option<&Set>) {
        let Some((low, high)) = set.and_then(|set| set.edge) else { return };
        let of = |role: NumberRole| self.ranges.iter().find(|(_, range)| range.role == role).copied();
        let (Some((period, _)), Some((phase, range))) = (of(NumberRole::Period), of(NumberRole::Phase)) else { return };
        let edge = low + (high - low) * self.dice.unit();
        point[phase] = turned((edge - self.origin) / point[period], &range).min(range.high);
    }

    /// Whether some of its numbers make the answers at least as likely as `least`, or its credit is used up before that is known.
    fn reaches(&mut self, least: f64, timeline: &Timeline, set: Option<&Set>) -> bool {
        self.told = timeline.told.len();
        let course = Course::open(self.answers(timeline));
        for at in 0..self.particles.len() {
            let mut point = self.particles[at].point;
            for (place, range) in &self.ranges {
                point[*place] = drawn(range, self.dice.unit());
            }
            self.put_edge(&mut point, set);
            let key = self.particles[at].key;
            self.particles[at] = self.replay(point, key, f64::NEG_INFINITY, &course).unwrap_or(self.particles[at]);
        }
        let mut best = self.best_likelihood();
        for left in (0..ROUNDS).rev() {
            if best >= least || self.credit <= 0 {
                return true;
            }
            let before = best;
            self.look(timeline);
            best = best.max(self.best_likelihood());
            let pool = std::mem::take(&mut self.particles);
            let size = pool.len();
            // All begin at the likeliest: a round that begins anywhere may gain nothing beside numbers that explain everything.
            self.gather(pool, size);
            self.move_all(timeline);
            best = best.max(self.best_likelihood());
            // measured: all counters of the test `a_burst_over_an_edge_refutes_no_truth` are found. A round may gain more than the one before
            // it: then this ends too early, and more rounds for all would leave less of the credit for others
            if best + (best - before) * count(left) < least {
                return false;
            }
        }
        best >= least
    }
}

/// A phase in turns, as the range has it: one that was narrowed may go beyond a whole turn.
fn turned(turns: f64, range: &Range) -> f64 {
    range.low + (turns - range.low).rem_euclid(1.0)
}

/// The phases of windows of a length of which one begins between two instants, counted from `origin`; `None`: all of them.
fn phases(edge: (f64, f64), period: (f64, f64), origin: f64) -> Option<(f64, f64)> {
    let least = |edge: f64| (edge - origin) / if edge < origin { period.0 } else { period.1 };
    let most = |edge: f64| (edge - origin) / if edge < origin { period.1 } else { period.0 };
    let (low, high) = (least(edge.0), most(edge.1));
    let first = low.rem_euclid(1.0);
    (high - low < 1.0).then_some((first, first + high - low))
}
