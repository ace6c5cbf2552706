//! What the ledger found, in bounded memory and in an order that depends on nothing but the calls.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LedgerEntry;
use super::id::Id;
use crate::client::outcome::Outcome;
use crate::record::names::Names;
use crate::record::sample::Role;

/// Findings that are kept with their evidence: the first ones in time.
pub const KEPT_FINDINGS: usize = 100;

/// One of the two calls of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The call's number in the schedule.
    pub seq: u64,
    /// What it was to idempotency.
    pub role: Role,
    /// Its token; null if it carried none.
    pub token: Option<Id>,
    /// The session that it got.
    pub session_id: Id,
    /// The service's request id; null if it gave none.
    pub request_id: Option<Id>,
    /// When it was sent, from the start of the run.
    pub sent_us: u64,
    /// When its answer was complete, from the start of the run.
    pub done_us: u64,
}

impl Evidence {
    pub(super) fn of(entry: &LedgerEntry, session: &Id) -> Self {
        Self {
            seq: entry.seq,
            role: entry.role,
            token: entry.token.clone(),
            session_id: session.clone(),
            request_id: entry.request.clone(),
            sent_us: entry.sent_us,
            done_us: entry.done_us,
        }
    }
}

/// What was violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// One token gave two sessions while the first one lived.
    TokenWithTwoSessions,
    /// One session was given to two calls with different tokens, or to one with and one without.
    SessionWithTwoTokens,
    /// One session was given to two calls without a token.
    SessionWithoutTokens,
}

/// A violation and its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was violated.
    pub kind: FindingKind,
    /// The call that was answered first.
    pub first: Evidence,
    /// The call that contradicts it.
    pub second: Evidence,
}

/// What became of the repetitions of one role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RoleRow {
    /// Calls sent that repeat a token.
    pub repeats: u64,
    /// Answers with the session that the token stood for.
    pub same_session: u64,
    /// Answers with another session.
    pub new_session: u64,
    /// Answers with a session when none was known for the token.
    pub first_session: u64,
    /// Repetitions that got no session, by outcome.
    pub refused: BTreeMap<Outcome, u64>,
    /// The same, by the exception's name.
    pub exceptions: Names,
    /// Answers so close to the end of the session's life that nothing is judged.
    pub ambiguous: u64,
    /// Answers with the same session although its life was over.
    pub expired_same: u64,
    /// Answers with another session after the first one's life.
    pub expired_new: u64,
    /// Contradictions.
    pub violations: u64,
}

impl RoleRow {
    pub(super) fn repeat(&mut self, entry: &LedgerEntry) {
        self.repeats += 1;
        if entry.session.is_none() {
            *self.refused.entry(entry.outcome).or_default() += 1;
            if let Some(name) = &entry.exception {
                self.exceptions.count(&name.to_string());
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.repeats += other.repeats;
        self.same_session += other.same_session;
        self.new_session += other.new_session;
        self.first_session += other.first_session;
        for (outcome, n) in &other.refused {
            *self.refused.entry(*outcome).or_default() += n;
        }
        self.exceptions.merge(&other.exceptions);
        self.ambiguous += other.ambiguous;
        self.expired_same += other.expired_same;
        self.expired_new += other.expired_new;
        self.violations += other.violations;
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How much of a run the ledger compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Every call with every other.
    #[default]
    WholeRun,
    /// Only calls that ended within so many microseconds of each other.
    WithinUs(u64),
}

/// What the ledger found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerReport {
    /// Different session ids.
    pub distinct_sessions: u64,
    /// How much was compared.
    pub window: Window,
    /// Contradictions in all.
    pub violations: u64,
    rows: BTreeMap<Role, RoleRow>,
    findings: BTreeMap<(u64, u64, FindingKind), Finding>,
}

impl LedgerReport {
    /// That of calls of which none was compared with another.
    pub fn unknown() -> Self {
        Self { window: Window::WithinUs(0), ..Self::default() }
    }

    /// The roles that occurred, in the order of the reports, without fresh and tokenless calls that have nothing to tell.
    pub fn rows(&self) -> impl Iterator<Item = (Role, &RoleRow)> {
        self.rows.iter().filter(|(_, row)| !row.is_empty()).map(|(role, row)| (*role, row))
    }

    /// The first 100 findings by time of the contradicting answer, then by number.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// Adds what was found among other calls, which were not compared with these.
    pub fn add(&mut self, other: &Self) {
        self.distinct_sessions += other.distinct_sessions;
        self.window = match (self.window, other.window) {
            (Window::WithinUs(a), Window::WithinUs(b)) => Window::WithinUs(a.min(b)),
            (Window::WholeRun, other) => other,
            (mine, Window::WholeRun) => mine,
        };
        self.violations += other.violations;
        for (role, row) in &other.rows {
            self.row(*role).add(row);
        }
        self.findings.extend(other.findings.iter().map(|(key, finding)| (*key, finding.clone())));
        while self.findings.len() > KEPT_FINDINGS {
            self.findings.pop_last();
        }
    }

    pub(super) fn row(&mut self, role: Role) -> &mut RoleRow {
        self.rows.entry(role).or_default()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.violations += 1;
        let key = (finding.second.done_us, finding.second.seq, finding.kind);
        self.findings.insert(key, finding);
        if self.findings.len() > KEPT_FINDINGS {
            self.findings.pop_last();
        }
    }
}
