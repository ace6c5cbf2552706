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
const MARGIN: Duration = Duration::from_mins(1);

/// Hands out what was fetched before the run, and asks the provider again only when that is about to end.
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
            KeptKeys::Keys(keys) if keys.expiry().is_none_or(|end| end > SystemTime::now() + MARGIN) => Some(Ok(keys.clone())),
            KeptKeys::Refusal(why) => Some(Err(CredentialsError::provider_error(why.clone()))),
            _ => None,
        }
    }

    /// Keys that no request can carry are no keys.
    async fn ask(&self) -> Result<Credentials, CredentialsError> {
        let keys = self.provider.provide_credentials().await?;
        sendable(&keys, Said::Provider).map_err(CredentialsError::provider_error)?;
        Ok(keys)
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
        Providing::new(async {
            let asked = self.ask().await;
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match &asked {
                Ok(keys) => *kept = KeptKeys::Keys(keys.clone()),
                // Only the first time: a provider that worked once may work again.
                Err(error) if matches!(*kept, KeptKeys::Nothing) => *kept = KeptKeys::Refusal(root_cause(error)),
                Err(_) => {}
            }
            asked
        })
    }
}

#[cfg(test)]
mod tests {
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
}
