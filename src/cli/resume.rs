//! What may be typed to go on with a run that was cut off.

use std::path::PathBuf;

use clap::Args;

use super::{ConnectionArgs, Output, TargetKind, WatchArgs};

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// `livebench resume`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench resume results/20261121T101500Z-soak-8h\n  \
    livebench resume results/20261121T101500Z-soak-8h --target aws --yes\n\n\
    Exit codes: as of `run`; 2 also when the run is complete, still being written, or nothing like what would go on with it")]
pub struct ResumeArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Go on although livebench, the scenario, the target or the machine differ; what differs is said.
    #[arg(long)]
    pub force: bool,
    /// The scenario's file as `run` was given it; needed where it names files of requests.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// What is called, as for `run`; without it what the run called.
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Send to AWS, or to any address that is not this machine's.
    #[arg(long)]
    pub yes: bool,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Append every arrival at the embedded emulator to this file, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub emulator_log: Option<PathBuf>,
    /// Form of the summary on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// How to reach the service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}
