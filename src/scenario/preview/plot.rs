//! The rate, or the workers, over time, drawn with eighths of a character cell.

use std::fmt;
use std::time::Duration;

use super::super::{Model, Scenario};
use crate::num::{count, place};
use crate::schedule::{Schedule, Stage};

const COLUMNS: u32 = 64;
const ROWS: usize = 8;
/// Looks per column: a stage that is shorter than a column shall not vanish.
const LOOKS: u32 = 16;
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A picture that is 74 columns wide.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Picture {
    unit: &'static str,
    length: Duration,
    columns: Vec<f64>,
    /// When, and how many calls.
    bursts: Vec<(Duration, u32)>,
}

impl Picture {
    pub(super) fn of(scenario: &Scenario, schedule: Option<&Schedule>, length: Duration) -> Self {
        match &scenario.load.model {
            Model::Open(open) => {
                let rate = |at| schedule.map_or(0.0, |s| s.rate_at(at));
                Self { unit: "calls/s", length, columns: columns(length, rate), bursts: bursts(&open.stages) }
            }
            Model::Closed(closed) => {
                let workers = |at: Duration| {
                    let mut end = Duration::ZERO;
                    let stage = closed.stages.iter().find(|s| {
                        end += s.length;
                        at < end
                    });
                    stage.map_or(0.0, |s| count(s.workers))
                };
                Self { unit: "workers", length, columns: columns(length, workers), bursts: Vec::new() }
            }
        }
    }
}

/// The highest value within each column.
fn columns(length: Duration, value: impl Fn(Duration) -> f64) -> Vec<f64> {
    let step = length / (COLUMNS * LOOKS);
    let look = |column: u32| (0..LOOKS).map(|k| value(step * (column * LOOKS + k) + step / 2)).fold(0.0, f64::max);
    (0..COLUMNS).map(look).collect()
}

fn bursts(stages: &[Stage]) -> Vec<(Duration, u32)> {
    let mut at = Duration::ZERO;
    let mut bursts = Vec::new();
    for stage in stages {
        match stage {
            Stage::Line { length, .. } => at += *length,
            Stage::Burst { calls } => bursts.push((at, *calls)),
        }
    }
    bursts
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let top = self.columns.iter().copied().fold(0.0, f64::max);
        if top > 0.0 {
            writeln!(f, "{:>8}", self.unit)?;
            for row in (0..ROWS).rev() {
                let bars: String = self.columns.iter().map(|value| cell(*value / top, row)).collect();
                writeln!(f, "{} │{}", label(row, top), bars.trim_end())?;
            }
            writeln!(f, "{:>8} └{}", "0", self.axis())?;
            writeln!(f, "{:10}{}", "", self.times())?;
        }
        for (at, calls) in self.bursts.iter().take(MOST_BURSTS) {
            let at = short(*at);
            writeln!(f, "{:10}▲ {calls} calls at one instant, at {at}", "")?;
        }
        match self.bursts.len().checked_sub(MOST_BURSTS) {
            None | Some(0) => Ok(()),
            Some(more) => writeln!(f, "{:10}  and {more} bursts more", ""),
        }
    }
}

/// More bursts are counted, not listed.
const MOST_BURSTS: usize = 8;

impl Picture {
    /// The axis, with a mark where a burst is.
    fn axis(&self) -> String {
        let mut axis = vec!['─'; COLUMNS as usize];
        let last = axis.len() - 1;
        for (at, _) in &self.bursts {
            let part = at.as_secs_f64() / self.length.as_secs_f64();
            let column = place(part * f64::from(COLUMNS));
            axis[column.min(last)] = '▲';
        }
        axis.into_iter().collect()
    }

    /// Start, middle and end of the time.
    fn times(&self) -> String {
        let (middle, end) = (short(self.length / 2), short(self.length));
        let width = COLUMNS as usize;
        let head = format!("{:<1$}{middle}", "0s", width / 2);
        let room = width.saturating_sub(head.len());
        format!("{head}{end:>room$}")
    }
}

fn cell(part: f64, row: usize) -> char {
    let eighths = place((part * count(ROWS * 8)).round());
    // What is above 0 is seen.
    let eighths = if part > 0.0 { eighths.max(1) } else { 0 };
    EIGHTHS[eighths.saturating_sub(row * 8).min(8)]
}

/// The value at the upper edge of a row, on the top and the middle one.
fn label(row: usize, top: f64) -> String {
    let value = match row + 1 {
        ROWS => top,
        half if half * 2 == ROWS => top / 2.0,
        _ => return format!("{:>8}", ""),
    };
    format!("{:>8}", number(value))
}

/// A number with as many decimals as it needs, at most three.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A duration as a scenario has it.
pub(super) fn short(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
