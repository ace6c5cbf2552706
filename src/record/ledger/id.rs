//! An id in few bytes.
//!
//! Refuses to change a text: what comes out is what went in.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A session id, request id, token or exception's name: a lower-case UUID in 16 bytes, anything else as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A lower-case UUID.
    Uuid([u8; 16]),
    /// Any other text; its copies share it.
    Text(Arc<str>),
}

impl Id {
    /// The id that `text` is.
    pub fn of(text: &str) -> Self {
        uuid_bytes(text).map_or_else(|| Self::Text(text.into()), Self::Uuid)
    }
}

/// The bytes of a hyphenated lower-case UUID.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    if !crate::target::outcome::is_session_id(text) {
        return None;
    }
    uuid::Uuid::try_parse(text).ok().map(uuid::Uuid::into_bytes)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(bytes) => fmt::Display::fmt(&uuid::Uuid::from_bytes(*bytes).hyphenated(), f),
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
        for text in [uuid, "0F2E9B1C-1111-4222-8333-44445555AAAA", "0f2e9b1c111142228333444455556666", "", "t_-1"] {
            assert_eq!(Id::of(text).to_string(), text);
        }
    }
}
