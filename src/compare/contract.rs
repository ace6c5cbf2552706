//! The shape of a comparison: what `livebench compare --output json` prints.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalog::{Family, MetricUnit};

/// Version of the contract.
pub const SCHEMA: u32 = 2;

/// Whether something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Verdict")]
pub enum ChangeVerdict {
    /// Changed for the better, and not by chance.
    Improved,
    /// Changed for the worse, and not by chance.
    Regressed,
    /// Surely changed by less than matters.
    Unchanged,
    /// Too little data to tell.
    Inconclusive,
    /// Not the same experiment.
    Incomparable,
}

impl ChangeVerdict {
    /// The spelling used everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Regressed => "regressed",
            Self::Unchanged => "unchanged",
            Self::Inconclusive => "inconclusive",
            Self::Incomparable => "incomparable",
        }
    }
}

impl fmt::Display for ChangeVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A comparison of two sides. Unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this contract: 2.
    pub schema: u32,
    /// Over all metrics but lateness, and all checks: regressed if one is, else improved if one is, else inconclusive if one is.
    pub verdict: ChangeVerdict,
    /// The same in a sentence, with the figures that it rests on.
    pub sentence: String,
    /// Why the sides cannot be compared; empty if they can, also listed when that was overridden.
    pub incomparable: Vec<Incomparability>,
    /// Whether the reasons above were overridden.
    pub forced: bool,
    /// The chance that a comparison of equals gives neither improved nor regressed is at least this.
    pub confidence: f64,
    /// The smallest effect that matters, by family.
    pub min_effect: BTreeMap<Family, f64>,
    /// The runs before.
    pub base: Vec<RunLine>,
    /// The runs after.
    pub new: Vec<RunLine>,
    /// What is set differently on the two sides.
    pub differences: Vec<Difference>,
    /// Every metric.
    pub metrics: Vec<MetricLine>,
    /// What had to hold on each run: thresholds and idempotency.
    pub checks: Vec<CheckLine>,
    /// What a reader should know before the numbers.
    pub notes: Vec<String>,
    /// How many times as much data would settle every inconclusive metric, roughly; null if nothing is open, or if nobody can say.
    pub more_data: Option<f64>,
}

/// A run of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunLine {
    /// Its directory's name.
    pub name: String,
    /// When it started, UTC.
    pub start_utc: String,
    /// Its seed.
    pub seed: u64,
    /// Its scheduled calls that have an end.
    pub calls: u64,
}

/// Where two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Kind")]
pub enum DifferenceKind {
    /// What is sent, and when.
    Scenario,
    /// What answers.
    Target,
    /// How calls get there.
    Transport,
    /// Where livebench ran.
    Machine,
    /// A run that is not to be trusted.
    Validity,
    /// A run that was cut off and resumed: no measurement without a break.
    Segments,
    /// What every draw comes from: other seeds are other samples of the same thing.
    Seed,
    /// Which livebench it was: a difference that is shown.
    Version,
}

impl DifferenceKind {
    /// Whether such a difference makes two sides incomparable.
    pub const fn forbids(self) -> bool {
        !matches!(self, Self::Seed | Self::Version)
    }

    /// The spelling used everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Target => "target",
            Self::Transport => "transport",
            Self::Machine => "machine",
            Self::Validity => "validity",
            Self::Segments => "segments",
            Self::Seed => "seed",
            Self::Version => "version",
        }
    }
}

/// Why two sides cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Reason")]
pub struct Incomparability {
    /// What differs.
    pub kind: DifferenceKind,
    /// In words.
    pub what: String,
}

/// A setting with other values on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What it belongs to.
    pub kind: DifferenceKind,
    /// Which setting: `load.stages`.
    pub key: String,
    /// Its values before; `-` where it is not set.
    pub base: String,
    /// Its values after.
    pub new: String,
}

/// In what a change is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeIn {
    /// Percent of the base.
    Percent,
    /// Percentage points: the difference of two shares.
    Points,
}

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricLine {
    /// Which: `response.p99`.
    pub name: String,
    /// With which others it shares a smallest effect.
    pub family: Family,
    /// Whether it changed.
    pub verdict: ChangeVerdict,
    /// In what `base` and `new` are measured.
    pub unit: MetricUnit,
    /// The value before.
    pub base: Option<f64>,
    /// The value after.
    pub new: Option<f64>,
    /// In what the change is given.
    pub change_in: ChangeIn,
    /// The change.
    pub change_pct: Option<f64>,
    /// Its lower limit; null if it is unknown or unbounded.
    pub low_pct: Option<f64>,
    /// Its upper limit; null if it is unknown or unbounded.
    pub high_pct: Option<f64>,
    /// How sure the limits are: corrected for all metrics where the verdict is, and as much as the comparison for each metric by itself
    /// where it is unchanged.
    pub limits_confidence: f64,
    /// The chance of at least this change if there were none; null if it could not be asked, 1 if nothing varies.
    pub p_value: Option<f64>,
    /// The same after Holm's correction over all metrics.
    pub p_adjusted: Option<f64>,
    /// The smallest change that matters here, in the unit of the change.
    pub min_effect_pct: f64,
    /// Calls behind the value before.
    pub base_samples: u64,
    /// Calls behind the value after.
    pub new_samples: u64,
    /// How many times as much data would settle it, roughly; null if it is settled, or if nobody can say.
    pub more_data: Option<f64>,
    /// The metric whose calls and times are these, too: both were tested as one.
    pub same_as: Option<String>,
    /// What a reader should know.
    pub note: Option<String>,
}

/// What had to hold on each run, on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckLine {
    /// The threshold as written, `response.p90 < 500ms`, or `idempotency.violations`.
    pub name: String,
    /// regressed if it fails on the new side only, improved if on the base only, inconclusive if no new run could be judged.
    pub verdict: ChangeVerdict,
    /// Runs before that failed.
    pub base_failed: u64,
    /// Runs before that could be judged.
    pub base_runs: u64,
    /// Runs after that failed.
    pub new_failed: u64,
    /// Runs after that could be judged.
    pub new_runs: u64,
    /// Violations before; null for a threshold.
    pub base_count: Option<u64>,
    /// Violations after; null for a threshold.
    pub new_count: Option<u64>,
}
