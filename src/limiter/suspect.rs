//! What a kind of limiter must say of itself to be suspected: its numbers and how they may lie, and how it decides.
//!
//! A suspect is a simulator that is told the answers: before each call it says by how many seconds the call comes too late to be refused,
//! or too early to be let through; then it hears what was answered and goes on from there. So one wrong answer costs one, not all that follow.
//!
//! Refuses to weigh: that is for the probe.

use super::Kind;
use super::answers::AnswerAt;
pub(crate) use super::answers::{Answers, CallMoment, InWave, More, Told};
use super::window_anchor::WindowAnchor;
use crate::stats::draw::Keyed;

/// Numbers of a limiter; how many of them count is said by [`Suspect::ranges`], at most [`NUMBERS`].
pub(crate) type LimiterNumbers = [f64];

/// What a limiter remembers, at most [`PLACES`] numbers.
pub(crate) type Remembered = [f64];

/// Numbers of a limiter at most.
pub(crate) const NUMBERS: usize = 6; // derived: two windows on grids, of three numbers each

/// Places of what a limiter remembers.
pub(crate) const PLACES: usize = 18; // derived: two halves of 7, and 4 of a stacked one itself

/// A margin that no jitter closes, in seconds.
// derived: longer than any probe is allowed to be in minutes
pub(crate) const FAR: f64 = 1e6;

/// How a number may lie before anything is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NumberScale {
    /// Uniform in its logarithm.
    Log,
    /// Whole, uniform in its logarithm.
    Whole,
    /// Whole, and the less likely the further from a number: by the square of the distance, so that nothing is out of the question.
    Near(f64),
    /// Uniform, and its ends are the same: a phase.
    Turn,
    /// Uniform.
    Even,
}

/// What a number is, so that the answers can hint at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberRole {
    /// Calls per second.
    Rate,
    /// Calls at once, or of a window.
    Calls,
    /// Calls of a longer window, which is filled in several runs.
    Total,
    /// Length of a window or a step.
    Period,
    /// Phase of the period before it.
    Phase,
    /// Nothing that the answers show at a glance.
    Other,
}

/// Where a number may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) scale: NumberScale,
    pub(crate) role: NumberRole,
}

impl Range {
    pub(crate) const fn log(low: f64, high: f64) -> Self {
        Self { low, high, scale: NumberScale::Log, role: NumberRole::Other }
    }

    pub(crate) const fn whole(low: f64, high: f64) -> Self {
        Self { low, high, scale: NumberScale::Whole, role: NumberRole::Other }
    }

    pub(crate) const fn near(middle: f64, low: f64, high: f64) -> Self {
        Self { low, high, scale: NumberScale::Near(middle), role: NumberRole::Calls }
    }

    pub(crate) const TURN: Self = Self { low: 0.0, high: 1.0, scale: NumberScale::Turn, role: NumberRole::Phase };

    pub(crate) const fn even(low: f64, high: f64) -> Self {
        Self { low, high, scale: NumberScale::Even, role: NumberRole::Other }
    }
}

/// What the first refused call tells of the scale of things: from this the ranges are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Facts {
    /// Calls let through before the first refused one.
    pub(crate) burst: f64,
    /// Seconds from the first call to the first refused one.
    pub(crate) filled_s: f64,
    /// The instant of the first refused call.
    pub(crate) origin: f64,
    /// Seconds of a usual round trip.
    pub(crate) trip: f64,
    /// Seconds that answers to refused calls take longer than usual: the service's own work.
    pub(crate) work_s: f64,
    /// Seconds that the probe may take.
    pub(crate) most_s: f64,
}

impl Facts {
    /// Rates that can be seen: from one call in the whole probe to what would have filled the burst again while it was sent.
    pub(crate) fn rates(&self) -> Range {
        let range = Range::log(1.0 / self.most_s, (2.0 * self.burst + 2.0) / self.filled_s.max(self.trip));
        Range { role: NumberRole::Rate, ..range }
    }

    /// Seconds by which an answer may be late without having waited.
    pub(crate) fn late_s(&self) -> f64 {
        // derived: the spread of round trips is less than half of one; timers tick in milliseconds
        (self.trip / 2.0).max(0.002).max(self.work_s)
    }

    /// Windows that can be seen: from two round trips, below which a window cannot be told from the order of calls at one instant, to four
    /// times the probe, beyond which nothing comes back.
    pub(crate) fn windows(&self) -> Range {
        let shortest = (2.0 * self.trip).max(2e-3); // derived: two brackets; two ticks of a server's clock
        // derived: a window of which a quarter is seen cannot be told from a longer one
        Range { role: NumberRole::Period, ..Range::log(shortest, 4.0 * self.most_s.max(shortest)) }
    }

    /// Calls of a window, or tokens of a bucket: about those let through, more or fewer of which an edge, refill or others may have made.
    pub(crate) fn calls(&self) -> Range {
        // derived: what was refused by chance after a tenth of the calls would be refused ten times in them
        Range::near(self.burst.max(2.0), 2.0, 10.0 * self.burst + 10.0)
    }

    /// The same for depths, of one token or more: a window that does not go by the clock's grid and has one call is a bucket.
    pub(crate) fn depths(&self) -> Range {
        Range { low: 1.0, ..self.calls() }
    }
}

/// Numbers of a limiter as people know them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Traits {
    pub(crate) rate: Option<f64>,
    pub(crate) burst: Option<f64>,
    pub(crate) period: Option<f64>,
    pub(crate) tokens: Option<f64>,
    pub(crate) start: Option<f64>,
    pub(crate) delay_s: Option<f64>,
    pub(crate) ban_s: Option<f64>,
    pub(crate) cost: Option<f64>,
    pub(crate) nodes: Option<f64>,
}

/// A kind of limiter that may have given the answers.
pub(crate) trait Suspect: Sync {
    /// Its class.
    fn kind(&self) -> Kind;

    /// Its name among the suspects.
    fn name(&self) -> &'static str;

    /// Where its numbers may lie.
    fn ranges(&self, facts: &Facts) -> Vec<Range>;

    /// Before the first call: fills what is remembered, which is 0 everywhere.
    fn start(&self, n: &LimiterNumbers, s: &mut Remembered);

    /// Seconds by which a call would be let through (above 0) or refused (below).
    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64;

    /// The call was let through.
    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>);

    /// The call was refused.
    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>);

    /// The chance to be let through, with a jitter of `sigma` seconds.
    ///
    /// Cauchy: the jitter of a network has long tails, and what is far off can still feel in which direction it is wrong.
    fn chance(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>, sigma: f64) -> f64 {
        cauchy(self.margin(n, s, now) / sigma)
    }

    /// The likelihood of some answers in a row, all numbers and what is remembered given, but for a factor.
    ///
    /// Not to be replaced: it stands here so that each kind has a copy of its own, into which its decision is inlined: that took a
    /// tenth off a probe's CPU.
    fn tell(&self, guess: &Guess<'_>, s: &mut Remembered, answers: &Answers<'_>, which: std::ops::Range<usize>) -> f64 {
        which.map(|at| likelihood(self, guess, s, &answers.at(at)).product()).product()
    }

    /// The margin of a call that was refused: of calls at about one instant nobody knows the order, and it may have come before the one that
    /// began a window.
    fn excuse(&self, _n: &LimiterNumbers, _s: &Remembered, _now: &CallMoment<'_>) -> f64 {
        FAR
    }

    /// Seconds that a call which is let through has to wait.
    fn wait(&self, _n: &LimiterNumbers, _s: &Remembered, _now: &CallMoment<'_>) -> f64 {
        0.0
    }

    /// Whether part of its state is chance that no number tells.
    fn hidden(&self) -> bool {
        false
    }

    /// Whether all of its parts had a hand in the answers: a second limit that never refused is none.
    fn acted(&self, _s: &Remembered) -> bool {
        true
    }

    /// Whether it claims a second part beside a limiter: another limit, a ban, a change. What claims more needs strong evidence.
    fn is_composite(&self) -> bool {
        false
    }

    /// What its windows begin with, where it has some that do not slide.
    fn anchor(&self) -> Option<WindowAnchor> {
        None
    }

    /// Whether it changes at some instant.
    fn changes(&self) -> bool {
        false
    }

    /// Whether some calls are refused by chance, whatever it holds.
    fn is_noisy(&self) -> bool {
        false
    }

    /// Whether it is what a guarantee takes exception to: others who take part, or a change in between.
    fn is_excepted(&self) -> bool {
        self.changes() || self.is_noisy()
    }

    /// Its first part, and how many numbers that has, where it is made of several.
    fn first(&self) -> Option<(&'static dyn Suspect, usize)> {
        None
    }

    /// The limits that it is made of, where it is made of several.
    fn parts(&self, _n: &LimiterNumbers) -> Vec<(Kind, Traits)> {
        Vec::new()
    }

    /// Its numbers for people.
    fn traits(&self, n: &LimiterNumbers) -> Traits;
}

/// The logistic function.
pub(crate) fn logistic(x: f64) -> f64 {
    // derived: beyond 36 the double nearest to it is 0 or 1
    if x > 36.0 {
        1.0
    } else if x < -36.0 {
        0.0
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

/// The distribution function of Cauchy's law.
pub(crate) fn cauchy(x: f64) -> f64 {
    use std::f64::consts::PI;
    // derived: atan(x) is pi/2 - 1/x but for 1/(3 x^3)
    if x > 100.0 {
        1.0 - 1.0 / (PI * x)
    } else if x < -100.0 {
        -1.0 / (PI * x)
    } else {
        0.5 + x.atan() / PI // source: Cauchy
    }
}

/// A guess at a limiter's numbers, and at what stands between it and the answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guess<'a> {
    pub(crate) numbers: &'a LimiterNumbers,
    /// Share of the answers that are none of its own.
    pub(crate) slip: f64,
    /// Jitter in seconds.
    pub(crate) sigma: f64,
    /// Share of the calls that would pass but are refused because somebody else was there first.
    pub(crate) others: f64,
    /// Its chance.
    pub(crate) chance: Keyed,
}

/// How likely an answer was: that it was let through or refused, and how long it took, but for a factor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Likelihood {
    pub(crate) decision: f64,
    wait: f64,
    /// The chance to be let through by the limiter itself.
    pub(crate) open: f64,
}

impl Likelihood {
    fn product(self) -> f64 {
        self.decision * self.wait
    }
}

/// How likely an answer was to a suspect, which remembers it.
pub(crate) fn likelihood<S: Suspect + ?Sized>(
    suspect: &S,
    guess: &Guess<'_>,
    s: &mut Remembered,
    answer: &AnswerAt<'_>,
) -> Likelihood {
    let chance = guess.chance.unit(answer.index());
    let Guess { numbers, slip, sigma, others, .. } = *guess;
    // derived: Cauchy's law is within three of its widths in four of five cases
    let now = answer.moment(3.0 * sigma, chance);
    let open = suspect.chance(numbers, s, &now, sigma);
    let Some(passed) = answer.told().passed else {
        // derived: half of the calls that got no answer never arrived, and what is likelier than not was let through
        if chance < 0.5 && open > 0.5 {
            suspect.passed(numbers, s, &now);
        }
        return Likelihood { decision: 1.0, wait: 1.0, open };
    };
    let mine = |open: f64| (slip / 2.0 + (1.0 - slip) * open) * (1.0 - others);
    if !passed {
        let open = open.min(cauchy(suspect.excuse(numbers, s, &now) / sigma));
        suspect.refused(numbers, s, &now);
        return Likelihood { decision: 1.0 - mine(open), wait: 1.0, open };
    }
    let wait = suspect.wait(numbers, s, &now);
    suspect.passed(numbers, s, &now);
    // Cauchy: one answer that is late for another reason decides nothing.
    Likelihood { decision: mine(open), wait: 1.0 / (1.0 + ((answer.told().late - wait) / answer.late()).powi(2)), open }
}
