//! What may be typed. Does no work.

mod comforts;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare::Family;
use crate::scenario::Transport;
use crate::units::{Share, parse_duration};
pub use comforts::{CompletionsArgs, InitArgs, ManArgs, Page, SelftestArgs};

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// Load testing and quota probing for Amazon Rekognition's CreateFaceLivenessSession.
#[derive(Debug, Parser)]
#[command(
    name = "livebench",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Examples:\n  livebench init\n  livebench check my-load.toml\n  livebench run my-load.toml\n  livebench report results/20261121T101500Z-my-load --format html"
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
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How it is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// Serve Prometheus' text format at /metrics on this address while it runs; port 0 takes a free one. Only loopback addresses.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "virtual_time")]
    pub metrics: Option<SocketAddr>,
    /// Run in virtual time against the emulator's model: no network, an hour in a second, the same bytes every time.
    #[arg(long, conflicts_with_all = ["target", "yes", "endpoint_url"])]
    pub virtual_time: bool,
    /// Write every arrival at the embedded emulator to this file, a JSON object a line: the truth to hold the report against.
    #[arg(long, value_name = "FILE", conflicts_with = "virtual_time")]
    pub emulator_log: Option<PathBuf>,
    /// Form of the summary on stdout.
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
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
    /// Stop when the rate is known to so much on either side.
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
    /// Share of the answers that may be wrong, by a shared or sharded limiter: the kind that explains all others is then likely, with a
    /// confidence, and never guaranteed.
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = outliers)]
    pub outliers: Share,
    /// Who makes the calls: sdk (the AWS SDK), or wire (the same calls for a fraction of its CPU).
    #[arg(long, value_name = "TRANSPORT", default_value = "sdk", value_parser = transport)]
    pub transport: Transport,
    /// Seed of the gaps between calls.
    #[arg(long, value_name = "N", default_value_t = 1)]
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
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
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
    #[arg(long, value_enum, default_value_t = Live::Auto, value_name = "WHEN")]
    pub live: Live,
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
    /// Form of the preview on stdout.
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// `livebench report`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench report results/20261121T101500Z-ramp\n  livebench report results/20261121T101500Z-ramp --format html > report.html\n  \
    livebench report results/20261121T101500Z-ramp --format hgrm --series service.ok"
)]
pub struct ReportArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
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
    /// Form of the comparison on stdout.
    #[arg(long, value_enum, default_value_t = CompareOutput::Text, value_name = "FORMAT")]
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
#[command(after_help = "Example:\n  livebench history results")]
pub struct HistoryArgs {
    /// The directory that holds the runs.
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// Form of the history on stdout.
    #[arg(long, value_enum, default_value_t = HistoryOutput::Text, value_name = "FORMAT")]
    pub output: HistoryOutput,
}

/// A form of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryOutput {
    /// For people.
    #[value(alias = "terminal")]
    Text,
    /// The published contract.
    Json,
}

/// `livebench emulate`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench emulate\n  livebench emulate --listen 127.0.0.1:4566 --config emulator.toml --log arrivals.jsonl\n  \
    AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws rekognition create-face-liveness-session"
)]
pub struct EmulateArgs {
    /// Where to listen; port 0 takes a free one. Only loopback addresses are allowed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// A TOML file with the `[emulator]` table of a scenario.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Append every arrival to this file, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Go on from the state in this file if it is there, and write it when stopped.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Serve TLS with a certificate made for it: ca.pem, cert.pem and key.pem in this directory. Kept if they are there.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_cert", "tls_key"])]
    pub tls_generate: Option<PathBuf>,
    /// Serve TLS with this PEM certificate chain.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Form of the ready line on stdout.
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// `livebench call`
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  livebench call\n  livebench call --settings 'OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=liveness/},AuditImagesLimit=4'\n  \
    livebench call --generate-cli-skeleton > input.json\n  livebench call --cli-input-json file://input.json --output text --query SessionId\n  \
    livebench call --target aws --yes --region eu-west-1 --debug\n\n\
    Options and output are those of AWS CLI v1. There is no retry, and with no endpoint the embedded emulator answers.\n\
    Exit codes: 0 a session was made, 1 the service answered with an error, 2 could not run (usage, parameters, connection, \
    credentials); the AWS CLI v1 exits with 255 for most of these"
)]
pub struct CallArgs {
    /// The KMS key that encrypts audit and reference images.
    #[arg(long, value_name = "VALUE")]
    pub kms_key_id: Option<String>,
    /// Settings of the session: JSON, or shorthand like OutputConfig={S3Bucket=string,S3KeyPrefix=string},AuditImagesLimit=integer,ChallengePreferences=[{Type=string,Versions={Minimum=string,Maximum=string}}].
    #[arg(long, value_name = "VALUE")]
    pub settings: Option<String>,
    /// The idempotency token: the same token gets the same session.
    #[arg(long, value_name = "VALUE")]
    pub client_request_token: Option<String>,
    /// The whole input as JSON, as --generate-cli-skeleton prints it. Other options override its members.
    #[arg(long, value_name = "JSON")]
    pub cli_input_json: Option<String>,
    /// Print a sample and send nothing: of the input, or with output, after the input was checked, of the output.
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "input")]
    pub generate_cli_skeleton: Option<Skeleton>,
    /// Form of the answer on stdout, before AWS_DEFAULT_OUTPUT and the profile [default: json].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub output: Option<AnswerForm>,
    /// A JMESPath expression that picks from the answer.
    #[arg(long, value_name = "EXPRESSION")]
    pub query: Option<String>,
    /// Accepted for the sake of scripts: the answer has one page.
    #[arg(long)]
    pub no_paginate: bool,
    /// What is called: the embedded emulator, or AWS (needs --yes).
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Send to AWS, or to any address that is not this machine's.
    #[arg(long)]
    pub yes: bool,
    /// How to reach the service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// A sample that `livebench call` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Skeleton {
    /// For --cli-input-json.
    Input,
    /// As the service answers.
    Output,
}

/// A form of the service's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerForm {
    /// JSON, indented by four spaces.
    Json,
    /// Values with tabs between.
    Text,
    /// A box.
    Table,
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
    Text,
    /// The published contract.
    Json,
    /// For pull requests.
    Markdown,
}

/// When the view takes the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Live {
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

fn precision(text: &str) -> Result<Share, String> {
    share(text, 0.000_1..=0.5).ok_or_else(|| "a share like 0.5% or 0.005 is needed, from 0.01% to 50%".to_owned())
}

fn outliers(text: &str) -> Result<Share, String> {
    share(text, 0.0..=0.2).ok_or_else(|| "a share like 2% or 0.02 is needed, up to 20%".to_owned())
}

/// A share as `2%` or `0.02`, if it lies within `range`.
fn share(text: &str, range: std::ops::RangeInclusive<f64>) -> Option<Share> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.parse(),
    };
    value.ok().filter(|value| range.contains(value)).and_then(|value| Share::new(value).ok())
}

fn transport(text: &str) -> Result<Transport, String> {
    let found = [Transport::Sdk, Transport::Wire].into_iter().find(|t| t.name() == text);
    found.ok_or_else(|| "sdk or wire is needed".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|e| e.to_string())?;
    let fits = (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&parsed);
    if fits { Ok(parsed) } else { Err("a time from 1s to 1h is needed".to_owned()) }
}

fn dollars(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|d: &f64| d.is_finite() && *d >= 0.0)
        .ok_or_else(|| "a number of dollars from 0 is needed".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "a whole number of seconds is needed, 0 waits for ever".to_owned())
}

/// A percentage: `99%` or `99`.
fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| format!("`{text}` is no percentage like 5%"))?;
    if (0.0..=1000.0).contains(&number) { Ok(number / 100.0) } else { Err("a percentage from 0% to 1000% is needed".to_owned()) }
}

fn confidence(text: &str) -> Result<f64, String> {
    let share = percent(text)?;
    if (0.5..1.0).contains(&share) { Ok(share) } else { Err("a confidence from 50% to below 100% is needed".to_owned()) }
}

fn effect(text: &str) -> Result<(Family, f64), String> {
    let (family, size) = text.split_once('=').ok_or("write it like latency=5%")?;
    Ok((family.parse()?, percent(size)?))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _, ValueEnum as _};

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
        let all: Vec<&clap::Command> = cli.get_subcommands().filter(|c| c.get_name() != "help").chain([&cli]).collect();
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

    /// Every subcommand has its manual page.
    #[test]
    fn every_command_has_a_page() {
        let names: Vec<String> = super::Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        let pages = super::Page::value_variants().iter().filter_map(clap::ValueEnum::to_possible_value);
        assert_eq!(pages.map(|page| page.get_name().to_owned()).collect::<Vec<_>>(), names);
    }
}
