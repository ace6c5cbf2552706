//! `quota`, `get_quota`, `ramp`, `scaling` and `charge`.

use super::super::table::{Found, Table};
use super::super::tree::{Value, from_json};
use crate::emulator::config::{Charge, QuotaChange};
use crate::key::{Absent, Amount, Amounts, TableKey, ValueForm};
use crate::limiter::{Growth, PlainQuota, Quota, RENAMED, RefusalCost, Unfit};
use crate::scenario::keys::QUOTA_CHANGE;
use crate::scenario::problem::{Problem, Problems, Source};
use crate::service::operation::Operation;
use crate::units::Rate;

/// `quota` or `get_quota`.
pub(super) fn quota(table: &Table<'_>, name: &str, found: &mut Found) -> Option<Quota> {
    let quota = table.table(name, found)?;
    limit(&quota, name, found, Quota::build).map(|(_, _, quota)| quota)
}

/// A limit in a table of its own: the name of its kind, its numbers, and what `make` makes of them.
fn limit<T>(
    quota: &Table<'_>,
    name: &str,
    found: &mut Found,
    make: impl Fn(&str, &Amounts) -> Result<T, Unfit>,
) -> Option<(&'static str, Amounts, T)> {
    if let Some((old, new)) = renamed(quota) {
        let help = format!("write kind = \"{new}\"");
        found.add(quota.value_span("kind"), format!("`{old}` is called `{new}` now"), help);
        return None;
    }
    let (quota, kind) = quota.tagged(found)?;
    let own: Vec<&str> = kind.keys.iter().map(|key| key.name).collect();
    for key in quota.beside(kind) {
        let why = format!("`{key}` has no place beside kind = \"{}\"", kind.name);
        let help = match own[..] {
            [] => "delete it, or write kind = \"token-bucket\"".to_owned(),
            _ => format!("delete it; this kind has {}", own.join(", ")),
        };
        quota.refuse(key, &why, &help, found);
    }
    let mut given = Amounts::default();
    for key in kind.keys {
        if let Some(amount) = amount(key, &quota, name, found) {
            given.add(key.name, amount);
        }
    }
    match make(kind.name, &given) {
        Ok(limit) => Some((kind.name, given, limit)),
        // What is missing, or wrong by itself, is told already.
        Err(Unfit::Missing) => None,
        Err(Unfit::Contradiction { key, why, help }) => {
            found.add(quota.key_span(key), why, help);
            None
        }
    }
}

/// What stands at a key of a kind.
fn amount(key: &'static TableKey, quota: &Table<'_>, name: &str, found: &mut Found) -> Option<Amount> {
    if matches!(key.absent, Absent::Required(_)) {
        let _ = quota.required(key.name, &format!("`{name}`"), found);
    }
    match key.form {
        ValueForm::Duration(_) => quota.duration(key.name, found).map(Amount::Time),
        ValueForm::Number(_) => quota.number(key.name, found).map(Amount::Number),
        ValueForm::Truth => quota.truth(key.name, found).map(Amount::Truth),
        ValueForm::Word(words) => quota.choice(key.name, words, found).map(Amount::Word),
        ValueForm::Table(_) => {
            let inner = quota.table(key.name, found)?;
            limit(&inner, key.name, found, PlainQuota::build).map(|(kind, given, _)| Amount::Table(kind, given))
        }
        ValueForm::PositiveRate => {
            let rate = quota.rate(key.name, found)?;
            if rate == Rate::default() {
                let help = "write a rate above 0, or kind = \"none\" for no limit";
                found.add(quota.key_span(key.name), "a quota of 0 allows nothing", help);
            }
            Some(Amount::Rate(rate))
        }
        _ => quota.integer(key.name, found).map(Amount::Count),
    }
}

fn renamed(quota: &Table<'_>) -> Option<(&'static str, &'static str)> {
    let Value::Text(text) = &quota.get("kind")?.value else { return None };
    RENAMED.into_iter().find(|(old, _)| old == text)
}

/// Reads the JSON of a [`QuotaChange`]: `{"operation": "CreateFaceLivenessSession", "quota": {"kind": "token-bucket", "rate": 5}}`,
/// with the quota as a scenario has it. Without `operation` it is that of creates, without `quota` what is documented.
///
/// # Errors
/// Every problem of the text at once.
pub fn read_quota_change(json: &str) -> Result<QuotaChange, Problems> {
    let mut found = Found::default();
    let mut change = QuotaChange { operation: Operation::Create, quota: None };
    match from_json(json) {
        Err(problem) => {
            let help = "write it like {\"quota\": {\"kind\": \"token-bucket\", \"rate\": 5}}".to_owned();
            found.list.push(Problem { help, ..problem });
        }
        Ok(node) => {
            if let Some(table) = Table::open(&node, "the body", &QUOTA_CHANGE, &mut found) {
                change.operation = table.word("operation", &mut found).unwrap_or(change.operation);
                change.quota = quota(&table, "quota", &mut found);
            }
        }
    }
    if found.list.is_empty() {
        return Ok(change);
    }
    Err(Problems::new(vec![Source { name: "the body".to_owned(), text: json.to_owned() }], found.list))
}

/// `ramp` or `scaling`.
pub(super) fn growth(table: &Table<'_>, name: &str, status: u16, found: &mut Found) -> Option<Growth> {
    let growth = table.table(name, found)?;
    let _ = growth.required("floor", &format!("`{name}`"), found);
    let (window, times) = (growth.duration("window", found), growth.number("growth", found));
    let (status, floor) = (growth.integer("status", found).unwrap_or(status), growth.integer("floor", found));
    let (window, times, floor) = (window?, times?, floor?);
    // In range by the check above, so the cast neither truncates nor loses a sign.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let growth_milli = (times * 1000.0).round() as u32;
    Some(Growth { window, growth_milli, floor, status })
}

/// `charge`.
pub(super) fn charge(table: &Table<'_>, found: &mut Found) -> Charge {
    let Some(charge) = table.table("charge", found) else { return Charge::default() };
    Charge {
        rejected: charge.part("rejected", found).and_then(RefusalCost::new).unwrap_or_default(),
        invalid: charge.truth("invalid", found).unwrap_or_default(),
    }
}
