//! A cursor over a table: takes typed values, collects every problem and goes on.
//!
//! Refuses to stop: a value that is wrong is reported once and left out, and the reading goes on with a default.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::meant::{belongs, meant};
use super::tree::{Entry, Node, Span, Value};
use crate::key::{Absent, Given, TableKey, TableKeys, ValueForm, Variant, Words};
use crate::scenario::near::nearest;
use crate::scenario::problem::{Problem, quoted};
use crate::units::{Rate, Share, parse_duration};

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) list: Vec<Problem>,
}

impl Found {
    pub(crate) fn add(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Problem::new(span.clone(), message, help));
    }

    pub(crate) fn missing(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Problem { missing: true, ..Problem::new(span.clone(), message, help) });
    }

    /// A value of the wrong type.
    pub(crate) fn mistyped(&mut self, node: &Node, name: &str, wanted: &str, example: &str) {
        self.add(&node.span, format!("`{name}` is {wanted}, not {}", node.value.kind()), format!("write it like {example}"));
    }

    /// A value of the wrong type at a key of this form: the remedy is what it was meant to be, or else `example`.
    fn misread(&mut self, node: &Node, key: &str, form: &ValueForm, example: &str) {
        let wanted = match form {
            ValueForm::Integer(_) | ValueForm::OneOf(_) => "a whole number",
            ValueForm::Number(_) | ValueForm::Rate | ValueForm::PositiveRate | ValueForm::Share | ValueForm::Part => "a number",
            ValueForm::Duration(_) => "a duration",
            ValueForm::Truth => "true or false",
            _ => "a text",
        };
        match meant(form, &node.value) {
            Some(value) => self.mistyped(node, key, wanted, &format!("{key} = {value}")),
            None => self.mistyped(node, key, wanted, example),
        }
    }
}

/// A table that is being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'t> {
    entries: &'t [Entry],
    /// Where to complain about what is not there.
    pub(crate) span: &'t Span,
    keys: &'static TableKeys,
    variant: Option<&'static Variant>,
}

impl<'t> Table<'t> {
    /// Opens the table at `node`, whose only keys are `keys`; every other one is reported here. `name` is a phrase: `` `load` `` or
    /// `the stage`; the file itself has none.
    pub(crate) fn open(node: &'t Node, name: &str, keys: &'static TableKeys, found: &mut Found) -> Option<Self> {
        let known = keys.names();
        let Value::Table(entries) = &node.value else {
            let message = format!("{name} is a table, not {}", node.value.kind());
            found.add(&node.span, message, format!("write it like {{ {} = ... }}", known[0]));
            return None;
        };
        for entry in entries.iter().filter(|e| !known.contains(&e.key.as_str())) {
            let near = || nearest(&entry.key, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = belongs(&entry.key, keys).or_else(near);
            let help = help.unwrap_or_else(|| format!("known keys here: {}", known.join(", ")));
            let place = if name.is_empty() { String::new() } else { format!(" in {name}") };
            found.add(&entry.key_span, format!("unknown key {}{place}", quoted(&entry.key)), help);
        }
        Some(Self { entries, span: &node.span, keys, variant: None })
    }

    /// The same table, read as `variant`.
    pub(crate) const fn of(self, variant: &'static Variant) -> Self {
        Self { variant: Some(variant), ..self }
    }

    /// The same table, read as the variant that its tag names, or as the first when there is no tag; `None` when the tag is wrong.
    pub(crate) fn tagged(self, found: &mut Found) -> Option<(Self, &'static Variant)> {
        let words: Vec<(&str, &'static Variant)> = self.keys.variants.iter().map(|variant| (variant.name, *variant)).collect();
        let variant = match self.get(self.keys.tag) {
            Some(_) => self.one_of(self.keys.tag, &words, found)?,
            None => words.first()?.1,
        };
        Some((self.of(variant), variant))
    }

    /// Whether it is read as the variant of this name.
    pub(crate) fn is(&self, variant: &str) -> bool {
        self.variant.is_some_and(|own| own.name == variant)
    }

    /// The variants that the table may be read as.
    pub(crate) const fn variants(&self) -> &'static [&'static Variant] {
        self.keys.variants
    }

    /// Keys that this table may have and `variant` may not.
    pub(crate) fn beside(&self, variant: &'static Variant) -> Vec<&'static str> {
        let common = self.keys.keys;
        let own = |name: &str| variant.keys.iter().chain(common).any(|key| key.name == name);
        self.keys.names().into_iter().filter(|name| *name != self.keys.tag && !own(name)).collect()
    }

    /// The declaration of a key.
    fn declared(&self, key: &str) -> Option<&'static TableKey> {
        let declared = self.keys.find(key, self.variant);
        debug_assert!(declared.is_some(), "`{key}` is not declared in `{}`", self.keys.name);
        declared
    }

    /// The default of a key, read by `read`.
    fn default<T>(&self, key: &str, read: impl Fn(Given) -> Option<T>) -> Option<T> {
        match self.declared(key)?.absent {
            Absent::Is(value) => read(value),
            Absent::Required(_) | Absent::Means(_) => None,
        }
    }

    /// The keys of the table, or of each table, at `key`; those of this table where no table stands there.
    pub(crate) fn keys_of(&self, key: &str) -> &'static TableKeys {
        match self.declared(key).map(|key| &key.form) {
            Some(ValueForm::Table(keys) | ValueForm::Tables { of: keys, .. }) => keys,
            _ => self.keys,
        }
    }

    /// How many tables may stand at `key`.
    pub(crate) fn most(&self, key: &str) -> usize {
        match self.declared(key).map(|key| &key.form) {
            Some(ValueForm::Tables { count, .. }) => *count.end(),
            _ => usize::MAX,
        }
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&'t Node> {
        debug_assert!(self.keys.names().contains(&key), "`{key}` is not declared in `{}`", self.keys.name);
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// Where the key of a value stands.
    pub(crate) fn key_span(&self, key: &str) -> &'t Span {
        self.entries.iter().find(|e| e.key == key).map_or(self.span, |e| &e.key_span)
    }

    /// Where the value of a key stands.
    pub(crate) fn value_span(&self, key: &str) -> &'t Span {
        self.get(key).map_or(self.span, |node| &node.span)
    }

    /// Reports `key` when it is there, because of `why`.
    pub(crate) fn refuse(&self, key: &str, why: &str, help: &str, found: &mut Found) {
        if self.get(key).is_some() {
            found.add(self.key_span(key), why, help);
        }
    }

    /// A value that must be there.
    pub(crate) fn required(&self, key: &str, place: &str, found: &mut Found) -> Option<&'t Node> {
        let remedy = match self.declared(key)?.absent {
            Absent::Required(remedy) => remedy,
            Absent::Is(_) | Absent::Means(_) => "it",
        };
        self.needed(key, place, remedy, found)
    }

    /// A value that must be there, with a remedy that depends on the place.
    pub(crate) fn needed(&self, key: &str, place: &str, remedy: &str, found: &mut Found) -> Option<&'t Node> {
        let node = self.get(key);
        if node.is_none() {
            found.missing(self.span, format!("{place} has no `{key}`"), format!("add {remedy}"));
        }
        node
    }

    /// An inner table.
    pub(crate) fn table(&self, key: &str, found: &mut Found) -> Option<Self> {
        let ValueForm::Table(keys) = &self.declared(key)?.form else { return None };
        let mut table = Self::open(self.get(key)?, &format!("`{key}`"), keys, found)?;
        // What is missing in a table is missed at its name.
        table.span = self.key_span(key);
        Some(table)
    }

    /// A list.
    pub(crate) fn list(&self, key: &str, example: &str, found: &mut Found) -> Option<&'t [Node]> {
        let node = self.get(key)?;
        let Value::Array(items) = &node.value else {
            found.mistyped(node, key, "a list", example);
            return None;
        };
        Some(items)
    }

    /// A text.
    pub(crate) fn text(&self, key: &str, found: &mut Found) -> Option<&'t str> {
        let default = || self.default(key, |value| if let Given::Text(text) = value { Some(text) } else { None });
        let Some(node) = self.get(key) else { return default() };
        let Value::Text(text) = &node.value else {
            let declared = self.declared(key)?;
            found.misread(node, key, &declared.form, &declared.shown());
            return default();
        };
        Some(text)
    }

    /// One of a few words.
    pub(crate) fn word<T: Words>(&self, key: &str, found: &mut Found) -> Option<T> {
        debug_assert!(
            matches!(self.declared(key), Some(TableKey { form: ValueForm::Word(words), .. }) if *words == T::NAMES),
            "`{key}`"
        );
        let default = || {
            let word = self.default(key, |value| if let Given::Text(text) = value { Some(text) } else { None })?;
            T::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
        };
        if self.get(key).is_none() { default() } else { self.one_of(key, T::WORDS, found).or_else(default) }
    }

    /// One of a few words, as the word itself.
    pub(super) fn choice(&self, key: &str, words: &[&'static str], found: &mut Found) -> Option<&'static str> {
        let default = || self.default(key, |value| if let Given::Text(text) = value { Some(text) } else { None });
        let pairs: Vec<(&str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
        if self.get(key).is_none() { default() } else { self.one_of(key, &pairs, found).or_else(default) }
    }

    fn one_of<T: Copy>(&self, key: &str, words: &[(&str, T)], found: &mut Found) -> Option<T> {
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
    pub(crate) fn truth(&self, key: &str, found: &mut Found) -> Option<bool> {
        let default = || self.default(key, |value| if let Given::Truth(truth) = value { Some(truth) } else { None });
        let Some(node) = self.get(key) else { return default() };
        let Value::Bool(value) = node.value else {
            found.misread(node, key, &ValueForm::Truth, &format!("{key} = true"));
            return default();
        };
        Some(value)
    }

    /// A whole number, in the range or among the numbers that are declared, in a type that holds them all.
    pub(crate) fn integer<N: TryFrom<u64>>(&self, key: &str, found: &mut Found) -> Option<N> {
        let default = || self.default(key, |value| if let Given::Integer(number) = value { Some(number) } else { None });
        let value = self.get(key).and_then(|node| self.whole(node, key, found)).or_else(default);
        value.and_then(|number| N::try_from(number).ok())
    }

    fn whole(&self, node: &Node, key: &str, found: &mut Found) -> Option<u64> {
        let form = &self.declared(key)?.form;
        let Value::Integer(number) = &node.value else {
            let example = match form {
                ValueForm::Integer(range) => *range.start().max(&1),
                ValueForm::OneOf(numbers) => numbers[0],
                _ => 1,
            };
            found.misread(node, key, form, &format!("{key} = {example}"));
            return None;
        };
        let value = number.and_then(|n| u64::try_from(n).ok());
        match form {
            ValueForm::Integer(range) => {
                let value = value.filter(|n| range.contains(n));
                if value.is_none() {
                    out_of_range(node, key, range.start(), range.end(), found);
                }
                value
            }
            ValueForm::OneOf(numbers) => {
                let value = value.filter(|n| numbers.contains(n));
                if value.is_none() {
                    let all = |each: &dyn Fn(&u64) -> String| numbers.iter().map(each).collect::<Vec<_>>().join(" or ");
                    let given = number.map_or_else(|| "such a number".to_owned(), |n| n.to_string());
                    let message = format!("`{key}` is {}, not {given}", all(&u64::to_string));
                    found.add(&node.span, message, format!("write {}", all(&|n| format!("{key} = {n}"))));
                }
                value
            }
            _ => None,
        }
    }

    /// A number, with or without a point, in the range that is declared.
    pub(crate) fn number(&self, key: &str, found: &mut Found) -> Option<f64> {
        let default = || self.default(key, |value| if let Given::Number(number) = value { Some(number) } else { None });
        self.get(key).and_then(|node| self.real(node, key, found)).or_else(default)
    }

    fn real(&self, node: &Node, key: &str, found: &mut Found) -> Option<f64> {
        let form = &self.declared(key)?.form;
        let range = match form {
            ValueForm::Number(range) => range.clone(),
            ValueForm::Rate | ValueForm::PositiveRate => 0.0..=Rate::MAX_PER_SECOND,
            ValueForm::Share | ValueForm::Part => 0.0..=1.0,
            _ => return None,
        };
        let number = match &node.value {
            // Rounded where a float cannot tell neighbours apart, far outside every range.
            #[allow(clippy::cast_precision_loss)]
            Value::Integer(number) => number.map_or(f64::NAN, |n| n as f64),
            Value::Float(number) => *number,
            _ => {
                found.misread(node, key, form, &format!("{key} = {}", range.end().min(5.0)));
                return None;
            }
        };
        let inside = range.contains(&number);
        match meant(form, &node.value).filter(|_| matches!(form, ValueForm::Share | ValueForm::Part)) {
            _ if inside => {}
            Some(share) => {
                found.add(&node.span, format!("`{key}` is out of range: {number}"), format!("{number} % is {key} = {share}"));
            }
            None => out_of_range(node, key, range.start(), range.end(), found),
        }
        inside.then_some(number)
    }

    /// Calls per second.
    pub(crate) fn rate(&self, key: &str, found: &mut Found) -> Option<Rate> {
        self.number(key, found).and_then(|n| Rate::per_second(n).ok())
    }

    /// A share of a whole.
    pub(crate) fn share(&self, key: &str, found: &mut Found) -> Share {
        self.number(key, found).and_then(|n| Share::new(n).ok()).unwrap_or(Share::NONE)
    }

    /// A share of a whole, for which yes and no may stand: all of it, nothing.
    pub(super) fn part(&self, key: &str, found: &mut Found) -> Option<f64> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Bool(all)) => Some(f64::from(*all)),
            _ => self.number(key, found),
        }
    }

    /// A duration in the range that is declared.
    pub(crate) fn duration(&self, key: &str, found: &mut Found) -> Option<Duration> {
        let default = || self.default(key, |value| if let Given::Text(text) = value { parse_duration(text).ok() } else { None });
        let ValueForm::Duration(range) = &self.declared(key)?.form else { return None };
        self.get(key).and_then(|node| duration(node, key, range, found)).or_else(default)
    }

    /// The duration that stands at `key` instead of a table.
    pub(crate) fn plain_duration(&self, key: &str, found: &mut Found) -> Option<Duration> {
        let ValueForm::Table(TableKeys { plain: Some(ValueForm::Duration(range)), .. }) = &self.declared(key)?.form else {
            return None;
        };
        duration(self.get(key)?, key, range, found)
    }
}

/// A duration in `range` at `node`.
fn duration(node: &Node, name: &str, range: &RangeInclusive<Duration>, found: &mut Found) -> Option<Duration> {
    let Value::Text(text) = &node.value else {
        let form = ValueForm::Duration(range.clone());
        found.misread(node, name, &form, &format!("{name} = \"30s\", with its unit and in quotes"));
        return None;
    };
    let Ok(duration) = parse_duration(text) else {
        found.add(&node.span, format!("`{name}` is a duration, not {}", quoted(text)), "write it like 250ms, 30s, 5m or 1h 30m");
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
    use crate::key::{TextRule, words};
    use crate::scenario::parse::tree::from_toml;

    #[derive(Debug, Clone, Copy)]
    enum Way {
        Open,
        Closed,
    }

    words!(Way { "open" => Open, "closed" => Closed });

    static KEYS: TableKeys = TableKeys::new(
        "load",
        "",
        &[
            TableKey::optional("count", ValueForm::Integer(1..=9), "", ""),
            TableKey::optional("rate", ValueForm::Rate, "", ""),
            TableKey::optional("for", ValueForm::Duration(Duration::from_millis(1)..=Duration::from_secs(60)), "", ""),
            TableKey::optional("model", ValueForm::Word(Way::NAMES), "", ""),
            TableKey::optional("list", ValueForm::Words(&[]), "", ""),
            TableKey::optional("name", ValueForm::Text(TextRule::ANY), "", "").like("\"x\""),
        ],
    );

    fn messages(text: &str) -> Vec<String> {
        let (node, syntax) = from_toml(text);
        assert_eq!(syntax, []);
        let mut found = Found::default();
        let table = Table::open(&node, "`load`", &KEYS, &mut found).unwrap();
        table.integer::<u64>("count", &mut found);
        table.rate("rate", &mut found);
        table.duration("for", &mut found);
        table.word::<Way>("model", &mut found);
        table.list("list", "[]", &mut found);
        table.text("name", &mut found);
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
