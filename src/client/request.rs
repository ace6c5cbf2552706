//! The service's own request, as JSON, and every constraint that its model states.
//!
//! Constraints: `CreateFaceLivenessSession` in the Rekognition API model (botocore 1.44.5), the same text as the API reference
//! <https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateFaceLivenessSession.html>.

use serde::{Deserialize, Serialize};

use super::outcome::is_session_id;

/// The operations of the service that are spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `CreateFaceLivenessSession`.
    #[serde(rename = "CreateFaceLivenessSession")]
    Create,
    /// `GetFaceLivenessSessionResults`.
    #[serde(rename = "GetFaceLivenessSessionResults")]
    GetResults,
}

impl Operation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Create, Self::GetResults];

    /// The service's name for it: in `X-Amz-Target` after `RekognitionService.`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CreateFaceLivenessSession",
            Self::GetResults => "GetFaceLivenessSessionResults",
        }
    }
}

/// `CreateFaceLivenessSession`'s input. Every member is optional; an absent one is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateRequest {
    /// The KMS key for reference and audit images: 1 to 2048 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// What the session shall do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// The idempotency token: 1 to 64 characters of `a-zA-Z0-9-_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
}

/// `Settings` of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Settings {
    /// Where images go; absent: raw bytes come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
    /// How many audit images, 0 to 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_images_limit: Option<i32>,
    /// Which challenges the caller prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge_preferences: Option<Vec<ChallengePreference>>,
}

/// `Settings.OutputConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    /// The bucket: 3 to 255 characters of `0-9A-Za-z.-_`.
    #[serde(rename = "S3Bucket")]
    pub s3_bucket: String,
    /// The prefix: at most 950 characters, no white space.
    #[serde(rename = "S3KeyPrefix", default, skip_serializing_if = "Option::is_none")]
    pub s3_key_prefix: Option<String>,
}

/// One of `Settings.ChallengePreferences`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ChallengePreference {
    /// `FaceMovementAndLightChallenge` or `FaceMovementChallenge`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Which versions of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
}

/// A range of challenge versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Versions {
    /// The lowest, as `1.0.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// The highest, as `1.0.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<String>,
}

/// A constraint of the service's model that a request breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, in the service's spelling of the JSON: `Settings.OutputConfig.S3Bucket`.
    pub path: String,
    /// The offending value as text.
    pub value: String,
    /// The constraint, in the service's words: `Member must have length less than or equal to 64`.
    pub constraint: String,
}

/// The challenge types of the model.
pub const CHALLENGE_TYPES: [&str; 2] = ["FaceMovementAndLightChallenge", "FaceMovementChallenge"];

impl CreateRequest {
    /// Every constraint of the model that this request breaks, in the order of the members; empty when it is sound.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Found::default();
        if let Some(key) = &self.kms_key_id {
            found.length("KmsKeyId", key, 1, 2048);
            let sound = !key.is_empty()
                && key.bytes().enumerate().all(|(i, b)| b.is_ascii_alphanumeric() || (i > 0 && b":_/+=,@.-".contains(&b)));
            found.pattern("KmsKeyId", key, sound, "^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$");
        }
        if let Some(settings) = &self.settings {
            settings.check(&mut found);
        }
        if let Some(token) = &self.client_request_token {
            found.length("ClientRequestToken", token, 1, 64);
            let sound = !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            found.pattern("ClientRequestToken", token, sound, "^[a-zA-Z0-9-_]+$");
        }
        found.0
    }
}

/// Every constraint of the model that a `SessionId` breaks; empty when it is sound.
pub fn session_id_violations(session_id: &str) -> Vec<Violation> {
    let mut found = Found::default();
    found.length("SessionId", session_id, 36, 36);
    let pattern = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    found.pattern("SessionId", session_id, is_session_id(session_id), pattern);
    found.0
}

impl Settings {
    fn check(&self, found: &mut Found) {
        if let Some(output) = &self.output_config {
            let (path, bucket) = ("Settings.OutputConfig.S3Bucket", &output.s3_bucket);
            found.length(path, bucket, 3, 255);
            let sound = bucket.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
            found.pattern(path, bucket, sound, r"[0-9A-Za-z\.\-_]*");
            if let Some(prefix) = &output.s3_key_prefix {
                let path = "Settings.OutputConfig.S3KeyPrefix";
                found.length(path, prefix, 0, 950);
                found.pattern(path, prefix, !prefix.contains(char::is_whitespace), r"\S*");
            }
        }
        if let Some(limit) = self.audit_images_limit {
            let path = "Settings.AuditImagesLimit";
            if limit < 0 {
                found.push(path, &limit, "Member must have value greater than or equal to 0".to_owned());
            } else if limit > 4 {
                found.push(path, &limit, "Member must have value less than or equal to 4".to_owned());
            }
        }
        for (i, preference) in self.challenge_preferences.iter().flatten().enumerate() {
            preference.check(i, found);
        }
    }
}

impl ChallengePreference {
    fn check(&self, index: usize, found: &mut Found) {
        let path = format!("Settings.ChallengePreferences.{}.member", index + 1);
        if !CHALLENGE_TYPES.contains(&self.kind.as_str()) {
            let set = format!("Member must satisfy enum value set: [{}]", CHALLENGE_TYPES.join(", "));
            found.push(&format!("{path}.Type"), &self.kind, set);
        }
        let versions = self.versions.iter().flat_map(|v| [("Minimum", &v.minimum), ("Maximum", &v.maximum)]);
        for (name, version) in versions {
            let Some(version) = version else { continue };
            let path = format!("{path}.Versions.{name}");
            found.length(&path, version, 5, 11);
            found.pattern(&path, version, is_version(version), r"^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$");
        }
    }
}

/// Three numbers of at most three digits without leading zeros.
fn is_version(text: &str) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    text.split('.').count() == 3 && text.split('.').all(number)
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn push(&mut self, path: &str, value: &impl ToString, constraint: String) {
        self.0.push(Violation { path: path.to_owned(), value: value.to_string(), constraint });
    }

    fn length(&mut self, path: &str, value: &str, min: usize, max: usize) {
        let length = value.chars().count();
        if length < min {
            self.push(path, &value, format!("Member must have length greater than or equal to {min}"));
        } else if length > max {
            self.push(path, &value, format!("Member must have length less than or equal to {max}"));
        }
    }

    fn pattern(&mut self, path: &str, value: &str, sound: bool, pattern: &str) {
        if !sound {
            self.push(path, &value, format!("Member must satisfy regular expression pattern: {pattern}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(json: &str) -> Vec<String> {
        let request: CreateRequest = serde_json::from_str(json).unwrap();
        request.violations().into_iter().map(|v| format!("{}: {}", v.path, v.constraint)).collect()
    }

    /// The request of the service's documentation, every member set, is sound and survives a round trip.
    #[test]
    fn full_request_is_sound() {
        let json = r#"{"KmsKeyId":"alias/liveness","Settings":{"OutputConfig":{"S3Bucket":"my-bucket","S3KeyPrefix":"liveness/é/"},"AuditImagesLimit":4,"ChallengePreferences":[{"Type":"FaceMovementChallenge","Versions":{"Minimum":"1.0.0","Maximum":"1.10.100"}}]},"ClientRequestToken":"t_-1"}"#;
        assert_eq!(violations(json), Vec::<String>::new());
        let request: CreateRequest = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(violations("{}"), Vec::<String>::new());
    }

    /// Each constraint is found, all of them at once, at the place where it is broken.
    #[test]
    fn every_constraint_is_found() {
        let long = "k".repeat(2049);
        let json = serde_json::json!({
            "KmsKeyId": long,
            "Settings": {
                "OutputConfig": { "S3Bucket": "a b", "S3KeyPrefix": "with space" },
                "AuditImagesLimit": 5,
                "ChallengePreferences": [{ "Type": "Dance", "Versions": { "Minimum": "1.0", "Maximum": "01.0.0" } }],
            },
            "ClientRequestToken": "bad token!",
        });
        let paths: Vec<String> =
            serde_json::from_value::<CreateRequest>(json).unwrap().violations().into_iter().map(|v| v.path).collect();
        let member = "Settings.ChallengePreferences.1.member";
        assert_eq!(
            paths,
            [
                "KmsKeyId".to_owned(),
                "Settings.OutputConfig.S3Bucket".to_owned(),
                "Settings.OutputConfig.S3KeyPrefix".to_owned(),
                "Settings.AuditImagesLimit".to_owned(),
                format!("{member}.Type"),
                format!("{member}.Versions.Minimum"),
                format!("{member}.Versions.Minimum"),
                format!("{member}.Versions.Maximum"),
                "ClientRequestToken".to_owned(),
            ]
        );
        assert_eq!(violations(r#"{"ClientRequestToken":""}"#).len(), 2);
        assert_eq!(violations(r#"{"Settings":{"AuditImagesLimit":-1}}"#).len(), 1);
    }

    /// A misspelt member is refused: it would otherwise be dropped without a word.
    #[test]
    fn unknown_members_are_refused() {
        assert!(serde_json::from_str::<CreateRequest>(r#"{"Setings":{}}"#).is_err());
    }
}
