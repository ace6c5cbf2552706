//! Demand as it was: a file's text to counts in bins.
//!
//! Three forms: rows of `time,count`; a timestamp a line; the JSON of CloudWatch. Times are seconds, or RFC 3339. Every problem is told with
//! its line. Refuses to fill a gap: what was not counted is not known.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::demand::Bins;
use crate::num::{count, float, place};

/// Problems of one file that are told; the rest is counted.
const TOLD: usize = 20;

/// Bins of a file at most: a week of seconds.
const MOST_BINS: usize = 604_800;

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Counts as rates.
    pub bins: Bins,
    /// The coefficient of variation of the rate from bin to bin, beyond what independent users have; `None` of fewer than 60 bins.
    pub dispersion: Option<f64>,
    /// What it is, and what a reader must know of it.
    pub note: String,
}

/// Something wrong with a file: where, what, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportProblem {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// A row: when, in seconds since any instant; how many; where it stands.
struct CountRow {
    at: f64,
    count: f64,
    span: Range<usize>,
}

/// Reads a file's text.
///
/// # Errors
/// Every problem of it, at most twenty.
pub fn import(text: &str) -> Result<Imported, Vec<ImportProblem>> {
    if text.trim_start().starts_with(['{', '[']) {
        return cloudwatch(text);
    }
    let mut problems = Vec::new();
    let lines: Vec<(Range<usize>, &str)> = lines(text).collect();
    let single = lines.iter().filter(|(_, line)| !line.contains([',', ';', '\t'])).count() * 2 > lines.len();
    let mut rows: Vec<CountRow> = Vec::with_capacity(lines.len());
    for (n, (span, line)) in lines.iter().enumerate() {
        match row(line, single) {
            Ok((at, count)) => rows.push(CountRow { at, count, span: span.clone() }),
            // A first line may name the columns.
            Err(_) if n == 0 => {}
            Err((message, help)) => problems.push(ImportProblem { span: span.clone(), message, help: help.to_owned() }),
        }
    }
    if rows.is_empty() && problems.is_empty() {
        return Err(vec![whole(text, "there is no row in it", "write rows like 2026-12-01T10:00:00Z,120 or a timestamp a line")]);
    }
    // A row that could not be read would make a gap of its own.
    if !problems.is_empty() {
        return finish(text, None, problems, "");
    }
    let bins = if single { of_stamps(&rows, &mut problems) } else { of_rows(&rows, &mut problems) };
    finish(text, bins, problems, if single { "timestamps" } else { "counts" })
}

/// Lines with something on them that is no comment.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |piece| {
        let line = piece.trim_end();
        let span = at..at + line.len();
        at += piece.len();
        (!line.trim().is_empty() && !line.trim_start().starts_with('#')).then_some((span, line))
    })
}

fn row(line: &str, single: bool) -> Result<(f64, f64), (String, &'static str)> {
    let mut cells = line.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"'));
    let first = cells.next().unwrap_or_default();
    let at = instant(first)
        .ok_or_else(|| (format!("{} is not a time", quoted(first)), "write seconds, or RFC 3339 like 2026-12-01T10:00:00Z"))?;
    if single {
        return Ok((at, 1.0));
    }
    let second = cells.next().unwrap_or_default();
    let count: f64 = second.parse().map_err(|_| (not_a_count(second), "write a number from 0"))?;
    if !count.is_finite() || count < 0.0 {
        return Err((format!("a count of {second}"), "write a number from 0"));
    }
    Ok((at, count))
}

/// Seconds of a time.
fn instant(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        // Milliseconds since 1970 are told by their size: as seconds they would be in the year 33658 or later.
        return number.is_finite().then_some(if number > 1e12 { number / 1e3 } else { number });
    }
    let text = text.replacen(' ', "T", 1);
    let stamp = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse::<jiff::Timestamp>()).ok()?;
    // Nanoseconds of a float are lost beyond 2^53; bins are of seconds.
    #[allow(clippy::cast_precision_loss)]
    Some(stamp.as_nanosecond() as f64 / 1e9)
}

fn not_a_count(text: &str) -> String {
    if text.is_empty() { "its count is missing".to_owned() } else { format!("{} is not a count", quoted(text)) }
}

fn quoted(text: &str) -> String {
    crate::scenario::quoted(text)
}

fn whole(text: &str, message: &str, help: &str) -> ImportProblem {
    ImportProblem { span: 0..text.len().min(1), message: message.to_owned(), help: help.to_owned() }
}

/// Rows of counts: evenly spaced, in order, without a gap.
fn of_rows(rows: &[CountRow], problems: &mut Vec<ImportProblem>) -> Option<Bins> {
    let (first, second) = (rows.first()?, rows.get(1));
    let Some(second) = second else {
        problems.push(ImportProblem {
            span: first.span.clone(),
            message: "one row alone does not say how long its count took".to_owned(),
            help: "give at least two rows".to_owned(),
        });
        return None;
    };
    // The commonest distance is the bin; a first gap must not pass for one.
    let mut distances: Vec<f64> = rows.windows(2).map(|pair| pair[1].at - pair[0].at).filter(|d| *d > 0.0).collect();
    distances.sort_by(f64::total_cmp);
    let width_s = distances.get(distances.len() / 2).copied().unwrap_or(second.at - first.at);
    let mut bins = Vec::with_capacity(rows.len());
    bins.push(first.count / width_s);
    for pair in rows.windows(2) {
        let step = (pair[1].at - pair[0].at) / width_s;
        let mut wrong = |message: String, help: &str| {
            problems.push(ImportProblem { span: pair[1].span.clone(), message, help: help.to_owned() });
        };
        if step <= 0.0 {
            wrong("this time is not after the one before".to_owned(), "sort the rows by time, each once");
        } else if (step - 1.0).abs() > 1e-3 {
            let missing =
                format!("a gap: {} s after the row before, where the others are {width_s} s apart", pair[1].at - pair[0].at);
            wrong(missing, "add the missing rows, with 0 where nothing was counted");
        } else {
            bins.push(pair[1].count / width_s);
        }
    }
    Some(Bins { width_s, rates: bins })
}

/// Timestamps in any order: counted by minutes, or by seconds when all of them are within ten minutes.
fn of_stamps(rows: &[CountRow], problems: &mut Vec<ImportProblem>) -> Option<Bins> {
    let first = rows.iter().map(|row| row.at).fold(f64::INFINITY, f64::min);
    let last = rows.iter().map(|row| row.at).fold(f64::NEG_INFINITY, f64::max);
    if !first.is_finite() {
        return None;
    }
    let width_s = if last - first > 600.0 { 60.0 } else { 1.0 };
    if (last - first) / width_s > count(MOST_BINS) {
        let late = rows.iter().max_by(|a, b| a.at.total_cmp(&b.at))?;
        problems.push(ImportProblem {
            span: late.span.clone(),
            message: "the times are more than a year apart".to_owned(),
            help: "cut the file to the launch".to_owned(),
        });
        return None;
    }
    let mut bins = vec![0.0; place((last - first) / width_s) + 1];
    for row in rows {
        if let Some(bin) = bins.get_mut(place((row.at - first) / width_s)) {
            *bin += 1.0 / width_s;
        }
    }
    Some(Bins { width_s, rates: bins })
}

fn finish(text: &str, bins: Option<Bins>, mut problems: Vec<ImportProblem>, what: &str) -> Result<Imported, Vec<ImportProblem>> {
    if problems.is_empty() && bins.as_ref().is_some_and(|bins| bins.rates.iter().all(|rate| *rate <= 0.0)) {
        problems.push(whole(text, "all its counts are 0", "give a file with users in it"));
    }
    if bins.as_ref().is_some_and(|bins| bins.rates.len() > MOST_BINS) {
        problems.push(whole(text, "more than a week of seconds", "cut the file to the launch, or count by minutes"));
    }
    if problems.len() > TOLD {
        let more = problems.len() - TOLD;
        problems.truncate(TOLD);
        let last = problems[TOLD - 1].span.clone();
        problems.push(ImportProblem {
            span: last.end..last.end,
            message: format!("and {more} more of the kind"),
            help: "mend these first".to_owned(),
        });
    }
    match bins {
        Some(bins) if problems.is_empty() => {
            let dispersion = dispersion(&bins);
            let note = format!("{what} of {} bins of {} s", bins.rates.len(), bins.width_s);
            Ok(Imported { bins, dispersion, note })
        }
        _ => Err(problems),
    }
}

/// cv^2 = max(0, (variance - mean) / mean^2) of the counts around their smoothed course, a moving mean of seven.
fn dispersion(bins: &Bins) -> Option<f64> {
    const AROUND: usize = 3;
    if bins.rates.len() < 60 {
        return None;
    }
    let counts: Vec<f64> = bins.rates.iter().map(|rate| rate * bins.width_s).collect();
    let (mut excess, mut square) = (0.0, 0.0);
    for middle in AROUND..counts.len() - AROUND {
        let around = &counts[middle - AROUND..=middle + AROUND];
        let mean = around.iter().sum::<f64>() / count(around.len());
        // The middle is in the mean, which takes 1/7 off its own variance.
        let deviation = (counts[middle] - mean).powi(2) * count(around.len()) / count(around.len() - 1);
        excess += deviation - mean;
        square += mean * mean;
    }
    Some(if square > 0.0 { (excess / square).max(0.0).sqrt() } else { 0.0 })
}

/// The JSON of `get-metric-data` (`MetricDataResults` with `Timestamps` and `Values`) or `get-metric-statistics` (`Datapoints` with
/// `Timestamp` and `Sum`). Several series of one file add up: successful and throttled calls.
fn cloudwatch(text: &str) -> Result<Imported, Vec<ImportProblem>> {
    let help = "give the output of `aws cloudwatch get-metric-data` or `get-metric-statistics --statistics Sum`";
    let value: Value = serde_json::from_str(text).map_err(|e| vec![whole(text, &format!("not valid JSON: {e}"), help)])?;
    let mut problems = Vec::new();
    let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
    let mut labels = Vec::new();
    for series in value["MetricDataResults"].as_array().into_iter().flatten() {
        labels.push(series["Label"].as_str().unwrap_or("a metric").to_owned());
        let stamps = series["Timestamps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let values = series["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
        if stamps.len() != values.len() {
            problems.push(whole(
                text,
                &format!("{} has {} times and {} values", labels[labels.len() - 1], stamps.len(), values.len()),
                help,
            ));
        }
        for (stamp, value) in stamps.iter().zip(values) {
            add(text, stamp, value, &mut DataPoints { sums: &mut sums, problems: &mut problems });
        }
    }
    if let Some(points) = value["Datapoints"].as_array() {
        labels.push(value["Label"].as_str().unwrap_or("a metric").to_owned());
        for point in points {
            add(text, &point["Timestamp"], &point["Sum"], &mut DataPoints { sums: &mut sums, problems: &mut problems });
        }
    }
    if sums.is_empty() && problems.is_empty() {
        return Err(vec![whole(text, "there is no data point in it", help)]);
    }
    let bins = minutes(&sums);
    let mut imported = finish(text, Some(bins), problems, "CloudWatch's sums")?;
    let throttled = labels.iter().any(|label| label.contains("Throttled"));
    imported.note = format!(
        "{} ({}); {}; a minute's sum hides what happens within it",
        imported.note,
        labels.join(" + "),
        if throttled {
            "with throttled calls an upper bound where clients retry"
        } else {
            "without throttled calls a lower bound"
        }
    );
    Ok(imported)
}

/// Where data points go.
struct DataPoints<'a> {
    sums: &'a mut BTreeMap<i64, f64>,
    problems: &'a mut Vec<ImportProblem>,
}

/// Adds a data point; a value that is none is a problem.
fn add(text: &str, stamp: &Value, value: &Value, into: &mut DataPoints<'_>) {
    let at = stamp.as_str().and_then(instant).or_else(|| stamp.as_f64());
    match (at, value.as_f64()) {
        (Some(at), Some(value)) if value >= 0.0 && value.is_finite() => {
            // A count of seconds since 1970 is a whole number far below 2^63.
            #[allow(clippy::cast_possible_truncation)]
            let second = at.round() as i64;
            *into.sums.entry(second).or_default() += value;
        }
        _ => {
            let place = stamp.as_str().and_then(|stamp| text.find(stamp)).unwrap_or(0);
            into.problems.push(ImportProblem {
                span: place..place + 1,
                message: format!("a data point at {stamp} of {value}"),
                help: "a point has a time and a sum from 0".to_owned(),
            });
        }
    }
}

/// Sums by time; CloudWatch leaves out what is 0, so here alone a missing minute is one without calls.
fn minutes(sums: &BTreeMap<i64, f64>) -> Bins {
    let times: Vec<i64> = sums.keys().copied().collect();
    let width = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|d| *d > 0).min().unwrap_or(60).max(1);
    let first = times.first().copied().unwrap_or(0);
    let bin = |at: i64| usize::try_from((at - first) / width).unwrap_or(0).min(MOST_BINS);
    let mut rates = vec![0.0; bin(times.last().copied().unwrap_or(first)) + 1];
    let width_s = float(width.unsigned_abs());
    for (at, sum) in sums {
        rates[bin(*at)] += sum / width_s;
    }
    Bins { width_s, rates }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts by the minute, with a header or without, in any of the usual forms.
    #[test]
    fn counts_are_read() {
        let expected = Bins { width_s: 60.0, rates: vec![2.0, 3.0, 0.0] };
        for text in [
            "time,count\n2026-12-01T10:00:00Z,120\n2026-12-01T10:01:00Z,180\n2026-12-01T10:02:00Z,0\n",
            "# a comment\n0;120\n60;180\n\n120;0",
            "2026-12-01 10:00:00\t120\n2026-12-01 10:01:00\t180\n2026-12-01 10:02:00\t0",
        ] {
            assert_eq!(import(text).unwrap().bins, expected, "{text}");
        }
        let seconds = import("at\n10.0\n10.2\n11.5\n14.0\n").unwrap();
        assert_eq!(seconds.bins, Bins { width_s: 1.0, rates: vec![2.0, 1.0, 0.0, 0.0, 1.0] });
    }

    /// CloudWatch leaves out minutes without calls, and its series add up.
    #[test]
    fn cloudwatch_is_read() {
        let data = r#"{"MetricDataResults": [
            {"Label": "SuccessfulRequestCount", "Timestamps": ["2026-12-01T10:03:00Z", "2026-12-01T10:01:00Z", "2026-12-01T10:00:00Z"], "Values": [60, 120, 60]},
            {"Label": "ThrottledCount", "Timestamps": ["2026-12-01T10:01:00Z"], "Values": [60.0]}]}"#;
        let found = import(data).unwrap();
        assert_eq!(found.bins, Bins { width_s: 60.0, rates: vec![1.0, 3.0, 0.0, 1.0] });
        assert!(found.note.contains("upper bound"), "{}", found.note);
        let points = r#"{"Label": "Calls", "Datapoints": [{"Timestamp": "2026-12-01T10:01:00Z", "Sum": 30.0}, {"Timestamp": "2026-12-01T10:00:00Z", "Sum": 60.0}]}"#;
        assert_eq!(import(points).unwrap().bins.rates, [1.0, 0.5]);
    }

    /// Every problem is told with its line, and a gap is one.
    #[test]
    fn problems_have_lines() {
        let told = |text: &str| {
            let problems = import(text).unwrap_err();
            problems.iter().map(|p| format!("{:?}: {}", &text[p.span.clone()], p.message)).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(told("time,count\n0,5\n60,x\n90,\n120,-1\nnoon,3\n"), @r#"
        "60,x": `x` is not a count
        "90,": its count is missing
        "120,-1": a count of -1
        "noon,3": `noon` is not a time
        "#);
        insta::assert_snapshot!(told("0,5\n60,5\n60,5\n120,5\n"), @r#""60,5": this time is not after the one before"#);
        insta::assert_snapshot!(told("0,5\n60,5\n120,5\n300,5\n360,5\n"), @r#""300,5": a gap: 180 s after the row before, where the others are 60 s apart"#);
        insta::assert_snapshot!(told("0,0\n60,0\n"), @r#""0": all its counts are 0"#);
        insta::assert_snapshot!(told("header\n"), @r#""h": there is no row in it"#);
        insta::assert_snapshot!(told("{}"), @r#""{": there is no data point in it"#);
        insta::assert_snapshot!(told("{"), @r#""{": not valid JSON: EOF while parsing an object at line 1 column 1"#);
        assert_eq!(import(&"x,1\n".repeat(100)).unwrap_err().len(), 21);
    }

    /// Independent users have no dispersion, a factor a minute its own, and few bins none that anybody knows.
    #[test]
    fn dispersion_is_estimated() {
        use crate::stats::draw::{Stream, normal};
        let noisy = |cv: f64| {
            let count = |n: u64| {
                let mean = 600.0 * (1.0 + cv * normal(1, Stream::Minute, n)).max(0.0);
                (mean + mean.sqrt() * normal(2, Stream::Minute, n)).max(0.0)
            };
            dispersion(&Bins { width_s: 60.0, rates: (0..600).map(|n| count(n) / 60.0).collect() })
        };
        assert!(noisy(0.0).unwrap() < 0.02 && (noisy(0.2).unwrap() - 0.2).abs() < 0.02, "{:?} {:?}", noisy(0.0), noisy(0.2));
        assert_eq!(dispersion(&Bins { width_s: 60.0, rates: vec![1.0; 59] }), None);
    }

    proptest! {
        /// What is written as counts is read as counts, and no text makes it panic.
        #[test]
        fn round_trip(counts in prop::collection::vec(0u32..10_000, 2..50), width in 1u32..600, garbage in ".{0,200}") {
            let rows: Vec<String> =
                counts.iter().enumerate().map(|(i, n)| format!("{},{n}\n", i as u64 * u64::from(width))).collect();
            let text = rows.concat();
            match import(&text) {
                Ok(found) => {
                    prop_assert_eq!(found.bins.rates.len(), counts.len());
                    for (rate, n) in found.bins.rates.iter().zip(&counts) {
                        prop_assert!((rate * found.bins.width_s - f64::from(*n)).abs() < 1e-6);
                    }
                }
                Err(_) => prop_assert!(counts.iter().all(|n| *n == 0)),
            }
            let _ = import(&garbage);
        }
    }
}
