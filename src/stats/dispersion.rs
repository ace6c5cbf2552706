//! Demand whose rate itself is uncertain from interval to interval: gamma-modulated Poisson arrivals.
//!
//! Counts are negative binomial: variance = mean + (cv mean)^2 (Brown, Zhao, Shen, Mandelbaum: Statistical analysis of a telephone call
//! center, JASA 2005). Where the factor changes slowly against burst / rate, every interval is stationary in itself: the quasi-static
//! value is right to a few percent from a minute on, and an upper bound below.

use statrs::function::gamma::ln_gamma;

use crate::num::float;

/// Points of the quadrature.
// measured: they agree with 1000 to 0.1 % of the value for every cv from 0.05 to 1 (test `few_points_suffice`)
const POINTS: u32 = 96;

/// The share refused of a demand of mean `mean` and coefficient of variation `cv`, where `refused` says it of a steady rate:
/// E[L refused(L)] / mean over the gamma law of L.
pub fn quasi_static(mean: f64, cv: f64, refused: impl Fn(f64) -> f64) -> f64 {
    over(mean, cv, POINTS, refused)
}

/// By the trapezoid rule in the logarithm, where the integrand falls off on both sides faster than any power: there it converges
/// geometrically (Trefethen, Weideman: The exponentially convergent trapezoidal rule, SIAM Review 2014).
fn over(mean: f64, cv: f64, points: u32, refused: impl Fn(f64) -> f64) -> f64 {
    if cv <= 0.0 || mean <= 0.0 {
        return refused(mean);
    }
    let shape = 1.0 / (cv * cv);
    // Of L x density in y = ln(L / mean), which is what is summed: shape + 1 in the exponent.
    let log_density = |y: f64| (shape + 1.0) * y - shape * y.exp() + shape * shape.ln() - ln_gamma(shape);
    // derived: eight deviations of a normal law leave 1e-15; the tail below falls as e^((shape + 1) y) alone, so it is followed to e^-32
    let (low, high) = ((-8.0 * cv).min(-32.0 / (shape + 1.0)), (1.0 + 8.0 * cv + 20.0 * cv * cv).ln());
    let step = (high - low) / float(u64::from(points));
    let sum: f64 = (0..=points)
        .map(|i| {
            let y = low + step * float(u64::from(i));
            log_density(y).exp() * refused(mean * y.exp())
        })
        .sum();
    (sum * step).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::bucket;
    use super::super::root;
    use super::*;

    /// Oracles O18 to O20: the quasi-static limits, which simulations approach from below as the intervals grow.
    #[test]
    fn oracles() {
        for (load, rate, burst, cv, exact, simulated, error) in [
            (20.0, 25.0, 25.0, 0.2, 0.01474, 0.01456, 0.00097),
            (20.0, 25.0, 25.0, 0.5, 0.11038, 0.10993, 0.0047),
            (4.0, 5.0, 5.0, 0.3, 0.07873, 0.07836, 0.00086),
        ] {
            let found = quasi_static(load, cv, |load| bucket::refused(load, rate, burst));
            assert!((found / exact - 1.0).abs() < 1e-3, "{found} {exact}");
            assert!((found - simulated).abs() < 4.0 * error);
        }
    }

    /// Fewer points would do.
    #[test]
    fn few_points_suffice() {
        for cv in [0.05, 0.1, 0.2, 0.5, 1.0] {
            let of = |points| over(20.0, cv, points, |load| bucket::refused(load, 25.0, 25.5));
            assert!((of(POINTS) / of(1000) - 1.0).abs() < 1e-3, "{cv}: {} {}", of(POINTS), of(1000));
            assert!((over(20.0, cv, POINTS, |_| 1.0) - 1.0).abs() < 1e-6, "{cv}");
        }
    }

    /// What to ask for when demand varies by so much from minute to minute, for the whole part of the rate as burst. A second program with
    /// another quadrature refuses 0.0996 % at 30.75/s for a cv of 0.2, and 0.0982 % at 58.2/s for one of 0.5.
    #[test]
    fn rates_to_ask_for() {
        let needed = |load: f64, cv: f64| {
            let share = |rate: f64| quasi_static(load, cv, |load| bucket::refused(load, rate, rate.floor().max(1.0)));
            root::falls_to(1e-3, load, load * 8.0, share)
        };
        for (cv, rate) in [(0.0, 22.4), (0.1, 25.0), (0.2, 30.75), (0.3, 38.2), (0.5, 58.2)] {
            assert!((needed(20.0, cv) / rate - 1.0).abs() < 3e-3, "{cv}: {}", needed(20.0, cv));
        }
    }
}
