//! How a limiter fills again, and how to live with it: the rate that is safe, the burst, and the rest after it.
//!
//! The law by which the kind refuses comes from its numbers; [`advice`] knows how often it then refuses. Refuses to advise where the numbers
//! are not known.

use std::time::Duration;

use super::advice::{self, Law};
use super::finding::{Advice, OneLimit, ProbeFinding, Recovery};
use super::inquiry::Inquiry;
use super::observation::{AnswerClass, Observation, Phase};
use super::view::seconds;
use crate::limiter::{
    FixedWindow, Kind, PlainQuota, Quota, RefusedPays, ShardedBucket, SlidingCounter, SlidingLog, Stacked as StackedQuota,
    StepBucket, TokenBucket, WindowAnchor,
};
use crate::num::place;
use crate::units::Rate;

impl Inquiry {
    /// Recovery and advice, where the rate and the burst are known.
    pub(super) fn advise(&self, finding: &mut ProbeFinding, nodes: Option<f64>) {
        if finding.kind == Kind::Concurrency {
            finding.advice = finding.burst.filter(|n| *n > 0).map(|spike| Advice { sustained_per_s: 0.0, spike, rest_s: 0.0 });
            finding
                .notes
                .push("there is no rate: as many calls as the cap can wait for their answers at the same time".to_owned());
            return;
        }
        let (Some(rate), Some(burst)) = (finding.rate_per_s, finding.burst) else { return };
        let (one, full) = match (finding.kind, finding.period_s, finding.step_tokens) {
            (Kind::StepBucket, Some(period), Some(step)) => {
                (period.high, (f64::from(burst) / f64::from(step.max(1))).ceil() * period.high)
            }
            (Kind::Stacked, ..) => {
                let slowest = finding
                    .limits
                    .iter()
                    .map(|limit| Some(limit.period_s.unwrap_or(f64::from(limit.burst?) / limit.rate_per_s?)));
                let Some(slowest) = slowest.collect::<Option<Vec<f64>>>() else { return };
                let slowest = slowest.into_iter().fold(0.0, f64::max);
                (slowest, slowest)
            }
            (Kind::SlidingCounter, Some(period), _) => (2.0 * period.high, 2.0 * period.high),
            (_, Some(period), _) => (period.high, period.high),
            _ => (1.0 / rate.low.max(1e-9), f64::from(burst) / rate.low.max(1e-9)),
        };
        let full_point = if finding.kind == Kind::SlidingCounter { full / 2.0 } else { full };
        finding.recovery =
            Some(Recovery { one_s: one, full_s: full_point, seen_full_after_s: seen_full(&self.observations, burst) });
        let sustained_per_s = law(finding, nodes).map_or(rate.low / 2.0, |law| advice::safe_rate(law, rate.low));
        let spike = finding.burst_between.map_or(burst, |b| b.0.min(burst));
        finding.advice = Some(Advice { sustained_per_s, spike, rest_s: full });
    }
}

/// The shortest rest after which as many calls passed at once as it lets through.
fn seen_full(observations: &[Observation], burst: u32) -> Option<f64> {
    let batches: Vec<&[Observation]> = observations.chunk_by(|a, b| a.round == b.round).collect();
    let rests = batches.windows(2).filter_map(|pair| {
        let begin = pair[1].iter().map(|o| o.sent_us).min()?;
        let ended = pair[0].iter().map(|o| o.done_us).max()?;
        let wave = pair[1].iter().filter(|o| o.due_us == pair[1][0].due_us && o.answer == AnswerClass::Accepted).count();
        (wave >= burst as usize && pair[1][0].phase != Phase::Burst).then(|| seconds(begin.saturating_sub(ended)))
    });
    rests.reduce(f64::min)
}

/// The law by which the kind found refuses.
fn law(finding: &ProbeFinding, nodes: Option<f64>) -> Option<Law> {
    let (rate, burst) = (finding.rate_per_s?.point, f64::from(finding.burst?.max(1)));
    let period = finding.period_s.map(|p| p.point);
    let simulated = |quota: Option<Quota>| quota.map(Law::Simulated);
    match finding.kind {
        Kind::TokenBucket => Some(Law::Bucket(rate, burst)),
        Kind::FixedWindow if finding.anchor == Some(WindowAnchor::FirstCall) => Some(Law::FirstCall(burst, period?)),
        Kind::FixedWindow => Some(Law::Window(burst, period?)),
        Kind::SlidingLog => Some(Law::Log(burst, period?)),
        // Chance sends each node its share of the calls.
        Kind::ShardedBucket => {
            let nodes = u32::try_from(place(nodes?)).ok()?.max(1);
            let rate = Rate::per_second(rate).ok()?;
            simulated(Some(Quota::ShardedBucket(ShardedBucket::at_random(nodes, rate, finding.burst?.max(nodes)))))
        }
        Kind::StepBucket => {
            let every = Duration::try_from_secs_f64(period?).ok()?;
            simulated(Some(Quota::StepBucket(StepBucket::full(finding.step_tokens?, every, finding.burst?))))
        }
        Kind::SlidingCounter => {
            let window = Duration::try_from_secs_f64(period?).ok()?;
            simulated(Some(Quota::SlidingCounter(SlidingCounter::exact(finding.burst?, window))))
        }
        Kind::Stacked => {
            let [first, second] = &finding.limits[..] else { return None };
            let quota = StackedQuota { first: plain(first)?, second: plain(second)?, refused_pays: RefusedPays::Nothing };
            simulated(Some(Quota::Stacked(quota)))
        }
        _ => None,
    }
}

/// One of several limits, as the emulator knows it.
fn plain(limit: &OneLimit) -> Option<PlainQuota> {
    let (burst, rate) = (limit.burst?.max(1), Rate::per_second(limit.rate_per_s?).ok()?);
    let window = limit.period_s.and_then(|period| Duration::try_from_secs_f64(period).ok());
    Some(match limit.kind {
        Kind::FixedWindow => PlainQuota::FixedWindow(FixedWindow::on_grid(burst, window?)),
        Kind::SlidingLog => PlainQuota::SlidingLog(SlidingLog::exact(burst, window?)),
        Kind::TokenBucket => PlainQuota::TokenBucket(TokenBucket::full(rate, burst)),
        _ => return None,
    })
}
