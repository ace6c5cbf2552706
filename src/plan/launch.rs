//! A simulated launch: what its users do, in numbers, and what was counted.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::keys::{Jitter, TokenHabit};
use super::scene::Situation;
use super::spread::Case;
use crate::num::{count, float, place};
use crate::record::recorder::histogram;
use crate::schedule::Stage;
use crate::stats::draw::{self, Stream};
use crate::stats::retry::Backoff;

/// What every user of a launch does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Journey {
    /// Every draw comes from it.
    pub seed: u64,
    /// Whether sessions are streamed; else a visit ends when it has a session.
    pub streams: bool,
    /// Attempts of a create in all.
    pub attempts: u32,
    /// Pauses between them.
    pub backoff: Backoff,
    /// How the pauses are drawn.
    pub jitter: Jitter,
    /// Clients with a retry quota each, at least 1.
    pub processes: u32,
    /// Which token a retry brings.
    pub token: TokenHabit,
    /// From having a session to starting its stream, at least and at most.
    pub ready: (Duration, Duration),
    /// Mean length of a stream, in seconds.
    pub session_s: f64,
    /// Deviation of its logarithm.
    pub session_sigma: f64,
    /// Calls for the results of a check.
    pub gets_per_check: f64,
    /// Share of the checks that fail.
    pub fail: f64,
    /// Share of those users who try again.
    pub repeat: f64,
    /// Checks of one user at most.
    pub checks_at_most: u32,
    /// How long before the next check.
    pub repeat_after: (Duration, Duration),
    /// Share of the users who begin again after an error.
    pub again: f64,
    /// Tries of one user at most.
    pub tries_at_most: u32,
    /// How long before the next try.
    pub again_after: (Duration, Duration),
    /// Users per second that a waiting room lets in.
    pub pace: Option<f64>,
}

impl Journey {
    /// The journey of a plan with an option, as expected, for one region.
    pub fn of(scene: &Situation<'_>, seed: u64) -> Self {
        let (users, client) = (&scene.plan.users, &scene.client);
        let expected = &Case::Expected;
        Self {
            seed,
            streams: true,
            attempts: client.attempts,
            backoff: client.backoff,
            jitter: client.jitter,
            processes: client.processes,
            token: client.token,
            ready: users.ready,
            session_s: users.session_s.at(expected),
            session_sigma: users.session_sigma,
            gets_per_check: users.gets_per_check,
            fail: users.fail.at(expected),
            repeat: users.repeat.at(expected),
            checks_at_most: users.checks_at_most,
            repeat_after: users.repeat_after,
            again: users.again.at(expected),
            tries_at_most: users.tries_at_most,
            again_after: users.again_after,
            pace: scene.pace.map(|pace| pace / float(u64::from(scene.regions))),
        }
    }
}

/// The arrivals of one region as stages of a schedule: the expected curve, and a factor a minute where demand is dispersed.
pub fn stages(scene: &Situation<'_>, seed: u64) -> Vec<Stage> {
    let demand = &scene.plan.demand;
    let share = 1.0 / float(u64::from(scene.regions));
    demand.curve(&Case::Expected, scene.send_over_s).stages(|minute| share * factor(demand.dispersion, seed, minute))
}

/// Draws for one minute's factor: each is taken with a probability above 0.95.
const TRIES: u64 = 64;

/// The factor of a minute, of mean 1 and this coefficient of variation, by a gamma law (Marsaglia, Tsang: A simple method for generating
/// gamma variables, ACM TOMS 2000).
fn factor(cv: f64, seed: u64, minute: u64) -> f64 {
    if cv <= 0.0 {
        return 1.0;
    }
    let shape = 1.0 / (cv * cv);
    // Below a shape of 1 the method draws one of shape + 1 and takes a power of a uniform number besides.
    let (raised, power) = if shape < 1.0 { (shape + 1.0, 1.0 / shape) } else { (shape, 0.0) };
    let d = raised - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    for n in minute * TRIES..(minute + 1) * TRIES {
        let normal = draw::normal(seed, Stream::Minute, n);
        let cube = (1.0 + c * normal).powi(3);
        let chance = draw::unit(seed ^ 1, Stream::Minute, n);
        if cube > 0.0 && chance.ln() < 0.5 * normal * normal + d - d * cube + d * cube.ln() {
            let small = if power > 0.0 { draw::unit(seed ^ 2, Stream::Minute, minute).powf(power) } else { 1.0 };
            return d * cube * small / shape;
        }
    }
    1.0
}

/// A second of a launch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct LaunchSecond {
    /// Its number, from 0.
    pub second: u64,
    /// Creates that were sent.
    pub offered: u64,
    /// Creates that made a session or got the one of their token.
    pub admitted: u64,
    /// Creates and starts that were refused.
    pub refused: u64,
    /// The most sessions that streamed at once.
    pub concurrent: u64,
    /// The most users before the waiting room.
    pub waiting: u64,
}

/// What was counted in one launch.
#[derive(Debug, Clone)]
pub struct LaunchTally {
    /// Users who came.
    pub users: u64,
    /// Creates that were wanted: a request counts once, whatever its attempts.
    pub creates: u64,
    /// Creates that were sent, attempts counted.
    pub creates_sent: u64,
    /// Creates that made a session or got the one of their token.
    pub creates_ok: u64,
    /// Creates that were refused for rate.
    pub creates_refused: u64,
    /// Creates whose answers were lost, or that ended otherwise.
    pub creates_lost: u64,
    /// Creates that failed after their last attempt.
    pub creates_failed: u64,
    /// Starts that were sent.
    pub starts: u64,
    /// Starts that were over the quota per second.
    pub starts_too_fast: u64,
    /// Starts that found as many sessions streaming as may.
    pub starts_too_many: u64,
    /// Starts whose session was not there any more.
    pub starts_gone: u64,
    /// Calls for results that were sent.
    pub gets: u64,
    /// Calls for results that were refused for rate.
    pub gets_refused: u64,
    /// Users who saw an error.
    pub users_with_error: u64,
    /// Users whose check succeeded, or who have what they came for.
    pub users_verified: u64,
    /// From a user's arrival to the first session, in microseconds, of those who got one; longer ones count as an hour.
    pub waits_us: Histogram<u64>,
    /// Second by second.
    pub seconds: Vec<LaunchSecond>,
    streaming: u64,
    waiting: u64,
}

impl Default for LaunchTally {
    fn default() -> Self {
        Self {
            users: 0,
            creates: 0,
            creates_sent: 0,
            creates_ok: 0,
            creates_refused: 0,
            creates_lost: 0,
            creates_failed: 0,
            starts: 0,
            starts_too_fast: 0,
            starts_too_many: 0,
            starts_gone: 0,
            gets: 0,
            gets_refused: 0,
            users_with_error: 0,
            users_verified: 0,
            waits_us: histogram(),
            seconds: Vec::new(),
            streaming: 0,
            waiting: 0,
        }
    }
}

impl LaunchTally {
    /// The second of an instant.
    pub fn at(&mut self, now: Duration) -> &mut LaunchSecond {
        let second = place(now.as_secs_f64().floor());
        while self.seconds.len() <= second {
            let fresh = LaunchSecond {
                second: self.seconds.len() as u64,
                concurrent: self.streaming,
                waiting: self.waiting,
                ..LaunchSecond::default()
            };
            self.seconds.push(fresh);
        }
        &mut self.seconds[second]
    }

    /// A stream began, or ended.
    pub fn streams(&mut self, now: Duration, begins: bool) {
        // What goes on over seconds in which nothing happens counts in them.
        let _ = self.at(now);
        self.streaming = if begins { self.streaming + 1 } else { self.streaming.saturating_sub(1) };
        let streaming = self.streaming;
        let second = self.at(now);
        second.concurrent = second.concurrent.max(streaming);
    }

    /// A user came to the waiting room, or left it.
    pub fn waits(&mut self, now: Duration, begins: bool) {
        let _ = self.at(now);
        self.waiting = if begins { self.waiting + 1 } else { self.waiting.saturating_sub(1) };
        let waiting = self.waiting;
        let second = self.at(now);
        second.waiting = second.waiting.max(waiting);
    }

    /// The first session came after this wait.
    pub fn waited(&mut self, wait: Duration) {
        self.waits_us.saturating_record(crate::units::floor_us(wait));
    }
}

/// A figure with its standard error over the replications; the error is 0 of one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl Measured {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        let n = count(values.len());
        if n <= 0.0 {
            return Self::default();
        }
        let mean = values.iter().sum::<f64>() / n;
        let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = if n > 1.0 { (square / (n - 1.0) / n).sqrt() } else { 0.0 };
        Self { mean, error }
    }
}

/// What some launches of one scene came to, over all its regions.
#[derive(Debug, Clone)]
pub struct LaunchFigures {
    /// How many.
    pub replications: usize,
    /// Users who came.
    pub users: Measured,
    /// Creates that were sent, attempts counted.
    pub creates_sent: Measured,
    /// Creates sent for each check that the users would have made without an error.
    pub amplification: Measured,
    /// Share of the creates sent that was refused.
    pub create_refused: Measured,
    /// Share of the starts that was refused, for whichever quota.
    pub start_refused: Measured,
    /// Share of the calls for results that was refused.
    pub get_refused: Measured,
    /// Share of the users who saw an error.
    pub error_seen: Measured,
    /// Share of the users whose check succeeded.
    pub verified: Measured,
    /// Half of the users had a session after this time, in microseconds.
    pub wait_p50_us: Measured,
    /// All but a hundredth had a session after this time.
    pub wait_p99_us: Measured,
    /// The most sessions that streamed at once, in one region.
    pub concurrent_max: Measured,
    /// The most creates per second over ten seconds, in one region.
    pub creates_peak_per_s: Measured,
    /// Streams: what is paid for.
    pub checks: Measured,
    /// The first launch, second by second, of one region.
    pub timeline: Vec<LaunchSecond>,
}

impl LaunchFigures {
    /// Of launches of one of `regions` regions, each user of which makes `checks_per_user` checks.
    pub fn of(tallies: &[LaunchTally], regions: u32, checks_per_user: f64) -> Self {
        let times = float(u64::from(regions));
        let of = |figure: &dyn Fn(&LaunchTally) -> f64| Measured::of(tallies.iter().map(figure));
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { float(part) / float(whole) };
        Self {
            replications: tallies.len(),
            users: of(&|t| float(t.users) * times),
            creates_sent: of(&|t| float(t.creates_sent) * times),
            amplification: of(&|t| float(t.creates_sent) / (float(t.users) * checks_per_user).max(1.0)),
            create_refused: of(&|t| share(t.creates_refused, t.creates_sent)),
            start_refused: of(&|t| share(t.starts_too_fast + t.starts_too_many, t.starts)),
            get_refused: of(&|t| share(t.gets_refused, t.gets)),
            error_seen: of(&|t| share(t.users_with_error, t.users)),
            verified: of(&|t| share(t.users_verified, t.users)),
            wait_p50_us: of(&|t| float(t.waits_us.value_at_quantile(0.5))),
            wait_p99_us: of(&|t| float(t.waits_us.value_at_quantile(0.99))),
            concurrent_max: of(&|t| float(t.seconds.iter().map(|second| second.concurrent).max().unwrap_or(0))),
            creates_peak_per_s: of(&|t| peak(&t.seconds)),
            checks: of(&|t| float(t.starts - t.starts_too_fast - t.starts_too_many - t.starts_gone) * times),
            timeline: tallies.first().map(|tally| tally.seconds.clone()).unwrap_or_default(),
        }
    }
}

/// The most creates per second over ten seconds.
fn peak(seconds: &[LaunchSecond]) -> f64 {
    let length = seconds.len().clamp(1, 10);
    let most = seconds.windows(length).map(|window| window.iter().map(|second| second.offered).sum::<u64>()).max();
    float(most.unwrap_or(0)) / count(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factors of a dispersed demand have mean 1 and the variation that was asked for, above and below a shape of 1.
    #[test]
    fn factors_are_gamma() {
        for cv in [0.2, 0.5, 1.5] {
            let factors: Vec<f64> = (0..20_000).map(|minute| factor(cv, 7, minute)).collect();
            let mean = factors.iter().sum::<f64>() / 2e4;
            let spread = (factors.iter().map(|f| (f - mean).powi(2)).sum::<f64>() / 2e4).sqrt();
            assert!((mean - 1.0).abs() < 0.03 * cv + 0.002 && (spread / cv - 1.0).abs() < 0.05, "{cv}: {mean} {spread}");
        }
    }

    /// Seconds in which nothing happens keep what goes on over them.
    #[test]
    fn streams_go_on_between() {
        let mut tally = LaunchTally::default();
        tally.streams(Duration::from_millis(500), true);
        tally.streams(Duration::from_millis(3500), false);
        tally.at(Duration::from_secs(5)).offered += 30;
        let streaming: Vec<u64> = tally.seconds.iter().map(|second| second.concurrent).collect();
        assert_eq!(streaming, [1, 1, 1, 1, 0, 0]);
        assert!((peak(&tally.seconds) - 5.0).abs() < 1e-9);
        let figures = LaunchFigures::of(&[tally.clone(), tally], 2, 1.0);
        assert!((figures.concurrent_max.mean - 1.0).abs() < 1e-9 && figures.concurrent_max.error <= 0.0);
    }
}
