//! A number that is not known exactly, and where in its range it lies in one case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::draw::{self, Stream};

/// The standard normal quantile of nine in ten: the distance of low and high from expected.
const TENTH: f64 = 1.281_551_565_544_600_4;

/// A number that is exceeded in nine of ten cases by `low`, in half of them by `expected`, in one of ten by `high`; equal ends are a
/// number that is known.
///
/// Between and beyond it is drawn from two halves of log-normal laws, or of normal ones where `low` is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertain {
    /// The tenth percentile.
    pub low: f64,
    /// The median.
    pub expected: f64,
    /// The ninetieth percentile.
    pub high: f64,
    /// What it never exceeds; 1 for shares.
    most: f64,
    /// Its place among the inputs of its plan.
    input: usize,
}

/// What an input of a plan is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputUnit {
    /// A part of a whole, from 0 to 1.
    Share,
    /// A rate per second.
    PerS,
    /// A time in seconds.
    S,
    /// A number of people.
    People,
    /// A plain number: a ratio, or a spread of logarithms.
    Number,
}

/// An uncertain number with its name and its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct UncertainInput {
    /// What it is, in words.
    pub name: String,
    /// In what it is measured.
    pub unit: InputUnit,
    /// Its values.
    pub spread: Uncertain,
}

impl Uncertain {
    /// A number that is known.
    pub const fn known(value: f64) -> Self {
        Self { low: value, expected: value, high: value, most: f64::INFINITY, input: usize::MAX }
    }

    /// A number between `low` and `high`, the `input`-th uncertain one of its plan; never above `most`.
    pub const fn of(low: f64, expected: f64, high: f64) -> Self {
        Self { low, expected, high, most: f64::INFINITY, input: usize::MAX }
    }

    /// The same, never above `most`.
    #[must_use]
    pub const fn at_most(self, most: f64) -> Self {
        Self { most, ..self }
    }

    /// The same as the `input`-th uncertain number of its plan.
    #[must_use]
    pub const fn numbered(self, input: usize) -> Self {
        Self { input, ..self }
    }

    /// Whether there is anything to be uncertain about.
    pub fn is_known(&self) -> bool {
        self.low.total_cmp(&self.high).is_eq()
    }

    /// Its value in a case.
    pub fn at(&self, case: &Case) -> f64 {
        if self.is_known() {
            return self.expected;
        }
        let z = case.z(self.input);
        let end = if z > 0.0 { self.high } else { self.low };
        let value = if end > 0.0 && self.expected > 0.0 {
            self.expected * (z.abs() * (end / self.expected).ln() / TENTH).exp()
        } else {
            self.expected + z.abs() * (end - self.expected) / TENTH
        };
        value.clamp(0.0, self.most)
    }
}

/// Where each uncertain number lies, in standard deviations from its median.
#[derive(Debug, Clone, PartialEq)]
pub enum Case {
    /// All as expected.
    Expected,
    /// All as expected but one, which is low or high.
    Only {
        /// Its number.
        input: usize,
        /// Whether it is high rather than low.
        high: bool,
    },
    /// The n-th random case of a seed.
    Drawn {
        /// Of the plan.
        seed: u64,
        /// Which.
        n: u64,
    },
}

/// Inputs that have room in one case's draws.
// derived: a plan has at most 100 events of six numbers and some twenty besides
const INPUTS: u64 = 1024;

impl Case {
    fn z(&self, input: usize) -> f64 {
        match *self {
            Self::Expected => 0.0,
            Self::Only { input: only, high } => match (only == input, high) {
                (false, _) => 0.0,
                (true, true) => TENTH,
                (true, false) => -TENTH,
            },
            Self::Drawn { seed, n } => draw::normal(seed, Stream::PlanInput, n.wrapping_mul(INPUTS).wrapping_add(input as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rank::quantile;

    /// Drawn values have the percentiles that were given, also with a low end of 0, and stay within their bound.
    #[test]
    fn percentiles_are_kept() {
        for spread in [Uncertain::of(5.0, 8.0, 12.0), Uncertain::of(0.0, 2.0, 3.0), Uncertain::of(0.5, 0.8, 0.99).at_most(1.0)] {
            let spread = spread.numbered(3);
            let mut values: Vec<f64> = (0..20_000).map(|n| spread.at(&Case::Drawn { seed: 7, n })).collect();
            values.sort_by(f64::total_cmp);
            for (share, wanted) in [(0.1, spread.low), (0.5, spread.expected), (0.9, spread.high)] {
                let found = quantile(&values, share);
                assert!((found - wanted).abs() < 0.03 * spread.expected, "{spread:?}: {found} {wanted}");
            }
            assert!(values[0] >= 0.0 && values[values.len() - 1] <= spread.most);
            let near = |case: Case, wanted: f64| (spread.at(&case) - wanted).abs() < 1e-9;
            assert!(near(Case::Expected, spread.expected) && near(Case::Only { input: 2, high: true }, spread.expected));
            assert!(
                near(Case::Only { input: 3, high: true }, spread.high) && near(Case::Only { input: 3, high: false }, spread.low)
            );
        }
        assert!((Uncertain::known(4.0).at(&Case::Drawn { seed: 1, n: 1 }) - 4.0).abs() < 1e-12);
    }
}
