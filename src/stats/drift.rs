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
use crate::num::count;

/// Stretches of a series at most.
// derived: twice as many as the waves that are looked at, and some more; see there
const STRETCHES: usize = 256;

/// Slow waves that are looked at: up to half of what the stretches hold.
// derived: wave k of n stretches also shows wave 2 n - k. At k = n / 2 that adds 1 part in 81 of a drift's own: (1/3)^2 by its spectrum,
// (1/3)^2 by the mean over a stretch. 120 of 128 stay below it
const ORDINATES: usize = 120;

/// Fewer waves than these say nothing of a drift.
// derived: a variance from 8 squares has a standard error of itself of sqrt(2 / 8), a half: a drift that doubles it looks like luck
const FEWEST: usize = 8;

/// How likely it is, before any data, that terms are independent.
// measured: a judgement, held by `cargo bench --bench compare` (1000 pairs): of equal runs without a drift 7 are called changed, with one
// over 5 s 9, over a third of the run 43. Other values were not tried
const INDEPENDENT: f64 = 0.6;

/// How likely it is, before any data, that neighbours depend on each other without a drift.
// measured: with INDEPENDENT
const STEADY: f64 = 0.25;

/// The span of the scales that dependent terms may have, as a logarithm: from half the variance of independent ones to 32 times as much.
// derived: ln (32 / 0.5)
const SCALES: f64 = 4.158_883;

/// Degrees of freedom of a variance that every term tells of.
// derived: so many that Student's t is the normal distribution (`student::MANY`)
const SURE: f64 = 1e9;

/// The wave at which a drift has half of its power: its time of correlation is a part 1 / (pi corner) of the series, so that a third of
/// it is the slowest that is thought of.
// derived: steps of sqrt(2), rounded, from a drift whose time of correlation is 1 / pi of the run to one of a hundredth of it, of which
// ORDINATES waves still see the fall by 1 / (1 + (120 / 32)^2), a fifteenth
const CORNERS: [f64; 11] = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0];

/// The power of the slowest drift against that of a wave without it: from a half to some ten thousand, by factors of two.
// derived: half as much power makes limits wider by less than sqrt(1.5), 22 %; and a drift that is all of the variance of N terms, with a
// time of correlation of a third of them, has 2 N / 3: 2^14 is that of 25,000 terms
const POWERS: std::ops::RangeInclusive<i32> = -1..=14;

/// Hypotheses of less weight do not change an answer.
// derived: all 178 of them together are 2e-5 of a p value, a 500th of the 1 % that is asked for
const NEGLIGIBLE: f64 = 1e-7;

/// The slow waves of one series: what each would make of the variance of the mean, if all were alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Periodogram(Vec<f64>);

/// The slow waves of a series; empty if it is too short.
pub fn periodogram(series: &[f64]) -> Periodogram {
    let stretches = STRETCHES.min(series.len());
    let ordinates = ORDINATES.min(stretches / 2);
    if ordinates < FEWEST {
        return Periodogram(Vec::new());
    }
    let bound = |i: usize| i * series.len() / stretches;
    let means: Vec<f64> = (0..stretches).map(|i| batch::mean(&series[bound(i)..bound(i + 1)])).collect();
    // derived: cos(pi k (2 j + 1) / 2 n) has the period 4 n in k (2 j + 1)
    let turn = 4 * stretches;
    let cosines: Vec<f64> = (0..turn).map(|i| (2.0 * PI * count(i) / count(turn)).cos()).collect();
    let wave = |k: usize| means.iter().enumerate().map(|(j, mean)| mean * cosines[k * (2 * j + 1) % turn]).sum::<f64>();
    // The transform's scale is sqrt(2 / n), the mean's variance an n-th of a stretch's.
    let scale = 2.0 / count(stretches) / count(stretches);
    Periodogram((1..=ordinates).map(|k| wave(k).powi(2) * scale).collect())
}

/// Standard errors within this factor are one.
// derived: about the weighted mean the first order cancels, and p = 2 Q(t) changes by t (t^2 - 1) phi(t) times the variance of the
// logarithms, at most (0.03 / 2)^2: at p = 1 % that is 0.5 % of p
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
        let corner = (1.0 - INDEPENDENT - STEADY) / count(CORNERS.len());
        Self { independent: INDEPENDENT, steady: STEADY, corners: [corner; CORNERS.len()] }
    }
}

impl Prior {
    /// Of a series from the same calls as the one that `self` is the posterior of: what makes one drift most likely makes the other drift,
    /// and as slowly.
    #[must_use]
    pub fn for_relatives(&self) -> Self {
        let (own, mix) = (Self::default(), |posterior: f64, own: f64| posterior + OF_ITS_OWN * (own - posterior));
        Self {
            independent: mix(self.independent, own.independent),
            steady: mix(self.steady, own.steady),
            corners: std::array::from_fn(|i| mix(self.corners[i], own.corners[i])),
        }
    }
}

/// How likely it is that a series drifts for reasons of its own.
// measured: a judgement, held by `cargo bench --bench compare` (1000 pairs): since figures share what is believed, equal runs with a drift
// over 5 s are called changed 9 times instead of 16. Other values were not tried
const OF_ITS_OWN: f64 = 0.1;

/// One hypothesis about the variance of a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// How likely it is; all of them make 1.
    pub weight: f64,
    /// The mean over the series of the variances of their means.
    pub variance: f64,
    /// Its degrees of freedom.
    pub dof: f64,
}

/// What is to be believed once the series are seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// Of the variance of the mean.
    pub components: Vec<Component>,
    /// Of the dependence of the series: the prior of whatever is asked of them next.
    pub drift: Prior,
}

/// What is to be believed of the variance of the means of series that drift alike, of which `independent` are no function of the others;
/// `plain` is the mean of the variances that independent terms would give. `None` if a series is too short, or none varies.
pub fn posterior(series: &[Periodogram], independent: usize, plain: f64, prior: &Prior) -> Option<Posterior> {
    let ordinates = series.iter().map(|one| one.0.len()).min().unwrap_or(0);
    let (independent, share) = (independent.max(1), count(independent.max(1)) / count(series.len().max(1)));
    let pooled: Vec<f64> = (0..ordinates).map(|k| series.iter().map(|one| one.0[k]).sum::<f64>() * share).collect();
    let sum: f64 = pooled.iter().sum();
    if ordinates == 0 || sum <= 0.0 || plain <= 0.0 {
        return None;
    }
    let dof = count(ordinates) * count(independent);
    // For now the logarithms of the weights. The scale is known in the first one alone.
    // derived: normal waves of one variance v have the logarithm -0.5 (dof ln v + sum / v)
    let weight = prior.independent.ln() - 0.5 * (dof * plain.ln() + sum / plain);
    let known = Component { weight, variance: plain, dof: SURE };
    // derived: over all v, each scale alike (dv / v), that is gamma(dof / 2) (sum / 2)^(-dof / 2), over the span of the scales
    let open = ln_gamma(0.5 * dof) - SCALES.ln();
    let of = |hypothesis: Hypothesis| {
        let (mut logarithms, mut squares) = (0.0, 0.0);
        for (k, square) in (1..=ordinates).zip(&pooled) {
            let height = hypothesis.height(k);
            logarithms += height.ln();
            squares += square / height;
        }
        // derived: the same, each wave divided by its height
        let weight = hypothesis.prior.ln() + open - 0.5 * (count(independent) * logarithms + dof * (0.5 * squares).ln());
        Component { weight, variance: squares / dof * hypothesis.of_the_mean(), dof }
    };
    let mut found: Vec<Component> = std::iter::once(known).chain(hypotheses(prior).map(of)).collect();
    exp_normalize(&mut found);
    let mut drift = Prior { independent: found[0].weight, steady: found[1].weight, corners: [0.0; CORNERS.len()] };
    for (i, component) in found[2..].iter().enumerate() {
        drift.corners[i % CORNERS.len()] += component.weight;
    }
    Some(Posterior { components: prune(found), drift })
}

/// A shape of the spectrum, with an unknown scale.
#[derive(Debug, Clone, Copy)]
struct Hypothesis {
    /// The power of the slowest drift against that of a wave without it; 0 without a drift.
    power: f64,
    /// The wave at which a drift has half of its power.
    corner: f64,
    prior: f64,
}

/// A steady series, then drifts of every power and corner, corners innermost.
fn hypotheses(prior: &Prior) -> impl Iterator<Item = Hypothesis> {
    let powers = count(POWERS.count());
    let steady = Hypothesis { power: 0.0, corner: 1.0, prior: prior.steady };
    let drifts = POWERS.flat_map(|power| (0..CORNERS.len()).map(move |at| (2f64.powi(power), at)));
    let drift = move |(power, at): (f64, usize)| Hypothesis { power, corner: CORNERS[at], prior: prior.corners[at] / powers };
    std::iter::once(steady).chain(drifts.map(drift))
}

impl Hypothesis {
    /// The variance of wave `k` against that of one far above the corner.
    fn height(self, k: usize) -> f64 {
        1.0 + self.power / (1.0 + (count(k) / self.corner).powi(2))
    }

    /// The variance of the mean against the same.
    fn of_the_mean(self) -> f64 {
        1.0 + self.power * of_the_mean(self.corner)
    }
}

/// Weights from their logarithms.
fn exp_normalize(components: &mut [Component]) {
    let highest = components.iter().map(|component| component.weight).fold(f64::NEG_INFINITY, f64::max);
    for component in &mut *components {
        component.weight = (component.weight - highest).exp();
    }
    normalize(components);
}

/// Weights that make 1.
fn normalize(components: &mut [Component]) {
    let sum: f64 = components.iter().map(|component| component.weight).sum();
    for component in components {
        component.weight /= sum;
    }
}

/// Leaves out what is negligible.
fn prune(mut components: Vec<Component>) -> Vec<Component> {
    components.retain(|component| component.weight > NEGLIGIBLE);
    normalize(&mut components);
    components
}

/// A mixture from components whose weights are logarithms, up to a constant; what is negligible is left out.
pub fn mixture(mut components: Vec<Component>) -> Vec<Component> {
    exp_normalize(&mut components);
    prune(components)
}

/// The variance of the mean of a drift of finite length, against that of a wave far below its corner.
fn of_the_mean(corner: f64) -> f64 {
    let time = 1.0 / (PI * corner);
    1.0 - time * (1.0 - (-1.0 / time).exp())
}

/// The distribution of a deviation under several hypotheses at once: a mixture of Student's t.
#[derive(Debug, Clone, PartialEq)]
pub struct PosteriorT {
    parts: Vec<ScaledT>,
}

/// Student's t with a scale of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ScaledT {
    weight: f64,
    /// In units of the standard error that deviations are given in.
    error: f64,
    dof: f64,
}

impl PosteriorT {
    /// Deviations are given in standard errors of a variance of `unit`.
    pub fn new(components: &[Component], unit: f64) -> Self {
        let mut sorted: Vec<&Component> = components.iter().collect();
        sorted.sort_by(|a, b| a.variance.total_cmp(&b.variance));
        let mut parts: Vec<ScaledT> = Vec::new();
        let mut first = 0.0;
        for component in sorted {
            // Nothing varies: a deviation of nothing is any number of nothings.
            let error = if unit > 0.0 { (component.variance / unit).sqrt() } else { 1.0 };
            match parts.last_mut() {
                // Components that hardly differ are one.
                Some(part) if error <= first * ALIKE => {
                    let share = component.weight / (part.weight + component.weight);
                    part.weight += component.weight;
                    part.error += (error - part.error) * share;
                    part.dof = part.dof.min(component.dof);
                }
                _ => {
                    first = error;
                    parts.push(ScaledT { weight: component.weight, error, dof: component.dof });
                }
            }
        }
        Self { parts }
    }

    /// The two-sided p value of a deviation of `t` units.
    pub fn two_sided(&self, t: f64) -> f64 {
        let of = |part: &ScaledT| {
            let certain = f64::from(u8::from(t.abs() <= 0.0));
            part.weight * if part.error > 0.0 { student::two_sided(t / part.error, part.dof) } else { certain }
        };
        self.parts.iter().map(of).sum::<f64>().min(1.0)
    }

    /// The number of units that a share `confidence` (0 to 1) lies within, on both sides.
    pub fn critical(&self, confidence: f64) -> f64 {
        // derived: as in `student::critical`
        let alpha = 1.0 - confidence.clamp(0.0, 1.0 - 1e-12);
        let each = self.parts.iter().map(|part| part.error * student::critical(confidence, part.dof));
        let (mut low, mut high) = each.fold((f64::INFINITY, 0.0f64), |(low, high), t| (low.min(t), high.max(t)));
        // derived: 40 halvings leave 2^-40 of the bracket, 1e-12
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.two_sided(middle) > alpha { low = middle } else { high = middle }
        }
        high
    }
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

    fn of(seed: u64, slow: f64, calls: f64) -> (f64, PosteriorT) {
        let series = [series(2 * seed, slow, calls), series(2 * seed + 1, slow, calls)];
        let plain = series.each_ref().map(|series| batch::plain_variance(series));
        let spectra = series.each_ref().map(|series| periodogram(series));
        let found = posterior(&spectra, 2, batch::mean(&plain), &Prior::default()).unwrap();
        (batch::mean(&series[0]) - batch::mean(&series[1]), PosteriorT::new(&found.components, 0.5))
    }

    /// Differences of equals have small p values as seldom as they should, with and without a drift.
    #[test]
    fn as_sure_as_it_says() {
        for (slow, calls) in [(0.0, 1.0), (0.05, 100.0), (0.05, 500.0)] {
            let wrong = (0..400)
                .filter(|seed| {
                    let (d, t) = of(*seed, slow, calls);
                    t.two_sided(d) < 0.05
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
        let (_, t) = of(1, 0.05, 500.0);
        assert!((t.two_sided(t.critical(0.99)) - 0.01).abs() < 1e-6);
        assert!((t.two_sided(0.0) - 1.0).abs() < 1e-9);
        let of = |series: &[Periodogram], plain| posterior(series, series.len(), plain, &Prior::default());
        assert_eq!(of(&[periodogram(&[1.0; 15])], 1.0), None);
        assert_eq!(of(&[periodogram(&[1.0; 100])], 0.0), None);
        assert_eq!(of(&[], 1.0), None);
    }

    /// What a drifting series tells is believed of its relatives; all of a prior makes 1.
    #[test]
    fn relatives_are_told() {
        let drifting = |prior: &Prior| prior.corners.iter().sum::<f64>();
        let told = |slow| {
            let series = [series(1, slow, 500.0), series(2, slow, 500.0)];
            let plain = series.each_ref().map(|series| batch::plain_variance(series));
            let spectra = series.each_ref().map(|series| periodogram(series));
            posterior(&spectra, 2, batch::mean(&plain), &Prior::default()).unwrap().drift.for_relatives()
        };
        let (steady, drifts) = (told(0.0), told(0.05));
        assert!(drifting(&steady) < drifting(&Prior::default()) && drifting(&drifts) > 0.9, "{steady:?} {drifts:?}");
        for prior in [steady, drifts, Prior::default()] {
            assert!((prior.independent + prior.steady + drifting(&prior) - 1.0).abs() < 1e-5, "{prior:?}");
        }
    }
}
