//! What each call says: its mix, its token, and whether it repeats an earlier one.
//!
//! Mix, role and fresh token of call k are hashes of (seed, k), the same on every core. Which earlier token is repeated depends on
//! what has been answered, so that is remembered here, for one core, in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use super::Line;
use crate::client::Ask;
use crate::client::outcome::{Class, Outcome};
use crate::client::request::CreateRequest;
use crate::record::sample::{Role, Sample};
use crate::scenario::{Idempotency, Scenario};
use crate::stats::draw::{self, Stream};
use crate::units::Text64;

/// Tokens remembered for a repetition, each kind: at any rate it is enough to draw from.
const REMEMBERED: usize = 4096;

/// The requests that a client must be able to make: one a mix, then for each of them the same with other settings.
pub fn requests(scenario: &Scenario) -> Vec<CreateRequest> {
    let plain = scenario.mixes.iter().map(|mix| mix.request.clone());
    let other = scenario.mixes.iter().map(|mix| with_other_settings(&mix.request));
    plain.chain(other).collect()
}

/// The same request with another number of audit images: a mismatch that is valid in itself.
fn with_other_settings(request: &CreateRequest) -> CreateRequest {
    let mut other = request.clone();
    let settings = other.settings.get_or_insert_default();
    settings.audit_images_limit = Some((settings.audit_images_limit.unwrap_or(0) + 1).rem_euclid(5));
    other
}

/// What the scenario says about tokens, in the form of this room.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shares {
    /// Share of even-numbered calls that lead a race.
    lead: f64,
    /// Upper ends of the other roles on the unit line, in the order of [`Shares::ROLES`].
    ends: [f64; 5],
}

impl Shares {
    const ROLES: [Role; 5] = [Role::Replay, Role::Mismatch, Role::Expired, Role::AfterThrottle, Role::AfterLoss];

    /// Shares of the calls that are in no race, such that each role has its share of all calls.
    fn new(of: &Idempotency) -> Self {
        let race = of.race.as_f64();
        let rest = (1.0 - 2.0 * race).max(f64::MIN_POSITIVE);
        let mut end = 0.0;
        let ends = [of.replay, of.mismatch, of.expired, of.after_throttle, of.after_loss].map(|share| {
            end += share.as_f64() / rest;
            end
        });
        Self { lead: (2.0 * race).min(1.0), ends }
    }
}

/// The part of the script that is a hash of (seed, k): mixes, roles and fresh tokens. The same on every core.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    seed: u64,
    nonce: u64,
    shares: Shares,
    mixes: Vec<MixPart>,
}

/// What the cast needs to know of a mix.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MixPart {
    /// Sum of the weights up to and including this mix.
    end: u64,
    /// How its calls come by a token when they repeat none.
    role: Role,
    /// The token that its request fixes.
    fixed: Option<Text64>,
}

impl Cast {
    fn new(scenario: &Scenario, nonce: u64) -> Self {
        let mut weight = 0;
        let mixes = scenario.mixes.iter().map(|mix| {
            weight += u64::from(mix.weight);
            let fixed = mix.request.client_request_token.as_deref().map(Text64::cut);
            let role = match (fixed, mix.fresh_token) {
                (Some(_), _) => Role::Fixed,
                (None, true) => Role::Fresh,
                (None, false) => Role::Tokenless,
            };
            MixPart { end: weight, role, fixed }
        });
        Self { seed: scenario.seed, nonce, shares: Shares::new(&scenario.idempotency), mixes: mixes.collect() }
    }

    /// Whether call k goes at the same instant as call k - 1, with its token.
    pub(super) fn is_twin(&self, k: u64) -> bool {
        !k.is_multiple_of(2) && self.leads(k - 1)
    }

    /// Only even calls lead, so that no call is in two races.
    fn leads(&self, k: u64) -> bool {
        k.is_multiple_of(2) && self.plain_role(k) == Role::Fresh && draw::unit(self.seed, Stream::Role, k) < self.shares.lead
    }

    fn mix(&self, k: u64) -> u16 {
        let total = self.mixes.last().map_or(1, |part| part.end);
        let drawn = draw::bits(self.seed, Stream::Mix, k) % total;
        let index = self.mixes.partition_point(|part| part.end <= drawn);
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    /// How call k comes by a token when it repeats none.
    fn plain_role(&self, k: u64) -> Role {
        self.part(k).map_or(Role::Fresh, |part| part.role)
    }

    /// The mix of call k; there is one for every call of a valid scenario.
    fn part(&self, k: u64) -> Option<&MixPart> {
        self.mixes.get(usize::from(self.mix(k)))
    }

    /// The token that call k carries when it repeats none: its own, that of its request, or none.
    fn plain_token(&self, k: u64) -> Option<Text64> {
        match self.plain_role(k) {
            Role::Fresh => Some(self.fresh_token(k)),
            _ => self.part(k).and_then(|part| part.fixed),
        }
    }

    /// Which repetition is drawn for call k; the leader of a race repeats nothing.
    fn repetition(&self, k: u64) -> Option<Role> {
        let drawn = draw::unit(self.seed, Stream::Candidate, k);
        let role = Shares::ROLES.get(self.shares.ends.partition_point(|end| *end <= drawn)).copied()?;
        (!self.leads(k)).then_some(role)
    }

    /// The token that only call k of this run brings. The last part is one-to-one in k, so no two are equal.
    fn fresh_token(&self, k: u64) -> Text64 {
        fresh_token(self.nonce, self.seed, k)
    }
}

/// The token of call k of a run; one-to-one in k.
pub(super) fn fresh_token(nonce: u64, seed: u64, k: u64) -> Text64 {
    Text64::cut(&format!("lb-{nonce:016x}-{:016x}", draw::bits(seed, Stream::TokenLow, k)))
}

/// Writes the calls of one core.
#[derive(Debug)]
pub struct Script {
    cast: Cast,
    answered: Answered,
    throttled: VecDeque<Candidate>,
    lost: VecDeque<Candidate>,
}

/// A token that may be repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    token: Text64,
    mix: u16,
    done: Duration,
}

impl Script {
    /// The script of a scenario. The nonce keeps its tokens apart from those of every other run.
    pub fn new(scenario: &Scenario, nonce: u64) -> Self {
        Self::of(Cast::new(scenario, nonce), scenario.idempotency.session_ttl)
    }

    fn of(cast: Cast, session_ttl: Duration) -> Self {
        Self { cast, answered: Answered::new(session_ttl), throttled: VecDeque::new(), lost: VecDeque::new() }
    }

    /// What every core knows of every call.
    pub(super) fn cast(&self) -> Cast {
        self.cast.clone()
    }

    /// Call k as it stands in the books when it is not sent: it repeats nothing.
    pub(super) fn blank(&self, k: u64, due: Duration) -> Line {
        let mix = self.cast.mix(k);
        Line { seq: k, due, mix, role: self.cast.plain_role(k), attempt: 1, ask: Ask { request: usize::from(mix), token: None } }
    }

    /// Call k as it is sent at `now`.
    pub(super) fn compose(&mut self, k: u64, due: Duration, now: Duration) -> Line {
        let blank = self.blank(k, due);
        if self.cast.is_twin(k) {
            let mix = self.cast.mix(k - 1);
            return repeat(blank, Role::Race, self.cast.fresh_token(k - 1), mix, usize::from(mix));
        }
        if blank.role == Role::Fresh
            && let Some((role, candidate)) = self.repetition(k, now)
        {
            let other = if role == Role::Mismatch { self.cast.mixes.len() } else { 0 };
            return repeat(blank, role, candidate.token, candidate.mix, usize::from(candidate.mix) + other);
        }
        Line { ask: Ask { token: self.cast.plain_token(k), ..blank.ask }, ..blank }
    }

    /// The role that is drawn for call k, and a token for it, if there is one.
    fn repetition(&mut self, k: u64, now: Duration) -> Option<(Role, Candidate)> {
        let role = self.cast.repetition(k)?;
        let pick = draw::bits(self.cast.seed, Stream::TokenHigh, k);
        let candidate = match role {
            Role::Replay => self.answered.young(now, pick),
            Role::Mismatch => self.answered.take_young(now, pick),
            Role::Expired => self.answered.take_expired(now),
            Role::AfterThrottle => self.throttled.pop_front(),
            _ => self.lost.pop_front(),
        }?;
        Some((role, candidate))
    }

    /// Remembers what may be repeated.
    pub(super) fn learn(&mut self, sample: &Sample) {
        let (Role::Fresh, Some(token), Some(done)) = (sample.role, sample.token, sample.done) else { return };
        let candidate = Candidate { token, mix: sample.mix, done };
        match sample.outcome() {
            Outcome::Ok => self.answered.push(candidate),
            outcome if outcome.class() == Class::Throttled => push_bounded(&mut self.throttled, candidate),
            outcome if outcome.is_lost() => push_bounded(&mut self.lost, candidate),
            _ => {}
        }
    }
}

fn repeat(blank: Line, role: Role, token: Text64, mix: u16, request: usize) -> Line {
    Line { role, mix, attempt: 2, ask: Ask { request, token: Some(token) }, ..blank }
}

/// Keeps the latest.
fn push_bounded(queue: &mut VecDeque<Candidate>, candidate: Candidate) {
    if queue.len() == REMEMBERED {
        queue.pop_front();
    }
    queue.push_back(candidate);
}

/// Answered tokens by the instant of their answer, thinned so that they span more than a session's life.
#[derive(Debug)]
struct Answered {
    ttl: Duration,
    spacing: Duration,
    queue: VecDeque<Candidate>,
}

impl Answered {
    fn new(ttl: Duration) -> Self {
        let cells = u32::try_from(REMEMBERED / 2).unwrap_or(1);
        Self { ttl, spacing: ttl / cells, queue: VecDeque::new() }
    }

    fn push(&mut self, candidate: Candidate) {
        if self.queue.back().is_none_or(|last| candidate.done >= last.done + self.spacing) {
            push_bounded(&mut self.queue, candidate);
        }
    }

    /// Tokens less than half a life old: their repetition is answered within the life whatever the latency.
    fn young_from(&self, now: Duration) -> usize {
        self.queue.partition_point(|c| c.done + self.ttl / 2 < now)
    }

    fn young_index(&self, now: Duration, pick: u64) -> Option<usize> {
        let from = self.young_from(now);
        let count = u64::try_from(self.queue.len() - from).ok()?;
        Some(from + usize::try_from(pick.checked_rem(count)?).ok()?)
    }

    fn young(&self, now: Duration, pick: u64) -> Option<Candidate> {
        self.queue.get(self.young_index(now, pick)?).copied()
    }

    /// A token that is not repeated again: what the service makes of it is not known.
    fn take_young(&mut self, now: Duration, pick: u64) -> Option<Candidate> {
        self.queue.remove(self.young_index(now, pick)?)
    }

    fn take_expired(&mut self, now: Duration) -> Option<Candidate> {
        self.queue.pop_front_if(|c| c.done + self.ttl <= now)
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;
    use crate::client::Answer;
    use crate::units::Share;
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    fn shares(replay: f64, race: f64, mismatch: f64, expired: f64, after_throttle: f64, after_loss: f64) -> Idempotency {
        let share = |value| Share::new(value).unwrap();
        Idempotency {
            replay: share(replay),
            race: share(race),
            mismatch: share(mismatch),
            expired: share(expired),
            after_throttle: share(after_throttle),
            after_loss: share(after_loss),
            session_ttl: Duration::from_secs(180),
        }
    }

    fn script(idempotency: &Idempotency) -> Script {
        let mixes = [7, 10].map(|end| MixPart { end, role: Role::Fresh, fixed: None }).to_vec();
        Script::of(Cast { seed: 7, nonce: 1, shares: Shares::new(idempotency), mixes }, idempotency.session_ttl)
    }

    /// A run of `calls` at 25/s in which every 10th answer is a throttle and every 11th is lost.
    fn play(script: &mut Script, calls: u64) -> Vec<Line> {
        (0..calls)
            .map(|k| {
                let now = Duration::from_millis(40 * k);
                let line = script.compose(k, now, now);
                let outcome = match k {
                    _ if k.is_multiple_of(10) => Outcome::ThrottledQuota,
                    _ if k.is_multiple_of(11) => Outcome::ReadTimeout,
                    _ => Outcome::Ok,
                };
                let ended = Sample { sent: Some(now), done: Some(now), ..line.unsent(Answer::without_reply(outcome)) };
                script.learn(&ended);
                line
            })
            .collect()
    }

    /// Every role has its share of the scheduled calls.
    #[test]
    fn roles_have_their_shares() {
        let wanted = shares(0.05, 0.02, 0.01, 0.01, 0.01, 0.01);
        let lines = play(&mut script(&wanted), 100_000);
        let mut counts = BTreeMap::new();
        for line in &lines {
            *counts.entry(line.role).or_insert(0u32) += 1;
        }
        let expected = [
            (Role::Replay, 0.05),
            (Role::Race, 0.02),
            (Role::Mismatch, 0.01),
            (Role::Expired, 0.01),
            (Role::AfterThrottle, 0.01),
            (Role::AfterLoss, 0.01),
        ];
        for (role, share) in expected {
            let seen = f64::from(counts[&role]) / lines.len() as f64;
            assert!((seen - share).abs() < 0.15 * share, "{role}: {seen} instead of {share}");
        }
    }

    /// An ordinary call's token is used by no other ordinary call; twins share theirs; a mismatch sends another request.
    #[test]
    fn tokens_are_what_roles_say() {
        let lines = play(&mut script(&shares(0.1, 0.1, 0.05, 0.0, 0.0, 0.0)), 20_000);
        let mut fresh = BTreeSet::new();
        for (k, line) in lines.iter().enumerate() {
            match line.role {
                Role::Fresh => assert!(fresh.insert(line.ask.token), "{line:?}"),
                Role::Race => {
                    let leader = &lines[k - 1];
                    assert_eq!((leader.role, leader.ask), (Role::Fresh, line.ask));
                }
                Role::Mismatch => assert_eq!(line.ask.request, usize::from(line.mix) + 2),
                _ => assert!(fresh.contains(&line.ask.token)),
            }
        }
    }

    /// A call knows the token that its request fixes, so that the ledger can compare what it got; a call without a token has none.
    #[test]
    fn fixed_tokens_are_known() {
        let fixed = Text64::cut("my_default_session");
        let mixes = vec![
            MixPart { end: 1, role: Role::Fixed, fixed: Some(fixed) },
            MixPart { end: 2, role: Role::Tokenless, fixed: None },
        ];
        let cast = Cast { seed: 7, nonce: 1, shares: Shares::new(&shares(0.5, 0.0, 0.0, 0.0, 0.0, 0.0)), mixes };
        for line in play(&mut Script::of(cast, Duration::from_secs(180)), 100) {
            let token = if line.mix == 0 { Some(fixed) } else { None };
            assert_eq!((line.ask.token, line.attempt), (token, 1), "{line:?}");
        }
    }

    /// Nothing is called expired before its time, and replays come well before it.
    #[test]
    fn ages_are_right() {
        let mut script = script(&shares(0.2, 0.0, 0.0, 0.2, 0.0, 0.0));
        let born: BTreeMap<_, _> = (0..20_000u64).map(|k| (script.cast.fresh_token(k), Duration::from_millis(40 * k))).collect();
        let mut expired = 0;
        for line in play(&mut script, 20_000) {
            let age = line.due.saturating_sub(born[&line.ask.token.unwrap()]);
            match line.role {
                Role::Expired => {
                    assert!(age >= Duration::from_secs(180));
                    expired += 1;
                }
                Role::Replay => assert!(age <= Duration::from_secs(90)),
                _ => {}
            }
        }
        assert!(expired > 1000);
    }

    /// Other settings are valid settings.
    #[test]
    fn mismatches_are_valid() {
        for limit in [None, Some(0), Some(4)] {
            let settings = crate::client::request::Settings { audit_images_limit: limit, ..Default::default() };
            let request = CreateRequest { settings: Some(settings), ..Default::default() };
            let other = with_other_settings(&request);
            assert_ne!(other, request);
            assert_eq!(other.violations(), []);
        }
    }
}
