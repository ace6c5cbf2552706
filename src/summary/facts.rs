//! What only the run itself knew, and no sample tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{GroupLine, SegmentLine, ShardClock};
use super::stop::Stop;
use crate::client::UnexpectedAnswer;
use crate::record::server_clock::ServerClock;

/// Where the calls went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The emulator inside this process, over HTTP.
    Embedded,
    /// The emulator's model, called in virtual time.
    Model,
    /// A given address of this machine.
    Loopback,
    /// Any other address: AWS, for all that it matters.
    Remote,
}

/// What was called, without what differs from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Called {
    /// Where the calls went.
    pub endpoint: Endpoint,
    /// The region that they were meant for.
    pub region: String,
    /// How they got there: `sdk`, `wire`, or `model` in virtual time.
    pub transport: String,
    /// Whether time was virtual.
    pub virtual_time: bool,
}

/// CPU time over elapsed time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuUse {
    /// Of the busiest thread that drives load, 0 to 1.
    pub busiest_load_thread_share: f64,
    /// Of the whole process, 0 to the number of cores.
    pub process_share: f64,
    /// Cores of the machine.
    pub cores: u32,
}

/// One of the threads that drive load, over the length of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadUse {
    /// CPU time over elapsed time, 0 to 1.
    pub cpu_share: f64,
    /// Time that it could have run and had no core, over elapsed time; null where the system does not say.
    pub waited_share: Option<f64>,
    /// How long it waited for a core on average, once it could run; null where the system does not say.
    pub wait_mean_us: Option<u64>,
    /// Of its busiest second, 0 to 1: time on a core, and time without one where others kept it from it for more than 1 ms at a time; null
    /// where the system does not say, or for less than a second.
    #[serde(default)]
    pub busiest_second_share: Option<f64>,
}

/// What the machine did to the harness, and the harness to the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Harness {
    /// The threads that drive load, one a core.
    pub load_threads: Vec<ThreadUse>,
    /// How far the wall clock moved against the monotonic one.
    pub wall_clock_moved_us: i64,
    /// The most by which the wall clock was off before and after the run, as the system knows; 16 s where nothing synchronizes it, null where
    /// the system does not say.
    #[serde(default)]
    pub wall_clock_error_us: Option<u64>,
    /// How long the machine slept; null where the system does not say.
    pub asleep_us: Option<u64>,
    /// Connections that were opened.
    pub connections_opened: u64,
    /// Files and sockets that were open at once, looked at every tenth of a second; null where the system does not say.
    pub files_open: Option<u64>,
    /// How many may be; null where there is no limit.
    pub files_limit: Option<u64>,
    /// The most memory that the process had, looked at as often; null where the system does not say.
    #[serde(default)]
    pub memory_peak_bytes: Option<u64>,
    /// The least that it could have had besides, of the machine and of its control groups; null where the system does not say.
    #[serde(default)]
    pub memory_left_bytes: Option<u64>,
}

/// What only the run itself knew. Kept in `manifest.json`, so that `livebench report` says the same as the run did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Calls of the whole schedule; null in the closed model, where answers decide.
    pub scheduled: Option<u64>,
    /// From the start to the last answer; null if nobody saw the end.
    pub elapsed_us: Option<u64>,
    /// Why it stopped.
    pub stop: Stop,
    /// The harness's own CPU; null if unknown or in virtual time.
    pub cpu: Option<CpuUse>,
    /// What the machine did to the harness; null if unknown or in virtual time.
    #[serde(default)]
    pub harness: Option<Harness>,
    /// What was called.
    pub called: Called,
    /// The first answer that the service's model does not know; null if there was none.
    #[serde(default)]
    pub unexpected: Option<UnexpectedAnswer>,
    /// What merging its shards showed; null for a run of one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<MergedFacts>,
    /// How long workers of the closed model held back in all, since nobody answered; 0 in the open model.
    #[serde(default)]
    pub held_back_us: u64,
    /// The server's clock, as the dates of its answers show it; null if none had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_clock: Option<ServerClock>,
    /// How long after the schedule's time 0 it began, where that is too late for what was due then; null for who was there in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_us: Option<u64>,
    /// Whether it is a shard, or merged of some, as its manifest says: nothing resumes it.
    #[serde(skip)]
    pub of_shards: bool,
    /// The segments of a run that was resumed, in order, from what was recorded in each; empty for a run of one.
    #[serde(skip)]
    pub segments: Vec<SegmentLine>,
}

/// What only the merging of a run's shards knew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergedFacts {
    /// How many shards the run has.
    pub shards: u64,
    /// What is missing, unfinished, doubled or not to be trusted: each costs the run its trust.
    pub problems: Vec<String>,
    /// What else is worth knowing: a shard that is slower than the others.
    pub notes: Vec<String>,
    /// The same run by `LIVEBENCH_GROUP`, in the order of the names; empty if no shard has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupLine>,
    /// The clock of each shard of which something is known, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ShardClock>,
    /// The shards that joined the schedule late, in order: `2/4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
}

impl RunFacts {
    /// The facts of a run of which only this is known.
    pub const fn untold(called: Called, stop: Stop) -> Self {
        Self {
            scheduled: None,
            elapsed_us: None,
            stop,
            cpu: None,
            harness: None,
            called,
            unexpected: None,
            merged: None,
            held_back_us: 0,
            server_clock: None,
            joined_us: None,
            of_shards: false,
            segments: Vec::new(),
        }
    }

    /// The facts of a run whose parts ended so; `None` is a part that did not. Every figure is the worst of all parts, or their sum.
    pub fn together<'a>(called: Called, scheduled: Option<u64>, parts: impl Iterator<Item = Option<&'a Self>>) -> Self {
        let mut all = Self { scheduled, ..Self::untold(called, Stop::Completed) };
        for part in parts {
            let Some(part) = part else {
                all.stop = Stop::Killed;
                continue;
            };
            all.stop = if part.stop.gravity() > all.stop.gravity() { part.stop } else { all.stop };
            all.elapsed_us = all.elapsed_us.max(part.elapsed_us);
            all.cpu = join(all.cpu, part.cpu, |a, b| CpuUse {
                busiest_load_thread_share: a.busiest_load_thread_share.max(b.busiest_load_thread_share),
                process_share: a.process_share.max(b.process_share),
                cores: a.cores.max(b.cores),
            });
            all.harness = join(all.harness.take(), part.harness.clone(), Harness::and);
            all.held_back_us += part.held_back_us;
            all.joined_us = all.joined_us.max(part.joined_us);
            all.unexpected = all.unexpected.take().or_else(|| part.unexpected.clone());
        }
        all
    }
}

impl RunFacts {
    /// The facts of a run that was resumed, from the `parts` that its segments ended with and what was recorded in each. It ended as its last
    /// segment did. `elapsed_us` is from the start of the first to the end of the last.
    #[must_use]
    pub fn resumed(parts: &[Self], elapsed_us: Option<u64>, segments: Vec<SegmentLine>) -> Option<Self> {
        let last = parts.last()?;
        let all = Self::together(last.called.clone(), last.scheduled, parts.iter().map(Some));
        Some(Self { elapsed_us, stop: last.stop, server_clock: last.server_clock, segments, ..all })
    }
}

/// Both together, or the one that is there.
fn join<T>(a: Option<T>, b: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}

impl Harness {
    /// Two machines' harnesses as one: threads side by side, and of the rest the worse.
    fn and(mut self, other: Self) -> Self {
        let further = |a: i64, b: i64| if b.unsigned_abs() > a.unsigned_abs() { b } else { a };
        self.load_threads.extend(other.load_threads);
        self.wall_clock_moved_us = further(self.wall_clock_moved_us, other.wall_clock_moved_us);
        self.wall_clock_error_us = self.wall_clock_error_us.max(other.wall_clock_error_us);
        self.asleep_us = self.asleep_us.max(other.asleep_us);
        self.connections_opened += other.connections_opened;
        // Open files belong to their own limit: those of the machine that came nearest to it.
        let nearness = |open, limit: Option<u64>| (limit.is_some(), nearness_of(open, limit));
        if nearness(other.files_open, other.files_limit) > nearness(self.files_open, self.files_limit) {
            (self.files_open, self.files_limit) = (other.files_open, other.files_limit);
        }
        // So does memory: that of the machine which had least left.
        let left = |left: Option<u64>| left.unwrap_or(u64::MAX);
        if left(other.memory_left_bytes) < left(self.memory_left_bytes) {
            (self.memory_peak_bytes, self.memory_left_bytes) = (other.memory_peak_bytes, other.memory_left_bytes);
        }
        self
    }
}

/// Open files over their limit, in millionths.
fn nearness_of(open: Option<u64>, limit: Option<u64>) -> u128 {
    match (open, limit) {
        (Some(open), Some(limit)) if limit > 0 => u128::from(open) * 1_000_000 / u128::from(limit),
        _ => 0,
    }
}
