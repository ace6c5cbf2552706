//! From an answer's bytes to an [`Answer`], read as the SDK reads them.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::client::Answer;
use crate::client::outcome::Outcome;
use crate::service::constraint::is_session_id;
use crate::units::Text64;

/// The answer that status, headers and body are.
pub(super) fn answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let request_id = text("x-amzn-requestid").or_else(|| text("x-amz-request-id")).map(Text64::cut);
    let reply = Answer { status: Some(status), request_id, ..Answer::without_reply(Outcome::MalformedSuccess) };
    if (200..300).contains(&status) {
        let session_id = session_id(body).unwrap_or_default();
        let kept = Some(&*session_id).filter(|id| !id.is_empty()).map(Text64::cut);
        return Answer { outcome: Outcome::of_success(&session_id), session_id: kept, ..reply };
    }
    // A body that is no JSON object tells the SDK nothing, not even what the header says.
    let fault = object(body);
    let member = |name: &str| fault.as_ref().and_then(|fault| fault.get(name)).and_then(Value::as_str);
    let named = fault.as_ref().and_then(|_| text("x-amzn-errortype").or_else(|| member("code")).or_else(|| member("__type")));
    let name = named.map(bare_name);
    Answer { outcome: Outcome::of_error(name, status), exception: name.map(Text64::cut), ..reply }
}

/// The session id of a success; `None` for what is no JSON object with a text under that name.
fn session_id(body: &[u8]) -> Option<Cow<'_, str>> {
    // What the service writes is this and nothing else.
    let plain = body.strip_prefix(br#"{"SessionId":""#).and_then(|rest| rest.strip_suffix(br#""}"#));
    if let Some(id) = plain.and_then(|id| std::str::from_utf8(id).ok()).filter(|id| is_session_id(id)) {
        return Some(Cow::Borrowed(id));
    }
    match object(body)?.remove("SessionId") {
        Some(Value::String(id)) => Some(Cow::Owned(id)),
        _ => None,
    }
}

/// A body as a JSON object; an empty one has no members.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    if body.is_empty() { Some(Map::new()) } else { serde_json::from_slice(body).ok() }
}

/// An exception's name without its namespace before and its URL behind.
fn bare_name(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.split_once('#').map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, header: Option<&'static str>, body: &str) -> (Outcome, Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        headers.extend(
            header.map(|value| (http::HeaderName::from_static("x-amzn-errortype"), http::HeaderValue::from_static(value))),
        );
        let answer = answer(status, &headers, body.as_bytes());
        let text = |text: Option<Text64>| text.map(|t| t.as_str().to_owned());
        assert_eq!(answer.status, Some(status));
        (answer.outcome, text(answer.exception), text(answer.session_id))
    }

    /// A success is what carries a session id, in whatever JSON; everything else under 2xx is a malformed one.
    #[test]
    fn successes() {
        let id = "0f2e9b1c-1111-4222-8333-44445555aaaa";
        for body in [
            format!(r#"{{"SessionId":"{id}"}}"#),
            format!(r#" {{ "New" : [1, {{}}], "SessionId" : "{id}" }} "#),
            r#"{"SessionId":"\u0030f2e9b1c-1111-4222-8333-44445555aaaa"}"#.to_owned(),
        ] {
            assert_eq!(read(200, None, &body), (Outcome::Ok, None, Some(id.to_owned())), "{body}");
        }
        for (body, kept) in [
            ("", None),
            ("{}", None),
            ("{nope", None),
            ("[]", None),
            (r#"{"SessionId":null}"#, None),
            (r#"{"SessionId":7}"#, None),
            (r#"{"SessionId":""}"#, None),
            (r#"{"SessionId":"0F2E9B1C-1111-4222-8333-44445555AAAA"}"#, Some("0F2E9B1C-1111-4222-8333-44445555AAAA".to_owned())),
            (r#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"} trailing"#, None),
        ] {
            assert_eq!(read(200, None, body), (Outcome::MalformedSuccess, None, kept), "{body}");
        }
    }

    /// An exception's name stands in the header, or under `code`, or under `__type`, with or without namespace and URL.
    #[test]
    fn exceptions() {
        let quota = "ProvisionedThroughputExceededException";
        for (header, body) in [
            (None, format!(r#"{{"__type":"{quota}","message":"m"}}"#)),
            (None, format!(r#"{{"__type":"com.amazonaws.rekognition#{quota}"}}"#)),
            (None, format!(r#"{{"__type":"Other","code":"{quota}:http://x/y"}}"#)),
            (Some("ProvisionedThroughputExceededException:http://x/"), "{}".to_owned()),
            (Some("ProvisionedThroughputExceededException"), String::new()),
        ] {
            assert_eq!(read(400, header, &body), (Outcome::ThrottledQuota, Some(quota.to_owned()), None), "{header:?} {body}");
        }
        for body in ["{nope", "<html>", "[]", r#"{"__type":5}"#, "{}"] {
            assert_eq!(read(500, None, body), (Outcome::Unmodelled, None, None), "{body}");
        }
        assert_eq!(read(500, Some("ThrottlingException"), "{nope").1, None, "as the SDK reads it");
    }
}
