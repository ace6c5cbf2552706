//! The probe's loop: the next experiment, its calls, what was seen, and again.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::Client;
use crate::client::outcome::Outcome;
use crate::live::Experiment;
use crate::load::{Admission, LoadLimits, LoadThread, StopCause, VolleyNames, Work, volley};
use crate::probe::{Answer, Batch, Next, Observation, Settings, Stop, next};
use crate::record::sample::Sample;
use crate::results::{Diary, ResultsError};

/// What a probe saw, and why it ended.
#[derive(Debug)]
pub(super) struct Explored {
    pub(super) observations: Vec<Observation>,
    pub(super) stop: Stop,
    /// Why not everything was kept.
    pub(super) problem: Option<ResultsError>,
}

/// Where a probe's calls and answers are kept, and who is told of them.
#[derive(Debug, Clone)]
pub(super) struct ProbeLog {
    diary: Arc<Mutex<Diary>>,
    watcher: Option<Sender<Experiment>>,
}

impl ProbeLog {
    /// Keeps in `diary` and tells the watcher, if there is one.
    pub(super) fn new(diary: Diary, watcher: Option<Sender<Experiment>>) -> Self {
        Self { diary: Arc::new(Mutex::new(diary)), watcher }
    }

    fn keep(&self, seen: &[Observation]) -> Result<(), ResultsError> {
        self.diary.lock().unwrap_or_else(PoisonError::into_inner).add(seen)
    }

    /// Tells whoever watches; that nobody does any more is no reason to stop.
    fn tell(&self, news: impl FnOnce() -> Experiment) {
        if let Some(watcher) = &self.watcher {
            let _ = watcher.send(news());
        }
    }
}

/// One probe from its first call to its end.
#[derive(Debug, Clone)]
pub(super) struct Exploration {
    pub(super) settings: Settings,
    /// Keeps its tokens apart from those of every other probe.
    pub(super) nonce: u64,
    pub(super) log: ProbeLog,
}

impl Work for Exploration {
    type Output = Explored;

    async fn run<C: Client>(self, thread: LoadThread, client: &C) -> Explored {
        let Self { settings, nonce, log } = self;
        // Nothing is due before the start of the clock.
        thread.pacer.until(Duration::ZERO).await;
        let mut observations: Vec<Observation> = Vec::new();
        let mut problem = None;
        let stop = loop {
            let batch = match stopped(&thread.admission) {
                Some(stop) => break stop,
                None => match next(&settings, &observations, thread.pacer.now()) {
                    Next::Send(batch) => batch,
                    Next::Done(stop) => break stop,
                },
            };
            log.tell(|| Experiment::Begins(batch.clone()));
            let names = VolleyNames { nonce, seed: settings.seed, first: observations.len() as u64 };
            let samples = volley(&thread, client, &batch.dues, names).await;
            let seen = observe(&batch, &samples);
            if let Err(error) = log.keep(&seen) {
                problem = Some(error);
                thread.admission.stop(StopCause::SinkFailed);
            }
            log.tell(|| Experiment::Answered(seen.clone()));
            observations.extend(seen);
        };
        log.tell(|| Experiment::Over);
        Explored { observations, stop, problem }
    }
}

/// Why nothing more may be sent.
fn stopped(admission: &Admission) -> Option<Stop> {
    admission.stopped().map(|cause| match cause {
        StopCause::BudgetCalls | StopCause::BudgetSpend => Stop::Calls,
        StopCause::AccessDenied => Stop::Denied,
        StopCause::Interrupted | StopCause::SinkFailed => Stop::Interrupted,
    })
}

/// What was seen of a batch, in the order of sending.
fn observe(batch: &Batch, samples: &[Sample]) -> Vec<Observation> {
    let one = |sample: &Sample| Some(batch.observe(sample.due, sample.sent?, sample.done?, answer(sample.outcome())));
    let mut seen: Vec<Observation> = samples.iter().filter_map(one).collect();
    seen.sort_by_key(|o| (o.sent_us, o.done_us));
    seen
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

/// The bounds of a probe. Where calls are `billed`, the first denied call is the last.
pub(super) fn limits(settings: &Settings, billed: bool) -> LoadLimits {
    let calls = u64::from(settings.max_calls);
    LoadLimits {
        concurrency: settings.max_calls as usize,
        max_rate: None,
        max_calls: Some((calls, StopCause::BudgetCalls)),
        stop_on_denied: billed,
    }
}
