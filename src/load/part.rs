//! One shard's part of a workload: which calls, how many, and what of the bounds.
//!
//! Refuses to change what a call is: call k has the same due time, mix and token whoever makes it.

use super::admission::LoadLimits;
use super::call_plan::CallPlan;
use crate::scenario::Scenario;
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
