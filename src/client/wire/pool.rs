//! Connections, each of which belongs to one call at a time.
//!
//! hyper's own pool spawns a task for every connection, so that an answer wakes two tasks, the connection's and the call's. Here the
//! call polls its connection itself: one wake-up, nothing spawned, and a call that is given up takes its connection with it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri, response};
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower_service::Service as _;

use crate::client::net::{Dialer, Opened, TransportFailure, broken};
use crate::client::outcome::Outcome;
use crate::client::reading;

/// An idle connection is not trusted for longer: what lies between may have forgotten it without a word. As in hyper's pool.
const IDLE: Duration = Duration::from_secs(90);

type Io = MaybeHttpsStream<TokioIo<TcpStream>>;
type Payload = Full<Bytes>;
/// Head and body; the body is `None` if it was cut off.
type Whole = (response::Parts, Option<Bytes>);

/// Connections to one endpoint. There are at most as many as there were calls at once.
pub(super) struct Pool {
    dialer: Dialer,
    endpoint: Uri,
    /// The one that was used last goes out first.
    idle: RefCell<Vec<(Box<PooledConnection>, Instant)>>,
    opened: Opened,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("endpoint", &self.endpoint).field("opened", &self.opened.count()).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(dialer: Dialer, endpoint: Uri) -> Self {
        Self { opened: dialer.opened(), dialer, endpoint, idle: RefCell::default() }
    }

    /// Connections that were opened so far.
    pub(super) fn opened(&self) -> u64 {
        self.opened.count()
    }

    /// Sends a request and returns its whole answer.
    pub(super) async fn exchange(&self, mut request: Request<Payload>) -> Result<Whole, TransportFailure> {
        while let Some(mut line) = self.take() {
            match line.exchange(request).await {
                Ok(whole) => {
                    self.give_back(line);
                    return Ok(whole);
                }
                // It had been closed before anything was written: no attempt has been made.
                Err(Failure { unsent: Some(again), .. }) => request = *again,
                Err(Failure { error, .. }) => return Err(error),
            }
        }
        let mut line = self.dial().await?;
        let whole = line.exchange(request).await.map_err(|failure| failure.error)?;
        self.give_back(line);
        Ok(whole)
    }

    /// An idle connection that is still open as far as this side knows.
    fn take(&self) -> Option<Box<PooledConnection>> {
        let (line, since) = self.idle.borrow_mut().pop()?;
        if since.elapsed() <= IDLE {
            return Some(line);
        }
        // Those below have been idle for even longer.
        self.idle.borrow_mut().clear();
        None
    }

    fn give_back(&self, mut line: Box<PooledConnection>) {
        if line.is_reusable() {
            self.idle.borrow_mut().push((line, Instant::now()));
        }
    }

    async fn dial(&self) -> Result<Box<PooledConnection>, TransportFailure> {
        let mut dialer = self.dialer.clone();
        let io = dialer.call(self.endpoint.clone()).await.map_err(|e| broken(&*e, true))?;
        // One small buffer is cheaper to write than two.
        let handshake = Builder::new().writev(false).max_buf_size(reading::LONGEST_HEAD).handshake(io);
        let (sender, connection) = handshake.await.map_err(|e| broken(&e, true))?;
        Ok(Box::new(PooledConnection { sender, connection: Some(connection) }))
    }
}

/// One connection.
struct PooledConnection {
    sender: SendRequest<Payload>,
    /// Until it ends. Dropped, it gives back a request that it has not begun to write.
    connection: Option<Connection<Io, Payload>>,
}

/// Why there is no answer, and the request, if nothing of it was written.
struct Failure {
    error: TransportFailure,
    unsent: Option<Box<Request<Payload>>>,
}

impl PooledConnection {
    /// One request and its whole answer.
    ///
    /// Nobody else wakes the two halves: whatever the one waits for, the other does when it is polled. So only the connection, which
    /// waits for the socket, is given the waker, and only in the last round; the rounds before would otherwise wake their own call.
    /// The first poll writes, and there is nothing to read yet; when the socket wakes it, the head comes in one round and the body, for
    /// which the head's reader has to ask, in the next.
    async fn exchange(&mut self, request: Request<Payload>) -> Result<Whole, Failure> {
        let sending = self.sender.try_send_request(request);
        let mut answer = pin!(async move {
            let response = sending.await.map_err(|mut failed| {
                let unsent = failed.take_message().map(Box::new);
                Failure { error: broken(failed.error(), false), unsent }
            })?;
            let (head, body) = response.into_parts();
            let body = reading::body(body).await.map_err(|e| Failure { error: broken(&e, false), unsent: None })?;
            Ok((head, body))
        });
        let mut written = false;
        poll_fn(|cx| {
            let first = if std::mem::replace(&mut written, true) { 0 } else { 2 };
            let mut quiet = Context::from_waker(Waker::noop());
            for round in first..3 {
                let last = round == 2;
                drive(&mut self.connection, if last { &mut *cx } else { &mut quiet });
                if let Poll::Ready(ended) = answer.as_mut().poll(&mut quiet) {
                    return Poll::Ready(ended);
                }
                if self.connection.is_none() {
                    let cause = "the connection ended without a word".to_owned();
                    return Poll::Ready(Err(Failure {
                        error: TransportFailure { outcome: Outcome::ConnectionLost, cause },
                        unsent: None,
                    }));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Whether another request may follow.
    fn is_reusable(&mut self) -> bool {
        drive(&mut self.connection, &mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}

/// Reads and writes what there is to read and write. How the connection ended, if it did, is told to the request that it served.
fn drive(connection: &mut Option<Connection<Io, Payload>>, cx: &mut Context<'_>) {
    if connection.as_mut().is_some_and(|open| Pin::new(open).poll(cx).is_ready()) {
        *connection = None;
    }
}
