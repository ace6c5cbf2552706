//! What the declarations of several kinds share: their common keys, and why numbers make no quota.
//!
//! Refuses to know a kind; each declares its own keys in its own file.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::amount::TokenAmount;
use crate::key::{Amounts, Given, TableKey, ValueForm};
use crate::units::Rate;

/// Numbers that make no quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// A number is missing that must be there.
    Missing,
    /// Two numbers contradict each other.
    Contradiction {
        /// The key that gives way.
        key: &'static str,
        /// What is wrong.
        why: &'static str,
        /// What to do.
        help: &'static str,
    },
}

/// Calls of a quota: no account has a million a second.
pub(super) const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// Times of a quota.
pub(super) const TIME: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

pub(super) const fn rate(help: &'static str) -> TableKey {
    let remedy = "`rate`, the calls per second that it allows; or kind = \"none\" for no limit";
    TableKey::required("rate", ValueForm::PositiveRate, remedy, help).like("25")
}

/// A depth that need not be whole.
pub(super) const fn depth(help: &'static str) -> TableKey {
    TableKey::optional("burst", ValueForm::Number(1.0..=1e6), "one second of the rate", help).like("25")
}

pub(super) const fn limit(help: &'static str) -> TableKey {
    TableKey::required("limit", ValueForm::Integer(COUNT), "`limit`, the calls that it allows: limit = 25", help).like("25")
}

pub(super) const WINDOW: TableKey = TableKey::required(
    "window",
    ValueForm::Duration(TIME),
    "`window`, the time in which it allows them: window = \"1s\"",
    "Length of a window.",
)
.like("\"1s\"");

/// Where a clock's edges lie.
pub(super) const fn phase(help: &'static str) -> TableKey {
    TableKey::default("phase", ValueForm::Duration(Duration::ZERO..=Duration::from_secs(24 * 3600)), Given::Text("0s"), help)
}

/// A number that must be there.
pub(super) fn needed<T>(value: Option<T>) -> Result<T, Unfit> {
    value.ok_or(Unfit::Missing)
}

/// The phase, which lies within `length`.
pub(super) fn phase_of(given: &Amounts, length: Duration) -> Result<Duration, Unfit> {
    let phase = given.time("phase").unwrap_or_default();
    let (key, why) = ("phase", "`phase` is not shorter than the time from one edge to the next");
    if phase < length { Ok(phase) } else { Err(Unfit::Contradiction { key, why, help: "write the remainder after whole ones" }) }
}

/// The depth at `burst`, or as many calls as fit in a second, at least one.
pub(super) fn depth_of(given: &Amounts, rate: Rate) -> TokenAmount {
    given.number("burst").and_then(TokenAmount::new).unwrap_or_else(|| second_of(rate))
}

fn second_of(rate: Rate) -> TokenAmount {
    TokenAmount::whole(u32::try_from(rate.micro_hz().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1))
}
