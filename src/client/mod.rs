//! What is called, what is asked of it and how it can end.
//!
//! `outcome`, `request` and the reading of answers are pure. `net` opens connections, `signing` signs, `sdk` and `wire` make calls with them.
//! Refuses to know when a call was due, and to retry.

pub mod bare;
pub mod model;
pub mod net;
pub mod outcome;
mod reading;
pub mod request;
pub mod sdk;
mod signing;
pub mod wire;

pub use reading::answer as read_answer;

use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::service::exception;
use crate::units::Text64;
use outcome::Outcome;

/// One call as the driver hands it over: which prepared request, with which token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Index into the requests that the client was made with.
    pub request: usize,
    /// The token to send instead of the request's own; `None` sends the request as it is.
    pub token: Option<Text64>,
}

/// What came back, as far as anything did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// How the call ended.
    pub outcome: Outcome,
    /// The HTTP status, when an answer's head arrived.
    pub status: Option<u16>,
    /// The exception's name as the service spelt it.
    pub exception: Option<Text64>,
    /// The session id, also a malformed one.
    pub session_id: Option<Text64>,
    /// The service's request id.
    pub request_id: Option<Text64>,
    /// The second of the `Date` header, since 1970 UTC.
    pub server_second: Option<u32>,
}

impl Answer {
    /// Whether the service refused the caller: access, key, signature or token. Every further call would end the same.
    pub fn refuses_caller(&self) -> bool {
        let named = self.status.and(self.exception.as_ref()).is_some_and(|name| exception::refuses_caller(name.as_str()));
        self.outcome == Outcome::AccessDenied || named
    }

    /// An ending without an answer of the service.
    pub const fn without_reply(outcome: Outcome) -> Self {
        Self { outcome, status: None, exception: None, session_id: None, request_id: None, server_second: None }
    }
}

/// An answer that the service's model does not know, as it came: for people to see what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnexpectedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The media type; null without one.
    pub content_type: Option<String>,
    /// The first 200 characters of the body, with whatever may be a key or a signature masked.
    pub body: String,
}

/// What became of a stream that should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamAnswer {
    /// It streams.
    Streams,
    /// Over the quota of starts per second.
    TooFast,
    /// As many sessions stream as may at once.
    TooMany,
    /// No session that could.
    NoSession,
}

/// Something with which a user's whole visit can be made.
pub trait VisitClient: Client {
    /// Starts the stream of a session, which lasts so long; whether its check will succeed. Answered at once.
    fn stream(&self, session: Text64, length: Duration, succeeds: bool) -> StreamAnswer;

    /// Asks for the results of a session.
    fn results(&self, session: Text64) -> impl Future<Output = Answer>;
}

/// Something that can be called.
///
/// One client belongs to one runtime: its connections live there.
pub trait Client {
    /// Makes one call, never a retry, and says how it ended.
    fn call(&self, ask: Ask) -> impl Future<Output = Answer>;

    /// Connections that it opened so far; 0 for a client that needs none.
    fn connections_opened(&self) -> u64 {
        0
    }

    /// The first answer that the service's model does not know; `None` if there was none, or nobody keeps it.
    fn unexpected(&self) -> Option<UnexpectedAnswer> {
        None
    }
}
