//! Where a monotone function crosses a level.

/// Halvings that leave of any interval of floats nothing but its ends.
// derived: a float has 53 bits of precision; the rest closes a first interval that is a million times too wide
const HALVINGS: u32 = 80;

/// The argument in `[low, high]` at which a falling `f` comes down to `level`, from above: `f` there is at most `level` unless even
/// `f(high)` is above it, which gives `high`.
pub fn falls_to(level: f64, low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if f(middle) > level { low = middle } else { high = middle }
    }
    high
}

/// The argument above `start` at which a falling `f` comes down to `level`; `most` if it has not by then. `start` is above 0.
pub fn falls_to_above(level: f64, start: f64, most: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (start, start);
    while f(high) > level {
        if high >= most {
            return most;
        }
        // derived: doubling finds the order of magnitude in as many steps as it has bits
        (low, high) = (high, (high * 2.0).min(most));
    }
    falls_to(level, low, high, f)
}

/// The greatest argument in `[low, high]` at which a rising `f` is at most `level`; `low` if it never is.
pub fn rises_to(level: f64, low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    if f(high) <= level {
        return high;
    }
    let (mut low, mut high) = (low, high);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if f(middle) <= level { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Crossings are found to the last digits, and functions that never cross give the end.
    #[test]
    fn crossings() {
        assert!((falls_to(0.25, 0.0, 10.0, |x| 1.0 / x) - 4.0).abs() < 1e-12);
        assert!((falls_to_above(0.001, 0.5, 1e9, |x| 1.0 / x) - 1000.0).abs() < 1e-9);
        assert!((falls_to_above(0.001, 0.5, 10.0, |x| 1.0 / x) - 10.0).abs() < 1e-12);
        assert!((rises_to(9.0, 0.0, 100.0, |x| x * x) - 3.0).abs() < 1e-12);
        assert!(rises_to(-1.0, 2.0, 100.0, |x| x * x) <= 2.0);
    }
}
