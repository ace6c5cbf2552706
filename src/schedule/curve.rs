//! The rate curve, its area and the inverse of its area, in whole numbers.
//!
//! With rates `a`, `b` in micro-hertz and times in nanoseconds, twice the area of a line of length `L` up to `t` is
//! `2 a t + (b - a) t^2 / L`, in units of half a femto-call. Multiplied by `L` it is a whole number, so the instant at which a line
//! reaches an area is found exactly: the largest whole nanosecond whose area does not exceed it.

use std::time::Duration;

use super::{MAX_CALLS, MAX_LENGTH, ScheduleError, Stage};

/// Units of area in one call: a micro-hertz times a nanosecond is a femto-call, and a unit is half of one.
pub(super) const UNITS_PER_CALL: u128 = 2_000_000_000_000_000;

/// A stage with everything before it summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    start_ns: u64,
    length_ns: u64,
    from: u64,
    to: u64,
    /// Area before it.
    before: u128,
    /// Area of its own.
    area: u128,
}

/// The rate curve of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    pieces: Vec<Piece>,
    length_ns: u64,
    area: u128,
}

impl Curve {
    pub(super) fn new(stages: &[Stage]) -> Result<Self, ScheduleError> {
        let mut curve = Self { pieces: Vec::with_capacity(stages.len()), length_ns: 0, area: 0 };
        for stage in stages {
            curve.push(*stage)?;
        }
        Ok(curve)
    }

    fn push(&mut self, stage: Stage) -> Result<(), ScheduleError> {
        let (length, from, to, area) = match stage {
            Stage::Burst { calls } => (0, 0, 0, u128::from(calls) * UNITS_PER_CALL),
            Stage::Line { length, from, to } => {
                let ns = u64::try_from(length.as_nanos()).map_err(|_| ScheduleError::TooLong)?;
                let (from, to) = (from.micro_hz(), to.micro_hz());
                (ns, from, to, u128::from(from + to) * u128::from(ns))
            }
        };
        self.pieces.push(Piece { start_ns: self.length_ns, length_ns: length, from, to, before: self.area, area });
        self.length_ns = self.length_ns.saturating_add(length);
        self.area += area;
        if u128::from(self.length_ns) > MAX_LENGTH.as_nanos() {
            return Err(ScheduleError::TooLong);
        }
        if self.area > u128::from(MAX_CALLS) * UNITS_PER_CALL {
            return Err(ScheduleError::TooManyCalls);
        }
        Ok(())
    }

    pub(super) fn length(&self) -> Duration {
        Duration::from_nanos(self.length_ns)
    }

    pub(super) const fn area(&self) -> u128 {
        self.area
    }

    /// Where the n-th burst begins, and its area.
    pub(super) fn burst(&self, n: usize) -> Option<(u128, u128)> {
        let mut bursts = self.pieces.iter().filter(|piece| piece.length_ns == 0);
        bursts.nth(n).map(|piece| (piece.before, piece.area))
    }

    #[allow(clippy::cast_precision_loss)] // a rate for people and pictures
    pub(super) fn rate_at(&self, at: Duration) -> f64 {
        let ns = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let Some(piece) = self.pieces.iter().find(|p| (p.start_ns..p.start_ns + p.length_ns).contains(&ns)) else { return 0.0 };
        let part = (ns - piece.start_ns) as f64 / piece.length_ns as f64;
        (piece.from as f64 + (piece.to as f64 - piece.from as f64) * part) / 1e6
    }

    /// The instant at which the curve goes beyond `area`; `None` past its end. Areas asked for must not fall, for `from` (the piece to
    /// look at first) only moves on.
    pub(super) fn instant(&self, area: u128, from: &mut usize) -> Option<Duration> {
        while self.pieces.get(*from).is_some_and(|p| area >= p.before + p.area) {
            *from += 1;
        }
        let piece = self.pieces.get(*from)?;
        Some(Duration::from_nanos(piece.start_ns + piece.offset(area - piece.before)))
    }
}

impl Piece {
    /// The largest whole nanosecond from the piece's start whose area does not exceed `area`.
    fn offset(&self, area: u128) -> u64 {
        if self.length_ns == 0 {
            return 0;
        }
        if self.from == self.to {
            return u64::try_from(area / (2 * u128::from(self.from))).unwrap_or(u64::MAX);
        }
        self.bisect(area, self.guess(area))
    }

    /// The root of the quadratic in floating point, in the form that does not cancel (Numerical Recipes, 5.6).
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a guess, corrected exactly
    fn guess(&self, area: u128) -> u64 {
        let (from, to, length) = (self.from as f64, self.to as f64, self.length_ns as f64);
        let slope = (to - from) / length;
        let root = (from * from + slope * area as f64).max(0.0).sqrt();
        let ns = area as f64 / (from + root);
        if ns.is_finite() { (ns as u64).min(self.length_ns) } else { 0 }
    }

    /// Widens from a guess until the answer is inside, then halves. A good guess costs two comparisons.
    fn bisect(&self, area: u128, guess: u64) -> u64 {
        let (mut low, mut high, mut step) = (guess, guess + 1, 1u64);
        while low > 0 && !self.within(low, area) {
            (high, low, step) = (low, low.saturating_sub(step), step * 2);
        }
        step = 1;
        while high <= self.length_ns && self.within(high, area) {
            (low, high, step) = (high, high.saturating_add(step), step * 2);
        }
        high = high.min(self.length_ns + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.within(middle, area) { low = middle } else { high = middle }
        }
        low
    }

    /// Whether the area up to `ns` does not exceed `area`: exact, see the module's first lines. The limits of a schedule
    /// (`MAX_CALLS`, `MAX_LENGTH`) keep each side below 2.4e38, and 2^128 is 3.4e38.
    fn within(&self, ns: u64, area: u128) -> bool {
        let (t, length) = (u128::from(ns), u128::from(self.length_ns));
        let straight = 2 * u128::from(self.from) * t * length;
        let bend = u128::from(self.from.abs_diff(self.to)) * t * t;
        if self.to >= self.from { straight + bend <= area * length } else { straight <= area * length + bend }
    }
}
