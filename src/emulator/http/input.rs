//! JSON to an operation's input, read leniently as the service does.
//!
//! Members that the model does not know are ignored, a `null` is an absent member; a wrong type is a `SerializationException`.

use serde_json::{Map, Value};

use crate::client::request::{ChallengePreference, CreateRequest, OutputConfig, Settings, Versions};
use crate::emulator::model::Rejection;

/// A create call's input, and the required members that it lacks: those are empty texts in the request.
pub(super) fn create_request(body: &[u8]) -> Result<(CreateRequest, Vec<String>), Rejection> {
    // Nearly every body is one that the strict reader takes, for a fraction of the work. It would also take a list for a structure.
    if !body.contains(&b'[')
        && let Ok(request) = serde_json::from_slice(body)
    {
        return Ok((request, Vec::new()));
    }
    lenient_request(body)
}

fn lenient_request(body: &[u8]) -> Result<(CreateRequest, Vec<String>), Rejection> {
    let mut lacking = Vec::new();
    let request = members(&json(body)?, &mut lacking).map_err(Rejection::Serialization)?;
    Ok((request, lacking))
}

fn members(value: &Value, lacking: &mut Vec<String>) -> Result<CreateRequest, String> {
    let input = Members::of(value)?;
    Ok(CreateRequest {
        kms_key_id: input.text("KmsKeyId")?,
        settings: input.nested("Settings", |value| settings(value, lacking))?,
        client_request_token: input.text("ClientRequestToken")?,
    })
}

/// The session whose results are asked for; `None` is a required member that is absent.
pub(super) fn session_id(body: &[u8]) -> Result<Option<String>, Rejection> {
    let value = json(body)?;
    Members::of(&value).and_then(|input| input.text("SessionId")).map_err(Rejection::Serialization)
}

fn json(body: &[u8]) -> Result<Value, Rejection> {
    serde_json::from_slice(body).map_err(|e| Rejection::Serialization(format!("the body is not JSON: {e}")))
}

fn settings(value: &Value, lacking: &mut Vec<String>) -> Result<Settings, String> {
    let members = Members::of(value)?;
    Ok(Settings {
        output_config: members.nested("OutputConfig", |value| {
            let members = Members::of(value)?;
            let s3_bucket = members.required("S3Bucket", "Settings.OutputConfig.S3Bucket", lacking)?;
            Ok(OutputConfig { s3_bucket, s3_key_prefix: members.text("S3KeyPrefix")? })
        })?,
        audit_images_limit: members.nested("AuditImagesLimit", integer)?,
        challenge_preferences: members.nested("ChallengePreferences", |value| {
            let list = value.as_array().ok_or_else(|| mismatch(value, "a list"))?;
            list.iter().enumerate().map(|(i, value)| preference(i, value, lacking)).collect()
        })?,
    })
}

fn preference(index: usize, value: &Value, lacking: &mut Vec<String>) -> Result<ChallengePreference, String> {
    let members = Members::of(value)?;
    let versions = |value: &Value| {
        let members = Members::of(value)?;
        Ok(Versions { minimum: members.text("Minimum")?, maximum: members.text("Maximum")? })
    };
    let path = format!("Settings.ChallengePreferences.{}.member.Type", index + 1);
    Ok(ChallengePreference { kind: members.required("Type", &path, lacking)?, versions: members.nested("Versions", versions)? })
}

/// A whole number; one beyond 32 bits is as far out of range as the end of them.
fn integer(value: &Value) -> Result<i32, String> {
    // `-0` is read as a float, the only one that is a whole number in JSON.
    let minus_zero = || value.as_f64().filter(|n| *n == 0.0 && n.is_sign_negative()).map(|_| 0);
    let wide = value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX)).or_else(minus_zero);
    let wide = wide.ok_or_else(|| mismatch(value, "an integer"))?;
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

    fn required(&self, name: &str, path: &str, lacking: &mut Vec<String>) -> Result<String, String> {
        let text = self.text(name)?;
        if text.is_none() {
            lacking.push(path.to_owned());
        }
        Ok(text.unwrap_or_default())
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

    fn read(body: &str) -> Result<CreateRequest, Rejection> {
        create_request(body.as_bytes()).map(|(request, _)| request)
    }

    /// `-0` is 0, as for every reader of JSON's whole numbers; a fraction is none.
    #[test]
    fn minus_zero_is_zero() {
        let limit = |text: &str| {
            let read = read(&format!(r#"{{"Settings":{{"AuditImagesLimit":{text}}}}}"#));
            read.ok().and_then(|request| request.settings?.audit_images_limit)
        };
        assert_eq!((limit("-0"), limit("0"), limit("-1"), limit("0.5"), limit("-0.5")), (Some(0), Some(0), Some(-1), None, None));
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

    /// Absent required members are told by their path; huge limits do not overflow.
    #[test]
    fn absent_and_huge() {
        let (_, lacking) = create_request(
            br#"{"Settings":{"OutputConfig":{},"ChallengePreferences":[{"Type":"FaceMovementChallenge"},{"Type":null}]}}"#,
        )
        .unwrap();
        assert_eq!(lacking, ["Settings.OutputConfig.S3Bucket", "Settings.ChallengePreferences.2.member.Type"]);
        let limit = |json: &str| read(&format!(r#"{{"Settings":{{"AuditImagesLimit":{json}}}}}"#)).unwrap().settings.unwrap();
        assert_eq!(limit("2147483648").audit_images_limit, Some(i32::MAX));
        assert_eq!(limit("18446744073709551615").audit_images_limit, Some(i32::MAX));
        assert_eq!(limit("-9000000000").audit_images_limit, Some(i32::MIN));
    }

    /// Wrong types and broken JSON are told apart by place and kind.
    #[test]
    fn wrong_types() {
        let rows = [
            ("{nope", "the body is not JSON"),
            ("", "the body is not JSON"),
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
            let Err(Rejection::Serialization(why)) = read(body) else { panic!("{body} was read") };
            assert!(why.starts_with(expected), "{body}: {why}");
        }
    }

    /// The other operation's input: an id, an absent one, and what is none.
    #[test]
    fn session_ids() {
        assert_eq!(session_id(br#"{"SessionId":"a"}"#), Ok(Some("a".to_owned())));
        assert_eq!(session_id(b"{}"), Ok(None));
        for wrong in [r#"{"SessionId":1}"#, "7", ""] {
            assert!(matches!(session_id(wrong.as_bytes()), Err(Rejection::Serialization(_))), "{wrong}");
        }
    }

    proptest! {
        /// No body makes it panic; JSON of any shape is read or refused.
        #[test]
        fn survives_anything(bytes in prop::collection::vec(any::<u8>(), 0..200), members in r#"[{}\[\]:,"0-9.a-zA-Z]{0,60}"#) {
            let shaped = format!(r#"{{"Settings":{{"OutputConfig":{members}}},"SessionId":{members}}}"#);
            for body in [&bytes[..], shaped.as_bytes()] {
                let _ = (create_request(body), session_id(body));
            }
        }

        /// What the strict reader takes, the lenient one reads alike.
        #[test]
        fn readers_agree(
            limit in prop::sample::select(vec!["4", "-0", "0.0", "4e0", "null", "2147483648", "\"4\"", "[]", "{}", "1e999"]),
            key in prop::sample::select(vec!["\"k\"", "null", "\"\\u00e9\"", "\"\\ud800\"", "7", "\"[\"", "[null]"]),
            bucket in prop::sample::select(vec!["\"S3Bucket\":\"b\"", "", "\"S3Bucket\":null", "\"S3Bucket\":\"b\",\"S3Bucket\":\"c\"", "\"X\":1"]),
            tail in prop::sample::select(vec!["", " ", "x", "{}"]),
        ) {
            let body = format!(r#"{{"Settings":{{"OutputConfig":{{{bucket}}},"AuditImagesLimit":{limit}}},"KmsKeyId":{key}}}{tail}"#);
            prop_assert_eq!(create_request(body.as_bytes()), lenient_request(body.as_bytes()), "{}", body);
        }
    }
}
