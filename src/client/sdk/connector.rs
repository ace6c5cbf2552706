//! The HTTP connections of what is asked beside the calls: hyper's pool over HTTP/1.1, with our own timeouts and trust.
//!
//! The SDK's own client cannot switch verification off, and reports no kind of failure that tells a connect timeout from a lost answer.
//! What opens them is `client::net`.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::client::net::{self, Dialer, Timeouts, TransportFailure, broken, other};
use crate::client::reading;

/// A pool of connections that lives on the runtime where it is used first.
#[derive(Clone)]
pub(super) struct Connector {
    pool: Client<Dialer, SdkBody>,
    read_timeout: Option<Duration>,
}

impl Connector {
    pub(super) fn new(tls: rustls::ClientConfig, timeouts: Timeouts) -> Self {
        let dialer = net::dialer(tls, timeouts.connect);
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(reading::LONGEST_HEAD)
            .build(dialer);
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
    let body = body.unwrap_or_default();
    http::Response::from_parts(head, SdkBody::from(body)).try_into().map_err(|e| other(&e))
}
