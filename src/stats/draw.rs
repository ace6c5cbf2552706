//! Seeded draws without state: every draw is a hash of (seed, stream, n).
//!
//! A shared generator would make a draw depend on who asked before; a hash makes the n-th draw the same on
//! every core, in every order, in real and in virtual time.

use crate::num::float;

/// What a draw is for. Two streams of one seed are independent.
///
/// A draw is a hash of the stream's number, so that a number that was given stays: another one would change every run of every seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// Gaps of a Poisson process.
    Arrival = 1,
    /// Which mix a call takes.
    Mix,
    /// Whether a call repeats an earlier token.
    Role,
    /// Which earlier token it repeats.
    Candidate,
    /// The body of a fresh token, upper and lower half.
    TokenHigh,
    /// See [`Stream::TokenHigh`].
    TokenLow,
    /// Latency of the emulator.
    Latency,
    /// Faults of the emulator.
    Fault,
    /// Session ids of the emulator, upper and lower half.
    SessionHigh,
    /// See [`Stream::SessionHigh`].
    SessionLow,
    /// Request ids of the emulator, upper and lower half.
    RequestHigh,
    /// See [`Stream::RequestHigh`].
    RequestLow,
    /// Which of the emulator's answers are slow.
    Spike,
    /// What becomes of the emulator's sessions.
    Check,
    /// When the check of a session begins, and how long it takes.
    CheckTime,
    /// What is in the results of a session.
    Results,
    /// On which node of a sharded limiter a call lands.
    Node,
    /// The form of a fault.
    FaultForm,
    /// Whether a scheduled fault strikes.
    Scheduled,
    /// Gaps between a probe's calls.
    Dither,
    /// Invocation ids of the wire transport, upper and lower half.
    // derived: any number that no other stream has; the next one follows
    InvocationHigh = 30,
    /// See [`Stream::InvocationHigh`].
    InvocationLow,
    /// Orders of a series, against which its change points are held.
    // derived: any number that no other stream has
    Permutation = 40,
    /// Where an uncertain input of a plan lies.
    // derived: any number that no other stream has; the next ones follow
    PlanInput = 50,
    /// What a user of a simulated launch does.
    User,
    /// The factor of a minute's demand.
    Minute,
    /// Seeds of a plan's launches.
    Launch,
    /// Arrivals at a limiter whose share refused has no closed form.
    Loss,
    /// What a probe guesses of a limiter.
    // derived: any number that no other stream has
    Particle = 60,
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
const fn mix(mut z: u64) -> u64 {
    // source: Stafford, Better bit mixing: Mix13, as there
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    // source: the same
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // source: the same
    z ^ (z >> 31)
}

/// The step from one draw to the next.
// source: there: 2^64 over the golden ratio, made odd
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of a seed, for many of its numbers: what does not depend on their place is worked out once.
#[derive(Debug, Clone, Copy)]
pub struct Keyed(u64);

impl Keyed {
    /// The stream of a seed.
    pub const fn new(seed: u64, stream: Stream) -> Self {
        Self(mix(seed.wrapping_add(GOLDEN)) ^ mix((stream as u64).wrapping_mul(GOLDEN)))
    }

    /// Its n-th 64 random bits.
    pub const fn bits(self, n: u64) -> u64 {
        mix(self.0.wrapping_add(n.wrapping_mul(GOLDEN)).wrapping_add(GOLDEN))
    }

    /// Its n-th uniform number, strictly between 0 and 1.
    pub fn unit(self, n: u64) -> f64 {
        // derived: a float keeps 53 of the 64 bits; half a step keeps both ends out
        (float(self.bits(n) >> 11) + 0.5) / float(1 << 53)
    }
}

/// The n-th 64 random bits of a stream.
pub const fn bits(seed: u64, stream: Stream, n: u64) -> u64 {
    Keyed::new(seed, stream).bits(n)
}

/// The n-th uniform number of a stream, strictly between 0 and 1.
pub fn unit(seed: u64, stream: Stream, n: u64) -> f64 {
    Keyed::new(seed, stream).unit(n)
}

/// The n-th exponential number of a stream, mean 1.
pub fn exponential(seed: u64, stream: Stream, n: u64) -> f64 {
    -unit(seed, stream, n).ln()
}

/// The n-th standard normal number of a stream (Box, Muller 1958). It takes the uniform numbers 2n and 2n + 1.
pub fn normal(seed: u64, stream: Stream, n: u64) -> f64 {
    let radius = (-2.0 * unit(seed, stream, n.wrapping_mul(2)).ln()).sqrt();
    let angle = std::f64::consts::TAU * unit(seed, stream, n.wrapping_mul(2).wrapping_add(1));
    radius * angle.cos()
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;

    /// Means and variances are those of the distributions named.
    #[test]
    fn moments_are_right() {
        let n = 200_000u64;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|i| unit(7, Stream::Mix, i)) - 0.5).abs() < 0.005);
        assert!((mean(&|i| exponential(7, Stream::Arrival, i)) - 1.0).abs() < 0.01);
        assert!(mean(&|i| normal(7, Stream::Latency, i)).abs() < 0.01);
        assert!((mean(&|i| normal(7, Stream::Latency, i).powi(2)) - 1.0).abs() < 0.02);
    }

    /// Neighbouring seeds, streams and numbers give unrelated bits.
    #[test]
    fn draws_differ() {
        let first = bits(1, Stream::Mix, 1);
        for other in [bits(2, Stream::Mix, 1), bits(1, Stream::Role, 1), bits(1, Stream::Mix, 2)] {
            assert!((first ^ other).count_ones() > 10, "{first:x} {other:x}");
        }
    }
}
