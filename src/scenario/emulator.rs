//! What the emulator shall be: the `[emulator]` table, and the file of `livebench emulate --config`.

use std::time::Duration;

use crate::units::{Rate, Share};

/// The emulator's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct EmulatorConfig {
    /// Every draw comes from it.
    pub seed: u64,
    /// The region that it plays.
    pub region: String,
    /// The quota on creates.
    pub quota: Quota,
    /// How long an answer takes.
    pub latency: Latency,
    /// When nothing is answered.
    pub stalls: Vec<Stall>,
    /// What goes wrong by chance.
    pub faults: Faults,
    /// The life of a session and of its token.
    pub session_ttl: Duration,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            region: "us-east-1".to_owned(),
            quota: Quota::None,
            latency: Latency::None,
            stalls: Vec::new(),
            faults: Faults::default(),
            session_ttl: Duration::from_secs(180),
        }
    }
}

/// The regions that have Face Liveness, with the calls per second that the service documents for each
/// (AWS General Reference, Amazon Rekognition endpoints and quotas).
pub const REGIONS: [(&str, u32); 8] = [
    ("us-east-1", 25),
    ("us-west-2", 25),
    ("eu-west-1", 5),
    ("ap-south-1", 5),
    ("ap-northeast-1", 5),
    ("sa-east-1", 5),
    ("ap-southeast-5", 5),
    ("ap-southeast-7", 5),
];

impl EmulatorConfig {
    /// The emulator of `region` with the quota that is documented for it: what a scenario gets that says nothing else.
    ///
    /// The burst is undocumented; it is taken as one second of the rate. A region without Face Liveness gets the
    /// lower quota, and answers every call with `AccessDeniedException` anyway.
    pub fn of_region(region: &str, seed: u64) -> Self {
        let per_second = REGIONS.iter().find(|(name, _)| *name == region).map_or(5, |(_, quota)| *quota);
        let rate = Rate::per_second(f64::from(per_second)).unwrap_or_default();
        Self { seed, region: region.to_owned(), quota: Quota::TokenBucket { rate, burst: per_second }, ..Self::default() }
    }
}

/// A limit on calls per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// No limit.
    None,
    /// Continuous refill at `rate`, at most `burst` tokens, full at the start.
    TokenBucket {
        /// Tokens per second, above 0.
        rate: Rate,
        /// Depth, at least 1.
        burst: u32,
    },
}

/// How long an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// No added time.
    None,
    /// Always the same.
    Fixed(Duration),
    /// Log-normal, by its median and 99th percentile (`p99 >= median`).
    LogNormal {
        /// Half of the answers are faster.
        median: Duration,
        /// One in a hundred is slower.
        p99: Duration,
    },
}

/// A time in which nothing is answered; what was asked waits until its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the start of the run.
    pub at: Duration,
    /// How long.
    pub length: Duration,
}

/// What goes wrong by chance, each a share of the calls, drawn in this order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    /// The connection is reset before the call takes effect.
    pub reset_before: Share,
    /// The connection is reset after the session was made: the lost answer that makes tokens matter.
    pub reset_after: Share,
    /// A raw answer instead of the service's.
    pub raw: Option<RawAnswer>,
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
    /// The body, as it stands.
    pub body: String,
}
