//! The thread that writes a run's files while the load goes on.

use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::{Finished, Journal, ResultsError, RunSoFar};
use crate::record::sample::Batch;

/// Batches that may wait to be written: beyond them load waits, and its lateness tells.
const WAITING: usize = 256;

/// A journal on a thread of its own.
#[derive(Debug)]
pub struct WriterThread {
    messages: SyncSender<WriterMessage>,
    thread: JoinHandle<Finished>,
}

/// A core's end of the queue to the writing thread. Buffers go to and fro, so that handing over allocates nothing in the long run.
#[derive(Debug)]
pub struct Sender {
    messages: SyncSender<WriterMessage>,
    empties: Receiver<Batch>,
    back: SyncSender<Batch>,
}

/// Gives every core its sender.
#[derive(Debug, Clone)]
pub struct Senders(SyncSender<WriterMessage>);

impl Senders {
    /// A sender for one core.
    pub fn sender(&self) -> Sender {
        let (back, empties) = sync_channel(4);
        Sender { messages: self.0.clone(), empties, back }
    }
}

/// A full batch, and where to return it empty.
#[derive(Debug)]
struct WriterMessage {
    batch: Batch,
    back: SyncSender<Batch>,
}

impl WriterThread {
    /// Starts writing. `on_problem` is called once, from the thread, when a file cannot be written any more. `watcher` is told how
    /// the run stands, and never waited for.
    pub fn start(
        journal: Journal,
        watcher: Option<SyncSender<RunSoFar>>,
        on_problem: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ResultsError> {
        let (messages, inbox) = sync_channel(WAITING);
        let mut journal = if watcher.is_some() { journal } else { journal.unwatched() };
        if watcher.is_some() {
            journal.watch();
        }
        let body = move || write(journal, &inbox, watcher.as_ref(), on_problem);
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(body).map_err(ResultsError::Thread)?;
        Ok(Self { messages, thread })
    }

    /// Where cores get their senders.
    pub fn senders(&self) -> Senders {
        Senders(self.messages.clone())
    }

    /// Waits until everything is written. Every sender must be gone.
    pub fn finish(self) -> Result<Finished, ResultsError> {
        drop(self.messages);
        self.thread.join().map_err(|_| ResultsError::Thread(std::io::Error::other("the writing thread panicked")))
    }
}

impl Sender {
    /// Hands a batch over and leaves an empty one; false when nobody writes any more.
    pub fn hand_over(&mut self, batch: &mut Batch) -> bool {
        let empty = self.empties.try_recv().unwrap_or_default();
        let full = mem::replace(batch, Batch { core: batch.core, ..empty });
        self.messages.send(WriterMessage { batch: full, back: self.back.clone() }).is_ok()
    }
}

/// Takes in messages until every sender is gone. A message comes at least ten times a second while there is anything to tell, and each is
/// in the hands of the system before the next is taken, so `kill -9` loses less than a second. After a problem what comes is still
/// counted, so that the summary is of everything that was sent until the load had stopped.
fn write(
    mut journal: Journal,
    inbox: &Receiver<WriterMessage>,
    watcher: Option<&SyncSender<RunSoFar>>,
    on_problem: impl FnOnce(),
) -> Finished {
    let mut on_problem = Some(on_problem);
    while let Ok(WriterMessage { mut batch, back }) = inbox.recv() {
        let kept = journal.accept(&mut batch).and(journal.flush());
        // A sender that has gone, or has enough, needs no buffer.
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
fn tell(watcher: &SyncSender<RunSoFar>, journal: &mut Journal) {
    if let Some(so_far) = journal.so_far()
        && let Err(TrySendError::Full(so_far)) = watcher.try_send(so_far)
    {
        journal.untold(so_far.seconds);
    }
}
