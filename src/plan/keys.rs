//! The keys of a plan's file: each with its form, its default and what it means.
//!
//! Refuses to read a text; `read` does.

use std::time::Duration;

use crate::key::{Given, TableKey, TableKeys, TextRule, ValueForm, Variant, Words as _, words};
use crate::schedule::MAX_LENGTH;

/// How a client pauses before an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Evenly between 0 and the longest pause: the AWS SDKs' way.
    Full,
    /// The longest pause.
    None,
}

/// Which token an attempt brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenHabit {
    /// That of the attempt before: a retry of a lost answer makes no second session.
    Reused,
    /// A fresh one each time.
    Fresh,
    /// None.
    None,
}

words!(Jitter { "full" => Full, "none" => None });
words!(TokenHabit { "reused" => Reused, "fresh" => Fresh, "none" => None });

const NAME: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";
const DATE: &str = r"^\d{4}-\d{2}-\d{2}$";
const TIME: ValueForm = ValueForm::Duration(Duration::ZERO..=Duration::from_secs(24 * 3600));
const LENGTH: ValueForm = ValueForm::Duration(Duration::from_secs(1)..=MAX_LENGTH);
const PEOPLE: ValueForm = ValueForm::Number(0.0..=1e9);
const COUNT: ValueForm = ValueForm::Integer(1..=1_000_000);

/// Three numbers for one that is not known exactly.
macro_rules! spread {
    ($name:ident, $word:literal, $form:expr, $low:literal, $expected:literal, $high:literal) => {
        static $name: TableKeys = TableKeys {
            plain: Some($form),
            ..TableKeys::new(
                $word,
                "One value, or three where it is not known exactly: { low = ..., expected = ..., high = ... }, each at most the next.",
                &[
                    TableKey::required("low", $form, "`low`, which it exceeds in nine of ten cases", "Exceeded in nine of ten cases.").like($low),
                    TableKey::required("expected", $form, "`expected`, which it exceeds in half of the cases", "Exceeded in half of the cases.").like($expected),
                    TableKey::required("high", $form, "`high`, which it exceeds in one of ten cases", "Exceeded in one of ten cases.").like($high),
                ],
            )
        };
    };
}

spread!(RATE, "uncertain_rate", ValueForm::PerSecond, "\"10/s\"", "\"20/s\"", "\"35/s\"");
spread!(SHARE, "uncertain_share", ValueForm::Percent, "\"5%\"", "\"8%\"", "\"12%\"");
spread!(NUMBER, "uncertain_number", PEOPLE, "360000", "400000", "440000");
spread!(DURATION, "uncertain_time", TIME, "\"6s\"", "\"7s\"", "\"10s\"");

const fn rate(name: &'static str, without: &'static str, help: &'static str) -> TableKey {
    TableKey::optional(name, ValueForm::Table(&RATE), without, help).like("\"20/s\"")
}

const fn share(name: &'static str, without: &'static str, help: &'static str) -> TableKey {
    TableKey::optional(name, ValueForm::Table(&SHARE), without, help).like("\"8%\"")
}

const fn time(name: &'static str, without: &'static str, help: &'static str) -> TableKey {
    TableKey::optional(name, ValueForm::Table(&DURATION), without, help).like("\"20m\"")
}

const AT: TableKey = TableKey::default(
    "at",
    ValueForm::Duration(Duration::ZERO..=MAX_LENGTH),
    Given::Text("0s"),
    "When, from the start of the plan.",
);

const AUDIENCE: TableKey = TableKey::required(
    "audience",
    ValueForm::Table(&NUMBER),
    "`audience`, how many it reaches: audience = 400000",
    "How many people it reaches.",
)
.like("400000");

const RESPONDS: TableKey = TableKey::required(
    "responds",
    ValueForm::Table(&SHARE),
    "`responds`, the share that verifies: responds = \"8%\"",
    "Which share of them verifies.",
)
.like("\"8%\"");

static MESSAGE: &[TableKey] = &[
    AT,
    AUDIENCE,
    RESPONDS,
    time("median_delay", "20 minutes, an assumption", "Half of those who respond have done so after this time."),
    TableKey::optional(
        "sigma",
        ValueForm::Table(&NUMBER),
        "1.2, an assumption",
        "How wide the delays spread: the deviation of their logarithm.",
    )
    .like("1.2"),
    time("send_over", "all at once", "How long the sending takes."),
];

static PUSH: Variant =
    Variant { name: "push", help: "Push notifications; those who respond do so after a log-normal delay.", keys: MESSAGE };
static EMAIL: Variant = Variant { name: "email", help: "E-mails; as `push`.", keys: MESSAGE };
static TV: Variant = Variant {
    name: "tv",
    help: "A spot on television: a pulse that peaks 13 s after it.",
    keys: &[
        AT,
        AUDIENCE,
        RESPONDS,
        time("mean_delay", "60 seconds, as published for web visits", "The mean delay of those who respond."),
    ],
};
static STEP: Variant = Variant {
    name: "step",
    help: "A queue that opens, a deadline: everyone at once, with an exponential tail.",
    keys: &[AT, AUDIENCE, RESPONDS, time("tail", "60 seconds, an assumption", "The mean delay of those who respond.")],
};
static DAILY: Variant = Variant {
    name: "daily",
    help: "A day's users over the hours of the day, the busiest time at `at`.",
    keys: &[
        AT,
        AUDIENCE,
        RESPONDS,
        TableKey::optional(
            "ratio",
            ValueForm::Table(&NUMBER),
            "2.5, an assumption for one time zone",
            "Peak to mean over a day: 1.6 to 1.7 where users are all over the world, 2 to 3 in one time zone.",
        )
        .like("2.5"),
    ],
};

static EVENT: TableKeys = TableKeys {
    tag: "kind",
    variants: &[&PUSH, &EMAIL, &TV, &STEP, &DAILY],
    ..TableKeys::new("event", "Something that makes users come. Events add up.", &[])
};

static CURVE: TableKeys = TableKeys::new(
    "curve",
    "Demand as it was, from a file.",
    &[
        TableKey::required(
            "file",
            ValueForm::Text(TextRule::of_length(1, 4096)),
            "`file`, relative to the plan: file = \"last-launch.csv\"",
            "A CSV file with `time,count` rows, a file with one timestamp a line, or the JSON of CloudWatch's get-metric-data or \
             get-metric-statistics. Relative to the plan's directory.",
        )
        .like("\"last-launch.csv\""),
        TableKey::default("scale", ValueForm::Number(0.0..=1e6), Given::Number(1.0), "What every count is multiplied by."),
    ],
);

static DEMAND: TableKeys = TableKeys::new(
    "demand",
    "How many users begin a verification, and when. Whatever is given adds up.",
    &[
        rate("peak", "no such plateau", "Users per second for `peak_for`, such as the busiest minutes of the launch."),
        TableKey::default("peak_for", LENGTH, Given::Text("10m"), "How long `peak` lasts."),
        rate("base", "no users besides", "Users per second all the time."),
        TableKey::optional("curve", ValueForm::Table(&CURVE), "none", ""),
        TableKey::optional("event", ValueForm::Tables { of: &EVENT, count: 1..=100 }, "none", ""),
        TableKey::optional(
            "length",
            LENGTH,
            "until two hours after the last event, or as long as the series",
            "How long the plan is.",
        )
        .like("\"130m\""),
        TableKey {
            example: "0.2",
            ..TableKey::optional(
                "dispersion",
                ValueForm::NumberOr { range: 0.0..=3.0, word: "from-file" },
                "0: independent users",
                "How much the rate varies from minute to minute by itself: the coefficient of variation, or as estimated from the curve's file.",
            )
        },
    ],
);

static SPAN: TableKeys = TableKeys::new(
    "span",
    "A time, even between two ends.",
    &[
        TableKey::required("from", TIME, "`from`, the shortest: from = \"5s\"", "The shortest.").like("\"5s\""),
        TableKey::required("to", TIME, "`to`, the longest: to = \"15s\"", "The longest.").like("\"15s\""),
    ],
);

static CHECKS: TableKeys = TableKeys::new(
    "checks",
    "Checks that fail, and users who try again.",
    &[
        share("fail", "none", "Share of the checks that fail."),
        share("repeat", "none", "Share of those users who try again."),
        TableKey::default("at_most", ValueForm::Integer(1..=20), Given::Integer(3), "Maximum checks per user."),
        TableKey::optional("after", ValueForm::Table(&SPAN), "5 to 20 seconds", "How long before the next check."),
    ],
);

static AFTER_ERROR: TableKeys = TableKeys::new(
    "after_error",
    "Users who see an error and begin again, with a new session.",
    &[
        share("again", "none", "Share of those users who begin again."),
        TableKey::default("from", TIME, Given::Text("5s"), "After this time at least."),
        TableKey::default("to", TIME, Given::Text("30s"), "At the latest after this time."),
        TableKey::default(
            "at_most",
            ValueForm::Integer(1..=20),
            Given::Integer(4),
            "Maximum tries per user, including the first.",
        ),
    ],
);

static USERS: TableKeys = TableKeys::new(
    "users",
    "What a user does.",
    &[
        TableKey::optional("checks", ValueForm::Table(&CHECKS), "every check ends the user's visit", ""),
        TableKey::optional("ready", ValueForm::Table(&SPAN), "5 to 15 seconds", "From having a session to starting its stream."),
        time("session", "6, 7 and 10 seconds, after AWS's own figures", "How long a stream lasts on average.").like("\"7s\""),
        TableKey::default(
            "session_sigma",
            ValueForm::Number(0.0..=2.0),
            Given::Number(0.25),
            "How much streams differ: the deviation of the logarithm of their length.",
        ),
        TableKey::optional("after_error", ValueForm::Table(&AFTER_ERROR), "nobody begins again", ""),
        TableKey::default(
            "gets_per_check",
            ValueForm::Number(0.0..=1000.0),
            Given::Number(1.0),
            "Calls for the results of a check.",
        ),
    ],
);

static BACKOFF: TableKeys = TableKeys::new(
    "backoff",
    "How a client pauses before it tries again.",
    &[
        TableKey::default("base", TIME, Given::Text("1s"), "The longest first pause; it doubles."),
        TableKey::default("max", TIME, Given::Text("20s"), "The longest pause."),
        TableKey::default(
            "jitter",
            ValueForm::Word(Jitter::NAMES),
            Given::Text("full"),
            "Even between 0 and the longest pause, or that itself.",
        ),
    ],
);

static CLIENT: TableKeys = TableKeys::new(
    "client",
    "The side that calls the service: your backend and its SDK.",
    &[
        TableKey::default(
            "attempts",
            ValueForm::Integer(1..=20),
            Given::Integer(1),
            "Attempts of a call in all; 1 means no retry, the SDKs' default is 3.",
        ),
        TableKey::optional("backoff", ValueForm::Table(&BACKOFF), "the SDKs' standard: 1 s, up to 20 s, full jitter", ""),
        TableKey::default(
            "processes",
            ValueForm::Integer(1..=100_000),
            Given::Integer(10),
            "SDK clients, each with a separate retry quota (500 tokens, 5 a retry).",
        ),
        TableKey::default(
            "token",
            ValueForm::Word(TokenHabit::NAMES),
            Given::Text("reused"),
            "Which idempotency token a retry brings.",
        ),
        TableKey::default("lost", ValueForm::Percent, Given::Number(0.0), "Share of the answers that are lost on the way."),
        TableKey::default("answer", TIME, Given::Text("50ms"), "How long an answer takes."),
    ],
);

static PROBED: Variant = Variant {
    name: "probed",
    help: "As a probe found it.",
    keys: &[TableKey::required(
        "probe",
        ValueForm::Text(TextRule::of_length(1, 4096)),
        "`probe`",
        "The directory of a probe, relative to the plan's.",
    )
    .like("\"results/20261126T101500Z-probe\"")],
};
static GIVEN: Variant = Variant {
    name: "given",
    help: "As you know it.",
    keys: &[
        TableKey::default("kind", ValueForm::Word(GIVEN_KINDS), Given::Text("token-bucket"), "What enforces it."),
        rate("rate", "", "Calls per second.").like("25.0"),
        TableKey::optional(
            "burst",
            COUNT,
            "unknown: planned with one second of the rate and with a fifth of it",
            "Calls at once from rest.",
        )
        .like("25"),
        TableKey::optional(
            "window",
            ValueForm::Duration(Duration::from_millis(1)..=Duration::from_secs(3600)),
            "1 second",
            "Length of a window or step.",
        )
        .like("\"1s\""),
        TableKey::optional("nodes", ValueForm::Integer(1..=1000), "", "Buckets that know nothing of each other.").like("4"),
    ],
};

/// Kinds that a plan's file may name; a probe may find others.
pub(super) const GIVEN_KINDS: &[&str] =
    &["token-bucket", "fixed-window", "sliding-log", "sliding-counter", "step-bucket", "sharded-bucket", "none"];

static LIMIT: TableKeys = TableKeys {
    variants: &[&PROBED, &GIVEN],
    plain: Some(ValueForm::PerSecond),
    ..TableKeys::new("limit", "A quota on an operation: a number, { probe = \"DIR\" }, or { rate = ..., burst = ... }.", &[])
};

const fn limit(name: &'static str, help: &'static str) -> TableKey {
    TableKey::optional(name, ValueForm::Table(&LIMIT), "AWS's default of the region", help).like("25.0")
}

static QUOTA: TableKeys = TableKeys::new(
    "quotas",
    "What AWS grants the account in the region.",
    &[
        limit("create", "CreateFaceLivenessSession, per second."),
        limit("start", "StartFaceLivenessSession, per second."),
        limit("get", "GetFaceLivenessSessionResults, per second."),
        TableKey::optional("concurrent", COUNT, "AWS's default of the region", "Sessions that stream at once.").like("75"),
        TableKey::default(
            "shared",
            ValueForm::PerSecond,
            Given::Number(0.0),
            "What others use of each rate already: it is subtracted.",
        ),
    ],
);

static OPTION: TableKeys = TableKeys::new(
    "option",
    "Something that could be done instead.",
    &[
        TableKey::required(
            "name",
            ValueForm::Text(TextRule::of_length(1, 64)),
            "`name`, for the table: name = \"second region\"",
            "For the table.",
        )
        .like("\"second region\""),
        TableKey::optional("create", ValueForm::PerSecond, "as it is", "Quota on Create to ask for.").like("40"),
        TableKey::optional("start", ValueForm::PerSecond, "as it is", "Quota on Start to ask for.").like("40"),
        TableKey::optional("get", ValueForm::PerSecond, "as it is", "Quota on Get to ask for.").like("40"),
        TableKey::optional("concurrent", COUNT, "as it is", "Sessions at once to ask for.").like("200"),
        TableKey::optional(
            "send_over",
            ValueForm::Duration(Duration::ZERO..=MAX_LENGTH),
            "as it is",
            "How long the sending of every message takes.",
        )
        .like("\"60m\""),
        TableKey::optional("waiting_room", ValueForm::PerSecond, "none", "Users per second that a waiting room lets in.")
            .like("\"7/s\""),
        TableKey::optional("regions", ValueForm::Integer(1..=8), "1", "Regions over which users are spread evenly.").like("2"),
        TableKey::optional("attempts", ValueForm::Integer(1..=20), "as it is", "Attempts of a call in all.").like("3"),
        TableKey::optional(
            "lead_time_days",
            ValueForm::Integer(0..=3650),
            "14 for a quota, else 0",
            "Days before it is in effect.",
        )
        .like("14"),
        TableKey::optional(
            "costs",
            ValueForm::Text(TextRule::of_length(1, 80)),
            "said from what changes",
            "What it costs besides money.",
        )
        .like("\"routing\""),
    ],
);

static TIER: TableKeys = TableKeys::new(
    "tier",
    "A step of the price.",
    &[
        TableKey::optional(
            "up_to",
            ValueForm::Number(1.0..=1e12),
            "all that are left",
            "Checks of this launch up to which it holds.",
        )
        .like("1000000"),
        TableKey::required("per_check_usd", ValueForm::Number(0.0..=100.0), "`per_check_usd`", "US dollars a check.")
            .like("0.015"),
    ],
);

static PRICE: TableKeys = TableKeys {
    never: &[&["per_check_usd", "tier"]],
    ..TableKeys::new(
        "price",
        "What a check costs.",
        &[
            TableKey::optional(
                "per_check_usd",
                ValueForm::Number(0.0..=100.0),
                "$0.015, the list price of the first tier",
                "US dollars a check.",
            )
            .like("0.015"),
            TableKey::optional(
                "tier",
                ValueForm::Tables { of: &TIER, count: 1..=20 },
                "one price",
                "Steps, from the first check on.",
            ),
        ],
    )
};

/// A plan.
pub(super) static PLAN: TableKeys = TableKeys::new(
    "plan",
    "A capacity plan: demand, quotas, and what could be done.",
    &[
        TableKey::required(
            "name",
            ValueForm::Text(TextRule::matching(NAME)),
            "one, like name = \"launch\"",
            "Names the plan in reports.",
        )
        .like("\"launch\""),
        TableKey::default(
            "region",
            ValueForm::Text(TextRule::of_length(1, 64)),
            Given::Text("us-east-1"),
            "The region, one with Face Liveness.",
        ),
        TableKey::default(
            "seed",
            ValueForm::Integer(0..=i64::MAX.unsigned_abs()),
            Given::Integer(1),
            "Every draw comes from it: same plan, same seed, same bytes.",
        ),
        TableKey::default(
            "target",
            ValueForm::Percent,
            Given::Number(0.001),
            "Share of the calls that may be refused at the peak, above 0.",
        ),
        TableKey::optional(
            "launch",
            ValueForm::Text(TextRule::matching(DATE)),
            "no dates are named",
            "The day of the launch, for the dates by which to ask.",
        )
        .like("\"2026-12-17\""),
        TableKey::required("demand", ValueForm::Table(&DEMAND), "a table [demand] with `peak`, `base`, `curve` or `event`", ""),
        TableKey::optional("users", ValueForm::Table(&USERS), "one check each, no repeats", ""),
        TableKey::optional("client", ValueForm::Table(&CLIENT), "one attempt", ""),
        TableKey::optional("quota", ValueForm::Table(&QUOTA), "AWS's defaults of the region", ""),
        TableKey::optional("option", ValueForm::Tables { of: &OPTION, count: 1..=40 }, "a standard set", ""),
        TableKey::optional("price", ValueForm::Table(&PRICE), "$0.015 a check", ""),
    ],
);
