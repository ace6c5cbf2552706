//! When calls are due: a pure, closed-form sequence.
//!
//! Refuses to sleep, to read a clock and to know what is sent.

use std::time::Duration;

use crate::units::Rate;

/// One straight piece of the rate curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The rate goes in a straight line from `from` to `to`; equal ends are a constant rate.
    Line {
        /// How long, above 0.
        length: Duration,
        /// Rate at its start.
        from: Rate,
        /// Rate at its end.
        to: Rate,
    },
    /// So many calls at one instant.
    Burst {
        /// How many, at least 1.
        calls: u32,
    },
}

/// How arrivals lie around the rate curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// The k-th call where the area reaches k.
    Even,
    /// The k-th call where the area reaches the sum of k + 1 exponential gaps.
    Poisson,
}
