//! One straight-line function a subcommand; the only place that wires the rest together.

mod call;
mod check;
mod compare;
mod connect;
mod cost;
mod credentials;
mod drive;
mod emulate;
mod explore;
mod history;
mod init;
mod merge;
mod pages;
mod part;
mod plan;
mod probe;
mod report;
mod resume;
mod run;
mod schema;
mod selftest;
mod service;
mod show;
#[cfg(test)]
mod simulation;
mod subject;
mod watch;

use thiserror::Error;

use crate::cli::{Cli, Command};
use crate::live;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything held.
    Good = 0,
    /// The verdict is bad: a threshold missed, idempotency violated.
    Bad = 1,
    /// It could not run: usage, scenario, credentials, files.
    CouldNotRun = 2,
    /// It ran, but the answer is not to be trusted.
    NotTrusted = 3,
    /// The shards of a run did not come together; nothing was sent. `EX_TEMPFAIL` of sysexits(3).
    Aborted = 75,
    /// Interrupted, with everything up to then on disk.
    Interrupted = 130,
}

/// Why a command could not do its work: what, where, what to do.
#[derive(Debug, Error)]
pub enum Error {
    /// Something asked for cannot be done; exit code 2.
    #[error(transparent)]
    CouldNotRun(Cause),
    /// It ran, but not all of it could be kept; exit code 3.
    #[error(transparent)]
    NotTrusted(Cause),
    /// The shards of a run did not come together; exit code 75.
    #[error(transparent)]
    Aborted(Cause),
    /// It was interrupted before it did anything; exit code 130.
    #[error(transparent)]
    Interrupted(Cause),
}

/// What went wrong, with all that lies beneath it.
type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// The exit code that this error stands for.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::CouldNotRun(_) => Exit::CouldNotRun,
            Self::NotTrusted(_) => Exit::NotTrusted,
            Self::Aborted(_) => Exit::Aborted,
            Self::Interrupted(_) => Exit::Interrupted,
        }
    }
}

/// Runs the command that was typed.
pub async fn dispatch(cli: Cli) -> Result<Exit, Error> {
    match cli.command {
        Command::Run(args) => run::run(&args, cli.debug).await,
        Command::Probe(args) => probe::probe(&args, cli.debug).await,
        Command::Merge(args) => merge::merge(&args),
        Command::Resume(args) => Box::pin(resume::resume(&args, cli.debug)).await,
        Command::Shard(args) => part::shard(&args),
        Command::Call(args) => Box::pin(call::call(&args, cli.debug)).await,
        Command::Plan(args) => plan::plan(&args).await,
        Command::Check(args) => check::check(&args),
        Command::Report(args) => report::report(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::History(args) => history::history(&args),
        Command::Emulate(args) => emulate::emulate(&args).await,
        Command::Selftest(args) => selftest::selftest(&args).await,
        Command::Init(args) => init::init(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Completions(args) => pages::completions(&args),
        Command::Man(args) => pages::man(&args),
        Command::Help(args) => pages::help(&args),
    }
}

/// Whatever went wrong, nothing was sent: exit code 2.
fn could_not_run(cause: impl Into<Cause>) -> Error {
    Error::CouldNotRun(cause.into())
}

/// It ran, but not all of it is as it should be: exit code 3.
fn not_trusted(cause: impl Into<Cause>) -> Error {
    Error::NotTrusted(cause.into())
}

/// Talk goes to stderr. One that is closed or full ends no work.
fn talk(text: &str) {
    live::say(text);
}

/// What becomes of a write to stdout: a reader that has seen enough (`| head`) is no failure.
pub(crate) fn written(result: std::io::Result<()>) -> Result<(), Error> {
    match result {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(could_not_run(format!("cannot write to stdout: {e}"))),
        _ => Ok(()),
    }
}

/// What becomes of a write to stdout that repeats what is on disk already: whoever cannot be told is no reason to end otherwise.
fn repeated(result: std::io::Result<()>, dir: &std::path::Path) {
    if let Err(Error::CouldNotRun(why)) = written(result) {
        talk(&format!("warning: {why}; the results are in {}", dir.display()));
    }
}

/// As many connections as the machine allows, not as the shell does. Refused, it does with what it may.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}
