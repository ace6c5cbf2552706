//! A summary as a list of numbers, each with a name, its labels and a unit: for spreadsheets and for Prometheus.

use std::io::{self, Write};

use crate::num::float;
use crate::prometheus::Exposition;
use crate::summary::{RunResult, Stats, Summary, ThresholdStatus, Validity};

/// One number. `value` is `None` where it is unknown.
#[derive(Debug, Clone, PartialEq)]
struct Number {
    name: &'static str,
    help: &'static str,
    labels: Vec<(&'static str, String)>,
    value: Option<f64>,
}

fn numbers(summary: &Summary) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut add = |name, help, labels: &[(&'static str, &str)], value| {
        let labels = labels.iter().map(|(key, text)| (*key, (*text).to_owned())).collect();
        numbers.push(Number { name, help, labels, value });
    };
    for (word, result) in [("passed", RunResult::Passed), ("failed", RunResult::Failed), ("not_trusted", RunResult::NotTrusted)] {
        add("result", "1 for the result of the run.", &[("result", word)], Some(f64::from(u8::from(summary.result == result))));
    }
    for (word, validity) in [("VALID", Validity::Valid), ("SUSPECT", Validity::Suspect), ("INVALID", Validity::Invalid)] {
        let is = summary.verdict.validity == validity;
        add("verdict", "1 for the verdict of the run.", &[("verdict", word)], Some(f64::from(u8::from(is))));
    }
    let c = &summary.counts;
    add("scheduled_calls", "Calls of the schedule.", &[], Some(float(c.scheduled)));
    add("sent_calls", "Calls handed to the client.", &[], Some(float(c.sent)));
    for (outcome, count) in &c.by_outcome {
        add("calls", "Calls by the way they ended.", &[("outcome", outcome.name())], Some(float(*count)));
    }
    add("calls", "Calls by the way they ended.", &[("outcome", "unsent")], Some(float(c.unsent)));
    for (status, count) in &by_status(summary) {
        add("answers", "Answers by HTTP status.", &[("status", status)], Some(float(*count)));
    }
    let t = &summary.throttled;
    for (cause, count) in [("quota", t.quota), ("ramp", t.ramp), ("service", t.service)] {
        add("throttled_calls", "Calls refused for rate, by cause.", &[("cause", cause)], Some(float(count)));
    }
    let r = &summary.rates;
    for (which, rate) in [("offered", r.offered_per_s), ("sent", r.sent_per_s), ("ok", r.ok_per_s)] {
        add("calls_per_second", "Rates over the run.", &[("which", which)], rate);
    }
    for (series, by) in
        [("lateness", &summary.latency.lateness), ("service", &summary.latency.service), ("response", &summary.latency.response)]
    {
        for (class, stats) in [("all", &by.all), ("ok", &by.ok), ("throttled", &by.throttled), ("error", &by.error)] {
            for (stat, us) in stats.as_ref().map(times).into_iter().flatten() {
                let labels = [("series", series), ("class", class), ("stat", stat)];
                add("time_seconds", "Lateness, service and response time.", &labels, us.map(|us| float(us) / 1e6));
            }
        }
    }
    add("distinct_sessions", "Different session ids.", &[], summary.sessions.distinct.map(float));
    add("idempotency_violations", "Contradictions of ClientRequestToken.", &[], Some(float(summary.idempotency.violations)));
    for threshold in &summary.thresholds {
        let holds = match threshold.status {
            ThresholdStatus::Ok => Some(1.0),
            ThresholdStatus::Failed => Some(0.0),
            ThresholdStatus::Unknown => None,
        };
        let labels = [("metric", threshold.metric.as_str()), ("limit", threshold.expression.as_str())];
        add("threshold_holds", "1 if the threshold holds.", &labels, holds);
    }
    numbers
}

fn by_status(summary: &Summary) -> Vec<(String, u64)> {
    summary.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect()
}

fn times(s: &Stats) -> [(&'static str, Option<u64>); 8] {
    [
        ("min", Some(s.min_us)),
        ("mean", Some(s.mean_us)),
        ("p50", s.p50_us),
        ("p90", s.p90_us),
        ("p95", s.p95_us),
        ("p99", s.p99_us),
        ("p999", s.p999_us),
        ("max", Some(s.max_us)),
    ]
}

/// Writes a row a number: `name`, `labels` (`key=value` with spaces between) and `value`, empty where it is unknown.
pub fn csv(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(["name", "labels", "value"])?;
    for number in numbers(summary) {
        let labels: Vec<String> = number.labels.iter().map(|(key, text)| format!("{key}={text}")).collect();
        let value = number.value.map_or_else(String::new, |value| value.to_string());
        rows.write_record([number.name, &labels.join(" "), &value])?;
    }
    rows.flush()
}

/// Writes the text format of Prometheus (version 0.0.4), for the textfile collector or a push gateway. What is unknown is left out.
pub fn prometheus(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut text = Exposition::of_scenario(&summary.name);
    let mut last = "";
    for number in numbers(summary) {
        let Some(value) = number.value else { continue };
        if number.name != last {
            text.head(number.name, "gauge", number.help);
            last = number.name;
        }
        let labels: Vec<(&str, &str)> = number.labels.iter().map(|(key, text)| (*key, text.as_str())).collect();
        text.sample(number.name, &labels, value);
    }
    out.write_all(text.into_text().as_bytes())
}
