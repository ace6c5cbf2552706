//! What the edges of a window hang on.
//!
//! Refuses to count: that is each limiter's own.

use serde::{Deserialize, Serialize};

use crate::key::words;

/// What a window begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowAnchor {
    /// An edge of the clock's grid.
    #[default]
    Clock,
    /// The first call after the window before has ended: Redis' INCR with an EXPIRE, and most rate limiters of web frameworks.
    FirstCall,
}

words!(WindowAnchor { "clock" => Clock, "first-call" => FirstCall });

impl WindowAnchor {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
    pub(super) fn is_clock(&self) -> bool {
        *self == Self::Clock
    }
}
