//! Counts by a name that the service chose, in bounded memory.
//!
//! Refuses to grow with what a server makes up, and to depend on the order of what it counts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names that are told apart at most.
const LIMIT: usize = 32;

/// Counts by name. Beyond 32 names the lexicographically smallest are told apart and the rest is counted together:
/// a name that was once pushed out can never come back, so the counts are the same in any order and `merge` is a law.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Names {
    /// Calls by name.
    pub by_name: BTreeMap<String, u64>,
    /// Calls under all other names.
    pub others: u64,
}

impl Names {
    /// Counts one call under `name`.
    pub fn count(&mut self, name: &str) {
        // The usual case allocates nothing.
        if let Some(n) = self.by_name.get_mut(name) {
            *n += 1;
        } else {
            self.by_name.insert(name.to_owned(), 1);
            self.shrink();
        }
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (name, n) in &other.by_name {
            *self.by_name.entry(name.clone()).or_default() += n;
        }
        self.others += other.others;
        self.shrink();
    }

    /// The name that was counted most; of equals the first in the alphabet.
    pub fn most(&self) -> Option<(&str, u64)> {
        self.by_name.iter().max_by_key(|(name, n)| (**n, std::cmp::Reverse(*name))).map(|(name, n)| (name.as_str(), *n))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.others == 0
    }

    fn shrink(&mut self) {
        while self.by_name.len() > LIMIT {
            if let Some((_, n)) = self.by_name.pop_last() {
                self.others += n;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Merging equals counting everything in one place, in any order, also beyond the limit.
        #[test]
        fn merge_is_a_law(mut names in prop::collection::vec(0u8..80, 0..300), cut in 0usize..300) {
            let count = |list: &[u8]| {
                let mut counted = Names::default();
                for n in list {
                    counted.count(&format!("n{n}"));
                }
                counted
            };
            let cut = cut.min(names.len());
            let mut merged = count(&names[cut..]);
            merged.merge(&count(&names[..cut]));
            names.sort_unstable();
            prop_assert_eq!(&merged, &count(&names));
            prop_assert!(merged.by_name.len() <= LIMIT);
            prop_assert_eq!(merged.by_name.values().sum::<u64>() + merged.others, names.len() as u64);
        }
    }
}
