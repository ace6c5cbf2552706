//! Tests that need the process or the machine to themselves: one counts every allocation, one leaves nobody a free core.
#![allow(clippy::unwrap_used)] // clippy sees no test in a test's helper; helpers fail like the test

mod recording;
#[cfg(target_os = "linux")] // where the kernel tells what a thread waited
mod starved;
#[path = "../it/support/mod.rs"]
mod support;
