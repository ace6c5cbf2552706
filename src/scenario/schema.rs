//! The JSON Schema of a scenario's TOML, made of the declarations of its keys.

use std::sync::LazyLock;
use std::time::Duration;

use humantime::format_duration;
use serde_json::{Map, Value, json};

use super::keys::SCENARIO;
use crate::key::{Absent, Given, TableKey, TableKeys, TextRule, ValueForm, Variant};
use crate::metric::{Metric, Quantity, Series};

/// The published JSON Schema (draft 2020-12) of a scenario, for editors and other programs.
///
/// It states the form; conditions between values that a schema cannot say are checked by [`super::read`] alone.
pub fn schema() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document(&SCENARIO, limits().into_iter().collect()));
    &TEXT
}

/// The JSON Schema of a document with these keys; `others` are definitions that it refers to besides.
pub(crate) fn document(keys: &'static TableKeys, others: Map<String, Value>) -> String {
    let mut defs = Definitions::default();
    let mut document = object(keys, None, &mut defs);
    let mut defs = defs.made;
    defs.extend(others);
    document.extend([
        ("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema")),
        ("$id".to_owned(), json!(format!("https://livebench.invalid/schema/{}.json", keys.name))),
        ("title".to_owned(), json!(format!("livebench {}", keys.name))),
        ("$defs".to_owned(), Value::Object(defs)),
    ]);
    format!("{:#}\n", Value::Object(document))
}

/// The definitions of tables.
#[derive(Debug, Default)]
struct Definitions {
    made: Map<String, Value>,
    /// Whether only types are held, and no bounds.
    lifted: bool,
}

/// A table, or one variant of it; the tables within go to `defs`.
fn object(keys: &'static TableKeys, variant: Option<&'static Variant>, defs: &mut Definitions) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    if let Some(variant) = variant.filter(|_| !keys.tag.is_empty()) {
        let mut tag = json!({ "const": variant.name, "description": variant.help });
        if std::ptr::eq(keys.variants[0], variant) {
            tag["default"] = json!(variant.name);
        } else {
            required.push(keys.tag);
        }
        properties.insert(keys.tag.to_owned(), tag);
    }
    for key in variant.into_iter().flat_map(|variant| variant.keys).chain(keys.keys) {
        if matches!(key.absent, Absent::Required(_)) {
            required.push(key.name);
        }
        properties.insert(key.name.to_owned(), property(key, defs));
    }
    // What never stands at all is said where it would stand.
    for (head, rest) in keys.never.iter().filter(|paths| paths.len() == 1).filter_map(|paths| paths[0].split_once('.')) {
        if let Some(property) = properties.get_mut(head) {
            property["not"] = all_of(&[rest]);
        }
    }
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("description".to_owned(), json!(variant.map_or(keys.help, |variant| variant.help)));
    object.insert("additionalProperties".to_owned(), json!(false));
    object.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    let together: Vec<Value> = keys.never.iter().filter(|paths| paths.len() > 1).map(|paths| all_of(paths)).collect();
    if !together.is_empty() {
        object.insert("not".to_owned(), json!({ "anyOf": together }));
    }
    if let Some((flag, key)) = keys.lifts
        && let Some(key) = keys.find(key, variant)
    {
        lift(flag, key, &mut object, defs);
    }
    object
}

/// Moves the bounds of `key` to where `flag` is not true.
fn lift(flag: &str, key: &'static TableKey, object: &mut Map<String, Value>, defs: &mut Definitions) {
    let bound = object.get_mut("properties").and_then(|properties| properties.get_mut(key.name));
    let Some(bound) = bound else { return };
    defs.lifted = true;
    let loose = property(key, defs);
    defs.lifted = false;
    let bound = std::mem::replace(bound, loose);
    object.insert("if".to_owned(), json!({ "properties": { flag: { "const": true } }, "required": [flag] }));
    object.insert("else".to_owned(), json!({ "properties": { key.name: bound } }));
}

/// What holds where every one of the paths is there.
fn all_of(paths: &[&str]) -> Value {
    let mut heads: Vec<&str> = Vec::new();
    let mut inner = Map::new();
    for path in paths {
        let (head, rest) = path.split_once('.').map_or((*path, None), |(head, rest)| (head, Some(rest)));
        heads.push(head);
        if let Some(rest) = rest {
            inner.insert(head.to_owned(), all_of(&[rest]));
        }
    }
    let mut all = json!({ "required": heads });
    if !inner.is_empty() {
        all["properties"] = Value::Object(inner);
    }
    all
}

/// A reference to the definition of a table, which is made when it is the first.
fn reference(keys: &'static TableKeys, defs: &mut Definitions) -> Value {
    let name = if defs.lifted { format!("{}_unchecked", keys.name) } else { keys.name.to_owned() };
    if !defs.made.contains_key(&name) {
        // Its place is taken first, so that a table within itself ends.
        defs.made.insert(name.clone(), Value::Null);
        let definition = match (keys.variants, &keys.plain) {
            ([], None) => Value::Object(object(keys, None, defs)),
            ([], Some(form)) => {
                let object = Value::Object(object(keys, None, defs));
                json!({ "description": keys.help, "oneOf": [simple(form), object] })
            }
            (variants, _) => {
                let plain = keys.plain.as_ref().map(|form| plain(form, keys.variants));
                let variants = variants.iter().map(|variant| Value::Object(object(keys, Some(variant), defs)));
                json!({ "description": keys.help, "oneOf": plain.into_iter().chain(variants).collect::<Vec<_>>() })
            }
        };
        defs.made.insert(name.clone(), definition);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// A plain value in the place of a table, described as the variant that has one key of the same form.
fn plain(form: &ValueForm, variants: &[&'static Variant]) -> Value {
    let mut value = simple(form);
    let same = variants.iter().find(|variant| variant.keys.len() == 1);
    if let Some(variant) = same {
        value["description"] = json!(format!("{}{}", variant.help, in_words(form)));
    }
    value
}

fn property(key: &'static TableKey, defs: &mut Definitions) -> Value {
    let mut value = match &key.form {
        ValueForm::Table(keys) => reference(keys, defs),
        ValueForm::Tables { of, count } => {
            let mut list = json!({ "type": "array", "items": reference(of, defs) });
            if *count.start() > 0 {
                list["minItems"] = json!(count.start());
            }
            if *count.end() < usize::MAX {
                list["maxItems"] = json!(count.end());
            }
            list
        }
        ValueForm::Thresholds => thresholds(),
        form if defs.lifted => unbounded(form),
        form => simple(form),
    };
    if !key.help.is_empty() {
        let without = match key.absent {
            Absent::Means(without) if !without.is_empty() => format!(" Without it: {without}."),
            _ => String::new(),
        };
        value["description"] = json!(format!("{}{without}{}", key.help, in_words(&key.form)));
    }
    match key.absent {
        Absent::Is(Given::Integer(number)) => value["default"] = json!(number),
        Absent::Is(Given::Number(number)) => value["default"] = json!(number),
        Absent::Is(Given::Text(text)) => value["default"] = json!(text),
        Absent::Is(Given::Truth(truth)) => value["default"] = json!(truth),
        Absent::Required(_) | Absent::Means(_) => {}
    }
    if let (ValueForm::Duration(_) | ValueForm::Text(_), Some(text)) = (&key.form, key.example.strip_prefix('"')) {
        value["examples"] = json!([text.trim_end_matches('"')]);
    }
    value
}

/// A value that is no table.
fn simple(form: &ValueForm) -> Value {
    match form {
        ValueForm::Integer(range) => json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }),
        ValueForm::OneOf(numbers) => json!({ "enum": numbers }),
        ValueForm::Number(range) => json!({ "type": "number", "minimum": range.start(), "maximum": range.end() }),
        ValueForm::Rate => json!({ "type": "number", "minimum": 0, "maximum": crate::units::Rate::MAX_PER_SECOND }),
        ValueForm::PositiveRate => {
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": crate::units::Rate::MAX_PER_SECOND })
        }
        ValueForm::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        ValueForm::Part => json!({ "type": ["number", "boolean"], "minimum": 0, "maximum": 1 }),
        ValueForm::Percent => json!({ "oneOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": r"^\s*[0-9]*\.?[0-9]+\s*%$", "examples": ["5%"] },
        ] }),
        ValueForm::PerSecond => json!({ "oneOf": [
            { "type": "number", "minimum": 0, "maximum": crate::units::Rate::MAX_PER_SECOND },
            { "type": "string", "pattern": r"^\s*[0-9]*\.?[0-9]+\s*/s$", "examples": ["20/s"] },
        ] }),
        ValueForm::NumberOr { range, word } => json!({ "oneOf": [
            { "type": "number", "minimum": range.start(), "maximum": range.end() },
            { "const": word },
        ] }),
        ValueForm::Duration(_) => json!({ "type": "string", "pattern": r"^\s*[0-9][0-9a-zA-Zµ\s]*$" }),
        ValueForm::Text(text) => of_text(text),
        ValueForm::Word(words) => json!({ "enum": words }),
        ValueForm::Words(words) => json!({ "type": "array", "minItems": 1, "items": { "enum": words } }),
        ValueForm::Truth => json!({ "type": "boolean" }),
        ValueForm::Table(_) | ValueForm::Tables { .. } | ValueForm::Thresholds => json!({}),
    }
}

fn of_text(text: &TextRule) -> Value {
    let mut value = json!({ "type": "string" });
    if *text.length.start() > 0 {
        value["minLength"] = json!(text.length.start());
    }
    if *text.length.end() < usize::MAX {
        value["maxLength"] = json!(text.length.end());
    }
    if let Some(pattern) = text.pattern {
        value["pattern"] = json!(pattern);
    }
    value
}

/// A value without its bounds.
fn unbounded(form: &ValueForm) -> Value {
    match form {
        ValueForm::Integer(_) | ValueForm::OneOf(_) => json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }),
        ValueForm::Text(_) | ValueForm::Word(_) => json!({ "type": "string" }),
        form => simple(form),
    }
}

/// What the form says that no keyword of a schema can: the bounds of a duration, and how one is written.
fn in_words(form: &ValueForm) -> String {
    let ValueForm::Duration(range) = form else { return String::new() };
    format!(" {}. A duration with its unit: 250ms, 30s, 5m, 1h 30m.", span(range.start(), range.end()))
}

/// A range of durations in words.
pub(super) fn span(least: &Duration, most: &Duration) -> String {
    let shortest = Duration::from_nanos(1);
    match (*least, format_duration(*most)) {
        (least, most) if least.is_zero() => format!("Up to {most}"),
        (least, most) if least == shortest => format!("Above 0, up to {most}"),
        (least, most) => format!("{} to {most}", format_duration(least)),
    }
}

fn thresholds() -> Value {
    let property = |metric: Metric| {
        let limit = match metric.quantity() {
            Quantity::Time => "time_limit",
            Quantity::Share => "share_limit",
            Quantity::Rate => "rate_limit",
            // No threshold is a ratio.
            Quantity::Count | Quantity::LogRatio => "count_limit",
        };
        (metric.name().to_owned(), json!({ "$ref": format!("#/$defs/{limit}"), "description": described(metric) }))
    };
    let properties: Map<String, Value> = Metric::thresholds().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// How each kind of limit is written.
fn limits() -> [(String, Value); 4] {
    let limit = |name: &str, number: &str, example: &str, what: &str| {
        let pattern = format!(r"^\s*(<=|>=|==|!=|<|>)\s*{number}\s*$");
        let value = json!({ "type": "string", "pattern": pattern, "examples": [example], "description": what });
        (name.to_owned(), value)
    };
    [
        limit("time_limit", r"[0-9][0-9a-zA-Zµ\s]*[a-z]", "< 800ms", "A comparison and a time with its unit."),
        limit("share_limit", r"[0-9]*\.?[0-9]+\s*%", "< 1%", "A comparison and a share from 0% to 100%."),
        limit("rate_limit", r"[0-9]*\.?[0-9]+\s*/s", ">= 25/s", "A comparison and calls per second."),
        limit("count_limit", "[0-9]+", "== 0", "A comparison and a whole number."),
    ]
}

/// What a metric is, and how its limit is written.
fn described(metric: Metric) -> String {
    let what = match metric {
        Metric::Latency(series, _) => {
            let series = match series {
                Series::Lateness => "lateness (sent - due, ours, over everything that was sent)",
                Series::Service => "service (done - sent, over the calls that ended ok)",
                Series::Response => "response (done - due, the time a user would have waited, over the calls that ended ok)",
            };
            format!("{series}: {}", metric.name().rsplit('.').next().unwrap_or_default())
        }
        Metric::Ok => "Share of the sent calls that handed out a session".to_owned(),
        Metric::Errors => "Share of the sent calls that ended neither ok nor throttled".to_owned(),
        Metric::Malformed => "Share of the sent calls that ended as a 200 without a session id".to_owned(),
        Metric::Throttled => "Share of the sent calls that were refused for rate, whatever the cause".to_owned(),
        Metric::ThrottledQuota => "Share of the sent calls that the account's quota refused".to_owned(),
        Metric::ThrottledRamp => "Share of the sent calls refused because the rate rose too fast".to_owned(),
        Metric::ThrottledService => "Share of the sent calls refused because the service is scaling".to_owned(),
        Metric::Missed => "Share of the offered calls that were due and never sent: no room, or more than 100 ms late".to_owned(),
        Metric::Capped => "Share of the offered calls that max_rate refused".to_owned(),
        Metric::RateOffered => "Scheduled calls per second of the schedule".to_owned(),
        Metric::RateSent => "Sent calls per second".to_owned(),
        Metric::RateOk => "Sessions per second".to_owned(),
        Metric::SessionsDistinct => "Different session ids".to_owned(),
        Metric::IdempotencyViolations => "Same token with different sessions, or one session under different tokens".to_owned(),
    };
    let how = match metric.quantity() {
        Quantity::Time => "a time: \"< 800ms\"",
        Quantity::Share => "a share: \"< 1%\"",
        Quantity::Rate => "a rate: \">= 25/s\"",
        Quantity::Count | Quantity::LogRatio => "a whole number: \"== 0\"",
    };
    format!("{what}. A comparison and {how}.")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    fn document() -> Value {
        serde_json::from_str(super::schema()).unwrap()
    }

    /// The schema is one, by the meta-schema of its draft.
    #[test]
    fn is_a_schema() {
        jsonschema::draft202012::meta::validate(&document()).unwrap();
        jsonschema::draft202012::new(&document()).unwrap();
    }

    /// No table takes a key that is not declared, and none is left half made.
    #[test]
    fn tables_are_closed() {
        let document = document();
        let mut tables = 0;
        closed(&document, &mut tables);
        assert!(tables >= 35, "{tables}");
    }

    fn closed(value: &Value, tables: &mut usize) {
        match value {
            Value::Object(map) => {
                if map.get("type").is_some_and(|t| t == "object") {
                    assert_eq!(map["additionalProperties"], false, "{map:?}");
                    *tables += 1;
                }
                map.values().for_each(|inner| closed(inner, tables));
            }
            Value::Array(items) => items.iter().for_each(|inner| closed(inner, tables)),
            Value::Null => panic!("a definition was never made"),
            _ => {}
        }
    }

    /// Editors show what every key means.
    #[test]
    fn every_key_is_described() {
        let document = document();
        let mut silent = Vec::new();
        undescribed(&document, "", &document, &mut silent);
        assert_eq!(silent, Vec::<String>::new());
    }

    fn undescribed(value: &Value, path: &str, root: &Value, silent: &mut Vec<String>) {
        let Value::Object(map) = value else { return };
        if let Some(Value::Object(properties)) = map.get("properties") {
            for (key, property) in properties {
                let target = property["$ref"].as_str().and_then(|r| root.pointer(r.trim_start_matches('#')));
                let said = property["description"].is_string() || target.is_some_and(|t| t["description"].is_string());
                // A condition under `not` or `if` repeats a key without describing it.
                if !said && !path.contains("/not") && !path.contains("/if") {
                    silent.push(format!("{path}/{key}"));
                }
            }
        }
        for (key, inner) in map {
            match inner {
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(i, v)| undescribed(v, &format!("{path}/{key}/{i}"), root, silent));
                }
                _ => undescribed(inner, &format!("{path}/{key}"), root, silent),
            }
        }
    }
}
