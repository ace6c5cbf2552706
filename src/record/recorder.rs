//! Three histograms (lateness, service, response) per class, and counts of every outcome.
//!
//! Mergeable: `merge(a, b)` equals recording both streams in any order. Refuses to keep samples and to average percentiles.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::names::Names;
use super::sample::{Sample, Times};
use crate::client::outcome::{Class, Outcome};
use crate::metric::Series;
use crate::units::floor_us;

/// The largest time told apart: one hour. Longer ones count as an hour and are counted as saturated.
pub const MAX_US: u64 = 3_600_000_000;

/// Significant decimal digits of every histogram.
pub const DIGITS: u8 = 3;

/// The classes that have times, in the order of the reports.
pub const TIMED: [Class; 3] = [Class::Ok, Class::Throttled, Class::Error];

const OUTCOMES: usize = Outcome::ALL.len();

/// An empty histogram as every file of a run uses it: microseconds, 3 digits, up to an hour.
///
/// # Panics
/// Never: the bounds are constants that the library accepts, which a test holds.
#[allow(clippy::expect_used)] // constants
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, DIGITS).expect("bounds of a histogram")
}

/// Times of one kind: a histogram, and exactly what a histogram only knows to three digits.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeHistogram {
    histogram: Histogram<u64>,
    sum_us: u128,
    min_us: u64,
    max_us: u64,
    saturated: u64,
}

impl Default for TimeHistogram {
    fn default() -> Self {
        Self { histogram: histogram(), sum_us: 0, min_us: u64::MAX, max_us: 0, saturated: 0 }
    }
}

impl TimeHistogram {
    /// Times that were counted before: their histogram, and what it does not know exactly. `None` if the histogram has other bounds or
    /// digits than [`histogram`].
    pub fn restored(histogram: Histogram<u64>, sum_us: u64, min_us: u64, max_us: u64, saturated: u64) -> Option<Self> {
        let equal = histogram.low() == 1 && histogram.high() == MAX_US && histogram.sigfig() == DIGITS;
        equal.then(|| Self { histogram, sum_us: sum_us.into(), min_us, max_us, saturated })
    }

    /// Their sum.
    pub fn sum_us(&self) -> u64 {
        u64::try_from(self.sum_us).unwrap_or(u64::MAX)
    }

    /// Counts one time.
    pub fn record(&mut self, us: u64) {
        self.histogram.saturating_record(us);
        self.sum_us += u128::from(us);
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
        self.saturated += u64::from(us > MAX_US);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        // Same bounds on both sides, so the addition cannot fail; were it to, the counts would tell in the summary's accounting.
        let added = self.histogram.add(&other.histogram);
        debug_assert!(added.is_ok());
        self.sum_us += other.sum_us;
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.saturated += other.saturated;
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The smallest, exactly; `None` without samples.
    pub fn min_us(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min_us)
    }

    /// The largest, exactly; `None` without samples.
    pub fn max_us(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max_us)
    }

    /// The mean, rounded to the nearest microsecond; `None` without samples.
    pub fn mean_us(&self) -> Option<u64> {
        let n = u128::from(self.count());
        (n > 0).then(|| u64::try_from((self.sum_us + n / 2) / n).unwrap_or(u64::MAX))
    }

    /// The time that a share `quantile` (0 to 1) of the calls did not exceed, to three digits; `None` without samples.
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let max = self.max_us()?;
        Some(self.histogram.value_at_quantile(quantile).min(max))
    }

    /// How many times were longer than an hour.
    pub const fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The histogram itself.
    pub const fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

/// The three times of the calls of one class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timed {
    /// `sent - due`.
    pub lateness: TimeHistogram,
    /// `done - sent`.
    pub service: TimeHistogram,
    /// `done - due`.
    pub response: TimeHistogram,
}

impl Timed {
    /// The times of one series.
    pub const fn of(&self, series: Series) -> &TimeHistogram {
        match series {
            Series::Lateness => &self.lateness,
            Series::Service => &self.service,
            Series::Response => &self.response,
        }
    }

    fn record(&mut self, times: Times) {
        self.lateness.record(times.lateness_us);
        self.service.record(times.service_us);
        self.response.record(times.response_us);
    }

    fn merge(&mut self, other: &Self) {
        self.lateness.merge(&other.lateness);
        self.service.merge(&other.service);
        self.response.merge(&other.response);
    }
}

/// What happened to the calls of one mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MixCount {
    /// Calls scheduled with it that have an end.
    pub offered: u64,
    /// Calls sent.
    pub sent: u64,
    /// Sessions handed out.
    pub ok: u64,
}

/// Counts and histograms of a stream of samples. Histograms are allocated on first use.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recorder {
    timed: [Option<Box<Timed>>; TIMED.len()],
    counts: [u64; OUTCOMES],
    mixes: Vec<MixCount>,
    exceptions: Names,
    statuses: BTreeMap<u16, u64>,
    first_sent_us: Option<u64>,
    last_sent_us: Option<u64>,
    last_done_us: Option<u64>,
    last_due_us: Option<u64>,
}

/// What a recorder knows and no summary says, so that recorders can be added from their summaries: exact sums, the first and the last
/// instant, all in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExactTimes {
    /// When the first call was sent.
    pub first_sent_us: Option<u64>,
    /// When the last call was sent.
    pub last_sent_us: Option<u64>,
    /// When the last answer was complete.
    pub last_done_us: Option<u64>,
    /// When the last call that has an end was due.
    pub last_due_us: Option<u64>,
    /// The sums of lateness, service and response of each class in [`TIMED`].
    pub sums_us: [[u64; 3]; TIMED.len()],
}

/// A recorder taken apart.
#[derive(Debug, Clone, Default)]
pub struct RecorderParts {
    /// The times of each class in [`TIMED`].
    pub timed: [Option<Box<Timed>>; TIMED.len()],
    /// Calls by outcome.
    pub counts: BTreeMap<Outcome, u64>,
    /// By the mix's index.
    pub mixes: Vec<MixCount>,
    /// Names of exceptions.
    pub exceptions: Names,
    /// Answers by their HTTP status.
    pub statuses: BTreeMap<u16, u64>,
    /// The instants; the sums stand in `timed`.
    pub exact: ExactTimes,
}

impl From<RecorderParts> for Recorder {
    fn from(parts: RecorderParts) -> Self {
        let RecorderParts { timed, counts, mixes, exceptions, statuses, exact } = parts;
        let mut recorder = Self { timed, mixes, exceptions, statuses, ..Self::default() };
        for (outcome, n) in counts {
            recorder.counts[outcome as usize] = n;
        }
        recorder.first_sent_us = exact.first_sent_us;
        (recorder.last_sent_us, recorder.last_done_us) = (exact.last_sent_us, exact.last_done_us);
        recorder.last_due_us = exact.last_due_us;
        recorder
    }
}

impl Recorder {
    /// What a summary of it does not say.
    pub fn exact(&self) -> ExactTimes {
        let sums = |timed: &Option<Box<Timed>>| {
            timed.as_ref().map_or([0; 3], |timed| Series::ALL.map(|series| timed.of(series).sum_us()))
        };
        ExactTimes {
            first_sent_us: self.first_sent_us,
            last_sent_us: self.last_sent_us,
            last_done_us: self.last_done_us,
            last_due_us: self.last_due_us,
            sums_us: self.timed.each_ref().map(sums),
        }
    }

    /// Counts one call. Allocates only for the first call of a class, of a mix and of an exception's name.
    pub fn record(&mut self, sample: &Sample) {
        let outcome = sample.outcome();
        self.counts[outcome as usize] += 1;
        self.count_mix(sample);
        if let Some(status) = sample.answer.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if let Some(name) = &sample.answer.exception {
            self.exceptions.count(name.as_str());
        }
        later(&mut self.last_due_us, Some(floor_us(sample.due)));
        later(&mut self.last_done_us, sample.done.map(floor_us));
        let sent = sample.sent.map(floor_us);
        later(&mut self.last_sent_us, sent);
        earlier(&mut self.first_sent_us, sent);
        if let (Some(slot), Some(times)) = (slot(outcome.class()), sample.times()) {
            self.timed[slot].get_or_insert_default().record(times);
        }
    }

    fn count_mix(&mut self, sample: &Sample) {
        let index = usize::from(sample.mix);
        if index >= self.mixes.len() {
            self.mixes.resize(index + 1, MixCount::default());
        }
        let mix = &mut self.mixes[index];
        mix.offered += 1;
        mix.sent += u64::from(sample.outcome().was_sent());
        mix.ok += u64::from(sample.outcome() == Outcome::Ok);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.timed.iter_mut().zip(&other.timed) {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().merge(theirs);
            }
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        if self.mixes.len() < other.mixes.len() {
            self.mixes.resize(other.mixes.len(), MixCount::default());
        }
        for (mine, theirs) in self.mixes.iter_mut().zip(&other.mixes) {
            mine.offered += theirs.offered;
            mine.sent += theirs.sent;
            mine.ok += theirs.ok;
        }
        self.exceptions.merge(&other.exceptions);
        for (status, n) in &other.statuses {
            *self.statuses.entry(*status).or_default() += n;
        }
        earlier(&mut self.first_sent_us, other.first_sent_us);
        later(&mut self.last_sent_us, other.last_sent_us);
        later(&mut self.last_done_us, other.last_done_us);
        later(&mut self.last_due_us, other.last_due_us);
    }

    /// How many calls ended so.
    pub const fn count(&self, outcome: Outcome) -> u64 {
        self.counts[outcome as usize]
    }

    /// How many calls ended in this class.
    pub fn class(&self, class: Class) -> u64 {
        Outcome::ALL.iter().filter(|o| o.class() == class).map(|o| self.count(*o)).sum()
    }

    /// How many calls have an end, sent or not.
    pub fn ended(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many calls left the harness.
    pub fn sent(&self) -> u64 {
        Outcome::ALL.iter().filter(|o| o.was_sent()).map(|o| self.count(*o)).sum()
    }

    /// The times of a class; `None` if it has none.
    pub fn timed(&self, class: Class) -> Option<&Timed> {
        self.timed[slot(class)?].as_deref()
    }

    /// The times of everything that was sent; `None` if nothing was.
    pub fn timed_all(&self) -> Option<Timed> {
        let mut all: Option<Timed> = None;
        for timed in self.timed.iter().flatten() {
            match &mut all {
                Some(all) => all.merge(timed),
                None => all = Some((**timed).clone()),
            }
        }
        all
    }

    /// What happened to each mix, by its index; shorter than the scenario's list if the last ones had no call.
    pub fn mixes(&self) -> &[MixCount] {
        &self.mixes
    }

    /// The names that the service gave to its exceptions.
    pub const fn exceptions(&self) -> &Names {
        &self.exceptions
    }

    /// Answers by their HTTP status: at most as many entries as there are statuses.
    pub const fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// When the first call was sent.
    pub const fn first_sent_us(&self) -> Option<u64> {
        self.first_sent_us
    }

    /// When the last call was sent.
    pub const fn last_sent_us(&self) -> Option<u64> {
        self.last_sent_us
    }

    /// When the last answer was complete.
    pub const fn last_done_us(&self) -> Option<u64> {
        self.last_done_us
    }

    /// When the last call that has an end was due.
    pub const fn last_due_us(&self) -> Option<u64> {
        self.last_due_us
    }
}

/// The place of a class among the timed ones.
fn slot(class: Class) -> Option<usize> {
    TIMED.iter().position(|c| *c == class)
}

fn later(mine: &mut Option<u64>, other: Option<u64>) {
    *mine = (*mine).max(other);
}

fn earlier(mine: &mut Option<u64>, other: Option<u64>) {
    *mine = match (*mine, other) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::sample::testing::samples;

    fn recorded<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Recorder {
        let mut recorder = Recorder::default();
        samples.into_iter().for_each(|s| recorder.record(s));
        recorder
    }

    proptest! {
        /// Merging two recorders equals recording both streams in one, forwards and backwards.
        #[test]
        fn merge_is_a_law(a in samples(40), b in samples(40)) {
            let mut merged = recorded(&a);
            merged.merge(&recorded(&b));
            prop_assert_eq!(&merged, &recorded(a.iter().chain(&b)));
            prop_assert_eq!(&merged, &recorded(a.iter().chain(&b).rev()));
        }

        /// Every call is counted once: by outcome, by class and by mix.
        #[test]
        fn counts_add_up(list in samples(60)) {
            let recorder = recorded(&list);
            let n = list.len() as u64;
            prop_assert_eq!(recorder.ended(), n);
            prop_assert_eq!(recorder.sent() + recorder.class(Class::Unsent), n);
            prop_assert_eq!(recorder.mixes().iter().map(|m| m.offered).sum::<u64>(), n);
            prop_assert_eq!(recorder.timed_all().map_or(0, |t| t.response.count()), recorder.sent());
        }
    }

    /// Times beyond an hour are counted as an hour, and said; extremes and mean stay exact.
    #[test]
    fn saturates_aloud() {
        let mut times = TimeHistogram::default();
        assert_eq!((times.min_us(), times.mean_us(), times.quantile_us(0.5)), (None, None, None));
        for us in [0, 10, MAX_US + 5] {
            times.record(us);
        }
        assert_eq!((times.count(), times.saturated()), (3, 1));
        assert_eq!((times.min_us(), times.max_us()), (Some(0), Some(MAX_US + 5)));
        assert_eq!(times.quantile_us(0.5), Some(10));
        assert_eq!(times.mean_us(), Some((MAX_US + 15 + 1) / 3));
    }

    /// A percentile never lies above the largest value seen, whatever the bucket's width.
    #[test]
    fn percentiles_stay_below_the_maximum() {
        let mut times = TimeHistogram::default();
        times.record(1_234_567);
        assert_eq!(times.quantile_us(0.99), Some(1_234_567));
    }
}
