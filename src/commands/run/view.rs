//! How a run is watched: what the flags and the terminal allow.

use std::future;
use std::io::IsTerminal as _;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc::UnboundedSender;

use super::drive::Job;
use crate::cli::{Live, RunArgs};
use crate::commands::service::Service;
use crate::commands::{Error, could_not_run, talk};
use crate::live::{Ask, Display, Form, Metrics, Plan, State};
use crate::results::SoFar;
use crate::scenario::Scenario;
use crate::scenario::preview::USD_PER_CHECK;
use crate::summary::Called;

/// What is to be shown, and how.
pub(super) struct View {
    form: Form,
    metrics: Option<Metrics>,
    plan: Plan,
}

impl View {
    /// Decides the form, and listens for `--metrics`: before the first call. `watched` are the options and whether the SDK talks; without
    /// them nothing is shown.
    pub(super) async fn of(
        watched: Option<(&RunArgs, bool)>,
        (service, scenario, job, called): (&Service, &Scenario, &Job, &Called),
    ) -> Result<Self, Error> {
        let metrics = match watched.and_then(|(args, _)| args.metrics) {
            Some(address) => Some(Metrics::bind(address).await.map_err(could_not_run)?),
            None => None,
        };
        let budgeted = service.is_aws || scenario.budget.max_calls.is_some();
        let plan = Plan {
            scenario: scenario.clone(),
            called: called.clone(),
            endpoint: service.destination.endpoint.clone(),
            schedule: job.schedule(),
            length: job.length(),
            calls_at_most: budgeted.then(|| job.calls_at_most(&scenario.budget, service.is_aws)),
            usd_per_call: if service.is_aws { USD_PER_CHECK } else { 0.0 },
        };
        Ok(Self { form: watched.map_or(Form::Silent, |(args, debug)| form(args, debug)), metrics, plan })
    }

    /// Says where the metrics are.
    pub(super) fn announce(&self) {
        if let Some(metrics) = &self.metrics {
            talk(&format!("metrics  http://{}/metrics", metrics.address()));
        }
    }

    /// Begins; without anybody to show it to, nothing is started.
    pub(super) fn start(self, asks: UnboundedSender<Ask>) -> Result<(Show, Option<SyncSender<SoFar>>), Error> {
        if self.form == Form::Silent && self.metrics.is_none() {
            return Ok((Show { display: None, metrics: None }, None));
        }
        let (display, watcher) = Display::start(State::new(self.plan), self.form, asks).map_err(|reason| {
            Error::CouldNotRun(format!("the run cannot be shown: {reason}; --live off prints lines instead"))
        })?;
        Ok((Show { display: Some(display), metrics: self.metrics }, Some(watcher)))
    }
}

/// The view needs a terminal that can do more than print, and nobody else who writes to it.
fn form(args: &RunArgs, debug: bool) -> Form {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    match args.live {
        _ if args.quiet => Form::Silent,
        Live::On => Form::Screen,
        Live::Auto if std::io::stderr().is_terminal() && !dumb && !debug => Form::Screen,
        Live::Auto | Live::Off => Form::Lines,
    }
}

/// A run that is watched.
pub(super) struct Show {
    display: Option<Display>,
    metrics: Option<Metrics>,
}

impl Show {
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
