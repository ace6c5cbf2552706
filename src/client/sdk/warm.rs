//! Credentials that are there before the first call.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::resolve::{Said, sendable};
use crate::client::net::root_cause;

/// Ask again this long before the credentials end.
// derived: the keys of a role live for 15 min at least (AWS STS API, AssumeRole), so that nearly all of their life is used, and there are sixty tries
const MARGIN: Duration = Duration::from_mins(1);

/// After a provider's error, and for keys that live no longer than the margin.
// derived: sixty tries within the margin; whoever is asked is asked no more often than once a second
const RETRY: Duration = Duration::from_secs(1);

/// Look at the end of the keys at least so often.
// derived: half of the margin, so that a wall clock that was set is noticed while the keys are good
const LOOK: Duration = Duration::from_secs(30);

/// Hands out what was fetched before the run for as long as it is good. [`Warmed::renew`] fetches the next keys before these end, so that no
/// call waits for them; a call asks the provider itself only where that failed to the end.
///
/// The SDK's providers tell an error once, and to a second asker only that it was told; here every asker hears it.
#[derive(Debug)]
pub(super) struct Warmed {
    kept: Mutex<KeptKeys>,
    provider: SharedCredentialsProvider,
}

#[derive(Debug)]
enum KeptKeys {
    Nothing,
    Keys(Credentials),
    Refusal(String),
}

impl Warmed {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { kept: Mutex::new(KeptKeys::Nothing), provider }
    }

    fn known(&self) -> Option<Result<Credentials, CredentialsError>> {
        match &*self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            KeptKeys::Keys(keys) if keys.expiry().is_none_or(|end| end > SystemTime::now()) => Some(Ok(keys.clone())),
            KeptKeys::Refusal(why) => Some(Err(CredentialsError::provider_error(why.clone()))),
            _ => None,
        }
    }

    /// When the keys end; `None` if they never do, or if there are none to be had.
    fn end(&self) -> Option<SystemTime> {
        match &*self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            KeptKeys::Keys(keys) => keys.expiry(),
            KeptKeys::Nothing | KeptKeys::Refusal(_) => None,
        }
    }

    /// Asks for new keys if these end soon. Returns in how long to come again; `None` if they never end.
    pub(super) async fn renew(&self) -> Option<Duration> {
        let left = |end: SystemTime| end.duration_since(SystemTime::now() + MARGIN).unwrap_or_default();
        if left(self.end()?).is_zero() {
            // What went wrong is told to whoever needs the keys, once these have ended.
            let _ = self.ask().await;
        }
        Some(left(self.end()?).clamp(RETRY, LOOK))
    }

    /// Asks the provider, and keeps what it says. Keys that no request can carry are no keys.
    async fn ask(&self) -> Result<Credentials, CredentialsError> {
        let asked = self.provider.provide_credentials().await;
        let asked = asked.and_then(|keys| match sendable(&keys, Said::Provider) {
            Ok(()) => Ok(keys),
            Err(why) => Err(CredentialsError::provider_error(why)),
        });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &asked {
            Ok(keys) => *kept = KeptKeys::Keys(keys.clone()),
            // Only the first time: a provider that worked once may work again.
            Err(error) if matches!(*kept, KeptKeys::Nothing) => *kept = KeptKeys::Refusal(root_cause(error)),
            Err(_) => {}
        }
        asked
    }
}

impl ProvideCredentials for Warmed {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        if let Some(known) = self.known() {
            return Providing::ready(known);
        }
        Providing::new(self.ask())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::provider::future;
    use futures_util::FutureExt as _;

    use super::*;

    /// Tells its error once, as the SDK's providers do.
    #[derive(Debug)]
    struct Once(Mutex<Option<CredentialsError>>);

    impl ProvideCredentials for Once {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let taken = self.0.lock().unwrap().take();
            future::ProvideCredentials::ready(Err(taken.unwrap_or_else(|| CredentialsError::unhandled("already taken"))))
        }
    }

    /// Every asker hears why there are no keys.
    #[test]
    fn an_error_is_told_to_all() {
        let once = Once(Mutex::new(Some(CredentialsError::not_loaded("the profile has none"))));
        let warmed = Warmed::new(SharedCredentialsProvider::new(once));
        for _ in 0..3 {
            let error = warmed.provide_credentials().now_or_never().unwrap().unwrap_err();
            assert_eq!(root_cause(&error), "the profile has none");
        }
    }

    /// Counts how often it is asked, and fails when it is told to.
    #[derive(Debug, Clone)]
    struct Teller {
        asked: Arc<AtomicUsize>,
        life: Duration,
        fails_at: usize,
    }

    impl ProvideCredentials for Teller {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let nth = self.asked.fetch_add(1, Ordering::Relaxed);
            let keys = || Credentials::new(format!("KEY{nth}"), "secret", None, Some(SystemTime::now() + self.life), "test");
            future::ProvideCredentials::ready(
                (nth != self.fails_at).then(keys).ok_or_else(|| CredentialsError::not_loaded("not well")),
            )
        }
    }

    fn id(warmed: &Warmed) -> String {
        warmed.provide_credentials().now_or_never().unwrap().unwrap().access_key_id().to_owned()
    }

    /// Keys that end soon are handed out until they end; new ones are fetched beside the calls, again after an error, and then left alone.
    #[test]
    fn calls_do_not_wait_for_new_keys() {
        let teller = Teller { asked: Arc::default(), life: MARGIN / 2, fails_at: 1 };
        let warmed = Warmed::new(SharedCredentialsProvider::new(teller.clone()));
        assert_eq!((id(&warmed), id(&warmed)), ("KEY0".to_owned(), "KEY0".to_owned()));
        assert_eq!(warmed.renew().now_or_never().unwrap(), Some(RETRY), "it was told an error");
        assert_eq!(id(&warmed), "KEY0", "the old ones have not ended");
        assert_eq!(warmed.renew().now_or_never().unwrap(), Some(RETRY));
        assert_eq!(id(&warmed), "KEY2");
        let lasting = Warmed::new(SharedCredentialsProvider::new(Teller { life: MARGIN * 15, fails_at: 9, ..teller.clone() }));
        assert_eq!(id(&lasting), "KEY3");
        assert_eq!(lasting.renew().now_or_never().unwrap(), Some(LOOK));
        assert_eq!(teller.asked.load(Ordering::Relaxed), 4);
    }

    /// Keys without an end are never fetched again.
    #[test]
    fn keys_without_an_end_are_left_alone() {
        let warmed = Warmed::new(SharedCredentialsProvider::new(Credentials::new("KEY", "secret", None, None, "test")));
        assert_eq!(id(&warmed), "KEY");
        assert_eq!(warmed.renew().now_or_never().unwrap(), None);
    }
}
