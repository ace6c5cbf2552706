//! One connection, and one request on it at a time: read, judged, waited for and answered by the connection's own task.
//!
//! No channel, no map and no copy: a connection that waits is woken by its socket, reads once, has the request judged where it was read, and
//! writes the answer at once. While an answer is waited for, a client that leaves is noticed.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use super::answer::{Handler, Judged, JudgedCall, Judgement, PATIENCE, judge};
use super::control::Counted;
use super::log::{LogSender, Record};
use super::message::{AnswerFrame, RequestFlaw, RequestProgress, RequestReader};
use super::written::{self, Trickle};
use crate::emulator::reply::Reply;
use crate::http1::{PIECE, with_scratch};
use crate::units::floor_us;

/// What an idle connection keeps of the memory that a large request or answer took.
const KEPT: usize = 4 * PIECE; // derived: more than nearly every request and answer have

/// How long a connection may at least lie idle or send its head, or an answer may find no reader; it is closed before twice that. Longer than
/// the 90 s for which clients keep idle connections, so that it is never the server who closes one that a client is about to use.
const HEAD_PATIENCE: Duration = Duration::from_mins(2);

/// TCP, or TLS over it.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// The TCP connection.
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The line of the log that waits for its answer. It is logged in any case: without an answer, when the connection ends before.
struct LogLine {
    log: Option<LogSender>,
    waiting: Option<(Record, Instant)>,
}

impl LogLine {
    /// The first bytes of the answer were handed over, or the connection is being reset.
    fn replied(&mut self) {
        if let Some((mut record, epoch)) = self.waiting.take() {
            record.replied_us = Some(floor_us(Instant::now().saturating_duration_since(epoch)));
            self.put(record);
        }
    }

    fn put(&self, record: Record) {
        if let Some(log) = &self.log {
            log.put(record);
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        if let Some((record, _)) = self.waiting.take() {
            self.put(record);
        }
    }
}

/// What ends the wait for a request.
enum HeardRequest {
    Request(Judged),
    /// What came is none.
    Flaw(RequestFlaw),
    /// The client waits for a word before it sends the body.
    Expects,
    /// The client is gone, or too slow, or the server stops.
    End,
}

/// What ends a connection that is no affair of its client's.
struct ConnectionEnds<'a> {
    /// Ends when the server stops.
    closed: Pin<&'a mut (dyn Future<Output = ()> + Send)>,
    stops: bool,
    /// Goes off every so often, to see whether a request came since.
    look: Pin<&'a mut Sleep>,
    /// Requests that had come at the last look.
    seen: u64,
}

/// A connection.
struct ServedConnection<'a, S> {
    handler: &'a Handler,
    stream: S,
    /// Its number, for the log; `None` without one.
    number: Option<u64>,
    reader: RequestReader,
    /// What came and is not used up.
    came: Vec<u8>,
    /// That came behind the request before, and was not looked at.
    is_left: bool,
    out: Vec<u8>,
    requests: u64,
    line: LogLine,
    /// The request that is being read, judged or waited for is counted.
    flight: Option<Counted<'a>>,
    /// How long the body may still take, once it was waited for.
    body: Option<Pin<Box<Sleep>>>,
}

/// Serves one connection to its end. `closed` ends when the server stops: then an idle one ends, and another one after its answer.
pub(super) async fn serve_connection<S: Socket>(
    handler: &Handler,
    stream: S,
    log: Option<LogSender>,
    number: u64,
    mut closed: watch::Receiver<()>,
) {
    let mut connection = ServedConnection {
        handler,
        stream,
        number: log.is_some().then_some(number),
        reader: RequestReader::default(),
        came: Vec::new(),
        is_left: false,
        out: Vec::new(),
        requests: 0,
        line: LogLine { log, waiting: None },
        flight: None,
        body: None,
    };
    let stopped = closed.clone();
    // No word is ever sent: the sender is dropped.
    let closed = pin!(async move { drop(closed.changed().await) });
    let look = pin!(tokio::time::sleep(HEAD_PATIENCE));
    let mut ends = ConnectionEnds { closed, stops: false, look, seen: 0 };
    while connection.turn(&mut ends, &stopped).await {}
}

impl<S: Socket> ServedConnection<'_, S> {
    /// One request and its answer; whether another may follow.
    async fn turn(&mut self, ends: &mut ConnectionEnds<'_>, stopped: &watch::Receiver<()>) -> bool {
        let Judged { verdict, mut frame } = match poll_fn(|cx| self.poll_request(cx, ends)).await {
            HeardRequest::Request(judged) => judged,
            HeardRequest::Expects => {
                self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                return self.send().await;
            }
            HeardRequest::Flaw(flaw) => {
                if let Some(status) = flaw.status() {
                    written::refusal(&mut self.out, status);
                    self.send_last().await;
                }
                return false;
            }
            HeardRequest::End => {
                self.close().await;
                return false;
            }
        };
        self.body = None;
        let is_sent = match verdict {
            Judgement::Own(response) => {
                self.flight = None;
                frame.keeps &= !ends.stops && stopped.has_changed().is_ok();
                written::own(&mut self.out, frame, &response);
                self.send().await
            }
            Judgement::Call(mut call) => {
                self.line.waiting = call.record.take().map(|record| (record, call.timed.epoch));
                if !self.is_due(call.timed.deadline).await {
                    return false;
                }
                frame.keeps &= !ends.stops && stopped.has_changed().is_ok();
                self.answer(&call, frame).await
            }
        };
        self.flight = None;
        if is_sent && !frame.keeps {
            self.close().await;
        }
        is_sent && frame.keeps
    }

    /// Reads until a request is whole, and has it judged.
    fn poll_request(&mut self, cx: &mut Context<'_>, ends: &mut ConnectionEnds<'_>) -> Poll<HeardRequest> {
        let Self { handler, stream, number, reader, came, is_left, requests, flight, .. } = self;
        let heard = with_scratch(|scratch| {
            let mut next = (std::mem::take(is_left) && !came.is_empty()).then(|| std::mem::take(came));
            loop {
                let piece = match &next {
                    Some(piece) => &piece[..],
                    None => match read(stream, cx, scratch) {
                        Poll::Ready(Some(length)) => &scratch[..length],
                        Poll::Ready(None) => return Some(HeardRequest::End),
                        Poll::Pending => return None,
                    },
                };
                match reader.next(came, piece, |request| judge(handler, *number, request)) {
                    Ok(RequestProgress::More) => next = None,
                    Ok(RequestProgress::Expects) => return Some(HeardRequest::Expects),
                    Ok(RequestProgress::Whole(judged)) => {
                        (*requests, *is_left) = (*requests + 1, true);
                        return Some(HeardRequest::Request(judged));
                    }
                    Err(flaw) => return Some(HeardRequest::Flaw(flaw)),
                }
            }
        });
        if let Some(heard) = heard {
            if matches!(&heard, HeardRequest::Request(Judged { verdict: Judgement::Call(_), .. })) && flight.is_none() {
                *flight = Some(handler.control.flight());
            }
            return Poll::Ready(heard);
        }
        if reader.has_head() { self.poll_body_patience(cx, ends) } else { self.poll_ends(cx, ends) }
    }

    /// While a body is waited for: it may take its time, but not too much.
    fn poll_body_patience(&mut self, cx: &mut Context<'_>, ends: &mut ConnectionEnds<'_>) -> Poll<HeardRequest> {
        let Self { handler, number, reader, came, requests, flight, body, .. } = self;
        if flight.is_none() {
            *flight = Some(handler.control.flight());
        }
        let patience = body.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        if !has_run_out(patience.as_mut(), cx) {
            return Poll::Pending;
        }
        *requests += 1;
        ends.seen = *requests;
        let judged = reader.give_up(came, |request| judge(handler, *number, request));
        Poll::Ready(judged.map_or(HeardRequest::End, HeardRequest::Request))
    }

    /// While a head is waited for: whether that shall go on.
    fn poll_ends(&mut self, cx: &mut Context<'_>, ends: &mut ConnectionEnds<'_>) -> Poll<HeardRequest> {
        if !ends.stops {
            ends.stops = ends.closed.as_mut().poll(cx).is_ready();
        }
        if ends.stops && self.came.is_empty() {
            return Poll::Ready(HeardRequest::End);
        }
        while has_run_out(ends.look.as_mut(), cx) {
            if ends.seen == self.requests {
                return Poll::Ready(HeardRequest::End);
            }
            ends.seen = self.requests;
            ends.look.as_mut().reset(tokio::time::Instant::now() + HEAD_PATIENCE);
        }
        Poll::Pending
    }

    /// Waits until an answer is due; `false` if its client leaves before.
    async fn is_due(&mut self, deadline: Instant) -> bool {
        if deadline <= Instant::now() {
            return true;
        }
        let handler = self.handler;
        let mut due = pin!(handler.alarm.until(deadline));
        poll_fn(|cx| if due.as_mut().poll(cx).is_ready() { Poll::Ready(true) } else { self.poll_gone(cx).map(|()| false) }).await
    }

    /// Ready when the client has left. What it sends meanwhile is kept; who sends more than that is not looked after any further.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { stream, came, .. } = self;
        while came.len() < KEPT {
            let length = with_scratch(|scratch| {
                let length = read(stream, cx, scratch);
                if let Poll::Ready(Some(length)) = length {
                    came.extend_from_slice(&scratch[..length]);
                }
                length
            });
            if ready!(length).is_none() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Waits until a client has left that is never answered: whatever it sends is dropped.
    async fn gone(&mut self) {
        let stream = &mut self.stream;
        let mut poll_end = |cx: &mut Context<'_>, scratch: &mut [u8; PIECE]| {
            while ready!(read(stream, cx, scratch)).is_some() {}
            Poll::Ready(())
        };
        poll_fn(|cx| with_scratch(|scratch| poll_end(cx, scratch))).await;
    }

    /// Answers a call as it was judged; whether that could be sent.
    async fn answer(&mut self, call: &JudgedCall, frame: AnswerFrame) -> bool {
        let JudgedCall { timed, begun, is_page, .. } = call;
        let ruling = &timed.ruling;
        match ruling.reply {
            Reply::Silence => {
                self.gone().await;
                return false;
            }
            Reply::Reset => {
                // With no time to linger, closing drops what is unsent and sends a RST. A socket that refuses is closed plainly.
                let _ = self.stream.tcp().set_zero_linger();
                self.line.replied();
                return false;
            }
            _ => {}
        }
        let control = &self.handler.control;
        let body = written::call(&mut self.out, frame, ruling, control.cors().map(|origin| (origin, *is_page)));
        let planned = ruling.reply_at.saturating_sub(ruling.arrived);
        let now = Instant::now();
        control.overhead(now.saturating_duration_since(*begun).saturating_sub(planned));
        match Trickle::of(&ruling.reply, body, now) {
            None => self.send().await,
            Some(trickle) => self.trickle(trickle, body).await,
        }
    }

    /// Sends the head at once, and the body, which is the end of what is to be sent, piece by piece.
    async fn trickle(&mut self, trickle: Trickle, body: usize) -> bool {
        let rest = self.out.split_off(self.out.len() - body);
        if !self.send().await {
            return false;
        }
        for (n, piece) in (0..).zip(rest.chunks(trickle.piece)) {
            self.handler.alarm.until(trickle.due(n)).await;
            self.out.extend_from_slice(piece);
            if !self.send().await {
                return false;
            }
        }
        true
    }

    /// Sends the last that is to be sent.
    async fn send_last(&mut self) {
        if self.send().await {
            self.close().await;
        }
    }

    /// Closes. Over TLS that sends something, too; whoever does not take it is gone, or is left to himself.
    async fn close(&mut self) {
        let _ = tokio::time::timeout(HEAD_PATIENCE, self.stream.shutdown()).await;
    }

    /// Sends what is to be sent; whether it could. Who reads nothing for long is not waited for.
    async fn send(&mut self) -> bool {
        let (mut at, mut patience) = (0, None);
        let sent = poll_fn(|cx| {
            let written = self.poll_send(cx, &mut at);
            if written.is_pending() {
                let patience = patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(HEAD_PATIENCE)));
                return patience.as_mut().poll(cx).map(|()| false);
            }
            written
        });
        let sent = sent.await;
        self.out.clear();
        self.out.shrink_to(KEPT);
        self.came.shrink_to(KEPT);
        sent
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, at: &mut usize) -> Poll<bool> {
        while *at < self.out.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[*at..])) {
                Ok(written) if written > 0 => *at += written,
                _ => return Poll::Ready(false),
            }
            if self.line.waiting.is_some() {
                // TLS may have kept some of it.
                match ready!(Pin::new(&mut self.stream).poll_flush(cx)) {
                    Ok(()) => self.line.replied(),
                    Err(_) => return Poll::Ready(false),
                }
            }
        }
        let is_flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx)).is_ok();
        if is_flushed {
            self.line.replied();
        }
        Poll::Ready(is_flushed)
    }
}

/// Whether a time is over. A task that always finds something to read has no turns left for its timers (tokio's budget): these know it still.
fn has_run_out(mut time: Pin<&mut Sleep>, cx: &mut Context<'_>) -> bool {
    time.as_mut().poll(cx).is_ready() || time.is_elapsed()
}

/// Reads once; `None` when the other side has closed, or is gone.
fn read<S: Socket>(stream: &mut S, cx: &mut Context<'_>, scratch: &mut [u8; PIECE]) -> Poll<Option<usize>> {
    let mut piece = ReadBuf::new(scratch);
    let read = ready!(Pin::new(stream).poll_read(cx, &mut piece));
    Poll::Ready(read.ok().map(|()| piece.filled().len()).filter(|length| *length > 0))
}
