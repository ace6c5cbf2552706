//! Sessions, and the tokens that lead back to them.
//!
//! Refuses to read a clock, and to keep a token after its time: memory is bounded by what one session's life can bring.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::stats::draw::{Stream, bits};
use crate::units::Text64;

/// The n-th UUID of two streams, version 4 in form: lower case, 36 characters.
pub fn drawn_uuid(seed: u64, high: Stream, low: Stream, n: u64) -> Text64 {
    let bits = uuid::Uuid::from_u64_pair(bits(seed, high, n), bits(seed, low, n));
    let uuid = uuid::Builder::from_random_bytes(bits.into_bytes()).into_uuid();
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    Text64::cut(uuid.hyphenated().encode_lower(&mut buffer))
}

/// What a create call got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The session's number.
    pub number: u64,
    /// Whether this call made it; otherwise its token led to it.
    pub created: bool,
}

/// The live tokens of one region.
///
/// A token leads to its first session for the whole of that session's life, whatever the settings of the later call are;
/// from the end of that life on, it makes a new one. A repetition does not prolong a life.
#[derive(Debug, Clone)]
pub struct Sessions {
    ttl: Duration,
    /// Only ever asked by key: its order is never used.
    by_token: HashMap<Text64, u64>,
    /// End of life and token, in the order of creation: also that of expiry, as every life is equally long.
    by_expiry: VecDeque<(Duration, Text64)>,
}

impl Sessions {
    /// No sessions yet; each lives for `ttl`.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, by_token: HashMap::new(), by_expiry: VecDeque::new() }
    }

    /// The session of a valid create call at `now`, which must not go back; `next` is the number of a new one.
    pub fn open(&mut self, now: Duration, token: Option<&str>, next: u64) -> Opened {
        self.evict(now);
        let Some(token) = token.map(Text64::cut) else {
            return Opened { number: next, created: true };
        };
        if let Some(&number) = self.by_token.get(&token) {
            return Opened { number, created: false };
        }
        self.by_token.insert(token, next);
        self.by_expiry.push_back((now.saturating_add(self.ttl), token));
        Opened { number: next, created: true }
    }

    /// Tokens that still lead to a session, as of the last call.
    pub fn live_tokens(&self) -> usize {
        self.by_token.len()
    }

    fn evict(&mut self, now: Duration) {
        while let Some((_, token)) = self.by_expiry.pop_front_if(|(end, _)| *end <= now) {
            self.by_token.remove(&token);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::target::outcome::is_session_id;

    const TTL: Duration = Duration::from_mins(3);

    /// Drawn ids have the service's form and differ.
    #[test]
    fn ids_have_the_form() {
        let ids: std::collections::BTreeSet<Text64> =
            (0..10_000).map(|n| drawn_uuid(7, Stream::SessionHigh, Stream::SessionLow, n)).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            assert!(is_session_id(id.as_str()), "{id}");
            assert_eq!(&id.as_str()[14..15], "4");
        }
    }

    /// A token leads to its session up to the last nanosecond of its life, and then to a new one.
    #[test]
    fn a_token_lives_as_long_as_its_session() {
        let mut sessions = Sessions::new(TTL);
        let (at, last) = (Duration::from_secs(5), Duration::new(184, 999_999_999));
        assert_eq!(sessions.open(at, Some("a"), 0), Opened { number: 0, created: true });
        assert_eq!(sessions.open(at, Some("a"), 1), Opened { number: 0, created: false });
        assert_eq!(sessions.open(at + TTL / 2, Some("b"), 1), Opened { number: 1, created: true });
        assert_eq!(sessions.open(last, Some("a"), 2), Opened { number: 0, created: false });
        assert_eq!(sessions.open(at + TTL, Some("a"), 2), Opened { number: 2, created: true });
        assert_eq!(sessions.open(at + TTL, Some("b"), 3), Opened { number: 1, created: false });
    }

    /// Without a token every call makes a session, and nothing is kept.
    #[test]
    fn tokenless_calls_keep_nothing() {
        let mut sessions = Sessions::new(TTL);
        for n in 0..100 {
            assert_eq!(sessions.open(Duration::ZERO, None, n), Opened { number: n, created: true });
        }
        assert_eq!(sessions.live_tokens(), 0);
    }

    /// Memory is flat: only what is younger than a life is kept.
    #[test]
    fn expired_tokens_are_evicted() {
        let mut sessions = Sessions::new(TTL);
        for n in 0..20_000u64 {
            sessions.open(Duration::from_secs(n), Some(&n.to_string()), n);
            assert!(sessions.live_tokens() <= 180);
            assert_eq!(sessions.by_expiry.len(), sessions.live_tokens());
        }
    }

    proptest! {
        /// Against the plain definition: the first call of a token opens a life, and calls within it get its session.
        #[test]
        fn obeys_its_definition(calls in prop::collection::vec((0u64..60, 0u8..4), 1..200)) {
            let mut sessions = Sessions::new(TTL);
            let mut lives: Vec<(u8, Duration, u64)> = Vec::new();
            let (mut now, mut next) = (Duration::ZERO, 0);
            for (gap, token) in calls {
                now += Duration::from_secs(gap);
                let live = lives.iter().find(|(t, born, _)| *t == token && now < *born + TTL).copied();
                let opened = sessions.open(now, Some(&token.to_string()), next);
                prop_assert_eq!(opened.created, live.is_none());
                if let Some((_, _, number)) = live {
                    prop_assert_eq!(opened.number, number);
                } else {
                    prop_assert_eq!(opened.number, next);
                    lives.push((token, now, next));
                    next += 1;
                }
            }
        }
    }
}
