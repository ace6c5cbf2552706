//! Broken constraints in the service's words, which count them and name every one.
//!
//! The texts are those of the framework that the service's front door is built with, as seen on the wire for other operations of
//! Rekognition: close, but not measured for this one. Refuses to decide which constraints there are.

use std::fmt::Write as _;

use crate::client::request::Violation;
use crate::emulator::config::ConstraintMessage;
use crate::service::exception;

/// One broken constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenConstraint {
    path: String,
    /// `None` is an absent member.
    value: Option<String>,
    constraint: String,
}

/// Everything that is wrong: `violations`, but of a member that is absent only that it is.
pub(super) fn broken(violations: Vec<Violation>, lacking: &[String]) -> Vec<BrokenConstraint> {
    let mut list: Vec<BrokenConstraint> = Vec::new();
    for Violation { path, value, constraint } in violations {
        if !lacking.contains(&path) {
            list.push(BrokenConstraint { path, value: Some(value), constraint });
        }
    }
    list.extend(lacking.iter().map(|path| BrokenConstraint {
        path: path.clone(),
        value: None,
        constraint: "Member must not be null".to_owned(),
    }));
    list
}

/// The message for a list that is not empty.
pub(super) fn message(list: &[BrokenConstraint], style: ConstraintMessage) -> String {
    if style == ConstraintMessage::Documented {
        return exception::INVALID_PARAMETER.message.to_owned();
    }
    let plural = if list.len() == 1 { "" } else { "s" };
    let mut text = format!("{} validation error{plural} detected: ", list.len());
    for (i, BrokenConstraint { path, value, constraint }) in list.iter().enumerate() {
        let between = if i == 0 { "" } else { "; " };
        let path = lower_camel(path);
        // Writing to a text cannot fail.
        let _ = match (style, value) {
            (ConstraintMessage::Echo, Some(value)) => {
                write!(text, "{between}Value '{value}' at '{path}' failed to satisfy constraint: {constraint}")
            }
            (ConstraintMessage::Echo, None) => {
                write!(text, "{between}Value null at '{path}' failed to satisfy constraint: {constraint}")
            }
            _ => write!(text, "{between}Value at '{path}' failed to satisfy constraint: {constraint}"),
        };
    }
    text
}

/// `settings.outputConfig.s3Bucket` of `Settings.OutputConfig.S3Bucket`.
fn lower_camel(path: &str) -> String {
    let mut start = true;
    path.chars()
        .map(|c| {
            let first = std::mem::replace(&mut start, c == '.');
            if first { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::request::{CreateRequest, session_id_violations};

    /// Each kind of constraint, in all three wordings.
    #[test]
    fn messages() {
        let request: CreateRequest = serde_json::from_str(
            r#"{"Settings":{"OutputConfig":{"S3Bucket":""},"AuditImagesLimit":5,"ChallengePreferences":[{"Type":"Dance"}]},"ClientRequestToken":"bad token! é"}"#,
        )
        .unwrap();
        let lacking = ["Settings.OutputConfig.S3Bucket".to_owned()];
        let list = broken(request.violations(), &lacking);
        let texts: Vec<String> = [ConstraintMessage::Echo, ConstraintMessage::Path, ConstraintMessage::Documented]
            .into_iter()
            .map(|style| message(&list, style).replace("; ", ";\n"))
            .collect();
        insta::assert_snapshot!(texts.join("\n\n"), @"
        4 validation errors detected: Value '5' at 'settings.auditImagesLimit' failed to satisfy constraint: Member must have value less than or equal to 4;
        Value 'Dance' at 'settings.challengePreferences.1.member.type' failed to satisfy constraint: Member must satisfy enum value set: [FaceMovementAndLightChallenge, FaceMovementChallenge];
        Value 'bad token! é' at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_]+$;
        Value null at 'settings.outputConfig.s3Bucket' failed to satisfy constraint: Member must not be null

        4 validation errors detected: Value at 'settings.auditImagesLimit' failed to satisfy constraint: Member must have value less than or equal to 4;
        Value at 'settings.challengePreferences.1.member.type' failed to satisfy constraint: Member must satisfy enum value set: [FaceMovementAndLightChallenge, FaceMovementChallenge];
        Value at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_]+$;
        Value at 'settings.outputConfig.s3Bucket' failed to satisfy constraint: Member must not be null

        Request has invalid parameters.
        ");
        let one = broken(session_id_violations("x"), &[]);
        insta::assert_snapshot!(message(&one[..1], ConstraintMessage::Echo), @"1 validation error detected: Value 'x' at 'sessionId' failed to satisfy constraint: Member must have length greater than or equal to 36");
    }
}
