//! What the service said, as botocore reads it: the modelled output, or an error's code and message.
//!
//! Source: `ResponseParser` and `BaseJSONParser` in botocore 1.43.62, `parsers.py`.

use serde_json::Value;

use super::data::Data;

/// The operation, as messages and tables name it.
pub const OPERATION: &str = "CreateFaceLivenessSession";

/// The modelled members of a success. What cannot be read holds none.
pub fn output(body: &[u8]) -> Data {
    let session = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut members)) => members.remove("SessionId"),
        _ => None,
    };
    let session = session.map(data).filter(|session| *session != Data::Null);
    Data::Map(session.map(|session| ("SessionId".to_owned(), session)).into_iter().collect())
}

/// The AWS CLI's line for an error of the service.
pub fn error_line(status: u16, body: &[u8]) -> String {
    let (code, message) = error(status, body);
    format!("An error occurred ({code}) when calling the {OPERATION} operation: {message}")
}

fn error(status: u16, body: &[u8]) -> (String, String) {
    let trimmed = body.trim_ascii();
    if status >= 500 && (trimmed.is_empty() || trimmed.starts_with(b"<html>")) {
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        return (status.to_string(), reason.unwrap_or_default().to_owned());
    }
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
        // What is no JSON object is the message.
        return (status.to_string(), String::from_utf8_lossy(body).into_owned());
    };
    let message = members.get("message").or_else(|| members.get("Message"));
    let message = message.map_or_else(String::new, |message| data(message.clone()).cell());
    let kind = members.get("__type").and_then(Value::as_str);
    (kind.map_or_else(|| status.to_string(), |kind| code(kind).to_owned()), message)
}

/// `Name` out of `namespace#Name:http://...`.
fn code(kind: &str) -> &str {
    let kind = kind.split_once(':').map_or(kind, |(before, _)| before);
    kind.rsplit_once('#').map_or(kind, |(_, after)| after)
}

/// JSON as [`Data`], members in their order.
pub fn data(value: Value) -> Data {
    match value {
        Value::Null => Data::Null,
        Value::Bool(yes) => Data::Bool(yes),
        Value::Number(n) => Data::Number(n),
        Value::String(text) => Data::Text(text),
        Value::Array(items) => Data::List(items.into_iter().map(data).collect()),
        Value::Object(members) => Data::Map(members.into_iter().map(|(name, value)| (name, data(value))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what the model names is printed, and nothing of what is no answer.
    #[test]
    fn outputs() {
        let of = |body: &str| Value::from(&output(body.as_bytes())).to_string();
        assert_eq!(of(r#"{"Extra":1,"SessionId":"x"}"#), r#"{"SessionId":"x"}"#);
        for nothing in ["{}", "", "{nope", "[]", "null", r#"{"SessionId":null}"#] {
            assert_eq!(of(nothing), "{}", "{nothing}");
        }
    }

    /// Every form of an error that real clients read, as botocore reads it.
    #[test]
    fn errors() {
        let rows = [
            (400, r#"{"__type":"ThrottlingException","Code":"x","Message":"Slow down"}"#, "ThrottlingException|Slow down"),
            (400, r#"{"__type":"ns#Name:http://x","message":"a","Message":"b"}"#, "Name|a"),
            (400, r#"{"__type":"AccessDeniedException"}"#, "AccessDeniedException|"),
            (400, r#"{"Code":"X","message":null}"#, "400|None"),
            (400, "", "400|"),
            (404, "plain", "404|plain"),
            (503, "<html>busy</html>", "503|Service Unavailable"),
            (500, " ", "500|Internal Server Error"),
            (502, "busy", "502|busy"),
        ];
        for (status, body, expected) in rows {
            let (code, message) = error(status, body.as_bytes());
            assert_eq!(format!("{code}|{message}"), expected, "{status} {body}");
        }
    }
}
