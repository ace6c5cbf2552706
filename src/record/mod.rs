//! What happened, counted: histograms, counters, the timeline and the idempotency ledger.
//!
//! Refuses to read a clock and to invent samples.

pub mod sample;
