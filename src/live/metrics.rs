//! A run that goes on, in Prometheus' text format (version 0.0.4).
//!
//! Counters for what only grows, gauges for the last complete second and for the thresholds so far.

use super::judgement::{VerdictSoFar, so_far};
use super::state::RunView;
use super::window::TimeSpread;
use crate::num::float;
use crate::prometheus::Exposition;
use crate::summary::ThresholdStatus;

/// The metrics so far.
pub fn text(state: &RunView) -> String {
    let mut page = Exposition::of_scenario(&state.setting().scenario.name);
    counters(&mut page, state);
    gauges(&mut page, state);
    times(&mut page, state);
    thresholds(&mut page, state);
    page.into_text()
}

fn counters(page: &mut Exposition, state: &RunView) {
    let p = state.progress();
    page.one(("offered_calls_total", "counter", "Calls that came due."), float(p.offered));
    page.one(("sent_calls_total", "counter", "Calls handed to the client."), float(p.sent));
    page.head("calls_total", "counter", "Calls by the way they ended.");
    if let Some(summary) = state.summary() {
        for (outcome, n) in &summary.counts.by_outcome {
            page.sample("calls_total", &[("outcome", outcome.name())], float(*n));
        }
    }
    page.one(("idempotency_violations_total", "counter", "Contradictions of ClientRequestToken."), float(p.violations));
}

fn gauges(page: &mut Exposition, state: &RunView) {
    page.one(
        ("in_flight_calls", "gauge", "Calls in flight at the end of the last complete second."),
        float(state.progress().in_flight),
    );
    page.one(("elapsed_seconds", "gauge", "How much of the run is counted."), state.over_live().as_secs_f64());
    page.one(("planned_seconds", "gauge", "How long the schedule is."), state.setting().length.as_secs_f64());
}

fn times(page: &mut Exposition, state: &RunView) {
    page.head("time_seconds", "gauge", "Percentiles of the ok answers over the last ten seconds.");
    for (series, spread) in ["response", "service"].into_iter().zip(state.spreads_live()) {
        let Some(TimeSpread { p50_us, p90_us, p99_us, max_us, .. }) = spread else { continue };
        for (stat, us) in [("p50", p50_us), ("p90", p90_us), ("p99", p99_us), ("max", Some(max_us))] {
            if let Some(us) = us {
                page.sample("time_seconds", &[("series", series), ("stat", stat)], float(us) / 1e6);
            }
        }
    }
    let lateness = state.summary().and_then(|s| s.own.lateness_p99_us);
    if let Some(us) = lateness {
        page.one(("lateness_p99_seconds", "gauge", "99th percentile of livebench's own lateness so far."), float(us) / 1e6);
    }
}

fn thresholds(page: &mut Exposition, state: &RunView) {
    let Some(summary) = state.summary() else { return };
    page.head("verdict", "gauge", "1 for the verdict on the run so far, as the live view shows it.");
    let (verdict, _) = so_far(state.setting(), state.over_live(), summary);
    for one in VerdictSoFar::ALL {
        page.sample("verdict", &[("verdict", one.word())], f64::from(u8::from(verdict == one)));
    }
    page.head("threshold_holds", "gauge", "1 if the threshold holds so far; absent while it is unknown.");
    for t in summary.thresholds.iter().filter(|t| t.status != ThresholdStatus::Unknown) {
        let holds = f64::from(u8::from(t.status == ThresholdStatus::Ok));
        page.sample("threshold_holds", &[("metric", &t.metric), ("limit", &t.expression)], holds);
    }
}
