//! Whether a connection still asks for anything.
//!
//! One timer a connection, which is looked at every [`HEAD_PATIENCE`]: a timer for each request's head, as hyper sets it, costs
//! as much as judging a call.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long a connection may at least lie idle or send its head; it is closed before twice that. Longer than the 90 s for which clients keep idle connections, so that
/// it is never the server who closes one that a client is about to use.
const HEAD_PATIENCE: Duration = Duration::from_mins(2);

/// The requests of a connection.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    begun: AtomicU64,
    busy: AtomicBool,
}

/// A request that is being answered.
pub(super) struct Beat<'a>(&'a Pulse);

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Relaxed);
    }
}

impl Pulse {
    /// A request's head is whole.
    pub(super) fn beat(&self) -> Beat<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.busy.store(true, Ordering::Relaxed);
        Beat(self)
    }

    /// Ready when no request was begun and none was being answered for [`HEAD_PATIENCE`], and before twice that.
    pub(super) async fn stops(&self) {
        let mut before = None;
        while !self.is_silent(&mut before) {
            tokio::time::sleep(HEAD_PATIENCE).await;
        }
    }

    /// Whether nothing has been asked since the look `before`, and nothing is being answered.
    fn is_silent(&self, before: &mut Option<u64>) -> bool {
        let now = (!self.busy.load(Ordering::Relaxed)).then(|| self.begun.load(Ordering::Relaxed));
        let silent = now.is_some() && now == *before;
        *before = now;
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Silent is who asked nothing between two looks, not who asks between them or waits for an answer.
    #[test]
    fn silence() {
        let (pulse, mut before) = (Pulse::default(), None);
        assert!(!pulse.is_silent(&mut before), "just connected");
        drop(pulse.beat());
        assert!(!pulse.is_silent(&mut before), "asked since");
        let waits = pulse.beat();
        for _ in 0..3 {
            assert!(!pulse.is_silent(&mut before), "waits for its answer");
        }
        drop(waits);
        assert!(!pulse.is_silent(&mut before), "was answered since");
        assert!(pulse.is_silent(&mut before));
    }
}
