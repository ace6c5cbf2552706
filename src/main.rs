//! The process edge: parse, runtime, exit code.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;

use livebench::cli::{self, Color};
use livebench::client::sdk::LOGGED;
use livebench::{commands, live};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_fault));
    let typed: Vec<_> = std::env::args_os().collect();
    // Help and version are printed here as well, with their own exit code.
    let cli = cli::parse(&typed).unwrap_or_else(|error| error.exit());
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
    // A fault of ours has been told by the hook; what was written up to then stays, and `livebench report` reads it.
    let Ok(ended) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(commands::dispatch(cli)))) else {
        return ExitCode::from(commands::Exit::NotTrusted as u8);
    };
    match ended {
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

/// Tells a fault of livebench's own in one sentence, on a terminal that is given back.
fn tell_fault(fault: &PanicHookInfo<'_>) {
    live::restore();
    let place = fault.location().map_or_else(String::new, |place| format!(" ({}:{})", place.file(), place.line()));
    let what = fault.payload_as_str().unwrap_or("no reason is known");
    fail(&format!(
        "this is a fault of livebench, not yours: {}{place}; please report this with the command line",
        what.replace('\n', " ")
    ));
}

/// What the SDK does, on stderr.
fn debug_to_stderr() {
    let ansi = anstream::stderr().current_choice() != anstream::ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer().with_ansi(ansi).with_writer(|| live::PatientStderr);
    tracing_subscriber::registry().with(lines.with_filter(Targets::new().with_targets(LOGGED))).init();
}

/// A stderr that is closed or full changes nothing of how the process ends.
fn fail(message: &str) {
    live::say(&format!("error: {message}"));
}

/// What lies beneath an error, cause by cause.
fn explain(error: &dyn std::error::Error) {
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        live::say(&format!("  caused by: {cause}"));
    }
}
