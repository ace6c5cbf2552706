//! The next experiment, from the observations so far.
//!
//! ```text
//! burst ─► solo ─► scan ─► drain ─► stream ─► rest ─► burst ─► stream ─► done
//!             └──► again (if nothing sent alone is refused)      ▲───────┘ while two kinds agree
//!                                              └──► storm (if nothing passes any more) ─► done
//! ```
//!
//! Pure: the same observations and the same instant give the same calls, so that a probe can be followed from its files. Refuses to send.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fit::{self, Fit};
use super::kind::Kind;
use super::observation::{Answer, Batch, Observation, Phase};
use super::so_far;
use super::step;
use super::storm;
use super::view::{View, seconds};
use crate::stats::draw::{Stream, unit};

/// What a probe may spend, and when it is content.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Half of the rate's interval, relative to the rate, that is narrow enough.
    pub precision: f64,
    /// Calls at most.
    pub max_calls: u32,
    /// Sessions at most: calls that are let through.
    pub max_sessions: u32,
    /// Seconds at most.
    pub max_seconds: f64,
    /// Share of the answers that may contradict the kind that explains all others.
    #[serde(default)]
    pub outliers: f64,
    /// Seed of the dither.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { precision: 0.005, max_calls: 600, max_sessions: 600, max_seconds: 30.0, outliers: 0.0, seed: 1 }
    }
}

/// Why a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The interval is as narrow as asked.
    Precision,
    /// `max_calls` were sent.
    Calls,
    /// `max_sessions` may be reached with the next calls.
    Sessions,
    /// The time is over.
    Time,
    /// More would not tell more.
    Enough,
    /// Somebody asked for it.
    Interrupted,
    /// Access was denied.
    Denied,
    /// The first calls told nothing, and none told anything.
    Unanswered,
    /// It ended without a word.
    Killed,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send these calls, and come back when all of them are answered.
    Send(Batch),
    /// No more.
    Done(Stop),
}

/// The least time between two calls of a scan, a stream or a comb.
const CLOSE: f64 = 0.004;

/// Every kind that set membership can refute.
pub(super) const KINDS: [Kind; 5] =
    [Kind::TokenBucket, Kind::FixedWindow, Kind::StepBucket, Kind::SlidingLog, Kind::SlidingCounter];

/// Decides what is sent next. `now` is the time since the probe's start.
pub fn next(settings: &Settings, observations: &[Observation], now: Duration) -> Next {
    let Some(last) = observations.last() else {
        return Next::Send(Batch { round: 0, segment: 0, phase: Phase::Burst, dues: vec![now] });
    };
    let desk = Desk { settings, observations, now: now.as_secs_f64(), round: last.round + 1, segment: last.segment };
    match desk.exhausted() {
        Some(stop) => Next::Done(stop),
        None => desk.decide(last.phase),
    }
}

/// What is known when a decision is due.
pub(super) struct Desk<'a> {
    pub(super) settings: &'a Settings,
    pub(super) observations: &'a [Observation],
    pub(super) now: f64,
    pub(super) round: u32,
    pub(super) segment: u32,
}

impl Desk<'_> {
    fn exhausted(&self) -> Option<Stop> {
        if self.calls_left() == 0 {
            return Some(Stop::Calls);
        }
        if self.sessions_left() == 0 {
            return Some(Stop::Sessions);
        }
        (self.now >= self.deadline()).then_some(Stop::Time)
    }

    /// What is sent later may not be answered in time.
    pub(super) fn deadline(&self) -> f64 {
        self.settings.max_seconds - self.answer_time() * 1.5
    }

    /// The longest that an answer took in the last batches.
    pub(super) fn answer_time(&self) -> f64 {
        let recent = self.observations.iter().rev().take(30);
        recent.map(|o| seconds(o.done_us) - seconds(o.sent_us)).fold(0.0, f64::max)
    }

    pub(super) fn calls_left(&self) -> usize {
        (self.settings.max_calls as usize).saturating_sub(self.observations.len())
    }

    pub(super) fn sessions_left(&self) -> usize {
        (self.settings.max_sessions as usize).saturating_sub(self.accepted(|_| true))
    }

    pub(super) fn accepted(&self, of: impl Fn(&Observation) -> bool) -> usize {
        self.observations.iter().filter(|o| of(o) && matches!(o.answer, Answer::Accepted | Answer::Unknown)).count()
    }

    /// The last batch.
    pub(super) fn batch(&self) -> &[Observation] {
        let begin = self.observations.partition_point(|o| o.round + 1 < self.round);
        &self.observations[begin..]
    }

    pub(super) fn refused(of: &[Observation]) -> bool {
        of.iter().any(|o| o.answer == Answer::Refused)
    }

    fn decide(&self, phase: Phase) -> Next {
        match phase {
            Phase::Burst | Phase::Drain => self.after_wave(phase),
            Phase::Solo => self.after_solo(),
            Phase::Again => self.after_again(),
            Phase::Scan => self.after_scan(),
            Phase::Stream if storm::starving(self.settings, self.observations) => storm::next(self),
            Phase::Stream => self.after_stream(),
            Phase::Storm => storm::next(self),
        }
    }

    /// Single calls, each an eighth later than the one before, counted from the last call that was let through.
    pub(super) fn scan(&self) -> Next {
        let since = self.last_accepted();
        let end = since + (self.now - since) * 1.3 + 0.05;
        let mut dues = Vec::new();
        let mut at = self.now;
        while at < end && dues.len() < self.calls_left().min(32) {
            dues.push(at);
            at += ((at - since) * 0.07).max(CLOSE * 2.0) * self.dither(dues.len());
        }
        self.send(Phase::Scan, dues)
    }

    fn last_accepted(&self) -> f64 {
        let sent = self.observations.iter().rev().find(|o| o.answer == Answer::Accepted).map_or(0, |o| o.sent_us);
        seconds(sent)
    }

    /// Something came back. Draining it at another phase of the limiter's clock tells windows that slide from those that do not.
    fn after_scan(&self) -> Next {
        let batch = self.batch();
        let Some(found) = batch.iter().find(|o| o.answer == Answer::Accepted) else { return self.scan() };
        let before = self.observations.iter().filter(|o| o.round < found.round && o.answer == Answer::Accepted);
        let silence = seconds(found.sent_us) - before.map(|o| seconds(o.sent_us)).fold(0.0, f64::max);
        let at = (seconds(found.sent_us) + silence * 0.43).max(self.now);
        self.send(Phase::Drain, vec![at])
    }

    /// More of the stream, a rest, or the end.
    fn after_stream(&self) -> Next {
        let fits = self.fits();
        let lead = fits.first();
        let content = lead.is_some_and(|fit| fit.half_width() <= self.settings.precision);
        let alone = fits.iter().all(|fit| Some(fit.kind) == lead.map(|l| l.kind));
        let began = self.observations.iter().find(|o| o.segment == self.segment).map_or(0.0, |o| seconds(o.sent_us));
        let length = self.now - began;
        let Some(lead) = lead else {
            // Windows that were seen too few times need more of the stream; whatever else it is shows itself after a rest.
            let often = step::places(&View::whole(self.observations)).len() >= 6;
            let rest = often && length > self.settings.max_seconds * 0.4 && self.segment == 0;
            return if rest { self.rest(1.37, None) } else { self.stream() };
        };
        let period = lead.period.map_or_else(|| 2.0 / lead.rate.0, |p| p.1);
        if self.segment == 0 {
            let rest = Self::resting(lead) + period * 1.3 + 0.5;
            let late = self.now + rest > self.settings.max_seconds;
            let must = self.now + rest + 1.0 > self.settings.max_seconds;
            let confirm = matches!(lead.kind, Kind::TokenBucket | Kind::StepBucket | Kind::SlidingCounter);
            let wants = confirm || !alone;
            let long = match lead.kind {
                Kind::TokenBucket => 0.0,
                // The echo of a burst at another phase must have been seen.
                Kind::FixedWindow | Kind::SlidingLog => period * 2.6,
                _ => (period * 3.5).max(5.0),
            };
            let content = content && length > long;
            return match (content, wants) {
                (true, false) => Next::Done(Stop::Precision),
                (true, true) if !late => self.rest(1.37, Some(lead)),
                (false, true) if confirm && must && !late && length > 2.0 => self.rest(1.37, Some(lead)),
                _ => self.stream(),
            };
        }
        let seen = length > period * 1.2;
        // These follow almost anything loosely: one more burst from rest, if there is time.
        let doubtful = matches!(lead.kind, Kind::StepBucket | Kind::SlidingCounter) && self.segment < 2;
        let alone = alone && !(doubtful && self.now + Self::resting(lead) + period + 1.0 < self.settings.max_seconds);
        match (content && seen, alone || self.segment > 2) {
            (true, true) => Next::Done(Stop::Precision),
            (true, false) => self.rest(1.37 + 0.36 * f64::from(self.segment), Some(lead)),
            _ => self.stream(),
        }
    }

    fn fits(&self) -> Vec<Fit> {
        so_far::quick(&View::whole(self.observations))
    }

    /// A wave of about `size` calls, so many seconds after the last call was sent; the end, if that is too late.
    pub(super) fn wave_after(&self, phase: Phase, pause: f64, size: f64) -> Next {
        let last = self.observations.iter().map(|o| o.sent_us).max().map_or(0.0, seconds);
        let at = (last + pause).max(self.now);
        if at >= self.deadline() {
            return Next::Done(Stop::Time);
        }
        self.send(phase, vec![at; whole(size)])
    }

    /// A second of calls above the rate, with gaps that never repeat.
    pub(super) fn stream(&self) -> Next {
        let left = (self.settings.max_seconds - self.now).max(1.0);
        #[allow(clippy::cast_precision_loss)] // counts of calls
        let afford = self.calls_left() as f64 * 0.6 / left;
        // Closer calls than a fourth of a round trip say no more.
        let afford = afford.min(4.0 / self.answer_time().max(CLOSE));
        let rate = self.wanted_rate().max(afford).min(1.0 / CLOSE);
        let gap = 1.0 / rate;
        let length = (12.0 * gap).clamp(0.3, 1.0).min(self.deadline() - self.now);
        let mut dues = Vec::new();
        let mut at = self.now + gap * self.dither(0) * 0.5;
        while (at < self.now + length || dues.is_empty()) && dues.len() < self.calls_left() {
            dues.push(at);
            at += gap * self.dither(dues.len());
        }
        self.send(Phase::Stream, dues)
    }

    /// Above what was let through, so that some calls are refused; twice as much while none is.
    fn wanted_rate(&self) -> f64 {
        let batch = self.batch();
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return 1.0 };
        let length = (seconds(last.sent_us) - seconds(first.sent_us)).max(0.05);
        #[allow(clippy::cast_precision_loss)] // counts of calls
        let sent = batch.len() as f64 / length;
        if first.phase == Phase::Stream && !Self::refused(batch) {
            return sent * 2.0;
        }
        let view = View::whole(self.observations);
        fit::trickle(&view).or_else(|| fit::returned(&view)).map_or(0.0, |rate| rate * 1.62)
    }

    /// Between 0.7 and 1.3, different for every call.
    fn dither(&self, n: usize) -> f64 {
        0.7 + 0.6 * unit(self.settings.seed, Stream::Dither, (u64::from(self.round) << 20) | n as u64)
    }

    pub(super) fn send(&self, phase: Phase, dues: Vec<f64>) -> Next {
        let room = self.calls_left().min(self.sessions_left());
        let end = self.deadline();
        let dues: Vec<Duration> =
            dues.into_iter().take_while(|at| *at < end).take(room).map(|at| Duration::from_secs_f64(at.max(0.0))).collect();
        if dues.is_empty() {
            return Next::Done(Stop::Time);
        }
        Next::Send(Batch { round: self.round, segment: self.segment, phase, dues })
    }
}

/// A number of calls.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small, and a cast saturates
pub(super) fn whole(calls: f64) -> usize {
    calls.max(0.0) as usize
}
