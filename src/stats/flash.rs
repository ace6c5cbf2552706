//! A short overload as a fluid: so many calls per second for so long, against a bucket that was full.

/// The share refused of a rectangular flash of `load` calls per second over `seconds`, by a bucket of `rate` and `burst`. What comes as a
/// fluid is refused once the burst and the refill are used up; retries are not in it.
pub fn refused(load: f64, seconds: f64, rate: f64, burst: f64) -> f64 {
    let calls = load * seconds;
    if calls <= 0.0 { 0.0 } else { (((load - rate) * seconds - burst) / calls).max(0.0) }
}

/// The share refused of so many calls at one instant, from rest.
pub fn refused_at_once(calls: f64, burst: f64) -> f64 {
    if calls <= 0.0 { 0.0 } else { ((calls - burst) / calls).max(0.0) }
}

/// Seconds after a flash until what it refused could all have passed, if it were repeated, beside a steady `base` load; infinite where
/// the base alone is more than the rate. Retries help within a flash only if their pauses reach as far.
pub fn drain_seconds(load: f64, seconds: f64, bucket: (f64, f64), base: f64) -> f64 {
    let (rate, burst) = bucket;
    let backlog = ((load - rate) * seconds - burst).max(0.0);
    if backlog <= 0.0 {
        return 0.0;
    }
    if base >= rate { f64::INFINITY } else { backlog / (rate - base) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published flashes against a bucket of 25/s and 25, with the simulations' means.
    #[test]
    fn flashes() {
        for (load, seconds, exact, mean, error) in [
            (40.0, 10.0, 0.3125, 0.3140, 0.0023),
            (40.0, 60.0, 0.3646, 0.3646, 0.0009),
            (75.0, 2.0, 0.5, 0.5052, 0.0028),
            (100.0, 60.0, 0.7458, 0.7458, 0.0002),
        ] {
            let found = refused(load, seconds, 25.0, 25.0);
            assert!((found - exact).abs() < 5e-5, "{found}");
            assert!((found - mean).abs() < 4.0 * error);
        }
        assert!((refused_at_once(100.0, 25.0) - 0.75).abs() < 1e-12 && refused_at_once(20.0, 25.0) <= 0.0);
        assert!((drain_seconds(40.0, 10.0, (25.0, 25.0), 15.0) - 12.5).abs() < 1e-12);
        assert!(
            drain_seconds(40.0, 10.0, (25.0, 25.0), 25.0).is_infinite() && drain_seconds(20.0, 9.0, (25.0, 25.0), 25.0) <= 0.0
        );
    }
}
