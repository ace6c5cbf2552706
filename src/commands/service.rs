//! What is called, reached: the address, the embedded emulator behind it, and each thread's client. Shared by the commands that drive load.

use std::path::Path;

use thiserror::Error as ThisError;

use super::connect::{self, Target};
use super::{Error, could_not_run, not_trusted, talk};
use crate::cli::ConnectionArgs;
use crate::client::request::CreateRequest;
use crate::client::sdk::{self, Destination, Sdk, SdkSetupError};
use crate::client::wire::{Wire, WireSetupError};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::http::{ArrivalLog, Embedded, Extras};
use crate::load::StartInstant;
use crate::load::{LoadSession, LoadThread, Running, Work};
use crate::scenario::Transport;
use crate::summary::{Called, Endpoint};

/// How a target is to be reached.
#[derive(Debug, Clone)]
pub(super) struct ServiceOptions<'a> {
    /// Where and as whom.
    pub(super) connection: &'a ConnectionArgs,
    /// What an embedded emulator shall be.
    pub(super) emulator: &'a EmulatorConfig,
    /// Where an embedded emulator writes its arrivals.
    pub(super) log: Option<&'a Path>,
    /// Who makes the calls.
    pub(super) transport: Transport,
    /// Every request that will be made.
    pub(super) requests: Vec<CreateRequest>,
}

/// What is called, and what must be closed afterwards.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) destination: Destination,
    pub(super) kind: Endpoint,
    /// Whether calls may cost money: budgets count, and the first denied call is the last.
    pub(super) is_aws: bool,
    /// An endpoint of the environment that is not used.
    ignored: Option<&'static str>,
    embedded: Option<Embedded>,
    transport: Transport,
    requests: Vec<CreateRequest>,
}

impl Service {
    /// Reaches a target; an embedded emulator is started. What the transport would refuse of the requests is known before anything is
    /// written.
    pub(super) async fn reach(target: Target, options: ServiceOptions<'_>) -> Result<Self, Error> {
        let ServiceOptions { connection, emulator, log, transport, requests } = options;
        let kind_of = |destination: &Destination| if destination.is_loopback() { Endpoint::Loopback } else { Endpoint::Remote };
        let (destination, kind, is_aws, embedded) = match target {
            Target::Aws(destination) => (destination.clone(), kind_of(&destination), true, None),
            Target::Loopback(destination) => (destination, Endpoint::Loopback, false, None),
            Target::Embedded => {
                let log = log.map(ArrivalLog::append).transpose().map_err(could_not_run)?;
                let embedded = Embedded::start(emulator.clone(), Extras { tls: None, log }).map_err(could_not_run)?;
                let options = connect::embedded(connection, embedded.endpoint_url(), &emulator.region);
                let destination = sdk::resolve(options).await.map_err(could_not_run)?;
                (destination, Endpoint::Embedded, false, Some(embedded))
            }
        };
        let set = ["AWS_ENDPOINT_URL_REKOGNITION", "AWS_ENDPOINT_URL"]
            .into_iter()
            .find(|name| std::env::var_os(name).is_some_and(|url| !url.is_empty()));
        let ignored = set.filter(|_| embedded.is_some());
        Transported::new(transport, &destination, &requests).map_err(could_not_run)?;
        Ok(Self { destination, kind, is_aws, ignored, embedded, transport, requests })
    }

    /// What is called, as the files and the report name it.
    pub(super) fn called(&self) -> Called {
        Called {
            endpoint: self.kind,
            region: self.destination.region.clone(),
            transport: self.transport.name().to_owned(),
            virtual_time: false,
        }
    }

    /// Says where the calls go, before the first one; on AWS whose account they go to as well.
    pub(super) async fn announce(&self) {
        let destination = &self.destination;
        if self.kind == Endpoint::Embedded {
            talk(&format!("target   embedded emulator at {}, region {}", destination.endpoint, destination.region));
        } else {
            talk(&format!("target   {} (from {}), region {}", destination.endpoint, destination.origin, destination.region));
            connect::talk_of_keys(destination);
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

    /// Says why access may have been denied, where the region tells.
    pub(super) fn explain_denial(&self) {
        if let Some(hint) = connect::region_hint(&self.destination.region) {
            talk(&format!("access was denied: {hint}"));
        }
    }

    /// Begins a session on it, at `start` or as soon as its threads are ready: each thread makes its client before the start, then does the work that `work` makes for it.
    pub(super) fn begin<W>(
        &self,
        session: &LoadSession,
        start: Option<StartInstant>,
        work: impl Fn() -> W + Send + Sync + 'static,
    ) -> Result<Running<Result<W::Output, TransportError>>, Error>
    where
        W: Work,
        W::Output: Send + 'static,
    {
        let start = start.unwrap_or_else(|| session.start());
        if let Some(embedded) = &self.embedded {
            embedded.restart_at(start.instant());
        }
        let (transport, destination, requests) = (self.transport, self.destination.clone(), self.requests.clone());
        let on_thread = move |thread: LoadThread| {
            // Before the start: TLS settings are read here.
            let (client, work) = (Transported::new(transport, &destination, &requests), work());
            async move { Ok(client?.run(work, thread).await) }
        };
        session.spawn(start, on_thread).map_err(could_not_run)
    }

    /// Stops the embedded emulator and says whether its log is whole.
    pub(super) fn close(self) -> Result<(), Error> {
        self.embedded.map_or(Ok(()), Embedded::stop).map_err(not_trusted)
    }
}

/// Why a thread has no client.
#[derive(Debug, ThisError)]
pub(super) enum TransportError {
    /// See [`SdkSetupError`].
    #[error(transparent)]
    Sdk(#[from] SdkSetupError),
    /// See [`WireSetupError`].
    #[error(transparent)]
    Wire(#[from] WireSetupError),
}

/// One thread's client, of either transport.
enum Transported {
    Sdk(Sdk),
    Wire(Box<Wire>),
}

impl Transported {
    fn new(transport: Transport, destination: &Destination, requests: &[CreateRequest]) -> Result<Self, TransportError> {
        Ok(match transport {
            Transport::Sdk => Self::Sdk(Sdk::new(destination, requests)?),
            Transport::Wire => Self::Wire(Box::new(Wire::new(destination, requests)?)),
        })
    }

    /// Does the work with it. Each transport apart, so that a driver holds the futures of one and not of the larger one.
    async fn run<W: Work>(&self, work: W, thread: LoadThread) -> W::Output {
        match self {
            Self::Sdk(sdk) => work.run(thread, sdk).await,
            Self::Wire(wire) => work.run(thread, &**wire).await,
        }
    }
}
