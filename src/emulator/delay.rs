//! When a call is answered: latency, and stalls in which nothing is.
//!
//! A stall stops the server's own time: work that was under way goes on after it. So a call that arrives at `a` and takes
//! `l` of work is answered at the earliest instant outside all stalls by which `l` of unstalled time has passed since `a`:
//! one that arrives in a stall that ends at `e` at `e + l`, and one that had `r` left when the stall began at `e + r`.
//! No answer ever leaves in `[at, at + length)`. The quota is not the server's own time and refills through a stall.
//!
//! Refuses to wait.

use std::time::Duration;

use crate::emulator::config::{LatencyModel, Spikes, Stall};
use crate::stats::draw::{Stream, normal, unit};

/// The longest latency that is ever drawn.
pub const MAX_LATENCY: Duration = Duration::from_hours(1);

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_840_8;

/// The latency of the n-th arrival, at most [`MAX_LATENCY`].
pub fn latency(latency: LatencyModel, spikes: Option<Spikes>, seed: u64, n: u64) -> Duration {
    let extra = spikes.filter(|s| unit(seed, Stream::Spike, n) < s.share.as_f64()).map_or(Duration::ZERO, |s| s.extra);
    drawn(latency, seed, Stream::Latency, n).saturating_add(extra).min(MAX_LATENCY)
}

/// The n-th time of a stream, at most [`MAX_LATENCY`].
pub fn drawn(latency: LatencyModel, seed: u64, stream: Stream, n: u64) -> Duration {
    let drawn = match latency {
        LatencyModel::None => Duration::ZERO,
        LatencyModel::Fixed(fixed) => fixed,
        LatencyModel::Uniform { from, to } => {
            let (from, to) = (from.min(MAX_LATENCY), to.min(MAX_LATENCY));
            from + to.saturating_sub(from).mul_f64(unit(seed, stream, n))
        }
        LatencyModel::LogNormal { median, p99 } => {
            let (median, p99) = (median.as_secs_f64(), p99.as_secs_f64());
            if median <= 0.0 || p99 <= median {
                return Duration::try_from_secs_f64(median).unwrap_or_default().min(MAX_LATENCY);
            }
            let sigma = (p99 / median).ln() / Z99;
            let seconds = median * (sigma * normal(seed, stream, n)).exp();
            Duration::try_from_secs_f64(seconds).unwrap_or(MAX_LATENCY)
        }
    };
    drawn.min(MAX_LATENCY)
}

/// Stalls in order, without overlap.
#[derive(Debug, Clone, Default)]
pub struct Stalls(Vec<(Duration, Duration)>);

impl Stalls {
    /// The union of `stalls`, given in any order.
    pub fn new(stalls: &[Stall]) -> Self {
        let mut spans: Vec<_> =
            stalls.iter().map(|s| (s.at, s.at.saturating_add(s.length))).filter(|(start, end)| start < end).collect();
        spans.sort_unstable();
        let mut merged: Vec<(Duration, Duration)> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self(merged)
    }

    /// When a call that arrives at `now` and takes `work` is answered.
    pub fn reply_at(&self, now: Duration, work: Duration) -> Duration {
        let mut at = now.saturating_add(work);
        let first = self.0.partition_point(|(_, end)| *end <= now);
        for &(start, end) in &self.0[first..] {
            if at < start {
                break;
            }
            at = at.saturating_add(end.saturating_sub(start.max(now)));
        }
        at
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)] // small counts
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Share;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// A log-normal latency has the median and the 99th percentile that were asked for, and is the same every time.
    #[test]
    fn log_normal_by_its_percentiles() {
        let asked = LatencyModel::LogNormal { median: ms(45), p99: ms(160) };
        let mut drawn: Vec<Duration> = (0..100_000).map(|n| latency(asked, None, 7, n)).collect();
        assert_eq!(drawn[17], latency(asked, None, 7, 17));
        assert_ne!(drawn[17], latency(asked, None, 8, 17));
        drawn.sort_unstable();
        let near = |got: Duration, want: Duration| (got.as_secs_f64() / want.as_secs_f64() - 1.0).abs() < 0.03;
        assert!(near(drawn[50_000], ms(45)), "{:?}", drawn[50_000]);
        assert!(near(drawn[99_000], ms(160)), "{:?}", drawn[99_000]);
    }

    /// A spread of nothing is a constant, and absurd settings stay finite.
    #[test]
    fn latency_at_its_ends() {
        assert_eq!(latency(LatencyModel::None, None, 1, 1), Duration::ZERO);
        assert_eq!(latency(LatencyModel::Fixed(ms(3)), None, 1, 1), ms(3));
        assert_eq!(latency(LatencyModel::LogNormal { median: ms(9), p99: ms(9) }, None, 1, 1), ms(9));
        let zero = LatencyModel::LogNormal { median: Duration::ZERO, p99: ms(9) };
        assert_eq!(latency(zero, None, 1, 1), Duration::ZERO);
        let wild = LatencyModel::LogNormal { median: Duration::from_nanos(1), p99: Duration::MAX };
        assert!((0..1000).all(|n| latency(wild, None, 1, n) <= MAX_LATENCY));
        assert_eq!(latency(LatencyModel::Fixed(Duration::MAX), None, 1, 1), MAX_LATENCY);
    }

    /// An even latency stays between its ends and fills the room between them; spikes come on top of their share.
    #[test]
    fn uniform_and_spikes() {
        let asked = LatencyModel::Uniform { from: ms(20), to: ms(40) };
        let spikes = Some(Spikes { share: Share::new(0.1).unwrap(), extra: ms(500) });
        let drawn: Vec<Duration> = (0..20_000).map(|n| latency(asked, spikes, 7, n)).collect();
        let (slow, plain): (Vec<Duration>, Vec<Duration>) = drawn.into_iter().partition(|d| *d >= ms(500));
        assert!((1900..2100).contains(&slow.len()), "{}", slow.len());
        assert!(slow.iter().all(|d| (ms(520)..ms(540)).contains(d)));
        let (least, most) = (plain.iter().min().unwrap(), plain.iter().max().unwrap());
        assert!(*least >= ms(20) && *least < ms(21) && *most > ms(39) && *most < ms(40), "{least:?} {most:?}");
        assert_eq!(
            latency(LatencyModel::Uniform { from: ms(3), to: Duration::MAX }, spikes, 1, 1).min(MAX_LATENCY),
            latency(LatencyModel::Uniform { from: ms(3), to: MAX_LATENCY }, spikes, 1, 1,)
        );
    }

    /// Each case of the definition, at the edges of a stall from 100 to 300 ms.
    #[test]
    fn stalls_stop_the_work() {
        let stalls = Stalls::new(&[Stall { at: ms(100), length: ms(200) }]);
        let cases = [
            ((50, 20), 70, "done before"),
            ((50, 50), 300, "would be done as it starts"),
            ((50, 60), 310, "10 ms left when it starts"),
            ((100, 0), 300, "arrives as it starts"),
            ((150, 40), 340, "arrives in it"),
            ((299, 1), 301, "arrives near its end"),
            ((300, 0), 300, "arrives at its end"),
            ((400, 5), 405, "arrives after"),
        ];
        for ((now, work), expected, why) in cases {
            assert_eq!(stalls.reply_at(ms(now), ms(work)), ms(expected), "{why}");
        }
    }

    /// Overlapping and touching stalls are one; empty ones are none.
    #[test]
    fn stalls_are_united() {
        let spans = [(500, 100), (100, 100), (150, 100), (250, 50), (40, 0)];
        let stalls = Stalls::new(&spans.map(|(at, length)| Stall { at: ms(at), length: ms(length) }));
        assert_eq!(stalls.0, [(ms(100), ms(300)), (ms(500), ms(600))]);
        assert_eq!(stalls.reply_at(ms(90), ms(230)), ms(620));
    }

    proptest! {
        /// The definition itself: outside all stalls, with exactly `work` of unstalled time since the arrival.
        #[test]
        fn obeys_its_definition(
            spans in prop::collection::vec((0u64..1000, 0u64..200), 0..8), now in 0u64..1200, work in 0u64..600,
        ) {
            let given: Vec<Stall> = spans.iter().map(|&(at, length)| Stall { at: ms(at), length: ms(length) }).collect();
            let stalled = |t: u64| spans.iter().any(|&(at, length)| (at..at + length).contains(&t));
            // Millisecond t stands for [t, t + 1).
            let mut at = now;
            let mut left = work;
            while left > 0 || stalled(at) {
                left -= u64::from(!stalled(at));
                at += 1;
            }
            prop_assert_eq!(Stalls::new(&given).reply_at(ms(now), ms(work)), ms(at));
        }
    }
}
