//! Tokens, and what they lead to: the seven open questions about `ClientRequestToken`, answered by switches.
//!
//! Refuses to read a clock, and to keep a token after its window: memory is bounded by what one window can bring.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::time::Duration;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::{Deserialize, Serialize};

use crate::client::request::CreateRequest;
use crate::emulator::config::{AfterExpiry, EmulatorConfig, Mismatch, Race};
use crate::limiter::Throttle;
use crate::stats::keyed::KeyedState;
use crate::units::{serde_u128, serde_us};

/// What a token leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Leads {
    /// To the session of this number.
    Session(u64),
    /// To the throttle that its first call got.
    Throttled(Throttle),
}

/// A token that stands for itself: 128 bits of FNV-1a, a quarter of the room that a token takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct TokenHash(#[serde(with = "serde_u128")] u128);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        let step = |hash: u128, byte| (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        Self(token.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step))
    }
}

/// A token and its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TokenEntry {
    pub(super) token: TokenHash,
    pub(super) leads: Leads,
    /// Of everything but the token: see [`fingerprint`].
    pub(super) fingerprint: u64,
    /// When its first call arrived.
    #[serde(rename = "opened_us", with = "serde_us")]
    pub(super) opened: Duration,
    /// When the call that opened it was answered.
    #[serde(rename = "answered_us", with = "serde_us")]
    pub(super) answered: Duration,
}

/// What a token means for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing yet.
    Fresh,
    /// An earlier session, by its number.
    Replay(u64),
    /// An earlier session with other settings, where that is an error.
    Mismatch,
    /// Nothing, as the first call with it is not answered yet.
    Race,
    /// The throttle of its first call.
    Throttled(Throttle),
}

/// The rules that a token's meaning follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenRules {
    window: Duration,
    session_ttl: Duration,
    mismatch: Mismatch,
    after_expiry: AfterExpiry,
    race: Race,
}

impl TokenRules {
    pub(super) fn of(config: &EmulatorConfig) -> Self {
        let tokens = config.tokens;
        Self {
            window: config.token_window(),
            session_ttl: config.session_ttl,
            mismatch: tokens.mismatch,
            after_expiry: tokens.after_expiry,
            race: tokens.race,
        }
    }
}

/// The live tokens of one scope.
#[derive(Debug, Clone, Default)]
pub(super) struct TokenBook {
    keys: KeyedState,
    /// By token, the number of its latest entry, also of some that are over. Only ever asked by key: its order is never used.
    latest: HashTable<u64>,
    /// In the order of opening: also that of expiry, as every window is equally long.
    order: VecDeque<TokenEntry>,
    /// The number of the oldest.
    first: u64,
}

impl TokenBook {
    /// What `token` means for a call at `now`, which must not go back.
    pub(super) fn meaning(&mut self, rules: &TokenRules, now: Duration, token: TokenHash, fingerprint: u64) -> Meaning {
        self.evict(rules, now);
        let Some(entry) = self.latest(token).and_then(|number| self.entry(number)) else { return Meaning::Fresh };
        match entry.leads {
            Leads::Throttled(throttle) => Meaning::Throttled(throttle),
            // The first call made its session as it opened the entry: they are equally old.
            Leads::Session(_)
                if rules.after_expiry == AfterExpiry::New && entry.opened.saturating_add(rules.session_ttl) <= now =>
            {
                Meaning::Fresh
            }
            Leads::Session(_) if rules.race == Race::Two && (now < entry.answered || now == entry.opened) => Meaning::Race,
            Leads::Session(_) if rules.mismatch != Mismatch::First && entry.fingerprint != fingerprint => Meaning::Mismatch,
            Leads::Session(number) => Meaning::Replay(number),
        }
    }

    fn entry(&self, number: u64) -> Option<&TokenEntry> {
        entry(&self.order, self.first, number)
    }

    fn latest(&self, token: TokenHash) -> Option<u64> {
        let same = |number: &u64| self.entry(*number).is_some_and(|entry| entry.token == token);
        self.latest.find(self.keys.hash_one(token), same).copied()
    }

    /// Adds an entry, in place of an earlier one of its token. It must not be older than the one added before.
    pub(super) fn remember(&mut self, added: TokenEntry) {
        let Self { keys, latest, order, first } = self;
        let number = *first + order.len() as u64;
        order.push_back(added);
        let known = |number: &u64| entry(order, *first, *number);
        let hash = |number: &u64| known(number).map_or(0, |entry| keys.hash_one(entry.token));
        let same = |number: &u64| known(number).is_some_and(|entry| entry.token == added.token);
        make_room(latest, *first, hash);
        match latest.entry(keys.hash_one(added.token), same, hash) {
            Entry::Occupied(mut earlier) => *earlier.get_mut() = number,
            Entry::Vacant(new) => _ = new.insert(number),
        }
    }

    /// Tokens in their windows, as of the last call.
    pub(super) fn live(&self) -> usize {
        self.latest.iter().filter(|number| **number >= self.first).count()
    }

    /// Every entry, in the order of opening.
    pub(super) fn entries(&self) -> impl Iterator<Item = TokenEntry> {
        (self.first..)
            .zip(&self.order)
            .filter(|(number, entry)| self.latest(entry.token) == Some(*number))
            .map(|(_, entry)| *entry)
    }

    fn evict(&mut self, rules: &TokenRules, now: Duration) {
        while self.order.pop_front_if(|entry| entry.opened.saturating_add(rules.window) <= now).is_some() {
            // Its number stays in the table, where it leads nowhere, until that is full: to look for it would take longer than all the rest.
            self.first += 1;
        }
    }
}

/// Makes room for one more in a table that is full: what leads nowhere goes, and where that is little, the table grows.
fn make_room(latest: &mut HashTable<u64>, first: u64, hash: impl Fn(&u64) -> u64) {
    if latest.len() < latest.capacity() {
        return;
    }
    latest.retain(|number| *number >= first);
    if latest.len() > latest.capacity() / 4 * 3 {
        latest.reserve(latest.capacity(), hash);
    }
}

/// The entry of a number, of entries of which the oldest has the number `first`.
fn entry(order: &VecDeque<TokenEntry>, first: u64, number: u64) -> Option<&TokenEntry> {
    order.get(usize::try_from(number.checked_sub(first)?).ok()?)
}

/// A number that is the same for requests that differ in their token alone, and otherwise almost surely is not.
pub(super) fn fingerprint(request: &CreateRequest) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    request.kms_key_id.hash(&mut hasher);
    request.settings.hash(&mut hasher);
    hasher.finish()
}

/// FNV-1a: it stays the same between builds, which the standard library's hasher does not promise.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
