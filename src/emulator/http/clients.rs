//! What each client really sends: its hidden retries, told by the invocation ids of its requests.
//!
//! An SDK gives all attempts of a call the same `amz-sdk-invocation-id`, so a client that believes in ten calls and sent
//! eighteen requests is found out here. Memory is bounded: an id is remembered until [`REMEMBERED`] others have come, far more
//! than lie between two attempts of a call, and clients beyond [`CLIENTS`] are counted as one.

use crate::units::plural;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hasher};

use serde::Serialize;

/// Invocation ids that are remembered.
const REMEMBERED: usize = 1 << 17;

/// Clients that are told apart.
const CLIENTS: usize = 1000;

/// The client of requests without a `User-Agent`.
const NAMELESS: &str = "(none)";

/// All clients beyond [`CLIENTS`].
const OTHERS: &str = "(others)";

/// The requests of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    requests: u64,
    calls: u64,
    attempts_after_first: u64,
    without_id: u64,
}

/// One client, as `GET /_livebench/clients` tells of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeenClient {
    /// The first product of its `User-Agent`: `Boto3/1.44.5`.
    pub client: String,
    /// What arrived.
    pub requests: u64,
    /// What it thinks it sent: distinct invocation ids, and one for each request that had none.
    pub calls: u64,
    /// Requests that say they are not their call's first attempt.
    pub attempts_after_first: u64,
    /// Requests without an invocation id.
    pub without_invocation_id: u64,
    /// `requests / calls`: 1 for a client that does not retry.
    pub requests_per_call: f64,
}

impl SeenClient {
    /// One line for people.
    pub fn text(&self) -> String {
        let Self { client, requests, calls, requests_per_call, .. } = self;
        let (requests, calls) = (plural(*requests, "request"), plural(*calls, "call"));
        format!("{client} sent {requests} for {calls}: {requests_per_call:.2}x what it thinks")
    }
}

/// The hasher of what is a hash already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Everybody's requests.
#[derive(Debug, Default)]
pub(super) struct ClientTally {
    by_name: BTreeMap<String, Tally>,
    /// Hashes of the ids: only ever asked by key.
    seen: HashSet<u64, BuildHasherDefault<AsIs>>,
    order: VecDeque<u64>,
}

impl ClientTally {
    /// Counts a request.
    pub(super) fn count(&mut self, client: Option<&str>, invocation_id: Option<&str>, attempt: Option<u32>) {
        let name = client.unwrap_or(NAMELESS);
        let new = invocation_id.is_none_or(|id| self.is_new(name, id));
        let count = |tally: &mut Tally| {
            tally.requests += 1;
            tally.calls += u64::from(new);
            tally.attempts_after_first += u64::from(attempt.is_some_and(|n| n > 1));
            tally.without_id += u64::from(invocation_id.is_none());
        };
        if let Some(tally) = self.by_name.get_mut(name) {
            return count(tally);
        }
        let name = if self.by_name.len() < CLIENTS { name } else { OTHERS };
        count(self.by_name.entry(name.to_owned()).or_default());
    }

    fn is_new(&mut self, client: &str, id: &str) -> bool {
        // Without a secret, so that equal runs count equally.
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((client, id));
        if !self.seen.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    /// Every client, by name.
    pub(super) fn report(&self) -> Vec<SeenClient> {
        let ratio = |tally: &Tally| {
            if tally.calls == 0 { 1.0 } else { crate::num::float(tally.requests) / crate::num::float(tally.calls) }
        };
        let client = |(name, tally): (&String, &Tally)| SeenClient {
            client: name.clone(),
            requests: tally.requests,
            calls: tally.calls,
            attempts_after_first: tally.attempts_after_first,
            without_invocation_id: tally.without_id,
            requests_per_call: ratio(tally),
        };
        self.by_name.iter().map(client).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten calls, four of which took three attempts: eighteen requests, 1.8 times what the client thinks.
    #[test]
    fn hidden_retries_are_found() {
        let mut clients = ClientTally::default();
        for call in 0..10 {
            let attempts = if call < 4 { 3 } else { 1 };
            for attempt in 1..=attempts {
                clients.count(Some("Boto3/1.44.5"), Some(&format!("id-{call}")), Some(attempt));
            }
        }
        clients.count(None, None, None);
        let report = clients.report();
        insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"[{"client":"(none)","requests":1,"calls":1,"attempts_after_first":0,"without_invocation_id":1,"requests_per_call":1.0},{"client":"Boto3/1.44.5","requests":18,"calls":10,"attempts_after_first":8,"without_invocation_id":0,"requests_per_call":1.8}]"#);
        insta::assert_snapshot!(report[1].text(), @"Boto3/1.44.5 sent 18 requests for 10 calls: 1.80x what it thinks");
    }

    /// Neither ever new ids nor ever new clients fill the memory, and none of their requests is lost.
    #[test]
    fn memory_is_bounded() {
        let mut clients = ClientTally::default();
        let total = REMEMBERED + 5000;
        for n in 0..total {
            clients.count(Some(&format!("agent/{}", n % (2 * CLIENTS))), Some(&n.to_string()), Some(1));
        }
        assert_eq!((clients.seen.len(), clients.order.len()), (REMEMBERED, REMEMBERED));
        let report = clients.report();
        assert_eq!(report.len(), CLIENTS + 1);
        assert_eq!(report.iter().map(|client| client.requests).sum::<u64>(), total as u64);
        assert!(report[0].client == OTHERS && report[0].requests > 1000);
    }

    proptest! {
        /// Calls are distinct ids, in whatever order attempts come.
        #[test]
        fn counts_distinct_ids(ids in prop::collection::vec(prop::option::of(0u8..20), 0..200)) {
            let mut clients = ClientTally::default();
            for id in &ids {
                clients.count(Some("a"), id.map(|n| n.to_string()).as_deref(), None);
            }
            let distinct: std::collections::BTreeSet<u8> = ids.iter().flatten().copied().collect();
            let without = ids.iter().filter(|id| id.is_none()).count();
            let calls = clients.report().first().map_or(0, |client| client.calls);
            prop_assert_eq!(calls, (distinct.len() + without) as u64);
        }
    }
}
