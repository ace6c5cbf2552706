//! Values of a plan's file: shares and rates as people write them, and numbers that are not known exactly.

use crate::key::{TableKeys, ValueForm};
use crate::plan::spread::{InputUnit, Uncertain, UncertainInput};
use crate::scenario::{Found, Node, Table, Value, quoted};
use crate::units::{Rate, parse_duration};

/// The uncertain numbers of a plan as they are found, and what had to be assumed.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) named: Vec<UncertainInput>,
    pub(super) assumed: Vec<String>,
}

impl Inputs {
    pub(super) fn assume(&mut self, what: impl Into<String>) {
        self.assumed.push(what.into());
    }

    /// Gives an uncertain number its place; one that is known has none.
    pub(super) fn number(&mut self, spread: Uncertain, unit: InputUnit, name: &str) -> Uncertain {
        if spread.is_known() {
            return spread;
        }
        let spread = spread.numbered(self.named.len());
        self.named.push(UncertainInput { name: name.to_owned(), unit, spread });
        spread
    }

    /// A share, of at most the whole.
    pub(super) fn share(&mut self, table: &Table<'_>, key: &str, name: &str, found: &mut Found) -> Option<Uncertain> {
        self.any(table, key, name, found).map(|spread| spread.at_most(1.0))
    }

    /// A time, in seconds.
    pub(super) fn time(&mut self, table: &Table<'_>, key: &str, name: &str, found: &mut Found) -> Option<Uncertain> {
        self.any(table, key, name, found)
    }

    /// Whatever form the key has.
    pub(super) fn any(&mut self, table: &Table<'_>, key: &str, name: &str, found: &mut Found) -> Option<Uncertain> {
        let keys = table.keys_of(key);
        let node = table.get(key)?;
        let spread = spread(node, key, keys, found)?;
        let unit = match keys.plain {
            Some(ValueForm::Percent) => InputUnit::Share,
            Some(ValueForm::PerSecond) => InputUnit::PerS,
            Some(ValueForm::Duration(_)) => InputUnit::S,
            _ if key == "audience" => InputUnit::People,
            _ => InputUnit::Number,
        };
        let spread = if unit == InputUnit::Share { spread.at_most(1.0) } else { spread };
        Some(self.number(spread, unit, name))
    }
}

/// One value, or three.
pub(super) fn spread(node: &Node, key: &str, keys: &'static TableKeys, found: &mut Found) -> Option<Uncertain> {
    let form = keys.plain.as_ref()?;
    if !matches!(node.value, Value::Table(_)) {
        return amount(node, key, form, found).map(Uncertain::known);
    }
    let table = Table::open(node, &format!("`{key}`"), keys, found)?;
    let mut three = [0.0; 3];
    for (value, end) in three.iter_mut().zip(["low", "expected", "high"]) {
        let node = table.required(end, &format!("`{key}`"), found);
        *value = node.and_then(|node| amount(node, end, form, found)).unwrap_or(f64::NAN);
    }
    let [low, expected, high] = three;
    if low > expected || expected > high || low > high {
        let wrong = if low > high {
            "`low` is above `high`"
        } else if low > expected {
            "`low` is above `expected`"
        } else {
            "`expected` is above `high`"
        };
        found.add(&node.span, format!("`{key}`: {wrong}"), "write the three in order: low, expected, high");
        return None;
    }
    (!three.iter().any(|value| value.is_nan())).then(|| Uncertain::of(low, expected, high))
}

/// A number in the unit of its form: shares from 0 to 1, rates per second, times in seconds.
fn amount(node: &Node, key: &str, form: &ValueForm, found: &mut Found) -> Option<f64> {
    let (value, least, most) = match (form, &node.value) {
        (ValueForm::Percent, Value::Text(text)) => (ending(text, "%").map(|n| n / 100.0), 0.0, 1.0),
        (ValueForm::PerSecond, Value::Text(text)) => (ending(text, "/s"), 0.0, Rate::MAX_PER_SECOND),
        (ValueForm::Duration(range), Value::Text(text)) => {
            (parse_duration(text).ok().map(|d| d.as_secs_f64()), range.start().as_secs_f64(), range.end().as_secs_f64())
        }
        (ValueForm::Percent, value) => (plain(value), 0.0, 1.0),
        (ValueForm::PerSecond, value) => (plain(value), 0.0, Rate::MAX_PER_SECOND),
        (ValueForm::Number(range) | ValueForm::NumberOr { range, .. }, value) => (plain(value), *range.start(), *range.end()),
        _ => (None, 0.0, 0.0),
    };
    let (wanted, example) = match form {
        ValueForm::Percent => ("a share", "\"5%\" or 0.05"),
        ValueForm::PerSecond => ("a rate", "\"20/s\" or 20.0"),
        ValueForm::Duration(_) => ("a duration", "\"20m\", with its unit and in quotes"),
        _ => ("a number", "0.5"),
    };
    let Some(value) = value else {
        match &node.value {
            Value::Text(text) => {
                found.add(
                    &node.span,
                    format!("`{key}` is {wanted}, not {}", quoted(text)),
                    format!("write it like {key} = {example}"),
                );
            }
            _ => found.mistyped(node, key, wanted, &format!("{key} = {example}")),
        }
        return None;
    };
    if !(least..=most).contains(&value) {
        found.add(&node.span, format!("`{key}` is out of range: {value}"), format!("it lies between {least} and {most}"));
        return None;
    }
    Some(value)
}

fn plain(value: &Value) -> Option<f64> {
    match value {
        // Rounded where a float cannot tell neighbours apart, far outside every range.
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(number) => number.map(|n| n as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn ending(text: &str, unit: &str) -> Option<f64> {
    text.trim().strip_suffix(unit)?.trim_end().parse().ok()
}

/// The share at a key that takes one value.
pub(super) fn share(table: &Table<'_>, key: &str, found: &mut Found) -> Option<f64> {
    amount(table.get(key)?, key, &ValueForm::Percent, found)
}

/// The rate at a key that takes one value.
pub(super) fn per_second(table: &Table<'_>, key: &str, found: &mut Found) -> Option<f64> {
    amount(table.get(key)?, key, &ValueForm::PerSecond, found)
}

/// The number, or the word, at a key that takes either.
pub(super) enum NumberOrWord {
    Number(f64),
    Word,
}

pub(super) fn number_or(table: &Table<'_>, key: &str, form: &ValueForm, found: &mut Found) -> Option<NumberOrWord> {
    let node = table.get(key)?;
    let ValueForm::NumberOr { word, .. } = form else { return None };
    match &node.value {
        Value::Text(text) if text == word => Some(NumberOrWord::Word),
        Value::Text(text) => {
            found.add(
                &node.span,
                format!("`{key}` is a number or \"{word}\", not {}", quoted(text)),
                format!("write {key} = 0.2 or \"{word}\""),
            );
            None
        }
        _ => amount(node, key, form, found).map(NumberOrWord::Number),
    }
}
