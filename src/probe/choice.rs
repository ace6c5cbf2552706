//! The next experiment: of some that the suspects propose, the one that tells most for what it costs.
//!
//! Particles of every suspect that is still heard foresee the answers. Where all foresee the same, nothing is learned; the entropy of what
//! they foresee is what is learned (Lindley: On a measure of the information provided by an experiment, Annals of Mathematical Statistics
//! 27, 1956). Every suspect has one voice, however likely it is: an unlikely one must be refuted, too.

use std::collections::BTreeMap;

use super::belief::Belief;
use super::cloud::{Cloud, Dice, Particle};
use super::observation::Phase;
use super::timeline::Timeline;
use crate::limiter::suspect::{CallMoment, InWave, More, Traits};
use crate::num::{count, place};

/// Experiments that are proposed for each decision.
const PROPOSED: usize = 48; // derived: each of six forms eight times; a decision takes some milliseconds

/// Particles that foresee the answers.
const VOICES: usize = 96; // derived: an entropy of up to ln(96), more than a batch tells

/// What a decision costs beside calls and time, as a share of the probe.
const DECISION: f64 = 1.0 / 200.0; // derived: at some milliseconds each, 200 of them take a second of CPU

/// The most of what is left that one experiment may take.
const SHARE: f64 = 0.2; // derived: five more decisions at least

/// What is worth to know numbers still better that are known as well as asked.
const PRECISE: f64 = 0.5; // measured: from 0.1 on it hardly matters; half, so that the other half goes to other kinds

/// A particle that is heard.
struct Voice<'a> {
    cloud: &'a Cloud,
    particle: Particle,
    traits: Traits,
    weight: f64,
}

/// An experiment: its form, and when its calls are due, in seconds from now.
#[derive(Debug, Clone, PartialEq)]
struct Proposal {
    phase: Phase,
    after: Vec<f64>,
}

/// What is left to spend when a decision is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purse {
    /// Calls.
    pub(super) calls: usize,
    /// Seconds.
    pub(super) seconds: f64,
    /// Seconds from the probe's start.
    pub(super) now: f64,
    /// Half of the rate's interval that is narrow enough, relative to the rate.
    pub(super) precision: f64,
    /// Seed and number of the decision's draws.
    pub(super) draws: (u64, u64),
}

/// Which calls are sent next, and when.
pub(super) fn next(belief: &Belief, timeline: &Timeline, purse: &Purse) -> (Phase, Vec<f64>) {
    let mut dice = Dice::new(purse.draws.0, 1000 + purse.draws.1); // derived: beyond the numbers of the suspects
    let voices = voices(belief, &mut dice);
    let room = Room::of(belief, timeline, purse);
    let proposals: Vec<Proposal> = (0..PROPOSED).filter_map(|_| propose(&voices, &room, &mut dice)).collect();
    let scored = proposals.into_iter().map(|p| (worth(&p, &voices, timeline, &room), p));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, p)| p);
    let best = best.unwrap_or(Proposal { phase: Phase::Solo, after: vec![room.trip] });
    (best.phase, best.after.iter().map(|after| purse.now + after).collect())
}

/// The measure of an experiment.
struct Room {
    calls: f64,
    seconds: f64,
    now: f64,
    trip: f64,
    /// Whether the likeliest suspect's rate is known as well as asked.
    precise: bool,
    /// The most that was ever let through between two refusals.
    passed: f64,
}

impl Room {
    fn of(belief: &Belief, timeline: &Timeline, purse: &Purse) -> Self {
        let (mut passed, mut run) = (1, 0);
        for told in &timeline.told {
            run = if told.passed == Some(false) { 0 } else { run + 1 };
            passed = passed.max(run);
        }
        Self {
            calls: count(purse.calls),
            seconds: purse.seconds.max(1e-3),
            now: purse.now,
            trip: timeline.trip().max(1e-3),
            precise: precise(belief, purse.precision),
            passed: count(passed),
        }
    }
}

fn precise(belief: &Belief, precision: f64) -> bool {
    belief.judged().first().is_some_and(|cloud| {
        // derived: nineteen in twenty
        let q = cloud.quantiles(|p| cloud.traits(p).rate.unwrap_or(1.0), &[0.025, 0.975]);
        q[1] - q[0] <= 2.0 * precision * q[0]
    })
}

fn voices<'a>(belief: &'a Belief, dice: &mut Dice) -> Vec<Voice<'a>> {
    let heard = belief.heard();
    let each = (VOICES / heard.len().max(1)).max(2);
    let mut voices = Vec::new();
    for cloud in heard {
        let drawn = cloud.voices(each, dice);
        let weight = 1.0 / count(drawn.len().max(1));
        voices.extend(drawn.into_iter().map(|particle| Voice { cloud, particle, traits: cloud.traits(&particle), weight }));
    }
    voices
}

/// One experiment at the measure of one voice.
fn propose(voices: &[Voice<'_>], room: &Room, dice: &mut Dice) -> Option<Proposal> {
    let voice = voices.get(dice.below(voices.len()))?;
    let rate = voice.traits.rate.unwrap_or(1.0 / room.trip).max(1.0 / room.seconds).min(250.0); // derived: 4 ms, as close as a machine sends apart
    let burst = voice.traits.burst.unwrap_or(1.0).clamp(1.0, room.passed);
    let period = voice.traits.ban_s.or(voice.traits.period).unwrap_or(burst / rate);
    let between = |dice: &mut Dice, low: f64, high: f64| low + (high - low) * dice.unit();
    // From at once to a little more than a period, or than one token takes; derived: thirds, so that each is tried as often
    let rest = match dice.below(3) {
        0 => 0.0,
        1 => period * between(dice, 0.1, 1.3), // derived: from at once to surely over
        _ => between(dice, 0.3, 3.0) / rate,   // derived: about the time of a token
    };
    let gap = |dice: &mut Dice, pace: f64| between(dice, 0.7, 1.3) / (rate * pace); // derived: uneven, so that no two calls fall alike
    let mut after = vec![rest];
    // derived: five forms, as often each: alone, a wave, a stream, a stream after a wave, one alone with a wave after it
    let phase = match dice.below(5) {
        0 => Phase::Solo,
        1 => {
            let size = if dice.unit() < 0.5 { burst + 2.0 } else { between(dice, 1.0, burst + 2.0) }; // derived: one more than passes, and one to spare
            fill(&mut after, size, rest);
            if rest > 0.0 { Phase::Storm } else { Phase::Burst }
        }
        // derived: two of the five forms
        form @ (2 | 3) => {
            // Above the rate, so that some are refused; beside the burst where one is due.
            let pace = between(dice, 0.8, 2.5); // derived: a little below the rate to well above it
            // derived: the second of the two forms
            if form == 3 {
                fill(&mut after, burst + 2.0, rest);
            }
            let calls = between(dice, 4.0, 24.0); // derived: a few to a second's worth
            let mut at = rest;
            for _ in 0..place(calls) {
                at += gap(dice, pace).max(room.trip / 4.0); // source: closer calls than a fourth of a round trip are decided in any order
                after.push(at);
            }
            Phase::Stream
        }
        _ => {
            // One call alone, and a burst within a period of it: is the period counted from the call?
            let later = rest + period * between(dice, 0.3, 1.2); // derived: before its end to after it
            fill(&mut after, burst + 3.0, later); // derived: the one alone, one more than passes, and one to spare
            Phase::Storm
        }
    };
    let most = place((room.calls * SHARE).max(2.0)).max(place(burst.min(room.calls) + 2.0));
    after.truncate(most);
    let end = after.last().copied()?;
    (end < room.seconds).then_some(Proposal { phase, after })
}

/// A wave: calls at one instant, after those that are there.
fn fill(after: &mut Vec<f64>, size: f64, at: f64) {
    while count(after.len()) < size.floor() {
        after.push(at);
    }
}

/// What an experiment tells for what it costs.
fn worth(proposal: &Proposal, voices: &[Voice<'_>], timeline: &Timeline, room: &Room) -> f64 {
    let keys: Vec<u64> = voices.iter().map(|voice| foreseen(voice, proposal, timeline, room)).collect();
    let all = entropy(voices.iter().zip(&keys).map(|(v, key)| (*key, v.weight)));
    // What is foreseen differently by particles of one suspect tells of its numbers only.
    let suspects = voices.chunk_by(|a, b| std::ptr::eq(a.cloud, b.cloud));
    let (mut own, mut at) = (0.0, 0);
    for chunk in suspects {
        let of = keys[at..at + chunk.len()].iter().map(|key| (*key, 1.0));
        own += entropy(of);
        at += chunk.len();
    }
    let own = own / voices.iter().map(|v| v.weight).sum::<f64>().max(1.0);
    // Numbers that are known as well as asked are worth less than to tell kinds apart, but more than nothing.
    let told = (all - own).max(0.0) + if room.precise { PRECISE * own } else { own };
    let end = proposal.after.last().copied().unwrap_or(0.0) + room.trip;
    let cost = end / room.seconds + count(proposal.after.len()) / room.calls.max(1.0) + DECISION;
    told / cost
}

/// The entropy of some outcomes with their weights.
fn entropy(outcomes: impl Iterator<Item = (u64, f64)>) -> f64 {
    let mut shares: BTreeMap<u64, f64> = BTreeMap::new();
    for (key, weight) in outcomes {
        *shares.entry(key).or_default() += weight;
    }
    let total: f64 = shares.values().sum();
    shares.values().map(|w| -(w / total) * (w / total).ln()).sum()
}

/// The answers that a particle foresees, as a key: of calls at one instant only how many pass.
fn foreseen(voice: &Voice<'_>, proposal: &Proposal, timeline: &Timeline, room: &Room) -> u64 {
    let (suspect, numbers) = (voice.cloud.suspect, voice.particle.numbers());
    let mut state = voice.particle.state;
    let (answers, mut more) = (voice.cloud.answers(timeline), More::default());
    let mut common = Dice::new(7, 0); // derived: any seed; the same chance for every particle, so that only their numbers part them
    // derived: as in the evidence
    let jitter = 3.0 * voice.particle.sigma();
    let mut key = 0_u64;
    #[allow(clippy::float_cmp)] // copies of one number
    for wave in proposal.after.chunk_by(|a, b| a == b) {
        let (t, mut passed) = (room.now + wave[0] + room.trip / 2.0, 0);
        for place in 0..wave.len() {
            let (past, chance) = (answers.and(&more), common.unit());
            let wave = InWave { place, calls: wave.len() };
            let moment = CallMoment { t, wave, origin: answers.origin, past, jitter, chance };
            let open = suspect.chance(numbers, &mut state, &moment, voice.particle.sigma()) * (1.0 - voice.particle.others());
            if chance < open {
                suspect.passed(numbers, &mut state, &moment);
                more.passed.push(t);
                more.answered.push(t + room.trip / 2.0);
                passed += 1;
            } else {
                suspect.refused(numbers, &mut state, &moment);
            }
            more.all.push(t);
        }
        key = (key ^ passed).wrapping_mul(0x0100_0000_01b3); // source: FNV-1a, its prime
    }
    key
}
