//! `livebench help`, `livebench completions` and `livebench man`: what livebench writes about itself.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, Error};

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
    #[arg(value_name = "NAME", value_parser = NameParser, hide_possible_values = true)]
    pub name: Option<String>,
}

/// `livebench help`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench help scenario\n  livebench help exit-codes | less\n  livebench help run\n  livebench help soak"
)]
pub struct HelpArgs {
    /// A topic, a command, or any word to look up in the guide.
    #[arg(value_name = "TOPIC", value_parser = NameParser, hide_possible_values = true)]
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
pub fn names() -> impl Iterator<Item = &'static str> {
    let topics = TOPICS.iter().map(|topic| topic.name).filter(|name| !COMMANDS.contains(name));
    COMMANDS.iter().copied().chain(topics)
}

/// Takes any word; shells complete the names.
#[derive(Debug, Clone, Copy)]
struct NameParser;

impl TypedValueParser for NameParser {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names().map(PossibleValue::new)))
    }
}
