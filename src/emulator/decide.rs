//! What the service itself decides of a sound call: from its region to its session. See [`model`](super::model) for the order.

use std::time::Duration;

use super::check;
use super::errors;
use super::model::Emulator;
use super::reply::Reply;
use super::sessions::{Extra, Session, session_id};
use super::tokens::{self, Key, Leads, Meaning, Rules};
use super::validate::{self, Broken};
use crate::client::request::{CreateRequest, session_id_violations};
use crate::emulator::config::{AuditImagesLimit, ConstraintError, EmulatorConfig, Mismatch, QuotaError};
use crate::limiter::{Arrival, Throttle};
use crate::service::exception::{self, Exception};
use crate::service::operation::Operation;
use crate::service::region;
use crate::units::Text64;

/// A call with what is known of it before anything is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) number: u64,
    pub(super) now: Duration,
    pub(super) reply_at: Duration,
    pub(super) node: u64,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) lacking: &'a [String],
}

impl Case<'_> {
    const fn arrival(&self) -> Arrival {
        Arrival { now: self.now, until: self.reply_at, node: self.node }
    }
}

/// What was decided.
pub(super) struct Decision {
    pub(super) reply: Reply,
    pub(super) spent: bool,
    /// Its session, and whether this call made it.
    pub(super) session: Option<(Text64, bool)>,
}

impl Decision {
    pub(super) const fn refuse(reply: Reply) -> Self {
        Self { reply, spent: false, session: None }
    }
}

impl Emulator {
    pub(super) fn decide_create(&mut self, case: &Case<'_>, request: &CreateRequest) -> Decision {
        let Some(place) = self.place(case) else { return Decision::refuse(unserved()) };
        let mut violations = request.violations();
        if self.config.validation.audit_images_limit == AuditImagesLimit::Clamp {
            violations.retain(|v| v.path != "Settings.AuditImagesLimit");
        }
        if let Some(refusal) = self.invalid(case, place, Operation::Create, &validate::broken(violations, case.lacking)) {
            return refusal;
        }
        let Some(token) = request.client_request_token.as_deref().map(Key::of) else {
            return match self.limit(case, place, Operation::Create) {
                Ok(()) => self.open(case, place, request),
                Err(throttle) => Decision::refuse(self.throttle(case.number, throttle)),
            };
        };
        self.decide_token(case, place, request, token)
    }

    fn decide_token(&mut self, case: &Case<'_>, place: usize, request: &CreateRequest, token: Key) -> Decision {
        let rules = Rules::of(&self.config);
        let fingerprint = tokens::fingerprint(request);
        let (scope, key) = (self.config.tokens.scope, self.books.places[place].key());
        let meaning = self.books.token_book(scope, key).meaning(&rules, case.now, token, fingerprint);
        if let Meaning::Throttled(throttle) = meaning {
            return Decision::refuse(self.throttle(case.number, throttle));
        }
        let replays = matches!(meaning, Meaning::Replay(_) | Meaning::Mismatch);
        let free = replays && self.config.tokens.free_replay;
        if !free && let Err(throttle) = self.limit(case, place, Operation::Create) {
            if self.config.tokens.remember_throttled && meaning == Meaning::Fresh {
                let leads = Leads::Throttled(throttle);
                self.books.token_book(scope, key).remember(case.now, case.reply_at, token, fingerprint, leads);
            }
            return Decision::refuse(self.throttle(case.number, throttle));
        }
        match meaning {
            Meaning::Replay(number) => {
                let id = session_id(self.config.seed, number);
                Decision { reply: Reply::Session(id), spent: !free, session: Some((id, false)) }
            }
            Meaning::Mismatch => {
                let exception = if self.config.tokens.mismatch == Mismatch::MismatchError {
                    exception::TOKEN_MISMATCH
                } else {
                    exception::INVALID_PARAMETER
                };
                Decision { reply: self.error(case.number, exception), spent: !free, session: None }
            }
            Meaning::Fresh | Meaning::Race | Meaning::Throttled(_) => {
                let leads = Leads::Session(self.sessions_made);
                if meaning == Meaning::Fresh {
                    self.books.token_book(scope, key).remember(case.now, case.reply_at, token, fingerprint, leads);
                }
                self.open(case, place, request)
            }
        }
    }

    pub(super) fn decide_get(&mut self, case: &Case<'_>, id: Option<&str>) -> Decision {
        let Some(place) = self.place(case) else { return Decision::refuse(unserved()) };
        let broken = match id {
            Some(id) => validate::broken(session_id_violations(id), &[]),
            None => validate::broken(Vec::new(), &["SessionId".to_owned()]),
        };
        if let Some(refusal) = self.invalid(case, place, Operation::GetResults, &broken) {
            return refusal;
        }
        if let Err(throttle) = self.limit(case, place, Operation::GetResults) {
            return Decision::refuse(self.throttle(case.number, throttle));
        }
        let session = id.and_then(|id| self.books.sessions.get(self.config.seed, id)).filter(|session| session.place == place);
        let seen = session.and_then(|session| Some((session, session.progress(&self.config, case.now)?)));
        let Some((session, progress)) = seen else {
            return Decision { reply: self.error(case.number, exception::SESSION_NOT_FOUND), spent: true, session: None };
        };
        let results = check::results(&self.config, session, progress);
        Decision { spent: true, session: Some((results.session_id, false)), reply: Reply::Results(Box::new(results)) }
    }

    /// The call's place, if its region has Face Liveness.
    fn place(&mut self, case: &Case<'_>) -> Option<usize> {
        let region = region::find(case.region)?;
        Some(self.books.place(&self.config, case.account, region.name))
    }

    /// Makes a session.
    fn open(&mut self, case: &Case<'_>, place: usize, request: &CreateRequest) -> Decision {
        let number = self.sessions_made;
        self.sessions_made += 1;
        let settings = request.settings.clone();
        let extra = settings.map(|settings| Box::new(Extra { settings: Some(settings), done: None }));
        let seed = self.config.seed;
        self.books.sessions.open(seed, Session { number, place, born: case.now, extra });
        let id = session_id(seed, number);
        Decision { reply: Reply::Session(id), spent: true, session: Some((id, true)) }
    }

    /// The refusal of a call with broken constraints; `None` when there are none. If such a call costs, it must find a token first.
    fn invalid(&mut self, case: &Case<'_>, place: usize, operation: Operation, broken: &[Broken]) -> Option<Decision> {
        if broken.is_empty() {
            return None;
        }
        let charged = self.config.charge.invalid;
        if charged && let Err(throttle) = self.limit(case, place, operation) {
            return Some(Decision::refuse(self.throttle(case.number, throttle)));
        }
        let message = Some(validate::message(broken, self.config.validation.message));
        let reply = match self.config.validation.error {
            ConstraintError::InvalidParameter => {
                errors::modeled(exception::INVALID_PARAMETER, message, self.config.seed, case.number)
            }
            ConstraintError::Validation => errors::front_door(400, exception::name::VALIDATION, message),
        };
        Some(Decision { reply, spent: charged, session: None })
    }

    fn limit(&mut self, case: &Case<'_>, place: usize, operation: Operation) -> Result<(), Throttle> {
        self.books.places[place].limits(operation).take(case.arrival())
    }

    fn throttle(&self, number: u64, throttle: Throttle) -> Reply {
        let reply = self.error(number, exception_of(&self.config, throttle));
        errors::retry_after(reply, self.retry_after_ms())
    }

    pub(super) fn error(&self, number: u64, exception: Exception) -> Reply {
        errors::modeled(exception, None, self.config.seed, number)
    }

    pub(super) fn retry_after_ms(&self) -> Option<u64> {
        self.config.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
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
