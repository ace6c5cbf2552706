//! What can go wrong with the files of a run, in words that say what to do.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::units::plural;

/// What went wrong with a run's files: which one, why, what to do.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// A file or directory could not be written.
    #[error("cannot write {}: {reason}; {}", path.display(), write_remedy(reason))]
    Write {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        reason: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {}; {}", path.display(), read_problem(reason), read_remedy(reason))]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        reason: io::Error,
    },
    /// A file stands where a directory is needed.
    #[error("{} is a file; --out names a directory", path.display())]
    NotADirectory {
        /// The file.
        path: PathBuf,
    },
    /// The directory is not a run's.
    #[error("{} is not a run of livebench: it has no {missing}; name a directory that `livebench run` made, like results/<UTC>-<name>", path.display())]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// The file that every run has.
        missing: &'static str,
    },
    /// Something else that livebench knows.
    #[error("{} is {what}, not the directory of a run; {taken_by}", path.display())]
    OtherThing {
        /// Where.
        path: PathBuf,
        /// What it is.
        what: String,
        /// Which command takes it.
        taken_by: String,
    },
    /// The directory holds runs.
    #[error("{} holds {}, it is not one itself; name one, like {}", path.display(), plural(*runs, "run"), newest.display())]
    HoldsRuns {
        /// The directory.
        path: PathBuf,
        /// How many there are.
        runs: u64,
        /// The one whose name is the last.
        newest: PathBuf,
    },
    /// Somebody writes the run.
    #[error("{} is still being written; wait for its end, or stop it with Ctrl-C", path.display())]
    StillRunning {
        /// The directory.
        path: PathBuf,
    },
    /// The thread that writes could not be had, or was lost.
    #[error("the results cannot be written: {0}; please report this if it comes back")]
    Thread(#[source] io::Error),
    /// A file is of a version of livebench that this one does not know.
    #[error("{} has schema {found}, and this version of livebench reads {}; use the version that wrote it, or a newer one", path.display(), up_to(*newest))]
    Schema {
        /// Which one.
        path: PathBuf,
        /// The schema that it names.
        found: String,
        /// The newest schema that is known.
        newest: u32,
    },
    /// A file does not belong to the others of its directory.
    #[error("{} does not belong to the rest of this run: {what}; restore the file, or run again", path.display())]
    Foreign {
        /// Which one.
        path: PathBuf,
        /// How that shows.
        what: String,
    },
    /// A file does not hold what it should.
    #[error("{} cannot be understood: {what}; restore the file, or run again", path.display())]
    Malformed {
        /// Which one.
        path: PathBuf,
        /// Where and why.
        what: String,
    },
}

fn write_remedy(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge | io::ErrorKind::WriteZero => {
            "make room or write elsewhere with --out; what was written before stays, and `livebench report` reads it"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a directory that you may write to, with --out"
        }
        _ => "check the disk and the directory, or write elsewhere with --out",
    }
}

fn up_to(newest: u32) -> String {
    if newest == 1 { "1".to_owned() } else { format!("1 to {newest}") }
}

fn read_problem(reason: &io::Error) -> String {
    match reason.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::NotADirectory => "it is a file, not a directory".to_owned(),
        _ => reason.to_string(),
    }
}

fn read_remedy(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "name the directory of a run, like results/<UTC>-<name>",
        io::ErrorKind::PermissionDenied => "ask for the right to read it",
        _ => "check the file",
    }
}
