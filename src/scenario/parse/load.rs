//! The `[load]` table: what is sent, and when.

use std::time::Duration;

use super::table::{Found, Table};
use super::tree::Node;
use crate::scenario::{Closed, Load, Model, Open, Overflow, Pacing, Transport, WorkerStage};
use crate::schedule::{Arrivals, MAX_LENGTH, Schedule, ScheduleError, Stage};
use crate::units::Rate;

pub(in crate::scenario) const LOAD: &[&str] =
    &["model", "concurrency", "overflow", "arrivals", "stages", "think_time", "max_rate", "transport", "pacing"];
pub(in crate::scenario) const STAGE: &[&str] = &["for", "rate", "from", "to", "calls", "workers"];

/// No run is longer.
pub(in crate::scenario) const LONGEST: Duration = MAX_LENGTH;
/// No run schedules more calls.
pub(in crate::scenario) const MOST_CALLS: u64 = 10_000_000;
/// No scenario has more stages.
pub(in crate::scenario) const MOST_STAGES: usize = 1_000;
/// Calls in flight, or workers.
pub(in crate::scenario) const MOST_AT_ONCE: u64 = 100_000;
/// Calls in flight when the scenario does not say.
const CONCURRENCY: usize = 64;

const WEEK: &str = "a run lasts a week at most: shorten the stages";
const SHORTEST: Duration = Duration::from_millis(1);
const OPEN_EXAMPLE: &str = "stages = [ { for = \"30s\", rate = 5 } ]";
const CLOSED_EXAMPLE: &str = "stages = [ { for = \"30s\", workers = 8 } ]";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Closed,
}

/// Reads `[load]`.
pub(super) fn read(table: &Table<'_>, found: &mut Found) -> Load {
    let kind = table.word("model", &[("open", Kind::Open), ("closed", Kind::Closed)], found).unwrap_or(Kind::Open);
    let model = if kind == Kind::Open { Model::Open(open(table, found)) } else { Model::Closed(closed(table, found)) };
    let max_rate = table.rate("max_rate", found);
    if max_rate.is_some_and(|r| r == Rate::default()) {
        found.add(table.key_span("max_rate"), "`max_rate` of 0 sends nothing", "leave it out, or write a rate above 0");
    }
    let transport = table.word("transport", &[("sdk", Transport::Sdk), ("wire", Transport::Wire)], found);
    let pacing = table.word("pacing", &[("timer", Pacing::Timer), ("spin", Pacing::Spin)], found);
    Load { model, max_rate, transport: transport.unwrap_or(Transport::Sdk), pacing: pacing.unwrap_or(Pacing::Timer) }
}

fn open(table: &Table<'_>, found: &mut Found) -> Open {
    table.refuse("think_time", "`think_time` belongs to the closed model", "delete it, or write model = \"closed\"", found);
    let concurrency = table.integer("concurrency", 1..=MOST_AT_ONCE, found).and_then(|n| usize::try_from(n).ok());
    let overflow = table.word("overflow", &[("miss", Overflow::Miss), ("wait", Overflow::Wait)], found);
    let arrivals = table.word("arrivals", &[("even", Arrivals::Even), ("poisson", Arrivals::Poisson)], found);
    let nodes = stage_nodes(table, OPEN_EXAMPLE, found);
    let stages: Vec<Stage> = nodes.iter().filter_map(|node| open_stage(node, found)).collect();
    if stages.len() == nodes.len() && !stages.is_empty() {
        check_size(table, &stages, found);
    }
    Open {
        concurrency: concurrency.unwrap_or(CONCURRENCY),
        overflow: overflow.unwrap_or(Overflow::Miss),
        arrivals: arrivals.unwrap_or(Arrivals::Even),
        stages,
    }
}

fn closed(table: &Table<'_>, found: &mut Found) -> Closed {
    for key in ["concurrency", "overflow", "arrivals"] {
        let help = match key {
            "concurrency" => "a closed stage says how many `workers` there are: { for = \"60s\", workers = 8 }",
            _ => "delete it, or write model = \"open\"",
        };
        table.refuse(key, &format!("`{key}` belongs to the open model"), help, found);
    }
    let think_time = table.duration("think_time", Duration::ZERO..=Duration::from_secs(3600), found);
    let nodes = stage_nodes(table, CLOSED_EXAMPLE, found);
    let stages: Vec<WorkerStage> = nodes.iter().filter_map(|node| closed_stage(node, found)).collect();
    check_length(table, stages.iter().map(|s| s.length), found);
    Closed { stages, think_time: think_time.unwrap_or(Duration::ZERO) }
}

fn stage_nodes<'t>(table: &Table<'t>, example: &str, found: &mut Found) -> &'t [Node] {
    let _ = table.required("stages", "`load`", example, found);
    let nodes = table.list("stages", example, found);
    if nodes.is_some_and(<[Node]>::is_empty) {
        found.add(table.key_span("stages"), "`stages` is empty: nothing would be sent", format!("add one: {example}"));
    }
    let nodes = nodes.unwrap_or_default();
    if nodes.len() > MOST_STAGES {
        let message = format!("{} stages are too many", nodes.len());
        found.add(
            table.key_span("stages"),
            message,
            format!("a scenario has at most {MOST_STAGES}; a ramp is one stage: {{ for, from, to }}"),
        );
    }
    &nodes[..nodes.len().min(MOST_STAGES)]
}

fn open_stage(node: &Node, found: &mut Found) -> Option<Stage> {
    let stage = Table::open(node, "the stage", STAGE, found)?;
    stage.refuse("workers", "`workers` belongs to the closed model", "write `rate`, or model = \"closed\"", found);
    if stage.get("calls").is_some() {
        for key in ["for", "rate", "from", "to"] {
            stage.refuse(key, &format!("`{key}` has no place beside `calls`"), "a burst is one instant: { calls = 100 }", found);
        }
        let calls = stage.integer("calls", 1..=MOST_CALLS, found)?;
        return u32::try_from(calls).ok().map(|calls| Stage::Burst { calls });
    }
    let length = length(&stage, found);
    let sloped = stage.get("from").is_some() || stage.get("to").is_some();
    if stage.get("rate").is_none() && !sloped {
        // With `workers` the stage is one of the other model, and that was said.
        if stage.get("workers").is_none() {
            let help = "add `rate` for a constant rate, `from` and `to` for a ramp, or write { calls = 100 } for a burst";
            found.missing(stage.span, "the stage has no rate", help);
        }
        return None;
    }
    if !sloped {
        let rate = stage.rate("rate", found)?;
        return Some(Stage::Line { length: length?, from: rate, to: rate });
    }
    stage.refuse(
        "rate",
        "`rate` has no place beside `from` and `to`",
        "a stage is constant (`rate`) or a ramp (`from`, `to`)",
        found,
    );
    let _ = stage.required("from", "the ramp", "`from`, the rate at its start", found);
    let _ = stage.required("to", "the ramp", "`to`, the rate at its end", found);
    let (from, to) = (stage.rate("from", found), stage.rate("to", found));
    Some(Stage::Line { length: length?, from: from?, to: to? })
}

fn closed_stage(node: &Node, found: &mut Found) -> Option<WorkerStage> {
    let stage = Table::open(node, "the stage", STAGE, found)?;
    for key in ["rate", "from", "to", "calls"] {
        let help = "a closed stage is { for = \"60s\", workers = 8 }; for rates write model = \"open\"";
        stage.refuse(key, &format!("`{key}` belongs to the open model"), help, found);
    }
    let length = length(&stage, found);
    let _ = stage.required("workers", "the stage", "`workers`, like { for = \"60s\", workers = 8 }", found);
    let workers = stage.integer("workers", 1..=MOST_AT_ONCE, found).and_then(|n| usize::try_from(n).ok());
    Some(WorkerStage { length: length?, workers: workers? })
}

fn length(stage: &Table<'_>, found: &mut Found) -> Option<Duration> {
    let _ = stage.required("for", "the stage", "`for`, its length: for = \"30s\"", found);
    stage.duration("for", SHORTEST..=LONGEST, found)
}

/// The expected number of calls is that of even arrivals, whatever the arrivals are.
fn check_size(table: &Table<'_>, stages: &[Stage], found: &mut Found) {
    let span = table.key_span("stages");
    let help = format!("a run has at most {MOST_CALLS}: shorten the stages or lower their rates");
    match Schedule::new(stages, Arrivals::Even, 0).map(|s| s.calls()) {
        Ok(0) => found.add(span, "the stages schedule no call", "give at least one of them a rate above 0"),
        Ok(calls) if calls > MOST_CALLS => found.add(span, format!("the stages schedule {calls} calls"), help),
        Ok(_) => {}
        Err(ScheduleError::TooManyCalls) => found.add(span, ScheduleError::TooManyCalls.to_string(), help),
        Err(ScheduleError::TooLong) => found.add(span, ScheduleError::TooLong.to_string(), WEEK),
    }
}

fn check_length(table: &Table<'_>, lengths: impl Iterator<Item = Duration>, found: &mut Found) {
    let total: Duration = lengths.fold(Duration::ZERO, Duration::saturating_add);
    if total > LONGEST {
        found.add(table.key_span("stages"), ScheduleError::TooLong.to_string(), WEEK);
    }
}
