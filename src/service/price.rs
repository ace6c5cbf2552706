//! What a call may cost, and how many a sum pays for.

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

/// The same as people are told: rounded up to a cent.
pub fn worst_case_usd(calls: u64) -> f64 {
    // derived: 1e-6 cents are far below the half cent that a call is odd by, and far above the rounding of a product
    (usd(calls) * 100.0 - 1e-6).ceil() / 100.0
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
            prop_assert_eq!(affordable_calls(worst_case_usd(calls)), calls);
            prop_assert!(worst_case_usd(calls) - usd(calls) < 0.01);
        }
    }

    /// Money that is short of a call buys none, and odd cents are rounded against whoever pays.
    #[test]
    fn sums_are_rounded_the_safe_way() {
        assert_eq!([0.0, 0.014, 0.015, 0.029, 0.03].map(affordable_calls), [0, 0, 1, 1, 2]);
        assert!((worst_case_usd(1) - 0.02).abs() < 1e-9 && (worst_case_usd(2) - 0.03).abs() < 1e-9);
        assert!(usd_per_call(false).abs() < f64::EPSILON);
    }
}
