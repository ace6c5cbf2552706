//! What tells calls apart on the wire.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stats::draw::{Stream, bits};

/// The ids that tell calls apart on the wire: version 4 UUIDs, unlike those of any other run.
#[derive(Debug)]
pub(in crate::client) struct InvocationIds {
    run: u64,
    calls: AtomicU64,
}

impl InvocationIds {
    pub(in crate::client) fn new() -> Self {
        // The standard library's own seed for hash maps: unlike in every process and for every client.
        Self { run: RandomState::new().hash_one(std::process::id()), calls: AtomicU64::new(0) }
    }

    /// Writes the next one.
    pub(in crate::client) fn write(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(self.next().encode_lower(&mut uuid::Uuid::encode_buffer()).as_bytes());
    }

    /// The next one.
    pub(in crate::client) fn next(&self) -> uuid::fmt::Hyphenated {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let half = |stream| u128::from(bits(self.run, stream, call));
        let random = (half(Stream::InvocationHigh) << 64) | half(Stream::InvocationLow);
        uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid().hyphenated()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No id comes twice, and each is a version 4 UUID.
    #[test]
    fn ids_are_told_apart() {
        let ids = InvocationIds::new();
        let many: std::collections::BTreeSet<String> = (0..1000).map(|_| ids.next().to_string()).collect();
        assert_eq!(many.len(), 1000);
        assert!(many.iter().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 4 && id.len() == 36));
        assert!(!many.contains(&InvocationIds::new().next().to_string()));
        let mut line = b"id: ".to_vec();
        ids.write(&mut line);
        assert_eq!(line.len(), 40);
    }
}
