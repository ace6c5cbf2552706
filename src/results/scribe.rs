//! The thread that writes a run's files while the load goes on.

use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::{Finished, Journal, ResultsError, SoFar};
use crate::record::sample::Batch;

/// Batches that may wait to be written: beyond them load waits, and its lateness tells.
const WAITING: usize = 256;

/// A journal on a thread of its own.
#[derive(Debug)]
pub struct Scribe {
    parcels: SyncSender<Parcel>,
    thread: JoinHandle<Finished>,
}

/// A core's way to the scribe. Buffers go to and fro, so that handing over allocates nothing in the long run.
#[derive(Debug)]
pub struct Desk {
    parcels: SyncSender<Parcel>,
    empties: Receiver<Batch>,
    back: SyncSender<Batch>,
}

/// Gives every core its desk.
#[derive(Debug, Clone)]
pub struct Desks(SyncSender<Parcel>);

impl Desks {
    /// A desk for one core.
    pub fn desk(&self) -> Desk {
        let (back, empties) = sync_channel(4);
        Desk { parcels: self.0.clone(), empties, back }
    }
}

/// A full batch, and where to return it empty.
#[derive(Debug)]
struct Parcel {
    batch: Batch,
    back: SyncSender<Batch>,
}

impl Scribe {
    /// Starts writing. `on_problem` is called once, from the thread, when a file cannot be written any more. `watcher` is told how
    /// the run stands, and never waited for.
    pub fn start(
        mut journal: Journal,
        watcher: Option<SyncSender<SoFar>>,
        on_problem: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ResultsError> {
        let (parcels, inbox) = sync_channel(WAITING);
        if watcher.is_some() {
            journal.watch();
        }
        let body = move || write(journal, &inbox, watcher.as_ref(), on_problem);
        let thread = thread::Builder::new().name("scribe".to_owned()).spawn(body).map_err(ResultsError::Thread)?;
        Ok(Self { parcels, thread })
    }

    /// Where cores get their desks.
    pub fn desks(&self) -> Desks {
        Desks(self.parcels.clone())
    }

    /// Waits until everything is written. Every desk must be gone.
    pub fn finish(self) -> Result<Finished, ResultsError> {
        drop(self.parcels);
        self.thread.join().map_err(|_| ResultsError::Thread(std::io::Error::other("the writing thread panicked")))
    }
}

impl Desk {
    /// Hands a batch over and leaves an empty one; false when nobody writes any more.
    pub fn hand_over(&mut self, batch: &mut Batch) -> bool {
        let empty = self.empties.try_recv().unwrap_or_default();
        let full = mem::replace(batch, Batch { core: batch.core, ..empty });
        self.parcels.send(Parcel { batch: full, back: self.back.clone() }).is_ok()
    }
}

/// Takes in parcels until every desk is gone. A parcel comes at least ten times a second while there is anything to tell, and each is
/// in the hands of the system before the next is taken, so `kill -9` loses less than a second. After a problem what comes is still
/// counted, so that the summary is of everything that was sent until the load had stopped.
fn write(
    mut journal: Journal,
    inbox: &Receiver<Parcel>,
    watcher: Option<&SyncSender<SoFar>>,
    on_problem: impl FnOnce(),
) -> Finished {
    let mut on_problem = Some(on_problem);
    while let Ok(Parcel { mut batch, back }) = inbox.recv() {
        let kept = journal.accept(&mut batch).and(journal.flush());
        // A desk that has gone, or has enough, needs no buffer.
        let _ = back.try_send(batch);
        if let Some(watcher) = watcher {
            tell(watcher, &mut journal);
        }
        if kept.is_err()
            && let Some(on_problem) = on_problem.take()
        {
            on_problem();
        }
    }
    journal.finish()
}

/// Tells the watcher what is new; one that is busy hears it the next time.
fn tell(watcher: &SyncSender<SoFar>, journal: &mut Journal) {
    if let Some(so_far) = journal.so_far()
        && let Err(TrySendError::Full(so_far)) = watcher.try_send(so_far)
    {
        journal.untold(so_far.seconds);
    }
}
