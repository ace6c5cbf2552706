//! The arrival log: one JSON object a line for every request that was judged, written by a thread of its own.
//!
//! The server never waits for it: what finds the queue full is left out, counted, and makes the log fail at its end.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Notify;

/// Lines that wait for the writer at most.
const QUEUE: usize = 65_536;

/// How old a line in the buffer gets.
const FLUSH: Duration = Duration::from_secs(1);

/// How often the writer looks whether there is something to write.
const LOOK: Duration = Duration::from_millis(20);

/// One arrival. Instants are microseconds since the epoch: the start of the server, or its last restart.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Restarts before it: 0 until the first. Numbers and instants start again with each.
    pub epoch: u64,
    /// The arrival's number, from 0.
    pub number: u64,
    /// The connection's number since the start of the server, from 0.
    pub connection: u64,
    /// Which operation it was, when that is known.
    pub operation: Option<&'static str>,
    /// When its last byte had been read.
    pub arrived_us: u64,
    /// When the model wanted it answered.
    pub planned_reply_us: u64,
    /// When the answer's first bytes had been handed to the socket, or the connection was reset; `null` if the client was gone.
    pub replied_us: Option<u64>,
    /// The fault that struck (`reset_before`, `reset_after`, `raw`), or else the outcome that a client should see.
    pub verdict: &'static str,
    /// What the service decided, also when a fault hid it; `null` for `reset_before`.
    pub decided: Option<&'static str>,
    /// HTTP status; `null` for a reset.
    pub status: Option<u16>,
    /// Whether it spent a token of the quota.
    pub spent: bool,
    /// The token.
    pub token: Option<String>,
    /// The session, also when the answer that names it was lost.
    pub session_id: Option<String>,
    /// Whether it made the session.
    pub created: bool,
    /// The answer's request id.
    pub request_id: String,
    /// The account whose books it was judged by.
    pub account: String,
    /// The region that it was judged in: that of its credential scope, or the configured one.
    pub region: String,
    /// `amz-sdk-invocation-id`.
    pub invocation_id: Option<String>,
    /// `attempt` of `amz-sdk-request`.
    pub attempt: Option<u32>,
    /// The first product of `User-Agent`.
    pub user_agent: Option<String>,
}

/// Why the log is not whole.
#[derive(Debug, Error)]
pub enum LogError {
    /// The file cannot be opened.
    #[error("cannot open the arrival log {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Writing failed; what was written before is there.
    #[error("cannot write the arrival log {name}: {source}; it is incomplete")]
    Write {
        /// The file.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// The writer could not keep up.
    #[error("the arrival log {name} is incomplete: its writer could not keep up and {lost} arrivals are missing")]
    Lost {
        /// The file.
        name: String,
        /// How many.
        lost: u64,
    },
}

/// A log that is being written.
#[derive(Debug)]
pub struct ArrivalLog {
    name: String,
    sender: LogSender,
    writer: JoinHandle<std::io::Result<()>>,
    failed: Arc<Notify>,
}

/// Where a server puts its records.
#[derive(Debug, Clone)]
pub(super) struct LogSender {
    queue: SyncSender<Record>,
    lost: Arc<AtomicU64>,
}

impl LogSender {
    /// Hands a record over, or counts it as lost; never waits.
    pub(super) fn put(&self, record: Record) {
        if self.queue.try_send(record).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl ArrivalLog {
    /// Appends to the file `path`, which is made if it is not there.
    pub fn append(path: &Path) -> Result<Self, LogError> {
        let open = |source| LogError::Open { path: path.to_owned(), source };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(open)?;
        Self::to(Box::new(file), path.display().to_string()).map_err(open)
    }

    /// Writes to `sink`, which messages call `name`. Fails if no thread can be had.
    pub fn to(sink: Box<dyn Write + Send>, name: String) -> std::io::Result<Self> {
        let (queue, records) = sync_channel(QUEUE);
        let failed = Arc::new(Notify::new());
        let notify = Arc::clone(&failed);
        let writer = std::thread::Builder::new().name("arrival-log".to_owned()).spawn(move || {
            let end = write(&records, sink);
            if end.is_err() {
                notify.notify_one();
            }
            end
        })?;
        Ok(Self { name, sender: LogSender { queue, lost: Arc::default() }, writer, failed })
    }

    /// Waits until writing fails; for ever if it does not.
    pub async fn failed(&self) {
        self.failed.notified().await;
    }

    pub(super) fn sender(&self) -> LogSender {
        self.sender.clone()
    }

    /// Writes what is left and says whether the log is whole. Returns once every server that writes to it has stopped.
    pub fn finish(self) -> Result<(), LogError> {
        let Self { name, sender: LogSender { queue, lost }, writer, .. } = self;
        drop(queue);
        let end = writer.join().unwrap_or_else(|_| Err(std::io::Error::other("its thread panicked")));
        if let Err(source) = end {
            return Err(LogError::Write { name, source });
        }
        match lost.load(Ordering::Relaxed) {
            0 => Ok(()),
            lost => Err(LogError::Lost { name, lost }),
        }
    }
}

/// Looks for records every so often rather than being woken by each: the server and what calls it have the cores to themselves.
fn write(records: &Receiver<Record>, sink: Box<dyn Write + Send>) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, sink);
    let mut flush_at = Instant::now() + FLUSH;
    loop {
        match records.try_recv() {
            Ok(record) => {
                serde_json::to_writer(&mut out, &record)?;
                out.write_all(b"\n")?;
            }
            Err(TryRecvError::Empty) => std::thread::sleep(LOOK),
            Err(TryRecvError::Disconnected) => return out.flush(),
        }
        if Instant::now() >= flush_at {
            out.flush()?;
            flush_at = Instant::now() + FLUSH;
        }
    }
}

/// An arrival as the log tells it, as far as somebody who holds it against a run wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LoggedArrival {
    /// Restarts before it.
    pub epoch: u64,
    /// When its last byte had been read.
    pub arrived_us: u64,
    /// When the answer's first bytes had been handed to the socket.
    pub replied_us: Option<u64>,
    /// The token.
    pub token: Option<String>,
}

/// Reads a log that is whole.
pub fn read(path: &Path) -> std::io::Result<Vec<LoggedArrival>> {
    BufReader::new(File::open(path)?).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64) -> Record {
        Record {
            epoch: 1,
            number,
            connection: 3,
            operation: Some("CreateFaceLivenessSession"),
            arrived_us: 1000,
            planned_reply_us: 46_000,
            replied_us: Some(46_081),
            verdict: "reset_after",
            decided: Some("ok"),
            status: None,
            spent: true,
            token: Some("t-1".to_owned()),
            session_id: Some("0f2e9b1c-1111-4222-8333-44445555aaaa".to_owned()),
            created: true,
            request_id: "0f2e9b1c-1111-4222-8333-44445555bbbb".to_owned(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            invocation_id: None,
            attempt: Some(1),
            user_agent: Some("Boto3/1.44.5".to_owned()),
        }
    }

    /// The line, as scripts read it.
    #[test]
    fn line() {
        insta::assert_snapshot!(serde_json::to_string(&record(7)).unwrap(), @r#"{"epoch":1,"number":7,"connection":3,"operation":"CreateFaceLivenessSession","arrived_us":1000,"planned_reply_us":46000,"replied_us":46081,"verdict":"reset_after","decided":"ok","status":null,"spent":true,"token":"t-1","session_id":"0f2e9b1c-1111-4222-8333-44445555aaaa","created":true,"request_id":"0f2e9b1c-1111-4222-8333-44445555bbbb","account":"123456789012","region":"us-east-1","invocation_id":null,"attempt":1,"user_agent":"Boto3/1.44.5"}"#);
    }

    /// Everything that was put is in the file at the end, in order, after what was there before.
    #[test]
    fn appends_in_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for round in 0..2 {
            let log = ArrivalLog::append(file.path()).unwrap();
            let sender = log.sender();
            for n in 0..1000 {
                sender.put(record(round * 1000 + n));
            }
            drop(sender);
            log.finish().unwrap();
        }
        let text = std::fs::read_to_string(file.path()).unwrap();
        let numbers: Vec<u64> =
            text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A full disk is said at the end, by name; a file that cannot be opened at once.
    #[test]
    fn failures_are_told() {
        let log = ArrivalLog::to(Box::new(Full), "arrivals.jsonl".to_owned()).unwrap();
        log.sender().put(record(0));
        let message = log.finish().unwrap_err().to_string();
        assert!(message.starts_with("cannot write the arrival log arrivals.jsonl: "), "{message}");
        let missing = ArrivalLog::append(Path::new("/nowhere/arrivals.jsonl")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot open the arrival log /nowhere/arrivals.jsonl: "), "{missing}");
    }

    /// What the queue cannot take is counted, and the log says so.
    #[test]
    fn lost_lines_are_counted() {
        struct Slow(std::sync::mpsc::Receiver<()>);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                // Blocks until the gate is dropped.
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (gate, wait) = std::sync::mpsc::channel::<()>();
        let log = ArrivalLog::to(Box::new(Slow(wait)), "slow".to_owned()).unwrap();
        let sender = log.sender();
        // More than the queue and the writer's buffer hold together.
        for n in 0..QUEUE as u64 + 5000 {
            sender.put(record(n));
        }
        drop((sender, gate));
        let message = log.finish().unwrap_err().to_string();
        assert!(message.contains("arrivals are missing"), "{message}");
    }
}
