//! `livebench plan`

use std::path::PathBuf;

use clap::Args;

use super::Output;
use super::values::rate;
use crate::units::Rate;

/// `livebench plan`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench plan --peak 20/s\n  livebench plan --peak 4/s --region eu-west-1 --probe results/20261126T101500Z-probe\n  \
    livebench init --plan launch-plan.toml\n  livebench plan launch-plan.toml\n  livebench plan launch-plan.toml --scenario proof.toml\n\n\
    Exit codes: 0 enough, 1 not enough, 2 could not plan, 3 unsure"
)]
pub struct PlanArgs {
    /// The plan's file; without it, --peak.
    #[arg(value_name = "PLAN", required_unless_present = "peak", conflicts_with_all = ["peak", "region", "probe"])]
    pub plan: Option<PathBuf>,
    /// Users per second in the busiest ten minutes, like 20/s.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub peak: Option<Rate>,
    /// Region whose quotas hold [default: us-east-1].
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Directory of a probe that measured Create's quota.
    #[arg(long, value_name = "DIR")]
    pub probe: Option<PathBuf>,
    /// Ask Service Quotas for the four quotas that are applied, in the plan's region; they override the plan, but not what a probe
    /// measured. Needs `servicequotas:GetServiceQuota`, and --yes where AWS is asked.
    #[arg(long)]
    pub applied_quota: bool,
    /// Ask there instead: an emulator answers for itself.
    #[arg(long, value_name = "URL", requires = "applied_quota")]
    pub endpoint_url: Option<String>,
    /// The profile in the AWS configuration files whose account is asked.
    #[arg(long, value_name = "NAME", requires = "applied_quota")]
    pub profile: Option<String>,
    /// Service Quotas at AWS may be asked; it costs nothing.
    #[arg(long, requires = "applied_quota")]
    pub yes: bool,
    /// Calls per second of Create, Start and Get each that you have; overrides the plan.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "applied_quota")]
    pub quota: Option<Rate>,
    /// Sessions that may stream at once; overrides the plan.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "applied_quota")]
    pub concurrent: Option<u32>,
    /// Replace the plan's seed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Launches to simulate of the plan as it is; options get half as many.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub launches: u32,
    /// Simulate the plan as it is alone, and compare no options.
    #[arg(long)]
    pub no_options: bool,
    /// Also write the scenario that tests the plan's peak. Existing files are kept.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Parent of the plan's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Form of the plan on stdout.
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
