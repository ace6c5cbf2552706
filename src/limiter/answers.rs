//! The answers so far, as a suspect sees them before each call.
//!
//! Refuses to guess: in which order calls were decided is for the probe.

use crate::num::below;

/// One call as it was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Told {
    /// When it was decided, about; never before the one before.
    pub(crate) t: f64,
    /// Let through or refused; `None`: nobody knows.
    pub(crate) passed: Option<bool>,
    /// Seconds that the answer took longer than usual.
    pub(crate) late: f64,
    /// Calls let through before it.
    pub(crate) before: usize,
    pub(crate) wave: InWave,
}

/// Where a call stands among those that were sent at one instant: in which order these were decided nobody knows, so those that were let
/// through stand first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InWave {
    /// How many of them stand before it.
    pub(crate) place: usize,
    /// How many they are.
    pub(crate) calls: usize,
}

/// What is known of the calls so far, the same for every suspect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers<'a> {
    pub(crate) told: &'a [Told],
    /// Instants of what was let through.
    pub(crate) passed: &'a [f64],
    /// When what was let through was answered.
    pub(crate) answered: &'a [f64],
    /// Instants of all calls.
    pub(crate) all: &'a [f64],
    /// Seconds that the longest of the answers took.
    pub(crate) longest: f64,
    /// The instant of the first refused call: where phases are counted from.
    pub(crate) origin: f64,
    /// By how many seconds an answer may be late without having waited.
    pub(crate) late: f64,
}

impl<'a> Answers<'a> {
    /// One of them, and all before it.
    pub(crate) const fn at(&'a self, index: usize) -> AnswerAt<'a> {
        AnswerAt { answers: self, index }
    }

    /// After all of them, and those that a simulation adds.
    pub(crate) const fn and(&'a self, more: &'a More) -> Past<'a> {
        Past { answers: self, before: self.passed.len(), index: self.all.len(), more }
    }
}

/// One of the answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerAt<'a> {
    answers: &'a Answers<'a>,
    index: usize,
}

impl<'a> AnswerAt<'a> {
    pub(super) const fn index(&self) -> u64 {
        self.index as u64
    }

    pub(super) const fn late(&self) -> f64 {
        self.answers.late
    }

    pub(super) fn told(&self) -> &'a Told {
        &self.answers.told[self.index]
    }

    /// Its call, as it is decided.
    pub(super) fn moment(&self, jitter: f64, chance: f64) -> CallMoment<'a> {
        let Told { t, before, wave, .. } = *self.told();
        let past = Past { answers: self.answers, before, index: self.index, more: &NONE };
        CallMoment { t, wave, origin: self.answers.origin, past, jitter, chance }
    }
}

/// Calls that a simulation adds.
#[derive(Debug, Clone, Default)]
pub(crate) struct More {
    pub(crate) passed: Vec<f64>,
    pub(crate) answered: Vec<f64>,
    pub(crate) all: Vec<f64>,
}

static NONE: More = More { passed: Vec::new(), answered: Vec::new(), all: Vec::new() };

/// Calls before one: those that the answers tell, and those that a simulation adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past<'a> {
    answers: &'a Answers<'a>,
    /// Calls that were let through before it.
    before: usize,
    /// Calls before it.
    index: usize,
    more: &'a More,
}

impl Past<'_> {
    /// The instant of the n-th last call that was let through, if there are so many.
    pub(crate) fn last_passed(&self, n: usize) -> Option<f64> {
        last(&self.answers.passed[..self.before], &self.more.passed, n)
    }

    /// When each that was let through after an instant was let through and answered.
    pub(crate) fn since(&self, instant: f64) -> impl ExactSizeIterator<Item = (f64, f64)> + Clone {
        let (passed, answered) = (&self.answers.passed[..self.before], &self.answers.answered[..self.before]);
        let base = passed.partition_point(|t| *t <= instant);
        let more = self.more.passed.partition_point(|t| *t <= instant);
        let (from, to) = (&passed[base..], &answered[base..]);
        let (from_more, to_more) = (&self.more.passed[more..], &self.more.answered[more..]);
        (0..from.len() + from_more.len()).map(move |at| match at.checked_sub(from.len()) {
            None => (from[at], to[at]),
            Some(at) => (from_more[at], to_more[at]),
        })
    }

    /// The instant of the n-th last call, if there are so many.
    pub(crate) fn last_sent(&self, n: usize) -> Option<f64> {
        last(&self.answers.all[..self.index], &self.more.all, n)
    }

    /// Seconds that the longest of the answers took.
    pub(crate) const fn longest(&self) -> f64 {
        self.answers.longest
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
    pub(crate) wave: InWave,
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
        (below((self.about() - self.origin) / length - phase) + phase) * length + self.origin
    }

    /// The instant as it may have been: on which side of an edge it lies is chance, which the particles try.
    pub(crate) fn about(&self) -> f64 {
        self.t + self.jitter * (2.0 * self.chance - 1.0)
    }
}
