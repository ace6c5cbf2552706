//! `stacked`: two limits at once, both of which must let a call through.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keys::{Unfit, needed};
use super::plain::{PLAIN, PlainHeld, PlainQuota};
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll};
use crate::key::{Amounts, Given, TableKey, ValueForm, Variant, Words as _, words};

/// What a call pays to a limit that would let it through when the other one refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedPays {
    /// Nothing: both are asked before either is charged.
    #[default]
    Nothing,
    /// The first is asked first, and keeps what it took; the second one is not asked when the first refuses.
    First,
    /// Both are asked, and each keeps what it took.
    Each,
}

words!(RefusedPays { "nothing" => Nothing, "first" => First, "each" => Each });

/// Two limits, both of which must let a call through; it waits as long as the one asks that asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stacked {
    /// The one that is asked first.
    pub first: PlainQuota,
    /// The other one.
    pub second: PlainQuota,
    /// What a call pays to one that would let it through when the other one refuses it.
    pub refused_pays: RefusedPays,
}

impl LimiterKind for Stacked {
    type State = Pair;

    const KEYS: &'static Variant = &Variant {
        name: "stacked",
        help: "Two limits at once, of any of the kinds above: both must let a call through.",
        keys: &[
            limit("first", "`first`, one of the two limits: first = { kind = \"token-bucket\", rate = 10 }", "One of them.")
                .like("{ kind = \"token-bucket\", rate = 10 }"),
            limit(
                "second",
                "`second`, the other one: second = { kind = \"fixed-window\", limit = 100, window = \"60s\" }",
                "The other one.",
            )
            .like("{ kind = \"fixed-window\", limit = 100, window = \"60s\" }"),
            TableKey::default(
                "refused_pays",
                ValueForm::Word(RefusedPays::NAMES),
                Given::Text("nothing"),
                "What a call that one of them refuses pays to the other: nothing; to the first, which is asked first and keeps what it \
                 took; or to each that would have let it through.",
            ),
        ],
    };

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let one = |key| {
            let (kind, amounts) = needed(given.table(key))?;
            PlainQuota::build(kind, amounts)
        };
        let refused_pays = given.word("refused_pays").unwrap_or_default();
        Ok(Self { first: one("first")?, second: one("second")?, refused_pays })
    }

    fn start(&self) -> Pair {
        Pair { first: self.first.start(), second: self.second.start(), refused_pays: self.refused_pays }
    }

    /// That of the slower one.
    fn rate_per_s(&self) -> Option<f64> {
        let rates = [self.first.rate_per_s(), self.second.rate_per_s()];
        rates.into_iter().flatten().reduce(f64::min)
    }
}

const fn limit(name: &'static str, remedy: &'static str, help: &'static str) -> TableKey {
    TableKey::required(name, ValueForm::Table(&PLAIN), remedy, help)
}

impl fmt::Display for Stacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.first, self.second)
    }
}

/// What both remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    first: PlainHeld,
    second: PlainHeld,
    refused_pays: RefusedPays,
}

/// Of two decisions the one that holds for both.
fn both(first: Passing, second: Passing) -> Passing {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(first.max(second)),
        (Err(one), Ok(_)) | (Ok(_), Err(one)) => Err(one),
        (Err(first), Err(second)) => Err(NotUntil { at: first.at.and_then(|at| Some(at.max(second.at?))) }),
    }
}

impl State for Pair {
    fn advance(&mut self, now: Duration) {
        self.first.advance(now);
        self.second.advance(now);
    }

    fn decide(&self, arrival: &Arrival) -> Passing {
        both(self.first.decide(arrival), self.second.decide(arrival))
    }

    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        let free = [self.first.decide(arrival).is_ok(), self.second.decide(arrival).is_ok()];
        let keeps = match self.refused_pays {
            RefusedPays::Nothing => [false, false],
            RefusedPays::First => [true, false],
            RefusedPays::Each => [true, true],
        };
        let asked = [true, free[0] || self.refused_pays != RefusedPays::First];
        for (n, limit) in [&mut self.first, &mut self.second].into_iter().enumerate() {
            match (toll, free[n]) {
                (Toll::Passed, _) => limit.pay(arrival, toll),
                (Toll::Refused(_), true) if keeps[n] && asked[n] => limit.pay(arrival, Toll::Passed),
                (Toll::Refused(_), false) if asked[n] => limit.pay(arrival, toll),
                (Toll::Refused(_), _) => {}
            }
        }
    }
}
