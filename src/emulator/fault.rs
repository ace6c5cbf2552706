//! What can go wrong with a call, and the rules by which somebody asks for it while the emulator runs.
//!
//! Refuses to decide which call it strikes: `injector` does.

use serde::{Deserialize, Serialize};

use crate::emulator::config::FaultKind;
use crate::service::operation::Operation;

/// What went wrong by somebody's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// By the configuration.
    Of(FaultKind),
    /// By a [`FaultRule`].
    Injected,
}

impl Fault {
    /// The spelling in the arrival log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.name(),
            Self::Injected => "injected",
        }
    }
}

/// An error that the next calls get instead of what they would have got: the body of `POST /_livebench/fault`.
///
/// The calls take no effect. A code of the operation's model is answered in its form, any other in the front door's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// `__type`: such as `ThrottlingException`.
    pub code: String,
    /// HTTP status, 400 to 599; by default the one that the model gives the code, or 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How many calls get it, at least 1; without it all of them do until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Which operation's calls get it; without it both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}
