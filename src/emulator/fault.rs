//! What goes wrong: by chance, by schedule, or because somebody asked for it while it ran.
//!
//! Refuses to decide what a call would have got otherwise.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::call::{Asks, Call};
use super::errors;
use super::model::Emulator;
use super::reply::{CONTENT_TYPE, Reply};
use crate::emulator::config::{FaultKind, Faults, Malformed};
use crate::service::exception;
use crate::service::operation::Operation;
use crate::stats::draw::{Stream, bits, unit};

/// What went wrong by somebody's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// By the configuration.
    Of(FaultKind),
    /// By [`Emulator::inject`](super::model::Emulator::inject).
    Injected,
}

impl Fault {
    /// The spelling in the arrival log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.name(),
            Self::Injected => "injected",
        }
    }

    /// The fault of the n-th arrival, by schedule or else by chance.
    fn draw(faults: &Faults, seed: u64, now: Duration, n: u64) -> Option<Self> {
        let scheduled = faults.scheduled.iter().zip(0u64..).find(|(fault, i)| {
            let runs = fault.at <= now && now < fault.at.saturating_add(fault.length);
            runs && unit(seed, Stream::Scheduled, n.wrapping_mul(1024).wrapping_add(*i)) < fault.share.as_f64()
        });
        scheduled.map(|(fault, _)| Self::Of(fault.fault)).or_else(|| Self::by_chance(faults, seed, n))
    }

    /// The fault by chance of the n-th arrival. One draw decides, so no call has two and each kind has exactly its share; of
    /// shares that sum above 1 the later ones come short.
    fn by_chance(faults: &Faults, seed: u64, n: u64) -> Option<Self> {
        let mut left = unit(seed, Stream::Fault, n);
        faults.shares().into_iter().find_map(|(kind, share)| {
            left -= share.as_f64();
            (left < 0.0).then_some(Self::Of(kind))
        })
    }
}

/// An error that the next calls get instead of what they would have got: the body of `POST /_livebench/fault`.
///
/// The calls take no effect. A code of the operation's model is answered in its form, any other in the front door's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// `__type`: such as `ThrottlingException`.
    pub code: String,
    /// HTTP status, 400 to 599; by default the one that the model gives the code, or 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How many calls get it, at least 1; without it all of them do until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Which operation's calls get it; without it both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}

/// What something between here and there says when nobody answers it.
const UNAVAILABLE: &str =
    "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1></body></html>";

impl Emulator {
    /// The fault that strikes a call, and its answer when the call takes no effect. What is no call is not struck.
    pub(super) fn strike(&mut self, now: Duration, number: u64, call: &Call<'_>) -> (Option<Fault>, Option<Reply>) {
        if matches!(call.asks, Asks::Problem(..)) {
            return (None, None);
        }
        if let Some(reply) = self.injected_reply(number, call.operation()) {
            return (Some(Fault::Injected), Some(reply));
        }
        let fault = Fault::draw(&self.config.faults, self.config.seed, now, number);
        let instead = match fault {
            Some(Fault::Of(FaultKind::ResetBefore)) => Some(Reply::Reset),
            Some(Fault::Of(FaultKind::InternalError)) => Some(self.error(number, exception::INTERNAL)),
            Some(Fault::Of(FaultKind::Unavailable)) => Some(Reply::Odd {
                status: 503,
                content_type: "text/html",
                body: Cow::Borrowed(UNAVAILABLE),
                has_request_id: false,
            }),
            _ => None,
        };
        (fault, instead)
    }

    /// The error of the first rule that is for this operation.
    fn injected_reply(&mut self, number: u64, operation: Option<Operation>) -> Option<Reply> {
        let mine = |rule: &FaultRule| rule.operation.is_none() || rule.operation == operation;
        let index = self.injected.iter().position(|rule| mine(rule) && rule.times != Some(0))?;
        let rule = self.injected.get_mut(index)?;
        let spent = rule.times.as_mut().is_some_and(|times| {
            *times -= 1;
            *times == 0
        });
        let rule = if spent { self.injected.remove(index)? } else { rule.clone() };
        let reply = match exception::named(&rule.code, rule.status) {
            Some(exception) => self.error(number, exception),
            None => errors::front_door(rule.status.unwrap_or(400), rule.code.clone(), None),
        };
        Some(if exception::is_throttle(&rule.code) { errors::retry_after(reply, self.retry_after_ms()) } else { reply })
    }

    /// What becomes of an answer that a fault strikes on its way.
    pub(super) fn disguise(&self, fault: Fault, number: u64, reply: Reply) -> Reply {
        match (fault, &self.raw) {
            (Fault::Of(FaultKind::ResetAfter), _) => Reply::Reset,
            (Fault::Of(FaultKind::HalfOpen), _) => Reply::Silence,
            (Fault::Of(FaultKind::Raw), Some(raw)) => Reply::Raw(Arc::clone(raw)),
            (Fault::Of(FaultKind::SlowBody), _) => Reply::Slow { over: self.config.faults.slow_body_for, whole: Box::new(reply) },
            (Fault::Of(FaultKind::Malformed), _) => self.malformed(number, &reply),
            _ => reply,
        }
    }

    fn malformed(&self, number: u64, reply: &Reply) -> Reply {
        let forms = &self.config.faults.malformed_forms;
        let drawn = bits(self.config.seed, Stream::FaultForm, number) % (forms.len() as u64).max(1);
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
