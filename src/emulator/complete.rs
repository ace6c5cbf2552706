//! Ending a session's check from outside, as a test of an application does that has no user with a camera.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::results::SessionStatus;

/// How a check ends: what `POST /_livebench/complete` may say besides `SessionId`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CheckEnd {
    /// `SUCCEEDED` or `FAILED`.
    #[serde(default)]
    pub status: CheckOutcome,
    /// `Confidence` of a check that succeeded, 0 to 100; drawn when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// The two ends of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckOutcome {
    /// There are results.
    #[default]
    Succeeded,
    /// There are none.
    Failed,
}

impl CheckOutcome {
    /// The session's status then.
    pub const fn status(self) -> SessionStatus {
        match self {
            Self::Succeeded => SessionStatus::Succeeded,
            Self::Failed => SessionStatus::Failed,
        }
    }
}

/// Why a check cannot be ended.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CompleteError {
    /// No such session, or one that is forgotten.
    #[error("there is no session {0}; it was never made, or its time is over")]
    NotFound(String),
    /// Its life is over.
    #[error("the session {0} has expired; make a new one")]
    Expired(String),
    /// A session serves one check.
    #[error("the session {0} has had its check; a session serves one check, make a new one")]
    Served(String),
    /// A confidence outside 0 to 100.
    #[error("{0} is not a confidence; it lies between 0 and 100")]
    Confidence(f64),
}
