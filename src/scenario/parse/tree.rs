//! A file as a tree whose every value knows where it stands: one form for TOML and for JSON.
//!
//! Refuses to know what any key means.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::problem::Problem;

/// Bytes of the source.
pub(crate) type Span = Range<usize>;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As far as 128 bits reach; `None` beyond.
    Integer(Option<i128>),
    Float(f64),
    Text(String),
    Date,
    Array(Vec<Node>),
    /// In the order of the source.
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Value {
    /// What it is called in a message.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a point",
            Self::Text(_) => "a text",
            Self::Date => "a date",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// What could be read of a TOML text, and every error of its syntax.
pub(crate) fn from_toml(text: &str) -> (Node, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let problems = errors
        .into_iter()
        .map(|e| {
            let span = e.span().unwrap_or(text.len()..text.len());
            Problem::new(span, format!("not valid TOML: {}", e.message()), toml_remedy(e.message()))
        })
        .collect();
    (Node { span: 0..0, value: toml_table(table.into_inner()) }, problems)
}

/// That a text which is no TOML is JSON or YAML: one thing to say, where a parser of TOML has one for each line.
pub(crate) fn other_language(text: &str) -> Option<Problem> {
    let written = "scenarios are TOML; `livebench init` writes one to start from";
    let (at, first) = significant(text).next()?;
    let said = |language: &str| Some(Problem::new(at..at + first.len(), format!("this looks like {language}"), written));
    if first.starts_with('{') {
        return said("JSON");
    }
    // A line of YAML is `key:`, `key: value` or `- item`; in TOML a key is followed by `=`.
    let yaml = |line: &str| {
        let key = line.split_once(':').filter(|(_, rest)| rest.is_empty() || rest.starts_with(' ')).map(|(key, _)| key);
        line == "---" || line.starts_with("- ") || key.is_some_and(|key| !key.is_empty() && !key.contains(['=', '[', '{', '"']))
    };
    let (lines, alike) = significant(text).fold((0, 0), |(lines, alike), (_, line)| (lines + 1, alike + usize::from(yaml(line))));
    if yaml(first) && 2 * alike > lines { said("YAML") } else { None }
}

/// The lines that say something, without the blanks around them, and where each begins.
fn significant(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = |line: &str| line.as_ptr() as usize - text.as_ptr() as usize;
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(move |line| (start(line), line))
}

fn toml_remedy(message: &str) -> &'static str {
    match message {
        m if m.contains("duplicate key") => {
            "keep one of them; a second table of the same list needs double brackets, like `[[mix]]`"
        }
        m if m.contains("recursion") || m.contains("recurse") => "a scenario is never nested this deep",
        m if m.contains("string") || m.contains("quoted") => "texts need quotes: key = \"text\"",
        _ => "write `key = value`, texts in quotes, lists as [ a, b ], tables as { key = value } on one line or under [name]",
    }
}

fn toml_table(table: DeTable<'_>) -> Value {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| {
            let key_span = key.span();
            Entry { key: key.into_inner().into_owned(), key_span, node: toml_node(value) }
        })
        .collect();
    entries.sort_by_key(|e| e.key_span.start);
    Value::Table(entries)
}

fn toml_node(spanned: Spanned<DeValue<'_>>) -> Node {
    let span = spanned.span();
    let value = match spanned.into_inner() {
        DeValue::String(s) => Value::Text(s.into_owned()),
        DeValue::Integer(i) => Value::Integer(i128::from_str_radix(i.as_str(), i.radix()).ok()),
        DeValue::Float(f) => Value::Float(f.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Bool(b),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(a) => Value::Array(a.into_iter().map(toml_node).collect()),
        DeValue::Table(t) => toml_table(t),
    };
    Node { span, value }
}

/// A JSON text, or its first error of syntax.
pub(crate) fn from_json(text: &str) -> Result<Node, Problem> {
    // serde_json judges the syntax and bounds the depth; the walk below only finds the places.
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => {
            let mut walk = Walk { text, at: 0 };
            Ok(walk.node())
        }
        Err(e) => {
            let at = offset(text, e.line(), e.column());
            let message = e.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            Err(Problem::new(
                at..at,
                format!("not valid JSON: {message}"),
                "the file is the service's own JSON, as `aws rekognition create-face-liveness-session --generate-cli-skeleton` prints it",
            ))
        }
    }
}

/// The byte that serde's line and column (in bytes, from 1) name.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (start + column).saturating_sub(1).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Finds places in JSON that is known to be valid.
struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl Walk<'_> {
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or_default()
    }

    fn node(&mut self) -> Node {
        let first = self.peek();
        let start = self.at;
        let value = match first {
            b'{' => self.table(),
            b'[' => self.array(),
            b'"' => Value::Text(self.string()),
            _ => self.scalar(),
        };
        Node { span: start..self.at, value }
    }

    fn table(&mut self) -> Value {
        let mut entries = Vec::new();
        self.at += 1;
        while self.peek() == b'"' {
            let start = self.at;
            let key = self.string();
            let key_span = start..self.at;
            self.peek(); // to the colon
            self.at += 1;
            entries.push(Entry { key, key_span, node: self.node() });
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Value::Table(entries)
    }

    fn array(&mut self) -> Value {
        let mut items = Vec::new();
        self.at += 1;
        while !matches!(self.peek(), b']' | 0) {
            items.push(self.node());
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Value::Array(items)
    }

    fn string(&mut self) -> String {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(bytes.len());
        serde_json::from_str(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default()
    }

    fn scalar(&mut self) -> Value {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| !b.is_ascii_whitespace() && !b",]}".contains(b)) {
            self.at += 1;
        }
        match self.text.get(start..self.at).unwrap_or_default() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number if number.contains(['.', 'e', 'E']) => Value::Float(number.parse().unwrap_or(f64::NAN)),
            number => Value::Integer(number.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Table(entries) => entries.iter().map(|e| (e.key.clone(), plain(&e.node))).collect(),
            Value::Text(text) => text.as_str().into(),
            Value::Integer(Some(i)) => i64::try_from(*i).unwrap().into(),
            other => other.kind().into(),
        }
    }

    /// Any JSON that serde accepts.
    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![any::<i64>().prop_map(Into::into), ".*".prop_map(Into::<serde_json::Value>::into)];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// The walk reads what serde reads, laid out either way.
        #[test]
        fn json_is_read_as_serde_reads_it(value in json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let node = from_json(&text).unwrap();
                prop_assert_eq!(plain(&node), value.clone());
                prop_assert!(text.get(node.span).is_some());
            }
        }

        /// No text makes either reader panic.
        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = from_json(&text);
            let _ = from_toml(&text);
        }
    }

    /// Keys and values are found where they stand.
    #[test]
    fn places_are_right() {
        let text = "{\n  \"a\": [1, {\"b\\\"\": null}]\n}";
        let Value::Table(entries) = from_json(text).unwrap().value else { panic!("a table") };
        assert_eq!(&text[entries[0].key_span.clone()], "\"a\"");
        let Value::Array(items) = &entries[0].node.value else { panic!("a list") };
        assert_eq!(&text[items[1].span.clone()], "{\"b\\\"\": null}");
    }

    /// An error of syntax is found at its place.
    #[test]
    fn json_errors_have_a_place() {
        let problem = from_json("{\n  \"é\": tru\n}").unwrap_err();
        assert_eq!(problem.span, 13..13);
    }
}
