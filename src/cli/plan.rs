//! `livebench plan`

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::Output;
use super::values::rate;
use crate::units::Rate;

/// `livebench plan`
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("demand").required(true).args(["plan", "peak"]),
    after_help = "Examples:\n  livebench plan --peak 20/s\n  livebench plan --peak 4/s --region eu-west-1 --probe results/20261126T101500Z-probe\n  \
    livebench init --plan launch-plan.toml\n  livebench plan launch-plan.toml\n  livebench plan launch-plan.toml --scenario proof.toml\n\n\
    Exit codes: 0 enough, 1 not enough, 2 could not plan, 3 unsure"
)]
pub struct PlanArgs {
    /// The plan file. Without one, --peak plans for a rate.
    #[arg(value_name = "PLAN", conflicts_with_all = ["region", "probe"])]
    pub plan: Option<PathBuf>,
    /// Users per second in the busiest ten minutes, like 20/s.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub peak: Option<Rate>,
    /// Region of the quotas, with --peak [default: us-east-1].
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Directory of a probe of the Create quota, with --peak; in a plan: create = { probe = "DIR" }.
    #[arg(long, value_name = "DIR")]
    pub probe: Option<PathBuf>,
    /// Read the four applied quotas of the plan's region from Service Quotas. They override the plan, but not a probe. Needs
    /// `servicequotas:GetServiceQuota`, and --yes for AWS.
    #[arg(long)]
    pub applied_quota: bool,
    /// Read the applied quotas from this URL instead, such as an emulator.
    #[arg(long, hide_short_help = true, value_name = "URL", requires = "applied_quota")]
    pub endpoint_url: Option<String>,
    /// Profile in the AWS configuration files.
    #[arg(long, hide_short_help = true, value_name = "NAME", requires = "applied_quota")]
    pub profile: Option<String>,
    /// Allow requests to Service Quotas at AWS; they are free.
    #[arg(long, requires = "applied_quota")]
    pub yes: bool,
    /// Your quota for Create, Start and Get each, like 40/s; overrides the plan.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "applied_quota")]
    pub quota: Option<Rate>,
    /// Your quota for concurrent sessions; overrides the plan.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "applied_quota")]
    pub concurrent: Option<u32>,
    /// Replace the plan's seed.
    #[arg(long, hide_short_help = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Launches to simulate; half as many for each option.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub launches: u32,
    /// Skip the comparison of options.
    #[arg(long)]
    pub no_options: bool,
    /// Also write a scenario that tests the plan's peak; never overwrites a file.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Where to create the plan's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}
