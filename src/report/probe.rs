//! What a probe found, for the terminal, for pull requests, for browsers and for programs.

mod answers;
mod html;

use std::io::{self, Write};

use crate::probe::{AnswerClass, Kind, Observation, ProbeFinding, ProbeStop, UNBOUNDED, reading};
use crate::units::plural;

pub use self::html::{ProbePage, html};

/// Width of the picture, in characters.
const COLUMNS: usize = 70; // derived: a terminal of 80 columns, less the names of its lines

/// The contract.
pub fn json(finding: &ProbeFinding, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, finding)?;
    writeln!(out)
}

/// For people.
pub fn terminal(finding: &ProbeFinding, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "quota probe  CreateFaceLivenessSession   {}", spent(finding))?;
    for (name, text) in lines(finding) {
        writeln!(out, "  {name:<11} {text}")?;
    }
    for note in &finding.notes {
        writeln!(out, "  note        {note}")?;
    }
    if !finding.observations.is_empty() {
        writeln!(out, "\n{}", picture(finding))?;
    }
    Ok(())
}

/// What it took.
fn spent(finding: &ProbeFinding) -> String {
    let (calls, sessions) = (u64::from(finding.calls), u64::from(finding.sessions));
    format!("{}, {}, {:.1} s", plural(calls, "call"), plural(sessions, "session"), finding.seconds)
}

/// For pull requests.
pub fn markdown(finding: &ProbeFinding, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## Quota probe: {}\n", finding.kind)?;
    writeln!(out, "{}\n", spent(finding))?;
    writeln!(out, "| what | found |\n|---|---|")?;
    for (name, text) in lines(finding) {
        writeln!(out, "| {name} | {text} |")?;
    }
    for note in &finding.notes {
        writeln!(out, "\n> {note}")?;
    }
    if !finding.observations.is_empty() {
        writeln!(out, "\n```text\n{}\n```", picture(finding))?;
    }
    Ok(())
}

/// What is said, a name and a text each.
fn lines(finding: &ProbeFinding) -> Vec<(&'static str, String)> {
    let mut lines = vec![("kind", kind(finding))];
    if let Some(rate) = finding.rate_per_s {
        let word = if finding.guaranteed { "guaranteed" } else { "likely" };
        let half = (rate.high - rate.low) / 2.0 / rate.point * 100.0;
        lines.push((
            "rate",
            format!("{}/s   {word} [{}, {}]   ±{half:.2} %", number(rate.point), number(rate.low), number(rate.high)),
        ));
    }
    if let Some(applied) = finding.applied_per_s {
        lines.push(("applied", format!("{}/s by Service Quotas{}", number(applied), beside(finding, applied))));
    }
    lines.extend(burst(finding));
    if let Some(period) = finding.period_s {
        let tokens = finding.step_tokens.map_or_else(String::new, |n| format!("   {n} tokens each"));
        lines.push(("period", format!("{} s   [{}, {}]{tokens}", number(period.point), number(period.low), number(period.high))));
    }
    if let Some(recovery) = finding.recovery {
        let seen = recovery
            .seen_full_after_s
            .map_or_else(|| "not seen full again".to_owned(), |s| format!("seen full after {s:.2} s of rest"));
        lines.push((
            "recovery",
            format!("empty to one call {:.2} s · empty to full {:.2} s · {seen}", recovery.one_s, recovery.full_s),
        ));
    }
    lines.extend(kinds(finding));
    lines.extend(use_of_it(finding));
    lines.push(("ended", ended(finding.stop).to_owned()));
    lines
}

/// What passes at once.
fn burst(finding: &ProbeFinding) -> Option<(&'static str, String)> {
    let burst = finding.burst?;
    let between = finding.burst_between.map_or_else(String::new, |(low, high)| match (low == high, finding.kind) {
        (_, Kind::Concurrency) => "   the most that were in flight at once".to_owned(),
        (true, _) => "   exact".to_owned(),
        (false, _) if high == UNBOUNDED => format!("   at least {low}"),
        (false, _) => format!("   between {low} and {high}"),
    });
    let name = if finding.kind == Kind::Concurrency { "in flight" } else { "burst" };
    Some((name, format!("{burst}{between}")))
}

/// What only some kinds have, and which others are left.
fn kinds(finding: &ProbeFinding) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for limit in &finding.limits {
        let rate = limit.rate_per_s.map_or_else(|| "a rate that was not seen".to_owned(), |rate| format!("{}/s", number(rate)));
        let burst = limit.burst.map_or_else(String::new, |burst| format!(", {burst} at once"));
        let period = limit.period_s.map_or_else(String::new, |period| format!(", in {} s", number(period)));
        lines.push(("limit", format!("{}: {rate}{burst}{period}", limit.kind.words())));
    }
    if let Some(level) = finding.start_level {
        lines.push(("at first", format!("{} tokens, not full", number(level))));
    }
    if let Some(delay) = finding.delay_s_max {
        lines.push(("waits", format!("up to {} s", number(delay))));
    }
    if let Some(ban) = finding.ban_s {
        lines.push(("ban", format!("{} s", number(ban))));
    }
    let mut odds: Vec<_> = finding.odds.iter().filter(|(_, share)| **share >= 0.001).collect();
    odds.sort_by(|a, b| b.1.total_cmp(a.1));
    if odds.len() > 1 {
        let one = |(kind, share): (&Kind, &f64)| format!("{kind} {:.1} %", share * 100.0);
        lines.push(("odds", odds.into_iter().map(one).collect::<Vec<_>>().join(" · ")));
    }
    lines
}

/// What was answered, what a refusal costs, who else takes part, and how to live with it.
fn use_of_it(finding: &ProbeFinding) -> Vec<(&'static str, String)> {
    let signals = &finding.signals;
    let mut lines = vec![(
        "signal",
        format!("quota ×{} · ramp ×{} · service ×{} · other ×{}", signals.quota, signals.ramp, signals.service, signals.other),
    )];
    if let Some(free) = finding.rejects_are_free {
        let cost = match (finding.kind, free) {
            (Kind::Ban, _) => "shut it, when there are many",
            (_, true) => "free",
            (_, false) => "cost as well",
        };
        lines.push(("rejects", cost.to_owned()));
    }
    if finding.signals.quota > 0 {
        let seen = if finding.shared_use { "seen: somebody else takes part of it" } else { "none seen" };
        lines.push(("shared use", seen.to_owned()));
    }
    if let Some(advice) = finding.advice {
        let rate = if advice.sustained_per_s > 0.0 {
            format!("at most {}/s at random (Poisson) for < 0.1 % throttles; ", number(advice.sustained_per_s))
        } else {
            String::new()
        };
        lines.push(("safe plan", format!("{rate}{} at once, then {:.1} s of rest", advice.spike, advice.rest_s)));
    }
    lines
}

/// What is measured beside what is applied.
fn beside(finding: &ProbeFinding, applied: f64) -> String {
    match finding.rate_per_s {
        Some(rate) if rate.low <= applied && applied <= rate.high => "; what was measured agrees".to_owned(),
        Some(rate) if applied > 0.0 => format!("; measured is {:+.1} % from it", (rate.point / applied - 1.0) * 100.0),
        _ => String::new(),
    }
}

fn kind(finding: &ProbeFinding) -> String {
    let words = finding.kind.words();
    let runner_up = finding.runner_up.map_or_else(String::new, |other| {
        format!(
            "   (runner-up: {}, {} violated answers vs {})",
            other.kind.words(),
            other.violated_answers,
            finding.violated_answers
        )
    });
    let confidence =
        finding.confidence.map_or_else(String::new, |c| format!("   likely, explains {:.1} % of the answers", c * 100.0));
    let seen = if finding.kind == Kind::None { format!(" up to {}/s", number(finding.tried_per_s)) } else { String::new() };
    format!("{words}{seen}{runner_up}{confidence}")
}

const fn ended(stop: ProbeStop) -> &'static str {
    match stop {
        ProbeStop::Precision => "the interval is as narrow as asked",
        ProbeStop::Calls => "at --max-calls",
        ProbeStop::Sessions => "at --max-sessions or --max-spend-usd",
        ProbeStop::Time => "at --max-time",
        ProbeStop::Enough => "more calls would not tell more",
        ProbeStop::Interrupted => "interrupted",
        ProbeStop::Shut => "it refused everything from the first call on",
        ProbeStop::Denied => "access was denied",
        ProbeStop::Unanswered => "five answers in a row were neither a success nor a refusal",
        ProbeStop::Exhausted => "this machine had nothing left for another call",
        ProbeStop::Killed => "without a word: it was killed",
    }
}

/// Four significant digits at least.
fn number(value: f64) -> String {
    let digits = if value >= 100.0 { 2 } else { 4 };
    format!("{value:.digits$}")
}

/// Answers over time: one character a slice.
fn picture(finding: &ProbeFinding) -> String {
    let end = finding.observations.iter().map(|o| o.sent_us).max().unwrap_or(0).max(1);
    let (read, mut cells) = (reading(&finding.observations), [(0u32, 0u32); COLUMNS]);
    for o in &finding.observations {
        let cell = &mut cells[column(o, end)];
        match read(o) {
            AnswerClass::Accepted => cell.0 += 1,
            AnswerClass::Refused => cell.1 += 1,
            AnswerClass::Ramp | AnswerClass::Service | AnswerClass::TooMany | AnswerClass::Unavailable | AnswerClass::Unknown => {
            }
        }
    }
    let most = cells.iter().map(|c| c.0).max().unwrap_or(0).max(1);
    let bar = |passed: u32| ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"][((passed * 8).div_ceil(most) as usize).clamp(1, 8) - 1];
    let passed: String = cells.iter().map(|c| if c.0 == 0 { " " } else { bar(c.0) }).collect();
    let refused: String = cells.iter().map(|c| if c.1 == 0 { ' ' } else { '·' }).collect();
    let seconds = format!("{:.1} s", std::time::Duration::from_micros(end).as_secs_f64());
    format!(
        "  passed  {}\n  refused {}\n          0 s{seconds:>width$}",
        passed.trim_end(),
        refused.trim_end(),
        width = COLUMNS - 3
    )
}

fn column(o: &Observation, end: u64) -> usize {
    let last = COLUMNS as u64 - 1;
    usize::try_from(o.sent_us * last / end).unwrap_or(0).min(COLUMNS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::finding;

    fn text(write: impl Fn(&ProbeFinding, &mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&finding(), &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The report on the terminal.
    #[test]
    fn on_the_terminal() {
        insta::assert_snapshot!(text(terminal));
    }

    /// A limiter that says 429 had an empty line of refused calls. Whatever is taken for a refusal is drawn as one.
    #[test]
    fn every_signal_is_drawn() {
        let quota = finding();
        for signal in [AnswerClass::TooMany, AnswerClass::Unavailable, AnswerClass::Ramp, AnswerClass::Service] {
            let mut other = quota.clone();
            other.observations.iter_mut().filter(|o| o.answer == AnswerClass::Refused).for_each(|o| o.answer = signal);
            assert_eq!(picture(&other), picture(&quota), "{signal:?}");
        }
        assert!(picture(&quota).contains('·'));
    }

    /// The report for pull requests.
    #[test]
    fn in_markdown() {
        insta::assert_snapshot!(text(markdown));
    }

    /// The contract, its observations left out here.
    #[test]
    fn in_json() {
        let without = |f: &ProbeFinding, out: &mut Vec<u8>| json(&ProbeFinding { observations: Vec::new(), ..f.clone() }, out);
        insta::assert_snapshot!(text(without));
    }
}
