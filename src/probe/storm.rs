//! Storms: what a refused call costs.
//!
//! Where refused calls count as well, a steady stream above the rate keeps the limiter shut for ever, and tells nothing of it. A storm is
//! a pause without any call, and then a wave that is larger than what passes. What of it passes is what came back in the pause: less than
//! `rate x pause` tokens in a bucket, all or nothing in a log, the share of the last window that is over in a counter. The pauses are
//! chosen where the hypotheses that are left differ most in their numbers.
//!
//! Pure, as `control`. Refuses to begin while anything still passes.

use super::bucket::count;
use super::control::{Desk, Next, Settings, Stop};
use super::fit::{self, Effort, Fit};
use super::kind::Kind;
use super::observation::{Answer, Observation, Phase};
use super::view::{View, seconds};
use crate::stats::draw::{Stream, unit};

/// Kinds for which it makes a difference whether refused calls count.
pub(super) const KINDS: [Kind; 3] = [Kind::TokenBucket, Kind::SlidingLog, Kind::SlidingCounter];

/// Calls of a stream that must have been refused in a row.
const IN_A_ROW: usize = 10;

/// Calls that ought to have been let through meanwhile.
const EXPECTED: f64 = 4.0;

/// Without a kind that explains them, no more storms than these.
const VAIN: usize = 4;

/// Whether the stream is shut, although pauses before it opened it.
pub(super) fn starving(settings: &Settings, observations: &[Observation]) -> bool {
    let passed = |phase: Phase| observations.iter().filter(|o| o.answer == Answer::Accepted && o.phase == phase).count();
    let refused = observations.iter().rev().take_while(|o| o.phase == Phase::Stream && o.answer != Answer::Accepted).count();
    if refused < IN_A_ROW || storms(observations) > 0 {
        return false;
    }
    if expected(observations) < EXPECTED {
        return false;
    }
    let (silence, first) = (seconds(since_accepted(observations)), first_silence(observations));
    // Windows that begin anew let as many through then as from rest, and only that often: they may be silent for longer.
    let less = passed(Phase::Drain) + 1 < passed(Phase::Burst);
    silence > settings.max_seconds * 0.3 || less && silence > (first * 0.6).max(settings.max_seconds * 0.2)
}

/// Calls that would have been let through since the last one that was, at the rate of those after the first burst.
fn expected(observations: &[Observation]) -> f64 {
    let accepted = || observations.iter().filter(|o| o.answer == Answer::Accepted);
    let begin = accepted().rfind(|o| o.phase == Phase::Burst).map_or(0, |o| o.sent_us);
    let end = accepted().next_back().map_or(0, |o| o.sent_us);
    let taken = accepted().filter(|o| o.sent_us > begin).count();
    count(taken) * seconds(since_accepted(observations)) / seconds(end.saturating_sub(begin)).max(0.05)
}

/// From the last call that was let through to the last answer.
fn since_accepted(observations: &[Observation]) -> u64 {
    let last = observations.iter().rev().find(|o| o.answer == Answer::Accepted).map_or(0, |o| o.sent_us);
    observations.last().map_or(0, |o| o.done_us.saturating_sub(last))
}

/// From the burst to the first call of the scan that was let through, in seconds.
fn first_silence(observations: &[Observation]) -> f64 {
    let found = observations.iter().find(|o| o.phase == Phase::Scan && o.answer == Answer::Accepted);
    let burst = observations.iter().rfind(|o| o.phase == Phase::Burst && o.answer == Answer::Accepted);
    found.zip(burst).map_or(1.0, |(found, burst)| seconds(found.sent_us.saturating_sub(burst.sent_us)))
}

/// Storms so far.
fn storms(observations: &[Observation]) -> usize {
    let rounds = observations.chunk_by(|a, b| a.round == b.round);
    rounds.filter(|batch| batch[0].phase == Phase::Storm).count()
}

/// A storm, or the end, or, if refused calls turn out to be free, the stream again.
pub(super) fn next(desk: &Desk) -> Next {
    let view = View::whole(desk.observations);
    let (storms, fits) = (storms(desk.observations), fits(&view));
    if storms >= VAIN && fits.is_empty() {
        return desk.stream();
    }
    let alone = fits.iter().all(|f| f.kind == fits[0].kind);
    let content = fits.first().is_some_and(|f| f.half_width() <= desk.settings.precision);
    if storms >= VAIN && alone && content {
        return Next::Done(Stop::Precision);
    }
    // Nothing came back in the last pause: it was too short for whatever it is.
    let last = vain_pause(desk.observations).unwrap_or(0.0);
    let pause = pause(desk, storms, &fits).max(last * 1.35);
    let size = fit::from_rest(&view, false) + 2.0;
    desk.wave_after(Phase::Storm, pause, size)
}

/// How long the pause before the last storm was, if nothing of it passed.
fn vain_pause(observations: &[Observation]) -> Option<f64> {
    let mut rounds: Vec<&[Observation]> = observations.chunk_by(|a, b| a.round == b.round).collect();
    let (last, before) = (rounds.pop()?, rounds.pop()?);
    let vain = last[0].phase == Phase::Storm && last.iter().all(|o| o.answer != Answer::Accepted);
    let ended = before.iter().map(|o| o.sent_us).max()?;
    vain.then(|| seconds(last[0].sent_us.saturating_sub(ended)))
}

/// Kinds that explain everything when refused calls count; those that trickle have been refuted.
fn fits(view: &View) -> Vec<Fit> {
    fit::survey(view, &KINDS, true, Effort { rectangles: 1500, ..Effort::QUICK })
}

/// Seconds without a call.
fn pause(desk: &Desk, storms: usize, fits: &[Fit]) -> f64 {
    let dither = unit(desk.settings.seed, Stream::Dither, u64::MAX - storms as u64);
    let Some(fit) = fits.get(storms % fits.len().max(1)) else {
        return first_silence(desk.observations) * (0.6 + 1.2 * dither);
    };
    match (fit.kind, fit.period) {
        // Full or not: half way through what is still possible.
        (Kind::SlidingLog, Some(window)) => f64::midpoint(window.0, window.1),
        (_, Some(window)) => f64::midpoint(window.0, window.1) * (0.55 + dither),
        // One token more or not.
        (_, None) => ((fit.burst.1 - 1.0) * (0.4 + 0.6 * dither)).floor().clamp(1.0, count(1 << 16)) / fit.point(),
    }
}
