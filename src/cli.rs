//! What may be typed. Does no work.

mod compare;
mod init;
mod mistakes;
mod pages;
mod plan;
mod resume;
mod selftest;
mod service;
mod shard;
mod values;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::guide::TOPICS;
use crate::scenario::Transport;
use crate::shard::Shard;
use crate::units::Share;
pub use compare::{CompareArgs, CompareOutput, FailOn, HistoryArgs, HistoryFailOn, HistoryOutput};
pub use init::InitArgs;
pub use pages::{COMMANDS, CompletionsArgs, HelpArgs, ManArgs};
pub use plan::PlanArgs;
pub use resume::ResumeArgs;
pub use selftest::SelftestArgs;
pub use service::{AnswerForm, CallArgs, EmulateArgs, Skeleton};
pub use shard::{MergeArgs, PartArgs, ShardArgs};
use values::{address, dollars, duration, grace, outliers, precision, seconds, seed, transport};

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// Load testing and quota probing for Amazon Rekognition's CreateFaceLivenessSession.
#[derive(Debug, Parser)]
#[command(
    name = "livebench",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Examples:\n  livebench init\n  livebench check my-load.toml\n  livebench run my-load.toml\n  livebench report results/20261121T101500Z-my-load --format html",
    after_long_help = long_help()
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Colours on the terminal.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, value_name = "WHEN")]
    pub color: Color,
    /// Print what the SDK does to stderr; secrets are masked.
    #[arg(long, global = true)]
    pub debug: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Drive a scenario's load and report how the operation behaved.
    Run(RunArgs),
    /// Find the quota: what kind of limiter, its rate, its burst and how it recovers.
    Probe(ProbeArgs),
    /// Say whether the quotas are enough for a launch, what to ask AWS for, and what users will feel.
    Plan(Box<PlanArgs>),
    /// Validate and preview scenarios; sends nothing.
    Check(CheckArgs),
    /// Print a run's summary again, and write what is missing in its directory: also for a run that was killed.
    Report(ReportArgs),
    /// Say whether something changed between runs, and how sure that is.
    Compare(CompareArgs),
    /// List the runs of a directory, and find where they changed.
    History(HistoryArgs),
    /// Serve the emulator to any AWS client.
    Emulate(EmulateArgs),
    /// Put the shards of a run over many machines together, as if one machine had recorded all.
    Merge(MergeArgs),
    /// Go on with a run that was cut off, as another segment of it.
    Resume(Box<ResumeArgs>),
    /// Print which shard of a run this process would be, and who says so.
    Shard(ShardArgs),
    /// Make one call, with the options of `aws rekognition create-face-liveness-session`.
    Call(Box<CallArgs>),
    /// Measure how far this machine can be trusted: pacing, honesty, ceiling.
    Selftest(SelftestArgs),
    /// Write a commented scenario to start from, from options or after asking.
    Init(InitArgs),
    /// Print the JSON Schema of a contract.
    Schema(SchemaArgs),
    /// Print the completions of a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, roff for man(1).
    Man(ManArgs),
    /// Show a page of the guide, or a command's help.
    Help(HelpArgs),
}

/// What stands at the end of the long help.
fn long_help() -> String {
    let mut text = "Examples:\n  livebench init\n  livebench check my-load.toml\n  livebench run my-load.toml\n\nGuide (livebench help TOPIC):".to_owned();
    for topic in TOPICS {
        let _ = write!(text, "\n  {:<12} {}", topic.name, topic.about);
    }
    text
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// What cannot be understood, with what was probably meant, as clap prints it; help and version come that way, too.
pub fn parse(typed: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(typed);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| mistakes::explained(error, typed))
}

/// The command line. A number below 0 is the value of the option before it, which then says what it takes; to clap it is an option that
/// nobody knows.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|sub| {
        sub.mut_args(|arg| {
            let takes = arg.get_action().takes_values() && !arg.is_positional();
            if takes { arg.allow_negative_numbers(true) } else { arg }
        })
    })
}

/// `livebench run`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench run scenarios/ramp.toml\n  livebench run scenarios/ci.toml --output json --out /tmp/runs\n  \
    livebench run scenarios/steady.toml --endpoint-url http://127.0.0.1:4566\n  \
    livebench run scenarios/soak.toml --live off --metrics 127.0.0.1:9464\n\n\
    Exit codes: 0 good, 1 a threshold was missed or idempotency violated, 2 could not run, 3 not to be trusted, 130 interrupted"
)]
pub struct RunArgs {
    /// The scenario's file.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// What is called: the embedded emulator, or AWS (needs --yes and a budget in the scenario).
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Send to AWS, or to any address that is not this machine's.
    #[arg(long)]
    pub yes: bool,
    /// Parent of the run's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Replace the scenario's seed.
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Serve Prometheus' text format at /metrics on this address while it runs; port 0 takes a free one. Only loopback addresses.
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "virtual_time")]
    pub metrics: Option<SocketAddr>,
    /// Run in virtual time against the emulator's model: no network, an hour in a second, the same bytes every time.
    #[arg(long, conflicts_with_all = ["target", "yes", "endpoint_url"])]
    pub virtual_time: bool,
    /// Write every arrival at the embedded emulator to this file, a JSON object a line: the truth to hold the report against.
    #[arg(long, value_name = "FILE", conflicts_with = "virtual_time")]
    pub emulator_log: Option<PathBuf>,
    /// Form of the summary on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// Which part of the run this process makes.
    #[command(flatten)]
    pub part: PartArgs,
    /// How to reach the service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `livebench probe`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench probe\n  livebench probe --emulator deploy/probe.toml --output json\n  \
    livebench probe --target aws --yes --region eu-west-1 --max-calls 300 --max-spend-usd 5\n\n\
    Exit codes: 0 answered (guaranteed or likely), 2 could not run, 3 inconclusive, 130 interrupted")]
pub struct ProbeArgs {
    /// What is called: the embedded emulator, or AWS (needs --yes and --max-spend-usd).
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Send to AWS, or to any address that is not this machine's.
    #[arg(long)]
    pub yes: bool,
    /// The embedded emulator: a TOML file with a table `[emulator]`, or a scenario.
    #[arg(long, value_name = "FILE")]
    pub emulator: Option<PathBuf>,
    /// How well the rate is to be known, on either side; from then on it is worth more to tell other kinds apart.
    #[arg(long, value_name = "SHARE", default_value = "0.5%", value_parser = precision)]
    pub precision: Share,
    /// Calls at most.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_calls: u32,
    /// Sessions at most: calls that are let through.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_sessions: u32,
    /// Time at most.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub max_time: Duration,
    /// Dollars at most, each call counted as a check; needed above 0 for AWS.
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.0, value_parser = dollars)]
    pub max_spend_usd: f64,
    /// Ask Service Quotas for the applied quota first, and show it beside what is measured. Needs `servicequotas:GetServiceQuota`.
    #[arg(long, conflicts_with = "virtual_time")]
    pub applied_quota: bool,
    /// Share of the answers that may contradict the kind that is named before anybody else is suspected; what is contradicted is never
    /// guaranteed.
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = outliers)]
    pub outliers: Share,
    /// Who makes the calls: sdk (the AWS SDK), or wire (the same calls for a fraction of its CPU).
    #[arg(long, value_name = "TRANSPORT", default_value = "sdk", value_parser = transport)]
    pub transport: Transport,
    /// Seed of the gaps between calls.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = seed)]
    pub seed: u64,
    /// Probe the emulator's model in virtual time: no network, the same answers every time.
    #[arg(long, conflicts_with_all = ["target", "yes", "endpoint_url"])]
    pub virtual_time: bool,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Parent of the probe's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Form of the result on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// How to reach the service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// How a run or a probe is watched.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// A line a second on stderr instead of the view on the terminal.
    #[arg(long, short)]
    pub quiet: bool,
    /// The view on the terminal: on, off (nothing at all is shown while it goes on), or auto: where stderr is a terminal, and a line a second elsewhere.
    #[arg(long, value_enum, default_value_t = LiveMode::Auto, value_name = "WHEN")]
    pub live: LiveMode,
    /// How long to wait for answers after an interrupt.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = grace)]
    pub grace: Duration,
}

/// The connection options of the AWS CLI, by its names.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Send to this URL instead of the region's endpoint.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The region, before environment and profile.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile in the AWS configuration files.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Do not sign, and load no credentials.
    #[arg(long)]
    pub no_sign_request: bool,
    /// Do not verify the server's certificate.
    #[arg(long)]
    pub no_verify_ssl: bool,
    /// Trust the certificates of this PEM file instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// Seconds to wait for a connection; 0 waits for ever.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub cli_connect_timeout: Duration,
    /// Seconds to wait for an answer; 0 waits for ever.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub cli_read_timeout: Duration,
}

impl Default for ConnectionArgs {
    /// As if nothing had been typed.
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            endpoint_url: None,
            region: None,
            profile: None,
            no_sign_request: false,
            no_verify_ssl: false,
            ca_bundle: None,
            cli_connect_timeout: minute,
            cli_read_timeout: minute,
        }
    }
}

/// `livebench check`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  livebench check scenarios/*.toml")]
pub struct CheckArgs {
    /// The scenarios' files.
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    /// Preview what shard I of N would do.
    #[arg(long, value_name = "I/N", value_parser = values::shard)]
    pub shard: Option<Shard>,
    /// Form of the preview on stdout.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// `livebench report`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench report results/20261121T101500Z-ramp\n  livebench report results/20261121T101500Z-ramp --format html > report.html\n  \
    livebench report results/20261121T101500Z-ramp --format hgrm --series service.ok"
)]
pub struct ReportArgs {
    /// The directory of a run or a probe, or one that holds some: then the newest.
    #[arg(value_name = "RUN", default_value = "results")]
    pub run: PathBuf,
    /// Form of the report on stdout.
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    pub format: Format,
    /// Whose percentiles hgrm prints.
    #[arg(long, value_name = "SERIES.CLASS", default_value = "response.ok")]
    pub series: String,
}

/// A form of a run's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    #[value(alias = "text")]
    Terminal,
    /// For pull requests.
    Markdown,
    /// The published contract.
    Json,
    /// A number a row.
    Csv,
    /// One page with charts, for browsers.
    Html,
    /// A percentile distribution, for HdrHistogram's plotters.
    Hgrm,
    /// The interval log, for HdrHistogram's tools.
    Hlog,
    /// Thresholds as test cases, for CI systems.
    Junit,
    /// Prometheus' text format.
    Prometheus,
}

/// `livebench schema`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench schema scenario\n  livebench schema summary > summary.schema.json")]
pub struct SchemaArgs {
    /// Which contract.
    #[arg(value_enum, value_name = "CONTRACT")]
    pub contract: Contract,
}

/// The contracts with a published schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Contract {
    /// A scenario's TOML.
    Scenario,
    /// A run's summary.json.
    Summary,
    /// What `compare --output json` prints.
    Compare,
    /// What `history --output json` prints.
    History,
    /// A probe's probe.json.
    Probe,
    /// A plan's TOML.
    Plan,
    /// A plan's plan.json.
    PlanReport,
    /// What `selftest --output json` prints.
    Selftest,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetKind {
    /// The embedded emulator, on a free loopback port.
    Emulator,
    /// Amazon Rekognition.
    Aws,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[value(alias = "terminal")]
    Text,
    /// The published contract.
    Json,
    /// For pull requests.
    Markdown,
}

/// When the view takes the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LiveMode {
    /// Always.
    On,
    /// Never, and no lines either.
    Off,
    /// If stderr is a terminal, and neither --quiet nor --debug is given.
    Auto,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Always.
    On,
    /// Never.
    Off,
    /// On a terminal without `NO_COLOR`.
    Auto,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    /// The command line is consistent in itself.
    #[test]
    fn is_sound() {
        super::Cli::command().debug_assert();
    }

    /// Every help shows how it is used, in commands that can be typed.
    #[test]
    fn every_help_has_examples() {
        let mut cli = super::Cli::command();
        cli.build();
        let all: Vec<&clap::Command> = cli.get_subcommands().chain([&cli]).collect();
        assert!(all.len() > 8, "{}", all.len());
        for command in all {
            let help = command.get_after_help().unwrap_or_else(|| panic!("{}", command.get_name())).to_string();
            let typed = help.lines().map(str::trim).filter(|line| line.starts_with("livebench "));
            let typed: Vec<&str> = typed.map(|line| line.split(['>', '|']).next().unwrap_or_default()).collect();
            assert!(!typed.is_empty() && help.starts_with("Example"), "{help}");
            for line in typed.iter().filter(|line| !line.contains('\'')) {
                let parsed = super::Cli::try_parse_from(line.split_whitespace());
                assert!(parsed.is_ok(), "{line}: {parsed:?}");
            }
        }
    }

    /// Every subcommand has its help and its manual page.
    #[test]
    fn every_command_has_a_page() {
        let names: Vec<String> = super::Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(super::COMMANDS, names);
    }
}
