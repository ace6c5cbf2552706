//! `--metrics`: the run so far over HTTP, for Prometheus on this machine.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

/// Connections at a time; more are closed at once.
const CONNECTIONS: usize = 16;

/// Why there are no metrics: what, where, what to do.
#[derive(Debug, Error)]
pub enum MetricsError {
    /// Not an address of this machine alone.
    #[error("--metrics {0} is not a loopback address; use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on --metrics {address}: {reason}; choose another port, 0 takes a free one")]
    Bind {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
}

/// A port that answers `GET /metrics`.
#[derive(Debug)]
pub struct Metrics {
    listener: TcpListener,
    address: SocketAddr,
}

impl Metrics {
    /// Listens. Refuses anything but loopback addresses.
    pub async fn bind(address: SocketAddr) -> Result<Self, MetricsError> {
        if !address.ip().is_loopback() {
            return Err(MetricsError::NotLoopback(address));
        }
        let bound = async { TcpListener::bind(address).await.and_then(|l| l.local_addr().map(|at| (l, at))) };
        let (listener, address) = bound.await.map_err(|reason| MetricsError::Bind { address, reason })?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with what `page` gives, for as long as it is polled.
    pub async fn serve(&self, page: impl Fn() -> Arc<str>) {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if connections.len() < CONNECTIONS => connections.push(converse(stream, &page)),
                    Ok(_) => {}
                    // Out of files, most likely: those who are there are served on.
                    Err(_) => tokio::task::yield_now().await,
                },
                Some(()) = connections.next(), if !connections.is_empty() => {}
            }
        }
    }
}

/// Serves one connection to its end; what becomes of it is the client's affair.
fn converse(stream: TcpStream, page: &impl Fn() -> Arc<str>) -> impl Future<Output = ()> + '_ {
    let service = service_fn(move |request: Request<Incoming>| async move { Ok::<_, Infallible>(answer(&request, page)) });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    async move { drop(connection.await) }
}

fn answer(request: &Request<Incoming>, page: &impl Fn() -> Arc<str>) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, crate::prometheus::CONTENT_TYPE, page()),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET /metrics\n".into()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "GET /metrics\n".into()),
    };
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}
