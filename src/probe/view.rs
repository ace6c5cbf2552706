//! The observations as the hypotheses read them: each answer with the bracket in which it was decided.
//!
//! A service decides at an instant that no client sees, somewhere between `sent` and `done`. At [`View::whole`] the bracket is all of
//! that, made wider by what the clocks round, so that it always holds the truth.

use super::observation::{AnswerClass, Observation};
use super::signal;

/// Servers that count time in whole milliseconds decide up to so much before the call arrives, by their clock. In seconds.
const TICK: f64 = 1e-3;

/// What a microsecond floor hides. In seconds.
const FLOOR: f64 = 1e-6;

/// Added to every comparison of tokens, in favour of the hypothesis.
// derived: times below 10^5 s and counts below 10^5 in 64-bit floating point are rounded by less than 10^-10
pub(super) const SLACK: f64 = 1e-7;

/// One answer and its bracket, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) lo: f64,
    pub(super) hi: f64,
    pub(super) accepted: bool,
}

/// Sorted brackets.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Accepted and refused calls by the beginning of their bracket.
    pub(super) seen: Vec<Seen>,
    /// Beginnings and ends of the accepted calls' brackets, each sorted.
    pub(super) accepted: Ends,
    /// The same, with calls of which nobody knows.
    pub(super) maybe: Ends,
    /// The same of all calls.
    pub(super) all: Ends,
    /// Refused calls by the end of their bracket.
    pub(super) refused: Vec<(f64, f64)>,
}

/// Brackets of some calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    /// Beginnings, sorted.
    pub(super) lo: Vec<f64>,
    /// Ends, sorted.
    pub(super) hi: Vec<f64>,
    /// Pairs in the order of their beginnings.
    pub(super) pairs: Vec<(f64, f64)>,
    /// Pairs in the order of their ends.
    pub(super) by_end: Vec<(f64, f64)>,
    /// The latest end up to each pair.
    latest: Vec<f64>,
}

impl Ends {
    fn new(mut pairs: Vec<(f64, f64)>) -> Self {
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut by_end = pairs.clone();
        by_end.sort_by(|a, b| a.1.total_cmp(&b.1));
        let latest = pairs.iter().scan(f64::NEG_INFINITY, |latest, pair| {
            *latest = latest.max(pair.1);
            Some(*latest)
        });
        Self {
            lo: pairs.iter().map(|p| p.0).collect(),
            hi: by_end.iter().map(|p| p.1).collect(),
            latest: latest.collect(),
            pairs,
            by_end,
        }
    }

    /// Calls that are surely before an instant.
    pub(super) fn before(&self, instant: f64) -> usize {
        self.hi.partition_point(|hi| *hi < instant)
    }

    /// The earliest beginning of the calls that end after an instant.
    pub(super) fn earliest_beyond(&self, instant: f64) -> Option<f64> {
        self.lo.get(self.latest.partition_point(|latest| *latest <= instant)).copied()
    }

    /// Calls that lie surely in `[from, to]`, at least.
    pub(super) fn surely(&self, from: f64, to: f64) -> usize {
        self.hi.partition_point(|hi| *hi <= to).saturating_sub(self.lo.partition_point(|lo| *lo < from))
    }

    /// Calls that may lie in `[from, to]`, at most.
    pub(super) fn possibly(&self, from: f64, to: f64) -> usize {
        self.lo.partition_point(|lo| *lo <= to).saturating_sub(self.hi.partition_point(|hi| *hi < from))
    }
}

impl View {
    /// Whole brackets: they hold the truth.
    pub(super) fn whole(observations: &[Observation]) -> Self {
        Self::build(observations, |sent, done| (sent - TICK, done + FLOOR))
    }

    fn build(observations: &[Observation], bracket: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let (mut seen, mut accepted, mut maybe, mut all, mut refused) = (vec![], vec![], vec![], vec![], vec![]);
        let signal = signal::signal(observations);
        for o in observations {
            let (lo, hi) = bracket(seconds(o.sent_us), seconds(o.done_us));
            let answer = signal::read(o.answer, signal);
            match answer {
                AnswerClass::Ramp | AnswerClass::Service => continue,
                AnswerClass::Unknown | AnswerClass::TooMany | AnswerClass::Unavailable => {}
                AnswerClass::Accepted => accepted.push((lo, hi)),
                AnswerClass::Refused => refused.push((lo, hi)),
            }
            all.push((lo, hi));
            if answer != AnswerClass::Refused {
                maybe.push((lo, hi));
            }
            if matches!(answer, AnswerClass::Accepted | AnswerClass::Refused) {
                seen.push(Seen { lo, hi, accepted: answer == AnswerClass::Accepted });
            }
        }
        seen.sort_by(|a, b| a.lo.total_cmp(&b.lo));
        refused.sort_by(|a, b| a.1.total_cmp(&b.1));
        Self { seen, accepted: Ends::new(accepted), maybe: Ends::new(maybe), all: Ends::new(all), refused }
    }

    /// The median of the brackets, in seconds.
    pub(super) fn trip(&self) -> f64 {
        let mut wide: Vec<f64> = self.seen.iter().map(|s| s.hi - s.lo).collect();
        let middle = wide.len() / 2;
        if wide.is_empty() { 0.0 } else { *wide.select_nth_unstable_by(middle, f64::total_cmp).1 }
    }

    /// First and last instant.
    pub(super) fn span(&self) -> (f64, f64) {
        (self.all.lo.first().copied().unwrap_or(0.0), self.all.hi.last().copied().unwrap_or(0.0))
    }
}

/// Microseconds as seconds; exact to 2^53 us.
#[allow(clippy::cast_precision_loss)]
pub(super) fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
