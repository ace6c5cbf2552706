//! What is called, reached; and the signals that end it. Shared by the commands that drive load.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::connect::{self, Aim};
use super::{Error, could_not_run, talk};
use crate::cli::ConnectionArgs;
use crate::client::request::CreateRequest;
use crate::client::sdk::{self, Destination, Sdk};
use crate::client::wire::Wire;
use crate::emulator::config::EmulatorConfig;
use crate::emulator::http::{ArrivalLog, Embedded, Extras};
use crate::live::Ask;
use crate::scenario::Transport;
use crate::summary::Endpoint;

/// What is called, and what must be closed afterwards.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) destination: Destination,
    pub(super) kind: Endpoint,
    /// Whether calls may cost money: budgets count, and the first denied call is the last.
    pub(super) is_aws: bool,
    /// An endpoint of the environment that is not used.
    pub(super) ignored: Option<&'static str>,
    pub(super) embedded: Option<Embedded>,
}

impl Service {
    /// Reaches what was aimed at; an embedded `emulator` is started, with its arrivals in `log`. What the `transport` would refuse of `requests` is
    /// known before anything is written.
    pub(super) async fn reach(
        aim: Aim,
        connection: &ConnectionArgs,
        emulator: &EmulatorConfig,
        log: Option<&Path>,
        transport: Transport,
        requests: &[CreateRequest],
    ) -> Result<Self, Error> {
        let kind_of = |destination: &Destination| if destination.is_loopback() { Endpoint::Loopback } else { Endpoint::Remote };
        let (destination, kind, is_aws, embedded) = match aim {
            Aim::Aws(destination) => (destination.clone(), kind_of(&destination), true, None),
            Aim::Loopback(destination) => (destination, Endpoint::Loopback, false, None),
            Aim::Embedded => {
                let log = log.map(ArrivalLog::append).transpose().map_err(could_not_run)?;
                let embedded = Embedded::start(emulator.clone(), Extras { tls: None, log }).map_err(could_not_run)?;
                let options = connect::embedded(connection, embedded.endpoint_url(), &emulator.region);
                let destination = sdk::resolve(options).await.map_err(could_not_run)?;
                (destination, Endpoint::Embedded, false, Some(embedded))
            }
        };
        let set = ["AWS_ENDPOINT_URL_REKOGNITION", "AWS_ENDPOINT_URL"].into_iter().find(|name| std::env::var_os(name).is_some());
        let ignored = set.filter(|_| embedded.is_some());
        Transported::new(transport, &destination, requests).map_err(could_not_run)?;
        Ok(Self { destination, kind, is_aws, ignored, embedded })
    }

    /// Says where the calls go, before the first one; on AWS whose account they go to as well.
    pub(super) async fn announce(&self) {
        let destination = &self.destination;
        match self.kind {
            Endpoint::Embedded => {
                talk(&format!("target   embedded emulator at {}, region {}", destination.endpoint, destination.region));
            }
            _ => talk(&format!("target   {} (from {}), region {}", destination.endpoint, destination.origin, destination.region)),
        }
        if let Some(name) = self.ignored {
            talk(&format!("note     {name} is set and ignored: the target is the embedded emulator"));
        }
        if self.is_aws {
            talk(&format!("account  {}", destination.account().await.as_deref().unwrap_or("unknown (STS did not say)")));
            if let Some(hint) = connect::region_hint(&destination.region) {
                talk(&format!("warning  {hint}"));
            }
        }
    }

    /// Stops the embedded emulator and says whether its log is whole.
    pub(super) fn close(self) -> Result<(), Error> {
        self.embedded.map_or(Ok(()), Embedded::stop).map_err(|e| Error::NotTrusted(e.to_string()))
    }
}

/// One core's way to the service. Apart, so that a driver holds the futures of one transport and not of the larger one.
pub(super) enum Transported {
    Sdk(Sdk),
    Wire(Box<Wire>),
}

impl Transported {
    /// Says why there is none, if there is none.
    pub(super) fn new(transport: Transport, destination: &Destination, requests: &[CreateRequest]) -> Result<Self, String> {
        match transport {
            Transport::Sdk => Sdk::new(destination, requests).map(Self::Sdk).map_err(|e| e.to_string()),
            Transport::Wire => Wire::new(destination, requests).map(|wire| Self::Wire(Box::new(wire))).map_err(|e| e.to_string()),
        }
    }
}

/// SIGINT, SIGTERM, and the key that stands for them.
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    asks: UnboundedReceiver<Ask>,
    asker: UnboundedSender<Ask>,
}

impl Interrupts {
    pub(super) fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(could_not_run);
        let (asker, asks) = unbounded_channel();
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())?, asks, asker })
    }

    /// For who may ask the run to stop.
    pub(super) fn asker(&self) -> UnboundedSender<Ask> {
        self.asker.clone()
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.asks.recv() => {}
        }
    }
}
