//! One scheduled call from its due time to its end: the only thing that load hands to record.
//!
//! Refuses to read a clock: its instants are offsets from the start of the run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::Answer;
use crate::client::outcome::Outcome;
use crate::units::{Text64, floor_us};

/// What a call is to the idempotency of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Brings a token that was never used.
    Fresh,
    /// Carries the token that the scenario's request fixes.
    Fixed,
    /// Carries no token.
    Tokenless,
    /// Repeats a token after its answer.
    Replay,
    /// Repeats the token of its twin at the same instant.
    Race,
    /// Repeats a token with other settings.
    Mismatch,
    /// Repeats a token after the session's life.
    Expired,
    /// Repeats a token whose first attempt was throttled.
    AfterThrottle,
    /// Repeats a token whose first answer was lost.
    AfterLoss,
}

impl Role {
    /// Every role, in the order of the reports.
    pub const ALL: [Self; 9] = [
        Self::Fresh,
        Self::Fixed,
        Self::Tokenless,
        Self::Replay,
        Self::Race,
        Self::Mismatch,
        Self::Expired,
        Self::AfterThrottle,
        Self::AfterLoss,
    ];

    /// The spelling used in every file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Fixed => "fixed",
            Self::Tokenless => "tokenless",
            Self::Replay => "replay",
            Self::Race => "race",
            Self::Mismatch => "mismatch",
            Self::Expired => "expired",
            Self::AfterThrottle => "after_throttle",
            Self::AfterLoss => "after_loss",
        }
    }

    /// Whether the call repeats a token that another call brought.
    pub const fn repeats(self) -> bool {
        !matches!(self, Self::Fresh | Self::Fixed | Self::Tokenless)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|r| r.name() == name).ok_or_else(|| format!("`{name}` is not a role"))
    }
}

/// A scheduled call and how it ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The call's number in the schedule, from 0.
    pub seq: u64,
    /// When the schedule wanted it.
    pub due: Duration,
    /// When it was handed to the client; `None` if it never was.
    pub sent: Option<Duration>,
    /// When its answer was complete or its failure known; `None` if it was never sent.
    pub done: Option<Duration>,
    /// Index of the scenario's mix.
    pub mix: u16,
    /// What it is to idempotency.
    pub role: Role,
    /// 1 for the first use of a token in the run, 2 for a repetition.
    pub attempt: u8,
    /// The token that was sent.
    pub token: Option<Text64>,
    /// How it ended.
    pub answer: Answer,
}

/// The three times of a call that was sent, in whole microseconds: `response = lateness + service`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `sent - due`: ours.
    pub lateness_us: u64,
    /// `done - sent`: theirs.
    pub service_us: u64,
    /// `done - due`: what a user would have felt.
    pub response_us: u64,
}

impl Sample {
    /// How it ended.
    pub const fn outcome(&self) -> Outcome {
        self.answer.outcome
    }

    /// The three times, from instants floored to microseconds as they stand on disk, so that a summary rebuilt
    /// from the files equals the first one.
    pub fn times(&self) -> Option<Times> {
        self.ending().times()
    }

    /// When and how it ended, in whole microseconds.
    pub fn ending(&self) -> CallEnding {
        let (sent_us, done_us) = (self.sent.map(floor_us), self.done.map(floor_us));
        CallEnding { due_us: floor_us(self.due), sent_us, done_us, outcome: self.outcome() }
    }
}

/// When a call was due, and when and how it ended, in whole microseconds from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallEnding {
    /// When the schedule wanted it.
    pub due_us: u64,
    /// When it was handed to the client; `None` if it never was.
    pub sent_us: Option<u64>,
    /// When its end was known; `None` if it was never sent.
    pub done_us: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

impl CallEnding {
    /// See [`Sample::times`].
    pub fn times(&self) -> Option<Times> {
        // A call that this machine could not send was handed over, but has no time that anybody else had a part in.
        if !self.outcome.was_sent() {
            return None;
        }
        let (due, sent, done) = (self.due_us, self.sent_us?, self.done_us?);
        Some(Times {
            lateness_us: sent.saturating_sub(due),
            service_us: done.saturating_sub(sent),
            response_us: done.saturating_sub(due),
        })
    }

    /// When it had its end: a call that was never sent had it when it was due.
    pub const fn end_us(&self) -> u64 {
        match self.done_us {
            Some(done_us) => done_us,
            None => self.due_us,
        }
    }

    /// The same on a clock that shows `by_us` more.
    #[must_use]
    pub fn shifted(self, by_us: i64) -> Self {
        let shift = |us: u64| us.saturating_add_signed(by_us);
        Self { due_us: shift(self.due_us), sent_us: self.sent_us.map(shift), done_us: self.done_us.map(shift), ..self }
    }
}

/// How one core's part of one second went, for what a finished sample cannot tell in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Second {
    /// The second's number from the start of the run.
    pub second: u64,
    /// Calls due in it.
    pub offered: u64,
    /// Calls sent in it.
    pub sent: u64,
    /// Calls in flight at its end.
    pub in_flight: u64,
}

/// What one core hands over at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// The core's number, from 0.
    pub core: usize,
    /// Calls that ended, in the order of their ending on this core.
    pub samples: Vec<Sample>,
    /// Seconds that ended, without gaps, each after all samples that ended in it.
    pub seconds: Vec<Second>,
}

/// Samples for the tests of other rooms.
#[cfg(test)]
pub(crate) mod testing {
    use proptest::prelude::*;

    use super::*;

    /// A call that was due at `due_ms`, sent `late_ms` later and ended after `service_ms`, or never sent if its outcome says so.
    pub(crate) fn sample(seq: u64, outcome: Outcome, due_ms: u64, late_ms: u64, service_ms: u64) -> Sample {
        let due = Duration::from_millis(due_ms);
        let sent = outcome.was_sent().then(|| due + Duration::from_millis(late_ms));
        let mut answer = Answer::without_reply(outcome);
        if outcome == Outcome::Ok {
            answer.session_id = Some(session(seq));
            answer.status = Some(200);
        }
        if outcome.was_sent() {
            answer.request_id = Some(Text64::cut(&format!("request-{seq}")));
        }
        Sample {
            seq,
            due,
            sent,
            done: sent.map(|s| s + Duration::from_millis(service_ms)),
            mix: 0,
            role: Role::Fresh,
            attempt: 1,
            token: Some(Text64::cut(&format!("token-{seq}"))),
            answer,
        }
    }

    /// The session id number `n`.
    pub(crate) fn session(n: u64) -> Text64 {
        Text64::cut(&format!("00000000-0000-4000-8000-{n:012x}"))
    }

    prop_compose! {
        fn any_sample()(
            outcome in prop::sample::select(Outcome::ALL),
            role in prop::sample::select(Role::ALL.to_vec()),
            due in 0u64..400_000_000,
            late in 0u64..3_000_000,
            service in 0u64..2_000_000_000,
            mix in 0u16..3,
            token in prop::option::of(0u8..6),
            session_number in 0u64..6,
            exception in prop::option::of(0u8..3),
        ) -> Sample {
            let mut made = sample(0, outcome, 0, 0, 0);
            made.due = Duration::from_nanos(due * 100);
            made.sent = made.sent.map(|_| made.due + Duration::from_nanos(late));
            made.done = made.sent.map(|s| s + Duration::from_nanos(service));
            made.mix = mix;
            made.token = token.map(|t| Text64::cut(&format!("token-{t}")));
            made.role = if token.is_some() { role } else { Role::Tokenless };
            if outcome == Outcome::Ok {
                made.answer.session_id = Some(session(session_number));
            } else if outcome.was_sent() {
                made.answer.exception = exception.map(|e| Text64::cut(&format!("Exception{e}")));
            }
            made
        }
    }

    /// Up to `most` samples of every kind, numbered in the order of the list; times within 45 s.
    pub(crate) fn samples(most: usize) -> impl Strategy<Value = Vec<Sample>> {
        prop::collection::vec(any_sample(), 0..=most).prop_map(|mut list| {
            for (seq, sample) in (0..).zip(&mut list) {
                sample.seq = seq;
                if sample.outcome().was_sent() {
                    sample.answer.request_id = Some(Text64::cut(&format!("request-{seq}")));
                }
            }
            list
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The identity holds on floored instants, whatever the fractions are.
    #[test]
    fn response_is_lateness_plus_service() {
        let answer = Answer::without_reply(Outcome::ReadTimeout);
        for (due, sent, done) in [(999, 1_001, 2_999), (0, 0, 0), (1_500, 1_999, 2_000), (7, 7_000_007, 9_999_999)] {
            let at = Duration::from_nanos;
            let sample = Sample {
                seq: 0,
                due: at(due),
                sent: Some(at(sent)),
                done: Some(at(done)),
                mix: 0,
                role: Role::Fresh,
                attempt: 1,
                token: None,
                answer,
            };
            let times = sample.times().unwrap();
            assert_eq!(times.response_us, times.lateness_us + times.service_us);
        }
    }
}
