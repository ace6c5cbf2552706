//! The process edge: parse, runtime, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use livebench::cli::{Cli, Color};
use livebench::client::sdk::LOG_FILTER;
use livebench::commands;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        Color::Auto => {}
        Color::On => anstream::ColorChoice::Always.write_global(),
        Color::Off => anstream::ColorChoice::Never.write_global(),
    }
    if cli.debug {
        debug_to_stderr();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("cannot start the runtime: {e}"), commands::Exit::CouldNotRun),
    };
    match runtime.block_on(commands::dispatch(cli)) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => fail(&error.to_string(), error.exit()),
    }
}

/// What the SDK does, on stderr.
fn debug_to_stderr() {
    let ansi = anstream::stderr().current_choice() != anstream::ColorChoice::Never;
    tracing_subscriber::fmt().with_env_filter(LOG_FILTER).with_ansi(ansi).with_writer(std::io::stderr).init();
}

#[allow(clippy::print_stderr)] // the process edge is where talk leaves
fn fail(message: &str, exit: commands::Exit) -> ExitCode {
    anstream::eprintln!("error: {message}");
    ExitCode::from(exit as u8)
}
