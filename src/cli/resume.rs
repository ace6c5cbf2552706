//! What may be typed to go on with a run that was cut off.

use std::path::PathBuf;

use clap::Args;

use super::{ConnectionArgs, Output, TargetKind, WatchArgs};

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// `livebench resume`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench resume results/20261121T101500Z-soak-8h\n  \
    livebench resume results/20261121T101500Z-soak-8h --target aws --yes\n\n\
    Exit codes: as for `run`; 2 also if the run is complete, still being written, or too different to continue")]
pub struct ResumeArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Continue even if livebench, the scenario, the target or the machine differ, and list the differences.
    #[arg(long)]
    pub force: bool,
    /// The original scenario file; needed if it names request files.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Where to send calls [default: as in the run].
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Allow calls to AWS, or to any address outside this machine.
    #[arg(long)]
    pub yes: bool,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Log each request to the embedded emulator as JSON lines; appends to the file.
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub emulator_log: Option<PathBuf>,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// How to reach the service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}
