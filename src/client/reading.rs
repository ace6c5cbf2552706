//! From an answer's status, headers and body to an [`Answer`]: the one place that says whether there is a session.
//!
//! Run, probe, call and selftest all read through it, over either transport, as the SDK reads exceptions. What is longer than its bound is cut
//! off and malformed. Refuses to look at message text, and to keep what may be a secret.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use serde_json::{Map, Value};

use super::outcome::Outcome;
use super::{Answer, UnexpectedAnswer};
use crate::service::constraint::is_session_id;
use crate::units::Text64;

/// The longest head of an answer.
// derived: the service's heads are some 300 bytes; hyper's own bound is about 400 KiB for each connection
pub(super) const LONGEST_HEAD: usize = 64 * 1024;

/// The longest body.
// derived: the service's longest answers are some hundred bytes; 64 calls in flight hold at most 64 MiB
pub(super) const LONGEST_BODY: usize = 1024 * 1024;

/// What is kept of an unexpected body, in characters.
const EXAMPLE: usize = 200;

/// The body of an answer; `None` if it is longer than its bound and was cut off.
pub(super) async fn body<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Option<Bytes>, B::Error> {
    let mut whole = Vec::new();
    let mut only = Bytes::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if only.len() + whole.len() + data.len() > LONGEST_BODY {
            return Ok(None);
        }
        // The usual answer is one piece, which is not copied.
        if only.is_empty() && whole.is_empty() {
            only = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut only));
            whole.extend_from_slice(&data);
        }
    }
    Ok(Some(if whole.is_empty() { only } else { whole.into() }))
}

/// The second that a `Date` header names, since 1970; `None` if it names none.
fn second_of(date: &str) -> Option<u32> {
    let at = httpdate::parse_http_date(date).ok()?;
    u32::try_from(at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// The headers of an answer, in whatever form they came.
pub trait Headers {
    /// The first value of a header as a text; `None` without one, or where it is no text.
    fn text(&self, name: &str) -> Option<&str>;

    /// What they take on the wire: `name: value` and a line's end each.
    fn length(&self) -> usize;
}

// derived: ": " and "\r\n" are 4 bytes
const AROUND: usize = 4;

impl Headers for HeaderMap {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| value.to_str().ok())
    }

    fn length(&self) -> usize {
        self.iter().map(|(name, value)| name.as_str().len() + value.len() + AROUND).sum()
    }
}

impl Headers for [httparse::Header<'_>] {
    fn text(&self, name: &str) -> Option<&str> {
        let value = self.iter().find(|header| header.name.eq_ignore_ascii_case(name))?.value;
        // What `HeaderValue` takes for a text.
        let is_text = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        std::str::from_utf8(value).ok().filter(|_| is_text)
    }

    fn length(&self) -> usize {
        self.iter().map(|header| header.name.len() + header.value.len() + AROUND).sum()
    }
}

/// The answer that status, headers and body are; a body that was cut off is `None`. Behind a head beyond its bound no body is read: how much
/// of it a connection takes in before it refuses depends on how it arrives.
pub fn answer<H: Headers + ?Sized>(status: u16, headers: &H, body: Option<&[u8]>) -> Answer {
    let body = body.filter(|_| headers.length() <= LONGEST_HEAD);
    let text = |name: &str| headers.text(name);
    let request_id = text("x-amzn-requestid").or_else(|| text("x-amz-request-id")).map(Text64::cut);
    let server_second = text("date").and_then(second_of);
    let reply = Answer { status: Some(status), request_id, server_second, ..Answer::without_reply(Outcome::MalformedSuccess) };
    if (200..300).contains(&status) {
        let session_id = body.and_then(session_id).unwrap_or_default();
        let kept = Some(&*session_id).filter(|id| !id.is_empty()).map(Text64::cut);
        return Answer { outcome: Outcome::of_success(&session_id), session_id: kept, ..reply };
    }
    // A body that is no JSON object tells the SDK nothing, not even what the header says.
    let fault = body.and_then(object);
    let member = |name: &str| fault.as_ref().and_then(|fault| fault.get(name)).and_then(Value::as_str);
    let named = fault.as_ref().and_then(|_| text("x-amzn-errortype").or_else(|| member("code")).or_else(|| member("__type")));
    let name = named.map(bare_name);
    Answer { outcome: Outcome::of_error(name, status), exception: name.map(Text64::cut), ..reply }
}

impl UnexpectedAnswer {
    /// What is kept of an answer; `None` if there is nothing unexpected about it.
    pub(super) fn of<H: Headers + ?Sized>(answer: &Answer, headers: &H, body: Option<&[u8]>) -> Option<Self> {
        let status = answer.status?;
        matches!(answer.outcome, Outcome::Unmodelled | Outcome::MalformedSuccess).then(|| Self {
            status,
            content_type: headers.text("content-type").map(|value| shown(value.as_bytes())),
            body: body.map_or_else(|| "(longer than 1 MiB, cut off)".to_owned(), shown),
        })
    }
}

/// The start of a text on one line. Words that may be keys, tokens or signatures are masked: long ones with a digit in them.
fn shown(bytes: &[u8]) -> String {
    // No character takes more than 4 bytes.
    let start = &bytes[..bytes.len().min(EXAMPLE * 4)];
    let text: String = String::from_utf8_lossy(start).chars().take(EXAMPLE).collect();
    let mut line = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || "+/=%-_".contains(c))) {
        let bare = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || "+/=%-_".contains(c)));
        // source: an access key has 16 to 128 letters and digits (IAM API, AccessKey); secrets and signatures are longer
        if bare.len() >= 16 && bare.contains(|c: char| c.is_ascii_digit()) {
            line.push_str("****");
            line.push_str(&word[bare.len()..]);
        } else {
            line.push_str(word);
        }
    }
    line.replace(char::is_control, " ").trim().to_owned()
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
        let answer = answer(status, &headers, Some(body.as_bytes()));
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

    /// A date is a second since 1970; what is none is no date.
    #[test]
    fn dates() {
        assert_eq!(second_of("Fri, 27 Nov 2026 10:00:00 GMT"), Some(1_795_773_600));
        for wrong in ["", "yesterday", "Fri, 27 Nov 2026", "Fri, 31 Dec 1969 10:00:00 GMT", "Fri, 27 Nov 9999 10:00:00 GMT"] {
            assert_eq!(second_of(wrong), None, "{wrong}");
        }
    }

    /// What is cut off holds no session, whatever its beginning says; an error keeps its status.
    #[test]
    fn cut_off() {
        let read = |status| answer(status, &HeaderMap::new(), None).outcome;
        assert_eq!(
            (read(200), read(204), read(500)),
            (Outcome::MalformedSuccess, Outcome::MalformedSuccess, Outcome::Unmodelled)
        );
    }

    /// An example shows what came, on one line and without what may be a secret; what the service's model knows is no example.
    #[test]
    fn examples() {
        let example = |status, body: &str| {
            let headers = HeaderMap::new();
            UnexpectedAnswer::of(&answer(status, &headers, Some(body.as_bytes())), &headers, Some(body.as_bytes()))
        };
        assert_eq!(example(429, "slow\n down").unwrap().body, "slow  down");
        assert_eq!(example(200, &"x".repeat(999)).unwrap().body.len(), EXAMPLE);
        let canonical = "x-amz-security-token:IQoJb3JpZ2luX2VjEHoaCXVzLWVhc3QtMSJI Credential=AKIDEXAMPLE0000000/20261126";
        let kept = example(403, canonical).unwrap().body;
        assert!(kept.contains("x-amz-security-token:****") && !kept.contains("AKIDEXAMPLE"), "{kept}");
        assert_eq!(example(400, r#"{"__type":"ThrottlingException"}"#), None);
        assert_eq!(example(200, r#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}"#), None);
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
