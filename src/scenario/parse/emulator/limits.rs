//! `quota`, `get_quota`, `ramp`, `scaling` and `charge`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::table::{Found, Table};
use super::super::tree::{Value, from_json};
use super::{HOUR, MILLISECOND, NANOSECOND};
use crate::emulator::config::{Charge, QuotaChange};
use crate::limiter::{
    Concurrency, FixedWindow, Growth, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket,
};
use crate::scenario::problem::{Problem, Problems, Source};
use crate::service::operation::Operation;
use crate::units::Rate;

pub(in crate::scenario) const QUOTA: &[&str] = &["kind", "rate", "burst", "tokens", "every", "limit", "window", "nodes"];
pub(in crate::scenario) const GROWTH: &[&str] = &["window", "growth", "floor", "status"];
pub(in crate::scenario) const CHARGE: &[&str] = &["rejected", "invalid"];

const COUNT: RangeInclusive<u64> = 1..=1_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    None,
    TokenBucket,
    StepBucket,
    FixedWindow,
    SlidingLog,
    SlidingCounter,
    Concurrency,
    ShardedBucket,
}

const KINDS: [(&str, Kind); 8] = [
    ("token-bucket", Kind::TokenBucket),
    ("none", Kind::None),
    ("step-bucket", Kind::StepBucket),
    ("fixed-window", Kind::FixedWindow),
    ("sliding-log", Kind::SlidingLog),
    ("sliding-counter", Kind::SlidingCounter),
    ("concurrency", Kind::Concurrency),
    ("sharded-bucket", Kind::ShardedBucket),
];

/// Names of earlier versions, and what the kind is called now.
const RENAMED: [(&str, &str); 2] = [("step-refill", "step-bucket"), ("sharded", "sharded-bucket")];

impl Kind {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::TokenBucket => &["rate", "burst"],
            Self::StepBucket => &["tokens", "every", "burst"],
            Self::FixedWindow | Self::SlidingLog | Self::SlidingCounter => &["limit", "window"],
            Self::Concurrency => &["limit"],
            Self::ShardedBucket => &["nodes", "rate", "burst"],
        }
    }

    fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("none", |(name, _)| name)
    }
}

/// `quota` or `get_quota`.
pub(super) fn quota(table: &Table<'_>, name: &str, found: &mut Found) -> Option<Quota> {
    let quota = table.table(name, QUOTA, found)?;
    if let Some((old, new)) = renamed(&quota) {
        let help = format!("write kind = \"{new}\"");
        found.add(quota.value_span("kind"), format!("`{old}` is called `{new}` now"), help);
        return None;
    }
    let kind = match quota.word("kind", &KINDS, found) {
        Some(kind) => kind,
        None if quota.get("kind").is_some() => return None,
        None => Kind::TokenBucket,
    };
    for key in QUOTA.iter().filter(|key| **key != "kind" && !kind.keys().contains(key)) {
        let why = format!("`{key}` has no place beside kind = \"{}\"", kind.name());
        let help = match kind.keys() {
            [] => "delete it, or write kind = \"token-bucket\"".to_owned(),
            keys => format!("delete it; this kind has {}", keys.join(", ")),
        };
        quota.refuse(key, &why, &help, found);
    }
    let of = Reading { quota: &quota, place: format!("`{name}`") };
    match kind {
        Kind::None => Some(Quota::None),
        Kind::TokenBucket => of.rate(found).map(|(rate, burst)| Quota::TokenBucket(TokenBucket { rate, burst })),
        Kind::ShardedBucket => {
            let nodes = of.count("nodes", "`nodes`, over how many nodes it is spread: nodes = 4", 1..=1000, found);
            let (rate, burst) = of.rate(found)?;
            Some(Quota::ShardedBucket(ShardedBucket { nodes: nodes?, rate, burst }))
        }
        Kind::StepBucket => {
            let tokens = of.count("tokens", "`tokens`, the calls that each refill allows: tokens = 5", COUNT, found);
            let every = of.time("every", "`every`, the time between two refills: every = \"1s\"", found);
            let burst = quota.integer("burst", COUNT, found).and_then(narrow);
            let tokens = tokens?;
            Some(Quota::StepBucket(StepBucket { tokens, every: every?, burst: burst.unwrap_or(tokens) }))
        }
        Kind::FixedWindow => of.window(found).map(|(limit, window)| Quota::FixedWindow(FixedWindow { limit, window })),
        Kind::SlidingLog => of.window(found).map(|(limit, window)| Quota::SlidingLog(SlidingLog { limit, window })),
        Kind::SlidingCounter => of.window(found).map(|(limit, window)| Quota::SlidingCounter(SlidingCounter { limit, window })),
        Kind::Concurrency => of.limit(found).map(|limit| Quota::Concurrency(Concurrency { limit })),
    }
}

fn renamed(quota: &Table<'_>) -> Option<(&'static str, &'static str)> {
    let Value::Text(text) = &quota.get("kind")?.value else { return None };
    RENAMED.into_iter().find(|(old, _)| old == text)
}

const QUOTA_CHANGE: &[&str] = &["operation", "quota"];

/// Reads the JSON of a [`QuotaChange`]: `{"operation": "CreateFaceLivenessSession", "quota": {"kind": "token-bucket", "rate": 5}}`,
/// with the quota as a scenario has it. Without `operation` it is that of creates, without `quota` what is documented.
///
/// # Errors
/// Every problem of the text at once.
pub fn read_quota_change(json: &str) -> Result<QuotaChange, Problems> {
    let mut found = Found::default();
    let mut change = QuotaChange { operation: Operation::Create, quota: None };
    match from_json(json) {
        Err(problem) => {
            let help = "write it like {\"quota\": {\"kind\": \"token-bucket\", \"rate\": 5}}".to_owned();
            found.list.push(Problem { help, ..problem });
        }
        Ok(node) => {
            if let Some(table) = Table::open(&node, "the body", QUOTA_CHANGE, &mut found) {
                let operations = Operation::ALL.map(|operation| (operation.name(), operation));
                change.operation = table.word("operation", &operations, &mut found).unwrap_or(change.operation);
                change.quota = quota(&table, "quota", &mut found);
            }
        }
    }
    if found.list.is_empty() {
        return Ok(change);
    }
    Err(Problems::new(vec![Source { name: "the body".to_owned(), text: json.to_owned() }], found.list))
}

struct Reading<'a> {
    quota: &'a Table<'a>,
    place: String,
}

impl Reading<'_> {
    fn rate(&self, found: &mut Found) -> Option<(Rate, u32)> {
        let example = "`rate`, the calls per second that it allows; or kind = \"none\" for no limit";
        let _ = self.quota.required("rate", &self.place, example, found);
        let burst = self.quota.integer("burst", COUNT, found).and_then(narrow);
        let rate = self.quota.rate("rate", found)?;
        if rate == Rate::default() {
            let help = "write a rate above 0, or kind = \"none\" for no limit";
            found.add(self.quota.key_span("rate"), "a quota of 0 allows nothing", help);
        }
        Some((rate, burst.unwrap_or_else(|| second_of(rate))))
    }

    fn count(&self, key: &str, example: &str, range: RangeInclusive<u64>, found: &mut Found) -> Option<u32> {
        let _ = self.quota.required(key, &self.place, example, found);
        self.quota.integer(key, range, found).and_then(narrow)
    }

    fn time(&self, key: &str, example: &str, found: &mut Found) -> Option<Duration> {
        let _ = self.quota.required(key, &self.place, example, found);
        self.quota.duration(key, MILLISECOND..=24 * HOUR, found)
    }

    fn limit(&self, found: &mut Found) -> Option<u32> {
        self.count("limit", "`limit`, the calls that it allows: limit = 25", COUNT, found)
    }

    fn window(&self, found: &mut Found) -> Option<(u32, Duration)> {
        let limit = self.limit(found);
        let window = self.time("window", "`window`, the time in which it allows them: window = \"1s\"", found);
        Some((limit?, window?))
    }
}

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

/// As many calls as fit in a second, at least one.
fn second_of(rate: Rate) -> u32 {
    u32::try_from(rate.micro_hz().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
}

/// `ramp` or `scaling`.
pub(super) fn growth(table: &Table<'_>, name: &str, status: u16, found: &mut Found) -> Option<Growth> {
    let growth = table.table(name, GROWTH, found)?;
    let place = format!("`{name}`");
    let _ = growth.required("floor", &place, "`floor`, the calls that every window may have: floor = 10", found);
    let window = growth.duration("window", NANOSECOND..=24 * HOUR, found).unwrap_or(Duration::from_secs(1));
    let times = growth.number("growth", 1.0..=1000.0, found).unwrap_or(2.0);
    let status = growth.integer("status", 400..=599, found).and_then(|n| u16::try_from(n).ok()).unwrap_or(status);
    if !matches!(status, 400 | 500) {
        found.add(
            growth.key_span("status"),
            format!("`status` is 400 or 500, not {status}"),
            "write status = 400 or status = 500",
        );
    }
    let floor = growth.integer("floor", COUNT, found).and_then(narrow)?;
    // In range by the check above, so the cast neither truncates nor loses a sign.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let growth_milli = (times * 1000.0).round() as u32;
    Some(Growth { window, growth_milli, floor, status })
}

/// `charge`.
pub(super) fn charge(table: &Table<'_>, found: &mut Found) -> Charge {
    let Some(charge) = table.table("charge", CHARGE, found) else { return Charge::default() };
    Charge {
        rejected: charge.truth("rejected", found).unwrap_or_default(),
        invalid: charge.truth("invalid", found).unwrap_or_default(),
    }
}
