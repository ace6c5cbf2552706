//! A bucket that is refilled in steps, under Poisson arrivals: a Markov chain on its tokens at the steps.

use super::poisson;
use crate::num::float;

/// The share refused of `load` calls per second by a bucket that gets `tokens` every `every` seconds up to `burst`.
///
/// Between two steps N calls come, Poisson of mean load x every; the tokens after the next step are min(burst, max(T - N, 0) + tokens).
/// The share is `E[(N - T)+] / E[N]` under the stationary law of T, which Grassmann, Taksar and Heyman's elimination finds without a
/// subtraction (Operations Research 33, 1985). `burst` equal to `tokens` is the fixed window. Takes time as the cube of the burst.
pub fn refused(load: f64, tokens: u32, every: f64, burst: u32) -> f64 {
    let mean = load * every;
    if mean <= 0.0 {
        return 0.0;
    }
    let (depth, refill) = (burst.max(1) as usize, (tokens.max(1) as usize).min(burst.max(1) as usize));
    let (masses, tails) = poisson::table(mean, depth);
    // States are refill..=depth: after a step at least that much is there.
    let states = depth - refill + 1;
    let mut chain = vec![vec![0.0; states]; states];
    for (from, row) in chain.iter_mut().enumerate() {
        let held = from + refill;
        for (calls, mass) in masses.iter().enumerate().take(held) {
            row[(held - calls + refill).min(depth) - refill] += mass;
        }
        row[0] += masses[held] + tails[held];
    }
    let law = stationary(chain);
    let lost: f64 = law.iter().enumerate().map(|(state, share)| share * excess(mean, (state + refill) as u64)).sum();
    (lost / mean).clamp(0.0, 1.0)
}

/// E[(N - held)+] of a Poisson N.
fn excess(mean: f64, held: u64) -> f64 {
    (mean * poisson::at_least(mean, held) - float(held) * poisson::at_least(mean, held + 1)).max(0.0)
}

/// The stationary law of a chain.
fn stationary(mut chain: Vec<Vec<f64>>) -> Vec<f64> {
    let states = chain.len();
    for last in (1..states).rev() {
        let leaving: f64 = chain[last][..last].iter().sum();
        let row = chain[last].clone();
        for from in chain.iter_mut().take(last) {
            from[last] /= leaving.max(f64::MIN_POSITIVE);
            let share = from[last];
            for (to, mass) in row.iter().enumerate().take(last) {
                from[to] += share * mass;
            }
        }
    }
    let mut law = vec![0.0; states];
    law[0] = 1.0;
    for to in 1..states {
        law[to] = (0..to).map(|from| law[from] * chain[from][to]).sum();
    }
    let total: f64 = law.iter().sum();
    law.iter().map(|mass| mass / total).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{bucket, window};
    use super::*;

    /// Oracle O16: exact values, and simulations of others within four standard errors.
    #[test]
    fn oracles() {
        for (load, tokens, every, burst, exact, mean, error) in [
            (20.0, 25, 1.0, 25, 0.016_541_4, 0.016_488, 0.000_08),
            (20.0, 5, 0.2, 25, 1.432_49e-5, 1.8e-5, 0.4e-5),
            (4.0, 5, 1.0, 10, 0.009_533_23, 0.009_46, 0.000_16),
            (4.0, 1, 0.2, 5, 0.027_931_3, 0.027_83, 0.000_23),
        ] {
            let found = refused(load, tokens, every, burst);
            assert!((found / exact - 1.0).abs() < 5e-6, "{found} {exact}");
            assert!((found - mean).abs() < 4.0 * error);
        }
    }

    /// With a burst of one step it is the fixed window, and with ever shorter steps the token bucket.
    #[test]
    fn between_window_and_bucket() {
        for load in [3.0, 10.0, 20.0, 30.0] {
            let (step, fixed) = (refused(load, 25, 1.0, 25), window::refused(load, 25, 1.0));
            assert!((step - fixed).abs() < 1e-12, "{load}: {step} {fixed}");
        }
        // A step of a token every 1/5 s holds back up to a step; a deep bucket hardly sees it.
        let (step, smooth) = (refused(4.5, 1, 0.2, 60), bucket::refused(4.5, 5.0, 60.0));
        assert!((step / smooth - 1.0).abs() < 0.2, "{step} {smooth}");
    }
}
