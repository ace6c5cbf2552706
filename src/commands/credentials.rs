//! Credentials that end in mid-run: new ones are there before a call needs them.

use std::convert::Infallible;
use std::future;

use crate::client::sdk::Destination;

/// Does some work, and meanwhile fetches new credentials of the destination whenever the old ones are about to end.
pub(super) async fn renewed_during<T>(destination: &Destination, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => done,
        never = keep(destination) => match never {},
    }
}

async fn keep(destination: &Destination) -> Infallible {
    while let Some(pause) = destination.renew().await {
        tokio::time::sleep(pause).await;
    }
    future::pending().await
}
