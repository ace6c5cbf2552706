//! The emulator on a thread of its own, for the length of a run.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use rustls::ServerConfig;
use tokio::sync::oneshot;

use super::clients::SeenClient;
use super::control::Control;
use super::log::ArrivalLog;
use super::serve::{ServeError, listen, serve};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::snapshot::Snapshot;

/// What an embedded emulator may have besides its settings.
#[derive(Debug, Default)]
pub struct Extras {
    /// Serve TLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// Log every arrival.
    pub log: Option<ArrivalLog>,
}

/// A running emulator. Its thread ends with [`Embedded::stop`], or when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    tls: bool,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Embedded {
    /// Starts one on a free port of 127.0.0.1. It accepts connections when this returns, and its time starts now.
    pub fn start(config: EmulatorConfig, extras: Extras) -> Result<Self, ServeError> {
        let control = Control::new(config);
        let tls = extras.tls.is_some();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::sync_channel(1);
        let shared = control.clone();
        let thread =
            std::thread::Builder::new().name("emulator".to_owned()).spawn(move || run(shared, extras, &ready, stopped))?;
        match is_ready.recv() {
            Ok(address) => Ok(Self { address, tls, control, stop: Some(stop), thread: Some(thread) }),
            // It ended before it listened.
            Err(_) => Err(join(thread).err().unwrap_or_else(|| std::io::Error::other("its thread ended").into())),
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for `--endpoint-url`.
    pub fn endpoint_url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// Forgets everything and makes `epoch` the model's time 0: see [`Control::restart_at`].
    pub fn restart_at(&self, epoch: Instant) {
        self.control.restart_at(epoch);
    }

    /// Calls that arrived since the start or the last restart.
    pub fn arrivals(&self) -> u64 {
        self.control.arrivals()
    }

    /// The model's whole state.
    pub fn state(&self) -> Snapshot {
        self.control.state()
    }

    /// The requests of every client since the start or the last restart.
    pub fn clients(&self) -> Vec<SeenClient> {
        self.control.clients()
    }

    /// Answers what is in flight, within a second, ends the thread and says whether the log is whole.
    pub fn stop(mut self) -> Result<(), ServeError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ServeError> {
        if let Some(stop) = self.stop.take() {
            // A thread that ended by itself is not there to be told; joining tells why.
            let _ = stop.send(());
        }
        self.thread.take().map_or(Ok(()), join)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Nobody is left to hear how it ended.
        let _ = self.end();
    }
}

fn join(thread: JoinHandle<Result<(), ServeError>>) -> Result<(), ServeError> {
    thread.join().unwrap_or_else(|_| Err(std::io::Error::other("its thread panicked").into()))
}

fn run(
    control: Control,
    extras: Extras,
    ready: &mpsc::SyncSender<SocketAddr>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), ServeError> {
    let Extras { tls, log } = extras;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        // Whoever started it is gone if this fails, and then `stopped` ends too.
        let _ = ready.send(listener.local_addr()?);
        // Both a word and a dropped sender mean stop.
        let stop = async { drop(stopped.await) };
        serve(listener, control, tls, log.as_ref(), stop).await
    });
    let logged = log.map_or(Ok(()), ArrivalLog::finish);
    served?;
    Ok(logged?)
}
