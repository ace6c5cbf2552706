//! What it costs to measure a token bucket.

use livebench::limiter::{Quota, TokenBucket};
use livebench::probe::{Kind, ProbeSettings};
use livebench::units::Rate;

use crate::world::{Conditions, Draws, TRIP, Truth, World};

/// What a token bucket costs to measure.
pub(crate) fn curve(settings: &ProbeSettings) {
    println!("rate/s  burst  precision  calls  seconds  half-width  round trip / seconds");
    for (r, burst) in [(0.2, 1), (0.2, 2), (1.0, 1), (1.0, 10), (5.0, 10), (25.0, 25), (100.0, 100), (500.0, 500), (500.0, 2000)]
    {
        for precision in [0.02, 0.005, 0.002] {
            let rate = Rate::per_second(r).unwrap();
            let quota = Quota::TokenBucket(TokenBucket::full(rate, burst));
            let truth = Truth { kind: Kind::TokenBucket, rate: Some(r), burst: Some(f64::from(burst)), full_s: None, quota };
            let settings = ProbeSettings { precision, max_calls: 40_000, max_sessions: 40_000, max_seconds: 60.0, ..*settings };
            let found = World::new(&truth, Draws { seed: u64::from(burst), n: 0 }, Conditions::default()).probe(&settings);
            let half = found.rate_per_s.map_or(f64::NAN, |e| (e.high - e.low) / 2.0 / e.point);
            let (calls, seconds) = (found.calls, found.seconds);
            let bound = TRIP / seconds * 100.0;
            println!(
                "{r:6}  {burst:5}  {:8.1}%  {calls:5}  {seconds:7.1}  {:9.3}%  {bound:.3}%  {}",
                precision * 100.0,
                half * 100.0,
                found.kind
            );
        }
    }
}
