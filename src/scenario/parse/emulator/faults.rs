//! `[emulator.faults]`.

use super::super::table::{Found, Table};
use super::super::tree::{Node, Value};
use super::ROUNDING;
use crate::emulator::config::keys::SCHEDULED;
use crate::emulator::config::{FaultKind, Faults, Malformed, RawAnswer, ScheduledFault};
use crate::scenario::problem::quoted;

pub(super) fn faults(table: &Table<'_>, found: &mut Found) -> Faults {
    let defaults = Faults::default();
    let Some(table) = &table.table("faults", found) else { return defaults };
    let faults = Faults {
        reset_before: table.share("reset_before", found),
        reset_after: table.share("reset_after", found),
        raw: table.table("raw", found).and_then(|raw| raw_answer(&raw, found)),
        internal_error: table.share("internal_error", found),
        unavailable: table.share("unavailable", found),
        malformed: table.share("malformed", found),
        malformed_forms: malformed_forms(table, found).unwrap_or(defaults.malformed_forms),
        slow_body: table.share("slow_body", found),
        slow_body_for: table.duration("slow_body_for", found).unwrap_or(defaults.slow_body_for),
        half_open: table.share("half_open", found),
        scheduled: scheduled(table, found),
    };
    let sum: f64 = faults.shares().iter().map(|(_, share)| share.as_f64()).sum();
    if sum > 1.0 + ROUNDING {
        found.add(table.span, "the shares of the faults are more than 1 together", "they are shares of all calls: lower them");
    }
    faults
}

fn malformed_forms(table: &Table<'_>, found: &mut Found) -> Option<Vec<Malformed>> {
    let nodes = table.list("malformed_forms", "[ \"empty\", \"truncated\" ]", found)?;
    if nodes.is_empty() {
        let help = "name one of them, or leave the key out for all of them";
        found.add(table.key_span("malformed_forms"), "`malformed_forms` is empty", help);
        return None;
    }
    let known = || Malformed::ALL.map(|form| format!("\"{}\"", form.name())).join(", ");
    let mut forms = Vec::new();
    for node in nodes {
        let Value::Text(text) = &node.value else {
            found.mistyped(node, "malformed_forms", "a list of texts", "[ \"empty\", \"truncated\" ]");
            continue;
        };
        if let Some(form) = Malformed::ALL.into_iter().find(|form| form.name() == text) {
            forms.push(form);
        } else {
            let message = format!("{} is not a form of a malformed answer", quoted(text));
            found.add(&node.span, message, format!("forms: {}", known()));
        }
    }
    (!forms.is_empty()).then_some(forms)
}

fn scheduled(table: &Table<'_>, found: &mut Found) -> Vec<ScheduledFault> {
    let example = "[ { fault = \"unavailable\", at = \"10s\", for = \"5s\" } ]";
    let nodes = table.list("scheduled", example, found).unwrap_or_default();
    let most = table.most("scheduled");
    if nodes.len() > most {
        let message = format!("{} scheduled faults are too many", nodes.len());
        found.add(table.key_span("scheduled"), message, format!("there can be up to {most}"));
    }
    let has_raw = table.get("raw").is_some();
    nodes.iter().take(most).filter_map(|node| scheduled_fault(node, has_raw, found)).collect()
}

fn scheduled_fault(node: &Node, has_raw: bool, found: &mut Found) -> Option<ScheduledFault> {
    let place = "the scheduled fault";
    let table = Table::open(node, place, &SCHEDULED, found)?;
    let _ = table.required("fault", place, found);
    let _ = table.required("at", place, found);
    let _ = table.required("for", place, found);
    let fault = table.word("fault", found);
    if fault == Some(FaultKind::Raw) && !has_raw {
        let help = "say what it answers: raw = { share = 0.0, status = 503, body = \"...\" }";
        found.add(table.key_span("fault"), "`fault` is \"raw\", and there is no `raw` answer", help);
    }
    let (at, length) = (table.duration("at", found), table.duration("for", found));
    let share = table.share("share", found);
    Some(ScheduledFault { fault: fault?, at: at?, length: length?, share })
}

fn raw_answer(raw: &Table<'_>, found: &mut Found) -> Option<RawAnswer> {
    let _ = raw.required("share", "`raw`", found);
    let _ = raw.required("status", "`raw`", found);
    let status = raw.integer("status", found);
    let content_type = raw.text("content_type", found).unwrap_or_default();
    if content_type.is_empty() || !content_type.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        found.add(raw.key_span("content_type"), "`content_type` is not a header value", "write it like \"text/html\"");
    }
    let body = raw.text("body", found).unwrap_or_default();
    Some(RawAnswer {
        share: raw.share("share", found),
        status: status?,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    })
}
