//! `sharded-bucket`: several token buckets that know nothing of each other.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::token_bucket::Bucket;
use super::{Arrival, LimiterKind, NotUntil, State};
use crate::units::Rate;

/// `nodes` token buckets that know nothing of each other and share `rate` and `burst` evenly; every call lands on one of them by chance:
/// enforcement that is only right on average. A node's depth is at least one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardedBucket {
    /// How many, 1 to 1000.
    pub nodes: u32,
    /// Tokens per second of all together, above 0.
    pub rate: Rate,
    /// Depth of all together, at least 1.
    pub burst: u32,
}

impl ShardedBucket {
    /// Full buckets over which calls are spread by chance.
    pub const fn at_random(nodes: u32, rate: Rate, burst: u32) -> Self {
        Self { nodes, rate, burst }
    }
}

impl LimiterKind for ShardedBucket {
    type State = Nodes;

    fn start(&self) -> Nodes {
        Nodes((0..self.nodes.max(1)).map(|_| Bucket::shared(self.rate, self.burst, self.nodes)).collect())
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(self.rate.as_f64())
    }
}

impl fmt::Display for ShardedBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} burst {} over {} nodes", self.rate, self.burst, self.nodes)
    }
}

/// The bucket of each node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nodes(Vec<Bucket>);

impl State for Nodes {
    /// Where the same call would land another time is chance, so a refusal names no instant.
    fn take(&mut self, arrival: Arrival, charged: bool) -> Result<(), NotUntil> {
        let nodes = self.0.len() as u64;
        // Below the number of nodes, which is a usize.
        let index = usize::try_from(arrival.node % nodes.max(1)).unwrap_or(0);
        match self.0.get_mut(index) {
            Some(bucket) => bucket.take(arrival, charged).map_err(|_| NotUntil::UNKNOWN),
            None => Ok(()),
        }
    }
}
