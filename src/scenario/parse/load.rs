//! The `[load]` table: what is sent, and when.

use std::time::Duration;

use super::table::{Found, Table};
use super::tree::Node;
use crate::scenario::keys::{CLOSED_STAGE, MOST_CALLS, OPEN_STAGE};
use crate::scenario::{Closed, Load, Model, Open, Overflow, Pacing, Transport, WorkerStage};
use crate::schedule::{Arrivals, MAX_LENGTH, Schedule, ScheduleError, Stage};
use crate::units::Rate;

const WEEK: &str = "a run can last up to a week: shorten the stages";
const OPEN_EXAMPLE: &str = "stages = [ { for = \"30s\", rate = 5 } ]";
const CLOSED_EXAMPLE: &str = "stages = [ { for = \"30s\", workers = 8 } ]";

/// Reads `[load]`.
pub(super) fn read(table: &Table<'_>, found: &mut Found) -> Load {
    // A model that is none is read as the one that needs no name.
    let table = &table.tagged(found).map_or_else(|| table.of(table.variants()[0]), |(table, _)| table);
    let model = if table.is("closed") { Model::Closed(closed(table, found)) } else { Model::Open(open(table, found)) };
    let max_rate = table.rate("max_rate", found);
    if max_rate.is_some_and(|r| r == Rate::default()) {
        found.add(table.key_span("max_rate"), "`max_rate` of 0 sends nothing", "leave it out, or write a rate above 0");
    }
    let (transport, pacing) = (table.word("transport", found), table.word("pacing", found));
    Load { model, max_rate, transport: transport.unwrap_or(Transport::Sdk), pacing: pacing.unwrap_or(Pacing::Timer) }
}

fn open(table: &Table<'_>, found: &mut Found) -> Open {
    table.refuse("think_time", "`think_time` belongs to the closed model", "delete it, or write model = \"closed\"", found);
    let concurrency = table.integer("concurrency", found);
    let (overflow, arrivals) = (table.word("overflow", found), table.word("arrivals", found));
    let nodes = stage_nodes(table, OPEN_EXAMPLE, found);
    let stages: Vec<Stage> = nodes.iter().filter_map(|node| open_stage(node, found)).collect();
    if stages.len() == nodes.len() && !stages.is_empty() {
        check_size(table, &stages, found);
    }
    Open {
        concurrency: concurrency.unwrap_or_default(),
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
    let think_time = table.duration("think_time", found);
    let nodes = stage_nodes(table, CLOSED_EXAMPLE, found);
    let stages: Vec<WorkerStage> = nodes.iter().filter_map(|node| closed_stage(node, found)).collect();
    check_length(table, stages.iter().map(|s| s.length), found);
    Closed { stages, think_time: think_time.unwrap_or_default() }
}

fn stage_nodes<'t>(table: &Table<'t>, example: &str, found: &mut Found) -> &'t [Node] {
    let _ = table.required("stages", "`load`", found);
    let nodes = table.list("stages", example, found);
    if nodes.is_some_and(<[Node]>::is_empty) {
        found.add(table.key_span("stages"), "`stages` is empty: nothing would be sent", format!("add one: {example}"));
    }
    let nodes = nodes.unwrap_or_default();
    let most = table.most("stages");
    if nodes.len() > most {
        let message = format!("{} stages are too many", nodes.len());
        found.add(
            table.key_span("stages"),
            message,
            format!("a scenario can have up to {most}; a ramp is one stage: {{ for, from, to }}"),
        );
    }
    &nodes[..nodes.len().min(most)]
}

fn open_stage(node: &Node, found: &mut Found) -> Option<Stage> {
    let stage = Table::open(node, "the stage", &OPEN_STAGE, found)?;
    stage.refuse("workers", "`workers` belongs to the closed model", "write `rate`, or model = \"closed\"", found);
    if stage.get("calls").is_some() {
        for key in ["for", "rate", "from", "to"] {
            stage.refuse(key, &format!("`{key}` has no place beside `calls`"), "a burst is one instant: { calls = 100 }", found);
        }
        return stage.integer("calls", found).map(|calls| Stage::Burst { calls });
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
    let _ = stage.required("from", "the ramp", found);
    let _ = stage.required("to", "the ramp", found);
    let (from, to) = (stage.rate("from", found), stage.rate("to", found));
    Some(Stage::Line { length: length?, from: from?, to: to? })
}

fn closed_stage(node: &Node, found: &mut Found) -> Option<WorkerStage> {
    let stage = Table::open(node, "the stage", &CLOSED_STAGE, found)?;
    for key in ["rate", "from", "to", "calls"] {
        let help = "a closed stage is { for = \"60s\", workers = 8 }; for rates write model = \"open\"";
        stage.refuse(key, &format!("`{key}` belongs to the open model"), help, found);
    }
    let length = length(&stage, found);
    let _ = stage.required("workers", "the stage", found);
    let workers = stage.integer("workers", found);
    Some(WorkerStage { length: length?, workers: workers? })
}

fn length(stage: &Table<'_>, found: &mut Found) -> Option<Duration> {
    let _ = stage.required("for", "the stage", found);
    stage.duration("for", found)
}

/// The expected number of calls is that of even arrivals, whatever the arrivals are.
fn check_size(table: &Table<'_>, stages: &[Stage], found: &mut Found) {
    let span = table.key_span("stages");
    let help = format!("a run can have up to {MOST_CALLS}: shorten the stages or lower their rates");
    match Schedule::new(stages, Arrivals::Even, 0).map(|s| s.calls()) {
        Ok(0) | Err(ScheduleError::Empty) => {
            found.add(span, "the stages schedule no call", "give at least one of them a rate above 0");
        }
        Ok(calls) if calls > MOST_CALLS => found.add(span, format!("the stages schedule {calls} calls"), help),
        Ok(_) => {}
        Err(ScheduleError::TooManyCalls) => found.add(span, ScheduleError::TooManyCalls.to_string(), help),
        Err(ScheduleError::TooLong) => found.add(span, ScheduleError::TooLong.to_string(), WEEK),
    }
}

fn check_length(table: &Table<'_>, lengths: impl Iterator<Item = Duration>, found: &mut Found) {
    let total: Duration = lengths.fold(Duration::ZERO, Duration::saturating_add);
    if total > MAX_LENGTH {
        found.add(table.key_span("stages"), ScheduleError::TooLong.to_string(), WEEK);
    }
}
