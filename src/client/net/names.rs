//! Host names to addresses. `localhost` is this machine and nobody is asked for it (RFC 6761, section 6.3): it needs no `--yes`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// The system's resolver, but for `localhost`.
#[derive(Debug, Clone)]
pub(in crate::client) struct HostNames(GaiResolver);

impl HostNames {
    pub(super) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Service<Name> for HostNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if name.as_str().eq_ignore_ascii_case("localhost") {
            // The connector puts the port in.
            let own = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
            return Box::pin(async { Ok(own.into_iter()) });
        }
        let asking = self.0.call(name);
        Box::pin(async { Ok(asking.await?.collect::<Vec<_>>().into_iter()) })
    }
}
