//! What call k is, whatever was answered before it: its mix, its role and its fresh token, as hashes of (seed, k).
//!
//! Refuses to remember anything, so that every thread knows the same of every call.

use std::time::Duration;

use crate::record::sample::Role;
use crate::scenario::{Idempotency, Scenario};
use crate::schedule::Schedule;
use crate::shard::Shard;
use crate::sigv4::hex_digits;
use crate::stats::draw::{self, Stream};
use crate::units::Text64;

/// What the scenario says about tokens, in the form of this room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    /// Share of even-numbered calls that lead a race.
    lead: f64,
    /// Upper ends of the other roles on the unit line, in the order of [`Shares::ROLES`].
    // derived: one for each of the roles that repeat an earlier token
    ends: [f64; 5],
}

impl Shares {
    // derived: every role that repeats an earlier token, but the race, whose twins are drawn in pairs
    const ROLES: [Role; 5] = [Role::Replay, Role::Mismatch, Role::Expired, Role::AfterThrottle, Role::AfterLoss];

    /// Shares of the calls that are in no race, such that each role has its share of all calls.
    pub(super) fn new(of: &Idempotency) -> Self {
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

/// The part of each call that is a hash of (seed, k): mixes, roles and fresh tokens. The same on every core.
#[derive(Debug, Clone)]
pub(super) struct CallPlan {
    pub(super) seed: u64,
    pub(super) nonce: u64,
    pub(super) shares: Shares,
    pub(super) mixes: Vec<MixPart>,
    /// Whose calls are made here.
    pub(super) shard: Shard,
    /// The number of the first call that is made here: those before belong to earlier segments of the run.
    pub(super) first: u64,
}

/// What the plan needs to know of a mix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MixPart {
    /// Sum of the weights up to and including this mix.
    pub(super) end: u64,
    /// How its calls come by a token when they repeat none.
    pub(super) role: Role,
    /// The token that its request fixes.
    pub(super) fixed: Option<Text64>,
}

impl CallPlan {
    pub(super) fn new(scenario: &Scenario, nonce: u64, shard: Shard) -> Self {
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
        Self { seed: scenario.seed, nonce, shares: Shares::new(&scenario.idempotency), mixes: mixes.collect(), shard, first: 0 }
    }

    /// Whether call k goes at the same instant as call k - 1, with its token. A twin whose leader was made by an earlier segment, under another
    /// nonce, is a call of its own.
    pub(super) fn is_twin(&self, k: u64) -> bool {
        k > self.first && !k.is_multiple_of(2) && self.leads(k - 1)
    }

    /// The calls that are made here, in their order, and when each is due. A twin shares its leader's due time, and whether call k is a twin is a
    /// hash, so every thread knows it of every call.
    pub(super) fn dues<'a>(&self, schedule: &'a Schedule) -> impl Iterator<Item = (u64, Duration)> + use<'a> {
        let (plan, first) = (self.clone(), self.first);
        let mut leader_due = Duration::ZERO;
        let all = (0u64..).zip(schedule).map({
            let plan = self.clone();
            move |(k, due)| {
                leader_due = if plan.is_twin(k) { leader_due } else { due };
                (k, leader_due)
            }
        });
        all.filter(move |(k, _)| *k >= first && plan.owns(*k))
    }

    /// The number that decides whose call k is: its own, or its leader's, whose token it has.
    pub(super) fn owner(&self, k: u64) -> u64 {
        if self.is_twin(k) { k - 1 } else { k }
    }

    /// Whether call k is made here.
    pub(super) fn owns(&self, k: u64) -> bool {
        !self.shard.is_part() || self.shard.owns(self.owner(k))
    }

    /// Whether there are twins at all.
    pub(super) fn races(&self) -> bool {
        self.shares.lead > 0.0
    }

    /// Only even calls lead, so that no call is in two races.
    fn leads(&self, k: u64) -> bool {
        k.is_multiple_of(2) && self.plain_role(k) == Role::Fresh && draw::unit(self.seed, Stream::Role, k) < self.shares.lead
    }

    pub(super) fn mix(&self, k: u64) -> u16 {
        let total = self.mixes.last().map_or(1, |part| part.end);
        let drawn = draw::bits(self.seed, Stream::Mix, k) % total;
        let index = self.mixes.partition_point(|part| part.end <= drawn);
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    /// How call k comes by a token when it repeats none.
    pub(super) fn plain_role(&self, k: u64) -> Role {
        self.part(k).map_or(Role::Fresh, |part| part.role)
    }

    /// The mix of call k; there is one for every call of a valid scenario.
    fn part(&self, k: u64) -> Option<&MixPart> {
        self.mixes.get(usize::from(self.mix(k)))
    }

    /// The token that call k carries when it repeats none: its own, that of its request, or none.
    pub(super) fn plain_token(&self, k: u64) -> Option<Text64> {
        match self.plain_role(k) {
            Role::Fresh => Some(self.fresh_token(k)),
            _ => self.part(k).and_then(|part| part.fixed),
        }
    }

    /// Which repetition is drawn for call k; the leader of a race repeats nothing.
    pub(super) fn repetition(&self, k: u64) -> Option<Role> {
        let drawn = draw::unit(self.seed, Stream::Candidate, k);
        let role = Shares::ROLES.get(self.shares.ends.partition_point(|end| *end <= drawn)).copied()?;
        (!self.leads(k)).then_some(role)
    }

    /// The token that only call k of this run brings. The last part is one-to-one in k, so no two are equal.
    pub(super) fn fresh_token(&self, k: u64) -> Text64 {
        fresh_token(self.nonce, self.seed, k)
    }
}

/// The token of call k of a run; one-to-one in k.
pub(super) fn fresh_token(nonce: u64, seed: u64, k: u64) -> Text64 {
    let mut token = *b"lb-0000000000000000-0000000000000000";
    let (run, call) = token.split_at_mut(19); // derived: `lb-` and the 16 digits of the run
    write_hex(&mut run[3..], nonce); // derived: the length of `lb-`
    write_hex(&mut call[1..], draw::bits(seed, Stream::TokenLow, k));
    Text64::cut(std::str::from_utf8(&token).unwrap_or_default())
}

/// The sixteen hexadecimal digits of a number.
fn write_hex(digits: &mut [u8], number: u64) {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&hex_digits(byte));
    }
}
