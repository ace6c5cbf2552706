//! Enough, not enough, or unsure; and what to ask for.

use super::chance::{Chances, operations};
use super::document::{Plan, WhatIf};
use crate::num::whole;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanVerdict {
    /// Every quota suffices in nine of ten cases, whatever is uncertain of the quota itself.
    Enough,
    /// A quota does not suffice in half of the cases, even at its best.
    NotEnough,
    /// Between the two, or not known well enough.
    Unsure,
}

impl PlanVerdict {
    /// The first word of everything that people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enough => "ENOUGH",
            Self::NotEnough => "NOT ENOUGH",
            Self::Unsure => "UNSURE",
        }
    }
}

/// A quota that suffices in so many cases is enough: whoever signs the request is wrong in one of ten.
pub const ENOUGH: f64 = 0.9;

/// A quota that suffices in fewer cases is not: it is more likely wrong than right.
pub const NOT_ENOUGH: f64 = 0.5;

/// The answer for one quota, by the share of the cases in which it suffices at worst, most likely and at best.
pub fn of_quota(enough: [f64; 3]) -> PlanVerdict {
    match enough {
        [worst, ..] if worst >= ENOUGH => PlanVerdict::Enough,
        [.., best] if best < NOT_ENOUGH => PlanVerdict::NotEnough,
        _ => PlanVerdict::Unsure,
    }
}

/// The answer for the plan: that of its worst quota.
pub fn of_plan(chances: &Chances) -> PlanVerdict {
    let all = chances.enough.map(of_quota);
    if all.contains(&PlanVerdict::NotEnough) {
        PlanVerdict::NotEnough
    } else if all.contains(&PlanVerdict::Unsure) {
        PlanVerdict::Unsure
    } else {
        PlanVerdict::Enough
    }
}

/// What to ask for, in the order Create, Start, Get, concurrent; `None` stays as it is. A quota is asked for when it does not suffice in nine of
/// ten cases as it most likely is; so much of it that it does, rounded up.
pub fn ask(plan: &Plan, chances: &Chances) -> [Option<f64>; 4] {
    [0, 1, 2, 3].map(|of| {
        let have = operations(plan).get(of).map_or(f64::from(plan.quotas.concurrent.sessions), |quota| quota.rate[1]);
        let needed = chances.needed(of).in_share(ENOUGH).max(chances.needed(of).expected);
        let wanted = rounded_up(needed);
        (chances.enough[of][1] < ENOUGH && wanted > have).then_some(wanted)
    })
}

/// The least number with a step of 5 in its second digit that is at least `needed`: 40 for 37.8, 350 for 326.
pub fn rounded_up(needed: f64) -> f64 {
    if needed <= 0.0 {
        return 0.0;
    }
    let step = (10.0_f64.powf(needed.log10().floor()) / 2.0).max(1.0);
    (needed / step - 1e-9).ceil() * step
}

/// What is asked for, as an option.
pub fn asked_for(ask: [Option<f64>; 4]) -> WhatIf {
    let concurrent = ask[3].map(|sessions| u32::try_from(whole(sessions)).unwrap_or(u32::MAX));
    WhatIf { name: "as asked".to_owned(), rates: [ask[0], ask[1], ask[2]], concurrent, ..WhatIf::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request has round numbers, never too small.
    #[test]
    fn requests_are_round() {
        for (needed, asked) in
            [(37.8, 40.0), (326.0, 350.0), (173.0, 200.0), (22.31, 25.0), (25.0, 25.0), (3.2, 4.0), (0.4, 1.0), (1001.0, 1500.0)]
        {
            assert!((rounded_up(needed) - asked).abs() < 1e-9, "{needed}: {}", rounded_up(needed));
        }
    }

    /// What straddles is unsure.
    #[test]
    fn straddling_is_unsure() {
        assert_eq!(of_quota([0.95, 0.99, 1.0]), PlanVerdict::Enough);
        assert_eq!(of_quota([0.0, 0.95, 1.0]), PlanVerdict::Unsure);
        assert_eq!(of_quota([0.0, 0.2, 0.49]), PlanVerdict::NotEnough);
        assert_eq!(of_quota([0.6, 0.6, 0.6]), PlanVerdict::Unsure);
    }
}
