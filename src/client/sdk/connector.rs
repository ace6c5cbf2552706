//! The SDK's HTTP connection: hyper's pool over HTTP/1.1, with our own timeouts and trust.
//!
//! The SDK's own client cannot switch verification off, reports no kind of failure that tells a connect timeout from a lost answer,
//! and costs 12 % more CPU a call. What opens them is
//! `client::net`.
//! A connection is given back whatever the service answered on it; the SDK would close it after a 500, and what is measured in a
//! storm of errors would be handshakes.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::client::net::{self, Dialer, Opened, Timeouts, TransportFailure, broken, chain, other};
use crate::client::reading;
use crate::client::{Answer, UnexpectedAnswer};

/// A pool of connections that lives on the runtime where it is used first.
#[derive(Clone)]
pub(super) struct Connector {
    pool: Client<Dialer, SdkBody>,
    opened: Opened,
    read_timeout: Option<Duration>,
}

impl Connector {
    pub(super) fn new(tls: rustls::ClientConfig, timeouts: Timeouts) -> Self {
        let dialer = net::dialer(tls, timeouts.connect);
        let opened = dialer.opened();
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(reading::LONGEST_HEAD)
            .build(dialer);
        Self { pool, opened, read_timeout: timeouts.read }
    }

    /// How many connections it opened.
    pub(super) fn opened(&self) -> Opened {
        self.opened.clone()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("read_timeout", &self.read_timeout).finish_non_exhaustive()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (pool, read_timeout) = (self.pool.clone(), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let answer = net::within(read_timeout, exchange(pool, request)).await;
            answer.map_err(|transport| ConnectorError::other(transport.into(), None))
        })
    }
}

/// One request and its whole answer.
async fn exchange<C>(pool: Client<C, SdkBody>, request: HttpRequest) -> Result<HttpResponse, TransportFailure>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let request = request.try_into_http1x().map_err(|e| other(&e))?;
    let (head, body) = pool.request(request).await.map_err(|e| broken(&e, e.is_connect()))?.into_parts();
    let body = reading::body(body).await.map_err(|e| broken(&e, false))?;
    AnswerTap::note(head.status.as_u16(), &head.headers, body.as_deref());
    let body = body.unwrap_or_default();
    http::Response::from_parts(head, SdkBody::from(body)).try_into().map_err(|e| other(&e))
}

impl HttpClient for Connector {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
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

    /// Reads an answer and keeps it for the call that this task makes; outside of a call nobody wants it.
    fn note(status: u16, headers: &http::HeaderMap, body: Option<&[u8]>) {
        let _ = HEARD.try_with(|heard| {
            let answer = reading::answer(status, headers, body);
            let unexpected = UnexpectedAnswer::of(&answer, headers, body);
            heard.replace(Self { answer: Some(answer), unexpected });
        });
    }
}
