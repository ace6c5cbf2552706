//! What the emulator shall be: the `[emulator]` table, and the file of `livebench emulate --config`.
//!
//! Whatever only a live account can settle is a switch here with a named default; the defaults are what the service's
//! documents say or come nearest to. `deploy/emulator.toml` shows every key.

mod credentials;
pub mod keys;
mod switches;
mod times;

use std::time::Duration;

pub use self::credentials::{Credential, Secret};
pub use self::switches::{
    AfterExpiry, AuditImages, AuditImagesLimit, Charge, Checks, ConstraintError, ConstraintMessage, ExpiredGet, FaultKind,
    Faults, Malformed, Mismatch, QuotaError, Race, RawAnswer, ScheduledFault, SessionRules, TokenScope, Tokens, Validation,
};

pub use self::times::{LatencyModel, Spikes, Stall};
use crate::limiter::{Concurrency, Growth, Quota, TokenBucket};
use crate::service::operation::Operation;
use crate::service::{lifetime, region};
use crate::units::Rate;

/// The account of a call whose key nobody configured.
pub const DEFAULT_ACCOUNT: &str = "123456789012";

/// The emulator's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct EmulatorConfig {
    /// Every draw comes from it.
    pub seed: u64,
    /// The region of a call that names none.
    pub region: String,
    /// The account of a call whose access key is not among the credentials: 12 digits.
    pub account: String,
    /// The quota on creates, per account and region; `None` is what is documented for each region.
    pub quota: Option<Quota>,
    /// The quota on getting results, per account and region; `None` is what is documented for each region.
    pub get_quota: Option<Quota>,
    /// The quota on starting streams, per account and region; `None` is what is documented for each region.
    pub start_quota: Option<Quota>,
    /// Sessions that may stream at once, per account and region; `None` is what is documented for each region.
    pub concurrent_sessions: Option<u32>,
    /// What an exhausted quota answers.
    pub quota_error: QuotaError,
    /// Refuses what rises too fast: `ThrottlingException`, 400 unless its `status` says otherwise.
    pub ramp: Option<Growth>,
    /// Refuses what the service has not scaled for yet: `ThrottlingException`, 500 unless its `status` says otherwise.
    pub scaling: Option<Growth>,
    /// Which refused calls cost a token.
    pub charge: Charge,
    /// `x-amz-retry-after` of every throttle, in whole milliseconds; `None` sends none.
    pub retry_after: Option<Duration>,
    /// How long an answer takes.
    pub latency: LatencyModel,
    /// Answers that take longer than the others.
    pub spikes: Option<Spikes>,
    /// When nothing is answered.
    pub stalls: Vec<Stall>,
    /// What goes wrong by chance or by schedule.
    pub faults: Faults,
    /// How long an unused session lives; also the window of its token unless `tokens.window` says otherwise.
    pub session_ttl: Duration,
    /// What is seen of a session after its life.
    pub sessions: SessionRules,
    /// What becomes of sessions: checks that users make.
    pub checks: Checks,
    /// The seven open questions about `ClientRequestToken`.
    pub tokens: Tokens,
    /// How a broken constraint is answered.
    pub validation: Validation,
    /// Who may call; empty: any well-formed signature passes.
    pub credentials: Vec<Credential>,
    /// Whether signatures are verified when there are credentials to verify them with.
    pub verify_signatures: bool,
    /// Whether a call without a signature is taken; by default only while there are no credentials.
    pub allow_unsigned: bool,
    /// The origin whose web pages may call the operation, like `https://app.example`; `None` is no page's.
    pub cors: Option<String>,
}

impl Default for EmulatorConfig {
    /// One without limits, latency and faults.
    fn default() -> Self {
        Self {
            seed: 1,
            region: region::DEFAULT.to_owned(),
            account: DEFAULT_ACCOUNT.to_owned(),
            quota: Some(Quota::None),
            get_quota: Some(Quota::None),
            start_quota: Some(Quota::None),
            concurrent_sessions: Some(u32::MAX),
            quota_error: QuotaError::default(),
            ramp: None,
            scaling: None,
            charge: Charge::default(),
            retry_after: None,
            latency: LatencyModel::None,
            spikes: None,
            stalls: Vec::new(),
            faults: Faults::default(),
            session_ttl: lifetime::SESSION,
            sessions: SessionRules::default(),
            checks: Checks::default(),
            tokens: Tokens::default(),
            validation: Validation::default(),
            credentials: Vec::new(),
            verify_signatures: true,
            allow_unsigned: true,
            cors: None,
        }
    }
}

impl EmulatorConfig {
    /// The emulator of `region` with the quotas that are documented: what a scenario gets that says nothing else.
    pub fn of_region(region: &str, seed: u64) -> Self {
        let documented = Self { quota: None, get_quota: None, start_quota: None, concurrent_sessions: None, ..Self::default() };
        Self { seed, region: region.to_owned(), ..documented }
    }

    /// The quota of an operation in a region: the configured one, or the one that is documented for it.
    pub fn quota_of(&self, operation: Operation, region: &str) -> Quota {
        let configured = match operation {
            Operation::Create => self.quota,
            Operation::GetResults => self.get_quota,
        };
        configured.unwrap_or_else(|| documented_quota(region))
    }

    /// The limits on streams in a region: on starting them, and on how many there are at once.
    pub fn stream_quotas(&self, region: &str) -> [Quota; 2] {
        let sessions = self.concurrent_sessions.unwrap_or_else(|| region::concurrent_sessions(region));
        // More than anybody can have is no limit, which needs no list of those that stream.
        let at_once = if sessions == u32::MAX { Quota::None } else { Quota::Concurrency(Concurrency::of(sessions)) };
        [self.start_quota.unwrap_or_else(|| documented_quota(region)), at_once]
    }

    /// The account of a caller's access key.
    pub fn account_of(&self, access_key_id: Option<&str>) -> &str {
        let known = access_key_id.and_then(|key| self.credentials.iter().find(|c| c.access_key_id == key));
        known.map_or(&self.account, |credential| &credential.account)
    }

    /// How long a token leads to its session.
    pub fn token_window(&self) -> Duration {
        self.tokens.window.unwrap_or(self.session_ttl)
    }

    /// How long results of a finished check can be read, from the session's start.
    pub fn results_ttl(&self) -> Duration {
        self.sessions.results_ttl.unwrap_or(self.session_ttl)
    }
}

/// Another quota for an operation while it runs: the body of `POST /_livebench/quota`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaChange {
    /// Whose.
    pub operation: Operation,
    /// What it shall be; `None` is what is documented for each region.
    pub quota: Option<Quota>,
}

/// The quota that is documented for both operations in a region.
///
/// The burst is undocumented; it is taken as one second of the rate.
pub fn documented_quota(region: &str) -> Quota {
    let per_second = region::calls_per_s(region);
    Quota::TokenBucket(TokenBucket::full(Rate::per_second(f64::from(per_second)).unwrap_or_default(), per_second))
}
