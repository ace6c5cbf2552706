//! The errors of the two operations: their names, statuses and words.
//!
//! Source: the Rekognition API model, and "Error handling" and "Guidelines and quotas" of its Developer Guide. Never match on these
//! texts: the service's own differ from page to page.

use std::borrow::Cow;

use super::reply::Reply;
use super::sessions::drawn_uuid;
use crate::stats::draw::Stream;
use crate::units::Text64;

/// An exception that the service has, its HTTP status and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) name: &'static str,
    pub(super) status: u16,
    pub(super) message: &'static str,
}

pub(super) const QUOTA: Exception =
    Exception { name: "ProvisionedThroughputExceededException", status: 400, message: "Provisioned Rate exceeded." };
pub(super) const RAMP: Exception =
    Exception { name: "ThrottlingException", status: 400, message: "Slow down; sudden increase in rate of requests." };
pub(super) const SCALING: Exception = Exception { name: "ThrottlingException", status: 500, message: "Service Unavailable" };
pub(super) const INVALID: Exception =
    Exception { name: "InvalidParameterException", status: 400, message: super::validate::DOCUMENTED };
pub(super) const INTERNAL: Exception = Exception { name: "InternalServerError", status: 500, message: "Internal server error" };
pub(super) const NOT_FOUND: Exception =
    Exception { name: "SessionNotFoundException", status: 400, message: "Session not found." };
pub(super) const DENIED: Exception =
    Exception { name: "AccessDeniedException", status: 400, message: "User is not authorized to perform the action." };
/// The service has it, but not for these operations; its words end with the token.
pub(super) const MISMATCH: Exception = Exception {
    name: "IdempotentParameterMismatchException",
    status: 400,
    message: "The ClientRequestToken you have supplied is already in use.",
};

const ALL: [Exception; 8] = [SCALING, RAMP, QUOTA, INVALID, INTERNAL, NOT_FOUND, DENIED, MISMATCH];

/// `ThrottlingException` at a status; what it says depends on that.
pub(super) const fn throttling(status: u16) -> Exception {
    if status >= 500 { Exception { status, ..SCALING } } else { Exception { status, ..RAMP } }
}

/// The exception of a name that somebody wrote, at their status or else its own; `None` is none of the service's.
pub(super) fn named(name: &str, status: Option<u16>) -> Option<Exception> {
    let found = ALL.into_iter().find(|e| e.name == name)?;
    let status = status.unwrap_or(found.status);
    Some(if found.name == RAMP.name { throttling(status) } else { Exception { status, ..found } })
}

/// Whether it refuses for rate.
pub(super) fn is_throttle(name: &str) -> bool {
    name == QUOTA.name || name == RAMP.name
}

/// An exception in the operation's own form. Its `Logref` is drawn from numbers that no arrival has.
pub(super) fn modeled(exception: Exception, message: Option<String>, seed: u64, number: u64) -> Reply {
    Reply::Modeled {
        status: exception.status,
        exception: exception.name.into(),
        message: message.map_or(Cow::Borrowed(exception.message), Cow::Owned),
        logref: logref(seed, number),
        retry_after_ms: None,
    }
}

fn logref(seed: u64, number: u64) -> Text64 {
    drawn_uuid(seed, Stream::RequestHigh, Stream::RequestLow, !number)
}

/// An exception in the form of the front door.
pub(super) fn front_door(status: u16, exception: impl Into<Cow<'static, str>>, message: Option<String>) -> Reply {
    Reply::FrontDoor { status, exception: exception.into(), message: message.map(Cow::Owned), retry_after_ms: None }
}

/// The same with `x-amz-retry-after`.
pub(super) fn retry_after(mut reply: Reply, milliseconds: Option<u64>) -> Reply {
    if let Reply::Modeled { retry_after_ms, .. } | Reply::FrontDoor { retry_after_ms, .. } = &mut reply {
        *retry_after_ms = milliseconds;
    }
    reply
}
