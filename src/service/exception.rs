//! The exceptions that the two operations answer with: names, HTTP statuses, words.
//!
//! Source: the API model for names and statuses, "Error handling" and "Guidelines and quotas in Amazon Rekognition" of the Developer
//! Guide for words and for the second status of `ThrottlingException`. Never match on the words: they differ from page to page.

/// An exception, its HTTP status and its documented words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// What `__type` says.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What `Message` says.
    pub message: &'static str,
}

/// The names that outcomes are decided on.
pub mod name {
    /// Over the account's quota.
    pub const PROVISIONED_THROUGHPUT_EXCEEDED: &str = "ProvisionedThroughputExceededException";
    /// Two different things: at 400 [`RAMP`](super::RAMP), at 500 [`SCALING`](super::SCALING).
    pub const THROTTLING: &str = "ThrottlingException";
    /// Not allowed, or a region without Face Liveness.
    pub const ACCESS_DENIED: &str = "AccessDeniedException";
    /// A member that the service does not accept.
    pub const INVALID_PARAMETER: &str = "InvalidParameterException";
    /// A broken constraint as the service's front door names it: in no operation's model, but seen on the wire.
    pub const VALIDATION: &str = "ValidationException";
    /// The service failed.
    pub const INTERNAL_SERVER_ERROR: &str = "InternalServerError";
    /// No session of that id, or none any more.
    pub const SESSION_NOT_FOUND: &str = "SessionNotFoundException";
    /// A token that came with another request. The service has it, but not in the model of these operations.
    pub const TOKEN_MISMATCH: &str = "IdempotentParameterMismatchException";
}

/// Over the account's quota: retry, or ask for a higher one.
pub const QUOTA: Exception =
    Exception { name: name::PROVISIONED_THROUGHPUT_EXCEEDED, status: 400, message: "Provisioned Rate exceeded." };
/// The rate rose too fast: smooth the traffic, then retry.
pub const RAMP: Exception =
    Exception { name: name::THROTTLING, status: 400, message: "Slow down; sudden increase in rate of requests." };
/// The service is scaling up: retry.
pub const SCALING: Exception = Exception { name: name::THROTTLING, status: 500, message: "Service Unavailable" };
/// A member that the service does not accept.
pub const INVALID_PARAMETER: Exception =
    Exception { name: name::INVALID_PARAMETER, status: 400, message: "Request has invalid parameters." };
/// The service failed.
pub const INTERNAL: Exception = Exception { name: name::INTERNAL_SERVER_ERROR, status: 500, message: "Internal server error" };
/// No session of that id, or none any more; of `GetFaceLivenessSessionResults` only.
pub const SESSION_NOT_FOUND: Exception = Exception { name: name::SESSION_NOT_FOUND, status: 400, message: "Session not found." };
/// Not allowed. A region without Face Liveness answers with this name and no words.
pub const ACCESS_DENIED: Exception =
    Exception { name: name::ACCESS_DENIED, status: 400, message: "User is not authorized to perform the action." };
/// A token that came with another request. The service has it, but not in the model of these operations; its documented words end with
/// the token.
pub const TOKEN_MISMATCH: Exception =
    Exception { name: name::TOKEN_MISMATCH, status: 400, message: "The ClientRequestToken you have supplied is already in use." };

/// Those in the operations' own form. Of two that share a name, the one with the status of the model stands first.
pub const MODELED: [Exception; 8] =
    [SCALING, RAMP, QUOTA, INVALID_PARAMETER, INTERNAL, SESSION_NOT_FOUND, ACCESS_DENIED, TOKEN_MISMATCH];

/// `ThrottlingException` at a status; what it says depends on that.
pub const fn throttling(status: u16) -> Exception {
    if status >= 500 { Exception { status, ..SCALING } } else { Exception { status, ..RAMP } }
}

/// The exception of a name, at `status` or else its own; `None` is none of the service's.
pub fn named(asked: &str, status: Option<u16>) -> Option<Exception> {
    let found = MODELED.into_iter().find(|exception| exception.name == asked)?;
    let status = status.unwrap_or(found.status);
    Some(if found.name == name::THROTTLING { throttling(status) } else { Exception { status, ..found } })
}

/// Names that say the caller is not known or not allowed: every further call would be answered the same.
///
/// Source: "Common Errors" of the Amazon Rekognition API reference, the names of its front door on the wire, and those of other AWS
/// protocols that proxies and gateways use.
const REFUSED_CALLERS: [&str; 15] = [
    name::ACCESS_DENIED,
    "AccessDenied",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Whether an exception refuses the caller and not the call.
pub fn refuses_caller(asked: &str) -> bool {
    REFUSED_CALLERS.contains(&asked)
}

/// Whether an exception refuses for rate.
pub fn is_throttle(asked: &str) -> bool {
    matches!(asked, name::PROVISIONED_THROUGHPUT_EXCEEDED | name::THROTTLING)
}
