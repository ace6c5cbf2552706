//! A token bucket under Poisson arrivals, exactly.
//!
//! With w the tokens that are missing, an admitted call adds 1, time takes `rate` per second off, and a call is admitted iff
//! w <= burst - 1. That is the workload of M/D/1 with service 1 / rate and admission up to a threshold, for a whole burst the queue
//! M/D/1/K with K = burst. Its law up to the threshold is that of the unlimited queue up to a factor, so that with B the
//! unnormalised distribution at the threshold and u = load / rate the share refused is 1 - B / (1 + u B).
//!
//! Sources: Brun, Garcia: Analytical solution of finite capacity M/D/1 queues, J. Appl. Prob. 37 (2000), whose alternating sum is the same
//! number; the recursion has positive terms alone. The asymptote is the Cramér-Lundberg approximation of the same workload (Asmussen:
//! Applied Probability and Queues, XIII.5). Also GCRA and nginx's `limit_req` (burst + 1).

use super::poisson;
use super::root;
use crate::num::{float, whole};

/// Beyond this depth the asymptote is right to all digits that anybody prints, and the recursion's square is slow.
// derived: at a depth of 10 the asymptote's error is 1e-5 of itself, and it falls geometrically with the depth
const DEEP: f64 = 512.0;

/// From this depth on the asymptote stands for real depths.
// measured: below 1e-5 of the exact value at 10 (test `the_asymptote_is_close`)
const ASYMPTOTIC: f64 = 10.0;

/// The share refused of `load` calls per second by a bucket of `rate` and `burst`, which is at least 1 and need not be whole.
pub fn refused(load: f64, rate: f64, burst: f64) -> f64 {
    if load <= 0.0 {
        return 0.0;
    }
    if rate <= 0.0 {
        return 1.0;
    }
    let (usage, burst) = (load / rate, burst.max(1.0));
    if burst.fract() < f64::EPSILON * burst && burst <= DEEP {
        return recursion(usage, whole(burst));
    }
    if burst >= ASYMPTOTIC {
        return asymptote(usage, burst);
    }
    if usage < STEEP {
        return of_mass(usage, alternating(usage, burst - 1.0));
    }
    // Far past saturation the share hardly depends on the depth: the line between the whole depths around it.
    let low = recursion(usage, whole(burst.floor()));
    let high = recursion(usage, whole(burst.floor()) + 1);
    low + (high - low) * burst.fract()
}

/// Above this usage the terms of the alternating sum cancel.
// derived: at a depth of 10 they reach e^(2 x 10), which leaves seven digits of sixteen
const STEEP: f64 = 2.0;

/// The share refused from B, see the module's first lines.
fn of_mass(usage: f64, mass: f64) -> f64 {
    (1.0 - mass / (1.0 + usage * mass)).clamp(0.0, 1.0)
}

/// Exact for a whole depth, in its square of steps.
fn recursion(usage: f64, burst: u64) -> f64 {
    let depth = usize::try_from(burst).unwrap_or(usize::MAX);
    let (masses, tails) = poisson::table(usage, depth);
    let mut q = Vec::with_capacity(depth);
    q.push(1.0);
    let mut total = 1.0;
    for j in 0..depth.saturating_sub(1) {
        let inner: f64 = (1..=j).map(|i| q[i] * tails[j + 1 - i]).sum();
        let next: f64 = (q[0] * tails[j] + inner) / masses[0];
        q.push(next);
        total += next;
        if total > HUGE {
            // Far past saturation: 1 - 1 / usage to the last digit.
            return 1.0 - 1.0 / usage;
        }
    }
    of_mass(usage, total)
}

/// A sum so great that its inverse is lost beside 1.
// derived: 1e-250 is far below a float's rounding, and its square root above the least float
const HUGE: f64 = 1e250;

/// B at a real threshold (Erlang's formula for the waiting time of M/D/1, unnormalised).
fn alternating(usage: f64, threshold: f64) -> f64 {
    let mut sum = 0.0;
    let mut k = 0.0;
    while k <= threshold {
        let x = usage * (threshold - k);
        let factorial = statrs::function::gamma::ln_gamma(k + 1.0);
        let size = if k > 0.0 && x <= 0.0 { 0.0 } else { (x + if k > 0.0 { k * x.ln() } else { 0.0 } - factorial).exp() };
        // derived: the sign of (-x)^k
        sum += if k % 2.0 == 0.0 { size } else { -size };
        k += 1.0;
    }
    sum
}

/// The root d of usage (e^d - 1) = d that is not 0: positive for a usage below 1, negative above.
fn decay(usage: f64) -> f64 {
    // derived: e^x > 1 + x puts -2 ln(usage) beyond the root on its side, where the function is convex: Newton's steps come back to it
    let mut d = -2.0 * usage.ln();
    // derived: Newton doubles the digits a step; the first few bring it near
    for _ in 0..64 {
        let next = d - (usage * d.exp_m1() - d) / (usage * d.exp() - 1.0);
        if (next - d).abs() <= f64::EPSILON * d.abs() {
            return next;
        }
        d = next;
    }
    d
}

/// So near saturation the asymptote's fractions are 0 / 0.
// derived: their terms are of the order of the square of this, and a float has sixteen digits
const NEAR: f64 = 1e-4;

/// See the module's first lines. With the negative root the same expression holds past saturation.
fn asymptote(usage: f64, burst: f64) -> f64 {
    let at = |usage: f64| {
        let d = decay(usage);
        let tail = (1.0 - usage) / (usage * d.exp() - 1.0) * (-d * (burst - 1.0)).exp();
        // Far past saturation the tail is beyond all floats, and the fraction's limit is what is left.
        if tail.is_finite() { (1.0 - usage) * tail / (1.0 - usage * tail) } else { 1.0 - 1.0 / usage }
    };
    if (usage - 1.0).abs() < NEAR {
        let part = (usage - (1.0 - NEAR)) / (2.0 * NEAR);
        return at(1.0 - NEAR) * (1.0 - part) + at(1.0 + NEAR) * part;
    }
    at(usage)
}

/// How deep a bucket is, when its rate is what is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BucketDepth {
    /// So many calls, whatever the rate.
    Calls(f64),
    /// So many seconds of the rate, at least one call.
    Seconds(f64),
}

impl BucketDepth {
    /// Calls at once from rest, at a rate.
    pub fn at(self, rate: f64) -> f64 {
        match self {
            Self::Calls(calls) => calls.max(1.0),
            Self::Seconds(seconds) => (rate * seconds).max(1.0),
        }
    }
}

/// The least rate at which a bucket refuses at most `target` (above 0) of `load`.
pub fn rate_for(load: f64, depth: BucketDepth, target: f64) -> f64 {
    if load <= 0.0 {
        return 0.0;
    }
    // derived: nothing but its inverse is needed for a depth of 1, which asks for load (1 - target) / target
    let most = load * 2.0 / target;
    root::falls_to_above(target, load * (1.0 - target).max(f64::MIN_POSITIVE), most, |rate| refused(load, rate, depth.at(rate)))
}

/// The least whole burst with which a bucket of `rate` refuses at most `target` of `load`; `None` if none does.
pub fn burst_for(load: f64, rate: f64, target: f64) -> Option<u64> {
    // derived: at a usage of 1 a bucket of depth b refuses about 1 / 2b; a hundred times that is more than anybody has
    let most = 100.0 / target;
    if refused(load, rate, most) > target {
        return None;
    }
    let burst = root::falls_to(target, 1.0, most, |burst| refused(load, rate, burst)).floor().max(1.0);
    let found = [burst, burst + 1.0].into_iter().find(|burst| refused(load, rate, *burst) <= target);
    found.map(whole)
}

/// The greatest load of which a bucket refuses at most `target`.
pub fn load_for(rate: f64, burst: f64, target: f64) -> f64 {
    // derived: at a load L at least 1 - rate / L is refused
    let most = rate / (1.0 - target).max(f64::MIN_POSITIVE);
    root::rises_to(target, 0.0, most, |load| refused(load, rate, burst))
}

/// The share that `nodes` buckets refuse which know nothing of each other, when calls are spread over them at random. Exact for
/// whole `burst / nodes`.
pub fn refused_sharded(load: f64, rate: f64, burst: f64, nodes: u32) -> f64 {
    let nodes = float(u64::from(nodes.max(1)));
    refused(load / nodes, rate / nodes, burst / nodes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Oracles O1 to O12: exact values, and simulations of others within four standard errors.
    #[test]
    fn oracles() {
        for (load, rate, burst, exact) in [
            (4.0, 5.0, 5.0, 0.035_290_4),
            (4.0, 5.0, 10.0, 0.003_639_23),
            (4.5, 5.0, 5.0, 0.064_361_9),
            (5.0, 5.0, 5.0, 0.103_449),
            (3.0, 5.0, 5.0, 0.006_674_34),
            (2.0, 5.0, 5.0, 0.000_545_328),
            (22.5, 25.0, 25.0, 0.000_650_813),
            (24.0, 25.0, 25.0, 0.006_415_78),
            (25.0, 25.0, 25.0, 0.020_134_2),
            (30.0, 25.0, 25.0, 0.166_681),
            (20.0, 25.0, 1.0, 0.444_444),
            (20.0, 25.0, 2.0, 0.199_570),
            (20.0, 25.0, 25.0, 5.598_31e-6),
        ] {
            let found = refused(load, rate, burst);
            assert!((found / exact - 1.0).abs() < 5e-6, "{load} {rate} {burst}: {found} {exact}");
        }
        for (load, rate, burst, mean, error) in [
            (4.0, 5.0, 5.0, 0.035_298, 0.000_12),
            (4.0, 5.0, 10.0, 0.003_669, 0.000_059),
            (4.5, 5.0, 5.0, 0.064_293, 0.000_17),
            (5.0, 5.0, 5.0, 0.103_244, 0.000_36),
            (3.0, 5.0, 5.0, 0.006_667, 0.000_047),
            (2.0, 5.0, 5.0, 0.000_539, 0.000_011),
            (22.5, 25.0, 25.0, 0.000_666, 0.000_022),
            (24.0, 25.0, 25.0, 0.006_394, 0.000_11),
            (25.0, 25.0, 25.0, 0.020_034, 0.000_16),
            (30.0, 25.0, 25.0, 0.166_264, 0.000_47),
            (20.0, 25.0, 1.0, 0.444_226, 0.000_18),
            (20.0, 25.0, 2.0, 0.199_310, 0.000_22),
        ] {
            assert!((refused(load, rate, burst) - mean).abs() < 4.0 * error, "{load} {rate} {burst}");
        }
        assert!((refused_sharded(20.0, 25.0, 25.0, 5) - 0.035_290_4).abs() < 1e-7);
    }

    /// The asymptote is what its bound says, on whole depths.
    #[test]
    fn the_asymptote_is_close() {
        for (usage, burst) in [
            (0.5, 10.0),
            (0.8, 10.0),
            (0.95, 25.0),
            (0.9, 100.0),
            (0.99, 10.0),
            (1.0, 10.0),
            (1.0, 40.0),
            (1.2, 25.0),
            (3.0, 300.0),
        ] {
            let exact = recursion(usage, whole(burst));
            assert!((asymptote(usage, burst) / exact - 1.0).abs() < 2e-5 || exact < 1e-12, "{usage} {burst}");
        }
        assert!((asymptote(0.8, 5.0) / recursion(0.8, 5) - 1.0).abs() < 1e-3);
    }

    /// The published table of rates to ask for: a fixed depth, and one or two seconds of the rate.
    #[test]
    fn rates_to_ask_for() {
        for (calls, factor) in [(5.0, 2.267), (10.0, 1.370), (25.0, 1.0986), (100.0, 1.0135)] {
            for load in [1.0, 20.0, 100.0] {
                assert!((rate_for(load, BucketDepth::Calls(calls), 1e-3) / load / factor - 1.0).abs() < 4e-4, "{calls} {load}");
            }
        }
        assert!((rate_for(3.0, BucketDepth::Calls(1.0), 1e-3) / 3.0 - 999.0).abs() < 1e-6);
        let seconds = [
            (1.0, 3.660, 2.392, 4.33),
            (2.0, 4.785, 3.401, 5.57),
            (5.0, 7.778, 6.304, 8.76),
            (10.0, 12.61, 11.16, 13.74),
            (20.0, 22.31, 20.96, 23.57),
            (25.0, 27.19, 25.89, 28.49),
            (50.0, 51.79, 50.66, 53.17),
            (100.0, 101.3, 100.4, 102.8),
        ];
        for (load, one, two, strict) in seconds {
            for (found, wanted) in [
                (rate_for(load, BucketDepth::Seconds(1.0), 1e-3), one),
                (rate_for(load, BucketDepth::Seconds(2.0), 1e-3), two),
                (rate_for(load, BucketDepth::Seconds(1.0), 1e-4), strict),
            ] {
                assert!((found / wanted - 1.0).abs() < 2e-3, "{load}: {found} {wanted}");
            }
        }
        for (rate, burst, load) in [
            (5.0, 5.0, 2.2055),
            (5.0, 10.0, 3.6485),
            (5.0, 40.0, 4.7557),
            (25.0, 5.0, 11.028),
            (25.0, 25.0, 22.756),
            (25.0, 100.0, 24.667),
        ] {
            assert!((load_for(rate, burst, 1e-3) / load - 1.0).abs() < 1e-4, "{rate} {burst}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// It falls in rate and burst, rises in load, depends on the ratio alone, and its inverse leads back to 1e-6.
        #[test]
        fn laws(load in 0.1..60.0f64, rate in 0.2..60.0f64, burst in 1.0..60.0f64, target in 1e-5..0.2f64, k in 0.1..10.0f64) {
            let share = refused(load, rate, burst);
            prop_assert!((0.0..=1.0).contains(&share));
            let slack = 1e-9 + share * 2e-5;
            prop_assert!(refused(load, rate * 1.05, burst) <= share + slack);
            prop_assert!(refused(load, rate, burst + 1.0) <= share + slack);
            prop_assert!(refused(load * 1.05, rate, burst) >= share - slack);
            prop_assert!((refused(load * k, rate * k, burst) - share).abs() < 1e-9);
            prop_assert!((refused(load, rate, 1.0) - load / rate / (1.0 + load / rate)).abs() < 1e-12);
            for depth in [BucketDepth::Calls(burst.floor()), BucketDepth::Seconds(1.0)] {
                let needed = rate_for(load, depth, target);
                prop_assert!((refused(load, needed, depth.at(needed)) / target - 1.0).abs() < 1e-6, "{:?} {}", depth, needed);
            }
            let fits = burst_for(load, rate, target);
            prop_assert_eq!(fits.is_some(), load < rate || refused(load, rate, 100.0 / target) <= target);
            if let Some(fits) = fits {
                prop_assert!(refused(load, rate, float(fits)) <= target);
            }
        }
    }
}
