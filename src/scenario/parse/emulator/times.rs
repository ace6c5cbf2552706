//! `latency` and what has its form, `spikes` and `stalls`.

use std::time::Duration;

use super::super::table::{Found, Table};
use super::super::tree::{Node, Value};
use crate::emulator::config::keys::STALL;
use crate::emulator::config::{LatencyModel, Spikes, Stall};

/// A latency: `latency`, or `start` and `length` of a check.
pub(super) fn latency(table: &Table<'_>, name: &str, found: &mut Found) -> Option<LatencyModel> {
    if matches!(table.get(name)?.value, Value::Text(_)) {
        return table.plain_duration(name, found).map(fixed);
    }
    let latency = table.table(name, found)?;
    // What has no key of a more particular form is log-normal, the first of them.
    let (usual, particular) = latency.variants().split_first()?;
    let form = particular.iter().find(|form| form.keys.iter().any(|key| latency.get(key.name).is_some())).unwrap_or(usual);
    let own: Vec<&str> = form.keys.iter().map(|key| key.name).collect();
    let beside = own.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
    for key in latency.beside(form) {
        let why = format!("`{key}` has no place beside {beside}");
        latency.refuse(key, &why, "a latency is fixed, or lies between `from` and `to`, or has a median and a p99", found);
    }
    let [low, high] = own[..] else { return latency.duration("fixed", found).map(fixed) };
    let example = "{ median = \"45ms\", p99 = \"160ms\" }, { from = \"20ms\", to = \"80ms\" } or \"45ms\"";
    for key in [low, high] {
        let _ = latency.needed(key, &format!("`{name}`"), &format!("it: {name} = {example}"), found);
    }
    if low == "from" {
        let (from, to) = (latency.duration(low, found), latency.duration(high, found));
        let (from, to) = (from?, to?);
        if to < from {
            found.add(latency.key_span("to"), "`to` is below `from`", "the latency lies between the two");
        }
        return Some(LatencyModel::Uniform { from, to });
    }
    let (median, p99) = (latency.duration(low, found), latency.duration(high, found));
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
    let spikes = table.table("spikes", found)?;
    let _ = spikes.required("share", "`spikes`", found);
    let _ = spikes.required("extra", "`spikes`", found);
    let share = spikes.share("share", found);
    Some(Spikes { share, extra: spikes.duration("extra", found)? })
}

/// `stalls`.
pub(super) fn stalls(table: &Table<'_>, found: &mut Found) -> Vec<Stall> {
    let nodes = table.list("stalls", "[ { at = \"10s\", for = \"2s\" } ]", found).unwrap_or_default();
    let most = table.most("stalls");
    if nodes.len() > most {
        let message = format!("{} stalls are too many", nodes.len());
        found.add(table.key_span("stalls"), message, format!("there can be up to {most}"));
    }
    let mut stalls: Vec<(Stall, &Node)> =
        nodes.iter().take(most).filter_map(|node| stall(node, found).map(|s| (s, node))).collect();
    stalls.sort_by_key(|(s, _)| s.at);
    for pair in stalls.windows(2) {
        if pair[0].0.at + pair[0].0.length > pair[1].0.at {
            found.add(&pair[1].1.span, "the stall begins before another one ends", "join the two, or let it begin later");
        }
    }
    stalls.into_iter().map(|(s, _)| s).collect()
}

fn stall(node: &Node, found: &mut Found) -> Option<Stall> {
    let stall = Table::open(node, "the stall", &STALL, found)?;
    let _ = stall.required("at", "the stall", found);
    let _ = stall.required("for", "the stall", found);
    let (at, length) = (stall.duration("at", found), stall.duration("for", found));
    Some(Stall { at: at?, length: length? })
}
