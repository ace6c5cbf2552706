//! A user's check, as it would have gone: when it begins, and when and how it ends.
//!
//! All of it is drawn by the session's number. Refuses to know whether anybody asks, and what the results say.

use std::time::Duration;

use super::complete::CheckOutcome;
use super::delay::drawn;
use crate::emulator::config::EmulatorConfig;
use crate::stats::draw::{Stream, unit};

/// When a check begins and ends, from the session's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CheckTimes {
    /// How long after the start the user's camera streams.
    pub(super) begins: Duration,
    /// How long after the start it ends, and how; `None` never ends.
    pub(super) ends: Option<(Duration, CheckOutcome)>,
}

/// The check of the n-th session; `None` is never begun.
pub(super) fn times(config: &EmulatorConfig, n: u64) -> Option<CheckTimes> {
    let checks = &config.checks;
    let mut left = unit(config.seed, Stream::Check, n);
    let kinds =
        [(checks.succeed, Some(CheckOutcome::Succeeded)), (checks.fail, Some(CheckOutcome::Failed)), (checks.abandon, None)];
    let (_, end) = kinds.into_iter().find(|(share, _)| {
        left -= share.as_f64();
        left < 0.0
    })?;
    let time = |latency, which: u64| drawn(latency, config.seed, Stream::CheckTime, n.wrapping_mul(2).wrapping_add(which));
    let begins = time(checks.start, 0);
    Some(CheckTimes { begins, ends: end.map(|end| (begins.saturating_add(time(checks.length, 1)), end)) })
}
