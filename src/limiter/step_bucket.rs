//! `step-bucket`: tokens come several at once. Bucket4j calls this an interval refill.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::grid::ClockGrid;
use super::keys::{COUNT, TIME, Unfit, needed, phase, phase_of};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, NumberRole, Range, Remembered, Suspect, Traits};
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll, disk, per_second};
use super::{Kind, WindowAnchor};
use crate::key::{Amounts, TableKey, ValueForm, Variant};
use crate::units::human;

/// `tokens` come at once at `phase` and at every whole multiple of `every` from there; at most `burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepBucket {
    /// Tokens of a refill, at least 1.
    pub tokens: u32,
    /// Between two refills.
    #[serde(rename = "every_us", with = "disk")]
    pub every: Duration,
    /// Depth, at least 1.
    pub burst: u32,
    /// Tokens at the start, at most `burst`; `None`: full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
    /// When the first refill comes, less than `every`; 0: after one `every`.
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    pub phase: Duration,
}

impl StepBucket {
    /// A bucket that is full at the start.
    pub const fn full(tokens: u32, every: Duration, burst: u32) -> Self {
        Self { tokens, every, burst, start: None, phase: Duration::ZERO }
    }
}

impl LimiterKind for StepBucket {
    type State = StepState;

    const KEYS: &'static Variant = &Variant {
        name: "step-bucket",
        help: "`tokens` come at once at every whole multiple of `every`.",
        keys: &[
            TableKey::required(
                "tokens",
                ValueForm::Integer(COUNT),
                "`tokens`, the calls that each refill allows: tokens = 5",
                "Calls that each refill allows.",
            )
            .like("5"),
            TableKey::required(
                "every",
                ValueForm::Duration(TIME),
                "`every`, the time between two refills: every = \"1s\"",
                "The time between two refills.",
            )
            .like("\"1s\""),
            TableKey::optional("burst", ValueForm::Integer(COUNT), "`tokens`", "Depth.").like("25"),
            TableKey::optional("start", ValueForm::Integer(0..=1_000_000), "full", "Tokens at the start, at most `burst`.")
                .like("25"),
            phase("How much later than the whole multiples the refills come."),
        ],
    };

    const WORDS: &'static str = "token bucket, refilled in steps";

    const TOLD_BY: &'static str = "more of its steps";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&STEPS];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let (tokens, every) = (needed(given.count("tokens"))?, needed(given.time("every"))?);
        let (burst, start) = (given.count("burst").unwrap_or(tokens), given.count("start"));
        if start.is_some_and(|start| start > burst) {
            return Err(Unfit::Contradiction {
                key: "start",
                why: "`start` is more than `burst`",
                help: "a bucket holds at most its burst",
            });
        }
        Ok(Self { tokens, every, burst, start, phase: phase_of(given, every)? })
    }

    fn start(&self) -> StepState {
        let Self { tokens, every, burst, start, phase } = *self;
        StepState { tokens, every, phase, burst, held: u64::from(start.unwrap_or(burst)), steps: 0 }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.tokens, self.every))
    }
}

impl fmt::Display for StepBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} every {} burst {}", self.tokens, human(self.every), self.burst)?;
        self.start.map_or(Ok(()), |start| write!(f, ", {start} at the start"))
    }
}

/// A bucket's contents. When it refuses there is no part of a token left that a refused call could cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepState {
    tokens: u32,
    #[serde(rename = "every_us", with = "disk")]
    every: Duration,
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    phase: Duration,
    burst: u32,
    held: u64,
    /// Refills so far.
    steps: u64,
}

impl StepState {
    const fn grid(&self) -> ClockGrid {
        ClockGrid::new(self.every, self.phase)
    }
}

impl State for StepState {
    fn advance(&mut self, now: Duration) {
        let steps = self.grid().index(now);
        let new = steps.saturating_sub(self.steps);
        self.steps = self.steps.max(steps);
        self.held = self.held.saturating_add(new.saturating_mul(u64::from(self.tokens))).min(u64::from(self.burst));
    }

    fn decide(&self, _: &Arrival) -> Passing {
        if self.held > 0 { Ok(Duration::ZERO) } else { Err(NotUntil::until(self.grid().edge(self.steps.saturating_add(1)))) }
    }

    fn pay(&mut self, _: &Arrival, toll: Toll) {
        self.held = self.held.saturating_sub(u64::from(toll.passed()));
    }
}

// How it shows itself to a probe: a bucket that is filled in steps of two tokens or more: steps of one are a token bucket's.

/// Numbers: tokens of a step, its length, its phase, the depth, which is more than one step.
pub(crate) struct StepSuspect;

impl StepSuspect {
    fn depth(n: &LimiterNumbers) -> f64 {
        n[3].max(n[0] + 1.0)
    }
}

/// The one suspect of its kind.
pub(crate) static STEPS: StepSuspect = StepSuspect;

impl Suspect for StepSuspect {
    fn kind(&self) -> Kind {
        Kind::StepBucket
    }

    fn name(&self) -> &'static str {
        "bucket filled in steps"
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        vec![
            Range { role: NumberRole::Calls, ..Range::whole(2.0, facts.burst.max(2.0)) },
            facts.windows(),
            Range::TURN,
            facts.depths(),
        ]
    }

    fn start(&self, n: &LimiterNumbers, s: &mut Remembered) {
        (s[0], s[1]) = (Self::depth(n), f64::NAN);
    }

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        let x = (now.t - now.origin) / n[1] - n[2];
        let index = x.floor();
        let came = if s[1].is_nan() { 0.0 } else { (index - s[1]).max(0.0) };
        if came > 0.0 {
            s[2] = if s[0] < 1.0 && came < 1.5 { 1.0 } else { 0.0 }; // derived: one step, not more
            s[0] = (s[0] + came * n[0]).min(Self::depth(n));
        }
        s[1] = index;
        s[3] = if came > 0.0 { s[2] } else { s[3] };
        let since = (x - index) * n[1];
        if s[0] < 1.0 {
            since - n[1]
        } else if s[2] > 0.0 {
            since
        } else {
            FAR
        }
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        let end = (s[1] + 1.0 + n[2]) * n[1] + now.origin;
        if s[0] < 1.0 && now.t + now.jitter >= end {
            // Empty at the very end of a step: the next one has come already.
            (s[0], s[1], s[3]) = (n[0], s[1] + 1.0, 1.0);
        }
        s[0] = (s[0] - 1.0).max(0.0);
        s[2] = 0.0;
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        if !(s[3] > 0.0 && self.excuse(n, s, now) < now.jitter) {
            s[0] = s[0].min(0.5); // derived: whole tokens come and go, so less than one is none
        }
    }

    fn excuse(&self, n: &LimiterNumbers, s: &Remembered, now: &CallMoment<'_>) -> f64 {
        let x = (now.t - now.origin) / n[1] - n[2];
        if s[3] > 0.0 && s[0] >= 1.0 { (x - x.floor()) * n[1] } else { FAR }
    }

    fn anchor(&self) -> Option<WindowAnchor> {
        Some(WindowAnchor::Clock)
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        Traits {
            rate: Some(n[0] / n[1]),
            burst: Some(Self::depth(n)),
            period: Some(n[1]),
            tokens: Some(n[0]),
            ..Traits::default()
        }
    }
}
