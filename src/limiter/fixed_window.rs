//! `fixed-window`: so many calls a window, on the clock's grid or from the first call on.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::grid::ClockGrid;
use super::keys::{Unfit, WINDOW, limit, needed, phase, phase_of};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
use super::window_anchor::WindowAnchor;
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll, disk, per_second};
use crate::key::{Amounts, Given, TableKey, ValueForm, Variant, Words as _};
use crate::units::human;

/// `limit` calls in `[begin, begin + window)`, of every window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedWindow {
    /// Calls of a window, at least 1.
    pub limit: u32,
    /// Its length.
    #[serde(rename = "window_us", with = "disk")]
    pub window: Duration,
    /// What a window begins with.
    #[serde(default, skip_serializing_if = "WindowAnchor::is_clock")]
    pub anchor: WindowAnchor,
    /// Where on the clock the first edge lies, less than `window`; 0 with [`WindowAnchor::FirstCall`].
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    pub phase: Duration,
}

impl FixedWindow {
    /// Windows that begin at whole multiples of their length.
    pub const fn on_grid(limit: u32, window: Duration) -> Self {
        Self { limit, window, anchor: WindowAnchor::Clock, phase: Duration::ZERO }
    }

    /// Windows that begin with the first call after the one before has ended.
    pub const fn from_first_call(limit: u32, window: Duration) -> Self {
        Self { anchor: WindowAnchor::FirstCall, ..Self::on_grid(limit, window) }
    }
}

impl LimiterKind for FixedWindow {
    type State = CurrentWindow;

    const KEYS: &'static Variant = &Variant {
        name: "fixed-window",
        help: "`limit` calls in each window, from one whole multiple of its length to the next, or from the first call after the one \
               before.",
        keys: &[
            limit("Calls of a window."),
            WINDOW,
            TableKey::default(
                "anchor",
                ValueForm::Word(WindowAnchor::NAMES),
                Given::Text("clock"),
                "What a window begins with: an edge of the clock's grid, or the first call after the window before has ended.",
            ),
            phase("How much later than the whole multiples the windows begin; only with anchor = \"clock\"."),
        ],
    };

    const WORDS: &'static str = "fixed window";

    const TOLD_BY: &'static str = "more of its windows, begun at other times";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&GRID, &ANCHORED];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let (limit, window) = (needed(given.count("limit"))?, needed(given.time("window"))?);
        let (anchor, phase) = (given.word("anchor").unwrap_or_default(), phase_of(given, window)?);
        if anchor == WindowAnchor::FirstCall && !phase.is_zero() {
            let why = "`phase` has no place beside anchor = \"first-call\"";
            return Err(Unfit::Contradiction { key: "phase", why, help: "delete it: such a window follows no clock" });
        }
        Ok(Self { limit, window, anchor, phase })
    }

    fn start(&self) -> CurrentWindow {
        let Self { limit, window, anchor, phase } = *self;
        CurrentWindow { limit, window, anchor, phase, index: 0, begun: None, count: 0 }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.limit, self.window))
    }
}

impl fmt::Display for FixedWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in each window of {}", self.limit, human(self.window))?;
        f.write_str(if self.anchor == WindowAnchor::FirstCall { " from its first call" } else { "" })
    }
}

/// The count of the current window. Refused calls come on top of a full one: whether they count makes no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CurrentWindow {
    limit: u32,
    #[serde(rename = "window_us", with = "disk")]
    window: Duration,
    #[serde(default, skip_serializing_if = "WindowAnchor::is_clock")]
    anchor: WindowAnchor,
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    phase: Duration,
    /// Which window of the grid it is; 0 without one.
    index: u64,
    /// When it began, if a call began it and it has not ended.
    #[serde(rename = "begun_us", with = "disk::optional", default, skip_serializing_if = "Option::is_none")]
    begun: Option<Duration>,
    count: u32,
}

impl CurrentWindow {
    /// When it ends; `None` if no window has begun.
    fn end(&self) -> Option<Duration> {
        match self.anchor {
            WindowAnchor::Clock => Some(ClockGrid::new(self.window, self.phase).edge(self.index.saturating_add(1))),
            WindowAnchor::FirstCall => self.begun.map(|begun| begun.saturating_add(self.window)),
        }
    }
}

impl State for CurrentWindow {
    fn advance(&mut self, now: Duration) {
        if self.end().is_none_or(|end| end > now) {
            return;
        }
        self.count = 0;
        match self.anchor {
            WindowAnchor::Clock => self.index = ClockGrid::new(self.window, self.phase).index(now),
            WindowAnchor::FirstCall => self.begun = None,
        }
    }

    fn decide(&self, _: &Arrival) -> Passing {
        if self.count < self.limit { Ok(Duration::ZERO) } else { Err(NotUntil { at: self.end().filter(|_| self.limit > 0) }) }
    }

    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        if toll.passed() {
            self.count = self.count.saturating_add(1);
            if self.anchor == WindowAnchor::FirstCall {
                self.begun = self.begun.or(Some(arrival.now));
            }
        }
    }
}

// How it shows itself to a probe: windows that do not slide: on the clock's grid, or from the first call on.

/// So many calls of each window; numbers: calls, length, and on a grid its phase.
pub(crate) struct WindowSuspect {
    /// Begins with the first call after the last one's end.
    anchored: bool,
}

/// On the clock's grid.
pub(crate) static GRID: WindowSuspect = WindowSuspect { anchored: false };

/// From the first call on.
pub(crate) static ANCHORED: WindowSuspect = WindowSuspect { anchored: true };

impl Suspect for WindowSuspect {
    fn kind(&self) -> Kind {
        Kind::FixedWindow
    }

    fn name(&self) -> &'static str {
        if self.anchored { "window from the first call on" } else { "window on the clock's grid" }
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        let mut ranges = vec![facts.calls(), facts.windows()];
        if !self.anchored {
            ranges.push(Range::TURN);
        }
        ranges
    }

    fn start(&self, _n: &LimiterNumbers, s: &mut Remembered) {
        s[0] = -FAR;
    }

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        let (calls, length) = (n[0], n[1]);
        if self.anchored {
            return if s[1] >= calls { now.t - (s[0] + length) } else { FAR };
        }
        let edge = now.edge(length, n[2]);
        if edge > s[0] + 1e-9 {
            s[2] = if s[1] >= calls && edge < s[0] + 1.5 * length { 1.0 } else { 0.0 }; // derived: the next window, not a later one
            (s[0], s[1]) = (edge, 0.0);
        }
        if s[1] >= calls {
            now.t - (s[0] + length)
        } else if s[1] < 1.0 && s[2] > 0.0 {
            now.t - s[0]
        } else {
            FAR
        }
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        if self.anchored && (now.about() >= s[0] + n[1] || s[1] >= n[0]) {
            s[2] = f64::from(s[1] >= n[0]);
            (s[0], s[1]) = (now.t, 0.0);
        } else if s[1] >= n[0] && now.t + now.jitter >= s[0] + n[1] {
            // Of a full window at its very end: the next one has begun already.
            (s[0], s[1], s[2]) = (s[0] + n[1], 0.0, 1.0);
        }
        s[1] += 1.0;
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        if now.t < s[0] + n[1] && !(s[2] > 0.0 && now.t - s[0] < now.jitter) {
            s[1] = s[1].max(n[0]);
        }
    }

    fn excuse(&self, n: &LimiterNumbers, s: &Remembered, now: &CallMoment<'_>) -> f64 {
        if s[2] > 0.0 && s[1] < n[0] { now.t - s[0] } else { FAR }
    }

    fn anchor(&self) -> Option<WindowAnchor> {
        Some(if self.anchored { WindowAnchor::FirstCall } else { WindowAnchor::Clock })
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        Traits { rate: Some(n[0] / n[1]), burst: Some(n[0]), period: Some(n[1]), ..Traits::default() }
    }
}
