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
pub use pages::{COMMANDS, CompletionsArgs, HelpArgs, ManArgs, names};
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
    /// Whether to use colours.
    #[arg(long, hide_short_help = true, value_enum, default_value_t = Color::Auto, global = true, value_name = "WHEN")]
    pub color: Color,
    /// Log what the SDK does to stderr, with secrets masked.
    #[arg(long, hide_short_help = true, global = true)]
    pub debug: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario's load and report how the operation behaved.
    Run(RunArgs),
    /// Measure the quota: type of limiter, rate, burst and recovery.
    Probe(ProbeArgs),
    /// Check whether your quotas are enough for a launch, and write the request for AWS.
    Plan(Box<PlanArgs>),
    /// Validate and preview scenarios and plans; sends no calls.
    Check(CheckArgs),
    /// Reprint a run's report; rebuild missing files, even after a crash.
    Report(ReportArgs),
    /// Compare runs: report what changed, and how certain that is.
    Compare(CompareArgs),
    /// List the runs in a directory and find where a metric changed.
    History(HistoryArgs),
    /// Serve the emulator to any AWS client.
    Emulate(EmulateArgs),
    /// Merge the shards of a run over many machines into one run.
    Merge(MergeArgs),
    /// Continue an interrupted run, as another segment.
    Resume(Box<ResumeArgs>),
    /// Print which shard of a run this process is, and where that is set.
    Shard(ShardArgs),
    /// Make one call, with the options of `aws rekognition create-face-liveness-session`.
    Call(Box<CallArgs>),
    /// Measure how far you can trust this machine: pacing, honesty, ceiling.
    Selftest(SelftestArgs),
    /// Write a commented scenario to start from; prompts for what you don't pass.
    Init(InitArgs),
    /// Print the JSON Schema of a file or an output.
    Schema(SchemaArgs),
    /// Print tab completion for a shell.
    Completions(CompletionsArgs),
    /// Print a manual page, as roff for man(1).
    Man(ManArgs),
    /// Show a page of the guide, or the help of a command.
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
    Exit codes: 0 passed, 1 a threshold was missed or idempotency violated, 2 could not run, 3 result unreliable (INVALID), \
    75 not all shards came to the barrier (nothing was sent), 130 interrupted"
)]
pub struct RunArgs {
    /// The scenario file.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Where to send calls; AWS needs --yes and a budget in the scenario.
    ///
    /// The default is the emulator, unless an endpoint is named.
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Allow calls to AWS, or to any address outside this machine.
    #[arg(long)]
    pub yes: bool,
    /// Where to create the run's directory.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Replace the scenario's seed.
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Serve Prometheus' text format at /metrics on this loopback address during the run; port 0 picks a free port.
    #[arg(long, hide_short_help = true, value_name = "ADDRESS", value_parser = address, conflicts_with = "virtual_time")]
    pub metrics: Option<SocketAddr>,
    /// Simulate against the emulator's model: no network, an hour in a second, reproducible output.
    #[arg(long, conflicts_with_all = ["target", "yes", "endpoint_url"])]
    pub virtual_time: bool,
    /// Log each request to the embedded emulator as JSON lines, to cross-check the report.
    #[arg(long, hide_short_help = true, value_name = "FILE", conflicts_with = "virtual_time")]
    pub emulator_log: Option<PathBuf>,
    /// Output format.
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
    livebench probe --target aws --yes --region eu-west-1 --max-spend-usd 5\n\n\
    Exit codes: 0 answered (guaranteed or likely), 2 could not run, 3 inconclusive, 130 interrupted")]
pub struct ProbeArgs {
    /// Target of the calls; AWS needs --yes.
    ///
    /// The default is the emulator, unless an endpoint is named.
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Allow calls to AWS, or to any address outside this machine.
    #[arg(long)]
    pub yes: bool,
    /// Emulator settings: a TOML file with `[emulator]`, or a scenario.
    #[arg(long, value_name = "FILE")]
    pub emulator: Option<PathBuf>,
    /// Stop refining the rate at this precision (±).
    ///
    /// After that the probe prefers to rule out other types of limiter.
    #[arg(long, value_name = "SHARE", default_value = "0.5%", value_parser = precision)]
    pub precision: Share,
    /// Maximum calls.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_calls: u32,
    /// Maximum sessions, that is, accepted calls.
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_sessions: u32,
    /// Maximum duration.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub max_time: Duration,
    /// Maximum cost in dollars; AWS needs more than 0.
    ///
    /// Each call is counted at the price of a check.
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.0, value_parser = dollars)]
    pub max_spend_usd: f64,
    /// Read the applied quota from Service Quotas and show it beside the result. Needs `servicequotas:GetServiceQuota`.
    #[arg(long, hide_short_help = true, conflicts_with = "virtual_time")]
    pub applied_quota: bool,
    /// Tolerate up to this share of contradicting answers; a contradicted result is never guaranteed.
    #[arg(long, hide_short_help = true, value_name = "SHARE", default_value = "0%", value_parser = outliers)]
    pub outliers: Share,
    /// Client: sdk, or wire (lower CPU).
    #[arg(long, hide_short_help = true, value_name = "TRANSPORT", default_value = "sdk", value_parser = transport)]
    pub transport: Transport,
    /// Seed for the gaps between calls.
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 1, value_parser = seed)]
    pub seed: u64,
    /// Simulate against the emulator's model: no network, reproducible output.
    #[arg(long, conflicts_with_all = ["target", "yes", "endpoint_url"])]
    pub virtual_time: bool,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Where to create the probe's directory.
    #[arg(long, hide_short_help = true, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Output format.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// How to reach the service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// How a run or a probe is watched.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Print one line per second to stderr instead of the live view.
    #[arg(long, short, hide_short_help = true)]
    pub quiet: bool,
    /// Live view: on, off (no output during the run), or auto (on a terminal; otherwise one line per second).
    #[arg(long, hide_short_help = true, value_enum, default_value_t = LiveMode::Auto, value_name = "WHEN")]
    pub live: LiveMode,
    /// How long to wait for answers after an interrupt.
    #[arg(long, hide_short_help = true, value_name = "DURATION", default_value = "10s", value_parser = grace)]
    pub grace: Duration,
}

/// The connection options of the AWS CLI, by its names.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Send to this URL instead of the region's endpoint.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Region; overrides environment and profile.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Profile in the AWS configuration files.
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Don't sign requests or load credentials.
    #[arg(long, hide_short_help = true)]
    pub no_sign_request: bool,
    /// Don't verify the server's certificate.
    #[arg(long, hide_short_help = true)]
    pub no_verify_ssl: bool,
    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// Connect timeout in seconds; 0 disables it.
    #[arg(long, hide_short_help = true, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub cli_connect_timeout: Duration,
    /// Read timeout in seconds; 0 disables it.
    #[arg(long, hide_short_help = true, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
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
    /// Scenarios or plans.
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    /// Preview what shard I of N would do.
    #[arg(long, value_name = "I/N", value_parser = values::shard)]
    pub shard: Option<Shard>,
    /// Output format.
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
    /// Directory of a run or a probe; of a directory with several, the newest.
    #[arg(value_name = "RUN", default_value = "results")]
    pub run: PathBuf,
    /// Output format.
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    pub format: Format,
    /// Series to print with --format hgrm.
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
    /// One value per row.
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
    /// What to describe.
    #[arg(value_enum, value_name = "NAME")]
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
    /// If stderr is a terminal, without --quiet and --debug.
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

    /// `-h` is a screen of 80 columns and 40 lines; what it leaves out is in `--help`.
    #[test]
    fn the_short_help_is_a_screen() {
        let mut cli = super::Cli::command();
        cli.build();
        for command in cli.get_subcommands().chain([&cli]) {
            let mut command = command.clone().term_width(80);
            let (short, long) = (command.render_help().to_string(), command.render_long_help().to_string());
            assert!(short.lines().count() <= 40, "{}: {} lines\n{short}", command.get_name(), short.lines().count());
            let names = command.get_arguments().filter_map(|argument| argument.get_long());
            let missing: Vec<&str> = names.filter(|name| !long.contains(&format!("--{name}"))).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", command.get_name());
        }
    }

    /// Every subcommand has its help and its manual page.
    #[test]
    fn every_command_has_a_page() {
        let names: Vec<String> = super::Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(super::COMMANDS, names);
    }
}
