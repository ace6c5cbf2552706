//! Against the SDK's own signer, and every way to be wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity as SdkIdentity;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::emulator::config::{DEFAULT_ACCOUNT, Secret};
use crate::sigv4::hex;

/// 2026-11-21T19:52:16Z.
const NOW: Duration = Duration::from_secs(1_795_290_736);

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn config(session_token: Option<&str>) -> EmulatorConfig {
    let credential = Credential {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new(SECRET.to_owned()),
        session_token: session_token.map(|token| Secret::new(token.to_owned())),
        account: "111122223333".to_owned(),
    };
    EmulatorConfig { credentials: vec![credential], allow_unsigned: false, ..EmulatorConfig::default() }
}

fn verifier(session_token: Option<&str>) -> Verifier {
    Verifier::new(&config(session_token))
}

/// A request that can be changed after it was signed.
#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    fn fields(&self) -> Vec<httparse::Header<'_>> {
        let listed = self.headers.iter();
        listed.map(|(name, value)| httparse::Header { name: name.as_str(), value: value.as_bytes() }).collect()
    }

    fn request<'a>(&'a self, fields: &'a [httparse::Header<'a>]) -> Request<'a> {
        let Self { method, path, query, body, .. } = self;
        Request { method, path, query: query.as_deref(), fields: Fields::of(fields), body }
    }

    fn plain(body: &str) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "127.0.0.1:4566"),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "RekognitionService.CreateFaceLivenessSession"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Self { method: Method::POST, path: "/".to_owned(), query: None, headers, body: body.as_bytes().to_vec() }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }

    fn replace(&mut self, name: &str, from: &str, to: &str) {
        let value = self.headers[name].to_str().unwrap().replacen(from, to, 1);
        self.set(name, &value);
    }
}

/// What the signer is told.
#[derive(Debug, Clone)]
struct By {
    key: &'static str,
    secret: String,
    token: Option<String>,
    region: String,
    service: &'static str,
    at: Duration,
    content_hash: bool,
}

impl Default for By {
    fn default() -> Self {
        Self {
            key: "AKIDEXAMPLE",
            secret: SECRET.to_owned(),
            token: None,
            region: "us-east-1".to_owned(),
            service: "rekognition",
            at: NOW,
            content_hash: false,
        }
    }
}

/// Signs with the SDK's crate.
fn signed(mut sent: Sent, by: &By) -> Sent {
    let identity: SdkIdentity = Credentials::new(by.key, &by.secret, by.token.clone(), None, "test").into();
    let mut settings = SigningSettings::default();
    if by.content_hash {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let time: SystemTime = UNIX_EPOCH + by.at;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&by.region)
        .name(by.service)
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let query = sent.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("http://127.0.0.1:4566{}{query}", sent.path);
    let headers: Vec<(String, String)> =
        sent.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(sent.method.as_str(), uri, headers, SignableBody::Bytes(&sent.body)).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        sent.set(name, value);
    }
    sent
}

fn problem(sent: &Sent) -> AuthProblem {
    verifier(None).verify(&sent.request(&sent.fields()), || NOW).unwrap_err()
}

/// The example of the AWS documentation, "Signature Version 4 test suite", get-vanilla, moved to this service: the signing key
/// of the documentation's own example is derived right.
#[test]
fn the_published_signing_key() {
    let first = hmac::Key::new(hmac::HMAC_SHA256, b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let key = ["20150830", "us-east-1", "iam", "aws4_request"]
        .iter()
        .fold(first, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()));
    let to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
    assert_eq!(
        hex(hmac::sign(&key, to_sign.as_bytes()).as_ref()),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

/// A sound request has its key's account and its scope's region; the same again passes again.
#[test]
fn sound_requests_pass() {
    let verifier = verifier(None);
    let sent = signed(Sent::plain("{}"), &By::default());
    for _ in 0..2 {
        let fields = sent.fields();
        let identity = verifier.verify(&sent.request(&fields), || NOW).unwrap();
        assert_eq!(
            (identity.account, identity.region, identity.access_key_id),
            ("111122223333", Some("us-east-1"), Some("AKIDEXAMPLE"))
        );
    }
}

/// What is not as it was signed, or signed by somebody else, is refused by name.
#[test]
#[allow(clippy::too_many_lines)] // a table: a row a way to be wrong
fn what_is_wrong_is_refused() {
    let sound = || signed(Sent::plain("{}"), &By::default());
    let by = |change: fn(&mut By)| {
        let mut by = By::default();
        change(&mut by);
        problem(&signed(Sent::plain("{}"), &by))
    };
    let after = |change: fn(&mut Sent)| {
        let mut sent = sound();
        change(&mut sent);
        problem(&sent)
    };
    let mismatch = "InvalidSignatureException: The request signature we calculated does not match";
    let rows = [
        ("InvalidSignatureException: The request signature we calculated", by(|by| by.secret.push('x'))),
        ("UnrecognizedClientException: The security token included in the request is invalid.", by(|by| by.key = "AKIDOTHER")),
        ("UnrecognizedClientException: The security token", by(|by| by.token = Some("t".to_owned()))),
        ("InvalidSignatureException: Credential should be scoped to correct service: 'rekognition'.", by(|by| by.service = "s3")),
        (
            "InvalidSignatureException: Signature expired: 20261121T194715Z is now earlier than 20261121T194716Z (20261121T195216Z - 5 min.)",
            by(|by| by.at = NOW.saturating_sub(Duration::from_secs(301))),
        ),
        (
            "InvalidSignatureException: Signature not yet current: 20261121T195717Z is still later than 20261121T195716Z (20261121T195216Z + 5 min.)",
            by(|by| by.at = NOW + Duration::from_secs(301)),
        ),
        (mismatch, after(|sent| sent.body = b"{ }".to_vec())),
        (mismatch, after(|sent| sent.method = Method::PUT)),
        (mismatch, after(|sent| sent.query = Some("a=1".to_owned()))),
        (mismatch, after(|sent| sent.set("x-amz-target", "RekognitionService.GetFaceLivenessSessionResults"))),
        (mismatch, after(|sent| drop(sent.headers.remove("content-type")))),
        (mismatch, after(|sent| sent.set("x-amz-date", "20261121T195217Z"))),
        (mismatch, after(|sent| sent.replace("authorization", "us-east-1", "eu-west-1"))),
        (mismatch, after(|sent| sent.replace("authorization", "Signature=", "Signature=0"))),
        (mismatch, after(|sent| sent.replace("authorization", "SignedHeaders=", "SignedHeaders=x-more;"))),
        (
            "InvalidSignatureException: Date in Credential scope",
            after(|sent| sent.replace("authorization", "20261121", "20261120")),
        ),
        (
            "InvalidSignatureException: Credential should be scoped with a valid terminator",
            after(|sent| sent.replace("authorization", "aws4_request", "aws5_request")),
        ),
        ("InvalidSignatureException: 'Host' or ':authority'", after(|sent| sent.replace("authorization", "host;", ""))),
        (
            "InvalidSignatureException: 'SignedHeaders' must list each header once.",
            after(|sent| sent.replace("authorization", "SignedHeaders=", "SignedHeaders=Host;x-more;")),
        ),
        (
            "InvalidSignatureException: 'SignedHeaders' must list each header once.",
            after(|sent| sent.replace("authorization", "SignedHeaders=", &format!("SignedHeaders={}", "a;b;".repeat(10_000)))),
        ),
        (
            "InvalidSignatureException: The provided 'x-amz-content-sha256' header",
            after(|sent| sent.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD")),
        ),
        ("MissingAuthenticationTokenException: Request is missing", after(|sent| drop(sent.headers.remove("authorization")))),
        (
            "IncompleteSignatureException: Authorization header requires existence",
            after(|sent| drop(sent.headers.remove("x-amz-date"))),
        ),
        ("IncompleteSignatureException: Date must be", after(|sent| sent.set("x-amz-date", "yesterday"))),
        (
            "IncompleteSignatureException: Authorization header requires the algorithm",
            after(|sent| sent.set("authorization", "Bearer x")),
        ),
        (
            "IncompleteSignatureException: Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
            after(|sent| sent.set("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e")),
        ),
        (
            "IncompleteSignatureException: Credential must have exactly 5",
            after(|sent| sent.replace("authorization", "Credential=", "Credential=a/")),
        ),
        (
            "IncompleteSignatureException: Authorization header has a part that is not a key=value pair",
            after(|sent| sent.replace("authorization", "Credential=", "Credential=a b")),
        ),
        (
            "IncompleteSignatureException: Authorization header has a part that is not a key=value pair",
            after(|sent| sent.replace("authorization", "host;", "host; ")),
        ),
    ];
    for (expected, problem) in rows {
        let told = format!("{}: {problem}", problem.exception());
        assert!(told.starts_with(expected), "expected {expected}\ngot      {told}");
    }
}

/// The edge of the tolerance passes, on both sides.
#[test]
fn five_minutes_are_enough() {
    for at in [NOW.saturating_sub(Duration::from_secs(300)), NOW + Duration::from_secs(300)] {
        let sent = signed(Sent::plain("{}"), &By { at, ..By::default() });
        assert!(verifier(None).verify(&sent.request(&sent.fields()), || NOW).is_ok());
    }
}

/// A temporary key passes with its own token only.
#[test]
fn session_tokens() {
    let token = |token: Option<&str>| signed(Sent::plain("{}"), &By { token: token.map(str::to_owned), ..By::default() });
    let verify = |sent: &Sent| verifier(Some("right")).verify(&sent.request(&sent.fields()), || NOW).map(|_| ());
    assert_eq!(verify(&token(Some("right"))), Ok(()));
    assert_eq!(verify(&token(Some("wrong"))), Err(AuthProblem::UnknownKey));
    assert_eq!(verify(&token(None)), Err(AuthProblem::UnknownKey));
}

/// The plain `Date` header serves where `X-Amz-Date` is absent.
#[test]
fn date_header() {
    let mut sent = Sent::plain("{}");
    sent.set("date", "Sat, 21 Nov 2026 19:52:16 GMT");
    let payload = hex(digest::digest(&digest::SHA256, b"{}").as_ref());
    let canonical = canonical_request(&sent.request(&sent.fields()), "date;host", payload.as_bytes());
    let hash = hex(digest::digest(&digest::SHA256, &canonical).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n20261121T195216Z\n20261121/us-east-1/rekognition/aws4_request\n{hash}");
    let signature = hex(hmac::sign(&signing_key(SECRET, "20261121", "us-east-1"), to_sign.as_bytes()).as_ref());
    sent.set("authorization", &format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/rekognition/aws4_request,SignedHeaders=date;host,Signature={signature}"));
    assert!(verifier(None).verify(&sent.request(&sent.fields()), || NOW).is_ok());
}

/// Without keys any well-formed signature passes, however old; with the switch off anything does.
#[test]
fn lenient_policies() {
    let open = Verifier::new(&EmulatorConfig::default());
    let off = Verifier::new(&EmulatorConfig { verify_signatures: false, ..config(None) });
    let mut sent = signed(Sent::plain("{}"), &By { at: Duration::from_secs(9), key: "AKIDOTHER", ..By::default() });
    sent.body = b"other".to_vec();
    let account = |verifier: &Verifier, sent: &Sent| {
        verifier
            .verify(&sent.request(&sent.fields()), || NOW)
            .map(|identity| (identity.account.to_owned(), identity.region.map(str::to_owned)))
    };
    for verifier in [&open, &off] {
        assert_eq!(account(verifier, &sent), Ok((DEFAULT_ACCOUNT.to_owned(), Some("us-east-1".to_owned()))));
        assert_eq!(account(verifier, &Sent::plain("{}")), Ok((DEFAULT_ACCOUNT.to_owned(), None)));
    }
    sent.set("authorization", "nonsense");
    assert_eq!(account(&off, &sent), Ok((DEFAULT_ACCOUNT.to_owned(), None)));
    assert_eq!(account(&open, &sent).unwrap_err().exception(), "IncompleteSignatureException");
}

/// Ever new regions do not fill the memory, and secrets are not printed.
#[test]
fn bounded_and_discreet() {
    let verifier = verifier(Some("sesame"));
    for n in 0..3 * KEPT_KEYS {
        let by = By { region: format!("r-{n}"), token: Some("sesame".to_owned()), ..By::default() };
        let sent = signed(Sent::plain("{}"), &by);
        assert!(verifier.verify(&sent.request(&sent.fields()), || NOW).is_ok());
        assert!(verifier.derived.lock().unwrap().len() <= KEPT_KEYS);
    }
    let printed = format!("{verifier:?}");
    assert!(!printed.contains(SECRET) && !printed.contains("sesame"), "{printed}");
}

fn header_value() -> impl Strategy<Value = String> {
    "[!-~]{1,8}( {1,3}[!-~]{1,8}){0,3}"
}

prop_compose! {
    // A bare `%` never comes before two hexadecimal digits: of an octet that is no UTF-8 the SDK's signer makes U+FFFD, and signs that.
    fn any_request()(
        method in prop::sample::select(vec!["GET", "POST", "PUT"]),
        path in "(/[a-zA-Z0-9._~%!$()*-]{0,6}){1,5}",
        query in prop::option::of("[a-d0-9._~-]{1,3}(=([g-z%+]|%[2-7][0-9a-f]|%C3%a9){0,5})?(&[a-d0-9._~-]{1,3}(=[a-z+0-9]{0,5})?){0,4}"),
        headers in prop::collection::btree_map("x-[a-z][a-z0-9-]{0,8}", header_value(), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Sent {
        let mut sent = Sent::plain("");
        for (name, value) in headers {
            sent.set(&name, &value);
        }
        Sent { method: method.parse().unwrap(), path, query, body, ..sent }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever the SDK's signer signs is verified, and is no longer once a byte of it changes.
    #[test]
    fn agrees_with_the_sdk(
        sent in any_request(),
        token in prop::option::of("[a-zA-Z0-9/+=]{1,80}"),
        region in "[a-z]{2}-[a-z]{4,6}-[1-9]",
        content_hash in any::<bool>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let by = By { token: token.clone(), region, content_hash, ..By::default() };
        let verifier = verifier(token.as_deref());
        let sent = signed(sent, &by);
        prop_assert_eq!(verifier.verify(&sent.request(&sent.fields()), || NOW).map(|_| ()), Ok(()), "{:?}", sent);

        let mut body = sent.clone();
        body.body.insert(flip.index(sent.body.len() + 1), b'!');
        prop_assert!(verifier.verify(&body.request(&body.fields()), || NOW).is_err());
        let names: Vec<HeaderName> = sent.headers.keys().filter(|name| *name != http::header::AUTHORIZATION).cloned().collect();
        let mut header = sent.clone();
        let name = &names[flip.index(names.len())];
        let value = format!("{}!", header.headers[name].to_str().unwrap());
        header.set(name.as_str(), &value);
        prop_assert!(verifier.verify(&header.request(&header.fields()), || NOW).is_err(), "{}", name);
    }

    /// Nothing makes it panic, and nothing unsigned passes.
    #[test]
    fn survives_anything(
        authorization in prop_oneof!["[ -~]{0,120}", "AWS4-HMAC-SHA256 (Credential|SignedHeaders|Signature|=|/|,|;|[a-z0-9]){0,24}"],
        date in "[0-9TZ]{0,17}",
        path in ".{0,20}",
        query in ".{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut sent = Sent::plain("");
        sent.set("authorization", &authorization);
        sent.set("x-amz-date", &date);
        let sent = Sent { path, query: Some(query), body, ..sent };
        prop_assert!(verifier(None).verify(&sent.request(&sent.fields()), || NOW).is_err());
        let _ = canonical_request(&sent.request(&sent.fields()), &authorization, date.as_bytes());
    }
}
