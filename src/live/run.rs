//! A run as a scene: what it is told goes into its view, what is shown of it comes from `draw`, `line` and `metrics`.

use ratatui::Frame;

use super::scene::{Scene, ViewKey, ViewRequest};
use super::state::RunView;
use super::{draw, line, metrics};
use crate::results::RunSoFar;

impl Scene for RunView {
    type News = RunSoFar;

    fn take(&mut self, news: Vec<RunSoFar>) -> Vec<String> {
        let mut lines = Vec::new();
        for so_far in news {
            lines.extend(so_far.seconds.iter().map(|second| line::line(&second.row)));
            self.learn(so_far);
        }
        lines
    }

    fn key(&mut self, key: ViewKey) -> Option<ViewRequest> {
        self.view.key(key)
    }

    fn note(&mut self, text: &str) {
        self.view.note = Some(text.to_owned());
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        draw::draw(frame, self);
    }

    fn metrics(&self) -> String {
        metrics::text(self)
    }
}
