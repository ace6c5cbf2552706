//! How sure the mean of a series is that may drift.
//!
//! Terms in the order of time are seen through their slow waves: the cosine transform of the means of up to 256 stretches. Where
//! neighbours are independent, or depend on each other over less than a stretch, every wave has the same variance, which is that of the
//! mean. A drift makes the slowest waves larger; as a model of it stands an Ornstein-Uhlenbeck process, whose waves fall with the square
//! of their number from a corner on. How strong it is and where its corner lies is not known, so a grid of hypotheses is held: each has
//! the weight that the waves give it (Bayes; an unknown scale is integrated out), a variance of the mean, and so Student's
//! t. The chance of a mean is the weighted mean of theirs: a series that surely drifts has few effective terms and wide limits, one that
//! surely does not pays next to nothing. Refuses to choose one hypothesis and to forget that it was chosen.

use std::f64::consts::PI;

use statrs::function::gamma::ln_gamma;

use super::batch;
use super::student;

/// Stretches of a series at most.
const STRETCHES: usize = 256;

/// Slow waves that are looked at: up to half of what the stretches hold.
const WAVES: usize = 120;

/// Fewer waves than these say nothing of a drift.
const FEWEST: usize = 8;

/// How likely it is, before any data, that terms are independent; and that neighbours depend on each other without a drift.
const INDEPENDENT: f64 = 0.6;
const STEADY: f64 = 0.25;

/// The span of the scales that dependent terms may have, as a logarithm: from half the variance of independent ones to 32 times as much.
const SCALES: f64 = 4.158_883;

/// Degrees of freedom of a variance that every term tells of.
const SURE: f64 = 1e9;

/// The wave at which a drift has half of its power: its time of correlation is a part 1 / (pi corner) of the series, so that a third of
/// it is the slowest that is thought of.
const CORNERS: [f64; 11] = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0];

/// The power of the slowest drift against that of a wave without it: from a half to some ten thousand, by factors of two.
const POWERS: std::ops::RangeInclusive<i32> = -1..=14;

/// Hypotheses of less weight do not change an answer.
const NEGLIGIBLE: f64 = 1e-7;

/// The slow waves of one series: what each would make of the variance of the mean, if all were alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Waves(Vec<f64>);

/// The slow waves of a series; empty if it is too short.
pub fn waves(series: &[f64]) -> Waves {
    let stretches = STRETCHES.min(series.len());
    let count = WAVES.min(stretches / 2);
    if count < FEWEST {
        return Waves(Vec::new());
    }
    let bound = |i: usize| i * series.len() / stretches;
    let means: Vec<f64> = (0..stretches).map(|i| batch::mean(&series[bound(i)..bound(i + 1)])).collect();
    // cos(pi k (2 j + 1) / 2 n) has the period 4 n in k (2 j + 1).
    let turn = 4 * stretches;
    let cosines: Vec<f64> = (0..turn).map(|i| (2.0 * PI * number(i) / number(turn)).cos()).collect();
    let wave = |k: usize| means.iter().enumerate().map(|(j, mean)| mean * cosines[k * (2 * j + 1) % turn]).sum::<f64>();
    // The transform's scale is sqrt(2 / n), the mean's variance an n-th of a stretch's.
    let scale = 2.0 / number(stretches) / number(stretches);
    Waves((1..=count).map(|k| wave(k).powi(2) * scale).collect())
}

/// Standard errors within this factor are one.
const ALIKE: f64 = 1.03;

/// What is believed of the dependence of a series before its own data: how likely it is that terms are independent, that neighbours
/// depend on each other without a drift, and that there is a drift with each of the corners. All of it makes 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    independent: f64,
    steady: f64,
    corners: [f64; CORNERS.len()],
}

impl Default for Prior {
    /// Of a series of which nothing else is known.
    fn default() -> Self {
        let corner = (1.0 - INDEPENDENT - STEADY) / number(CORNERS.len());
        Self { independent: INDEPENDENT, steady: STEADY, corners: [corner; CORNERS.len()] }
    }
}

impl Prior {
    /// Of a series from the same calls as the one that `self` was learnt from: what makes one drift most likely makes the other drift,
    /// and as slowly.
    #[must_use]
    pub fn for_relatives(&self) -> Self {
        let (own, mix) = (Self::default(), |learnt: f64, own: f64| learnt + OF_ITS_OWN * (own - learnt));
        Self {
            independent: mix(self.independent, own.independent),
            steady: mix(self.steady, own.steady),
            corners: std::array::from_fn(|i| mix(self.corners[i], own.corners[i])),
        }
    }
}

/// How likely it is that a series drifts for reasons of its own.
const OF_ITS_OWN: f64 = 0.1;

/// One belief about the variance of a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// How likely it is; all of them make 1.
    pub weight: f64,
    /// The mean over the series of the variances of their means.
    pub variance: f64,
    /// Its degrees of freedom.
    pub freedom: f64,
}

/// What is to be believed of the variance of the means of series that drift alike, of which `independent` are no function of the others,
/// with what is to be believed of their drift then; `plain` is the mean of the variances that independent terms would give. `None` if a
/// series is too short, or none varies.
pub fn beliefs(series: &[Waves], independent: usize, plain: f64, prior: &Prior) -> Option<(Vec<Belief>, Prior)> {
    let count = series.iter().map(|waves| waves.0.len()).min().unwrap_or(0);
    let (independent, share) = (independent.max(1), number(independent.max(1)) / number(series.len().max(1)));
    let waves: Vec<f64> = (0..count).map(|k| series.iter().map(|waves| waves.0[k]).sum::<f64>() * share).collect();
    let sum: f64 = waves.iter().sum();
    if count == 0 || sum <= 0.0 || plain <= 0.0 {
        return None;
    }
    let freedom = number(count) * number(independent);
    let powers = number(POWERS.count());
    let drifts = POWERS.flat_map(|power| (0..CORNERS.len()).map(move |at| (2f64.powi(power), CORNERS[at], at)));
    let drifts = drifts.map(|(power, corner, at)| (power, corner, prior.corners[at] / powers));
    let hypotheses = std::iter::once((0.0, 1.0, prior.steady)).chain(drifts);
    // For now the logarithms of the weights. The scale is known in the first one alone.
    let weight = prior.independent.ln() - 0.5 * (freedom * plain.ln() + sum / plain);
    let known = Belief { weight, variance: plain, freedom: SURE };
    let open = ln_gamma(0.5 * freedom) - SCALES.ln();
    let of = |(power, corner, prior): (f64, f64, f64)| {
        let (mut logarithms, mut squares) = (0.0, 0.0);
        for (k, square) in (1..=count).zip(&waves) {
            let height = 1.0 + power / (1.0 + (number(k) / corner).powi(2));
            logarithms += height.ln();
            squares += square / height;
        }
        let weight = prior.ln() + open - 0.5 * (number(independent) * logarithms + freedom * (0.5 * squares).ln());
        Belief { weight, variance: squares / freedom * (1.0 + power * of_the_mean(corner)), freedom }
    };
    let mut found: Vec<Belief> = std::iter::once(known).chain(hypotheses.map(of)).collect();
    weigh(&mut found);
    let mut learnt = Prior { independent: found[0].weight, steady: found[1].weight, corners: [0.0; CORNERS.len()] };
    for (i, belief) in found[2..].iter().enumerate() {
        learnt.corners[i % CORNERS.len()] += belief.weight;
    }
    Some((worth_it(found), learnt))
}

/// Weights from their logarithms.
fn weigh(beliefs: &mut [Belief]) {
    let highest = beliefs.iter().map(|belief| belief.weight).fold(f64::NEG_INFINITY, f64::max);
    for belief in &mut *beliefs {
        belief.weight = (belief.weight - highest).exp();
    }
    share_out(beliefs);
}

/// Weights that make 1.
fn share_out(beliefs: &mut [Belief]) {
    let sum: f64 = beliefs.iter().map(|belief| belief.weight).sum();
    for belief in beliefs {
        belief.weight /= sum;
    }
}

/// Leaves out what is negligible.
fn worth_it(mut beliefs: Vec<Belief>) -> Vec<Belief> {
    beliefs.retain(|belief| belief.weight > NEGLIGIBLE);
    share_out(&mut beliefs);
    beliefs
}

/// Beliefs with weights from their logarithms; what is negligible is left out.
pub fn normalised(mut beliefs: Vec<Belief>) -> Vec<Belief> {
    weigh(&mut beliefs);
    worth_it(beliefs)
}

/// The variance of the mean of a drift of finite length, against that of a wave far below its corner.
fn of_the_mean(corner: f64) -> f64 {
    let time = 1.0 / (PI * corner);
    1.0 - time * (1.0 - (-1.0 / time).exp())
}

/// The chance of a deviation under several beliefs at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// Weight, standard error in units of the one that deviations are given in, and degrees of freedom.
    parts: Vec<(f64, f64, f64)>,
}

impl Doubt {
    /// Deviations are given in standard errors of a variance of `unit`.
    pub fn new(beliefs: &[Belief], unit: f64) -> Self {
        let mut sorted: Vec<&Belief> = beliefs.iter().collect();
        sorted.sort_by(|a, b| a.variance.total_cmp(&b.variance));
        let mut parts: Vec<(f64, f64, f64)> = Vec::new();
        let mut first = 0.0;
        for belief in sorted {
            // Nothing varies: a deviation of nothing is any number of nothings.
            let error = if unit > 0.0 { (belief.variance / unit).sqrt() } else { 1.0 };
            match parts.last_mut() {
                // Beliefs that hardly differ are one.
                Some((weight, of, freedom)) if error <= first * ALIKE => {
                    let share = belief.weight / (*weight + belief.weight);
                    *weight += belief.weight;
                    *of += (error - *of) * share;
                    *freedom = freedom.min(belief.freedom);
                }
                _ => {
                    first = error;
                    parts.push((belief.weight, error, belief.freedom));
                }
            }
        }
        Self { parts }
    }

    /// The two-sided p value of a deviation of `t` units.
    pub fn two_sided(&self, t: f64) -> f64 {
        let of = |(weight, error, freedom): &(f64, f64, f64)| {
            weight * if *error > 0.0 { student::two_sided(t / error, *freedom) } else { f64::from(u8::from(t.abs() <= 0.0)) }
        };
        self.parts.iter().map(of).sum::<f64>().min(1.0)
    }

    /// The number of units that a share `confidence` (0 to 1) lies within, on both sides.
    pub fn critical(&self, confidence: f64) -> f64 {
        let alpha = 1.0 - confidence.clamp(0.0, 1.0 - 1e-12);
        let each = self.parts.iter().map(|(_, error, freedom)| error * student::critical(confidence, *freedom));
        let (mut low, mut high) = each.fold((f64::INFINITY, 0.0f64), |(low, high), t| (low.min(t), high.max(t)));
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.two_sided(middle) > alpha { low = middle } else { high = middle }
        }
        high
    }
}

#[allow(clippy::cast_precision_loss)] // lengths of series in memory
const fn number(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draw::{Stream, normal};

    /// White noise of variance 1 and a drift of variance `slow` that forgets within `calls`.
    fn series(seed: u64, slow: f64, calls: f64) -> Vec<f64> {
        let keep = (-1.0 / calls).exp();
        let mut drift = normal(seed, Stream::Fault, 0);
        (1..=6000)
            .map(|i| {
                drift = keep * drift + (1.0 - keep * keep).sqrt() * normal(seed, Stream::Fault, i);
                normal(seed, Stream::Latency, i) + slow.sqrt() * drift
            })
            .collect()
    }

    fn of(seed: u64, slow: f64, calls: f64) -> (f64, Doubt) {
        let series = [series(2 * seed, slow, calls), series(2 * seed + 1, slow, calls)];
        let plain = series.each_ref().map(|series| batch::plain_variance(series));
        let waves = series.each_ref().map(|series| waves(series));
        let (beliefs, _) = beliefs(&waves, 2, batch::mean(&plain), &Prior::default()).unwrap();
        (batch::mean(&series[0]) - batch::mean(&series[1]), Doubt::new(&beliefs, 0.5))
    }

    /// Differences of equals have small p values as seldom as they should, with and without a drift.
    #[test]
    fn as_sure_as_it_says() {
        for (slow, calls) in [(0.0, 1.0), (0.05, 100.0), (0.05, 500.0)] {
            let wrong = (0..400)
                .filter(|seed| {
                    let (d, doubt) = of(*seed, slow, calls);
                    doubt.two_sided(d) < 0.05
                })
                .count();
            assert!((4..=32).contains(&wrong), "{slow} {calls}: {wrong} of 400");
        }
    }

    /// A steady series pays little for the doubt, a drifting one much.
    #[test]
    fn doubt_is_dear_only_where_it_is_due() {
        let mean = |slow, calls| (0..50).map(|seed| of(seed, slow, calls).1.critical(0.99)).sum::<f64>() / 50.0;
        let plain = student::critical(0.99, 1e9) * (2.0f64 / 6000.0).sqrt();
        let (steady, drifting) = (mean(0.0, 1.0) / plain, mean(0.05, 500.0) / plain);
        assert!(steady < 1.15 && drifting > 6.0, "{steady} {drifting}");
    }

    /// The critical value is where the chance is what was asked for; nothing can be said of a few terms, nor of terms that do not vary.
    #[test]
    fn edges() {
        let (_, doubt) = of(1, 0.05, 500.0);
        assert!((doubt.two_sided(doubt.critical(0.99)) - 0.01).abs() < 1e-6);
        assert!((doubt.two_sided(0.0) - 1.0).abs() < 1e-9);
        let of = |series: &[Waves], plain| beliefs(series, series.len(), plain, &Prior::default());
        assert_eq!(of(&[waves(&[1.0; 15])], 1.0), None);
        assert_eq!(of(&[waves(&[1.0; 100])], 0.0), None);
        assert_eq!(of(&[], 1.0), None);
    }

    /// What is learnt from a drifting series is believed of its relatives; all of a prior makes 1.
    #[test]
    fn relatives_are_told() {
        let drifting = |prior: &Prior| prior.corners.iter().sum::<f64>();
        let learnt = |slow| {
            let series = [series(1, slow, 500.0), series(2, slow, 500.0)];
            let plain = series.each_ref().map(|series| batch::plain_variance(series));
            let waves = series.each_ref().map(|series| waves(series));
            beliefs(&waves, 2, batch::mean(&plain), &Prior::default()).unwrap().1.for_relatives()
        };
        let (steady, drifts) = (learnt(0.0), learnt(0.05));
        assert!(drifting(&steady) < drifting(&Prior::default()) && drifting(&drifts) > 0.9, "{steady:?} {drifts:?}");
        for prior in [steady, drifts, Prior::default()] {
            assert!((prior.independent + prior.steady + drifting(&prior) - 1.0).abs() < 1e-5, "{prior:?}");
        }
    }
}
