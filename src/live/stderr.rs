//! stderr, written so that nobody is held up by whoever does not read it.
//!
//! A pipe that is never emptied, or a terminal that is stopped, blocks who writes to it. A thread of its own writes here. Others wait for
//! it, so that the order of stdout and stderr is kept, but only for a moment; after that they go on without it until it is read again.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How long somebody waits for a text to be written.
// derived: twice what a screen of 200x60 takes on the slowest line still in use, 12 kB at 115,200 baud (1.0 s)
const PATIENCE: Duration = Duration::from_secs(2);

/// Texts that wait for a reader; what comes after them is lost.
// derived: a line a second for a quarter of an hour, within 1 MiB
const WAITING: usize = 1024;

/// A text on its way, and who wants to know how it went.
struct Spoken {
    bytes: Vec<u8>,
    written: SyncSender<io::Result<()>>,
}

/// Whether the last text that was waited for came to no end.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// The process's stderr. What cannot be written in time counts as written.
#[derive(Debug, Clone, Copy, Default)]
pub struct PatientStderr;

impl Write for PatientStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(texts) = texts() else { return io::stderr().write(bytes) };
        let (written, answer) = sync_channel(1);
        if texts.try_send(Spoken { bytes: bytes.to_vec(), written }).is_err() || UNREAD.load(Ordering::Acquire) {
            return Ok(bytes.len());
        }
        match answer.recv_timeout(PATIENCE) {
            Ok(result) => result.map(|()| bytes.len()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                UNREAD.store(true, Ordering::Release);
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says a line on stderr, in colour where the terminal and the user want it. A stderr that is closed or full ends no work.
pub fn say(line: &str) {
    let line = format!("{line}\n");
    let plain = anstream::AutoStream::choice(&io::stderr()) == anstream::ColorChoice::Never;
    let line = if plain { anstream::adapter::strip_str(&line).to_string() } else { line };
    // Whoever cannot be told is no reason to stop.
    let _ = PatientStderr.write_all(line.as_bytes());
}

/// The way to the thread that writes; `None` if there is no thread to be had.
fn texts() -> Option<&'static SyncSender<Spoken>> {
    static TEXTS: OnceLock<Option<SyncSender<Spoken>>> = OnceLock::new();
    let begin = || {
        let (texts, waiting) = sync_channel(WAITING);
        thread::Builder::new().name("stderr".to_owned()).spawn(move || write(&waiting)).ok().map(|_| texts)
    };
    TEXTS.get_or_init(begin).as_ref()
}

/// Writes what comes, for as long as the process lives.
fn write(waiting: &Receiver<Spoken>) {
    for Spoken { bytes, written } in waiting {
        let result = io::stderr().write_all(&bytes);
        UNREAD.store(false, Ordering::Release);
        // Nobody may be waiting any more.
        let _ = written.send(result);
    }
}
