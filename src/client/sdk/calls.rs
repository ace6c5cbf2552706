//! The connections of the calls that are measured, under the SDK: those of `client::net`, over which `client::wire` calls, too.
//!
//! A request is written at once and its answer read by the call itself: no task, no channel. A connection is given back whatever the service
//! answered on it; the SDK would close it after a 500, and what is measured in a storm of errors would be handshakes.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Destination;
use crate::client::net::{self, Opened, Pool, TlsError, TransportFailure, WireReply, chain, other};
use crate::client::outcome::Outcome;
use crate::client::reading;
use crate::client::signing::Signer;
use crate::client::{Answer, UnexpectedAnswer};

/// Connections to the one endpoint that is called. They live on the runtime where they are used.
#[derive(Debug, Clone)]
pub(super) struct CallConnector(Arc<CallLine>);

#[derive(Debug)]
struct CallLine {
    pool: Pool,
    host: String,
    read_timeout: Option<Duration>,
    /// Hears of the service's clock.
    signer: Option<Arc<Signer>>,
}

impl CallConnector {
    pub(super) fn new(destination: &Destination, endpoint: http::Uri) -> Result<Self, TlsError> {
        let dialer = net::dialer(destination.tls()?, destination.timeouts.connect);
        let host = net::host_header(&endpoint);
        let provider = destination.config.credentials_provider().filter(|_| destination.signed);
        let signer = provider.map(|provider| Arc::new(Signer::new(provider, &destination.region, &host)));
        let pool = Pool::new(dialer, endpoint);
        Ok(Self(Arc::new(CallLine { pool, host, read_timeout: destination.timeouts.read, signer })))
    }

    /// How many connections it opened.
    pub(super) fn opened(&self) -> Opened {
        self.0.pool.opened().clone()
    }

    /// Who signs the requests; `None` if nobody does.
    pub(super) fn signer(&self) -> Option<&Arc<Signer>> {
        self.0.signer.as_ref()
    }
}

impl HttpConnector for CallConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let answer = net::within(line.read_timeout, line.exchange(request)).await;
            answer.map_err(|transport| ConnectorError::other(transport.into(), None))
        })
    }
}

impl HttpClient for CallConnector {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl CallLine {
    /// One request and its whole answer.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportFailure> {
        let bytes = self.written(&request)?;
        self.pool.exchange(&bytes, |reply| self.read(reply)).await?
    }

    /// A request as it goes out.
    fn written(&self, request: &HttpRequest) -> Result<Vec<u8>, TransportFailure> {
        let Some(body) = request.body().bytes() else {
            return Err(TransportFailure { outcome: Outcome::OtherTransport, cause: "the request is a stream".to_owned() });
        };
        let behind_scheme = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
        let path = behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..]);
        let lines = request.headers().iter_bytes().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        let around = request.method().len() + path.len() + self.host.len() + 32; // derived: " HTTP/1.1", "host: " and four ends of lines are 25
        let mut bytes = Vec::with_capacity(lines + around + body.len());
        for text in [request.method(), " ", path, " HTTP/1.1\r\n"] {
            bytes.extend_from_slice(text.as_bytes());
        }
        for (name, value) in request.headers().iter_bytes() {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        for part in [b"host: ", self.host.as_bytes(), b"\r\n\r\n", body] {
            bytes.extend_from_slice(part);
        }
        Ok(bytes)
    }

    /// An answer for the SDK, and for the call that this task makes.
    fn read(&self, reply: &WireReply<'_>) -> Result<HttpResponse, TransportFailure> {
        let answer = reading::answer(reply.status, reply.fields, reply.body);
        if let (Some(signer), Some(second)) = (&self.signer, answer.server_second) {
            signer.heard(second);
        }
        let unexpected = UnexpectedAnswer::of(&answer, reply.fields, reply.body);
        AnswerTap::note(AnswerTap { answer: Some(answer), unexpected });
        response(reply)
    }
}

fn response(reply: &WireReply<'_>) -> Result<HttpResponse, TransportFailure> {
    let mut headers = HeaderMap::with_capacity(reply.fields.len());
    for field in reply.fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|e| other(&e))?;
        headers.append(name, HeaderValue::from_bytes(field.value).map_err(|e| other(&e))?);
    }
    let mut response = http::Response::new(SdkBody::from(reply.body.unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(reply.status).map_err(|e| other(&e))?;
    *response.headers_mut() = headers;
    response.try_into().map_err(|e| other(&e))
}

/// What a failed dispatch was, from the error that the SDK hands back.
pub(super) fn transport_of(error: &ConnectorError) -> TransportFailure {
    let error: &(dyn StdError + 'static) = error;
    chain(error).find_map(|e| e.downcast_ref::<TransportFailure>()).cloned().unwrap_or_else(|| other(error))
}

/// What the connection heard of a call. The SDK hands back its own reading of an answer; ours is taken where the bytes arrive, in the task of
/// the call, so that both transports read through one function.
#[derive(Debug, Clone, Default)]
pub(super) struct AnswerTap {
    /// The last answer that came whole; `None` if none did.
    pub(super) answer: Option<Answer>,
    /// The answer as it came, if it is none that the service's model knows.
    pub(super) unexpected: Option<UnexpectedAnswer>,
}

tokio::task_local! {
    static HEARD: RefCell<AnswerTap>;
}

impl AnswerTap {
    /// Does a call, and tells what was heard of it.
    pub(super) async fn during<T>(call: impl Future<Output = T>) -> (T, Self) {
        HEARD
            .scope(RefCell::default(), async {
                let result = call.await;
                (result, HEARD.with(RefCell::take))
            })
            .await
    }

    /// Keeps it for the call that this task makes; outside of a call nobody wants it.
    fn note(heard: Self) {
        let _ = HEARD.try_with(|kept| kept.replace(heard));
    }
}
