//! A server: listens, serves each connection on a task of its own, and joins all of them in the end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::alarm::Alarm;
use super::answer::{Handler, PATIENCE};
use super::connection::serve_connection;
use super::control::Control;
use super::log::{ArrivalLog, LogError, LogSender};
use crate::timer::Timer;

/// How long calls in flight have to be answered once the server is told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Why the emulator cannot serve.
#[derive(Debug, Error)]
pub enum ServeError {
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
pub fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(4096)
    };
    listen().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::AddressInUse(address),
        _ => ServeError::Listen { address, source },
    })
}

/// What every connection of a server shares.
struct Server {
    handler: Handler,
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
    log: Option<&ArrivalLog>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (alarm, timer) = (Alarm::default(), Timer::new()?);
    let server = Arc::new(Server {
        handler: Handler { control, alarm: alarm.clone() },
        tls: tls.map(TlsAcceptor::from),
        log: log.map(ArrivalLog::sender),
    });
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
    let _open = server.handler.control.connection();
    // Refused only on a socket that is broken anyway.
    let _ = stream.set_nodelay(true);
    let log = server.log.clone();
    match &server.tls {
        None => serve_connection(&server.handler, stream, log, number, closed).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(PATIENCE, tls.accept(stream));
            let shaken = tokio::select! {
                shaken = handshake => shaken,
                _ = closed.changed() => return,
            };
            if let Ok(Ok(stream)) = shaken {
                serve_connection(&server.handler, stream, log, number, closed).await;
            }
        }
    }
}
