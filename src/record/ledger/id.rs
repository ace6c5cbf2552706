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

/// The bytes of a hyphenated lower-case UUID.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    if !crate::service::constraint::is_session_id(text) {
        return None;
    }
    uuid::Uuid::try_parse(text).ok().map(uuid::Uuid::into_bytes)
}

/// The bytes of one of our own tokens.
fn token_bytes(text: &str) -> Option<[u8; 16]> {
    let (run, call) = text.strip_prefix("lb-")?.split_at_checked(16)?;
    let part = |digits: &str| {
        let plain = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
    };
    let both = (u128::from(part(run)?) << 64) | u128::from(part(call.strip_prefix('-')?)?);
    Some(both.to_be_bytes())
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
