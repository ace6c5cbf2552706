//! A waiting room that lets one user after the other go, at an even pace: M/D/1, and a flash as a fluid.

/// The mean wait in seconds of arrivals of `load` per second before a room that lets `pace` per second go; infinite unless `load` is less.
///
/// Pollaczek and Khinchine, for a fixed time in service: usage / (2 pace (1 - usage)).
pub fn mean_seconds(load: f64, pace: f64) -> f64 {
    let usage = load / pace;
    if usage < 1.0 { usage / (2.0 * pace * (1.0 - usage)) } else { f64::INFINITY }
}

/// The wait in seconds that a share `beyond` of the users exceeds: the exponential tail of M/D/1's wait, C e^(-d pace x) with d as of the
/// token bucket's asymptote (Asmussen: Applied Probability and Queues, XIII.5).
pub fn seconds_exceeded_by(beyond: f64, load: f64, pace: f64) -> f64 {
    let usage = load / pace;
    if usage >= 1.0 {
        return f64::INFINITY;
    }
    if usage <= 0.0 {
        return 0.0;
    }
    let decay = root_of_decay(usage);
    let share = (1.0 - usage) / (usage * decay.exp() - 1.0);
    (share / beyond).ln().max(0.0) / (decay * pace)
}

/// See `bucket`: the positive root d of usage (e^d - 1) = d.
fn root_of_decay(usage: f64) -> f64 {
    let start = -2.0 * usage.ln();
    super::root::rises_to(0.0, 0.0, start, |d| if d <= 0.0 { -1.0 } else { usage * d.exp_m1() - d })
}

/// The longest wait in seconds before a room of `pace`, of arrivals per second that are given a second each, as a fluid: the greatest
/// (arrived - served) / pace.
pub fn longest_seconds(arrivals: impl Iterator<Item = f64>, pace: f64) -> f64 {
    let (mut queue, mut most) = (0.0_f64, 0.0_f64);
    for arrived in arrivals {
        queue = (queue + arrived - pace).max(0.0);
        most = most.max(queue);
    }
    most / pace
}

/// How many users at most wait before it, of arrivals as above.
pub fn longest_queue(arrivals: impl Iterator<Item = f64>, pace: f64) -> f64 {
    longest_seconds(arrivals, pace) * pace
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle O30: means exactly, 99th percentiles by the tail, and simulations of others within four standard errors.
    #[test]
    fn oracles() {
        for (load, pace, p99, simulated, error, mean) in [
            (20.0, 25.0, 0.4142, 0.4101, 0.0026, 0.0800),
            (24.0, 25.0, 2.2581, 2.204, 0.060, 0.4800),
            (4.5, 5.0, 4.3796, 4.380, 0.15, 0.9000),
        ] {
            let found = seconds_exceeded_by(0.01, load, pace);
            assert!((found - p99).abs() < 6e-5, "{found} {p99}");
            assert!((found - simulated).abs() < 4.0 * error);
            assert!((mean_seconds(load, pace) - mean).abs() < 1e-9);
        }
        assert!(mean_seconds(5.0, 5.0).is_infinite() && seconds_exceeded_by(0.01, 6.0, 5.0).is_infinite());
        assert!(seconds_exceeded_by(0.01, 0.0, 5.0) <= 0.0);
    }

    /// A flash waits as long as its backlog takes.
    #[test]
    fn flashes() {
        let flash = || (0..200).map(|second| if second < 60 { 40.0 } else { 10.0 });
        assert!((longest_seconds(flash(), 25.0) - 36.0).abs() < 1e-9);
        assert!((longest_queue(flash(), 25.0) - 900.0).abs() < 1e-9);
    }
}
