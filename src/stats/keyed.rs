//! A hasher for tables of ids and numbers: a few nanoseconds a word, and keyed anew for each table, so that nobody can choose ids that fall
//! together.
//!
//! One multiplication of 64 by 64 bits a word, its halves folded (the step of wyhash, Wang Yi 2019, and of foldhash). Refuses to be the same
//! twice: whatever is read in the order of such a table is not.

use std::hash::{BuildHasher, Hasher, RandomState};

/// What a word is multiplied by.
// source: the first 64 bits of the fraction of pi, as in foldhash: odd, without a pattern
const FACTOR: u64 = 0x243f_6a88_85a3_08d3;

/// Makes the hashers of one table.
#[derive(Debug, Clone, Copy)]
pub struct KeyedState(u64);

impl Default for KeyedState {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0u8))
    }
}

impl BuildHasher for KeyedState {
    type Hasher = KeyedHasher;

    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher(self.0)
    }
}

/// See the module's page.
#[derive(Debug, Clone, Copy)]
pub struct KeyedHasher(u64);

/// The product of two words, both halves in one.
#[allow(clippy::cast_possible_truncation)] // the lower half, and the upper one
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> u64::BITS) as u64
}

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            self.write_u64(rest.iter().fold(1, |word, byte| (word << u8::BITS) | u64::from(*byte)));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = fold(self.0 ^ n, FACTOR).rotate_left(u8::BITS);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        fold(self.0, FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Neighbours, short texts and texts that differ in their length alone fall apart, in the lower bits and in the upper ones.
    #[test]
    fn what_differs_falls_apart() {
        let state = KeyedState::default();
        let numbers: HashSet<u64> = (0..4096u64).map(|n| state.hash_one(n)).collect();
        let texts: HashSet<u64> = (0..64).map(|n| state.hash_one(&"aaaaaaaa".repeat(8)[..n])).collect();
        assert_eq!((numbers.len(), texts.len()), (4096, 64));
        let places: HashSet<u64> = numbers.iter().map(|hash| hash % 4096).collect();
        let tags: HashSet<u64> = numbers.iter().map(|hash| hash >> 52).collect();
        // Chance leaves 1/e of the places empty.
        assert!(places.len() > 2400 && tags.len() > 2400, "{} {}", places.len(), tags.len());
    }
}
