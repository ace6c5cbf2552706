//! What a call may cost, and how many a sum pays for.

use std::fmt;

use crate::num::{float, whole};

/// US dollars for a check: the list price of the first tier in US East, on the page "Amazon Rekognition pricing"
/// <https://aws.amazon.com/rekognition/pricing/>. It falls with volume. Whether a session that is created and never streamed is billed
/// is undocumented, so each create is counted as a check.
pub const USD_PER_CHECK: f64 = 0.015;

/// US dollars that a call is counted as: nothing where nobody sends a bill.
pub const fn usd_per_call(billed: bool) -> f64 {
    if billed { USD_PER_CHECK } else { 0.0 }
}

/// US dollars that so many calls are counted as, exactly.
pub fn usd(calls: u64) -> f64 {
    float(calls) * USD_PER_CHECK
}

/// A bill at worst, as people are told it: `$0.02`. Rounded up to a cent, so that nobody pays more than was said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bill(f64);

impl Bill {
    /// The bill of so many calls.
    pub fn of(calls: u64) -> Self {
        Self::up(usd(calls))
    }

    /// So many US dollars, rounded up.
    pub fn up(usd: f64) -> Self {
        // derived: 1e-6 cents are far below the half cent that a call is odd by, and far above the rounding of a product
        let cents = (usd * 100.0 - 1e-6).ceil().max(0.0);
        // Nothing is 0, not -0, which `max` may leave.
        Self((cents + 0.0) / 100.0)
    }

    /// In US dollars.
    pub const fn usd(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.2}", self.0)
    }
}

/// How many calls so many dollars pay for; 0 for less than one.
pub fn affordable_calls(usd: f64) -> u64 {
    // derived: 1e-9 is far below a call, and far above the rounding of a quotient of two prices
    whole((usd / USD_PER_CHECK + 1e-9).floor())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What a number of calls costs at worst pays for all of them, and by less than a cent for more.
        #[test]
        fn a_bill_pays_for_its_calls(calls in 0u64..10_000_000) {
            prop_assert_eq!(affordable_calls(usd(calls)), calls);
            prop_assert_eq!(affordable_calls(Bill::of(calls).usd()), calls);
            prop_assert!(Bill::of(calls).usd() - usd(calls) < 0.01);
        }
    }

    /// Money that is short of a call buys none, and odd cents are rounded against whoever pays.
    #[test]
    fn sums_are_rounded_the_safe_way() {
        assert_eq!([0.0, 0.014, 0.015, 0.029, 0.03].map(affordable_calls), [0, 0, 1, 1, 2]);
        assert_eq!([0, 1, 2, 3].map(|calls| Bill::of(calls).to_string()), ["$0.00", "$0.02", "$0.03", "$0.05"]);
        assert!(usd_per_call(false).abs() < f64::EPSILON);
    }
}
