//! The probe's loop: the next experiment, its calls, what was seen, and again.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::Client;
use crate::client::model::Model;
use crate::client::outcome::Outcome;
use crate::client::request::CreateRequest;
use crate::commands::Error;
use crate::commands::could_not_run;
use crate::commands::service::{Interrupts, Service, Transported};
use crate::commands::watch::{self, Show};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::model::Emulator;
use crate::live::{Experiment, Form, Probing, Setting};
use crate::load::{self, Cause, Core, Gate, Limits, Names, Pacer, volley};
use crate::probe::{Answer, Batch, Next, Observation, Settings, Stop, next};
use crate::record::sample::Sample;
use crate::results::{Diary, ResultsError};
use crate::scenario::Transport;
use crate::service::price::USD_PER_CHECK;

/// Time to be ready before the first call.
const LEAD: Duration = Duration::from_millis(100);

/// How a probe went.
#[derive(Debug)]
pub(super) struct Probed {
    pub(super) observations: Vec<Observation>,
    pub(super) stop: Stop,
    /// Why not everything was kept.
    pub(super) problem: Option<ResultsError>,
}

/// What an ending says about the quota.
const fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Ok | Outcome::MalformedSuccess => Answer::Accepted,
        Outcome::ThrottledQuota => Answer::Refused,
        Outcome::ThrottledRamp => Answer::Ramp,
        Outcome::ThrottledService => Answer::Service,
        _ => Answer::Unknown,
    }
}

/// Where a probe's calls and answers are kept, and who is told of them.
struct Desk {
    diary: Diary,
    watcher: Option<Sender<Experiment>>,
}

impl Desk {
    /// Tells whoever watches; that nobody does any more is no reason to stop.
    fn tell(&self, news: impl FnOnce() -> Experiment) {
        if let Some(watcher) = &self.watcher {
            let _ = watcher.send(news());
        }
    }
}

/// One probe from its first call to its end.
async fn drive<T: Client>(settings: Settings, nonce: u64, client: &T, pacer: &Pacer, gate: &Gate, mut desk: Desk) -> Probed {
    // Nothing is due before the start of the clock.
    pacer.until(Duration::ZERO).await;
    let mut observations: Vec<Observation> = Vec::new();
    let mut problem = None;
    let stop = loop {
        let batch = match stopped(gate) {
            Some(stop) => break stop,
            None => match next(&settings, &observations, pacer.now()) {
                Next::Send(batch) => batch,
                Next::Done(stop) => break stop,
            },
        };
        desk.tell(|| Experiment::Begins(batch.clone()));
        let names = Names { nonce, seed: settings.seed, first: observations.len() as u64 };
        let samples = volley(&batch.dues, names, client, pacer, gate).await;
        let seen = observe(&batch, &samples);
        if let Err(error) = desk.diary.add(&seen) {
            problem = Some(error);
            gate.stop(Cause::SinkFailed);
        }
        desk.tell(|| Experiment::Answered(seen.clone()));
        observations.extend(seen);
    };
    desk.tell(|| Experiment::Over);
    Probed { observations, stop, problem }
}

/// Why nothing more may be sent.
fn stopped(gate: &Gate) -> Option<Stop> {
    gate.stopped().map(|cause| match cause {
        Cause::BudgetCalls | Cause::BudgetSpend => Stop::Calls,
        Cause::AccessDenied => Stop::Denied,
        Cause::Interrupted | Cause::SinkFailed => Stop::Interrupted,
    })
}

/// What was seen of a batch, in the order of sending.
fn observe(batch: &Batch, samples: &[Sample]) -> Vec<Observation> {
    let one = |sample: &Sample| Some(batch.observe(sample.due, sample.sent?, sample.done?, answer(sample.outcome())));
    let mut seen: Vec<Observation> = samples.iter().filter_map(one).collect();
    seen.sort_by_key(|o| (o.sent_us, o.done_us));
    seen
}

fn limits(settings: &Settings, is_aws: bool) -> Limits {
    let calls = u64::from(settings.max_calls);
    Limits {
        concurrency: settings.max_calls as usize,
        max_rate: None,
        max_calls: Some((calls, Cause::BudgetCalls)),
        stop_on_denied: is_aws,
    }
}

/// In virtual time, on the emulator's model.
pub(super) fn virtually(emulator: &EmulatorConfig, settings: Settings, diary: Diary) -> Result<Probed, Error> {
    let pacer = Pacer::virtual_time();
    let gate = Gate::new(limits(&settings, false));
    let model = Model::new(Emulator::new(emulator.clone()), vec![CreateRequest::default()], pacer.clone());
    load::run_virtual(&pacer, drive(settings, 0, &model, &pacer, &gate, Desk { diary, watcher: None }))
        .ok_or_else(|| Error::NotTrusted("virtual time ran out of events before the probe ended; please report this".to_owned()))
}

/// What is the same for all of a probe in real time.
pub(super) struct Way {
    pub(super) settings: Settings,
    pub(super) transport: Transport,
    pub(super) nonce: u64,
    pub(super) form: Form,
}

/// In real time, on a thread of its own.
pub(super) async fn really(service: &Service, way: Way, diary: Diary) -> Result<Probed, Error> {
    let Way { settings, transport, nonce, form } = way;
    let gate = Arc::new(Gate::new(limits(&settings, service.is_aws)));
    let interrupts = Interrupts::new()?;
    let (show, watcher) = show(service, settings, form, &interrupts)?;
    let start = Pacer::starting_in(LEAD);
    if let Some(embedded) = &service.embedded {
        embedded.restart_at(start.instant());
    }
    let (destination, shared) = (service.destination.clone(), Arc::clone(&gate));
    // The one core takes it.
    let desk = Mutex::new(Some(Desk { diary, watcher }));
    let work = move |Core { pacer, .. }| {
        let client = Transported::new(transport, &destination, &[CreateRequest::default()]);
        let gate = Arc::clone(&shared);
        let desk = desk.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            let desk = desk.ok_or_else(|| "its diary is gone; please report this".to_owned())?;
            Ok(match client? {
                Transported::Sdk(sdk) => drive(settings, nonce, &sdk, &pacer, &gate, desk).await,
                Transported::Wire(wire) => drive(settings, nonce, &*wire, &pacer, &gate, desk).await,
            })
        }
    };
    let pool = load::spawn(1, start, false, work).map_err(could_not_run)?;
    let ended = watch::join(pool, &gate, interrupts, &show).await;
    show.end();
    let core: Option<Result<Probed, String>> = ended?.pop().map(|core| core.output);
    core.unwrap_or_else(|| Err("no core ran".to_owned())).map_err(could_not_run)
}

/// Begins to show it.
fn show(
    service: &Service,
    settings: Settings,
    form: Form,
    interrupts: &Interrupts,
) -> Result<(Show, Option<Sender<Experiment>>), Error> {
    if form == Form::Silent {
        return Ok((Show::NOTHING, None));
    }
    let setting = Setting {
        endpoint: service.destination.endpoint.clone(),
        region: service.destination.region.clone(),
        settings,
        usd_per_call: if service.is_aws { USD_PER_CHECK } else { 0.0 },
    };
    let (watcher, news) = channel();
    Ok((Show::start(Probing::new(setting), (form, None), interrupts.asker(), news)?, Some(watcher)))
}
