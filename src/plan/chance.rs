//! Monte Carlo over what is uncertain: what is needed, and how likely the quotas are enough.
//!
//! The n-th case is a hash of (seed, input, n): the same seed gives the same bytes, and a case does not depend on the others.

use super::document::Plan;
use super::limit::{KnownLimiter, OperationQuota, rate_for};
use super::scene::{PeakLoad, Situation};
use super::spread::{Case, InputUnit, UncertainInput};
use crate::num::float;
use crate::stats::{dispersion, erlang, rank, root};

/// Cases that are drawn: they move a probability by about 0.01.
pub const DRAWS: u64 = 2000;

/// Loads at which the needed quota is computed; between them it is interpolated in logarithms.
const KNOTS: u64 = 24;

/// Something that is needed, in all cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Needed {
    /// As expected.
    pub expected: f64,
    /// In each case drawn, in their order.
    pub drawn: Vec<f64>,
    sorted: Vec<f64>,
}

impl Needed {
    fn new(expected: f64, drawn: Vec<f64>) -> Self {
        let mut sorted = drawn.clone();
        sorted.sort_by(f64::total_cmp);
        Self { expected, drawn, sorted }
    }

    /// What suffices in this share of the cases.
    pub fn in_share(&self, share: f64) -> f64 {
        rank::quantile(&self.sorted, share)
    }

    /// The share of the cases in which `have` suffices.
    pub fn within(&self, have: f64) -> f64 {
        float(self.sorted.partition_point(|needed| *needed <= have) as u64) / float(self.sorted.len().max(1) as u64)
    }
}

/// What the cases of a plan come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Chances {
    /// As expected.
    pub expected: PeakLoad,
    /// In each case.
    pub loads: Vec<PeakLoad>,
    /// Calls per second of quota, of Create, Start and Get.
    pub rates: [Needed; 3],
    /// Sessions at once.
    pub concurrent: Needed,
    /// Share of the cases in which each of the four is enough: at worst, most likely, at best.
    pub enough: [[f64; 3]; 4],
    /// What each uncertain number does.
    pub effects: Vec<Effect>,
    /// Which of the four the effects are on, in the order Create, Start, Get, concurrent: the one that is shortest.
    pub shortest: usize,
}

/// What one uncertain number does to the quota that is shortest.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Its name.
    pub input: String,
    /// What its ends are measured in.
    pub unit: InputUnit,
    /// Its low and its high end.
    pub ends: [f64; 2],
    /// What is needed with it low and high, everything else as expected.
    pub needed: [f64; 2],
    /// The correlation of its rank with that of what is needed, over all cases.
    pub spearman: f64,
}

impl Chances {
    /// Draws `draws` cases of a plan.
    pub fn of(plan: &Plan, draws: u64) -> Self {
        let scene = Situation::as_is(plan);
        let expected = scene.load(&Case::Expected);
        let case = |n: u64| Case::Drawn { seed: plan.seed, n };
        let loads: Vec<PeakLoad> = (0..draws).map(|n| scene.load(&case(n))).collect();
        let quotas = operations(plan);
        let rates = [0, 1, 2].map(|of| {
            let needs = NeedCurve::of(plan, quotas[of], loads.iter().map(|load| load.calls[of]));
            let in_each = loads.iter().map(|load| needs.at(load.calls[of]) + plan.quotas.shared).collect();
            Needed::new(rate_needed(plan, quotas[of], expected.calls[of]) + plan.quotas.shared, in_each)
        });
        let places = |load: &PeakLoad| places_needed(plan, load.erlangs);
        let concurrent = Needed::new(places(&expected), loads.iter().map(places).collect());
        let mut chances =
            Self { expected, enough: enough(plan, &loads), rates, concurrent, effects: Vec::new(), shortest: 0, loads };
        chances.shortest = chances.find_shortest(plan);
        chances.effects = chances.find_effects(plan, &scene);
        chances
    }

    /// What is needed of one of the four.
    pub fn needed(&self, of: usize) -> &Needed {
        self.rates.get(of).unwrap_or(&self.concurrent)
    }

    /// The quota of which the most is needed beside what there is.
    fn find_shortest(&self, plan: &Plan) -> usize {
        let have = |of: usize| operations(plan).get(of).map_or(f64::from(plan.quotas.concurrent.sessions), |quota| quota.rate[1]);
        let strain = |of: usize| self.needed(of).expected / have(of);
        // Of equals the first.
        (0..4).rev().max_by(|a, b| strain(*a).total_cmp(&strain(*b))).unwrap_or(0)
    }

    fn find_effects(&self, plan: &Plan, scene: &Situation<'_>) -> Vec<Effect> {
        let of = self.shortest;
        let needed = |case: &Case| {
            let load = scene.load(case);
            match operations(plan).get(of) {
                Some(quota) => rate_needed(plan, quota, load.calls[of]) + plan.quotas.shared,
                None => places_needed(plan, load.erlangs),
            }
        };
        let effect = |(input, UncertainInput { name, unit, spread }): (usize, &UncertainInput)| {
            let values: Vec<f64> = (0..self.loads.len() as u64).map(|n| spread.at(&Case::Drawn { seed: plan.seed, n })).collect();
            Effect {
                input: name.clone(),
                unit: *unit,
                ends: [spread.low, spread.high],
                needed: [false, true].map(|high| needed(&Case::Only { input, high })),
                spearman: rank::spearman(&values, &self.needed(of).drawn),
            }
        };
        let mut effects: Vec<Effect> = plan.inputs.iter().enumerate().map(effect).collect();
        effects.sort_by(|a, b| swing(b).total_cmp(&swing(a)));
        effects
    }
}

fn swing(effect: &Effect) -> f64 {
    (effect.needed[1] - effect.needed[0]).abs()
}

/// The quotas of Create, Start and Get.
pub fn operations(plan: &Plan) -> [&OperationQuota; 3] {
    [&plan.quotas.create, &plan.quotas.start, &plan.quotas.get]
}

/// The rate of a quota's kind that a load needs.
pub fn rate_needed(plan: &Plan, quota: &OperationQuota, load: f64) -> f64 {
    rate_for(quota.family, quota.depth(), load, plan.demand.dispersion, plan.target)
}

/// Sessions at once that a load needs.
pub fn places_needed(plan: &Plan, erlangs: f64) -> f64 {
    let cv = plan.demand.dispersion;
    if cv <= 0.0 {
        return float(erlang::places_for(erlangs, plan.target));
    }
    let share = |places: f64| dispersion::quasi_static(erlangs, cv, |load| erlang::refused(load, crate::num::whole(places)));
    // derived: whole places; the crossing is one up to the bisection's last interval
    (root::falls_to_above(plan.target, erlangs.max(1.0), erlangs * 1e3 + 100.0, share) - 1e-6).ceil()
}

/// The most load of which a limiter refuses no more than the target, of demand that varies by `cv`.
fn safe_load(known: &KnownLimiter, plan: &Plan) -> f64 {
    let KnownLimiter { rate, .. } = *known;
    if rate.is_infinite() {
        return f64::INFINITY;
    }
    let left = KnownLimiter { rate: (rate - plan.quotas.shared).max(0.0), ..*known };
    root::rises_to(plan.target, 0.0, rate * 4.0, |load| left.refused_of(load, plan.demand.dispersion))
}

fn enough(plan: &Plan, loads: &[PeakLoad]) -> [[f64; 3]; 4] {
    let share = |fits: &dyn Fn(&PeakLoad) -> bool| {
        float(loads.iter().filter(|load| fits(load)).count() as u64) / float(loads.len().max(1) as u64)
    };
    let mut enough = [[0.0; 3]; 4];
    for (of, quota) in operations(plan).into_iter().enumerate() {
        enough[of] = quota.readings().map(|known| {
            let most = safe_load(&known, plan);
            share(&|load| load.calls[of] <= most)
        });
    }
    let sessions = u64::from(plan.quotas.concurrent.sessions);
    let cv = plan.demand.dispersion;
    let most = if cv > 0.0 {
        let refused = |load: f64| dispersion::quasi_static(load, cv, |load| erlang::refused(load, sessions));
        root::rises_to(plan.target, 0.0, float(sessions) * 2.0, refused)
    } else {
        erlang::load_for(sessions, plan.target)
    };
    enough[3] = [share(&|load| load.erlangs <= most); 3];
    enough
}

/// The needed rate as a function of the load.
struct NeedCurve {
    low: f64,
    step: f64,
    needs: Vec<f64>,
}

impl NeedCurve {
    fn of(plan: &Plan, quota: &OperationQuota, loads: impl Iterator<Item = f64> + Clone) -> Self {
        let low = loads.clone().fold(f64::INFINITY, f64::min).max(1e-6);
        let high = loads.fold(low, f64::max) * (1.0 + 1e-9);
        let step = (high / low).ln() / float(KNOTS);
        let needs = (0..=KNOTS).map(|i| rate_needed(plan, quota, low * (step * float(i)).exp()).max(1e-9).ln()).collect();
        Self { low, step, needs }
    }

    fn at(&self, load: f64) -> f64 {
        if load <= 0.0 {
            return 0.0;
        }
        let last = self.needs.len() - 1;
        let at = if self.step > 0.0 { ((load / self.low).ln() / self.step).clamp(0.0, float(last as u64)) } else { 0.0 };
        let below = crate::num::place(at).min(last.saturating_sub(1));
        let part = at - float(below as u64);
        (self.needs[below] * (1.0 - part) + self.needs[below + 1] * part).exp()
    }
}
