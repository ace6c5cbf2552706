//! AWS Signature Version 4, verified: who signed this request, and is it as it was signed?
//!
//! Signed again are exactly the headers that the client lists, in its order; the comparison takes the same time wherever it
//! differs. The instant is passed in. An identical signature is no replay: its dates are whole seconds, and a client that tries
//! twice in one of them signs the same. Source: AWS General Reference, "Signing AWS API requests"; the texts of the errors are
//! those that JSON services give.
//!
//! Refuses signatures in the query (presigned requests) and `SigV4A`: both count as unsigned or malformed. Keeps no secret in
//! anything it prints.

mod canonical;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use ring::{digest, hmac};
use thiserror::Error;

use self::canonical::canonical_request;
use crate::emulator::config::{Credential, EmulatorConfig};
use crate::http1::{Fields, MOST_FIELDS, text};
use crate::service::operation::SERVICE;
use crate::sigv4::{ALGORITHM, Stamp, hex64, signing_key, unhex};

/// How far a signature's date may be off the clock, both ways, in seconds.
const TOLERANCE_S: u64 = 300;

/// Signing keys that are kept at most: a key, a day and a region each.
const KEPT_KEYS: usize = 256;

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, encoded as it came.
    pub path: &'a str,
    /// Its query, encoded as it came.
    pub query: Option<&'a str>,
    /// Its header fields.
    pub fields: Fields<'a>,
    /// Its whole body.
    pub body: &'a [u8],
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The account.
    pub account: &'a str,
    /// The region of the credential scope; `None` for an unsigned request.
    pub region: Option<&'a str>,
    /// The access key; `None` for an unsigned request.
    pub access_key_id: Option<&'a str>,
}

/// Why a request is refused. Its text is the `message` of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthProblem {
    /// It is not signed, and has to be.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// Its signature lacks a part.
    #[error("{0}")]
    Incomplete(Cow<'static, str>),
    /// Nobody has this key, or not with this token.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signature is for something else: another secret, body, scope or time.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
}

impl AuthProblem {
    /// `__type` of the answer. All are answered with 400.
    pub const fn exception(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::Invalid(_) => "InvalidSignatureException",
        }
    }
}

/// Verifies requests. Signing keys are derived once a day and region.
#[derive(Debug)]
pub struct Verifier {
    verify: bool,
    allow_unsigned: bool,
    default_account: String,
    credentials: BTreeMap<String, Credential>,
    /// By access key, date and region, as the scope spells them.
    derived: Mutex<BTreeMap<String, Arc<hmac::Key>>>,
}

impl Verifier {
    /// One for the credentials and switches of `config`. Without credentials, every well-formed signature passes.
    pub fn new(config: &EmulatorConfig) -> Self {
        Self {
            verify: config.verify_signatures,
            allow_unsigned: config.allow_unsigned,
            default_account: config.account.clone(),
            credentials: config.credentials.iter().map(|c| (c.access_key_id.clone(), c.clone())).collect(),
            derived: Mutex::default(),
        }
    }

    /// Who sent `request`, which arrives `now` after the start of 1970.
    pub fn verify<'a>(&'a self, request: &Request<'a>, now: impl FnOnce() -> Duration) -> Result<Identity<'a>, AuthProblem> {
        let Some(authorization) = request.fields.get("authorization") else {
            return self.unsigned();
        };
        let signature =
            text(authorization).ok_or_else(|| incomplete("Authorization header is not text.")).and_then(Signature::read);
        if !self.verify {
            return Ok(signature.map_or_else(|_| self.anybody(), |signature| self.bearer(&signature)));
        }
        let signature = signature?;
        let stamp = stamp(request.fields)?;
        if !self.credentials.is_empty() {
            let credential = self.known(&signature, request.fields)?;
            signature.in_scope(stamp)?;
            in_time(stamp, Stamp::at(now().as_secs()))?;
            self.signed(&signature, credential, stamp, request)?;
        }
        Ok(self.bearer(&signature))
    }

    fn unsigned(&self) -> Result<Identity<'_>, AuthProblem> {
        if self.allow_unsigned || !self.verify { Ok(self.anybody()) } else { Err(AuthProblem::Missing) }
    }

    fn anybody(&self) -> Identity<'_> {
        Identity { account: &self.default_account, region: None, access_key_id: None }
    }

    fn bearer<'a>(&'a self, signature: &Signature<'a>) -> Identity<'a> {
        let key = signature.access_key_id;
        // Only configured accounts have books: ever new keys must not fill the memory.
        let account = self.credentials.get(key).map_or(&*self.default_account, |credential| &credential.account);
        Identity { account, region: Some(signature.region), access_key_id: Some(key) }
    }

    /// The credential of the key, if the right token came with it.
    fn known(&self, signature: &Signature<'_>, fields: Fields<'_>) -> Result<&Credential, AuthProblem> {
        let credential = self.credentials.get(signature.access_key_id).ok_or(AuthProblem::UnknownKey)?;
        let token = fields.get("x-amz-security-token");
        let right = match (&credential.session_token, token) {
            (None, None) => true,
            (Some(expected), Some(given)) => same(expected.expose().as_bytes(), given),
            _ => false,
        };
        if right { Ok(credential) } else { Err(AuthProblem::UnknownKey) }
    }

    /// Whether the signature is this credential's over this request.
    fn signed(
        &self,
        signature: &Signature<'_>,
        credential: &Credential,
        stamp: Stamp,
        request: &Request<'_>,
    ) -> Result<(), AuthProblem> {
        let sent = request.fields.get("x-amz-content-sha256");
        let payload_hash = hex64(digest::digest(&digest::SHA256, request.body).as_ref());
        if sent.is_some_and(|sent| sent != payload_hash) {
            return Err(invalid("The provided 'x-amz-content-sha256' header does not match what was computed."));
        }
        let canonical = canonical_request(request, signature.signed_headers, &payload_hash);
        let hash = hex64(digest::digest(&digest::SHA256, &canonical).as_ref());
        let (day, region) = (signature.date, signature.region);
        let to_sign = [
            ALGORITHM.as_bytes(),
            b"\n",
            &stamp.digits(),
            b"\n",
            day.as_bytes(),
            b"/",
            region.as_bytes(),
            b"/",
            SERVICE.as_bytes(),
            b"/aws4_request\n",
            &hash,
        ]
        .concat();
        let given = unhex(signature.tag);
        let right = given.is_some_and(|given| {
            let key = self.signing_key(credential, signature);
            hmac::verify(&key, &to_sign, &given).is_ok()
        });
        if right {
            return Ok(());
        }
        Err(invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
             signing method. Consult the service documentation for details.",
        ))
    }

    fn signing_key(&self, credential: &Credential, signature: &Signature<'_>) -> Arc<hmac::Key> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = derived.get(signature.derived_for) {
            return Arc::clone(key);
        }
        // Whoever names ever new regions must not fill the memory.
        if derived.len() >= KEPT_KEYS {
            derived.clear();
        }
        let key = Arc::new(signing_key(credential.secret_access_key.expose(), signature.date, signature.region));
        derived.insert(signature.derived_for.to_owned(), Arc::clone(&key));
        key
    }
}

/// Equality of secrets, in a time that does not tell where they differ: their MACs under one key are compared.
fn same(a: &[u8], b: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"same");
    hmac::verify(&key, a, hmac::sign(&key, b).as_ref()).is_ok()
}

/// The parts of an `Authorization` header.
#[derive(Debug, Clone, Copy)]
struct Signature<'a> {
    /// Access key, date and region as they stand.
    derived_for: &'a str,
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: &'a str,
    tag: &'a str,
}

impl<'a> Signature<'a> {
    fn read(header: &'a str) -> Result<Self, AuthProblem> {
        let parameters = header
            .trim_start()
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with(' '))
            .ok_or_else(|| incomplete("Authorization header requires the algorithm 'AWS4-HMAC-SHA256'."))?;
        let (mut credential, mut signed_headers, mut signature) = ("", "", "");
        // A blank ends a part as a comma does, so that one inside of a part leaves a rest that is none.
        for part in parameters.split([',', ' ', '\t']).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None => {
                    return Err(incomplete("Authorization header has a part that is not a key=value pair (missing equal-sign)."));
                }
                Some(("Credential", value)) => credential = value,
                Some(("SignedHeaders", value)) => signed_headers = value,
                Some(("Signature", value)) => signature = value,
                _ => {}
            }
        }
        let named = [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)];
        let missing: Vec<String> = named
            .iter()
            .filter(|(_, value)| value.is_empty())
            .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
            .collect();
        if !missing.is_empty() {
            return Err(AuthProblem::Incomplete(missing.join(" ").into()));
        }
        let mut parts = credential.split('/');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (Some(access_key_id), Some(date), Some(region), Some(service), Some(terminator), None) =
            (part(), part(), part(), part(), part(), parts.next())
        else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        let derived_for = &credential[..access_key_id.len() + date.len() + region.len() + 2];
        Ok(Self { derived_for, access_key_id, date, region, service, terminator, signed_headers, tag: signature })
    }

    /// Whether the scope is one for this service, and for the day of the signature.
    fn in_scope(&self, stamp: Stamp) -> Result<(), AuthProblem> {
        let mut wrong = Vec::new();
        if self.service != SERVICE {
            wrong.push(format!("Credential should be scoped to correct service: '{SERVICE}'."));
        }
        if self.terminator != "aws4_request" {
            wrong.push("Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned());
        }
        if stamp.digits()[..8] != *self.date.as_bytes() {
            wrong.push("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.".to_owned());
        }
        if !self.signed_headers.split(';').any(|name| name.eq_ignore_ascii_case("host")) {
            wrong.push("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned());
        }
        // Each name brings the values of its header with it: a list of the same name over and over would make gigabytes of a small head.
        let mut names: Vec<&str> = self.signed_headers.split(';').take(MOST_FIELDS + 1).collect();
        names.sort_unstable_by_key(|name| name.to_ascii_lowercase());
        if names.len() > MOST_FIELDS || names.windows(2).any(|two| two[0].eq_ignore_ascii_case(two[1])) {
            wrong.push("'SignedHeaders' must list each header once.".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(AuthProblem::Invalid(wrong.join(" ").into())) }
    }
}

/// The instant of the signature: `X-Amz-Date`, or else `Date`.
fn stamp(fields: Fields<'_>) -> Result<Stamp, AuthProblem> {
    let value = fields
        .get("x-amz-date")
        .or_else(|| fields.get("date"))
        .ok_or_else(|| incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."))?;
    text(value)
        .and_then(|text| Stamp::read(text.trim()))
        .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format', e.g. 20261121T195216Z."))
}

fn in_time(stamp: Stamp, now: Stamp) -> Result<(), AuthProblem> {
    let (earliest, latest) = (now.minus(TOLERANCE_S), now.plus(TOLERANCE_S));
    if stamp < earliest {
        let text = format!("Signature expired: {stamp} is now earlier than {earliest} ({now} - 5 min.)");
        return Err(AuthProblem::Invalid(text.into()));
    }
    if stamp > latest {
        let text = format!("Signature not yet current: {stamp} is still later than {latest} ({now} + 5 min.)");
        return Err(AuthProblem::Invalid(text.into()));
    }
    Ok(())
}

const fn incomplete(text: &'static str) -> AuthProblem {
    AuthProblem::Incomplete(Cow::Borrowed(text))
}

const fn invalid(text: &'static str) -> AuthProblem {
    AuthProblem::Invalid(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests;
