//! The casts between whole numbers and floats, once, each with what it does at its edges.
//!
//! Refuses to round, to scale and to fail: what a target cannot hold becomes the nearest number that it can.

/// A length or a count of something in memory, as a float: exact below 2^53, and no memory holds more.
#[allow(clippy::cast_precision_loss)] // exact below 2^53
pub const fn count(n: usize) -> f64 {
    n as f64
}

/// A count of calls or of microseconds as a float: exact below 2^53 (of microseconds, 285 years), the nearest float beyond.
#[allow(clippy::cast_precision_loss)] // exact below 2^53
pub const fn float(n: u64) -> f64 {
    n as f64
}

/// The whole part of `x`; 0 below 0 and for what is not a number, the largest number beyond that.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
pub const fn whole(x: f64) -> u64 {
    x as u64
}

/// The whole part of `x` as a place in a slice; 0 below 0 and for what is not a number, the largest number beyond that.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
pub const fn place(x: f64) -> usize {
    x as usize
}

/// The largest whole number not above `x`, between -2^63 and 2^63: without the call that `f64::floor` is where a machine need not have the
/// instruction, which took 4 % of a probe's CPU.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // within the bounds that are said
pub fn below(x: f64) -> f64 {
    let toward_zero = x as i64 as f64;
    if toward_zero > x { toward_zero - 1.0 } else { toward_zero }
}

/// A count that a contract keeps in 32 bits; the largest number beyond that.
pub fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The share that a text like `99.9%` names, as exact as a number can be: 99.9 / 100 is not 0.999. `None` without the sign.
pub fn percent(text: &str) -> Option<f64> {
    let number = text.trim().strip_suffix('%')?.trim();
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    // Shifted as a decimal number, before it becomes a binary one.
    if plain { format!("{number}e-2").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// There and back is the number itself as long as floats tell neighbours apart.
        #[test]
        fn there_and_back(n in 0u64..(1 << 53)) {
            prop_assert_eq!(whole(float(n)), n);
            let n = usize::try_from(n).unwrap();
            prop_assert_eq!(place(count(n)), n);
        }

        /// The same as the standard library's, on either side of 0.
        #[test]
        fn below_is_floor(x in -1e15..1e15f64) {
            prop_assert!((below(x) - x.floor()).abs() <= 0.0);
            prop_assert!((below(x.trunc()) - x.trunc()).abs() <= 0.0);
        }

        /// The whole part is the largest whole number that is not above, from 0 on.
        #[test]
        fn whole_part(x in -1e3..1e15f64) {
            prop_assert!((float(whole(x)) - x.floor().max(0.0)).abs() <= 0.0);
            prop_assert!((count(place(x)) - x.floor().max(0.0)).abs() <= 0.0);
        }
    }

    /// What cannot be held becomes the nearest number that can; nothing wraps.
    #[test]
    fn edges() {
        assert_eq!([whole(f64::NAN), whole(-1.5), whole(f64::INFINITY)], [0, 0, u64::MAX]);
        assert_eq!([place(f64::NAN), place(-1.5), place(f64::INFINITY)], [0, 0, usize::MAX]);
        assert_eq!([small(7), small(usize::MAX)], [7, u32::MAX]);
    }
}
