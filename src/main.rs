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
    let debug = cli.debug;
    if debug {
        debug_to_stderr();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            fail(&format!("cannot start the runtime: {e}"));
            return ExitCode::from(commands::Exit::CouldNotRun as u8);
        }
    };
    match runtime.block_on(commands::dispatch(cli)) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            fail(&error.to_string());
            if debug {
                explain(&error);
            }
            ExitCode::from(error.exit() as u8)
        }
    }
}

/// What the SDK does, on stderr.
fn debug_to_stderr() {
    let ansi = anstream::stderr().current_choice() != anstream::ColorChoice::Never;
    tracing_subscriber::fmt().with_env_filter(LOG_FILTER).with_ansi(ansi).with_writer(std::io::stderr).init();
}

#[allow(clippy::print_stderr)] // the process edge is where diagnostics leave
fn fail(message: &str) {
    anstream::eprintln!("error: {message}");
}

/// What lies beneath an error, cause by cause.
#[allow(clippy::print_stderr)] // the process edge is where diagnostics leave
fn explain(error: &dyn std::error::Error) {
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        anstream::eprintln!("  caused by: {cause}");
    }
}
