//! Switches: what nobody but the service knows, what becomes of sessions, and what goes wrong.

use std::time::Duration;

use super::LatencyModel;
use crate::interval::Interval;
use crate::limiter::RefusalCost;
use crate::units::Share;

/// What an exhausted quota answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuotaError {
    /// `ProvisionedThroughputExceededException` at 400, as documented.
    #[default]
    ProvisionedThroughput,
    /// `ThrottlingException` at 400.
    Throttling400,
    /// `ThrottlingException` at 500.
    Throttling500,
}

/// Which refused calls cost a token of the quota. An accepted call always costs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// What a call over the quota costs: of a token, but never more than is left; of a count in its window; of a place in flight.
    pub rejected: RefusalCost,
    /// A call with a broken constraint costs a token; it is then also throttled when there is none.
    pub invalid: bool,
}

/// What is seen of a session after its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// How long the results of a finished check can be read, from the session's start; `None` is its life.
    pub results_ttl: Option<Duration>,
    /// What getting a session after its life answers.
    pub expired: ExpiredGet,
    /// How long `EXPIRED` shows before the session is not found.
    pub expired_for: Duration,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self { results_ttl: None, expired: ExpiredGet::NotFound, expired_for: crate::service::lifetime::SESSION }
    }
}

/// What getting a session after its life answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiredGet {
    /// `SessionNotFoundException`.
    #[default]
    NotFound,
    /// Status `EXPIRED` for a while, then `SessionNotFoundException`.
    Expired,
}

/// What becomes of sessions. The shares are at most 1 together; with none of them a session stays `CREATED` until somebody
/// completes it: as with the service, where nothing happens until a user's camera streams.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    /// Share of the sessions whose check ends in `SUCCEEDED`.
    pub succeed: Share,
    /// Share of the sessions whose check ends in `FAILED`.
    pub fail: Share,
    /// Share of the sessions whose check begins and never ends: `IN_PROGRESS` until they expire.
    pub abandon: Share,
    /// From the session's start to its check's.
    pub start: LatencyModel,
    /// How long a check takes.
    pub length: LatencyModel,
    /// Least and most `Confidence` of a check that succeeded, 0 to 100.
    pub confidence: Interval,
    /// How many audit images there are.
    pub audit_images: AuditImages,
    /// Whether S3 objects have a `Version`.
    pub s3_versions: bool,
    /// Share of the succeeded checks with something in `Feedback`.
    pub feedback: Share,
    /// `Metadata.SDKType`, 1 to 64 characters.
    pub sdk_type: String,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            succeed: Share::NONE,
            fail: Share::NONE,
            abandon: Share::NONE,
            start: LatencyModel::Fixed(Duration::from_secs(2)),
            length: LatencyModel::Fixed(Duration::from_secs(7)),
            confidence: Interval::new(90.0, 99.99),
            audit_images: AuditImages::Exact,
            s3_versions: false,
            feedback: Share::NONE,
            sdk_type: "livebench-emulator".to_owned(),
        }
    }
}

/// How many audit images a succeeded check has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditImages {
    /// As many as `AuditImagesLimit` asks for.
    #[default]
    Exact,
    /// Any number from 0 to `AuditImagesLimit`.
    BestEffort,
}

/// The open questions about `ClientRequestToken`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// How long a token leads to its session, from its first call; `None` is the session's life.
    pub window: Option<Duration>,
    /// Where a token means the same.
    pub scope: TokenScope,
    /// What the same token with other settings gets.
    pub mismatch: Mismatch,
    /// What a token gets whose session has expired, within its window.
    pub after_expiry: AfterExpiry,
    /// What two calls with one token at the same time get.
    pub race: Race,
    /// Whether a call that gets an earlier session costs nothing.
    pub free_replay: bool,
    /// Whether a token whose first call was throttled is answered with the same throttle for the whole of its window.
    pub remember_throttled: bool,
}

/// Where a token means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenScope {
    /// In one region of one account.
    #[default]
    AccountRegion,
    /// In all regions of one account.
    Account,
    /// In one region of all accounts.
    Region,
    /// Everywhere.
    Global,
}

/// What the same token with other settings gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mismatch {
    /// The first call's session.
    #[default]
    First,
    /// `IdempotentParameterMismatchException` at 400.
    MismatchError,
    /// `InvalidParameterException`.
    InvalidParameter,
}

/// What a token gets whose session has expired, within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterExpiry {
    /// A new session.
    #[default]
    New,
    /// The id of the expired one.
    Same,
}

/// What two calls with one token get when the second arrives before the first is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Race {
    /// One session.
    #[default]
    One,
    /// Two; the token goes on leading to the first.
    Two,
}

/// How a broken constraint is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validation {
    /// With which exception.
    pub error: ConstraintError,
    /// In which words.
    pub message: ConstraintMessage,
    /// What happens to an `AuditImagesLimit` outside 0 to 4.
    pub audit_images_limit: AuditImagesLimit,
}

/// With which exception a broken constraint is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConstraintError {
    /// `InvalidParameterException`, which the operation's model names.
    #[default]
    InvalidParameter,
    /// `ValidationException` of the front door.
    Validation,
}

/// In which words a broken constraint is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConstraintMessage {
    /// Counted, each with its value: `1 validation error detected: Value 'x' at 'a.b' failed to satisfy constraint: ...`.
    #[default]
    Echo,
    /// Counted, without the values: `1 validation error detected: Value at 'a.b' failed to satisfy constraint: ...`.
    Path,
    /// `Request has invalid parameters.`
    Documented,
}

/// What happens to an `AuditImagesLimit` outside 0 to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditImagesLimit {
    /// It counts as the nearest end, as the API reference says.
    #[default]
    Clamp,
    /// It breaks the constraint that the model states.
    Reject,
}

/// What goes wrong, each a share of the calls. One draw decides, so no call has two.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The connection is reset before the call takes effect.
    pub reset_before: Share,
    /// The connection is reset after the session was made: the lost answer that makes tokens matter.
    pub reset_after: Share,
    /// A raw answer instead of the service's; what was done stays done.
    pub raw: Option<RawAnswer>,
    /// `InternalServerError` at 500; the call takes no effect.
    pub internal_error: Share,
    /// A 503 with a page of HTML, as from a proxy; the call takes no effect.
    pub unavailable: Share,
    /// A 200 that is none; what was done stays done.
    pub malformed: Share,
    /// The forms of a malformed 200, one of which is drawn; never empty.
    pub malformed_forms: Vec<Malformed>,
    /// The answer's body comes slowly.
    pub slow_body: Share,
    /// How long a slow body takes.
    pub slow_body_for: Duration,
    /// No answer at all, on a connection that stays open; what was done stays done.
    pub half_open: Share,
    /// Faults at given times. They come before those by chance; of two at one time the earlier in the list counts.
    pub scheduled: Vec<ScheduledFault>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            reset_before: Share::NONE,
            reset_after: Share::NONE,
            raw: None,
            internal_error: Share::NONE,
            unavailable: Share::NONE,
            malformed: Share::NONE,
            malformed_forms: Malformed::ALL.to_vec(),
            slow_body: Share::NONE,
            slow_body_for: Duration::from_secs(10),
            half_open: Share::NONE,
            scheduled: Vec::new(),
        }
    }
}

impl Faults {
    /// The share of each kind by chance, in the order in which one draw decides.
    pub fn shares(&self) -> [(FaultKind, Share); 8] {
        [
            (FaultKind::ResetBefore, self.reset_before),
            (FaultKind::ResetAfter, self.reset_after),
            (FaultKind::Raw, self.raw.as_ref().map_or(Share::NONE, |raw| raw.share)),
            (FaultKind::InternalError, self.internal_error),
            (FaultKind::Unavailable, self.unavailable),
            (FaultKind::Malformed, self.malformed),
            (FaultKind::SlowBody, self.slow_body),
            (FaultKind::HalfOpen, self.half_open),
        ]
    }
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// See [`Faults::reset_before`].
    ResetBefore,
    /// See [`Faults::reset_after`].
    ResetAfter,
    /// See [`Faults::raw`].
    Raw,
    /// See [`Faults::internal_error`].
    InternalError,
    /// See [`Faults::unavailable`].
    Unavailable,
    /// See [`Faults::malformed`].
    Malformed,
    /// See [`Faults::slow_body`].
    SlowBody,
    /// See [`Faults::half_open`].
    HalfOpen,
}

impl FaultKind {
    /// Every kind, in the order of [`Faults::shares`].
    pub const ALL: [Self; 8] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Raw,
        Self::InternalError,
        Self::Unavailable,
        Self::Malformed,
        Self::SlowBody,
        Self::HalfOpen,
    ];

    /// The spelling in files and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Raw => "raw",
            Self::InternalError => "internal_error",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::SlowBody => "slow_body",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A fault from an instant on, for a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduledFault {
    /// What goes wrong.
    pub fault: FaultKind,
    /// From the start of the run.
    pub at: Duration,
    /// How long.
    pub length: Duration,
    /// Share of the calls in that time.
    pub share: Share,
}

/// What a malformed 200 looks like. Three of four AWS clients take some of these for a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// No body.
    Empty,
    /// `{}`.
    EmptyObject,
    /// A body that is cut off in the middle, as a whole answer of its length.
    Truncated,
    /// `{"SessionId":null}`.
    NullSession,
    /// A session id in upper case, which the model's pattern forbids.
    UpperCase,
    /// A page of HTML.
    Html,
}

impl Malformed {
    /// Every form.
    pub const ALL: [Self; 6] = [Self::Empty, Self::EmptyObject, Self::Truncated, Self::NullSession, Self::UpperCase, Self::Html];

    /// The spelling in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::EmptyObject => "empty-object",
            Self::Truncated => "truncated",
            Self::NullSession => "null-session",
            Self::UpperCase => "upper-case",
            Self::Html => "html",
        }
    }
}

/// An answer that the service would not give.
#[derive(Debug, Clone, PartialEq)]
pub struct RawAnswer {
    /// Share of the calls.
    pub share: Share,
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The body, sent unchanged.
    pub body: String,
}
