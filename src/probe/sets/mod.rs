//! What is guaranteed: which numbers of a kind agree with every answer, whatever the instants within their brackets.

mod anchored;
mod bucket;
mod cells;
mod grid;
mod log;

use super::view::View;
use crate::limiter::suspect::{Suspect, Traits};
use crate::limiter::{Kind, tested};

/// Numbers of a kind that are not refuted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Set {
    /// Calls per second.
    pub(super) rate: (f64, f64),
    /// Calls at once from rest.
    pub(super) burst: (f64, f64),
    /// Length of a window or a step, in seconds.
    pub(super) period: Option<(f64, f64)>,
    /// When one of them begins, where the clock says it.
    pub(super) edge: Option<(f64, f64)>,
    /// Tokens of a step.
    pub(super) tokens: Option<f64>,
    /// Tokens at the start.
    pub(super) start: Option<(f64, f64)>,
}

/// How a kind stands before the answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// No numbers of it agree with them.
    Refuted,
    /// These do, and no others.
    Left(Vec<Set>),
    /// Not known: the search ran out of effort.
    Open,
}

impl Standing {
    /// Every kind of search leaves parts, one for each slice of a factor of two, so that what is far from the rest can be told apart.
    fn of(sets: Vec<Set>) -> Self {
        if sets.is_empty() { Self::Refuted } else { Self::Left(sets) }
    }
}

impl Set {
    /// Whether the numbers of a limiter are among them.
    pub(super) fn holds(&self, numbers: &Traits) -> bool {
        let within = |number: Option<f64>, range: Option<(f64, f64)>| {
            number.zip(range).is_none_or(|(number, (low, high))| low <= number && number <= high)
        };
        within(numbers.rate, Some(self.rate)) && within(numbers.burst, Some(self.burst)) && within(numbers.period, self.period)
    }

    /// The hull of both.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let wide = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
        let both = |a: Option<(f64, f64)>, b: Option<(f64, f64)>| a.zip(b).map(|(a, b)| wide(a, b));
        Self {
            rate: wide(self.rate, other.rate),
            burst: wide(self.burst, other.burst),
            period: both(self.period, other.period),
            edge: both(self.edge, other.edge),
            tokens: self.tokens.filter(|t| Some(*t) == other.tokens),
            start: both(self.start, other.start),
        }
    }
}

/// A range in slices of at most a factor of two.
fn slices((low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let mut slices = Vec::new();
    let mut from = low;
    while from < high {
        let to = if from * 2.0 < high { from * 2.0 } else { high };
        slices.push((from, to));
        from = to;
    }
    if slices.is_empty() {
        slices.push((low, high));
    }
    slices
}

/// A family of limiters that can be put to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Testable {
    Bucket,
    BucketLevel,
    Grid,
    Anchored,
    Log,
    LogCharged,
    LogCells,
    Steps,
    Counter,
    CounterFloored,
}

impl Testable {
    /// All of them, the quick ones first.
    // derived: see the variants
    pub(super) const ALL: [Self; 10] = [
        Self::Bucket,
        Self::BucketLevel,
        Self::Log,
        Self::LogCharged,
        Self::Anchored,
        Self::LogCells,
        Self::Grid,
        Self::Steps,
        Self::Counter,
        Self::CounterFloored,
    ];

    /// The kind that it is of.
    pub(super) fn kind(self) -> Kind {
        self.suspect().kind()
    }

    /// The suspect that it is about.
    pub(super) fn suspect(self) -> &'static dyn Suspect {
        match self {
            Self::Bucket => &tested::BUCKET,
            Self::BucketLevel => &tested::LEVEL_BUCKET,
            Self::Grid => &tested::GRID,
            Self::Anchored => &tested::ANCHORED,
            Self::Log => &tested::LOG,
            Self::LogCharged => &tested::CHARGED_LOG,
            Self::LogCells => &tested::CELLS_LOG,
            Self::Steps => &tested::STEPS,
            Self::Counter => &tested::COUNTER,
            Self::CounterFloored => &tested::FLOORED_COUNTER,
        }
    }

    /// The family that puts a suspect to the test, if there is one.
    pub(super) fn of(suspect: &dyn Suspect) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.suspect().name() == suspect.name())
    }

    /// How it stands before the answers.
    pub(super) fn standing(self, view: &View) -> Standing {
        match self {
            Self::Bucket => bucket::full(view),
            Self::BucketLevel => bucket::level(view),
            Self::Log => log::log(view, false),
            Self::LogCharged => log::log(view, true),
            Self::LogCells => cells::logs(view),
            Self::Anchored => anchored::windows(view),
            Self::Grid => grid::windows(view),
            Self::Steps => grid::steps(view),
            Self::Counter => grid::counters(view, false),
            Self::CounterFloored => grid::counters(view, true),
        }
    }
}
