//! The ledger as the run goes: exact for all calls that end within a window of each other.
//!
//! Nearly every call brings a token and gets a session that no other call has. So what is kept of a call is the call, once, in the
//! order of the ends, and two tables of its number: by token and by session. What is known of a token or session that came twice is
//! kept apart. That takes 120 bytes a call where a group for each token and session took 600.
//!
//! Refuses to grow without bound: what is older than the window is forgotten, and so is the oldest when the cap is reached.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::time::Duration;

use hashbrown::HashTable;

use super::id::Id;
use super::{LedgerEntry, LedgerReport, SessionGroup, TokenGroup, Window};
use crate::client::outcome::Outcome;
use crate::record::sample::Role;
use crate::stats::keyed::KeyedState;
use crate::units::floor_us;

/// Calls that are remembered at most, some 7 MB: 200 s at 280/s. The whole run is compared at its end in any case. Seven eighths of a
/// power of two, so that the tables are full when this is reached.
pub const CAP: usize = 57_344;

/// What a token or a session that came twice counts against the cap: its size in calls.
const WEIGHT: usize = 3;

/// From here on room is made for the whole cap at once: doubling would end at up to twice of it.
const ROOM: usize = 16_384;

/// The ledger of the last minutes.
#[derive(Debug)]
pub struct Ledger {
    ttl_us: u64,
    window_us: u64,
    cap: usize,
    hasher: KeyedState,
    calls: LedgerCalls,
    /// By token, the numbers of the only calls with it.
    tokens: HashTable<u32>,
    /// By session, the numbers of the only calls that got it.
    sessions: HashTable<u32>,
    repeated_tokens: HashMap<Id, Repeated<TokenGroup>>,
    repeated_sessions: HashMap<Id, Repeated<SessionGroup>>,
    last: (u64, u64),
    /// The shortest time that something was remembered before it was forgotten.
    held_us: Option<u64>,
    disordered: bool,
    report: LedgerReport,
}

#[derive(Debug)]
struct Repeated<T> {
    group: T,
    used_us: u64,
}

/// What is kept of a call.
#[derive(Debug)]
struct LedgerCall {
    seq: u64,
    sent_us: u64,
    done_us: u64,
    token: Option<Id>,
    session: Option<Id>,
    request: Option<Id>,
    mix: u16,
    role: Role,
    outcome: Outcome,
}

impl LedgerCall {
    fn of(entry: &LedgerEntry) -> Self {
        Self {
            seq: entry.seq,
            sent_us: entry.sent_us,
            done_us: entry.done_us,
            token: entry.token.clone(),
            session: entry.session.clone(),
            request: entry.request.clone(),
            mix: entry.mix,
            role: entry.role,
            outcome: entry.outcome,
        }
    }

    /// The entry again, but for the exception's name: only that of a repetition is counted, and that was done when it came.
    fn entry(&self) -> LedgerEntry {
        LedgerEntry {
            seq: self.seq,
            sent_us: self.sent_us,
            done_us: self.done_us,
            mix: self.mix,
            role: self.role,
            outcome: self.outcome,
            token: self.token.clone(),
            session: self.session.clone(),
            request: self.request.clone(),
            exception: None,
        }
    }
}

/// Calls in the order of their ends. Their numbers go on from call to call and begin again after 2^32, far more than are kept.
#[derive(Debug, Default)]
struct LedgerCalls {
    kept: VecDeque<LedgerCall>,
    first: u32,
}

impl LedgerCalls {
    fn get(&self, number: u32) -> Option<&LedgerCall> {
        self.kept.get(number.wrapping_sub(self.first) as usize)
    }

    /// The number that the next call will get.
    fn next(&self) -> u32 {
        // Fewer than 2^32 are kept.
        self.first.wrapping_add(u32::try_from(self.kept.len()).unwrap_or(u32::MAX))
    }

    fn push(&mut self, call: LedgerCall, cap: usize) {
        if self.kept.len() == self.kept.capacity() && (ROOM..cap).contains(&self.kept.len()) {
            self.kept.reserve_exact(cap - self.kept.len());
        }
        self.kept.push_back(call);
    }

    /// Takes the oldest out, with its number.
    fn pop(&mut self) -> Option<(u32, LedgerCall)> {
        let (number, call) = (self.first, self.kept.pop_front()?);
        self.first = self.first.wrapping_add(1);
        Some((number, call))
    }
}

impl Ledger {
    /// A ledger for sessions that live `ttl`: its window is the longer of 200 s and `ttl` + 20 s.
    pub fn new(ttl: Duration) -> Self {
        let window = Duration::from_secs(200).max(ttl + Duration::from_secs(20));
        Self::bounded(ttl, window, CAP)
    }

    /// A ledger with its own window and cap.
    pub fn bounded(ttl: Duration, window: Duration, cap: usize) -> Self {
        Self {
            ttl_us: floor_us(ttl),
            window_us: floor_us(window),
            cap: cap.min(u32::MAX as usize / 2),
            hasher: KeyedState::default(),
            calls: LedgerCalls::default(),
            tokens: HashTable::new(),
            sessions: HashTable::new(),
            repeated_tokens: HashMap::new(),
            repeated_sessions: HashMap::new(),
            last: (0, 0),
            held_us: None,
            disordered: false,
            report: LedgerReport::default(),
        }
    }

    /// Reads the next call in the order of the ends.
    pub fn observe(&mut self, entry: &LedgerEntry) {
        let at = (entry.done_us, entry.seq);
        self.disordered |= at < self.last;
        self.last = self.last.max(at);
        self.forget(entry.done_us);
        if let Some(token) = &entry.token {
            self.observe_token(entry, token);
        }
        if let Some(session) = &entry.session {
            self.observe_session(entry, session);
        }
        if entry.token.is_some() || entry.session.is_some() {
            self.calls.push(LedgerCall::of(entry), self.cap);
        }
    }

    fn observe_token(&mut self, entry: &LedgerEntry, token: &Id) {
        if let Some(held) = self.repeated_tokens.get_mut(token) {
            held.used_us = entry.done_us;
            held.group.observe(entry, self.ttl_us, &mut self.report);
            return;
        }
        let Self { hasher, calls, tokens, .. } = self;
        let hash = hasher.hash_one(token);
        let only = tokens.find_entry(hash, |number| calls.get(*number).is_some_and(|call| call.token.as_ref() == Some(token)));
        let first = only.ok().and_then(|found| calls.get(found.remove().0).map(LedgerCall::entry));
        if first.is_none() && !entry.role.repeats() {
            let number = calls.next();
            tokens
                .insert_unique(hash, number, |number| hash_of(*hasher, calls.get(*number).and_then(|call| call.token.as_ref())));
            return;
        }
        let mut group = TokenGroup::default();
        for entry in first.iter().chain([entry]) {
            // The first of two brings its token: it is counted nowhere, and only now it matters what it was.
            group.observe(entry, self.ttl_us, &mut self.report);
        }
        self.repeated_tokens.insert(token.clone(), Repeated { group, used_us: entry.done_us });
    }

    fn observe_session(&mut self, entry: &LedgerEntry, session: &Id) {
        if let Some(held) = self.repeated_sessions.get_mut(session) {
            held.used_us = entry.done_us;
            held.group.observe(entry, session, &mut self.report);
            return;
        }
        let Self { hasher, calls, sessions, .. } = self;
        let hash = hasher.hash_one(session);
        let only =
            sessions.find_entry(hash, |number| calls.get(*number).is_some_and(|call| call.session.as_ref() == Some(session)));
        let Some(first) = only.ok().and_then(|found| calls.get(found.remove().0).map(LedgerCall::entry)) else {
            self.report.distinct_sessions += 1;
            let number = calls.next();
            sessions.insert_unique(hash, number, |number| {
                hash_of(*hasher, calls.get(*number).and_then(|call| call.session.as_ref()))
            });
            return;
        };
        let group = SessionGroup::counted(&first, session);
        group.observe(entry, session, &mut self.report);
        self.repeated_sessions.insert(session.clone(), Repeated { group, used_us: entry.done_us });
    }

    fn weight(&self) -> usize {
        self.calls.kept.len() + WEIGHT * (self.repeated_tokens.len() + self.repeated_sessions.len())
    }

    fn forget(&mut self, now_us: u64) {
        while let Some(oldest) = self.calls.kept.front() {
            let age_us = now_us.saturating_sub(oldest.done_us);
            if age_us <= self.window_us && self.weight() < self.cap {
                break;
            }
            let kept_us = age_us.min(self.window_us);
            self.held_us = Some(self.held_us.map_or(kept_us, |us| us.min(kept_us)));
            let Some((number, old)) = self.calls.pop() else { break };
            if let Some(token) = &old.token {
                drop_number(&mut self.tokens, self.hasher.hash_one(token), number);
                drop_unused(&mut self.repeated_tokens, token, old.done_us);
            }
            if let Some(session) = &old.session {
                drop_number(&mut self.sessions, self.hasher.hash_one(session), number);
                drop_unused(&mut self.repeated_sessions, session, old.done_us);
            }
        }
    }

    /// Violations found so far.
    pub const fn violations(&self) -> u64 {
        self.report.violations
    }

    /// How many calls are remembered, those of repeated tokens and sessions with their weight.
    pub fn remembered(&self) -> usize {
        self.weight()
    }

    /// Whether everything was compared with everything: nothing was forgotten and the order was kept.
    pub const fn is_whole(&self) -> bool {
        self.held_us.is_none() && !self.disordered
    }

    /// What was found so far, and the window that was really held.
    pub fn so_far(&self) -> LedgerReport {
        let mut report = self.report.clone();
        report.window = self.window();
        report
    }

    /// What was found, and the window that was really held.
    pub fn into_report(mut self) -> LedgerReport {
        self.report.window = self.window();
        self.report
    }

    const fn window(&self) -> Window {
        match (self.disordered, self.held_us) {
            (true, _) => Window::WithinUs(0),
            (false, Some(us)) => Window::WithinUs(us),
            (false, None) => Window::WholeRun,
        }
    }
}

/// The hash of a call's id when a table grows. A number in a table is of a call that is kept and has the id, or of the call that is
/// being read, whose hash the table was given.
fn hash_of(hasher: KeyedState, id: Option<&Id>) -> u64 {
    id.map_or(0, |id| hasher.hash_one(id))
}

fn drop_number(table: &mut HashTable<u32>, hash: u64, number: u32) {
    if let Ok(found) = table.find_entry(hash, |n| *n == number) {
        found.remove();
    }
}

fn drop_unused<T>(repeated: &mut HashMap<Id, Repeated<T>>, id: &Id, done_us: u64) {
    if repeated.get(id).is_some_and(|held| held.used_us <= done_us) {
        repeated.remove(id);
    }
}
