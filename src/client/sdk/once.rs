//! One call, with everything that went over the wire.
//!
//! What is kept is what the HTTP connection was handed and what it handed back. Secrets are masked before they are kept.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::calls::transport_of;
use super::{Destination, Sdk, SdkSetupError};
use crate::client::net;
use crate::client::outcome::Outcome;
use crate::client::request::CreateRequest;
use crate::client::{Answer, Ask, Client as _};

/// A message as it went over the wire, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `POST / HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub first_line: String,
    /// Names in lower case, in the order of the message.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// One call and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended.
    pub answer: Answer,
    /// What was sent; `None` when it never came to that.
    pub request: Option<Message>,
    /// What came back, when it came back whole.
    pub response: Option<Message>,
    /// Whether there was a connection, so that the request may have arrived.
    pub connected: bool,
    /// Why nothing came back, as far down as it is known.
    pub cause: Option<String>,
    /// The same from the SDK's words down to the cause.
    pub causes: Vec<String>,
}

/// Makes one call, never a retry.
pub async fn call_once(destination: &Destination, request: &CreateRequest) -> Result<Exchange, SdkSetupError> {
    let heard = Arc::<Mutex<Heard>>::default();
    let sdk = Sdk::over(destination, std::slice::from_ref(request), |calls| {
        SharedHttpClient::new(Tap { inner: SharedHttpConnector::new(calls), heard: Arc::clone(&heard) })
    })?;
    let sent = sdk.send(Ask { request: 0, token: None }).await;
    let (answer, causes) =
        sent.map_or_else(|| (Answer::without_reply(Outcome::OtherTransport), Vec::new()), |sent| (sent.answer(), sent.causes()));
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
    let cause = heard.cause.or_else(|| causes.last().cloned());
    Ok(Exchange {
        answer,
        request: heard.request,
        response: heard.response,
        connected: sdk.connections_opened() > 0,
        cause,
        causes,
    })
}

#[derive(Debug, Default)]
struct Heard {
    request: Option<Message>,
    response: Option<Message>,
    cause: Option<String>,
}

/// A connector that remembers its last exchange.
#[derive(Clone)]
struct Tap {
    inner: SharedHttpConnector,
    heard: Arc<Mutex<Heard>>,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl HttpConnector for Tap {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let tap = self.clone();
        let sent = sent(&request);
        HttpConnectorFuture::new(async move {
            tap.hear(|heard| *heard = Heard { request: Some(sent), ..Heard::default() });
            let answer = tap.inner.call(request).await;
            tap.hear(|heard| match &answer {
                Ok(response) => heard.response = Some(received(response)),
                Err(error) => heard.cause = Some(transport_of(error).cause),
            });
            answer
        })
    }
}

impl Tap {
    fn hear(&self, note: impl FnOnce(&mut Heard)) {
        note(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl HttpClient for Tap {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn sent(request: &HttpRequest) -> Message {
    let uri: http::Uri = request.uri().parse().unwrap_or_default();
    let mut headers: Vec<_> = request.headers().iter().map(masked).collect();
    // The connection adds it, from the same URL.
    headers.push(("host".to_owned(), net::host_header(&uri)));
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    Message { first_line: format!("{} {path} HTTP/1.1", request.method()), headers, body: body(request.body().bytes()) }
}

fn received(response: &HttpResponse) -> Message {
    let status = response.status().as_u16();
    let reason = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default();
    let headers = response.headers().iter().map(masked).collect();
    Message {
        first_line: format!("HTTP/1.1 {status} {reason}").trim_end().to_owned(),
        headers,
        body: body(response.body().bytes()),
    }
}

fn body(bytes: Option<&[u8]>) -> Vec<u8> {
    bytes.unwrap_or_default().to_vec()
}

/// A header without what would let somebody else sign or call.
fn masked((name, value): (&str, &str)) -> (String, String) {
    let value = match name {
        "authorization" => authorization(value),
        "x-amz-security-token" => "****".to_owned(),
        _ => value.to_owned(),
    };
    (name.to_owned(), value)
}

/// The first four characters of the key, scope and signed headers; neither the rest of the key nor the signature.
fn authorization(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once(' ') else { return "****".to_owned() };
    let part = |part: &str| match part.split_once('=') {
        Some(("Credential", credential)) => {
            let (key, scope) = credential.split_once('/').unwrap_or((credential, ""));
            let start: String = key.chars().take(4).collect();
            format!("Credential={start}****/{scope}")
        }
        Some(("SignedHeaders", names)) => format!("SignedHeaders={names}"),
        Some((name, _)) => format!("{name}=****"),
        None => "****".to_owned(),
    };
    let parts: Vec<String> = rest.split(',').map(|piece| part(piece.trim())).collect();
    format!("{scheme} {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lets somebody else in is masked, what helps to find a mistake is kept.
    #[test]
    fn secrets_are_masked() {
        let mask = |name: &str, value: &str| masked((name, value)).1;
        assert_eq!(
            mask(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/rekognition/aws4_request, SignedHeaders=host;x-amz-date, Signature=5d672d79"
            ),
            "AWS4-HMAC-SHA256 Credential=AKID****/20261121/us-east-1/rekognition/aws4_request, SignedHeaders=host;x-amz-date, Signature=****"
        );
        assert_eq!(mask("authorization", "Bearer abcdef"), "Bearer ****");
        assert_eq!(mask("authorization", "abcdef"), "****");
        assert_eq!(mask("x-amz-security-token", "FQoGZXIvYXdzE"), "****");
        assert_eq!(
            mask("x-amz-target", "RekognitionService.CreateFaceLivenessSession"),
            "RekognitionService.CreateFaceLivenessSession"
        );
    }
}
