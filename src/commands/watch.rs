//! How a run or a probe is watched and interrupted: what the flags and the terminal allow, and how it is left at once.

use std::future;
use std::io::IsTerminal as _;
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc::UnboundedSender;

use super::service::Interrupts;
use super::{Error, Exit, talk};
use crate::cli::{LiveMode, WatchArgs};
use crate::live::{self, Ask, Display, Form, Metrics, Scene};
use crate::load::{Cause, Ended, Gate, Pool};

/// The view needs a terminal that can do more than print, and nobody else who writes to it.
pub(super) fn form(args: &WatchArgs, debug: bool) -> Form {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    match args.live {
        LiveMode::Off => Form::Silent,
        _ if args.quiet => Form::Lines,
        LiveMode::On => Form::Screen,
        LiveMode::Auto if std::io::stderr().is_terminal() && !dumb && !debug => Form::Screen,
        LiveMode::Auto => Form::Lines,
    }
}

/// Something that is watched, or not.
pub(super) struct Show {
    display: Option<Display>,
    metrics: Option<Metrics>,
}

impl Show {
    /// Nobody watches.
    pub(super) const NOTHING: Self = Self { display: None, metrics: None };

    /// Begins to show what `news` tells.
    pub(super) fn start<S: Scene>(
        scene: S,
        (form, metrics): (Form, Option<Metrics>),
        asks: UnboundedSender<Ask>,
        news: Receiver<S::News>,
    ) -> Result<Self, Error> {
        let display = Display::start(scene, form, asks, news)
            .map_err(|reason| Error::CouldNotRun(format!("it cannot be shown: {reason}; --quiet prints lines instead")))?;
        Ok(Self { display: Some(display), metrics })
    }

    /// Serves the metrics for as long as it is polled; without any it waits for ever.
    pub(super) async fn serve(&self) {
        match (&self.display, &self.metrics) {
            (Some(display), Some(metrics)) => metrics.serve(|| display.metrics()).await,
            _ => future::pending().await,
        }
    }

    /// A sentence beside the numbers.
    pub(super) fn note(&self, text: &str) {
        match &self.display {
            Some(display) => display.note(text),
            None => talk(text),
        }
    }

    /// Gives the terminal back.
    pub(super) fn end(self) {
        if let Some(display) = self.display {
            display.end();
        }
    }
}

/// Waits for the cores; the first interrupt stops what goes on, the second the process.
pub(super) async fn join<T: Send + 'static>(
    pool: Pool<T>,
    gate: &Gate,
    mut interrupts: Interrupts,
    show: &Show,
) -> Result<Vec<Ended<T>>, Error> {
    let mut interrupted = false;
    let mut joined = std::pin::pin!(pool.join());
    let mut serving = std::pin::pin!(show.serve());
    loop {
        tokio::select! {
            ended = &mut joined => return ended.map_err(|e| Error::NotTrusted(e.to_string())),
            () = interrupts.next() => {
                if interrupted {
                    leave();
                }
                interrupted = true;
                gate.stop(Cause::Interrupted);
                show.note("stopping: nothing more is sent, answers are waited for; interrupt again to leave at once");
            }
            () = &mut serving => {}
        }
    }
}

/// Leaves at once, with what is on disk.
#[allow(clippy::exit)] // the second interrupt asks for exactly this: no waiting for whatever hangs
fn leave() -> ! {
    live::restore();
    talk("left at once; `livebench report` makes a report of what was written");
    std::process::exit(Exit::Interrupted as i32)
}
