//! Quantities that cannot be mixed up: rates, shares, short texts, durations as people write them.
//!
//! Refuses to know what a quantity is used for, and to read a clock.

use std::fmt;
use std::time::Duration;

use crate::num::{float, whole};
use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a number or a text could not be turned into.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum UnitError {
    /// A rate outside 0 to [`Rate::MAX_PER_SECOND`], or not a number.
    #[error("a rate is a number of calls per second from 0 to 1000000, and {0} is not")]
    Rate(f64),
    /// A share outside 0 to 1, or not a number.
    #[error("a share lies between 0 and 1, and {0} does not")]
    Share(f64),
    /// A text that is no duration.
    #[error("`{0}` is not a duration; write it like 250ms, 30s, 5m or 1h 30m")]
    Duration(String),
}

/// Events per second: 0 to 1,000,000, in steps of one millionth.
///
/// Kept as a whole number of micro-hertz so that a schedule can be computed without rounding.
///
/// On disk it is the number of events per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate {
    micro_hz: u64,
}

impl Rate {
    /// The highest rate, in events per second.
    pub const MAX_PER_SECOND: f64 = 1e6;

    /// A rate of `per_second` events per second, rounded to the nearest millionth.
    pub fn per_second(per_second: f64) -> Result<Self, UnitError> {
        if !(0.0..=Self::MAX_PER_SECOND).contains(&per_second) {
            return Err(UnitError::Rate(per_second));
        }
        Ok(Self { micro_hz: whole((per_second * 1e6).round()) })
    }

    /// Micro-hertz: events per million seconds.
    pub const fn micro_hz(self) -> u64 {
        self.micro_hz
    }

    /// Events per second.
    pub fn as_f64(self) -> f64 {
        float(self.micro_hz) / 1e6
    }
}

impl TryFrom<f64> for Rate {
    type Error = UnitError;

    fn try_from(per_second: f64) -> Result<Self, UnitError> {
        Self::per_second(per_second)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.as_f64()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.as_f64())
    }
}

/// A part of a whole: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Share(f64);

impl Share {
    /// No part at all.
    pub const NONE: Self = Self(0.0);

    /// The whole.
    pub const ALL: Self = Self(1.0);

    /// The share `value`, from 0 to 1.
    pub fn new(value: f64) -> Result<Self, UnitError> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(UnitError::Share(value)) }
    }

    /// The share as a number from 0 to 1.
    pub const fn as_f64(self) -> f64 {
        self.0
    }
}

/// A short text that needs no allocation: at most 64 bytes of UTF-8, longer ones are cut.
///
/// Session ids, request ids, tokens (64 characters at most by the service's model) and exception names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text64(ArrayString<64>);

impl Text64 {
    /// The first 64 bytes of `text`, cut at a character's edge.
    pub fn cut(text: &str) -> Self {
        if let Ok(whole) = ArrayString::from(text) {
            return Self(whole);
        }
        let mut end = text.len().min(64);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut inner = ArrayString::new();
        inner.push_str(&text[..end]);
        Self(inner)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Text64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text64 {
    /// A text of more than 64 bytes is an error: it would not be the same text.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let cut = Self::cut(&text);
        if cut.0.len() == text.len() { Ok(cut) } else { Err(serde::de::Error::custom("a text of more than 64 bytes")) }
    }
}

impl fmt::Display for Text64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a duration as people write it: `250ms`, `30s`, `1h 30m`.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    humantime::parse_duration(text.trim()).map_err(|_| UnitError::Duration(text.to_owned()))
}

/// `1 call`, `2 calls`.
pub fn plural(n: u64, noun: &str) -> String {
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}

/// `1 call was`, `2 calls were`.
pub fn plural_was(n: u64, noun: &str) -> String {
    format!("{} {}", plural(n, noun), was(n))
}

/// The verb for so many: `was`, `were`.
pub const fn was(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

/// A number to so many significant digits, the digits before the point never fewer than there are, and no zeros at the end: `0.333`, `16.1`,
/// `1235`.
pub fn significant(value: f64, digits: usize) -> String {
    // The exponent after rounding: 9.996 to three digits is 10.0.
    let exponent = format!("{value:.*e}", digits.saturating_sub(1));
    let exponent: i32 = exponent.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let before = usize::try_from(exponent + 1).unwrap_or(0);
    let after = if exponent < 0 { digits + usize::try_from(-exponent - 1).unwrap_or(0) } else { digits.saturating_sub(before) };
    let text = format!("{value:.after$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Writes a duration as people read it, to three significant digits: `45.2ms`, `1.81s`, `12m 30s`.
pub fn human(duration: Duration) -> String {
    human_to(duration, THREE)
}

/// Digits that people see unless more of them matter.
pub const THREE: usize = 3;

/// The same to so many digits; from a minute on three stand for whole seconds, and each further one for a tenth of what is left.
pub fn human_to(duration: Duration, digits: usize) -> String {
    if duration >= Duration::from_secs(60) {
        let step = 1_000_000_000 / 10u128.pow(u32::try_from(digits.saturating_sub(THREE).min(9)).unwrap_or(9));
        let ns = duration.as_nanos() / step * step;
        let (secs, ns) = (u64::try_from(ns / 1_000_000_000).unwrap_or(u64::MAX), u32::try_from(ns % 1_000_000_000).unwrap_or(0));
        return humantime::format_duration(Duration::new(secs, ns)).to_string();
    }
    let ns = duration.as_nanos();
    let (value, unit) = match ns {
        0 => return "0".to_owned(),
        1..1_000 => return format!("{ns}ns"),
        1_000..1_000_000 => (duration.as_secs_f64() * 1e6, "us"),
        1_000_000..1_000_000_000 => (duration.as_secs_f64() * 1e3, "ms"),
        _ => (duration.as_secs_f64(), "s"),
    };
    let after = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    let after = after + digits.saturating_sub(THREE);
    format!("{value:.after$}{unit}")
}

/// Whole microseconds of a duration, rounded down: the resolution of every instant on disk.
pub fn floor_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A duration on disk: whole microseconds, rounded down. For `#[serde(with = "serde_us")]`; the field's name ends in `_us`.
pub mod serde_us {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes it.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::floor_us(*duration))
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

/// A 128-bit number on disk: its digits as a text, which JSON readers of 64 bits leave whole.
pub mod serde_u128 {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    /// Writes it.
    pub fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A list of durations on disk, each as [`serde_us`] has it.
pub mod serde_us_list {
    use std::collections::VecDeque;
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes it.
    pub fn serialize<S: Serializer>(list: &VecDeque<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().copied().map(super::floor_us))
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VecDeque<Duration>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(Duration::from_micros).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long text is cut at a character's edge, never inside one.
    #[test]
    fn cuts_at_a_character() {
        let text = format!("{}é", "a".repeat(63));
        assert_eq!(Text64::cut(&text).as_str(), "a".repeat(63));
        assert_eq!(Text64::cut("short").as_str(), "short");
    }

    /// People see three digits and one unit.
    #[test]
    fn durations_read_well() {
        let cases = [
            (0, "0"),
            (900, "900ns"),
            (1_500, "1.50us"),
            (45_230_000, "45.2ms"),
            (1_806_000_000, "1.81s"),
            (750_000_000_000, "12m 30s"),
        ];
        for (ns, expected) in cases {
            assert_eq!(human(Duration::from_nanos(ns)), expected);
        }
    }

    /// Three digits, more before the point where there are more, and none that says nothing.
    #[test]
    fn numbers_read_well() {
        let cases = [
            (0.0, 3, "0"),
            (0.333_33, 3, "0.333"),
            (0.333_33, 5, "0.33333"),
            (16.0721, 3, "16.1"),
            (9.996, 3, "10"),
            (99.96, 3, "100"),
            (24.9, 3, "24.9"),
            (25.0, 3, "25"),
            (1234.5, 3, "1234"),
            (1234.5, 5, "1234.5"),
            (0.000_123_4, 3, "0.000123"),
            (-0.25, 3, "-0.25"),
        ];
        for (value, digits, expected) in cases {
            assert_eq!(significant(value, digits), expected, "{value}");
        }
        assert_eq!(
            (plural(1, "call"), plural(0, "call"), plural(2, "call")),
            ("1 call".into(), "0 calls".into(), "2 calls".into())
        );
        let long = Duration::from_millis(60_250);
        assert_eq!(
            (human_to(long, 3), human_to(long, 4), human_to(long, 5)),
            ("1m".into(), "1m 200ms".into(), "1m 250ms".into())
        );
        assert_eq!(human_to(Duration::from_micros(799_900), 4), "799.9ms");
    }

    /// A rate outside its range is refused by value, not clamped.
    #[test]
    fn rates_are_checked() {
        assert_eq!(Rate::per_second(0.2).map(Rate::micro_hz), Ok(200_000));
        for wrong in [-1.0, 1e7, f64::NAN, f64::INFINITY] {
            assert!(Rate::per_second(wrong).is_err());
        }
    }
}
