//! `StartFaceLivenessSession` as far as capacity goes: a stream that begins, its rate and how many there may be at once.
//!
//! The service speaks it over a WebSocket of its own; here it is a call of the model alone. Refuses to carry a video.

use std::time::Duration;

use super::complete::CheckEnd;

/// A stream that shall begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamStart<'a> {
    /// Of which session.
    pub session_id: &'a str,
    /// How long it lasts.
    pub length: Duration,
    /// How its check ends.
    pub end: CheckEnd,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamRuling {
    /// It streams until this instant.
    Streams {
        /// When it ends.
        until: Duration,
    },
    /// Over the quota of starts per second: `ThrottlingException`, 429.
    TooFast,
    /// As many sessions stream as may at once: `ServiceQuotaExceededException`, 429.
    TooMany,
    /// No such session, one whose life is over, or one that has had its check: `SessionNotFoundException` or `ValidationException`, 400.
    NoSession,
}
