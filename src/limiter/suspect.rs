//! What a kind of limiter must say of itself to be suspected: its numbers and how they may lie, and how it decides.
//!
//! A suspect is a simulator that is told the answers: before each call it says by how many seconds the call comes too late to be refused,
//! or too early to be let through; then it hears what was answered and goes on from there. So one wrong answer costs one, not all that follow.
//!
//! Refuses to weigh: that is for the probe.

use super::Kind;
use super::window_anchor::WindowAnchor;

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

/// Calls so far: those that the answers tell, and those that a simulation adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past<'a> {
    /// Instants of what was let through.
    pub(crate) passed: &'a [f64],
    /// What a simulation let through after them.
    pub(crate) passed_more: &'a [f64],
    /// When what was let through was answered.
    pub(crate) answered: &'a [f64],
    /// The same of a simulation.
    pub(crate) answered_more: &'a [f64],
    /// Instants of all calls.
    pub(crate) all: &'a [f64],
    /// All calls of a simulation after them.
    pub(crate) all_more: &'a [f64],
    /// Seconds that the longest of the answers took.
    pub(crate) longest: f64,
}

impl Past<'_> {
    /// The instant of the n-th last call that was let through, if there are so many.
    pub(crate) fn last_passed(&self, n: usize) -> Option<f64> {
        last(self.passed, self.passed_more, n)
    }

    /// When each that was let through after an instant was let through and answered.
    pub(crate) fn since(&self, instant: f64) -> impl ExactSizeIterator<Item = (f64, f64)> + Clone {
        let base = self.passed.partition_point(|t| *t <= instant);
        let more = self.passed_more.partition_point(|t| *t <= instant);
        let (from, to) = (&self.passed[base..], &self.answered[base..]);
        let (from_more, to_more) = (&self.passed_more[more..], &self.answered_more[more..]);
        (0..from.len() + from_more.len()).map(move |at| match at.checked_sub(from.len()) {
            None => (from[at], to[at]),
            Some(at) => (from_more[at], to_more[at]),
        })
    }

    /// The same of all calls.
    pub(crate) fn last_sent(&self, n: usize) -> Option<f64> {
        last(self.all, self.all_more, n)
    }
}

fn last(base: &[f64], more: &[f64], n: usize) -> Option<f64> {
    if n == 0 {
        return None;
    }
    if n <= more.len() {
        return Some(more[more.len() - n]);
    }
    base.len().checked_sub(n - more.len()).map(|at| base[at])
}

/// A call as a suspect sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallMoment<'a> {
    /// When it is decided, in seconds from the probe's start.
    pub(crate) t: f64,
    /// The instant of the first refused call: where phases are counted from.
    pub(crate) origin: f64,
    pub(crate) past: Past<'a>,
    /// Seconds by which the instant may be wrong.
    pub(crate) jitter: f64,
    /// Chance for what is hidden, 0 to 1.
    pub(crate) chance: f64,
}

impl CallMoment<'_> {
    /// The latest edge of a grid of windows of a length, whose phase is a share of it.
    pub(crate) fn edge(&self, length: f64, phase: f64) -> f64 {
        (((self.about() - self.origin) / length - phase).floor() + phase) * length + self.origin
    }

    /// The instant as it may have been: on which side of an edge it lies is chance, which the particles try.
    pub(crate) fn about(&self) -> f64 {
        self.t + self.jitter * (2.0 * self.chance - 1.0)
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
