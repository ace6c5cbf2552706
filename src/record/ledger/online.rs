//! The ledger as the run goes: exact for all calls that end within a window of each other.
//!
//! Refuses to grow without bound: what is older than the window is forgotten, and so is the oldest when the cap is reached.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::id::Id;
use super::{Entry, LedgerReport, SessionGroup, TokenGroup, Window};
use crate::units::floor_us;

/// Calls that are remembered at most, some 120 MB: 200 s at 1,000/s. The whole run is compared at its end in any case.
pub const CAP: usize = 200_000;

/// The ledger of the last minutes.
#[derive(Debug)]
pub struct Ledger {
    ttl_us: u64,
    window_us: u64,
    cap: usize,
    tokens: HashMap<Id, Held<TokenGroup>>,
    sessions: HashMap<Id, Held<SessionGroup>>,
    queue: VecDeque<Use>,
    last: (u64, u64),
    /// The shortest time that something was remembered before it was forgotten.
    held_us: Option<u64>,
    disordered: bool,
    report: LedgerReport,
}

#[derive(Debug)]
struct Held<T> {
    group: T,
    used_us: u64,
}

/// A use of a token and of a session, to be forgotten when its time has come.
#[derive(Debug)]
struct Use {
    done_us: u64,
    token: Option<Id>,
    session: Option<Id>,
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
            cap,
            tokens: HashMap::new(),
            sessions: HashMap::new(),
            queue: VecDeque::new(),
            last: (0, 0),
            held_us: None,
            disordered: false,
            report: LedgerReport::default(),
        }
    }

    /// Reads the next call in the order of the ends.
    pub fn observe(&mut self, entry: &Entry) {
        let at = (entry.done_us, entry.seq);
        self.disordered |= at < self.last;
        self.last = self.last.max(at);
        self.forget(entry.done_us);
        if let Some(token) = &entry.token {
            let held = match self.tokens.get_mut(token) {
                Some(held) => held,
                None => self.tokens.entry(token.clone()).or_insert(Held { group: TokenGroup::default(), used_us: 0 }),
            };
            held.used_us = entry.done_us;
            held.group.observe(entry, self.ttl_us, &mut self.report);
        }
        if let Some(session) = &entry.session {
            if let Some(held) = self.sessions.get_mut(session) {
                held.used_us = entry.done_us;
                held.group.observe(entry, session, &mut self.report);
            } else {
                let group = SessionGroup::new(entry, session, &mut self.report);
                self.sessions.insert(session.clone(), Held { group, used_us: entry.done_us });
            }
        }
        if entry.token.is_some() || entry.session.is_some() {
            self.queue.push_back(Use { done_us: entry.done_us, token: entry.token.clone(), session: entry.session.clone() });
        }
    }

    fn forget(&mut self, now_us: u64) {
        while let Some(oldest) = self.queue.front() {
            let age_us = now_us.saturating_sub(oldest.done_us);
            if age_us <= self.window_us && self.queue.len() < self.cap {
                break;
            }
            let kept_us = age_us.min(self.window_us);
            self.held_us = Some(self.held_us.map_or(kept_us, |us| us.min(kept_us)));
            let Some(old) = self.queue.pop_front() else { break };
            let unused = |used_us: u64| used_us <= old.done_us;
            if let Some(token) = &old.token
                && self.tokens.get(token).is_some_and(|h| unused(h.used_us))
            {
                self.tokens.remove(token);
            }
            if let Some(session) = &old.session
                && self.sessions.get(session).is_some_and(|h| unused(h.used_us))
            {
                self.sessions.remove(session);
            }
        }
    }

    /// Violations found so far.
    pub const fn violations(&self) -> u64 {
        self.report.violations
    }

    /// How many tokens, sessions or uses of them are remembered, whichever is most.
    pub fn remembered(&self) -> usize {
        self.queue.len().max(self.tokens.len()).max(self.sessions.len())
    }

    /// Whether everything was compared with everything: nothing was forgotten and the order was kept.
    pub const fn is_whole(&self) -> bool {
        self.held_us.is_none() && !self.disordered
    }

    /// What was found, and the window that was really held.
    pub fn into_report(mut self) -> LedgerReport {
        self.report.window = match (self.disordered, self.held_us) {
            (true, _) => Window::WithinUs(0),
            (false, Some(us)) => Window::WithinUs(us),
            (false, None) => Window::WholeRun,
        };
        self.report
    }
}
