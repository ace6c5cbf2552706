//! Tests that need the process or the machine to themselves: one counts every allocation, one leaves nobody a free core, one compares what a run
//! reports with the truth to half a percent.
#![allow(clippy::unwrap_used)] // clippy sees no test in a test's helper; helpers fail like the test

mod recording;
mod stalled;
#[cfg(target_os = "linux")] // where the kernel tells what a thread waited
mod starved;
#[path = "../it/support/mod.rs"]
mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Held by each test from its start to its end.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}
