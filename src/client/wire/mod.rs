//! The service without the SDK's orchestrator: the same calls for a fraction of the CPU, for rates at which the SDK is the bottleneck.
//!
//! The SDK finds region, endpoint and credentials ([`Destination`]); what happens for every call is ours: the request is prepared but
//! for its token, its id and its signature, the signature's key is kept for the day and what is signed before the body for the second, and
//! a call writes to its connection and reads from it by itself, so that nothing is spawned and no other task is woken.
//!
//! What may differ from the SDK's calls is named here: the user agent, and that neither `content-length` nor `x-amz-user-agent` is
//! among the signed headers. Body, headers that tell attempts apart, classification and every outcome are the same, and
//! `tests/it/transports.rs` holds the two against each other.
//!
//! Refuses to retry, to follow proxies and to keep time. A request that never left because its connection had been closed while it
//! was idle is sent over another one, as the SDK does.

mod body;

use std::cell::OnceCell;
use std::io::Write as _;

use thiserror::Error;

use super::net::{self, Pool, TlsError, TransportFailure, WireReply};
use super::outcome::Outcome;
use super::reading;
use super::request::CreateRequest;
use super::sdk::Destination;
use super::signing::{InvocationIds, JSON, Signer};
use super::{Answer, Ask, Client, UnexpectedAnswer};
use crate::service::operation::Operation;
use crate::units::Text64;
use body::Body;

/// Bytes that a request takes besides its head: with a session token it grows.
const ROOM: usize = 1024; // derived: a body of some 100 bytes, a signature's lines of some 300
/// Names the caller; the SDK's is longer.
const AGENT: &str = concat!("livebench/", env!("CARGO_PKG_VERSION"), " transport/wire api/rekognition");

/// Why no client could be made.
#[derive(Debug, Error)]
pub enum WireSetupError {
    /// See [`TlsError`].
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The endpoint is no URL; [`super::sdk::resolve`] lets none pass.
    #[error("`{0}` is not a URL")]
    Url(String),
    /// A request is no JSON; only a text that is no UTF-8 could make it so.
    #[error("a request cannot be written as JSON: {0}")]
    Request(#[from] serde_json::Error),
}

/// `CreateFaceLivenessSession` over connections of our own. Belongs to the runtime that calls it.
#[derive(Debug)]
pub struct Wire {
    pool: Pool,
    signer: Option<Signer>,
    /// What every request begins with, up to its id.
    head: Vec<u8>,
    bodies: Vec<Body>,
    ids: InvocationIds,
    read_timeout: Option<std::time::Duration>,
    /// The first answer that the service's model does not know.
    unexpected: OnceCell<UnexpectedAnswer>,
}

impl Wire {
    /// A client for `destination` that can make `requests`.
    pub fn new(destination: &Destination, requests: &[CreateRequest]) -> Result<Self, WireSetupError> {
        let url = || WireSetupError::Url(destination.endpoint.clone());
        let uri: http::Uri = destination.endpoint.parse().map_err(|_| url())?;
        let host = net::host_header(&uri);
        let dialer = net::dialer(destination.tls()?, destination.timeouts.connect);
        let provider = destination.config.credentials_provider().filter(|_| destination.signed);
        Ok(Self {
            head: head(&host),
            signer: provider.map(|provider| Signer::new(provider, &destination.region, &host)),
            pool: Pool::new(dialer, uri),
            bodies: requests.iter().map(Body::new).collect::<Result<_, _>>()?,
            ids: InvocationIds::new(),
            read_timeout: destination.timeouts.read,
            unexpected: OnceCell::new(),
        })
    }

    async fn exchange(&self, ask: Ask) -> Result<Answer, TransportFailure> {
        let Some(body) = self.bodies.get(ask.request) else {
            return Err(TransportFailure { outcome: Outcome::OtherTransport, cause: "no such request".to_owned() });
        };
        let mut text = Vec::with_capacity(ROOM);
        body.write(ask.token.as_ref().map(Text64::as_str), &mut text);
        let mut request = Vec::with_capacity(self.head.len() + ROOM);
        request.extend_from_slice(&self.head);
        self.ids.write(&mut request);
        request.extend_from_slice(b"\r\n");
        if let Some(signer) = &self.signer {
            signer.sign(&text, &mut request).await?;
        }
        // A vector takes whatever is written.
        let _ = write!(request, "content-length: {}\r\n\r\n", text.len());
        request.extend_from_slice(&text);
        self.pool.exchange(&request, |reply| self.read(reply)).await
    }

    fn read(&self, reply: &WireReply<'_>) -> Answer {
        let answer = reading::answer(reply.status, reply.fields, reply.body);
        if self.unexpected.get().is_none()
            && let Some(example) = UnexpectedAnswer::of(&answer, reply.fields, reply.body)
        {
            let _ = self.unexpected.set(example);
        }
        if let (Some(signer), Some(second)) = (&self.signer, answer.server_second) {
            signer.heard(second);
        }
        answer
    }
}

impl Client for Wire {
    async fn call(&self, ask: Ask) -> Answer {
        let answered = net::within(self.read_timeout, self.exchange(ask)).await;
        answered.unwrap_or_else(|TransportFailure { outcome, cause }| Answer {
            exception: Some(Text64::cut(&cause)),
            ..Answer::without_reply(outcome)
        })
    }

    fn connections_opened(&self) -> u64 {
        self.pool.opened().count()
    }

    fn unexpected(&self) -> Option<UnexpectedAnswer> {
        self.unexpected.get().cloned()
    }
}

/// What no call changes: the first line, and headers up to the one with the call's id.
fn head(host: &str) -> Vec<u8> {
    let target = Operation::Create.target();
    format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {JSON}\r\nx-amz-target: {target}\r\nuser-agent: {AGENT}\r\namz-sdk-request: \
         attempt=1; max=1\r\namz-sdk-invocation-id: "
    )
    .into_bytes()
}
