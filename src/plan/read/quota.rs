//! `[quota]`: each of the four, and how it is known.

use std::path::Path;
use std::time::Duration;

use super::value::{self, Inputs};
use crate::limiter::{FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket};
use crate::num::whole;
use crate::plan::document::Quotas;
use crate::plan::limit::{Concurrent, KnownFrom, OperationQuota};
use crate::plan::probed::{self, Probes};
use crate::scenario::{Found, Reader, Table, Value, quoted};
use crate::service::region::LivenessRegion;
use crate::units::Rate;

/// The quotas of a plan; what is left out is AWS's default of the region.
pub(super) fn read(
    plan: &Table<'_>,
    reader: &mut Reader<'_>,
    region: LivenessRegion,
    with: (&mut Inputs, &dyn Probes),
) -> Quotas {
    let (inputs, probes) = with;
    let table = plan.table("quota", &mut reader.found);
    let mut of = |key: &str| {
        let given = table.as_ref().filter(|table| table.get(key).is_some());
        let quota = given.and_then(|table| operation(table, key, (reader, probes)));
        if given.is_none() {
            inputs.assume(format!("quota.{key}: {}/s, AWS's default of {}, its burst unknown", region.calls_per_s, region.name));
        }
        quota.unwrap_or_else(|| OperationQuota::of_rate(f64::from(region.calls_per_s), KnownFrom::Default))
    };
    let (create, start, get) = (of("create"), of("start"), of("get"));
    let found = &mut reader.found;
    let sessions = table.as_ref().and_then(|table| table.integer("concurrent", found));
    if sessions.is_none() {
        inputs.assume(format!("quota.concurrent: {}, AWS's default of {}", region.concurrent_sessions, region.name));
    }
    let concurrent = Concurrent {
        sessions: sessions.unwrap_or(region.concurrent_sessions),
        evidence: if sessions.is_some() { KnownFrom::Given } else { KnownFrom::Default },
    };
    let shared = table.as_ref().and_then(|table| value::per_second(table, "shared", found)).unwrap_or(0.0);
    let least = [&create, &start, &get].iter().map(|quota| quota.rate[0]).fold(f64::INFINITY, f64::min);
    if shared >= least
        && let Some(table) = &table
    {
        let message = format!("others use {shared}/s: all of a quota of {least}/s");
        found.add(
            table.value_span("shared"),
            message,
            "nothing is left to plan with; lower `shared`, or give the quota that is applied",
        );
    }
    Quotas { create, start, get, concurrent, shared }
}

fn operation(table: &Table<'_>, key: &str, (reader, probes): (&mut Reader<'_>, &dyn Probes)) -> Option<OperationQuota> {
    let node = table.get(key)?;
    if !matches!(node.value, Value::Table(_)) {
        let rate = value::per_second(table, key, &mut reader.found)?;
        above_0(rate, table, key, &mut reader.found)?;
        return Some(OperationQuota::of_rate(rate, KnownFrom::Given));
    }
    let limit = Table::open(node, &format!("`{key}`"), table.keys_of(key), &mut reader.found)?;
    let variant = if limit.get("probe").is_some() { limit.variants()[0] } else { limit.variants()[1] };
    let limit = limit.of(variant);
    for other in limit.beside(variant) {
        limit.refuse(other, &format!("`{other}` has no place beside `probe`"), "delete one of the two", &mut reader.found);
    }
    if variant.name == "probed" {
        let name = limit.text("probe", &mut reader.found)?;
        return from_probe(name, &limit, (reader, probes));
    }
    given(&limit, key, &mut reader.found)
}

fn from_probe(name: &str, limit: &Table<'_>, (reader, probes): (&mut Reader<'_>, &dyn Probes)) -> Option<OperationQuota> {
    let path = reader.base_dir.join(name);
    let path: &Path = &path;
    let read = probes.finding(path).and_then(|finding| probed::quota(&finding));
    read.map_err(|(what, help)| {
        reader.found.add(limit.value_span("probe"), format!("the probe {}: {what}", quoted(&path.to_string_lossy())), help);
    })
    .ok()
}

fn above_0(rate: f64, table: &Table<'_>, key: &str, found: &mut Found) -> Option<f64> {
    if rate <= 0.0 {
        found.add(table.value_span(key), "a quota of 0 allows nothing", "write a rate above 0, or kind = \"none\" for no limit");
        return None;
    }
    Some(rate)
}

fn given(limit: &Table<'_>, key: &str, found: &mut Found) -> Option<OperationQuota> {
    let kind = limit.text("kind", found).unwrap_or("token-bucket");
    let burst: Option<u32> = limit.integer("burst", found);
    let window = limit.duration("window", found).unwrap_or(Duration::from_secs(1));
    let nodes: Option<u32> = limit.integer("nodes", found);
    if kind == "none" {
        return Some(OperationQuota::exactly(Quota::None, KnownFrom::Given));
    }
    if !super::super::keys::GIVEN_KINDS.contains(&kind) {
        let help = format!("write {}", super::super::keys::GIVEN_KINDS.join(", "));
        found.add(limit.value_span("kind"), format!("{} is not a kind that a plan's file names", quoted(kind)), help);
        return None;
    }
    if limit.get("rate").is_none() {
        found.missing(limit.span, format!("`{key}` has no `rate`"), "add `rate`, the calls per second: rate = 25.0");
        return None;
    }
    let rate = value::spread(limit.get("rate")?, "rate", limit.keys_of("rate"), found)?;
    above_0(rate.low, limit, "rate", found)?;
    let calls =
        |seconds: Duration| u32::try_from(whole((rate.expected * seconds.as_secs_f64()).round()).max(1)).unwrap_or(u32::MAX);
    let typical = Rate::per_second(rate.expected).ok()?;
    let quota = match kind {
        "fixed-window" => {
            OperationQuota::exactly(Quota::FixedWindow(FixedWindow::on_grid(calls(window), window)), KnownFrom::Given)
        }
        "sliding-log" => OperationQuota::exactly(Quota::SlidingLog(SlidingLog::exact(calls(window), window)), KnownFrom::Given),
        "sliding-counter" => {
            OperationQuota::exactly(Quota::SlidingCounter(SlidingCounter::exact(calls(window), window)), KnownFrom::Given)
        }
        "step-bucket" => {
            let step = StepBucket::full(calls(window), window, burst.unwrap_or(calls(window)).max(calls(window)));
            OperationQuota::exactly(Quota::StepBucket(step), KnownFrom::Given)
        }
        "sharded-bucket" => {
            let shards = ShardedBucket::at_random(nodes.unwrap_or(2), typical, burst.unwrap_or(calls(Duration::from_secs(1))));
            OperationQuota {
                burst: burst.map(f64::from),
                ..OperationQuota::exactly(Quota::ShardedBucket(shards), KnownFrom::Given)
            }
        }
        _ => OperationQuota { burst: burst.map(f64::from), ..OperationQuota::of_rate(rate.expected, KnownFrom::Given) },
    };
    Some(OperationQuota { rate: [rate.low, rate.expected, rate.high], ..quota })
}
