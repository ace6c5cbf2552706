//! What goes to AWS: the text of the case, and the commands that ask for it. Nobody here runs them.

use std::io::{self, Write};

use super::words::{clock, number, percent};
use crate::plan::PlanReport;
use crate::plan::assemble::short_name;
use crate::plan::contract::{QuotaAsk, QuotaFigures};
use crate::plan::judge::PlanVerdict;
use crate::plan::limit::KnownFrom;
use crate::plan::whatif::{LEAD_TIME_DAYS, days_before};

/// The text of the case, which answers what AWS's form asks.
pub fn case(report: &PlanReport, out: &mut impl Write) -> io::Result<()> {
    let needed_by = report.launch_date.as_deref().unwrap_or("<date of the launch>");
    writeln!(out, "Service: Amazon Rekognition, Face Liveness. Region: {}. Needed by: {needed_by}.", report.region)?;
    if report.ask.is_empty() {
        let why = match report.verdict {
            PlanVerdict::Enough => "The quotas are planned to be enough.",
            PlanVerdict::NotEnough | PlanVerdict::Unsure => "It is not certain that the quotas are enough: see plan.html.",
        };
        writeln!(out, "We ask for: nothing yet. {why}")?;
    } else {
        writeln!(out, "We ask for:")?;
    }
    for ask in &report.ask {
        writeln!(out, "  {}  {}: {} -> {}", ask.quota_code, ask.operation, number(ask.current), number(ask.desired))?;
    }
    let demand = &report.demand;
    writeln!(out, "How computed:")?;
    writeln!(
        out,
        "  {} users over {} ({}); peak {} checks/s at {} (90 % of our forecasts: up to {}/s).",
        number(demand.users_total.expected),
        clock(demand.length_s),
        demand.source,
        number(demand.checks_peak_per_s.expected),
        clock(demand.peak_at_s),
        number(demand.checks_peak_per_s.p90)
    )?;
    for ask in &report.ask {
        writeln!(out, "  {}: {}.", ask.operation, ask.justification)?;
    }
    writeln!(out, "Best practices: {}.", practices(report))?;
    writeln!(out, "Usage history: <the sum per minute of SuccessfulRequestCount from CloudWatch>.")?;
    writeln!(
        out,
        "Volume: about {} checks in {}. One-time peak: <yes or no>; afterwards <checks a day>.",
        number(demand.users_total.expected * demand.checks_per_user),
        clock(demand.length_s)
    )?;
    writeln!(out, "Spreading over Regions: a session is bound to its Region, so only users can be spread.")?;
    if report.ask.is_empty() { Ok(()) } else { writeln!(out, "How we are blocked: {}.", blocked(report)) }
}

fn practices(report: &PlanReport) -> String {
    let mut parts = Vec::new();
    if report.stability.attempts_all_layers > 1.0 {
        parts.push(format!(
            "retries with exponential backoff and full jitter, {:.1} attempts over all layers",
            report.stability.attempts_all_layers
        ));
        parts.push("idempotency token reused by retries".to_owned());
    }
    parts.push("traffic smoothed: <spread sending, queue in front>".to_owned());
    parts.join("; ")
}

fn blocked(report: &PlanReport) -> String {
    let launch = &report.launch;
    let refused = [
        (launch.create_refused_share, "creates", "ProvisionedThroughputExceededException 400"),
        (launch.start_refused_share, "starts", "ServiceQuotaExceededException 429"),
    ];
    let refused = refused.iter().filter(|(share, ..)| *share > 0.0);
    let mut parts: Vec<String> =
        refused.map(|(share, what, how)| format!("{} of the {what} end with {how}", percent(*share))).collect();
    parts.push(format!("{} of the users see an error", percent(launch.error_seen_share)));
    let simulated = format!("simulated at our quotas, {}", parts.join(", "));
    let asks = |quota: &&QuotaFigures| report.ask.iter().any(|ask| ask.quota_code == quota.quota_code);
    let mut measured = report.quotas.iter().filter(asks).filter(|quota| quota.evidence == KnownFrom::Probed);
    match measured.find_map(|quota| quota.rate_per_s.as_ref().map(|rate| (quota, rate))) {
        Some((quota, rate)) => format!(
            "measured rate of {} {}/s [{}, {}], {}, kind {}; {simulated}",
            short_name(quota),
            number(rate.point),
            number(rate.low),
            number(rate.high),
            quota.burst.map_or("burst unknown".to_owned(), |burst| format!("burst {burst:.0}")),
            quota.kind
        ),
        None => simulated,
    }
}

/// The commands that ask for it, as a shell script.
pub fn request(report: &PlanReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "#!/bin/sh")?;
    writeln!(
        out,
        "# What `livebench plan` would ask AWS for. Read case.txt first; then run this with credentials of the account."
    )?;
    if let Some(day) = report.launch_date.as_deref().and_then(|day| days_before(day, LEAD_TIME_DAYS)) {
        writeln!(out, "# QuotaAsk by {day}: nobody promises how long it takes, so {LEAD_TIME_DAYS} days are planned.")?;
    }
    writeln!(out, "# One after the other: many open requests at once are refused with QuotaExceededException.")?;
    writeln!(out, "set -e")?;
    if report.ask.is_empty() {
        return writeln!(out, "# Nothing to ask for.");
    }
    for ask in &report.ask {
        writeln!(out, "\n# {}: {} -> {}", ask.operation, number(ask.current), number(ask.desired))?;
        writeln!(out, "{}", command(ask))?;
    }
    writeln!(out, "\n# Statuses: PENDING, CASE_OPENED, APPROVED, DENIED, NOT_APPROVED, CASE_CLOSED or INVALID_REQUEST.")?;
    let history = "aws service-quotas list-requested-service-quota-change-history --service-code rekognition";
    writeln!(
        out,
        "{history} --region {} --query 'RequestedQuotas[].[QuotaCode,DesiredValue,Status]' --output table",
        report.region
    )
}

/// The command of one request.
fn command(ask: &QuotaAsk) -> String {
    format!(
        "aws service-quotas request-service-quota-increase --service-code rekognition --quota-code {} --desired-value {} --region {}",
        ask.quota_code, ask.desired, ask.region
    )
}
