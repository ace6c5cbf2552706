//! `sliding-log`: so many calls in any window, remembered one by one, or counted in parts of the window.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::keys::{Unfit, WINDOW, limit, needed, phase, phase_of};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
use super::weights::{CALL, CallWeights};
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll, disk, nanos, per_second};
use crate::key::{Amounts, TableKey, ValueForm, Variant};
use crate::num::below;
use crate::units::human;

/// `limit` calls in every half-open interval of `window`, whenever it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingLog {
    /// Calls of a window, at least 1.
    pub limit: u32,
    /// Its length.
    #[serde(rename = "window_us", with = "disk")]
    pub window: Duration,
    /// Into how many parts of the clock's grid a window is divided, each with one count: every call counts from the start of its part
    /// on. `None`: from its own instant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// Where on the clock the first edge of a part lies, less than `window`.
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    pub phase: Duration,
}

impl SlidingLog {
    /// A log that remembers every call by its instant.
    pub const fn exact(limit: u32, window: Duration) -> Self {
        Self { limit, window, parts: None, phase: Duration::ZERO }
    }

    /// A log of one count for each of `parts` parts of the window.
    pub const fn coarse(limit: u32, window: Duration, parts: u32) -> Self {
        Self { parts: Some(parts), ..Self::exact(limit, window) }
    }
}

impl LimiterKind for SlidingLog {
    type State = Log;

    const KEYS: &'static Variant = &Variant {
        name: "sliding-log",
        help: "`limit` calls in any interval of the length of `window`.",
        keys: &[
            limit("Calls of an interval."),
            WINDOW,
            TableKey::optional(
                "parts",
                ValueForm::Integer(1..=1000),
                "every call by its own instant",
                "Into how many parts the window is divided: every call counts from the start of its part on.",
            )
            .like("10"),
            phase("How much later than the whole multiples the parts begin."),
        ],
    };

    const WORDS: &'static str = "sliding log";

    const TOLD_BY: &'static str = "bursts within one window";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&LOG, &CHARGED_LOG, &CELLS_LOG];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let (limit, window) = (needed(given.count("limit"))?, needed(given.time("window"))?);
        Ok(Self { limit, window, parts: given.count("parts"), phase: phase_of(given, window)? })
    }

    fn start(&self) -> Log {
        let Self { limit, window, parts, phase } = *self;
        Log { limit, window, parts, phase, counted: CallWeights::default() }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.limit, self.window))
    }
}

impl fmt::Display for SlidingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in any {}", self.limit, human(self.window))?;
        self.parts.map_or(Ok(()), |parts| write!(f, " of {parts} parts"))
    }
}

/// The calls of a window, as many of them as decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log {
    limit: u32,
    #[serde(rename = "window_us", with = "disk")]
    window: Duration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    phase: Duration,
    /// From when on each counts, after the start of the window that holds time 0.
    #[serde(rename = "counted_us")]
    counted: CallWeights,
}

impl Log {
    /// How long before time 0 the window begins from which instants are counted, so that no edge of a part lies before it.
    fn before(&self) -> Duration {
        let phase = self.parts.map_or(Duration::ZERO, |_| self.phase);
        if phase.is_zero() { phase } else { self.window.saturating_sub(phase) }
    }

    /// From when on a call at `now` counts: its instant, or the edge before, rounded up to a nanosecond. A window is a whole number of
    /// parts, so the end of its time is exact, too.
    fn counts_from(&self, now: Duration) -> Duration {
        let Some(parts) = self.parts else { return now };
        let (parts, window) = (u128::from(parts.max(1)), self.window.as_nanos().max(1));
        let part = now.as_nanos() * parts / window;
        nanos((part * window).div_ceil(parts))
    }

    /// The most that the calls before one may weigh that is let through; `None` if none ever is.
    fn most(&self) -> Option<u64> {
        (u64::from(self.limit) * CALL).checked_sub(CALL)
    }
}

impl State for Log {
    fn advance(&mut self, now: Duration) {
        if let Some(until) = now.saturating_add(self.before()).checked_sub(self.window) {
            self.counted.forget(until);
        }
    }

    fn decide(&self, _: &Arrival) -> Passing {
        let Some(most) = self.most() else { return Err(NotUntil::UNKNOWN) };
        let end = |from: Duration| from.saturating_add(self.window).saturating_sub(self.before());
        self.counted.too_much(most).map_or(Ok(Duration::ZERO), |from| Err(NotUntil::until(end(from))))
    }

    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        self.counted.add(self.counts_from(arrival.now.saturating_add(self.before())), toll);
        self.counted.keep_above(self.most().unwrap_or_default());
    }
}

// How it shows itself to a probe: windows that slide, every call remembered, one by one or in cells.

/// How a log remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// Calls that were let through.
    Passed,
    /// All calls.
    All,
    /// Counts of cells of the clock's grid.
    Cells,
}

/// So many calls in any window; numbers: calls, length, and with cells how many there are and their phase.
pub(crate) struct LogSuspect(Memory);

/// Calls that were let through.
pub(crate) static LOG: LogSuspect = LogSuspect(Memory::Passed);

/// All calls.
pub(crate) static CHARGED_LOG: LogSuspect = LogSuspect(Memory::All);

/// Calls that were let through, counted by the parts of the window.
pub(crate) static CELLS_LOG: LogSuspect = LogSuspect(Memory::Cells);

impl Suspect for LogSuspect {
    fn kind(&self) -> Kind {
        Kind::SlidingLog
    }

    fn name(&self) -> &'static str {
        match self.0 {
            Memory::Passed => "sliding log",
            Memory::All => "sliding log, refused calls count",
            Memory::Cells => "sliding log of coarse counts",
        }
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        let mut ranges = vec![facts.calls(), facts.windows()];
        if self.0 == Memory::Cells {
            // derived: one cell is a window on a grid, and a hundred cannot be told from a log at a hundred calls a window
            ranges.extend([Range::whole(2.0, 100.0), Range::TURN]);
        }
        ranges
    }

    fn start(&self, _n: &LimiterNumbers, _s: &mut Remembered) {}

    fn margin(&self, n: &LimiterNumbers, _s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        let calls = crate::num::place(n[0]);
        let oldest = if self.0 == Memory::All { now.past.last_sent(calls) } else { now.past.last_passed(calls) };
        let Some(oldest) = oldest else { return FAR };
        if self.0 == Memory::Cells {
            let cell = n[1] / n[2];
            let begin = (below((oldest - now.origin) / cell - n[3]) + n[3]) * cell + now.origin;
            return now.t - (begin + n[1]);
        }
        now.t - (oldest + n[1])
    }

    fn passed(&self, _n: &LimiterNumbers, _s: &mut Remembered, _now: &CallMoment<'_>) {}

    fn refused(&self, _n: &LimiterNumbers, _s: &mut Remembered, _now: &CallMoment<'_>) {}

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        let cost = (self.0 == Memory::All).then_some(1.0);
        Traits { rate: Some(n[0] / n[1]), burst: Some(n[0]), period: Some(n[1]), cost, ..Traits::default() }
    }
}
