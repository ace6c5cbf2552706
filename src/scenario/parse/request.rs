//! The `request` of a mix, from TOML or from a file with the service's JSON.
//!
//! What the service's model would reject is a problem of the file, unless the mix is `unchecked`. Refuses to send what has another form.

use std::collections::BTreeSet;

use super::table::{Found, Table};
use super::tree::{Node, Span, Value};
use crate::client::request::{ChallengePreference, CreateRequest, OutputConfig, Settings, Versions, Violation};
use crate::scenario::keys::{CHALLENGE, REQUEST};
use crate::scenario::problem::quoted;
use crate::service::constraint::AUDIT_IMAGES;

/// What a request is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// The form of the operation's input: names, types and required members.
    Form,
    /// The form, and every constraint of the service's model.
    Model,
}

/// Reads a request, and holds it against what it is to be held against.
pub(super) fn read(node: &Node, against: Held, found: &mut Found) -> CreateRequest {
    let before = found.list.len();
    let request = request(node, found);
    if against == Held::Form {
        return request;
    }
    let mistyped: BTreeSet<usize> = found.list[before..].iter().map(|p| p.span.start).collect();
    let first = found.list.len();
    for violation in request.violations() {
        let span = locate(node, &violation.path);
        if mistyped.contains(&span.start) {
            continue;
        }
        let (message, help) = explain(&violation);
        // A member that breaks several constraints, one after the other, is one problem with several remedies.
        match found.list[first..].last_mut().filter(|p| p.span == span) {
            Some(same) if same.help == help => {}
            Some(same) => same.help = format!("{}; {help}", same.help),
            None => found.add(&span, message, help),
        }
    }
    request
}

fn request(node: &Node, found: &mut Found) -> CreateRequest {
    let Some(table) = Table::open(node, "`request`", &REQUEST, found) else { return CreateRequest::default() };
    CreateRequest {
        kms_key_id: text(&table, "KmsKeyId", found),
        settings: table.table("Settings", found).map(|t| settings(&t, found)),
        client_request_token: text(&table, "ClientRequestToken", found),
    }
}

fn settings(table: &Table<'_>, found: &mut Found) -> Settings {
    let output_config = table.table("OutputConfig", found).map(|output| {
        let _ = output.required("S3Bucket", "`OutputConfig`", found);
        OutputConfig {
            s3_bucket: text(&output, "S3Bucket", found).unwrap_or_else(|| "absent".to_owned()),
            s3_key_prefix: text(&output, "S3KeyPrefix", found),
        }
    });
    let challenge_preferences = table
        .list("ChallengePreferences", "[ { Type = \"FaceMovementChallenge\" } ]", found)
        .map(|items| items.iter().map(|item| challenge(item, found)).collect());
    Settings { output_config, audit_images_limit: audit_images(table, found), challenge_preferences }
}

/// Any 32-bit number is read, so that the model's own constraint speaks.
fn audit_images(table: &Table<'_>, found: &mut Found) -> Option<i32> {
    let node = table.get("AuditImagesLimit")?;
    match &node.value {
        Value::Integer(Some(n)) if i32::try_from(*n).is_ok() => i32::try_from(*n).ok(),
        Value::Integer(_) => {
            let (least, most) = AUDIT_IMAGES.into_inner();
            found.add(&node.span, "`AuditImagesLimit` is out of range", format!("it lies between {least} and {most}"));
            None
        }
        _ => {
            found.mistyped(node, "AuditImagesLimit", "a whole number", "4");
            None
        }
    }
}

fn challenge(node: &Node, found: &mut Found) -> ChallengePreference {
    const TYPE: &str = "FaceMovementChallenge";
    let nothing = || ChallengePreference { kind: TYPE.to_owned(), versions: None };
    let Some(table) = Table::open(node, "a challenge preference", &CHALLENGE, found) else { return nothing() };
    let _ = table.required("Type", "a challenge preference", found);
    let versions = table
        .table("Versions", found)
        .map(|versions| Versions { minimum: text(&versions, "Minimum", found), maximum: text(&versions, "Maximum", found) });
    ChallengePreference { kind: text(&table, "Type", found).unwrap_or_else(|| TYPE.to_owned()), versions }
}

fn text(table: &Table<'_>, key: &str, found: &mut Found) -> Option<String> {
    table.text(key, found).map(str::to_owned)
}

/// Where the member stands that `path` names: `Settings.ChallengePreferences.1.member.Type`.
fn locate(root: &Node, path: &str) -> Span {
    let mut node = root;
    for step in path.split('.').filter(|step| *step != "member") {
        let next = match &node.value {
            Value::Table(entries) => entries.iter().find(|e| e.key == step).map(|e| &e.node),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|n| items.get(n.checked_sub(1)?)),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    node.span.clone()
}

fn explain(violation: &Violation) -> (String, String) {
    let path = violation.path.replace(".member", "");
    if violation.value.is_empty() {
        let help = "fill it in, or delete members that you do not use: a skeleton as printed has every one of them, empty";
        return (format!("`{path}` is empty"), help.to_owned());
    }
    let constraint = &violation.constraint;
    let help = match constraint.strip_prefix("Member must satisfy regular expression pattern: ") {
        Some(pattern) => format!("the service allows {pattern}{}", in_words(&path)),
        None => format!("the service says: {constraint}"),
    };
    (format!("`{path}` cannot be {}", quoted(&violation.value)), help)
}

/// What a pattern of the model means.
fn in_words(path: &str) -> &'static str {
    match path {
        "Settings.OutputConfig.S3Bucket" => " (letters, digits, dots, dashes and underscores)",
        "Settings.OutputConfig.S3KeyPrefix" => " (no white space)",
        "ClientRequestToken" => " (letters, digits, dashes and underscores)",
        _ if path.contains(".Versions.") => " (like 1.0.0)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::tree::{from_json, from_toml};

    fn problems(text: &str) -> Vec<String> {
        let node = if text.starts_with('{') { from_json(text).unwrap() } else { from_toml(text).0 };
        let mut found = Found::default();
        read(&node, Held::Model, &mut found);
        found.list.into_iter().map(|p| format!("{:?}: {} ({})", &text[p.span], p.message, p.help)).collect()
    }

    /// `aws rekognition create-face-liveness-session --generate-cli-skeleton`, as the AWS CLI 2 prints it.
    const SKELETON: &str = r#"{
    "KmsKeyId": "",
    "Settings": {
        "OutputConfig": {
            "S3Bucket": "",
            "S3KeyPrefix": ""
        },
        "AuditImagesLimit": 0,
        "ChallengePreferences": [
            {
                "Type": "FaceMovementAndLightChallenge",
                "Versions": {
                    "Minimum": "",
                    "Maximum": ""
                }
            }
        ]
    },
    "ClientRequestToken": ""
}"#;

    /// An unfilled skeleton names every empty member once, with the remedy; an empty prefix is what the model allows.
    #[test]
    fn skeleton_names_what_is_empty() {
        let found = problems(SKELETON);
        let named: Vec<&str> = found.iter().map(|p| p.split('`').nth(1).unwrap()).collect();
        assert_eq!(
            named,
            [
                "KmsKeyId",
                "Settings.OutputConfig.S3Bucket",
                "Settings.ChallengePreferences.1.Versions.Minimum",
                "Settings.ChallengePreferences.1.Versions.Maximum",
                "ClientRequestToken"
            ]
        );
        assert!(found.iter().all(|p| p.contains("delete members that you do not use")));
    }

    /// A filled skeleton is the request that serde reads from it.
    #[test]
    fn filled_skeleton_works() {
        let filled = SKELETON
            .replace("\"KmsKeyId\": \"\"", "\"KmsKeyId\": \"alias/liveness\"")
            .replace("\"S3Bucket\": \"\"", "\"S3Bucket\": \"my-bucket\"")
            .replace("imum\": \"\"", "imum\": \"1.0.0\"")
            .replace("\"ClientRequestToken\": \"\"", "\"ClientRequestToken\": \"t-1\"");
        let mut found = Found::default();
        let request = read(&from_json(&filled).unwrap(), Held::Model, &mut found);
        assert_eq!(found.list, []);
        assert_eq!(request, serde_json::from_str(&filled).unwrap());
    }

    /// An unchecked request keeps what the service would clamp or refuse; names and types are held all the same.
    #[test]
    fn unchecked_requests_keep_their_form() {
        let text =
            "ClientRequestToken = \"bad token!\"\n[Settings]\nAuditImagesLimit = -1\nOutputConfig = { S3Bucket = \"x\" }\n";
        let mut found = Found::default();
        let request = read(&from_toml(text).0, Held::Form, &mut found);
        assert_eq!(found.list, []);
        assert_eq!(request.settings.as_ref().and_then(|settings| settings.audit_images_limit), Some(-1));
        assert!(!request.violations().is_empty());
        for wrong in [
            "KmsKeyID = \"k\"",
            "ClientRequestToken = 1",
            "[Settings]\nOutputConfig = {}",
            "[Settings]\nAuditImagesLimit = 99999999999",
        ] {
            let mut found = Found::default();
            read(&from_toml(wrong).0, Held::Form, &mut found);
            assert_eq!(found.list.len(), 1, "{wrong}");
        }
    }

    /// Unknown members, wrong types and broken constraints are all named, each at its place.
    #[test]
    fn everything_wrong_is_named() {
        let text = "KmsKeyID = \"k\"\nClientRequestToken = \"bad token!\"\n[Settings]\nAuditImagesLimit = 5\nOutputConfig = { S3Bucket = \"my bucket\", Region = 1 }\nChallengePreferences = [ { Type = \"Dance\" }, { Versions = { Minimum = \"1.0\" } }, 3 ]\n";
        insta::assert_snapshot!(problems(text).join("\n"), @r##"
        "KmsKeyID": unknown key `KmsKeyID` in `request` (did you mean `KmsKeyId`?)
        "Region": unknown key `Region` in `OutputConfig` (known keys here: S3Bucket, S3KeyPrefix)
        "{ Versions = { Minimum = \"1.0\" } }": a challenge preference has no `Type` (add it, like "FaceMovementChallenge": the service requires it here)
        "3": a challenge preference is a table, not a whole number (write it like { Type = ... })
        "\"my bucket\"": `Settings.OutputConfig.S3Bucket` cannot be `my bucket` (the service allows [0-9A-Za-z\.\-_]* (letters, digits, dots, dashes and underscores))
        "5": `Settings.AuditImagesLimit` cannot be `5` (the service says: Member must have value less than or equal to 4)
        "\"Dance\"": `Settings.ChallengePreferences.1.Type` cannot be `Dance` (the service says: Member must satisfy enum value set: [FaceMovementAndLightChallenge, FaceMovementChallenge])
        "\"1.0\"": `Settings.ChallengePreferences.2.Versions.Minimum` cannot be `1.0` (the service says: Member must have length greater than or equal to 5; the service allows ^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$ (like 1.0.0))
        "\"bad token!\"": `ClientRequestToken` cannot be `bad token!` (the service allows ^[a-zA-Z0-9-_]+$ (letters, digits, dashes and underscores))
        "##);
        let text = r#"{"KmsKeyId": null, "Settings": {"OutputConfig": {}, "AuditImagesLimit": 1e3}}"#;
        insta::assert_snapshot!(problems(text).join("\n"), @r##"
        "null": `KmsKeyId` is a text, not null (write it like "alias/liveness")
        "\"OutputConfig\"": `OutputConfig` has no `S3Bucket` (add it, like "my-bucket": the service requires it here)
        "1e3": `AuditImagesLimit` is a whole number, not a number with a point (write it like 4)
        "##);
    }
}
