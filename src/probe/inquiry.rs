//! A probe as it goes on: what was seen, what is believed of it, and what is asked next.
//!
//! Pure: the same observations give the same beliefs and the same questions, so that a probe can be followed from its files. Refuses to
//! send, and to read a clock.

use std::time::Duration;

use super::belief::Belief;
use super::choice::{self, Purse};
use super::observation::{AnswerClass, Observation, Phase, Volley};
use super::settings::{ProbeSettings, ProbeStop};
use super::signal::{self, Signal};
use super::timeline::Timeline;
use super::view::seconds;
use crate::limiter::suspect::Facts;
use crate::num::count;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send these calls, and come back when all of them are answered.
    Send(Volley),
    /// No more.
    Done(ProbeStop),
}

/// So many answers in a row that are neither a success nor a refusal end a probe.
pub const SILENT: usize = 5; // derived: where half of the calls fail by chance, one probe in 32 begins like that

/// The part of its time for which a probe knocks at a limiter that refuses everything.
const PATIENCE: f64 = 0.5; // derived: what lets nothing through in half of the time is not measured in the other half

/// A probe as far as it went.
#[derive(Clone)]
pub struct Inquiry {
    pub(super) settings: ProbeSettings,
    pub(super) observations: Vec<Observation>,
    pub(super) timeline: Timeline,
    pub(super) belief: Option<Belief>,
    pub(super) facts: Option<Facts>,
    signal: Option<Signal>,
}

impl Inquiry {
    /// Before the first call.
    pub fn new(settings: ProbeSettings) -> Self {
        Self { settings, observations: Vec::new(), timeline: Timeline::default(), belief: None, facts: None, signal: None }
    }

    /// Of observations that were made already, batch by batch as they were.
    pub fn of(settings: ProbeSettings, observations: &[Observation]) -> Self {
        let mut inquiry = Self::new(settings);
        for batch in observations.chunk_by(|a, b| a.round == b.round) {
            inquiry.observe(batch);
        }
        inquiry
    }

    /// What was seen so far.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// Learns the answers of a batch.
    pub fn observe(&mut self, batch: &[Observation]) {
        self.observations.extend_from_slice(batch);
        let signal = signal::signal(&self.observations);
        if self.signal.is_some() && signal != self.signal {
            // What was taken for a refusal is none: everything is read anew.
            *self = Self { signal, ..Self::new(self.settings) }.reread(std::mem::take(&mut self.observations));
            return;
        }
        self.signal = signal;
        self.learn(batch);
    }

    fn reread(mut self, observations: Vec<Observation>) -> Self {
        for batch in observations.chunk_by(|a, b| a.round == b.round) {
            self.learn(batch);
        }
        self.observations = observations;
        self
    }

    fn learn(&mut self, batch: &[Observation]) {
        self.timeline.add(batch, self.signal);
        if self.belief.is_none() {
            self.facts = self.first_refusal();
            self.belief = self.facts.map(|facts| Belief::new(&facts, self.settings.seed));
        }
        let work_s = self.timeline.work();
        // derived: at each doubling, so that all is told anew but a few times
        if let Some(facts) = self.facts.as_mut().filter(|facts| work_s > 2.0 * facts.late_s()) {
            facts.work_s = work_s;
            self.belief = Some(Belief::new(facts, self.settings.seed));
        }
        if let Some(belief) = &mut self.belief {
            belief.follow(&self.timeline);
        }
    }

    /// The scale of things, once something was let through and something refused.
    fn first_refusal(&self) -> Option<Facts> {
        let told = &self.timeline.told;
        let first = told.iter().position(|call| call.passed == Some(false))?;
        if self.timeline.passed.is_empty() {
            return None;
        }
        let burst = told[..first].iter().filter(|call| call.passed == Some(true)).count();
        let (begin, at) = (told[0].t, told[first].t);
        Some(Facts {
            burst: count(burst),
            filled_s: at - begin,
            origin: at,
            trip: self.timeline.trip(),
            work_s: self.timeline.work(),
            most_s: self.settings.max_seconds.max(1.0),
        })
    }

    /// What is sent next. `now` is the time since the probe's start.
    pub fn next(&self, now: Duration) -> Next {
        let now = now.as_secs_f64();
        let Some(last) = self.observations.last() else { return self.send(Phase::Burst, vec![now], 0) };
        if let Some(stop) = self.ended(now) {
            return Next::Done(stop);
        }
        let round = last.round + 1;
        match &self.belief {
            Some(belief) => {
                let purse = Purse {
                    calls: self.calls_left().min(self.sessions_left()),
                    seconds: self.deadline() - now,
                    now,
                    precision: self.settings.precision,
                    draws: (self.settings.seed, u64::from(round)),
                };
                let (phase, dues) = choice::next(belief, &self.timeline, &purse);
                self.send(phase, dues, round)
            }
            None => self.open(now, round),
        }
    }

    fn ended(&self, now: f64) -> Option<ProbeStop> {
        if self.calls_left() == 0 {
            return Some(ProbeStop::Calls);
        }
        if self.sessions_left() == 0 {
            return Some(ProbeStop::Sessions);
        }
        let silent = self.observations.iter().rev().take_while(|o| self.read(o) == AnswerClass::Unknown).count();
        if silent >= SILENT {
            return Some(ProbeStop::Unanswered);
        }
        if self.is_shut() && now >= self.settings.max_seconds * PATIENCE {
            return Some(ProbeStop::Shut);
        }
        (now >= self.deadline()).then_some(ProbeStop::Time)
    }

    /// Before anything was refused waves double, the least number of waves that find an unknown number (Bentley, Yao: An almost optimal
    /// algorithm for unbounded searching, Information Processing Letters 5, 1976); but never after an answer that is no success. What
    /// refuses everything is knocked at, each time after a longer pause.
    fn open(&self, now: f64, round: u32) -> Next {
        if self.is_shut() {
            let begin = self.observations.first().map_or(0.0, |o| seconds(o.sent_us));
            let pause = (now - begin).max(self.timeline.trip()) / 2.0;
            return self.send(Phase::Solo, vec![now + pause], round);
        }
        let wave = self.batch();
        let growing = wave.iter().all(|o| o.answer == AnswerClass::Accepted);
        let size = if growing { 2 * wave.len() } else { wave.len() };
        self.send(Phase::Burst, vec![now; size], round)
    }

    fn is_shut(&self) -> bool {
        self.timeline.passed.is_empty() && self.timeline.told.iter().any(|call| call.passed == Some(false))
    }

    fn batch(&self) -> &[Observation] {
        let round = self.observations.last().map_or(0, |o| o.round);
        let begin = self.observations.partition_point(|o| o.round < round);
        &self.observations[begin..]
    }

    pub(super) fn read(&self, o: &Observation) -> AnswerClass {
        signal::read(o.answer, self.signal)
    }

    pub(super) const fn signal(&self) -> Option<Signal> {
        self.signal
    }

    /// What is sent later may not be answered in time.
    pub(super) fn deadline(&self) -> f64 {
        let recent = self.observations.iter().rev().take(30); // derived: as many as a batch or two
        let answer = recent.map(|o| seconds(o.done_us) - seconds(o.sent_us)).fold(0.0, f64::max);
        // derived: half as much again as the longest of the last answers
        self.settings.max_seconds - answer * 1.5
    }

    pub(super) fn calls_left(&self) -> usize {
        (self.settings.max_calls as usize).saturating_sub(self.observations.len())
    }

    pub(super) fn sessions_left(&self) -> usize {
        let taken =
            self.observations.iter().filter(|o| matches!(self.read(o), AnswerClass::Accepted | AnswerClass::Unknown)).count();
        (self.settings.max_sessions as usize).saturating_sub(taken)
    }

    fn send(&self, phase: Phase, dues: Vec<f64>, round: u32) -> Next {
        let room = self.calls_left().min(self.sessions_left());
        let end = self.deadline();
        let dues: Vec<Duration> =
            dues.into_iter().take_while(|at| *at < end).take(room).map(|at| Duration::from_secs_f64(at.max(0.0))).collect();
        if dues.is_empty() {
            return Next::Done(ProbeStop::Time);
        }
        let segment = self.observations.last().map_or(0, |o| o.segment);
        let rests = phase == Phase::Storm;
        Next::Send(Volley { round, segment: segment + u32::from(rests), phase, dues })
    }
}

/// Decides what is sent next. `now` is the time since the probe's start.
pub fn next(settings: &ProbeSettings, observations: &[Observation], now: Duration) -> Next {
    Inquiry::of(*settings, observations).next(now)
}
