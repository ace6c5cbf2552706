//! The Poisson distribution: single terms and tails, without cancellation.

use statrs::function::gamma::ln_gamma;

use crate::num::float;

/// How far beyond its mean a tail is summed: what lies further is lost in a float's rounding.
// derived: beyond 12 standard deviations and 40 terms the tail of a Poisson law of any mean is below 1e-20
fn last_term(mean: f64) -> u64 {
    // derived: see above
    crate::num::whole((mean + 12.0 * mean.sqrt() + 40.0).ceil())
}

/// The probability of `k` events of mean `mean`, which is 0 or more.
pub fn mass(mean: f64, k: u64) -> f64 {
    if mean <= 0.0 {
        return if k == 0 { 1.0 } else { 0.0 };
    }
    (float(k) * mean.ln() - mean - ln_gamma(float(k) + 1.0)).exp()
}

/// The probability of `k` events or more.
pub fn at_least(mean: f64, k: u64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if float(k) <= mean {
        // Below the mean the head is the smaller part.
        let (mut sum, mut term) = (0.0, mass(mean, k - 1));
        for i in (0..k).rev() {
            sum += term;
            term *= float(i) / mean;
        }
        return (1.0 - sum).max(0.0);
    }
    let (mut sum, mut term) = (0.0, mass(mean, k));
    for i in k..=last_term(mean).max(k) {
        sum += term;
        term *= mean / (float(i) + 1.0);
    }
    sum.min(1.0)
}

/// The probabilities of 0, 1, ..., `most` events, and of more than so many events.
pub fn table(mean: f64, most: usize) -> (Vec<f64>, Vec<f64>) {
    let last = usize::try_from(last_term(mean)).unwrap_or(usize::MAX).max(most + 1);
    let masses: Vec<f64> = (0..=last).map(|k| mass(mean, k as u64)).collect();
    let mut tails = vec![0.0; last + 1];
    for k in (0..last).rev() {
        tails[k] = tails[k + 1] + masses[k + 1];
    }
    (masses[..=most].to_vec(), tails[..=most].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tails agree with the sums of their terms, on both sides of the mean, and the table with both.
    #[test]
    fn tails_are_sums() {
        for mean in [0.3, 4.0, 25.0, 200.0] {
            let (masses, tails) = table(mean, 60);
            assert!((masses.iter().sum::<f64>() + tails[60] - 1.0).abs() < 1e-12, "{mean}");
            for k in [0u64, 1, 3, 25, 59] {
                let index = usize::try_from(k).unwrap();
                assert!((at_least(mean, k + 1) - tails[index]).abs() < 1e-12, "{mean} {k}");
                assert!((at_least(mean, k) - at_least(mean, k + 1) - mass(mean, k)).abs() < 1e-12, "{mean} {k}");
            }
        }
        assert!((at_least(0.0, 1)).abs() < f64::EPSILON && (mass(0.0, 0) - 1.0).abs() < f64::EPSILON);
    }
}
