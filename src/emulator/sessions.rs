//! Sessions: who has which, how far each is, and when it is forgotten.
//!
//! Refuses to read a clock, and to keep a session after its time: memory is bounded by what one life can bring.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::{self, CheckTimes};
use super::complete::{CheckEnd, CheckOutcome};
use super::results::SessionStatus;
use crate::client::request::Settings;
use crate::emulator::config::{EmulatorConfig, ExpiredGet};
use crate::stats::draw::{Stream, bits};
use crate::stats::keyed::KeyedState;
use crate::units::{Text64, serde_us};

/// The 128 bits of the n-th UUID of two streams, version 4 in form.
fn drawn_bits(seed: u64, high: Stream, low: Stream, n: u64) -> uuid::Uuid {
    let bits = uuid::Uuid::from_u64_pair(bits(seed, high, n), bits(seed, low, n));
    uuid::Builder::from_random_bytes(bits.into_bytes()).into_uuid()
}

/// The n-th UUID of two streams, version 4 in form: lower case, 36 characters.
pub fn drawn_uuid(seed: u64, high: Stream, low: Stream, n: u64) -> Text64 {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    Text64::cut(drawn_bits(seed, high, low, n).hyphenated().encode_lower(&mut buffer))
}

/// The id of the n-th session.
pub(super) fn session_id(seed: u64, n: u64) -> Text64 {
    drawn_uuid(seed, Stream::SessionHigh, Stream::SessionLow, n)
}

/// A check that was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    #[serde(rename = "at_us", with = "serde_us")]
    pub(super) at: Duration,
    pub(super) end: CheckEnd,
}

/// What most sessions do without. Sessions of equal settings, one after the other, share one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Extra {
    pub(super) settings: Option<Settings>,
    pub(super) done: Option<Done>,
}

/// A session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Session {
    /// From 0, over all accounts and regions: everything that is drawn of it is drawn by this number.
    pub(super) number: u64,
    /// Whose it is, and where: the number of its scope.
    pub(super) scope: usize,
    pub(super) born: Duration,
    pub(super) extra: Option<Arc<Extra>>,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SessionProgress {
    pub(super) status: SessionStatus,
    /// The confidence that somebody gave, of a check that succeeded.
    pub(super) confidence: Option<f64>,
}

impl Session {
    pub(super) fn settings(&self) -> Option<&Settings> {
        self.extra.as_ref()?.settings.as_ref()
    }

    fn done(&self) -> Option<Done> {
        self.extra.as_ref()?.done
    }

    /// How far it is at `now`; `None` is no longer found.
    pub(super) fn progress(&self, config: &EmulatorConfig, now: Duration) -> Option<SessionProgress> {
        let times = check::times(config, self.number);
        let age = now.saturating_sub(self.born);
        let end = self.end(config, times).filter(|(at, _)| *at <= age);
        let life = if end.is_some() { config.results_ttl() } else { config.session_ttl };
        let just = |status| Some(SessionProgress { status, confidence: None });
        if age >= life {
            let shows = config.sessions.expired == ExpiredGet::Expired && age < life.saturating_add(config.sessions.expired_for);
            return if shows { just(SessionStatus::Expired) } else { None };
        }
        match (end, times) {
            (Some((_, end)), _) => Some(SessionProgress { status: end.status.status(), confidence: end.confidence }),
            // An end that is to come is that of a stream.
            (None, _) if self.done().is_some() => just(SessionStatus::InProgress),
            (None, Some(times)) if times.begins <= age => just(SessionStatus::InProgress),
            (None, _) => just(SessionStatus::Created),
        }
    }

    /// Its age at the end of its check and how that ends, if it does within the session's life.
    fn end(&self, config: &EmulatorConfig, times: Option<CheckTimes>) -> Option<(Duration, CheckEnd)> {
        let planned = times.and_then(|times| times.ends).map(|(at, status)| (at, CheckEnd { status, confidence: None }));
        let done = self.done().map(|done| (done.at.saturating_sub(self.born), done.end));
        done.or(planned).filter(|(at, _)| *at < config.session_ttl)
    }

    /// Whether it has a stream that goes on, or a check that is over.
    pub(super) fn is_taken(&self, config: &EmulatorConfig, now: Duration) -> bool {
        self.done().is_some() || self.has_ended(config, now)
    }

    /// Whether its check has ended by `now`.
    pub(super) fn has_ended(&self, config: &EmulatorConfig, now: Duration) -> bool {
        let age = now.saturating_sub(self.born);
        self.end(config, check::times(config, self.number)).is_some_and(|(at, _)| at <= age)
    }
}

/// All sessions that can still be found: those of consecutive numbers, as all are kept equally long.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionTable {
    list: VecDeque<Session>,
    /// From the upper half of an id to its number. Only ever asked by key: its order is never used. Made when somebody first asks.
    numbers: Option<HashMap<u64, u64, KeyedState>>,
}

impl SessionTable {
    /// Keeps a new session. Its number follows that of the one before, and it is not older.
    pub(super) fn open(&mut self, seed: u64, session: Session) {
        if let Some(numbers) = &mut self.numbers {
            numbers.insert(upper_half(seed, session.number), session.number);
        }
        self.list.push_back(session);
    }

    /// The settings of a new session: those of the one before it, if they are the same.
    pub(super) fn extra_of(&self, settings: &Settings) -> Arc<Extra> {
        let before = self.list.back().and_then(|last| last.extra.as_ref());
        let same = before.filter(|extra| extra.done.is_none() && extra.settings.as_ref() == Some(settings));
        same.map_or_else(|| Arc::new(Extra { settings: Some(settings.clone()), done: None }), Arc::clone)
    }

    /// The number that the next one must have; `None` while there is none.
    pub(super) fn next(&self) -> Option<u64> {
        self.list.back().map(|last| last.number + 1)
    }

    fn index(&mut self, seed: u64, session_id: &str) -> Option<usize> {
        let upper = uuid::Uuid::try_parse(session_id).ok()?.as_u64_pair().0;
        let all = || self.list.iter().map(|session| (upper_half(seed, session.number), session.number)).collect();
        let number = *self.numbers.get_or_insert_with(all).get(&upper)?;
        let index = number.checked_sub(self.list.front()?.number)?;
        // The lower half counts as well, and so does the form.
        (self::session_id(seed, number).as_str() == session_id).then_some(usize::try_from(index).ok()?)
    }

    /// The session of an id, also one whose life is over.
    pub(super) fn get(&mut self, seed: u64, session_id: &str) -> Option<&Session> {
        let index = self.index(seed, session_id)?;
        self.list.get(index)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, seed: u64, session_id: &str) -> Option<&mut Session> {
        let index = self.index(seed, session_id)?;
        self.list.get_mut(index)
    }

    /// Forgets what nobody can find any more at `now`.
    pub(super) fn evict(&mut self, config: &EmulatorConfig, now: Duration) {
        let shown = if config.sessions.expired == ExpiredGet::Expired { config.sessions.expired_for } else { Duration::ZERO };
        let kept = config.session_ttl.max(config.results_ttl()).saturating_add(shown);
        while let Some(gone) = self.list.pop_front_if(|session| session.born.saturating_add(kept) <= now) {
            if let Some(numbers) = &mut self.numbers {
                numbers.remove(&upper_half(config.seed, gone.number));
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Every session, in the order of birth.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.list.iter()
    }
}

/// The upper half of the id of the n-th session.
fn upper_half(seed: u64, n: u64) -> u64 {
    drawn_bits(seed, Stream::SessionHigh, Stream::SessionLow, n).as_u64_pair().0
}

/// A check that `end` ends, as somebody asked for at `at`.
pub(super) fn end_check(session: &mut Session, at: Duration, end: CheckEnd) {
    let confidence = end.confidence.filter(|_| end.status == CheckOutcome::Succeeded);
    Arc::make_mut(session.extra.get_or_insert_default()).done = Some(Done { at, end: CheckEnd { confidence, ..end } });
}
