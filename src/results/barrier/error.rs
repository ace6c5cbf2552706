//! Why a shard does not start, in words that say what to do.

use thiserror::Error;

use crate::results::ResultsError;
use crate::shard::Shard;

/// Why a shard does not start.
#[derive(Debug, Error)]
pub enum BarrierError {
    /// Nobody does.
    #[error("the start was aborted, and nothing was sent: {0}; start all shards again, within --barrier-timeout of each other")]
    Aborted(String),
    /// This one is to wait no longer.
    #[error("interrupted while it waited for the other shards; nothing was sent")]
    Interrupted,
    /// This one is another run's.
    #[error("this shard cannot take part: {0}; start all shards with the same livebench, scenario, --seed and number of shards")]
    Refused(String),
    /// Another process is this shard, and runs.
    #[error(
        "shard {0} runs already, in another process that meets there; a folder or prefix is for one run at a time, and a shard is started again \
         when its process has ended"
    )]
    Doubled(Shard),
    /// All have waited long enough, and not even an abort can be decided.
    #[error(
        "no decision came to be, and nothing was sent: a new object never became visible to all; use a place that shows what was written, and \
         creates an object once (S3 does with If-None-Match)"
    )]
    Undecided,
    /// The same object was created twice.
    #[error(
        "an object that is there was created once more, so two decisions could come to be; use a store that knows If-None-Match, as S3 does, or \
         a folder that all shards see"
    )]
    CreatedTwice,
    /// The folder cannot be used.
    #[error("{}; --barrier names a folder that all shards see and may write to", bare(.0))]
    Folder(#[from] ResultsError),
    /// The bucket cannot be used.
    #[error("cannot meet at {place}: {reason}")]
    Bucket {
        /// Bucket and prefix, as they were typed.
        place: String,
        /// What the store or the way to it said.
        reason: String,
    },
    /// A bucket that cannot be asked as things are.
    #[error("--barrier {place}: {problem}")]
    Address {
        /// Bucket and prefix, as they were typed.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// This program was built without the client of S3.
    #[error(
        "--barrier {0} needs a livebench that is built with S3: cargo build --release --locked --features s3; \
         or name a folder that all shards see (EFS, FSx or NFS on AWS), or use --start-at TIME"
    )]
    WithoutS3(String),
    /// Another kind of place.
    #[error(
        "--barrier {place} is not a folder, and {scheme}:// cannot be met at; name a folder that all shards see (EFS, FSx or NFS on AWS), \
         s3://BUCKET/PREFIX, or use --start-at TIME"
    )]
    UnknownPlace {
        /// As it was typed.
        place: String,
        /// What stands before `://`.
        scheme: String,
    },
    /// What was there a moment ago.
    #[error("{0} was removed; use a place where only shards write, and start all shards again")]
    Gone(String),
    /// What is there cannot be read.
    #[error("cannot understand {name}: {reason}; remove it, use a place where only shards write, and start all shards again")]
    Malformed {
        /// The object.
        name: String,
        /// Why.
        reason: String,
    },
    /// The thread that talks to the store has ended.
    #[error("the connection to {0} ended; start all shards again")]
    Ended(String),
}

impl BarrierError {
    /// Whether the place may be in order at the next look.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Folder(_) | Self::Bucket { .. } | Self::Gone(_))
    }
}

/// What went wrong with the folder, without the advice for a run's own directory.
fn bare(error: &ResultsError) -> String {
    match error {
        ResultsError::Write { path, reason } => format!("cannot write {}: {reason}", path.display()),
        ResultsError::Read { path, reason } => format!("cannot read {}: {reason}", path.display()),
        other => other.to_string(),
    }
}
