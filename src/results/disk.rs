//! Where a run's files go: the system's disk, or one that a test makes fail.
//!
//! Everything that a run writes passes through a [`Disk`], so that each write and each sync of it can be made to fail, once, in a test. What
//! was synced survives a loss of power; what was only written survives the end of the process. Refuses to know which file is which.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::ResultsError;

/// What a run's files are written to.
pub trait Disk: Debug + Send + Sync {
    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// The system's reason; `AlreadyExists` if it is there.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes a file, or empties the one that is there.
    ///
    /// # Errors
    /// The system's reason.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of what had it.
    ///
    /// # Errors
    /// The system's reason.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's reason.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names that files of a directory were given so far would survive a loss of power.
    ///
    /// # Errors
    /// The system's reason.
    fn sync_names(&self, directory: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub trait DiskFile: Write + Debug + Send {
    /// Returns when everything written so far would survive a loss of power.
    ///
    /// # Errors
    /// The system's reason. What was written since the last sync may be lost then.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        // A system without locks loses only the warning of `livebench report` on a run that is still going on.
        let _ = file.try_lock();
        Ok(Box::new(file))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_names(&self, directory: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened as a file, and names are written with the file.
        if cfg!(unix) { File::open(directory).and_then(|mut names| names.sync()) } else { Ok(()) }
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        match self.sync_data() {
            // source: fsync(2): EINVAL and EROFS are of what cannot be synced at all, like a pipe
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            other => other,
        }
    }
}

/// A file of a [`Disk`], written in large pieces.
pub(super) type Buffered = BufWriter<Box<dyn DiskFile>>;

/// Writes a file as a whole, or not at all; `lasting` if it shall survive a loss of power from then on.
pub(super) fn replace_on(
    disk: &dyn Disk,
    directory: &Path,
    name: &str,
    lasting: bool,
    write: impl FnOnce(&mut Buffered) -> io::Result<()>,
) -> Result<(), ResultsError> {
    let (path, temporary) = (directory.join(name), directory.join(format!(".{name}.tmp")));
    let written = disk.create(&temporary).and_then(|file| {
        // derived: some hundred rows a system call
        let mut out = BufWriter::with_capacity(1 << 16, file);
        write(&mut out)?;
        let mut file = out.into_inner()?;
        if lasting {
            // Or the new name could outlive a loss of power, and what it names not.
            file.sync()?;
        }
        disk.rename(&temporary, &path)?;
        if lasting { disk.sync_names(directory) } else { Ok(()) }
    });
    written.map_err(|reason| {
        // Half a file is of no use; if it cannot be removed either, the first reason is the one to tell.
        let _ = disk.remove(&temporary);
        ResultsError::Write { path, reason }
    })
}

/// Writes a file as a whole, or not at all, on the system's disk.
pub(super) fn replace(
    directory: &Path,
    name: &str,
    write: impl FnOnce(&mut Buffered) -> io::Result<()>,
) -> Result<(), ResultsError> {
    replace_on(&SystemDisk, directory, name, false, write)
}
