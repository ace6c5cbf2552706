//! The emulator itself: a call and the instant it arrives, to what it is answered with and when.
//!
//! The order in which a call is judged:
//!
//! 1. what is no call (method, path, target, signature, JSON) is answered by the front door;
//! 2. faults that come before the call takes effect: errors that were injected, `reset_before`, `internal_error`, `unavailable`;
//! 3. the region must have Face Liveness, else `AccessDeniedException` without a word more;
//! 4. constraints, counted: `InvalidParameterException`;
//! 5. the limits of the account, region and operation: scaling, ramp, quota; one token for every call that came so far;
//! 6. the session: that of a live token, else a new one; or what is known of the one that was asked for;
//! 7. the other faults replace the answer, whatever it was; what was done stays done.
//!
//! Steps 1 to 4 spend nothing. Every answer takes the drawn latency except `reset_before`, and none leaves during a stall.
//! The switches of the configuration change single points of this order.
//!
//! Refuses to read a clock, to wait and to do I/O. Its draws are hashes of the seed and the arrival's number.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub use super::call::{Call, Problem};
pub use super::complete::{CheckEnd, CompleteError, Ended};
pub use super::fault::{Fault, FaultRule};
pub use super::snapshot::{RestoreError, Snapshot};
pub use super::verdict::Verdict;
pub use crate::emulator::config::FaultKind;
pub use crate::limiter::Quota;
pub use crate::service::operation::Operation;

use super::books::Books;
use super::call::Asks;
use super::decide::{Case, Decision};
use super::delay::{self, Stalls};
use super::reply::Reply;
use super::sessions::{drawn_uuid, end_check};
use crate::emulator::config::{EmulatorConfig, RawAnswer};
use crate::stats::draw::{Stream, bits};
use crate::units::Text64;

/// The emulated operations, of any number of accounts and regions.
///
/// Deterministic: the same configuration and the same calls at the same instants get the same verdicts.
#[derive(Debug, Clone)]
pub struct Emulator {
    pub(super) config: EmulatorConfig,
    /// The quotas as they were configured: of creates, of getting results.
    pub(super) given_quotas: [Option<Quota>; 2],
    pub(super) raw: Option<Arc<RawAnswer>>,
    stalls: Stalls,
    pub(super) books: Books,
    pub(super) injected: VecDeque<FaultRule>,
    pub(super) arrivals: u64,
    pub(super) sessions_made: u64,
    pub(super) latest: Duration,
}

impl Emulator {
    /// A fresh one at time 0.
    pub fn new(config: EmulatorConfig) -> Self {
        Self {
            given_quotas: [config.quota, config.get_quota],
            raw: config.faults.raw.clone().map(Arc::new),
            stalls: Stalls::new(&config.stalls),
            books: Books::default(),
            injected: VecDeque::new(),
            arrivals: 0,
            sessions_made: 0,
            latest: Duration::ZERO,
            config,
        }
    }

    /// Its settings, with the quotas that hold now.
    pub const fn config(&self) -> &EmulatorConfig {
        &self.config
    }

    /// Calls that arrived.
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Sessions that were made.
    pub const fn sessions_made(&self) -> u64 {
        self.sessions_made
    }

    /// Sessions that can still be found, and tokens that still lead somewhere, as of the last call.
    pub fn live(&self) -> (usize, usize) {
        (self.books.sessions.len(), self.books.tokens.values().map(super::tokens::TokenBook::live).sum())
    }

    /// Forgets every call, session, token and injected fault, and starts again at time 0 with the quotas it was made with.
    pub fn restart(&mut self) {
        let [quota, get_quota] = self.given_quotas;
        *self = Self::new(EmulatorConfig { quota, get_quota, ..self.config.clone() });
    }

    /// Judges a call that arrives at `now`. Time does not go back: an earlier `now` counts as the latest one.
    pub fn arrive(&mut self, now: Duration, call: &Call<'_>) -> Verdict {
        let number = self.arrivals;
        self.arrivals += 1;
        let now = self.advance(now);
        let seed = self.config.seed;
        let (fault, instead) = self.strike(now, number, call);
        let instant = fault == Some(Fault::Of(FaultKind::ResetBefore));
        let work = if instant { Duration::ZERO } else { delay::latency(self.config.latency, self.config.spikes, seed, number) };
        let account = Text64::cut(call.account.unwrap_or(&self.config.account));
        let region = Text64::cut(call.region.unwrap_or(&self.config.region));
        let reply_at = self.stalls.reply_at(now, work);
        let node = bits(seed, Stream::Node, number);
        let (account_name, region_name) = (account.as_str(), region.as_str());
        let case = Case { number, now, reply_at, node, account: account_name, region: region_name, lacking: call.lacking };
        let request_id = drawn_uuid(seed, Stream::RequestHigh, Stream::RequestLow, number);
        let mut verdict = Verdict {
            number,
            operation: call.operation(),
            arrived: now,
            reply_at,
            reply: Reply::Reset,
            decided: None,
            fault,
            spent: false,
            session_id: None,
            created: false,
            token: call.token().map(Text64::cut),
            request_id,
            account,
            region,
        };
        if let Some(reply) = instead {
            return Verdict { reply, ..verdict };
        }
        let Decision { reply, spent, session } = self.decide(&case, call);
        (verdict.decided, verdict.spent) = (Some(reply.answer(request_id).outcome), spent);
        (verdict.session_id, verdict.created) = (session.map(|(id, _)| id), session.is_some_and(|(_, created)| created));
        verdict.reply = match fault {
            Some(fault) => self.disguise(fault, number, reply),
            None => reply,
        };
        verdict
    }

    fn decide(&mut self, case: &Case<'_>, call: &Call<'_>) -> Decision {
        match &call.asks {
            Asks::Create(request) => self.decide_create(case, request),
            Asks::Get(session_id) => self.decide_get(case, *session_id),
            Asks::Problem(_, problem) => Decision::refuse(problem.reply()),
        }
    }

    /// Lets time go on to `now`, if that is later, and forgets what is over by then.
    fn advance(&mut self, now: Duration) -> Duration {
        self.latest = self.latest.max(now);
        self.books.sessions.evict(&self.config, self.latest);
        self.latest
    }

    /// From now on, the next calls are answered with an error: see [`FaultRule`]. Rules apply one after the other.
    pub fn inject(&mut self, rule: FaultRule) {
        self.injected.push_back(rule);
    }

    /// Forgets every rule of [`inject`](Self::inject).
    pub fn clear_faults(&mut self) {
        self.injected.clear();
    }

    /// Ends the check of a session at `now`, whether it has begun or not.
    pub fn complete(&mut self, now: Duration, session_id: &str, end: CheckEnd) -> Result<(), CompleteError> {
        let now = self.advance(now);
        if let Some(wrong) = end.confidence.filter(|c| !(0.0..=100.0).contains(c)) {
            return Err(CompleteError::Confidence(wrong));
        }
        let named = || session_id.to_owned();
        let session =
            self.books.sessions.get_mut(self.config.seed, session_id).ok_or_else(|| CompleteError::NotFound(named()))?;
        if session.has_ended(&self.config, now) {
            return Err(CompleteError::Served(named()));
        }
        if now.saturating_sub(session.born) >= self.config.session_ttl {
            return Err(CompleteError::Expired(named()));
        }
        end_check(session, now, end);
        Ok(())
    }

    /// Replaces the quota of an operation for every account and region; `None` is what is documented for each region. All of them
    /// are full then.
    pub fn set_quota(&mut self, operation: Operation, quota: Option<Quota>) {
        match operation {
            Operation::Create => self.config.quota = quota,
            Operation::GetResults => self.config.get_quota = quota,
        }
        self.books.renew_quotas(&self.config, operation);
    }
}
