//! `livebench init`: what a scenario is written from.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::values::{length, rate, stage};
use crate::units::Rate;

/// `livebench init`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench init\n  livebench init launch.toml --rate 40 --length 5m --ramp 30s\n  \
    livebench init launch.toml --rate 5 --length 60s --max-spend-usd 4.50\n\n\
    Prompts for missing values on a terminal, else uses defaults. Never overwrites a file.")]
pub struct InitArgs {
    /// The file to write [default: NAME.toml].
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write a capacity plan for `livebench plan` instead of a scenario [default file: my-launch.toml].
    #[arg(long, conflicts_with_all = ["name", "rate", "length", "ramp", "response_p99", "max_spend_usd"])]
    pub plan: bool,
    /// Scenario name: a-z, 0-9, - and _ [default: the file's name, or my-load].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Calls per second [default: 10].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Option<Rate>,
    /// How long to hold the rate, like 5m [default: until the p99 is known].
    #[arg(long, value_name = "DURATION", value_parser = stage)]
    pub length: Option<Duration>,
    /// Ramp-up time; 0s for none [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = length)]
    pub ramp: Option<Duration>,
    /// Limit of the p99 response time [default: 800ms].
    ///
    /// If the calls are too few for a p99, the limit is for a lower percentile.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    pub response_p99: Option<Duration>,
    /// Maximum cost at AWS in dollars; 0 forbids AWS [default: 0].
    #[arg(long, value_name = "USD")]
    pub max_spend_usd: Option<f64>,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
