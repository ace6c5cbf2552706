//! The answers in the order in which they were decided, as far as it can be guessed: what the suspects are told.
//!
//! A guess only: what is guaranteed rests on whole brackets ([`view`](super::view)).

use super::observation::AnswerClass;
use super::observation::Observation;
use super::signal;
use super::view::seconds;
use crate::limiter::suspect::{Answers, InWave, Told};

/// All answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    pub(super) told: Vec<Told>,
    /// Instants of what was let through.
    pub(super) passed: Vec<f64>,
    /// Instants of all calls.
    pub(super) all: Vec<f64>,
    /// When it was answered.
    pub(super) answered: Vec<f64>,
    /// Round trips so far, in seconds.
    trips: Vec<f64>,
    /// The longest answer to a call that was let through, in seconds.
    pub(super) longest: f64,
}

impl Timeline {
    /// Adds a batch.
    pub(super) fn add(&mut self, batch: &[Observation], signal: Option<signal::Signal>) {
        let passed = |o: &&Observation| o.answer == AnswerClass::Accepted;
        // The quickest of each batch had nobody before it.
        self.trips.extend(batch.iter().filter(passed).map(|o| seconds(o.done_us - o.sent_us)).reduce(f64::min));
        let trip = self.trip();
        let mut calls: Vec<(&Observation, AnswerClass)> = batch
            .iter()
            .map(|o| (o, signal::read(o.answer, signal)))
            .filter(|(_, answer)| matches!(answer, AnswerClass::Accepted | AnswerClass::Refused | AnswerClass::Unknown))
            .collect();
        // A service decides in the middle of a usual round trip; what is longer is its work.
        let middle = |o: &Observation| seconds(o.sent_us) + 0.5 * seconds(o.done_us - o.sent_us).min(1.5 * trip); // derived: half of the way, and half as much again for jitter
        // Of one instant, those let through came first.
        calls.sort_by(|(a, x), (b, y)| {
            (a.due_us, *x == AnswerClass::Refused)
                .cmp(&(b.due_us, *y == AnswerClass::Refused))
                .then(middle(a).total_cmp(&middle(b)))
                .then(a.done_us.cmp(&b.done_us))
        });
        let waves = calls.chunk_by(|(a, _), (b, _)| a.due_us == b.due_us);
        let placed = waves.flat_map(|wave| (0..wave.len()).map(|place| InWave { place, calls: wave.len() }).zip(wave));
        for (wave, (o, answer)) in placed {
            let t = middle(o).max(self.all.last().copied().unwrap_or(0.0));
            let end = seconds(o.done_us);
            let passed = match answer {
                AnswerClass::Accepted => Some(true),
                AnswerClass::Refused => Some(false),
                _ => None,
            };
            let late = (end - seconds(o.sent_us) - trip).max(0.0);
            self.told.push(Told { t, passed, late, before: self.passed.len(), wave });
            self.all.push(t);
            if passed == Some(true) {
                self.passed.push(t);
                self.answered.push(end);
                self.longest = self.longest.max(end - t);
            }
        }
    }

    /// A usual round trip of a call that did not wait, in seconds.
    pub(super) fn trip(&self) -> f64 {
        let mut trips = self.trips.clone();
        if trips.is_empty() {
            return 0.0;
        }
        let quarter = trips.len() / 4; // derived: neither the luckiest one nor one that waited
        *trips.select_nth_unstable_by(quarter, f64::total_cmp).1
    }

    /// Seconds that answers to refused calls take longer than usual: they do not wait, so it is the service's own work, and this machine's.
    pub(super) fn work(&self) -> f64 {
        let mut late: Vec<f64> = self.told.iter().filter(|told| told.passed == Some(false)).map(|told| told.late).collect();
        if late.is_empty() {
            return 0.0;
        }
        let most = late.len() * 9 / 10; // derived: nine in ten, so that one that stood still for another reason decides nothing
        let most = most.min(late.len() - 1);
        *late.select_nth_unstable_by(most, f64::total_cmp).1
    }

    /// As the suspects see them: phases are counted from `origin`, and an answer may be `late` by so many seconds without having waited.
    pub(super) fn answers(&self, origin: f64, late: f64) -> Answers<'_> {
        Answers {
            told: &self.told,
            passed: &self.passed,
            answered: &self.answered,
            all: &self.all,
            longest: self.longest,
            origin,
            late,
        }
    }
}
