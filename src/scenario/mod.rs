//! Text to a validated [`Scenario`]: whoever holds one holds a sound one.
//!
//! Refuses to send, to read a clock and to stop at the first problem.

mod file;
mod keys;
mod load;
mod near;
mod parse;
pub mod preview;
mod problem;
pub mod reference;
mod schema;
mod template;
pub mod threshold;

use std::time::Duration;

pub use file::MAX_BYTES;
pub(crate) use file::{text_of, text_up_to};
pub use load::{load, load_emulator};
pub(crate) use near::nearest;
pub(crate) use parse::{FileKind, Found, Node, Reader, Table, Value, check_name};
pub use parse::{placed_in_scenario, read, read_emulator, read_quota_change};
pub use problem::{LoadError, Located, Problem, Problems, Style};
pub(crate) use problem::{Source, quoted};
pub(crate) use schema::document as schema_document;
pub use schema::schema;
pub use template::Template;

use crate::client::request::CreateRequest;
use crate::emulator::config::EmulatorConfig;
use crate::schedule::{Arrivals, Stage};
use crate::service::lifetime;
use crate::units::{Rate, Share};
use threshold::Threshold;

/// A validated scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Names the run's directory: 1 to 64 characters of `a-z0-9-_`.
    pub name: String,
    /// What the scenario shows, for reports; may be empty.
    pub description: String,
    /// Every draw of the run comes from it.
    pub seed: u64,
    /// What is sent, and when.
    pub load: Load,
    /// Settings, by weight; never empty.
    pub mixes: Vec<Mix>,
    /// How many calls repeat an earlier token.
    pub idempotency: Idempotency,
    /// Hard stops.
    pub budget: Budget,
    /// What must hold.
    pub thresholds: Vec<Threshold>,
    /// What the embedded emulator shall be.
    pub emulator: EmulatorConfig,
}

impl Scenario {
    /// Replaces the seed, and the emulator's with it unless the scenario gave the emulator one of its own.
    pub fn reseed(&mut self, seed: u64) {
        if self.emulator.seed == self.seed {
            self.emulator.seed = seed;
        }
        self.seed = seed;
    }
}

/// What is sent, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Open or closed.
    pub model: Model,
    /// A token bucket over everything that is sent.
    pub max_rate: Option<Rate>,
    /// How a call reaches the service.
    pub transport: Transport,
    /// How due times are kept.
    pub pacing: Pacing,
}

/// How many calls `max_rate` lets through at one instant after a rest: a tenth of a second's, at least 1.
// derived: with a depth of 1 a jitter of 200 us would refuse a third of the calls at 1667/s, a tenth of a second is far above any jitter of
// a machine that can be trusted, and no service's quota is judged over less
pub fn cap_burst(max_rate: Rate) -> u32 {
    u32::try_from(max_rate.micro_hz() / 10_000_000).unwrap_or(u32::MAX).max(1)
}

/// Whether arrivals wait for answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// Arrivals do not wait.
    Open(Open),
    /// Workers each wait for their answer.
    Closed(Closed),
}

/// The open model.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Calls in flight at most, 1 to 100,000.
    pub concurrency: usize,
    /// What happens to a call that is due while `concurrency` are in flight.
    pub overflow: Overflow,
    /// Even or Poisson.
    pub arrivals: Arrivals,
    /// The rate over time; never empty.
    pub stages: Vec<Stage>,
}

/// What happens to a call that finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It is counted and never sent.
    Miss,
    /// It waits; its lateness tells.
    Wait,
}

/// The closed model.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// Workers over time; never empty.
    pub stages: Vec<WorkerStage>,
    /// Pause of a worker between an answer and its next call.
    pub think_time: Duration,
}

/// A number of workers for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerStage {
    /// How long.
    pub length: Duration,
    /// How many, 1 to 100,000.
    pub workers: usize,
}

/// How a call reaches the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Through the AWS SDK for Rust.
    Sdk,
    /// The same calls without the SDK's orchestrator, for a fraction of its CPU.
    Wire,
}

impl Transport {
    /// The spelling used in scenarios and in every file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Wire => "wire",
        }
    }
}

/// How due times are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// An absolute kernel timer.
    Timer,
    /// The timer, then a short spin: exact, and it costs CPU.
    Spin,
}

/// Which tokens the calls of a mix bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenUse {
    /// Each one that was never used.
    Fresh,
    /// None.
    None,
}

/// Request settings that a share of the calls takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// Unique among the mixes.
    pub name: String,
    /// Relative weight, at least 1.
    pub weight: u32,
    /// What is sent; its own `ClientRequestToken`, if any, stands in every call of the mix.
    pub request: CreateRequest,
    /// Whether calls bring a fresh token when the request has none of its own.
    pub fresh_token: bool,
}

/// Shares of the scheduled calls that repeat an earlier token instead of bringing a fresh one. Their sum is at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Idempotency {
    /// After its answer.
    pub replay: Share,
    /// With its twin, the next scheduled call, at the same instant.
    pub race: Share,
    /// With other settings.
    pub mismatch: Share,
    /// After the session's life.
    pub expired: Share,
    /// After a first attempt that was throttled.
    pub after_throttle: Share,
    /// After a first attempt whose answer was lost.
    pub after_loss: Share,
    /// How old a session must be to count as expired; by default its life, [`lifetime::SESSION`].
    pub session_ttl: Duration,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self {
            replay: Share::NONE,
            race: Share::NONE,
            mismatch: Share::NONE,
            expired: Share::NONE,
            after_throttle: Share::NONE,
            after_loss: Share::NONE,
            session_ttl: lifetime::SESSION,
        }
    }
}

impl Idempotency {
    /// The share of the scheduled calls that repeat a token, whatever for.
    pub fn sum(&self) -> f64 {
        [self.replay, self.race, self.mismatch, self.expired, self.after_throttle, self.after_loss]
            .into_iter()
            .map(Share::as_f64)
            .sum()
    }
}

/// Hard stops.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// Calls sent at most; `None` is no limit, and refused for AWS.
    pub max_calls: Option<u64>,
    /// US dollars at most, each call counted at the price of a check; 0 forbids AWS.
    pub max_spend_usd: f64,
}
