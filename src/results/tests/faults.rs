//! Disks that fail: for each operation of a run, it fails once, or all that follows is lost. What is left is a run that can be read, and says
//! what is missing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::MutexGuard;

use super::*;
use crate::record::cut::UNTOLD;
use crate::summary::Stop;

/// What an operation meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
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
}

const FAULTS: [Fault; 6] = [Fault::Fails, Fault::Short, Fault::Full, Fault::Killed, Fault::PowerCut, Fault::PowerCutWithZeros];

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
struct FaultyDisk {
    at: u64,
    fault: Fault,
    state: Arc<Mutex<State>>,
}

/// How an operation goes.
enum Way {
    Done,
    Half,
    Ignored,
}

impl FaultyDisk {
    fn new(at: u64, fault: Fault) -> Self {
        Self { at, fault, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
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
            Fault::Short if now == self.at => Ok(Way::Half),
            Fault::Short if now > self.at + 1 => Ok(Way::Done),
            Fault::Fails if now > self.at => Ok(Way::Done),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// What is left of the files after the power came back.
    fn lose_power(&self) {
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
            Way::Done => bytes,
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
        if matches!(self.disk.way()?, Way::Ignored) {
            return Ok(());
        }
        self.disk.state().synced.insert(self.path.clone(), self.length);
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Calls of a run of four seconds.
const CALLS: u64 = 80;

fn four_seconds() -> Vec<Sample> {
    calls().into_iter().filter(|call| call.seq < CALLS).collect()
}

/// A run on a disk, as the command makes it; what could not be written ends it.
fn whole_run(disk: &FaultyDisk, parent: &Path) -> Result<(), ResultsError> {
    let scenario = steady("");
    let manifest = Manifest { scheduled: Some(CALLS), ..manifest(&scenario) };
    let dir = RunDir::create_on(Arc::new(disk.clone()), parent, &manifest, scenario_text())?;
    let mut journal = dir.journal(&scenario, 1)?;
    let mut stop = Stop::Completed;
    for half in 0..10 {
        disk.state().half = half + 1;
        let (before, now) = (Duration::from_millis(half * 500), Duration::from_millis((half + 1) * 500));
        let within = |at: Duration| before <= at && at < now;
        let ended = |call: &Sample| call.done.unwrap_or(call.due);
        let samples = four_seconds().into_iter().filter(|call| within(ended(call))).collect();
        let mut batch = Batch { samples, ..Batch::default() };
        if half % 2 == 1 {
            batch.seconds.push(Second { second: half / 2, ..Second::default() });
        }
        if journal.accept(&mut batch).and(journal.flush()).is_err() {
            stop = Stop::DiskFull;
            break;
        }
    }
    let finished = journal.finish();
    if finished.problem.is_some() {
        stop = Stop::DiskFull;
    }
    let facts = RunFacts { scheduled: Some(CALLS), stop, ..facts(CALLS) };
    let summary = summarize(&scenario, &finished.recorded, &facts);
    dir.conclude(&scenario, &summary, &facts, &finished.recorded.recorder)
}

/// What is left is a run: it is read, it claims no call that was not made, and no end that it did not come to; its report can be made.
fn holds(disk: &FaultyDisk, parent: &Path, ran: &Result<(), ResultsError>) {
    let Some(path) = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path()).next() else { return };
    if !RunDir::is_run(&path) {
        assert!(disk.state().struck.is_some_and(|half| half == 0), "{ran:?}");
        return;
    }
    let scenario = steady("");
    let Ok(dir) = RunDir::open(&path) else {
        // Power or process were gone, or the disk had failed, before the first call.
        assert!(disk.state().struck.is_none_or(|half| half == 0), "{:?}", RunDir::open(&path));
        return;
    };
    let made: BTreeMap<u64, Sample> = four_seconds().into_iter().map(|call| (call.seq, rows::readable(call))).collect();
    let mut seen = std::collections::BTreeSet::new();
    for row in dir.rows(&scenario).unwrap() {
        let row = row.unwrap();
        assert!(seen.insert(row.seq), "call {} has two rows", row.seq);
        assert_eq!(made.get(&row.seq), Some(&row));
    }
    let found = dir.recorded(&scenario).unwrap();
    let all = seen.len() as u64 == CALLS;
    assert!(!found.ended || all, "it says that it ended, with {} rows", seen.len());
    let completed = dir.manifest().unwrap().last_facts().is_some_and(|facts| facts.stop == Stop::Completed);
    let said = dir.summary().unwrap();
    assert!(
        said.as_ref().is_none_or(|summary| summary.counts.ended == CALLS || !completed),
        "a summary of a run that did not end so"
    );
    // Who goes on sends no call again that was sent.
    if let Some(struck) = disk.state().struck.filter(|_| !found.ended) {
        let until = found.signs.until() + UNTOLD;
        let sent_again = made.values().any(|call| {
            !seen.contains(&call.seq) && call.due >= until && call.due < Duration::from_millis((struck.max(1) - 1) * 500)
        });
        assert!(!sent_again, "until {until:?}, struck {struck}");
    }
    assert!(ran.is_err() || disk.state().struck.is_some() || all);
    let facts = dir.facts(&found.segments).unwrap();
    let summary = summarize(&scenario, &found.together(), &facts);
    dir.complete(&scenario, &summary).unwrap();
    // What the run itself counted stays: it counted also what it could not write.
    assert_eq!(dir.summary().unwrap().unwrap().counts, said.map_or(summary.counts, |said| said.counts));
    assert_eq!(dir.rows(&scenario).unwrap().count(), seen.len());
}

/// Each write, sync and rename of a run, with each fault.
#[test]
fn every_operation_fails_once() {
    let whole = FaultyDisk::new(u64::MAX, Fault::Fails);
    let parent = tempfile::tempdir().unwrap();
    let ran = whole_run(&whole, parent.path());
    ran.as_ref().unwrap();
    holds(&whole, parent.path(), &ran);
    let operations = whole.state().operations;
    assert!(operations > 40, "{operations}");
    for at in 0..operations {
        for fault in FAULTS {
            let (disk, parent) = (FaultyDisk::new(at, fault), tempfile::tempdir().unwrap());
            let ran = whole_run(&disk, parent.path());
            if matches!(fault, Fault::PowerCut | Fault::PowerCutWithZeros) {
                disk.lose_power();
            }
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(&disk, parent.path(), &ran)));
            assert!(held.is_ok(), "operation {at} of {operations}, {fault:?}");
        }
    }
}
