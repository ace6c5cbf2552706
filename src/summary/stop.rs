//! Why a run stopped.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a run stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The schedule came to its end.
    Completed,
    /// By hand; calls in flight were waited for.
    Interrupted,
    /// `budget.max_calls` was reached.
    BudgetCalls,
    /// `budget.max_spend_usd` was reached.
    BudgetSpend,
    /// The service refused the caller: `AccessDeniedException`, or a key, signature or token that it does not accept.
    AccessDenied,
    /// A file could not be written.
    DiskFull,
    /// The process ended without a word; the summary was rebuilt from what it left.
    Killed,
}

impl Stop {
    /// From the best to the worst: of several parts the worst is told.
    // derived: every reason to stop, once
    const BY_GRAVITY: [Self; 7] = [
        Self::Completed,
        Self::BudgetCalls,
        Self::BudgetSpend,
        Self::Interrupted,
        Self::AccessDenied,
        Self::DiskFull,
        Self::Killed,
    ];

    pub(super) fn gravity(self) -> Option<usize> {
        Self::BY_GRAVITY.iter().position(|stop| *stop == self)
    }
}
