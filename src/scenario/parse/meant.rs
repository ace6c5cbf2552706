//! What a value of the wrong type was probably meant to be, and where a key that is not known here belongs.
//!
//! Refuses to accept either: they make the remedy of a message.

use super::tree::Value;
use crate::key::{Absent, TableKey, TableKeys, ValueForm};
use crate::num::percent;
use crate::scenario::keys::SCENARIO;
use crate::units::{Rate, Share};

/// The value in TOML that `value` was meant to be at a key of this form.
pub(super) fn meant(form: &ValueForm, value: &Value) -> Option<String> {
    match (form, value) {
        (ValueForm::Share | ValueForm::Part, Value::Text(text)) => share(text),
        (ValueForm::Share | ValueForm::Part, Value::Integer(Some(percent))) => share(&format!("{percent}%")),
        (ValueForm::Share | ValueForm::Part, Value::Float(percent)) => share(&format!("{percent}%")),
        (ValueForm::Integer(_) | ValueForm::OneOf(_), Value::Text(text)) => {
            bare(text)?.parse::<u64>().ok().map(|n| n.to_string())
        }
        #[allow(clippy::cast_possible_truncation)] // a number without a fraction, checked
        (ValueForm::Integer(_) | ValueForm::OneOf(_), Value::Float(n)) if n.fract() == 0.0 && (0.0..1e15).contains(n) => {
            Some((*n as i64).to_string())
        }
        (ValueForm::Rate | ValueForm::PositiveRate | ValueForm::Number(_), Value::Text(text)) => {
            let number = bare(text)?.parse::<f64>().ok()?;
            Rate::per_second(number).ok().map(|_| number.to_string())
        }
        (ValueForm::Duration(_), Value::Integer(Some(n @ 0..))) => Some(format!("\"{n}s\", with its unit and in quotes")),
        (ValueForm::Duration(_), Value::Float(n)) if (0.0..1e9).contains(n) => {
            Some(format!("\"{:.0}ms\", with its unit and in quotes", n * 1e3))
        }
        (ValueForm::Truth, Value::Text(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some("true".to_owned()),
            "false" | "no" | "off" | "0" => Some("false".to_owned()),
            _ => None,
        },
        (ValueForm::Truth, Value::Integer(Some(n @ 0..=1))) => Some((*n == 1).to_string()),
        (ValueForm::Text(rule), Value::Integer(Some(n))) if rule.pattern.is_none() => Some(format!("\"{n}\"")),
        _ => None,
    }
}

/// A share of 1 from a text like `5%` or `0.05`.
fn share(text: &str) -> Option<String> {
    Share::new(percent(text).or_else(|| text.trim().parse().ok())?).ok().map(|share| share.as_f64().to_string())
}

/// A number without the unit that it was given: `5/s`, `5 rps`.
fn bare(text: &str) -> Option<String> {
    let text = text.trim().replace(['_', ','], "");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    matches!(unit.trim(), "" | "/s" | "rps" | "qps" | "tps" | "hz" | "calls" | "calls/s" | "req/s").then(|| number.to_owned())
}

/// Words of other load testers, each with what livebench has instead.
const WORDS: &[(&[&str], &str)] = &[
    (
        &["duration", "holdFor", "hold_for", "run_time", "time"],
        "the length is `for`, in a stage: stages = [ { for = \"30s\", rate = 5 } ]",
    ),
    (
        &["rps", "qps", "rate_per_s", "throughput", "arrivalRate", "spawn_rate"],
        "the rate is `rate`, in a stage: stages = [ { for = \"30s\", rate = 5 } ]",
    ),
    (
        &["vus", "users", "virtual_users", "threads", "clients"],
        "workers that wait for their answers are the closed model: model = \"closed\" and stages = [ { for = \"30s\", workers = 8 } ]",
    ),
    (
        &["target", "rampTo", "ramp_to"],
        "a rate that rises is a stage from one rate to another: { for = \"30s\", from = 5, to = 40 }",
    ),
    (
        &["iterations", "requests", "count", "amount", "n"],
        "a number of calls at once is a stage: { calls = 100 }; a hard stop is `max_calls` in [budget]",
    ),
    (
        &["startRate", "start_rate", "preAllocatedVUs", "executor", "scenarios", "phases"],
        "what is sent goes into [load]: stages = [ { for = \"30s\", from = 5, to = 40 } ]",
    ),
    (&["maxVUs", "max_vus", "connections", "max_in_flight"], "the maximum of calls in flight is `concurrency`, in [load]"),
    (&["sleep", "pause", "thinkTime"], "a pause between calls is `think_time`, in [load] with model = \"closed\""),
    (
        &["url", "host", "endpoint", "endpoint_url", "base_url"],
        "the target is chosen on the command line: livebench run FILE --endpoint-url URL",
    ),
    (&["profile"], "the profile is named when it is run: livebench run FILE --profile NAME"),
    (&["timeout", "read_timeout"], "the time for an answer is given when it is run: livebench run FILE --cli-read-timeout 10"),
    (
        &["retries", "max_attempts", "retry_mode"],
        "livebench makes one attempt a call: a retry would hide what the service answered",
    ),
    (
        &["headers", "payload", "method"],
        "what is sent is the operation's own request: [[mix]] with request = { Settings = { ... } }",
    ),
    (&["ensure", "slo", "sla"], "limits go into [thresholds]: \"response.p99\" = \"< 800ms\""),
];

/// Where a key belongs that `table` does not know: in another table of the scenario, or among the words of other load testers.
pub(super) fn belongs(key: &str, table: &'static TableKeys) -> Option<String> {
    let among = |root: &'static TableKeys| {
        let mut path = Vec::new();
        find(root, key, &mut path).then(|| placed(key, &path))
    };
    if !std::ptr::eq(table, &raw const SCENARIO) && !within(&SCENARIO, table) {
        return None;
    }
    let word = || WORDS.iter().find(|(words, _)| words.contains(&key)).map(|(_, instead)| (*instead).to_owned());
    word().or_else(|| among(table)).or_else(|| among(&SCENARIO))
}

/// The same for a word that was typed outside a file: an option of `livebench run`.
pub fn placed_in_scenario(word: &str) -> Option<String> {
    belongs(word, &SCENARIO).or_else(|| SCENARIO.find(word, None).map(|_| format!("`{word}` belongs at the top of the file")))
}

/// The inner tables of a table, by their keys.
fn inner(table: &'static TableKeys) -> impl Iterator<Item = (&'static TableKey, &'static TableKeys)> {
    let all = table.variants.iter().flat_map(|variant| variant.keys).chain(table.keys);
    all.filter_map(|key| match &key.form {
        ValueForm::Table(of) | ValueForm::Tables { of, .. } => Some((key, *of)),
        _ => None,
    })
}

/// Whether `table` stands somewhere in `root`.
fn within(root: &'static TableKeys, table: &'static TableKeys) -> bool {
    inner(root).any(|(_, of)| std::ptr::eq(of, table) || within(of, table))
}

/// Finds the table in `root` that declares `key`, the way there in `path`; tables that are nearer come first.
fn find(root: &'static TableKeys, key: &str, path: &mut Vec<&'static TableKey>) -> bool {
    for (at, of) in inner(root) {
        if of.find(key, None).is_some() {
            path.push(at);
            return true;
        }
    }
    for (at, of) in inner(root) {
        path.push(at);
        if find(of, key, path) {
            return true;
        }
        path.pop();
    }
    false
}

/// Where the last table of `path` is written.
fn placed(key: &str, path: &[&'static TableKey]) -> String {
    let Some((last, before)) = path.split_last() else { return String::new() };
    let names = |keys: &[&'static TableKey]| keys.iter().map(|key| key.name).collect::<Vec<_>>().join(".");
    match (&last.form, last.absent) {
        (ValueForm::Tables { .. }, Absent::Required(remedy)) => {
            format!("`{key}` belongs in an entry of `{}`: {remedy}", last.name)
        }
        (ValueForm::Tables { .. }, _) if before.is_empty() => format!("`{key}` belongs in [[{}]]", last.name),
        (ValueForm::Tables { .. }, _) => format!("`{key}` belongs in an entry of `{}`", names(path)),
        _ => format!("`{key}` belongs in [{}]", names(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::{LOAD, OPEN_STAGE};

    /// A value of the wrong type is shown as it was meant, and one that means nothing is left to the example.
    #[test]
    fn values_are_understood() {
        let text = |text: &str| Value::Text(text.to_owned());
        let duration = ValueForm::Duration(std::time::Duration::ZERO..=std::time::Duration::MAX);
        assert_eq!(meant(&ValueForm::Share, &text("5%")).as_deref(), Some("0.05"));
        assert_eq!(meant(&ValueForm::Share, &text(" 12.5 %")).as_deref(), Some("0.125"));
        assert_eq!(meant(&ValueForm::Share, &Value::Integer(Some(5))).as_deref(), Some("0.05"));
        assert_eq!(meant(&ValueForm::Share, &text("500%")), None);
        assert_eq!(meant(&ValueForm::Integer(1..=9), &text("5")).as_deref(), Some("5"));
        assert_eq!(meant(&ValueForm::Integer(1..=9), &Value::Float(5.0)).as_deref(), Some("5"));
        assert_eq!(meant(&ValueForm::Rate, &text("25/s")).as_deref(), Some("25"));
        assert_eq!(meant(&ValueForm::Rate, &text("2.5 rps")).as_deref(), Some("2.5"));
        assert_eq!(meant(&ValueForm::Rate, &text("25/m")), None);
        assert_eq!(meant(&duration, &Value::Float(1.5)).as_deref(), Some("\"1500ms\", with its unit and in quotes"));
        assert_eq!(meant(&ValueForm::Truth, &text("yes")).as_deref(), Some("true"));
        assert_eq!(meant(&ValueForm::Truth, &text("perhaps")), None);
    }

    /// A key of another table is sent there, a word of another tool is translated, and nonsense is neither.
    #[test]
    fn keys_are_sent_where_they_belong() {
        let help = |key: &str, table: &'static TableKeys| belongs(key, table).unwrap_or_default();
        assert_eq!(help("rate", &LOAD), "`rate` belongs in an entry of `stages`: stages = [ { for = \"30s\", rate = 5 } ]");
        assert_eq!(help("concurrency", &SCENARIO), "`concurrency` belongs in [load]");
        assert_eq!(help("max_calls", &LOAD), "`max_calls` belongs in [budget]");
        assert_eq!(help("weight", &SCENARIO), "`weight` belongs in [[mix]]");
        assert_eq!(help("AuditImagesLimit", &SCENARIO), "`AuditImagesLimit` belongs in [mix.request.Settings]");
        assert!(help("duration", &OPEN_STAGE).contains("`for`"));
        assert!(help("vus", &SCENARIO).contains("workers = 8"));
        assert!(help("target", &OPEN_STAGE).contains("from = 5, to = 40"));
        assert_eq!(help("happiness", &SCENARIO), "");
    }

    /// No word of another tool shadows a key of ours where that key may stand.
    #[test]
    fn words_are_not_keys() {
        let declared = |key: &str| find(&SCENARIO, key, &mut Vec::new()) || SCENARIO.find(key, None).is_some();
        for word in WORDS.iter().flat_map(|(words, _)| *words) {
            assert!(!declared(word), "{word}");
        }
    }
}
