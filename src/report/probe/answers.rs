//! What the charts of a probe's page draw: every call, and the calls of each second.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::num::{float, place};
use crate::probe::{AnswerClass, Observation, ProbeFinding, reading};
use crate::report::html::chart::{Across, ChartCurve, ChartData, ChartSpec, CurveStyle, Upward};

/// Calls that are drawn at most; of more, every second one, every third and so on.
const POINTS: usize = 6000; // derived: seven columns of 7 characters each stay below 300 kB

const CLOCK: &str = "time since the start";

/// Everything, as JSON that may stand inside a `<script>`.
pub(super) fn payload(finding: &ProbeFinding) -> String {
    let calls = Drawn::of(&finding.observations);
    let charts = BTreeMap::from([
        ("answers".into(), calls.answers()),
        ("rates".into(), rates(&finding.observations)),
        ("trips".into(), calls.trips()),
    ]);
    ChartData { columns: BTreeMap::from([("sent".to_owned(), calls.sent)]), stages: Vec::new(), charts }.in_script()
}

/// The calls, by the instant of sending.
struct Drawn {
    sent: Vec<Value>,
    /// Calls that were let through up to here.
    passed: Vec<u64>,
    trip_us: Vec<u64>,
    read: Vec<AnswerClass>,
}

impl Drawn {
    fn of(observations: &[Observation]) -> Self {
        let read = reading(observations);
        let mut sorted: Vec<&Observation> = observations.iter().collect();
        sorted.sort_by_key(|o| o.sent_us);
        let step = sorted.len().div_ceil(POINTS).max(1);
        let mut passed = 0;
        let mut drawn = Self { sent: Vec::new(), passed: Vec::new(), trip_us: Vec::new(), read: Vec::new() };
        for (n, o) in sorted.into_iter().enumerate() {
            passed += u64::from(o.answer == AnswerClass::Accepted);
            if n % step == 0 {
                drawn.sent.push(((float(o.sent_us) / 1e3).round() / 1e3).into());
                drawn.passed.push(passed);
                drawn.trip_us.push(o.done_us.saturating_sub(o.sent_us).max(1));
                drawn.read.push(read(o));
            }
        }
        drawn
    }

    /// A value where a call was answered so, and nothing elsewhere.
    fn where_read(&self, values: &[u64], as_: fn(AnswerClass) -> bool) -> Vec<Option<u64>> {
        values.iter().zip(&self.read).map(|(value, read)| as_(*read).then_some(*value)).collect()
    }

    /// A curve of points for each way to answer that occurred.
    fn points(&self, mut chart: ChartSpec, values: &[u64]) -> ChartSpec {
        for (name, hue, as_) in ANSWERS {
            let values = self.where_read(values, as_);
            if values.iter().any(Option::is_some) {
                chart = chart.curve(ChartCurve::new(name, hue, CurveStyle::Points, values));
            }
        }
        chart
    }

    fn answers(&self) -> ChartSpec {
        let chart = ChartSpec::new(Across::Time, Upward::Count, [CLOCK, "calls let through"], "sent");
        self.points(chart.curve(ChartCurve::new("in all", "--c6", CurveStyle::Step, self.passed.clone())), &self.passed)
    }

    fn trips(&self) -> ChartSpec {
        self.points(ChartSpec::new(Across::Time, Upward::Time, [CLOCK, "round trip"], "sent"), &self.trip_us)
    }
}

type IsRead = fn(AnswerClass) -> bool;

/// What a call was answered, as far as it counts.
const ANSWERS: [(&str, &str, IsRead); 3] = [
    ("let through", "--c2", |read| matches!(read, AnswerClass::Accepted)),
    ("refused", "--c3", |read| matches!(read, AnswerClass::Refused)),
    ("other", "--c5", |read| !matches!(read, AnswerClass::Accepted | AnswerClass::Refused)),
];

/// Calls of each whole second; the last one is not whole and left out, unless it is the only one.
fn rates(observations: &[Observation]) -> ChartSpec {
    let read = reading(observations);
    let second = |o: &Observation| o.sent_us / 1_000_000;
    let end = observations.iter().map(|o| o.done_us / 1_000_000).max().unwrap_or(0).max(1);
    let length = place(float(end));
    let mut counts = vec![[0u64; 4]; length];
    for o in observations {
        let at = place(float(second(o)));
        let Some(of) = counts.get_mut(at) else { continue };
        of[0] += 1;
        for ((_, _, as_), n) in ANSWERS.iter().zip(&mut of[1..]) {
            *n += u64::from(as_(read(o)));
        }
    }
    // The last second has a length, too.
    counts.extend(counts.last().copied());
    let at: Vec<u64> = (0..=end).collect();
    let names = [("sent", "--c1")].into_iter().chain(ANSWERS.iter().map(|(name, hue, _)| (*name, *hue)));
    let curves = names.enumerate().map(|(n, (name, hue))| {
        let values: Vec<u64> = counts.iter().map(|of| of[n]).collect();
        (values.iter().any(|n| *n > 0), ChartCurve::new(name, hue, CurveStyle::Step, values))
    });
    ChartSpec::new(Across::Time, Upward::Count, [CLOCK, "calls per second"], at)
        .closed()
        .curves(curves.filter(|(some, _)| *some).map(|(_, curve)| curve))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::finding;

    fn data(finding: &ProbeFinding) -> Value {
        serde_json::from_str(&payload(finding)).unwrap()
    }

    /// Every call is a point, in the order of sending; what is let through only grows; what was let through and refused adds up.
    #[test]
    fn every_call_is_drawn() {
        let found = finding();
        let data = data(&found);
        let sent = data["columns"]["sent"].as_array().unwrap();
        assert_eq!(sent.len(), found.observations.len());
        assert!(sent.windows(2).all(|pair| pair[0].as_f64() <= pair[1].as_f64()));
        let series = data["charts"]["answers"]["series"].as_array().unwrap();
        let points = |n: usize| series[n]["values"].as_array().unwrap().iter().filter(|v| !v.is_null()).count();
        assert_eq!(series.len(), 3);
        assert_eq!(points(1) + points(2), found.observations.len());
        assert_eq!(points(1), found.sessions as usize);
    }

    /// Of very many calls some are left out, and the number let through is right all the same.
    #[test]
    fn very_many_calls() {
        let one = finding().observations[0];
        let observations: Vec<Observation> = (0..20_000u64)
            .map(|n| Observation { sent_us: n * 1000, done_us: n * 1000 + 500, answer: AnswerClass::Accepted, ..one })
            .collect();
        let text = payload(&ProbeFinding { observations, ..finding() });
        assert!(text.len() < 300_000, "{}", text.len());
        let data: Value = serde_json::from_str(&text).unwrap();
        let passed = data["charts"]["answers"]["series"][0]["values"].as_array().unwrap();
        assert_eq!((passed.len(), passed.last().unwrap().as_u64()), (5000, Some(19_997)));
    }
}
