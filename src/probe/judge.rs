//! The finding: one kind with its numbers, and how sure.

use std::collections::BTreeMap;

use super::belief::{Belief, HEARD};
use super::cloud::Cloud;
use super::finding::{AlsoPossible, Estimate, OneLimit, ProbeFinding, RunnerUp, Signals};
use super::guarantee::{self, Assured};
use super::inquiry::Inquiry;
use super::observation::{AnswerClass, Observation};
use super::settings::{ProbeSettings, ProbeStop};
use super::view::{View, seconds};
use crate::limiter::Kind;
use crate::limiter::suspect::Traits;
use crate::num::count;
use crate::num::small;
use crate::units::plural;

/// Odds above which a kind is likely.
const LIKELY: f64 = 20.0 / 21.0; // source: Kass, Raftery: Bayes factors, JASA 90, 1995: above 20 to 1 the evidence is strong

/// A burst that nothing bounds.
pub const UNBOUNDED: u32 = 1_000_000_000; // derived: more calls than anybody sends at once

/// Rates further apart than this say little.
const VAGUE: f64 = 1.5; // derived: an interval of half of the rate plans nothing

/// What the observations say.
pub fn judge(settings: &ProbeSettings, observations: &[Observation], stop: ProbeStop) -> ProbeFinding {
    Inquiry::of(*settings, observations).finding(stop)
}

impl Inquiry {
    /// What was found when it ended.
    pub fn finding(&self, stop: ProbeStop) -> ProbeFinding {
        let view = View::whole(&self.observations);
        let mut finding = self.blank(stop, &view);
        if view.seen.is_empty() {
            finding.notes.push(format!("nothing was answered: none of {} calls says anything of a limit", finding.calls));
            return finding;
        }
        // A limit that was not met may stand behind calls that nobody sent.
        let sought = matches!(stop, ProbeStop::Calls | ProbeStop::Sessions | ProbeStop::Time);
        if view.refused.is_empty() && !(sought && finding.tried_per_s > 0.0) {
            finding.kind = Kind::Inconclusive;
            finding.notes.push(format!(
                "no call was refused, but {} say nothing of a limit: send more of them at once",
                plural(u64::from(finding.calls), "call")
            ));
            return finding;
        }
        if view.refused.is_empty() {
            finding.notes.push(none(&finding, stop));
            return finding;
        }
        let Some(mut belief) = self.belief.clone() else {
            finding.kind = Kind::Inconclusive;
            finding.notes.push(format!(
                "everything was refused from the first call on, for {:.1} s: it is shut, or used up by others; try later, or raise --max-time",
                finding.seconds
            ));
            return finding;
        };
        belief.ask_again(&self.timeline);
        finding.odds = belief.odds();
        self.decide(&mut finding, &belief, &view);
        let nodes = belief.judged().first().map(|winner| winner.range(|t| t.nodes).point);
        self.advise(&mut finding, nodes);
        finding
    }

    fn blank(&self, stop: ProbeStop, view: &View) -> ProbeFinding {
        let observations = &self.observations;
        let number = |of: AnswerClass| small(observations.iter().filter(|o| o.answer == of).count());
        let signals = Signals {
            accepted: number(AnswerClass::Accepted),
            quota: number(AnswerClass::Refused),
            ramp: number(AnswerClass::Ramp),
            service: number(AnswerClass::Service),
            other: number(AnswerClass::Unknown) + number(AnswerClass::TooMany) + number(AnswerClass::Unavailable),
        };
        let (first, last) = (observations.iter().map(|o| o.sent_us).min(), observations.iter().map(|o| o.done_us).max());
        let spent = first.zip(last).map_or(0.0, |(a, b)| seconds(b - a));
        ProbeFinding {
            schema: 2,
            kind: if view.seen.is_empty() { Kind::Inconclusive } else { Kind::None },
            rate_per_s: None,
            burst: None,
            burst_between: None,
            period_s: None,
            step_tokens: None,
            guaranteed: false,
            odds: BTreeMap::new(),
            horizon_s: spent,
            anchor: None,
            start_level: None,
            limits: Vec::new(),
            delay_s_max: None,
            ban_s: None,
            also: Vec::new(),
            refusal: self.signal().map(|signal| signal.name().to_owned()),
            confidence: None,
            applied_per_s: None,
            calls: small(observations.len()),
            sessions: signals.accepted,
            seconds: spent,
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
            settings: self.settings,
            notes: self.preamble(&signals),
            observations: observations.clone(),
        }
    }

    fn preamble(&self, signals: &Signals) -> Vec<String> {
        let mut notes = Vec::new();
        let refusal = self.signal().map(super::signal::Signal::name);
        if signals.quota > 0 && signals.ramp + signals.service > 0 {
            notes.push("ramp and service throttles say nothing of the quota and were left out".to_owned());
        }
        if let Some(name) = refusal.filter(|_| signals.quota == 0) {
            notes.push(format!("there was no quota error: {name} is taken for a refusal"));
        }
        if self.observations.iter().any(|o| self.read(o) == AnswerClass::Unknown) {
            notes.push("calls without a clear answer may have cost a token each".to_owned());
        }
        notes
    }

    fn decide(&self, finding: &mut ProbeFinding, belief: &Belief, view: &View) {
        let heard = belief.judged();
        let Some(winner) = heard.first().copied() else {
            finding.kind = Kind::Inconclusive;
            finding.notes.push("inconclusive: no kind of the catalogue explains the answers".to_owned());
            return;
        };
        let kind = winner.suspect.kind();
        let odds = finding.odds.get(&kind).copied().unwrap_or(0.0);
        let second = heard.iter().find(|c| c.suspect.kind() != kind).copied();
        let since = view.refused.iter().map(|(_, hi)| *hi).next().unwrap_or(0.0);
        let back = view.accepted.surely(since, f64::INFINITY);
        let rates = winner.quantiles(|p| winner.traits(p).rate.unwrap_or(f64::NAN), &[0.05, 0.95]); // derived: nine tenths of the weight
        let vague = kind != Kind::Concurrency && rates[1] > rates[0] * VAGUE;
        finding.runner_up =
            second.map(|c| RunnerUp { kind: c.suspect.kind(), violated_answers: small(c.violated(&self.timeline)) });
        finding.also = others(&heard, kind);
        finding.violated_answers = small(winner.violated(&self.timeline));
        let reason = if kind != Kind::Concurrency && back == 0 {
            let silent = (view.span().1 - since).max(0.0);
            Some(format!("nothing came back in the {silent:.1} s after the first refused call: a longer --max-time would tell"))
        } else if odds < LIKELY {
            Some(undecided(finding, winner, second, odds))
        } else if vague && !matches!(kind, Kind::Ban | Kind::Stacked) {
            Some(format!("{} is likely, but too little came back to tell its rate: raise --max-time", kind.words()))
        } else if winner.leaves_runs(&self.timeline) {
            Some(format!(
                "{} is the likeliest, but calls that it would let through were refused in a row: there may be another limit; raise \
                 --max-time",
                kind.words()
            ))
        } else {
            None
        };
        if let Some(reason) = reason {
            finding.kind = Kind::Inconclusive;
            finding.notes.push(format!("inconclusive: {reason}"));
            return;
        }
        self.named(finding, belief, winner, view);
    }

    /// A kind is named: its numbers, and whether they are guaranteed.
    fn named(&self, finding: &mut ProbeFinding, belief: &Belief, winner: &Cloud, view: &View) {
        let kind = winner.suspect.kind();
        finding.kind = kind;
        let assured = guarantee::assured(self, belief, winner, view);
        self.numbers(finding, winner, assured.as_ref());
        finding.guaranteed =
            assured.as_ref().is_some_and(|a| a.sure) && finding.odds.get(&kind).is_some_and(|o| *o > 1.0 - (-HEARD).exp());
        let traits = winner.best().map(|p| winner.traits(p)).unwrap_or_default();
        finding.rejects_are_free = Some(traits.cost.is_none_or(|cost| cost < 0.02)); // derived: a fiftieth of a call is nothing
        finding.quota_changed = winner.suspect.changes();
        let taken = winner.quantiles(super::cloud::Particle::others, &[0.5])[0]; // derived: the median
        let few = f64::from(finding.violated_answers) <= self.settings.outliers * f64::from(finding.calls);
        // derived: one call in two hundred; the prior reaches down to one in a thousand
        let others = taken > 0.005 || winner.suspect.is_noisy();
        finding.shared_use = !finding.guaranteed && !few && kind != Kind::Concurrency && others;
        if kind == Kind::ShardedBucket {
            finding.shared_use = false;
        }
        if !finding.guaranteed {
            finding.confidence = Some(1.0 - f64::from(finding.violated_answers) / f64::from(finding.calls.max(1)));
        }
        finding.notes.push(sentence(finding, winner));
    }

    fn numbers(&self, finding: &mut ProbeFinding, winner: &Cloud, assured: Option<&Assured>) {
        let traits = winner.best().map(|p| winner.traits(p)).unwrap_or_default();
        let blur = self.timeline.trip() / finding.seconds.max(1.0);
        let estimate = |read: fn(&Traits) -> Option<f64>, sure: Option<(f64, f64)>| {
            read(&traits)?;
            let likely = winner.range(read);
            let (low, high) = sure.unwrap_or((likely.low * (1.0 - blur), likely.high * (1.0 + blur)));
            Some(Estimate { low, point: likely.point.clamp(low, high), high })
        };
        let set = assured.map(|a| a.set);
        finding.rate_per_s = estimate(|t| t.rate, set.map(|s| s.rate));
        finding.period_s = estimate(|t| t.period, set.and_then(|s| s.period));
        let burst = estimate(|t| t.burst, set.map(|s| s.burst));
        finding.burst = burst.map(|b| tokens(b.point));
        finding.burst_between = burst.map(|b| (tokens(b.low.max(0.0)), tokens(b.high).max(tokens(b.point))));
        finding.step_tokens = traits.tokens.map(tokens);
        finding.start_level =
            traits.start.filter(|level| traits.burst.is_some_and(|b| *level < b - 0.5)).map(|l| l.min(f64::from(UNBOUNDED))); // derived: half a token less than full
        finding.delay_s_max = traits.delay_s;
        finding.ban_s = traits.ban_s;
        finding.anchor = traits.period.filter(|_| finding.kind != Kind::SlidingLog).and_then(|_| winner.suspect.anchor());
        match finding.kind {
            Kind::Ban => finding.rate_per_s = None,
            Kind::Stacked => limits(finding, winner),
            _ => {}
        }
    }
}

fn none(finding: &ProbeFinding, stop: ProbeStop) -> String {
    format!(
        "no call was refused, at {:.0}/s for {} calls: there is no limit, or one that lets that many through at once{}",
        finding.tried_per_s,
        finding.calls,
        match stop {
            ProbeStop::Calls => "; raise --max-calls to look further",
            ProbeStop::Sessions => "; raise --max-sessions to look further",
            _ => "",
        }
    )
}

/// Which two kinds are left, and what would tell them apart.
fn undecided(finding: &ProbeFinding, winner: &Cloud, second: Option<&Cloud>, odds: f64) -> String {
    let kind = winner.suspect.kind();
    let Some(second) = second.map(|c| c.suspect.kind()) else { return format!("{} is not likely enough", kind.words()) };
    let share = finding.odds.get(&second).copied().unwrap_or(0.0);
    format!(
        "{} ({:.0} %) or {} ({:.0} %); {} would tell: raise --max-time or --max-calls",
        kind.words(),
        odds * 100.0,
        second.words(),
        share * 100.0,
        kind.told_by()
    )
}

/// What is known, under what, and what would make it more certain.
fn sentence(finding: &ProbeFinding, winner: &Cloud) -> String {
    let what = winner.suspect.name();
    if finding.guaranteed {
        format!(
            "{what}: guaranteed if it is a limiter of the catalogue that does not change, nobody else uses the quota, and there is no slower \
             limit than {:.0} s can show; {} looks further",
            finding.horizon_s,
            more(finding.stop)
        )
    } else {
        format!(
            "{what}: likely ({:.1} % of the odds), as far as {:.0} s can show; {} would make it more certain",
            finding.odds.get(&finding.kind).copied().unwrap_or(0.0) * 100.0,
            finding.horizon_s,
            finding.kind.told_by()
        )
    }
}

/// What lets a probe go further, after it ended like this.
const fn more(stop: ProbeStop) -> &'static str {
    match stop {
        ProbeStop::Calls => "a larger --max-calls",
        ProbeStop::Sessions => "a larger --max-sessions",
        ProbeStop::Time => "a longer --max-time",
        _ => "a probe that is not cut short",
    }
}

fn others(heard: &[&Cloud], kind: Kind) -> Vec<AlsoPossible> {
    let mut also: Vec<AlsoPossible> = Vec::new();
    for cloud in heard.iter().filter(|c| c.suspect.kind() != kind) {
        let other = cloud.suspect.kind();
        if also.iter().any(|a| a.kind == other) {
            continue;
        }
        let range = |read: fn(&Traits) -> Option<f64>| {
            cloud.best().and_then(|p| read(&cloud.traits(p)))?;
            Some(cloud.range(read))
        };
        also.push(AlsoPossible {
            kind: other,
            rate_per_s: range(|t| t.rate),
            burst_between: range(|t| t.burst).map(|b| (tokens(b.low), tokens(b.high))),
        });
    }
    also
}

/// The highest rate over one batch of at least 8 calls, up to its last answer.
fn tried(observations: &[Observation]) -> f64 {
    let rate = |batch: &[Observation]| {
        let (first, last) = (batch.iter().map(|o| o.sent_us).min()?, batch.iter().map(|o| o.done_us).max()?);
        // derived: of fewer calls the round trip makes the rate
        (batch.len() >= 8 && last > first).then(|| count(batch.len()) / seconds(last - first))
    };
    observations.chunk_by(|a, b| a.round == b.round).filter_map(rate).fold(0.0, f64::max)
}

/// A number of tokens as it is written.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative, and a cast saturates
pub(super) fn tokens(number: f64) -> u32 {
    ((number + 1e-6) as u32).min(UNBOUNDED)
}

/// The limits of a stacked one; its rate is the slowest one's, where that was seen.
fn limits(finding: &mut ProbeFinding, winner: &Cloud) {
    let Some(best) = winner.best() else { return };
    let parts = winner.suspect.parts(best.numbers());
    let slowest = parts.iter().filter_map(|(_, t)| t.rate).fold(f64::INFINITY, f64::min);
    // A period that is longer than the probe was not seen to its end, however narrow the guesses at it are.
    let horizon_s = finding.horizon_s;
    let over = |t: &Traits| t.rate == Some(slowest) && t.period.is_some_and(|period| period > horizon_s);
    let whole = !parts.iter().any(|(_, t)| over(t));
    let seen = |e: &Estimate| whole && e.high <= e.low * VAGUE;
    finding.limits = parts
        .into_iter()
        .map(|(kind, t)| {
            let known = t.rate.is_none_or(|r| r > slowest) || finding.rate_per_s.as_ref().is_some_and(seen);
            OneLimit {
                kind,
                rate_per_s: t.rate.filter(|_| known),
                burst: t.burst.map(tokens),
                period_s: t.period.filter(|_| known),
            }
        })
        .collect();
    finding.rate_per_s = finding.rate_per_s.filter(seen);
}
