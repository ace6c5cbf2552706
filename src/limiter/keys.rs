//! The catalogue: each kind of limiter with its keys and how they make a [`Quota`], and the keys of a growth limit.
//!
//! A kind is added by its declaration and its line in `declared!`. Refuses to read a text.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Concurrency, FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use crate::key::{Absent, Amounts, Given, TableKey, TableKeys, ValueForm, Variant};
use crate::units::Rate;

/// A kind of limiter for a reader.
#[derive(Debug)]
struct Declared {
    keys: Variant,
    build: fn(&Amounts) -> Option<Quota>,
}

/// Calls of a quota: no account has a million a second.
const COUNT: RangeInclusive<u64> = 1..=1_000_000;
const TIME: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

const fn rate(help: &'static str) -> TableKey {
    let remedy = "`rate`, the calls per second that it allows; or kind = \"none\" for no limit";
    TableKey::required("rate", ValueForm::PositiveRate, remedy, help).like("25")
}

const fn burst(without: &'static str, help: &'static str) -> TableKey {
    TableKey::optional("burst", ValueForm::Integer(COUNT), without, help).like("25")
}

const fn limit(help: &'static str) -> TableKey {
    TableKey::required("limit", ValueForm::Integer(COUNT), "`limit`, the calls that it allows: limit = 25", help).like("25")
}

const WINDOW: TableKey = TableKey::required(
    "window",
    ValueForm::Duration(TIME),
    "`window`, the time in which it allows them: window = \"1s\"",
    "Length of a window.",
)
.like("\"1s\"");

static TOKEN_BUCKET: Declared = Declared {
    keys: Variant {
        name: "token-bucket",
        help: "A token bucket: continuous refill at `rate`, at most `burst` tokens, full at the start.",
        keys: &[rate("Tokens per second."), burst("one second of the rate", "Depth.")],
    },
    build: |given| {
        let rate = given.rate("rate")?;
        Some(Quota::TokenBucket(TokenBucket { rate, burst: given.count("burst").unwrap_or_else(|| second_of(rate)) }))
    },
};

static NONE: Declared = Declared { keys: Variant { name: "none", help: "No limit.", keys: &[] }, build: |_| Some(Quota::None) };

static STEP_BUCKET: Declared = Declared {
    keys: Variant {
        name: "step-bucket",
        help: "`tokens` come at once at every whole multiple of `every`; full at the start.",
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
            burst("`tokens`", "Depth."),
        ],
    },
    build: |given| {
        let tokens = given.count("tokens")?;
        Some(Quota::StepBucket(StepBucket { tokens, every: given.time("every")?, burst: given.count("burst").unwrap_or(tokens) }))
    },
};

static FIXED_WINDOW: Declared = Declared {
    keys: Variant {
        name: "fixed-window",
        help: "`limit` calls in each window from one whole multiple of its length to the next.",
        keys: &[limit("Calls of a window."), WINDOW],
    },
    build: |given| Some(Quota::FixedWindow(FixedWindow { limit: given.count("limit")?, window: given.time("window")? })),
};

static SLIDING_LOG: Declared = Declared {
    keys: Variant {
        name: "sliding-log",
        help: "`limit` calls in any interval of the length of `window`.",
        keys: &[limit("Calls of an interval."), WINDOW],
    },
    build: |given| Some(Quota::SlidingLog(SlidingLog { limit: given.count("limit")?, window: given.time("window")? })),
};

static SLIDING_COUNTER: Declared = Declared {
    keys: Variant {
        name: "sliding-counter",
        help: "`limit` calls, counting those of the window before by the part of it that a sliding window still covers.",
        keys: &[limit("Calls of a window."), WINDOW],
    },
    build: |given| Some(Quota::SlidingCounter(SlidingCounter { limit: given.count("limit")?, window: given.time("window")? })),
};

static CONCURRENCY: Declared = Declared {
    keys: Variant { name: "concurrency", help: "`limit` calls that are not answered yet.", keys: &[limit("Calls in flight.")] },
    build: |given| Some(Quota::Concurrency(Concurrency { limit: given.count("limit")? })),
};

static SHARDED_BUCKET: Declared = Declared {
    keys: Variant {
        name: "sharded-bucket",
        help: "Token buckets that know nothing of each other, over which calls are spread by chance: approximate enforcement.",
        keys: &[
            TableKey::required(
                "nodes",
                ValueForm::Integer(1..=1000),
                "`nodes`, over how many nodes it is spread: nodes = 4",
                "Number of buckets.",
            )
            .like("4"),
            rate("Tokens per second of all together."),
            burst("one second of the rate", "Depth of all together."),
        ],
    },
    build: |given| {
        let (nodes, rate) = (given.count("nodes")?, given.rate("rate")?);
        Some(Quota::ShardedBucket(ShardedBucket { nodes, rate, burst: given.count("burst").unwrap_or_else(|| second_of(rate)) }))
    },
};

/// The kinds, in the order in which messages and pages name them; the first is meant when a quota names none.
macro_rules! declared {
    ($($kind:ident),+ $(,)?) => {
        static CATALOGUE: &[&Declared] = &[$(&$kind),+];

        /// The keys of a quota.
        pub static QUOTA: TableKeys = TableKeys {
            tag: "kind",
            variants: &[$(&$kind.keys),+],
            ..TableKeys::new("quota", "A limit on calls per second, of one operation in one account and region.", &[])
        };
    };
}

declared![TOKEN_BUCKET, NONE, STEP_BUCKET, FIXED_WINDOW, SLIDING_LOG, SLIDING_COUNTER, CONCURRENCY, SHARDED_BUCKET];

/// Names of earlier versions, and what the kind is called now.
pub const RENAMED: [(&str, &str); 2] = [("step-refill", "step-bucket"), ("sharded", "sharded-bucket")];

/// The quota of a kind with its numbers; `None` when one is missing.
pub fn quota_of(kind: &str, given: &Amounts) -> Option<Quota> {
    CATALOGUE.iter().find(|known| known.keys.name == kind).and_then(|known| (known.build)(given))
}

/// As many calls as fit in a second, at least one.
fn second_of(rate: Rate) -> u32 {
    u32::try_from(rate.micro_hz().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
}

/// The keys of a [`super::Growth`].
pub static GROWTH: TableKeys = TableKeys::new(
    "growth",
    "A window may have a multiple of what the window before had.",
    &[
        TableKey::default(
            "window",
            ValueForm::Duration(Duration::from_nanos(1)..=Duration::from_secs(24 * 3600)),
            Given::Text("1s"),
            "Length of a window.",
        ),
        TableKey::default(
            "growth",
            ValueForm::Number(1.0..=1000.0),
            Given::Number(2.0),
            "How many times what the window before had, to a thousandth.",
        ),
        TableKey::required(
            "floor",
            ValueForm::Integer(COUNT),
            "`floor`, the calls that every window may have: floor = 10",
            "Calls that every window may have.",
        )
        .like("50"),
        TableKey {
            name: "status",
            form: ValueForm::OneOf(&[400, 500]),
            absent: Absent::Means("400 for `ramp`, 500 for `scaling`"),
            help: "HTTP status of the ThrottlingException.",
            example: "400",
        },
    ],
);
