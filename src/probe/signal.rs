//! What a refusal looks like.
//!
//! The quota error, where there is one. Where there is none, a throttle, a 429 or a 503 that comes beside successes: many limiters in front
//! of a service say it so. Refuses to take an answer for a refusal that is neither of these.

use super::observation::{AnswerClass, Observation};

/// How refused calls are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signal(AnswerClass);

/// What can be a refusal, the surest first.
// derived: all readings that refuse
const SIGNALS: [AnswerClass; 5] =
    [AnswerClass::Refused, AnswerClass::Ramp, AnswerClass::Service, AnswerClass::TooMany, AnswerClass::Unavailable];

impl Signal {
    /// As it is published.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            AnswerClass::Refused => "ProvisionedThroughputExceededException",
            AnswerClass::Ramp => "ThrottlingException",
            AnswerClass::Service => "ThrottlingException (HTTP 500)",
            AnswerClass::TooMany => "HTTP 429",
            AnswerClass::Unavailable => "HTTP 503",
            AnswerClass::Accepted | AnswerClass::Unknown => "",
        }
    }
}

/// The signal of these answers; `None` if no call was refused. A quota error makes every other throttle another matter.
pub(super) fn signal(observations: &[Observation]) -> Option<Signal> {
    let number = |answer: AnswerClass| observations.iter().filter(|o| o.answer == answer).count();
    if number(AnswerClass::Refused) > 0 {
        return Some(Signal(AnswerClass::Refused));
    }
    SIGNALS.into_iter().rev().max_by_key(|answer| number(*answer)).filter(|answer| number(*answer) > 0).map(Signal)
}

/// An answer, read with the signal.
pub(super) fn read(answer: AnswerClass, signal: Option<Signal>) -> AnswerClass {
    match (answer, signal) {
        (answer, Some(Signal(refusal))) if answer == refusal => AnswerClass::Refused,
        (AnswerClass::TooMany | AnswerClass::Unavailable, _) => AnswerClass::Unknown,
        (answer, _) => answer,
    }
}

/// What each answer is read as, given all of them: the signal of a refusal, whichever it is, as [`AnswerClass::Refused`].
pub fn reading(observations: &[Observation]) -> impl Fn(&Observation) -> AnswerClass + use<> {
    let signal = signal(observations);
    move |observation| read(observation.answer, signal)
}
