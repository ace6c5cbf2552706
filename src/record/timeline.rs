//! One row a second, and the times behind it.
//!
//! Two ways of making the same rows: [`Live`] from samples and the cores' own reports as the run goes, [`Rebuilt`] from samples alone.
//! Both keep times only for seconds that are still open. Refuses to write files.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::sample::{CallEnding, Sample, Second, Times};
use super::second_times::SecondTimes;
use crate::client::outcome::{Class, Outcome};

/// One second of a run: one line of `timeline.csv`, columns in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// The second's number from the start of the run.
    pub second: u64,
    /// Calls due in it.
    pub offered: u64,
    /// Calls sent in it.
    pub sent: u64,
    /// Sessions handed out in it.
    pub ok: u64,
    /// Answers over the quota.
    pub throttled_quota: u64,
    /// Answers that the rate rose too fast.
    pub throttled_ramp: u64,
    /// Answers that the service is scaling.
    pub throttled_service: u64,
    /// All other endings of sent calls.
    pub errors: u64,
    /// Calls that were missed, or for which this machine had nothing left.
    pub missed: u64,
    /// Calls due in it that `max_rate` refused.
    pub capped: u64,
    /// Median response of its ok answers; empty without any.
    pub response_p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub response_p99_us: Option<u64>,
    /// Median service time of its ok answers; empty without any.
    pub service_p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub service_p99_us: Option<u64>,
    /// Calls in flight at its end.
    pub in_flight: u64,
}

impl Row {
    /// Calls that have their end in it. A call whose end nobody saw is in no second.
    pub const fn ended(&self) -> u64 {
        let throttled = self.throttled_quota + self.throttled_ramp + self.throttled_service;
        self.ok + throttled + self.errors + self.missed + self.capped
    }

    fn count(&mut self, outcome: Outcome) {
        if outcome == Outcome::Unknown {
            return;
        }
        let counter = match (outcome, outcome.class()) {
            (Outcome::ThrottledQuota, _) => &mut self.throttled_quota,
            (Outcome::ThrottledRamp, _) => &mut self.throttled_ramp,
            (Outcome::ThrottledService, _) => &mut self.throttled_service,
            (Outcome::Missed | Outcome::Harness, _) => &mut self.missed,
            (Outcome::Capped, _) => &mut self.capped,
            (_, Class::Ok) => &mut self.ok,
            (_, Class::Throttled | Class::Error | Class::Unsent) => &mut self.errors,
        };
        *counter += 1;
    }
}

/// A second that is complete: its row, and the response times of its answers by outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedSecond {
    /// The row; in a rebuilt timeline `offered`, `sent` and `in_flight` are only right in [`Rebuilt::into_rows`].
    pub row: Row,
    /// Response times in microseconds of the calls that ended in this second, in the order of the outcomes.
    pub responses: Vec<(Outcome, SecondTimes)>,
    /// Service times in microseconds of its ok answers; `None` without any.
    pub service_ok: Option<SecondTimes>,
}

impl ClosedSecond {
    fn empty(second: u64) -> Self {
        Self { row: Row { second, ..Row::default() }, responses: Vec::new(), service_ok: None }
    }

    fn record(&mut self, outcome: Outcome, times: &Times, pool: &mut TimesPool) {
        if outcome == Outcome::Ok {
            self.service_ok.get_or_insert_with(|| pool.take()).record(times.service_us);
        }
        let at = match self.responses.binary_search_by_key(&outcome, |(o, _)| *o) {
            Ok(at) => at,
            Err(at) => {
                self.responses.insert(at, (outcome, pool.take()));
                at
            }
        };
        self.responses[at].1.record(times.response_us);
    }

    /// Reads the percentiles off the times.
    fn close(mut self) -> Self {
        self.responses.iter_mut().map(|(_, times)| times).chain(&mut self.service_ok).for_each(SecondTimes::sort);
        if let Some((_, ok)) = self.responses.iter().find(|(o, _)| *o == Outcome::Ok) {
            (self.row.response_p50_us, self.row.response_p99_us) = (ok.quantile_us(0.5), ok.quantile_us(0.99));
        }
        if let Some(ok) = &self.service_ok {
            (self.row.service_p50_us, self.row.service_p99_us) = (ok.quantile_us(0.5), ok.quantile_us(0.99));
        }
        self
    }
}

/// Room for times, to be used again.
#[derive(Debug, Default)]
struct TimesPool(Vec<SecondTimes>);

impl TimesPool {
    fn take(&mut self) -> SecondTimes {
        self.0.pop().unwrap_or_default()
    }

    fn give(&mut self, interval: ClosedSecond) {
        for mut used in interval.responses.into_iter().map(|(_, used)| used).chain(interval.service_ok) {
            used.clear();
            self.0.push(used);
        }
    }
}

/// The second in whose row a call is counted: that of its end, or of its due time if it was never sent.
fn second_of(sample: &Sample) -> u64 {
    sample.done.unwrap_or(sample.due).as_secs()
}

/// The timeline as the run goes: a second is complete when every core has reported it.
#[derive(Debug)]
pub struct Live {
    open: VecDeque<ClosedSecond>,
    /// The first second that is not complete.
    next: u64,
    /// By core: the first second that it has not reported.
    reported: Vec<u64>,
    pool: TimesPool,
}

impl Live {
    /// A timeline that `cores` cores (at least 1) report to.
    pub fn new(cores: usize) -> Self {
        Self { open: VecDeque::new(), next: 0, reported: vec![0; cores.max(1)], pool: TimesPool::default() }
    }

    /// The same from a second on: of a run that was cut off and is taken up there.
    #[must_use]
    pub fn beginning(self, second: u64) -> Self {
        let reported = vec![second; self.reported.len()];
        Self { next: second, reported, ..self }
    }

    fn interval(&mut self, second: u64) -> &mut ClosedSecond {
        // A latecomer is counted in the oldest second that can still be written, so that the columns' sums stay right.
        let index = usize::try_from(second.saturating_sub(self.next)).unwrap_or(usize::MAX);
        while self.open.len() <= index {
            self.open.push_back(ClosedSecond::empty(self.next + self.open.len() as u64));
        }
        &mut self.open[index]
    }

    /// Counts a call.
    pub fn sample(&mut self, sample: &Sample) {
        let mut pool = std::mem::take(&mut self.pool);
        let interval = self.interval(second_of(sample));
        interval.row.count(sample.outcome());
        if let Some(times) = sample.times() {
            interval.record(sample.outcome(), &times, &mut pool);
        }
        self.pool = pool;
    }

    /// Takes a core's report of a second; a core beyond the number given at the start is counted but not waited for.
    pub fn second(&mut self, core: usize, second: &Second) {
        let row = &mut self.interval(second.second).row;
        row.offered += second.offered;
        row.sent += second.sent;
        row.in_flight += second.in_flight;
        if let Some(reported) = self.reported.get_mut(core) {
            *reported = (*reported).max(second.second + 1);
        }
    }

    /// The first second that is not complete: everything that ended before it is known.
    pub fn complete_until(&self) -> u64 {
        self.reported.iter().copied().min().unwrap_or(0)
    }

    /// The next complete second, if there is one; give it back with [`Live::recycle`].
    pub fn next_complete(&mut self) -> Option<ClosedSecond> {
        if self.next >= self.complete_until() { None } else { self.take_first() }
    }

    /// At the end of a run: the next second, complete or not.
    pub fn next_remaining(&mut self) -> Option<ClosedSecond> {
        self.take_first()
    }

    fn take_first(&mut self) -> Option<ClosedSecond> {
        let first = self.open.pop_front()?;
        self.next += 1;
        Some(first.close())
    }

    /// Takes the room of a written interval back.
    pub fn recycle(&mut self, interval: ClosedSecond) {
        self.pool.give(interval);
    }
}

/// A second, in the unit of the samples.
pub const SECOND_US: u64 = 1_000_000;

/// Seconds for which a rebuilt timeline keeps times. Cores hand over several times a second, so rows of one second lie far
/// closer together in `samples.csv` than that.
const OPEN_SECONDS: u64 = 10;

/// A rebuilt timeline takes rows on clocks that differ from the order of the rows by this at most, ahead or behind.
// derived: rows of clocks that are off in opposite ways then lie 9 s apart, so that the numbers of their seconds differ by less than the ten
pub const MOST_SHIFT_US: i64 = 4_500_000;

/// The timeline from samples alone, in the order of `samples.csv`. Keeps a row a second (some 100 bytes) until the end, since a call
/// that was due in the first second may end in the last.
#[derive(Debug, Default)]
pub struct Rebuilt {
    rows: BTreeMap<u64, Row>,
    open: BTreeMap<u64, ClosedSecond>,
    newest: u64,
    pool: TimesPool,
    /// Calls that began (`+`) and ended (`-`) in a second.
    flight: BTreeMap<u64, i64>,
}

impl Rebuilt {
    /// Counts a call.
    pub fn sample(&mut self, sample: &Sample) {
        self.call(&sample.ending());
    }

    /// Counts a call of which only this is known.
    pub fn call(&mut self, call: &CallEnding) {
        let second = call.end_us() / SECOND_US;
        self.newest = self.newest.max(second);
        self.row(second).count(call.outcome);
        self.row(call.due_us / SECOND_US).offered += 1;
        if let Some(sent_us) = call.sent_us {
            let began = sent_us / SECOND_US;
            self.row(began).sent += 1;
            if began != second {
                *self.flight.entry(began).or_default() += 1;
                *self.flight.entry(second).or_default() -= 1;
            }
        }
        if let Some(times) = call.times() {
            let open = self.open.entry(second).or_insert_with(|| ClosedSecond::empty(second));
            open.record(call.outcome, &times, &mut self.pool);
        }
    }

    fn row(&mut self, second: u64) -> &mut Row {
        self.rows.entry(second).or_insert(Row { second, ..Row::default() })
    }

    /// The next interval that can be closed, oldest first; give it back with [`Rebuilt::recycle`].
    pub fn next_complete(&mut self) -> Option<ClosedSecond> {
        let oldest = *self.open.first_key_value()?.0;
        if oldest + OPEN_SECONDS > self.newest { None } else { self.next_remaining() }
    }

    /// At the end of the samples: the next interval.
    pub fn next_remaining(&mut self) -> Option<ClosedSecond> {
        let (second, interval) = self.open.pop_first()?;
        let closed = interval.close();
        let row = self.row(second);
        let Row { response_p50_us, response_p99_us, service_p50_us, service_p99_us, .. } = closed.row;
        *row = Row { response_p50_us, response_p99_us, service_p50_us, service_p99_us, ..*row };
        Some(closed)
    }

    /// Takes the room of a written interval back.
    pub fn recycle(&mut self, interval: ClosedSecond) {
        self.pool.give(interval);
    }

    /// The process lived through this second, whether anything happened in it or not.
    pub fn lived(&mut self, second: u64) {
        self.row(second);
    }

    /// All rows from second 0 on without gaps.
    pub fn into_rows(mut self) -> impl Iterator<Item = Row> {
        let end = self.rows.keys().next_back().map_or(0, |last| last + 1);
        let mut in_flight = 0i64;
        (0..end).map(move |second| {
            in_flight += self.flight.remove(&second).unwrap_or(0);
            let row = self.rows.remove(&second).unwrap_or(Row { second, ..Row::default() });
            Row { in_flight: u64::try_from(in_flight).unwrap_or(0), ..row }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::sample::testing::samples;

    /// What a core would report about these samples.
    fn seconds(list: &[Sample]) -> Vec<Second> {
        let end = list.iter().flat_map(|s| [Some(s.due), s.done]).flatten().map(|d| d.as_secs() + 1).max().unwrap_or(0);
        (0..end)
            .map(|second| {
                let count = |f: &dyn Fn(&Sample) -> bool| list.iter().filter(|s| f(s)).count() as u64;
                let begun = count(&|s| s.sent.is_some_and(|t| t.as_secs() <= second));
                let ended = count(&|s| s.done.is_some_and(|t| t.as_secs() <= second));
                Second {
                    second,
                    offered: count(&|s| s.due.as_secs() == second),
                    sent: count(&|s| s.sent.is_some_and(|t| t.as_secs() == second)),
                    in_flight: begun - ended,
                }
            })
            .collect()
    }

    fn live(cores: &[Vec<Sample>]) -> Vec<ClosedSecond> {
        let mut timeline = Live::new(cores.len());
        let mut intervals = Vec::new();
        let reports: Vec<Vec<Second>> = cores.iter().map(|list| seconds(list)).collect();
        for second in 0..60 {
            for (core, list) in cores.iter().enumerate() {
                list.iter().filter(|s| second_of(s) == second).for_each(|s| timeline.sample(s));
                reports[core].iter().filter(|r| r.second == second).for_each(|r| timeline.second(core, r));
            }
            while let Some(interval) = timeline.next_complete() {
                assert!(interval.row.second < timeline.complete_until());
                intervals.push(interval.clone());
                timeline.recycle(interval);
            }
        }
        intervals.extend(std::iter::from_fn(|| timeline.next_remaining()));
        intervals
    }

    fn rebuilt(list: &[Sample]) -> (Vec<Row>, Vec<ClosedSecond>) {
        let mut timeline = Rebuilt::default();
        let mut intervals = Vec::new();
        for sample in list {
            timeline.sample(sample);
            while let Some(interval) = timeline.next_complete() {
                intervals.push(interval.clone());
                timeline.recycle(interval);
            }
        }
        intervals.extend(std::iter::from_fn(|| timeline.next_remaining()));
        (timeline.into_rows().collect(), intervals)
    }

    proptest! {
        /// A timeline rebuilt from the samples equals the one made as the run went, rows and histograms.
        #[test]
        fn rebuilt_equals_live(a in samples(40), b in samples(40)) {
            let live = live(&[a.clone(), b.clone()]);
            let mut all: Vec<Sample> = a.into_iter().chain(b).collect();
            all.sort_by_key(second_of);
            let (rows, intervals) = rebuilt(&all);
            prop_assert_eq!(live.iter().map(|i| i.row).collect::<Vec<_>>(), rows);
            let with_answers: Vec<_> = live.iter().filter(|i| !i.responses.is_empty()).map(|i| &i.responses).collect();
            prop_assert_eq!(with_answers, intervals.iter().map(|i| &i.responses).collect::<Vec<_>>());
        }
    }

    /// Clocks that are off as far as they may be, in opposite ways, split no second.
    #[test]
    fn shifted_rows_find_their_second() {
        let mut timeline = Rebuilt::default();
        let mut closed = Vec::new();
        for n in 0..2_000u64 {
            let ending = crate::record::sample::testing::sample(n, Outcome::Ok, 10_000 + n * 10, 0, 1).ending();
            timeline.call(&ending.shifted(if n % 2 == 0 { MOST_SHIFT_US } else { -MOST_SHIFT_US }));
            closed.extend(std::iter::from_fn(|| timeline.next_complete()).map(|interval| interval.row.second));
        }
        closed.extend(std::iter::from_fn(|| timeline.next_remaining()).map(|interval| interval.row.second));
        assert!(closed.is_sorted_by(|a, b| a < b), "{closed:?}");
    }

    /// A latecomer is counted in the oldest open second: nothing is lost, nothing written is changed.
    #[test]
    fn latecomers_are_counted() {
        use crate::record::sample::testing::sample;
        let mut timeline = Live::new(1);
        for second in 0..3 {
            timeline.second(0, &Second { second, ..Second::default() });
        }
        while timeline.next_complete().is_some() {}
        timeline.sample(&sample(0, Outcome::Ok, 0, 0, 1));
        let interval = timeline.next_remaining().unwrap();
        assert_eq!((interval.row.second, interval.row.ok), (3, 1));
    }
}
