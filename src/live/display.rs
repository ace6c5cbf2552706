//! The edge: a thread of its own that is told, draws and reads keys.

use std::io::{self, BufWriter, Stderr, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use tokio::sync::mpsc::UnboundedSender;

use super::state::{Ask, Key, State};
use super::{draw, line, metrics};
use crate::results::SoFar;

/// How often keys and the end are looked for.
const TICK: Duration = Duration::from_millis(100);

/// What may wait to be shown; beyond it the journal keeps it.
const WAITING: usize = 4;

/// Below the load in the eyes of the scheduler.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// How a run is shown.
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

/// A thread that shows a run. Ends with [`Display::end`] or when dropped; the terminal is as before then.
#[derive(Debug)]
pub struct Display {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// Begins to show; the sender is for the [`Scribe`](crate::results::Scribe), and what a key asks goes to `asks`.
    ///
    /// # Errors
    /// The terminal cannot be taken, or there is no thread to be had.
    pub fn start(state: State, form: Form, asks: UnboundedSender<Ask>) -> io::Result<(Self, SyncSender<SoFar>)> {
        let face = match form {
            Form::Screen => Face::Screen(Tty::open()?),
            Form::Lines => Face::Lines,
            Form::Silent => Face::Silent,
        };
        let shared = Arc::new(Shared { page: Mutex::new(metrics::text(&state).into()), ..Shared::default() });
        let (sender, news) = sync_channel(WAITING);
        let mut viewer = Viewer { state, face, shared: Arc::clone(&shared), asks };
        let thread = thread::Builder::new().name("live".to_owned()).spawn(move || viewer.run(&news))?;
        Ok((Self { shared, thread: Some(thread) }, sender))
    }

    /// Says something.
    pub fn note(&self, text: &str) {
        self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }

    /// The run so far for Prometheus.
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
        if let Some(thread) = self.thread.take() {
            // A view that panicked has said so, and has cost the run nothing.
            let _ = thread.join();
        }
    }
}

enum Face {
    Screen(Tty),
    Lines,
    Silent,
}

/// What the thread does.
struct Viewer {
    state: State,
    face: Face,
    shared: Arc<Shared>,
    asks: UnboundedSender<Ask>,
}

impl Viewer {
    fn run(&mut self, news: &Receiver<SoFar>) {
        #[cfg(target_os = "linux")] // elsewhere it would be the whole process
        let _ = rustix::process::setpriority_process(None, NICE); // a wish
        let mut changed = true;
        while !self.shared.over.load(Ordering::Acquire) {
            changed |= self.notes();
            if changed && let Face::Screen(tty) = &mut self.face {
                tty.draw(&self.state);
            }
            changed = self.wait(news);
        }
    }

    /// Waits for a tick at most, and takes what came; whether anything did.
    fn wait(&mut self, news: &Receiver<SoFar>) -> bool {
        if matches!(self.face, Face::Screen(_)) && self.keys() {
            return true;
        }
        let patience = if matches!(self.face, Face::Screen(_)) { Duration::ZERO } else { TICK };
        match news.recv_timeout(patience) {
            Ok(so_far) => {
                self.take(so_far);
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
                if let Some(key) = key(&pressed)
                    && let Some(ask) = self.state.key(key)
                {
                    // Nobody listens any more when the run is at its end.
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

    fn take(&mut self, so_far: SoFar) {
        if matches!(self.face, Face::Lines) {
            let mut out = BufWriter::new(io::stderr().lock());
            for second in &so_far.seconds {
                // A terminal that is gone is no reason to stop the run.
                let _ = writeln!(out, "{}", line::line(&second.row));
            }
        }
        self.state.take(so_far);
        *self.shared.page.lock().unwrap_or_else(PoisonError::into_inner) = metrics::text(&self.state).into();
    }

    /// Says what there is to say; whether there was anything.
    fn notes(&mut self) -> bool {
        let notes = std::mem::take(&mut *self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner));
        for note in &notes {
            self.state.note(note);
            if !matches!(self.face, Face::Screen(_)) {
                let _ = writeln!(io::stderr(), "{note}");
            }
        }
        !notes.is_empty()
    }
}

/// What a key means, if anything.
fn key(pressed: &KeyEvent) -> Option<Key> {
    if pressed.kind == KeyEventKind::Release {
        return None;
    }
    let control = pressed.modifiers.contains(KeyModifiers::CONTROL);
    match pressed.code {
        KeyCode::Char('c' | 'C') if control => Some(Key::Stop),
        KeyCode::Char('q') => Some(Key::Stop),
        KeyCode::Char('p' | ' ') => Some(Key::Pause),
        KeyCode::Char('w') => Some(Key::Window),
        _ => None,
    }
}

/// Whether the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, taken: raw, on its other screen.
struct Tty(Terminal<CrosstermBackend<BufWriter<Stderr>>>);

impl Tty {
    fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                before(panic);
            }));
        });
        if anstream::AutoStream::choice(&io::stderr()) == anstream::ColorChoice::Never {
            force_color_output(false);
        }
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::Release);
        let tty = execute!(io::stderr(), EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::new(io::stderr()))));
        tty.map(Self).inspect_err(|_| restore())
    }

    fn draw(&mut self, state: &State) {
        if TAKEN.load(Ordering::Acquire) {
            // A terminal that is gone is no reason to stop the run.
            let _ = self.0.draw(|frame| draw(frame, state));
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if it was taken: also for who leaves the process at once.
pub fn restore() {
    if TAKEN.swap(false, Ordering::AcqRel) {
        // There is nobody left to tell.
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
