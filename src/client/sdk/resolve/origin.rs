//! Who said what.

use std::fmt;

/// Where a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An option on the command line.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A setting of the profile.
    Profile(&'static str),
    /// Who provides credentials.
    Provider,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::Profile(key) => write!(f, "`{key}` in the profile"),
            Self::Provider => f.write_str("the provider of credentials"),
        }
    }
}

/// Who chose the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--endpoint-url`
    Flag,
    /// An environment variable, by its name.
    Environment(&'static str),
    /// The profile.
    Profile,
    /// Nobody: it is the region's own.
    Region,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--endpoint-url"),
            Self::Environment(name) => f.write_str(name),
            Self::Profile => f.write_str("the profile"),
            Self::Region => f.write_str("the region"),
        }
    }
}
