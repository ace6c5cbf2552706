//! Faults by chance, by schedule, or because somebody asked for them while the emulator ran.
//!
//! Refuses to decide what a call would have got otherwise.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::call::ApiCall;
use super::errors;
use super::fault::{Fault, FaultRule};
use super::reply::{CONTENT_TYPE, Reply};
use crate::emulator::config::{EmulatorConfig, FaultKind, Faults, Malformed, RawAnswer};
use crate::service::exception;
use crate::service::operation::Operation;
use crate::stats::draw::{Stream, bits, unit};

/// What something between here and there says when nobody answers it.
const UNAVAILABLE: &str =
    "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1></body></html>";

/// The faults of the configuration, and the rules that are not spent.
#[derive(Debug, Clone)]
pub(super) struct FaultInjector {
    seed: u64,
    faults: Faults,
    /// The raw answer of `faults`, shared by all calls that get it.
    raw: Option<Arc<RawAnswer>>,
    retry_after: Option<Duration>,
    rules: VecDeque<FaultRule>,
}

/// What strikes a call.
#[derive(Debug)]
pub(super) struct Strike {
    /// The fault, if any.
    pub(super) fault: Option<Fault>,
    /// The answer of a call that takes no effect; otherwise the service decides, and [`FaultInjector::disguise`] follows.
    pub(super) instead: Option<Reply>,
}

impl Strike {
    const NONE: Self = Self { fault: None, instead: None };

    /// Whether the connection ends as the call arrives, without any latency.
    pub(super) fn is_instant(&self) -> bool {
        self.fault == Some(Fault::Of(FaultKind::ResetBefore))
    }
}

impl FaultInjector {
    /// One without rules.
    pub(super) fn new(config: &EmulatorConfig) -> Self {
        let EmulatorConfig { seed, faults, retry_after, .. } = config;
        let raw = faults.raw.clone().map(Arc::new);
        Self { seed: *seed, faults: faults.clone(), raw, retry_after: *retry_after, rules: VecDeque::new() }
    }

    /// Adds a rule. Rules apply one after the other.
    pub(super) fn inject(&mut self, rule: FaultRule) {
        self.rules.push_back(rule);
    }

    /// Forgets every rule.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules that are not spent, for a snapshot.
    pub(super) fn save(&self) -> Vec<FaultRule> {
        self.rules.iter().cloned().collect()
    }

    /// Takes the rules of a snapshot.
    pub(super) fn load(&mut self, rules: Vec<FaultRule>) {
        self.rules = rules.into();
    }

    /// What strikes the n-th arrival. A rejected call is not struck.
    pub(super) fn strike(&mut self, now: Duration, n: u64, call: &ApiCall<'_>) -> Strike {
        if call.is_rejected() {
            return Strike::NONE;
        }
        if let Some(reply) = self.ruled(n, call.operation()) {
            return Strike { fault: Some(Fault::Injected), instead: Some(reply) };
        }
        let kind = self.scheduled(now, n).or_else(|| self.by_chance(n));
        Strike { fault: kind.map(Fault::Of), instead: kind.and_then(|kind| self.instead(kind, n)) }
    }

    /// The error of the first rule that is for this operation.
    fn ruled(&mut self, n: u64, operation: Option<Operation>) -> Option<Reply> {
        let mine = |rule: &FaultRule| rule.operation.is_none() || rule.operation == operation;
        let index = self.rules.iter().position(|rule| mine(rule) && rule.times != Some(0))?;
        let rule = self.rules.get_mut(index)?;
        let spent = rule.times.as_mut().is_some_and(|times| {
            *times -= 1;
            *times == 0
        });
        let rule = if spent { self.rules.remove(index)? } else { rule.clone() };
        let reply = match exception::named(&rule.code, rule.status) {
            Some(exception) => errors::modeled(exception, None, self.seed, n),
            None => errors::front_door(rule.status.unwrap_or(400), rule.code.clone(), None),
        };
        Some(if exception::is_throttle(&rule.code) { errors::retry_after(reply, self.retry_after) } else { reply })
    }

    /// The first fault of the schedule that holds at `now` and whose share the n-th arrival falls into.
    fn scheduled(&self, now: Duration, n: u64) -> Option<FaultKind> {
        let mut listed = self.faults.scheduled.iter().zip(0u64..);
        let found = listed.find(|(fault, i)| {
            let runs = fault.at <= now && now < fault.at.saturating_add(fault.length);
            runs && unit(self.seed, Stream::Scheduled, n.wrapping_mul(1024).wrapping_add(*i)) < fault.share.as_f64()
        });
        found.map(|(fault, _)| fault.fault)
    }

    /// The fault by chance of the n-th arrival. One draw decides, so no call has two and each kind has exactly its share; of
    /// shares that sum above 1 the later ones come short.
    fn by_chance(&self, n: u64) -> Option<FaultKind> {
        let mut left = unit(self.seed, Stream::Fault, n);
        self.faults.shares().into_iter().find_map(|(kind, share)| {
            left -= share.as_f64();
            (left < 0.0).then_some(kind)
        })
    }

    /// The answer of a fault that comes before the call takes effect.
    fn instead(&self, kind: FaultKind, n: u64) -> Option<Reply> {
        match kind {
            FaultKind::ResetBefore => Some(Reply::Reset),
            FaultKind::InternalError => Some(errors::modeled(exception::INTERNAL, None, self.seed, n)),
            FaultKind::Unavailable => Some(Reply::Odd {
                status: 503,
                content_type: "text/html",
                body: Cow::Borrowed(UNAVAILABLE),
                has_request_id: false,
            }),
            _ => None,
        }
    }

    /// What becomes of the answer to the n-th arrival that a fault strikes on its way.
    pub(super) fn disguise(&self, fault: Option<Fault>, n: u64, reply: Reply) -> Reply {
        match (fault, &self.raw) {
            (Some(Fault::Of(FaultKind::ResetAfter)), _) => Reply::Reset,
            (Some(Fault::Of(FaultKind::HalfOpen)), _) => Reply::Silence,
            (Some(Fault::Of(FaultKind::Raw)), Some(raw)) => Reply::Raw(Arc::clone(raw)),
            (Some(Fault::Of(FaultKind::SlowBody)), _) => Reply::Slow { over: self.faults.slow_body_for, whole: Box::new(reply) },
            (Some(Fault::Of(FaultKind::Malformed)), _) => self.malformed(n, &reply),
            _ => reply,
        }
    }

    fn malformed(&self, n: u64, reply: &Reply) -> Reply {
        let forms = &self.faults.malformed_forms;
        let drawn = bits(self.seed, Stream::FaultForm, n) % (forms.len() as u64).max(1);
        let form = usize::try_from(drawn).ok().and_then(|i| forms.get(i)).copied().unwrap_or(Malformed::Empty);
        let html = form == Malformed::Html;
        Reply::Odd {
            status: 200,
            content_type: if html { "text/html" } else { CONTENT_TYPE },
            body: malformed_body(form, reply),
            has_request_id: !html,
        }
    }
}

fn malformed_body(form: Malformed, reply: &Reply) -> Cow<'static, str> {
    match form {
        Malformed::Empty => Cow::Borrowed(""),
        Malformed::EmptyObject => Cow::Borrowed("{}"),
        Malformed::NullSession => Cow::Borrowed(r#"{"SessionId":null}"#),
        Malformed::Html => Cow::Borrowed("<html><body>OK</body></html>"),
        Malformed::Truncated => {
            let body = reply.body();
            Cow::Owned(body[..body.floor_char_boundary(body.len() / 2)].to_owned())
        }
        // One letter that is upper case for sure: an id may have no others.
        Malformed::UpperCase => {
            let id = match reply {
                Reply::Session(id) => id.to_string(),
                Reply::Results(results) => results.session_id.to_string(),
                _ => "00000000-0000-4000-8000-000000000000".to_owned(),
            };
            Cow::Owned(format!(r#"{{"SessionId":"A{}"}}"#, id[1..].to_ascii_uppercase()))
        }
    }
}
