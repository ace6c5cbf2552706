//! An answer's body: whole, or a trickle.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::alarm::Alarm;

/// The pieces of a trickle at most.
const PIECES: u32 = 20;

/// A body of known length.
#[derive(Default)]
pub(super) struct Outgoing {
    left: Bytes,
    trickle: Option<Trickle>,
}

/// The way of a body that does not come at once.
struct Trickle {
    alarm: Alarm,
    start: Instant,
    over: Duration,
    piece: usize,
    sent: u32,
    pieces: u32,
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Outgoing {
    /// All of it at once.
    pub(super) const fn whole(bytes: Bytes) -> Self {
        Self { left: bytes, trickle: None }
    }

    /// Bit by bit, the last of it `over` after `start`.
    pub(super) fn trickling(bytes: Bytes, start: Instant, over: Duration, alarm: Alarm) -> Self {
        let piece = bytes.len().div_ceil(PIECES as usize).max(1);
        let pieces = u32::try_from(bytes.len().div_ceil(piece)).unwrap_or(PIECES).max(1);
        Self { left: bytes, trickle: Some(Trickle { alarm, start, over, piece, sent: 0, pieces, wait: None }) }
    }
}

impl Trickle {
    /// Ready when the next piece is due.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wait = self.wait.get_or_insert_with(|| {
            let due = self.start + self.over.mul_f64(f64::from(self.sent + 1) / f64::from(self.pieces));
            let alarm = self.alarm.clone();
            Box::pin(async move { alarm.until(due).await })
        });
        ready!(wait.as_mut().poll(cx));
        self.wait = None;
        self.sent += 1;
        Poll::Ready(())
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.left.is_empty() {
            return Poll::Ready(None);
        }
        let piece = match &mut this.trickle {
            None => std::mem::take(&mut this.left),
            Some(trickle) => {
                ready!(trickle.poll_due(cx));
                this.left.split_to(trickle.piece.min(this.left.len()))
            }
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::timer::Timer;

    /// A trickle brings every byte, in pieces, none before its time; a whole body is one piece.
    #[tokio::test]
    async fn pieces() {
        let alarm = Alarm::default();
        let ringing = alarm.clone();
        let ringer = tokio::spawn(async move { ringing.ring(Timer::new().unwrap()).await });
        let bytes = Bytes::from_static(b"0123456789012345678901234567890123456789abc");
        let (start, over) = (Instant::now(), Duration::from_millis(10));
        let mut slow = Outgoing::trickling(bytes.clone(), start, over, alarm.clone());
        let (mut got, mut pieces) = (Vec::new(), 0u32);
        while let Some(frame) = slow.frame().await {
            got.extend_from_slice(&frame.unwrap().into_data().unwrap());
            pieces += 1;
            assert!(start.elapsed() >= over.mul_f64(f64::from(pieces) / 15.0));
        }
        assert_eq!((got, pieces), (bytes.to_vec(), 15));
        assert!(start.elapsed() >= over);
        let mut whole = Outgoing::whole(bytes.clone());
        assert_eq!(whole.size_hint().exact(), Some(43));
        assert_eq!(whole.frame().await.unwrap().unwrap().into_data().unwrap(), bytes);
        assert!(whole.frame().await.is_none());
        ringer.abort();
    }
}
