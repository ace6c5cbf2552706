//! What may be typed to serve the operation, and to call it once.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::address;
use super::{ConnectionArgs, Output, TargetKind};

/// `livebench emulate`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench emulate\n  livebench emulate --listen 127.0.0.1:4566 --config emulator.toml --log arrivals.jsonl\n  \
    AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws rekognition create-face-liveness-session"
)]
pub struct EmulateArgs {
    /// Loopback address to listen on; port 0 picks a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566", value_parser = address)]
    pub listen: SocketAddr,
    /// A TOML file with an `[emulator]` table, or a scenario.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Append each request to this file as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Load state from this file at start, save it at exit.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Serve TLS with a generated certificate: ca.pem, cert.pem and key.pem in this directory. Existing files are reused.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_cert", "tls_key"])]
    pub tls_generate: Option<PathBuf>,
    /// Serve TLS with this PEM certificate chain.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Output format of the ready line.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

#[allow(clippy::doc_markdown)] // help texts are read on a terminal, where backticks are noise
/// `livebench call`
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  livebench call\n  livebench call --settings 'AuditImagesLimit=4' --client-request-token my-token\n  \
    livebench call --cli-input-json file://input.json --query SessionId\n  livebench call --target aws --yes --region eu-west-1\n\n\
    Exit codes: 0 a session was made, 1 the service answered with an error, 2 could not run",
    after_long_help = "Examples:\n  livebench call\n  livebench call --settings 'OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=liveness/},AuditImagesLimit=4'\n  \
    livebench call --generate-cli-skeleton > input.json\n  livebench call --cli-input-json file://input.json --output text --query SessionId\n  \
    livebench call --target aws --yes --region eu-west-1 --debug\n\n\
    Options and output are those of AWS CLI v1. livebench doesn't retry. Without an endpoint the embedded emulator answers.\n\
    Exit codes: 0 a session was made, 1 the service answered with an error, 2 could not run (usage, parameters, connection, \
    credentials); the AWS CLI v1 exits with 255 for most of these"
)]
pub struct CallArgs {
    /// KMS key to encrypt audit and reference images.
    #[arg(long, hide_short_help = true, value_name = "VALUE")]
    pub kms_key_id: Option<String>,
    /// Session settings, as JSON or shorthand.
    ///
    /// The shorthand joins OutputConfig={S3Bucket=string,S3KeyPrefix=string}, AuditImagesLimit=integer and ChallengePreferences=[{Type=string}] with commas
    /// and no spaces. A preference may have Versions={Minimum=string,Maximum=string} after its type.
    #[arg(long, value_name = "VALUE")]
    pub settings: Option<String>,
    /// Idempotency token; the same token gets the same session.
    #[arg(long, value_name = "VALUE")]
    pub client_request_token: Option<String>,
    /// The whole input as JSON; other options override it.
    #[arg(long, value_name = "JSON")]
    pub cli_input_json: Option<String>,
    /// Print a sample input (or output) and send no call.
    #[arg(long, hide_short_help = true, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "input")]
    pub generate_cli_skeleton: Option<Skeleton>,
    /// Output format [default: json].
    ///
    /// Overrides AWS_DEFAULT_OUTPUT and the profile.
    #[arg(long, visible_alias = "format", value_enum, value_name = "FORMAT")]
    pub output: Option<AnswerForm>,
    /// JMESPath expression to filter the answer.
    #[arg(long, value_name = "EXPRESSION")]
    pub query: Option<String>,
    /// Ignored; accepted for compatibility.
    #[arg(long, hide_short_help = true)]
    pub no_paginate: bool,
    /// Where to send the call; AWS needs --yes.
    ///
    /// The default is the emulator, unless an endpoint is named.
    #[arg(long, value_enum, value_name = "TARGET")]
    pub target: Option<TargetKind>,
    /// Allow calls to AWS, or to any address outside this machine.
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
