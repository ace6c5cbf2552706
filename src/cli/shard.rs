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
    /// Make the calls of shard I of N, from 0; before LIVEBENCH_SHARD and what Slurm, Kubernetes or AWS Batch say.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Start together: a folder that all shards see, made if it is missing.
    #[arg(long, value_name = "DIR", conflicts_with = "start_at")]
    pub barrier: Option<PathBuf>,
    /// How long to wait for the other shards at the barrier.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = patience, requires = "barrier")]
    pub barrier_timeout: Duration,
    /// Start at this instant: 2026-11-27T10:15:00Z, or seconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = epoch)]
    pub start_at: Option<Duration>,
}

/// `livebench merge`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench merge results/*-shard-*\n  livebench merge a/20261127T101500Z-launch-shard-0-of-2 b/20261127T101500Z-launch-shard-1-of-2 --out merged\n\n\
    Exit codes: as of `run` on one machine; 3 when shards are missing, unfinished, doubled or not to be trusted"
)]
pub struct MergeArgs {
    /// The directories of the shards; a directory that holds some stands for all of them.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Parent of the merged run's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Form of the summary on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// `livebench shard`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench shard\n  LIVEBENCH_SHARD=1/4 livebench shard --output json")]
pub struct ShardArgs {
    /// As for `livebench run`.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Form on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
