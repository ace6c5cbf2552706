//! JUnit XML: thresholds as test cases, for the CI systems that read it.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::parts;
use crate::summary::{RunResult, Severity, Summary, ThresholdStatus, Validity};

/// Writes one suite: a case for the result, one for the measurement's validity, and one for each threshold. What could not be observed is an error, not a failure.
pub fn write(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut suite = TestSuite::new(&summary.name);
    suite.set_time(Duration::from_micros(summary.elapsed_us.unwrap_or(0)));
    suite.add_test_case(case(&summary.name, "result", result(summary)));
    suite.add_test_case(case(&summary.name, "validity", validity(summary)));
    for threshold in &summary.thresholds {
        let said = format!("observed {}, asked for {}", parts::observed(threshold), threshold.expression);
        let status = match threshold.status {
            ThresholdStatus::Ok => TestCaseStatus::success(),
            ThresholdStatus::Failed => not(NonSuccessKind::Failure, &said),
            ThresholdStatus::Unknown => not(NonSuccessKind::Error, &said),
        };
        suite.add_test_case(case(&summary.name, &format!("{} {}", threshold.metric, threshold.expression), status));
    }
    if summary.thresholds.iter().all(|t| !t.metric.starts_with("idempotency.")) && summary.idempotency.violations > 0 {
        let status = not(NonSuccessKind::Failure, &parts::violations(&summary.idempotency));
        suite.add_test_case(case(&summary.name, "idempotency", status));
    }
    if let Some(told) = told(summary) {
        suite.set_system_out(told);
    }
    let mut report = Report::new("livebench");
    report.add_test_suite(suite);
    report.serialize(out).map_err(io::Error::other)
}

/// What was answered beside sessions, in the words of the other reports; `None` if there is nothing to tell.
fn told(summary: &Summary) -> Option<String> {
    let lines = [
        parts::statuses(summary).map(|statuses| format!("HTTP status: {statuses}")),
        parts::unexpected(summary).map(|example| format!("an unexpected answer: {example}")),
        parts::exceptions(summary).map(|names| format!("exceptions: {names}")),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn case(suite: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("livebench.{suite}"));
    case
}

fn not(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message);
    status
}

fn result(summary: &Summary) -> TestCaseStatus {
    let said = format!("{}: {}", summary.result.word(), parts::headline(summary));
    match summary.result {
        RunResult::Passed => TestCaseStatus::success(),
        RunResult::Failed => not(NonSuccessKind::Failure, &said),
        RunResult::NotTrusted => not(NonSuccessKind::Error, &said),
    }
}

fn validity(summary: &Summary) -> TestCaseStatus {
    if summary.verdict.validity != Validity::Invalid {
        return TestCaseStatus::success();
    }
    let reasons = summary.verdict.reasons.iter().filter(|r| r.severity == Severity::Invalid);
    let reasons: Vec<String> = reasons.map(|r| format!("{} ({})", r.what, r.remedy)).collect();
    not(NonSuccessKind::Error, &format!("INVALID: {}", reasons.join("; ")))
}
