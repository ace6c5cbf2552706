//! Credentials that are there before the first call.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

/// Ask again this long before the credentials end.
const MARGIN: Duration = Duration::from_mins(1);

/// Hands out what was fetched before the run, and asks the provider again only when that is about to end.
#[derive(Debug)]
pub(super) struct Warmed {
    kept: Mutex<Credentials>,
    provider: SharedCredentialsProvider,
}

impl Warmed {
    pub(super) fn new(credentials: Credentials, provider: SharedCredentialsProvider) -> Self {
        Self { kept: Mutex::new(credentials), provider }
    }

    fn fresh(&self) -> Option<Credentials> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = kept.expiry().is_none_or(|end| end > SystemTime::now() + MARGIN);
        fresh.then(|| kept.clone())
    }
}

impl ProvideCredentials for Warmed {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        if let Some(credentials) = self.fresh() {
            return Providing::ready(Ok(credentials));
        }
        Providing::new(async {
            let credentials = self.provider.provide_credentials().await?;
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = credentials.clone();
            Ok(credentials)
        })
    }
}
