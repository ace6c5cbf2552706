//! A disk for tests, of which one operation fails, or from which on all is lost.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::{Disk, DiskFile, SystemDisk};

/// What an operation meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails, and does nothing.
    Fails,
    /// It does half of what it should, and the next one fails.
    Short,
    /// It fails, as does all that writes after it.
    Full,
    /// Nothing is done any more, though everything says that it was: the process was killed.
    Killed,
    /// The same, and what was not synced is lost, too.
    PowerCut,
    /// The same, but the file system had given the files their length before their bytes.
    PowerCutWithZeros,
    /// From then on every sync says that it was done, and was not: a disk that lies. What was not synced is lost when the power goes.
    LyingSync,
}

/// Those after which a run says no more than is there.
pub(crate) const FAULTS: [Fault; 6] =
    [Fault::Fails, Fault::Short, Fault::Full, Fault::Killed, Fault::PowerCut, Fault::PowerCutWithZeros];

#[derive(Debug, Default)]
struct State {
    operations: u64,
    /// Seconds of the run, doubled.
    half: u64,
    /// When the fault came.
    struck: Option<u64>,
    /// Bytes of each file that survive a loss of power.
    synced: BTreeMap<PathBuf, u64>,
    /// Names that do not survive it yet, with what had them before, in order.
    named: Vec<(PathBuf, Option<Vec<u8>>)>,
}

/// The system's disk, of which one operation fails.
#[derive(Debug, Clone)]
pub(crate) struct FaultyDisk {
    at: u64,
    fault: Fault,
    state: Arc<Mutex<State>>,
}

/// How an operation goes.
enum Way {
    Done,
    Half,
    Ignored,
    /// Done, but for what a sync should have kept.
    Unkept,
}

impl FaultyDisk {
    /// The operation `at`, counted from 0, meets this fault.
    pub(crate) fn new(at: u64, fault: Fault) -> Self {
        Self { at, fault, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Operations until now.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The half second of the run at which the fault came.
    pub(crate) fn struck(&self) -> Option<u64> {
        self.state().struck
    }

    /// The run has come to this half second.
    pub(crate) fn at_half(&self, half: u64) {
        self.state().half = half;
    }

    fn way(&self) -> io::Result<Way> {
        let mut state = self.state();
        let now = state.operations;
        state.operations += 1;
        if now < self.at {
            return Ok(Way::Done);
        }
        let half = state.half;
        state.struck.get_or_insert(half);
        match self.fault {
            Fault::Killed | Fault::PowerCut | Fault::PowerCutWithZeros => Ok(Way::Ignored),
            Fault::LyingSync => Ok(Way::Unkept),
            Fault::Short if now == self.at => Ok(Way::Half),
            Fault::Short if now > self.at + 1 => Ok(Way::Done),
            Fault::Fails if now > self.at => Ok(Way::Done),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// What is left of the files after the power came back.
    pub(crate) fn lose_power(&self) {
        let state = self.state();
        for (path, before) in state.named.iter().rev() {
            match before {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap_or(()),
            }
        }
        let named = |path: &PathBuf| state.named.iter().any(|(name, _)| name == path);
        for (path, synced) in state.synced.iter().filter(|(path, _)| !named(path)) {
            let Ok(file) = fs::OpenOptions::new().write(true).open(path) else { continue };
            let length = file.metadata().unwrap().len();
            file.set_len(*synced).unwrap();
            if self.fault == Fault::PowerCutWithZeros {
                file.set_len(length).unwrap();
            }
        }
    }
}

impl Disk for FaultyDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.opened(path, SystemDisk::create_new)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.opened(path, SystemDisk::create)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if matches!(self.way()?, Way::Ignored) {
            return Ok(());
        }
        let mut state = self.state();
        let synced = state.synced.remove(from).unwrap_or(0);
        state.synced.insert(to.to_owned(), synced);
        state.named.push((to.to_owned(), fs::read(to).ok()));
        SystemDisk.rename(from, to)
    }

    fn sync_names(&self, directory: &Path) -> io::Result<()> {
        if matches!(self.way()?, Way::Done) {
            self.state().named.retain(|(path, _)| path.parent() != Some(directory));
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if matches!(self.way()?, Way::Ignored) { Ok(()) } else { SystemDisk.remove(path) }
    }
}

impl FaultyDisk {
    fn opened(
        &self,
        path: &Path,
        open: impl Fn(&SystemDisk, &Path) -> io::Result<Box<dyn DiskFile>>,
    ) -> io::Result<Box<dyn DiskFile>> {
        let file = if matches!(self.way()?, Way::Ignored) {
            None
        } else {
            let mut state = self.state();
            state.synced.insert(path.to_owned(), 0);
            state.named.push((path.to_owned(), None));
            Some(open(&SystemDisk, path)?)
        };
        Ok(Box::new(FaultyFile { disk: self.clone(), path: path.to_owned(), file, length: 0 }))
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    /// `None`: opened by a process that was gone by then.
    file: Option<Box<dyn DiskFile>>,
    length: u64,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let way = self.disk.way()?;
        let Some(file) = self.file.as_mut() else { return Ok(bytes.len()) };
        let some = match way {
            Way::Done | Way::Unkept => bytes,
            Way::Half => &bytes[..bytes.len() / 2],
            Way::Ignored => return Ok(bytes.len()),
        };
        file.write_all(some)?;
        self.length += some.len() as u64;
        // Half of nothing would be an end of the disk of its own.
        if some.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(some.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl DiskFile for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        if matches!(self.disk.way()?, Way::Ignored | Way::Unkept) {
            return Ok(());
        }
        self.disk.state().synced.insert(self.path.clone(), self.length);
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}
