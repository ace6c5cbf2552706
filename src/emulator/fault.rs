//! What goes wrong: by chance, by schedule, or because somebody asked for it while it ran.
//!
//! Refuses to decide what a call would have got otherwise.

use serde::{Deserialize, Serialize};

use crate::scenario::emulator::{FaultKind, Faults};
use crate::stats::draw::{Stream, unit};
use crate::target::request::Operation;

/// What went wrong by somebody's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// By the configuration.
    Of(FaultKind),
    /// By [`Emulator::inject`](super::model::Emulator::inject).
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

    /// The fault by chance of the n-th arrival. One draw decides, so no call has two and each kind has exactly its share; of
    /// shares that sum above 1 the later ones come short.
    pub(super) fn draw(faults: &Faults, seed: u64, n: u64) -> Option<Self> {
        let mut left = unit(seed, Stream::Fault, n);
        faults.shares().into_iter().find_map(|(kind, share)| {
            left -= share.as_f64();
            (left < 0.0).then_some(Self::Of(kind))
        })
    }

    /// Whether the call takes no effect.
    pub const fn comes_before(self) -> bool {
        match self {
            Self::Of(kind) => kind.comes_before(),
            Self::Injected => true,
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
