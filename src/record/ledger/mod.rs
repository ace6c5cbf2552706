//! The idempotency ledger: which token got which session.
//!
//! The service promises that one token gives one session while the session lives. The grouping here is pure and is fed answers in the
//! order of their ends, `(done, seq)`: by [`online::Ledger`] within a window as the run goes, and over the whole run by the external
//! sort in `results`. Refuses to judge what only the service can define: another session for other settings, or after the session's life.
//!
//! How old a token is when the service looks at it is known only within bounds, since nobody sees the instant at which the service
//! made the session. Old for certain: the repetition was sent a session's life after the answer that gave the session. Young for
//! certain: the repetition ended within a session's life of the earliest call that can have made it. In between nothing is judged.

pub mod id;
pub mod online;
mod report;

use std::cmp::Ordering;

pub use report::{Evidence, Finding, FindingKind, KEPT_FINDINGS, LedgerReport, RoleRow, Window};

use super::sample::{Role, Sample};
use crate::client::outcome::{Class, Outcome};
use crate::units::floor_us;
use id::Id;

/// What the ledger needs of a call that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The call's number.
    pub seq: u64,
    /// When it was sent.
    pub sent_us: u64,
    /// When it ended.
    pub done_us: u64,
    /// Index of its mix.
    pub mix: u16,
    /// What it is to idempotency.
    pub role: Role,
    /// How it ended.
    pub outcome: Outcome,
    /// Its token.
    pub token: Option<Id>,
    /// The session it got; only for outcome `ok`.
    pub session: Option<Id>,
    /// The service's request id.
    pub request: Option<Id>,
    /// The exception's name, of a call that may repeat a token.
    pub exception: Option<Id>,
}

impl LedgerEntry {
    /// The entry of a call; `None` if it was never sent.
    pub fn of(sample: &Sample) -> Option<Self> {
        let answer = &sample.answer;
        let id = |text: Option<crate::units::Text64>| text.map(|t| Id::of(t.as_str()));
        Some(Self {
            seq: sample.seq,
            sent_us: floor_us(sample.sent?),
            done_us: floor_us(sample.done?),
            mix: sample.mix,
            role: sample.role,
            outcome: answer.outcome,
            token: id(sample.token),
            session: id(answer.session_id.filter(|_| answer.outcome == Outcome::Ok)),
            request: id(answer.request_id),
            // Only the refusals of repetitions are told by name; a text of its own for each throttle would be an allocation a call.
            exception: id(answer.exception.filter(|_| sample.role.repeats() || sample.role == Role::Fixed)),
        })
    }

    /// The order in which the ledger reads.
    pub fn by_end(&self, other: &Self) -> Ordering {
        (self.done_us, self.seq).cmp(&(other.done_us, other.seq))
    }

    /// Tokens together, each in the order of the ends.
    pub fn by_token(&self, other: &Self) -> Ordering {
        self.token.cmp(&other.token).then_with(|| self.by_end(other))
    }

    /// Sessions together, each in the order of the ends.
    pub fn by_session(&self, other: &Self) -> Ordering {
        self.session.cmp(&other.session).then_with(|| self.by_end(other))
    }

    /// Whether the call may have made a session that nobody knows: its answer was lost or says nothing.
    const fn may_have_made_one(&self) -> bool {
        matches!(self.outcome.class(), Class::Error)
            && !matches!(self.outcome, Outcome::AccessDenied | Outcome::InvalidParameter | Outcome::Validation)
    }
}

/// What is known of one token.
#[derive(Debug, Clone, Default)]
pub struct TokenGroup {
    anchor: Option<Anchor>,
    /// The earliest call since the last session that may have made one without our knowing.
    unknown_since_us: Option<u64>,
    calls: u64,
}

/// The session that a token stands for at present.
#[derive(Debug, Clone)]
struct Anchor {
    evidence: Evidence,
    mix: u16,
    /// The session was made at this time or later.
    since_us: u64,
    /// The repetition that was answered before the call it repeats, and is counted as the first.
    early: Option<Role>,
}

impl TokenGroup {
    /// Reads the next call of this token, in the order of the ends.
    pub fn observe(&mut self, entry: &LedgerEntry, ttl_us: u64, report: &mut LedgerReport) {
        let repeats = entry.role.repeats() || (entry.role == Role::Fixed && self.calls > 0);
        self.calls += 1;
        if repeats {
            report.row(entry.role).repeat(entry);
        }
        if let Some(session) = &entry.session {
            self.answer(entry, session, repeats, ttl_us, report);
        } else if entry.may_have_made_one() {
            let earliest = self.unknown_since_us.map_or(entry.sent_us, |us| us.min(entry.sent_us));
            self.unknown_since_us = Some(earliest);
        }
    }

    fn answer(&mut self, entry: &LedgerEntry, session: &Id, repeats: bool, ttl_us: u64, report: &mut LedgerReport) {
        let Some(anchor) = &mut self.anchor else {
            if repeats {
                report.row(entry.role).first_session += 1;
            }
            if entry.role != Role::Mismatch {
                self.set_anchor(entry, session, repeats.then_some(entry.role));
            }
            return;
        };
        // A pair is counted under the role of its repetition, whichever of the two was answered first.
        let mut role = entry.role;
        if !repeats && let Some(early) = anchor.early.take() {
            report.row(early).first_session -= 1;
            role = early;
        }
        let same = anchor.evidence.session_id == *session;
        let row = report.row(role);
        if same {
            row.same_session += 1;
        } else {
            row.new_session += 1;
        }
        if entry.role == Role::Mismatch || (entry.role == Role::Fixed && entry.mix != anchor.mix) {
            return; // other settings: what the service does with them is its own to define
        }
        let certainly_old = entry.sent_us.saturating_sub(anchor.evidence.done_us) >= ttl_us;
        let certainly_young = entry.done_us.saturating_sub(anchor.since_us) < ttl_us;
        if certainly_old {
            if same {
                row.expired_same += 1;
            } else {
                row.expired_new += 1;
            }
        } else if !certainly_young {
            row.ambiguous += 1;
        } else if !same {
            row.violations += 1;
            let second = Evidence::of(entry, session);
            report.find(Finding { kind: FindingKind::TokenWithTwoSessions, first: anchor.evidence.clone(), second });
            return;
        }
        if same {
            self.unknown_since_us = None;
        } else {
            self.set_anchor(entry, session, None);
        }
    }

    fn set_anchor(&mut self, entry: &LedgerEntry, session: &Id, early: Option<Role>) {
        let since_us = self.unknown_since_us.take().map_or(entry.sent_us, |us| us.min(entry.sent_us));
        self.anchor = Some(Anchor { evidence: Evidence::of(entry, session), mix: entry.mix, since_us, early });
    }
}

/// What is known of one session.
#[derive(Debug, Clone)]
pub struct SessionGroup {
    first: Evidence,
}

impl SessionGroup {
    /// The first call that got this session.
    pub fn new(entry: &LedgerEntry, session: &Id, report: &mut LedgerReport) -> Self {
        report.distinct_sessions += 1;
        Self::counted(entry, session)
    }

    /// The same, of a session that has been counted already.
    fn counted(entry: &LedgerEntry, session: &Id) -> Self {
        Self { first: Evidence::of(entry, session) }
    }

    /// Reads the next call that got this session, in the order of the ends: it must carry the first one's token.
    pub fn observe(&self, entry: &LedgerEntry, session: &Id, report: &mut LedgerReport) {
        if entry.token.is_some() && entry.token == self.first.token {
            return;
        }
        let kind = if entry.token.is_none() && self.first.token.is_none() {
            FindingKind::SessionWithoutTokens
        } else {
            FindingKind::SessionWithTwoTokens
        };
        report.row(entry.role).violations += 1;
        report.find(Finding { kind, first: self.first.clone(), second: Evidence::of(entry, session) });
    }
}

/// Reads entries that are sorted by [`LedgerEntry::by_token`].
#[derive(Debug)]
pub struct ByToken {
    ttl_us: u64,
    current: Option<(Id, TokenGroup)>,
}

impl ByToken {
    /// A reader for sessions that live `ttl_us`.
    pub const fn new(ttl_us: u64) -> Self {
        Self { ttl_us, current: None }
    }

    /// Reads the next entry; one without a token is passed over.
    pub fn read(&mut self, entry: &LedgerEntry, report: &mut LedgerReport) {
        let Some(token) = &entry.token else { return };
        if self.current.as_ref().is_none_or(|(t, _)| t != token) {
            self.current = Some((token.clone(), TokenGroup::default()));
        }
        if let Some((_, group)) = &mut self.current {
            group.observe(entry, self.ttl_us, report);
        }
    }
}

/// Reads entries that are sorted by [`LedgerEntry::by_session`].
#[derive(Debug, Default)]
pub struct BySession {
    current: Option<SessionGroup>,
}

impl BySession {
    /// Reads the next entry; one without a session is passed over.
    pub fn read(&mut self, entry: &LedgerEntry, report: &mut LedgerReport) {
        let Some(session) = &entry.session else { return };
        match &self.current {
            Some(group) if group.first.session_id == *session => group.observe(entry, session, report),
            _ => self.current = Some(SessionGroup::new(entry, session, report)),
        }
    }
}

/// The ledger of a whole list in memory: what every other way of reading must agree with.
pub fn whole(samples: &[Sample], ttl_us: u64) -> LedgerReport {
    let mut entries: Vec<LedgerEntry> = samples.iter().filter_map(LedgerEntry::of).collect();
    let mut report = LedgerReport::default();
    entries.sort_by(LedgerEntry::by_token);
    let mut tokens = ByToken::new(ttl_us);
    for entry in &entries {
        tokens.read(entry, &mut report);
    }
    entries.sort_by(LedgerEntry::by_session);
    let mut sessions = BySession::default();
    for entry in &entries {
        sessions.read(entry, &mut report);
    }
    report
}

#[cfg(test)]
mod tests;
