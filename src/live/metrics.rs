//! A run that goes on, in Prometheus' text format (version 0.0.4).
//!
//! Counters for what only grows, gauges for the last complete second and for the thresholds so far.

use std::fmt::Write as _;

use super::state::RunView;
use super::window::TimeSpread;
use crate::num::float;
use crate::report::numbers::escaped;
use crate::summary::{ThresholdStatus, Validity};

/// The metrics so far.
pub fn text(state: &RunView) -> String {
    let mut page = PrometheusText { text: String::new(), scenario: state.setting().scenario.name.clone() };
    counters(&mut page, state);
    gauges(&mut page, state);
    times(&mut page, state);
    thresholds(&mut page, state);
    page.text
}

struct PrometheusText {
    text: String,
    scenario: String,
}

impl PrometheusText {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP livebench_{name} {help}\n# TYPE livebench_{name} {kind}"); // into a String: cannot fail
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let scenario = ("scenario", self.scenario.clone());
        let labels = std::iter::once((scenario.0, scenario.1.as_str())).chain(labels.iter().copied());
        let labels: Vec<String> = labels.map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
        let _ = writeln!(self.text, "livebench_{name}{{{}}} {value}", labels.join(","));
    }

    fn one(&mut self, (name, kind, help): (&str, &str, &str), value: f64) {
        self.head(name, kind, help);
        self.value(name, &[], value);
    }
}

fn counters(page: &mut PrometheusText, state: &RunView) {
    let p = state.progress();
    page.one(("offered_calls_total", "counter", "Calls that came due."), float(p.offered));
    page.one(("sent_calls_total", "counter", "Calls handed to the client."), float(p.sent));
    page.head("calls_total", "counter", "Calls by the way they ended.");
    if let Some(summary) = state.summary() {
        for (outcome, n) in &summary.counts.by_outcome {
            page.value("calls_total", &[("outcome", outcome.name())], float(*n));
        }
    }
    page.one(("idempotency_violations_total", "counter", "Contradictions of ClientRequestToken."), float(p.violations));
}

fn gauges(page: &mut PrometheusText, state: &RunView) {
    page.one(
        ("in_flight_calls", "gauge", "Calls in flight at the end of the last complete second."),
        float(state.progress().in_flight),
    );
    page.one(("elapsed_seconds", "gauge", "How much of the run is counted."), state.over_live().as_secs_f64());
    page.one(("planned_seconds", "gauge", "How long the schedule is."), state.setting().length.as_secs_f64());
}

fn times(page: &mut PrometheusText, state: &RunView) {
    page.head("time_seconds", "gauge", "Percentiles of the ok answers over the last ten seconds.");
    for (series, spread) in ["response", "service"].into_iter().zip(state.spreads_live()) {
        let Some(TimeSpread { p50_us, p90_us, p99_us, max_us, .. }) = spread else { continue };
        for (stat, us) in [("p50", p50_us), ("p90", p90_us), ("p99", p99_us), ("max", Some(max_us))] {
            if let Some(us) = us {
                page.value("time_seconds", &[("series", series), ("stat", stat)], float(us) / 1e6);
            }
        }
    }
    let lateness = state.summary().and_then(|s| s.own.lateness_p99_us);
    if let Some(us) = lateness {
        page.one(("lateness_p99_seconds", "gauge", "99th percentile of the harness's own lateness so far."), float(us) / 1e6);
    }
}

fn thresholds(page: &mut PrometheusText, state: &RunView) {
    let Some(summary) = state.summary() else { return };
    page.head("verdict", "gauge", "1 for the verdict on the run so far.");
    for (word, validity) in [("VALID", Validity::Valid), ("SUSPECT", Validity::Suspect), ("INVALID", Validity::Invalid)] {
        page.value("verdict", &[("verdict", word)], f64::from(u8::from(summary.verdict.validity == validity)));
    }
    page.head("threshold_holds", "gauge", "1 if the threshold holds so far; absent while it is unknown.");
    for t in summary.thresholds.iter().filter(|t| t.status != ThresholdStatus::Unknown) {
        let holds = f64::from(u8::from(t.status == ThresholdStatus::Ok));
        page.value("threshold_holds", &[("metric", &t.metric), ("limit", &t.expression)], holds);
    }
}
