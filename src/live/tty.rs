//! The terminal: taken, drawn on, and given back.

use std::io::{self, BufWriter};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use super::scene::{Scene, ViewKey};
use super::stderr::PatientStderr;

/// What a key means, if anything.
pub(super) fn key(pressed: &KeyEvent) -> Option<ViewKey> {
    if pressed.kind == KeyEventKind::Release {
        return None;
    }
    let control = pressed.modifiers.contains(KeyModifiers::CONTROL);
    match pressed.code {
        KeyCode::Char('c' | 'C') if control => Some(ViewKey::Stop),
        KeyCode::Char('q') => Some(ViewKey::Stop),
        KeyCode::Char('p' | ' ') => Some(ViewKey::Pause),
        KeyCode::Char('w') => Some(ViewKey::Window),
        KeyCode::Char('?' | 'h') => Some(ViewKey::Help),
        _ => None,
    }
}

/// Whether the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, taken: raw, on its other screen.
pub(super) struct Tty(Terminal<CrosstermBackend<BufWriter<PatientStderr>>>);

impl Tty {
    pub(super) fn open() -> io::Result<Self> {
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
        let tty = execute!(PatientStderr, EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::new(PatientStderr))));
        tty.map(Self).inspect_err(|_| restore())
    }

    pub(super) fn draw(&mut self, scene: &impl Scene) {
        if TAKEN.load(Ordering::Acquire) {
            // A terminal that is gone is no reason to stop.
            let _ = self.0.draw(|frame| scene.draw(frame));
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
        let _ = execute!(PatientStderr, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
