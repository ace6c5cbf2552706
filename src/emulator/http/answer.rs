//! One request, from its body to its answer.

use std::pin::pin;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use thiserror::Error;

use super::alarm::Alarm;
use super::body::Outgoing;
use super::control::Judged;
use super::log::Record;
use super::socket::Desk;
use super::wire::Arrival;
use super::{BODY_LIMIT, DRAIN_LIMIT, PATIENCE, Server, admin, quotas};
use crate::client::outcome::Outcome;
use crate::emulator::model::Problem;
use crate::emulator::reply::{CONTENT_TYPE as JSON, Reply};
use crate::emulator::verdict::Verdict;
use crate::units::floor_us;

/// Why a connection ends without an answer.
#[derive(Debug, Error)]
pub(super) enum Broken {
    #[error("reset as the scenario asks")]
    Reset,
    #[error("the client broke off: {0}")]
    Client(#[from] hyper::Error),
}

/// Answers a request of the service's, or of the server's own endpoints.
pub(super) async fn answer(
    server: &Server,
    desk: &Desk,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, Broken> {
    let (head, body) = request.into_parts();
    let own = head.uri.path().starts_with(admin::PREFIX);
    let _flight = (!own).then(|| server.control.flight());
    let body = patiently(body).await?;
    if own {
        return Ok(admin::answer(&server.control, &head.method, head.uri.path(), body.as_deref().ok()));
    }
    if let Some(operation) = quotas::asked(&head) {
        return Ok(quotas::answer(&server.control, operation, &head, body.as_deref().ok()));
    }
    let begun = Instant::now();
    let judged = {
        // A clock before 1970 dates every signature into the future.
        let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let arrival = Arrival::read(&head, body.as_deref().map_err(Clone::clone), server.control.verifier(), today);
        let judged = server.control.judge(&arrival);
        if desk.logs() {
            desk.arrived(record(&judged, connection, &arrival), judged.epoch);
        }
        judged
    };
    server.alarm.until(judged.deadline).await;
    match judged.verdict.reply {
        Reply::Silence => std::future::pending().await,
        Reply::Reset => {
            desk.reset();
            Err(Broken::Reset)
        }
        _ => {
            desk.leaving();
            let response = response(&judged.verdict, &server.alarm);
            let planned = judged.verdict.reply_at.saturating_sub(judged.verdict.arrived);
            server.control.overhead(begun.elapsed().saturating_sub(planned));
            Ok(response)
        }
    }
}

/// The whole body, if it is small enough and comes soon enough.
async fn patiently(body: Incoming) -> Result<Result<Bytes, Problem>, hyper::Error> {
    let mut reading = pin!(read(body));
    // Nearly always all of it is there already: then no timer is set.
    let read = match reading.as_mut().now_or_never() {
        Some(read) => Ok(read),
        None => tokio::time::timeout(PATIENCE, reading).await,
    };
    Ok(match read {
        Ok(read) => read?.ok_or(Problem::TooLarge),
        Err(_) => Err(Problem::TooSlow),
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

fn response(verdict: &Verdict, alarm: &Alarm) -> Response<Outgoing> {
    let reply = &verdict.reply;
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
        && let Ok(id) = HeaderValue::from_str(verdict.request_id.as_str())
    {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if let Some(after) = reply.retry_after_ms() {
        headers.insert(HeaderName::from_static("x-amz-retry-after"), HeaderValue::from(after));
    }
    response
}

fn record(judged: &Judged, connection: u64, arrival: &Arrival<'_>) -> Record {
    let verdict = &judged.verdict;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Record {
        epoch: judged.epochs,
        number: verdict.number,
        connection,
        operation: verdict.operation.map(crate::service::operation::Operation::name),
        arrived_us: floor_us(verdict.arrived),
        planned_reply_us: floor_us(verdict.reply_at),
        replied_us: None,
        verdict: verdict.name(),
        decided: verdict.decided.map(Outcome::name),
        status: verdict.reply.status(),
        spent: verdict.spent,
        token: verdict.token.map(|t| t.to_string()),
        session_id: verdict.session_id.map(|id| id.to_string()),
        created: verdict.created,
        request_id: verdict.request_id.to_string(),
        account: verdict.account.to_string(),
        region: verdict.region.to_string(),
        invocation_id: owned(arrival.invocation_id),
        attempt: arrival.attempt,
        user_agent: owned(arrival.user_agent),
    }
}
