//! What happened, counted: histograms, counters, the timeline and the idempotency ledger.
//!
//! Refuses to read a clock, to invent samples and to keep them: memory is flat in the length of a run.

pub mod calls;
pub mod cut;
pub mod endings;
pub mod ledger;
pub mod names;
pub mod recorder;
pub mod sample;
pub mod second_times;
pub mod server_clock;
pub mod timeline;

use ledger::LedgerReport;
use recorder::Recorder;

/// Everything that a summary is made from: the same value whether it was counted as the run went or rebuilt from its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Histograms and counters.
    pub recorder: Recorder,
    /// What became of every token and session.
    pub ledger: LedgerReport,
}

impl Recorded {
    /// All parts as one: their calls are counted together, and tokens and sessions compared within each.
    pub fn together(parts: &[Self]) -> Self {
        let mut all = Self { recorder: Recorder::default(), ledger: LedgerReport::default() };
        for part in parts {
            all.recorder.merge(&part.recorder);
            all.ledger.add(&part.ledger);
        }
        all
    }
}
