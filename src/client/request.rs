//! The service's own request, as JSON, held against [`constraint`].

use serde::{Deserialize, Serialize};

use crate::service::constraint::{self, CHALLENGE_TYPES, Text};

/// `CreateFaceLivenessSession`'s input. Every member is optional; an absent one is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateRequest {
    /// The KMS key for reference and audit images: 1 to 2048 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// The session's settings.
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

impl CreateRequest {
    /// Every constraint of the model that this request breaks, in the order of the members; empty when it is sound.
    pub fn violations(&self) -> Vec<Violation> {
        self.violations_with(self.client_request_token.as_deref())
    }

    /// The same of this request with another token, or none, instead of its own.
    pub fn violations_with(&self, token: Option<&str>) -> Vec<Violation> {
        let mut found = Violations::default();
        if let Some(key) = &self.kms_key_id {
            found.text("KmsKeyId", key, &constraint::KMS_KEY_ID);
        }
        if let Some(settings) = &self.settings {
            settings.check(&mut found);
        }
        if let Some(token) = token {
            found.text("ClientRequestToken", token, &constraint::CLIENT_REQUEST_TOKEN);
        }
        found.0
    }
}

/// Every constraint of the model that a `SessionId` breaks; empty when it is sound.
pub fn session_id_violations(session_id: &str) -> Vec<Violation> {
    let mut found = Violations::default();
    found.text("SessionId", session_id, &constraint::SESSION_ID);
    found.0
}

impl Settings {
    fn check(&self, found: &mut Violations) {
        if let Some(output) = &self.output_config {
            found.text("Settings.OutputConfig.S3Bucket", &output.s3_bucket, &constraint::S3_BUCKET);
            if let Some(prefix) = &output.s3_key_prefix {
                found.text("Settings.OutputConfig.S3KeyPrefix", prefix, &constraint::S3_KEY_PREFIX);
            }
        }
        if let Some(limit) = self.audit_images_limit {
            let (path, (least, most)) = ("Settings.AuditImagesLimit", constraint::AUDIT_IMAGES.into_inner());
            if limit < least {
                found.push(path, &limit, format!("Member must have value greater than or equal to {least}"));
            } else if limit > most {
                found.push(path, &limit, format!("Member must have value less than or equal to {most}"));
            }
        }
        for (i, preference) in self.challenge_preferences.iter().flatten().enumerate() {
            preference.check(i, found);
        }
    }
}

impl ChallengePreference {
    fn check(&self, index: usize, found: &mut Violations) {
        let path = format!("Settings.ChallengePreferences.{}.member", index + 1);
        if !CHALLENGE_TYPES.contains(&self.kind.as_str()) {
            let set = format!("Member must satisfy enum value set: [{}]", CHALLENGE_TYPES.join(", "));
            found.push(&format!("{path}.Type"), &self.kind, set);
        }
        let versions = self.versions.iter().flat_map(|v| [("Minimum", &v.minimum), ("Maximum", &v.maximum)]);
        for (name, version) in versions {
            let Some(version) = version else { continue };
            found.text(&format!("{path}.Versions.{name}"), version, &constraint::VERSION);
        }
    }
}

#[derive(Default)]
struct Violations(Vec<Violation>);

impl Violations {
    fn push(&mut self, path: &str, value: &impl ToString, constraint: String) {
        self.0.push(Violation { path: path.to_owned(), value: value.to_string(), constraint });
    }

    fn text(&mut self, path: &str, value: &str, may_be: &Text) {
        let length = value.chars().count();
        if length < may_be.min {
            self.push(path, &value, format!("Member must have length greater than or equal to {}", may_be.min));
        } else if length > may_be.max {
            self.push(path, &value, format!("Member must have length less than or equal to {}", may_be.max));
        }
        if !(may_be.matches)(value) {
            self.push(path, &value, format!("Member must satisfy regular expression pattern: {}", may_be.pattern));
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
