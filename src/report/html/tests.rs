use proptest::prelude::*;

use super::*;
use crate::record::ledger::id::Id;
use crate::stats::draw::{self, Stream};
use crate::summary::testing::{bad, good, steady};

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

fn page(summary: &Summary, rows: &[Row], scenario_text: &str) -> String {
    let provenance = [("machine".to_owned(), "linux x86_64, 2 cores".to_owned()), ("seed".to_owned(), "7".to_owned())];
    let rows = &[rows.to_vec()];
    let page = HtmlPage { summary, rows, scenario: &steady(""), scenario_text, provenance: &provenance };
    let mut bytes = Vec::new();
    write(&page, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The page without what it carries unchanged, a line an element.
fn own(page: &str) -> String {
    let mut text = page.to_owned();
    for (asset, name) in
        [(CHARTS_CSS, "[uPlot.min.css]"), (PAGE_CSS, "[page.css]"), (CHARTS_JS, "[uPlot.min.js]"), (PAGE_JS, "[page.js]")]
    {
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
    let long = rows(7300);
    let data: serde_json::Value =
        serde_json::from_str(&data::payload(&good(), std::slice::from_ref(&long), &steady(""))).unwrap();
    let column = |name: &str| data["columns"][name].as_array().unwrap().clone();
    assert_eq!(column("second").len(), 2434);
    assert_eq!((column("second")[1].clone(), column("offered")[0].as_f64()), (3.into(), Some(100.0)));
    let worst = long[..3].iter().filter_map(|r| r.response_p99_us).max();
    assert_eq!(column("response_p99_us")[0].as_u64(), worst);
    assert_eq!(column("in_flight")[2433].as_u64(), Some(long[7299].in_flight));
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
        let harmless = page(&Summary { description: "some".to_owned(), ..bad() }, &rows(3), "name = 1");
        let page = page(&summary, &rows(3), &text);
        for mark in ["<script", "</script", "<!--", "<pre", "</pre", "<img", "<"] {
            prop_assert_eq!(page.matches(mark).count(), harmless.matches(mark).count(), "{}", mark);
        }
    }
}
