//! Our connections as the HTTP client of `object_store`: its own would bring a second HTTP stack and another crypto library.
//!
//! Proxies of the environment are not used. Refuses plain HTTP beyond this machine, but for the addresses at which a machine of AWS hands
//! out its own credentials.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};

use super::{Dialer, TlsError, TransportFailure, Trust, broken, client_config, dialer, is_loopback, trusts_nobody, within};
use crate::client::outcome::Outcome;
use crate::client::reading;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(2);
/// For the whole answer, a connection included: all that is asked for is small.
const READ: Duration = Duration::from_secs(3);

/// Makes clients for `object_store`. They live on the runtime where they are used first.
#[derive(Clone)]
pub struct ObjectConnector {
    tls: rustls::ClientConfig,
}

impl fmt::Debug for ObjectConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectConnector").finish_non_exhaustive()
    }
}

impl ObjectConnector {
    /// Connections that trust so; `None` is for a store without TLS.
    pub fn new(trust: Option<&Trust>) -> Result<Self, TlsError> {
        Ok(Self { tls: trust.map_or_else(trusts_nobody, client_config)? })
    }
}

impl HttpConnector for ObjectConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let pool =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(dialer(self.tls.clone(), Some(CONNECT)));
        Ok(HttpClient::new(ObjectRequests { pool }))
    }
}

/// A pool of connections.
struct ObjectRequests {
    pool: Client<Dialer, HttpRequestBody>,
}

impl fmt::Debug for ObjectRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRequests").finish_non_exhaustive()
    }
}

impl HttpService for ObjectRequests {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> BoxFuture<'b, Result<HttpResponse, HttpError>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            if request.uri().scheme_str() != Some("https") && !may_be_plain(request.uri()) {
                let cause = "plain HTTP is only for this machine".to_owned();
                return Err(HttpError::new(HttpErrorKind::Unknown, TransportFailure { outcome: Outcome::Harness, cause }));
            }
            within(Some(READ), self.exchange(request)).await.map_err(told)
        })
    }
}

impl ObjectRequests {
    /// One request and its whole answer.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportFailure> {
        let answer = self.pool.request(request).await.map_err(|e| broken(&e, e.is_connect()))?;
        let (head, body) = answer.into_parts();
        let body = reading::body(body).await.map_err(|e| broken(&e, false))?.ok_or_else(|| TransportFailure {
            outcome: Outcome::MalformedSuccess,
            cause: format!("an answer is longer than {} bytes", reading::LONGEST_BODY),
        })?;
        Ok(http::Response::from_parts(head, HttpResponseBody::from(body)))
    }
}

/// A failure by whether it is worth another try. Everything that is asked of a barrier's store may be asked again: an object that was created
/// without an answer is there at the second try, and is then read.
fn told(failure: TransportFailure) -> HttpError {
    let kind = match failure.outcome {
        Outcome::Harness | Outcome::MalformedSuccess => HttpErrorKind::Unknown,
        _ => HttpErrorKind::Request,
    };
    HttpError::new(kind, failure)
}

/// Why a request got no answer, where that is what an error of `object_store` comes from.
pub fn unanswered(error: &object_store::Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(failure) = error.downcast_ref::<TransportFailure>() {
            return Some(failure.cause.clone());
        }
        cause = error.source();
    }
    None
}

/// Whether a request may do without TLS: on this machine, and to the link-local addresses of instance, task and pod credentials.
// source: "Instance metadata" in the EC2 User Guide (169.254.169.254, fd00:ec2::254), task credentials of ECS (169.254.170.2) and EKS Pod Identity
// (169.254.170.23, fd00:ec2::23)
fn may_be_plain(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let is_of_machine = match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(ip)) => ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.segments()[..2] == [0xfd00, 0xec2],
        Err(_) => false,
    };
    is_of_machine || is_loopback(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and decisions cross a network encrypted or not at all.
    #[test]
    fn plain_stays_on_this_machine() {
        let plain = |url: &str| may_be_plain(&url.parse().unwrap());
        for url in [
            "http://127.0.0.1:5000/b",
            "http://[::1]/b",
            "http://localhost/",
            "http://169.254.169.254/",
            "http://[fd00:ec2::23]/v1",
        ] {
            assert!(plain(url), "{url}");
        }
        for url in ["http://a.example/", "http://10.0.0.1/", "http://169.254.169.254.a.example/", "http://[fd00::1]/"] {
            assert!(!plain(url), "{url}");
        }
    }
}
