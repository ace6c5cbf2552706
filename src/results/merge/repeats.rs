//! Which tokens and sessions may have come twice, in a memory that does not grow with the run.
//!
//! Nearly every call brings a token and gets a session that no other call has: only what came twice has anything to tell the ledger. Two bits
//! for each hash say so. What shares its bits with another by chance is looked at in vain, and nothing else. Refuses to miss a repetition.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Bits at most.
// derived: 8 MiB a table, four of them. A text shares its bit with another of n in m bits with 1 - exp(-n/m): 6 % of 4 million tokens are
// looked at in vain, 45 % of 40 million
const MOST: u64 = 1 << 26;
/// Bits at least.
// derived: a table of the first-level cache, so that a small run costs nothing
const LEAST: u64 = 1 << 14;
/// Bits for each text that is expected.
// derived: at most one text in 16 then shares its bit with another, and both are looked at
const PER_TEXT: u64 = 16;

/// Texts that were noted, once or more often.
#[derive(Debug)]
pub(super) struct Repeats {
    once: Vec<u64>,
    often: Vec<u64>,
    mask: u64,
}

impl Repeats {
    /// Room for so many texts; more of them are looked at in vain more often.
    pub(super) fn new(texts: u64) -> Self {
        let bits = texts.saturating_mul(PER_TEXT).clamp(LEAST, MOST).next_power_of_two();
        let words = usize::try_from(bits / 64).unwrap_or(usize::MAX);
        Self { once: vec![0; words], often: vec![0; words], mask: bits - 1 }
    }

    /// Notes a text.
    pub(super) fn note(&mut self, text: &[u8]) {
        let (word, bit) = self.place(text);
        self.often[word] |= self.once[word] & bit;
        self.once[word] |= bit;
    }

    /// Whether a text may have been noted twice; never false for one that was.
    pub(super) fn may_repeat(&self, text: &[u8]) -> bool {
        let (word, bit) = self.place(text);
        self.often[word] & bit != 0
    }

    fn place(&self, text: &[u8]) -> (usize, u64) {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let place = hasher.finish() & self.mask;
        (usize::try_from(place / 64).unwrap_or_default(), 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came twice is always told, and of what came once nearly nothing.
    #[test]
    fn repetitions_are_never_missed() {
        let mut repeats = Repeats::new(4000);
        let text = |n: u64| format!("lb-0000000000000000-{n:016x}");
        (0..4000).for_each(|n| repeats.note(text(n).as_bytes()));
        (0..4000).step_by(100).for_each(|n| repeats.note(text(n).as_bytes()));
        assert!((0..4000).step_by(100).all(|n| repeats.may_repeat(text(n).as_bytes())));
        let in_vain = (0..4000).filter(|n| n % 100 != 0 && repeats.may_repeat(text(*n).as_bytes())).count();
        assert!(in_vain < 400, "{in_vain}");
    }
}
