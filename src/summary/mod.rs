//! One run's numbers, and whether they can be trusted.
//!
//! [`Summary`] is a published contract (`livebench schema summary`, file `summary.json`). It is a function of the scenario, of what was
//! recorded and of [`RunFacts`]: no wall time, no machine, no path. The same scenario and seed in virtual time give the same bytes.
//! Unknown is null, never 0. Refuses to read a clock and to format for people.
//!
//! The verdict on the run (not on the service) is made by these rules; each that applies is a reason with a remedy:
//!
//! | what | SUSPECT | INVALID |
//! |---|---|---|
//! | missed calls | any | more than 1 % of the scheduled |
//! | own lateness p99 beside the response p99 (ok; all if none is ok) | above 10 % of it and above 1 ms | above 50 % of it and above 10 ms |
//! | CPU of the busiest load thread | above 80 % | above 95 % |
//! | capped calls (`max_rate`) | more than 1 % of the scheduled; fewer are a note | |
//! | a percentile that a threshold asks for | fewer than 10/(1-p) samples | fewer than 1/(1-p): it is unknown |
//! | how it stopped | interrupted, at its budget, killed | access denied, disk full |
//! | sent calls | none of them got a session | none was sent |
//! | accounting | | more calls ended than were scheduled |
//! | ledger | not compared over the whole run | |

mod build;
mod contract;
mod facts;
mod thresholds;
mod verdict;

pub use build::{so_far, summarize};
pub use contract::*;
pub use facts::{Called, CpuUse, Endpoint, Harness, RunFacts, Stop, ThreadUse};

/// How a run ends for whoever asked for it: exit codes, from the most to the least urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Interrupted by hand.
    Interrupted,
    /// INVALID, or a threshold could not be observed: the answer is not to be trusted.
    NotTrusted,
    /// A threshold was missed or idempotency violated.
    Bad,
    /// Everything held.
    Good,
}

impl Summary {
    /// How the run ends. Interrupted comes before INVALID, INVALID before a bad result.
    pub fn ending(&self) -> Ending {
        let any = |result: ThresholdStatus| self.thresholds.iter().any(|t| t.status == result);
        if self.stop == Stop::Interrupted {
            Ending::Interrupted
        } else if self.verdict.validity == Validity::Invalid || any(ThresholdStatus::Unknown) {
            Ending::NotTrusted
        } else if any(ThresholdStatus::Failed) || self.idempotency.violations > 0 {
            Ending::Bad
        } else {
            Ending::Good
        }
    }
}

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
