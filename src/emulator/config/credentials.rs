//! Who may call an emulator. A secret is never printed: not by `Debug`, not in a message.

use std::fmt;

/// A text that nobody may see: `Debug` shows three stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for signing and comparing only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One row of `[[emulator.credentials]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The access key's id, 1 to 128 characters of `A-Za-z0-9_`; unique among the rows.
    pub access_key_id: String,
    /// The secret that signatures are made with.
    pub secret_access_key: Secret,
    /// The token that must come with the key, if any must.
    pub session_token: Option<Secret>,
    /// Whose quotas and sessions its calls use: 12 digits.
    pub account: String,
}
