//! The probe's loop: the next experiment, its calls, what was seen, and again.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::outcome::Outcome;
use crate::client::{self, Ask, Client};
use crate::live::Experiment;
use crate::load::{Admission, LoadLimits, LoadThread, StopCause, VolleyNames, Work, volley};
use crate::probe::{AnswerClass, Inquiry, Next, Observation, ProbeSettings, ProbeStop, SILENT, Volley};
use crate::record::sample::Sample;
use crate::results::{Diary, ResultsError};
use crate::units::Text64;

/// What a probe saw, and why it ended.
pub(super) struct Explored {
    pub(super) inquiry: Inquiry,
    pub(super) stop: ProbeStop,
    /// Why nothing that was heard is a word of the service: none of the first calls told anything, or this machine had nothing left for them.
    pub(super) silence: Option<String>,
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
    pub(super) settings: ProbeSettings,
    /// Keeps its tokens apart from those of every other probe.
    pub(super) nonce: u64,
    pub(super) log: ProbeLog,
}

impl Work for Exploration {
    type Output = Explored;

    async fn run<C: Client>(self, thread: LoadThread, client: &C) -> Explored {
        let Self { settings, nonce, log } = self;
        let client = &Listening::new(client, &thread.admission);
        // Nothing is due before the start of the clock.
        thread.pacer.until(Duration::ZERO).await;
        let mut inquiry = Inquiry::new(settings);
        let mut sessions = HashSet::new();
        let mut problem = None;
        let stop = loop {
            let batch = match stopped(&thread.admission) {
                Some(stop) => break client.silence.borrow().as_ref().map_or(stop, |(silent, _)| *silent),
                None => match inquiry.next(thread.pacer.now()) {
                    Next::Send(batch) => batch,
                    Next::Done(stop) => break stop,
                },
            };
            log.tell(|| Experiment::Begins(batch.clone()));
            let names = VolleyNames { nonce, seed: settings.seed, first: inquiry.observations().len() as u64 };
            let samples = volley(&thread, client, &batch.dues, names).await;
            let seen = observe(&batch, &samples, &mut sessions);
            if let Err(error) = log.keep(&seen) {
                problem = Some(error);
                thread.admission.stop(StopCause::SinkFailed);
            }
            // Learning takes time of its own: what is asked next counts from when it is over.
            inquiry.observe(&seen);
            log.tell(|| Experiment::Answered { observations: seen, kinds: inquiry.so_far() });
        };
        log.tell(|| Experiment::Over);
        let silence = client.silence.take().map(|(_, why)| why);
        Explored { inquiry, stop, silence, problem }
    }
}

/// A client that stops the session when so many answers in a row tell nothing.
#[derive(Debug)]
struct Listening<'a, C> {
    client: &'a C,
    admission: &'a Admission,
    /// Answers in a row that told nothing.
    silent: Cell<usize>,
    /// How that ends the probe, and why.
    silence: RefCell<Option<(ProbeStop, String)>>,
}

impl<'a, C> Listening<'a, C> {
    const fn new(client: &'a C, admission: &'a Admission) -> Self {
        Self { client, admission, silent: Cell::new(0), silence: RefCell::new(None) }
    }

    fn hear(&self, heard: &client::Answer) {
        if heard.outcome == Outcome::Harness {
            return self.exhausted(heard);
        }
        let says_nothing = answer(heard) == AnswerClass::Unknown;
        self.silent.set(if says_nothing { self.silent.get() + 1 } else { 0 });
        // A refused caller has a name and a stop of its own where calls are billed.
        if self.silent.get() == SILENT && self.admission.stopped().is_none() {
            let name = heard.exception.as_ref().map_or_else(|| heard.outcome.name(), |name| name.as_str());
            let status = heard.status.map_or_else(|| heard.outcome.name().to_owned(), |status| format!("HTTP {status}"));
            let what = if heard.status.is_some() { "no answer says anything of a limit" } else { "nothing was answered" };
            self.end(ProbeStop::Unanswered, format!("{name} ({status}): {what}; check the target"));
        }
    }

    /// A call that was never sent for want of something of this machine: what comes after it would be our limit, told as the service's.
    fn exhausted(&self, heard: &client::Answer) {
        let wanting = heard.exception.as_ref().map_or("resources", |name| name.as_str());
        let remedy = "raise the limit (ulimit -n, ip_local_port_range, memory), or lower --max-calls";
        self.end(ProbeStop::Exhausted, format!("this machine ran out of {wanting}, which says nothing of the service; {remedy}"));
    }

    /// Nothing more is worth sending. The first reason stands.
    fn end(&self, stop: ProbeStop, why: String) {
        self.silence.borrow_mut().get_or_insert((stop, why));
        self.admission.stop(StopCause::Interrupted);
    }
}

impl<C: Client> Client for Listening<'_, C> {
    async fn call(&self, ask: Ask) -> client::Answer {
        let answer = self.client.call(ask).await;
        self.hear(&answer);
        answer
    }

    fn connections_opened(&self) -> u64 {
        self.client.connections_opened()
    }
}

/// Why nothing more may be sent.
fn stopped(admission: &Admission) -> Option<ProbeStop> {
    admission.stopped().map(|cause| match cause {
        StopCause::BudgetCalls | StopCause::BudgetSpend => ProbeStop::Calls,
        StopCause::AccessDenied => ProbeStop::Denied,
        StopCause::Interrupted | StopCause::SinkFailed => ProbeStop::Interrupted,
    })
}

/// What was seen of a batch, in the order of sending.
fn observe(batch: &Volley, samples: &[Sample], sessions: &mut HashSet<Text64>) -> Vec<Observation> {
    let mut one = |sample: &Sample| {
        // Every call brings a fresh token: a session that was handed out before is no word about the quota.
        let repeated = sample.outcome() == Outcome::Ok && sample.answer.session_id.is_some_and(|id| !sessions.insert(id));
        let said = if repeated { AnswerClass::Unknown } else { answer(&sample.answer) };
        Some(batch.observe(sample.due, sample.sent?, sample.done?, said))
    };
    let mut seen: Vec<Observation> = samples.iter().filter_map(&mut one).collect();
    seen.sort_by_key(|o| (o.sent_us, o.done_us));
    seen
}

/// What an ending says about the quota.
const fn answer(heard: &client::Answer) -> AnswerClass {
    match (heard.outcome, heard.status) {
        (Outcome::Ok, _) => AnswerClass::Accepted,
        (Outcome::ThrottledQuota, _) => AnswerClass::Refused,
        (Outcome::ThrottledRamp, _) => AnswerClass::Ramp,
        (Outcome::ThrottledService, _) => AnswerClass::Service,
        (_, Some(429)) => AnswerClass::TooMany,
        (_, Some(503)) => AnswerClass::Unavailable,
        _ => AnswerClass::Unknown,
    }
}

/// The bounds of a probe. Where calls are `billed`, the first denied call is the last.
pub(super) fn limits(settings: &ProbeSettings, billed: bool) -> LoadLimits {
    let calls = u64::from(settings.max_calls);
    LoadLimits {
        concurrency: settings.max_calls as usize,
        max_rate: None,
        max_calls: Some((calls, StopCause::BudgetCalls)),
        stop_on_denied: billed,
    }
}
