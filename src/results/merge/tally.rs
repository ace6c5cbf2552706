//! What the rows of a merged run say beyond what its parts have counted themselves: the timeline, repeated tokens and sessions, shards that
//! are slower than the others, groups.
//!
//! A second's percentiles are of all its answers, and a token may be repeated by another machine: both need the rows. Refuses to keep a row.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use hdrhistogram::Histogram;

use super::super::ResultsError;
use super::super::hlog::HlogWriter;
use super::super::whole::{self, Sorter};
use super::row::{self, RowCells};
use super::rules::RowRules;
use super::scan::Scanned;
use crate::client::outcome::{Class, Outcome};
use crate::record::ledger::{LedgerEntry, LedgerReport};
use crate::record::recorder::{MAX_US, Recorder, TimeHistogram};
use crate::record::timeline::{Rebuilt, Row};
use crate::shard::Shard;
use crate::summary::{GroupLine, stats};

/// Shards whose times are kept apart, to find the one that differs.
// derived: a histogram of two digits up to an hour takes 40 KB, so 256 of them 10 MB
const APART: u64 = 256;

/// A shard whose median lies above the 90th percentile of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowShard {
    /// Which.
    pub shard: Shard,
    /// Its median response, in microseconds.
    pub median_us: u64,
    /// The 90th percentile of all others.
    pub others_p90_us: u64,
}

/// What is the same for all rows.
pub(super) struct TallyPlan<'a> {
    pub(super) rules: &'a RowRules<'a>,
    pub(super) scanned: &'a Scanned,
    /// The names of the mixes.
    pub(super) mixes: &'a [String],
    /// Shards whose rows their summary has not counted.
    pub(super) uncounted: BTreeSet<u64>,
    /// By shard: its group, if any has one.
    pub(super) groups: BTreeMap<u64, Option<String>>,
    /// By shard: what its timeline is shifted by, in microseconds.
    pub(super) shifts: BTreeMap<u64, i64>,
}

/// Takes the rows of a merged run, in order.
pub(super) struct RowTally<'a> {
    plan: &'a TallyPlan<'a>,
    /// Of the rows that no summary has counted.
    recorder: Recorder,
    timeline: Rebuilt,
    sorter: Sorter,
    /// Sessions that came once for certain.
    single_sessions: u64,
    times: ShardTimes,
    groups: BTreeMap<Option<String>, GroupTally>,
}

/// What came of all rows.
pub(super) struct Tallied {
    pub(super) recorder: Recorder,
    pub(super) ledger: LedgerReport,
    pub(super) slow: Vec<SlowShard>,
    pub(super) groups: Vec<GroupLine>,
    pub(super) timeline: Vec<Row>,
}

impl<'a> RowTally<'a> {
    /// Nothing taken yet. What must be sorted lies in `place`.
    pub(super) fn new(plan: &'a TallyPlan<'a>, place: &Path) -> Self {
        let mut groups = BTreeMap::new();
        for group in plan.groups.values() {
            groups.entry(group.clone()).or_insert_with(GroupTally::default).shards += 1;
        }
        Self {
            plan,
            recorder: Recorder::default(),
            timeline: Rebuilt::default(),
            sorter: Sorter::new(place, whole::SEGMENT),
            single_sessions: 0,
            times: ShardTimes::new(plan.rules.of),
            groups,
        }
    }

    /// Takes a row; seconds that are over go to `hlog`.
    pub(super) fn take(&mut self, line: &[u8], hlog: &mut HlogWriter<impl Write>) -> io::Result<()> {
        // It was admitted when it was read.
        let Some(cells) = RowCells::of(line) else { return Ok(()) };
        let shard = self.plan.rules.shard(cells.seq);
        self.times.take(shard, &cells);
        let group = self.plan.groups.get(&shard);
        if let Some(tally) = group.and_then(|group| self.groups.get_mut(group)) {
            tally.take(&cells);
        }
        let shift = self.plan.shifts.get(&shard).copied().unwrap_or(0);
        self.timeline.call(&cells.ending.shifted(shift));
        while let Some(interval) = self.timeline.next_complete() {
            hlog.write(&interval)?;
            self.timeline.recycle(interval);
        }
        self.look_closer(shard, &cells, line).map_err(io::Error::other)
    }

    /// The few rows of which everything is needed.
    fn look_closer(&mut self, shard: u64, cells: &RowCells<'_>, line: &[u8]) -> Result<(), ResultsError> {
        let sent = cells.ending.sent_us.is_some();
        let token = sent && !cells.token.is_empty() && (cells.role.repeats() || self.plan.scanned.token_may_repeat(cells.token));
        let session = cells.session().filter(|_| sent);
        let again = session.is_some_and(|session| self.plan.scanned.session_may_repeat(session));
        // Of a session that came once for certain there is nothing else to tell.
        self.single_sessions += u64::from(session.is_some() && !(token || again));
        let uncounted = self.plan.uncounted.contains(&shard);
        if !(token || again || uncounted) {
            return Ok(());
        }
        let Some(sample) = row::whole(line, self.plan.mixes) else { return Ok(()) };
        if uncounted {
            self.recorder.record(&sample);
        }
        LedgerEntry::of(&sample).filter(|_| token || again).map_or(Ok(()), |entry| self.sorter.push(entry))
    }

    /// Everything that was taken; the last seconds go to `hlog`.
    pub(super) fn finish(mut self, hlog: &mut HlogWriter<impl Write>, ttl_us: u64) -> Result<Tallied, io::Error> {
        while let Some(interval) = self.timeline.next_remaining() {
            hlog.write(&interval)?;
            self.timeline.recycle(interval);
        }
        hlog.flush()?;
        let mut ledger = self.sorter.finish(ttl_us).map_err(io::Error::other)?;
        ledger.distinct_sessions += self.single_sessions;
        Ok(Tallied {
            recorder: self.recorder,
            ledger,
            slow: self.times.slow(),
            groups: self.groups.into_iter().map(|(name, tally)| tally.line(name)).collect(),
            timeline: self.timeline.into_rows().collect(),
        })
    }
}

/// What the shards of a group have sent and got.
#[derive(Debug, Default)]
struct GroupTally {
    shards: u64,
    counts: BTreeMap<Outcome, u64>,
    response_ok: TimeHistogram,
}

impl GroupTally {
    fn take(&mut self, cells: &RowCells<'_>) {
        *self.counts.entry(cells.ending.outcome).or_default() += 1;
        if let Some(times) = cells.ending.times().filter(|_| cells.ending.outcome == Outcome::Ok) {
            self.response_ok.record(times.response_us);
        }
    }

    fn line(self, group: Option<String>) -> GroupLine {
        let of = |wanted: &dyn Fn(Outcome) -> bool| self.counts.iter().filter(|(o, _)| wanted(**o)).map(|(_, n)| n).sum();
        let class = |class| of(&|outcome| outcome.class() == class);
        GroupLine {
            group,
            shards: self.shards,
            ended: of(&|_| true),
            sent: of(&|outcome| outcome.was_sent()),
            ok: class(Class::Ok),
            throttled: class(Class::Throttled),
            errors: class(Class::Error),
            response_ok: stats(&self.response_ok),
        }
    }
}

/// The response times of each shard's ok calls.
struct ShardTimes(Vec<Histogram<u64>>);

impl ShardTimes {
    fn new(of: u64) -> Self {
        // One of them alone has no others to be held against.
        let shards = if (2..=APART).contains(&of) { of } else { 0 };
        Self((0..shards).filter_map(|_| Histogram::new_with_bounds(1, MAX_US, 2).ok()).collect())
    }

    fn take(&mut self, shard: u64, cells: &RowCells<'_>) {
        let slot = usize::try_from(shard).ok().and_then(|shard| self.0.get_mut(shard));
        let times = cells.ending.times().filter(|_| cells.ending.outcome == Outcome::Ok);
        if let (Some(slot), Some(times)) = (slot, times) {
            slot.saturating_record(times.response_us.max(1));
        }
    }

    /// Shards whose median lies above nine of ten times of all others.
    fn slow(&self) -> Vec<SlowShard> {
        let of = self.0.len() as u64;
        let others = |apart: usize| {
            let mut all = Histogram::<u64>::new_with_bounds(1, MAX_US, 2).ok()?;
            self.0.iter().enumerate().filter(|(n, _)| *n != apart).try_for_each(|(_, times)| all.add(times)).ok()?;
            (!all.is_empty()).then(|| all.value_at_quantile(0.9))
        };
        let slow = |(n, times): (usize, &Histogram<u64>)| {
            let (median_us, others_p90_us) = ((!times.is_empty()).then(|| times.value_at_quantile(0.5))?, others(n)?);
            let shard = Shard { index: n as u64, of };
            (median_us > others_p90_us).then_some(SlowShard { shard, median_us, others_p90_us })
        };
        self.0.iter().enumerate().filter_map(slow).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shard that is slower than the others is named, and like ones are not.
    #[test]
    fn outliers_are_named() {
        let row = |us: u64| format!("0,0,0,{us},default,ok,200,1,,,,fresh,").into_bytes();
        let taken = |us: &dyn Fn(u64) -> u64| {
            let mut times = ShardTimes::new(4);
            for n in 0..400 {
                let row = row(us(n));
                times.take(n % 4, &RowCells::of(&row).unwrap());
            }
            times.slow().iter().map(|slow| slow.shard.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(taken(&|n| 45_000 + if n % 4 == 2 { 40_000 } else { 0 } + n % 7 * 100), ["2/4"]);
        assert_eq!(taken(&|n| 45_000 + n % 50 * 100), Vec::<String>::new());
    }
}
