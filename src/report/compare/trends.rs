//! A history of runs as Markdown and as JUnit XML.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::history::{none, rows, sentence};
use crate::compare::ChangeVerdict;
use crate::compare::history::{Change, History, RunSeries};
use crate::metric::Metric;
use crate::report::parts;

/// Writes a history for a job's summary: the sentence, the changes, and the runs folded.
pub fn history_markdown(history: &History, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## livebench history: {}\n\n**{}**", history.verdict, history.sentence)?;
    for series in &history.series {
        writeln!(out, "\n### {}\n", title(series))?;
        for (setting, value) in &series.apart {
            writeln!(out, "- {setting} = {value}")?;
        }
        for line in lines(series) {
            writeln!(out, "- {line}")?;
        }
        writeln!(out, "\n<details><summary>Runs</summary>\n\n{}\n\n</details>", parts::piped(rows(series), 3))?;
    }
    for reason in &history.skipped {
        writeln!(out, "\nleft out: {reason}")?;
    }
    Ok(())
}

pub(super) fn title(series: &RunSeries) -> String {
    let runs = if series.runs.len() == 1 { "run" } else { "runs" };
    format!("{}, {} {runs}", series.name, series.runs.len())
}

pub(super) fn lines(series: &RunSeries) -> Vec<String> {
    if series.changes.is_empty() { vec![none(series)] } else { series.changes.iter().map(sentence).collect() }
}

/// Writes a history as JUnit XML: a suite a series, a test case a metric. A regression that stands is a failure.
pub fn history_junit(history: &History, out: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("livebench");
    for series in &history.series {
        let apart: Vec<String> = series.apart.iter().map(|(setting, value)| format!(", {setting} = {value}")).collect();
        let mut suite = TestSuite::new(format!("livebench history: {}{}", series.name, apart.concat()));
        suite.add_test_cases(Metric::followed().into_iter().map(|metric| case(series, metric)));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)
}

fn case(series: &RunSeries, metric: Metric) -> TestCase {
    let changes: Vec<&Change> = series.changes.iter().filter(|change| change.metric == metric.name()).collect();
    let regressed = changes.iter().any(|change| change.stands && change.verdict == ChangeVerdict::Regressed);
    let text = changes.iter().map(|change| sentence(change)).collect::<Vec<_>>().join("; ");
    let mut status = if regressed { TestCaseStatus::non_success(NonSuccessKind::Failure) } else { TestCaseStatus::success() };
    if regressed {
        status.set_message(text.clone());
    }
    let mut case = TestCase::new(metric.name(), status);
    case.set_classname("livebench.history");
    if !regressed {
        case.set_system_out(if text.is_empty() { none(series) } else { text });
    }
    case
}
