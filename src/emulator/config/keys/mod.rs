//! The keys of `[emulator]`: each with its form, its default and what it decides.
//!
//! Refuses to read a text; `crate::scenario` does.

mod faults;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use self::faults::{FAULTS, SCHEDULED};
use super::switches::{
    AfterExpiry, AuditImages, AuditImagesLimit, ConstraintError, ConstraintMessage, ExpiredGet, Mismatch, QuotaError, Race,
    TokenScope,
};
use crate::key::{Given, TableKey, TableKeys, TextRule, ValueForm, Variant, Words as _, words};
use crate::limiter::{GROWTH, QUOTA};
use crate::schedule::MAX_LENGTH;

const NANOSECOND: Duration = Duration::from_nanos(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Rows of one list at most: as many as a scenario has stages.
const ROWS: RangeInclusive<usize> = 0..=1000;

words!(QuotaError {
    "provisioned-throughput" => ProvisionedThroughput,
    "throttling-400" => Throttling400,
    "throttling-500" => Throttling500,
});
words!(ExpiredGet { "not-found" => NotFound, "expired" => Expired });
words!(AuditImages { "exact" => Exact, "best-effort" => BestEffort });
words!(TokenScope { "account-region" => AccountRegion, "account" => Account, "region" => Region, "global" => Global });
words!(Mismatch { "first" => First, "mismatch-error" => MismatchError, "invalid-parameter" => InvalidParameter });
words!(AfterExpiry { "new" => New, "same" => Same });
words!(Race { "one" => One, "two" => Two });
words!(ConstraintError { "invalid-parameter" => InvalidParameter, "validation" => Validation });
words!(ConstraintMessage { "echo" => Echo, "path" => Path, "documented" => Documented });
words!(AuditImagesLimit { "clamp" => Clamp, "reject" => Reject });
/// The life of a session, as `[emulator]` and `[idempotency]` both have it.
pub const fn session_ttl(help: &'static str) -> TableKey {
    TableKey::default("session_ttl", ValueForm::Duration(MILLISECOND..=DAY), Given::Text("180s"), help)
}

const fn account(help: &'static str) -> TableKey {
    TableKey::default("account", ValueForm::Text(TextRule::matching("^[0-9]{12}$")), Given::Text(super::DEFAULT_ACCOUNT), help)
}

const fn share(name: &'static str, help: &'static str) -> TableKey {
    TableKey::default(name, ValueForm::Share, Given::Number(0.0), help)
}

const fn truth(name: &'static str, default: bool, help: &'static str) -> TableKey {
    TableKey::default(name, ValueForm::Truth, Given::Truth(default), help)
}

const fn word(name: &'static str, words: &'static [&'static str], default: &'static str, help: &'static str) -> TableKey {
    TableKey::default(name, ValueForm::Word(words), Given::Text(default), help)
}

/// What a key has that lies in the run: a start and a length.
const fn at() -> TableKey {
    TableKey::required(
        "at",
        ValueForm::Duration(Duration::ZERO..=MAX_LENGTH),
        "`at`, its start from the start of the run: at = \"10s\"",
        "Its start, from the start of the run.",
    )
    .like("\"10s\"")
}

/// The `[emulator]` table.
pub static EMULATOR: TableKeys = TableKeys::new(
    "emulator",
    "The embedded emulator's settings; ignored with --target aws.",
    &[
        TableKey::default(
            "region",
            ValueForm::Text(TextRule { pattern: Some("^[a-z]+(-[a-z]+)+-[0-9]{1,2}$"), length: 0..=32 }),
            Given::Text("us-east-1"),
            "The region of a call that names none in its credential scope. Regions without Face Liveness answer AccessDenied.",
        ),
        account("The account of a call whose access key is not among the credentials."),
        TableKey::optional(
            "seed",
            ValueForm::Integer(0..=i64::MAX.unsigned_abs()),
            "the scenario's seed; 1 in an emulator file",
            "Every id, latency, fault and result of the emulator is drawn from it.",
        )
        .like("7"),
        TableKey::optional(
            "quota",
            ValueForm::Table(&QUOTA),
            "what is documented for each region, which is 25/s in us-east-1 and us-west-2 and 5/s elsewhere, with as large a burst: \
             the burst is not documented, and taken as one second of the rate",
            "The limit on CreateFaceLivenessSession, per account and region.",
        )
        .like("{ kind = \"token-bucket\", rate = 25, burst = 25 }"),
        TableKey::optional(
            "get_quota",
            ValueForm::Table(&QUOTA),
            "what is documented for the region, as for creates",
            "The limit on GetFaceLivenessSessionResults, per account and region.",
        )
        .like("{ kind = \"sliding-log\", limit = 25, window = \"1s\" }"),
        TableKey::optional(
            "start_quota",
            ValueForm::Table(&QUOTA),
            "what is documented for the region, as for creates",
            "The limit on StartFaceLivenessSession, per account and region. Streams start in the launches that `livebench plan` simulates, and by \
             `POST /_livebench/stream`.",
        )
        .like("{ kind = \"token-bucket\", rate = 25, burst = 25 }"),
        TableKey::optional(
            "concurrent_sessions",
            ValueForm::Integer(1..=1_000_000),
            "what is documented for each region, which is 75 in us-east-1 and us-west-2 and 15 elsewhere",
            "Sessions that may stream at once, per account and region.",
        )
        .like("75"),
        word(
            "quota_error",
            QuotaError::NAMES,
            "provisioned-throughput",
            "What an exhausted quota answers: ProvisionedThroughputExceededException at 400, as documented, or ThrottlingException \
             at 400 or 500.",
        ),
        TableKey::optional(
            "ramp",
            ValueForm::Table(&GROWTH),
            "off: that it exists is documented, how it decides is not",
            "Refuses a sudden increase of the rate (\"Slow down; sudden increase in rate of requests.\"): ThrottlingException, at 400 \
             by default.",
        )
        .like("{ window = \"1s\", growth = 2.0, floor = 50, status = 400 }"),
        TableKey::optional(
            "scaling",
            ValueForm::Table(&GROWTH),
            "off: that it exists is documented, how it decides is not",
            "Refuses what the service has not scaled for yet (\"Service Unavailable\"): ThrottlingException, at 500 by default.",
        )
        .like("{ window = \"10s\", growth = 2.0, floor = 500, status = 500 }"),
        TableKey::optional("charge", ValueForm::Table(&CHARGE), "neither", "").like("{ rejected = 0.0, invalid = false }"),
        TableKey::optional(
            "retry_after",
            ValueForm::Duration(MILLISECOND..=HOUR),
            "none is sent",
            "x-amz-retry-after of every throttle, in whole milliseconds.",
        )
        .like("\"500ms\""),
        TableKey::optional("latency", ValueForm::Table(&LATENCY), "no time is added", "How long an answer takes.")
            .like("{ median = \"45ms\", p99 = \"160ms\" }"),
        TableKey::optional("spikes", ValueForm::Table(&SPIKES), "none", "").like("{ share = 0.001, extra = \"500ms\" }"),
        TableKey::optional(
            "stalls",
            ValueForm::Tables { of: &STALL, count: ROWS },
            "none",
            "When nothing is answered; what was asked waits until the end of the stall.",
        )
        .like("[ { at = \"1h\", for = \"2s\" } ]"),
        TableKey::optional("faults", ValueForm::Table(&FAULTS), "", ""),
        session_ttl("The life of a session and of its token. Documented: \"a SessionId expires 3 minutes after it's sent\"."),
        TableKey::optional("sessions", ValueForm::Table(&SESSIONS), "", ""),
        TableKey::optional("checks", ValueForm::Table(&CHECKS), "", ""),
        TableKey::optional("tokens", ValueForm::Table(&TOKENS), "", ""),
        TableKey::optional("validation", ValueForm::Table(&VALIDATION), "", ""),
        TableKey::optional(
            "credentials",
            ValueForm::Tables { of: &CREDENTIAL, count: ROWS },
            "any well-formed signature passes, and so do calls without one",
            "Who may call; only in the file of `livebench emulate --config FILE`.",
        ),
        truth("verify_signatures", true, "Whether signatures are verified when there are credentials to verify them with."),
        TableKey::optional(
            "allow_unsigned",
            ValueForm::Truth,
            "false with credentials, true without them",
            "Whether a call without a signature is taken.",
        )
        .like("false"),
        TableKey::optional(
            "cors",
            ValueForm::Text(TextRule::matching(r"^https?://[^\s/?#@*]+$")),
            "no web page may call it",
            "The origin whose web pages may call the operation (CORS), for a browser app under test. The endpoints under `/_livebench/` stay \
             closed to web pages.",
        )
        .like("\"https://app.example\""),
    ],
);

/// `charge`.
pub static CHARGE: TableKeys = TableKeys::new(
    "charge",
    "Which refused calls cost a token of the quota; not documented.",
    &[
        TableKey::default(
            "rejected",
            ValueForm::Part,
            Given::Number(0.0),
            "What a call over the quota costs, as a part of what one costs that is let through, to a thousandth: of a token, but never more \
             than is left; of a count in its window; of a place in flight.",
        ),
        truth("invalid", false, "A call with a broken constraint costs a token, and is throttled when no token is left."),
    ],
);

/// `latency`, and `start` and `length` of a check.
pub static LATENCY: TableKeys = TableKeys {
    variants: &[
        &Variant {
            name: "log-normal",
            help: "Log-normal.",
            keys: &[
                TableKey::required("median", ValueForm::Duration(NANOSECOND..=HOUR), "", "Half of the answers are faster.")
                    .like("\"45ms\""),
                TableKey::required(
                    "p99",
                    ValueForm::Duration(NANOSECOND..=HOUR),
                    "",
                    "One in a hundred is slower; at least the median.",
                )
                .like("\"160ms\""),
            ],
        },
        &Variant {
            name: "fixed",
            help: "Always the same.",
            keys: &[
                TableKey::required("fixed", ValueForm::Duration(Duration::ZERO..=HOUR), "", "Always the same.").like("\"45ms\"")
            ],
        },
        &Variant {
            name: "uniform",
            help: "Evenly between two times.",
            keys: &[
                TableKey::required("from", ValueForm::Duration(Duration::ZERO..=HOUR), "", "The least.").like("\"20ms\""),
                TableKey::required("to", ValueForm::Duration(Duration::ZERO..=HOUR), "", "The most; at least `from`.")
                    .like("\"80ms\""),
            ],
        },
    ],
    plain: Some(ValueForm::Duration(Duration::ZERO..=HOUR)),
    ..TableKeys::new("latency", "A time that is the same for all, lies evenly between two, or is log-normal.", &[])
};

/// `spikes`.
pub static SPIKES: TableKeys = TableKeys::new(
    "spikes",
    "Some answers take longer than the others.",
    &[
        TableKey::required(
            "share",
            ValueForm::Share,
            "`share`, the part of the calls that are slow: share = 0.01",
            "Share of the calls.",
        )
        .like("0.001"),
        TableKey::required(
            "extra",
            ValueForm::Duration(NANOSECOND..=HOUR),
            "`extra`, what they take besides: extra = \"500ms\"",
            "What their answers take besides.",
        )
        .like("\"500ms\""),
    ],
);

/// A row of `stalls`.
pub static STALL: TableKeys = TableKeys::new(
    "stall",
    "A time in which nothing is answered.",
    &[
        at(),
        TableKey::required("for", ValueForm::Duration(NANOSECOND..=HOUR), "`for`, its length: for = \"2s\"", "How long.")
            .like("\"2s\""),
    ],
);

/// `sessions`.
pub static SESSIONS: TableKeys = TableKeys::new(
    "sessions",
    "What is seen of a session after its life.",
    &[
        TableKey::optional(
            "results_ttl",
            ValueForm::Duration(MILLISECOND..=DAY),
            "`session_ttl`",
            "How long the results of a finished check can be read, from the session's start.",
        )
        .like("\"180s\""),
        word(
            "expired",
            ExpiredGet::NAMES,
            "not-found",
            "What getting a session after its life answers: SessionNotFoundException, or EXPIRED for a while.",
        ),
        TableKey::default(
            "expired_for",
            ValueForm::Duration(MILLISECOND..=DAY),
            Given::Text("180s"),
            "How long EXPIRED shows before the session is not found.",
        ),
    ],
);

/// `checks`.
pub static CHECKS: TableKeys = TableKeys::new(
    "checks",
    "How sessions end; the shares add up to at most 1. With none of them a session stays CREATED until somebody completes \
     it (POST /_livebench/complete).",
    &[
        share("succeed", "Share of the sessions whose check ends in SUCCEEDED.").like("0.8"),
        share("fail", "Share of the sessions whose check ends in FAILED.").like("0.05"),
        share("abandon", "Share of the sessions whose check begins and never ends. The rest, up to 1, are never begun.")
            .like("0.05"),
        TableKey::optional(
            "start",
            ValueForm::Table(&LATENCY),
            "2s",
            "From the session's start to its check's, in any form of `latency`.",
        )
        .like("{ from = \"1s\", to = \"4s\" }"),
        TableKey::optional("length", ValueForm::Table(&LATENCY), "7s", "How long a check takes, in any form of `latency`.")
            .like("{ median = \"7s\", p99 = \"11s\" }"),
        TableKey::default(
            "confidence_min",
            ValueForm::Number(0.0..=100.0),
            Given::Number(90.0),
            "Least Confidence of a check that succeeded.",
        ),
        TableKey::default(
            "confidence_max",
            ValueForm::Number(0.0..=100.0),
            Given::Number(99.99),
            "Most Confidence of a check that succeeded.",
        ),
        word(
            "audit_images",
            AuditImages::NAMES,
            "exact",
            "How many audit images there are: as many as AuditImagesLimit asks for, or any number up to it.",
        ),
        truth("s3_versions", false, "Whether S3 objects have a Version."),
        share("feedback", "Share of the succeeded checks with something in Feedback.").like("0.1"),
        TableKey::default(
            "sdk_type",
            ValueForm::Text(TextRule::of_length(1, 64)),
            Given::Text("livebench-emulator"),
            "Metadata.SDKType.",
        ),
    ],
);

/// `tokens`.
pub static TOKENS: TableKeys = TableKeys::new(
    "tokens",
    "The open questions about ClientRequestToken, of which is documented only that \"the same session is returned\".",
    &[
        TableKey::optional(
            "window",
            ValueForm::Duration(MILLISECOND..=DAY),
            "`session_ttl`",
            "How long a token leads to its session, from its first call.",
        )
        .like("\"180s\""),
        word(
            "scope",
            TokenScope::NAMES,
            "account-region",
            "Where a token means the same: in one region of one account, in all regions of one account, in one region of all \
             accounts, everywhere.",
        ),
        word(
            "mismatch",
            Mismatch::NAMES,
            "first",
            "What the same token with other settings gets: the first session, IdempotentParameterMismatchException, or \
             InvalidParameterException.",
        ),
        word(
            "after_expiry",
            AfterExpiry::NAMES,
            "new",
            "What a token gets whose session has expired, within its window: a new session, or the id of the expired one.",
        ),
        word(
            "race",
            Race::NAMES,
            "one",
            "What two calls with one token get when the second arrives before the first is answered: one session or two.",
        ),
        truth("replay_costs", true, "Whether a call that gets an earlier session costs a token of the quota."),
        truth(
            "remember_throttled",
            false,
            "Whether a token whose first call was throttled gets the same throttle for the whole of its window.",
        ),
    ],
);

/// `validation`.
pub static VALIDATION: TableKeys = TableKeys::new(
    "validation",
    "How a broken constraint is answered.",
    &[
        word(
            "error",
            ConstraintError::NAMES,
            "invalid-parameter",
            "InvalidParameterException, as the model has it, or ValidationException of the front door, as seen elsewhere.",
        ),
        word(
            "message",
            ConstraintMessage::NAMES,
            "echo",
            "Counted with the values, counted without them, or the one sentence that is documented.",
        ),
        word(
            "audit_images_limit",
            AuditImagesLimit::NAMES,
            "clamp",
            "An AuditImagesLimit outside 0 to 4 counts as the nearest end, as the API reference says, or breaks its constraint, as its \
             model says.",
        ),
    ],
);

/// A row of `credentials`.
pub static CREDENTIAL: TableKeys = TableKeys::new(
    "credential",
    "Who may call.",
    &[
        TableKey::required(
            "access_key_id",
            ValueForm::Text(TextRule::matching("^[A-Za-z0-9_]{1,128}$")),
            "`access_key_id`: access_key_id = \"AKIDEXAMPLE\"",
            "The access key's id, unique.",
        )
        .like("\"AKIDEXAMPLE\""),
        TableKey::required(
            "secret_access_key",
            ValueForm::Text(TextRule::matching("^[!-~]{1,128}$")),
            "`secret_access_key`, which signatures are made with",
            "The secret that signatures are made with.",
        )
        // The example of AWS's own documentation.
        .like("\"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\""),
        TableKey::optional(
            "session_token",
            ValueForm::Text(TextRule::matching("^[!-~]{1,4096}$")),
            "none must",
            "The token that must come with the key, if any must.",
        )
        .like("\"...\""),
        account("Whose quotas and sessions its calls use."),
    ],
);
