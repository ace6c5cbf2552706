//! Student's t and chi squared, and what is asked of them.

use statrs::distribution::{ChiSquared, ContinuousCDF as _, Normal, StudentsT};

/// Degrees of freedom above which the normal distribution stands for Student's.
// source: Abramowitz, Stegun 26.7.5: the quantile is off by (z^2 + 1) / (4 dof) of itself, 0.02 % at 99 %
const MANY: f64 = 1e4;

/// The two-sided p value of `t` with `dof` degrees of freedom (above 0).
pub fn two_sided(t: f64, dof: f64) -> f64 {
    let tail = if dof > MANY {
        Normal::standard().sf(t.abs())
    } else {
        StudentsT::new(0.0, 1.0, dof.max(1.0)).map_or(1.0, |d| d.sf(t.abs()))
    };
    (2.0 * tail).min(1.0)
}

/// The t that a share `confidence` (0 to 1) lies within, on both sides.
pub fn critical(confidence: f64, dof: f64) -> f64 {
    // derived: 1 has no quantile; what is left out is a chance of one in 10^12
    let upper = f64::midpoint(1.0, confidence.clamp(0.0, 1.0 - 1e-12));
    if dof > MANY {
        Normal::standard().inverse_cdf(upper)
    } else {
        StudentsT::new(0.0, 1.0, dof.max(1.0)).map_or(f64::INFINITY, |d| d.inverse_cdf(upper))
    }
}

/// The number that a share `p` (0 to 1) of the draws of chi squared with `dof` (above 0) degrees of freedom stays below.
pub fn chi_squared_quantile(p: f64, dof: f64) -> f64 {
    ChiSquared::new(dof).map_or(dof, |d| d.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the printed tables.
    #[test]
    fn as_in_the_tables() {
        assert!((chi_squared_quantile(0.05, 4.0) - 0.711).abs() < 1e-3);
        for (confidence, dof, t) in [(0.95, 10.0, 2.228), (0.99, 30.0, 2.750), (0.99, 1e9, 2.576), (0.90, 1.0, 6.314)] {
            assert!((critical(confidence, dof) - t).abs() < 1e-3, "{confidence} {dof}");
            assert!((two_sided(t, dof) - (1.0 - confidence)).abs() < 1e-4, "{confidence} {dof}");
        }
    }
}
