//! The quota, measured: which limiter stands before an API, with intervals that hold the truth.
//!
//! Every answer is a half-plane in what is not known (tokens at the start and refill; a window's edge and length), with the instant at
//! which it was decided somewhere between `sent` and `done`. What no value of the unknowns explains refutes the hypothesis; what is left
//! over bounds them, and the bounds are guaranteed under the hypothesis, not statistical. `view` makes brackets of observations, `bucket`,
//! `step` and `window` are the hypotheses, `fit` looks through them, `so_far` is a quick look at what is left, `control` chooses the next experiment, `judge` decides, `advice` says
//! what to do with it, and `finding` is the contract.
//!
//! Pure: no clock, no call. Refuses to know how a call is made, and to guess where several kinds explain everything: it then says so.
//!
//! # Canonical classes
//!
//! Limiters that no client can tell apart have one name: a step bucket as deep as its step is a `fixed-window`; a sliding log of 1 is a
//! `token-bucket` of burst 1; one shard is a `token-bucket`; so are GCRA and a leaky bucket that refuses.

mod advice;
mod bucket;
mod candidate;
mod change;
mod control;
mod doubt;
mod finding;
mod fit;
mod judge;
mod kind;
mod misfit;
mod observation;
mod outliers;
mod so_far;
mod step;
mod storm;
#[cfg(test)]
mod tests;
mod view;
mod waves;
mod window;

pub use advice::THROTTLED;
pub use control::{Next, Settings, Stop, next};
pub use finding::{Advice, Estimate, Finding, Recovery, RunnerUp, Signals, schema};
pub use judge::judge;
pub use kind::Kind;
pub use observation::{Answer, Batch, Observation, Phase};
pub use so_far::{SoFar, so_far};

/// A finding for the tests of other rooms: a probe of a token bucket of 5/s, burst 10, that answers at once in 30 ms.
#[cfg(test)]
pub(crate) mod testing {
    use std::time::Duration;

    use super::*;
    use crate::limiter::{Arrival, Limiter};
    use crate::limiter::{Quota, TokenBucket};
    use crate::units::Rate;

    /// Probes a limiter whose round trip is 30 ms, half of it on the way there.
    pub(crate) fn probe(quota: Quota, settings: &Settings) -> (Vec<Observation>, Stop) {
        let (mut limiter, mut seen, mut now) = (Limiter::new(quota, false), Vec::new(), Duration::ZERO);
        let half = Duration::from_millis(15);
        loop {
            let batch = match next(settings, &seen, now) {
                Next::Done(stop) => return (seen, stop),
                Next::Send(batch) => batch,
            };
            for due in &batch.dues {
                let sent = (*due).max(now);
                let arrival = Arrival { now: sent + half, until: sent + half, node: 0 };
                let answer = if limiter.take(arrival).is_ok() { Answer::Accepted } else { Answer::Refused };
                seen.push(batch.observe(*due, sent, sent + 2 * half, answer));
            }
            now = seen.last().map_or(now, |o| Duration::from_micros(o.done_us));
        }
    }

    /// The finding.
    pub(crate) fn finding() -> Finding {
        let settings = Settings::default();
        let quota = Quota::TokenBucket(TokenBucket::full(Rate::per_second(5.0).unwrap(), 10));
        let (observations, stop) = probe(quota, &settings);
        judge(&settings, &observations, stop)
    }
}
