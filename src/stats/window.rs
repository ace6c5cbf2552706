//! A fixed window under Poisson arrivals: `limit` calls from one edge to the next.

use super::poisson;
use super::root;
use crate::num::{float, whole};

/// The share refused of `load` calls per second by `limit` calls a window of `window` seconds: with N Poisson of mean m = load x window
/// it is E[(N - limit)+] / m = P(N >= limit) - limit / m x P(N >= limit + 1), the elementary identity k P(k) = m P(k - 1).
pub fn refused(load: f64, limit: u64, window: f64) -> f64 {
    let mean = load * window;
    if mean <= 0.0 {
        return 0.0;
    }
    (poisson::at_least(mean, limit) - float(limit) / mean * poisson::at_least(mean, limit + 1)).clamp(0.0, 1.0)
}

/// The least limit that refuses at most `target` of `load`.
pub fn limit_for(load: f64, window: f64, target: f64) -> u64 {
    // derived: 40 standard deviations above the mean, where nothing is refused that a float could tell from 0
    let most = load * window + 40.0 * (load * window).sqrt() + 40.0;
    let found = root::falls_to(target, 0.0, most, |limit| refused(load, whole(limit.floor()), window));
    // derived: the crossing is a whole number up to the bisection's last interval
    whole((found - 1e-6).ceil().max(0.0))
}

/// The greatest load of which a window refuses at most `target`.
pub fn load_for(limit: u64, window: f64, target: f64) -> f64 {
    // derived: at a load L at least 1 - rate / L is refused
    let most = float(limit) / window / (1.0 - target).max(f64::MIN_POSITIVE);
    root::rises_to(target, 0.0, most, |load| refused(load, limit, window))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Oracles O13 and O14, exact; O14's simulation is 2.5 standard errors off.
    #[test]
    fn oracles() {
        for (load, limit, exact, mean, error) in [
            (20.0, 25, 0.016_541_4, 0.016_488, 0.000_077),
            (25.0, 25, 0.079_523_0, 0.079_397, 0.000_12),
            (4.0, 5, 0.102_576, 0.102_049, 0.000_21),
        ] {
            let found = refused(load, limit, 1.0);
            assert!((found / exact - 1.0).abs() < 5e-6, "{found}");
            assert!((found - mean).abs() < 4.0 * error);
        }
        // The highest loads at 0.1 %: 61 % of a quota of 25/s, 22 % of one of 5/s.
        assert!((load_for(25, 1.0, 1e-3) / 25.0 - 0.61).abs() < 0.005);
        assert!((load_for(5, 1.0, 1e-3) - 1.09).abs() < 0.005);
    }

    proptest! {
        /// It falls with the limit and rises with the load, and both inversions lead back.
        #[test]
        fn laws(load in 0.1..80.0f64, limit in 1u64..100, window in 0.1..5.0f64, target in 1e-5..0.3f64) {
            let share = refused(load, limit, window);
            prop_assert!(refused(load, limit + 1, window) <= share + 1e-12);
            prop_assert!(refused(load * 1.02, limit, window) >= share - 1e-12);
            let needed = limit_for(load, window, target);
            prop_assert!(refused(load, needed, window) <= target && (needed == 0 || refused(load, needed - 1, window) > target));
            let most = load_for(limit, window, target);
            prop_assert!((refused(most, limit, window) / target - 1.0).abs() < 1e-6);
        }
    }
}
