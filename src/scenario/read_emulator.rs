//! The `[emulator]` table: what the embedded emulator shall be.

use std::time::Duration;

use super::emulator::{EmulatorConfig, Faults, Latency, Quota, RawAnswer, Stall};
use super::problem::quoted;
use super::read_load::{LONGEST, MOST_STAGES};
use super::table::{self, Found, Table};
use super::tree::{Node, Value};
use crate::units::{Rate, Share};

pub(super) const EMULATOR: &[&str] = &["region", "seed", "quota", "latency", "stalls", "faults", "session_ttl"];
pub(super) const QUOTA: &[&str] = &["kind", "rate", "burst"];
pub(super) const LATENCY: &[&str] = &["median", "p99", "fixed"];
pub(super) const STALL: &[&str] = &["at", "for"];
pub(super) const FAULTS: &[&str] = &["reset_before", "reset_after", "raw"];
pub(super) const RAW: &[&str] = &["share", "status", "content_type", "body"];

const NANOSECOND: Duration = Duration::from_nanos(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Reads `[emulator]`; `seed` is the one that counts when the table has none.
pub(super) fn read(table: Option<&Table<'_>>, seed: u64, found: &mut Found) -> EmulatorConfig {
    let Some(table) = table else { return EmulatorConfig::of_region("us-east-1", seed) };
    let region = region(table, found).unwrap_or("us-east-1");
    let documented = EmulatorConfig::of_region(region, seed);
    EmulatorConfig {
        seed: table.integer("seed", 0..=i64::MAX.unsigned_abs(), found).unwrap_or(seed),
        quota: quota(table, found),
        latency: latency(table, found).unwrap_or(documented.latency),
        stalls: stalls(table, found),
        faults: table.table("faults", FAULTS, found).map(|t| faults(&t, found)).unwrap_or_default(),
        session_ttl: session_ttl(table, found),
        ..documented
    }
}

/// `session_ttl`, as `[idempotency]` and `[emulator]` both have it; the service says 180 s.
pub(super) fn session_ttl(table: &Table<'_>, found: &mut Found) -> Duration {
    table.duration("session_ttl", Duration::from_millis(1)..=24 * HOUR, found).unwrap_or(Duration::from_secs(180))
}

fn region<'t>(table: &Table<'t>, found: &mut Found) -> Option<&'t str> {
    let region = table.text("region", "\"us-east-1\"", found)?;
    let parts: Vec<&str> = region.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let sound = match parts.split_last() {
        Some((last, head)) => {
            head.len() >= 2 && head.iter().all(letters) && matches!(last.len(), 1 | 2) && last.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    };
    if !sound || region.len() > 32 {
        found.add(table.key_span("region"), format!("{} is no region", quoted(region)), "write it like us-east-1 or eu-west-1");
        return None;
    }
    Some(region)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    None,
    TokenBucket,
}

fn quota(table: &Table<'_>, found: &mut Found) -> Option<Quota> {
    let quota = table.table("quota", QUOTA, found)?;
    let kinds = [("token-bucket", Kind::TokenBucket), ("none", Kind::None)];
    let kind = quota.word("kind", &kinds, found);
    if kind.is_none() && quota.get("kind").is_some() {
        return None;
    }
    if kind == Some(Kind::None) {
        for key in ["rate", "burst"] {
            quota.refuse(
                key,
                &format!("`{key}` has no place beside kind = \"none\""),
                "delete it, or write kind = \"token-bucket\"",
                found,
            );
        }
        return Some(Quota::None);
    }
    let example = "`rate`, the calls per second that it allows; or kind = \"none\" for no limit";
    let _ = quota.required("rate", "`quota`", example, found);
    let rate = quota.rate("rate", found)?;
    if rate == Rate::default() {
        found.add(quota.key_span("rate"), "a quota of 0 allows nothing", "write a rate above 0, or kind = \"none\" for no limit");
    }
    let burst = quota.integer("burst", 1..=1_000_000, found).and_then(|n| u32::try_from(n).ok());
    Some(Quota::TokenBucket { rate, burst: burst.unwrap_or_else(|| second_of(rate)) })
}

/// As many calls as fit in a second, at least one.
fn second_of(rate: Rate) -> u32 {
    u32::try_from(rate.micro_hz().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
}

fn latency(table: &Table<'_>, found: &mut Found) -> Option<Latency> {
    let node = table.get("latency")?;
    if matches!(node.value, Value::Text(_)) {
        return table::duration(node, "latency", &(Duration::ZERO..=HOUR), found).map(fixed);
    }
    let latency = table.table("latency", LATENCY, found)?;
    if latency.get("fixed").is_some() {
        for key in ["median", "p99"] {
            latency.refuse(
                key,
                &format!("`{key}` has no place beside `fixed`"),
                "a latency is fixed, or has a median and a p99",
                found,
            );
        }
        return latency.duration("fixed", Duration::ZERO..=HOUR, found).map(fixed);
    }
    let example = "{ median = \"45ms\", p99 = \"160ms\" }, { fixed = \"45ms\" } or \"45ms\"";
    for key in ["median", "p99"] {
        let _ = latency.required(key, "`latency`", &format!("it: latency = {example}"), found);
    }
    let (median, p99) = (latency.duration("median", NANOSECOND..=HOUR, found), latency.duration("p99", NANOSECOND..=HOUR, found));
    let (median, p99) = (median?, p99?);
    if p99 < median {
        found.add(
            latency.key_span("p99"),
            "`p99` is below the median",
            "one answer in a hundred is slower than `p99`, half are slower than `median`",
        );
    }
    Some(Latency::LogNormal { median, p99 })
}

fn fixed(length: Duration) -> Latency {
    if length.is_zero() { Latency::None } else { Latency::Fixed(length) }
}

fn stalls(table: &Table<'_>, found: &mut Found) -> Vec<Stall> {
    let nodes = table.list("stalls", "[ { at = \"10s\", for = \"2s\" } ]", found).unwrap_or_default();
    if nodes.len() > MOST_STAGES {
        found.add(
            table.key_span("stalls"),
            format!("{} stalls are too many", nodes.len()),
            format!("there are at most {MOST_STAGES}"),
        );
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

fn faults(table: &Table<'_>, found: &mut Found) -> Faults {
    let faults = Faults {
        reset_before: table.share("reset_before", found),
        reset_after: table.share("reset_after", found),
        raw: table.table("raw", RAW, found).and_then(|raw| raw_answer(&raw, found)),
        ..Faults::default()
    };
    let raw = faults.raw.as_ref().map_or(Share::NONE, |r| r.share);
    if faults.reset_before.as_f64() + faults.reset_after.as_f64() + raw.as_f64() > 1.0 + ROUNDING {
        found.add(table.span, "the shares of the faults are more than 1 together", "they are shares of all calls: lower them");
    }
    faults
}

/// Shares that were written to add up to 1 may miss it by this much in binary.
pub(super) const ROUNDING: f64 = 1e-9;

fn raw_answer(raw: &Table<'_>, found: &mut Found) -> Option<RawAnswer> {
    let _ = raw.required("share", "`raw`", "`share`, the part of the calls that get it: share = 0.01", found);
    let _ = raw.required("status", "`raw`", "`status`, the HTTP status of the answer: status = 503", found);
    let status = raw.integer("status", 200..=599, found).and_then(|n| u16::try_from(n).ok());
    let content_type = raw.text("content_type", "\"text/html\"", found).unwrap_or("application/x-amz-json-1.1");
    if content_type.is_empty() || !content_type.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        found.add(raw.key_span("content_type"), "`content_type` is no header value", "write it like \"text/html\"");
    }
    let body = raw.text("body", "\"<html>busy</html>\"", found).unwrap_or_default();
    Some(RawAnswer {
        share: raw.share("share", found),
        status: status?,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    })
}
