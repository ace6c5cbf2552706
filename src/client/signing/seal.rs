//! Signature Version 4 for the two forms in which we send: everything that does not depend on the body is made once a second.
//!
//! Signed are `content-type`, `host`, `x-amz-date`, `x-amz-target`, and `x-amz-security-token` where there is one: what the AWS CLI
//! signs. The SDK signs `content-length` and its `x-amz-user-agent`, too. Pure: the instant and the keys are passed in. Held against the
//! SDK's signer, `aws-sigv4`, below.

use http::HeaderValue;
use ring::{digest, hmac};

use crate::service::operation::Operation;
use crate::service::operation::SERVICE;
use crate::sigv4::{ALGORITHM, Stamp, hex64, signing_key};

/// The media type of the service's protocol.
pub(in crate::client) const JSON: &str = "application/x-amz-json-1.1";

/// What is signed of a request's head, as far as it is not the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) struct SignedHead<'a> {
    /// The `host` header.
    pub(in crate::client) host: &'a str,
    /// The `x-amz-user-agent` header of the SDK, which signs it and `content-length`; `None` signs neither.
    pub(in crate::client) sdk_agent: Option<&'a str>,
}

/// Credentials as far as they sign.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    pub(super) session_token: Option<&'a str>,
}

/// A signing key, and whom and which day it is for.
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
    /// The canonical request up to the hash of its body, or to the length of it where that is signed; hashed that far.
    canonical: digest::Context,
    /// What stands between the body's length and its hash; `None` where the length is not signed.
    behind_length: Option<String>,
    /// What is signed, up to the hash of the canonical request.
    to_sign: String,
    /// `x-amz-date`
    pub(super) date: String,
    /// `x-amz-security-token`
    pub(super) token: Option<String>,
    /// `authorization`, up to the signature itself.
    pub(super) authorization: String,
}

impl Seal {
    /// The seal of a second. Fails with the name of a credential's part that is nothing a header may carry.
    pub(super) fn new(key: &DayKey, keys: Keys<'_>, head: SignedHead<'_>, at: Stamp) -> Result<Self, &'static str> {
        let token = keys.session_token.map(str::trim);
        let fits = |text: &str| HeaderValue::from_str(text).is_ok();
        if !fits(&key.access_key_id) {
            return Err("access key");
        }
        if !token.is_none_or(fits) {
            return Err("session token");
        }
        let (stamp, host, target) = (at.to_string(), head.host, Operation::Create.target());
        let scope = format!("{}/{}/{SERVICE}/aws4_request", key.day, key.region);
        let (token_line, token_name) = match token {
            Some(token) => (format!("x-amz-security-token:{token}\n"), "x-amz-security-token;"),
            None => (String::new(), ""),
        };
        let (agent_line, length_name, agent_name) = match head.sdk_agent {
            Some(agent) => (format!("x-amz-user-agent:{}\n", agent.trim()), "content-length;", ";x-amz-user-agent"),
            None => (String::new(), "", ""),
        };
        let signed_headers = format!("{length_name}content-type;host;x-amz-date;{token_name}x-amz-target{agent_name}");
        let rest = format!(
            "content-type:{JSON}\nhost:{host}\nx-amz-date:{stamp}\n{token_line}x-amz-target:{target}\n{agent_line}\n{signed_headers}\n"
        );
        let mut canonical = digest::Context::new(&digest::SHA256);
        canonical.update(b"POST\n/\n\n");
        let behind_length = if head.sdk_agent.is_some() {
            canonical.update(b"content-length:");
            Some(format!("\n{rest}"))
        } else {
            canonical.update(rest.as_bytes());
            None
        };
        let credential = format!("Credential={}/{scope}, SignedHeaders={signed_headers}", key.access_key_id);
        Ok(Self {
            canonical,
            behind_length,
            to_sign: format!("{ALGORITHM}\n{stamp}\n{scope}\n"),
            date: stamp,
            token: token.map(str::to_owned),
            authorization: format!("{ALGORITHM} {credential}, Signature="),
        })
    }

    /// The signature of a body, in hexadecimal.
    pub(super) fn signature(&self, key: &DayKey, body: &[u8]) -> [u8; 64] {
        let mut canonical = self.canonical.clone();
        if let Some(rest) = &self.behind_length {
            canonical.update(decimal(body.len(), &mut [0; 20]));
            canonical.update(rest.as_bytes());
        }
        canonical.update(&hex64(digest::digest(&digest::SHA256, body).as_ref()));
        let mut mac = hmac::Context::with_key(&key.key);
        mac.update(self.to_sign.as_bytes());
        mac.update(&hex64(canonical.finish().as_ref()));
        hex64(mac.sign().as_ref())
    }
}

/// The digits of a number, at the end of `room`, which takes any.
fn decimal(number: usize, room: &mut [u8; 20]) -> &[u8] {
    let (mut rest, mut at) = (number, room.len());
    for digit in room.iter_mut().rev() {
        *digit = b"0123456789"[rest % 10];
        (rest, at) = (rest / 10, at - 1);
        if rest == 0 {
            break;
        }
    }
    &room[at..]
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use proptest::prelude::*;

    use super::*;

    /// The `authorization` header that the SDK's signer writes for the same request.
    fn theirs(keys: Keys<'_>, region: &str, head: SignedHead<'_>, at: u64, body: &[u8]) -> String {
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
        let (length, url) = (body.len().to_string(), format!("http://{}/", head.host));
        let headers = [("content-type", JSON), ("host", head.host), ("x-amz-target", operation)].into_iter();
        let of_sdk = head.sdk_agent.map(|agent| [("content-length", &*length), ("x-amz-user-agent", agent)]);
        let headers = headers.chain(of_sdk.into_iter().flatten());
        let request = SignableRequest::new("POST", &url, headers, SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        instructions.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned()
    }

    /// The `authorization` header that ours writes, and the seal.
    fn ours(keys: Keys<'_>, region: &str, head: SignedHead<'_>, at: u64, body: &[u8]) -> (String, Seal) {
        let key = DayKey::new(keys, region, Stamp::at(at));
        let seal = Seal::new(&key, keys, head, Stamp::at(at)).unwrap();
        let signature = seal.signature(&key, body);
        (format!("{}{}", seal.authorization, std::str::from_utf8(&signature).unwrap()), seal)
    }

    proptest! {
        /// For any keys, region, host, user agent, second and body the signature is the SDK's, to the byte.
        #[test]
        fn signs_as_the_sdk_does(
            id in "[A-Z0-9]{16,20}",
            secret in "[a-zA-Z0-9/+]{40}",
            token in proptest::option::of("[a-zA-Z0-9/+=]{1,300}"),
            region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
            host in "[a-z][a-z0-9.]{0,30}(:[1-9][0-9]{1,3})?",
            agent in proptest::option::of("[!-~]{1,9}( [!-~]{1,9}){0,4}"),
            at in 1_000_000_000u64..4_000_000_000,
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            // The scheme's own port is left out of the header, by both.
            let host = host.trim_end_matches(":80");
            let keys = Keys { access_key_id: &id, secret_access_key: &secret, session_token: token.as_deref() };
            let head = SignedHead { host, sdk_agent: agent.as_deref() };
            let (signed, seal) = ours(keys, &region, head, at, &body);
            prop_assert_eq!(signed, theirs(keys, &region, head, at, &body));
            prop_assert_eq!(seal.token.as_deref(), token.as_deref());
            prop_assert_eq!(seal.date, Stamp::at(at).to_string());
        }

        /// Digits as they are written everywhere.
        #[test]
        fn digits(number in any::<usize>()) {
            for number in [number, number % 100] {
                prop_assert_eq!(decimal(number, &mut [0; 20]).to_vec(), number.to_string().into_bytes());
            }
        }
    }

    /// A key is for one day.
    #[test]
    fn days() {
        let keys = Keys { access_key_id: "AKID", secret_access_key: "secret", session_token: None };
        let key = DayKey::new(keys, "us-east-1", Stamp::at(1_795_290_736));
        assert!(key.is_for(Stamp::at(1_795_305_599)));
        assert!(!key.is_for(Stamp::at(1_795_305_600)), "a new day has begun");
    }

    /// What no header can carry makes no signature rather than a panic.
    #[test]
    fn broken_keys_are_refused() {
        let keys = Keys { access_key_id: "AK\nID", secret_access_key: "secret", session_token: None };
        let (at, head) = (Stamp::at(1_795_290_736), SignedHead { host: "h", sdk_agent: None });
        let key = DayKey::new(keys, "us-east-1", at);
        assert_eq!(Seal::new(&key, keys, head, at).err(), Some("access key"));
        let keys = Keys { access_key_id: "AKID", session_token: Some("a\nb"), ..keys };
        assert_eq!(Seal::new(&DayKey::new(keys, "us-east-1", at), keys, head, at).err(), Some("session token"));
    }
}
