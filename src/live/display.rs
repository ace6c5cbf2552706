//! The edge: a thread of its own that is told, draws and reads keys.

use std::io::{self, BufWriter, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc::UnboundedSender;

use super::scene::{Scene, ViewRequest};
use super::stderr::{PatientStderr, say};
use super::tty::{self, Tty};

/// How often keys and the end are looked for.
const TICK: Duration = Duration::from_millis(100);

/// How long the end of the view is waited for: a terminal that nobody reads, or that is gone, ends no sooner.
// derived: a text that stays unread is given up after two seconds, and a view has one on its way at most
const PATIENCE: Duration = Duration::from_secs(3);

/// Below the load in the eyes of the scheduler.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A view that takes the whole terminal.
    Screen,
    /// A line a second on stderr.
    Lines,
    /// Not at all: for the metrics alone.
    Silent,
}

/// What the thread and its owner share.
#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    notes: Mutex<Vec<String>>,
    page: Mutex<Arc<str>>,
}

/// A thread that shows a run or a probe. Ends with [`Display::end`] or when dropped; the terminal is as before then.
#[derive(Debug)]
pub struct Display {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Cut off when the thread ends.
    ended: Receiver<()>,
}

impl Display {
    /// Begins to show what `news` tells; what a key asks goes to `asks`.
    ///
    /// # Errors
    /// The terminal cannot be taken, or there is no thread to be had.
    pub fn start<S: Scene>(
        scene: S,
        form: Form,
        asks: UnboundedSender<ViewRequest>,
        news: Receiver<S::News>,
    ) -> io::Result<Self> {
        let face = match form {
            Form::Screen => Face::Screen(Tty::open()?),
            Form::Lines => Face::Lines,
            Form::Silent => Face::Silent,
        };
        let shared = Arc::new(Shared { page: Mutex::new(scene.metrics().into()), ..Shared::default() });
        let (living, ended) = sync_channel(0);
        let mut viewer = Viewer { scene, face, shared: Arc::clone(&shared), asks, _living: living };
        let thread = thread::Builder::new().name("live".to_owned()).spawn(move || viewer.run(&news))?;
        Ok(Self { shared, thread: Some(thread), ended })
    }

    /// Says something.
    pub fn note(&self, text: &str) {
        self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }

    /// The same for Prometheus.
    pub fn metrics(&self) -> Arc<str> {
        Arc::clone(&self.shared.page.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the view and waits until the terminal is as before.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // It hangs on a terminal; the run is not to.
            return tty::restore();
        }
        // A view that panicked has said so, and has cost the run nothing.
        let _ = thread.join();
    }
}

enum Face {
    Screen(Tty),
    Lines,
    Silent,
}

/// What the thread does.
struct Viewer<S: Scene> {
    scene: S,
    face: Face,
    shared: Arc<Shared>,
    asks: UnboundedSender<ViewRequest>,
    /// Dropped with the rest.
    _living: SyncSender<()>,
}

impl<S: Scene> Viewer<S> {
    fn run(&mut self, news: &Receiver<S::News>) {
        #[cfg(target_os = "linux")] // elsewhere it would be the whole process
        let _ = rustix::process::setpriority_process(None, NICE); // a wish
        let mut changed = true;
        while !self.shared.over.load(Ordering::Acquire) {
            changed |= self.notes();
            if changed && let Face::Screen(tty) = &mut self.face {
                tty.draw(&self.scene);
            }
            changed = self.wait(news);
        }
        self.take(news.try_iter().collect());
    }

    /// Waits for a tick at most, and takes what came; whether anything did.
    fn wait(&mut self, news: &Receiver<S::News>) -> bool {
        if matches!(self.face, Face::Screen(_)) && self.keys() {
            return true;
        }
        let patience = if matches!(self.face, Face::Screen(_)) { Duration::ZERO } else { TICK };
        match news.recv_timeout(patience) {
            Ok(first) => {
                self.take(std::iter::once(first).chain(news.try_iter()).collect());
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                // Everything is written; the end will come.
                thread::sleep(TICK);
                false
            }
        }
    }

    /// Reads keys for a tick; whether the picture is another one.
    fn keys(&mut self) -> bool {
        match event::poll(TICK).and_then(|some| if some { event::read().map(Some) } else { Ok(None) }) {
            Ok(Some(Event::Key(pressed))) => {
                if let Some(key) = tty::key(&pressed)
                    && let Some(ask) = self.scene.key(key)
                {
                    // Nobody listens any more at the end.
                    let _ = self.asks.send(ask);
                }
                true
            }
            Ok(Some(_)) => true, // resized, most of all
            Ok(None) => false,
            Err(_) => {
                // No keys from this terminal.
                thread::sleep(TICK);
                false
            }
        }
    }

    fn take(&mut self, news: Vec<S::News>) {
        let lines = self.scene.take(news);
        if matches!(self.face, Face::Lines) {
            let mut out = BufWriter::new(PatientStderr);
            for line in lines {
                // A terminal that is gone is no reason to stop.
                let _ = writeln!(out, "{line}");
            }
        }
        *self.shared.page.lock().unwrap_or_else(PoisonError::into_inner) = self.scene.metrics().into();
    }

    /// Says what there is to say; whether there was anything.
    fn notes(&mut self) -> bool {
        let notes = std::mem::take(&mut *self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner));
        for note in &notes {
            self.scene.note(note);
            if !matches!(self.face, Face::Screen(_)) {
                say(note);
            }
        }
        !notes.is_empty()
    }
}
