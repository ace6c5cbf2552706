//! What the formats share: the values of a comparison as people read them.

use crate::compare::{ChangeIn, ChangeVerdict, CheckLine, Comparison, Family, MetricLine, MetricUnit, RunLine};
use crate::metric::Quantity;
use crate::report::parts::TableRows;
use crate::units::{plural, plural_was};

/// So many times as much data nobody waits for.
const FAR: f64 = 100.0;

/// Which runs stand on which side.
pub(super) fn sides(comparison: &Comparison) -> String {
    let side = |runs: &[RunLine]| match runs {
        [one] => one.name.clone(),
        [first, ..] => format!("{} and {} more", first.name, runs.len() - 1),
        [] => "nothing".to_owned(),
    };
    format!("{} -> {}", side(&comparison.base), side(&comparison.new))
}

/// What the verdict rests on, and what to do if it is none.
pub(super) fn summary(comparison: &Comparison) -> Vec<String> {
    let calls = |runs: &[RunLine]| runs.iter().map(|run| run.calls).sum::<u64>();
    let runs = |runs: &[RunLine]| plural(runs.len() as u64, "run");
    let mut lines = vec![format!(
        "{} in {} against {} in {}; if nothing changed, at most {} % of comparisons report a change",
        plural(calls(&comparison.base), "call"),
        runs(&comparison.base),
        plural(calls(&comparison.new), "call"),
        runs(&comparison.new),
        rounded((1.0 - comparison.confidence) * 100.0, 1)
    )];
    for reason in &comparison.incomparable {
        let overridden = if comparison.forced { " (compared anyway, by --force)" } else { "" };
        lines.push(format!("not comparable: {}{overridden}", reason.what));
    }
    if comparison.verdict == ChangeVerdict::Incomparable {
        lines.push("-> run the same experiment on both sides, or compare them anyway with --force".to_owned());
    }
    // What fails on both sides is no new fault; that it has grown is told.
    let told = |check: &&CheckLine| match check.verdict {
        ChangeVerdict::Unchanged => check.base_count != check.new_count,
        ChangeVerdict::Incomparable => check.base_failed + check.new_failed > 0,
        ChangeVerdict::Improved | ChangeVerdict::Regressed | ChangeVerdict::Inconclusive => true,
    };
    lines.extend(comparison.checks.iter().filter(told).map(check));
    lines.extend(comparison.notes.iter().map(|note| format!("note: {note}")));
    lines
}

/// How a threshold, or idempotency, came off on both sides.
pub(super) fn check(check: &CheckLine) -> String {
    let of = |failed: u64, runs: u64, side: &str| match runs {
        0 => format!("in no {side} run that could be judged"),
        runs => format!("in {failed} of {}", plural(runs, &format!("{side} run"))),
    };
    let counts = check.base_count.zip(check.new_count);
    let counts = counts.map_or_else(String::new, |(base, new)| format!("; violations {base} -> {new}"));
    format!(
        "`{}` failed {} and {}{counts}: {}",
        check.name,
        of(check.base_failed, check.base_runs, "base"),
        of(check.new_failed, check.new_runs, "new"),
        check.verdict
    )
}

/// How much data would settle what is open.
fn open(comparison: &Comparison) -> Option<String> {
    let more = comparison.more_data?;
    Some(if more > FAR {
        format!("some inconclusive rows need more than {FAR}x as much data; at this load only a larger --min-effect settles them")
    } else {
        format!("about {}x as much data would settle the inconclusive rows: longer runs, or more of them", rounded(more, 1))
    })
}

/// What is set differently.
pub(super) fn differences(comparison: &Comparison) -> TableRows {
    let mut rows = vec![["what", "setting", "base", "new"].map(str::to_owned).to_vec()];
    for d in &comparison.differences {
        rows.push(vec![d.kind.name().to_owned(), d.key.clone(), d.base.clone(), d.new.clone()]);
    }
    rows
}

/// The lines of a comparison by how much they deserve a look.
pub(super) struct Shown<'a> {
    /// What changed, and the figures that everybody asks for.
    pub(super) first: Vec<&'a MetricLine>,
    /// The other figures of the service.
    pub(super) folded: Vec<&'a MetricLine>,
    /// livebench's own lateness: none of the service's figures.
    pub(super) own: Vec<&'a MetricLine>,
}

/// The lines worth a row: not those that are 0 or unknown on both sides, nor those that are another one.
pub(super) fn shown(comparison: &Comparison) -> Shown<'_> {
    let nothing = |value: Option<f64>| value.is_none_or(|v| v.abs() < f64::EPSILON);
    let worth = |m: &&MetricLine| m.same_as.is_none() && !(nothing(m.base) && nothing(m.new));
    let changed = |m: &MetricLine| matches!(m.verdict, ChangeVerdict::Regressed | ChangeVerdict::Improved);
    let (own, service): (Vec<_>, Vec<_>) = comparison.metrics.iter().filter(worth).partition(|m| m.family == Family::Lateness);
    let asked = |m: &MetricLine| matches!(m.family, Family::Rate | Family::Share) || ASKED.contains(&m.name.as_str());
    let (first, folded) = service.into_iter().partition(|m| changed(m) || asked(m));
    Shown { first, folded, own }
}

/// Times of the answers that everybody asks for.
const ASKED: [&str; 3] = ["response.p50", "response.p95", "response.p99"];

/// What stands instead of the rows that are folded: how many there are, and what they say.
pub(super) fn folded(lines: &[&MetricLine]) -> Option<String> {
    let count = |verdict| lines.iter().filter(|m| m.verdict == verdict).count();
    let verdicts = [ChangeVerdict::Unchanged, ChangeVerdict::Inconclusive, ChangeVerdict::Incomparable];
    let said: Vec<String> = verdicts.into_iter().filter(|v| count(*v) > 0).map(|v| format!("{} {v}", count(v))).collect();
    (!said.is_empty()).then(|| format!("{}: {}", plural(lines.len() as u64, "more metric"), said.join(", ")))
}

/// livebench's own lateness in a line.
pub(super) fn own(lines: &[&MetricLine]) -> Option<String> {
    let of = |m: &&MetricLine| {
        let name = m.name.strip_prefix("lateness.").unwrap_or(&m.name);
        format!("{name} {} -> {}", value(m.unit, m.base), value(m.unit, m.new))
    };
    let all: Vec<String> = lines.iter().map(of).collect();
    (!all.is_empty()).then(|| format!("livebench's own lateness: {}", all.join(", ")))
}

/// The table of the metrics.
pub(super) fn table(shown: &[&MetricLine]) -> TableRows {
    let mut rows = vec![["metric", "base", "new", "change", "limits", "p", "verdict"].map(str::to_owned).to_vec()];
    for m in shown {
        rows.push(vec![
            m.name.clone(),
            value(m.unit, m.base),
            value(m.unit, m.new),
            m.change_pct.map_or_else(|| "-".to_owned(), |c| change(m, c)),
            limits_of(m),
            m.p_adjusted.map_or_else(|| "-".to_owned(), p_value),
            m.verdict.name().to_owned(),
        ]);
    }
    rows
}

/// What stands below the first table: what its columns mean, and what would settle the rest.
pub(super) fn legend(comparison: &Comparison) -> Vec<String> {
    let columns = "limits: the interval for the change; p: the chance of a change this large if nothing changed".to_owned();
    let corrected = format!(
        "both allow for the number of metrics (Holm's correction); the limits of unchanged rows have {} % each",
        rounded(comparison.confidence * 100.0, 1)
    );
    [columns, corrected].into_iter().chain(open(comparison)).collect()
}

/// What stands below all rows.
pub(super) fn remarks(comparison: &Comparison, shown: &Shown<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let all: Vec<&MetricLine> = shown.first.iter().chain(&shown.folded).chain(&shown.own).copied().collect();
    for m in all.iter().filter(|m| m.note.is_some() || m.more_data.is_some()) {
        let more = m.more_data.map(|more| {
            if more > FAR {
                format!("not resolvable at this load (needs more than {FAR}x the data)")
            } else {
                format!("needs about {}x the data", rounded(more, 1))
            }
        });
        let text: Vec<String> = m.note.clone().into_iter().chain(more).collect();
        lines.push(format!("{}: {}", m.name, text.join("; ")));
    }
    let same = comparison.metrics.iter().filter(|m| m.same_as.is_some()).count();
    if same > 0 {
        lines.push(format!(
            "{} left out: no call was late, so service times equal response times",
            plural_was(same as u64, "metric")
        ));
    }
    let hidden = comparison.metrics.len() - all.len() - same;
    if hidden > 0 {
        lines.push(format!("{} left out: 0 or unknown on both sides", plural_was(hidden as u64, "metric")));
    }
    lines
}

/// A value in its unit; `-` where it is unknown.
pub(super) fn value(unit: MetricUnit, value: Option<f64>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    match unit {
        MetricUnit::Us => Quantity::Time.show(value),
        MetricUnit::Share => format!("{}%", rounded(value * 100.0, 2)),
        MetricUnit::PerS => format!("{}/s", rounded(value, 2)),
        MetricUnit::Ln => rounded(value, 3),
    }
}

fn change(metric: &MetricLine, change: f64) -> String {
    let unit = match metric.change_in {
        ChangeIn::Percent => "%",
        ChangeIn::Points => " pt",
    };
    format!("{}{unit}", signed(change))
}

/// The smallest change that matters, on both sides; `-` where there is no change to speak of.
pub(super) fn smallest_effect(metric: &MetricLine) -> String {
    let unit = match metric.change_in {
        ChangeIn::Percent => "%",
        ChangeIn::Points => " pt",
    };
    let known = metric.change_pct.is_some() && metric.min_effect_pct > 0.0;
    if known { format!("±{}{unit}", rounded(metric.min_effect_pct, 2)) } else { "-".to_owned() }
}

fn limits_of(metric: &MetricLine) -> String {
    let end = |limit: Option<f64>, unknown: &str| limit.map_or_else(|| unknown.to_owned(), signed);
    if metric.change_pct.is_none() {
        "-".to_owned()
    } else {
        format!("{} to {}", end(metric.low_pct, "-?"), end(metric.high_pct, "+?"))
    }
}

fn signed(value: f64) -> String {
    let digits = if value.abs() < 9.995 { 2 } else { 1 };
    let text = format!("{value:+.digits$}");
    if text.trim_start_matches(['+', '-']).chars().all(|c| "0.".contains(c)) { "0".to_owned() } else { text }
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { rounded(p, 4) }
}

/// At most so many decimals, and no zeros at the end.
pub(super) fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
