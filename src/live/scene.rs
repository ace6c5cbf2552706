//! What can be shown: told of news, told of keys, drawn. Pure.

use ratatui::Frame;

use super::window::Window;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Hold the display still, or let it go on.
    Pause,
    /// The next window.
    Window,
    /// Stop.
    Stop,
}

/// What the view asks of whoever sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To stop, as an interrupt does.
    Stop,
}

/// Something that goes on and is watched.
pub trait Scene: Send + 'static {
    /// What it is told.
    type News: Send + 'static;

    /// Takes what came since the last time; the lines that say it where there is nothing to draw on.
    fn take(&mut self, news: Vec<Self::News>) -> Vec<String>;

    /// Takes a key; what it asks, if anything.
    fn key(&mut self, key: Key) -> Option<Ask>;

    /// Says something in the last line from now on.
    fn note(&mut self, text: &str);

    /// Draws the whole view.
    fn draw(&self, frame: &mut Frame<'_>);

    /// The same for Prometheus; nothing where nobody can ask for it.
    fn metrics(&self) -> String {
        String::new()
    }
}

/// What is known, what of it is shown, and over how long.
#[derive(Debug, Clone)]
pub(super) struct Look<S> {
    /// What is known; never held still.
    pub(super) newest: S,
    /// What is shown while the display is held still.
    held: Option<S>,
    pub(super) window: Window,
    pub(super) note: Option<String>,
}

impl<S: Clone> Look<S> {
    pub(super) const fn new(newest: S) -> Self {
        Self { newest, held: None, window: Window::Minute, note: None }
    }

    pub(super) fn key(&mut self, key: Key) -> Option<Ask> {
        match key {
            Key::Pause => {
                self.held = if self.held.is_none() { Some(self.newest.clone()) } else { None };
                None
            }
            Key::Window => {
                self.window = self.window.next();
                None
            }
            Key::Stop => Some(Ask::Stop),
        }
    }

    pub(super) fn shown(&self) -> &S {
        self.held.as_ref().unwrap_or(&self.newest)
    }

    pub(super) const fn is_held(&self) -> bool {
        self.held.is_some()
    }
}
