//! One request, from its body to its answer.

use std::pin::pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use thiserror::Error;

use super::alarm::Alarm;
use super::body::Outgoing;
use super::control::{Control, TimedRuling};
use super::log::Record;
use super::socket::ConnectionState;
use super::wire::IncomingRequest;
use super::{admin, quotas, web};
use crate::client::outcome::Outcome;
use crate::emulator::model::Rejection;
use crate::emulator::reply::{CONTENT_TYPE as JSON, Reply};
use crate::emulator::ruling::Ruling;
use crate::units::floor_us;

/// The largest body that is read as a request.
pub const BODY_LIMIT: usize = 1 << 20;

/// How much of a larger body is read and dropped, so that its sender gets to read the 413.
pub(super) const DRAIN_LIMIT: usize = 16 << 20;

/// How long a body, or a TLS handshake, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What every request of a server is answered with.
pub(super) struct Handler {
    /// The model.
    pub(super) control: Control,
    /// What wakes an answer that is due.
    pub(super) alarm: Alarm,
}

/// Why a connection ends without an answer.
#[derive(Debug, Error)]
pub(super) enum NoAnswer {
    #[error("reset as the scenario asks")]
    Reset,
    #[error("the client broke off: {0}")]
    Client(#[from] hyper::Error),
}

/// Answers a request of the service's, or of the server's own endpoints.
pub(super) async fn answer(
    handler: &Handler,
    state: &ConnectionState,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, NoAnswer> {
    let (head, body) = request.into_parts();
    let own = head.uri.path().starts_with(admin::PREFIX);
    let _flight = (!own).then(|| handler.control.flight());
    let body = patiently(body).await?;
    if own {
        return Ok(admin::answer(&handler.control, &head, body.as_deref().ok()));
    }
    let cors = handler.control.cors();
    if let Some(answer) = web::preflight(cors, &head) {
        return Ok(answer);
    }
    if let Some(operation) = quotas::asked(&head) {
        return Ok(quotas::answer(&handler.control, operation, &head, body.as_deref().ok()));
    }
    let begun = Instant::now();
    let timed = {
        // A clock before 1970 dates every signature into the future.
        let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let arrival = IncomingRequest::read(&head, body.as_deref().map_err(Clone::clone), handler.control.verifier(), today);
        let timed = handler.control.arrive(&arrival);
        if state.logs() {
            state.arrived(record(&timed, connection, &arrival), timed.epoch);
        }
        timed
    };
    handler.alarm.until(timed.deadline).await;
    match timed.ruling.reply {
        Reply::Silence => std::future::pending().await,
        Reply::Reset => {
            state.reset();
            Err(NoAnswer::Reset)
        }
        _ => {
            state.leaving();
            let mut response = response(&timed.ruling, &handler.alarm);
            web::allow(cors, &head.headers, response.headers_mut());
            let planned = timed.ruling.reply_at.saturating_sub(timed.ruling.arrived);
            handler.control.overhead(begun.elapsed().saturating_sub(planned));
            Ok(response)
        }
    }
}

/// The whole body, if it is small enough and comes soon enough.
async fn patiently(body: Incoming) -> Result<Result<Bytes, Rejection>, hyper::Error> {
    let mut reading = pin!(read(body));
    // Nearly always all of it is there already: then no timer is set.
    let read = match reading.as_mut().now_or_never() {
        Some(read) => Ok(read),
        None => tokio::time::timeout(PATIENCE, reading).await,
    };
    Ok(match read {
        Ok(read) => read?.ok_or(Rejection::TooLarge),
        Err(_) => Err(Rejection::TooSlow),
    })
}

/// The whole body, or `None` if it is larger than [`BODY_LIMIT`].
async fn read(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let (mut first, mut more, mut seen) = (Bytes::new(), BytesMut::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen > DRAIN_LIMIT {
            break;
        }
        if seen > BODY_LIMIT {
            continue;
        }
        // Nearly every body comes in one piece, and is not copied.
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&std::mem::take(&mut first));
            }
            more.extend_from_slice(&data);
        }
    }
    let whole = if more.is_empty() { first } else { more.freeze() };
    Ok((seen <= BODY_LIMIT).then_some(whole))
}

fn response(ruling: &Ruling, alarm: &Alarm) -> Response<Outgoing> {
    let reply = &ruling.reply;
    let body = Bytes::from(reply.body());
    let length = HeaderValue::from(body.len());
    let body = match reply.slow_for() {
        None => Outgoing::whole(body),
        Some(over) => Outgoing::trickling(body, Instant::now(), over, alarm.clone()),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        reply.status().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    match reply.content_type() {
        JSON => drop(headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON))),
        // A content type of the scenario's that is no header value is left out.
        other => drop(HeaderValue::from_str(other).map(|other| headers.insert(CONTENT_TYPE, other))),
    }
    headers.insert(CONTENT_LENGTH, length);
    if reply.has_request_id()
        && let Ok(id) = HeaderValue::from_str(ruling.request_id.as_str())
    {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if let Some(after) = reply.retry_after_ms() {
        headers.insert(HeaderName::from_static("x-amz-retry-after"), HeaderValue::from(after));
    }
    response
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
