use std::sync::OnceLock;

use proptest::prelude::*;

use super::frame::{CHARTS_CSS, CHARTS_JS, DRAW_JS, PAGE_CSS, PAGE_JS};
use super::*;
use crate::client::outcome::Outcome;
use crate::record::ledger::id::Id;
use crate::stats::draw::{self, Stream};
use crate::summary::testing::{self, bad, good, steady};
use crate::summary::{SegmentSpan, Stop, segment_line};

/// Rows of some seconds with a bit of everything.
fn rows(n: u64) -> Vec<Row> {
    (0..n)
        .map(|second| Row {
            second,
            offered: 100,
            sent: 99,
            ok: 90 + second % 7,
            throttled_quota: second % 3,
            errors: second % 2,
            missed: u64::from(second == 5),
            response_p50_us: Some(45_000 + second * 7919 % 9000),
            response_p99_us: Some(145_000 + second * 104_729 % 90_000),
            service_p50_us: Some(44_000 + second * 7919 % 9000),
            service_p99_us: Some(144_000 + second * 104_729 % 90_000),
            in_flight: second % 11,
            ..Row::default()
        })
        .collect()
}

/// How the calls of rows ended, as far as rows tell.
fn endings(rows: &[Row]) -> Endings {
    let mut endings = Endings::default();
    for row in rows {
        let told = [
            (row.ok, Outcome::Ok, Some(200)),
            (row.throttled_quota, Outcome::ThrottledQuota, Some(400)),
            (row.throttled_ramp, Outcome::ThrottledRamp, Some(400)),
            (row.throttled_service, Outcome::ThrottledService, Some(500)),
            (row.errors, Outcome::ReadTimeout, None),
        ];
        for (n, outcome, status) in told {
            endings.add(row.second, outcome, status, n);
        }
    }
    endings
}

/// A segment of such rows.
fn segment(rows: &[Row], later: Duration) -> SegmentSeconds {
    SegmentSeconds { rows: rows.to_vec(), endings: endings(rows), later }
}

/// The data of the charts.
fn drawn(summary: &Summary, rows: &[Vec<Row>]) -> serde_json::Value {
    let segments: Vec<SegmentSeconds> = rows.iter().map(|rows| segment(rows, Duration::ZERO)).collect();
    drawn_of(summary, &segments)
}

fn drawn_of(summary: &Summary, segments: &[SegmentSeconds]) -> serde_json::Value {
    let page = HtmlPage { summary, segments, scenario: &steady(""), scenario_text: "", provenance: &[] };
    serde_json::from_str(&data::payload(&page)).unwrap()
}

fn page(summary: &Summary, rows: &[Row], scenario_text: &str) -> String {
    let provenance = [("machine".to_owned(), "linux x86_64, 2 cores".to_owned()), ("seed".to_owned(), "7".to_owned())];
    let segments = &[segment(rows, Duration::ZERO)];
    let page = HtmlPage { summary, segments, scenario: &steady(""), scenario_text, provenance: &provenance };
    let mut bytes = Vec::new();
    write(&page, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The page without what it carries unchanged, a line an element.
fn own(page: &str) -> String {
    let mut text = page.to_owned();
    for (asset, name) in [
        (CHARTS_CSS, "[uPlot.min.css]"),
        (PAGE_CSS, "[page.css]"),
        (CHARTS_JS, "[uPlot.min.js]"),
        (DRAW_JS, "[charts.js]"),
        (PAGE_JS, "[page.js]"),
    ] {
        assert!(asset.len() > 1000 && text.contains(asset), "{name}");
        text = text.replacen(asset, name, 1);
    }
    text.replace("><", ">\n<")
}

/// A run in which everything holds.
#[test]
fn html_good() {
    insta::assert_snapshot!(own(&page(&good(), &rows(3), "name = \"example\"\n")));
}

/// A run with misses, errors and violations: verdict and thresholds first, evidence in the page.
#[test]
fn html_bad() {
    insta::assert_snapshot!(own(&page(&bad(), &rows(6), "name = \"example\"\n")));
}

/// Longer runs are drawn in longer steps: counts as rates, percentiles as the worst of the step, the last one shorter.
#[test]
fn long_runs_have_longer_steps() {
    let long = rows(14_600);
    let data = drawn(&good(), std::slice::from_ref(&long));
    let column = |name: &str| data["columns"][name].as_array().unwrap().clone();
    let step = column("second")[1].as_u64().unwrap();
    assert!(step >= 4 && column("second").len() <= 3_650, "{step}");
    assert_eq!(column("offered")[0].as_f64(), Some(100.0));
    let worst = long[..usize::try_from(step).unwrap()].iter().filter_map(|r| r.response_p99_us).max();
    assert_eq!(column("response p99")[0].as_u64(), worst);
    assert!(column("in flight").iter().all(serde_json::Value::is_u64));
}

/// A run of a minute whose last answer comes in the second after it: what is drawn ends with the schedule and not with a fall to the few
/// answers of the second that is not whole. A run that was interrupted within a second is drawn up to the last whole one, and each segment
/// up to its own; a run of one row has it drawn.
#[test]
fn no_second_that_is_not_whole() {
    let last = |summary: &Summary, rows: &[Vec<Row>]| {
        let data = drawn(summary, rows);
        let seconds = data["columns"]["second"].as_array().unwrap().clone();
        seconds[seconds.len() - 2..].iter().map(|second| second.as_u64().unwrap()).collect::<Vec<_>>()
    };
    let ended = |us: u64, stop| Summary { elapsed_us: Some(us), stop, segments: Vec::new(), ..good() };
    let scheduled = crate::report::stages::length(&steady("")).as_secs();
    let whole = [scheduled - 1, scheduled];
    assert_eq!(last(&ended(scheduled * 1_000_000 + 130_000, Stop::Completed), &[rows(scheduled + 1)]), whole);
    assert_eq!(last(&ended(scheduled * 1_000_000 - 20_000, Stop::Completed), &[rows(scheduled)]), whole);
    assert_eq!(last(&ended(5_400_000, Stop::Interrupted), &[rows(6)]), [4, 5]);
    assert_eq!(last(&ended(400_000, Stop::Interrupted), &[rows(1)]), [0, 1]);
}

/// A resumed run: the seconds of its second segment lie where its calls were made, not at the second before; the second in which it began is not
/// whole and left out; the line that names the segment lies where it began.
#[test]
fn segments_lie_where_they_were() {
    let recorded = testing::recorded(&steady(""), &testing::good_calls(9));
    let line = |number, from_us, delayed_us| {
        let span = SegmentSpan { number, first_seq: 0, from_us, delayed_us, gap_us: Some(1_100_000) };
        segment_line(span, Stop::Killed, &recorded)
    };
    let summary = Summary { segments: vec![line(1, 0, 0), line(2, 3_400_000, 1_870_000)], ..good() };
    let second: Vec<Row> = rows(7).split_off(3);
    let data = drawn_of(&summary, &[segment(&rows(4), Duration::ZERO), segment(&second, Duration::from_micros(1_870_000))]);
    assert_eq!(data["columns"]["second"], serde_json::json!([0, 1, 2, 3, 5.87, 6.87, 7.87]));
    assert_eq!(data["columns"]["sent"], serde_json::json!([99, 99, 99, null, 99, 99, 99]));
    let throttled = endings(&second).count(4, |outcome, _| outcome == Outcome::ThrottledQuota);
    assert_eq!(data["columns"]["throttled_quota"][4], throttled);
    let marks = data["stages"].as_array().unwrap();
    assert!(marks.iter().any(|mark| mark["label"] == "segment 2, after 1.10s" && mark["at"] == 5.27), "{marks:?}");
    // A clock that was set back moves no place back.
    let data = drawn_of(&summary, &[segment(&rows(4), Duration::ZERO), segment(&rows(2), Duration::ZERO)]);
    let places: Vec<f64> = data["columns"]["second"].as_array().unwrap().iter().map(|at| at.as_f64().unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

/// Each threshold is a limit in the charts that show what it is about, in the colour of what became of it; a share follows the calls that
/// were sent.
#[test]
fn thresholds_are_drawn() {
    let mut summary = good();
    let threshold = |metric: &str, expression: &str, status| crate::summary::ThresholdResult {
        metric: metric.to_owned(),
        expression: expression.to_owned(),
        status,
        ..good().thresholds[0].clone()
    };
    summary.thresholds = vec![
        threshold("response.p99", "< 800ms", ThresholdStatus::Ok),
        threshold("rate.ok", ">= 500/s", ThresholdStatus::Failed),
        threshold("throttled.quota", "< 1%", ThresholdStatus::Unknown),
        threshold("idempotency.violations", "== 0", ThresholdStatus::Ok),
    ];
    let data = drawn(&summary, &[rows(9)]);
    let limit = |chart: &str| data["charts"][chart]["limits"][0].clone();
    assert_eq!(limit("times"), serde_json::json!({ "at": 8e5, "label": "response.p99 < 800ms", "hue": "--good" }));
    assert_eq!(limit("histogram")["upright"], true);
    assert!((limit("spectrum")["near"].as_f64().unwrap() - 100.0).abs() < 1e-6);
    assert_eq!(limit("rate"), serde_json::json!({ "at": 500.0, "label": "rate.ok >= 500/s", "hue": "--bad" }));
    assert_eq!(data["columns"]["throttled.quota < 1%"][0], 0.99);
    assert!(data["charts"]["endings"]["series"].as_array().unwrap().iter().any(|s| s["label"] == "throttled.quota < 1%"));
}

/// The bars of the histogram are shares of all ok answers: they add up to 100 %.
#[test]
fn a_histogram_has_all_answers() {
    let data = drawn(&good(), &[rows(9)]);
    let histogram = &data["charts"]["histogram"];
    for curve in histogram["series"].as_array().unwrap() {
        let shares: Vec<f64> = curve["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let (last, bars) = shares.split_last().unwrap();
        assert!((bars.iter().sum::<f64>() - 100.0).abs() < 0.1, "{shares:?}");
        assert_eq!((bars.last(), shares.len()), (Some(last), histogram["at"].as_array().unwrap().len()));
    }
    assert_eq!(histogram["series"].as_array().unwrap().len(), 2);
}

/// The page of an hour's run, with numbers that do not repeat, stays below 500 kB, whatever the rate.
#[test]
fn an_hour_is_small() {
    let mut hour = rows(3600);
    for row in &mut hour {
        let drawn = |n: u64, span: u64| draw::bits(7, Stream::Latency, row.second * 16 + n) % span;
        (row.offered, row.sent, row.ok) = (10_000 + drawn(0, 999), 10_000 + drawn(1, 999), 9_000 + drawn(2, 999));
        (row.throttled_quota, row.throttled_ramp, row.throttled_service) = (drawn(3, 999), drawn(4, 999), drawn(5, 999));
        (row.errors, row.missed, row.in_flight) = (drawn(6, 999), drawn(7, 999), drawn(8, 999));
        let times = [&mut row.response_p50_us, &mut row.response_p99_us, &mut row.service_p50_us, &mut row.service_p99_us];
        for (n, time) in (9..).zip(times) {
            *time = Some(1_000_000 + draw::bits(7, Stream::Latency, row.second * 16 + n) % 8_000_000);
        }
    }
    let length = page(&bad(), &hour, "name = \"example\"\n").len();
    assert!(length < 500_000, "{length} bytes");
}

/// A page of texts that are all harmless.
static HARMLESS: OnceLock<String> = OnceLock::new();

proptest! {
    /// Nothing that comes from outside becomes markup: neither a text of the scenario nor one of the service ends an element or begins one.
    #[test]
    fn nothing_escapes(text in r#"[<>/!"'&a-z\-]{0,12}(</script|<!--|<script>|</pre>|<img src=x>)[<>/!"'&a-z\-]{0,12}"#) {
        let mut summary = bad();
        text.clone_into(&mut summary.name);
        text.clone_into(&mut summary.description);
        for threshold in &mut summary.thresholds {
            text.clone_into(&mut threshold.expression);
        }
        for finding in &mut summary.idempotency.findings {
            finding.second.token = Some(Id::of(&text));
        }
        let harmless = HARMLESS.get_or_init(|| page(&Summary { description: "some".to_owned(), ..bad() }, &rows(3), "name = 1"));
        let page = page(&summary, &rows(3), &text);
        for mark in ["<script", "</script", "<!--", "<pre", "</pre", "<img", "<"] {
            prop_assert_eq!(page.matches(mark).count(), harmless.matches(mark).count(), "{}", mark);
        }
    }
}
