//! How a run or a probe is watched and interrupted: what the flags and the terminal allow, and how it is left at once.

use std::future;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Error, Exit, could_not_run, not_trusted, talk};
use crate::cli::{LiveMode, WatchArgs};
use crate::live::{self, Display, Form, Metrics, Scene, ViewRequest};
use crate::load::{Admission, EndedSession, Running, StopCause};

/// How something is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct ViewOptions {
    form: Form,
    /// Where the metrics are served.
    metrics: Option<SocketAddr>,
    /// How long answers are waited for after an interrupt.
    grace: Duration,
}

impl ViewOptions {
    /// Nothing is shown.
    pub(super) const NOTHING: Self = Self { form: Form::Silent, metrics: None, grace: Duration::from_secs(10) };

    /// What the options ask for. The view needs a terminal that can do more than print, and nobody else who writes to it: `debug` does.
    pub(super) fn of(args: &WatchArgs, debug: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let form = match args.live {
            LiveMode::Off => Form::Silent,
            _ if args.quiet => Form::Lines,
            LiveMode::On => Form::Screen,
            LiveMode::Auto if std::io::stderr().is_terminal() && !dumb && !debug => Form::Screen,
            LiveMode::Auto => Form::Lines,
        };
        Self { form, metrics: None, grace: args.grace }
    }

    /// The same with metrics, served at this address.
    pub(super) const fn with_metrics(self, address: Option<SocketAddr>) -> Self {
        Self { metrics: address, ..self }
    }

    /// Listens for interrupts and for those who read the metrics: before a file is made and a call is sent.
    pub(super) async fn open(self) -> Result<OpenView, Error> {
        self.open_with(Interrupts::new()?).await
    }

    /// The same for who listens for interrupts already.
    pub(super) async fn open_with(self, interrupts: Interrupts) -> Result<OpenView, Error> {
        let metrics = match self.metrics {
            Some(address) => Some(Metrics::bind(address).await.map_err(could_not_run)?),
            None => None,
        };
        Ok(OpenView { form: self.form, metrics, grace: self.grace, interrupts })
    }
}

/// Ready to show something.
pub(super) struct OpenView {
    form: Form,
    metrics: Option<Metrics>,
    grace: Duration,
    interrupts: Interrupts,
}

impl OpenView {
    /// Whether anybody is there to be told.
    pub(super) fn shows(&self) -> bool {
        self.form != Form::Silent || self.metrics.is_some()
    }

    /// Says where the metrics are.
    pub(super) fn announce(&self) {
        if let Some(metrics) = &self.metrics {
            talk(&format!("metrics  http://{}/metrics", metrics.address()));
        }
    }

    /// Begins to show what `news` tells of the scene; without anybody to show it to no view is started.
    pub(super) fn start<S: Scene>(self, scene: impl FnOnce() -> S, news: Receiver<S::News>) -> Result<Watch, Error> {
        let shows = self.shows();
        let Self { form, metrics, grace, interrupts } = self;
        let display = if shows {
            let display = Display::start(scene(), form, interrupts.asker.clone(), news);
            Some(display.map_err(|reason| could_not_run(format!("it cannot be shown: {reason}; --quiet prints lines instead")))?)
        } else {
            None
        };
        Ok(Watch { interrupts, show: Show { display, metrics }, grace })
    }
}

/// SIGINT, SIGTERM, SIGHUP, and the key that stands for them.
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal is closed.
    hang_up: Signal,
    asks: UnboundedReceiver<ViewRequest>,
    /// For the view, whose keys may ask to stop.
    asker: UnboundedSender<ViewRequest>,
}

impl Interrupts {
    /// Listens from now on.
    pub(super) fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(could_not_run);
        let (asker, asks) = unbounded_channel();
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            asks,
            asker,
        })
    }

    /// Waits for work that ends early once `hold` is dropped: the first interrupt does that, the second ends the process. `None` after an interrupt,
    /// whatever came of the work.
    pub(super) async fn wait_for<T>(&mut self, work: impl Future<Output = T>, hold: Sender<()>) -> Option<T> {
        let (mut work, mut hold) = (std::pin::pin!(work), Some(hold));
        loop {
            tokio::select! {
                done = &mut work => return hold.map(|_| done),
                () = self.next() => if hold.take().is_none() {
                    leave("nothing was sent");
                }
            }
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            _ = self.asks.recv() => {}
        }
    }
}

/// Something that is watched, or not.
struct Show {
    display: Option<Display>,
    metrics: Option<Metrics>,
}

impl Show {
    /// Serves the metrics for as long as it is polled; without any it waits for ever.
    async fn serve(&self) {
        match (&self.display, &self.metrics) {
            (Some(display), Some(metrics)) => metrics.serve(|| display.metrics()).await,
            _ => future::pending().await,
        }
    }

    /// A sentence beside the numbers.
    fn note(&self, text: &str) {
        match &self.display {
            Some(display) => display.note(text),
            None => talk(text),
        }
    }
}

/// Somebody who may look at a session, and may interrupt it.
pub(super) struct Watch {
    interrupts: Interrupts,
    show: Show,
    grace: Duration,
}

impl Watch {
    /// Waits for a session's threads and gives the terminal back; the first interrupt stops what goes on, the second the process.
    pub(super) async fn join<R>(self, running: Running<R>, admission: &Admission) -> Result<EndedSession<R>, Error> {
        let Self { mut interrupts, show, grace } = self;
        let (mut interrupted, mut given_up) = (false, false);
        let mut joined = std::pin::pin!(running.join());
        let mut serving = std::pin::pin!(show.serve());
        let mut patience = std::pin::pin!(tokio::time::sleep(grace));
        loop {
            tokio::select! {
                ended = &mut joined => return ended.map_err(not_trusted),
                () = interrupts.next() => {
                    if interrupted {
                        leave("`livebench report` makes a report of what was written");
                    }
                    interrupted = true;
                    patience.as_mut().reset(tokio::time::Instant::now() + grace);
                    admission.stop(StopCause::Interrupted);
                    show.note("stopping: nothing more is sent, answers are waited for; interrupt again to leave at once");
                }
                () = &mut patience, if interrupted && !given_up => {
                    given_up = true;
                    admission.give_up();
                }
                () = &mut serving => {}
            }
        }
    }
}

/// Leaves at once, with what is on disk.
#[allow(clippy::exit)] // the second interrupt asks for exactly this: no waiting for whatever hangs
fn leave(advice: &str) -> ! {
    live::restore();
    talk(&format!("left at once; {advice}"));
    std::process::exit(Exit::Interrupted as i32)
}
