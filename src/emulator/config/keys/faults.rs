//! The keys of `[emulator.faults]`.

use super::{HOUR, MILLISECOND, NANOSECOND, ROWS, at, share};
use crate::emulator::config::switches::{FaultKind, Malformed};
use crate::key::{Given, TableKey, TableKeys, TextRule, ValueForm, Words as _, words};
use crate::schedule::MAX_LENGTH;

words!(FaultKind {
    Self::ResetBefore.name() => ResetBefore,
    Self::ResetAfter.name() => ResetAfter,
    Self::Raw.name() => Raw,
    Self::InternalError.name() => InternalError,
    Self::Unavailable.name() => Unavailable,
    Self::Malformed.name() => Malformed,
    Self::SlowBody.name() => SlowBody,
    Self::HalfOpen.name() => HalfOpen,
});
words!(Malformed {
    Self::Empty.name() => Empty,
    Self::EmptyObject.name() => EmptyObject,
    Self::Truncated.name() => Truncated,
    Self::NullSession.name() => NullSession,
    Self::UpperCase.name() => UpperCase,
    Self::Html.name() => Html,
});

/// `faults`.
pub static FAULTS: TableKeys = TableKeys::new(
    "faults",
    "What goes wrong: shares of the calls, at most 1 together.",
    &[
        share("reset_before", "The connection is reset before the call takes effect."),
        share("reset_after", "The connection is reset after the session was made: the lost answer that makes tokens matter."),
        TableKey::optional("raw", ValueForm::Table(&RAW), "none", "")
            .like("{ share = 0.0, status = 502, content_type = \"text/html\", body = \"<html>Bad gateway</html>\" }"),
        share("internal_error", "InternalServerError at 500; the call takes no effect."),
        share("unavailable", "A 503 with a page of HTML; the call takes no effect."),
        share("malformed", "A 200 whose body is not a valid answer; the session exists all the same."),
        TableKey::optional(
            "malformed_forms",
            ValueForm::Words(Malformed::NAMES),
            "all",
            "The forms of a malformed 200, one of which is drawn.",
        )
        .like("[ \"empty\", \"empty-object\", \"truncated\", \"null-session\", \"upper-case\", \"html\" ]"),
        share("slow_body", "The answer's body comes slowly."),
        TableKey::default(
            "slow_body_for",
            ValueForm::Duration(MILLISECOND..=HOUR),
            Given::Text("10s"),
            "How long a slow body takes.",
        ),
        share("half_open", "No answer at all on a connection that stays open; what was done stays done, the session exists."),
        TableKey::optional(
            "scheduled",
            ValueForm::Tables { of: &SCHEDULED, count: ROWS },
            "none",
            "Faults at given times, whatever the shares say; they come before those by chance.",
        )
        .like("[ { fault = \"unavailable\", at = \"1h 5m\", for = \"5s\", share = 0.5 } ]"),
    ],
);

/// `faults.raw`.
static RAW: TableKeys = TableKeys::new(
    "raw",
    "An answer of your own, which the service would not give.",
    &[
        TableKey::required(
            "share",
            ValueForm::Share,
            "`share`, the part of the calls that get it: share = 0.01",
            "Share of the calls.",
        )
        .like("0.01"),
        TableKey::required(
            "status",
            ValueForm::Integer(200..=599),
            "`status`, the HTTP status of the answer: status = 503",
            "HTTP status.",
        )
        .like("503"),
        TableKey::default(
            "content_type",
            ValueForm::Text(TextRule { pattern: None, length: 1..=usize::MAX }),
            Given::Text("application/x-amz-json-1.1"),
            "Content-Type of the answer.",
        )
        .like("\"text/html\""),
        TableKey::default("body", ValueForm::Text(TextRule::ANY), Given::Text(""), "The body, sent unchanged.")
            .like("\"<html>busy</html>\""),
    ],
);

/// A row of `faults.scheduled`.
pub static SCHEDULED: TableKeys = TableKeys::new(
    "scheduled",
    "A fault from an instant on, for a time.",
    &[
        TableKey::required(
            "fault",
            ValueForm::Word(FaultKind::NAMES),
            "`fault`, what goes wrong: fault = \"unavailable\"",
            "What goes wrong.",
        )
        .like("\"unavailable\""),
        at(),
        TableKey::required("for", ValueForm::Duration(NANOSECOND..=MAX_LENGTH), "`for`, its length: for = \"5s\"", "How long.")
            .like("\"5s\""),
        TableKey::default("share", ValueForm::Share, Given::Number(1.0), "Share of the calls in that time."),
    ],
);
