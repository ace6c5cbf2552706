//! Amounts of calls that need not be whole: tokens, and what a refused call costs.
//!
//! Refuses to be a float: every amount is a whole number of small parts, so that decisions are exact.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::num::{float, whole};

/// Parts of a token.
const MILLIONTHS: u64 = 1_000_000;

/// So many tokens, to a millionth; on disk a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TokenAmount(u64);

impl TokenAmount {
    /// One token.
    pub const ONE: Self = Self::whole(1);

    /// Whole tokens.
    pub const fn whole(tokens: u32) -> Self {
        Self(tokens as u64 * MILLIONTHS)
    }

    /// The nearest millionth of `tokens`; `None` if it is negative, no number, or above 2^32.
    pub fn new(tokens: f64) -> Option<Self> {
        (0.0..=f64::from(u32::MAX)).contains(&tokens).then(|| Self(whole((tokens * float(MILLIONTHS)).round())))
    }

    /// Millionths of a token.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// Whole tokens, what is over left out.
    pub const fn floor(self) -> u64 {
        self.0 / MILLIONTHS
    }

    /// As a number.
    pub fn as_f64(self) -> f64 {
        float(self.0) / float(MILLIONTHS)
    }
}

impl From<u32> for TokenAmount {
    fn from(tokens: u32) -> Self {
        Self::whole(tokens)
    }
}

impl fmt::Display for TokenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

impl Serialize for TokenAmount {
    /// Whole tokens have no point, as before there were others.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(MILLIONTHS) {
            serializer.serialize_u64(self.floor())
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

impl<'de> Deserialize<'de> for TokenAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tokens = f64::deserialize(deserializer)?;
        Self::new(tokens).ok_or_else(|| de::Error::custom(format!("{tokens} is not a number of tokens")))
    }
}

/// What a refused call costs, as a part of what one costs that is let through: 0 to 1, to a thousandth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusalCost {
    milli: u16,
}

impl RefusalCost {
    /// Nothing.
    pub const NOTHING: Self = Self { milli: 0 };

    /// As much as any call.
    pub const FULL: Self = Self { milli: 1000 };

    /// The nearest thousandth of `part`; `None` if it does not lie between 0 and 1.
    pub fn new(part: f64) -> Option<Self> {
        let milli = u16::try_from(whole((part * 1000.0).round())).unwrap_or(u16::MAX);
        (0.0..=1.0).contains(&part).then_some(Self { milli })
    }

    /// In thousandths, 0 to 1000.
    pub const fn milli(self) -> u16 {
        self.milli
    }

    /// As a number from 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.milli) / 1000.0
    }
}

impl From<bool> for RefusalCost {
    /// All or nothing.
    fn from(charged: bool) -> Self {
        if charged { Self::FULL } else { Self::NOTHING }
    }
}

impl Serialize for RefusalCost {
    /// All or nothing is yes or no, as before there were numbers.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::NOTHING => serializer.serialize_bool(false),
            Self::FULL => serializer.serialize_bool(true),
            part => serializer.serialize_f64(part.as_f64()),
        }
    }
}

impl<'de> Deserialize<'de> for RefusalCost {
    /// A number, or yes or no.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Charged(bool),
            Part(f64),
        }
        match Form::deserialize(deserializer)? {
            Form::Charged(charged) => Ok(charged.into()),
            Form::Part(part) => Self::new(part).ok_or_else(|| de::Error::custom(format!("{part} does not lie between 0 and 1"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amounts are read from disk as they were written, also as files of before wrote them.
    #[test]
    fn there_and_back() {
        for tokens in
            [TokenAmount::whole(10), TokenAmount::new(7.3).unwrap(), TokenAmount::default(), TokenAmount::new(1e-6).unwrap()]
        {
            let text = serde_json::to_string(&tokens).unwrap();
            assert_eq!(serde_json::from_str::<TokenAmount>(&text).unwrap(), tokens, "{text}");
        }
        assert_eq!(serde_json::to_string(&TokenAmount::whole(25)).unwrap(), "25");
        let costs = ["false", "true", "0", "0.25", "1.0"].map(|text| serde_json::from_str::<RefusalCost>(text).unwrap().milli());
        assert_eq!(costs, [0, 1000, 0, 250, 1000]);
        assert!(serde_json::from_str::<RefusalCost>("1.1").is_err() && serde_json::from_str::<TokenAmount>("-1").is_err());
    }
}
