//! Intervals: of a share, and of the difference of two independent estimates.

use crate::interval::Interval;

/// Limits of a share that was `share` among `n` calls (may be a fraction: an effective number), `t` standard errors wide
/// (Wilson: Probable inference, JASA 1927).
pub fn wilson(share: f64, n: f64, t: f64) -> Interval {
    if n <= 0.0 {
        return Interval::new(0.0, 1.0);
    }
    let square = t * t;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    // source: Wilson 1927, the roots of (x - share)^2 = t^2 x (1 - x) / n
    let half = t / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Interval::new((middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0))
}

/// An estimate with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalEstimate {
    /// The estimate.
    pub value: f64,
    /// Where the truth is thought to lie; it holds the value.
    pub limits: Interval,
}

impl IntervalEstimate {
    /// A value that is known exactly.
    pub const fn exact(value: f64) -> Self {
        Self { value, limits: Interval::point(value) }
    }

    /// A value with limits as far from it on both sides.
    pub const fn symmetric(value: f64, half: f64) -> Self {
        Self { value, limits: Interval::new(value - half, value + half) }
    }
}

/// The difference `new - base` of independent estimates with their own limits of one confidence (the method of variance estimates
/// recovery: Zou, Donner: Construction of confidence limits about effect measures, Statistics in Medicine 2008).
pub fn difference(base: IntervalEstimate, new: IntervalEstimate) -> IntervalEstimate {
    let value = new.value - base.value;
    let low = value - (new.value - new.limits.low).hypot(base.limits.high - base.value);
    let high = value + (new.limits.high - new.value).hypot(base.value - base.limits.low);
    IntervalEstimate { value, limits: Interval::new(low, high) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Newcombe 1998, table II, method 3 (Wilson): 81 of 263, and 0 of 20.
    #[test]
    fn wilson_as_published() {
        let close = |a: Interval, low: f64, high: f64| (a.low - low).abs() < 5e-5 && (a.high - high).abs() < 5e-5;
        assert!(close(wilson(81.0 / 263.0, 263.0, 1.959_964), 0.2553, 0.3662));
        assert!(close(wilson(0.0, 20.0, 1.959_964), 0.0, 0.1611));
    }

    /// Newcombe 1998, second paper, method 10: 56 of 70 against 48 of 80.
    #[test]
    fn difference_as_published() {
        let of = |k: f64, n: f64| IntervalEstimate { value: k / n, limits: wilson(k / n, n, 1.959_964) };
        let d = difference(of(48.0, 80.0), of(56.0, 70.0)).limits;
        assert!((d.low - 0.0524).abs() < 5e-5 && (d.high - 0.3339).abs() < 5e-5, "{d:?}");
    }

    proptest! {
        /// Exchanging the sides mirrors the interval.
        #[test]
        fn swap_mirrors(a in -10.0..10.0f64, b in -10.0..10.0f64, w in prop::array::uniform4(0.0..5.0f64)) {
            let of = |value: f64, below: f64, above: f64| IntervalEstimate { value, limits: Interval::new(value - below, value + above) };
            let (x, y) = (of(a, w[0], w[1]), of(b, w[2], w[3]));
            let (d, e) = (difference(x, y).limits, difference(y, x).limits);
            prop_assert!((d.low + e.high).abs() < 1e-9 && (d.high + e.low).abs() < 1e-9);
        }
    }
}
