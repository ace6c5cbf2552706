//! Figures that stand in more than one part of the contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stop::Stop;

/// A distribution. A percentile p that fewer than 1/(1-p) samples cannot support is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Samples.
    pub count: u64,
    /// The smallest.
    pub min_us: u64,
    /// The mean.
    pub mean_us: u64,
    /// The median.
    pub p50_us: Option<u64>,
    /// The 90th percentile.
    pub p90_us: Option<u64>,
    /// The 95th percentile.
    pub p95_us: Option<u64>,
    /// The 99th percentile.
    pub p99_us: Option<u64>,
    /// The 99.9th percentile.
    pub p999_us: Option<u64>,
    /// The largest.
    pub max_us: u64,
    /// Samples above an hour, which the percentiles count as an hour.
    pub saturated: u64,
}

/// What the shards of one group have sent and got, as a region's share of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupLine {
    /// `LIVEBENCH_GROUP`; null for the shards without.
    pub group: Option<String>,
    /// How many shards are in it.
    pub shards: u64,
    /// Calls that have an end.
    pub ended: u64,
    /// Calls sent.
    pub sent: u64,
    /// Sessions handed out.
    pub ok: u64,
    /// Refused for rate.
    pub throttled: u64,
    /// All other endings of sent calls.
    pub errors: u64,
    /// Response times of the sessions handed out; null without any.
    pub response_ok: Option<Stats>,
}

/// One segment of a run that was cut off and resumed. Its calls are due as the schedule says, and come later than the first segment would have
/// made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentLine {
    /// Which one, from 1.
    pub number: u64,
    /// The number of its first call.
    pub first_seq: u64,
    /// Where on the schedule it begins.
    pub from_us: u64,
    /// How much later its calls came than the first segment would have made them.
    pub delayed_us: u64,
    /// For how long nobody called before it, by the wall clock; null for the first.
    pub gap_us: Option<u64>,
    /// Why it stopped.
    pub stop: Stop,
    /// Its calls that have a row.
    pub ended: u64,
    /// Those that were sent.
    pub sent: u64,
    /// Sessions handed out.
    pub ok: u64,
    /// Refused for rate.
    pub throttled: u64,
    /// All other endings of sent calls.
    pub errors: u64,
    /// Due, but the harness had no room, or was more than 100 ms late.
    pub missed: u64,
    /// Due when it was cut off: nobody saw their end.
    pub unknown: u64,
    /// Contradictions of tokens and sessions within it.
    pub violations: u64,
    /// Lateness of everything that it sent; null if it sent nothing.
    pub lateness_all: Option<Stats>,
    /// Service times of its sessions; null without any.
    pub service_ok: Option<Stats>,
    /// Response times of its sessions; null without any.
    pub response_ok: Option<Stats>,
}

/// A shard's wall clock beside the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShardClock {
    /// Which shard: `2/4`.
    pub shard: String,
    /// It is ahead of the server's by this at least; null if the answers contradict each other or had no dates.
    pub ahead_low_us: Option<i64>,
    /// And by this at most.
    pub ahead_high_us: Option<i64>,
    /// It is ahead of the other shards' clocks by so much, in the middle of what is possible, if that is certainly more than 100 ms; else null.
    pub apart_us: Option<i64>,
    /// As much more or less.
    pub apart_within_us: Option<u64>,
    /// It is off by this at most, as its own system knows; 16 s where nothing synchronizes it, null where the system does not say.
    #[serde(default)]
    pub wall_clock_error_us: Option<u64>,
}

impl ShardClock {
    /// Clocks that certainly differ by more are told.
    // source: ntpd(8) steps a clock that is off by more than 128 ms: 100 ms lie below every step, as for a clock that was set during a run
    pub const APART_US: i64 = 100_000;

    /// What a system says of a clock that nothing synchronizes.
    // source: NTP_PHASE_LIMIT, linux/timex.h: the kernel lets the error grow up to here, and takes the clock for unsynchronized then
    pub const UNSYNCHRONIZED_US: u64 = 16_000_000;

    /// Half of the interval in which the answers place it; `None` where they do not.
    pub fn placed_within_us(&self) -> Option<u64> {
        let width_us = self.ahead_high_us?.abs_diff(self.ahead_low_us?);
        Some(width_us.div_ceil(2))
    }

    /// Whether its own system says that nothing synchronizes it.
    pub fn is_loose(&self) -> bool {
        self.wall_clock_error_us.is_some_and(|us| us >= Self::UNSYNCHRONIZED_US)
    }

    /// Whether nothing synchronizes it and the answers do not place it to [`Self::APART_US`]. What a system tells of a clock that is kept says
    /// little: between two polls that are 2048 s apart the kernel lets the error grow by 500 ppm, to a second.
    pub fn is_unsure(&self) -> bool {
        self.is_loose() && self.placed_within_us().is_none_or(|us| us > Self::APART_US.unsigned_abs())
    }
}
