//! `livebench completions` and `livebench man`: what shells and man(1) want to know.

use std::io::Write as _;

use clap::{CommandFactory as _, ValueEnum as _};

use super::{Error, Exit, could_not_run, written};
use crate::cli::{Cli, CompletionsArgs, ManArgs};

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "livebench", &mut text);
    print(&text)
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, Error> {
    let mut cli = Cli::command();
    cli.build(); // names become `livebench-run`
    let name = args.command.and_then(|page| page.to_possible_value());
    let command = match name.as_ref().and_then(|name| cli.find_subcommand(name.get_name())) {
        Some(command) => command.clone(),
        None => cli,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(|e| could_not_run(format!("cannot make the page: {e}")))?;
    print(&text)
}

fn print(text: &[u8]) -> Result<Exit, Error> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text).and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}
