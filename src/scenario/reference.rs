//! The declarations of keys as people read them: the tables of the guide and `deploy/emulator.toml`.
//!
//! Refuses to write a file; `tests/it/reference.rs` does, when it is asked to:
//! `LIVEBENCH_BLESS=1 cargo test --test it reference`.

use std::fmt::Write as _;

use super::keys::{BUDGET, IDEMPOTENCY, LOAD, MIX};
use super::schema::span;
use crate::emulator::config::keys::EMULATOR;
use crate::key::{Absent, TableKey, TableKeys, ValueForm, Variant};

/// The tables of a page by their names, each a Markdown table with a row a key.
pub fn tables() -> Vec<(&'static str, String)> {
    [&LOAD, &MIX, &IDEMPOTENCY, &BUDGET, &EMULATOR].into_iter().map(|keys| (keys.name, table(keys))).collect()
}

fn table(keys: &'static TableKeys) -> String {
    let mut text = "| key | meaning | values | default |\n|---|---|---|---|\n".to_owned();
    if let Some(first) = keys.variants.first().filter(|_| !keys.tag.is_empty()) {
        let meaning: Vec<String> = keys.variants.iter().map(|v| format!("`\"{}\"`: {}", v.name, v.help)).collect();
        let words = keys.variants.iter().map(|v| format!("`\"{}\"`", v.name)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| `{}` | {} | {words} | `\"{}\"` |", keys.tag, meaning.join(" "), first.name);
    }
    let only = |key: &TableKey| {
        let having: Vec<&str> =
            keys.variants.iter().filter(|v| v.keys.iter().any(|k| k.name == key.name)).map(|v| v.name).collect();
        if having.len() == 1 { format!(" Only with `{} = \"{}\"`.", keys.tag, having[0]) } else { String::new() }
    };
    for name in keys.names() {
        let declared: Vec<&'static TableKey> =
            keys.variants.iter().flat_map(|v| v.keys).chain(keys.keys).filter(|k| k.name == name).collect();
        let Some(key) = declared.first() else { continue };
        let meaning: Vec<&str> = declared.iter().map(|key| meaning(key)).collect();
        let values: Vec<String> = declared.iter().map(|key| values(&key.form)).collect();
        let _ = writeln!(text, "| `{name}` | {}{} | {} | {} |", meaning.join(" "), only(key), values.join("; "), default(key));
    }
    text
}

/// What a key means: its own words, or those of its table.
fn meaning(key: &'static TableKey) -> &'static str {
    match key.form {
        ValueForm::Table(keys) if key.help.is_empty() => keys.help,
        _ => key.help,
    }
}

fn default(key: &TableKey) -> String {
    match key.absent {
        Absent::Required(_) => "required".to_owned(),
        Absent::Is(value) => format!("`{value}`"),
        Absent::Means("") => String::new(),
        Absent::Means(without) => without.to_owned(),
    }
}

fn words(words: &[&str]) -> String {
    words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
}

/// Which values a form takes.
fn values(form: &'static ValueForm) -> String {
    match form {
        ValueForm::Integer(range) if *range.end() == i64::MAX.unsigned_abs() => format!("a whole number from {}", range.start()),
        ValueForm::Integer(range) => format!("{} to {}", range.start(), range.end()),
        ValueForm::OneOf(numbers) => numbers.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "),
        ValueForm::Number(range) => format!("{} to {}", range.start(), range.end()),
        ValueForm::Rate => "calls per second".to_owned(),
        ValueForm::PositiveRate => "calls per second, above 0".to_owned(),
        ValueForm::Share => "a share".to_owned(),
        ValueForm::Part => "a share; `true` is 1, `false` is 0".to_owned(),
        ValueForm::Percent => "a share, like `0.05` or `\"5%\"`".to_owned(),
        ValueForm::PerSecond => "a rate, like `20` or `\"20/s\"`".to_owned(),
        ValueForm::NumberOr { range, word } => format!("{} to {}, or `\"{word}\"`", range.start(), range.end()),
        ValueForm::Duration(range) => format!("a duration: {}", span(range.start(), range.end()).to_lowercase()),
        ValueForm::Text(_) => "a text".to_owned(),
        ValueForm::Word(all) => words(all),
        ValueForm::Words(all) => format!("a list of {}", words(all)),
        ValueForm::Truth => "`true`, `false`".to_owned(),
        ValueForm::Table(keys) => format!("a table: {}", inside(keys)),
        ValueForm::Tables { of, count } => {
            let most =
                if *count.end() == usize::MAX { String::new() } else { format!(" of {} to {}", count.start(), count.end()) };
            format!("a list{most}: {}", inside(of))
        }
        ValueForm::Thresholds => "a table of metrics".to_owned(),
    }
}

/// The keys of a table in a line.
fn inside(keys: &'static TableKeys) -> String {
    let names = |keys: &'static [TableKey]| keys.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", ");
    let variant = |variant: &&'static Variant| match (keys.tag, variant.keys) {
        ("", own) => format!("{{ {} }}", names(own)),
        (tag, []) => format!("`{tag} = \"{}\"`", variant.name),
        (tag, own) => format!("`{tag} = \"{}\"` with {}", variant.name, names(own)),
    };
    let plain = keys.plain.iter().map(values);
    let forms: Vec<String> = plain.chain(keys.variants.iter().map(variant)).collect();
    match (forms.is_empty(), keys.keys) {
        (true, own) => names(own),
        (false, []) => forms.join("; "),
        (false, own) => format!("{}; {}", forms.join("; "), names(own)),
    }
}

const HEAD: &str = "\
# The emulator of Amazon Rekognition Face Liveness, with every switch that it has.
#
#     livebench emulate --config deploy/emulator.toml
#
# Every key is here. You can leave out a line that says `default`. The same tables work under [emulator] in a
# scenario, except `credentials`: every run keeps a copy of its scenario.
#
# Made of the declarations of the keys: LIVEBENCH_BLESS=1 cargo test --test it reference
";

/// A second row of credentials, with the token that the first has none of.
const SECOND: &str = "
[[emulator.credentials]]
access_key_id = \"ASIAEXAMPLE\"
secret_access_key = \"another-secret-of-nobody\"
# The token that must come with the key, if any must.
session_token = \"a-session-token\"
account = \"111122223333\"
";

/// Headings, each before the key that it begins with.
const HEADINGS: [(&str, &str); 5] = [
    ("quota", "Limits: each account, region and operation has its own"),
    ("latency", "Time"),
    ("session_ttl", "Sessions and signatures"),
    ("faults", "What goes wrong"),
    ("tokens", "What nobody but the service knows"),
];

/// `deploy/emulator.toml`: every key of `[emulator]` with a value, its default and what it means.
pub fn emulator_file() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n[emulator]\n");
    let tables =
        |key: &&'static TableKey| key.example.is_empty() && matches!(key.form, ValueForm::Table(_) | ValueForm::Tables { .. });
    for key in EMULATOR.keys.iter().filter(|key| !tables(key)) {
        heading(&mut text, key);
        line(&mut text, key);
    }
    for key in EMULATOR.keys.iter().filter(tables) {
        heading(&mut text, key);
        text.push('\n');
        comment(&mut text, &format!("{}{}", meaning(key), without(key)));
        let (ValueForm::Table(keys) | ValueForm::Tables { of: keys, .. }) = &key.form else { continue };
        match key.form {
            ValueForm::Table(_) => _ = writeln!(text, "[emulator.{}]", key.name),
            _ => _ = writeln!(text, "[[emulator.{}]]", key.name),
        }
        // Of a list the first row shows what a row must have, and whose it is.
        let row = |inner: &&TableKey| matches!(key.form, ValueForm::Table(_)) || !matches!(inner.absent, Absent::Means(_));
        keys.keys.iter().filter(row).for_each(|inner| line(&mut text, inner));
    }
    text + SECOND
}

fn heading(text: &mut String, key: &TableKey) {
    if let Some((_, heading)) = HEADINGS.iter().find(|(name, _)| *name == key.name) {
        let _ = writeln!(text, "\n# ---- {heading} {}", "-".repeat(110usize.saturating_sub(heading.len())));
    }
}

/// What holds without a key, as a sentence.
fn without(key: &TableKey) -> String {
    match key.absent {
        Absent::Means(without) if !without.is_empty() => format!(" Without it: {without}."),
        Absent::Is(value) if !key.example.is_empty() => format!(" Without it: {value}."),
        _ => String::new(),
    }
}

/// A key with its value, under what it means and which values it takes.
fn line(text: &mut String, key: &'static TableKey) {
    text.push('\n');
    let takes = match &key.form {
        ValueForm::Table(_) | ValueForm::Tables { .. } | ValueForm::Truth | ValueForm::Text(_) => String::new(),
        form => format!(" Values: {}.", values(form).replace('`', "")),
    };
    comment(text, &format!("{}{takes}{}", meaning(key), without(key)));
    if let ValueForm::Table(keys) | ValueForm::Tables { of: keys, .. } = &key.form {
        // Of several keys of one form the first shows it.
        let mut form = String::new();
        members(&mut form, keys);
        if !text.contains(&form) {
            text.push_str(&form);
        }
    }
    let default = if key.example.is_empty() { " # default" } else { "" };
    let _ = writeln!(text, "{} = {}{default}", key.name, key.shown());
}

/// The keys of a table that stands in one line, a comment each.
fn members(text: &mut String, keys: &'static TableKeys) {
    for variant in keys.variants {
        let tag = if keys.tag.is_empty() { String::new() } else { format!("{} = \"{}\"", keys.tag, variant.name) };
        let own = variant.keys.iter().map(|key| format!("{} = {}", key.name, key.shown()));
        let all: Vec<String> = [tag].into_iter().filter(|tag| !tag.is_empty()).chain(own).collect();
        let _ = writeln!(text, "#   {{ {} }}", all.join(", "));
        comment_under(text, variant.help);
        variant.keys.iter().filter(|key| !key.help.is_empty() && key.help != variant.help).for_each(|key| member(text, key));
    }
    keys.keys.iter().for_each(|key| member(text, key));
}

fn member(text: &mut String, key: &'static TableKey) {
    let default = match key.absent {
        Absent::Is(value) => format!(" Default: {value}."),
        _ => without(key),
    };
    let values = match &key.form {
        // Its forms stand above, as those of the table that it is in.
        ValueForm::Table(keys) if !keys.tag.is_empty() => format!("a table with a separate {}", keys.tag),
        form => values(form).replace('`', ""),
    };
    comment_under(text, &format!("{}: {} Values: {values}.{default}", key.name, meaning(key)));
}

fn comment(text: &mut String, words: &str) {
    wrapped(text, words, "# ");
}

fn comment_under(text: &mut String, words: &str) {
    wrapped(text, words, "#       ");
}

/// Comment lines of at most 120 columns.
fn wrapped(text: &mut String, words: &str, indent: &str) {
    let mut column = 0;
    for word in words.split_whitespace() {
        if column > 0 && column + 1 + word.chars().count() > 120 {
            text.push('\n');
            column = 0;
        }
        let space = if column == 0 { indent } else { " " };
        let _ = write!(text, "{space}{word}");
        column += space.len() + word.chars().count();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key that is declared for the emulator stands in its file, with its words.
    #[test]
    fn nothing_is_left_out() {
        fn words(keys: &'static TableKeys, text: &str) {
            for key in keys.variants.iter().flat_map(|variant| variant.keys).chain(keys.keys) {
                assert!(text.contains(key.name) && text.contains(key.help), "{}: {}", key.name, key.help);
                if let ValueForm::Table(inner) | ValueForm::Tables { of: inner, .. } = &key.form {
                    words(inner, text);
                }
            }
        }
        let plain = emulator_file().lines().map(|line| line.trim_start_matches(['#', ' '])).collect::<Vec<_>>().join(" ");
        words(&EMULATOR, &plain);
    }
}
