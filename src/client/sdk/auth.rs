//! Signing at the SDK's own place for it, with our signer: its key is kept for the day, where the SDK's derives one for each call.
//!
//! What is signed is what the SDK signs: `content-length`, `content-type`, `host`, `x-amz-date`, `x-amz-security-token` where there is one,
//! `x-amz-target` and `x-amz-user-agent`.

use std::sync::Arc;
use std::time::Duration;

use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign};
use aws_smithy_runtime_api::client::identity::{Identity, IdentityFuture, ResolveCachedIdentity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};
use aws_smithy_types::config_bag::ConfigBag;

use crate::client::net::{self, TransportFailure};
use crate::client::signing::{SignedFields, Signer};

/// Stands where the SDK's own scheme of that name would.
#[derive(Debug)]
pub(super) struct SigningScheme(pub(super) Arc<Signer>);

impl AuthScheme for SigningScheme {
    fn scheme_id(&self) -> AuthSchemeId {
        SCHEME_ID
    }

    fn identity_resolver(&self, known: &dyn GetIdentityResolver) -> Option<SharedIdentityResolver> {
        known.identity_resolver(SCHEME_ID)
    }

    fn signer(&self) -> &dyn Sign {
        self
    }
}

impl Sign for SigningScheme {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        identity: &Identity,
        _endpoint: AuthSchemeEndpointConfig<'_>,
        _components: &RuntimeComponents,
        _config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let agent = request.headers().get("x-amz-user-agent").unwrap_or_default();
        let body = request.body().bytes().ok_or("a stream can't be signed")?;
        let SignedFields { date, token, authorization } = self.0.fields(identity, agent, body)?;
        let headers = request.headers_mut();
        headers.try_insert("x-amz-date", date)?;
        headers.try_insert("authorization", authorization)?;
        if let Some(token) = token {
            headers.try_insert("x-amz-security-token", token)?;
        }
        Ok(())
    }
}

/// The identity that the signer keeps, for as long as the SDK would wait for one.
#[derive(Debug)]
pub(super) struct SignerIdentity {
    pub(super) signer: Arc<Signer>,
    /// `None` waits for ever.
    pub(super) limit: Option<Duration>,
}

impl ResolveCachedIdentity for SignerIdentity {
    fn resolve_cached_identity<'a>(
        &'a self,
        _resolver: SharedIdentityResolver,
        _components: &'a RuntimeComponents,
        _config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        if let Some(known) = self.signer.known() {
            return IdentityFuture::ready(Ok(known));
        }
        IdentityFuture::new(async move {
            let asked = async { Ok::<_, TransportFailure>(self.signer.identity().await) };
            Ok(net::within(self.limit, asked).await??)
        })
    }
}
