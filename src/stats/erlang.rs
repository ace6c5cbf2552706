//! Erlang B: what a cap on things in service refuses.
//!
//! Erlang (1917); insensitive to the law of the time in service (Sevastyanov 1957). So it is exact for a cap on calls or sessions at
//! once, and for a sliding log whose refused calls are free: there an admitted call holds its place for exactly the window.

use super::root;
use crate::num::{float, whole};

/// The share refused of an offered load `load` (arrivals per second times seconds in service, in erlangs) by `places`.
///
/// B(0) = 1, B(k) = load B(k-1) / (k + load B(k-1)): only positive terms, stable for any size.
pub fn refused(load: f64, places: u64) -> f64 {
    if load <= 0.0 {
        return if places == 0 { 1.0 } else { 0.0 };
    }
    let mut share = 1.0;
    for k in 1..=places {
        share = load * share / (float(k) + load * share);
    }
    share
}

/// The fewest places that refuse at most `target` of an offered load; `target` is above 0.
pub fn places_for(load: f64, target: f64) -> u64 {
    let (mut share, mut places) = (1.0, 0);
    while share > target && float(places) < load.max(1.0) * MANY {
        places += 1;
        share = load * share / (float(places) + load * share);
    }
    places
}

/// More places than this per erlang are never needed.
// derived: with 1e6 places per erlang the share refused is below any float above 0
const MANY: f64 = 1e6;

/// The greatest load of which `places` refuse at most `target`.
pub fn load_for(places: u64, target: f64) -> f64 {
    // derived: a load L has at least 1 - places / L refused, so the greatest is at most places / (1 - target)
    let most = float(places) / (1.0 - target).max(f64::MIN_POSITIVE);
    root::rises_to(target, 0.0, most, |load| refused(load, places))
}

/// The same number of places, continued to real numbers by the line between its neighbours' logarithms: what a curve draws.
pub fn refused_between(load: f64, places: f64) -> f64 {
    let floor = whole(places.max(0.0).floor());
    let (below, above) = (refused(load, floor), refused(load, floor + 1));
    let part = places - float(floor);
    (below.ln() * (1.0 - part) + above.ln() * part).exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Oracles O15 and O22 to O25: exact values, and simulations of others within four standard errors.
    #[test]
    fn oracles() {
        for (load, places, exact) in [
            (20.0, 25, 0.050_221_8),
            (25.0, 25, 0.143_823),
            (1.5 * 7.0, 15, 0.046_988_1),
            (75.0, 75, 0.086_712_5),
            (52.5, 75, 0.000_656_849),
            (35.0, 50, 0.003_333_25),
            (140.0, 75, 0.472_043),
            (140.0, 172, 0.001_011_98),
            (140.0, 173, 0.000_818_274),
        ] {
            let found = refused(load, places);
            assert!((found / exact - 1.0).abs() < 5e-6, "{load} {places}: {found} {exact}");
        }
        for (load, places, mean, error) in [
            (20.0, 25, 0.050_141, 0.000_13),
            (25.0, 25, 0.143_612, 0.000_15),
            (10.5, 15, 0.046_90, 0.000_31),
            (10.5, 15, 0.046_95, 0.000_24),
            (75.0, 75, 0.086_51, 0.000_55),
            (75.0, 75, 0.086_36, 0.000_43),
            (52.5, 75, 0.000_641, 0.000_067),
            (35.0, 50, 0.003_260, 0.000_095),
        ] {
            assert!((refused(load, places) - mean).abs() < 4.0 * error, "{load} {places}");
        }
        assert_eq!(places_for(140.0, 0.001), 173);
        assert!((refused(140.0, 140) - 0.0645).abs() < 5e-5);
    }

    /// The loads that a cap carries at 0.1 % and at 1 %, for sessions of 5, 7, 10 and 11 s, as published beside the quotas.
    #[test]
    fn sustainable_loads() {
        let table = [
            (75, 0.001, [10.70, 7.64, 5.35, 4.86]),
            (15, 0.001, [1.215, 0.868, 0.608, 0.553]),
            (75, 0.01, [12.15, 8.68, 6.07, 5.52]),
            (15, 0.01, [1.62, 1.16, 0.81, 0.74]),
        ];
        for (places, target, rates) in table {
            for (seconds, rate) in [5.0, 7.0, 10.0, 11.0].into_iter().zip(rates) {
                assert!((load_for(places, target) / seconds - rate).abs() < 0.0051, "{places} {target} {seconds}");
            }
        }
    }

    proptest! {
        /// It falls with places, rises with load, and both inversions lead back.
        #[test]
        fn laws(load in 0.1..300.0f64, places in 1u64..400, target in 1e-5..0.5f64) {
            // Until a float cannot tell it from 0.
            let share = refused(load, places);
            prop_assert!(refused(load, places + 1) < share || share < f64::MIN_POSITIVE);
            prop_assert!(refused(load * 1.01, places) >= refused(load, places));
            let needed = places_for(load, target);
            prop_assert!(refused(load, needed) <= target && (needed == 0 || refused(load, needed - 1) > target));
            let most = load_for(places, target);
            prop_assert!((refused(most, places) / target - 1.0).abs() < 1e-6);
            let between = refused_between(load, 3.5);
            prop_assert!(between < refused(load, 3) && between > refused(load, 4));
        }
    }
}
