//! The way to the service that every transport over HTTP shares: TCP and TLS connections, HTTP/1.1 on them, timeouts, and the names of
//! their failures.
//!
//! Proxies of the environment are not used: they would be measured instead of the service. Refuses to know what is sent.

mod connection;
mod message;
mod names;
#[cfg(feature = "s3")]
pub mod objects;
mod pool;
mod tls;

use std::error::Error as StdError;
use std::future::Future;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use thiserror::Error;
use tower_service::Service;

use super::outcome::{Outcome, Shortage};
use names::HostNames;

pub(in crate::client) use message::WireReply;
pub(in crate::client) use pool::Pool;
pub use tls::{TlsError, Trust};
pub(in crate::client) use tls::{client_config, trusts_nobody};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Opens connections: names, TCP and TLS, within the connect timeout.
pub(in crate::client) type Dialer = Patient<HttpsConnector<TcpConnector<HostNames>>>;

/// A failure between here and the service, by its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{cause}")]
pub(in crate::client) struct TransportFailure {
    pub(in crate::client) outcome: Outcome,
    pub(in crate::client) cause: String,
}

/// How long to wait; `None` waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Option<Duration>,
    /// For the whole answer, from the moment at which the call was handed over.
    pub read: Option<Duration>,
}

/// A dialer that trusts as `tls` says.
pub(in crate::client) fn dialer(tls: rustls::ClientConfig, connect_timeout: Option<Duration>) -> Dialer {
    let mut tcp = TcpConnector::new_with_resolver(HostNames::new());
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Patient { inner: https, timeout: connect_timeout, opened: Arc::default() }
}

/// Whether what this URL names is on this machine. A name other than `localhost` is not looked up and counts as far away.
pub fn is_loopback(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// What the `host` header says: host and port, without the scheme's own port.
pub(in crate::client) fn host_header(uri: &http::Uri) -> String {
    let own = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = uri.host().unwrap_or_default();
    uri.port_u16().filter(|port| *port != own).map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An exchange that is given up after the read timeout.
pub(in crate::client) async fn within<T>(
    read_timeout: Option<Duration>,
    exchange: impl Future<Output = Result<T, TransportFailure>>,
) -> Result<T, TransportFailure> {
    let Some(limit) = read_timeout else { return exchange.await };
    tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
        Err(TransportFailure { outcome: Outcome::ReadTimeout, cause: format!("no complete answer within {limit:?}") })
    })
}

/// A failure that is none of those with a name.
pub(in crate::client) fn other(error: &(dyn StdError + 'static)) -> TransportFailure {
    TransportFailure { outcome: Outcome::OtherTransport, cause: root_cause(error) }
}

/// Names a failure of hyper's by what lies at its root.
pub(in crate::client) fn broken(error: &(dyn StdError + 'static), connecting: bool) -> TransportFailure {
    if let Some(transport) = chain(error).find_map(|e| e.downcast_ref::<TransportFailure>()) {
        return transport.clone();
    }
    let shortage = chain(error).filter_map(|e| e.downcast_ref::<std::io::Error>()).find_map(Shortage::of);
    if let Some(shortage) = shortage {
        return TransportFailure { outcome: Outcome::Harness, cause: shortage.name().to_owned() };
    }
    let of_hyper = |is: fn(&hyper::Error) -> bool| chain(error).any(|e| e.downcast_ref::<hyper::Error>().is_some_and(is));
    if of_hyper(hyper::Error::is_parse_too_large) {
        return TransportFailure { outcome: Outcome::MalformedSuccess, cause: "its head is longer than 64 KiB".to_owned() };
    }
    let torn = chain(error).filter_map(|e| e.downcast_ref::<std::io::Error>()).any(|io| {
        matches!(
            io.kind(),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
        )
    });
    let lost = torn || of_hyper(|h| h.is_incomplete_message() || h.is_closed() || h.is_canceled());
    let outcome = if lost && !connecting && !of_hyper(spoke_first) { Outcome::ConnectionLost } else { Outcome::OtherTransport };
    TransportFailure { outcome, cause: root_cause(error) }
}

/// Whether bytes came that are no answer: before the request, or something else than HTTP. hyper names the first by its text alone.
fn spoke_first(error: &hyper::Error) -> bool {
    error.is_parse() || error.to_string().starts_with("received unexpected message")
}

pub(in crate::client) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e| (*e).source())
}

/// The message at the root of an error: outer ones often say only that there is an inner one.
pub(in crate::client) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// A connector that gives up in time (name, TCP and TLS together) and counts.
#[derive(Debug, Clone)]
pub(in crate::client) struct Patient<C> {
    inner: C,
    timeout: Option<Duration>,
    opened: Arc<AtomicU64>,
}

impl<C> Patient<C> {
    /// How many connections were opened, also by its copies: read it as the run goes.
    pub(in crate::client) fn opened(&self) -> Opened {
        Opened(Arc::clone(&self.opened))
    }
}

/// A count of connections.
#[derive(Debug, Clone, Default)]
pub(in crate::client) struct Opened(Arc<AtomicU64>);

impl Opened {
    pub(in crate::client) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
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
        let (connecting, timeout, opened) = (self.inner.call(uri), self.timeout, Arc::clone(&self.opened));
        Box::pin(async move {
            let connected = match timeout {
                None => connecting.await.map_err(Into::into),
                Some(limit) => tokio::time::timeout(limit, connecting).await.map_or_else(
                    |_| {
                        let cause = format!("no connection within {limit:?}");
                        Err(TransportFailure { outcome: Outcome::ConnectTimeout, cause }.into())
                    },
                    |connection| connection.map_err(Into::into),
                ),
            };
            opened.fetch_add(u64::from(connected.is_ok()), Ordering::Relaxed);
            connected
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host header is the one that hyper sends.
    #[test]
    fn hosts() {
        let of = |url: &str| host_header(&url.parse().unwrap());
        assert_eq!(of("http://127.0.0.1:4566/"), "127.0.0.1:4566");
        assert_eq!(of("https://rekognition.us-east-1.amazonaws.com/"), "rekognition.us-east-1.amazonaws.com");
        assert_eq!((of("http://x:80/"), of("https://x:443/"), of("https://x:80/")), ("x".into(), "x".into(), "x:80".into()));
    }
}
