//! The probe's loop: the next experiment, its calls, what was seen, and again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::commands::Error;
use crate::commands::could_not_run;
use crate::commands::service::{Client, Interrupts, Service};
use crate::emulator::model::Emulator;
use crate::load::{self, Cause, Core, Gate, Limits, Names, Pacer, volley};
use crate::probe::{Answer, Batch, Next, Observation, Settings, Stop, next};
use crate::record::sample::Sample;
use crate::results::{Diary, ResultsError};
use crate::scenario::Transport;
use crate::scenario::emulator::EmulatorConfig;
use crate::target::Target;
use crate::target::model::Model;
use crate::target::outcome::Outcome;
use crate::target::request::CreateRequest;

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

/// One probe from its first call to its end.
async fn drive<T: Target>(settings: Settings, nonce: u64, target: &T, pacer: &Pacer, gate: &Gate, mut diary: Diary) -> Probed {
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
        let names = Names { nonce, seed: settings.seed, first: observations.len() as u64 };
        let samples = volley(&batch.dues, names, target, pacer, gate).await;
        let seen = observe(&batch, &samples);
        if let Err(error) = diary.add(&seen) {
            problem = Some(error);
            gate.stop(Cause::SinkFailed);
        }
        observations.extend(seen);
    };
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
    load::run_virtual(&pacer, drive(settings, 0, &model, &pacer, &gate, diary))
        .ok_or_else(|| Error::NotTrusted("virtual time ran out of events before the probe ended; please report this".to_owned()))
}

/// In real time, on a thread of its own.
pub(super) async fn really(
    service: &Service,
    settings: Settings,
    transport: Transport,
    nonce: u64,
    diary: Diary,
) -> Result<Probed, Error> {
    let gate = Arc::new(Gate::new(limits(&settings, service.is_aws)));
    let start = Pacer::starting_in(LEAD);
    if let Some(embedded) = &service.embedded {
        embedded.restart_at(start.instant());
    }
    let (destination, shared) = (service.destination.clone(), Arc::clone(&gate));
    // The one core takes it.
    let diary = Mutex::new(Some(diary));
    let work = move |Core { pacer, .. }| {
        let client = Client::new(transport, &destination, &[CreateRequest::default()]);
        let gate = Arc::clone(&shared);
        let diary = diary.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            let diary = diary.ok_or_else(|| "its diary is gone; please report this".to_owned())?;
            Ok(match client? {
                Client::Sdk(sdk) => drive(settings, nonce, &sdk, &pacer, &gate, diary).await,
                Client::Wire(wire) => drive(settings, nonce, &*wire, &pacer, &gate, diary).await,
            })
        }
    };
    let pool = load::spawn(1, start, false, work).map_err(could_not_run)?;
    let mut interrupts = Interrupts::new()?;
    let mut joined = std::pin::pin!(pool.join());
    let ended = loop {
        tokio::select! {
            ended = &mut joined => break ended,
            () = interrupts.next() => gate.stop(Cause::Interrupted),
        }
    };
    let mut ended = ended.map_err(|e| Error::NotTrusted(e.to_string()))?;
    let core: Option<Result<Probed, String>> = ended.pop().map(|core| core.output);
    core.unwrap_or_else(|| Err("no core ran".to_owned())).map_err(could_not_run)
}
