//! What the SDK makes anew for each call though it is always the same, made once: the endpoint, and the headers that name caller and attempt.
//!
//! The headers are those that the SDK writes: `user-agent` and `x-amz-user-agent` are taken from its first call, `amz-sdk-invocation-id`
//! tells the calls apart, and `amz-sdk-request` says that there is one attempt.

use std::sync::OnceLock;

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_rekognition::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, disable_interceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer, Layer};

use crate::client::signing::InvocationIds;

/// The one endpoint that is called.
#[derive(Debug)]
pub(super) struct FixedEndpoint(Endpoint);

impl FixedEndpoint {
    pub(super) fn new(url: &str) -> Self {
        Self(Endpoint::builder().url(url.to_owned()).build())
    }
}

impl ResolveEndpoint for FixedEndpoint {
    fn resolve_endpoint<'a>(&'a self, _params: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

/// The headers of the SDK's that are the same for each call, or cheaper to make than it makes them.
#[derive(Debug)]
pub(super) struct LeanHeaders {
    ids: InvocationIds,
    agents: OnceLock<UserAgents>,
    /// What the SDK leaves out while nobody knows its user agent, and afterwards.
    before: FrozenLayer,
    after: FrozenLayer,
}

/// `user-agent` and `x-amz-user-agent`
#[derive(Debug)]
struct UserAgents {
    plain: String,
    amz: String,
}

impl LeanHeaders {
    pub(super) fn new() -> Self {
        let layer = || {
            let mut layer = Layer::new("livebench");
            layer.store_put(disable_interceptor::<InvocationIdInterceptor>("livebench numbers the calls"));
            layer.store_put(disable_interceptor::<RequestInfoInterceptor>("there is one attempt"));
            layer.store_put(disable_interceptor::<ServiceClockSkewInterceptor>("livebench's signer follows the clock"));
            layer
        };
        let mut after = layer();
        after.store_put(disable_interceptor::<UserAgentInterceptor>("it is known"));
        Self { ids: InvocationIds::new(), agents: OnceLock::new(), before: layer().freeze(), after: after.freeze() }
    }
}

#[dyn_dispatch_hint]
impl Intercept for LeanHeaders {
    fn name(&self) -> &'static str {
        "LeanHeaders"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let layer = if self.agents.get().is_some() { &self.after } else { &self.before };
        config.push_shared_layer(layer.clone());
        Ok(())
    }

    // The SDK's own interceptors come before those of its users.
    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        if let Some(plain) = headers.get("user-agent") {
            let amz = headers.get("x-amz-user-agent").unwrap_or_default();
            let _ = self.agents.set(UserAgents { plain: plain.to_owned(), amz: amz.to_owned() });
        } else if let Some(UserAgents { plain, amz }) = self.agents.get() {
            headers.try_insert("user-agent", plain.clone())?;
            headers.try_insert("x-amz-user-agent", amz.clone())?;
        }
        Ok(())
    }

    // Behind the signature: both are left out of it.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert("amz-sdk-request", "attempt=1; max=1")?;
        headers.try_insert("amz-sdk-invocation-id", self.ids.next().to_string())?;
        Ok(())
    }
}
