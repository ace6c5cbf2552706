//! `livebench help`, `livebench completions` and `livebench man`: what livebench writes about itself.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::guide::TOPICS;

/// `livebench completions`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench completions bash > /etc/bash_completion.d/livebench\n  livebench completions zsh > ~/.zfunc/_livebench\n  \
    livebench completions fish > ~/.config/fish/completions/livebench.fish"
)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `livebench man`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench man | man -l -\n  livebench man scenario | man -l -\n  \
    livebench man run > /usr/local/share/man/man1/livebench-run.1")]
pub struct ManArgs {
    /// A command or a topic [default: livebench itself].
    #[arg(value_name = "NAME", value_parser = names(), hide_possible_values = true)]
    pub name: Option<String>,
}

/// `livebench help`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench help scenario\n  livebench help exit-codes | less\n  livebench help run")]
pub struct HelpArgs {
    /// A topic or a command.
    #[arg(value_name = "TOPIC", value_parser = names(), hide_possible_values = true)]
    pub name: Option<String>,
}

/// The subcommands, in the order of the help.
pub const COMMANDS: &[&str] = &[
    "run",
    "probe",
    "plan",
    "check",
    "report",
    "compare",
    "history",
    "emulate",
    "merge",
    "resume",
    "shard",
    "call",
    "selftest",
    "init",
    "schema",
    "completions",
    "man",
    "help",
];

/// Commands, and the topics that are no command.
fn names() -> PossibleValuesParser {
    let topics = TOPICS.iter().map(|topic| topic.name).filter(|name| !COMMANDS.contains(name));
    PossibleValuesParser::new(COMMANDS.iter().copied().chain(topics))
}
