//! One run's numbers, and whether they can be trusted.
//!
//! [`Summary`] is a published contract (`livebench schema summary`, file `summary.json`). It is a function of the scenario, of what was
//! recorded and of [`RunFacts`]: no wall time, no machine, no path. The same scenario and seed in virtual time give the same bytes.
//! Unknown is null, never 0. Refuses to read a clock and to format for people.
//!
//! The result (passed, failed, not trusted) says what became of what the run was to show. The verdict on the measurement is made by these rules; each that applies is a reason with a remedy:
//!
//! | what | SUSPECT | INVALID |
//! |---|---|---|
//! | missed calls | any | more than 1 % of the scheduled |
//! | own lateness p99 beside the response p99 (ok; all if none is ok) | above 10 % of it and above 1 ms | above 50 % of it and above 10 ms |
//! | CPU of the busiest load thread | above 80 % | above 95 %, of the run or of its busiest second (waits of more than 1 ms for a core count there) |
//! | capped calls (`max_rate`) | more than 1 % of the scheduled; fewer are a note | |
//! | a percentile that a threshold asks for | fewer than 10/(1-p) samples | fewer than 1/(1-p): it is unknown |
//! | how it stopped | interrupted, at its budget, killed | access denied, disk full |
//! | resumed runs | all; those of which calls have an unknown end say so | |
//! | sent calls | none of them got a session | none was sent, or none got an answer |
//! | this machine's files, ports, memory | above 90 % of the files that may be open, or of the memory that was to be had | a call failed for want of one, or all were taken |
//! | accounting | | more calls ended than were scheduled |
//! | ledger | not compared over the whole run | |

mod build;
mod contract;
mod facts;
mod figures;
mod merged;
mod read;
mod restore;
mod result;
mod resumed;
mod segments;
mod stop;
mod stopped;
mod thresholds;
mod verdict;

pub use build::{per_second, planned_us, sending_us, so_far, stats, summarize};
pub use contract::*;
pub use facts::{Called, CpuUse, Endpoint, Harness, MergedFacts, RunFacts, ThreadUse};
pub use figures::{GroupLine, SegmentLine, ShardClock, Stats};
pub use read::ReadError;
pub use result::Ending;
pub use segments::{SegmentSpan, segment_line};
pub use stop::Stop;

/// The JSON Schema of [`Summary`], for `livebench schema summary`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Summary);
    // A schema made of our own types serialises.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
