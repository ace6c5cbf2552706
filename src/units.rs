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

/// Writes a duration as people read it, to three significant digits: `45.2ms`, `1.81s`, `12m 30s`.
pub fn human(duration: Duration) -> String {
    if duration >= Duration::from_secs(60) {
        return humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    }
    let ns = duration.as_nanos();
    let (value, unit) = match ns {
        0 => return "0".to_owned(),
        1..1_000 => return format!("{ns}ns"),
        1_000..1_000_000 => (duration.as_secs_f64() * 1e6, "us"),
        1_000_000..1_000_000_000 => (duration.as_secs_f64() * 1e3, "ms"),
        _ => (duration.as_secs_f64(), "s"),
    };
    let digits = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.digits$}{unit}")
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

    /// A rate outside its range is refused by value, not clamped.
    #[test]
    fn rates_are_checked() {
        assert_eq!(Rate::per_second(0.2).map(Rate::micro_hz), Ok(200_000));
        for wrong in [-1.0, 1e7, f64::NAN, f64::INFINITY] {
            assert!(Rate::per_second(wrong).is_err());
        }
    }
}
