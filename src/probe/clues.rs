//! What the answers show at a glance: when something came back, and how much passed between.
//!
//! Hints for where to look, never evidence.

use super::timeline::Timeline;
use crate::num::count;

/// Clues at which calls were let through again, and what was let through between them.
#[derive(Debug, Clone, Default)]
pub(super) struct Clues {
    /// Instants of the first call that was let through after a refused one.
    back: Vec<f64>,
    /// The same instants, each with the sum of the squares of the silences up to it: the longer of two limits makes the longer silences.
    silences: Vec<(f64, f64)>,
    /// Calls let through from one refusal to the next.
    runs: Vec<f64>,
    /// Instants of what was let through.
    passed: Vec<f64>,
    /// When it was answered, in order.
    answered: Vec<f64>,
}

impl Clues {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut clues = Self { passed: timeline.passed.clone(), ..Self::default() };
        clues.answered.clone_from(&timeline.answered);
        clues.answered.sort_by(f64::total_cmp);
        let (mut refused, mut run, mut before) = (None, 0, 0.0);
        for told in &timeline.told {
            match told.passed {
                Some(true) => {
                    if let Some(last) = refused.take() {
                        clues.back.push(f64::midpoint(last, told.t));
                        let sum = clues.silences.last().map_or(0.0, |(sum, _)| *sum);
                        clues.silences.push((sum + (told.t - before).powi(2), f64::midpoint(last, told.t)));
                    }
                    (run, before) = (run + 1, told.t);
                }
                Some(false) => {
                    if run > 0 {
                        clues.runs.push(count(run));
                    }
                    run = 0;
                    refused = Some(told.t);
                }
                None => {}
            }
        }
        clues
    }

    fn at<T: Copy>(list: &[T], u: f64) -> Option<T> {
        let highest = list.len().checked_sub(1)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below the length
        Some(list[((u * count(list.len())) as usize).min(highest)])
    }

    /// A number of calls: the first run, or any one.
    pub(super) fn calls(&self, u: f64) -> Option<f64> {
        // derived: the first run from rest is the best hint, and as likely taken as all others
        if u < 0.5 { self.runs.first().copied() } else { Self::at(&self.runs, 2.0 * u - 1.0) }
    }

    /// A number of calls of a longer window: what was let through between two instants at which something came back, or since the start.
    pub(super) fn total(&self, (u, v): (f64, f64)) -> Option<f64> {
        let until = self.edge_after_silence(u)?;
        // derived: as often from the start as from any other instant
        let from = if v < 0.5 { 0.0 } else { self.edge_after_silence(2.0 * v - 1.0)? };
        let (from, until) = (from.min(until), from.max(until));
        let taken = self.passed.partition_point(|t| *t < until) - self.passed.partition_point(|t| *t < from);
        (taken > 0).then(|| count(taken))
    }

    /// An instant at which something came back, by the square of the silence before it.
    pub(super) fn edge_after_silence(&self, u: f64) -> Option<f64> {
        let all = self.silences.last()?.0;
        let at = self.silences.partition_point(|(sum, _)| *sum < u * all);
        self.silences.get(at).map(|(_, edge)| *edge)
    }

    /// An instant at which something came back.
    pub(super) fn edge(&self, u: f64) -> Option<f64> {
        Self::at(&self.back, u)
    }

    /// A length of time in which about so many calls are let through: between two such instants, parted into whole parts; or from the
    /// n-th last call that was let through to such an instant. `edge` draws such instants.
    pub(super) fn period(&self, calls: f64, (u, v): (f64, f64), edge: fn(&Self, f64) -> Option<f64>) -> Option<f64> {
        let back = edge(self, u)?;
        // derived: both ways as often
        if v < 0.5 {
            let before = self.passed.partition_point(|t| *t < back);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small
            let from = before.checked_sub(calls as usize)?;
            return Some(back - self.passed[from]).filter(|p| *p > 0.0);
        }
        let other = edge(self, 2.0 * v - 1.0)?;
        let apart = (back - other).abs();
        let (low, high) = (back.min(other), back.max(other));
        let taken = self.passed.partition_point(|t| *t < high) - self.passed.partition_point(|t| *t < low);
        let parts = (count(taken) / calls.max(1.0)).round().max(1.0);
        (apart > 0.0).then(|| apart / parts)
    }

    /// Calls per second between two such instants; or at which answers came one after the other.
    pub(super) fn rate(&self, u: f64) -> Option<f64> {
        // derived: answers that come in turn are the rarer sight
        if u < 0.25 {
            const GAPS: usize = 3; // derived: three gaps even out the jitter
            let at = self.answered.windows(GAPS + 1);
            let gaps: Vec<f64> = at.map(|w| (w[GAPS] - w[0]) / count(GAPS)).filter(|gap| *gap > 0.0).collect();
            return Self::at(&gaps, u / 0.25).map(|gap| 1.0 / gap); // derived: see above
        }
        let (first, last) = (self.edge(u / 2.0)?, self.edge(1.0 - u / 2.0)?);
        let taken = self.passed.partition_point(|t| *t < last) - self.passed.partition_point(|t| *t < first);
        (last > first && taken > 0).then(|| count(taken) / (last - first))
    }
}
