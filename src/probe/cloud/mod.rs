//! One suspect's numbers, as a cloud of particles that follows the answers: sequential Monte Carlo over time.
//!
//! Particles are weighed by how likely they made the next answer, given all before (Chopin: A sequential particle filter method for static
//! models, Biometrika 89, 2002). When few carry the weight, they are drawn anew by it, and each moves by differential evolution (ter Braak:
//! A Markov chain Monte Carlo version of the genetic algorithm Differential Evolution, Statistics and Computing 16, 2006), which leaves
//! their law as it is. The mean weight of each step, multiplied, is the evidence of the suspect. Where part of the state is chance, the
//! numbers move by a shrunken kernel instead (Liu, West: Combined parameter and state estimation, 2001).
//!
//! Deterministic: every draw is a hash of the seed, the suspect and a number. Refuses to compare suspects.

mod dice;
mod look;
mod moves;
mod particle;
mod prior;
mod shape;

pub(super) use self::dice::Dice;
pub(super) use self::look::SecondLook;
pub(super) use self::particle::Particle;
use self::particle::{AT_ONCE, COMMON, COORDINATES, Coordinates, effective, fresh, log_mean, step, tell, top};
use self::prior::{drawn, ranges};
use super::finding::Estimate;
use super::timeline::Timeline;
use crate::limiter::suspect::{Answers, Facts, Range, Suspect, Traits};
use crate::num::{count, place, small};
use crate::stats::runs;

/// Particles of a suspect.
const PARTICLES: usize = 120; // measured: see the bench

/// So many times as many particles follow a suspect part of whose state is chance.
const HIDDEN: usize = 8; // measured: of nine recordings of four shards by chance, 2 and 4 times as many knew eight, 8 all nine

/// So many standard deviations fewer runs than by chance are none.
const RUNS: f64 = -4.0; // derived: one in 30,000 by the normal law

/// So much less likely than the best, as a logarithm, a particle is not worth a place; and nobody explains some answers by so much better
/// than the best of all.
const WORSE: f64 = 12.0; // derived: one in 10^5 of the best

/// The answers, and how likely those after every [`AT_ONCE`] of them may become at best.
struct Course<'a> {
    answers: Answers<'a>,
    hope: Vec<f64>,
}

impl<'a> Course<'a> {
    /// Where nothing is known of what can be hoped for.
    fn open(answers: Answers<'a>) -> Self {
        Self { answers, hope: vec![0.0; answers.told.len().div_ceil(AT_ONCE) + 1] }
    }
}

/// A suspect with its particles.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) suspect: &'static dyn Suspect,
    ranges: Vec<(usize, Range)>,
    particles: Vec<Particle>,
    /// Logarithm of the evidence up to the last draw.
    settled: f64,
    /// How many answers were told.
    told: usize,
    /// The evidence and the share whose parts all acted, as of the last answer.
    weighed: (f64, f64),
    /// After how many of them it is looked for other places.
    look_at: usize,
    /// The instant from which phases are counted.
    origin: f64,
    /// By how many seconds an answer may be late without having waited.
    late: f64,
    dice: Dice,
    /// Steps that it may still take to move its particles.
    credit: i64,
    /// No longer followed: so much less likely than the best that it cannot come back.
    pub(super) dropped: bool,
}

/// Particles before the first answer.
fn begun(suspect: &'static dyn Suspect, ranges: &[(usize, Range)], dice: &mut Dice, number: usize) -> Vec<Particle> {
    let one = |_| {
        let mut point = [0.0; COORDINATES];
        for (at, range) in ranges {
            point[*at] = drawn(range, dice.unit());
        }
        fresh(suspect, point, dice.key())
    };
    (0..number).map(one).collect()
}

impl Cloud {
    pub(super) fn new(suspect: &'static dyn Suspect, of: u64, facts: &Facts, seed: u64) -> Self {
        let mut dice = Dice::new(seed, of);
        let ranges = ranges(suspect, facts);
        // Every number of its own needs more of them; what is hidden more still.
        let number = PARTICLES * (ranges.len() - COMMON) * if suspect.hidden() { HIDDEN } else { 1 };
        let particles = begun(suspect, &ranges, &mut dice, number);
        Self {
            suspect,
            ranges,
            particles,
            settled: 0.0,
            told: 0,
            weighed: (0.0, 1.0),
            look_at: 0,
            origin: facts.origin,
            late: facts.late_s(),
            dice,
            credit: 0,
            dropped: false,
        }
    }

    /// Follows all answers from the first on, with numbers and chance drawn anew, and takes that course if it explains them better, and no less
    /// than `least`: where part of the state is chance, all particles may have missed it. Of two estimates that are right on average, of
    /// which one is far larger, the larger is nearly their sum. All these beginnings together take three times what following it takes: they
    /// come at half as many answers more each time.
    pub(super) fn restart(&mut self, timeline: &Timeline, least: f64, hope: &[f64]) {
        let least = if self.dropped { least } else { least.max(self.evidence()) };
        let particles = begun(self.suspect, &self.ranges, &mut self.dice, self.particles.len());
        let mut again = Self { particles, settled: 0.0, told: 0, dropped: false, ..self.clone() };
        for ahead in hope {
            again.listen(timeline, timeline.told.len().min(again.told + AT_ONCE));
            if again.dropped || again.weigh() + ahead < least {
                self.dice = again.dice;
                return;
            }
        }
        again.judge();
        *self = again;
    }

    /// The answers as its suspect sees them.
    pub(super) fn answers<'a>(&self, timeline: &'a Timeline) -> Answers<'a> {
        timeline.answers(self.origin, self.late)
    }

    /// Logarithm of the evidence.
    pub(super) const fn evidence(&self) -> f64 {
        self.weighed.0
    }

    fn weigh(&self) -> f64 {
        if self.suspect.hidden() { self.settled + log_mean(&self.particles) } else { self.by_shape() }
    }

    /// The share of the weight whose parts all had a hand in the answers.
    pub(super) const fn acted(&self) -> f64 {
        self.weighed.1
    }

    fn share_that_acted(&self) -> f64 {
        let top = top(&self.particles);
        let (mut acted, mut all) = (0.0, 0.0);
        for p in &self.particles {
            let w = (p.weight - top).exp();
            all += w;
            acted += if self.suspect.acted(&p.state) { w } else { 0.0 };
        }
        acted / all
    }

    /// The particle that makes the answers likeliest.
    pub(super) fn best(&self) -> Option<&Particle> {
        self.particles.iter().max_by(|a, b| a.likelihood.total_cmp(&b.likelihood))
    }

    pub(super) fn best_likelihood(&self) -> f64 {
        self.best().map_or(f64::NEG_INFINITY, |p| p.likelihood)
    }

    /// Follows the answers that are new; for each it may take so many steps.
    pub(super) fn follow(&mut self, timeline: &Timeline, steps: i64) {
        self.credit += steps * i64::from(small(timeline.told.len() - self.told));
        while self.told < timeline.told.len() {
            self.listen(timeline, timeline.told.len().min(self.told + AT_ONCE));
        }
        if self.told >= self.look_at && !self.suspect.hidden() {
            self.look(timeline);
            self.look_at = self.told * 3 / 2; // derived: looking at every half more of the answers costs as much as looking once at three times as many
        }
        self.judge();
    }

    /// Weighs its particles by the next answers, up to the one before `next`, and renews them if few carry the weight.
    fn listen(&mut self, timeline: &Timeline, next: usize) {
        let answers = self.answers(timeline);
        for p in &mut self.particles {
            let gain = tell(self.suspect, p, &answers, self.told..next);
            p.weight += gain;
            p.likelihood += gain;
        }
        self.told = next;
        // measured: at a half, renewing took a fifth more of the CPU, and 20 caps, right in 16 to 17 of 20, came out no better
        if self.effective() < count(self.particles.len()) / 5.0 {
            self.renew(timeline);
        }
    }

    /// The evidence as of now.
    pub(super) fn judge(&mut self) {
        // source: Kass, Raftery 1995: evidence is strong from 20 to 1 on, and a second part must have it
        let prior = if self.suspect.is_composite() { -20.0_f64.ln() } else { 0.0 };
        self.weighed = (self.weigh() + prior, self.share_that_acted());
    }

    /// How many particles carry the weight (Kong, Liu, Wong: Sequential imputations, JASA 1994).
    fn effective(&self) -> f64 {
        effective(&self.particles)
    }

    fn renew(&mut self, timeline: &Timeline) {
        let mean = log_mean(&self.particles);
        if mean == f64::NEG_INFINITY {
            self.dropped = true;
            return;
        }
        self.settled += mean;
        let old = std::mem::take(&mut self.particles);
        self.particles = self.resampled(&old, old.len());
        if self.suspect.hidden() {
            self.shrink();
        } else {
            // The fewer were left, the more they move; once at least, so that what was drawn twice parts.
            let left = count(old.len()) / effective(&old);
            for done in 0..2 + place(left.log2()) {
                if done == 0 || self.credit > 0 {
                    self.move_all(timeline);
                }
            }
        }
    }

    /// The answers with what is hoped for of those ahead: its best particle's likelihood, and [`WORSE`] more.
    fn course<'a>(&self, timeline: &'a Timeline) -> Course<'a> {
        let answers = self.answers(timeline);
        let mut hope = vec![0.0; self.told.div_ceil(AT_ONCE) + 1];
        // Where part of the state is chance, the course that led to a particle is not kept.
        if let Some(best) = self.best().filter(|_| !self.suspect.hidden()) {
            let mut p = fresh(self.suspect, best.point, best.key);
            for (n, at) in (0..self.told).step_by(AT_ONCE).enumerate() {
                p.likelihood += tell(self.suspect, &mut p, &answers, at..self.told.min(at + AT_ONCE));
                hope[n + 1] = p.likelihood;
            }
            for so_far in &mut hope {
                *so_far = (p.likelihood - *so_far + WORSE).min(0.0);
            }
        }
        Course { answers, hope }
    }

    /// How likely the answers after every [`AT_ONCE`] of them may become at best.
    pub(super) fn hope(&self, timeline: &Timeline) -> Vec<f64> {
        self.course(timeline).hope.split_off(1)
    }

    /// A particle elsewhere, told all answers; `None` as soon as it is not hoped any more to be as likely as `least`.
    fn replay(&mut self, point: Coordinates, key: u64, least: f64, course: &Course<'_>) -> Option<Particle> {
        let mut p = fresh(self.suspect, point, key);
        for (at, hope) in (0..self.told).step_by(AT_ONCE).zip(&course.hope[1..]) {
            p.likelihood += tell(self.suspect, &mut p, &course.answers, at..self.told.min(at + AT_ONCE));
            self.credit -= i64::from(small(AT_ONCE));
            if p.likelihood + hope < least {
                return None;
            }
        }
        Some(p)
    }

    /// Answers that its best numbers do not explain.
    pub(super) fn violated(&self, timeline: &Timeline) -> usize {
        let Some(best) = self.best() else { return 0 };
        let (mut p, answers) = (fresh(self.suspect, best.point, best.key), self.answers(timeline));
        let contradicted = |at: &usize| {
            // derived: less likely than its opposite
            step(self.suspect, &mut p, &answers, *at).decision < 0.5 && timeline.told[*at].passed.is_some()
        };
        (0..self.told).filter(contradicted).count()
    }

    /// Whether calls that its best numbers would let through were refused in runs: what others take, or chance, comes here and there.
    pub(super) fn leaves_runs(&self, timeline: &Timeline) -> bool {
        let Some(best) = self.best() else { return false };
        let (mut p, answers) = (fresh(self.suspect, best.point, best.key), self.answers(timeline));
        let open = |at: usize| {
            // derived: well within, six widths of the jitter from any edge: about an edge refusals come in runs by themselves
            let open = step(self.suspect, &mut p, &answers, at).open > 0.95;
            timeline.told[at].passed.filter(|_| open)
        };
        let outcomes: Vec<bool> = (0..self.told).filter_map(open).collect();
        runs::score(&outcomes).is_some_and(|score| score < RUNS)
    }

    /// Some particles by their weight.
    pub(super) fn voices(&self, most: usize, dice: &mut Dice) -> Vec<Particle> {
        let top = top(&self.particles);
        let total: f64 = self.particles.iter().map(|p| (p.weight - top).exp()).sum();
        let mut at = dice.unit() * total / count(most);
        let (mut sum, mut drawn) = (0.0, Vec::with_capacity(most));
        for p in &self.particles {
            sum += (p.weight - top).exp();
            while at < sum && drawn.len() < most {
                drawn.push(*p);
                at += total / count(most);
            }
        }
        drawn
    }

    /// Some number of the particles: the quantile of their weights.
    pub(super) fn quantiles(&self, read: impl Fn(&Particle) -> f64, shares: &[f64]) -> Vec<f64> {
        let top = top(&self.particles);
        let mut all: Vec<(f64, f64)> = self.particles.iter().map(|p| (read(p), (p.weight - top).exp())).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = all.iter().map(|(_, w)| w).sum();
        let at = |share: f64| {
            let mut sum = 0.0;
            all.iter().find(|(_, w)| {
                sum += w;
                sum >= share * total
            })
        };
        shares.iter().map(|share| at(*share).or(all.last()).map_or(f64::NAN, |(v, _)| *v)).collect()
    }

    /// Where one of its numbers lies, but for one in a thousand on either side.
    pub(super) fn range(&self, read: fn(&Traits) -> Option<f64>) -> Estimate {
        // derived: as said
        let q = self.quantiles(|p| read(&self.traits(p)).unwrap_or(f64::NAN), &[0.001, 0.5, 0.999]);
        Estimate { low: q[0], point: q[1], high: q[2] }
    }

    /// The numbers for people of a particle.
    pub(super) fn traits(&self, p: &Particle) -> Traits {
        self.suspect.traits(p.numbers())
    }
}
