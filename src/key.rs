//! Keys of a file as data: name, form with its range, what holds without it, and what it means. Each stands once.
//!
//! Readers, suggestions, the JSON Schema, the guide's tables and `deploy/emulator.toml` all come from these declarations, which
//! stand beside the values that they are about. Refuses to read a text and to know any key.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::units::Rate;

/// A key of a table.
#[derive(Debug)]
pub struct TableKey {
    /// As it is written.
    pub name: &'static str,
    /// What may stand there.
    pub form: ValueForm,
    /// What holds when it is absent.
    pub absent: Absent,
    /// What it means, in sentences; empty where its table says so.
    pub help: &'static str,
    /// A value in TOML, for messages, editors and `deploy/emulator.toml`; empty where the default is example enough.
    pub example: &'static str,
}

impl TableKey {
    /// A key that must be there; `remedy` is what a message says after "add".
    pub const fn required(name: &'static str, form: ValueForm, remedy: &'static str, help: &'static str) -> Self {
        Self { name, form, absent: Absent::Required(remedy), help, example: "" }
    }

    /// A key with a default.
    pub const fn default(name: &'static str, form: ValueForm, value: Given, help: &'static str) -> Self {
        Self { name, form, absent: Absent::Is(value), help, example: "" }
    }

    /// A key without which something holds that no value of it says: "no limit".
    pub const fn optional(name: &'static str, form: ValueForm, without: &'static str, help: &'static str) -> Self {
        Self { name, form, absent: Absent::Means(without), help, example: "" }
    }

    /// A value of it in TOML.
    pub fn shown(&self) -> String {
        match (self.example, self.absent) {
            ("", Absent::Is(value)) => value.to_string(),
            (example, _) => example.to_owned(),
        }
    }

    /// With a value to show.
    #[must_use]
    pub const fn like(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
}

/// What may stand at a key.
#[derive(Debug)]
pub enum ValueForm {
    /// A whole number.
    Integer(RangeInclusive<u64>),
    /// One of some whole numbers.
    OneOf(&'static [u64]),
    /// A number, with or without a point.
    Number(RangeInclusive<f64>),
    /// Calls per second, from 0.
    Rate,
    /// Calls per second, above 0.
    PositiveRate,
    /// A part of a whole, 0 to 1.
    Share,
    /// A part of a whole, for which yes and no may stand: 1, 0.
    Part,
    /// A part of a whole as people write it: a number from 0 to 1, or a text like "5%".
    Percent,
    /// Events per second as people write them: a number, or a text like "20/s".
    PerSecond,
    /// A number, with or without a point, or one word.
    NumberOr {
        /// Which numbers.
        range: RangeInclusive<f64>,
        /// The word.
        word: &'static str,
    },
    /// A time with its unit, as a text.
    Duration(RangeInclusive<Duration>),
    /// A text.
    Text(TextRule),
    /// One of some words.
    Word(&'static [&'static str]),
    /// A list of some words, never empty.
    Words(&'static [&'static str]),
    /// Yes or no.
    Truth,
    /// A table.
    Table(&'static TableKeys),
    /// A list of tables.
    Tables {
        /// What each of them has.
        of: &'static TableKeys,
        /// How many of them.
        count: RangeInclusive<usize>,
    },
    /// A table of metrics, each with a comparison and a limit.
    Thresholds,
}

/// Which texts: a pattern in the dialect of JSON Schema, and a length in characters.
#[derive(Debug)]
pub struct TextRule {
    /// What the whole text matches, if there is a rule.
    pub pattern: Option<&'static str>,
    /// Its length.
    pub length: RangeInclusive<usize>,
}

impl TextRule {
    /// Any text.
    pub const ANY: Self = Self { pattern: None, length: 0..=usize::MAX };

    /// A text of such a length.
    pub const fn of_length(least: usize, most: usize) -> Self {
        Self { pattern: None, length: least..=most }
    }

    /// A text that matches `pattern`.
    pub const fn matching(pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), length: 0..=usize::MAX }
    }
}

/// What holds when a key is absent.
#[derive(Debug, Clone, Copy)]
pub enum Absent {
    /// It must be there; what to add, as messages say it.
    Required(&'static str),
    /// The same as with this value.
    Is(Given),
    /// What holds instead, in a few words; empty where there is nothing to say.
    Means(&'static str),
}

/// A value as a declaration gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given {
    /// A whole number.
    Integer(u64),
    /// A number or a share.
    Number(f64),
    /// A text, a word or a duration.
    Text(&'static str),
    /// Yes or no.
    Truth(bool),
}

impl fmt::Display for Given {
    /// As TOML has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

/// What a table has.
#[derive(Debug)]
pub struct TableKeys {
    /// Its name in the schema.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// The key whose word chooses among the variants; empty when there is none, or when the keys that are there choose.
    pub tag: &'static str,
    /// Which keys go together; the first is meant when the tag is absent.
    pub variants: &'static [&'static Variant],
    /// Keys of every variant.
    pub keys: &'static [TableKey],
    /// Keys that a reader knows only to say where they belong.
    pub foreign: &'static [&'static str],
    /// What never stands together, as paths from here.
    pub never: &'static [&'static [&'static str]],
    /// A plain value that may stand instead of the table.
    pub plain: Option<ValueForm>,
    /// The key that lifts the bounds of another one's table when it is true; types and required keys stay.
    pub lifts: Option<(&'static str, &'static str)>,
}

/// Keys that go together.
#[derive(Debug)]
pub struct Variant {
    /// The word of the tag, or a name for people.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// Its keys.
    pub keys: &'static [TableKey],
}

impl TableKeys {
    /// A table with some keys.
    pub const fn new(name: &'static str, help: &'static str, keys: &'static [TableKey]) -> Self {
        Self { name, help, tag: "", variants: &[], keys, foreign: &[], never: &[], plain: None, lifts: None }
    }

    /// Every key that may stand in some variant, each once, in the order of the declarations; the tag comes first.
    pub fn names(&self) -> Vec<&'static str> {
        let declared = self.variants.iter().flat_map(|variant| variant.keys).chain(self.keys).map(|key| key.name);
        let mut names: Vec<&'static str> = Vec::new();
        for name in [self.tag].into_iter().filter(|tag| !tag.is_empty()).chain(declared).chain(self.foreign.iter().copied()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The declaration of `name` in `variant`, or in the first variant that has it.
    pub fn find(&'static self, name: &str, variant: Option<&'static Variant>) -> Option<&'static TableKey> {
        let first = variant.into_iter().flat_map(|variant| variant.keys);
        first.chain(self.keys).chain(self.variants.iter().flat_map(|variant| variant.keys)).find(|key| key.name == name)
    }
}

/// A closed set of words, each with its value.
pub trait Words: Copy + 'static {
    /// Every word and what it stands for.
    const WORDS: &'static [(&'static str, Self)];
    /// The words alone.
    const NAMES: &'static [&'static str];
}

/// Gives each value of an enum its word.
macro_rules! words {
    ($type:ty { $($word:expr => $variant:ident),+ $(,)? }) => {
        impl $crate::key::Words for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, <$type>::$variant)),+];
            const NAMES: &'static [&'static str] = &[$($word),+];
        }
    };
}
pub(crate) use words;

/// The numbers of a table by their keys, as a reader found them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Amounts(Vec<(&'static str, Amount)>);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Amount {
    /// A whole number.
    Count(u32),
    /// A number that need not be whole.
    Number(f64),
    /// Calls per second.
    Rate(Rate),
    /// A time.
    Time(Duration),
    /// Yes or no.
    Truth(bool),
    /// One of some words.
    Word(&'static str),
    /// A table within, read as the variant of that name.
    Table(&'static str, Amounts),
}

impl Amounts {
    /// Keeps what stands at `key`.
    pub fn add(&mut self, key: &'static str, amount: Amount) {
        self.0.push((key, amount));
    }

    fn get<'a, T>(&'a self, key: &str, read: impl Fn(&'a Amount) -> Option<T>) -> Option<T> {
        self.0.iter().find(|(name, _)| *name == key).and_then(|(_, amount)| read(amount))
    }

    /// The whole number at `key`.
    pub fn count(&self, key: &str) -> Option<u32> {
        self.get(key, |amount| if let Amount::Count(count) = amount { Some(*count) } else { None })
    }

    /// The number at `key`.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key, |amount| if let Amount::Number(number) = amount { Some(*number) } else { None })
    }

    /// The rate at `key`.
    pub fn rate(&self, key: &str) -> Option<Rate> {
        self.get(key, |amount| if let Amount::Rate(rate) = amount { Some(*rate) } else { None })
    }

    /// The time at `key`.
    pub fn time(&self, key: &str) -> Option<Duration> {
        self.get(key, |amount| if let Amount::Time(time) = amount { Some(*time) } else { None })
    }

    /// Whether `key` says yes; no when it is absent.
    pub fn truth(&self, key: &str) -> bool {
        self.get(key, |amount| if let Amount::Truth(truth) = amount { Some(*truth) } else { None }).unwrap_or(false)
    }

    /// What the word at `key` stands for.
    pub fn word<T: Words>(&self, key: &str) -> Option<T> {
        let word = self.get(key, |amount| if let Amount::Word(word) = amount { Some(*word) } else { None })?;
        T::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
    }

    /// The table at `key`: the name of its variant, and its numbers.
    pub fn table(&self, key: &str) -> Option<(&'static str, &Self)> {
        self.get(key, |amount| if let Amount::Table(variant, amounts) = amount { Some((*variant, amounts)) } else { None })
    }
}
