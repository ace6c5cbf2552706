//! Limits that follow the load: what there was in the window before decides what this one may have.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::disk;
use super::grid::ClockGrid;
use super::keys::COUNT;
use crate::key::{Absent, Given, TableKey, TableKeys, ValueForm};

/// A limit that lets through a multiple of what there was a window ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Length of a window; windows begin at whole multiples of it.
    #[serde(rename = "window_us", with = "disk")]
    pub window: Duration,
    /// How much more a window may have than the one before, in thousandths, at least 1000.
    pub growth_milli: u32,
    /// Calls that every window may have, at least 1.
    pub floor: u32,
    /// HTTP status of the `ThrottlingException`: 400 or 500.
    pub status: u16,
}

/// The keys of a [`Growth`].
pub static GROWTH: TableKeys = TableKeys::new(
    "growth",
    "A window may have a multiple of what the window before had.",
    &[
        TableKey::default(
            "window",
            ValueForm::Duration(Duration::from_nanos(1)..=Duration::from_secs(24 * 3600)),
            Given::Text("1s"),
            "Length of a window.",
        ),
        TableKey::default(
            "growth",
            ValueForm::Number(1.0..=1000.0),
            Given::Number(2.0),
            "How many times what the window before had, to a thousandth.",
        ),
        TableKey::required(
            "floor",
            ValueForm::Integer(COUNT),
            "`floor`, the calls that every window may have: floor = 10",
            "Calls that every window may have.",
        )
        .like("50"),
        TableKey {
            name: "status",
            form: ValueForm::OneOf(&[400, 500]),
            absent: Absent::Means("400 for `ramp`, 500 for `scaling`"),
            help: "HTTP status of the ThrottlingException.",
            example: "400",
        },
    ],
);

/// `growth` times `calls`, rounded down.
fn grown(calls: u64, growth: &Growth) -> u64 {
    let wide = u128::from(calls) * u128::from(growth.growth_milli) / 1000;
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// A window lets through `growth` times what the window before let through, and `floor` at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ramp {
    growth: Growth,
    index: u64,
    before: u64,
    count: u64,
}

impl Ramp {
    pub(super) const fn new(growth: Growth) -> Self {
        Self { growth, index: 0, before: 0, count: 0 }
    }

    pub(super) fn take(&mut self, now: Duration) -> bool {
        let index = ClockGrid::new(self.growth.window, Duration::ZERO).index(now);
        if index > self.index {
            self.before = if index == self.index + 1 { self.count } else { 0 };
            (self.index, self.count) = (index, 0);
        }
        let free = self.count < grown(self.before, &self.growth).max(u64::from(self.growth.floor));
        self.count += u64::from(free);
        free
    }

    pub(super) fn fits(&self, other: &Self) -> bool {
        self.growth == other.growth
    }
}

/// Capacity that follows demand: a window has as much as was asked for in the window before, at most `growth` times the capacity of
/// that window, and `floor` at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scaling {
    growth: Growth,
    index: u64,
    capacity: u64,
    /// Calls of the current window, refused ones too.
    demand: u64,
}

impl Scaling {
    pub(super) const fn new(growth: Growth) -> Self {
        Self { growth, index: 0, capacity: growth.floor as u64, demand: 0 }
    }

    pub(super) fn take(&mut self, now: Duration) -> bool {
        let index = ClockGrid::new(self.growth.window, Duration::ZERO).index(now);
        let floor = u64::from(self.growth.floor);
        if index > self.index {
            let next = self.demand.min(grown(self.capacity, &self.growth)).max(floor);
            self.capacity = if index == self.index + 1 { next } else { floor };
            (self.index, self.demand) = (index, 0);
        }
        let free = self.demand < self.capacity;
        self.demand += 1;
        free
    }

    pub(super) fn fits(&self, other: &Self) -> bool {
        self.growth == other.growth
    }
}
