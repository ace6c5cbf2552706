//! The quota, measured: which limiter stands before an API, with intervals that hold the truth.
//!
//! Two principles. *Evidence by simulation* says which kind it is: every kind of the catalogue is a `suspect` that foresees each answer, a
//! `cloud` of its numbers follows the answers, and the `belief` weighs the clouds. *Set membership* says what is guaranteed: `sets` holds the
//! numbers that no answer refutes, each decided somewhere between `sent` and `done`, and `guarantee` joins those of all neighbours. The next
//! experiment is the one of which the suspects foresee most different answers, for what it costs: `choice`. `inquiry` is a probe as it goes
//! on, `judge` its end, `advice` what to do with it, `finding` the contract.
//!
//! Pure: no clock, no call. Refuses to know how a call is made, and to guess where several kinds explain the answers alike: it then says so.
//!
//! # Canonical classes
//!
//! Limiters that no client can tell apart have one name: a step bucket as deep as its step is a `fixed-window`, one of single tokens is a
//! `token-bucket`; so are a sliding log of 1, one shard, GCRA, and a leaky bucket that refuses.

mod advice;
mod belief;
mod choice;
mod cloud;
mod clues;
mod finding;
mod guarantee;
mod inquiry;
mod judge;
mod observation;
mod recovery;
mod sets;
mod settings;
mod signal;
mod so_far;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
mod timeline;
mod view;

pub use crate::limiter::Kind;
pub use advice::THROTTLED;
pub use finding::{Advice, AlsoPossible, Estimate, OneLimit, ProbeFinding, Recovery, RunnerUp, Signals, schema};
pub use inquiry::{Inquiry, Next, SILENT, next};
pub use judge::{UNBOUNDED, judge};
pub use observation::{AnswerClass, Observation, Phase, Volley};
pub use settings::{ProbeSettings, ProbeStop};
pub use signal::reading;
pub use so_far::SoFar;
/// A finding for the tests of other rooms: a probe of a token bucket of 5/s, burst 10, that answers at once in 30 ms.
#[cfg(test)]
pub(crate) mod testing {
    use std::time::Duration;

    use super::*;
    use crate::limiter::{Arrival, Limiter};
    use crate::limiter::{Quota, TokenBucket};
    use crate::stats::draw::{self, Stream};
    use crate::units::Rate;

    /// Probes a limiter whose round trip is 30 ms, half of it on the way there.
    pub(crate) fn probe(quota: Quota, settings: &ProbeSettings) -> (Vec<Observation>, ProbeStop) {
        let (mut limiter, mut inquiry, mut now) = (Limiter::new(quota, false), Inquiry::new(*settings), Duration::ZERO);
        let half = Duration::from_millis(15);
        loop {
            let batch = match inquiry.next(now) {
                Next::Done(stop) => return (inquiry.observations().to_vec(), stop),
                Next::Send(batch) => batch,
            };
            let mut seen = Vec::new();
            for due in &batch.dues {
                let sent = (*due).max(now);
                let node = draw::bits(settings.seed, Stream::Node, (inquiry.observations().len() + seen.len()) as u64);
                let arrival = Arrival { now: sent + half, until: sent + half, node };
                let passing = limiter.take(arrival);
                let answer = if passing.is_ok() { AnswerClass::Accepted } else { AnswerClass::Refused };
                seen.push(batch.observe(*due, sent, sent + 2 * half + passing.unwrap_or_default(), answer));
            }
            inquiry.observe(&seen);
            now = seen.iter().map(|o| Duration::from_micros(o.done_us)).max().unwrap_or(now);
        }
    }

    /// The finding.
    pub(crate) fn finding() -> ProbeFinding {
        static FOUND: std::sync::OnceLock<ProbeFinding> = std::sync::OnceLock::new();
        FOUND.get_or_init(find).clone()
    }

    fn find() -> ProbeFinding {
        let settings = ProbeSettings::default();
        let quota = Quota::TokenBucket(TokenBucket::full(Rate::per_second(5.0).unwrap(), 10));
        let (observations, stop) = probe(quota, &settings);
        judge(&settings, &observations, stop)
    }
}
