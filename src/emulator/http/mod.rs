//! The emulator's HTTP/1.1 edge: reads the clock, asks the model, waits until the answer is due, answers.
//!
//! [`serve`] runs on the caller's runtime until told to stop; [`Embedded`] is the same on a thread of its own. Both join
//! everything they started. Refuses any address that is not this machine's.

mod admin;
mod alarm;
mod answer;
mod body;
mod clients;
mod control;
mod embedded;
mod input;
mod log;
mod metrics;
mod pulse;
mod quotas;
mod socket;
mod state;
mod tls;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use self::clients::SeenClient;
pub use self::control::Control;
pub use self::embedded::{Embedded, Extras};
pub use self::log::{Arrival, Log, LogError, Record, read as arrivals};
pub use self::state::{StateError, load as load_state, save as save_state};
pub use self::tls::{TlsError, TlsFiles, generate as generate_tls, server_config};

use self::alarm::Alarm;
use self::log::LogSender;
use self::pulse::Pulse;
use self::socket::{Desk, Socket};
use crate::timer::Timer;

/// The largest body that is read as a request.
pub const BODY_LIMIT: usize = 1 << 20;

/// How much of a larger body is read and dropped, so that its sender gets to read the 413.
const DRAIN_LIMIT: usize = 16 << 20;

/// How long a body, or a TLS handshake, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection may at least lie idle or send its head; it is closed before twice that. Longer than the 90 s for which clients keep idle connections, so that
/// it is never the server who closes one that a client is about to use.
const HEAD_PATIENCE: Duration = Duration::from_mins(2);

/// How long calls in flight have to be answered once the server is told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Why the emulator cannot serve.
#[derive(Debug, Error)]
pub enum Error {
    /// The address can be reached from elsewhere.
    #[error("{0} is not an address of this machine alone; the emulator only listens on loopback, such as 127.0.0.1:{port}", port = .0.port())]
    NotLoopback(SocketAddr),
    /// Somebody else listens there.
    #[error("cannot listen on {0}: the address is in use; stop the other server or take another port (0 finds a free one)")]
    AddressInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The machine refuses a thread, a timer or the like.
    #[error("cannot run the emulator: {0}")]
    Machine(#[from] io::Error),
    /// The arrival log is not whole.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Listens on `address`, which must be loopback. Port 0 takes a free one.
pub fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(4096)
    };
    listen().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Error::AddressInUse(address),
        _ => Error::Listen { address, source },
    })
}

/// What every connection of a server shares.
struct Server {
    control: Control,
    alarm: Alarm,
    tls: Option<TlsAcceptor>,
    log: Option<LogSender>,
}

/// Serves the model on `listener` until `stop` is ready; then calls in flight have a second to be answered.
///
/// Needs a tokio runtime with I/O and time. Everything it spawned is joined when it returns.
pub async fn serve(
    listener: TcpListener,
    control: Control,
    tls: Option<Arc<ServerConfig>>,
    log: Option<&Log>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (alarm, timer) = (Alarm::default(), Timer::new()?);
    let server = Arc::new(Server { control, alarm: alarm.clone(), tls: tls.map(TlsAcceptor::from), log: log.map(Log::sender) });
    let mut ringing = JoinSet::new();
    ringing.spawn(async move { alarm.ring(timer).await });
    let (closing, closed) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut opened = 0;
    let mut stop = pin!(stop);
    let end = loop {
        tokio::select! {
            biased;
            () = &mut stop => break Ok(()),
            Some(end) = ringing.join_next() => {
                break Err(match end {
                    Ok(Err(e)) => e.into(),
                    _ => io::Error::other("the alarm stopped").into(),
                });
            }
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&server), stream, opened, closed.clone()));
                    opened += 1;
                }
                // The peer is gone already, or there are no file descriptors: accepting again at once would spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    };
    drop(listener);
    drop(closing);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is cut off below.
    let _ = tokio::time::timeout(GRACE, all_closed).await;
    connections.shutdown().await;
    ringing.shutdown().await;
    end
}

/// Serves one connection to its end. `closed` ends when the server stops.
async fn connection(server: Arc<Server>, stream: TcpStream, number: u64, mut closed: watch::Receiver<()>) {
    let _open = server.control.connection();
    // Refused only on a socket that is broken anyway.
    let _ = stream.set_nodelay(true);
    let desk = Desk::new(server.log.clone());
    let socket = Socket::new(stream, Arc::clone(&desk));
    match &server.tls {
        None => exchange(&server, socket, &desk, number, closed).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(PATIENCE, tls.accept(socket));
            let shaken = tokio::select! {
                shaken = handshake => shaken,
                _ = closed.changed() => return,
            };
            if let Ok(Ok(stream)) = shaken {
                exchange(&server, stream, &desk, number, closed).await;
            }
        }
    }
}

async fn exchange<S>(server: &Server, stream: S, desk: &Desk, number: u64, mut closed: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let pulse = Pulse::default();
    let service = service_fn(|request| {
        let beat = pulse.beat();
        async move {
            let answer = answer::answer(server, desk, number, request).await;
            drop(beat);
            answer
        }
    });
    let mut serving = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // How a connection ends is the client's affair, or a fault that was asked for.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = pulse.stops() => return,
        _ = closed.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

#[cfg(test)]
mod tests;
