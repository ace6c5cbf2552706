//! One shard's part of a workload: which calls, how many, and what of the bounds.
//!
//! Refuses to change what a call is: call k has the same due time, mix and token whoever makes it.

use std::time::Duration;

use super::admission::LoadLimits;
use super::call_plan::CallPlan;
use crate::client::Answer;
use crate::client::outcome::Outcome;
use crate::record::sample::Sample;
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::shard::Shard;

/// One shard's part of a scenario's load.
#[derive(Debug, Clone)]
pub struct Part {
    plan: CallPlan,
}

impl Part {
    /// The part of `shard`.
    pub fn new(scenario: &Scenario, shard: Shard) -> Self {
        Self { plan: CallPlan::new(scenario, 0, shard) }
    }

    /// The same from call number `first` on: those before belong to earlier segments of the run.
    #[must_use]
    pub fn from_call(mut self, first: u64) -> Self {
        self.plan.first = first;
        self
    }

    /// Its calls in the order of their numbers, each with its due time.
    pub fn dues<'a>(&self, schedule: &'a Schedule) -> impl Iterator<Item = (u64, Duration)> + use<'a> {
        self.plan.dues(schedule)
    }

    /// Call k, due at `due`, whose end nobody saw: whether it was sent, and what it said, is not known either.
    pub fn unknown(&self, k: u64, due: Duration) -> Sample {
        Sample {
            seq: k,
            due,
            sent: None,
            done: None,
            mix: self.plan.mix(k),
            role: self.plan.plain_role(k),
            attempt: 1,
            token: None,
            answer: Answer::without_reply(Outcome::Unknown),
        }
    }

    /// Whose part it is.
    pub const fn shard(&self) -> Shard {
        self.plan.shard
    }

    /// The number that decides whose call k is: its own, or that of the call whose token it repeats.
    pub fn owner(&self, k: u64) -> u64 {
        self.plan.owner(k)
    }

    /// How many of the first `total` calls are in it.
    pub fn calls(&self, total: u64) -> u64 {
        if !self.shard().is_part() {
            return total;
        }
        if !self.plan.races() {
            return self.shard().part_of(total);
        }
        (0..total).map(|k| u64::from(self.plan.owns(k))).sum()
    }

    /// The bounds of the whole run as they bind this part: budgets by call, such that all parts together keep them exactly; room for as
    /// many calls in flight as is its share.
    pub fn limits(&self, whole: LoadLimits) -> LoadLimits {
        let shard = self.shard();
        let concurrency = usize::try_from(shard.room_of(whole.concurrency as u64)).unwrap_or(whole.concurrency);
        LoadLimits { concurrency, max_calls: whole.max_calls.map(|(calls, cause)| (shard.part_of(calls), cause)), ..whole }
    }
}
