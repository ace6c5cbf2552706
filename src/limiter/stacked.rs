//! `stacked`: two limits at once, both of which must let a call through.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::concurrency::FLIGHT;
use super::fixed_window::{ANCHORED, GRID};
use super::keys::{Unfit, needed};
use super::plain::{PLAIN, PlainHeld, PlainQuota};
use super::sliding_log::LOG;
use super::suspect::{CallMoment, Facts, LimiterNumbers, NumberRole, Range, Remembered, Suspect, Traits};
use super::token_bucket::BUCKET;
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

    const WORDS: &'static str = "several limits at once";

    const TOLD_BY: &'static str = "watching for longer";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[
        &StackedSuspect { name: "bucket and a log", first: &BUCKET, numbers: 2, second: &LOG },
        &StackedSuspect { name: "two windows", first: &ANCHORED, numbers: 2, second: &ANCHORED },
        &StackedSuspect { name: "two windows on the clock's grid", first: &GRID, numbers: 3, second: &GRID },
        &StackedSuspect { name: "two logs", first: &LOG, numbers: 2, second: &LOG },
        &StackedSuspect { name: "bucket and a cap on calls in flight", first: &BUCKET, numbers: 2, second: &FLIGHT },
    ];

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

// How it shows itself to a probe: two limits, both of which a call must pass.

/// Two limits; the numbers of the first come first.
struct StackedSuspect {
    name: &'static str,
    first: &'static dyn Suspect,
    /// How many numbers the first has.
    numbers: usize,
    second: &'static dyn Suspect,
}

/// Half of the state is the second one's.
const HALF: usize = 7; // derived: of 18 places four are its own

impl StackedSuspect {
    fn split<'a>(&self, n: &'a LimiterNumbers) -> (&'a LimiterNumbers, &'a LimiterNumbers) {
        n.split_at(self.numbers)
    }
}

/// What the first remembers, the second, and both margins with how often each of them alone refused.
fn parts_of(s: &mut Remembered) -> (&mut Remembered, &mut Remembered, &mut Remembered) {
    let (first, rest) = s.split_at_mut(HALF);
    let (second, own) = rest.split_at_mut(HALF);
    (first, second, own)
}

impl Suspect for StackedSuspect {
    fn kind(&self) -> Kind {
        Kind::Stacked
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        let mut ranges = self.first.ranges(facts);
        let mut second = self.second.ranges(facts);
        if self.second.kind() != Kind::Concurrency {
            // The second lets more through than the first at once, and fewer for long.
            // derived: up to what is let through in the whole probe at a burst a second
            let most = facts.burst * facts.most_s.max(2.0) + 2.0;
            second[0] = Range { role: NumberRole::Total, ..Range::whole(facts.burst + 1.0, most) };
        }
        if self.second.kind() == Kind::Concurrency {
            // Beside a cap the bucket is deeper than what was let through at once.
            ranges[1] = Range::whole(1.0, facts.burst * 10.0 + 1.0); // derived: deeper by more than a factor of 10 is not seen in a probe
        }
        ranges.extend(second);
        ranges
    }

    fn start(&self, n: &LimiterNumbers, s: &mut Remembered) {
        let ((a, b), (first, second, _)) = (self.split(n), parts_of(s));
        self.first.start(a, first);
        self.second.start(b, second);
    }

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        let ((a, b), (first, second, own)) = (self.split(n), parts_of(s));
        own[0] = self.first.margin(a, first, now);
        own[1] = self.second.margin(b, second, now);
        own[0].min(own[1])
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        let ((a, b), (first, second, _)) = (self.split(n), parts_of(s));
        self.first.passed(a, first, now);
        self.second.passed(b, second, now);
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        let ((a, b), (first, second, own)) = (self.split(n), parts_of(s));
        if own[0] <= own[1] {
            self.first.refused(a, first, now);
            own[2] += f64::from(own[0] < 0.0 && own[1] > 0.0);
        } else {
            self.second.refused(b, second, now);
            own[3] += f64::from(own[1] < 0.0 && own[0] > 0.0);
        }
    }

    fn is_composite(&self) -> bool {
        true
    }

    fn acted(&self, s: &Remembered) -> bool {
        s[2 * HALF + 2] > 0.0 && s[2 * HALF + 3] > 0.0 // derived: the places of how often each alone refused
    }

    fn first(&self) -> Option<(&'static dyn Suspect, usize)> {
        Some((self.first, self.numbers))
    }

    fn parts(&self, n: &LimiterNumbers) -> Vec<(Kind, Traits)> {
        let (a, b) = self.split(n);
        vec![(self.first.kind(), self.first.traits(a)), (self.second.kind(), self.second.traits(b))]
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        let (a, b) = self.split(n);
        let (first, second) = (self.first.traits(a), self.second.traits(b));
        let rate = match (first.rate, second.rate) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let burst = first.burst.into_iter().chain(second.burst).reduce(f64::min);
        Traits { rate, burst, ..Traits::default() }
    }
}
