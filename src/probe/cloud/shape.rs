//! The evidence of a suspect by the shape of its cloud.

use super::Cloud;
use super::particle::top;
use super::prior::{log_prior, share, step_share};
use crate::limiter::suspect::Range;
use crate::num::count;
use crate::stats::covariance::{half_log_det, weighted};

impl Cloud {
    /// The likelihood at the cloud's best times the share of the prior that the cloud covers, as a logarithm (Lewis, Raftery: Estimating
    /// Bayes factors via posterior simulation with the Laplace-Metropolis estimator, JASA 92, 1997).
    pub(super) fn by_shape(&self) -> f64 {
        let Some(best) = self.best() else { return f64::NEG_INFINITY };
        let top = top(&self.particles);
        let weights: Vec<f64> = self.particles.iter().map(|p| (p.weight - top).exp()).collect();
        // A number that can only be one thing is none.
        let ranges: Vec<(usize, Range)> = self.ranges.iter().filter(|(_, range)| range.high > range.low).copied().collect();
        // Each number as a share of its range, a phase as its distance from the best one's.
        let shares = self.particles.iter().map(|p| {
            let one = |(place, range): &(usize, Range)| share(range, p.point[*place], best.point[*place]);
            ranges.iter().map(one).collect()
        });
        let mut matrix = weighted(&shares.collect::<Vec<_>>(), &weights);
        let mut prior = 0.0;
        for (i, (place, range)) in ranges.iter().enumerate() {
            // A number is at least as wide as the step to the next; derived: a uniform law of width w has the variance w^2 / 12
            let step = step_share(range, best.point[*place]).powi(2) / 12.0;
            // derived: no cloud is wider than its range
            matrix[i][i] = (matrix[i][i] + step).min(1.0 / 12.0 + step);
            prior += log_prior(range, best.point[*place]);
        }
        // source: Lewis, Raftery 1997, equation 4
        let wide = half_log_det(matrix) + 0.5 * count(ranges.len()) * std::f64::consts::TAU.ln();
        best.likelihood + wide.min(0.0) + prior
    }
}
