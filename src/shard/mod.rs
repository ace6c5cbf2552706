//! One run over many machines: which part is mine, and when all start.
//!
//! There is no master and no protocol of livebench's own. An engine that exists (Slurm, Kubernetes, AWS Batch) starts n ordinary processes;
//! each walks the one global schedule and makes the calls that it owns, so that the shards together are the single run, exactly. What a
//! process is told of its place is `identity`, what all agree on before the first call is `start`, and what was left out or done twice is
//! `coverage`, how far their clocks are apart `clocks`. Refuses to guess a place, to read a clock and to touch a file.

mod clocks;
mod coverage;
mod identity;
mod start;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use clocks::{ClockEvidence, clocks, shifts};
pub use coverage::{CallRange, CallRanges, Coverage};
pub use identity::{IdentityError, ShardIdentity, identify};
pub use start::{Member, StartDecision, StartSight, StartStep, StartTerms, next_step};

/// A machine's part of a run: number `index`, from 0, of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 0.
    pub index: u64,
    /// How many there are, from 1 to [`Shard::MOST`].
    pub of: u64,
}

/// Why a text is no shard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a shard; write it like 0/4, the first of four, up to {most} of them", most = Shard::MOST)]
pub struct ShardError(String);

impl Shard {
    /// The whole run.
    pub const WHOLE: Self = Self { index: 0, of: 1 };
    /// More shards than this are no run.
    // source: the largest array of AWS Batch, "Array jobs" in the AWS Batch User Guide; Slurm's MaxArraySize is 1001 unless raised
    pub const MOST: u64 = 10_000;

    /// Some shards in a sentence, the first ten by name.
    pub fn list(shards: &[Self]) -> String {
        const NAMED: usize = 10; // derived: a line of a terminal
        let named: Vec<String> = shards.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if shards.len() > NAMED { format!(" and {} more", shards.len() - NAMED) } else { String::new() };
        named.join(", ") + &more
    }

    /// Those of `of` shards that are not there, in order.
    pub fn missing(of: u64, is_there: impl Fn(u64) -> bool) -> Vec<Self> {
        (0..of).filter(|index| !is_there(*index)).map(|index| Self { index, of }).collect()
    }

    /// Shard `index` of `of`, if there is one.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (index < of && (1..=Self::MOST).contains(&of)).then_some(Self { index, of })
    }

    /// Whether there are others.
    pub const fn is_part(self) -> bool {
        self.of > 1
    }

    /// Whether call or worker number `k` is this shard's. A call that repeats a token is asked for by the number of the token's owner.
    pub const fn owns(self, k: u64) -> bool {
        k % self.of == self.index
    }

    /// This shard's part of `total` equal things, such that the parts of all add up: the first shards take one more.
    pub const fn part_of(self, total: u64) -> u64 {
        total / self.of + (self.index < total % self.of) as u64
    }

    /// This shard's room: enough for all together, at least 1.
    pub const fn room_of(self, total: u64) -> u64 {
        let room = total.div_ceil(self.of);
        if room == 0 { 1 } else { room }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let parts = text.split_once('/').and_then(|(index, of)| Some((number(index)?, number(of)?)));
        parts.and_then(|(index, of)| Self::new(index, of)).ok_or_else(|| ShardError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every number is owned by exactly one shard, and the parts of a total add up to it.
        #[test]
        fn parts_are_a_partition(of in 1u64..64, total in 0u64..10_000) {
            let shards: Vec<Shard> = (0..of).map(|index| Shard::new(index, of).unwrap()).collect();
            prop_assert!((0..total.min(500)).all(|k| shards.iter().filter(|shard| shard.owns(k)).count() == 1));
            prop_assert_eq!(shards.iter().map(|shard| shard.part_of(total)).sum::<u64>(), total);
            for shard in &shards {
                prop_assert_eq!((0..total).filter(|k| shard.owns(*k)).count() as u64, shard.part_of(total));
                prop_assert_eq!(shard.to_string().parse(), Ok(*shard));
            }
            prop_assert!(shards.iter().map(|shard| shard.room_of(total)).sum::<u64>() >= total);
        }
    }

    /// What is no place is refused.
    #[test]
    fn nonsense_is_refused() {
        for text in ["", "1", "1/", "/4", "4/4", "-1/4", "+1/4", "0/0", "0/10001", "1/4/8", " 0/4", "0x0/4", "1.0/4"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
