//! A comparison in one sentence: what changed and by how much, or between which limits it did not.
//!
//! Refuses to say more than the verdicts do.

use super::catalog::Family;
use super::checks::VIOLATIONS;
use super::contract::{ChangeVerdict, CheckLine, DifferenceKind, Incomparability, MetricLine};
use crate::units::plural;

/// Claims in a sentence; more are counted.
// derived: what a reader keeps in mind while reading the next
const CLAIMS: usize = 3;

/// What a sentence is made of.
pub(super) struct Verdicts<'a> {
    pub(super) overall: ChangeVerdict,
    pub(super) metrics: &'a [MetricLine],
    pub(super) checks: &'a [CheckLine],
    pub(super) reasons: &'a [Incomparability],
}

impl Verdicts<'_> {
    /// The sentence.
    pub(super) fn sentence(&self) -> String {
        match self.overall {
            ChangeVerdict::Incomparable => self.not_compared(),
            ChangeVerdict::Unchanged => self.between("No change that matters"),
            ChangeVerdict::Inconclusive => self.between("No regression found"),
            ChangeVerdict::Regressed | ChangeVerdict::Improved => self.changed(),
        }
    }

    fn not_compared(&self) -> String {
        let kinds: Vec<&str> =
            self.reasons.iter().filter(|r| r.kind != DifferenceKind::Validity).map(|r| r.kind.name()).collect();
        if kinds.is_empty() {
            return "Not compared: a run is INVALID.".to_owned();
        }
        format!("Not compared: the runs are not the same experiment; they differ in {}.", kinds.join(" and "))
    }

    /// Where the median lies, as far as that is known.
    fn between(&self, what: &str) -> String {
        let median = self.metrics.iter().find(|m| m.name == "response.p50");
        let limits = median.and_then(|m| Some((m.low_pct?, m.high_pct?)));
        match limits {
            Some((low, high)) if (high - low).abs() < 1e-9 && low.abs() < 1e-9 => format!("{what}: the median is the same."),
            Some((low, high)) if signed(low) == signed(high) => format!("{what}: the median changed by {}.", signed(low)),
            Some((low, high)) => format!("{what}: the median changed by between {} and {}.", signed(low), signed(high)),
            None if self.metrics.iter().all(|m| m.base_samples + m.new_samples == 0) => format!("{what}: there are no calls."),
            None => format!("{what}, with too few answers to bound the change of the median."),
        }
    }

    fn changed(&self) -> String {
        let responses = self.responses();
        let others = self.metrics.iter().filter(|m| self.says(m) && m.family != Family::Latency && m.family != Family::Tail);
        let checks = self.checks.iter().filter(|check| check.verdict == self.overall);
        let claims: Vec<String> = responses.into_iter().chain(checks.map(|c| self.check(c))).chain(others.map(other)).collect();
        let more = claims.len().saturating_sub(CLAIMS);
        let more = if more > 0 { format!("; and {}", plural(more as u64, "more change")) } else { String::new() };
        let text = claims.into_iter().take(CLAIMS).collect::<Vec<_>>().join("; ");
        let first = text.chars().next().into_iter().flat_map(char::to_uppercase);
        format!("{}{}{more}.", first.collect::<String>(), text.chars().skip(1).collect::<String>())
    }

    /// Whether a line is one of those that the verdict rests on. Our own lateness is none.
    fn says(&self, line: &MetricLine) -> bool {
        line.verdict == self.overall && line.same_as.is_none() && line.family != Family::Lateness
    }

    fn named(&self, name: &str) -> Option<&MetricLine> {
        self.metrics.iter().find(|m| m.name == name && self.says(m))
    }

    /// The times of the answers in one claim: as a whole, or only the slow ones.
    fn responses(&self) -> Option<String> {
        let slower = if self.overall == ChangeVerdict::Regressed { "slower" } else { "faster" };
        let tail = ["p99", "p95", "p90"].into_iter().find_map(|p| Some((p, self.named(&format!("response.{p}"))?)));
        let by = |line: &MetricLine| line.change_pct.map(|pct| unsigned(pct.abs()));
        if let Some(whole) = self.named("response.geomean").or_else(|| self.named("response.p50")) {
            let limits = tail.map_or_else(|| limits(whole), |(p, line)| limits(line).map(|limits| format!("{p} {limits}")));
            let limits = limits.map_or_else(String::new, |limits| format!(" ({limits})"));
            return Some(format!("responses are {} {slower}{limits}", by(whole)?));
        }
        let slow = self.named("response.slowest_tenth").map(|line| ("slowest tenth", line));
        if let Some((what, line)) = slow.or(tail) {
            let limits = limits(line).map_or_else(String::new, |limits| format!(" ({limits})"));
            return Some(format!("the {what} of the responses is {} {slower}{limits}", by(line)?));
        }
        let any = self.metrics.iter().find(|m| self.says(m) && matches!(m.family, Family::Latency | Family::Tail))?;
        let limits = limits(any).map_or_else(String::new, |limits| format!(" ({limits})"));
        Some(format!("{} {}{limits}", any.name, self.overall))
    }

    fn check(&self, check: &CheckLine) -> String {
        match (check.base_count, check.new_count) {
            (Some(base), Some(new)) if check.name == VIOLATIONS => {
                format!("idempotency was violated {new} times on the new side, {base} times on the base")
            }
            _ if self.overall == ChangeVerdict::Regressed => format!("`{}` fails on the new side only", check.name),
            _ => format!("`{}` fails on the base only", check.name),
        }
    }
}

fn other(line: &MetricLine) -> String {
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| unsigned(100.0 * v));
    match (line.family, line.change_pct) {
        (Family::Rate, Some(pct)) => {
            format!("{} {} sessions", unsigned(pct.abs()), if pct < 0.0 { "fewer" } else { "more" })
        }
        _ => format!("{} {} instead of {}", line.name, share(line.new), share(line.base)),
    }
}

fn limits(line: &MetricLine) -> Option<String> {
    match (line.low_pct, line.high_pct) {
        (None, None) => None,
        (low, high) => {
            let end = |limit: Option<f64>| limit.map_or_else(|| "?".to_owned(), signed);
            let (low, high) = (end(low), end(high));
            Some(if low == high { low } else { format!("{low} to {high}") })
        }
    }
}

fn unsigned(pct: f64) -> String {
    // derived: two significant digits below 10, whole per cent above
    let digits = usize::from(pct.abs() < 9.95);
    let text = format!("{pct:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{} %", if text == "-0" { "0" } else { text })
}

fn signed(pct: f64) -> String {
    let text = unsigned(pct);
    if pct > 0.0 && !text.starts_with("0 ") { format!("+{text}") } else { text }
}
