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
    /// Where to listen; port 0 takes a free one. Only loopback addresses are allowed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566", value_parser = address)]
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
    #[arg(long, visible_alias = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
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
    #[arg(long, visible_alias = "format", value_enum, value_name = "FORMAT")]
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
