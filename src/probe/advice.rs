//! What to do with a quota: how fast may calls come, so that less than one in a thousand is refused.
//!
//! In closed form where there is one: a token bucket under Poisson arrivals is M/D/1/K, a window counts Poisson numbers, a sliding log is
//! Erlang's loss system. Where there is none, the emulator's limiter is asked. Refuses to advise without a rate.

use std::time::Duration;

use crate::limiter::{Arrival, Limiter, Quota};
use crate::num::place;
use crate::stats::draw::{Stream, bits, exponential};

/// The share of refused calls that is still good.
pub const THROTTLED: f64 = 0.001; // derived: one call in a thousand, which a client that tries again does not notice

/// Arrivals of one simulation: 40 refused ones at the limit, so that the rate found is good to some percent.
const ARRIVALS: u64 = 40_000; // derived: 40 / THROTTLED

/// A limiter whose refusals are known in closed form, or can be simulated.
#[derive(Debug, Clone, Copy)]
pub(super) enum Law {
    /// Refill per second, depth.
    Bucket(f64, f64),
    /// Calls, length in seconds, of a window of the clock's grid.
    Window(f64, f64),
    /// The same of a window that begins with the first call after the last one's end.
    FirstCall(f64, f64),
    /// Calls, length in seconds, of one that slides.
    Log(f64, f64),
    /// Anything else.
    Simulated(Quota),
}

/// The highest rate of Poisson arrivals, per second and at most `most`, of which fewer than [`THROTTLED`] are refused.
pub(super) fn safe_rate(law: Law, most: f64) -> f64 {
    let (mut low, mut high) = (0.0, most);
    // derived: 40 halves leave less than a part in 10^12; a simulation is not that sharp, and slow
    for _ in 0..if matches!(law, Law::Simulated(_)) { 10 } else { 40 } {
        let middle = f64::midpoint(low, high);
        *(if refused(law, middle) < THROTTLED { &mut low } else { &mut high }) = middle;
    }
    low
}

/// The share that is refused of Poisson arrivals at a rate.
fn refused(law: Law, rate: f64) -> f64 {
    match law {
        Law::Bucket(refill, depth) => of_a_bucket(rate / refill, depth),
        Law::Window(calls, length) => of_a_window(rate * length, calls),
        // From one first call to the next: that one and those of the window, of which so many are too many.
        Law::FirstCall(calls, length) => too_many(rate * length, calls - 1.0) / (1.0 + rate * length),
        Law::Log(calls, length) => erlang(rate * length, calls),
        Law::Simulated(quota) => simulated(quota, rate),
    }
}

/// Of a bucket: the calls that it misses are those in service and waiting of M/D/1/K with K its depth.
fn of_a_bucket(load: f64, depth: f64) -> f64 {
    // source: the asymptote of the queue's tail is equal to the exact value to five digits from ten places on, and holds for any depth
    if load < 1.0 && depth >= 10.0 { tail(load, depth) } else { places(load, depth.floor()) }
}

/// P = (1 - load) T / (1 - load T), T = (1 - load) / (load e^d - 1) e^(-d (depth - 1)), where d > 0 solves load (e^d - 1) = d.
fn tail(load: f64, depth: f64) -> f64 {
    let (mut low, mut high) = (1e-12, 1.0); // derived: just above the root at 0
    while load * f64::exp_m1(high) < high {
        high *= 2.0;
    }
    // derived: as many halves as a double has bits
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        *(if load * middle.exp_m1() < middle { &mut low } else { &mut high }) = middle;
    }
    let d = low;
    let t = (1.0 - load) / (load * d.exp() - 1.0) * (-d * (depth - 1.0)).exp();
    (1.0 - load) * t / (1.0 - load * t)
}

/// The exact recursion for a whole number of places: only positive terms.
fn places(load: f64, depth: f64) -> f64 {
    let depth = place(depth.max(1.0));
    let mut arrivals = vec![(-load).exp()];
    let mut more = vec![1.0 - arrivals[0]];
    for k in 1..=depth {
        let next = arrivals[k - 1] * load / crate::num::count(k);
        arrivals.push(next);
        more.push((more[k - 1] - next).max(0.0));
    }
    let mut q = vec![1.0_f64];
    for j in 0..depth.saturating_sub(1) {
        let earlier: f64 = (1..=j).map(|i| q[i] * more[j + 1 - i]).sum();
        q.push((q[0] * more[j] + earlier) / arrivals[0]);
    }
    let sum: f64 = q.iter().sum();
    1.0 - sum / (1.0 + load * sum)
}

/// Of a window: E[(N - calls)+] / m with N of Poisson's law of mean m.
fn of_a_window(m: f64, calls: f64) -> f64 {
    if m <= 0.0 {
        return 0.0;
    }
    too_many(m, calls) / m
}

/// E[(N - calls)+] with N of Poisson's law of mean m: the sum of P(N = n) (n - calls) upwards from calls + 1, each term from the one before;
/// the first by logarithms, so that no mean is too large.
fn too_many(m: f64, calls: f64) -> f64 {
    if m <= 0.0 {
        return 0.0;
    }
    let mut n = calls.max(0.0) + 1.0;
    let log_factorial: f64 = (1..=place(n)).map(|k| crate::num::count(k).ln()).sum();
    let mut p = (n * m.ln() - m - log_factorial).exp();
    let mut sum = 0.0;
    loop {
        let term = p * (n - calls);
        sum += term;
        n += 1.0;
        p *= m / n;
        // derived: beyond the mean each term is smaller than the one before, and what is left is less than rounding
        if n > m && term <= sum * f64::EPSILON {
            return sum;
        }
    }
}

/// Erlang's loss formula: a call that is let through holds one of the places for the window's length, whatever came before.
fn erlang(load: f64, places: f64) -> f64 {
    let (mut b, mut k) = (1.0, 1.0);
    while k <= places {
        b = load * b / (k + load * b);
        k += 1.0;
    }
    b
}

#[allow(clippy::cast_precision_loss)] // counts below 2^53
fn simulated(quota: Quota, rate: f64) -> f64 {
    let mut limiter = Limiter::new(quota, false);
    let mut at = 0.0;
    let mut refused = 0u32;
    for n in 0..ARRIVALS {
        at += exponential(1, Stream::Arrival, n) / rate;
        let now = Duration::try_from_secs_f64(at).unwrap_or(Duration::MAX);
        let node = bits(1, Stream::Node, n);
        refused += u32::from(limiter.take(Arrival { now, until: now, node }).is_err());
    }
    f64::from(refused) / ARRIVALS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::{FixedWindow, SlidingLog};

    /// The rates that are known to be safe for some buckets, from the exact solution of the queue.
    #[test]
    fn buckets_are_a_queue() {
        for (refill, depth, safe) in [
            (5.0, 1.0, 0.0050),
            (5.0, 2.0, 0.2254),
            (5.0, 5.0, 2.2055),
            (5.0, 10.0, 3.6485),
            (5.0, 40.0, 4.7557),
            (25.0, 25.0, 22.756),
        ] {
            let found = safe_rate(Law::Bucket(refill, depth), refill);
            assert!((found / safe - 1.0).abs() < 2e-3, "{refill} {depth}: {found} {safe}");
        }
    }

    /// A window and a log refuse what their laws say: of one call a window in a mean of one, 1/e; Erlang's of one place, half.
    #[test]
    fn windows_and_logs_have_their_laws() {
        assert!((of_a_window(1.0, 1.0) - (-1.0_f64).exp()).abs() < 1e-12);
        assert!((erlang(1.0, 1.0) - 0.5).abs() < 1e-12);
        assert!(safe_rate(Law::Log(10.0, 1.0), 10.0) < safe_rate(Law::Window(10.0, 1.0), 10.0));
    }

    /// Each law against the emulator's own limiter: at the safe rate about one in a thousand is refused. Means beyond 745, where e^-m is 0, too.
    #[test]
    fn laws_are_the_limiters() {
        let window = Duration::from_secs(2);
        for (law, quota, most) in [
            (Law::Window(10.0, 2.0), Quota::FixedWindow(FixedWindow::on_grid(10, window)), 5.0),
            (Law::FirstCall(10.0, 2.0), Quota::FixedWindow(FixedWindow::from_first_call(10, window)), 5.0),
            (Law::Log(10.0, 2.0), Quota::SlidingLog(SlidingLog::exact(10, window)), 5.0),
            (Law::Window(1000.0, 2.0), Quota::FixedWindow(FixedWindow::on_grid(1000, window)), 500.0),
        ] {
            let rate = safe_rate(law, most);
            let seen = simulated(quota, rate);
            // 40 of 40,000 are expected, of which few are alone: three in four more or less are no surprise.
            assert!((0.000_25..0.001_75).contains(&seen), "{quota}: {seen} at {rate}/s");
        }
    }
}
