//! What may be typed for a run over many machines.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::values::{epoch, patience, shard};
use crate::shard::Shard;

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// Which part of a run a process makes, and when all start.
#[derive(Debug, Clone, Args, Default)]
#[command(next_help_heading = "Many machines")]
pub struct PartArgs {
    /// Run shard I of N, from 0; overrides LIVEBENCH_SHARD, Slurm, Kubernetes and AWS Batch.
    #[arg(long, hide_short_help = true, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Start all shards together: a folder they share, created if needed, or s3://BUCKET/PREFIX in a build with S3.
    #[arg(long, hide_short_help = true, value_name = "DIR", conflicts_with = "start_at")]
    pub barrier: Option<PathBuf>,
    /// How long to wait for the other shards at the barrier.
    #[arg(long, hide_short_help = true, value_name = "DURATION", default_value = "60s", value_parser = patience, requires = "barrier")]
    pub barrier_timeout: Duration,
    /// Start at this time: 2026-11-27T10:15:00Z, or seconds since 1970.
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = epoch)]
    pub start_at: Option<Duration>,
}

/// `livebench merge`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench merge results/*-shard-*\n  livebench merge a/20261127T101500Z-launch-shard-0-of-2 b/20261127T101500Z-launch-shard-1-of-2 --out merged\n\n\
    Exit codes: as for `run`; 3 also if shards are missing, unfinished or duplicated"
)]
pub struct MergeArgs {
    /// Directories of the shards; name a directory to use all shards in it.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Where to create the merged run's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// `livebench shard`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench shard\n  LIVEBENCH_SHARD=1/4 livebench shard --output json")]
pub struct ShardArgs {
    /// Shard I of N, as for `livebench run`.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
