//! Text to a validated [`Plan`]: every problem at once, with its line and its remedy.
//!
//! Refuses to plan, and to read a clock.

mod demand;
mod quota;
mod value;

use std::path::Path;
use std::time::Duration;

use self::value::Inputs;
use super::document::{Caller, Plan, Price, Users, WhatIf};
use super::keys::{Jitter, PLAN, TokenHabit};
use super::probed::Probes;
use super::spread::{InputUnit, Uncertain};
use crate::scenario::{FileKind, Found, LoadError, Problems, Reader, Table, check_name, quoted, text_of};
use crate::service::price::USD_PER_CHECK;
use crate::service::region;
use crate::stats::retry::Backoff;

/// Reads, parses and validates the plan at `path`; also gives its text, which the plan's directory keeps.
///
/// # Errors
/// The file is no text, or every problem of it and of the files that it names.
pub fn load(path: &Path, probes: &dyn Probes) -> Result<(Plan, String), LoadError> {
    let text = text_of(path).map_err(|(message, help)| LoadError::File { path: path.to_owned(), message, help })?;
    let plan = read(&path.to_string_lossy(), &text, path.parent().unwrap_or_else(|| Path::new("")), probes)?;
    Ok((plan, text))
}

/// Reads a plan. `source_name` is what messages call the text; `base_dir` is where the files and directories are that it names.
///
/// # Errors
/// Every problem of the text and of the files that it names, at once.
pub fn read(source_name: &str, text: &str, base_dir: &Path, probes: &dyn Probes) -> Result<Plan, Problems> {
    Reader::new(source_name, text, base_dir).finish(FileKind::Plan, |reader, root| {
        let table = Table::open(root, "", &PLAN, &mut reader.found)?;
        Some(plan(&table, reader, probes))
    })
}

fn plan(table: &Table<'_>, reader: &mut Reader<'_>, probes: &dyn Probes) -> Plan {
    let mut inputs = Inputs::default();
    let name = name(table, &mut reader.found);
    let region = region(table, &mut reader.found);
    let demand = demand::read(table, reader, &mut inputs);
    let quotas = quota::read(table, reader, region, (&mut inputs, probes));
    let found = &mut reader.found;
    let users = users(table, &mut inputs, found);
    let client = client(table, &mut inputs, found);
    let price = price(table, &mut inputs, found);
    Plan {
        name,
        region,
        seed: table.integer("seed", found).unwrap_or(1),
        target: target(table, found),
        launch: launch(table, found),
        demand,
        users,
        client,
        quotas,
        options: options(table, found),
        price,
        inputs: inputs.named,
        assumed: inputs.assumed,
    }
}

fn name(table: &Table<'_>, found: &mut Found) -> String {
    let _ = table.required("name", "the plan", found);
    let Some(name) = table.text("name", found) else { return String::new() };
    check_name(name, table, found);
    name.to_owned()
}

fn region(table: &Table<'_>, found: &mut Found) -> region::LivenessRegion {
    let named = table.text("region", found).unwrap_or(region::DEFAULT);
    let known = region::find(named);
    if known.is_none() {
        let all: Vec<&str> = region::ALL.iter().map(|region| region.name).collect();
        let help = format!("Face Liveness is in {}", all.join(", "));
        found.add(table.value_span("region"), format!("{} is not a region with Face Liveness", quoted(named)), help);
    }
    known.unwrap_or(region::ALL[0])
}

fn target(table: &Table<'_>, found: &mut Found) -> f64 {
    let target = value::share(table, "target", found).unwrap_or(0.001);
    if target <= 0.0 || target >= 1.0 {
        let help = "write a share above 0% and below 100%: no finite quota refuses nothing of random arrivals";
        found.add(table.value_span("target"), "`target` leaves nothing to plan", help);
    }
    target
}

fn launch(table: &Table<'_>, found: &mut Found) -> Option<String> {
    let day = table.text("launch", found)?;
    if day.parse::<jiff::civil::Date>().is_err() || day.len() != 10 {
        found.add(table.value_span("launch"), format!("{} is not a day", quoted(day)), "write it like launch = \"2026-12-17\"");
        return None;
    }
    Some(day.to_owned())
}

/// A time between two ends, or what holds without it.
fn span(table: Option<Table<'_>>, without: (u64, u64), found: &mut Found) -> (Duration, Duration) {
    let without = (Duration::from_secs(without.0), Duration::from_secs(without.1));
    let Some(table) = table else { return without };
    for key in ["from", "to"] {
        let _ = table.required(key, "the time", found);
    }
    let ends = (table.duration("from", found), table.duration("to", found));
    let (from, to) = (ends.0.unwrap_or(without.0), ends.1.unwrap_or(without.1));
    ordered(&table, (from, to), found);
    (from, to)
}

fn ordered(table: &Table<'_>, (from, to): (Duration, Duration), found: &mut Found) {
    if from > to {
        found.add(table.value_span("from"), "`from` is after `to`", "exchange the two");
    }
}

fn users(plan: &Table<'_>, inputs: &mut Inputs, found: &mut Found) -> Users {
    let table = plan.table("users", found);
    let inner = |key: &str, found: &mut Found| table.as_ref().and_then(|table| table.table(key, found));
    let checks = inner("checks", found);
    let (mut fail, mut repeat, mut at_most, mut after) = (Uncertain::known(0.0), Uncertain::known(0.0), 1, None);
    if let Some(checks) = &checks {
        fail = inputs.share(checks, "fail", "checks that fail", found).unwrap_or(fail);
        repeat = inputs.share(checks, "repeat", "failed checks that are repeated", found).unwrap_or(repeat);
        at_most = checks.integer("at_most", found).unwrap_or(1);
        after = checks.table("after", found);
    } else {
        inputs.assume("no check is repeated (users.checks says how many fail and are)");
    }
    let after_error = inner("after_error", found);
    let (mut again, mut again_after, mut tries) = (Uncertain::known(0.0), (Duration::from_secs(5), Duration::from_secs(30)), 1);
    if let Some(error) = &after_error {
        again = inputs.share(error, "again", "users who begin again after an error", found).unwrap_or(again);
        again_after =
            (error.duration("from", found).unwrap_or(again_after.0), error.duration("to", found).unwrap_or(again_after.1));
        ordered(error, again_after, found);
        tries = error.integer("at_most", found).unwrap_or(1);
    } else {
        inputs.assume("nobody begins again after an error (users.after_error)");
    }
    let ready = inner("ready", found);
    if ready.is_none() {
        inputs.assume("5 to 15 s from having a session to starting its stream (users.ready)");
    }
    let session = table.as_ref().and_then(|table| inputs.time(table, "session", "session length", found));
    let session_s = session.unwrap_or_else(|| {
        inputs.assume("a session lasts 7 s, 6 to 10 s in eight of ten forecasts (users.session)");
        inputs.number(Uncertain::of(6.0, 7.0, 10.0), InputUnit::S, "session length")
    });
    let of = |key: &str, without: f64, found: &mut Found| table.as_ref().and_then(|t| t.number(key, found)).unwrap_or(without);
    Users {
        fail,
        repeat,
        checks_at_most: at_most,
        repeat_after: span(after, (5, 20), found),
        ready: span(ready, (5, 15), found),
        session_s,
        session_sigma: of("session_sigma", 0.25, found),
        again,
        again_after,
        tries_at_most: tries,
        gets_per_check: of("gets_per_check", 1.0, found),
    }
}

fn client(plan: &Table<'_>, inputs: &mut Inputs, found: &mut Found) -> Caller {
    let table = plan.table("client", found);
    let mut caller = Caller {
        attempts: 1,
        backoff: Backoff { base: 1.0, most: 20.0 },
        jitter: Jitter::Full,
        processes: 10,
        token: TokenHabit::Reused,
        lost: 0.0,
        answer: Duration::from_millis(50),
    };
    let Some(table) = table else {
        inputs.assume("one attempt a call: no client retries (client.attempts)");
        return caller;
    };
    caller.attempts = table.integer("attempts", found).unwrap_or(1);
    if let Some(backoff) = table.table("backoff", found) {
        let seconds = |key: &str, found: &mut Found| backoff.duration(key, found).unwrap_or_default().as_secs_f64();
        caller.backoff = Backoff { base: seconds("base", found), most: seconds("max", found) };
        caller.jitter = backoff.word("jitter", found).unwrap_or(Jitter::Full);
        if caller.backoff.base > caller.backoff.most {
            found.add(backoff.value_span("base"), "`base` is above `max`", "exchange the two");
        }
    }
    if caller.attempts > 1 && table.get("processes").is_none() {
        inputs.assume("10 client processes with a retry quota each (client.processes)");
    }
    caller.processes = table.integer("processes", found).unwrap_or(10);
    caller.token = table.word("token", found).unwrap_or(TokenHabit::Reused);
    caller.lost = value::share(&table, "lost", found).unwrap_or(0.0);
    if caller.lost >= 1.0 {
        found.add(table.value_span("lost"), "no answer arrives", "write a share below 100%");
    }
    caller.answer = table.duration("answer", found).unwrap_or(caller.answer);
    caller
}

fn price(plan: &Table<'_>, inputs: &mut Inputs, found: &mut Found) -> Price {
    let table = plan.table("price", found);
    let list = |each: f64, given: bool| Price { tiers: vec![(f64::INFINITY, each)], given };
    let Some(table) = table else {
        inputs.assume("$0.015 a check: the list price of the first tier (price)");
        return list(USD_PER_CHECK, false);
    };
    let each = table.number("per_check_usd", found);
    let Some(rows) = table.list("tier", "[[price.tier]]", found) else {
        return list(each.unwrap_or(USD_PER_CHECK), each.is_some());
    };
    if each.is_some() {
        let why = "`per_check_usd` has no place beside `tier`";
        table.refuse("per_check_usd", why, "delete one of the two", found);
    }
    let mut tiers: Vec<(f64, f64)> = Vec::new();
    for (n, node) in rows.iter().enumerate() {
        let Some(tier) = Table::open(node, "the tier", table.keys_of("tier"), found) else { continue };
        let _ = tier.required("per_check_usd", "the tier", found);
        let up_to = tier.number("up_to", found).unwrap_or(f64::INFINITY);
        if n + 1 < rows.len() && up_to <= tiers.last().map_or(0.0, |(before, _)| *before)
            || n + 1 < rows.len() && up_to.is_infinite()
        {
            found.add(tier.span, "tiers go up, and only the last has no end", "give `up_to` to each but the last, in order");
        }
        tiers.push((up_to, tier.number("per_check_usd", found).unwrap_or(0.0)));
    }
    if let Some(last) = tiers.last_mut() {
        last.0 = f64::INFINITY;
    }
    Price { tiers, given: true }
}

fn options(plan: &Table<'_>, found: &mut Found) -> Vec<WhatIf> {
    let Some(rows) = plan.list("option", "[[option]], with double brackets", found) else { return Vec::new() };
    let mut options: Vec<WhatIf> = Vec::new();
    for node in rows {
        let Some(table) = Table::open(node, "the option", plan.keys_of("option"), found) else { continue };
        let _ = table.required("name", "the option", found);
        let rate = |key: &str, found: &mut Found| value::per_second(&table, key, found);
        let option = WhatIf {
            name: table.text("name", found).unwrap_or_default().to_owned(),
            rates: [rate("create", found), rate("start", found), rate("get", found)],
            concurrent: table.integer("concurrent", found),
            send_over_s: table.duration("send_over", found).map(|d| d.as_secs_f64()),
            waiting_room: rate("waiting_room", found),
            regions: table.integer("regions", found),
            attempts: table.integer("attempts", found),
            lead_time_days: table.integer("lead_time_days", found),
            costs: table.text("costs", found).map(str::to_owned),
        };
        let nothing = WhatIf {
            name: option.name.clone(),
            lead_time_days: option.lead_time_days,
            costs: option.costs.clone(),
            ..WhatIf::default()
        };
        if option == nothing {
            found.add(table.span, "the option changes nothing", "give it a quota, send_over, waiting_room, regions or attempts");
        }
        if option.waiting_room.is_some_and(|pace| pace <= 0.0) {
            found.add(table.value_span("waiting_room"), "a waiting room that lets nobody in", "write users per second above 0");
        }
        if options.iter().any(|other| other.name == option.name) {
            found.add(
                table.value_span("name"),
                format!("another option is named {}, too", quoted(&option.name)),
                "give each its own name",
            );
        }
        options.push(option);
    }
    options
}
