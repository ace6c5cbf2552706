//! Any path, query, headers and list of signed headers under a well-formed signature: it is canonicalised, and never passes.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use livebench::emulator::sigv4::{Request, Verifier};
use livebench::emulator::config::{Credential, EmulatorConfig, Secret};

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let credential = Credential {
        access_key_id: "AKID".to_owned(),
        secret_access_key: Secret::new("secret".to_owned()),
        session_token: None,
        account: "123456789012".to_owned(),
    };
    Verifier::new(&EmulatorConfig { credentials: vec![credential], ..EmulatorConfig::default() })
});

fuzz_target!(|input: (String, String, String, Vec<(String, Vec<u8>)>, Vec<u8>)| {
    let (path, query, signed, lines, body) = input;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.iter().take(50) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers.remove("x-amz-security-token");
    headers.insert("x-amz-date", HeaderValue::from_static("20261121T195216Z"));
    let scope = "AKID/20261121/us-east-1/rekognition/aws4_request";
    let authorization = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;{signed}, Signature={:064}", 0);
    let Ok(authorization) = HeaderValue::from_str(&authorization) else { return };
    headers.insert("authorization", authorization);
    let request = Request { method: &Method::POST, path: &path, query: Some(&query), headers: &headers, body: &body };
    assert!(VERIFIER.verify(&request, Duration::from_secs(1_795_290_736)).is_err());
});
