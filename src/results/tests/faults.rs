//! Disks that fail: for each operation of a run, it fails once, or all that follows is lost. What is left is a run that can be read, and says
//! what is missing.

use std::collections::BTreeMap;

use super::*;
use crate::record::cut::UNTOLD;
use crate::results::faulty::{FAULTS, Fault, FaultyDisk};
use crate::summary::Stop;

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
        disk.at_half(half + 1);
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
        assert!(disk.struck().is_some_and(|half| half == 0), "{ran:?}");
        return;
    }
    let scenario = steady("");
    let Ok(dir) = RunDir::open(&path) else {
        // Power or process were gone, or the disk had failed, before the first call.
        assert!(disk.struck().is_none_or(|half| half == 0), "{:?}", RunDir::open(&path));
        return;
    };
    let made: BTreeMap<u64, Sample> = four_seconds().into_iter().map(|call| (call.seq, readable(call))).collect();
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
    if let Some(struck) = disk.struck().filter(|_| !found.ended) {
        let until = found.signs.until() + UNTOLD;
        let sent_again = made.values().any(|call| {
            !seen.contains(&call.seq) && call.due >= until && call.due < Duration::from_millis((struck.max(1) - 1) * 500)
        });
        assert!(!sent_again, "until {until:?}, struck {struck}");
    }
    assert!(ran.is_err() || disk.struck().is_some() || all);
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
    let operations = whole.operations();
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

/// A disk whose syncs lie loses more than a second, but nothing false is said of what it left: either the directory is refused by name, or its
/// rows are rows of the run, and it says that it ended only if all of them are there.
#[test]
fn a_lying_disk_is_found_out() {
    let whole = FaultyDisk::new(u64::MAX, Fault::Fails);
    let parent = tempfile::tempdir().unwrap();
    whole_run(&whole, parent.path()).unwrap();
    let made: BTreeMap<u64, Sample> = four_seconds().into_iter().map(|call| (call.seq, readable(call))).collect();
    let (mut refused, mut cut) = (0, 0);
    for at in 0..whole.operations() {
        let (disk, parent) = (FaultyDisk::new(at, Fault::LyingSync), tempfile::tempdir().unwrap());
        whole_run(&disk, parent.path()).unwrap();
        disk.lose_power();
        let Some(path) = fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().path()).next() else { continue };
        let scenario = steady("");
        let found = RunDir::open(&path).and_then(|dir| dir.recorded(&scenario).map(|found| (dir, found)));
        let Ok((dir, found)) = found else {
            refused += 1;
            continue;
        };
        let rows: Vec<Sample> = dir.rows(&scenario).unwrap().map(Result::unwrap).collect();
        assert!(rows.iter().all(|row| made.get(&row.seq) == Some(row)), "operation {at}");
        assert!(!found.ended || rows.len() as u64 == CALLS, "operation {at}: it says that it ended, with {} rows", rows.len());
        cut += u64::from(!found.ended);
    }
    assert!(cut > 0 && refused > 0, "{cut} cut off, {refused} refused of {}", whole.operations());
}
