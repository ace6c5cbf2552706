//! A cursor over a table: takes typed values, collects every problem and goes on.
//!
//! Refuses to stop: a value that is wrong is reported once and left out, and the reading goes on with a default.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::tree::{Entry, Node, Span, Value};
use crate::scenario::near::nearest;
use crate::scenario::problem::{Problem, quoted};
use crate::units::{Rate, Share, parse_duration};

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) list: Vec<Problem>,
}

impl Found {
    pub(super) fn add(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Problem::new(span.clone(), message, help));
    }

    pub(super) fn missing(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Problem { missing: true, ..Problem::new(span.clone(), message, help) });
    }

    /// A value of the wrong type.
    pub(super) fn mistyped(&mut self, node: &Node, name: &str, wanted: &str, example: &str) {
        self.add(&node.span, format!("`{name}` is {wanted}, not {}", node.value.kind()), format!("write it like {example}"));
    }
}

/// A table that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'t> {
    entries: &'t [Entry],
    /// Where to complain about what is not there.
    pub(super) span: &'t Span,
    keys: &'static [&'static str],
}

impl<'t> Table<'t> {
    /// Opens the table at `node`, whose only keys are `keys`; every other one is reported here. `name` is a phrase: `` `load` `` or
    /// `the stage`; the file itself has none.
    pub(super) fn open(node: &'t Node, name: &str, keys: &'static [&'static str], found: &mut Found) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            let message = format!("{name} is a table, not {}", node.value.kind());
            found.add(&node.span, message, format!("write it like {{ {} = ... }}", keys[0]));
            return None;
        };
        for entry in entries.iter().filter(|e| !keys.contains(&e.key.as_str())) {
            let help = match nearest(&entry.key, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys here: {}", keys.join(", ")),
            };
            let place = if name.is_empty() { String::new() } else { format!(" in {name}") };
            found.add(&entry.key_span, format!("unknown key {}{place}", quoted(&entry.key)), help);
        }
        Some(Self { entries, span: &node.span, keys })
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'t Node> {
        debug_assert!(self.keys.contains(&key), "`{key}` is not among the known keys");
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// Where the key of a value stands.
    pub(super) fn key_span(&self, key: &str) -> &'t Span {
        self.entries.iter().find(|e| e.key == key).map_or(self.span, |e| &e.key_span)
    }

    /// Where the value of a key stands.
    pub(super) fn value_span(&self, key: &str) -> &'t Span {
        self.get(key).map_or(self.span, |node| &node.span)
    }

    /// Reports `key` when it is there, because of `why`.
    pub(super) fn refuse(&self, key: &str, why: &str, help: &str, found: &mut Found) {
        if self.get(key).is_some() {
            found.add(self.key_span(key), why, help);
        }
    }

    /// A value that must be there.
    pub(super) fn required(&self, key: &str, place: &str, example: &str, found: &mut Found) -> Option<&'t Node> {
        let node = self.get(key);
        if node.is_none() {
            found.missing(self.span, format!("{place} has no `{key}`"), format!("add {example}"));
        }
        node
    }

    /// An inner table.
    pub(super) fn table(&self, key: &str, keys: &'static [&'static str], found: &mut Found) -> Option<Self> {
        let mut table = Self::open(self.get(key)?, &format!("`{key}`"), keys, found)?;
        // What is missing in a table is missed at its name.
        table.span = self.key_span(key);
        Some(table)
    }

    /// A list.
    pub(super) fn list(&self, key: &str, example: &str, found: &mut Found) -> Option<&'t [Node]> {
        let node = self.get(key)?;
        let Value::Array(items) = &node.value else {
            found.mistyped(node, key, "a list", example);
            return None;
        };
        Some(items)
    }

    /// A text.
    pub(super) fn text(&self, key: &str, example: &str, found: &mut Found) -> Option<&'t str> {
        let node = self.get(key)?;
        let Value::Text(text) = &node.value else {
            found.mistyped(node, key, "a text", example);
            return None;
        };
        Some(text)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], found: &mut Found) -> Option<T> {
        let all = || words.iter().map(|(w, _)| format!("\"{w}\"")).collect::<Vec<_>>().join(" or ");
        let node = self.get(key)?;
        let Value::Text(text) = &node.value else {
            found.mistyped(node, key, &all(), &format!("{key} = \"{}\"", words[0].0));
            return None;
        };
        let hit = words.iter().find(|(w, _)| w == text).map(|(_, value)| *value);
        if hit.is_none() {
            let help = match nearest(text, words.iter().map(|(w, _)| *w)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("write {key} = {}", all()),
            };
            found.add(&node.span, format!("`{key}` is {}, not {}", all(), quoted(text)), help);
        }
        hit
    }

    /// Yes or no.
    pub(super) fn truth(&self, key: &str, found: &mut Found) -> Option<bool> {
        let node = self.get(key)?;
        let Value::Bool(value) = node.value else {
            found.mistyped(node, key, "true or false", &format!("{key} = true"));
            return None;
        };
        Some(value)
    }

    /// A whole number in `range`.
    pub(super) fn integer(&self, key: &str, range: RangeInclusive<u64>, found: &mut Found) -> Option<u64> {
        let node = self.get(key)?;
        let Value::Integer(number) = &node.value else {
            found.mistyped(node, key, "a whole number", &format!("{key} = {}", range.start().max(&1)));
            return None;
        };
        let value = number.and_then(|n| u64::try_from(n).ok()).filter(|n| range.contains(n));
        if value.is_none() {
            out_of_range(node, key, range.start(), range.end(), found);
        }
        value
    }

    /// A number, with or without a point, in `range`.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<f64>, found: &mut Found) -> Option<f64> {
        let node = self.get(key)?;
        let number = match &node.value {
            // Rounded where a float cannot tell neighbours apart, far outside every range.
            #[allow(clippy::cast_precision_loss)]
            Value::Integer(number) => number.map_or(f64::NAN, |n| n as f64),
            Value::Float(number) => *number,
            _ => {
                found.mistyped(node, key, "a number", &format!("{key} = {}", range.end().min(5.0)));
                return None;
            }
        };
        let inside = range.contains(&number);
        if !inside {
            out_of_range(node, key, range.start(), range.end(), found);
        }
        inside.then_some(number)
    }

    /// Calls per second.
    pub(super) fn rate(&self, key: &str, found: &mut Found) -> Option<Rate> {
        self.number(key, 0.0..=Rate::MAX_PER_SECOND, found).and_then(|n| Rate::per_second(n).ok())
    }

    /// A share of a whole.
    pub(super) fn share(&self, key: &str, found: &mut Found) -> Share {
        self.number(key, 0.0..=1.0, found).and_then(|n| Share::new(n).ok()).unwrap_or(Share::NONE)
    }

    /// A duration in `range`.
    pub(super) fn duration(&self, key: &str, range: RangeInclusive<Duration>, found: &mut Found) -> Option<Duration> {
        duration(self.get(key)?, key, &range, found)
    }
}

/// A duration in `range` at `node`.
pub(super) fn duration(node: &Node, name: &str, range: &RangeInclusive<Duration>, found: &mut Found) -> Option<Duration> {
    let Value::Text(text) = &node.value else {
        found.mistyped(node, name, "a duration", &format!("{name} = \"30s\", with its unit and in quotes"));
        return None;
    };
    let Ok(duration) = parse_duration(text) else {
        found.add(
            &node.span,
            format!("`{name}` is a duration, and {} is none", quoted(text)),
            "write it like 250ms, 30s, 5m or 1h 30m",
        );
        return None;
    };
    if !range.contains(&duration) {
        let show = |d: &Duration| humantime::format_duration(*d).to_string();
        out_of_range(node, name, show(range.start()), show(range.end()), found);
        return None;
    }
    Some(duration)
}

fn out_of_range(node: &Node, name: &str, min: impl Display, max: impl Display, found: &mut Found) {
    let shown = match &node.value {
        Value::Integer(Some(n)) => format!(": {n}"),
        Value::Float(n) => format!(": {n}"),
        Value::Text(text) => format!(": {}", quoted(text)),
        _ => String::new(),
    };
    found.add(&node.span, format!("`{name}` is out of range{shown}"), format!("it lies between {min} and {max}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::tree::from_toml;

    const KEYS: &[&str] = &["count", "rate", "for", "model", "list", "name"];

    fn messages(text: &str) -> Vec<String> {
        let (node, syntax) = from_toml(text);
        assert_eq!(syntax, []);
        let mut found = Found::default();
        let table = Table::open(&node, "`load`", KEYS, &mut found).unwrap();
        let minute = Duration::from_secs(60);
        table.integer("count", 1..=9, &mut found);
        table.rate("rate", &mut found);
        table.duration("for", Duration::from_millis(1)..=minute, &mut found);
        table.word("model", &[("open", 1), ("closed", 2)], &mut found);
        table.list("list", "[]", &mut found);
        table.text("name", "\"x\"", &mut found);
        found.list.into_iter().map(|p| format!("{}: {} ({})", &text[p.span], p.message, p.help)).collect()
    }

    /// Each wrong value is named at its place with its remedy, and the reading goes on.
    #[test]
    fn every_wrong_value_is_named() {
        let text = "count = 10\nrate = -1\nfor = 30\nmodel = \"opne\"\nlist = 1\nname = true\ncuont = 1";
        insta::assert_snapshot!(messages(text).join("\n"), @r##"
        cuont: unknown key `cuont` in `load` (did you mean `count`?)
        10: `count` is out of range: 10 (it lies between 1 and 9)
        -1: `rate` is out of range: -1 (it lies between 0 and 1000000)
        30: `for` is a duration, not a whole number (write it like for = "30s", with its unit and in quotes)
        "opne": `model` is "open" or "closed", not `opne` (did you mean "open"?)
        1: `list` is a list, not a whole number (write it like [])
        true: `name` is a text, not true or false (write it like "x")
        "##);
        let text = "count = 1.5\nrate = nan\nfor = \"2m\"\nmodel = 3\nrata = 99999999999999999999999999999999999999999999";
        insta::assert_snapshot!(messages(text).join("\n"), @r##"
        rata: unknown key `rata` in `load` (did you mean `rate`?)
        1.5: `count` is a whole number, not a number with a point (write it like count = 1)
        nan: `rate` is out of range: NaN (it lies between 0 and 1000000)
        "2m": `for` is out of range: `2m` (it lies between 1ms and 1m)
        3: `model` is "open" or "closed", not a whole number (write it like model = "open")
        "##);
    }

    /// Numbers may have a point or not.
    #[test]
    fn sound_values_pass() {
        assert_eq!(messages("count = 9\nrate = 5\nfor = \"1m\"\nmodel = \"closed\"\nlist = []\nname = \"\""), [""; 0]);
        assert_eq!(messages("rate = 5.5"), [""; 0]);
    }
}
