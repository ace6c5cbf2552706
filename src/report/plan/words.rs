//! What a plan says, in words and tables: the same for every form.

use std::time::Duration;

use crate::num::{float, whole};
use crate::plan::PlanReport;
use crate::plan::assemble::short_name;
use crate::plan::contract::{InputEffect, LaunchReport, OptionFigures, Percentiles, QuotaFigures};
use crate::plan::judge::PlanVerdict;
use crate::plan::limit::KnownFrom;
use crate::plan::spread::InputUnit;
use crate::report::parts::{TableRows, fitted, plain};
use crate::units::{human, plural};

/// A table with its title.
pub(super) struct PlanSection {
    pub(super) title: &'static str,
    pub(super) says: String,
    pub(super) rows: TableRows,
    /// Columns that are flush left.
    pub(super) left: usize,
    /// How many of the last columns are texts, which stand below each row where lines are too short for them.
    pub(super) texts: usize,
}

impl PlanSection {
    /// The table in lines of at most `columns`. Texts that have no room in it stand below their row.
    pub(super) fn lines(&self, columns: usize) -> Vec<String> {
        let whole = plain(self.rows.clone(), self.left);
        let Some((head, rows)) = self.rows.split_first() else { return whole };
        if whole.iter().all(|line| line.chars().count() <= columns) {
            return whole;
        }
        let numbers = head.len() - self.texts;
        let without: TableRows = self.rows.iter().map(|row| row[..numbers].to_vec()).collect();
        let mut lines = Vec::new();
        for (n, part) in fitted(&without, self.left, columns).into_iter().enumerate() {
            for (i, line) in part.into_iter().enumerate() {
                lines.push(line);
                if let (0, Some(row)) = (n, i.checked_sub(1).and_then(|i| rows.get(i))) {
                    let texts = head.iter().zip(row).skip(numbers).filter(|(_, text)| !text.is_empty());
                    let texts: Vec<String> = texts.map(|(name, text)| format!("{name}: {text}")).collect();
                    lines.extend((!texts.is_empty()).then(|| format!("     {}", texts.join("; "))));
                }
            }
        }
        lines
    }
}

/// What is planned, in a line.
pub(super) fn subject(report: &PlanReport) -> String {
    format!(
        "{}  {}: {}; target < {} refused",
        report.name,
        report.region,
        report.demand.source,
        percent(report.target_refused_share)
    )
}

/// A share as people read it.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        zero if zero <= 0.0 => "0 %".to_owned(),
        small if small < 0.001 => "< 0.001 %".to_owned(),
        small if small < 0.1 => format!("{small:.3} %"),
        middle if middle < 10.0 => format!("{middle:.2} %"),
        much => format!("{much:.1} %"),
    }
}

/// A number with as many digits as matter.
pub(super) fn number(x: f64) -> String {
    match x.abs() {
        large if large >= 1000.0 => thousands(x),
        middle if middle >= 100.0 => format!("{x:.0}"),
        _ if x.fract().abs() < 1e-9 => format!("{x:.0}"),
        small if small >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

/// A whole number with its thousands apart.
fn thousands(x: f64) -> String {
    let digits = format!("{x:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digit.is_ascii_digit() && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn time(us: u64) -> String {
    human(Duration::from_micros(us))
}

/// A time of seconds, short.
pub(super) fn clock(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

pub(super) fn sections(report: &PlanReport) -> Vec<PlanSection> {
    let mut sections = vec![demand(report), quotas(report), felt(report)];
    if !report.options.is_empty() {
        sections.push(options(report));
    }
    if !report.ask.is_empty() {
        sections.push(ask(report));
    }
    if report.sensitivity.iter().any(|effect| moves(effect, report.draws)) {
        sections.push(measure(report));
    }
    sections
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn demand(report: &PlanReport) -> PlanSection {
    let demand = &report.demand;
    let line = |name: &str, p: &Percentiles, note: String| {
        vec![name.to_owned(), number(p.expected), format!("{} .. {}", number(p.p10), number(p.p90)), note]
    };
    let seconds = if demand.checks_peak_per_s.expected > 0.0 {
        demand.sessions_at_once.expected / demand.checks_peak_per_s.expected
    } else {
        0.0
    };
    let rows = vec![
        row(&["", "expected", "p10 .. p90", ""]),
        line("users", &demand.users_total, format!("over {}", clock(demand.length_s))),
        line("users/s at the peak", &demand.users_peak_per_s, format!("{} after the start", clock(demand.peak_at_s))),
        line(
            "checks/s at the peak",
            &demand.checks_peak_per_s,
            if demand.checks_per_user > 1.0 {
                format!("x {:.3} for repeated checks", demand.checks_per_user)
            } else {
                String::new()
            },
        ),
        line("sessions at once", &demand.sessions_at_once, format!("x {seconds:.1} s a session")),
    ];
    PlanSection { title: "DEMAND", says: format!("{} forecasts drawn", report.draws), rows, left: 1, texts: 0 }
}

fn quotas(report: &PlanReport) -> PlanSection {
    let mut rows = vec![row(&["", "code", "have", "needed", "p90", "enough?", "known from"])];
    rows.extend(report.quotas.iter().map(quota));
    PlanSection { title: "QUOTAS", says: "each alone, for users who see no error".to_owned(), rows, left: 2, texts: 1 }
}

/// What there is of a quota.
pub(super) fn have(quota: &QuotaFigures) -> String {
    match (quota.limit, quota.rate_per_s, quota.burst) {
        (Some(limit), ..) => limit.to_string(),
        (_, Some(rate), Some(burst)) => format!("{} burst {burst:.0}", number(rate.point)),
        (_, Some(rate), None) => format!("{} burst ?", number(rate.point)),
        _ => "no limit".to_owned(),
    }
}

fn quota(quota: &QuotaFigures) -> Vec<String> {
    let ceil = |x: f64| if quota.limit.is_some() { format!("{x:.0}") } else { number(x) };
    let word = match quota.verdict {
        PlanVerdict::Enough => "yes",
        PlanVerdict::NotEnough => "no",
        PlanVerdict::Unsure => "unsure",
    };
    let needed = match quota.needed_small_burst {
        Some(more) => format!("{} ({} if its burst is small)", ceil(quota.needed.expected), number(more)),
        None => ceil(quota.needed.expected),
    };
    vec![
        short_name(quota).to_owned(),
        quota.quota_code.clone(),
        have(quota),
        needed,
        ceil(quota.needed.p90),
        format!("{word}, {:.0} %", quota.p_enough * 100.0),
        known(quota),
    ]
}

fn known(quota: &QuotaFigures) -> String {
    let from = match quota.evidence {
        KnownFrom::Probed => "probed",
        KnownFrom::Applied => "Service Quotas",
        KnownFrom::Default => "assumed: AWS's default",
        KnownFrom::Given => "given",
    };
    std::iter::once(from.to_owned()).chain(quota.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
}

fn felt(report: &PlanReport) -> PlanSection {
    let mut rows = vec![row(&[
        "",
        "see an error",
        "verified",
        "Create refused",
        "Start refused",
        "at once",
        "creates",
        "wait p50",
        "wait p99",
    ])];
    rows.push(launch("as it is", &report.launch));
    if let Some(asked) = report.options.iter().find(|option| option.name == "as asked") {
        rows.push(launch("as asked below", &asked.launch));
    }
    let peak = format!(
        "{} simulated; as it is, creates reach {}/s",
        if report.launch.replications == 1 { "1 launch".to_owned() } else { format!("{} launches", report.launch.replications) },
        number(report.launch.creates_peak_per_s)
    );
    PlanSection { title: "USERS WOULD FEEL", says: peak, rows, left: 1, texts: 0 }
}

fn launch(name: &str, launch: &LaunchReport) -> Vec<String> {
    let error =
        |share: f64, error: f64| if error > 0.0 { format!("{} ± {:.2}", percent(share), error * 100.0) } else { percent(share) };
    let se = &launch.standard_errors;
    vec![
        name.to_owned(),
        error(launch.error_seen_share, se.error_seen_share),
        error(launch.verified_share, se.verified_share),
        error(launch.create_refused_share, se.create_refused_share),
        error(launch.start_refused_share, se.start_refused_share),
        number(launch.concurrent_max),
        number(launch.creates_sent),
        time(launch.wait_p50_us),
        time(launch.wait_p99_us),
    ]
}

fn options(report: &PlanReport) -> PlanSection {
    let head = ["", "errors", "verified", "wait p50", "wait p99", "spend", "change", "costs", "begin by"];
    let mut rows = vec![row(&head)];
    rows.extend(report.options.iter().map(option));
    PlanSection {
        title: "WHAT TO DO",
        says: "each option simulated; errors: users who see one".to_owned(),
        rows,
        left: 1,
        texts: 3,
    }
}

fn option(option: &OptionFigures) -> Vec<String> {
    let by = match (&option.latest_request_date, option.lead_time_days) {
        (Some(day), _) => day.clone(),
        (None, 0) => String::new(),
        (None, days) => format!("{days} days before"),
    };
    vec![
        option.name.clone(),
        percent(option.launch.error_seen_share),
        percent(option.launch.verified_share),
        time(option.launch.wait_p50_us),
        time(option.launch.wait_p99_us),
        format!("${}", number(option.spend_usd)),
        option.change.clone(),
        option.costs.clone(),
        by,
    ]
}

fn ask(report: &PlanReport) -> PlanSection {
    let mut rows = vec![row(&["", "code", "from", "to", "enough in"])];
    rows.extend(report.ask.iter().map(|ask| {
        let asked = |x: f64| match needed_unit(report, &ask.operation) {
            // The name of the quota says what is counted.
            QuotaUnit::Sessions => number(x),
            unit @ QuotaUnit::PerSecond => unit.with(x),
        };
        vec![
            ask.operation.clone(),
            ask.quota_code.clone(),
            asked(ask.current),
            asked(ask.desired),
            format!("{:.0} %", ask.p_enough * 100.0),
        ]
    }));
    PlanSection {
        title: "WHAT TO ASK FOR",
        says: "case.txt and request.sh have the words and the commands".to_owned(),
        rows,
        left: 2,
        texts: 0,
    }
}

/// A value of an input in its unit.
fn input(unit: InputUnit, x: f64) -> String {
    match unit {
        InputUnit::Share => percent(x),
        InputUnit::PerS => format!("{}/s", number(x)),
        InputUnit::S => clock(x),
        InputUnit::People => format!("{} people", number(x)),
        InputUnit::Number => number(x),
    }
}

/// In what a quota is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuotaUnit {
    /// Sessions at once.
    Sessions,
    /// Calls per second.
    PerSecond,
}

impl QuotaUnit {
    /// A value with the unit.
    pub(super) fn with(self, x: f64) -> String {
        match self {
            Self::Sessions => plural(whole(x.round()), "session"),
            Self::PerSecond => format!("{}/s", number(x)),
        }
    }

    /// What is counted.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Sessions => "sessions at once",
            Self::PerSecond => "calls per second",
        }
    }

    /// Two values with their unit.
    pub(super) fn range(self, from: f64, to: f64) -> String {
        let from = if self == Self::Sessions { format!("{from:.0}") } else { number(from) };
        format!("{from} .. {}", self.with(to))
    }
}

/// The unit of a quota, by its operation.
pub(super) fn needed_unit(report: &PlanReport, operation: &str) -> QuotaUnit {
    let is_limit = |quota: &QuotaFigures| quota.operation == operation && quota.limit.is_some();
    if report.quotas.iter().any(is_limit) { QuotaUnit::Sessions } else { QuotaUnit::PerSecond }
}

/// Whether an input moves the need by more than chance would.
fn moves(effect: &InputEffect, draws: u64) -> bool {
    // source: Kendall, Rank Correlation Methods: of independent ranks the standard error is 1 / sqrt(n - 1); derived: three of them
    effect.spearman.abs() > 3.0 / float(draws.max(2) - 1).sqrt()
}

fn measure(report: &PlanReport) -> PlanSection {
    let quota = report.sensitivity.first().map(|effect| effect.quota.clone()).unwrap_or_default();
    let mut rows = vec![row(&["", "low .. high", "needed", "rank correlation"])];
    let unit = needed_unit(report, &quota);
    rows.extend(report.sensitivity.iter().filter(|effect| moves(effect, report.draws)).take(6).map(|effect| {
        vec![
            effect.input.clone(),
            format!("{} .. {}", input(effect.unit, effect.low), input(effect.unit, effect.high)),
            unit.range(effect.needed_low, effect.needed_high),
            format!("{:+.2}", effect.spearman),
        ]
    }));
    PlanSection { title: "MEASURE FIRST", says: format!("what moves the need for {quota} most"), rows, left: 1, texts: 0 }
}

/// Lists below the tables.
pub(super) fn notes(report: &PlanReport) -> Vec<(&'static str, Vec<String>)> {
    let mut notes = vec![("RISK", vec![format!("{}: {}", report.stability.class, report.stability.meaning)])];
    let spend = &report.spend_usd;
    notes.push((
        "COST",
        vec![format!(
            "${} for the checks of everybody, ${} in one of ten cases or more, at ${} a check; a raised quota costs nothing",
            number(spend.expected),
            number(spend.p90),
            spend.price_per_check_usd
        )],
    ));
    if !report.assumptions.is_empty() {
        notes.push(("ASSUMED", report.assumptions.clone()));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In two thousand draws a rank correlation of 0.05 may be chance; one of 0.1 is not.
    #[test]
    fn inputs_that_move_nothing() {
        let effect = |spearman| InputEffect {
            input: String::new(),
            unit: InputUnit::Share,
            quota: String::new(),
            low: 0.0,
            high: 1.0,
            needed_low: 0.0,
            needed_high: 1.0,
            spearman,
        };
        assert_eq!([0.0, 0.05, -0.05, 0.1, -1.0].map(|rho| moves(&effect(rho), 2000)), [false, false, false, true, true]);
    }

    /// Numbers keep the digits that matter.
    #[test]
    fn numbers() {
        assert_eq!(
            [0.0, 2.0, 2.5, 18.41, 140.0, 1000.0, 45_382.4, 1_234_567.0].map(number),
            ["0", "2", "2.50", "18.4", "140", "1,000", "45,382", "1,234,567"]
        );
        assert_eq!([0.0, 5e-6, 0.0005, 0.0224, 0.24].map(percent), ["0 %", "< 0.001 %", "0.050 %", "2.24 %", "24.0 %"]);
        assert_eq!([90.0, 600.0, 7800.0].map(clock), ["90 s", "10.0 min", "2.2 h"]);
    }
}
