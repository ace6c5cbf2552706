//! `livebench selftest`: what is measured, and how long.

use clap::Args;

use super::Output;
use super::values::rate;
use crate::units::Rate;

/// `livebench selftest`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench selftest\n  livebench selftest --seconds 20 --rate 200 --rate 2000 --output json\n\n\
    Everything runs on this machine, against its own emulators, and leaves no files.\n\
    Exit codes: 0 at least one configuration can be trusted, 2 could not run, 3 none can, 130 interrupted"
)]
pub struct SelftestArgs {
    /// Seconds to measure each rate and each ceiling, 2 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=600))]
    pub seconds: u32,
    /// Rate in calls per second; repeatable [default: 200, 1000 and 5000].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Vec<Rate>,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
