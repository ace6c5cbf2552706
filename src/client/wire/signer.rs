//! Who signs, and when: credentials from the SDK's provider, asked once a second and at the edge of a day.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};

use super::seal::{DayKey, Keys, Seal};
use crate::client::net::{TransportFailure, root_cause};
use crate::client::outcome::Outcome;
use crate::sigv4::Stamp;

/// Signs for one region and host.
pub(super) struct Signer {
    provider: SharedCredentialsProvider,
    region: String,
    host: String,
    current: RefCell<Option<Rc<Current>>>,
}

/// What signs in this second.
struct Current {
    second: u64,
    credentials: Credentials,
    key: Rc<DayKey>,
    seal: Seal,
}

impl Signer {
    pub(super) fn new(provider: SharedCredentialsProvider, region: &str, host: &str) -> Self {
        let current = RefCell::new(None);
        Self { provider, region: region.to_owned(), host: host.to_owned(), current }
    }

    /// Writes the lines of a body's signature, as of now. Fails only without usable credentials.
    pub(super) async fn sign(&self, body: &[u8], lines: &mut Vec<u8>) -> Result<(), TransportFailure> {
        self.sign_at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), body, lines).await
    }

    async fn sign_at(&self, now: Duration, body: &[u8], lines: &mut Vec<u8>) -> Result<(), TransportFailure> {
        let current = match self.in_second(now.as_secs()) {
            Some(current) => current,
            None => self.renew(now).await?,
        };
        current.seal.sign(&current.key, body, lines);
        Ok(())
    }

    fn in_second(&self, second: u64) -> Option<Rc<Current>> {
        self.current.borrow().as_ref().filter(|current| current.second == second).cloned()
    }

    /// A seal for this second. The provider hands out what it keeps until that is about to end.
    async fn renew(&self, now: Duration) -> Result<Rc<Current>, TransportFailure> {
        let kept = self.current.borrow().clone();
        let credentials = match (self.provider.provide_credentials().await, &kept) {
            (Ok(credentials), _) => credentials,
            (Err(_), Some(kept)) if usable(&kept.credentials, now) => kept.credentials.clone(),
            (Err(error), _) => return Err(refused(&root_cause(&error))),
        };
        let current = Rc::new(self.seal(credentials, kept.as_deref(), Stamp::at(now.as_secs()), now.as_secs())?);
        *self.current.borrow_mut() = Some(Rc::clone(&current));
        Ok(current)
    }

    fn seal(
        &self,
        credentials: Credentials,
        kept: Option<&Current>,
        at: Stamp,
        second: u64,
    ) -> Result<Current, TransportFailure> {
        let keys = Keys {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token(),
        };
        let same = kept.filter(|kept| kept.key.is_for(at) && same_secret(&kept.credentials, &credentials));
        let key = same.map_or_else(|| Rc::new(DayKey::new(keys, &self.region, at)), |kept| Rc::clone(&kept.key));
        let seal = Seal::new(&key, keys, &self.host, at)
            .map_err(|part| refused(&format!("the {part} has characters that a header can't carry")))?;
        Ok(Current { second, credentials, key, seal })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).field("host", &self.host).finish_non_exhaustive()
    }
}

fn usable(credentials: &Credentials, now: Duration) -> bool {
    credentials.expiry().is_none_or(|end| end > UNIX_EPOCH + now)
}

fn same_secret(a: &Credentials, b: &Credentials) -> bool {
    a.access_key_id() == b.access_key_id() && a.secret_access_key() == b.secret_access_key()
}

fn refused(cause: &str) -> TransportFailure {
    TransportFailure { outcome: Outcome::OtherTransport, cause: format!("not signed: {cause}") }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_credential_types::provider::error::CredentialsError;
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
}
