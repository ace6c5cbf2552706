//! The `[emulator]` table: what the embedded emulator shall be.

mod credentials;
mod faults;
mod limits;
mod switches;
mod times;

use std::time::Duration;

pub(super) use self::credentials::mask_secrets;
pub use self::limits::read_quota_change;
use super::table::{Found, Table};
use crate::emulator::config::{DEFAULT_ACCOUNT, EmulatorConfig};
use crate::scenario::problem::quoted;
use crate::service::{lifetime, region};

/// Shares that were written to add up to 1 may miss it by this much in binary.
pub(super) const ROUNDING: f64 = 1e-9;

/// Where the table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// In a scenario, of which every run keeps a copy: it has no place for a secret.
    Scenario,
    /// In the file of `livebench emulate --config`.
    EmulatorFile,
}

/// Reads `[emulator]`; `seed` is the one that counts when the table has none.
pub(super) fn read(table: Option<&Table<'_>>, seed: u64, home: Home, found: &mut Found) -> EmulatorConfig {
    let Some(table) = table else { return EmulatorConfig::of_region(region::DEFAULT, seed) };
    if home == Home::Scenario {
        let help = "put them into a separate file for `livebench emulate --config`; a run signs with the keys that it has anyway";
        let why = "`credentials` have no place in a scenario: every run keeps a copy of it";
        table.refuse("credentials", why, help, found);
    }
    let defaults = EmulatorConfig::default();
    let credentials = credentials::list(table, found);
    EmulatorConfig {
        seed: table.integer("seed", found).unwrap_or(seed),
        region: region_of(table, found).unwrap_or(region::DEFAULT).to_owned(),
        account: account(table, found).unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()),
        quota: limits::quota(table, "quota", found),
        get_quota: limits::quota(table, "get_quota", found),
        start_quota: limits::quota(table, "start_quota", found),
        concurrent_sessions: table.integer("concurrent_sessions", found),
        quota_error: table.word("quota_error", found).unwrap_or_default(),
        ramp: limits::growth(table, "ramp", 400, found),
        scaling: limits::growth(table, "scaling", 500, found),
        charge: limits::charge(table, found),
        retry_after: table.duration("retry_after", found),
        latency: times::latency(table, "latency", found).unwrap_or(defaults.latency),
        spikes: times::spikes(table, found),
        stalls: times::stalls(table, found),
        faults: faults::faults(table, found),
        session_ttl: session_ttl(table, found),
        sessions: switches::sessions(table, found),
        checks: switches::checks(table, found),
        tokens: switches::tokens(table, found),
        validation: switches::validation(table, found),
        verify_signatures: table.truth("verify_signatures", found).unwrap_or(true),
        allow_unsigned: table.truth("allow_unsigned", found).unwrap_or(credentials.is_empty()),
        credentials,
        cors: cors(table, found),
    }
}

/// An origin as browsers send it: scheme, host and perhaps a port, nothing after them.
fn cors(table: &Table<'_>, found: &mut Found) -> Option<String> {
    let text = table.text("cors", found)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let sound = host.is_some_and(|host| {
        !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@*".contains(c))
    });
    if !sound {
        let help = "write the one origin whose pages may call, as browsers send it: cors = \"https://app.example\"";
        found.add(table.value_span("cors"), format!("`cors` is an origin, not {}", quoted(text)), help);
    }
    sound.then(|| text.to_owned())
}

/// `session_ttl`, as `[idempotency]` and `[emulator]` both have it.
pub(super) fn session_ttl(table: &Table<'_>, found: &mut Found) -> Duration {
    table.duration("session_ttl", found).unwrap_or(lifetime::SESSION)
}

fn region_of<'t>(table: &Table<'t>, found: &mut Found) -> Option<&'t str> {
    let region = table.text("region", found)?;
    let parts: Vec<&str> = region.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let sound = match parts.split_last() {
        Some((last, head)) => {
            head.len() >= 2 && head.iter().all(letters) && matches!(last.len(), 1 | 2) && last.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    };
    if !sound || region.len() > 32 {
        found.add(
            table.key_span("region"),
            format!("{} is not a region", quoted(region)),
            "write it like us-east-1 or eu-west-1",
        );
        return None;
    }
    Some(region)
}

/// `account`: 12 digits.
fn account(table: &Table<'_>, found: &mut Found) -> Option<String> {
    let account = table.text("account", found)?;
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        found.add(
            table.key_span("account"),
            format!("{} is not an `account`", quoted(account)),
            "it has 12 digits, like \"123456789012\"",
        );
        return None;
    }
    Some(account.to_owned())
}
