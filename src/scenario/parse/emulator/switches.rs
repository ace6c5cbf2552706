//! `[emulator.sessions]`, `checks`, `tokens` and `validation`.

use super::super::table::{Found, Table};
use super::ROUNDING;
use super::times::latency;
use crate::emulator::config::{Checks, SessionRules, Tokens, Validation};
use crate::interval::Interval;

pub(super) fn sessions(table: &Table<'_>, found: &mut Found) -> SessionRules {
    let defaults = SessionRules::default();
    let Some(table) = table.table("sessions", found) else { return defaults };
    SessionRules {
        results_ttl: table.duration("results_ttl", found),
        expired: table.word("expired", found).unwrap_or_default(),
        expired_for: table.duration("expired_for", found).unwrap_or(defaults.expired_for),
    }
}

pub(super) fn checks(table: &Table<'_>, found: &mut Found) -> Checks {
    let defaults = Checks::default();
    let Some(table) = &table.table("checks", found) else { return defaults };
    let Interval { low: least, high: most } = defaults.confidence;
    let checks = Checks {
        succeed: table.share("succeed", found),
        fail: table.share("fail", found),
        abandon: table.share("abandon", found),
        start: latency(table, "start", found).unwrap_or(defaults.start),
        length: latency(table, "length", found).unwrap_or(defaults.length),
        confidence: Interval::new(
            table.number("confidence_min", found).unwrap_or(least),
            table.number("confidence_max", found).unwrap_or(most),
        ),
        audit_images: table.word("audit_images", found).unwrap_or_default(),
        s3_versions: table.truth("s3_versions", found).unwrap_or_default(),
        feedback: table.share("feedback", found),
        sdk_type: sdk_type(table, found).unwrap_or(defaults.sdk_type),
    };
    if checks.succeed.as_f64() + checks.fail.as_f64() + checks.abandon.as_f64() > 1.0 + ROUNDING {
        let help = "they are shares of all sessions; the rest is never begun: lower them";
        found.add(table.span, "the shares of the checks are more than 1 together", help);
    }
    if checks.confidence.low > checks.confidence.high {
        let key = if table.get("confidence_max").is_some() { "confidence_max" } else { "confidence_min" };
        let Interval { low: least, high: most } = checks.confidence;
        let message = format!("`confidence_min` is {least}, and `confidence_max` is {most}");
        found.add(table.key_span(key), message, "a confidence lies between the two: write both");
    }
    checks
}

fn sdk_type(table: &Table<'_>, found: &mut Found) -> Option<String> {
    let text = table.text("sdk_type", found)?;
    if !(1..=64).contains(&text.chars().count()) {
        found.add(table.key_span("sdk_type"), "`sdk_type` is too short or too long", "it has 1 to 64 characters");
        return None;
    }
    Some(text.to_owned())
}

pub(super) fn tokens(table: &Table<'_>, found: &mut Found) -> Tokens {
    let Some(table) = table.table("tokens", found) else { return Tokens::default() };
    Tokens {
        window: table.duration("window", found),
        scope: table.word("scope", found).unwrap_or_default(),
        mismatch: table.word("mismatch", found).unwrap_or_default(),
        after_expiry: table.word("after_expiry", found).unwrap_or_default(),
        race: table.word("race", found).unwrap_or_default(),
        free_replay: !table.truth("replay_costs", found).unwrap_or(true),
        remember_throttled: table.truth("remember_throttled", found).unwrap_or_default(),
    }
}

pub(super) fn validation(table: &Table<'_>, found: &mut Found) -> Validation {
    let Some(table) = table.table("validation", found) else { return Validation::default() };
    Validation {
        error: table.word("error", found).unwrap_or_default(),
        message: table.word("message", found).unwrap_or_default(),
        audit_images_limit: table.word("audit_images_limit", found).unwrap_or_default(),
    }
}
