//! Signatures over the wire, made by the SDK's own signer.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use super::*;
use crate::emulator::config::{Credential, Secret};

const JSON: &str = "Content-Type: application/x-amz-json-1.1";

fn strict(config: &mut EmulatorConfig) {
    let credential = |key: &str, account: &str| Credential {
        access_key_id: key.to_owned(),
        secret_access_key: Secret::new("secret".to_owned()),
        session_token: None,
        account: account.to_owned(),
    };
    config.credentials = vec![credential("AKIDONE", "111111111111"), credential("AKIDTWO", "222222222222")];
    config.allow_unsigned = false;
}

fn signed(key: &str, secret: &str, ago: Duration, body: &str) -> Vec<u8> {
    let identity = Credentials::new(key, secret, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("rekognition")
        .time(std::time::SystemTime::now() - ago)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let (name, value) = TARGET.split_once(": ").unwrap();
    let headers = [("host", "x"), (name, value)];
    let signable = SignableRequest::new("POST", "http://x/", headers.into_iter(), SignableBody::Bytes(body.as_bytes())).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let lines: Vec<String> = instructions.headers().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.push(TARGET);
    post(&lines, body)
}

/// A sound signature passes, twice too; each account has its own tokens. What is wrong is refused in the front door's form.
#[test]
fn verified() {
    let emulator = started(strict);
    let mut stream = connect(&emulator);
    let token = r#"{"ClientRequestToken":"a"}"#;
    let one = signed("AKIDONE", "secret", Duration::ZERO, token);
    let first = exchange_bytes(&mut stream, &one).unwrap();
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(exchange_bytes(&mut stream, &one).unwrap().session(), first.session());
    let rows = [
        (signed("AKIDONE", "wrong", Duration::ZERO, "{}"), "InvalidSignatureException", "The request signature we calculated"),
        (signed("AKIDONE", "secret", Duration::from_mins(6), "{}"), "InvalidSignatureException", "Signature expired: "),
        (signed("AKIDNONE", "secret", Duration::ZERO, "{}"), "UnrecognizedClientException", "The security token included"),
        (post(&[TARGET, JSON], "{}"), "MissingAuthenticationTokenException", "Request is missing"),
        (post(&[TARGET, JSON, "Authorization: x"], "{}"), "IncompleteSignatureException", "Authorization header"),
    ];
    for (request, kind, message) in rows {
        let got = exchange_bytes(&mut stream, &request).unwrap();
        assert_eq!((got.status, got.kind().as_str()), (400, kind), "{}", got.body);
        assert!(got.json()["message"].as_str().unwrap().starts_with(message), "{}", got.body);
        assert!(got.header("x-amzn-requestid").is_some());
    }
}

/// Who neither signs nor speaks JSON gets XML at 403, as the service answers such.
#[test]
fn unsigned_and_not_json() {
    let emulator = started(strict);
    let got = exchange_bytes(&mut connect(&emulator), &post(&[TARGET], "a=b")).unwrap();
    assert_eq!((got.status, got.header("content-type")), (403, Some("text/xml")));
    assert!(got.body.starts_with("<MissingAuthenticationTokenException>"), "{}", got.body);
}

/// The operation is told first, and a broken body last: a signature over it has to be right before anybody reads it.
#[test]
fn order_of_refusals() {
    let emulator = started(strict);
    let mut stream = connect(&emulator);
    let unknown = exchange_bytes(&mut stream, &post(&["X-Amz-Target: RekognitionService.DetectFaces"], "{}")).unwrap();
    assert_eq!(unknown.kind(), "UnknownOperationException");
    let unsigned = exchange_bytes(&mut stream, &post(&[TARGET, JSON], "{nope")).unwrap();
    assert_eq!(unsigned.kind(), "MissingAuthenticationTokenException");
    let broken = exchange_bytes(&mut stream, &signed("AKIDTWO", "secret", Duration::ZERO, "{nope")).unwrap();
    assert_eq!(broken.kind(), "SerializationException");
}
