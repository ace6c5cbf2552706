//! From what was typed to the request: files, shorthand and JSON, and which of them counts.

use serde_json::{Map, Value};

use super::paramfile::{self, Loaded};
use super::{model, shorthand};
use crate::client::request::CreateRequest;

/// The options that say what is asked, as they were typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// `--kms-key-id`.
    pub kms_key_id: Option<String>,
    /// `--settings`: JSON, shorthand, or the file that holds either.
    pub settings: Option<String>,
    /// `--client-request-token`.
    pub client_request_token: Option<String>,
    /// `--cli-input-json`: the whole input.
    pub cli_input_json: Option<String>,
}

/// Reads the members of the input. Options override the members of `--cli-input-json` of the same name, whole.
pub fn members(args: &Typed) -> Result<Map<String, Value>, String> {
    let mut members = Map::new();
    for (option, name, value) in [
        ("--kms-key-id", "KmsKeyId", &args.kms_key_id),
        ("--client-request-token", "ClientRequestToken", &args.client_request_token),
    ] {
        if let Some(value) = value {
            let loaded = paramfile::text(value).map_err(|e| bad(option, &e))?;
            members.insert(name.to_owned(), Value::String(loaded.unwrap_or_else(|| value.clone())));
        }
    }
    if let Some(value) = &args.settings {
        members.insert("Settings".to_owned(), settings(value).map_err(|e| bad("--settings", &e))?);
    }
    if let Some(value) = &args.cli_input_json {
        for (name, value) in input_json(value).map_err(|e| bad("--cli-input-json", &e))? {
            members.entry(name).or_insert(value);
        }
    }
    Ok(members)
}

/// The request, or every problem it has.
pub fn request(members: Map<String, Value>) -> Result<CreateRequest, String> {
    let problems = model::problems(&members);
    if !problems.is_empty() {
        return Err(format!("Parameter validation failed:\n{}", problems.join("\n")));
    }
    serde_json::from_value(Value::Object(members)).map_err(|e| format!("Parameter validation failed:\n{e}"))
}

fn bad(option: &str, why: &str) -> String {
    format!("Error parsing parameter '{option}': {why}")
}

/// JSON if it begins like JSON, else shorthand.
fn settings(value: &str) -> Result<Value, String> {
    let loaded = paramfile::text(value)?;
    let text = loaded.as_deref().unwrap_or(value);
    if text.trim_start().starts_with(['{', '[']) {
        return json(text);
    }
    let members = shorthand::parse(text, &paramfile::text).map_err(|e| with_file(e.to_string(), value))?;
    model::settings_from_shorthand(members)
}

fn input_json(value: &str) -> Result<Map<String, Value>, String> {
    let loaded = match paramfile::load(value)? {
        Loaded::Itself => value.to_owned(),
        Loaded::Text(text) => text,
        Loaded::Bytes(bytes) => String::from_utf8(bytes).map_err(|_| format!("{value} is not UTF-8"))?,
    };
    match json(&loaded).map_err(|error| with_file(error, value))? {
        Value::Object(members) => Ok(members),
        _ => Err(format!("it is not a JSON object, as --generate-cli-skeleton prints it\nJSON received: {loaded}")),
    }
}

/// The error of a value that names a file, where the file's contents were meant.
fn with_file(error: String, value: &str) -> String {
    let path = std::path::Path::new(value);
    let named =
        path.is_file() || path.extension().is_some_and(|ending| ["json", "txt", "yaml", "yml"].iter().any(|e| ending == *e));
    if named && !value.contains("://") { format!("{error}\nDid you mean file://{value}?") } else { error }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| format!("Invalid JSON: {e}\nJSON received: {text}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn args(given: &[&str]) -> Typed {
        let mut typed = Typed::default();
        for pair in given.chunks(2) {
            let field = match pair[0] {
                "--kms-key-id" => &mut typed.kms_key_id,
                "--settings" => &mut typed.settings,
                "--client-request-token" => &mut typed.client_request_token,
                "--cli-input-json" => &mut typed.cli_input_json,
                other => panic!("{other}"),
            };
            *field = Some(pair[1].to_owned());
        }
        typed
    }

    fn read(given: &[&str]) -> Value {
        Value::Object(members(&args(given)).unwrap_or_else(|e| panic!("{given:?}: {e}")))
    }

    fn refused(given: &[&str]) -> String {
        members(&args(given)).and_then(request).unwrap_err()
    }

    /// Shorthand, JSON and a file say the same.
    #[test]
    fn settings_in_every_form() {
        let dir = tempfile::tempdir().unwrap();
        let expected = json!({"Settings": {"OutputConfig": {"S3Bucket": "b-1", "S3KeyPrefix": "p/"}, "AuditImagesLimit": 4}});
        let short = "OutputConfig={S3Bucket=b-1,S3KeyPrefix=p/},AuditImagesLimit=4";
        let long = format!("  {}", expected["Settings"]);
        for (name, form) in [("short", short), ("long", &long)] {
            let path = dir.path().join(name);
            std::fs::write(&path, form).unwrap();
            assert_eq!(read(&["--settings", form]), expected);
            assert_eq!(read(&["--settings", &format!("file://{}", path.display())]), expected);
        }
        assert_eq!(read(&[]), json!({}));
    }

    /// An option replaces the whole member of the JSON input, and leaves the others.
    #[test]
    fn options_override_the_json_input() {
        let dir = tempfile::tempdir().unwrap();
        let input = json!({
            "KmsKeyId": "json-key",
            "Settings": {"OutputConfig": {"S3Bucket": "json-bucket"}, "AuditImagesLimit": 1},
            "ClientRequestToken": "json-token",
        });
        let path = dir.path().join("input.json");
        std::fs::write(&path, input.to_string()).unwrap();
        for prefix in ["file://", "fileb://"] {
            let from = format!("{prefix}{}", path.display());
            assert_eq!(read(&["--cli-input-json", &from]), input);
            assert_eq!(
                read(&["--settings", "AuditImagesLimit=2", "--cli-input-json", &from, "--client-request-token", "own"]),
                json!({"KmsKeyId": "json-key", "Settings": {"AuditImagesLimit": 2}, "ClientRequestToken": "own"})
            );
        }
    }

    /// Each refusal names the option, or all problems of the whole.
    #[test]
    fn refusals() {
        assert!(refused(&["--settings", "AuditImagesLimit"]).starts_with("Error parsing parameter '--settings': Expected: '='"));
        assert!(refused(&["--settings", "[]"]).starts_with("Parameter validation failed:\nInvalid type for parameter Settings,"));
        assert!(refused(&["--settings", "{\"a\":"]).contains("Invalid JSON: EOF while parsing"));
        assert!(refused(&["--settings", "nosuch.json"]).ends_with("Did you mean file://nosuch.json?"));
        assert!(refused(&["--cli-input-json", "nosuch.json"]).ends_with("Did you mean file://nosuch.json?"));
        assert!(!refused(&["--cli-input-json", "{}}"]).contains("Did you mean"));
        assert!(refused(&["--cli-input-json", "[1]"]).contains("it is not a JSON object"));
        assert!(refused(&["--kms-key-id", "http://x"]).starts_with("Error parsing parameter '--kms-key-id': livebench loads"));
        assert!(refused(&["--kms-key-id", "fileb:///etc/hostname"]).contains("gives bytes"));
        assert_eq!(
            refused(&["--kms-key-id", "", "--settings", "OutputConfig={},AuditImagesLimit=-1"]),
            "Parameter validation failed:\nInvalid length for parameter KmsKeyId, value: 0, valid min length: 1\n\
             Missing required parameter in Settings.OutputConfig: \"S3Bucket\"\n\
             Invalid value for parameter Settings.AuditImagesLimit, value: -1, valid min value: 0"
        );
    }

    /// The skeleton, filled in by nobody, is refused only for what is empty in it; filled in, it is sent.
    #[test]
    fn the_skeleton_is_an_input() {
        let skeleton = Value::from(&model::input_skeleton()).to_string();
        assert!(refused(&["--cli-input-json", &skeleton]).contains("KmsKeyId, value: 0"));
        let filled = skeleton.replace("\"KmsKeyId\":\"\"", "\"KmsKeyId\":\"k\"").replace("n\":\"\"", "n\":\"token\"");
        let filled = filled.replace("\"S3Bucket\":\"\"", "\"S3Bucket\":\"bucket\"").replace("mum\":\"\"", "mum\":\"1.0.0\"");
        let made = request(members(&args(&["--cli-input-json", &filled])).unwrap()).unwrap();
        assert_eq!(made.client_request_token.as_deref(), Some("token"));
        assert_eq!(made.violations(), []);
    }
}
