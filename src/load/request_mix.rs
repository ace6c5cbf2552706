//! What each call says: its mix, its token, and whether it repeats an earlier one.
//!
//! Mix, role and fresh token of call k are hashes of (seed, k), the same on every thread. Which earlier token is repeated depends on
//! what has been answered, so that is remembered here, for one thread, in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use super::PreparedCall;
use super::call_plan::CallPlan;
use crate::client::Ask;
use crate::client::outcome::{Class, Outcome};
use crate::client::request::CreateRequest;
use crate::record::sample::{Role, Sample};
use crate::scenario::Scenario;
use crate::shard::Shard;
use crate::stats::draw::{self, Stream};
use crate::units::Text64;

/// Tokens remembered for a repetition, each kind: at any rate it is enough to draw from.
// derived: half of them span a session's 180 s, one every 88 ms
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
    // source: AuditImagesLimit is 0 to 4, CreateFaceLivenessSessionRequestSettings in the Rekognition API reference
    settings.audit_images_limit = Some((settings.audit_images_limit.unwrap_or(0) + 1).rem_euclid(5));
    other
}

/// Composes the calls of one thread: what the plan says, and repetitions of what was answered.
#[derive(Debug)]
pub struct RequestMix {
    plan: CallPlan,
    answered: Answered,
    throttled: VecDeque<Repeatable>,
    lost: VecDeque<Repeatable>,
}

/// A token that may be repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Repeatable {
    token: Text64,
    mix: u16,
    done: Duration,
}

impl RequestMix {
    /// The calls of a scenario. The nonce keeps its tokens apart from those of every other run.
    pub fn new(scenario: &Scenario, nonce: u64) -> Self {
        Self::of_shard(scenario, nonce, Shard::WHOLE)
    }

    /// Those of one shard, which repeats the tokens of its own calls only.
    pub fn of_shard(scenario: &Scenario, nonce: u64, shard: Shard) -> Self {
        Self::of(CallPlan::new(scenario, nonce, shard), scenario.idempotency.session_ttl)
    }

    /// The same from call number `first` on: those before belong to earlier segments of the run.
    #[must_use]
    pub fn from_call(mut self, first: u64) -> Self {
        self.plan.first = first;
        self
    }

    fn of(plan: CallPlan, session_ttl: Duration) -> Self {
        Self { plan, answered: Answered::new(session_ttl), throttled: VecDeque::new(), lost: VecDeque::new() }
    }

    /// What every thread knows of every call.
    pub(super) fn plan(&self) -> CallPlan {
        self.plan.clone()
    }

    /// Whose calls it composes.
    pub(super) const fn plan_shard(&self) -> Shard {
        self.plan.shard
    }

    /// The number of the first call that it composes.
    pub(super) const fn first_call(&self) -> u64 {
        self.plan.first
    }

    /// Call k as it stands in the books when it is not sent: it repeats nothing.
    pub(super) fn blank(&self, k: u64, due: Duration) -> PreparedCall {
        let mix = self.plan.mix(k);
        PreparedCall {
            seq: k,
            due,
            mix,
            role: self.plan.plain_role(k),
            attempt: 1,
            ask: Ask { request: usize::from(mix), token: None },
        }
    }

    /// Call k as it is sent at `now`.
    pub(super) fn compose(&mut self, k: u64, due: Duration, now: Duration) -> PreparedCall {
        let blank = self.blank(k, due);
        if self.plan.is_twin(k) {
            let mix = self.plan.mix(k - 1);
            return repeat(blank, Role::Race, self.plan.fresh_token(k - 1), mix, usize::from(mix));
        }
        if blank.role == Role::Fresh
            && let Some((role, candidate)) = self.repetition(k, now)
        {
            let other = if role == Role::Mismatch { self.plan.mixes.len() } else { 0 };
            return repeat(blank, role, candidate.token, candidate.mix, usize::from(candidate.mix) + other);
        }
        PreparedCall { ask: Ask { token: self.plan.plain_token(k), ..blank.ask }, ..blank }
    }

    /// The role that is drawn for call k, and a token for it, if there is one.
    fn repetition(&mut self, k: u64, now: Duration) -> Option<(Role, Repeatable)> {
        let role = self.plan.repetition(k)?;
        let pick = draw::bits(self.plan.seed, Stream::TokenHigh, k);
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
        let candidate = Repeatable { token, mix: sample.mix, done };
        match sample.outcome() {
            Outcome::Ok => self.answered.push(candidate),
            outcome if outcome.class() == Class::Throttled => push_bounded(&mut self.throttled, candidate),
            outcome if outcome.is_lost() => push_bounded(&mut self.lost, candidate),
            _ => {}
        }
    }
}

fn repeat(blank: PreparedCall, role: Role, token: Text64, mix: u16, request: usize) -> PreparedCall {
    PreparedCall { role, mix, attempt: 2, ask: Ask { request, token: Some(token) }, ..blank }
}

/// Keeps the latest.
fn push_bounded(queue: &mut VecDeque<Repeatable>, candidate: Repeatable) {
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
    queue: VecDeque<Repeatable>,
}

impl Answered {
    fn new(ttl: Duration) -> Self {
        let cells = u32::try_from(REMEMBERED / 2).unwrap_or(1);
        Self { ttl, spacing: ttl / cells, queue: VecDeque::new() }
    }

    fn push(&mut self, candidate: Repeatable) {
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

    fn young(&self, now: Duration, pick: u64) -> Option<Repeatable> {
        self.queue.get(self.young_index(now, pick)?).copied()
    }

    /// A token that is not repeated again: what the service makes of it is not known.
    fn take_young(&mut self, now: Duration, pick: u64) -> Option<Repeatable> {
        self.queue.remove(self.young_index(now, pick)?)
    }

    fn take_expired(&mut self, now: Duration) -> Option<Repeatable> {
        self.queue.pop_front_if(|c| c.done + self.ttl <= now)
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;
    use crate::client::Answer;
    use crate::load::call_plan::{MixPart, Shares};
    use crate::scenario::Idempotency;
    use crate::units::Share;
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    fn share(value: f64) -> Share {
        Share::new(value).unwrap()
    }

    /// No repetition at all.
    fn nothing() -> Idempotency {
        Idempotency { session_ttl: Duration::from_secs(180), ..Idempotency::default() }
    }

    fn mix(idempotency: &Idempotency) -> RequestMix {
        let mixes = [7, 10].map(|end| MixPart { end, role: Role::Fresh, fixed: None }).to_vec();
        RequestMix::of(
            CallPlan { seed: 7, nonce: 1, shares: Shares::new(idempotency), mixes, shard: Shard::WHOLE, first: 0 },
            idempotency.session_ttl,
        )
    }

    /// A run of `calls` at 25/s in which every 10th answer is a throttle and every 11th is lost.
    fn play(mix: &mut RequestMix, calls: u64) -> Vec<PreparedCall> {
        (0..calls)
            .map(|k| {
                let now = Duration::from_millis(40 * k);
                let line = mix.compose(k, now, now);
                let outcome = match k {
                    _ if k.is_multiple_of(10) => Outcome::ThrottledQuota,
                    _ if k.is_multiple_of(11) => Outcome::ReadTimeout,
                    _ => Outcome::Ok,
                };
                let ended = Sample { sent: Some(now), done: Some(now), ..line.unsent(Answer::without_reply(outcome)) };
                mix.learn(&ended);
                line
            })
            .collect()
    }

    /// Every role has its share of the scheduled calls.
    #[test]
    fn roles_have_their_shares() {
        let wanted = Idempotency {
            replay: share(0.05),
            race: share(0.02),
            mismatch: share(0.01),
            expired: share(0.01),
            after_throttle: share(0.01),
            after_loss: share(0.01),
            ..nothing()
        };
        let lines = play(&mut mix(&wanted), 100_000);
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
        for (role, wanted) in expected {
            let seen = f64::from(counts[&role]) / lines.len() as f64;
            assert!((seen - wanted).abs() < 0.15 * wanted, "{role}: {seen} instead of {wanted}");
        }
    }

    /// An ordinary call's token is used by no other ordinary call; twins share theirs; a mismatch sends another request.
    #[test]
    fn tokens_are_what_roles_say() {
        let lines =
            play(&mut mix(&Idempotency { replay: share(0.1), race: share(0.1), mismatch: share(0.05), ..nothing() }), 20_000);
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
        let plan = CallPlan {
            seed: 7,
            nonce: 1,
            shares: Shares::new(&Idempotency { replay: share(0.5), ..nothing() }),
            mixes,
            shard: Shard::WHOLE,
            first: 0,
        };
        for line in play(&mut RequestMix::of(plan, Duration::from_secs(180)), 100) {
            let token = if line.mix == 0 { Some(fixed) } else { None };
            assert_eq!((line.ask.token, line.attempt), (token, 1), "{line:?}");
        }
    }

    /// Nothing is called expired before its time, and replays come well before it.
    #[test]
    fn ages_are_right() {
        let mut mix = mix(&Idempotency { replay: share(0.2), expired: share(0.2), ..nothing() });
        let born: BTreeMap<_, _> = (0..20_000u64).map(|k| (mix.plan.fresh_token(k), Duration::from_millis(40 * k))).collect();
        let mut expired = 0;
        for line in play(&mut mix, 20_000) {
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
