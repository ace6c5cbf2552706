//! The operation's input as the AWS CLI's model has it: what is checked before anything is sent, and the skeletons.
//!
//! Like botocore it checks types, required and unknown members and minima, and leaves maxima, patterns and enumerations to the
//! service: to see its refusal is what a preflight is for. Source: `CreateFaceLivenessSession` in botocore 1.43.62, and its
//! `validate.py`, whose words the problems have.

use serde_json::{Map, Value};

use super::data::Data;
use crate::service::constraint::{self, CHALLENGE_TYPES};

/// What a member may be.
#[derive(Debug)]
enum Shape {
    /// Text of at least `min` characters; `sample` is what a skeleton says.
    Text { min: usize, sample: &'static str },
    /// A whole number of at least `min`.
    Integer { min: i32 },
    /// Any number of the same.
    List(&'static Shape),
    /// Named members.
    Structure { members: &'static [(&'static str, &'static Shape)], required: &'static [&'static str] },
}

const fn text(min: usize) -> Shape {
    Shape::Text { min, sample: "" }
}

static PREFIX: Shape = text(constraint::S3_KEY_PREFIX.min);
static KEY: Shape = text(constraint::KMS_KEY_ID.min);
static TOKEN: Shape = text(constraint::CLIENT_REQUEST_TOKEN.min);
static BUCKET: Shape = text(constraint::S3_BUCKET.min);
static VERSION: Shape = text(constraint::VERSION.min);
static LIMIT: Shape = Shape::Integer { min: *constraint::AUDIT_IMAGES.start() };
static TYPE: Shape = Shape::Text { min: 0, sample: CHALLENGE_TYPES[0] };
static VERSIONS: Shape = Shape::Structure { members: &[("Minimum", &VERSION), ("Maximum", &VERSION)], required: &[] };
static CHALLENGE: Shape = Shape::Structure { members: &[("Type", &TYPE), ("Versions", &VERSIONS)], required: &["Type"] };
static CHALLENGES: Shape = Shape::List(&CHALLENGE);
static OUTPUT_CONFIG: Shape =
    Shape::Structure { members: &[("S3Bucket", &BUCKET), ("S3KeyPrefix", &PREFIX)], required: &["S3Bucket"] };
static SETTINGS: Shape = Shape::Structure {
    members: &[("OutputConfig", &OUTPUT_CONFIG), ("AuditImagesLimit", &LIMIT), ("ChallengePreferences", &CHALLENGES)],
    required: &[],
};
static INPUT: Shape =
    Shape::Structure { members: &[("KmsKeyId", &KEY), ("Settings", &SETTINGS), ("ClientRequestToken", &TOKEN)], required: &[] };
static OUTPUT: Shape = Shape::Structure {
    members: &[("SessionId", &Shape::Text { min: constraint::SESSION_ID.min, sample: "SessionId" })],
    required: &[],
};

/// Everything for which botocore would refuse `input`, and what livebench cannot say; empty when it can be sent.
pub fn problems(input: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    check_members(input, &INPUT, "", &mut found);
    found
}

/// Turns what shorthand leaves as text into what `Settings` wants: whole numbers, and lists of one.
pub fn settings_from_shorthand(mut settings: Map<String, Value>) -> Result<Value, String> {
    coerce_members(&mut settings, &SETTINGS)?;
    Ok(Value::Object(settings))
}

/// The sample input of `--generate-cli-skeleton input`.
pub fn input_skeleton() -> Data {
    skeleton(&INPUT)
}

/// The sample output of `--generate-cli-skeleton output`.
pub fn output_skeleton() -> Data {
    skeleton(&OUTPUT)
}

fn check(value: &Value, shape: &Shape, path: &str, found: &mut Vec<String>) {
    match (shape, value) {
        (Shape::Text { min, .. }, Value::String(text)) => {
            let length = text.chars().count();
            if length < *min {
                found.push(format!("Invalid length for parameter {path}, value: {length}, valid min length: {min}"));
            }
        }
        (Shape::Integer { min }, Value::Number(number)) if !is_fraction(number) => match number.as_i64() {
            Some(n) if n < i64::from(*min) => {
                found.push(format!("Invalid value for parameter {path}, value: {n}, valid min value: {min}"));
            }
            Some(n) if i32::try_from(n).is_ok() => {}
            _ => found.push(format!("{path} is {number}, and livebench sends 32-bit numbers only: at most {}", i32::MAX)),
        },
        (Shape::List(item), Value::Array(items)) => {
            for (i, value) in items.iter().enumerate() {
                check(value, item, &format!("{path}[{i}]"), found);
            }
        }
        (Shape::Structure { .. }, Value::Object(members)) => check_members(members, shape, path, found),
        _ => found.push(format!(
            "Invalid type for parameter {path}, value: {value}, type: {}, valid types: {}",
            kind_of(value),
            shape.kind()
        )),
    }
}

fn check_members(given: &Map<String, Value>, shape: &Shape, path: &str, found: &mut Vec<String>) {
    let Shape::Structure { members, required } = shape else { return };
    let name = if path.is_empty() { "input" } else { path };
    for missing in required.iter().filter(|member| !given.contains_key(**member)) {
        found.push(format!("Missing required parameter in {name}: \"{missing}\""));
    }
    let known: Vec<&str> = members.iter().map(|(member, _)| *member).collect();
    for unknown in given.keys().filter(|member| !known.contains(&member.as_str())) {
        found.push(format!("Unknown parameter in {name}: \"{unknown}\", must be one of: {}", known.join(", ")));
    }
    for (member, shape) in *members {
        if let Some(value) = given.get(*member) {
            let path = if path.is_empty() { (*member).to_owned() } else { format!("{path}.{member}") };
            check(value, shape, &path, found);
        }
    }
}

/// A number with a point or an exponent. One too large for 64 bits has neither and is whole.
fn is_fraction(number: &serde_json::Number) -> bool {
    number.is_f64() && number.as_f64().is_some_and(|n| n.abs() < 1e18)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number with a fraction",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "structure",
    }
}

impl Shape {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "string",
            Self::Integer { .. } => "integer",
            Self::List(_) => "list",
            Self::Structure { .. } => "structure",
        }
    }
}

fn coerce_members(given: &mut Map<String, Value>, shape: &Shape) -> Result<(), String> {
    let Shape::Structure { members, .. } = shape else { return Ok(()) };
    for (member, shape) in *members {
        if let Some(value) = given.get_mut(*member) {
            coerce(value, shape)?;
        }
    }
    Ok(())
}

fn coerce(value: &mut Value, shape: &Shape) -> Result<(), String> {
    match (shape, &mut *value) {
        (Shape::Integer { .. }, Value::String(text)) => *value = Value::Number(integer(text)?),
        (Shape::List(_), Value::String(_) | Value::Object(_)) => *value = Value::Array(vec![value.take()]),
        (Shape::List(item), Value::Array(items)) => {
            for value in items {
                coerce(value, item)?;
            }
        }
        (Shape::Structure { .. }, Value::Object(members)) => coerce_members(members, shape)?,
        _ => {}
    }
    Ok(())
}

/// What Python's `int()` takes: space around, a sign, `_` between digits.
fn integer(text: &str) -> Result<serde_json::Number, String> {
    let refused = || format!("invalid literal for int() with base 10: '{text}': AuditImagesLimit is a whole number");
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if digits.split('_').any(|group| group.is_empty() || !group.bytes().all(|b| b.is_ascii_digit())) {
        return Err(refused());
    }
    let plain = trimmed.replace('_', "");
    plain
        .parse::<i64>()
        .map(Into::into)
        .map_err(|_| format!("{trimmed} is too large: livebench sends 32-bit numbers only, at most {}", i32::MAX))
}

fn skeleton(shape: &Shape) -> Data {
    match shape {
        Shape::Text { sample, .. } => Data::Text((*sample).to_owned()),
        Shape::Integer { .. } => Data::Number(0.into()),
        Shape::List(item) => Data::List(vec![skeleton(item)]),
        Shape::Structure { members, .. } => {
            Data::Map(members.iter().map(|(name, shape)| ((*name).to_owned(), skeleton(shape))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems_of(input: Value) -> Vec<String> {
        let Value::Object(input) = input else { panic!("{input}") };
        problems(&input)
    }

    /// Every kind of problem, all at once, in botocore's words where it has them.
    #[test]
    fn all_problems_at_once() {
        let input = json!({
            "KmsKeyId": "",
            "Settings": {
                "OutputConfig": {"S3KeyPrefix": 5},
                "AuditImagesLimit": -1,
                "ChallengePreferences": [{"Versions": {"Minimum": "1.0"}}, "X"],
                "Colour": null,
            },
            "ClientRequestToken": null,
            "Extra": 1,
        });
        insta::assert_snapshot!(problems_of(input).join("\n"), @r#"
        Unknown parameter in input: "Extra", must be one of: KmsKeyId, Settings, ClientRequestToken
        Invalid length for parameter KmsKeyId, value: 0, valid min length: 1
        Unknown parameter in Settings: "Colour", must be one of: OutputConfig, AuditImagesLimit, ChallengePreferences
        Missing required parameter in Settings.OutputConfig: "S3Bucket"
        Invalid type for parameter Settings.OutputConfig.S3KeyPrefix, value: 5, type: integer, valid types: string
        Invalid value for parameter Settings.AuditImagesLimit, value: -1, valid min value: 0
        Missing required parameter in Settings.ChallengePreferences[0]: "Type"
        Invalid length for parameter Settings.ChallengePreferences[0].Versions.Minimum, value: 3, valid min length: 5
        Invalid type for parameter Settings.ChallengePreferences[1], value: "X", type: string, valid types: structure
        Invalid type for parameter ClientRequestToken, value: null, type: null, valid types: string
        "#);
    }

    /// Maxima, patterns and enumerations are the service's to refuse.
    #[test]
    fn what_botocore_sends_is_sent() {
        let long = "x y".repeat(1000);
        let input = json!({
            "KmsKeyId": long, "ClientRequestToken": long,
            "Settings": {"AuditImagesLimit": i32::MAX, "OutputConfig": {"S3Bucket": "a b"}, "ChallengePreferences": [{"Type": "Dance"}]},
        });
        assert_eq!(problems_of(input), Vec::<String>::new());
    }

    /// The SDK's number has 32 bits, botocore's any; a fraction is neither.
    #[test]
    fn numbers() {
        let of = |limit: &str| {
            let settings = format!(r#"{{"Settings":{{"AuditImagesLimit":{limit}}}}}"#);
            problems_of(serde_json::from_str(&settings).unwrap()).join("; ")
        };
        for large in ["2147483648", "99999999999999999999"] {
            assert!(of(large).contains("livebench sends 32-bit numbers only"), "{}", of(large));
        }
        for fraction in ["1.5", "4.0", "1e2"] {
            assert!(of(fraction).contains("number with a fraction, valid types: integer"), "{}", of(fraction));
        }
        assert!(of("true").contains("type: boolean"));
    }

    /// Shorthand's text becomes numbers and lists where the model wants them, and stays text elsewhere.
    #[test]
    fn shorthand_is_typed() {
        let of = |value: Value| match value {
            Value::Object(members) => settings_from_shorthand(members),
            other => panic!("{other}"),
        };
        let given = json!({
            "AuditImagesLimit": " +1_0 ",
            "OutputConfig": {"S3Bucket": "1"},
            "ChallengePreferences": {"Type": "X", "Versions": {"Minimum": "1"}},
        });
        assert_eq!(
            of(given).unwrap(),
            json!({
                "AuditImagesLimit": 10,
                "OutputConfig": {"S3Bucket": "1"},
                "ChallengePreferences": [{"Type": "X", "Versions": {"Minimum": "1"}}],
            })
        );
        for wrong in ["", "a", "1.5", "1__0", "_1", "0x4", "- 1"] {
            assert!(of(json!({"AuditImagesLimit": wrong})).unwrap_err().contains("whole number"), "{wrong}");
        }
        assert!(of(json!({"AuditImagesLimit": "99999999999999999999"})).unwrap_err().contains("32-bit"));
    }
}
