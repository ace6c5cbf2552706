//! What a driver hands over: samples in batches, and how each second went.
//!
//! Recording happens elsewhere: here a sample costs a copy into a buffer that is used again and again.

use std::collections::VecDeque;
use std::time::Duration;

use crate::record::sample::{Batch, Sample, Second};

/// A batch leaves at the latest after so many samples, some 100 kB,
// derived: a batch at 400 bytes a sample stays in a core's second-level cache until the writer has read it.
const BATCH: usize = 256;
/// or after this time.
// derived: a kill loses at most a second; a tenth of it lies here, which leaves the writer the rest.
const EVERY: Duration = Duration::from_millis(100);

/// Collects what one core has to say and hands it over.
#[derive(Debug)]
pub struct Outbox<F> {
    hand_over: F,
    batch: Batch,
    /// Offered and sent of the seconds that are still open, the first of which is `first_open`.
    open: VecDeque<(u64, u64)>,
    first_open: u64,
    in_flight: u64,
    next_flush: Duration,
}

impl<F: FnMut(&mut Batch) -> bool> Outbox<F> {
    /// An outbox of the core with this number. `hand_over` empties the batch and says whether to go on.
    pub fn new(core: usize, hand_over: F) -> Self {
        // derived: a tenth of a second closes two seconds at most; twice that, for a core that was late.
        let batch = Batch { core, samples: Vec::with_capacity(BATCH), seconds: Vec::with_capacity(4) };
        Self { hand_over, batch, open: VecDeque::new(), first_open: 0, in_flight: 0, next_flush: EVERY }
    }

    /// The same, whose first second is that of `from`: a run that was cut off is taken up there.
    #[must_use]
    pub fn beginning(self, from: Duration) -> Self {
        Self { first_open: from.as_secs(), next_flush: from + EVERY, ..self }
    }

    /// When it wants to be flushed next.
    pub(super) const fn next_flush(&self) -> Duration {
        self.next_flush
    }

    /// A call was due.
    pub(super) fn offered(&mut self, due: Duration) {
        self.second(due).0 += 1;
    }

    /// A call was sent.
    pub(super) fn sent(&mut self, at: Duration) {
        self.second(at).1 += 1;
        self.in_flight += 1;
    }

    /// A call that had been sent ended.
    pub(super) fn landed(&mut self, sample: &Sample) -> bool {
        self.in_flight -= 1;
        self.push(sample)
    }

    /// A call was missed or capped.
    pub(super) fn unsent(&mut self, sample: &Sample) -> bool {
        self.push(sample)
    }

    /// Closes the seconds before `until` and hands everything over; false when it is not wanted any more.
    pub(super) fn flush(&mut self, now: Duration, until: Duration) -> bool {
        self.next_flush = now + EVERY;
        self.close(until.min(now).as_secs());
        self.send()
    }

    /// Closes the last second, begun or not, and hands over the rest.
    pub(super) fn finish(&mut self, now: Duration) -> bool {
        self.close(now.as_secs() + u64::from(now.subsec_nanos() > 0));
        self.send()
    }

    fn push(&mut self, sample: &Sample) -> bool {
        self.batch.samples.push(*sample);
        self.batch.samples.len() < BATCH || self.send()
    }

    fn send(&mut self) -> bool {
        if self.batch.samples.is_empty() && self.batch.seconds.is_empty() {
            return true;
        }
        (self.hand_over)(&mut self.batch)
    }

    /// The counters of the second of `at`, or of the first that is still open.
    fn second(&mut self, at: Duration) -> &mut (u64, u64) {
        let index = usize::try_from(at.as_secs().saturating_sub(self.first_open)).unwrap_or(usize::MAX);
        if self.open.len() <= index {
            self.open.resize(index + 1, (0, 0));
        }
        &mut self.open[index]
    }

    fn close(&mut self, end: u64) {
        while self.first_open < end {
            let (offered, sent) = self.open.pop_front().unwrap_or_default();
            self.batch.seconds.push(Second { second: self.first_open, offered, sent, in_flight: self.in_flight });
            self.first_open += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds leave in order and without gaps, also those in which nothing happened.
    #[test]
    fn seconds_have_no_gaps() {
        let mut seconds = Vec::new();
        let mut outbox = Outbox::new(0, |batch: &mut Batch| {
            seconds.append(&mut batch.seconds);
            true
        });
        outbox.offered(Duration::from_millis(200));
        outbox.sent(Duration::from_millis(1100));
        outbox.offered(Duration::from_millis(3900));
        outbox.flush(Duration::from_millis(3950), Duration::MAX);
        outbox.finish(Duration::from_millis(4001));
        let seen: Vec<_> = seconds.iter().map(|s| (s.second, s.offered, s.sent, s.in_flight)).collect();
        assert_eq!(seen, [(0, 1, 0, 1), (1, 0, 1, 1), (2, 0, 0, 1), (3, 1, 0, 1), (4, 0, 0, 1)]);
    }
}
