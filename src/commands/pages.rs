//! `livebench help`, `livebench completions` and `livebench man`: what people, shells and man(1) want to know.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::CommandFactory as _;

use super::{Error, Exit, could_not_run, written};
use crate::cli::{Cli, CompletionsArgs, HelpArgs, ManArgs, names};
use crate::guide::{Passage, Topic};
use crate::report::narrow::WIDEST;
use crate::scenario::nearest;

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "livebench", &mut text);
    print(&text)
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, Error> {
    known(args.name.as_deref())?;
    let topic = args.name.as_deref().and_then(Topic::find);
    let mut text = Vec::new();
    match (args.name.as_deref().and_then(command), topic) {
        (None, Some(topic)) => text.extend_from_slice(topic.manual().as_bytes()),
        (command, topic) => {
            let command = command.unwrap_or_else(whole);
            let name = command.get_display_name().unwrap_or("livebench").to_owned();
            let version = concat!("livebench ", env!("CARGO_PKG_VERSION"));
            let page = clap_mangen::Man::new(command).title(name).source(version).manual("livebench manual");
            page.render(&mut text).map_err(|e| could_not_run(format!("cannot make the page: {e}")))?;
            text.extend_from_slice(topic.map(Topic::sections).unwrap_or_default().as_bytes());
        }
    }
    print(&text)
}

/// Refuses a name of nothing, with the one that was probably meant.
fn known(name: Option<&str>) -> Result<(), Error> {
    let Some(name) = name.filter(|name| !names().any(|known| known == *name)) else { return Ok(()) };
    let meant = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if !Topic::search(name).is_empty() => format!("`livebench help {name}` finds it in the guide"),
        None => "`livebench help` lists the commands, `livebench help commands` has each on one page".to_owned(),
    };
    Err(could_not_run(format!("no command and no page of the guide is named `{name}`; {meant}")))
}

/// A command's help, a page of the guide, of a name that is both the usage and then the page, or where the guide speaks of another word.
pub(super) fn help(args: &HelpArgs) -> Result<Exit, Error> {
    if let Some(word) = args.name.as_deref().filter(|name| !names().any(|known| known == *name)) {
        return look_up(word);
    }
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

/// Where the guide speaks of a word that names no page.
fn look_up(word: &str) -> Result<Exit, Error> {
    let passages = Topic::search(word);
    let near = nearest(word, names());
    if passages.is_empty() || near.is_some() {
        known(Some(word))?;
    }
    let mut text = format!("No page is named `{word}`. The guide speaks of it here:\n");
    for Passage { topic, heading, text: said } in passages {
        let _ = write!(text, "\n  livebench help {topic}   {heading}\n    {said}\n");
    }
    written(super::show::text(|out| out.write_all(text.as_bytes())))?;
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
