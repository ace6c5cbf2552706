//! The server's own endpoints, under a path that no call of the service has: they need no signature, as only this machine can
//! reach them, and are not for web pages that its browsers show.
//!
//! Each answers with JSON, what is wrong with one `message`; only the metrics are text. They are not in the arrival log.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::control::Control;
use super::message::RequestHead;
use super::web;
use crate::emulator::complete::{CheckEnd, CompleteError};
use crate::emulator::fault::FaultRule;
use crate::emulator::streams::{StreamRuling, StreamStart};
use crate::limiter::Quota;
use crate::prometheus;
use crate::scenario::read_emulator;
use crate::service::operation::Operation;
use crate::units::{human, parse_duration};

/// What all their paths begin with.
pub(super) const PREFIX: &str = "/_livebench/";

/// How long a stream takes that nobody gave a length.
const STREAM: Duration = Duration::from_secs(7);

/// What an endpoint answers.
type AdminAnswer = Result<Value, AdminError>;

/// Why it does not do as asked.
#[derive(Debug)]
struct AdminError {
    status: StatusCode,
    message: String,
}

impl AdminError {
    #[allow(clippy::needless_pass_by_value)] // `map_err` hands it over
    fn bad(message: impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.to_string() }
    }
}

/// Answers a request to `path`; `body` is `None` if it was too large or too slow.
pub(super) fn answer(control: &Control, head: &RequestHead<'_>, body: Option<&[u8]>) -> Response<Bytes> {
    if let Some(message) = web::foreign(head) {
        return told(Err(AdminError { status: StatusCode::FORBIDDEN, message }));
    }
    let (method, path) = (head.method, head.uri.path());
    let endpoint = path.strip_prefix(PREFIX).unwrap_or_default();
    let allowed = match endpoint {
        "health" | "state" | "clients" | "metrics" => Method::GET,
        "fault" | "stream" | "complete" | "quota" | "reset" => Method::POST,
        _ => {
            let message =
                "no such endpoint; GET health, state, clients, metrics; POST fault, stream, complete, quota, reset".to_owned();
            return told(Err(AdminError { status: StatusCode::NOT_FOUND, message }));
        }
    };
    if *method != allowed {
        let message = format!("{path} is for {allowed}");
        let mut response = told(Err(AdminError { status: StatusCode::METHOD_NOT_ALLOWED, message }));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(if allowed == Method::GET { "GET" } else { "POST" }));
        return response;
    }
    if endpoint == "metrics" {
        return response(StatusCode::OK, prometheus::CONTENT_TYPE, control.metrics());
    }
    let Some(body) = body else {
        return told(Err(AdminError::bad("the body is larger than 1 MiB, or did not come in time")));
    };
    told(match endpoint {
        "health" => Ok(json!({ "status": "ok", "arrivals": control.arrivals() })),
        "state" => serde_json::to_value(control.state()).map_err(AdminError::bad),
        "clients" => Ok(json!({ "clients": control.clients() })),
        "fault" => fault(control, body),
        "stream" => stream(control, body),
        "complete" => complete(control, body),
        "quota" => quota(control, body),
        _ => {
            control.restart_at(Instant::now());
            Ok(json!({ "reset": true }))
        }
    })
}

fn told(outcome: AdminAnswer) -> Response<Bytes> {
    let (status, value) = match outcome {
        Ok(value) => (StatusCode::OK, value),
        Err(AdminError { status, message }) => (status, json!({ "message": message })),
    };
    response(status, "application/json", value.to_string())
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The members of a JSON object; an empty body is an empty one.
fn members(body: &[u8]) -> Result<serde_json::Map<String, Value>, AdminError> {
    if body.trim_ascii().is_empty() {
        return Ok(serde_json::Map::new());
    }
    serde_json::from_slice(body).map_err(|e| AdminError::bad(format!("the body has to be a JSON object: {e}")))
}

fn typed<T: DeserializeOwned>(members: serde_json::Map<String, Value>) -> Result<T, AdminError> {
    T::deserialize(Value::Object(members)).map_err(AdminError::bad)
}

/// `{"code", "status", "times", "operation"}`: the next calls get this error. `{}`: no more.
fn fault(control: &Control, body: &[u8]) -> AdminAnswer {
    let members = members(body)?;
    if members.is_empty() {
        control.clear_faults();
        return Ok(json!({ "cleared": true }));
    }
    let rule: FaultRule = typed(members)?;
    if rule.status.is_some_and(|status| !(400..600).contains(&status)) {
        return Err(AdminError::bad("`status` has to be 400 to 599"));
    }
    if rule.times == Some(0) {
        return Err(AdminError::bad("`times` has to be at least 1; leave it out for every call, send {} to clear"));
    }
    let injected = json!({ "injected": rule });
    control.inject(rule);
    Ok(injected)
}

/// The session that a body names, and how its check ends: by default well. `Outcome` is taken for `Status`.
fn check(mut members: serde_json::Map<String, Value>) -> Result<(String, CheckEnd), AdminError> {
    let Some(Value::String(session_id)) = members.remove("SessionId") else {
        return Err(AdminError::bad("`SessionId` has to be a string"));
    };
    if let Some(outcome) = members.remove("Outcome") {
        members.entry("Status").or_insert(outcome);
    }
    Ok((session_id, typed(members)?))
}

/// `{"SessionId", "length", "Status", "Confidence"}`: stands for `StartFaceLivenessSession`, which is another protocol. A stream begins that
/// takes so long, by default [`STREAM`], and ends the session's check; or the limits on streams refuse it as the service does.
fn stream(control: &Control, body: &[u8]) -> AdminAnswer {
    let mut members = members(body)?;
    let length = match members.remove("length") {
        None => STREAM,
        Some(Value::String(text)) => parse_duration(&text).map_err(AdminError::bad)?,
        Some(other) => return Err(AdminError::bad(format!("`length` is a time like \"7s\", not {other}"))),
    };
    let (session_id, end) = check(members)?;
    let refused = |status, message: String| Err(AdminError { status, message });
    match control.stream(StreamStart { session_id: &session_id, length, end }) {
        StreamRuling::Streams { .. } => Ok(json!({ "SessionId": session_id, "length": human(length) })),
        StreamRuling::TooFast => {
            refused(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException: over the quota of starts per second".to_owned())
        }
        StreamRuling::TooMany => refused(
            StatusCode::TOO_MANY_REQUESTS,
            "ServiceQuotaExceededException: as many sessions stream as may at once".to_owned(),
        ),
        StreamRuling::NoSession => refused(
            StatusCode::NOT_FOUND,
            format!(
                "there is no session {session_id} that could stream; it was never made, its life is over, or it has had its check"
            ),
        ),
    }
}

/// Ends a check: see [`check`].
fn complete(control: &Control, body: &[u8]) -> AdminAnswer {
    let (session_id, end) = check(members(body)?)?;
    control.complete(&session_id, end).map_err(|error| AdminError {
        status: match error {
            CompleteError::NotFound(_) => StatusCode::NOT_FOUND,
            CompleteError::Expired(_) | CompleteError::Served(_) => StatusCode::CONFLICT,
            CompleteError::Confidence(_) => StatusCode::BAD_REQUEST,
        },
        message: error.to_string(),
    })?;
    Ok(json!({ "SessionId": session_id, "Status": end.status }))
}

/// A quota as the configuration has it, and the `operation` that it is for (default: create). None at all: what is documented.
fn quota(control: &Control, body: &[u8]) -> AdminAnswer {
    let mut members = members(body)?;
    let operation = match members.remove("operation") {
        None => Operation::Create,
        Some(name) => Operation::deserialize(name).map_err(AdminError::bad)?,
    };
    let quota = if members.is_empty() { None } else { Some(read_quota(&members)?) };
    control.set_quota(operation, quota);
    let told = quota.map_or_else(|| "as documented for each region".to_owned(), |quota| quota.to_string());
    Ok(json!({ "operation": operation, "quota": told }))
}

/// Reads a quota with the configuration's own reader, so that both know the same words and say the same of wrong ones.
fn read_quota(members: &serde_json::Map<String, Value>) -> Result<Quota, AdminError> {
    let file = json!({ "emulator": { "quota": members } });
    let text = toml::to_string(&file).map_err(|e| AdminError::bad(format!("no quota: {e}")))?;
    let config = read_emulator("quota", &text).map_err(|problems| {
        let words: Vec<String> = problems.located().iter().map(|p| format!("{}; {}", p.message, p.help)).collect();
        AdminError::bad(words.join(". "))
    })?;
    config.quota.ok_or_else(|| AdminError::bad("no quota"))
}
