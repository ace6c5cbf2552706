//! The least that a client over hyper does: the same unsigned bytes every time, the answer read and dropped. What the other transports cost is seen
//! beside it on any machine.
//!
//! Refuses to be a transport of runs: it says nothing of what the service answered.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::outcome::Outcome;
use super::signing::JSON;
use super::{Answer, Ask, Client};
use crate::service::operation::Operation;

/// hyper's pooled client over plain HTTP. Belongs to the runtime that calls it.
#[derive(Debug)]
pub struct Bare {
    client: HyperClient<HttpConnector, Full<Bytes>>,
    uri: http::Uri,
}

impl Bare {
    /// A client for `endpoint`, a URL with the scheme `http`.
    ///
    /// # Errors
    /// If it is not a URL.
    pub fn new(endpoint: &str) -> Result<Self, http::uri::InvalidUri> {
        Ok(Self { client: HyperClient::builder(TokioExecutor::new()).build_http(), uri: endpoint.parse()? })
    }

    async fn exchange(&self) -> Option<()> {
        let body = Bytes::from_static(br#"{"ClientRequestToken":"lb-0000000000000000-0000000000000000"}"#);
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = self.uri.clone();
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(Operation::Create.target()));
        let response = self.client.request(request).await.ok()?;
        response.into_body().collect().await.ok().map(drop)
    }
}

impl Client for Bare {
    /// Whatever was answered is good.
    async fn call(&self, _ask: Ask) -> Answer {
        Answer::without_reply(if self.exchange().await.is_some() { Outcome::Ok } else { Outcome::OtherTransport })
    }
}
