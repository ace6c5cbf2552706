//! What the service itself decides of a sound call: from its region to its session. See [`model`](super::model) for the order.
//!
//! Refuses to know of faults, of latency, and of who asked over which wire.

use std::sync::Arc;
use std::time::Duration;

use super::accounts::Accounts;
use super::call::{ApiCall, CallInput};
use super::check_results;
use super::clock::Clock;
use super::complete::{CheckEnd, CompleteError};
use super::errors;
use super::reply::Reply;
use super::sessions::{Extra, Session, end_check, session_id};
use super::snapshot::{RestoreError, ServiceState, SessionState, known_region};
use super::streams::{StreamRuling, StreamStart};
use super::tokens::{self, Leads, Meaning, TokenEntry, TokenHash, TokenRules};
use super::validate::{self, BrokenConstraint};
use crate::client::request::{CreateRequest, session_id_violations};
use crate::emulator::config::{AuditImagesLimit, ConstraintError, EmulatorConfig, Mismatch, QuotaError};
use crate::limiter::{Arrival, Quota, Throttle};
use crate::service::exception::{self, Exception};
use crate::service::operation::Operation;
use crate::service::region;
use crate::units::{Text64, floor_us};

/// A call with what is known of it before anything is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallContext<'a> {
    /// The arrival's number, from 0.
    pub(super) number: u64,
    /// When it arrived.
    pub(super) now: Duration,
    /// The emulator's time, and how long the answer takes: when it will be answered.
    pub(super) clock: &'a Clock,
    pub(super) work: Duration,
    /// Random bits: on which node of the service it lands.
    pub(super) node: u64,
    /// Who asks.
    pub(super) account: &'a str,
    /// Where.
    pub(super) region: &'a str,
    /// Required members that are absent.
    pub(super) lacking: &'a [String],
}

impl CallContext<'_> {
    /// When it is answered if a limit makes it wait so long.
    pub(super) fn reply_at(&self, wait: Duration) -> Duration {
        self.clock.reply_at(self.now.saturating_add(wait), self.work)
    }
}

/// What was decided.
#[derive(Debug)]
pub(super) struct Decision {
    /// The answer, before any fault.
    pub(super) reply: Reply,
    /// Whether the limits let the call through.
    pub(super) spent: bool,
    /// How long they made it wait.
    pub(super) wait: Duration,
    /// Its session, and whether this call made it.
    pub(super) session: Option<(Text64, bool)>,
}

impl Decision {
    const fn refuse(reply: Reply) -> Self {
        Self { reply, spent: false, wait: Duration::ZERO, session: None }
    }
}

/// The two operations: what the configuration says of them, and what all calls before have left behind.
#[derive(Debug, Clone)]
pub(super) struct LivenessService {
    config: EmulatorConfig,
    accounts: Accounts,
    sessions_made: u64,
}

impl LivenessService {
    /// One that nobody has called.
    pub(super) fn new(config: EmulatorConfig) -> Self {
        Self { config, accounts: Accounts::default(), sessions_made: 0 }
    }

    /// Its settings, with the quotas that hold now.
    pub(super) const fn config(&self) -> &EmulatorConfig {
        &self.config
    }

    /// Sessions that were made.
    pub(super) const fn sessions_made(&self) -> u64 {
        self.sessions_made
    }

    /// Sessions that can still be found, and tokens that still lead somewhere, as of the last call.
    pub(super) fn live(&self) -> (usize, usize) {
        (self.accounts.sessions.len(), self.accounts.live_tokens())
    }

    /// Forgets the sessions that nobody can find any more at `now`.
    pub(super) fn forget(&mut self, now: Duration) {
        self.accounts.sessions.evict(&self.config, now);
    }

    /// Replaces the quota of an operation, everywhere, by a full one; `None` is what is documented for each region.
    pub(super) fn set_quota(&mut self, operation: Operation, quota: Option<Quota>) {
        match operation {
            Operation::Create => self.config.quota = quota,
            Operation::GetResults => self.config.get_quota = quota,
        }
        self.accounts.renew_quotas(&self.config, operation);
    }

    /// Ends the check of a session at `now`, whether it has begun or not.
    pub(super) fn complete(&mut self, now: Duration, session_id: &str, end: CheckEnd) -> Result<(), CompleteError> {
        if let Some(wrong) = end.confidence.filter(|c| !(0.0..=100.0).contains(c)) {
            return Err(CompleteError::Confidence(wrong));
        }
        let named = || session_id.to_owned();
        let found = self.accounts.sessions.get_mut(self.config.seed, session_id);
        let session = found.ok_or_else(|| CompleteError::NotFound(named()))?;
        if session.has_ended(&self.config, now) {
            return Err(CompleteError::Served(named()));
        }
        if now.saturating_sub(session.born) >= self.config.session_ttl {
            return Err(CompleteError::Expired(named()));
        }
        end_check(session, now, end);
        Ok(())
    }

    /// Begins a stream at `now`, in the region and of the account that are configured. Its end lies ahead.
    pub(super) fn stream(&mut self, now: Duration, start: StreamStart<'_>) -> StreamRuling {
        let Some(region) = region::find(&self.config.region) else { return StreamRuling::NoSession };
        let scope = self.accounts.open_scope(&self.config, &self.config.account, region.name);
        let config = &self.config;
        let alive = |session: &Session| {
            session.scope == scope && now.saturating_sub(session.born) < config.session_ttl && !session.is_taken(config, now)
        };
        if !self.accounts.sessions.get(config.seed, start.session_id).is_some_and(alive) {
            return StreamRuling::NoSession;
        }
        let until = now.saturating_add(start.length);
        let arrival = Arrival { now, until, node: 0 };
        let [rate, at_once] = self.accounts.streams(&self.config, scope);
        if rate.take(arrival).is_err() {
            return StreamRuling::TooFast;
        }
        if at_once.take(arrival).is_err() {
            return StreamRuling::TooMany;
        }
        if let Some(session) = self.accounts.sessions.get_mut(self.config.seed, start.session_id) {
            end_check(session, until, start.end);
        }
        StreamRuling::Streams { until }
    }

    /// Decides a call: steps 3 to 6 of the order of judgement.
    pub(super) fn decide(&mut self, context: &CallContext<'_>, call: &ApiCall<'_>) -> Decision {
        match &call.input {
            CallInput::Create(request) => self.create(context, request, call.token()),
            CallInput::Get(session_id) => self.get(context, *session_id),
            CallInput::Rejected(_, rejection) => Decision::refuse(rejection.reply()),
        }
    }

    fn create(&mut self, context: &CallContext<'_>, request: &CreateRequest, token: Option<&str>) -> Decision {
        let Some(scope) = self.scope(context) else { return Decision::refuse(unserved()) };
        let mut violations = request.violations_with(token);
        if self.config.validation.audit_images_limit == AuditImagesLimit::Clamp {
            violations.retain(|v| v.path != "Settings.AuditImagesLimit");
        }
        let broken = validate::broken(violations, context.lacking);
        if let Some(refusal) = self.invalid(context, scope, Operation::Create, &broken) {
            return refusal;
        }
        let Some(token) = token.map(TokenHash::of) else {
            return match self.limit(context, scope, Operation::Create) {
                Ok(wait) => self.open(context, scope, request, wait),
                Err(throttle) => Decision::refuse(self.throttle(context.number, throttle)),
            };
        };
        self.create_with_token(context, scope, request, token)
    }

    fn create_with_token(
        &mut self,
        context: &CallContext<'_>,
        scope: usize,
        request: &CreateRequest,
        token: TokenHash,
    ) -> Decision {
        let rules = TokenRules::of(&self.config);
        let fingerprint = tokens::fingerprint(request);
        let sharing = self.config.tokens.scope;
        let entry = |leads, wait| {
            let answered = context.reply_at(wait);
            TokenEntry { token, leads, fingerprint, opened: context.now, answered }
        };
        let meaning = self.accounts.token_book(sharing, scope).meaning(&rules, context.now, token, fingerprint);
        if let Meaning::Throttled(throttle) = meaning {
            return Decision::refuse(self.throttle(context.number, throttle));
        }
        let replays = matches!(meaning, Meaning::Replay(_) | Meaning::Mismatch);
        let free = replays && self.config.tokens.free_replay;
        let limited = if free { Ok(Duration::ZERO) } else { self.limit(context, scope, Operation::Create) };
        let wait = match limited {
            Ok(wait) => wait,
            Err(throttle) => {
                if self.config.tokens.remember_throttled && meaning == Meaning::Fresh {
                    self.accounts.token_book(sharing, scope).remember(entry(Leads::Throttled(throttle), Duration::ZERO));
                }
                return Decision::refuse(self.throttle(context.number, throttle));
            }
        };
        match meaning {
            Meaning::Replay(number) => {
                let id = session_id(self.config.seed, number);
                Decision { reply: Reply::Session(id), spent: !free, wait, session: Some((id, false)) }
            }
            Meaning::Mismatch => {
                let exception = if self.config.tokens.mismatch == Mismatch::MismatchError {
                    exception::TOKEN_MISMATCH
                } else {
                    exception::INVALID_PARAMETER
                };
                Decision { reply: self.error(context.number, exception), spent: !free, wait, session: None }
            }
            Meaning::Fresh | Meaning::Race | Meaning::Throttled(_) => {
                if meaning == Meaning::Fresh {
                    self.accounts.token_book(sharing, scope).remember(entry(Leads::Session(self.sessions_made), wait));
                }
                self.open(context, scope, request, wait)
            }
        }
    }

    fn get(&mut self, context: &CallContext<'_>, id: Option<&str>) -> Decision {
        let Some(scope) = self.scope(context) else { return Decision::refuse(unserved()) };
        let broken = match id {
            Some(id) => validate::broken(session_id_violations(id), &[]),
            None => validate::broken(Vec::new(), &["SessionId".to_owned()]),
        };
        if let Some(refusal) = self.invalid(context, scope, Operation::GetResults, &broken) {
            return refusal;
        }
        let wait = match self.limit(context, scope, Operation::GetResults) {
            Ok(wait) => wait,
            Err(throttle) => return Decision::refuse(self.throttle(context.number, throttle)),
        };
        let found = match id {
            Some(id) => self.accounts.sessions.get(self.config.seed, id),
            None => None,
        };
        let session = found.filter(|session| session.scope == scope);
        let seen = session.and_then(|session| Some((session, session.progress(&self.config, context.now)?)));
        let Some((session, progress)) = seen else {
            return Decision {
                reply: self.error(context.number, exception::SESSION_NOT_FOUND),
                spent: true,
                wait,
                session: None,
            };
        };
        let results = check_results::results(&self.config, session, progress);
        Decision { spent: true, wait, session: Some((results.session_id, false)), reply: Reply::Results(Box::new(results)) }
    }

    /// The call's account and region, if Face Liveness is there.
    fn scope(&mut self, context: &CallContext<'_>) -> Option<usize> {
        let region = region::find(context.region)?;
        Some(self.accounts.open_scope(&self.config, context.account, region.name))
    }

    /// Makes a session for a call that waited so long.
    fn open(&mut self, context: &CallContext<'_>, scope: usize, request: &CreateRequest, wait: Duration) -> Decision {
        let number = self.sessions_made;
        self.sessions_made += 1;
        let extra = request.settings.as_ref().map(|settings| self.accounts.sessions.extra_of(settings));
        let seed = self.config.seed;
        self.accounts.sessions.open(seed, Session { number, scope, born: context.now, extra });
        let id = session_id(seed, number);
        Decision { reply: Reply::Session(id), spent: true, wait, session: Some((id, true)) }
    }

    /// The refusal of a call with broken constraints; `None` when there are none. If such a call costs, it must find a token first.
    fn invalid(
        &mut self,
        context: &CallContext<'_>,
        scope: usize,
        operation: Operation,
        broken: &[BrokenConstraint],
    ) -> Option<Decision> {
        if broken.is_empty() {
            return None;
        }
        let charged = self.config.charge.invalid;
        let limited = if charged { self.limit(context, scope, operation) } else { Ok(Duration::ZERO) };
        let wait = match limited {
            Ok(wait) => wait,
            Err(throttle) => return Some(Decision::refuse(self.throttle(context.number, throttle))),
        };
        let message = Some(validate::message(broken, self.config.validation.message));
        let reply = match self.config.validation.error {
            ConstraintError::InvalidParameter => {
                errors::modeled(exception::INVALID_PARAMETER, message, self.config.seed, context.number)
            }
            ConstraintError::Validation => errors::front_door(400, exception::name::VALIDATION, message),
        };
        Some(Decision { reply, spent: charged, wait, session: None })
    }

    /// How long the limits make a call wait, or which one refuses it.
    fn limit(&mut self, context: &CallContext<'_>, scope: usize, operation: Operation) -> Result<Duration, Throttle> {
        let (now, until, node) = (context.now, context.reply_at(Duration::ZERO), context.node);
        self.accounts.limits(scope, operation).take(Arrival { now, until, node })
    }

    fn throttle(&self, number: u64, throttle: Throttle) -> Reply {
        errors::retry_after(self.error(number, exception_of(&self.config, throttle)), self.config.retry_after)
    }

    fn error(&self, number: u64, exception: Exception) -> Reply {
        errors::modeled(exception, None, self.config.seed, number)
    }

    /// What is left behind, for a snapshot at `now`.
    pub(super) fn save(&self, now: Duration) -> ServiceState {
        ServiceState {
            sessions_made: self.sessions_made,
            scopes: self.accounts.save_scopes(),
            tokens: self.accounts.save_tokens(),
            sessions: self.accounts.sessions.iter().map(|session| self.save_session(session, now)).collect(),
        }
    }

    fn save_session(&self, session: &Session, now: Duration) -> SessionState {
        let scope = self.accounts.scope(session.scope);
        SessionState {
            session_id: session_id(self.config.seed, session.number),
            number: session.number,
            account: scope.account,
            region: scope.region.to_owned(),
            born_us: floor_us(session.born),
            status: session.progress(&self.config, now).map(|progress| progress.status),
            settings: session.settings().cloned(),
            done: session.extra.as_ref().and_then(|extra| extra.done),
        }
    }

    /// Takes what a snapshot has, on top of nothing.
    pub(super) fn load(&mut self, saved: ServiceState) -> Result<(), RestoreError> {
        let ServiceState { sessions_made, scopes, tokens, sessions } = saved;
        self.sessions_made = sessions_made;
        for scope in scopes {
            self.accounts.load_scope(&self.config, scope)?;
        }
        for book in tokens {
            self.accounts.load_tokens(book)?;
        }
        for session in sessions {
            self.load_session(session)?;
        }
        if self.accounts.sessions.next().is_some_and(|next| next != sessions_made) {
            return Err(RestoreError::Damaged("the last sessions are not there".to_owned()));
        }
        Ok(())
    }

    fn load_session(&mut self, saved: SessionState) -> Result<(), RestoreError> {
        let SessionState { session_id: id, number, account, region, born_us, settings, done, .. } = saved;
        let follows = self.accounts.sessions.next().is_none_or(|next| next == number);
        if id != session_id(self.config.seed, number) || number >= self.sessions_made || !follows {
            return Err(RestoreError::Damaged(format!("session {id} cannot be the one of number {number} at its place")));
        }
        let scope = self.accounts.open_scope(&self.config, account.as_str(), known_region(&region)?);
        let extra = (settings.is_some() || done.is_some()).then(|| Arc::new(Extra { settings, done }));
        let born = Duration::from_micros(born_us);
        self.accounts.sessions.open(self.config.seed, Session { number, scope, born, extra });
        Ok(())
    }
}

fn exception_of(config: &EmulatorConfig, throttle: Throttle) -> Exception {
    match (throttle, config.quota_error) {
        (Throttle::Quota, QuotaError::ProvisionedThroughput) => exception::QUOTA,
        (Throttle::Quota, QuotaError::Throttling400) => exception::throttling(400),
        (Throttle::Quota, QuotaError::Throttling500) => exception::throttling(500),
        (Throttle::Ramp, _) => exception::throttling(config.ramp.map_or(400, |growth| growth.status)),
        (Throttle::Scaling, _) => exception::throttling(config.scaling.map_or(500, |growth| growth.status)),
    }
}

/// What a region without Face Liveness answers: not a word more.
fn unserved() -> Reply {
    errors::front_door(400, exception::name::ACCESS_DENIED, None)
}
