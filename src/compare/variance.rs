//! How sure a side's figure is, when neighbouring calls and whole runs may depend on each other.
//!
//! Three layers: the variance that independent calls would have; its growth by neighbours that depend on each other and by drifts, from
//! the slow waves of the series without its trend ([`drift`], [`trend`]); and what runs of one side differ beyond that (`DerSimonian`, Laird: Meta-analysis in
//! clinical trials, 1986, over both sides). Only with several runs a side can the third be seen.

use super::terms::{Terms, count_of};
use super::trend;
use crate::num::count;
use crate::stats::batch;
use crate::stats::drift::{self, Component, Posterior, PosteriorT, Prior};

/// How likely it is, before any data, that runs of a side differ by no more than chance.
// derived: even odds: nothing is known of the machines that ran them
const ALIKE: f64 = 0.5;

/// By how much they may differ else: the variance between runs against that within one, as powers of four.
// derived: a fourth of the variance within widens limits by 12 % (sqrt(1.25)); means of N calls that differ as much as single calls do have
// N times the variance within, and 4^12 is that of 17 million
const BETWEEN: std::ops::RangeInclusive<i32> = -1..=12;

/// The variances of the means of both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variance {
    pub(super) base: f64,
    pub(super) new: f64,
    /// How much dependent neighbours and drifts add to the variance: 1 or more.
    pub(super) inflation: f64,
    /// The same with what runs differ by (the design effect; Kish: Survey sampling, 1965).
    pub(super) design: f64,
    /// The chance of a difference of the means, in standard errors.
    pub(super) difference: PosteriorT,
    /// Share of the sum that comes from differences between runs.
    pub(super) between: f64,
    /// What the series say of drifts.
    pub(super) posterior: Prior,
}

/// The variances of the means of the terms of both sides, a run each, with `prior` believed of drifts.
pub(super) fn variance(base: &[Terms], new: &[Terms], prior: &Prior) -> Variance {
    let runs: Vec<&Terms> = base.iter().chain(new).collect();
    let plain: Vec<f64> = runs.iter().map(|run| batch::plain_variance(&run.values)).collect();
    let of_one = plain.iter().sum::<f64>() / count(runs.len());
    // Neighbours that repel each other are taken for luck.
    let Posterior { components: mut within, drift: posterior } = within(base, new, prior).unwrap_or_else(|| {
        let dof = count((count_of(base) + count_of(new)).saturating_sub(2)).max(1.0);
        Posterior { components: vec![Component { weight: 1.0, variance: of_one, dof }], drift: *prior }
    });
    for component in &mut within {
        component.variance = component.variance.max(of_one);
    }
    let mean = |components: &[Component]| components.iter().map(|one| one.weight * one.variance).sum::<f64>();
    let expected = mean(&within);
    let inflation = if of_one > 0.0 { expected / of_one } else { 1.0 };
    let whole = Scatter::of(base, new).added_to(&within, expected);
    let both = mean(&whole).max(expected);
    let between = both - expected;
    let side =
        |side: &[Terms], plain: &[f64]| (plain.iter().sum::<f64>() * inflation / count(side.len()) + between) / count(side.len());
    let (of_base, of_new) = plain.split_at(base.len());
    Variance {
        base: side(base, of_base),
        new: side(new, of_new),
        inflation,
        design: if of_one > 0.0 { both / of_one } else { 1.0 },
        difference: PosteriorT::new(&whole, both),
        between: if both > 0.0 { between / both } else { 0.0 },
        posterior,
    }
}

/// How far the runs of a side lie apart: the sum of the squares about their side's mean, over both sides.
struct Scatter {
    squares: f64,
    dof: f64,
}

/// The runs of a side differ by this variance beyond what is within them.
#[derive(Debug, Clone, Copy)]
struct Between {
    variance: f64,
    prior: f64,
}

impl Scatter {
    fn of(base: &[Terms], new: &[Terms]) -> Self {
        let mut scatter = Self { squares: 0.0, dof: 0.0 };
        for side in [base, new] {
            let means: Vec<f64> = side.iter().map(|run| batch::mean(&run.values)).collect();
            let grand = batch::mean(&means);
            scatter.squares += means.iter().map(|m| (m - grand).powi(2)).sum::<f64>();
            scatter.dof += count(side.len()) - 1.0;
        }
        scatter
    }

    /// What is to be believed of the variance of a run's mean, when runs may differ beyond what is within them: not at all, or by any
    /// part of `expected`, the variance within, each with the weight that the runs' distances give it.
    fn added_to(&self, within: &[Component], expected: f64) -> Vec<Component> {
        if self.dof < 1.0 || expected <= 0.0 {
            return within.to_vec();
        }
        let prior = (1.0 - ALIKE) / count(BETWEEN.count());
        // derived: powers of four, as BETWEEN says: each hypothesis doubles the spread of the one before
        let apart = BETWEEN.map(|power| Between { variance: 4f64.powi(power) * expected, prior });
        let hypotheses: Vec<Between> = std::iter::once(Between { variance: 0.0, prior: ALIKE }).chain(apart).collect();
        let of = |component: &Component, between: Between| {
            let variance = component.variance + between.variance;
            // derived: the logarithm of the chance of normal means with this variance and so many degrees of freedom
            let weight = between.prior.ln() - 0.5 * (self.dof * variance.ln() + self.squares / variance);
            Component { weight: component.weight.ln() + weight, variance, dof: component.dof }
        };
        drift::mixture(within.iter().flat_map(|component| hypotheses.iter().map(|apart| of(component, *apart))).collect())
    }
}

/// What is to be believed of the mean variance of the mean of a run, and of drifts.
fn within(base: &[Terms], new: &[Terms], prior: &Prior) -> Option<Posterior> {
    let series = trend::detrended(base, new);
    let spectra: Vec<drift::Periodogram> = series.values.iter().map(|values| drift::periodogram(values)).collect();
    let plain: f64 = series.values.iter().map(|values| batch::plain_variance(values)).sum();
    drift::posterior(&spectra, series.independent, plain / count(spectra.len()), prior)
}

#[cfg(test)]
mod tests {
    use super::super::terms;
    use super::*;
    use crate::stats::draw::{Stream, normal};
    use crate::stats::student;

    fn variance(base: &[Terms], new: &[Terms]) -> Variance {
        super::variance(base, new, &Prior::default())
    }

    fn noise(seed: u64, f: impl Fn(usize, f64) -> f64) -> Terms {
        let values = (0..6400usize).map(|i| f(i, normal(seed, Stream::Latency, i as u64))).collect();
        let bins = (0..6400).map(|i| u8::try_from(i * terms::BINS / 6400).unwrap()).collect();
        Terms { values, bins, load: [].into() }
    }

    /// Independent terms are taken as such, a shared ramp is no noise, a drift of one side is.
    #[test]
    fn a_shared_trend_is_no_noise() {
        let ramp = |i: usize| count(i) / 1000.0;
        let flat = variance(&[noise(1, |_, z| z)], &[noise(2, |_, z| z)]);
        assert!(flat.inflation < 1.5, "{flat:?}");
        let shared = variance(&[noise(1, |i, z| z + ramp(i))], &[noise(2, |i, z| z + ramp(i))]);
        assert!(shared.inflation < 1.5, "{shared:?}");
        let one = variance(&[noise(1, |_, z| z)], &[noise(2, |i, z| z + ramp(i))]);
        assert!(one.inflation > 20.0, "{one:?}");
    }

    /// With several runs a side, what all runs of one side do at some time is what changed, and no noise.
    #[test]
    fn a_trend_of_one_side_is_its_effect() {
        let step = |i: usize| if i > 3200 { 1.0 } else { 0.0 };
        let side = |first: u64, size: f64| [0, 1].map(|run| noise(first + run, |i, z| z + size * step(i)));
        let two = variance(&side(1, 0.0), &side(3, 1.0));
        assert!(two.inflation < 1.5, "{two:?}");
        let one = variance(&side(1, 0.0)[..1], &side(3, 1.0)[..1]);
        assert!(one.inflation > 10.0, "{one:?}");
    }

    /// What never happens on one side, and on the other in a part of the run, is a change: nobody waits for a second run to see that throttles
    /// have begun.
    #[test]
    fn what_happens_on_one_side_alone_is_its_effect() {
        let never = noise(1, |_, _| 0.0);
        let late = noise(2, |i, z| if i > 4800 && z > 0.0 { 1.0 } else { 0.0 });
        let found = variance(&[never], std::slice::from_ref(&late));
        assert!(found.inflation < 1.5, "{found:?}");
        // What comes and goes may go and come.
        let storm = noise(2, |i, z| if (2000..3500).contains(&i) && z > 0.0 { 1.0 } else { 0.0 });
        let unsure = variance(&[noise(1, |_, _| 0.0)], &[storm]);
        assert!(unsure.inflation > 5.0, "{unsure:?}");
        // Seldom on one side and often on the other, it may be a drift.
        let seldom = noise(3, |i, z| if i > 4800 && z > 2.0 { 1.0 } else { 0.0 });
        let unsure = variance(&[seldom], &[late]);
        assert!(unsure.inflation > 5.0, "{unsure:?}");
    }

    /// What rises with the load is its effect, and no noise; what rises without it is.
    #[test]
    fn answers_to_the_load_are_effects() {
        let refused = |seed, from: usize, load: &[f64]| Terms {
            load: load.into(),
            ..noise(seed, |i, z| if i > from && z > 1.0 - count(i - from) / 2000.0 { 1.0 } else { 0.0 })
        };
        let ramp: Vec<f64> = (0..terms::BINS).map(count).collect();
        let of = |load: &[f64]| variance(&[refused(1, 4000, load)], &[refused(2, 3000, load)]);
        assert!(of(&ramp).inflation < 2.0 && of(&[]).inflation > 5.0, "{:?} {:?}", of(&ramp), of(&[]));
    }

    /// Runs of one side that differ make the side less sure than their calls alone would.
    #[test]
    fn runs_differ() {
        let runs = |shift: f64| -> Vec<Terms> {
            (0..4).map(|r| noise(r, |_, z| z + shift * count(usize::try_from(r).unwrap()))).collect()
        };
        let same = variance(&runs(0.0), &runs(0.0));
        let unlike = variance(&runs(1.0), &runs(1.0));
        assert!(same.base < 0.001 && unlike.between > 0.99, "{same:?} {unlike:?}");
        // Means of 0, 1, 2, 3 on each side: what six degrees of freedom would say, within a fourth.
        let (found, exact) =
            (unlike.difference.critical(0.99) * unlike.base.sqrt(), student::critical(0.99, 6.0) * (5.0f64 / 3.0 / 4.0).sqrt());
        assert!(unlike.base > 0.3 && (0.8..1.25).contains(&(found / exact)), "{found} {exact} {unlike:?}");
    }
}
