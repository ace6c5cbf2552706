//! The result of a run: the first word of everything that people read, and why it is that one.

use super::contract::{RunResult, Severity, Summary, ThresholdResult, ThresholdStatus, Validity};
use super::stop::Stop;
use crate::units::plural;

/// How a run ends for whoever asked for it: exit codes, from the most to the least urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Interrupted by hand.
    Interrupted,
    /// INVALID, or a threshold could not be observed: the answer is not to be trusted.
    NotTrusted,
    /// A threshold was missed or idempotency violated.
    Bad,
    /// Everything held.
    Good,
}

impl Summary {
    /// How the run ends. Interrupted comes before INVALID, INVALID before a bad result.
    pub fn ending(&self) -> Ending {
        if self.stop == Stop::Interrupted {
            Ending::Interrupted
        } else if self.stop == Stop::Killed
            || self.verdict.validity == Validity::Invalid
            || self.thresholds_that(ThresholdStatus::Unknown) > 0
        {
            Ending::NotTrusted
        } else if self.thresholds_that(ThresholdStatus::Failed) > 0 || self.idempotency.violations > 0 {
            Ending::Bad
        } else {
            Ending::Good
        }
    }

    /// The same with the result and its reason, which are functions of everything else.
    #[must_use]
    pub(super) fn with_result(mut self) -> Self {
        self.result = match self.ending() {
            Ending::Good => RunResult::Passed,
            Ending::Bad => RunResult::Failed,
            Ending::Interrupted | Ending::NotTrusted => RunResult::NotTrusted,
        };
        self.result_why = self.why();
        self
    }

    /// Why the result is what it is, in one line.
    fn why(&self) -> String {
        let of_all = |n: usize, what: &str| format!("{n} of {} {what}", plural(self.thresholds.len() as u64, "threshold"));
        let (unknown, failed) = (self.thresholds_that(ThresholdStatus::Unknown), self.thresholds_that(ThresholdStatus::Failed));
        match self.ending() {
            Ending::Interrupted => "interrupted before its end".to_owned(),
            Ending::NotTrusted => match self.verdict.reasons.first().filter(|r| r.severity == Severity::Invalid) {
                Some(reason) => first_clause(&reason.what).to_owned(),
                None if self.stop == Stop::Killed => "killed before its end".to_owned(),
                None => of_all(unknown, "could not be observed"),
            },
            Ending::Bad => {
                let violations = self.idempotency.violations;
                let missed = (failed > 0).then(|| of_all(failed, "missed"));
                // A threshold on violations has said so already.
                let counted = self.thresholds.iter().any(|t| is_violations(t) && t.status == ThresholdStatus::Failed);
                let violated = (violations > 0 && !counted).then(|| plural(violations, "idempotency violation"));
                missed.into_iter().chain(violated).collect::<Vec<_>>().join(", ")
            }
            Ending::Good => match self.thresholds.len() as u64 {
                0 if self.counts.ok == 0 => {
                    format!("no thresholds set, and none of the {} got a session", plural(self.counts.sent, "call"))
                }
                0 => "no thresholds set".to_owned(),
                1 => "its threshold met".to_owned(),
                n => format!("all {n} thresholds met"),
            },
        }
    }

    fn thresholds_that(&self, status: ThresholdStatus) -> usize {
        self.thresholds.iter().filter(|t| t.status == status).count()
    }
}

fn is_violations(threshold: &ThresholdResult) -> bool {
    threshold.metric == "idempotency.violations"
}

/// What stands before the first colon: the rest explains, below the headline.
fn first_clause(what: &str) -> &str {
    what.split_once(": ").map_or(what, |(first, _)| first)
}
