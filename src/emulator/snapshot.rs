//! The emulator's whole state as a value: for `GET /_livebench/state`, and for a server that goes on where it stopped.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fault::FaultRule;

/// The number of the form of a [`Snapshot`].
pub const SCHEMA: u32 = 1;

/// The whole state. Instants are microseconds of the emulator's own time, as passed to
/// [`Emulator::arrive`](super::model::Emulator::arrive).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The seed that its ids were drawn with.
    pub seed: u64,
    /// The latest instant that the emulator saw. A server that restores it lets its time go on from here, or from as much
    /// later as it was away.
    pub now_us: u64,
    /// Calls that arrived.
    pub arrivals: u64,
    /// Sessions that were made.
    pub sessions_made: u64,
    /// Errors that were asked for and are not spent.
    pub injected: Vec<FaultRule>,
}

/// Why a snapshot cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// Another version wrote it.
    #[error("the saved state has form {0}, this version reads form {SCHEMA}; start without it")]
    Schema(u32),
    /// It was drawn with another seed, so ids could repeat.
    #[error(
        "the saved state was drawn with seed {saved}, the emulator has seed {ours}; start with seed = {saved}, or without it"
    )]
    Seed {
        /// In the snapshot.
        saved: u64,
        /// In the configuration.
        ours: u64,
    },
    /// A part of it contradicts another.
    #[error("the saved state is damaged: {0}; start without it")]
    Damaged(String),
}
