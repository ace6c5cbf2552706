//! How a call was judged.

use std::time::Duration;

use super::fault::Fault;
use super::reply::Reply;
use crate::client::Answer;
use crate::client::outcome::Outcome;
use crate::service::operation::Operation;
use crate::units::Text64;

/// How a call was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// The arrival's number, from 0.
    pub number: u64,
    /// Which operation it was, when that is known.
    pub operation: Option<Operation>,
    /// When it arrived: the instant passed in, or that of the arrival before if it was earlier than that.
    pub arrived: Duration,
    /// When it is answered: an instant, latency and stalls included. A slow body begins then.
    pub reply_at: Duration,
    /// With what.
    pub reply: Reply,
    /// What the service decided, also when a fault then hid it; `None` when a fault came before anything was decided.
    pub decided: Option<Outcome>,
    /// The fault that struck.
    pub fault: Option<Fault>,
    /// Whether the call was let through by the limits, and its token of the quota spent.
    pub spent: bool,
    /// The session that it made, found or got results of, also when the answer that names it was lost.
    pub session_id: Option<Text64>,
    /// Whether this call made the session; otherwise its token, or its `SessionId`, led to it.
    pub created: bool,
    /// The token that it brought, cut at 64 bytes.
    pub token: Option<Text64>,
    /// The request id.
    pub request_id: Text64,
    /// The account whose books it was judged by.
    pub account: Text64,
    /// The region that it was judged in, cut at 64 bytes.
    pub region: Text64,
}

impl Ruling {
    /// What a client makes of the reply, without a wire between: for virtual time.
    pub fn answer(&self) -> Answer {
        self.reply.answer(self.request_id)
    }

    /// When the last byte of the answer leaves; `None` when none ever does.
    pub fn answered_at(&self) -> Option<Duration> {
        (self.reply != Reply::Silence).then(|| self.reply_at.saturating_add(self.reply.slow_for().unwrap_or_default()))
    }

    /// The fault's name, or else that of the outcome: one word for the arrival log.
    pub fn name(&self) -> &'static str {
        match (self.fault, self.decided) {
            (Some(fault), _) => fault.name(),
            (None, Some(outcome)) => outcome.name(),
            (None, None) => Outcome::Unmodelled.name(),
        }
    }
}
