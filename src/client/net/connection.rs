//! One connection, and one call on it at a time: the request is written and its answer read by the call itself.
//!
//! No task, no channel and no copy: a call that waits is woken by its socket alone, reads once, and parses what came where it lies. Refuses to
//! open connections, and to send anything twice.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::message::{Flaw, ReplyReader, WireReply};
use super::{TransportFailure, broken};
use crate::client::outcome::Outcome;
use crate::http1::with_scratch;

/// Bytes to and fro.
trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A connection.
pub(super) struct WireConnection {
    stream: Box<dyn ByteStream>,
    /// What came of an answer that is not whole.
    came: Vec<u8>,
}

/// How a connection stands before a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    Open,
    Closed,
    /// Something came that nobody asked for.
    Spoke,
}

impl WireConnection {
    pub(super) fn new(io: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        let stream: Box<dyn ByteStream> = match io {
            MaybeHttpsStream::Http(tcp) => Box::new(tcp.into_inner()),
            MaybeHttpsStream::Https(tls) => Box::new(tls.into_inner()),
        };
        Self { stream, came: Vec::new() }
    }

    /// Whether the other side has closed it, or spoken, since the last answer. Asks the kernel only where it has said that there is something.
    pub(super) fn idle(&mut self) -> Idle {
        let mut one = [0; 1];
        let mut piece = ReadBuf::new(&mut one);
        match Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut piece) {
            Poll::Pending => Idle::Open,
            Poll::Ready(Ok(())) if !piece.filled().is_empty() => Idle::Spoke,
            Poll::Ready(_) => Idle::Closed,
        }
    }

    /// Sends a request, whole, and has its answer taken; with it, whether another request may follow.
    pub(super) async fn exchange<T>(
        &mut self,
        request: &[u8],
        take: impl Fn(&WireReply<'_>) -> T,
    ) -> Result<(T, bool), TransportFailure> {
        self.write(request).await.map_err(|e| broken(&e, false))?;
        let mut reading = ReplyReader::default();
        self.came.clear();
        poll_fn(|cx| self.poll_answer(cx, &mut reading, &take)).await
    }

    async fn write(&mut self, request: &[u8]) -> std::io::Result<()> {
        let mut left = request;
        poll_fn(|cx| {
            while !left.is_empty() {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, left))? {
                    0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                    written => left = &left[written..],
                }
            }
            // TLS may have kept some of it.
            Pin::new(&mut self.stream).poll_flush(cx)
        })
        .await
    }

    fn poll_answer<T>(
        &mut self,
        cx: &mut Context<'_>,
        reading: &mut ReplyReader,
        take: &impl Fn(&WireReply<'_>) -> T,
    ) -> Poll<Result<(T, bool), TransportFailure>> {
        with_scratch(|scratch| {
            loop {
                let mut piece = ReadBuf::new(&mut scratch[..]);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece)).map_err(|e| broken(&e, false))?;
                let (piece, ended) = (piece.filled(), piece.filled().is_empty());
                // The usual answer comes in one piece, which is not copied.
                let all = if self.came.is_empty() {
                    piece
                } else {
                    self.came.extend_from_slice(piece);
                    &self.came
                };
                match reading.next(all, ended, |reply| (take(reply), reply.keeps)) {
                    Ok(None) if self.came.is_empty() => self.came.extend_from_slice(piece),
                    Ok(None) => {}
                    Ok(Some(answer)) => return Poll::Ready(Ok(answer)),
                    Err(flaw) => return Poll::Ready(Err(flaw.into())),
                }
            }
        })
    }
}

impl From<Flaw> for TransportFailure {
    fn from(flaw: Flaw) -> Self {
        let outcome = match flaw {
            Flaw::NoHead | Flaw::NoEnd => Outcome::ConnectionLost,
            Flaw::LongHead => Outcome::MalformedSuccess,
            _ => Outcome::OtherTransport,
        };
        Self { outcome, cause: flaw.to_string() }
    }
}
