//! What a mean is the mean of: the terms of a run, and in which part of it each lies.

use std::rc::Rc;

use crate::num;

/// Batches in a run, end to end, by which a trend is told from noise.
// source: Schmeiser, Batch size effects in the analysis of simulation output, 1982: more than some 30 gain next to nothing
pub(super) const BATCHES: usize = 32;

/// Parts of a run whose mean over all runs is its trend: two in a batch.
pub(super) const BINS: usize = 2 * BATCHES;

/// One run's terms of a mean, in the order of time; a percentile's terms are 1 below it and 0 above, and so on.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    pub(super) values: Vec<f64>,
    /// In which of the [`BINS`] parts of the run each term lies; empty if its trend was taken out before.
    pub(super) bins: Rc<[u8]>,
    /// How much was due in each part; empty if that does not change.
    pub(super) load: Rc<[f64]>,
}

/// The mean of all terms of some runs.
pub(super) fn mean(runs: &[Terms]) -> f64 {
    runs.iter().flat_map(|run| &run.values).sum::<f64>() / num::count(count_of(runs))
}

/// How many terms some runs have.
pub(super) fn count_of(runs: &[Terms]) -> usize {
    runs.iter().map(|run| run.values.len()).sum()
}
