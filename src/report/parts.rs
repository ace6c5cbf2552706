//! What the terminal's and the Markdown form share: words, values and the rows of their tables.

use std::borrow::Cow;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::client::UnexpectedAnswer;
use crate::client::outcome::Outcome;
use crate::metric::Quantity;
use crate::num::float;
use crate::record::ledger::{Finding, FindingKind, Window};
use crate::scenario::threshold::{self, Threshold};
use crate::service::exception::{self, Exception, name};
use crate::summary::{
    ByClass, Counts, Endpoint, GroupLine, IdempotencyReport, ModelKind, SegmentLine, ShardClock, Stats, Stop, Summary,
    ThresholdResult, ThresholdStatus, Unit, Validity,
};
use crate::units::{human, plural};

/// Rows of a table, the header first.
pub(super) type TableRows = Vec<Vec<String>>;

/// A table without lines, the first `left` columns flush left and the numbers flush right.
pub(super) fn plain(rows: TableRows, left: usize) -> Vec<String> {
    let table = table(rows, left, presets::NOTHING);
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The same in lines of at most `columns`: a table that is wider goes on below, each part with the first column, which names its rows. A part is
/// too wide only where two columns alone are.
pub(super) fn fitted(rows: &[Vec<String>], left: usize, columns: usize) -> Vec<Vec<String>> {
    let part = |kept: &[usize]| {
        let rows = rows.iter().map(|row| kept.iter().filter_map(|at| row.get(*at).cloned()).collect()).collect();
        plain(rows, kept.iter().filter(|at| **at < left).count())
    };
    let fits = |kept: &[usize]| part(kept).iter().all(|line| line.chars().count() <= columns);
    let names: Vec<usize> = (1..rows.first().map_or(0, Vec::len)).collect();
    // As many columns in each part as there is room for, or `most`.
    let split = |most: usize| {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for at in names.iter().copied() {
            let longer: Vec<usize> = parts.last().map_or_else(|| vec![0], Clone::clone).into_iter().chain([at]).collect();
            match parts.last_mut() {
                Some(last) if last.len() <= most && fits(&longer) => *last = longer,
                _ => parts.push(vec![0, at]),
            }
        }
        parts
    };
    let fewest = split(names.len());
    // No column is left alone where the parts can be of one size.
    let even = split(names.len().div_ceil(fewest.len().max(1)));
    let parts = if even.len() == fewest.len() { even } else { fewest };
    if parts.is_empty() { vec![part(&[0])] } else { parts.iter().map(|kept| part(kept)).collect() }
}

/// A Markdown table.
pub(super) fn piped(rows: TableRows, left: usize) -> String {
    let escaped = rows.into_iter().map(|row| row.into_iter().map(|cell| cell.replace('|', "\\|")).collect()).collect();
    table(escaped, left, presets::ASCII_MARKDOWN).trim_fmt()
}

fn table(rows: TableRows, left: usize, style: comfy_table::TableStyle) -> Table {
    let mut rows = rows.into_iter();
    let mut table = Table::new();
    table.load_style(style).set_header(rows.next().unwrap_or_default()).add_rows(rows);
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

pub(super) fn us(us: u64) -> String {
    human(Duration::from_micros(us))
}

/// A time as narrow as ten of them in a row need it: `12m30s`.
fn narrow(time_us: u64) -> String {
    us(time_us).replace(' ', "")
}

/// A value in its unit; `unknown` where there is none.
pub(super) fn value(unit: Unit, value: Option<f64>) -> String {
    let quantity = match unit {
        Unit::Us => Quantity::Time,
        Unit::Share => Quantity::Share,
        Unit::Count => Quantity::Count,
        Unit::PerS => Quantity::Rate,
    };
    value.map_or_else(|| "unknown".to_owned(), |v| quantity.show(v))
}

pub(super) const fn validity(validity: Validity) -> &'static str {
    match validity {
        Validity::Valid => "VALID",
        Validity::Suspect => "SUSPECT",
        Validity::Invalid => "INVALID",
    }
}

/// Why the result is what it is, and the verdict on the measurement: what follows the first word and the name.
pub(super) fn headline(summary: &Summary) -> String {
    format!("{}  (measurement: {})", summary.result_why, validity(summary.verdict.validity))
}

/// One line that says which run this is.
pub(super) fn subject(summary: &Summary) -> String {
    let called = &summary.called;
    let endpoint = match called.endpoint {
        Endpoint::Embedded => "the embedded emulator",
        Endpoint::Model => "the emulator's model in virtual time",
        Endpoint::Loopback => "a server on this machine",
        Endpoint::Remote => "a remote endpoint",
    };
    let model = match summary.model {
        ModelKind::Open => "open",
        ModelKind::Closed => "closed",
    };
    let elapsed = summary.elapsed_us.map_or_else(String::new, |t| format!(", {}", us(t)));
    format!("{model} model, seed {}, {endpoint} ({}, {}){elapsed}", summary.seed, called.region, called.transport)
}

/// How it stopped, unless it came to its end.
pub(super) fn stop(summary: &Summary) -> Option<Cow<'static, str>> {
    let words = match summary.stop {
        Stop::Completed => return None,
        Stop::Interrupted => "interrupted",
        Stop::BudgetCalls => "stopped at budget.max_calls",
        Stop::BudgetSpend => "stopped at budget.max_spend_usd",
        Stop::AccessDenied => "stopped: the service refused the caller",
        Stop::DiskFull => "stopped: a file could not be written",
        Stop::Killed if summary.shards.is_some() => "a shard was killed; what it sent is counted from its files",
        Stop::Killed => "killed; rebuilt from its files",
    };
    Some(words.into())
}

pub(super) const fn mark(status: ThresholdStatus) -> &'static str {
    match status {
        ThresholdStatus::Ok => "✓",
        ThresholdStatus::Failed => "✗",
        ThresholdStatus::Unknown => "?",
    }
}

/// What was observed for a threshold, in its unit, and so that it looks different from a limit that it is not.
pub fn observed(threshold: &ThresholdResult) -> String {
    let bound = if threshold.lower_bound && threshold.observed.is_some() { "≥ " } else { "" };
    let limit = threshold::named(&threshold.metric).and_then(|metric| Threshold::parse(metric, &threshold.expression)).ok();
    let shown = match (threshold.observed, limit) {
        (Some(observed), Some(limit)) => limit.metric.quantity().show_beside(observed, limit.limit),
        _ => value(threshold.unit, threshold.observed),
    };
    format!("{bound}{shown}")
}

/// The accounting as a sum.
pub(super) fn accounting(c: &Counts) -> String {
    let harness = if c.harness > 0 { format!("{} harness + ", c.harness) } else { String::new() };
    let unknown = if c.unknown > 0 { format!("{} unknown + ", c.unknown) } else { String::new() };
    format!(
        "{} scheduled = {} ok + {} throttled + {} + {} missed + {} capped + {}{}{} unsent",
        c.scheduled,
        c.ok,
        c.throttled,
        plural(c.errors, "error"),
        c.missed,
        c.capped,
        harness,
        unknown,
        c.unsent
    )
}

/// Scheduled, sent and answered per second, so that those that differ look different.
pub(super) fn rates(summary: &Summary) -> String {
    let r = &summary.rates;
    let rates = [(r.offered_per_s, "offered"), (r.sent_per_s, "sent"), (r.ok_per_s, "ok")];
    let known: Vec<f64> = rates.iter().filter_map(|(rate, _)| *rate).collect();
    let mut shown = Quantity::Rate.show_apart(&known).into_iter();
    let one = |(rate, what): (Option<f64>, &str)| {
        let text = rate.and_then(|_| shown.next()).unwrap_or_else(|| value(Unit::PerS, None));
        format!("{text} {what}")
    };
    rates.map(one).join(", ")
}

fn percent(part: u64, whole: u64) -> String {
    let share = (whole > 0).then(|| float(part) / float(whole));
    share.map_or_else(String::new, |share| Quantity::Share.show(share))
}

/// The outcomes that occurred, each with its share of the scheduled calls.
pub(super) fn outcomes(c: &Counts) -> TableRows {
    let mut rows = vec![vec!["outcome".to_owned(), "calls".to_owned(), "of scheduled".to_owned()]];
    let occurred = c.by_outcome.iter().filter(|(_, n)| **n > 0);
    rows.extend(occurred.map(|(o, n)| vec![o.name().to_owned(), n.to_string(), percent(*n, c.scheduled)]));
    if c.unsent > 0 {
        rows.push(vec!["unsent".to_owned(), c.unsent.to_string(), percent(c.unsent, c.scheduled)]);
    }
    rows
}

/// The percentiles, a row a series and class.
pub(super) fn times(summary: &Summary) -> TableRows {
    let head = ["", "calls", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let bound = if summary.percentiles_are_lower_bounds { "≥" } else { "" };
    let upper = |t: Option<u64>| t.map_or_else(|| "-".to_owned(), |t| format!("{bound}{}", narrow(t)));
    let row = |name: &str, class: &str, s: &Stats| {
        vec![
            format!("{name} {class}"),
            s.count.to_string(),
            narrow(s.min_us),
            narrow(s.mean_us),
            s.p50_us.map_or_else(|| "-".to_owned(), narrow),
            upper(s.p90_us),
            upper(s.p95_us),
            upper(s.p99_us),
            upper(s.p999_us),
            upper(Some(s.max_us)),
        ]
    };
    let latency = &summary.latency;
    let series: [(&str, &ByClass); 3] =
        [("lateness", &latency.lateness), ("service", &latency.service), ("response", &latency.response)];
    for (name, by) in series {
        let classes: &[(&str, &Option<Stats>)] = if name == "lateness" {
            &[("all", &by.all)]
        } else {
            &[("ok", &by.ok), ("throttled", &by.throttled), ("error", &by.error)]
        };
        rows.extend(classes.iter().filter_map(|(class, stats)| stats.as_ref().map(|s| row(name, class, s))));
    }
    rows
}

/// What lateness, service and response are.
pub(super) const TIMES_MEAN: &str = "lateness = sent - due (ours), service = done - sent (theirs), response = lateness + service";

/// Throttles by cause: how many, which and what each means. Only the first bounds the quota.
pub(super) fn throttles(summary: &Summary) -> Vec<(u64, &'static str, String)> {
    let t = &summary.throttled;
    let all = [
        (t.quota, "quota", exception::QUOTA, "over the account's limit; retry, or ask for a higher one"),
        (t.ramp, "ramp", exception::RAMP, "the rate rose too fast; smooth the traffic, then retry"),
        (t.service, "service", exception::SCALING, "the service is scaling; retry"),
    ];
    // Only a name that stands for two causes needs its status.
    let named = |exception: Exception| match exception.name {
        name::THROTTLING => format!("{} {}", exception.name, exception.status),
        name => name.to_owned(),
    };
    let told = all.into_iter().filter(|(n, ..)| *n > 0);
    told.map(|(n, cause, exception, meaning)| (n, cause, format!("{}: {meaning}", named(exception)))).collect()
}

/// Sessions distinct against 200s.
pub(super) fn sessions(summary: &Summary) -> String {
    let s = &summary.sessions;
    let distinct = s.distinct.map_or_else(|| "an unknown number".to_owned(), |n| n.to_string());
    let malformed = if s.malformed_200s > 0 {
        format!(", and {} without a session id", plural(s.malformed_200s, "200"))
    } else {
        String::new()
    };
    format!("{} with a session id, {distinct} of them different{malformed}", plural(s.ok_200s, "200"))
}

/// Roles that repeat tokens, a row each.
pub(super) fn roles(idempotency: &IdempotencyReport) -> TableRows {
    let head = ["repeated token", "calls", "same session", "other", "first known", "refused", "not judged", "violations"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for line in &idempotency.by_role {
        let row = &line.row;
        let counts = [
            row.repeats,
            row.same_session,
            row.new_session,
            row.first_session,
            row.refused.values().sum(),
            row.ambiguous,
            row.violations,
        ];
        rows.push(std::iter::once(line.role.name().to_owned()).chain(counts.iter().map(u64::to_string)).collect());
    }
    rows
}

/// How many violations, and in how much of the run.
pub(super) fn violations(idempotency: &IdempotencyReport) -> String {
    let scope = match idempotency.window {
        Window::WholeRun => "every call compared with every other".to_owned(),
        Window::WithinUs(t) => format!("only calls within {} of each other compared", us(t)),
    };
    let shown = match idempotency.findings.len() as u64 {
        shown if shown < idempotency.violations => format!(", the first {shown} in summary.json"),
        _ => String::new(),
    };
    format!("{} ({scope}{shown})", plural(idempotency.violations, "violation"))
}

/// A finding's headline.
pub(super) const fn finding(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::TokenWithTwoSessions => "one token, two sessions while the first one lived",
        FindingKind::SessionWithTwoTokens => "one session for two calls that do not share a token",
        FindingKind::SessionWithoutTokens => "one session for two calls without a token",
    }
}

/// Its evidence, two lines a call.
pub(super) fn evidence(finding: &Finding) -> [String; 4] {
    let lines = |e: &crate::record::ledger::Evidence| {
        let id = |id: &Option<crate::record::ledger::id::Id>| id.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        [
            format!(
                "call {} ({}), sent {:.6} s, done {:.6} s, token {}",
                e.seq,
                e.role,
                seconds(e.sent_us),
                seconds(e.done_us),
                id(&e.token)
            ),
            format!("session {}, request {}", e.session_id, id(&e.request_id)),
        ]
    };
    let ([a, b], [c, d]) = (lines(&finding.first), lines(&finding.second));
    [a, b, c, d]
}

fn seconds(us: u64) -> f64 {
    Duration::from_micros(us).as_secs_f64()
}

/// The harness's own part, as far as it is known.
pub(super) fn own(summary: &Summary) -> String {
    let own = &summary.own;
    let longest = summary.latency.lateness.all.as_ref().map(|all| format!("lateness up to {}", us(all.max_us)));
    let lateness = own.lateness_p99_us.map(|p99_us| format!("lateness p99 {}", us(p99_us))).or(longest);
    let lateness = lateness.unwrap_or_else(|| "lateness unknown".to_owned());
    let cpu = own.cpu.map_or_else(
        || "CPU unknown".to_owned(),
        |cpu| {
            let (busiest, process) = (cpu.busiest_load_thread_share * 100.0, cpu.process_share * 100.0);
            format!("CPU of the busiest load thread {busiest:.0}%, of the process {process:.0}% of {} cores", cpu.cores)
        },
    );
    let waited = own.harness.iter().flat_map(|h| &h.load_threads).filter_map(|t| t.waited_share).reduce(f64::max);
    let waited = waited.map_or_else(String::new, |share| format!("; waited for a core {:.0}% of the run", share * 100.0));
    let connections =
        own.harness.as_ref().map_or_else(String::new, |h| format!("; {} opened", plural(h.connections_opened, "connection")));
    format!("{lateness}; {cpu}{waited}{connections}")
}

/// The clocks of a merged run's shards, in one line.
pub(super) fn clocks(summary: &Summary) -> Option<String> {
    let clocks = &summary.clocks;
    let placed = clocks.iter().filter_map(ShardClock::placed_within_us);
    let apart: Vec<String> = clocks.iter().filter_map(clock_apart).collect();
    let compared = match placed.clone().max() {
        None => "the dates of the answers place none of them".to_owned(),
        Some(widest) => {
            let told = if apart.is_empty() { "none is certainly more than 0.10 s off".to_owned() } else { apart.join(", ") };
            format!(
                "{told} (from the dates of the answers, which place {} of them within ± {:.2} s)",
                placed.count(),
                float(widest) / 1e6
            )
        }
    };
    let kept = kept(clocks);
    (!clocks.is_empty()).then(|| format!("clocks of {}: {compared}{kept}", plural(clocks.len() as u64, "shard")))
}

/// What their own systems say of clocks, to go on with.
fn kept(clocks: &[ShardClock]) -> String {
    let known = || clocks.iter().filter_map(|clock| clock.wall_clock_error_us);
    let loose = clocks.iter().filter(|clock| clock.is_loose()).count();
    match known().max() {
        Some(_) if loose > 0 => format!("; nothing synchronizes {loose} of them, say their systems"),
        Some(us) => format!("; their systems keep {} of them within {:.2} s", known().count(), float(us) / 1e6),
        None => String::new(),
    }
}

fn clock_apart(clock: &ShardClock) -> Option<String> {
    let (apart, within) = (float(clock.apart_us?.unsigned_abs()) / 1e6, float(clock.apart_within_us?) / 1e6);
    let way = if clock.apart_us? < 0 { "behind" } else { "ahead" };
    Some(format!("{} is {apart:.2} ± {within:.2} s {way}", clock.shard))
}

/// A merged run by group; `None` where no shard has one.
pub(super) fn groups(summary: &Summary) -> Option<TableRows> {
    if summary.groups.is_empty() {
        return None;
    }
    let names = ["group", "shards", "sent", "ok", "throttled", "errors", "p50", "p90", "p99"];
    let time = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), self::us);
    let line = |group: &GroupLine| {
        let times = group.response_ok.as_ref();
        let name = group.group.clone().unwrap_or_else(|| "(none)".to_owned());
        let counts = [group.shards, group.sent, group.ok, group.throttled, group.errors].map(|n| n.to_string());
        let times = [times.and_then(|t| t.p50_us), times.and_then(|t| t.p90_us), times.and_then(|t| t.p99_us)].map(time);
        std::iter::once(name).chain(counts).chain(times).collect()
    };
    Some(std::iter::once(names.map(str::to_owned).to_vec()).chain(summary.groups.iter().map(line)).collect())
}

/// The segments of a run that was resumed, a row each; `None` for a run of one.
pub(super) fn segments(summary: &Summary) -> Option<TableRows> {
    if summary.segments.is_empty() {
        return None;
    }
    let names =
        ["segment", "from", "gap before", "calls", "sent", "ok", "throttled", "errors", "missed", "unknown", "p50", "p99"];
    let time = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), self::us);
    let line = |segment: &SegmentLine| {
        let times = segment.response_ok.as_ref();
        let head = [segment.number.to_string(), us(segment.from_us), time(segment.gap_us)];
        let counts =
            [segment.ended, segment.sent, segment.ok, segment.throttled, segment.errors, segment.missed, segment.unknown];
        let times = [times.and_then(|t| t.p50_us), times.and_then(|t| t.p99_us)].map(time);
        head.into_iter().chain(counts.map(|n| n.to_string())).chain(times).collect()
    };
    Some(std::iter::once(names.map(str::to_owned).to_vec()).chain(summary.segments.iter().map(line)).collect())
}

/// Whether there is anything to tell of a closed list of mixes.
pub(super) fn mixes(summary: &Summary) -> Option<TableRows> {
    if summary.mixes.len() < 2 {
        return None;
    }
    let mut rows = vec![["mix", "calls", "sent", "ok"].map(str::to_owned).to_vec()];
    let line = |m: &crate::summary::MixLine| vec![m.name.clone(), m.ended.to_string(), m.sent.to_string(), m.ok.to_string()];
    rows.extend(summary.mixes.iter().map(line));
    Some(rows)
}

/// Answers by HTTP status, where not all are 200s: `200 4, 429 16`.
pub(super) fn statuses(summary: &Summary) -> Option<String> {
    let told = summary.statuses.keys().any(|status| *status != 200);
    let parts: Vec<String> = summary.statuses.iter().map(|(status, n)| format!("{status} {n}")).collect();
    told.then(|| parts.join(", "))
}

/// The first answer that the service's model does not know, as it came.
pub(super) fn unexpected(summary: &Summary) -> Option<String> {
    let UnexpectedAnswer { status, content_type, body } = summary.unexpected.as_ref()?;
    let kind = content_type.as_deref().map_or_else(String::new, |kind| format!(", {kind}"));
    let body = if body.is_empty() { "empty" } else { body };
    Some(format!("HTTP {status}{kind}: {body}"))
}

/// The service's exception names, if any: `A 3, B 1`.
pub(super) fn exceptions(summary: &Summary) -> Option<String> {
    let names = &summary.exceptions;
    if names.is_empty() {
        return None;
    }
    let mut parts: Vec<String> = names.by_name.iter().map(|(name, n)| format!("{name} {n}")).collect();
    if names.others > 0 {
        parts.push(format!("others {}", names.others));
    }
    Some(parts.join(", "))
}

/// Whether calls were answered in a way that may be the region's.
pub(super) fn denied(summary: &Summary) -> bool {
    summary.counts.by_outcome.get(&Outcome::AccessDenied).is_some_and(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is said how many systems keep their clocks, and how many do not.
    #[test]
    fn systems_are_counted() {
        let clock = |error_us: Option<u64>| ShardClock {
            shard: "0/4".to_owned(),
            ahead_low_us: None,
            ahead_high_us: None,
            apart_us: None,
            apart_within_us: None,
            wall_clock_error_us: error_us,
        };
        let told = |errors_us: &[Option<u64>]| kept(&errors_us.iter().copied().map(clock).collect::<Vec<_>>());
        assert_eq!(told(&[None, None]), "");
        assert_eq!(told(&[None, Some(20_000), None, Some(30_000)]), "; their systems keep 2 of them within 0.03 s");
        assert_eq!(told(&[Some(20_000), Some(16_000_000)]), "; nothing synchronizes 1 of them, say their systems");
    }
}
