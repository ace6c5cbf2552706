//! `livebench completions` and `livebench man`: what livebench writes about itself.

use clap::{Args, ValueEnum};

/// `livebench completions`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  livebench completions bash > /etc/bash_completion.d/livebench\n  livebench completions zsh > ~/.zfunc/_livebench\n  \
    livebench completions fish > ~/.config/fish/completions/livebench.fish"
)]
pub struct CompletionsArgs {
    /// Whose completions.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `livebench man`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  livebench man | man -l -\n  livebench man run > /usr/local/share/man/man1/livebench-run.1")]
pub struct ManArgs {
    /// A subcommand; without it the page of livebench itself.
    #[arg(value_enum, value_name = "COMMAND")]
    pub command: Option<ManPage>,
}

/// The subcommands that have a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // they are the subcommands
pub enum ManPage {
    Run,
    Probe,
    Plan,
    Check,
    Report,
    Compare,
    History,
    Emulate,
    Merge,
    Resume,
    Shard,
    Call,
    Selftest,
    Init,
    Schema,
    Completions,
    Man,
}
