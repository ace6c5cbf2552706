//! What the view of a run knows. Pure: told of seconds, told of keys.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::scene::ViewState;
use super::window::{TimeSpread, ViewWindow};
use crate::report::stages;
use crate::results::{Moment, Progress, RunSoFar};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::summary::{Called, Summary, so_far};

/// Seconds that are kept: the longest window.
const KEPT: usize = ViewWindow::FiveMinutes.seconds();

/// One of the distributions of a second.
type Pick = fn(&Moment) -> &[(u64, u64)];

/// Response and service times of a second.
const PICKS: [Pick; 2] = [|m| &m.response_ok, |m| &m.service_ok];

/// What was planned before the first call.
#[derive(Debug, Clone)]
pub struct RunSetting {
    /// What runs.
    pub scenario: Scenario,
    /// What is called.
    pub called: Called,
    /// The address that is called.
    pub endpoint: String,
    /// The schedule; `None` where answers decide.
    pub schedule: Option<Arc<Schedule>>,
    /// How long it is meant to last.
    pub length: Duration,
    /// Calls that the budget allows; `None` without one.
    pub calls_budget: Option<u64>,
    /// Dollars that a call is counted as; 0 where calls cost nothing.
    pub usd_per_call: f64,
}

/// What changes from second to second.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownRun {
    /// The last seconds, the newest at the back.
    pub(super) seconds: VecDeque<Arc<Moment>>,
    pub(super) progress: Progress,
    /// The run as if it had ended with the newest second.
    pub(super) summary: Option<Arc<Summary>>,
}

impl KnownRun {
    fn take(&mut self, setting: &RunSetting, news: RunSoFar) {
        let RunSoFar { seconds, recorded, progress } = news;
        self.seconds.extend(seconds.into_iter().map(Arc::new));
        let surplus = self.seconds.len().saturating_sub(KEPT);
        self.seconds.drain(..surplus);
        self.progress = progress;
        let over = self.over();
        self.summary = Some(Arc::new(so_far(&setting.scenario, &recorded, &setting.called, progress.offered, over)));
    }

    /// How much of the run is known: up to the end of the newest second.
    fn over(&self) -> Duration {
        self.seconds.back().map_or(Duration::ZERO, |newest| Duration::from_secs(newest.row.second + 1))
    }
}

/// What the view knows.
#[derive(Debug, Clone)]
pub struct RunView {
    setting: RunSetting,
    stages: Vec<(Duration, String)>,
    pub(super) view: ViewState<KnownRun>,
}

impl RunView {
    /// Before the first second.
    pub fn new(setting: RunSetting) -> Self {
        let stages = stages(&setting.scenario);
        Self { setting, stages, view: ViewState::new(KnownRun::default()) }
    }

    /// Goes on to what is known now.
    pub(super) fn learn(&mut self, so_far: RunSoFar) {
        self.view.newest.take(&self.setting, so_far);
    }

    /// The run as if it had ended with the newest second; never held still.
    pub fn summary(&self) -> Option<&Summary> {
        self.view.newest.summary.as_deref()
    }

    /// Where the run stands; never held still.
    pub const fn progress(&self) -> &Progress {
        &self.view.newest.progress
    }

    /// How much of the run is known; never held still.
    pub(super) fn over_live(&self) -> Duration {
        self.view.newest.over()
    }

    /// Response and service times over the last ten seconds; never held still.
    pub(super) fn spreads_live(&self) -> [Option<TimeSpread>; 2] {
        PICKS.map(|pick| TimeSpread::of(&self.view.newest.seconds, ViewWindow::TenSeconds, pick))
    }

    /// What was planned.
    pub const fn setting(&self) -> &RunSetting {
        &self.setting
    }

    pub(super) fn shown(&self) -> &KnownRun {
        self.view.shown()
    }

    pub(super) const fn window(&self) -> ViewWindow {
        self.view.window
    }

    /// How much of the run is shown.
    pub(super) fn over(&self) -> Duration {
        self.shown().over()
    }

    /// The newest second that is shown.
    pub(super) fn newest(&self) -> Option<&Moment> {
        self.shown().seconds.back().map(Arc::as_ref)
    }

    /// The seconds of the window.
    pub(super) fn in_window(&self) -> impl Iterator<Item = &Moment> {
        let seconds = &self.shown().seconds;
        seconds.iter().skip(seconds.len().saturating_sub(self.window().seconds())).map(Arc::as_ref)
    }

    /// The stage that the run is in: its number from 1, how many there are, and what it does.
    pub(super) fn stage(&self) -> Option<(usize, usize, &str)> {
        let over = self.over();
        let at = self.stages.iter().rposition(|(begins, _)| *begins <= over)?;
        Some((at + 1, self.stages.len(), self.stages[at].1.as_str()))
    }

    /// Response and service times over the window.
    pub(super) fn spreads(&self) -> [Option<TimeSpread>; 2] {
        PICKS.map(|pick| TimeSpread::of(&self.shown().seconds, self.window(), pick))
    }
}
