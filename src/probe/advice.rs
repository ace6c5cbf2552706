//! What to do with a quota: how fast may calls come, so that less than one in a thousand is refused.

use std::time::Duration;

use crate::limiter::Quota;
use crate::limiter::{Arrival, Limiter};
use crate::stats::draw::{Stream, exponential};

/// The share of refused calls that is still good.
pub const THROTTLED: f64 = 0.001;

/// Arrivals of one simulation: 40 refused ones at the limit, so that the rate found is good to some percent.
const ARRIVALS: u64 = 40_000;

/// The highest rate of Poisson arrivals, per second and at most `most`, of which the quota refuses fewer than [`THROTTLED`]. Simulated
/// with the emulator's own limiter, always with the same arrivals.
pub(super) fn safe_rate(quota: Quota, most: f64) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..10 {
        let middle = f64::midpoint(low, high);
        *(if refused(quota, middle) < THROTTLED { &mut low } else { &mut high }) = middle;
    }
    low
}

/// The share that the quota refuses of Poisson arrivals at a rate.
#[allow(clippy::cast_precision_loss)] // counts below 2^53
fn refused(quota: Quota, rate: f64) -> f64 {
    let mut limiter = Limiter::new(quota, false);
    let mut at = 0.0;
    let mut refused = 0u32;
    for n in 0..ARRIVALS {
        at += exponential(1, Stream::Arrival, n) / rate;
        let now = Duration::try_from_secs_f64(at).unwrap_or(Duration::MAX);
        refused += u32::from(limiter.take(Arrival { now, until: now, node: n }).is_err());
    }
    f64::from(refused) / ARRIVALS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::TokenBucket;
    use crate::units::Rate;

    /// A deeper bucket lets Poisson arrivals come closer to its rate, and none lets them reach it.
    #[test]
    fn depth_is_room() {
        let safe = |burst| safe_rate(Quota::TokenBucket(TokenBucket::full(Rate::per_second(5.0).unwrap(), burst)), 5.0);
        let (shallow, deep) = (safe(2), safe(40));
        assert!(shallow < deep && deep < 5.0 && shallow > 0.0, "{shallow} {deep}");
    }
}
