//! A file that fails once.
//!
//! After a failed write nothing more goes into the file: a second attempt would put half a row before a whole one. What was written
//! before stays, and ends with at most one torn line, which readers drop.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{DiskFile, ResultsError};

/// A file that grows as the run goes.
pub(super) struct Sink {
    path: PathBuf,
    out: Box<dyn DiskFile>,
    failure: Option<(io::ErrorKind, String)>,
    /// A CSV writer lends its file for reading only.
    to_sync: Cell<bool>,
}

impl Sink {
    pub(super) fn new(path: PathBuf, out: Box<dyn DiskFile>) -> Self {
        Self { path, out, failure: None, to_sync: Cell::new(false) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The failure of this file, if there was one.
    pub(super) fn failure(&self) -> Option<ResultsError> {
        let (kind, text) = self.failure.as_ref()?;
        Some(ResultsError::Write { path: self.path.clone(), reason: io::Error::new(*kind, text.clone()) })
    }

    /// From the next flush on, what was handed over survives a loss of power. Where that fails the file has failed: nobody knows what is lost.
    pub(super) fn sync_with_flush(&self) {
        self.to_sync.set(true);
    }

    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(e) = &result
            && e.kind() != io::ErrorKind::Interrupted
        {
            self.failure = Some((e.kind(), e.to_string()));
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_failed() {
            return Ok(bytes.len()); // dropped: see the module's page
        }
        let written = match self.out.write(bytes) {
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            other => other,
        };
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.has_failed() {
            return Ok(());
        }
        let sync = self.to_sync.take();
        let flushed = self.out.flush().and_then(|()| if sync { self.out.sync() } else { Ok(()) });
        self.note(flushed)
    }
}
