//! Did it change, and how sure is that?
//!
//! [`compare`] takes the calls of the runs of two sides and gives a [`Comparison`], a published contract (`livebench schema compare`).
//! A pure function: no clock, no file, no draw.
//!
//! * A metric's interval respects that neighbouring calls depend on each other, that times drift, and that runs differ
//!   ([`crate::stats::drift`]).
//! * Its p value is where the interval touches no change; over all metrics the p values are corrected (Holm), so that a comparison of
//!   equals says improved or regressed with a chance of at most 1 - confidence.
//! * regressed, improved: significant, and the change may be as large as the smallest effect that matters. unchanged: the whole interval
//!   lies below that effect. inconclusive: neither. Limits are of the kind that the verdict rests on: corrected for all metrics where a
//!   change is claimed or open, each for itself where all of them have to hold (nothing is corrected in an intersection of tests).
//! * What is known beforehand is no noise: how many calls a plan drew is taken out, and what does not vary at all is exact.
//! * Thresholds and idempotency that fail on the new side only are regressions, whatever the figures say.
//! * Our own lateness is shown apart, and decides nothing: responses hold it.
//!
//! Refuses to call "no significant difference" unchanged, to average percentiles, and to compare what is not the same experiment.

mod catalog;
mod checks;
mod contract;
mod estimate;
mod figure;
pub mod history;
mod judge;
mod sentence;
mod side;
mod subject;
mod terms;
mod trend;
mod variance;

use std::collections::BTreeMap;

pub use catalog::{Family, MetricUnit};
pub use contract::*;
pub use judge::compare;
pub use subject::{SettingValues, Subject, again, comparable, in_one_spelling, twice};

/// How a comparison is made.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareSettings {
    /// See [`Comparison::confidence`]: above 0 and below 1.
    pub confidence: f64,
    /// The smallest effect that matters: a part of the base for times and rates, a difference of shares for [`Family::Share`].
    pub min_effect: BTreeMap<Family, f64>,
    /// Compare what is not the same experiment.
    pub force: bool,
}

impl Default for CompareSettings {
    fn default() -> Self {
        // derived: `cargo bench --bench compare` makes runs of 6000 calls with the spread of the service (median 45 ms, p99 160 ms). There the
        // change of a p99 has a standard error of 3.7 % (printed), so that 10 % is the least of a tail that such a pair can tell from chance
        // at 99 % (2.6 errors); 5 % is five errors of the change of a mean logarithm (0.545 sqrt(2 / 6000) = 1 %), seen in every pair.
        // 1 % of all calls is where missed ones make a run INVALID and capped ones make it SUSPECT (`summary`); lateness is a tail, too
        let effects = [
            (Family::Rate, 0.01),
            (Family::Share, 0.01),
            (Family::Latency, 0.05),
            (Family::Tail, 0.10),
            (Family::Lateness, 0.10),
        ];
        // derived: a nightly gate that is wrong in 1 of 100 comparisons of equals calls somebody three or four times a year
        Self { confidence: 0.99, min_effect: effects.into_iter().collect(), force: false }
    }
}

/// The JSON Schema of [`Comparison`], for `livebench schema compare`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Comparison);
    // A schema made of our own types serialises.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
