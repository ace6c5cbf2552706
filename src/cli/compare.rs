//! What may be typed to compare runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::compare::Family;
use crate::num;

/// `livebench compare`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench compare results/A results/B\n  livebench compare runs/base runs/head --output markdown --fail-on regression\n  \
    livebench compare --base a1 a2 a3 --new b1 b2 b3 --min-effect latency=3% --min-effect share=0.5%\n\n\
    Exit codes: 0 good, 1 something regressed, 2 could not run, 3 inconclusive or incomparable"
)]
pub struct CompareArgs {
    /// The run before, then the runs after it; a directory that holds runs stands for all of them.
    #[arg(value_name = "RUN", num_args = 2.., required_unless_present_all = ["base", "new"], conflicts_with_all = ["base", "new"])]
    pub runs: Vec<PathBuf>,
    /// Runs before.
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "new")]
    pub base: Vec<PathBuf>,
    /// Runs after.
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "base")]
    pub new: Vec<PathBuf>,
    /// What makes the exit code bad: a regression alone, or what is inconclusive, too.
    #[arg(long, value_enum, default_value_t = FailOn::Inconclusive, value_name = "VERDICT")]
    pub fail_on: FailOn,
    /// Compare what is not the same experiment.
    #[arg(long)]
    pub force: bool,
    /// The smallest change that matters: rate, share, latency, tail or lateness with a percentage; may be repeated [default: rate=1% share=1% latency=5% tail=10% lateness=10%].
    #[arg(long, value_name = "FAMILY=PERCENT", value_parser = effect)]
    pub min_effect: Vec<(Family, f64)>,
    /// How seldom equals are called changed: 99% means in one of a hundred comparisons at most.
    #[arg(long, value_name = "PERCENT", default_value = "99%", value_parser = confidence)]
    pub confidence: f64,
    /// Show every metric with its notes, not only what changed and the usual figures.
    #[arg(long)]
    pub all: bool,
    /// Form of the comparison on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = CompareOutput::Text, value_name = "FORMAT")]
    pub output: CompareOutput,
}

/// What makes the exit code of a comparison bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only a regression.
    Regression,
    /// A regression, or too little data to exclude one.
    Inconclusive,
}

/// A form of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareOutput {
    /// For people.
    #[value(alias = "terminal")]
    Text,
    /// The published contract.
    Json,
    /// For pull requests.
    Markdown,
    /// For the tables of CI systems.
    Junit,
    /// For browsers: both sides over each other, in one file.
    Html,
}

/// `livebench history`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench history results\n  livebench history results --fail-on regression --output markdown\n\n\
    Exit codes: 0 good, 1 a regression stands (with --fail-on regression), 2 could not run"
)]
pub struct HistoryArgs {
    /// The directory that holds the runs.
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// Which verdicts cause a non-zero exit: none, or a regression that still stands at the last run.
    #[arg(long, value_enum, default_value_t = HistoryFailOn::Never, value_name = "VERDICT")]
    pub fail_on: HistoryFailOn,
    /// Form of the history on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = HistoryOutput::Text, value_name = "FORMAT")]
    pub output: HistoryOutput,
}

/// What makes the exit code of a history bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryFailOn {
    /// Nothing: it is a list.
    Never,
    /// A regression that still stands at the last run.
    Regression,
}

/// A form of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryOutput {
    /// For people.
    #[value(alias = "terminal")]
    Text,
    /// The published contract.
    Json,
    /// For pull requests and job summaries.
    Markdown,
    /// For the tables of CI systems: a test case a metric.
    Junit,
    /// For browsers: a chart a metric, in one file.
    Html,
}

/// A percentage with its sign: `99%`. Without it 1 could be a hundredth or the whole.
fn percent(text: &str) -> Result<f64, String> {
    let share = num::percent(text).ok_or_else(|| format!("`{text}` is no percentage like 5%, with its sign"))?;
    if (0.0..=10.0).contains(&share) { Ok(share) } else { Err("a percentage from 0% to 1000% is needed".to_owned()) }
}

fn confidence(text: &str) -> Result<f64, String> {
    let share = percent(text)?;
    if (0.5..1.0).contains(&share) { Ok(share) } else { Err("a confidence from 50% to below 100% is needed".to_owned()) }
}

fn effect(text: &str) -> Result<(Family, f64), String> {
    let (family, size) = text.split_once('=').ok_or("write it like latency=5%")?;
    Ok((family.parse()?, percent(size)?))
}
