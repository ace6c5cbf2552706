//! Demand over time: what was given, and the curve that it is in one case.

use std::f64::consts::{SQRT_2, TAU};
use std::time::Duration;

use statrs::function::erf::erfc;
use statrs::function::gamma::{gamma_lr, ln_gamma};

use super::spread::{Case, Uncertain};
use crate::num::{count, float, place};
use crate::schedule::Stage;
use crate::stats::root;
use crate::units::Rate;

/// Demand as a plan gives it. Whatever is in it adds up.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// How long the plan is, in seconds.
    pub length_s: f64,
    /// A plateau of users per second from the start, and its length in seconds.
    pub peak: Option<(Uncertain, f64)>,
    /// Users per second all the time.
    pub base: Uncertain,
    /// What makes users come.
    pub events: Vec<Event>,
    /// Users per second in bins of a file, scaled.
    pub file: Option<Bins>,
    /// Coefficient of variation of the rate from minute to minute.
    pub dispersion: f64,
    /// Where it comes from, for reports.
    pub source: String,
}

/// Something that makes users come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// When, in seconds.
    pub at_s: f64,
    /// How many it reaches.
    pub audience: Uncertain,
    /// Which share of them verifies.
    pub responds: Uncertain,
    /// How they come.
    pub shape: ResponseShape,
}

/// How those who respond come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ResponseShape {
    /// After a log-normal delay from when their message was sent.
    Message {
        /// Its median, in seconds.
        median_s: Uncertain,
        /// The deviation of its logarithm.
        sigma: Uncertain,
        /// How long the sending takes, in seconds.
        send_over_s: Uncertain,
    },
    /// As a pulse that rises and falls.
    Pulse {
        /// The mean delay, in seconds.
        mean_s: Uncertain,
    },
    /// From one instant on, ever fewer.
    Tail {
        /// The mean delay, in seconds.
        mean_s: Uncertain,
    },
    /// Over the hours of a day.
    Day {
        /// Peak to mean.
        ratio: Uncertain,
    },
}

/// Counts of a file as users per second, evenly within each bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    /// Length of a bin in seconds.
    pub width_s: f64,
    /// Users per second.
    pub rates: Vec<f64>,
}

/// The demand in one case: a curve with its area in closed form.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandCurve {
    /// How long it is, in seconds.
    pub length_s: f64,
    parts: Vec<Summand>,
}

/// One summand, in numbers.
#[derive(Debug, Clone, PartialEq)]
enum Summand {
    Flat { rate: f64, until: f64 },
    Message { at: f64, users: f64, mu: f64, sigma: f64, send_over: f64 },
    Pulse { at: f64, users: f64, shape: f64, scale: f64 },
    Tail { at: f64, users: f64, mean: f64 },
    Day { at: f64, per_s: f64, kappa: f64, norm: f64 },
    Bins { width: f64, rates: Vec<f64>, before: Vec<f64> },
}

/// When a pulse peaks, in seconds (Kitts, Bardaro, Au, Lee, Lee, Borchardt, Schwartz, Sobieski, Wadsworth-Drake: Can television advertising
/// impact be measured on the web? 2014: 13 s after the spot).
const PULSE_PEAK: f64 = 13.0;

const DAY: f64 = 86_400.0;

impl Demand {
    /// The curve of a case; messages are sent over `send_over_s` where that is given.
    pub fn curve(&self, case: &Case, send_over_s: Option<f64>) -> DemandCurve {
        let mut parts = vec![Summand::Flat { rate: self.base.at(case), until: self.length_s }];
        if let Some((rate, until)) = &self.peak {
            parts.push(Summand::Flat { rate: rate.at(case), until: *until });
        }
        parts.extend(self.events.iter().map(|event| event.part(case, send_over_s)));
        if let Some(bins) = &self.file {
            let mut before = Vec::with_capacity(bins.rates.len());
            let mut sum = 0.0;
            for rate in &bins.rates {
                before.push(sum);
                sum += rate * bins.width_s;
            }
            parts.push(Summand::Bins { width: bins.width_s, rates: bins.rates.clone(), before });
        }
        DemandCurve { length_s: self.length_s, parts }
    }

    /// Whether messages are sent over some time, which could be longer.
    pub fn has_messages(&self) -> bool {
        self.events.iter().any(|event| matches!(event.shape, ResponseShape::Message { .. }))
    }

    /// The longest sending of a message as expected, in seconds.
    pub fn sending_s(&self) -> f64 {
        let of =
            |event: &Event| if let ResponseShape::Message { send_over_s, .. } = event.shape { send_over_s.expected } else { 0.0 };
        self.events.iter().map(of).fold(0.0, f64::max)
    }
}

impl Event {
    fn part(&self, case: &Case, sending: Option<f64>) -> Summand {
        let (at, users) = (self.at_s, self.audience.at(case) * self.responds.at(case));
        match self.shape {
            ResponseShape::Message { median_s, sigma, send_over_s } => Summand::Message {
                at,
                users,
                mu: median_s.at(case).max(1e-3).ln(),
                sigma: sigma.at(case).max(1e-3),
                send_over: sending.unwrap_or_else(|| send_over_s.at(case)),
            },
            ResponseShape::Pulse { mean_s } => {
                // A gamma law whose mode and mean are given: (shape - 1) scale and shape scale.
                let scale = (mean_s.at(case) - PULSE_PEAK).max(1.0);
                Summand::Pulse { at, users, shape: PULSE_PEAK / scale + 1.0, scale }
            }
            ResponseShape::Tail { mean_s } => Summand::Tail { at, users, mean: mean_s.at(case).max(1e-3) },
            ResponseShape::Day { ratio } => {
                let kappa = concentration(ratio.at(case));
                Summand::Day { at, per_s: users / DAY, kappa, norm: bessel_0(kappa) }
            }
        }
    }
}

/// The k of a von Mises density e^(k cos) / I0(k) whose peak is `ratio` times its mean.
fn concentration(ratio: f64) -> f64 {
    // derived: at k = 700 the peak is 66 times the mean, more than any day has; e^700 is still a float
    root::rises_to(ratio, 0.0, 700.0, |k| k.exp() / bessel_0(k))
}

/// The modified Bessel function I0, by its mean over the circle: exact to rounding for as many points as its argument needs.
fn bessel_0(k: f64) -> f64 {
    const POINTS: u64 = 256;
    (0..POINTS).map(|i| (k * (TAU * float(i) / float(POINTS)).cos()).exp()).sum::<f64>() / float(POINTS)
}

/// The standard normal distribution function.
fn normal_below(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// The integral of a log-normal distribution function from 0 to `t`: t F(t) - E[X; X < t].
fn integrated(t: f64, mu: f64, sigma: f64) -> f64 {
    if t <= 0.0 {
        return 0.0;
    }
    let z = (t.ln() - mu) / sigma;
    t * normal_below(z) - (mu + sigma * sigma / 2.0).exp() * normal_below(z - sigma)
}

fn below(t: f64, mu: f64, sigma: f64) -> f64 {
    if t <= 0.0 { 0.0 } else { normal_below((t.ln() - mu) / sigma) }
}

/// Sending that is shorter than this is at once.
const AT_ONCE: f64 = 1e-3;

impl Summand {
    /// Users per second at `t`.
    fn rate(&self, t: f64) -> f64 {
        match self {
            Self::Flat { rate, until } => {
                if (0.0..*until).contains(&t) {
                    *rate
                } else {
                    0.0
                }
            }
            Self::Message { at, users, mu, sigma, send_over } => {
                let since = t - at;
                if since <= 0.0 {
                    0.0
                } else if *send_over > AT_ONCE {
                    users * (below(since, *mu, *sigma) - below(since - send_over, *mu, *sigma)) / send_over
                } else {
                    let z = (since.ln() - mu) / sigma;
                    users * (-z * z / 2.0).exp() / (since * sigma * TAU.sqrt())
                }
            }
            Self::Pulse { at, users, shape, scale } => {
                let since = (t - at) / scale;
                if since <= 0.0 { 0.0 } else { users * ((shape - 1.0) * since.ln() - since - ln_gamma(*shape)).exp() / scale }
            }
            Self::Tail { at, users, mean } => {
                if t < *at {
                    0.0
                } else {
                    users / mean * (-(t - at) / mean).exp()
                }
            }
            Self::Day { at, per_s, kappa, norm } => per_s * (kappa * (TAU * (t - at) / DAY).cos()).exp() / norm,
            Self::Bins { width, rates, .. } => {
                if t < 0.0 {
                    0.0
                } else {
                    rates.get(place(t / width)).copied().unwrap_or(0.0)
                }
            }
        }
    }

    /// Users from the start to `t`; `None` where only a sum of rates says it.
    fn until(&self, t: f64) -> Option<f64> {
        Some(match self {
            Self::Flat { rate, until } => rate * t.clamp(0.0, *until),
            Self::Message { at, users, mu, sigma, send_over } => {
                let since = t - at;
                if *send_over > AT_ONCE {
                    users * (integrated(since, *mu, *sigma) - integrated(since - send_over, *mu, *sigma)) / send_over
                } else {
                    users * below(since, *mu, *sigma)
                }
            }
            Self::Pulse { at, users, shape, scale } => {
                if t > *at {
                    users * gamma_lr(*shape, (t - at) / scale)
                } else {
                    0.0
                }
            }
            Self::Tail { at, users, mean } => {
                if t > *at {
                    -users * (-(t - at) / mean).exp_m1()
                } else {
                    0.0
                }
            }
            Self::Day { .. } => return None,
            Self::Bins { width, rates, before } => {
                let bin = place(t.max(0.0) / width);
                match (before.get(bin), rates.get(bin)) {
                    (Some(before), Some(rate)) => before + rate * (t - width * count(bin)),
                    _ => before.last().zip(rates.last()).map_or(0.0, |(before, rate)| before + rate * width),
                }
            }
        })
    }

    /// Instants near which its rate may be highest, or jumps.
    fn corners(&self) -> Vec<f64> {
        match self {
            Self::Flat { until, .. } => vec![0.0, *until],
            Self::Message { at, mu, sigma, send_over, .. } => {
                let mode = (mu - sigma * sigma).exp();
                vec![*at, at + mode, at + send_over, at + send_over + mode, at + mu.exp()]
            }
            Self::Pulse { at, .. } => vec![*at, at + PULSE_PEAK],
            Self::Tail { at, .. } => vec![*at],
            Self::Day { at, .. } => vec![at.rem_euclid(DAY)],
            Self::Bins { width, rates, .. } => {
                let mut order: Vec<usize> = (0..rates.len()).collect();
                order.sort_by(|a, b| rates[*b].total_cmp(&rates[*a]));
                let parts = [0.01, 0.5, 0.99];
                order.iter().take(TOP_BINS).flat_map(|bin| parts.map(|part| width * (count(*bin) + part))).collect()
            }
        }
    }
}

/// Bins of a file that may hold the peak, whatever is added to them.
const TOP_BINS: usize = 16;

/// Points at which a curve is looked at for its peak; the best is then closed in on.
const LOOKS: u64 = 64;

impl DemandCurve {
    /// Users per second at `t` seconds; 0 outside.
    pub fn rate(&self, t: f64) -> f64 {
        if (0.0..=self.length_s).contains(&t) { self.parts.iter().map(|part| part.rate(t)).sum() } else { 0.0 }
    }

    /// Users in all.
    pub fn users(&self) -> f64 {
        self.users_between(0.0, self.length_s)
    }

    /// Users between two instants in seconds.
    pub fn users_between(&self, from: f64, to: f64) -> f64 {
        let of = |part: &Summand| match part.until(to).zip(part.until(from)) {
            Some((to, from)) => to - from,
            None => simpson(|t| part.rate(t), from, to),
        };
        self.parts.iter().map(of).sum()
    }

    /// The highest rate, in users per second, and when it is, in seconds.
    pub fn peak(&self) -> (f64, f64) {
        let step = self.length_s / float(LOOKS);
        let grid = (0..=LOOKS).map(|i| step * float(i));
        let corners = self.parts.iter().flat_map(Summand::corners);
        let looks = grid.chain(corners.filter(|t| (0.0..=self.length_s).contains(t)));
        let best = looks.map(|t| (self.rate(t), t)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default();
        self.climb(best, step)
    }

    /// Golden sections around a look.
    fn climb(&self, best: (f64, f64), step: f64) -> (f64, f64) {
        let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = ((best.1 - step).max(0.0), (best.1 + step).min(self.length_s));
        let mut found = best;
        for _ in 0..40 {
            let (a, b) = (high - golden * (high - low), low + golden * (high - low));
            let (at_a, at_b) = (self.rate(a), self.rate(b));
            if at_a >= at_b {
                high = b;
            } else {
                low = a;
            }
            for (rate, t) in [(at_a, a), (at_b, b)] {
                if rate > found.0 {
                    found = (rate, t);
                }
            }
        }
        found
    }

    /// The curve as stages of a schedule, its rate times `factor(minute)`. Each piece has the users that the curve has there, evenly
    /// from its rate at one end to its rate at the other.
    pub fn stages(&self, factor: impl Fn(u64) -> f64) -> Vec<Stage> {
        let step = self.step();
        let mut stages = Vec::new();
        let mut t = 0.0;
        while t < self.length_s - 1e-9 {
            let end = (t + step).min(self.length_s);
            let length = Duration::from_secs_f64(end - t);
            let times = factor(crate::num::whole(t / 60.0));
            let users = self.users_between(t, end) * times;
            // Just inside, so that a jump at an edge belongs to one side.
            let inside = (end - t) * 1e-6;
            let ends = (self.rate(t + inside) * times, self.rate(end - inside) * times);
            let scale = users / (f64::midpoint(ends.0, ends.1) * (end - t));
            let scale = if scale.is_finite() { scale } else { 0.0 };
            let even = Rate::per_second(users / (end - t)).unwrap_or_default();
            let line = |rate: f64| Rate::per_second(rate * scale).unwrap_or(even);
            stages.push(Stage::Line { length, from: line(ends.0), to: line(ends.1) });
            t = end;
        }
        stages
    }

    /// Seconds of a piece: a minute of a day or more, ten seconds of a few hours, a second of minutes.
    fn step(&self) -> f64 {
        match self.length_s {
            length if length > DAY => 60.0,
            length if length > 1800.0 => 10.0,
            length if length > 60.0 => 1.0,
            _ => 0.1,
        }
    }

    /// Rates at so many evenly spaced instants, with the instants in seconds.
    pub fn drawn(&self, points: u64) -> impl Iterator<Item = (f64, f64)> {
        let step = self.length_s / float(points.max(1));
        (0..points).map(move |i| {
            let t = step * (float(i) + 0.5);
            (t, self.rate(t))
        })
    }
}

fn simpson(f: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    // An even number of cells, of five minutes at most: a day's curve bends over hours.
    let cells = 2 * (crate::num::whole((to - from) / 300.0) + 4);
    let step = (to - from) / float(cells);
    let weight = |i: u64| {
        if i == 0 || i == cells {
            1.0
        } else if i.is_multiple_of(2) {
            2.0
        } else {
            4.0
        }
    };
    (0..=cells).map(|i| weight(i) * f(from + step * float(i))).sum::<f64>() * step / 3.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn demand(events: Vec<Event>, length_s: f64, base: f64) -> Demand {
        Demand { length_s, peak: None, base: Uncertain::known(base), events, file: None, dispersion: 0.0, source: String::new() }
    }

    fn push(send_over: f64) -> Event {
        let known = Uncertain::known;
        let shape = ResponseShape::Message { median_s: known(1200.0), sigma: known(1.2), send_over_s: known(send_over) };
        Event { at_s: 600.0, audience: known(400_000.0), responds: known(0.08), shape }
    }

    /// The push of the worked example: its peak for each length of the sending, its users, and the push curves's checks.
    #[test]
    fn the_worked_example() {
        for (minutes, peak) in [(0.0, 20.2), (10.0, 18.41), (30.0, 13.3), (60.0, 9.3), (120.0, 6.2)] {
            let curve = demand(vec![push(60.0 * minutes)], 7800.0, 2.0).curve(&Case::Expected, None);
            assert!((curve.peak().0 - peak).abs() < 0.06, "{minutes}: {:?}", curve.peak());
        }
        let curve = demand(vec![push(600.0)], 7800.0, 2.0).curve(&Case::Expected, None);
        let (_, at) = curve.peak();
        assert!(((at - 600.0) / 60.0 - 11.9).abs() < 0.05, "{at}");
        // The mean of eight simulated launches, whose standard error is that of a Poisson count.
        assert!((curve.users() - 45_382.0).abs() < 4.0 * (45_382.0_f64 / 8.0).sqrt(), "{}", curve.users());
        let longer = demand(vec![push(600.0)], 7800.0, 2.0).curve(&Case::Expected, Some(3600.0));
        assert!((longer.peak().0 - 9.3).abs() < 0.05);
    }

    /// A day has the mean and the peak that were given; a pulse its mode; a step its tail.
    #[test]
    fn shapes() {
        let known = Uncertain::known;
        let event = |shape| Event { at_s: 100.0, audience: known(86_400.0), responds: known(0.5), shape };
        let day = demand(vec![event(ResponseShape::Day { ratio: known(2.5) })], DAY, 0.0).curve(&Case::Expected, None);
        assert!((day.users() / 43_200.0 - 1.0).abs() < 1e-6, "{}", day.users());
        assert!((day.peak().0 - 1.25).abs() < 1e-6, "{:?}", day.peak());
        let pulse = demand(vec![event(ResponseShape::Pulse { mean_s: known(60.0) })], 3600.0, 0.0).curve(&Case::Expected, None);
        assert!((pulse.peak().1 - 113.0).abs() < 0.5 && (pulse.users() / 43_200.0 - 1.0).abs() < 1e-6, "{:?}", pulse.peak());
        let tail = demand(vec![event(ResponseShape::Tail { mean_s: known(60.0) })], 3600.0, 0.0).curve(&Case::Expected, None);
        assert!((tail.peak().0 - 720.0).abs() < 1.0 && (tail.users() / 43_200.0 - 1.0).abs() < 1e-6, "{:?}", tail.peak());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Stages have the users of the curve, whatever is in it, and no rate between its ends is missed by much.
        #[test]
        fn stages_keep_the_users(base in 0.0..5.0f64, minutes in 0.0..90.0f64, bins in prop::collection::vec(0.0..20.0f64, 1..60)) {
            let mut demand = demand(vec![push(60.0 * minutes)], 7200.0, base);
            demand.file = Some(Bins { width_s: 60.0, rates: bins });
            let curve = demand.curve(&Case::Expected, None);
            let area: f64 = curve.stages(|_| 1.0).iter().map(|stage| match stage {
                Stage::Line { length, from, to } => length.as_secs_f64() * f64::midpoint(from.as_f64(), to.as_f64()),
                Stage::Burst { calls } => f64::from(*calls),
            }).sum();
            prop_assert!((area / curve.users() - 1.0).abs() < 1e-4, "{} {}", area, curve.users());
            let highest = (0..7200).map(|s| curve.rate(f64::from(s))).fold(0.0, f64::max);
            prop_assert!(curve.peak().0 >= highest * 0.995, "{:?} {}", curve.peak(), highest);
        }
    }
}
