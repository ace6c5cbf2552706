//! The emulator's model as a client, in process and in virtual time: no HTTP, no SDK.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::outcome::Outcome;
use super::request::CreateRequest;
use super::{Answer, Ask, Client, StreamAnswer, VisitClient};
use crate::emulator::model::{ApiCall, CheckEnd, CheckOutcome, Emulator};
use crate::emulator::streams::{StreamRuling, StreamStart};
use crate::load::Pacer;
use crate::units::Text64;

/// The least time that a call takes. Without it a closed model against an emulator without latency would never leave its first instant.
const WIRE: Duration = Duration::from_micros(1);

/// How long a call waits for its answer: the default of `--cli-read-timeout`.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// An emulator that is called without a wire between.
#[derive(Debug)]
pub struct ModelClient {
    emulator: Rc<RefCell<Emulator>>,
    requests: Vec<CreateRequest>,
    pacer: Pacer,
}

impl ModelClient {
    /// A client that makes `requests` to `emulator` in the time of `pacer`.
    pub fn new(emulator: Emulator, requests: Vec<CreateRequest>, pacer: Pacer) -> Self {
        Self::sharing(Rc::new(RefCell::new(emulator)), requests, pacer)
    }

    /// The same, of an emulator that somebody else looks at, too.
    pub const fn sharing(emulator: Rc<RefCell<Emulator>>, requests: Vec<CreateRequest>, pacer: Pacer) -> Self {
        Self { emulator, requests, pacer }
    }
}

impl Client for ModelClient {
    async fn call(&self, ask: Ask) -> Answer {
        let Some(request) = self.requests.get(ask.request) else { return Answer::without_reply(Outcome::OtherTransport) };
        let now = self.pacer.now();
        let call = match &ask.token {
            Some(token) => ApiCall::create(request).with_token(token.as_str()),
            None => ApiCall::create(request),
        };
        self.answer(now, &call).await
    }
}

impl ModelClient {
    /// Lets a call arrive, and waits for its answer.
    async fn answer(&self, now: Duration, call: &ApiCall<'_>) -> Answer {
        let patience = now + READ_TIMEOUT;
        // Only what is needed later waits with the call: a ruling takes four times the room.
        let (answer, at) = {
            let ruling = self.emulator.borrow_mut().arrive(now, call);
            match ruling.answered_at().filter(|at| *at < patience) {
                Some(at) => (ruling.answer(), at),
                None => (Answer::without_reply(Outcome::ReadTimeout), patience),
            }
        };
        self.pacer.until(at.max(now + WIRE)).await;
        answer
    }
}

impl VisitClient for ModelClient {
    fn stream(&self, session: Text64, length: Duration, succeeds: bool) -> StreamAnswer {
        let status = if succeeds { CheckOutcome::Succeeded } else { CheckOutcome::Failed };
        let start = StreamStart { session_id: session.as_str(), length, end: CheckEnd { status, confidence: None } };
        match self.emulator.borrow_mut().stream(self.pacer.now(), start) {
            StreamRuling::Streams { .. } => StreamAnswer::Streams,
            StreamRuling::TooFast => StreamAnswer::TooFast,
            StreamRuling::TooMany => StreamAnswer::TooMany,
            StreamRuling::NoSession => StreamAnswer::NoSession,
        }
    }

    async fn results(&self, session: Text64) -> Answer {
        self.answer(self.pacer.now(), &ApiCall::get(Some(session.as_str()))).await
    }
}
