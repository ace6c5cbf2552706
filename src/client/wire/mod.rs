//! The service without the SDK's orchestrator: the same calls for a fraction of the CPU, for rates at which the SDK is the bottleneck.
//!
//! The SDK finds region, endpoint and credentials ([`Destination`]); what happens for every call is ours: the body is prepared but
//! for its token, the signature's key is kept for the day and what is signed before the body for the second, connections are kept by
//! hyper and driven by the call that uses them, so that nothing is spawned and no other task is woken.
//!
//! What may differ from the SDK's calls is named here: the user agent, and that neither `content-length` nor `x-amz-user-agent` is
//! among the signed headers. Body, headers that tell attempts apart, classification and every outcome are the same, and
//! `tests/it/transports.rs` holds the two against each other.
//!
//! Refuses to retry, to follow proxies and to keep time. A request that never left because its connection had been closed while it
//! was idle is sent over another one, as the SDK does.

mod body;
mod pool;
mod seal;
mod signer;

use std::cell::OnceCell;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http_body_util::Full;
use thiserror::Error;

use super::net::{self, TlsError, TransportFailure};
use super::outcome::Outcome;
use super::reading;
use super::request::CreateRequest;
use super::sdk::Destination;
use super::{Answer, Ask, Client, UnexpectedAnswer};
use crate::service::operation::Operation;
use crate::units::Text64;
use body::Body;
use pool::Pool;
use signer::Signer;

/// The media type of the service's protocol.
const JSON: &str = "application/x-amz-json-1.1";
/// Names the caller; the SDK's is longer.
const AGENT: &str = concat!("livebench/", env!("CARGO_PKG_VERSION"), " transport/wire api/rekognition");

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const INVOCATION_ID: HeaderName = HeaderName::from_static("amz-sdk-invocation-id");
const ATTEMPT: HeaderName = HeaderName::from_static("amz-sdk-request");

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
    /// What every request carries.
    head: HeaderMap,
    bodies: Vec<Body>,
    ids: seal::InvocationIds,
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
            head: head(&host).ok_or_else(url)?,
            signer: provider.map(|provider| Signer::new(provider, &destination.region, &host)),
            pool: Pool::new(dialer, uri),
            bodies: requests.iter().map(Body::new).collect::<Result<_, _>>()?,
            ids: seal::InvocationIds::new(),
            read_timeout: destination.timeouts.read,
            unexpected: OnceCell::new(),
        })
    }

    async fn exchange(&self, ask: Ask) -> Result<Answer, TransportFailure> {
        let Some(body) = self.bodies.get(ask.request) else {
            return Err(TransportFailure { outcome: Outcome::OtherTransport, cause: "no such request".to_owned() });
        };
        let body = body.with_token(ask.token.as_ref().map(Text64::as_str));
        let mut headers = self.head.clone();
        headers.insert(INVOCATION_ID, self.ids.next());
        if let Some(signer) = &self.signer {
            let signed = signer.sign(&body).await?;
            headers.insert(X_AMZ_DATE, signed.date);
            headers.insert(AUTHORIZATION, signed.authorization);
            if let Some(token) = signed.token {
                headers.insert(X_AMZ_SECURITY_TOKEN, token);
            }
        }
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.headers_mut() = headers;
        let (head, body) = self.pool.exchange(request).await?;
        let answer = reading::answer(head.status.as_u16(), &head.headers, body.as_deref());
        if self.unexpected.get().is_none()
            && let Some(example) = UnexpectedAnswer::of(&answer, &head.headers, body.as_deref())
        {
            let _ = self.unexpected.set(example);
        }
        Ok(answer)
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
        self.pool.opened()
    }

    fn unexpected(&self) -> Option<UnexpectedAnswer> {
        self.unexpected.get().cloned()
    }
}

/// The headers that no call changes, with room for those that each brings.
fn head(host: &str) -> Option<HeaderMap> {
    let mut head = HeaderMap::with_capacity(12);
    head.insert(HOST, HeaderValue::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())).ok()?);
    head.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    head.insert(X_AMZ_TARGET, HeaderValue::from_static(Operation::Create.target()));
    head.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    head.insert(ATTEMPT, HeaderValue::from_static("attempt=1; max=1"));
    Some(head)
}
