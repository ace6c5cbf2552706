//! The emulator's whole state as a value: for `GET /_livebench/state`, and for a server that goes on where it stopped.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fault::FaultRule;
use super::results::SessionStatus;
use super::sessions::Done;
use super::tokens::TokenEntry;
use crate::client::request::Settings;
use crate::limiter::{Limiter, Limits};
use crate::service::region;
use crate::units::Text64;

/// The number of the form of a [`Snapshot`].
pub const SCHEMA: u32 = 1;

/// The whole state. Instants are microseconds of the emulator's own time, as passed to
/// [`Emulator::arrive`](super::model::Emulator::arrive). Each part of the emulator saves and loads its own.
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
    /// What each account has spent in each region.
    #[serde(rename = "places")]
    pub scopes: Vec<ScopeState>,
    /// The live tokens of each scope.
    pub tokens: Vec<TokensState>,
    /// Every session that can still be found, in the order of birth.
    pub sessions: Vec<SessionState>,
}

/// What an account has spent in a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeState {
    /// The account.
    pub account: Text64,
    /// The region.
    pub region: String,
    /// The limits on creates.
    pub create: Limits,
    /// The limits on getting results.
    pub get: Limits,
    /// The limits on streams: on starting them, and on how many there are at once; absent where none was ever started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<[Limiter; 2]>,
}

/// The live tokens of one scope, in the order of their first call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensState {
    /// The account; empty: any.
    pub account: Text64,
    /// The region; empty: any.
    pub region: String,
    pub(super) tokens: Vec<TokenEntry>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionState {
    /// Its id.
    pub session_id: Text64,
    /// Its number, from 0: everything that is drawn of it is drawn by this.
    pub number: u64,
    /// Whose it is.
    pub account: Text64,
    /// Where.
    pub region: String,
    /// When it was made.
    pub born_us: u64,
    /// How far it was when the state was taken; not read back.
    #[serde(default)]
    pub status: Option<SessionStatus>,
    /// What it shall do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// How somebody ended its check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) done: Option<Done>,
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

#[cfg(test)]
impl Snapshot {
    /// The session that a token leads to, if both are still known.
    pub(crate) fn session_of(&self, token: &str) -> Option<Text64> {
        let token = super::tokens::TokenHash::of(token);
        let entry = self.tokens.iter().flat_map(|scope| &scope.tokens).rev().find(|entry| entry.token == token)?;
        let super::tokens::Leads::Session(number) = entry.leads else { return None };
        self.sessions.iter().find(|session| session.number == number).map(|session| session.session_id)
    }
}

impl Snapshot {
    /// Whether an emulator of `seed` can go on from here, or the reason why not.
    pub(super) const fn fits(&self, seed: u64) -> Result<(), RestoreError> {
        if self.schema != SCHEMA {
            return Err(RestoreError::Schema(self.schema));
        }
        if self.seed != seed {
            return Err(RestoreError::Seed { saved: self.seed, ours: seed });
        }
        Ok(())
    }
}

/// What the service's own part of a [`Snapshot`] is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ServiceState {
    pub(super) sessions_made: u64,
    pub(super) scopes: Vec<ScopeState>,
    pub(super) tokens: Vec<TokensState>,
    pub(super) sessions: Vec<SessionState>,
}

/// The region of a name.
pub(super) fn known_region(name: &str) -> Result<&'static str, RestoreError> {
    let found = region::find(name).map(|region| region.name);
    found.ok_or_else(|| RestoreError::Damaged(format!("{name} is not a region of Face Liveness")))
}
