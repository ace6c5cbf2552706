//! `latency` and what has its form, `spikes` and `stalls`.

use std::time::Duration;

use super::super::load::{LONGEST, MOST_STAGES};
use super::super::table::{self, Found, Table};
use super::super::tree::{Node, Value};
use super::{HOUR, NANOSECOND};
use crate::emulator::config::{LatencyModel, Spikes, Stall};

pub(in crate::scenario) const LATENCY: &[&str] = &["median", "p99", "fixed", "from", "to"];
pub(in crate::scenario) const SPIKES: &[&str] = &["share", "extra"];
pub(in crate::scenario) const STALL: &[&str] = &["at", "for"];

/// A latency: `latency`, or `start` and `length` of a check.
pub(super) fn latency(table: &Table<'_>, name: &str, found: &mut Found) -> Option<LatencyModel> {
    let node = table.get(name)?;
    if matches!(node.value, Value::Text(_)) {
        return table::duration(node, name, &(Duration::ZERO..=HOUR), found).map(fixed);
    }
    let latency = table.table(name, LATENCY, found)?;
    let forms: [(&str, &[&str]); 3] = [("`fixed`", &["fixed"]), ("`from` and `to`", &["from", "to"]), ("", &["median", "p99"])];
    let form = forms.iter().find(|(_, keys)| keys.iter().any(|key| latency.get(key).is_some())).unwrap_or(&forms[2]);
    for key in LATENCY.iter().filter(|key| !form.1.contains(key)) {
        let why = format!("`{key}` has no place beside {}", form.0);
        latency.refuse(key, &why, "a latency is fixed, or lies between `from` and `to`, or has a median and a p99", found);
    }
    if form.1.len() == 1 {
        return latency.duration("fixed", Duration::ZERO..=HOUR, found).map(fixed);
    }
    let example = "{ median = \"45ms\", p99 = \"160ms\" }, { from = \"20ms\", to = \"80ms\" } or \"45ms\"";
    let [low, high] = [form.1[0], form.1[1]];
    for key in [low, high] {
        let _ = latency.required(key, &format!("`{name}`"), &format!("it: {name} = {example}"), found);
    }
    if low == "from" {
        let (from, to) =
            (latency.duration(low, Duration::ZERO..=HOUR, found), latency.duration(high, Duration::ZERO..=HOUR, found));
        let (from, to) = (from?, to?);
        if to < from {
            found.add(latency.key_span("to"), "`to` is below `from`", "the latency lies between the two");
        }
        return Some(LatencyModel::Uniform { from, to });
    }
    let (median, p99) = (latency.duration(low, NANOSECOND..=HOUR, found), latency.duration(high, NANOSECOND..=HOUR, found));
    let (median, p99) = (median?, p99?);
    if p99 < median {
        found.add(
            latency.key_span("p99"),
            "`p99` is below the median",
            "one answer in a hundred is slower than `p99`, half are slower than `median`",
        );
    }
    Some(LatencyModel::LogNormal { median, p99 })
}

fn fixed(length: Duration) -> LatencyModel {
    if length.is_zero() { LatencyModel::None } else { LatencyModel::Fixed(length) }
}

/// `spikes`.
pub(super) fn spikes(table: &Table<'_>, found: &mut Found) -> Option<Spikes> {
    let spikes = table.table("spikes", SPIKES, found)?;
    let _ = spikes.required("share", "`spikes`", "`share`, the part of the calls that are slow: share = 0.01", found);
    let _ = spikes.required("extra", "`spikes`", "`extra`, what they take besides: extra = \"500ms\"", found);
    let share = spikes.share("share", found);
    Some(Spikes { share, extra: spikes.duration("extra", NANOSECOND..=HOUR, found)? })
}

/// `stalls`.
pub(super) fn stalls(table: &Table<'_>, found: &mut Found) -> Vec<Stall> {
    let nodes = table.list("stalls", "[ { at = \"10s\", for = \"2s\" } ]", found).unwrap_or_default();
    if nodes.len() > MOST_STAGES {
        let message = format!("{} stalls are too many", nodes.len());
        found.add(table.key_span("stalls"), message, format!("there are at most {MOST_STAGES}"));
    }
    let mut stalls: Vec<(Stall, &Node)> =
        nodes.iter().take(MOST_STAGES).filter_map(|node| stall(node, found).map(|s| (s, node))).collect();
    stalls.sort_by_key(|(s, _)| s.at);
    for pair in stalls.windows(2) {
        if pair[0].0.at + pair[0].0.length > pair[1].0.at {
            found.add(&pair[1].1.span, "the stall begins before another one ends", "join the two, or let it begin later");
        }
    }
    stalls.into_iter().map(|(s, _)| s).collect()
}

fn stall(node: &Node, found: &mut Found) -> Option<Stall> {
    let stall = Table::open(node, "the stall", STALL, found)?;
    let _ = stall.required("at", "the stall", "`at`, its start from the start of the run: at = \"10s\"", found);
    let _ = stall.required("for", "the stall", "`for`, its length: for = \"2s\"", found);
    let (at, length) = (stall.duration("at", Duration::ZERO..=LONGEST, found), stall.duration("for", NANOSECOND..=HOUR, found));
    Some(Stall { at: at?, length: length? })
}
