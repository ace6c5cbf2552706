//! HTTP to a call: what a request says, and who says it.
//!
//! In this order: method, path and operation; the body's size; the signature; the JSON. What is refused is known by the first
//! that fails.

use std::sync::Arc;

use http::Method;

use super::input::{create_request, session_id};
use super::message::RequestHead;
use crate::client::request::CreateRequest;
use crate::emulator::config::RawAnswer;
use crate::emulator::model::{ApiCall, Rejection};
use crate::emulator::reply::CONTENT_TYPE as JSON;
use crate::emulator::sigv4::{AuthProblem, Identity, Request, Verifier};
use crate::http1::Fields;
use crate::service::operation::Operation;
use crate::units::Share;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Requested {
    /// A session, with the required members that are absent.
    Create(CreateRequest, Vec<String>),
    /// The results of a session.
    Get(Option<String>),
    /// Nothing that could be given.
    Rejected(Option<Operation>, Rejection),
}

/// A request as far as the emulator reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IncomingRequest<'a> {
    requested: Requested,
    /// Who asks; `None` if that was not asked, or is not believed.
    identity: Option<Identity<'a>>,
    /// `amz-sdk-invocation-id`: the same over all attempts of a call.
    pub(super) invocation_id: Option<&'a str>,
    /// `attempt=N` of `amz-sdk-request`.
    pub(super) attempt: Option<u32>,
    /// The first product of `User-Agent`.
    pub(super) user_agent: Option<&'a str>,
}

impl<'a> IncomingRequest<'a> {
    /// Reads the head, and the body if there is one to read. `now` is the time since the start of 1970, which only a signature asks for.
    pub(super) fn read(
        head: &RequestHead<'a>,
        body: Result<&'a [u8], Rejection>,
        verifier: &'a Verifier,
        now: impl FnOnce() -> std::time::Duration,
    ) -> Self {
        let fields = head.fields;
        let attempt = |request: &str| request.split(';').find_map(|part| part.trim().strip_prefix("attempt=")?.parse().ok());
        let mut identity = None;
        let requested = operation(head).map_err(|problem| (None, problem)).and_then(|operation| {
            let body = body.map_err(|problem| (Some(operation), problem))?;
            let (method, path, query) = (head.method, head.uri.path(), head.uri.query());
            let request = Request { method, path, query, fields, body };
            let who = verifier.verify(&request, now).map_err(|problem| (Some(operation), refused(&problem, fields)))?;
            identity = Some(who);
            input(operation, body).map_err(|problem| (Some(operation), problem))
        });
        Self {
            requested: requested.unwrap_or_else(|(operation, rejection)| Requested::Rejected(operation, rejection)),
            identity,
            invocation_id: fields.text("amz-sdk-invocation-id").map(short),
            attempt: fields.text("amz-sdk-request").and_then(attempt),
            user_agent: fields.text("user-agent").and_then(|agent| agent.split_whitespace().next()).map(short),
        }
    }

    /// The call for the model.
    pub(super) fn call(&self) -> ApiCall<'_> {
        let mut call = match &self.requested {
            Requested::Create(request, lacking) => ApiCall::create(request).lacking(lacking),
            Requested::Get(session_id) => ApiCall::get(session_id.as_deref()),
            Requested::Rejected(None, rejection) => ApiCall::rejected(rejection.clone()),
            Requested::Rejected(Some(operation), rejection) => ApiCall::rejected_of(*operation, rejection.clone()),
        };
        if let Some(identity) = &self.identity {
            call = call.of_account(identity.account);
            if let Some(region) = identity.region {
                call = call.in_region(region);
            }
        }
        call
    }
}

/// At most 100 bytes: what a client sends must not swell the log. Header texts are ASCII.
fn short(text: &str) -> &str {
    text.get(..100).unwrap_or(text)
}

fn operation(head: &RequestHead<'_>) -> Result<Operation, Rejection> {
    if *head.method != Method::POST {
        return Err(Rejection::Method);
    }
    if head.uri.path() != "/" {
        return Err(Rejection::Path);
    }
    head.fields.text("x-amz-target").and_then(Operation::of_target).ok_or(Rejection::Operation)
}

fn input(operation: Operation, body: &[u8]) -> Result<Requested, Rejection> {
    match operation {
        Operation::Create => create_request(body).map(|(request, lacking)| Requested::Create(request, lacking)),
        Operation::GetResults => session_id(body).map(Requested::Get),
    }
}

/// The answer to who is not let in. Whoever neither signs nor speaks JSON gets what the service gives such: XML.
fn refused(problem: &AuthProblem, fields: Fields<'_>) -> Rejection {
    let speaks_json = fields.text("content-type").is_some_and(|kind| kind.starts_with(JSON));
    if *problem == AuthProblem::Missing && !speaks_json {
        return Rejection::Raw(Arc::new(RawAnswer {
            share: Share::NONE,
            status: 403,
            content_type: "text/xml".to_owned(),
            body: "<MissingAuthenticationTokenException>\n  <Message>Missing Authentication Token</Message>\n</MissingAuthenticationTokenException>\n".to_owned(),
        }));
    }
    Rejection::Refused { status: 400, exception: problem.exception(), message: Some(problem.to_string()) }
}
