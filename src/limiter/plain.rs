//! The kinds that stand for themselves: what a stack has two of, and what a ban watches.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keys::Unfit;
use super::{Arrival, LimiterKind as _, Passing, State, Toll};
use crate::key::{Amounts, TableKeys, Variant};

catalogue! {
    kinds! {
        /// One limit of a kind that stands for itself, with its numbers.
        PlainQuota holding PlainHeld
    }
}

/// The keys of one limit within another quota.
pub(super) static PLAIN: TableKeys = TableKeys {
    tag: "kind",
    variants: PlainQuota::KINDS,
    ..TableKeys::new("limit", "A limit of a kind that is not made of others.", &[])
};
