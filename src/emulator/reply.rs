//! What a call is answered with, and how that reads on the wire.
//!
//! Two forms of an error: the operation's own (`Code`, `Logref`, `Message`) and that of the service's front door
//! (lower-case `message`, or none). Source: Rekognition Developer Guide, "Error handling", and the errors of the API model.
//! Refuses to decide which answer a call gets.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::results::SessionResults;
use crate::client::Answer;
use crate::client::outcome::Outcome;
use crate::emulator::config::RawAnswer;
use crate::units::Text64;

/// The content type of the service's own answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What a call is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// 200 with this session.
    Session(Text64),
    /// 200 with the results of a session.
    Results(Box<SessionResults>),
    /// An error that the operation's model names.
    Modeled {
        /// HTTP status.
        status: u16,
        /// `__type` and `Code`.
        exception: Cow<'static, str>,
        /// `Message`.
        message: Cow<'static, str>,
        /// `Logref`: a UUID.
        logref: Text64,
        /// `x-amz-retry-after`.
        retry_after_ms: Option<u64>,
    },
    /// An error of the front door.
    FrontDoor {
        /// HTTP status.
        status: u16,
        /// `__type`.
        exception: Cow<'static, str>,
        /// `message`, if any.
        message: Option<Cow<'static, str>>,
        /// `x-amz-retry-after`.
        retry_after_ms: Option<u64>,
    },
    /// An answer in no form of the service's own: a malformed 200, with its request id, or a 503 of something in between,
    /// without one.
    Odd {
        /// HTTP status.
        status: u16,
        /// `Content-Type`.
        content_type: &'static str,
        /// The body, sent unchanged.
        body: Cow<'static, str>,
        /// Whether the answer carries `x-amzn-RequestId`.
        has_request_id: bool,
    },
    /// An answer of the scenario, as it stands: no request id either.
    Raw(Arc<RawAnswer>),
    /// This answer, whose head comes at once and whose body comes bit by bit, the last of it `over` after the head.
    Slow {
        /// How long the body takes.
        over: Duration,
        /// What it says.
        whole: Box<Reply>,
    },
    /// None: the connection is reset.
    Reset,
    /// None: the connection stays open, and nothing ever comes.
    Silence,
}

impl Reply {
    /// The HTTP status; `None` for a reset and for silence.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Session(_) | Self::Results(_) => Some(200),
            Self::Modeled { status, .. } | Self::FrontDoor { status, .. } | Self::Odd { status, .. } => Some(*status),
            Self::Raw(raw) => Some(raw.status),
            Self::Slow { whole, .. } => whole.status(),
            Self::Reset | Self::Silence => None,
        }
    }

    /// `Content-Type` of the answer.
    pub fn content_type(&self) -> &str {
        match self {
            Self::Raw(raw) => &raw.content_type,
            Self::Odd { content_type, .. } => content_type,
            Self::Slow { whole, .. } => whole.content_type(),
            _ => CONTENT_TYPE,
        }
    }

    /// Whether the answer carries `x-amzn-RequestId`.
    pub fn has_request_id(&self) -> bool {
        match self {
            Self::Raw(_) | Self::Reset | Self::Silence => false,
            Self::Odd { has_request_id, .. } => *has_request_id,
            Self::Slow { whole, .. } => whole.has_request_id(),
            Self::Session(_) | Self::Results(_) | Self::Modeled { .. } | Self::FrontDoor { .. } => true,
        }
    }

    /// `x-amz-retry-after` of the answer: milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Modeled { retry_after_ms, .. } | Self::FrontDoor { retry_after_ms, .. } => *retry_after_ms,
            Self::Slow { whole, .. } => whole.retry_after_ms(),
            _ => None,
        }
    }

    /// How long the body takes after the head; `None` when all of it goes out at once.
    pub const fn slow_for(&self) -> Option<Duration> {
        if let Self::Slow { over, .. } = self { Some(*over) } else { None }
    }

    /// The body as it goes over the wire; empty for a reset and for silence.
    pub fn body(&self) -> String {
        match self {
            Self::Session(id) => format!(r#"{{"SessionId":"{id}"}}"#),
            Self::Results(results) => results.body(),
            Self::Modeled { exception, message, logref, .. } => {
                let (exception, message) = (json_text(exception), json_text(message));
                format!(r#"{{"__type":{exception},"Code":{exception},"Logref":"{logref}","Message":{message}}}"#)
            }
            Self::FrontDoor { exception, message: None, .. } => json!({ "__type": exception }).to_string(),
            Self::FrontDoor { exception, message: Some(message), .. } => {
                json!({ "__type": exception, "message": message }).to_string()
            }
            Self::Odd { body, .. } => body.clone().into_owned(),
            Self::Raw(raw) => raw.body.clone(),
            Self::Slow { whole, .. } => whole.body(),
            Self::Reset | Self::Silence => String::new(),
        }
    }

    /// How a client counts it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Session(id) => Outcome::of_success(id.as_str()),
            Self::Modeled { status, exception, .. } | Self::FrontDoor { status, exception, .. } => {
                Outcome::of_error(Some(exception), *status)
            }
            _ => self.answer(Text64::default()).outcome,
        }
    }

    /// What a client makes of it, without a wire between and with all the patience in the world: for virtual time.
    pub fn answer(&self, request_id: Text64) -> Answer {
        let Some(status) = self.status() else {
            let lost = if *self == Self::Silence { Outcome::ReadTimeout } else { Outcome::ConnectionLost };
            return Answer::without_reply(lost);
        };
        let blank = Answer { status: Some(status), ..Answer::without_reply(Outcome::Unmodelled) };
        match self {
            Self::Session(id) => {
                let outcome = Outcome::of_success(id.as_str());
                Answer { outcome, session_id: Some(*id), request_id: Some(request_id), ..blank }
            }
            Self::Results(results) => {
                Answer { outcome: Outcome::Ok, session_id: Some(results.session_id), request_id: Some(request_id), ..blank }
            }
            Self::Modeled { exception, .. } | Self::FrontDoor { exception, .. } => {
                let outcome = Outcome::of_error(Some(exception), status);
                Answer { outcome, exception: Some(Text64::cut(exception)), request_id: Some(request_id), ..blank }
            }
            Self::Odd { body, has_request_id, .. } => {
                let blank = Answer { request_id: has_request_id.then_some(request_id), ..blank };
                read_answer(status, body, blank)
            }
            Self::Raw(raw) => read_answer(status, &raw.body, blank),
            Self::Slow { whole, .. } => whole.answer(request_id),
            Self::Reset | Self::Silence => blank,
        }
    }
}

/// A text as JSON writes it. Most need no escape, and then nothing but the quotes is added.
fn json_text(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\') {
        format!("\"{text}\"")
    } else {
        Value::from(text).to_string()
    }
}

/// What a client reads out of an answer: the session id of a 2xx, the exception of anything else.
fn read_answer(status: u16, body: &str, blank: Answer) -> Answer {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    if (200..300).contains(&status) {
        let id = body["SessionId"].as_str();
        return Answer { outcome: Outcome::of_success(id.unwrap_or_default()), session_id: id.map(Text64::cut), ..blank };
    }
    let exception = body["__type"].as_str().map(bare_name);
    Answer { outcome: Outcome::of_error(exception, status), exception: exception.map(Text64::cut), ..blank }
}

/// `Name` of `namespace#Name` and of `Name:http://...`, the two dressed spellings of `__type`.
fn bare_name(spelt: &str) -> &str {
    let name = spelt.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    fn raw(status: u16, body: &str) -> Reply {
        Reply::Raw(Arc::new(RawAnswer {
            share: Share::NONE,
            status,
            content_type: "text/html".to_owned(),
            body: body.to_owned(),
        }))
    }

    /// The wire forms, byte for byte.
    #[test]
    fn bodies() {
        let id = Text64::cut("0f2e9b1c-1111-4222-8333-44445555aaaa");
        let throttle = Reply::Modeled {
            status: 400,
            exception: "ProvisionedThroughputExceededException".into(),
            message: "Provisioned Rate exceeded.".into(),
            logref: id,
            retry_after_ms: None,
        };
        let door =
            |message| Reply::FrontDoor { status: 400, exception: "SerializationException".into(), message, retry_after_ms: None };
        insta::assert_snapshot!(
            [
                Reply::Session(id).body(),
                throttle.body(),
                door(None).body(),
                door(Some(Cow::Borrowed("a \"quoted\" word"))).body(),
                raw(503, "<html>").body(),
            ].join("\n"),
            @r#"
        {"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}
        {"__type":"ProvisionedThroughputExceededException","Code":"ProvisionedThroughputExceededException","Logref":"0f2e9b1c-1111-4222-8333-44445555aaaa","Message":"Provisioned Rate exceeded."}
        {"__type":"SerializationException"}
        {"__type":"SerializationException","message":"a \"quoted\" word"}
        <html>
        "#
        );
        assert_eq!(raw(503, "<html>").content_type(), "text/html");
        assert_eq!(throttle.content_type(), CONTENT_TYPE);
    }

    /// A raw answer is understood as a client would: by its `__type` and status, or by its session id.
    #[test]
    fn raw_answers_are_read_like_a_client() {
        let request = Text64::cut("r");
        let rows = [
            (raw(503, "<html>"), Outcome::Unmodelled, None),
            (raw(500, r#"{"__type":"ThrottlingException"}"#), Outcome::ThrottledService, Some("ThrottlingException")),
            (raw(400, r#"{"__type":"a.b#ThrottlingException:http://c"}"#), Outcome::ThrottledRamp, Some("ThrottlingException")),
            (raw(200, "{nope"), Outcome::MalformedSuccess, None),
            (raw(200, ""), Outcome::MalformedSuccess, None),
            (raw(200, r#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}"#), Outcome::Ok, None),
        ];
        for (reply, outcome, exception) in rows {
            let answer = reply.answer(request);
            assert_eq!((answer.outcome, answer.exception), (outcome, exception.map(Text64::cut)), "{reply:?}");
            assert_eq!(answer.request_id, None);
        }
        let reset = Reply::Reset.answer(request);
        assert_eq!((reset.outcome, reset.status), (Outcome::ConnectionLost, None));
        let ok = Reply::Session(Text64::cut("no uuid")).answer(request);
        assert_eq!((ok.outcome, ok.request_id), (Outcome::MalformedSuccess, Some(request)));
    }
}
