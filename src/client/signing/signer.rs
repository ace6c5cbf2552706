//! Who signs, and when: credentials from the SDK's provider, asked once a second and at the edge of a day; the service's clock where it is far
//! from ours.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;

use super::seal::{DayKey, Keys, Seal, SignedHead};
use crate::client::net::{TransportFailure, root_cause};
use crate::client::outcome::Outcome;
use crate::sigv4::Stamp;

/// Clocks that differ by less are taken for one, in seconds.
// derived: a fifth of the 5 min that AWS allows (General Reference, "Signing AWS API requests"); the SDK follows every difference
const CLOCKS_DIFFER_S: u64 = 60;

/// Signs for one region and host.
pub(in crate::client) struct Signer {
    provider: SharedCredentialsProvider,
    region: String,
    host: String,
    /// By how many seconds the service's clock is ahead of ours.
    ahead_s: AtomicI64,
    asked: Mutex<Option<KnownIdentity>>,
    /// Whoever holds it asks the provider; the others wait for what it says.
    asking: tokio::sync::Mutex<()>,
    /// The second of what signed last, by the service's clock.
    signed_s: AtomicU64,
    current: Mutex<Option<Current>>,
}

/// What the provider said in a second.
#[derive(Clone)]
struct KnownIdentity {
    second: u64,
    identity: Identity,
}

/// What signs in a second.
struct Current {
    second: u64,
    sdk_agent: Option<String>,
    credentials: Credentials,
    key: Arc<DayKey>,
    seal: Seal,
    /// The lines of a signature up to the signature itself.
    lines: Vec<u8>,
}

impl Current {
    /// Writes the lines of a body's signature.
    fn write(&self, body: &[u8], lines: &mut Vec<u8>) {
        lines.extend_from_slice(&self.lines);
        lines.extend_from_slice(&self.seal.signature(&self.key, body));
        lines.extend_from_slice(b"\r\n");
    }
}

/// The values of a signature's headers. No `Debug`: nobody prints them by mistake.
pub(in crate::client) struct SignedFields {
    /// `x-amz-date`
    pub(in crate::client) date: String,
    /// `x-amz-security-token`
    pub(in crate::client) token: Option<String>,
    /// `authorization`
    pub(in crate::client) authorization: String,
}

impl Signer {
    pub(in crate::client) fn new(provider: SharedCredentialsProvider, region: &str, host: &str) -> Self {
        let (region, host) = (region.to_owned(), host.to_owned());
        let (asked, asking, current) = (Mutex::default(), tokio::sync::Mutex::default(), Mutex::default());
        let (ahead_s, signed_s) = (AtomicI64::new(0), AtomicU64::new(0));
        Self { provider, region, host, ahead_s, asked, asking, signed_s, current }
    }

    /// Takes notice of the second in which the service answered, by its own clock.
    pub(in crate::client) fn heard(&self, server_second: u32) {
        // A call that was signed a moment ago, by the same clock: ours need not be read.
        if u64::from(server_second).abs_diff(self.signed_s.load(Ordering::Relaxed)) >= CLOCKS_DIFFER_S / 2 {
            self.heard_at(server_second, now());
        }
    }

    fn heard_at(&self, server_second: u32, now: Duration) {
        let ahead = i64::from(server_second).saturating_sub_unsigned(now.as_secs());
        let ahead = if ahead.unsigned_abs() < CLOCKS_DIFFER_S { 0 } else { ahead };
        // Seconds begin at other moments there: what differs by one is no news, and a new seal would be made for it.
        if ahead.abs_diff(self.ahead_s.load(Ordering::Relaxed)) > 1 {
            self.ahead_s.store(ahead, Ordering::Relaxed);
        }
    }

    /// The second of the service's clock.
    fn second(&self, now: Duration) -> u64 {
        now.as_secs().saturating_add_signed(self.ahead_s.load(Ordering::Relaxed))
    }

    /// The identity of this second, if the provider was asked in it.
    pub(in crate::client) fn known(&self) -> Option<Identity> {
        self.known_at(now())
    }

    fn known_at(&self, now: Duration) -> Option<Identity> {
        locked(&self.asked).as_ref().filter(|asked| asked.second == now.as_secs()).map(|asked| asked.identity.clone())
    }

    /// The identity of this second. The provider hands out what it keeps until that is about to end; where it has nothing new, the old one
    /// signs to its end.
    pub(in crate::client) async fn identity(&self) -> Result<Identity, CredentialsError> {
        self.identity_at(now()).await
    }

    async fn identity_at(&self, now: Duration) -> Result<Identity, CredentialsError> {
        let _turn = self.asking.lock().await;
        if let Some(known) = self.known_at(now) {
            return Ok(known);
        }
        let kept = locked(&self.asked).clone();
        let identity = match (self.provider.provide_credentials().await, kept) {
            (Ok(credentials), _) => Identity::from(credentials),
            (Err(_), Some(kept)) if kept.identity.expiration().is_none_or(|end| end > UNIX_EPOCH + now) => kept.identity,
            (Err(error), _) => return Err(error),
        };
        *locked(&self.asked) = Some(KnownIdentity { second: now.as_secs(), identity: identity.clone() });
        Ok(identity)
    }

    /// Writes the lines of a body's signature, as of now. Fails only without usable credentials.
    pub(in crate::client) async fn sign(&self, body: &[u8], lines: &mut Vec<u8>) -> Result<(), TransportFailure> {
        self.sign_at(now(), body, lines).await
    }

    async fn sign_at(&self, now: Duration, body: &[u8], lines: &mut Vec<u8>) -> Result<(), TransportFailure> {
        let second = self.second(now);
        if let Some(kept) = &*locked(&self.current)
            && kept.second == second
        {
            kept.write(body, lines);
            return Ok(());
        }
        let identity = self.identity_at(now).await.map_err(|error| refused(&root_cause(&error)))?;
        self.with_current(credentials(&identity)?, None, second, |current| current.write(body, lines))
    }

    /// The headers of a body's signature for the SDK, which signs its user agent, too.
    pub(in crate::client) fn fields(
        &self,
        identity: &Identity,
        sdk_agent: &str,
        body: &[u8],
    ) -> Result<SignedFields, TransportFailure> {
        let second = self.second(now());
        self.with_current(credentials(identity)?, Some(sdk_agent), second, |Current { key, seal, .. }| {
            let signature = seal.signature(key, body);
            let mut authorization = String::with_capacity(seal.authorization.len() + signature.len());
            authorization.push_str(&seal.authorization);
            authorization.extend(signature.map(char::from));
            SignedFields { date: seal.date.clone(), token: seal.token.clone(), authorization }
        })
    }

    /// Signs with what is kept, if it is for this second and these credentials, or with what is made anew.
    fn with_current<T>(
        &self,
        credentials: &Credentials,
        sdk_agent: Option<&str>,
        second: u64,
        sign: impl FnOnce(&Current) -> T,
    ) -> Result<T, TransportFailure> {
        let mut kept = locked(&self.current);
        let fits = |kept: &&Current| {
            kept.second == second
                && kept.sdk_agent.as_deref() == sdk_agent
                && same_secret(&kept.credentials, credentials)
                && kept.credentials.session_token() == credentials.session_token()
        };
        if let Some(fitting) = kept.as_ref().filter(fits) {
            return Ok(sign(fitting));
        }
        let current = self.seal(credentials, kept.as_ref(), sdk_agent, second)?;
        self.signed_s.store(second, Ordering::Relaxed);
        Ok(sign(kept.insert(current)))
    }

    fn seal(
        &self,
        credentials: &Credentials,
        kept: Option<&Current>,
        sdk_agent: Option<&str>,
        second: u64,
    ) -> Result<Current, TransportFailure> {
        let keys = Keys {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token(),
        };
        let at = Stamp::at(second);
        let same = kept.filter(|kept| kept.key.is_for(at) && same_secret(&kept.credentials, credentials));
        let key = same.map_or_else(|| Arc::new(DayKey::new(keys, &self.region, at)), |kept| Arc::clone(&kept.key));
        let seal = Seal::new(&key, keys, SignedHead { host: &self.host, sdk_agent }, at)
            .map_err(|part| refused(&format!("the {part} has characters that a header can't carry")))?;
        let token = seal.token.as_ref().map_or_else(String::new, |token| format!("x-amz-security-token: {token}\r\n"));
        let lines = format!("x-amz-date: {}\r\n{token}authorization: {}", seal.date, seal.authorization).into_bytes();
        let (sdk_agent, credentials) = (sdk_agent.map(str::to_owned), credentials.clone());
        Ok(Current { second, sdk_agent, credentials, key, seal, lines })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).field("host", &self.host).finish_non_exhaustive()
    }
}

/// Since the start of 1970, by our clock.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn credentials(identity: &Identity) -> Result<&Credentials, TransportFailure> {
    identity.data().ok_or_else(|| refused("the identity has no credentials"))
}

fn same_secret(a: &Credentials, b: &Credentials) -> bool {
    a.access_key_id() == b.access_key_id() && a.secret_access_key() == b.secret_access_key()
}

fn refused(cause: &str) -> TransportFailure {
    TransportFailure { outcome: Outcome::OtherTransport, cause: format!("not signed: {cause}") }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::{ProvideCredentials, future};
    use futures_util::FutureExt as _;

    use super::*;

    /// Hands out what the test puts in, and counts how often it is asked.
    #[derive(Debug, Clone, Default)]
    struct Till(Arc<Mutex<(Option<Credentials>, usize)>>);

    impl ProvideCredentials for Till {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let mut inside = self.0.lock().unwrap();
            inside.1 += 1;
            future::ProvideCredentials::ready(inside.0.clone().ok_or_else(|| CredentialsError::not_loaded("none today")))
        }
    }

    impl Till {
        fn put(&self, id: Option<&str>, expiry_s: u64) {
            let end = Some(UNIX_EPOCH + Duration::from_secs(expiry_s));
            self.0.lock().unwrap().0 = id.map(|id| Credentials::new(id, "secret", Some("token".to_owned()), end, "test"));
        }

        fn asked(&self) -> usize {
            self.0.lock().unwrap().1
        }
    }

    fn authorization(signer: &Signer, ms: u64) -> Result<String, TransportFailure> {
        let mut lines = Vec::new();
        signer.sign_at(Duration::from_millis(ms), b"{}", &mut lines).now_or_never().unwrap()?;
        Ok(String::from_utf8(lines).unwrap())
    }

    /// The provider is asked once a second; new credentials and a new day sign at once; without new ones the old sign until they end.
    #[test]
    fn follows_the_provider_and_the_day() {
        let keys = Till::default();
        keys.put(Some("FIRST"), 1_795_305_602);
        let signer = Signer::new(SharedCredentialsProvider::new(keys.clone()), "us-east-1", "h");
        let before_midnight = 1_795_305_598_000;
        for ms in [0, 1, 999] {
            let header = authorization(&signer, before_midnight + ms).unwrap();
            assert!(header.contains("Credential=FIRST/20261121/"), "{header}");
        }
        assert_eq!(keys.asked(), 1);
        assert!(authorization(&signer, before_midnight + 2000).unwrap().contains("Credential=FIRST/20261122/"));
        assert_eq!(keys.asked(), 2);
        keys.put(None, 0);
        assert!(authorization(&signer, before_midnight + 3000).is_ok(), "the old ones have not ended");
        let failed = authorization(&signer, before_midnight + 4000).unwrap_err();
        assert_eq!(failed.outcome, Outcome::OtherTransport);
        assert!(failed.cause.contains("none today"), "{failed}");
        keys.put(Some("SECOND"), 1_795_400_000);
        assert!(authorization(&signer, before_midnight + 4000).unwrap().contains("Credential=SECOND/"));
        assert!(!format!("{signer:?}").contains("SECOND"));
    }

    /// The SDK's form: the same second has one seal for one user agent and these credentials, and another for others.
    #[test]
    fn signs_the_user_agent_of_the_sdk() {
        let signer = Signer::new(SharedCredentialsProvider::new(Till::default()), "us-east-1", "h");
        let identity = |token: &str| Identity::from(Credentials::new("AKID", "secret", Some(token.to_owned()), None, "test"));
        let headers = "content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target;x-amz-user-agent";
        let fields = |token: &str, agent: &str| signer.fields(&identity(token), agent, b"{}").unwrap();
        let (first, agent, token) = (fields("t", "aws-sdk-rust/1"), fields("t", "aws-sdk-rust/2"), fields("u", "aws-sdk-rust/1"));
        assert!(first.authorization.contains(&format!("SignedHeaders={headers}, Signature=")), "{}", first.authorization);
        assert_eq!((first.token.as_deref(), token.token.as_deref()), (Some("t"), Some("u")));
        assert!(first.authorization != agent.authorization && first.authorization != token.authorization);
        assert!(signer.fields(&Identity::new("nobody", None), "a", b"").is_err());
    }

    /// A clock that is minutes off signs with the service's time; one that is seconds off with its own.
    #[test]
    fn follows_a_clock_that_is_far_off() {
        let signer = Signer::new(SharedCredentialsProvider::new(Till::default()), "us-east-1", "h");
        let second = |heard: u32| {
            signer.heard_at(heard, Duration::from_secs(1000));
            signer.second(Duration::from_secs(1000))
        };
        assert_eq!((second(1000), second(1059), second(941)), (1000, 1000, 1000));
        assert_eq!((second(4600), second(4601), second(4599)), (4600, 4600, 4600), "seconds begin at other moments");
        assert_eq!((second(100), second(1001)), (100, 1000));
    }
}
