//! The figures of a segment of a run that was cut off and resumed.

use super::build::stats;
use super::figures::SegmentLine;
use super::stop::Stop;
use crate::client::outcome::{Class, Outcome};
use crate::record::Recorded;

/// Where a segment lies, on the schedule and by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSpan {
    /// Which one, from 1.
    pub number: u64,
    /// The number of its first call.
    pub first_seq: u64,
    /// Where on the schedule it begins.
    pub from_us: u64,
    /// How much later its calls came than the first segment would have made them.
    pub delayed_us: u64,
    /// For how long nobody called before it; `None` for the first.
    pub gap_us: Option<u64>,
}

/// A segment's figures.
pub fn segment_line(span: SegmentSpan, stop: Stop, counted: &Recorded) -> SegmentLine {
    let recorder = &counted.recorder;
    let ok = recorder.timed(Class::Ok);
    SegmentLine {
        number: span.number,
        first_seq: span.first_seq,
        from_us: span.from_us,
        delayed_us: span.delayed_us,
        gap_us: span.gap_us,
        stop,
        ended: recorder.ended(),
        sent: recorder.sent(),
        ok: recorder.class(Class::Ok),
        throttled: recorder.class(Class::Throttled),
        errors: recorder.class(Class::Error),
        missed: recorder.count(Outcome::Missed),
        unknown: recorder.count(Outcome::Unknown),
        violations: counted.ledger.violations,
        lateness_all: recorder.timed_all().and_then(|times| stats(&times.lateness)),
        service_ok: ok.and_then(|times| stats(&times.service)),
        response_ok: ok.and_then(|times| stats(&times.response)),
    }
}
