//! `livebench selftest`: what is measured, and how long.

use clap::Args;

use super::Output;
use super::values::rate;
use crate::units::Rate;

/// `livebench selftest`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench selftest\n  livebench selftest --seconds 20 --rate 200 --rate 2000 --output json\n\n\
    Everything runs on this machine, against emulators of its own, and leaves no files.\n\
    Exit codes: 0 it can be trusted with something, 2 could not run, 3 not with anything, 130 interrupted"
)]
pub struct SelftestArgs {
    /// How long each rate and each ceiling is measured, 2 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=600))]
    pub seconds: u32,
    /// A rate in calls per second; may be repeated [default: 200, 1000 and 5000].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Vec<Rate>,
    /// Form of the result on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
