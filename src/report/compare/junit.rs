//! A comparison as JUnit XML: a test case a metric, and one a threshold, for the tables that CI systems draw.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::words;
use crate::compare::{ChangeVerdict, Comparison, Family, MetricLine};

/// Writes a comparison as JUnit XML. A regression is a failure; what is inconclusive is one if `strict`, else skipped; what is
/// incomparable is an error.
pub fn junit(comparison: &Comparison, strict: bool, out: &mut impl Write) -> io::Result<()> {
    let mut suite = TestSuite::new(format!("livebench compare: {}", words::sides(comparison)));
    suite.add_test_cases(comparison.metrics.iter().map(|metric| case(metric, strict)));
    suite.add_test_cases(comparison.checks.iter().map(|check| judged(&check.name, check.verdict, words::check(check), strict)));
    let mut report = Report::new("livebench");
    report.add_test_suite(suite);
    report.serialize(out).map_err(io::Error::other)
}

fn case(metric: &MetricLine, strict: bool) -> TestCase {
    let rows = words::table(&[metric]);
    let text: Vec<String> = rows[0].iter().zip(&rows[1]).skip(1).map(|(name, cell)| format!("{name} {cell}")).collect();
    // Our own lateness decides nothing, here as elsewhere.
    let own = metric.family == Family::Lateness && metric.verdict != ChangeVerdict::Incomparable;
    let verdict = if own { ChangeVerdict::Unchanged } else { metric.verdict };
    judged(&metric.name, verdict, text.join(", "), strict)
}

/// A test case with its verdict; `text` is what it says of itself.
fn judged(name: &str, verdict: ChangeVerdict, text: String, strict: bool) -> TestCase {
    let mut status = match verdict {
        ChangeVerdict::Improved | ChangeVerdict::Unchanged => TestCaseStatus::success(),
        ChangeVerdict::Inconclusive if !strict => TestCaseStatus::skipped(),
        ChangeVerdict::Regressed | ChangeVerdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Failure),
        ChangeVerdict::Incomparable => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let holds = matches!(status, TestCaseStatus::Success { .. });
    if !holds {
        status.set_message(text.clone());
    }
    let mut case = TestCase::new(name.to_owned(), status);
    case.set_classname("livebench.compare");
    if holds {
        case.set_system_out(text);
    }
    case
}
