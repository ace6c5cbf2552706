//! What a refusal looks like.
//!
//! The quota error, where there is one. Where there is none, a throttle, a 429 or a 503 that comes beside successes: many limiters in front
//! of a service say it so. Refuses to take an answer for a refusal that is neither of these.

use super::observation::{Observation, Reading};

/// How refused calls are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signal(Reading);

/// What can be a refusal, the surest first.
// derived: all readings that refuse
const SIGNALS: [Reading; 5] = [Reading::Refused, Reading::Ramp, Reading::Service, Reading::TooMany, Reading::Unavailable];

impl Signal {
    /// As it is published.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            Reading::Refused => "ProvisionedThroughputExceededException",
            Reading::Ramp => "ThrottlingException",
            Reading::Service => "ThrottlingException (HTTP 500)",
            Reading::TooMany => "HTTP 429",
            Reading::Unavailable => "HTTP 503",
            Reading::Accepted | Reading::Unknown => "",
        }
    }
}

/// The signal of these answers; `None` if no call was refused. A quota error makes every other throttle another matter.
pub(super) fn signal(observations: &[Observation]) -> Option<Signal> {
    let number = |answer: Reading| observations.iter().filter(|o| o.answer == answer).count();
    if number(Reading::Refused) > 0 {
        return Some(Signal(Reading::Refused));
    }
    SIGNALS.into_iter().rev().max_by_key(|answer| number(*answer)).filter(|answer| number(*answer) > 0).map(Signal)
}

/// An answer, read with the signal.
pub(super) fn read(answer: Reading, signal: Option<Signal>) -> Reading {
    match (answer, signal) {
        (answer, Some(Signal(refusal))) if answer == refusal => Reading::Refused,
        (Reading::TooMany | Reading::Unavailable, _) => Reading::Unknown,
        (answer, _) => answer,
    }
}
