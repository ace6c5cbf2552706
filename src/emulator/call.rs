//! A call as it arrives: who asks for what, where; or why it is no call at all.

use std::borrow::Cow;
use std::sync::Arc;

use super::reply::Reply;
use crate::client::request::CreateRequest;
use crate::emulator::config::RawAnswer;
use crate::service::operation::Operation;

/// One call as it arrives.
#[derive(Debug, Clone)]
pub struct ApiCall<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    /// Required members that were absent, in the spelling of [`Violation::path`](crate::client::request::Violation::path).
    pub(super) lacking: &'a [String],
    /// The token that it brings instead of its request's own.
    token: Option<&'a str>,
    pub(super) input: CallInput<'a>,
}

/// What it asks for.
#[derive(Debug, Clone)]
pub(super) enum CallInput<'a> {
    Create(&'a CreateRequest),
    Get(Option<&'a str>),
    Rejected(Option<Operation>, Rejection),
}

impl<'a> ApiCall<'a> {
    const fn new(input: CallInput<'a>) -> Self {
        Self { account: None, region: None, lacking: &[], token: None, input }
    }

    /// A create call.
    pub const fn create(request: &'a CreateRequest) -> Self {
        Self::new(CallInput::Create(request))
    }

    /// A call for the results of a session; `None` is an absent `SessionId`.
    pub const fn get(session_id: Option<&'a str>) -> Self {
        Self::new(CallInput::Get(session_id))
    }

    /// A call that is none: it is answered, counted and logged, and changes nothing.
    pub const fn rejected(rejection: Rejection) -> Self {
        Self::new(CallInput::Rejected(None, rejection))
    }

    /// A call of a known operation that is none.
    pub const fn rejected_of(operation: Operation, rejection: Rejection) -> Self {
        Self::new(CallInput::Rejected(Some(operation), rejection))
    }

    /// The same with `token` instead of the request's own.
    #[must_use]
    pub fn with_token(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The same in `region`, as its credential scope says; otherwise it is in the configured one.
    #[must_use]
    pub fn in_region(self, region: &'a str) -> Self {
        Self { region: Some(region), ..self }
    }

    /// The same for `account`; otherwise it is the configured one's. Each account has sessions, tokens and limits of its own, so the edge takes
    /// accounts from [`EmulatorConfig::account_of`](crate::emulator::config::EmulatorConfig::account_of) alone.
    #[must_use]
    pub fn of_account(self, account: &'a str) -> Self {
        Self { account: Some(account), ..self }
    }

    /// The same with required members absent that the request's type cannot leave out, such as
    /// `Settings.OutputConfig.S3Bucket` or `Settings.ChallengePreferences.1.member.Type`.
    #[must_use]
    pub fn lacking(self, paths: &'a [String]) -> Self {
        Self { lacking: paths, ..self }
    }

    /// The token that it brings.
    pub(super) fn token(&self) -> Option<&str> {
        let CallInput::Create(request) = &self.input else { return None };
        self.token.or(request.client_request_token.as_deref())
    }

    /// Whether it is no call at all.
    pub(super) const fn is_rejected(&self) -> bool {
        matches!(self.input, CallInput::Rejected(..))
    }

    /// Which operation it is, when that is known.
    pub const fn operation(&self) -> Option<Operation> {
        match &self.input {
            CallInput::Create(_) => Some(Operation::Create),
            CallInput::Get(_) => Some(Operation::GetResults),
            CallInput::Rejected(operation, _) => *operation,
        }
    }
}

/// Why something that arrived is no call.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// Not a POST.
    Method,
    /// Not to `/`.
    Path,
    /// `X-Amz-Target` is absent or names another operation.
    Operation,
    /// The body is larger than the edge takes.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body is no JSON, or of other types than the model's.
    Serialization(String),
    /// The front door refuses it: signatures, dates, tokens, unknown keys.
    Refused {
        /// HTTP status.
        status: u16,
        /// `__type`.
        exception: &'static str,
        /// `message`, if any.
        message: Option<String>,
    },
    /// An answer in no form of the operation's own, such as the XML for what is not even JSON. Its share counts for nothing.
    Raw(Arc<RawAnswer>),
}

impl Rejection {
    pub(super) fn reply(&self) -> Reply {
        let (status, exception, message) = match self {
            Self::Method => (405, "UnknownOperationException", Some(Cow::Borrowed("only POST is understood"))),
            Self::Path => (404, "UnknownOperationException", None),
            Self::Operation => (400, "UnknownOperationException", None),
            Self::TooLarge => (413, "RequestEntityTooLargeException", Some(Cow::Borrowed("the request is larger than 1 MiB"))),
            Self::TooSlow => (408, "RequestTimeoutException", Some(Cow::Borrowed("the request's body did not come in time"))),
            Self::Serialization(message) => (400, "SerializationException", Some(Cow::Owned(message.clone()))),
            Self::Refused { status, exception, message } => (*status, *exception, message.clone().map(Cow::Owned)),
            Self::Raw(raw) => return Reply::Raw(Arc::clone(raw)),
        };
        Reply::FrontDoor { status, exception: Cow::Borrowed(exception), message, retry_after_ms: None }
    }
}
