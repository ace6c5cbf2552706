//! What was seen: one call of a probe, and how it was answered.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::floor_us;

/// What an answer says about the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerClass {
    /// Let through.
    Accepted,
    /// Refused for the quota.
    Refused,
    /// Refused with the throttle that says the rate rose too fast: no word about the quota where there is a quota error, too.
    Ramp,
    /// Refused with the throttle that says the service is scaling: no word about the quota where there is a quota error, too.
    Service,
    /// HTTP 429 without a name that is known.
    TooMany,
    /// HTTP 503 without a name that is known.
    Unavailable,
    /// No answer, or none that says whether the quota let it through. It may have cost a token.
    Unknown,
}

/// Which experiment a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A burst from rest: waves at one instant, each twice as large, until one is refused in part.
    Burst,
    /// One call at a time, each sent when the one before was answered.
    Solo,
    /// The burst's last wave once more: of 0.1.0, read for its directories.
    Again,
    /// Single calls with growing gaps, until one is let through: of 0.1.0.
    Scan,
    /// Waves again, after the first call that was let through, until one is refused in part: of 0.1.0.
    Drain,
    /// A steady stream above the rate, with dithered gaps.
    Stream,
    /// A pause, and a wave larger than what passes, when a stream above the rate gets nothing.
    Storm,
}

/// One call. Instants count from the probe's start, floored to microseconds as on disk, so that a result made from the files is the
/// same result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Number of the batch of calls that it was sent in.
    pub round: u32,
    /// Number of deliberate rests before it.
    pub segment: u32,
    /// Its experiment.
    pub phase: Phase,
    /// When it was to be sent.
    pub due_us: u64,
    /// When it was sent.
    pub sent_us: u64,
    /// When its answer was complete.
    pub done_us: u64,
    /// What the answer says.
    pub answer: AnswerClass,
}

/// The next calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volley {
    /// Its number.
    pub round: u32,
    /// Number of deliberate rests before it.
    pub segment: u32,
    /// The experiment.
    pub phase: Phase,
    /// When each call is due, from the probe's start, in order.
    pub dues: Vec<Duration>,
}

impl Volley {
    /// What is seen of one of its calls.
    pub fn observe(&self, due: Duration, sent: Duration, done: Duration, answer: AnswerClass) -> Observation {
        let (due_us, sent_us, done_us) = (floor_us(due), floor_us(sent), floor_us(done));
        Observation { round: self.round, segment: self.segment, phase: self.phase, due_us, sent_us, done_us, answer }
    }
}
