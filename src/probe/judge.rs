//! The verdict: one kind, its numbers, and how sure.

use std::time::Duration;

use super::advice;
use super::bucket::{self, count};
use super::candidate::{Candidate, by_luck, candidates};
use super::change::changed;
use super::control::{Settings, Stop};
use super::doubt;
use super::finding::{Advice, Estimate, Finding, Recovery, RunnerUp, Signals};
use super::fit::{self, Effort, Fit};
use super::kind::Kind;
use super::misfit;
use super::observation::{Answer, Observation, Phase};
use super::outliers;
use super::view::{View, seconds};
use crate::limiter::{FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use crate::units::Rate;

/// So much faster than it did a single bucket would have to fill, before there must be several.
const SEVERAL: f64 = 1.6;

/// What the observations say.
pub fn judge(settings: &Settings, observations: &[Observation], stop: Stop) -> Finding {
    let view = View::whole(observations);
    let mut finding = blank(settings, observations, stop, &view);
    if view.seen.is_empty() {
        finding.notes.push(format!("nothing was answered: none of {} calls says anything of a limit", finding.calls));
        return finding;
    }
    if view.refused.is_empty() {
        finding.notes.push(format!(
            "no call was refused, at {:.0}/s for {} calls: there is no limit, or one that lets so many through at once{}",
            finding.tried_per_s,
            finding.calls,
            match stop {
                Stop::Calls => "; raise --max-calls to look further",
                Stop::Sessions => "; raise --max-sessions to look further",
                _ => "",
            }
        ));
        return finding;
    }
    if let Some(flight) = fit::survey(&view, &[Kind::Concurrency], false, Effort::FULL).first() {
        in_flight(&mut finding, flight);
        return finding;
    }
    let candidates = candidates(observations, &view);
    let doubt = doubt::reason(candidates.as_ref().and_then(|found| found.first()), &view, stop);
    match (candidates, doubt) {
        (_, Some(reason)) => {
            finding.kind = Kind::Inconclusive;
            finding.notes.push(format!("inconclusive: {reason}"));
        }
        (Some(candidates), None) => decided(&mut finding, &candidates, observations, &view),
        (None, None) if mostly(&mut finding, observations) => {}
        (None, None) => divided(&mut finding, observations, &view),
    }
    advise(&mut finding, observations);
    finding
}

fn blank(settings: &Settings, observations: &[Observation], stop: Stop, view: &View) -> Finding {
    let number = |of: Answer| small(observations.iter().filter(|o| o.answer == of).count());
    let signals = Signals {
        accepted: number(Answer::Accepted),
        quota: number(Answer::Refused),
        ramp: number(Answer::Ramp),
        service: number(Answer::Service),
        other: number(Answer::Unknown),
    };
    let (first, last) = (observations.iter().map(|o| o.sent_us).min(), observations.iter().map(|o| o.done_us).max());
    let mut notes = Vec::new();
    if signals.ramp + signals.service > 0 {
        notes.push("ramp and service throttles say nothing of the quota and were left out".to_owned());
    }
    if signals.other > 0 {
        notes.push("calls without a clear answer may have cost a token each".to_owned());
    }
    Finding {
        schema: 1,
        kind: if view.seen.is_empty() { Kind::Inconclusive } else { Kind::None },
        rate_per_s: None,
        burst: None,
        burst_between: None,
        period_s: None,
        step_tokens: None,
        guaranteed: false,
        confidence: None,
        applied_per_s: None,
        calls: small(observations.len()),
        sessions: signals.accepted,
        seconds: first.zip(last).map_or(0.0, |(a, b)| seconds(b - a)),
        rejects_are_free: None,
        shared_use: false,
        quota_changed: false,
        violated_answers: 0,
        runner_up: None,
        recovery: None,
        tried_per_s: tried(observations),
        signals,
        advice: None,
        stop,
        settings: *settings,
        notes,
        observations: observations.to_vec(),
    }
}

/// The highest rate over one batch of at least 8 calls, up to its last answer.
fn tried(observations: &[Observation]) -> f64 {
    let rate = |batch: &[Observation]| {
        let (first, last) = (batch.iter().map(|o| o.sent_us).min()?, batch.iter().map(|o| o.done_us).max()?);
        (batch.len() >= 8 && last > first).then(|| count(batch.len()) / seconds(last - first))
    };
    observations.chunk_by(|a, b| a.round == b.round).filter_map(rate).fold(0.0, f64::max)
}

fn in_flight(finding: &mut Finding, flight: &Fit) {
    finding.kind = Kind::Concurrency;
    finding.burst = Some(tokens(flight.burst.1));
    finding.burst_between = Some((tokens(flight.burst.0), tokens(flight.burst.1)));
    finding.rejects_are_free = Some(true);
    finding.advice = Some(Advice { sustained_per_s: 0.0, spike: tokens(flight.burst.1), rest_s: 0.0 }).filter(|a| a.spike > 0);
    finding.notes.push("there is no rate: as many calls as the cap can wait for their answers at the same time".to_owned());
    finding.notes.push(format!(
        "a quota of {} that is full again within a round trip gives the same answers: probe from nearer to tell them apart",
        tokens(flight.burst.1)
    ));
}

fn decided(finding: &mut Finding, candidates: &[Candidate], observations: &[Observation], view: &View) {
    let [best, others @ ..] = candidates else { return };
    // Where the answers leave several limits of a window, the one that passed from rest.
    // A service that counts refused calls has not forgotten them at a later burst.
    let first = fit::from_rest(view, false);
    let passed = if best.charged { first } else { first.min(fit::from_rest(view, true)) };
    let windows = matches!(best.kind, Kind::FixedWindow | Kind::SlidingCounter);
    let usual = best.tight.iter().find(|f| windows && (f.burst.0 - passed).abs() < 0.5);
    let tight: Vec<Fit> = usual.map_or_else(|| best.tight.clone(), |f| vec![*f]);
    let estimate = |of: &dyn Fn(&Fit) -> (f64, f64)| {
        let ((low, high), (a, b)) = (hull(of, &best.whole)?, hull(of, &tight)?);
        Some(Estimate { low, point: f64::midpoint(a, b).clamp(low, high), high })
    };
    let period = estimate(&|f| f.period.unwrap_or((0.0, 0.0))).filter(|p| p.high > 0.0);
    let rested = observations.last().is_some_and(|o| o.segment > 1);
    finding.kind = best.kind;
    finding.rate_per_s = estimate(&|f| f.rate);
    let burst = estimate(&|f| f.burst);
    // Nothing comes in while a burst lasts, if no edge falls into it: it did not if two of them agree.
    let agree = (first - fit::from_rest(view, true)).abs() < 0.5 && observations.last().is_some_and(|o| o.segment > 0);
    let stepped = best.kind == Kind::StepBucket && agree && burst.is_some_and(|b| b.low <= passed && passed <= b.high);
    finding.burst = burst.map(|b| tokens(if usual.is_some() || stepped { passed } else { b.point.round() }));
    finding.burst_between = burst.map(|b| (tokens(b.low), tokens(b.high)));
    finding.step_tokens = tight.first().filter(|f| f.kind == Kind::StepBucket).and_then(|f| f.tokens).map(tokens);
    finding.rejects_are_free = Some(!best.charged);
    let sound = !best.charged && !by_luck(best, view);
    finding.guaranteed = sound && beyond_doubt(finding, tight.first(), rested, period.map_or(0.0, |p| p.high));
    if !finding.guaranteed && tight.first().is_some_and(|f| f.tokens.is_some_and(|n| n < 1.5)) {
        finding.notes.push("a token bucket of which somebody else takes a little gives the same answers".to_owned());
    }
    finding.period_s = period;
    if !finding.guaranteed {
        finding.confidence = Some(1.0 - misfit::share(finding, observations));
    }
    if best.charged {
        finding.notes.push("refused calls cost as well: calling on while refused keeps it shut".to_owned());
    }
    finding.runner_up = others.first().map(|other| RunnerUp { kind: other.kind, violated_answers: 0 });
    if let Some(other) = others.first() {
        finding.notes.push(format!("{} explains every answer too, but less closely", other.kind));
    } else {
        finding.runner_up = misfit::runner_up(finding, observations);
    }
}

/// Whether no other use of the quota gives the same answers: single tokens have no shape, and kinds with many numbers must have been seen
/// from every side.
fn beyond_doubt(finding: &Finding, fit: Option<&Fit>, rested: bool, period: f64) -> bool {
    let tokens = fit.and_then(|f| f.tokens).unwrap_or(0.0);
    match finding.kind {
        Kind::FixedWindow => tokens > 1.5,
        Kind::StepBucket => tokens > 1.5 && rested && finding.seconds > 3.0 * period,
        Kind::SlidingCounter => finding.burst.is_some_and(|n| n >= 4) && rested && finding.seconds > 8.0 * period,
        _ => true,
    }
}

/// The hull of a number over some fits.
fn hull(of: &dyn Fn(&Fit) -> (f64, f64), fits: &[Fit]) -> Option<(f64, f64)> {
    fits.iter().map(of).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Whether one kind explains all but a few of the answers, as the settings allow.
fn mostly(finding: &mut Finding, observations: &[Observation]) -> bool {
    let share = finding.settings.outliers;
    let Some(kept) = outliers::without(observations, share) else { return false };
    let view = View::whole(&kept);
    let Some(candidates) = candidates(&kept, &view) else { return false };
    decided(finding, &candidates, &kept, &view);
    let gone = small(observations.len() - kept.len());
    finding.guaranteed = false;
    finding.confidence = Some(1.0 - f64::from(gone) / f64::from(finding.calls.max(1)));
    finding.violated_answers = gone;
    finding.shared_use = true;
    finding.notes.push(format!(
        "{gone} answers contradict all others and were left out, as --outliers allows: somebody else uses the quota, or a few calls meet \
         another limiter"
    ));
    true
}

/// No single limiter that only we use gives these answers: another one uses it too, there are several, or it changed.
fn divided(finding: &mut Finding, observations: &[Observation], view: &View) {
    if changed(finding, observations) {
        return;
    }
    let Some(rate) = fit::trickle(view) else {
        finding.kind = Kind::Inconclusive;
        finding.notes.push("inconclusive: next to nothing was let through after the first refused call".to_owned());
        return;
    };
    // Less than a token is left when one bucket refuses, whoever else uses it. How fast would it have to fill for what came after?
    let needed = bucket::rate_after_refusals(view);
    let sharded = needed > rate * SEVERAL;
    let burst = small(view.seen.iter().filter(|s| s.segment == 0 && s.phase == Phase::Burst && s.accepted).count());
    let taken = count(view.accepted.len()).max(1.0);
    let noise = (2.0 / taken.sqrt()).clamp(0.05, 0.5);
    finding.rate_per_s = Some(if sharded {
        Estimate { low: rate * (1.0 - noise), point: rate, high: rate * (1.0 + noise) }
    } else {
        let point = needed.max(rate);
        Estimate { low: needed.min(rate), point, high: point * (1.0 + noise) }
    });
    finding.kind = if sharded { Kind::ShardedBucket } else { Kind::TokenBucket };
    finding.burst = Some(burst);
    finding.rejects_are_free = Some(true);
    finding.shared_use = !sharded;
    finding.notes.push(if sharded {
        format!("calls were let through right after refused ones as if {needed:.3}/s came in, but only {rate:.3}/s did: several buckets")
    } else {
        "no limiter that only this probe uses gives these answers: other traffic on the account takes part of the quota, or it was \
         not full at the start"
            .to_owned()
    });
    finding.confidence = Some(1.0 - misfit::share(finding, observations));
    finding.violated_answers = misfit::answers(finding, observations);
}

/// How it fills again, and what to do.
fn advise(finding: &mut Finding, observations: &[Observation]) {
    let (Some(rate), Some(burst)) = (finding.rate_per_s, finding.burst) else { return };
    let period = finding.period_s.map(|p| p.point);
    let (one, full) = match (finding.kind, period) {
        (Kind::StepBucket, Some(step)) => (step, step * (f64::from(burst) / f64::from(finding.step_tokens.unwrap_or(1))).ceil()),
        (_, Some(window)) => (window, window),
        (_, None) => (1.0 / rate.point, f64::from(burst) / rate.point),
    };
    finding.recovery = Some(Recovery { one_s: one, full_s: full, seen_full_after_s: seen_full(observations) });
    let sustained_per_s = model(finding).map_or(rate.low * 0.5, |quota| advice::safe_rate(quota, rate.low));
    let spike = finding.burst_between.map_or(burst, |b| b.0.min(burst));
    finding.advice = Some(Advice { sustained_per_s, spike, rest_s: full });
}

/// The shortest rest after which a burst passed that was as large as the first.
fn seen_full(observations: &[Observation]) -> Option<f64> {
    let burst = |segment: u32| observations.iter().filter(move |o| o.segment == segment && o.phase == Phase::Burst);
    let passed = |segment: u32| burst(segment).filter(|o| o.answer == Answer::Accepted).count();
    let rest = |segment: u32| {
        let begin = burst(segment).map(|o| o.sent_us).min()?;
        let before = observations.iter().filter(|o| o.segment < segment).map(|o| o.done_us).max()?;
        Some(seconds(begin.saturating_sub(before)))
    };
    let last = observations.last()?.segment;
    (1..=last).filter(|segment| passed(*segment) >= passed(0)).filter_map(rest).reduce(f64::min)
}

/// The emulator's limiter with the numbers found.
pub(super) fn model(finding: &Finding) -> Option<Quota> {
    let burst = finding.burst?.max(1);
    let window = finding.period_s.and_then(|p| Duration::try_from_secs_f64(p.point).ok());
    let rate = Rate::per_second(finding.rate_per_s?.point).ok()?;
    Some(match finding.kind {
        Kind::TokenBucket => Quota::TokenBucket(TokenBucket::full(rate, burst)),
        Kind::StepBucket => Quota::StepBucket(StepBucket::full(finding.step_tokens?, window?, burst)),
        Kind::FixedWindow => Quota::FixedWindow(FixedWindow::on_grid(burst, window?)),
        Kind::SlidingLog => Quota::SlidingLog(SlidingLog::exact(burst, window?)),
        Kind::SlidingCounter => Quota::SlidingCounter(SlidingCounter::exact(burst, window?)),
        Kind::ShardedBucket => Quota::ShardedBucket(ShardedBucket::at_random(3, rate, burst)),
        Kind::Concurrency | Kind::None | Kind::Inconclusive => return None,
    })
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A number of tokens as it is written.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative, and a cast saturates
pub(super) fn tokens(number: f64) -> u32 {
    number as u32
}
