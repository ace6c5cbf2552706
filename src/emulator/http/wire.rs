//! HTTP to a call: what a request says, read leniently as the service does.
//!
//! Members that the model does not know are ignored, a `null` is an absent member; a wrong type is a `SerializationException`.
//! Refuses to verify a signature: only the region of its credential scope is read.

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use crate::emulator::model::{Call, Problem};
use crate::target::request::{ChallengePreference, CreateRequest, OutputConfig, Settings, Versions};

/// The operation's name in `X-Amz-Target`.
const TARGET: &str = "RekognitionService.CreateFaceLivenessSession";

/// A request as far as the emulator reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrival {
    /// The create request, or why there is none.
    pub(super) asks: Result<CreateRequest, Problem>,
    /// The region of the credential scope.
    pub(super) region: Option<String>,
    /// `amz-sdk-invocation-id`: the same over all attempts of a call.
    pub(super) invocation_id: Option<String>,
    /// `attempt=N` of `amz-sdk-request`.
    pub(super) attempt: Option<u32>,
    /// The first product of `User-Agent`.
    pub(super) user_agent: Option<String>,
}

impl Arrival {
    /// Reads the head; `body` is asked for only by a create call.
    pub(super) fn read(method: &Method, path: &str, headers: &HeaderMap, body: Result<&[u8], Problem>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let attempt = |request: &str| request.split(';').find_map(|part| part.trim().strip_prefix("attempt=")?.parse().ok());
        Self {
            asks: asks(method, path, text("x-amz-target"), body),
            region: text(AUTHORIZATION.as_str()).and_then(scope_region).map(str::to_owned),
            invocation_id: text("amz-sdk-invocation-id").map(short),
            attempt: text("amz-sdk-request").and_then(attempt),
            user_agent: text(USER_AGENT.as_str()).and_then(|agent| agent.split_whitespace().next()).map(short),
        }
    }

    /// The call for the model.
    pub(super) fn call(&self) -> Call<'_> {
        let call = match &self.asks {
            Ok(request) => Call::create(request),
            Err(problem) => Call::problem(problem.clone()),
        };
        match &self.region {
            Some(region) => call.in_region(region),
            None => call,
        }
    }
}

/// At most 100 characters: what a client sends must not swell the log.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

fn asks(method: &Method, path: &str, target: Option<&str>, body: Result<&[u8], Problem>) -> Result<CreateRequest, Problem> {
    if method != Method::POST {
        return Err(Problem::Method);
    }
    if path != "/" {
        return Err(Problem::Path);
    }
    if target != Some(TARGET) {
        return Err(Problem::Operation);
    }
    let value: Value = serde_json::from_slice(body?).map_err(|e| Problem::Serialization(format!("the body is no JSON: {e}")))?;
    create_request(&value).map_err(Problem::Serialization)
}

/// The region of `AWS4-HMAC-SHA256 Credential=KEY/20261121/REGION/rekognition/aws4_request, ...`.
fn scope_region(authorization: &str) -> Option<&str> {
    let credential = authorization.split([' ', ',']).find_map(|part| part.strip_prefix("Credential="))?;
    let mut parts = credential.rsplit('/');
    (parts.next() == Some("aws4_request")).then_some(())?;
    parts.nth(1).filter(|region| !region.is_empty())
}

/// Reads an input by the model's member names.
///
/// A required member that is absent becomes an empty text, so that it breaks its constraint like any other.
fn create_request(body: &Value) -> Result<CreateRequest, String> {
    let input = Members::of(body)?;
    Ok(CreateRequest {
        kms_key_id: input.text("KmsKeyId")?,
        settings: input.nested("Settings", settings)?,
        client_request_token: input.text("ClientRequestToken")?,
    })
}

fn settings(value: &Value) -> Result<Settings, String> {
    let members = Members::of(value)?;
    Ok(Settings {
        output_config: members.nested("OutputConfig", |value| {
            let members = Members::of(value)?;
            let s3_bucket = members.text("S3Bucket")?.unwrap_or_default();
            Ok(OutputConfig { s3_bucket, s3_key_prefix: members.text("S3KeyPrefix")? })
        })?,
        audit_images_limit: members.nested("AuditImagesLimit", integer)?,
        challenge_preferences: members.nested("ChallengePreferences", |value| {
            let list = value.as_array().ok_or_else(|| mismatch(value, "a list"))?;
            list.iter().map(preference).collect()
        })?,
    })
}

fn preference(value: &Value) -> Result<ChallengePreference, String> {
    let members = Members::of(value)?;
    let versions = |value: &Value| {
        let members = Members::of(value)?;
        Ok(Versions { minimum: members.text("Minimum")?, maximum: members.text("Maximum")? })
    };
    Ok(ChallengePreference { kind: members.text("Type")?.unwrap_or_default(), versions: members.nested("Versions", versions)? })
}

/// A whole number; one beyond 32 bits is as far out of range as the end of them.
fn integer(value: &Value) -> Result<i32, String> {
    let wide = value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX)).ok_or_else(|| mismatch(value, "an integer"))?;
    Ok(i32::try_from(wide).unwrap_or(if wide < 0 { i32::MIN } else { i32::MAX }))
}

struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    fn of(value: &'a Value) -> Result<Self, String> {
        value.as_object().map(Self).ok_or_else(|| mismatch(value, "a structure"))
    }

    fn nested<T>(&self, name: &str, read: impl FnOnce(&'a Value) -> Result<T, String>) -> Result<Option<T>, String> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        value.map(read).transpose().map_err(|why| format!("{name}: {why}"))
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        self.nested(name, |value| value.as_str().map(str::to_owned).ok_or_else(|| mismatch(value, "a string")))
    }
}

fn mismatch(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a structure",
    };
    format!("{found} where {wanted} is expected")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Result<CreateRequest, Problem> {
        asks(&Method::POST, "/", Some(TARGET), Ok(body.as_bytes()))
    }

    /// What the strict type writes, the lenient reader reads back; what it does not know, it ignores.
    #[test]
    fn reads_every_member() {
        let json = r#"{"KmsKeyId":"k","Settings":{"OutputConfig":{"S3Bucket":"my-bucket","S3KeyPrefix":"é/"},"AuditImagesLimit":4,"ChallengePreferences":[{"Type":"FaceMovementChallenge","Versions":{"Minimum":"1.0.0","Maximum":"2.0.0"}}]},"ClientRequestToken":"t"}"#;
        assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        assert_eq!(
            read(r#"{"New":{"A":1},"KmsKeyId":null,"Settings":{"Other":[]}}"#).unwrap().settings,
            Some(Settings::default())
        );
        assert_eq!(read(r#"{"KmsKeyId":"\u00e9"}"#).unwrap().kms_key_id.as_deref(), Some("é"));
    }

    /// Absent required members break their constraints; huge limits do not overflow.
    #[test]
    fn absent_and_huge() {
        for broken in [r#"{"Settings":{"OutputConfig":{}}}"#, r#"{"Settings":{"ChallengePreferences":[{}]}}"#] {
            assert!(!read(broken).unwrap().violations().is_empty(), "{broken}");
        }
        let limit = |json: &str| read(&format!(r#"{{"Settings":{{"AuditImagesLimit":{json}}}}}"#)).unwrap().settings.unwrap();
        assert_eq!(limit("2147483648").audit_images_limit, Some(i32::MAX));
        assert_eq!(limit("18446744073709551615").audit_images_limit, Some(i32::MAX));
        assert_eq!(limit("-9000000000").audit_images_limit, Some(i32::MIN));
    }

    /// Wrong types and broken JSON are told apart by place and kind.
    #[test]
    fn wrong_types() {
        let rows = [
            ("{nope", "the body is no JSON"),
            ("", "the body is no JSON"),
            ("[]", "a list where a structure is expected"),
            (r#"{"KmsKeyId":5}"#, "KmsKeyId: a number where a string is expected"),
            (r#"{"Settings":[]}"#, "Settings: a list where a structure is expected"),
            (r#"{"Settings":{"AuditImagesLimit":true}}"#, "Settings: AuditImagesLimit: a boolean where an integer is expected"),
            (r#"{"Settings":{"AuditImagesLimit":2.5}}"#, "Settings: AuditImagesLimit: a number where an integer is expected"),
            (
                r#"{"Settings":{"ChallengePreferences":{}}}"#,
                "Settings: ChallengePreferences: a structure where a list is expected",
            ),
        ];
        for (body, expected) in rows {
            let Err(Problem::Serialization(why)) = read(body) else { panic!("{body} was read") };
            assert!(why.starts_with(expected), "{body}: {why}");
        }
    }

    /// Method, path and target are judged before the body.
    #[test]
    fn front_door() {
        let none = || Err(Problem::TooLarge);
        assert_eq!(asks(&Method::GET, "/x", None, none()), Err(Problem::Method));
        assert_eq!(asks(&Method::POST, "/x", None, none()), Err(Problem::Path));
        assert_eq!(asks(&Method::POST, "/", Some("RekognitionService.DetectFaces"), none()), Err(Problem::Operation));
        assert_eq!(asks(&Method::POST, "/", Some(TARGET), none()), Err(Problem::TooLarge));
    }

    /// The region is read from the scope's end: a key may contain slashes.
    #[test]
    fn credential_scope() {
        let header = |credential: &str| format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00");
        assert_eq!(scope_region(&header("AKID/20261121/eu-west-1/rekognition/aws4_request")), Some("eu-west-1"));
        assert_eq!(scope_region(&header("A/B/20261121/sa-east-1/rekognition/aws4_request")), Some("sa-east-1"));
        for none in [header("AKID"), header("AKID/20261121//rekognition/aws4_request"), "Bearer x".to_owned(), String::new()] {
            assert_eq!(scope_region(&none), None, "{none}");
        }
    }

    proptest! {
        /// No body makes it panic.
        #[test]
        fn survives_anything(body in prop::collection::vec(any::<u8>(), 0..200), authorization in ".{0,80}") {
            let _ = asks(&Method::POST, "/", Some(TARGET), Ok(&body));
            let _ = scope_region(&authorization);
        }
    }
}
