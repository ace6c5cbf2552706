//! One request, from its last byte to what is to be answered, and when.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Response;

use super::alarm::Alarm;
use super::control::{Control, TimedRuling};
use super::log::Record;
use super::message::{AnswerFrame, WireRequest};
use super::wire::IncomingRequest;
use super::{admin, quotas, web};
use crate::client::outcome::Outcome;
use crate::units::floor_us;

/// How long a body, or a TLS handshake, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What every request of a server is answered with.
pub(super) struct Handler {
    /// The model.
    pub(super) control: Control,
    /// What wakes an answer that is due.
    pub(super) alarm: Alarm,
}

/// What a request gets, and how that has to be framed.
pub(super) struct Judged {
    pub(super) verdict: Judgement,
    pub(super) frame: AnswerFrame,
}

/// What a request gets.
pub(super) enum Judgement {
    /// An answer of the server's own, at once.
    Own(Response<Bytes>),
    /// What the model ruled; boxed, as it goes through many hands.
    Call(Box<JudgedCall>),
}

/// A call that was judged.
pub(super) struct JudgedCall {
    pub(super) timed: TimedRuling,
    /// When judging began.
    pub(super) begun: Instant,
    /// Whether a web page asked that may read the answer.
    pub(super) is_page: bool,
    /// For the log, if there is one.
    pub(super) record: Option<Record>,
}

/// Judges a request of the service's, or of the server's own endpoints. `connection` is the number for the log, `None` without one.
pub(super) fn judge(handler: &Handler, connection: Option<u64>, request: &WireRequest<'_>) -> Judged {
    Judged { verdict: judgement(&handler.control, connection, request), frame: request.frame }
}

fn judgement(control: &Control, connection: Option<u64>, request: &WireRequest<'_>) -> Judgement {
    let (head, body) = (&request.head, &request.body);
    let given = body.as_ref().ok().copied();
    if head.uri.path().starts_with(admin::PREFIX) {
        return Judgement::Own(admin::answer(control, head, given));
    }
    let cors = control.cors();
    if let Some(answer) = web::preflight(cors, head) {
        return Judgement::Own(answer);
    }
    if let Some(operation) = quotas::asked(head) {
        return Judgement::Own(quotas::answer(control, operation, head, given));
    }
    let begun = Instant::now();
    // A clock before 1970 dates every signature into the future.
    let today = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let arrival = IncomingRequest::read(head, body.clone(), control.verifier(), today);
    let timed = control.arrive(&arrival);
    let record = connection.map(|connection| record(&timed, connection, &arrival));
    Judgement::Call(Box::new(JudgedCall { timed, begun, is_page: web::is_page(cors, head.fields), record }))
}

fn record(timed: &TimedRuling, connection: u64, arrival: &IncomingRequest<'_>) -> Record {
    let ruling = &timed.ruling;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Record {
        epoch: timed.epochs,
        number: ruling.number,
        connection,
        operation: ruling.operation.map(crate::service::operation::Operation::name),
        arrived_us: floor_us(ruling.arrived),
        planned_reply_us: floor_us(ruling.reply_at),
        replied_us: None,
        verdict: ruling.name(),
        decided: ruling.decided.map(Outcome::name),
        status: ruling.reply.status(),
        spent: ruling.spent,
        token: ruling.token.map(|t| t.to_string()),
        session_id: ruling.session_id.map(|id| id.to_string()),
        created: ruling.created,
        request_id: ruling.request_id.to_string(),
        account: ruling.account.to_string(),
        region: ruling.region.to_string(),
        invocation_id: owned(arrival.invocation_id),
        attempt: arrival.attempt,
        user_agent: owned(arrival.user_agent),
    }
}
