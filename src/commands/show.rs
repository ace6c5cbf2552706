//! A summary on stdout, its warning on stderr, and the exit code that it stands for: the end of `run`.

use std::io::{self, Write};
use std::path::Path;

use super::{Exit, repeated, talk};
use crate::cli::Output;
use crate::report;
use crate::report::narrow::Narrow;
use crate::summary::{Ending, Severity, Summary};

/// Prints the summary in the form asked for; a SUSPECT or INVALID run is also said on stderr, so that a pipe does not hide it. A stdout that
/// is full or closed changes nothing: everything is in `dir`.
pub(super) fn show(summary: &Summary, output: Output, dir: &Path) -> Exit {
    let shown = match output {
        Output::Text => text(|out| report::terminal::write(summary, out.columns(), out)),
        Output::Json => report::json::write(summary, &mut io::stdout().lock()),
        Output::Markdown => report::markdown::write(summary, &mut io::stdout().lock()),
    };
    repeated(shown.and_then(|()| io::stdout().flush()), dir);
    warn(summary);
    exit(summary)
}

/// A stdout for people, whose lines fit the terminal.
type TextOut = Narrow<anstream::AutoStream<io::StdoutLock<'static>>>;

/// Has a report for people printed, in lines that fit the terminal if there is one.
pub(super) fn text(write: impl FnOnce(&mut TextOut) -> io::Result<()>) -> io::Result<()> {
    let mut out = Narrow::new(anstream::stdout().lock(), columns());
    write(&mut out).and_then(|()| out.flush())
}

/// Columns of the terminal that stdout is; `None` where it is none.
pub(super) fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The exit code of a run.
pub(super) fn exit(summary: &Summary) -> Exit {
    match summary.ending() {
        Ending::Good => Exit::Good,
        Ending::Bad => Exit::Bad,
        Ending::NotTrusted => Exit::NotTrusted,
        Ending::Interrupted => Exit::Interrupted,
    }
}

/// Says on stderr what a pipe would hide.
pub(super) fn warn(summary: &Summary) {
    for reason in &summary.verdict.reasons {
        let word = match reason.severity {
            Severity::Note => continue,
            Severity::Suspect => "SUSPECT",
            Severity::Invalid => "INVALID",
        };
        talk(&format!("warning: {word}: {}", reason.what));
    }
}
