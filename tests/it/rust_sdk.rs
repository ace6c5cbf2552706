//! The AWS SDK for Rust against `livebench emulate`, with the SDK's own HTTP client and retries: as its users run it.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use crate::support::Emulate;
use aws_credential_types::Credentials;
use aws_sdk_rekognition::Client;
use aws_sdk_rekognition::config::retry::RetryConfig;
use aws_sdk_rekognition::config::timeout::TimeoutConfig;
use aws_sdk_rekognition::config::{BehaviorVersion, Builder, Region};
use aws_sdk_rekognition::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rekognition::operation::RequestId;
use aws_sdk_rekognition::operation::create_face_liveness_session::CreateFaceLivenessSessionError as CreateError;
use aws_sdk_rekognition::operation::get_face_liveness_session_results::GetFaceLivenessSessionResultsError as ResultsError;
use aws_sdk_rekognition::types::{
    ChallengePreference, ChallengeType, CreateFaceLivenessSessionRequestSettings as Settings, LivenessOutputConfig,
    LivenessSessionStatus, Versions,
};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use serde_json::{Value, json};

const UNLIMITED: &str = "quota = { kind = \"none\" }\nget_quota = { kind = \"none\" }\n";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
const CREDENTIALS: &str = r#"
[[emulator.credentials]]
access_key_id = "AKIDEXAMPLE"
secret_access_key = "secret"

[[emulator.credentials]]
access_key_id = "ASIAEXAMPLE"
secret_access_key = "temporary"
session_token = "the-right-token"
account = "444455556666"
"#;

/// An emulator with settings of its own, and its log.
struct Server {
    emulator: Emulate,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(config: &str) -> Self {
        Self::with(config, &[])
    }

    fn with(config: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, log) = (folder.path().join("emulator.toml"), folder.path().join("arrivals.jsonl"));
        std::fs::write(&file, format!("[emulator]\n{config}")).unwrap();
        let files = ["--config", file.to_str().unwrap(), "--log", log.to_str().unwrap()];
        let emulator = Emulate::start(&[&files[..], arguments].concat());
        Self { emulator, folder }
    }

    /// A client of it without retries.
    fn client(&self) -> Client {
        self.client_with(|config| config)
    }

    fn client_with(&self, change: impl FnOnce(Builder) -> Builder) -> Client {
        let config = aws_sdk_rekognition::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.emulator.endpoint)
            .credentials_provider(keys("AKIDEXAMPLE", "secret", None))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Client::from_conf(change(config).build())
    }

    /// What one of its own endpoints answers: to GET without members, to POST with some.
    async fn own(&self, path: &str, members: Option<Value>) -> Value {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let address = self.emulator.endpoint.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (method, body) = members.map_or(("GET", String::new()), |members| ("POST", members.to_string()));
        let length = body.len();
        let request = format!(
            "{method} /_livebench/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    async fn fault(&self, members: Value) {
        self.own("fault", Some(members)).await;
    }

    /// Stops it; its arrival log.
    fn stop(self) -> Vec<Value> {
        self.emulator.stop();
        crate::support::arrivals(&self.folder.path().join("arrivals.jsonl"), 0)
    }
}

fn keys(id: &str, secret: &str, token: Option<&str>) -> Credentials {
    Credentials::new(id, secret, token.map(str::to_owned), None, "test")
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() && !text.contains(char::is_uppercase)
}

async fn create(client: &Client) -> String {
    let session = client.create_face_liveness_session().send().await.unwrap().session_id().to_owned();
    assert!(is_uuid(&session), "{session}");
    session
}

async fn create_with_token(client: &Client, token: &str) -> String {
    client.create_face_liveness_session().client_request_token(token).send().await.unwrap().session_id().to_owned()
}

async fn refused(client: &Client) -> SdkError<CreateError> {
    client.create_face_liveness_session().send().await.unwrap_err()
}

async fn results_refused(client: &Client, session: &str) -> SdkError<ResultsError> {
    client.get_face_liveness_session_results().session_id(session).send().await.unwrap_err()
}

/// Whether the service refused with this code and status, and said its request id.
#[track_caller]
fn held<E: ProvideErrorMetadata + Debug>(error: &SdkError<E>, code: &str, status: u16) {
    let service = error.as_service_error().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(service.meta().code(), Some(code), "{error:?}");
    assert_eq!(error.raw_response().unwrap().status().as_u16(), status, "{error:?}");
    assert!(is_uuid(service.meta().request_id().unwrap_or_default()), "{error:?}");
}

fn message<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    error.as_service_error().and_then(|e| e.meta().message()).unwrap_or_default()
}

fn images(limit: i32) -> Settings {
    Settings::builder().audit_images_limit(limit).build()
}

const AT_ONCE: &str = "checks = { succeed = 1.0, start = \"0s\", length = \"0s\" }\n";

/// A session's id is a UUID, and the answer carries a request id.
#[tokio::test]
async fn creates_a_session() {
    let server = Server::start("");
    let answer = server.client().create_face_liveness_session().send().await.unwrap();
    assert!(is_uuid(answer.session_id()));
    assert!(is_uuid(answer.request_id().unwrap()));
}

/// Every member of the model goes in, and what of it shows in the results comes out.
#[tokio::test]
async fn takes_every_member() {
    let server = Server::start(AT_ONCE);
    let client = server.client();
    let output = LivenessOutputConfig::builder().s3_bucket("livebench-bucket").s3_key_prefix("sessions/é/😀/").build().unwrap();
    let versions = Versions::builder().minimum("1.0.0").maximum("1.0.0").build();
    let preference = ChallengePreference::builder().r#type(ChallengeType::FaceMovementChallenge).versions(versions);
    let settings = Settings::builder()
        .output_config(output)
        .audit_images_limit(4)
        .challenge_preferences(preference.build().unwrap())
        .build();
    let request = client
        .create_face_liveness_session()
        .kms_key_id("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
        .settings(settings)
        .client_request_token("livebench-token-0001");
    let session = request.send().await.unwrap().session_id().to_owned();
    let results = client.get_face_liveness_session_results().session_id(&session).send().await.unwrap();
    assert_eq!((results.session_id(), results.status()), (session.as_str(), &LivenessSessionStatus::Succeeded));
    let challenge = results.challenge().unwrap();
    assert_eq!((challenge.r#type(), challenge.version()), (&ChallengeType::FaceMovementChallenge, "1.0.0"));
    assert_eq!(results.audit_images().len(), 4);
    let image = results.reference_image().unwrap();
    assert!(image.bytes().is_none());
    let object = image.s3_object().unwrap();
    assert_eq!(object.bucket(), Some("livebench-bucket"));
    assert!(object.name().unwrap().starts_with("sessions/é/😀/"), "{object:?}");
}

/// Audit images are as many as asked for, as bytes, with the face inside; the limit is clamped on both sides.
#[tokio::test]
async fn audit_images() {
    let server = Server::start(&format!("{UNLIMITED}{AT_ONCE}"));
    let client = server.client();
    for (limit, count) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (-1, 0), (5, 4), (i32::MAX, 4)] {
        let request = client.create_face_liveness_session().settings(images(limit));
        let session = request.send().await.unwrap().session_id().to_owned();
        let results = client.get_face_liveness_session_results().session_id(session).send().await.unwrap();
        assert_eq!(results.audit_images().len(), count, "{limit}");
        for image in results.audit_images().iter().chain(results.reference_image()) {
            let bytes = image.bytes().unwrap().as_ref();
            assert!(bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]) && image.s3_object().is_none());
            let b = image.bounding_box().unwrap();
            let within = |from: Option<f32>, size: Option<f32>| from.unwrap() > 0.0 && from.unwrap() + size.unwrap() <= 1.0;
            assert!(within(b.left(), b.width()) && within(b.top(), b.height()), "{b:?}");
        }
        assert!((0.0..=100.0).contains(&results.confidence().unwrap()));
        assert!(results.feedback().is_empty());
        assert_eq!(results.metadata().unwrap().sdk_type(), "livebench-emulator");
    }
}

/// A limit beyond the model's is refused where switched.
#[tokio::test]
async fn audit_images_limit_is_rejected_where_switched() {
    let server = Server::start("validation = { audit_images_limit = \"reject\" }\n");
    for limit in [-1, 5] {
        let error = server.client().create_face_liveness_session().settings(images(limit)).send().await.unwrap_err();
        held(&error, "InvalidParameterException", 400);
        assert!(message(&error).contains(&format!("Value '{limit}' at 'settings.auditImagesLimit'")), "{error:?}");
    }
}

/// Session and request ids are distinct, also of calls at once.
#[tokio::test]
async fn ids_are_distinct() {
    let server = Server::start(UNLIMITED);
    let client = server.client();
    let calls = (0..100).map(|_| client.create_face_liveness_session().send());
    let answers = futures_util::future::join_all(calls).await;
    let ids: BTreeSet<(String, String)> = answers
        .into_iter()
        .map(Result::unwrap)
        .map(|answer| (answer.session_id().to_owned(), answer.request_id().unwrap().to_owned()))
        .collect();
    assert_eq!(ids.iter().map(|(session, _)| session).collect::<BTreeSet<_>>().len(), 100);
    assert_eq!(ids.iter().map(|(_, request)| request).collect::<BTreeSet<_>>().len(), 100);
}

/// What this SDK does not look at goes over the wire and is refused with its path and count.
#[tokio::test]
async fn invalid_parameters() {
    let server = Server::start("");
    let client = server.client();
    let create = || client.create_face_liveness_session();
    let bucket = |name: &str| LivenessOutputConfig::builder().s3_bucket(name);
    let into = |output: LivenessOutputConfig| Settings::builder().output_config(output).build();
    let prefer = |kind: &str, minimum: &str| {
        let versions = Versions::builder().minimum(minimum).build();
        let preference = ChallengePreference::builder().r#type(kind.into()).versions(versions).build().unwrap();
        Settings::builder().challenge_preferences(preference).build()
    };
    let rows = [
        (create().client_request_token(""), "clientRequestToken"),
        (create().client_request_token("t".repeat(65)), "clientRequestToken"),
        (create().client_request_token("bad token! é"), "clientRequestToken"),
        (create().kms_key_id(""), "kmsKeyId"),
        (create().kms_key_id("k".repeat(2049)), "kmsKeyId"),
        (create().settings(into(bucket("ab").build().unwrap())), "settings.outputConfig.s3Bucket"),
        (create().settings(into(bucket("abc").s3_key_prefix("a b").build().unwrap())), "settings.outputConfig.s3KeyPrefix"),
        (create().settings(prefer("Dance", "1.0.0")), "settings.challengePreferences.1.member.type"),
        (create().settings(prefer("FaceMovementChallenge", "1.0")), "settings.challengePreferences.1.member.versions.minimum"),
    ];
    for (request, path) in rows {
        let error = request.send().await.unwrap_err();
        held(&error, "InvalidParameterException", 400);
        assert!(error.as_service_error().unwrap().is_invalid_parameter_exception(), "{error:?}");
        let said = message(&error);
        assert!(said.contains(" detected: Value ") && said.contains(&format!("at '{path}' failed to satisfy")), "{said}");
    }
    let error = create().client_request_token("a b").kms_key_id("/").send().await.unwrap_err();
    assert!(message(&error).starts_with("2 validation errors detected: "), "{error:?}");
    for id in ["", "X", &NOBODY.replace('0', "A")] {
        held(&results_refused(&client, id).await, "InvalidParameterException", 400);
    }
    held(&client.get_face_liveness_session_results().send().await.unwrap_err(), "InvalidParameterException", 400);
}

/// Constraint violations come as `ValidationException` where switched: not modelled, so the SDK knows only its code.
#[tokio::test]
async fn validation_exception_where_switched() {
    let server = Server::start("validation = { error = \"validation\" }\n");
    let error = server.client().create_face_liveness_session().client_request_token("a b").send().await.unwrap_err();
    held(&error, "ValidationException", 400);
}

/// Every error of the model is its own variant, in both operations and at every status it is documented with.
#[tokio::test]
async fn errors_are_typed() {
    type Is = (fn(&CreateError) -> bool, fn(&ResultsError) -> bool);
    let server = Server::start("");
    let client = server.client();
    let rows: [(&str, u16, Is); 6] = [
        ("AccessDeniedException", 400, (CreateError::is_access_denied_exception, ResultsError::is_access_denied_exception)),
        (
            "InvalidParameterException",
            400,
            (CreateError::is_invalid_parameter_exception, ResultsError::is_invalid_parameter_exception),
        ),
        (
            "ProvisionedThroughputExceededException",
            400,
            (
                CreateError::is_provisioned_throughput_exceeded_exception,
                ResultsError::is_provisioned_throughput_exceeded_exception,
            ),
        ),
        ("ThrottlingException", 400, (CreateError::is_throttling_exception, ResultsError::is_throttling_exception)),
        ("ThrottlingException", 500, (CreateError::is_throttling_exception, ResultsError::is_throttling_exception)),
        ("InternalServerError", 500, (CreateError::is_internal_server_error, ResultsError::is_internal_server_error)),
    ];
    for (code, status, (of_create, of_results)) in rows {
        server.fault(json!({ "code": code, "status": status, "times": 2 })).await;
        let error = refused(&client).await;
        held(&error, code, status);
        assert!(of_create(error.as_service_error().unwrap()), "{error:?}");
        let error = results_refused(&client, NOBODY).await;
        held(&error, code, status);
        assert!(of_results(error.as_service_error().unwrap()), "{error:?}");
        create(&client).await;
    }
    let error = results_refused(&client, NOBODY).await;
    held(&error, "SessionNotFoundException", 400);
    assert!(error.as_service_error().unwrap().is_session_not_found_exception());
}

/// An operation that the emulator does not have is unknown to it.
#[tokio::test]
async fn another_operation_is_unknown() {
    let server = Server::start("");
    held(&server.client().list_collections().send().await.unwrap_err(), "UnknownOperationException", 400);
}

/// One token is one session, with other settings too, and another token another.
#[tokio::test]
async fn same_token_same_session() {
    let server = Server::start("");
    let client = server.client();
    let first = create_with_token(&client, "a").await;
    let other = client.create_face_liveness_session().client_request_token("a").settings(images(4)).send().await.unwrap();
    assert_eq!(other.session_id(), first);
    assert_ne!(create_with_token(&client, "b").await, first);
}

/// Other settings with the same token are refused where switched.
#[tokio::test]
async fn other_settings_are_refused_where_switched() {
    let server = Server::start("tokens = { mismatch = \"mismatch-error\" }\n");
    let client = server.client();
    create_with_token(&client, "a").await;
    let error = client.create_face_liveness_session().client_request_token("a").settings(images(4)).send().await.unwrap_err();
    held(&error, "IdempotentParameterMismatchException", 400);
}

/// 32 calls at once with one token make one session.
#[tokio::test]
async fn one_token_at_once_is_one_session() {
    let server = Server::start(UNLIMITED);
    let client = server.client();
    let calls = (0..32).map(|_| create_with_token(&client, "race"));
    let ids: BTreeSet<String> = futures_util::future::join_all(calls).await.into_iter().collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(server.stop().iter().filter(|record| record["created"] == true).count(), 1);
}

/// After its session's life a token makes a new one, and the old one is not found.
#[tokio::test]
async fn a_token_after_expiry_makes_a_new_session() {
    let server = Server::start(&format!("{UNLIMITED}session_ttl = \"300ms\"\n"));
    let client = server.client();
    let first = create_with_token(&client, "a").await;
    while create_with_token(&client, "a").await == first {}
    held(&results_refused(&client, &first).await, "SessionNotFoundException", 400);
}

/// The lost answer that makes tokens matter: the SDK tries again and gets the session that it had made.
#[tokio::test]
async fn a_lost_answer_and_a_retry_are_one_session() {
    let server = Server::start(&format!("{UNLIMITED}faults = {{ reset_after = 0.5 }}\n"));
    let quick = RetryConfig::standard().with_max_attempts(10).with_initial_backoff(Duration::from_millis(1));
    let client = server.client_with(|config| config.retry_config(quick));
    let mut got = Vec::new();
    for n in 0..12 {
        got.push((format!("t-{n}"), create_with_token(&client, &format!("t-{n}")).await));
    }
    let records = server.stop();
    assert!(records.iter().any(|record| record["verdict"] == "reset_after"), "{records:?}");
    for record in records {
        let (_, session) = got.iter().find(|(token, _)| record["token"] == **token).unwrap();
        assert_eq!(record["session_id"], **session, "{record}");
    }
}

/// A session begins as CREATED, is completed from outside once, and says so.
#[tokio::test]
async fn completes_on_demand() {
    let server = Server::start("");
    let client = server.client();
    let session = create(&client).await;
    let results = || client.get_face_liveness_session_results().session_id(&session).send();
    let before = results().await.unwrap();
    assert_eq!((before.status(), before.confidence()), (&LivenessSessionStatus::Created, None));
    server.own("complete", Some(json!({ "SessionId": session, "Confidence": 75.5 }))).await;
    let after = results().await.unwrap();
    assert_eq!((after.status(), after.confidence()), (&LivenessSessionStatus::Succeeded, Some(75.5)));
}

/// Checks go as configured.
#[tokio::test]
async fn checks_go_as_configured() {
    for (checks, status) in [
        ("succeed = 1.0, start = \"1m\"", LivenessSessionStatus::Created),
        ("succeed = 1.0, start = \"0s\", length = \"1m\"", LivenessSessionStatus::InProgress),
        ("fail = 1.0, start = \"0s\", length = \"0s\"", LivenessSessionStatus::Failed),
    ] {
        let server = Server::start(&format!("checks = {{ {checks} }}\n"));
        let client = server.client();
        let session = create(&client).await;
        let results = client.get_face_liveness_session_results().session_id(session).send().await.unwrap();
        assert_eq!(results.status(), &status);
    }
}

/// An expired session shows as EXPIRED where switched.
#[tokio::test]
async fn an_expired_session_shows_where_switched() {
    let sessions = "session_ttl = \"200ms\"\nsessions = { expired = \"expired\", expired_for = \"1h\" }\n";
    let server = Server::start(&format!("{UNLIMITED}{sessions}"));
    let client = server.client();
    let session = create(&client).await;
    let mut status = LivenessSessionStatus::Created;
    while status == LivenessSessionStatus::Created {
        let results = client.get_face_liveness_session_results().session_id(&session).send().await.unwrap();
        status = results.status().clone();
    }
    assert_eq!(status, LivenessSessionStatus::Expired);
}

/// Over the quota is the quota's own variant, and a new quota holds at once.
#[tokio::test]
async fn over_the_quota() {
    let server = Server::start("quota = { kind = \"fixed-window\", limit = 2, window = \"1h\" }\n");
    let client = server.client();
    create(&client).await;
    create(&client).await;
    held(&refused(&client).await, "ProvisionedThroughputExceededException", 400);
    server.own("quota", Some(json!({ "kind": "none" }))).await;
    create(&client).await;
}

/// The SDK's default hides two throttles; the emulator counts them.
#[tokio::test]
async fn hidden_retries_are_counted() {
    let server = Server::start(UNLIMITED);
    let quick = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let client = server.client_with(|config| config.retry_config(quick));
    for n in 0..5 {
        if n < 4 {
            server.fault(json!({ "code": "ProvisionedThroughputExceededException", "times": 1 })).await;
        }
        create(&client).await;
    }
    let told = server.own("clients", None).await;
    let tally = told["clients"].as_array().unwrap().iter().find(|c| c["client"].as_str().unwrap().starts_with("aws-sdk-rust/"));
    let tally = tally.unwrap();
    assert_eq!((&tally["requests"], &tally["calls"], &tally["requests_per_call"]), (&9.into(), &5.into(), &1.8.into()));
}

/// A good signature passes; a wrong secret, an unknown key and a session token that is missing or wrong do not.
#[tokio::test]
async fn signatures() {
    let server = Server::start(CREDENTIALS);
    let with = |credentials| server.client_with(|config| config.credentials_provider(credentials));
    create(&server.client()).await;
    create(&with(keys("ASIAEXAMPLE", "temporary", Some("the-right-token")))).await;
    for (credentials, code) in [
        (keys("AKIDEXAMPLE", "another", None), "InvalidSignatureException"),
        (keys("AKIDNOBODY", "secret", None), "UnrecognizedClientException"),
        (keys("ASIAEXAMPLE", "temporary", None), "UnrecognizedClientException"),
        (keys("ASIAEXAMPLE", "temporary", Some("the-wrong-token")), "UnrecognizedClientException"),
        (keys("AKIDEXAMPLE", "secret", Some("unasked")), "UnrecognizedClientException"),
    ] {
        held(&refused(&with(credentials)).await, code, 400);
    }
    let unsigned = Client::from_conf(
        aws_sdk_rekognition::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(&server.emulator.endpoint)
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .allow_no_auth()
            .build(),
    );
    held(&refused(&unsigned).await, "MissingAuthenticationTokenException", 400);
}

/// A clock that is off by so many seconds.
#[derive(Debug)]
struct Off(i64);

impl TimeSource for Off {
    fn now(&self) -> SystemTime {
        let off = Duration::from_secs(self.0.unsigned_abs());
        if self.0 < 0 { SystemTime::now() - off } else { SystemTime::now() + off }
    }
}

/// A client's clock may be off by five minutes and no more.
#[tokio::test]
async fn clocks() {
    let server = Server::start(CREDENTIALS);
    let at = |seconds| server.client_with(|config| config.time_source(SharedTimeSource::new(Off(seconds))));
    for (seconds, words) in [(-360, "Signature expired: "), (360, "Signature not yet current: ")] {
        let error = refused(&at(seconds)).await;
        held(&error, "InvalidSignatureException", 400);
        assert!(message(&error).starts_with(words), "{error:?}");
    }
    for seconds in [-240, 240] {
        create(&at(seconds)).await;
    }
}

/// The regions with Face Liveness serve, another refuses without a word.
#[tokio::test]
async fn regions() {
    let server = Server::start(CREDENTIALS);
    let at = |region: &'static str| server.client_with(|config| config.region(Region::new(region)));
    for region in ["us-west-2", "eu-west-1", "ap-northeast-1"] {
        create(&at(region)).await;
    }
    let error = refused(&at("eu-central-1")).await;
    held(&error, "AccessDeniedException", 400);
    assert_eq!(message(&error), "");
}

/// TLS with the emulator's own authority; without it the SDK refuses.
#[tokio::test]
async fn tls() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with("", &["--tls-generate", folder.path().to_str().unwrap()]);
    let trust = |store: TrustStore| {
        let context = TlsContext::builder().with_trust_store(store).build().unwrap();
        let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let http = http.tls_context(context).build_https();
        server.client_with(|config| config.http_client(http))
    };
    let authority = std::fs::read(folder.path().join("ca.pem")).unwrap();
    create(&trust(TrustStore::empty().with_pem_certificate(authority))).await;
    let other = another_authority();
    let error = refused(&trust(TrustStore::empty().with_pem_certificate(other))).await;
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
}

/// The authority of another emulator.
fn another_authority() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    livebench::emulator::http::generate_tls(folder.path()).unwrap();
    std::fs::read(folder.path().join("ca.pem")).unwrap()
}

/// A 503 of HTML is unhandled; a malformed 200 is a session without an id, or an error, but never a UUID.
#[tokio::test]
async fn answers_that_are_none() {
    let server = Server::start("faults = { unavailable = 1.0 }\n");
    let error = refused(&server.client()).await;
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
    assert_eq!(error.as_service_error().and_then(|e| e.meta().code()), None);
    for form in ["empty", "empty-object", "truncated", "null-session", "upper-case", "html"] {
        let server = Server::start(&format!("faults = {{ malformed = 1.0, malformed_forms = [\"{form}\"] }}\n"));
        let answer = server.client().create_face_liveness_session().send().await;
        assert!(!answer.is_ok_and(|answer| is_uuid(answer.session_id())), "{form}");
    }
}

/// A reset is a dispatch failure, before and after the commit; the log tells them apart.
#[tokio::test]
async fn resets() {
    for (fault, created) in [("reset_before", false), ("reset_after", true)] {
        let server = Server::start(&format!("faults = {{ {fault} = 1.0 }}\n"));
        let error = refused(&server.client()).await;
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(server.stop()[0]["created"], created);
    }
}

/// A slow body is whole in the end; a connection that never answers is given up on, and its session exists.
#[tokio::test]
async fn slow_and_half_open() {
    let server = Server::start("faults = { slow_body = 1.0, slow_body_for = \"200ms\" }\n");
    create(&server.client()).await;
    let server = Server::start("faults = { half_open = 1.0 }\n");
    let impatient = TimeoutConfig::builder().operation_timeout(Duration::from_millis(300)).build();
    let error = refused(&server.client_with(|config| config.timeout_config(impatient))).await;
    assert!(matches!(error, SdkError::TimeoutError(_)), "{error:?}");
    assert_eq!(server.own("state", None).await["sessions"].as_array().unwrap().len(), 1);
}

/// Connections are kept, over refusals too.
#[tokio::test]
async fn connections_are_kept() {
    let server = Server::start(UNLIMITED);
    let client = server.client();
    for _ in 0..3 {
        create(&client).await;
        results_refused(&client, NOBODY).await;
    }
    assert!(server.stop().iter().all(|record| record["connection"] == 0));
}
