//! What may be typed to compare runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::compare::Family;
use crate::num;

/// `livebench compare`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench compare results/A results/B\n  livebench compare runs/base runs/head --output markdown --fail-on regression\n  \
    livebench compare --base a1 a2 a3 --new b1 b2 b3 --min-effect latency=3%\n\n\
    Exit codes: 0 good, 1 something regressed, 2 could not run, 3 inconclusive or incomparable"
)]
pub struct CompareArgs {
    /// Base run, then new runs; name a directory to use all runs in it.
    #[arg(value_name = "RUN", num_args = 2.., required_unless_present_all = ["base", "new"], conflicts_with_all = ["base", "new"])]
    pub runs: Vec<PathBuf>,
    /// Base runs.
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "new")]
    pub base: Vec<PathBuf>,
    /// New runs.
    #[arg(long, value_name = "RUN", num_args = 1.., requires = "base")]
    pub new: Vec<PathBuf>,
    /// Which verdicts cause a non-zero exit.
    #[arg(long, value_enum, default_value_t = FailOn::Inconclusive, value_name = "VERDICT")]
    pub fail_on: FailOn,
    /// Compare even if scenario, target, transport or machine differ.
    #[arg(long)]
    pub force: bool,
    /// Smallest change that matters, per family; repeatable [default: rate=1% share=1% latency=5% tail=10% lateness=10%].
    #[arg(long, value_name = "FAMILY=PERCENT", value_parser = effect)]
    pub min_effect: Vec<(Family, f64)>,
    /// Confidence level over all metrics together.
    #[arg(long, value_name = "PERCENT", default_value = "99%", value_parser = confidence)]
    pub confidence: f64,
    /// Show every metric with its notes.
    #[arg(long)]
    pub all: bool,
    /// Output format.
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
    /// For CI systems.
    Junit,
    /// Self-contained HTML with both sides overlaid.
    Html,
}

/// `livebench history`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench history results\n  livebench history results --fail-on regression --output markdown\n\n\
    Exit codes: 0 good, 1 a regression persists (with --fail-on regression), 2 could not run"
)]
pub struct HistoryArgs {
    /// Directory of the runs.
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// Which verdicts cause a non-zero exit.
    #[arg(long, value_enum, default_value_t = HistoryFailOn::Never, value_name = "VERDICT")]
    pub fail_on: HistoryFailOn,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = HistoryOutput::Text, value_name = "FORMAT")]
    pub output: HistoryOutput,
}

/// What makes the exit code of a history bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryFailOn {
    /// None; only list the runs.
    Never,
    /// A regression that persists at the last run.
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
    /// For CI systems: one test case per metric.
    Junit,
    /// Self-contained HTML with one chart per metric.
    Html,
}

/// A percentage with its sign: `99%`. Without it 1 could be a hundredth or the whole.
fn percent(text: &str) -> Result<f64, String> {
    let share = num::percent(text).ok_or_else(|| format!("`{text}` is not a percentage like 5%, with its sign"))?;
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
