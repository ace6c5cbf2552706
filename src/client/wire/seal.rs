//! Signature Version 4 for the one form in which we send: everything that does not depend on the body is made once a second.
//!
//! Signed are `content-type`, `host`, `x-amz-date`, `x-amz-target`, and `x-amz-security-token` where there is one: what the AWS CLI
//! signs. Pure: the instant and the keys are passed in. Held against the SDK's signer, `aws-sigv4`, below.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

use http::HeaderValue;
use ring::{digest, hmac};

use super::JSON;
use crate::service::operation::Operation;
use crate::service::operation::SERVICE;
use crate::sigv4::{ALGORITHM, Stamp, hex64, signing_key};
use crate::stats::draw::{Stream, bits};

/// Credentials as far as they sign.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    pub(super) session_token: Option<&'a str>,
}

/// A signing key, and whom and which day it is for.
#[derive(Debug)]
pub(super) struct DayKey {
    day: String,
    region: String,
    access_key_id: String,
    key: hmac::Key,
}

impl DayKey {
    pub(super) fn new(keys: Keys<'_>, region: &str, at: Stamp) -> Self {
        let day = day(at);
        let key = signing_key(keys.secret_access_key, &day, region);
        Self { day, region: region.to_owned(), access_key_id: keys.access_key_id.to_owned(), key }
    }

    /// Whether the key signs at this instant.
    pub(super) fn is_for(&self, at: Stamp) -> bool {
        self.day == day(at)
    }
}

fn day(at: Stamp) -> String {
    let mut day = at.to_string();
    day.truncate(8);
    day
}

/// All of a signature but the body, for one second.
pub(super) struct Seal {
    /// The canonical request up to the hash of its body, hashed that far.
    canonical: digest::Context,
    /// What is signed, up to the hash of the canonical request.
    to_sign: Vec<u8>,
    /// The lines of the signature's headers, up to the signature itself.
    lines: Vec<u8>,
}

impl Seal {
    /// The seal of a second. Fails with the name of a credential's part that is nothing a header may carry.
    pub(super) fn new(key: &DayKey, keys: Keys<'_>, host: &str, at: Stamp) -> Result<Self, &'static str> {
        let session_token = keys.session_token;
        let stamp = at.to_string();
        let scope = format!("{}/{}/{SERVICE}/aws4_request", key.day, key.region);
        let (token_line, token_name) = match session_token {
            Some(token) => (format!("x-amz-security-token:{}\n", token.trim()), "x-amz-security-token;"),
            None => (String::new(), ""),
        };
        let signed_headers = format!("content-type;host;x-amz-date;{token_name}x-amz-target");
        let target = Operation::Create.target();
        let mut canonical = digest::Context::new(&digest::SHA256);
        let head = format!(
            "POST\n/\n\ncontent-type:{JSON}\nhost:{host}\nx-amz-date:{stamp}\n{token_line}x-amz-target:{target}\n\n{signed_headers}\n"
        );
        canonical.update(head.as_bytes());
        let fits = |text: &str| HeaderValue::from_str(text).is_ok();
        if !fits(&key.access_key_id) {
            return Err("access key");
        }
        let token_line = match session_token.map(str::trim) {
            Some(token) if fits(token) => format!("x-amz-security-token: {token}\r\n"),
            Some(_) => return Err("session token"),
            None => String::new(),
        };
        let credential = format!("Credential={}/{scope}, SignedHeaders={signed_headers}", key.access_key_id);
        let lines = format!("x-amz-date: {stamp}\r\n{token_line}authorization: {ALGORITHM} {credential}, Signature=");
        Ok(Self { canonical, to_sign: format!("{ALGORITHM}\n{stamp}\n{scope}\n").into_bytes(), lines: lines.into_bytes() })
    }

    /// Writes the lines of a body's signature.
    pub(super) fn sign(&self, key: &DayKey, body: &[u8], lines: &mut Vec<u8>) {
        let mut canonical = self.canonical.clone();
        canonical.update(&hex64(digest::digest(&digest::SHA256, body).as_ref()));
        let mut mac = hmac::Context::with_key(&key.key);
        mac.update(&self.to_sign);
        mac.update(&hex64(canonical.finish().as_ref()));
        lines.extend_from_slice(&self.lines);
        lines.extend_from_slice(&hex64(mac.sign().as_ref()));
        lines.extend_from_slice(b"\r\n");
    }
}

/// The ids that tell calls apart on the wire: version 4 UUIDs, unlike those of any other run.
#[derive(Debug)]
pub(super) struct InvocationIds {
    run: u64,
    calls: Cell<u64>,
}

impl InvocationIds {
    pub(super) fn new() -> Self {
        // The standard library's own seed for hash maps: unlike in every process and for every client.
        Self { run: RandomState::new().hash_one(std::process::id()), calls: Cell::new(0) }
    }

    /// Writes the next one.
    pub(super) fn write(&self, line: &mut Vec<u8>) {
        let call = self.calls.get();
        self.calls.set(call + 1);
        let half = |stream| u128::from(bits(self.run, stream, call));
        let random = (half(Stream::InvocationHigh) << 64) | half(Stream::InvocationLow);
        let id = uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid();
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        line.extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use proptest::prelude::*;

    use super::*;

    /// The `authorization` header that the SDK's signer writes for the same request.
    fn theirs(keys: Keys<'_>, region: &str, host: &str, at: u64, body: &[u8]) -> String {
        let token = keys.session_token.map(str::to_owned);
        let identity = Credentials::new(keys.access_key_id, keys.secret_access_key, token, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("rekognition")
            .time(UNIX_EPOCH + Duration::from_secs(at))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let operation = "RekognitionService.CreateFaceLivenessSession";
        let headers = [("content-type", JSON), ("host", host), ("x-amz-target", operation)];
        let url = format!("http://{host}/");
        let request = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        instructions.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned()
    }

    /// The lines that ours writes, by their names.
    fn ours(keys: Keys<'_>, region: &str, host: &str, at: u64, body: &[u8]) -> BTreeMap<String, String> {
        let (at, mut lines) = (Stamp::at(at), Vec::new());
        let key = DayKey::new(keys, region, at);
        Seal::new(&key, keys, host, at).unwrap().sign(&key, body, &mut lines);
        let lines = String::from_utf8(lines).unwrap();
        let lines = lines.strip_suffix("\r\n").unwrap().split("\r\n");
        lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    proptest! {
        /// For any keys, region, host, second and body the signature is the SDK's, to the byte.
        #[test]
        fn signs_as_the_sdk_does(
            id in "[A-Z0-9]{16,20}",
            secret in "[a-zA-Z0-9/+]{40}",
            token in proptest::option::of("[a-zA-Z0-9/+=]{1,300}"),
            region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
            host in "[a-z][a-z0-9.]{0,30}(:[1-9][0-9]{1,3})?",
            at in 1_000_000_000u64..4_000_000_000,
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            // The scheme's own port is left out of the header, by both.
            let host = host.trim_end_matches(":80");
            let keys = Keys { access_key_id: &id, secret_access_key: &secret, session_token: token.as_deref() };
            let signed = ours(keys, &region, host, at, &body);
            prop_assert_eq!(&signed["authorization"], &theirs(keys, &region, host, at, &body));
            prop_assert_eq!(signed.get("x-amz-security-token").map(String::as_str), token.as_deref());
            prop_assert_eq!(&signed["x-amz-date"], &Stamp::at(at).to_string());
        }
    }

    fn next(ids: &InvocationIds) -> String {
        let mut line = Vec::new();
        ids.write(&mut line);
        String::from_utf8(line).unwrap()
    }

    /// A key is for one day; no id comes twice, and each is a version 4 UUID.
    #[test]
    fn days_and_ids() {
        let keys = Keys { access_key_id: "AKID", secret_access_key: "secret", session_token: None };
        let key = DayKey::new(keys, "us-east-1", Stamp::at(1_795_290_736));
        assert!(key.is_for(Stamp::at(1_795_305_599)));
        assert!(!key.is_for(Stamp::at(1_795_305_600)), "a new day has begun");
        let ids = InvocationIds::new();
        let many: std::collections::BTreeSet<String> = (0..1000).map(|_| next(&ids)).collect();
        assert_eq!(many.len(), 1000);
        assert!(many.iter().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 4 && id.len() == 36));
        assert!(!many.contains(&next(&InvocationIds::new())));
    }

    /// What no header can carry makes no signature rather than a panic.
    #[test]
    fn broken_keys_are_refused() {
        let keys = Keys { access_key_id: "AK\nID", secret_access_key: "secret", session_token: None };
        let at = Stamp::at(1_795_290_736);
        let key = DayKey::new(keys, "us-east-1", at);
        assert_eq!(Seal::new(&key, keys, "h", at).err(), Some("access key"));
        let keys = Keys { access_key_id: "AKID", session_token: Some("a\nb"), ..keys };
        assert_eq!(Seal::new(&DayKey::new(keys, "us-east-1", at), keys, "h", at).err(), Some("session token"));
    }
}
