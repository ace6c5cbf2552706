//! What a run's view is told before the first call.

use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::sync::mpsc::UnboundedSender;

use super::drive::Job;
use crate::cli::RunArgs;
use crate::commands::service::Service;
use crate::commands::watch::{self, Show};
use crate::commands::{Error, could_not_run, talk};
use crate::live::{Ask, Form, Metrics, Plan, State};
use crate::results::SoFar;
use crate::scenario::Scenario;
use crate::service::price::USD_PER_CHECK;
use crate::summary::Called;

/// What may wait to be shown; beyond it the journal keeps it.
const WAITING: usize = 4;

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
        Ok(Self { form: watched.map_or(Form::Silent, |(args, debug)| watch::form(&args.watch, debug)), metrics, plan })
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
            return Ok((Show::NOTHING, None));
        }
        let (watcher, news) = sync_channel(WAITING);
        Ok((Show::start(State::new(self.plan), (self.form, self.metrics), asks, news)?, Some(watcher)))
    }
}
