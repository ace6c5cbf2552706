//! One connection's socket: it can be reset, and it notices when an answer leaves.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::log::{LogSender, Record};
use crate::units::floor_us;

/// A TCP stream under the watch of its connection's [`ConnectionState`].
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    state: Arc<ConnectionState>,
}

/// What a connection's service and its socket tell each other.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    reset: AtomicBool,
    log: Option<LogSender>,
    pending: Mutex<Option<Pending>>,
}

/// An arrival that is not in the log yet.
#[derive(Debug)]
struct Pending {
    record: Record,
    epoch: Instant,
    leaving: bool,
}

impl ConnectionState {
    /// One that logs to `log`.
    pub(super) fn new(log: Option<LogSender>) -> Arc<Self> {
        Arc::new(Self { log, ..Self::default() })
    }

    /// Whether anything is logged; otherwise no record needs to be made.
    pub(super) const fn logs(&self) -> bool {
        self.log.is_some()
    }

    /// Notes an arrival. It reaches the log when its answer leaves, or the connection ends without.
    pub(super) fn arrived(&self, record: Record, epoch: Instant) {
        *self.pending() = Some(Pending { record, epoch, leaving: false });
    }

    /// The next bytes written are the answer to the arrival.
    pub(super) fn leaving(&self) {
        if let Some(pending) = self.pending().as_mut() {
            pending.leaving = true;
        }
    }

    /// The connection shall end in a reset, not in an orderly close.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    fn resets(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Option<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) {
        if let Some(log) = &self.log
            && let Some(Pending { mut record, epoch, .. }) = self.pending().take_if(|pending| pending.leaving)
        {
            record.replied_us = Some(floor_us(Instant::now().saturating_duration_since(epoch)));
            log.put(record);
        }
    }

    fn closed(&self) {
        if self.resets() {
            self.leaving();
            self.written();
        }
        if let Some(log) = &self.log
            && let Some(Pending { record, .. }) = self.pending().take()
        {
            log.put(record);
        }
    }
}

impl Socket {
    /// Puts `stream` under the watch of `state`.
    pub(super) const fn new(stream: TcpStream, state: Arc<ConnectionState>) -> Self {
        Self { stream, state }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.state.resets() {
            // With no time to linger, closing drops what is unsent and sends a RST. A socket that refuses is closed plainly.
            let _ = self.stream.set_zero_linger();
        }
        self.state.closed();
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if matches!(written, Poll::Ready(Ok(_))) {
            self.state.written();
        }
        written
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if matches!(written, Poll::Ready(Ok(_))) {
            self.state.written();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.resets() {
            // A FIN first would make the reset look like an orderly close.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
