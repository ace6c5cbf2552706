//! `sliding-counter`: the usual approximation of a sliding log by two counts.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::grid::ClockGrid;
use super::keys::{Unfit, WINDOW, limit, needed, phase, phase_of};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
use super::weights::CALL;
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll, disk, per_second};
use super::{Kind, WindowAnchor};
use crate::key::{Amounts, Given, TableKey, ValueForm, Variant};
use crate::units::human;

/// The calls of the current fixed window, this one included, and those of the one before by the part of it that the sliding window
/// still covers, are at most `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingCounter {
    /// Calls of a window, at least 1.
    pub limit: u32,
    /// Its length.
    #[serde(rename = "window_us", with = "disk")]
    pub window: Duration,
    /// Whether what is left of the window before is rounded down to whole calls. To let through what finds *fewer* than `limit` calls
    /// without rounding comes to the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub floored: bool,
    /// Where on the clock the first edge lies, less than `window`.
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    pub phase: Duration,
}

impl SlidingCounter {
    /// A counter that rounds nothing.
    pub const fn exact(limit: u32, window: Duration) -> Self {
        Self { limit, window, floored: false, phase: Duration::ZERO }
    }

    /// A counter that rounds the share of the window before down.
    pub const fn floored(limit: u32, window: Duration) -> Self {
        Self { floored: true, ..Self::exact(limit, window) }
    }
}

impl LimiterKind for SlidingCounter {
    type State = Counter;

    const KEYS: &'static Variant = &Variant {
        name: "sliding-counter",
        help: "`limit` calls, counting those of the window before by the part of it that a sliding window still covers.",
        keys: &[
            limit("Calls of a window."),
            WINDOW,
            TableKey::default(
                "floored",
                ValueForm::Truth,
                Given::Truth(false),
                "Whether the remaining share of the previous window is rounded down to whole calls; this is the same as letting a call \
                 through that finds fewer than `limit` calls.",
            ),
            phase("How much later than the whole multiples the windows begin."),
        ],
    };

    const WORDS: &'static str = "sliding counter";

    const TOLD_BY: &'static str = "bursts at other times of its windows";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[
        &COUNTER,
        &FLOORED_COUNTER,
        &counter(true, Charged::First, false),
        &counter(false, Charged::All, false),
        &counter(true, Charged::All, false),
        &counter(false, Charged::Passed, true),
        &counter(true, Charged::Passed, true),
        &counter(true, Charged::All, true),
    ];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let (limit, window) = (needed(given.count("limit"))?, needed(given.time("window"))?);
        Ok(Self { limit, window, floored: given.truth("floored"), phase: phase_of(given, window)? })
    }

    fn start(&self) -> Counter {
        let Self { limit, window, floored, phase } = *self;
        Counter { limit, window, floored, phase, index: 0, before: 0, before_milli: 0, count: 0, count_milli: 0 }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(per_second(self.limit, self.window))
    }
}

impl fmt::Display for SlidingCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in about any {}", self.limit, human(self.window))?;
        f.write_str(if self.floored { ", rounded down" } else { "" })
    }
}

/// The counts of the current window and of the one before: whole calls, and thousandths of one that refused calls add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counter {
    limit: u32,
    #[serde(rename = "window_us", with = "disk")]
    window: Duration,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    floored: bool,
    #[serde(rename = "phase_us", with = "disk", default, skip_serializing_if = "Duration::is_zero")]
    phase: Duration,
    index: u64,
    before: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    before_milli: u64,
    count: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    count_milli: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Counter {
    const fn grid(&self) -> ClockGrid {
        ClockGrid::new(self.window, self.phase)
    }

    /// What the current window weighs, in thousandths of a call.
    fn count(&self) -> u128 {
        u128::from(self.count) * u128::from(CALL) + u128::from(self.count_milli)
    }

    /// What is left to `taken` thousandths of a call and one call more; `None` if they are too many.
    fn room(&self, taken: u128) -> Option<u128> {
        (u128::from(self.limit) * u128::from(CALL)).checked_sub(taken + u128::from(CALL))
    }

    /// The most that may be left of a window, in nanoseconds, for what the one before weighs to have room; at most its length.
    fn most_left(&self, before: u128, room: u128) -> u128 {
        let (length, call) = (self.grid().length(), u128::from(CALL));
        if before == 0 {
            return length;
        }
        let left = if self.floored {
            // before * left / (call * length), rounded down, is at most the whole calls of the room.
            ((room / call + 1) * call * length).div_ceil(before) - 1
        } else {
            // before * left <= room * length
            room * length / before
        };
        left.min(length)
    }

    fn before(&self) -> u128 {
        u128::from(self.before) * u128::from(CALL) + u128::from(self.before_milli)
    }

    /// When one more call would pass: as soon as so little of the window before is covered that there is room for it.
    fn room_at(&self) -> Option<Duration> {
        // In this window while it has room of its own; in the next one, for which this one is the one before, otherwise.
        let (index, before, room) = match self.room(self.count()) {
            Some(room) => (self.index, self.before(), room),
            None => (self.index.saturating_add(1), self.count(), self.room(0)?),
        };
        Some(self.grid().within(index, self.grid().length() - self.most_left(before, room)))
    }
}

impl State for Counter {
    fn advance(&mut self, now: Duration) {
        let index = self.grid().index(now);
        if index > self.index {
            let next = index == self.index + 1;
            (self.before, self.before_milli) = if next { (self.count, self.count_milli) } else { (0, 0) };
            (self.index, self.count, self.count_milli) = (index, 0, 0);
        }
    }

    fn decide(&self, arrival: &Arrival) -> Passing {
        let left = self.grid().length() - self.grid().place(arrival.now).1;
        let free = self.room(self.count()).is_some_and(|room| left <= self.most_left(self.before(), room));
        if free { Ok(Duration::ZERO) } else { Err(NotUntil { at: self.room_at() }) }
    }

    fn pay(&mut self, _: &Arrival, toll: Toll) {
        self.count_milli += u64::from(toll.milli());
        self.count += self.count_milli / CALL;
        self.count_milli %= CALL;
    }
}

// How it shows itself to a probe: sliding counters: the counts of two windows, the older one by the share of it that is still covered.

/// Which calls count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charged {
    /// Those that were let through.
    Passed,
    /// And the first of each window, whatever its answer: it makes the count (throttled-py's sliding window).
    First,
    /// All calls.
    All,
}

/// How a counter counts; numbers: calls, length, phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CounterSuspect {
    /// The share of the last window is rounded down.
    floored: bool,
    counted: Charged,
    /// Windows begin anew with the first call after two windows without one.
    anchored: bool,
}

const fn counter(floored: bool, counted: Charged, anchored: bool) -> CounterSuspect {
    CounterSuspect { floored, counted, anchored }
}

/// On the clock's grid, exact.
pub(crate) static COUNTER: CounterSuspect = counter(false, Charged::Passed, false);

/// On the clock's grid, rounded down.
pub(crate) static FLOORED_COUNTER: CounterSuspect = counter(true, Charged::Passed, false);

impl Suspect for CounterSuspect {
    fn kind(&self) -> Kind {
        Kind::SlidingCounter
    }

    fn name(&self) -> &'static str {
        match (self.floored, self.counted, self.anchored) {
            (false, Charged::Passed, false) => "sliding counter",
            (true, Charged::Passed, false) => "sliding counter, rounded down",
            (false, Charged::First, _) => "sliding counter, the first call of a window counts even if it is refused",
            (true, Charged::First, _) => "sliding counter, rounded down, the first call of a window counts even if it is refused",
            (false, Charged::All, false) => "sliding counter, refused calls count",
            (true, Charged::All, false) => "sliding counter, rounded down, refused calls count",
            (false, Charged::Passed, true) => "sliding counter from the first call on",
            (true, Charged::Passed, true) => "sliding counter from the first call on, rounded down",
            (false, Charged::All, true) => "sliding counter from the first call on, refused calls count",
            (true, Charged::All, true) => "sliding counter from the first call on, rounded down, refused calls count",
        }
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
            if now.t >= s[0] + 2.0 * length {
                (s[0], s[1], s[2]) = (now.t, 0.0, 0.0);
            } else if now.t >= s[0] + length {
                (s[0], s[1], s[2]) = (s[0] + length, s[2], 0.0);
            }
        } else {
            let edge = now.edge(length, n[2]);
            if edge > s[0] + 1e-9 {
                s[1] = if edge < s[0] + 1.5 * length { s[2] } else { 0.0 }; // derived: the next window, not a later one
                (s[0], s[2]) = (edge, 0.0);
            }
        }
        let left = 1.0 - (now.t - s[0]) / length;
        let spare = if self.floored { 1.0 } else { 0.0 };
        let room = calls + spare - s[2] - 1.0 - s[1] * left;
        let enough = if self.floored { 1e-6 } else { -1e-9 };
        if s[1] > 0.0 {
            room / s[1] * length
        } else if room >= enough {
            FAR
        } else {
            -FAR
        }
    }

    fn passed(&self, _n: &LimiterNumbers, s: &mut Remembered, _now: &CallMoment<'_>) {
        s[2] += 1.0;
    }

    fn refused(&self, _n: &LimiterNumbers, s: &mut Remembered, _now: &CallMoment<'_>) {
        #[allow(clippy::float_cmp)] // a count
        let counts = match self.counted {
            Charged::Passed => false,
            Charged::First => s[2] == 0.0,
            Charged::All => true,
        };
        if counts {
            s[2] += 1.0;
        }
    }

    fn anchor(&self) -> Option<WindowAnchor> {
        Some(if self.anchored { WindowAnchor::FirstCall } else { WindowAnchor::Clock })
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        let cost = (self.counted == Charged::All).then_some(1.0);
        Traits { rate: Some(n[0] / n[1]), burst: Some(n[0]), period: Some(n[1]), cost, ..Traits::default() }
    }
}
