//! The closed set of ways in which a call can end, decided on (exception name, HTTP status) and never on message text.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::service::constraint::is_session_id;
use crate::service::exception::name;

/// A spelling that names no outcome.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not an outcome")]
pub struct UnknownOutcome(pub String);

macro_rules! outcomes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $class:ident),+ $(,)?) => {
        /// How a call ended. The spellings are part of the published contracts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Outcome { $($(#[$doc])* $variant),+ }

        impl Outcome {
            /// Every outcome, in the order of the reports.
            pub const ALL: &'static [Outcome] = &[$(Outcome::$variant),+];

            /// The spelling used in every file.
            pub const fn name(self) -> &'static str {
                match self { $(Outcome::$variant => $name),+ }
            }

            /// The class that it is counted in.
            pub const fn class(self) -> Class {
                match self { $(Outcome::$variant => Class::$class),+ }
            }
        }
    };
}

outcomes! {
    /// A 200 with a lower-case 36-character UUID.
    Ok = "ok" in Ok,
    /// A 200 without one.
    MalformedSuccess = "malformed_success" in Error,
    /// `ProvisionedThroughputExceededException` 400: over the account's quota.
    ThrottledQuota = "throttled_quota" in Throttled,
    /// `ThrottlingException` 400: the rate rose too fast.
    ThrottledRamp = "throttled_ramp" in Throttled,
    /// `ThrottlingException` 500: the service is scaling.
    ThrottledService = "throttled_service" in Throttled,
    /// `AccessDeniedException`, also what an unsupported region answers.
    AccessDenied = "access_denied" in Error,
    /// `InvalidParameterException`.
    InvalidParameter = "invalid_parameter" in Error,
    /// `ValidationException`, from the service's front door and not in the operation's model.
    Validation = "validation" in Error,
    /// `InternalServerError`.
    InternalError = "internal_error" in Error,
    /// Any other answer of the service, bare 5xx included.
    Unmodelled = "unmodelled" in Error,
    /// No connection within the connect timeout.
    ConnectTimeout = "connect_timeout" in Error,
    /// Connected and sent, but no complete answer within the read timeout. The session may exist.
    ReadTimeout = "read_timeout" in Error,
    /// The connection broke before the answer was complete. The session may exist.
    ConnectionLost = "connection_lost" in Error,
    /// Any other failure between here and there: refused connection, name, TLS.
    OtherTransport = "other_transport" in Error,
    /// Not sent: this machine had no file, port or memory left for a connection. See [`Shortage`].
    Harness = "harness" in Unsent,
    /// Due but never sent: the harness had no room, or was more than 100 ms late.
    Missed = "missed" in Unsent,
    /// Due but refused by the scenario's own `max_rate`.
    Capped = "capped" in Unsent,
    /// Nobody saw its end: it was due when the run was cut off, which was resumed later. It may have been sent.
    Unknown = "unknown" in Unsent,
}

/// What of this machine a connection may want for. Its name is the exception that a call with [`Outcome::Harness`] is recorded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// `EMFILE`: this process may open no more files and sockets.
    Files,
    /// `ENFILE`: nobody on this machine may.
    SystemFiles,
    /// `EADDRNOTAVAIL`: no local port is free towards this address.
    Ports,
    /// `ENOBUFS`: the system has no room for a socket.
    Buffers,
    /// `ENOMEM`: there is no memory.
    Memory,
}

impl Shortage {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Files, Self::SystemFiles, Self::Ports, Self::Buffers, Self::Memory];

    /// What there was none of.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "file descriptors",
            Self::SystemFiles => "file descriptors of the whole system",
            Self::Ports => "local ports",
            Self::Buffers => "socket buffers",
            Self::Memory => "memory",
        }
    }

    /// What a failure of the system says, if it says that something of this machine is used up.
    pub fn of(error: &std::io::Error) -> Option<Self> {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(error)?;
        let causes = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];
        causes.iter().position(|cause| *cause == errno).map(|at| Self::ALL[at])
    }
}

/// Four classes that latency and shares are reported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A session was handed out.
    Ok,
    /// Refused for rate, whatever the cause.
    Throttled,
    /// Everything else that was sent.
    Error,
    /// Never sent, as far as anybody knows.
    Unsent,
}

impl Outcome {
    /// Classifies an answer of the service that is not a 200.
    ///
    /// `ThrottlingException` means two different things at 400 and at 500, so the name alone never decides.
    pub fn of_error(exception: Option<&str>, status: u16) -> Self {
        match (exception.unwrap_or_default(), status) {
            (name::PROVISIONED_THROUGHPUT_EXCEEDED, 400..=499) => Self::ThrottledQuota,
            (name::THROTTLING, 400..=499) => Self::ThrottledRamp,
            (name::THROTTLING, 500..=599) => Self::ThrottledService,
            (name::ACCESS_DENIED, 400..=499) => Self::AccessDenied,
            (name::INVALID_PARAMETER, 400..=499) => Self::InvalidParameter,
            (name::VALIDATION, 400..=499) => Self::Validation,
            (name::INTERNAL_SERVER_ERROR, 500..=599) => Self::InternalError,
            _ => Self::Unmodelled,
        }
    }

    /// Classifies a 200 by its session id.
    pub fn of_success(session_id: &str) -> Self {
        if is_session_id(session_id) { Self::Ok } else { Self::MalformedSuccess }
    }

    /// Whether the answer was lost, so that a session may exist that nobody knows.
    pub const fn is_lost(self) -> bool {
        matches!(self, Self::ReadTimeout | Self::ConnectionLost)
    }

    /// Whether the service said anything.
    pub const fn was_answered(self) -> bool {
        self.was_sent() && !matches!(self, Self::ConnectTimeout | Self::ReadTimeout | Self::ConnectionLost | Self::OtherTransport)
    }

    /// Whether the call left the harness, as far as anybody knows.
    pub const fn was_sent(self) -> bool {
        !matches!(self, Self::Harness | Self::Missed | Self::Capped | Self::Unknown)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|o| o.name() == name).ok_or_else(|| UnknownOutcome(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of the service's documented errors lands where the facts say.
    #[test]
    fn every_documented_row() {
        use Outcome as O;
        let rows = [
            (Some("ProvisionedThroughputExceededException"), 400, O::ThrottledQuota),
            (Some("ProvisionedThroughputExceededException"), 429, O::ThrottledQuota),
            (Some("ThrottlingException"), 400, O::ThrottledRamp),
            (Some("ThrottlingException"), 429, O::ThrottledRamp),
            (Some("ThrottlingException"), 500, O::ThrottledService),
            (Some("ThrottlingException"), 503, O::ThrottledService),
            (Some("AccessDeniedException"), 400, O::AccessDenied),
            (Some("AccessDeniedException"), 403, O::AccessDenied),
            (Some("InvalidParameterException"), 400, O::InvalidParameter),
            (Some("ValidationException"), 400, O::Validation),
            (Some("InternalServerError"), 500, O::InternalError),
            (Some("UnrecognizedClientException"), 400, O::Unmodelled),
            (Some("InvalidSignatureException"), 400, O::Unmodelled),
            (Some("IdempotentParameterMismatchException"), 400, O::Unmodelled),
            (Some("ServiceQuotaExceededException"), 402, O::Unmodelled),
            (Some("SerializationException"), 400, O::Unmodelled),
            (None, 400, O::Unmodelled),
            (None, 500, O::Unmodelled),
            (None, 503, O::Unmodelled),
        ];
        for (exception, status, expected) in rows {
            assert_eq!(O::of_error(exception, status), expected, "{exception:?} {status}");
        }
    }

    /// A 200 counts only with the exact form of a session id.
    #[test]
    fn success_needs_a_session_id() {
        assert_eq!(Outcome::of_success("0f2e9b1c-1111-4222-8333-44445555aaaa"), Outcome::Ok);
        let wrong = [
            "",
            "0F2E9B1C-1111-4222-8333-44445555AAAA",
            "0f2e9b1c111142228333444455556666",
            "0f2e9b1c-1111-4222-8333-44445555aaaa ",
        ];
        for text in wrong {
            assert_eq!(Outcome::of_success(text), Outcome::MalformedSuccess, "{text:?}");
        }
    }

    /// What this machine has no more of is ours; what the service refuses is not.
    #[test]
    fn shortages_are_ours() {
        let of = |errno: rustix::io::Errno| Shortage::of(&errno.into());
        assert_eq!(of(rustix::io::Errno::MFILE), Some(Shortage::Files));
        assert_eq!(of(rustix::io::Errno::NFILE), Some(Shortage::SystemFiles));
        assert_eq!(of(rustix::io::Errno::ADDRNOTAVAIL), Some(Shortage::Ports));
        assert_eq!(of(rustix::io::Errno::NOBUFS), Some(Shortage::Buffers));
        assert_eq!(of(rustix::io::Errno::NOMEM), Some(Shortage::Memory));
        assert_eq!((of(rustix::io::Errno::CONNREFUSED), of(rustix::io::Errno::CONNRESET)), (None, None));
    }

    /// What is written can be read back.
    #[test]
    fn spellings_round_trip() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.name().parse(), Ok(*outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
        assert!("OK".parse::<Outcome>().is_err());
    }
}
