//! The two forms of an error: that of the operations, and that of the front door. Refuses to know which errors there are: see
//! [`exception`](crate::service::exception).

use std::borrow::Cow;
use std::time::Duration;

use super::reply::Reply;
use super::sessions::drawn_uuid;
use crate::service::exception::Exception;
use crate::stats::draw::Stream;
use crate::units::Text64;

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

/// The same with `x-amz-retry-after`, in whole milliseconds.
pub(super) fn retry_after(mut reply: Reply, after: Option<Duration>) -> Reply {
    if let Reply::Modeled { retry_after_ms, .. } | Reply::FrontDoor { retry_after_ms, .. } = &mut reply {
        *retry_after_ms = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    }
    reply
}
