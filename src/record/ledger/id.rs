//! An id in few bytes.
//!
//! Refuses to change a text: what comes out is what went in.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A session id, request id, token or exception's name: a lower-case UUID or one of our own tokens in 16 bytes, anything else as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A lower-case UUID.
    Uuid([u8; 16]),
    /// A token that a run made, `lb-` and twice 16 lower-case hexadecimal digits: the run's part and the call's.
    Token([u8; 16]),
    /// Any other text; its copies share it.
    Text(Arc<str>),
}

impl Id {
    /// The id that `text` is.
    pub fn of(text: &str) -> Self {
        uuid_bytes(text).map(Self::Uuid).or_else(|| token_bytes(text).map(Self::Token)).unwrap_or_else(|| Self::Text(text.into()))
    }
}

/// What a byte counts as a lower-case hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16u8 {
        digits[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

/// What a byte that is no digit counts: a bit that no digit has.
const NO_DIGIT: u8 = 16;

/// The bytes whose digits stand at these places; `None` if one of them is no digit.
fn bytes_at(text: &[u8; 36], places: [usize; 16]) -> Option<[u8; 16]> {
    let (mut bytes, mut all) = ([0; 16], 0);
    for (byte, at) in bytes.iter_mut().zip(places) {
        let (high, low) = (DIGITS[usize::from(text[at])], DIGITS[usize::from(text[at + 1])]);
        all |= high | low;
        *byte = (high << 4) | low;
    }
    (all & NO_DIGIT == 0).then_some(bytes)
}

/// The bytes of a hyphenated lower-case UUID.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let hyphens = [text[8], text[13], text[18], text[23]] == *b"----";
    if hyphens { bytes_at(text, [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]) } else { None }
}

/// The bytes of one of our own tokens.
fn token_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let formed = text.starts_with(b"lb-") && text[19] == b'-';
    if formed { bytes_at(text, [3, 5, 7, 9, 11, 13, 15, 17, 20, 22, 24, 26, 28, 30, 32, 34]) } else { None }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(bytes) => fmt::Display::fmt(&uuid::Uuid::from_bytes(*bytes).hyphenated(), f),
            Self::Token(bytes) => {
                let both = u128::from_be_bytes(*bytes);
                write!(f, "lb-{:016x}-{:016x}", both >> 64, both & u128::from(u64::MAX))
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::of(&text))
    }
}

impl JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text comes back as it went in, also one that only looks like a UUID.
    #[test]
    fn round_trip() {
        let uuid = "0f2e9b1c-1111-4222-8333-44445555aaaa";
        assert!(matches!(Id::of(uuid), Id::Uuid(_)));
        let token = "lb-0123456789abcdef-00000000000000ff";
        assert!(matches!(Id::of(token), Id::Token(_)));
        for text in [
            uuid,
            token,
            "0F2E9B1C-1111-4222-8333-44445555AAAA",
            "0f2e9b1c111142228333444455556666",
            "",
            "t_-1",
            "lb-0123456789ABCDEF-00000000000000ff",
            "lb-+123456789abcdef-00000000000000ff",
            "lb-0123456789abcdef-00000000000000f",
            "lb-0123456789abcdé-00000000000000ff",
            "lb-0123456789abcdef_00000000000000ff",
        ] {
            assert_eq!(Id::of(text).to_string(), text);
            assert_eq!(matches!(Id::of(text), Id::Text(_)), text != uuid && text != token, "{text}");
        }
    }
}
