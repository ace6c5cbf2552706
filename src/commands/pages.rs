//! `livebench help`, `livebench completions` and `livebench man`: what people, shells and man(1) want to know.

use std::io::Write as _;

use clap::CommandFactory as _;

use super::{Error, Exit, could_not_run, written};
use crate::cli::{Cli, CompletionsArgs, HelpArgs, ManArgs};
use crate::guide::Topic;
use crate::report::narrow::WIDEST;

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "livebench", &mut text);
    print(&text)
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, Error> {
    let topic = args.name.as_deref().and_then(Topic::find);
    let mut text = Vec::new();
    match (args.name.as_deref().and_then(command), topic) {
        (None, Some(topic)) => text.extend_from_slice(topic.manual().as_bytes()),
        (command, topic) => {
            let page = clap_mangen::Man::new(command.unwrap_or_else(whole));
            page.render(&mut text).map_err(|e| could_not_run(format!("cannot make the page: {e}")))?;
            text.extend_from_slice(topic.map(Topic::sections).unwrap_or_default().as_bytes());
        }
    }
    print(&text)
}

/// A command's help, a page of the guide, or of a name that is both the usage and then the page.
pub(super) fn help(args: &HelpArgs) -> Result<Exit, Error> {
    let topic = args.name.as_deref().and_then(Topic::find);
    let mut command = args.name.as_deref().map_or_else(|| Some(whole()), command);
    let text = match (&mut command, topic) {
        (Some(command), None) => command.render_long_help().ansi().to_string(),
        (Some(command), Some(topic)) => {
            let options = format!("Options: livebench {} --help", topic.name);
            format!("{}\n{options}\n\n{}", command.render_usage().ansi(), topic.terminal(width()))
        }
        (None, topic) => topic.map(|topic| topic.terminal(width())).unwrap_or_default(),
    };
    let mut out = anstream::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}

/// The whole command line.
fn whole() -> clap::Command {
    let mut cli = Cli::command();
    cli.build(); // names become `livebench-run`
    cli
}

/// A subcommand of that name.
fn command(name: &str) -> Option<clap::Command> {
    whole().find_subcommand(name).cloned()
}

/// Columns of the terminal, as far as lines are easy to read.
fn width() -> usize {
    super::show::columns().map_or(WIDEST, |columns| columns.min(WIDEST))
}

fn print(text: &[u8]) -> Result<Exit, Error> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text).and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}
