//! The HTTP client of what is asked beside the calls: STS, Service Quotas, and who hands out credentials.
//!
//! Whom to trust is looked up when the first `https` request is made, not before: most of it speaks plain HTTP, or is never asked.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::client::net::{self, Timeouts, TlsError, Trust};
use crate::client::sdk::connector::Connector;

/// Connections that are set up when they are needed.
#[derive(Debug, Clone)]
pub(super) struct Aside(Arc<Inner>);

/// A connector, or why there is none.
type Made = Result<Connector, String>;

#[derive(Debug)]
struct Inner {
    trust: Trust,
    timeouts: Timeouts,
    plain: OnceLock<Made>,
    tls: OnceLock<Made>,
}

impl Aside {
    pub(super) fn new(trust: Trust, timeouts: Timeouts) -> Self {
        Self(Arc::new(Inner { trust, timeouts, plain: OnceLock::new(), tls: OnceLock::new() }))
    }
}

impl Inner {
    fn connector(&self, uri: &str) -> Made {
        let made = |tls: Result<rustls::ClientConfig, TlsError>| match tls {
            Ok(tls) => Ok(Connector::new(tls, self.timeouts)),
            Err(error) => Err(error.to_string()),
        };
        let kept = if uri.starts_with("https:") {
            self.tls.get_or_init(|| made(net::client_config(&self.trust)))
        } else {
            self.plain.get_or_init(|| made(net::trusts_nobody()))
        };
        kept.clone()
    }
}

impl HttpConnector for Aside {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.0.connector(request.uri()) {
            Ok(connector) => connector.call(request),
            Err(cause) => HttpConnectorFuture::ready(Err(ConnectorError::user(cause.into()))),
        }
    }
}

impl HttpClient for Aside {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
