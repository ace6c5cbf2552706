//! A preview for people: on the terminal, and as a Markdown table.

use std::io::{self, Write};

use super::super::{Model, Scenario, Transport};
use super::plot::{number, short};
use super::{MixPreview, Preview};
use crate::schedule::Stage;
use crate::service::price::{Bill, USD_PER_CHECK};

/// More stages are counted, not listed.
const MOST_STAGES: usize = 12;
/// A longer request is cut.
const LONGEST_REQUEST: usize = 40;

/// The stages in words.
pub(super) fn stages(scenario: &Scenario) -> Vec<String> {
    match &scenario.load.model {
        Model::Open(open) => open.stages.iter().map(stage).collect(),
        Model::Closed(closed) => {
            closed.stages.iter().map(|s| format!("{} with {}", short(s.length), workers(s.workers))).collect()
        }
    }
}

fn workers(count: usize) -> String {
    if count == 1 { "1 worker".to_owned() } else { format!("{count} workers") }
}

fn stage(stage: &Stage) -> String {
    match stage {
        Stage::Line { length, from, to } if from == to => format!("{} at {from}", short(*length)),
        Stage::Line { length, from, to } => format!("{} from {from} to {to}", short(*length)),
        Stage::Burst { calls: 1 } => "1 call at one instant".to_owned(),
        Stage::Burst { calls } => format!("{calls} calls at one instant"),
    }
}

impl Preview {
    /// Writes it for the terminal, 80 columns wide where the scenario's own texts allow.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let transport = if self.transport == Transport::Sdk.name() { "" } else { ", wire transport" };
        writeln!(out, "{}  ({} model, seed {}{transport})", self.name, self.model, self.seed)?;
        for line in self.description.lines() {
            writeln!(out, "  {line}")?;
        }
        writeln!(out, "\n{}", self.picture)?;
        self.write_stages(out)?;
        for (label, value) in self.facts() {
            writeln!(out, "  {label:<11} {value}")?;
        }
        writeln!(out, "  mixes")?;
        for mix in &self.mixes {
            writeln!(out, "    {:>5}  {:<12} token {:<6} {}", percent(mix.share), mix.name, mix.token, request(mix))?;
        }
        for (n, threshold) in self.thresholds.iter().enumerate() {
            writeln!(out, "  {:<11} {threshold}", if n == 0 { "must hold" } else { "" })?;
        }
        for warning in &self.warnings {
            writeln!(out, "  warning: {warning}")?;
        }
        Ok(())
    }

    fn write_stages(&self, out: &mut impl Write) -> io::Result<()> {
        for (n, stage) in self.stages.iter().take(MOST_STAGES).enumerate() {
            writeln!(out, "  {:<11} {stage}", if n == 0 { "stages" } else { "" })?;
        }
        match self.stages.len().checked_sub(MOST_STAGES) {
            None | Some(0) => Ok(()),
            Some(more) => writeln!(out, "  {:<11} and {more} stages more", ""),
        }
    }

    /// The figures that are known, in words.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("length", short(std::time::Duration::from_secs_f64(self.length_s)))];
        if let Some(calls) = self.calls {
            facts.push(("calls", calls.to_string()));
        }
        if let Some(calls) = self.expected_calls {
            facts.push(("calls", format!("about {calls}, as fast as the answers come")));
        }
        if let Some(peak) = self.peak_rate_per_s {
            facts.push(("peak rate", format!("{}/s", number(peak))));
        }
        if let (Some(needed), Some(room)) = (self.expected_in_flight, self.concurrency) {
            facts.push(("in flight", format!("up to {room}; {needed} expected at the peak (rate x p99 latency, bursts)")));
        }
        if let Some(repeats) = self.expected_repeats.filter(|n| *n > 0) {
            facts.push(("repeats", format!("about {repeats} calls repeat a token and make no session")));
        }
        if let Some(throttled) = self.expected_throttled.filter(|n| *n > 0) {
            facts.push(("throttled", format!("about {throttled} by the emulator's quota")));
        }
        if let Some(sessions) = self.expected_sessions {
            facts.push(("sessions", format!("about {sessions} on the emulator")));
        }
        if let Some(usd) = self.worst_case_usd {
            facts
                .push(("cost", format!("nothing on the emulator; on AWS {} at worst (${USD_PER_CHECK} a check)", Bill::up(usd))));
            facts.push(("", "whether AWS bills a session that is never streamed is undocumented".to_owned()));
        }
        facts
    }
}

/// A Markdown table, a row a scenario; `rows` gives the file's name and its preview or the number of its problems.
pub fn write_markdown<'p>(
    rows: impl Iterator<Item = (String, Result<&'p Preview, usize>)>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "| scenario | model | length | calls | peak | sessions | worst case on AWS | warnings |")?;
    writeln!(out, "|---|---|---:|---:|---:|---:|---:|---:|")?;
    for (file, row) in rows {
        let file = file.replace('|', "\\|");
        match row {
            Err(count) => writeln!(out, "| {file} | **{count} problem{}** | | | | | | |", if count == 1 { "" } else { "s" })?,
            Ok(p) => {
                let count = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
                let calls =
                    p.calls.map_or_else(|| p.expected_calls.map_or(String::new(), |n| format!("~{n}")), |n| n.to_string());
                let peak = p.peak_rate_per_s.map(|r| format!("{}/s", number(r)));
                let peak = peak.or_else(|| p.peak_workers.map(workers)).unwrap_or_default();
                let cost = p.worst_case_usd.map_or(String::new(), |usd| Bill::up(usd).to_string());
                let length = short(std::time::Duration::from_secs_f64(p.length_s));
                let (sessions, warnings) = (count(p.expected_sessions), p.warnings.len());
                writeln!(out, "| {file} | {} | {length} | {calls} | {peak} | {sessions} | {cost} | {warnings} |", p.model)?;
            }
        }
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{}%", number((share * 1000.0).round() / 10.0))
}

fn request(mix: &MixPreview) -> String {
    let mut shown: String = mix.request.chars().take(LONGEST_REQUEST).collect();
    if shown.len() < mix.request.len() {
        shown.push_str("...");
    }
    shown
}
