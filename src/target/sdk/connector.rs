//! The SDK's HTTP connection: hyper's pool over HTTP/1.1, with our own timeouts and trust.
//!
//! The SDK's own client cannot switch verification off, reports no kind of failure that tells a connect timeout from a lost answer,
//! and costs 12 % more CPU a call. Proxies of the environment are not used: they would be measured instead of the service.
//! A connection is given back whatever the service answered on it; the SDK would close it after a 500, and what is measured in a
//! storm of errors would be handshakes.

use std::error::Error as StdError;
use std::fmt;
use std::io::ErrorKind;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;
use tower_service::Service;

use crate::target::outcome::Outcome;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A failure between here and the service, by its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{cause}")]
pub(super) struct Transport {
    pub(super) outcome: Outcome,
    pub(super) cause: String,
}

/// How long to wait; `None` waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Option<Duration>,
    /// For the whole answer, from the moment at which the call was handed over.
    pub read: Option<Duration>,
}

/// A pool of connections that lives on the runtime where it is used first.
#[derive(Clone)]
pub(super) struct Connector {
    pool: Client<Patient<HttpsConnector<TcpConnector>>, SdkBody>,
    read_timeout: Option<Duration>,
}

impl Connector {
    pub(super) fn new(tls: rustls::ClientConfig, timeouts: Timeouts) -> Self {
        let mut tcp = TcpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let patient = Patient { inner: https, timeout: timeouts.connect };
        let pool = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(patient);
        Self { pool, read_timeout: timeouts.read }
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
            let exchange = exchange(pool, request);
            let answer = match read_timeout {
                None => exchange.await,
                Some(limit) => tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
                    let cause = format!("no complete answer within {limit:?}");
                    Err(Transport { outcome: Outcome::ReadTimeout, cause })
                }),
            };
            answer.map_err(|transport| ConnectorError::other(transport.into(), None))
        })
    }
}

/// One request and its whole answer.
async fn exchange<C>(pool: Client<C, SdkBody>, request: HttpRequest) -> Result<HttpResponse, Transport>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let request = request.try_into_http1x().map_err(|e| other(&e))?;
    let (head, body) = pool.request(request).await.map_err(|e| broken(&e, e.is_connect()))?.into_parts();
    let body = body.collect().await.map_err(|e| broken(&e, false))?.to_bytes();
    http::Response::from_parts(head, SdkBody::from(body)).try_into().map_err(|e| other(&e))
}

fn other(error: &(dyn StdError + 'static)) -> Transport {
    Transport { outcome: Outcome::OtherTransport, cause: root_cause(error) }
}

/// Names a failure of hyper's by what lies at its root.
fn broken(error: &(dyn StdError + 'static), connecting: bool) -> Transport {
    if let Some(transport) = chain(error).find_map(|e| e.downcast_ref::<Transport>()) {
        return transport.clone();
    }
    let lost = chain(error).any(|e| {
        let torn = e.downcast_ref::<std::io::Error>().is_some_and(|io| {
            matches!(
                io.kind(),
                ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
            )
        });
        torn || e.downcast_ref::<hyper::Error>().is_some_and(|h| h.is_incomplete_message() || h.is_closed() || h.is_canceled())
    });
    let outcome = if lost && !connecting { Outcome::ConnectionLost } else { Outcome::OtherTransport };
    Transport { outcome, cause: root_cause(error) }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e| (*e).source())
}

fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

impl HttpClient for Connector {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// A connector that gives up in time: name, TCP and TLS together.
#[derive(Debug, Clone)]
struct Patient<C> {
    inner: C,
    timeout: Option<Duration>,
}

impl<C> Service<http::Uri> for Patient<C>
where
    C: Service<http::Uri>,
    C::Response: 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let (connecting, timeout) = (self.inner.call(uri), self.timeout);
        Box::pin(async move {
            let Some(limit) = timeout else { return connecting.await.map_err(Into::into) };
            let connected = tokio::time::timeout(limit, connecting).await;
            connected.map_or_else(
                |_| {
                    let cause = format!("no connection within {limit:?}");
                    Err(Transport { outcome: Outcome::ConnectTimeout, cause }.into())
                },
                |connection| connection.map_err(Into::into),
            )
        })
    }
}

/// What a failed dispatch was, from the error that the SDK hands back.
pub(super) fn transport_of(error: &ConnectorError) -> Transport {
    let error: &(dyn StdError + 'static) = error;
    chain(error).find_map(|e| e.downcast_ref::<Transport>()).cloned().unwrap_or_else(|| other(error))
}
