//! What can be shown: told of news, told of keys, drawn. Pure.

use ratatui::Frame;

use super::window::ViewWindow;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKey {
    /// Hold the display still, or let it go on.
    Pause,
    /// The next window.
    Window,
    /// Show what the keys do, or no longer.
    Help,
    /// Stop.
    Stop,
}

/// What the view asks of whoever sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewRequest {
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
    fn key(&mut self, key: ViewKey) -> Option<ViewRequest>;

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
pub(super) struct ViewState<S> {
    /// What is known; never held still.
    pub(super) newest: S,
    /// What is shown while the display is held still.
    held: Option<S>,
    pub(super) window: ViewWindow,
    pub(super) note: Option<String>,
    /// Whether it is shown what the keys do.
    pub(super) help: bool,
}

impl<S: Clone> ViewState<S> {
    pub(super) const fn new(newest: S) -> Self {
        Self { newest, held: None, window: ViewWindow::Minute, note: None, help: false }
    }

    pub(super) fn key(&mut self, key: ViewKey) -> Option<ViewRequest> {
        match key {
            ViewKey::Pause => {
                self.held = if self.held.is_none() { Some(self.newest.clone()) } else { None };
                None
            }
            ViewKey::Window => {
                self.window = self.window.next();
                None
            }
            ViewKey::Help => {
                self.help = !self.help;
                None
            }
            ViewKey::Stop => Some(ViewRequest::Stop),
        }
    }

    pub(super) fn shown(&self) -> &S {
        self.held.as_ref().unwrap_or(&self.newest)
    }

    pub(super) const fn is_held(&self) -> bool {
        self.held.is_some()
    }
}
