//! A probe as one watches it: told of its experiments and their answers.

mod draw;

use std::time::Duration;

use ratatui::Frame;

use super::line::clock;
use super::scene::{Scene, ViewKey, ViewRequest, ViewState};
use crate::probe::{AnswerClass, Kind, Observation, Phase, ProbeSettings, SoFar, Volley};
use crate::units::plural;

/// What was decided before the first call.
#[derive(Debug, Clone)]
pub struct ProbeSetting {
    /// The address that is called.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// What it may spend.
    pub settings: ProbeSettings,
    /// Dollars that a call is counted as; 0 where calls cost nothing.
    pub usd_per_call: f64,
}

/// What a probe tells.
#[derive(Debug, Clone)]
pub enum Experiment {
    /// These calls are sent next.
    Begins(Volley),
    /// All of them are answered, or given up.
    Answered {
        /// What was seen.
        observations: Vec<Observation>,
        /// The kinds that may be it, the likeliest first.
        kinds: Vec<SoFar>,
    },
    /// No more is sent.
    Over,
}

/// What is known of the probe.
#[derive(Debug, Clone, Default)]
struct Known {
    /// In the order of sending within each experiment.
    observations: Vec<Observation>,
    /// The experiment that goes on.
    batch: Option<Volley>,
    /// Kinds that may be it, the likeliest first.
    kinds: Vec<SoFar>,
}

/// What the view of a probe knows.
#[derive(Debug, Clone)]
pub struct Probing {
    setting: ProbeSetting,
    view: ViewState<Known>,
    /// Seconds of which the lines were said.
    said: u64,
}

impl Probing {
    /// Before the first call.
    pub fn new(setting: ProbeSetting) -> Self {
        Self { setting, view: ViewState::new(Known::default()), said: 0 }
    }

    fn learn(&mut self, news: Experiment) -> Vec<String> {
        let known = &mut self.view.newest;
        match news {
            Experiment::Begins(batch) => {
                let over = known.over();
                let end = over.as_secs() + 1;
                let rest = rest(over, &batch).map(|text| format!("{}  {text}", clock(Duration::from_secs(end))));
                known.batch = Some(batch);
                // A rest ends its second: what was sent in it is all that will be.
                self.lines(if rest.is_some() { end } else { end - 1 }).into_iter().chain(rest).collect()
            }
            Experiment::Answered { observations, kinds } => {
                known.observations.extend(observations);
                known.kinds = kinds;
                Vec::new()
            }
            Experiment::Over => {
                known.batch = None;
                self.lines(u64::MAX)
            }
        }
    }

    /// The lines of the seconds before `until` that were not said yet; a second without a call has none.
    fn lines(&mut self, until: u64) -> Vec<String> {
        let known = &self.view.newest;
        let second = |o: &Observation| o.sent_us / 1_000_000;
        let mut seen: Vec<&Observation> = known.observations.iter().filter(|o| (self.said..until).contains(&second(o))).collect();
        seen.sort_by_key(|o| o.sent_us);
        let lines = seen.chunk_by(|a, b| second(a) == second(b)).map(|of| self.line(of, second(of[0]))).collect();
        self.said = self.said.max(until);
        lines
    }

    /// Like `00:08  stream  sent 9/s  ok 5/s  throttled quota 4/s  133 of 600 calls  token-bucket, 4.972 to 5.031/s, burst 10`.
    fn line(&self, of: &[&Observation], second: u64) -> String {
        let number = |answer| of.iter().filter(|o| o.answer == answer).count();
        let mut parts = vec![clock(Duration::from_secs(second + 1)), of.last().map_or("", |o| name(o.phase)).to_owned()];
        parts.extend([("sent", of.len()), ("ok", number(AnswerClass::Accepted))].map(|(what, n)| format!("{what} {n}/s")));
        let seldom = ANSWERS.iter().map(|(what, answer)| (what, number(*answer))).filter(|(_, n)| *n > 0);
        parts.extend(seldom.map(|(what, n)| format!("{what} {n}/s")));
        let known = &self.view.newest;
        let calls = known.observations.iter().filter(|o| o.sent_us / 1_000_000 <= second).count();
        parts.push(format!("{calls} of {}", plural(u64::from(self.setting.settings.max_calls), "call")));
        parts.extend(known.kinds.first().map(words));
        parts.join("  ")
    }
}

/// Endings other than a session, by the names of a run's lines.
const ANSWERS: [(&str, AnswerClass); 6] = [
    ("throttled quota", AnswerClass::Refused),
    ("throttled ramp", AnswerClass::Ramp),
    ("throttled service", AnswerClass::Service),
    ("HTTP 429", AnswerClass::TooMany),
    ("HTTP 503", AnswerClass::Unavailable),
    ("errors", AnswerClass::Unknown),
];

impl Scene for Probing {
    type News = Experiment;

    fn take(&mut self, news: Vec<Experiment>) -> Vec<String> {
        news.into_iter().flat_map(|n| self.learn(n)).collect()
    }

    fn key(&mut self, key: ViewKey) -> Option<ViewRequest> {
        self.view.key(key)
    }

    fn note(&mut self, text: &str) {
        self.view.note = Some(text.to_owned());
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        draw::draw(frame, self);
    }
}

impl Known {
    /// How much of the probe is known: up to the last answer.
    fn over(&self) -> Duration {
        Duration::from_micros(self.observations.iter().map(|o| o.done_us).max().unwrap_or(0))
    }

    fn number(&self, answer: AnswerClass) -> u64 {
        self.observations.iter().filter(|o| o.answer == answer).count() as u64
    }
}

/// Pauses that are worth a word.
const LONG: Duration = Duration::from_millis(1500);

/// What a pause before the next experiment is for, if there is one.
fn rest(over: Duration, batch: &Volley) -> Option<String> {
    let due = *batch.dues.first()?;
    let calls = if batch.dues.len() == 1 { "1 call".to_owned() } else { format!("{} calls", batch.dues.len()) };
    (due > over + LONG).then(|| format!("rests until {}, then {}: {calls}", clock(due), name(batch.phase)))
}

/// An experiment's name.
const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Burst => "burst",
        Phase::Solo => "alone",
        Phase::Again => "again",
        Phase::Scan => "scan",
        Phase::Drain => "drain",
        Phase::Stream => "stream",
        Phase::Storm => "storm",
    }
}

/// What an experiment does.
const fn does(phase: Phase) -> &'static str {
    match phase {
        Phase::Burst => "waves from rest, each twice as large",
        Phase::Solo => "one call at a time",
        Phase::Again => "the wave that passed, once more",
        Phase::Scan => "single calls until one passes",
        Phase::Drain => "waves after the first that passed",
        Phase::Stream => "steadily above the rate",
        Phase::Storm => "a pause, then more than passes",
    }
}

/// A kind and its numbers.
fn words(so_far: &SoFar) -> String {
    let SoFar { kind, rate_per_s, burst } = so_far;
    let what = if *kind == Kind::Concurrency { "in flight" } else { "burst" };
    let burst = if burst.0 >= burst.1 { format!("{:.0}", burst.1) } else { format!("{:.0} to {:.0}", burst.0, burst.1) };
    let rate = rate_per_s.map_or_else(String::new, |(low, high)| format!("{low:.4} to {high:.4}/s, "));
    format!("{kind}, {rate}{what} {burst}")
}

#[cfg(test)]
mod tests;
