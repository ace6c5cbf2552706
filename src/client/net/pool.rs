//! Connections, each of which belongs to one call at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Uri;
use tokio::time::Instant;
use tower_service::Service as _;

use super::connection::{Idle, WireConnection};
use super::message::WireReply;
use super::{Dialer, Opened, TransportFailure, broken};
use crate::client::outcome::Outcome;

/// An idle connection is not trusted for longer: what lies between may have forgotten it without a word. As in hyper's pool.
const IDLE: Duration = Duration::from_secs(90);

/// Connections to one endpoint. There are at most as many as there were calls at once.
///
/// The SDK wants a connector that could go from thread to thread; it costs a lock that nobody else holds.
pub(in crate::client) struct Pool {
    dialer: Dialer,
    endpoint: Uri,
    /// The one that was used last goes out first.
    idle: Mutex<Vec<(WireConnection, Instant)>>,
    opened: Opened,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("endpoint", &self.endpoint).field("opened", &self.opened.count()).finish_non_exhaustive()
    }
}

impl Pool {
    pub(in crate::client) fn new(dialer: Dialer, endpoint: Uri) -> Self {
        Self { opened: dialer.opened(), dialer, endpoint, idle: Mutex::default() }
    }

    /// How many connections were opened: read it as the run goes.
    pub(in crate::client) fn opened(&self) -> &Opened {
        &self.opened
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(WireConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and has its whole answer taken.
    pub(in crate::client) async fn exchange<T>(
        &self,
        request: &[u8],
        take: impl Fn(&WireReply<'_>) -> T,
    ) -> Result<T, TransportFailure> {
        let mut line = match self.take() {
            Some(line) => line,
            None => self.dial().await?,
        };
        let (taken, keeps) = line.exchange(request, take).await?;
        if keeps {
            self.kept().push((line, Instant::now()));
        }
        Ok(taken)
    }

    /// An idle connection that is still open as far as this side knows. Where one was closed meanwhile, no attempt has been made on it.
    fn take(&self) -> Option<WireConnection> {
        loop {
            let (mut line, since) = self.kept().pop()?;
            if since.elapsed() > IDLE {
                // Those below have been idle for even longer.
                self.kept().clear();
                return None;
            }
            if line.idle() == Idle::Open {
                return Some(line);
            }
        }
    }

    async fn dial(&self) -> Result<WireConnection, TransportFailure> {
        let mut dialer = self.dialer.clone();
        let io = dialer.call(self.endpoint.clone()).await.map_err(|e| broken(&*e, true))?;
        let mut line = WireConnection::new(io);
        match line.idle() {
            Idle::Spoke => {
                let cause = "received unexpected message from connection".to_owned();
                Err(TransportFailure { outcome: Outcome::OtherTransport, cause })
            }
            // What closed it is told to the call that writes.
            Idle::Open | Idle::Closed => Ok(line),
        }
    }
}
