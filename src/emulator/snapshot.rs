//! The emulator's whole state as a value: for `GET /_livebench/state`, and for a server that goes on where it stopped.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fault::FaultRule;
use super::model::{Emulator, Operation};
use super::results::SessionStatus;
use super::sessions::{Done, Extra, Session, session_id};
use super::tokens::{Entry, TokenBook};
use crate::client::request::Settings;
use crate::limiter::Limits;
use crate::service::region;
use crate::units::{Text64, floor_us};

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
    /// What each account has spent in each region.
    pub places: Vec<PlaceState>,
    /// The live tokens of each scope.
    pub tokens: Vec<TokensState>,
    /// Every session that can still be found, in the order of birth.
    pub sessions: Vec<SessionState>,
}

/// What an account has spent in a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceState {
    /// The account.
    pub account: Text64,
    /// The region.
    pub region: String,
    /// The limits on creates.
    pub create: Limits,
    /// The limits on getting results.
    pub get: Limits,
}

/// The live tokens of one scope, in the order of their first call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensState {
    /// The account; empty: any.
    pub account: Text64,
    /// The region; empty: any.
    pub region: String,
    tokens: Vec<Entry>,
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
    done: Option<Done>,
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

impl Emulator {
    /// The whole state.
    pub fn state(&self) -> Snapshot {
        let places = self.books.places.iter().map(|place| {
            let [create, get] = Operation::ALL.map(|operation| place.clone().limits(operation).clone());
            PlaceState { account: place.account, region: place.region.to_owned(), create, get }
        });
        let tokens = self.books.tokens.iter().map(|((account, region), book)| TokensState {
            account: *account,
            region: (*region).to_owned(),
            tokens: book.entries().collect(),
        });
        Snapshot {
            schema: SCHEMA,
            seed: self.config.seed,
            now_us: floor_us(self.latest),
            arrivals: self.arrivals,
            sessions_made: self.sessions_made,
            injected: self.injected.iter().cloned().collect(),
            places: places.collect(),
            tokens: tokens.collect(),
            sessions: self.books.sessions.iter().map(|session| self.session_state(session)).collect(),
        }
    }

    fn session_state(&self, session: &Session) -> SessionState {
        let place = &self.books.places[session.place];
        SessionState {
            session_id: session_id(self.config.seed, session.number),
            number: session.number,
            account: place.account,
            region: place.region.to_owned(),
            born_us: floor_us(session.born),
            status: session.progress(&self.config, self.latest).map(|progress| progress.status),
            settings: session.settings().cloned(),
            done: session.extra.as_ref().and_then(|extra| extra.done),
        }
    }

    /// Goes on where a state was taken: what is over by the next call is forgotten then. Limits whose settings have changed
    /// since start afresh. Nothing changes on an error.
    pub fn restore(&mut self, snapshot: Snapshot) -> Result<(), RestoreError> {
        if snapshot.schema != SCHEMA {
            return Err(RestoreError::Schema(snapshot.schema));
        }
        if snapshot.seed != self.config.seed {
            return Err(RestoreError::Seed { saved: snapshot.seed, ours: self.config.seed });
        }
        let mut fresh = Self::new(self.config.clone());
        fresh.latest = Duration::from_micros(snapshot.now_us);
        fresh.arrivals = snapshot.arrivals;
        fresh.sessions_made = snapshot.sessions_made;
        fresh.injected = snapshot.injected.into();
        for PlaceState { account, region, create, get } in snapshot.places {
            let place = fresh.books.place(&fresh.config, account.as_str(), known(&region)?);
            fresh.books.places[place].limits(Operation::Create).resume(create);
            fresh.books.places[place].limits(Operation::GetResults).resume(get);
        }
        for TokensState { account, region, tokens } in snapshot.tokens {
            let region = if region.is_empty() { "" } else { known(&region)? };
            let mut book = TokenBook::default();
            for entry in tokens {
                book.resume(entry);
            }
            fresh.books.tokens.insert((account, region), book);
        }
        for state in snapshot.sessions {
            fresh.resume_session(state)?;
        }
        if fresh.books.sessions.next().is_some_and(|next| next != fresh.sessions_made) {
            return Err(RestoreError::Damaged("the last sessions are not there".to_owned()));
        }
        fresh.given_quotas = self.given_quotas;
        *self = fresh;
        Ok(())
    }

    fn resume_session(&mut self, state: SessionState) -> Result<(), RestoreError> {
        let SessionState { session_id: id, number, account, region, born_us, settings, done, .. } = state;
        let follows = self.books.sessions.next().is_none_or(|next| next == number);
        if id != session_id(self.config.seed, number) || number >= self.sessions_made || !follows {
            return Err(RestoreError::Damaged(format!("session {id} cannot be the one of number {number} at its place")));
        }
        let place = self.books.place(&self.config, account.as_str(), known(&region)?);
        let extra = (settings.is_some() || done.is_some()).then(|| Box::new(Extra { settings, done }));
        let born = Duration::from_micros(born_us);
        self.books.sessions.open(self.config.seed, Session { number, place, born, extra });
        Ok(())
    }
}

/// The region of a name.
fn known(name: &str) -> Result<&'static str, RestoreError> {
    let found = region::find(name).map(|region| region.name);
    found.ok_or_else(|| RestoreError::Damaged(format!("{name} is no region of Face Liveness")))
}
