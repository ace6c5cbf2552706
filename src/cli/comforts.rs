//! The commands that help before and around a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Output;
use crate::units::{Rate, parse_duration};

/// `livebench init`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench init\n  livebench init launch.toml --rate 40 --length 5m --ramp 30s\n  \
    livebench init launch.toml --rate 5 --length 60s --max-spend-usd 4.50\n\n\
    On a terminal what is not given is asked for; elsewhere it has its default. A file that is there is never overwritten.")]
pub struct InitArgs {
    /// The file to write [default: NAME.toml].
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The scenario's name: a-z, 0-9, - and _ [default: the file's name, or my-load].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Calls per second [default: 10].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Option<Rate>,
    /// How long at that rate, like 60s or 5m [default: 60s].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub length: Option<Duration>,
    /// How long the rate rises before, 0s not at all [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub ramp: Option<Duration>,
    /// What the 99th percentile of the response time must stay below [default: 800ms].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub response_p99: Option<Duration>,
    /// What AWS may cost at most, in dollars; 0 keeps the scenario away from AWS [default: 0].
    #[arg(long, value_name = "USD")]
    pub max_spend_usd: Option<f64>,
    /// Form of what is said on stdout.
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

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
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// `livebench completions`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench completions bash > /etc/bash_completion.d/livebench\n  livebench completions zsh > ~/.zfunc/_livebench\n  \
    livebench completions fish > ~/.config/fish/completions/livebench.fish"
)]
pub struct CompletionsArgs {
    /// Whose completions.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `livebench man`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench man | man -l -\n  livebench man run > /usr/local/share/man/man1/livebench-run.1")]
pub struct ManArgs {
    /// A subcommand; without it the page of livebench itself.
    #[arg(value_enum, value_name = "COMMAND")]
    pub command: Option<Page>,
}

/// The subcommands that have a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // they are the subcommands
pub enum Page {
    Run,
    Probe,
    Check,
    Report,
    Compare,
    History,
    Emulate,
    Call,
    Selftest,
    Init,
    Schema,
    Completions,
    Man,
}

fn rate(text: &str) -> Result<Rate, String> {
    let number: f64 = text
        .trim()
        .trim_end_matches("/s")
        .parse()
        .map_err(|_| "a number of calls per second is needed, like 10 or 2.5".to_owned())?;
    let rate = Rate::per_second(number).map_err(|e| e.to_string())?;
    if rate.micro_hz() == 0 { Err("a rate above 0 is needed".to_owned()) } else { Ok(rate) }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text.trim()).map_err(|e| e.to_string())
}
