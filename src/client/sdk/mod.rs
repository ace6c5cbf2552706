//! The service through the AWS SDK for Rust, set up for measuring.
//!
//! - Retries are off, so that one call is one request on the wire; with its default retries the SDK hides throttles.
//! - The behaviour version is pinned, every timeout is explicit, stalled-stream protection is off.
//! - Connections are kept whatever was answered on them.
//! - What would be made anew for each call and is always the same is made once: signing key, identity, endpoint, user agent. The requests
//!   are those that the SDK would have sent.
//!
//! Refuses to retry and to keep time.

mod auth;
mod calls;
mod connector;
mod lean;
mod once;
mod resolve;
mod warm;

pub use super::net::{Timeouts, TlsError, Trust};
pub use once::{Exchange, Message, call_once};
pub use resolve::{
    AppliedQuotaError, Destination, Options, Origin, ResolveError, Said, configured_output, profile_sections, resolve,
    resolve_named,
};

use std::sync::{Arc, OnceLock};

use auth::{SignerIdentity, SigningScheme};
use aws_config::BehaviorVersion;
use aws_sdk_rekognition::Client as RekognitionClient;
use aws_sdk_rekognition::config::{Config, StalledStreamProtectionConfig};
use aws_sdk_rekognition::error::{BuildError, SdkError};
use aws_sdk_rekognition::operation::create_face_liveness_session::{
    CreateFaceLivenessSessionError, CreateFaceLivenessSessionInput, CreateFaceLivenessSessionOutput,
};
use aws_sdk_rekognition::types::{
    ChallengePreference, ChallengeType, CreateFaceLivenessSessionRequestSettings, LivenessOutputConfig, Versions,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::{ReconnectMode, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;
use calls::{AnswerTap, CallConnector};
use lean::{FixedEndpoint, LeanHeaders};
use thiserror::Error;
use tracing_subscriber::filter::LevelFilter;

use super::net;
use super::outcome::Outcome;
use super::request::{CreateRequest, Settings};
use super::{Answer, Ask, Client, UnexpectedAnswer};
use crate::units::Text64;

/// What `--debug` shows: the lines of these crates and modules, up to these levels; the longest name that fits counts. At `debug` they name no
/// secret: keys and tokens are redacted, bodies and signatures are left out. The resolved endpoint comes with every call, and says nothing new.
pub const LOGGED: [(&str, LevelFilter); 6] = [
    ("aws_config", LevelFilter::DEBUG),
    ("aws_runtime", LevelFilter::DEBUG),
    ("aws_sdk_rekognition", LevelFilter::DEBUG),
    ("aws_smithy_runtime", LevelFilter::DEBUG),
    ("hyper_util", LevelFilter::DEBUG),
    ("aws_smithy_runtime::client::orchestrator::endpoints", LevelFilter::INFO),
];

/// Why no client could be made.
#[derive(Debug, Error)]
pub enum SdkSetupError {
    /// See [`TlsError`].
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The endpoint is no URL; [`resolve`] lets none pass.
    #[error("`{0}` is not a URL")]
    Url(String),
    /// The SDK refuses a request before it is sent.
    #[error("the SDK refuses the request: {0}")]
    Request(#[from] BuildError),
}

/// `CreateFaceLivenessSession` through the SDK. Belongs to the runtime that calls it.
#[derive(Debug)]
pub struct Sdk {
    client: RekognitionClient,
    requests: Vec<CreateFaceLivenessSessionInput>,
    opened: net::Opened,
    /// The first answer that the service's model does not know.
    unexpected: OnceLock<UnexpectedAnswer>,
}

impl Sdk {
    /// A client for `destination` that can make `requests`.
    pub fn new(destination: &Destination, requests: &[CreateRequest]) -> Result<Self, SdkSetupError> {
        Self::over(destination, requests, SharedHttpClient::new)
    }

    /// The same with something of the caller's between the SDK and its connections.
    fn over(
        destination: &Destination,
        requests: &[CreateRequest],
        tap: impl FnOnce(CallConnector) -> SharedHttpClient,
    ) -> Result<Self, SdkSetupError> {
        let uri = destination.endpoint.parse().map_err(|_| SdkSetupError::Url(destination.endpoint.clone()))?;
        let calls = CallConnector::new(destination, uri)?;
        let opened = calls.opened();
        let mut config = measuring(destination);
        if let Some(signer) = calls.signer().cloned() {
            let limit = destination.timeouts.read;
            config = config
                .identity_cache(SignerIdentity { signer: Arc::clone(&signer), limit })
                .push_auth_scheme(SigningScheme(signer));
        }
        let client = RekognitionClient::from_conf(config.http_client(tap(calls)).build());
        let requests = requests.iter().map(input).collect::<Result<_, _>>()?;
        Ok(Self { client, requests, opened, unexpected: OnceLock::new() })
    }
}

/// Settings under which a call is one request on the wire.
fn measuring(destination: &Destination) -> aws_sdk_rekognition::config::Builder {
    let mut limits = TimeoutConfig::builder();
    limits.set_connect_timeout(destination.timeouts.connect);
    limits.set_read_timeout(destination.timeouts.read);
    let mut config = Config::from(&destination.config)
        .to_builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::disabled().with_reconnect_mode(ReconnectMode::ReuseAllConnections))
        .timeout_config(limits.build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_resolver(FixedEndpoint::new(&destination.endpoint));
    config.push_interceptor(SharedInterceptor::permanent(LeanHeaders::new()));
    if destination.origin != Origin::Region {
        config = config.endpoint_url(&destination.endpoint);
    }
    if destination.signed { config } else { config.allow_no_auth() }
}

/// How the SDK says that a call failed.
type SdkFailure = SdkError<CreateFaceLivenessSessionError, HttpResponse>;

/// What the SDK made of a call, and what the connection heard of it.
struct Sent {
    said: Result<CreateFaceLivenessSessionOutput, SdkFailure>,
    heard: Option<Answer>,
}

impl Sent {
    /// How the call ended: by what came over the connection, and only without an answer by the SDK's words.
    fn answer(&self) -> Answer {
        self.heard.unwrap_or_else(|| match &self.said {
            Err(error) => without_response(error),
            Ok(_) => Answer::without_reply(Outcome::OtherTransport),
        })
    }

    /// The SDK's words down to the cause, if it failed.
    fn causes(&self) -> Vec<String> {
        let words = |error: &SdkFailure| net::chain(error).map(ToString::to_string).collect();
        self.said.as_ref().err().map(words).unwrap_or_default()
    }
}

impl Sdk {
    /// Makes one call; `None` if there is no such request.
    async fn send(&self, ask: Ask) -> Option<Sent> {
        let request = self.requests.get(ask.request)?;
        let token = ask.token.map(|token| token.as_str().to_owned()).or_else(|| request.client_request_token.clone());
        let call = self
            .client
            .create_face_liveness_session()
            .set_kms_key_id(request.kms_key_id.clone())
            .set_settings(request.settings.clone())
            .set_client_request_token(token)
            .send();
        let (said, heard) = AnswerTap::during(call).await;
        if let Some(example) = heard.unexpected {
            let _ = self.unexpected.set(example);
        }
        Some(Sent { said, heard: heard.answer })
    }
}

impl Client for Sdk {
    async fn call(&self, ask: Ask) -> Answer {
        self.send(ask).await.map_or(Answer::without_reply(Outcome::OtherTransport), |sent| sent.answer())
    }

    fn connections_opened(&self) -> u64 {
        self.opened.count()
    }

    fn unexpected(&self) -> Option<UnexpectedAnswer> {
        self.unexpected.get().cloned()
    }
}

fn without_response(error: &SdkFailure) -> Answer {
    let (outcome, cause) = match error {
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) => {
                let transport = calls::transport_of(connector);
                (transport.outcome, transport.cause)
            }
            None => (Outcome::OtherTransport, net::root_cause(error)),
        },
        SdkError::TimeoutError(_) => (Outcome::ReadTimeout, "timeout".to_owned()),
        // No request was made: not the connection's fault, and the SDK knows whose.
        _ => (Outcome::OtherTransport, net::root_cause(error)),
    };
    Answer { exception: Some(Text64::cut(&cause)), ..Answer::without_reply(outcome) }
}

/// The service's JSON as the SDK's input. The SDK validates nothing but required members.
fn input(request: &CreateRequest) -> Result<CreateFaceLivenessSessionInput, BuildError> {
    CreateFaceLivenessSessionInput::builder()
        .set_kms_key_id(request.kms_key_id.clone())
        .set_settings(request.settings.as_ref().map(settings).transpose()?)
        .set_client_request_token(request.client_request_token.clone())
        .build()
}

fn settings(settings: &Settings) -> Result<CreateFaceLivenessSessionRequestSettings, BuildError> {
    let output = settings.output_config.as_ref().map(|output| {
        LivenessOutputConfig::builder().s3_bucket(&output.s3_bucket).set_s3_key_prefix(output.s3_key_prefix.clone()).build()
    });
    let preferences = settings.challenge_preferences.as_ref().map(|list| list.iter().map(preference).collect::<Result<_, _>>());
    Ok(CreateFaceLivenessSessionRequestSettings::builder()
        .set_output_config(output.transpose()?)
        .set_audit_images_limit(settings.audit_images_limit)
        .set_challenge_preferences(preferences.transpose()?)
        .build())
}

fn preference(preference: &super::request::ChallengePreference) -> Result<ChallengePreference, BuildError> {
    let versions = preference
        .versions
        .as_ref()
        .map(|v| Versions::builder().set_minimum(v.minimum.clone()).set_maximum(v.maximum.clone()).build());
    ChallengePreference::builder().r#type(ChallengeType::from(preference.kind.as_str())).set_versions(versions).build()
}
