//! Where a command's calls go, and what stands before the first call to AWS.

use std::hash::{BuildHasher as _, RandomState};

use super::{Error, could_not_run, talk};
use crate::cli::{ConnectionArgs, TargetKind};
use crate::client::sdk::{self, Destination, Options, Timeouts, Trust};
use crate::scenario::Budget;
use crate::service::exception::name::ACCESS_DENIED;
use crate::service::region;

/// What is called.
#[derive(Debug)]
pub(super) enum Target {
    /// The emulator inside this process.
    Embedded,
    /// An endpoint on this machine.
    Loopback(Destination),
    /// Anything else. The guard has let it pass.
    Aws(Destination),
}

/// What the command line says of the target, and what a far endpoint needs besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct TargetOptions<'a> {
    /// `--target`
    pub(super) target: Option<TargetKind>,
    /// `--yes`
    pub(super) yes: bool,
    /// Where and as whom.
    pub(super) connection: &'a ConnectionArgs,
    /// The emulator's region.
    pub(super) region: &'a str,
    /// What may be spent.
    pub(super) budget: &'a Budget,
    /// Where the budget is told.
    pub(super) asked: Asked,
}

/// The connection options in the form of the target.
fn connection(args: &ConnectionArgs) -> Options {
    let trust = if args.no_verify_ssl { Some(Trust::Anybody) } else { args.ca_bundle.clone().map(Trust::Bundle) };
    let limit = |seconds: std::time::Duration| Some(seconds).filter(|s| !s.is_zero());
    Options {
        endpoint_url: args.endpoint_url.clone(),
        region: args.region.clone(),
        profile: args.profile.clone(),
        unsigned: args.no_sign_request,
        trust,
        timeouts: Timeouts { connect: limit(args.cli_connect_timeout), read: limit(args.cli_read_timeout) },
        fallback_region: None,
    }
}

/// The options under which the embedded emulator is reached: its own region, whatever the environment says.
pub(super) fn embedded(args: &ConnectionArgs, endpoint: String, region: &str) -> Options {
    let region = args.region.clone().unwrap_or_else(|| region.to_owned());
    Options { endpoint_url: Some(endpoint), region: Some(region), ..connection(args) }
}

/// Decides what is called. An endpoint that came in by flag, environment or profile counts; a far one is AWS, and needs `--yes` and a
/// budget.
pub(super) async fn resolve(options: TargetOptions<'_>) -> Result<Target, Error> {
    let target = options.target;
    if target == Some(TargetKind::Emulator) && options.connection.endpoint_url.is_none() {
        return Ok(Target::Embedded);
    }
    let mut wanted = connection(options.connection);
    if target != Some(TargetKind::Aws) {
        wanted.fallback_region = Some(options.region.to_owned());
    }
    if target == Some(TargetKind::Aws) {
        let resolved = sdk::resolve(wanted).await;
        return match (resolved, missing(options)) {
            (Ok(destination), _) => guard(destination, options).map(Target::Aws),
            (Err(error), missing) if missing.is_empty() => Err(could_not_run(error)),
            // All at once: who is told of one thing after the other gives up.
            (Err(error), missing) => {
                Err(could_not_run(format!("{error}. Before anything is sent it also needs {}", missing.join(", "))))
            }
        };
    }
    match sdk::resolve_named(wanted).await.map_err(could_not_run)? {
        None => Ok(Target::Embedded),
        Some(destination) if destination.is_loopback() => Ok(Target::Loopback(destination)),
        Some(destination) => guard(destination, options).map(Target::Aws),
    }
}

/// Where Service Quotas is asked: on this machine, or at AWS with `--yes`. What it answers costs nothing.
pub(super) async fn for_quotas(args: &ConnectionArgs, yes: bool) -> Result<Destination, Error> {
    let destination = sdk::resolve(connection(args)).await.map_err(could_not_run)?;
    if destination.is_loopback() || yes {
        return Ok(destination);
    }
    Err(could_not_run(format!(
        "Service Quotas of AWS would be asked in {}: nothing was sent. It needs --yes on the command line",
        destination.region
    )))
}

/// Where a command is told its budget.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    calls: &'static str,
    dollars: &'static str,
}

impl Asked {
    /// In the scenario.
    pub(super) const SCENARIO: Self =
        Self { calls: "`max_calls` in the scenario's [budget]", dollars: "`max_spend_usd` above 0 in the scenario's [budget]" };
    /// On the command line.
    pub(super) const OPTIONS: Self = Self { calls: "--max-calls", dollars: "--max-spend-usd above 0" };
}

/// Names everything that is missing before a far endpoint may be called.
fn guard(destination: Destination, options: TargetOptions<'_>) -> Result<Destination, Error> {
    let missing = missing(options);
    if missing.is_empty() {
        return Ok(destination);
    }
    Err(could_not_run(format!(
        "{} (from {}) is treated as AWS: it may cost money and use up a quota, so nothing was sent. It needs {}. \
         To stay on this machine, use --target emulator",
        destination.endpoint,
        destination.origin,
        missing.join(", ")
    )))
}

/// What is missing before a far endpoint may be called.
fn missing(options: TargetOptions<'_>) -> Vec<String> {
    let TargetOptions { yes, budget, asked, .. } = options;
    let mut missing = Vec::new();
    if !yes {
        missing.push("--yes on the command line".to_owned());
    }
    if budget.max_calls.is_none() {
        missing.push(asked.calls.to_owned());
    }
    if budget.max_spend_usd <= 0.0 {
        missing.push(asked.dollars.to_owned());
    }
    missing
}

/// Says what a user should know of the keys that sign.
pub(super) fn talk_of_keys(destination: &Destination) {
    if let Some(note) = &destination.note {
        talk(&format!("note     {note}"));
    }
}

/// Why access may have been denied, where the region says it.
pub(super) fn region_hint(asked: &str) -> Option<String> {
    let known = region::ALL.map(|region| region.name);
    (!known.contains(&asked)).then(|| {
        format!(
            "{asked} is not among the regions with Face Liveness ({}); such a region answers {ACCESS_DENIED}",
            known.join(", ")
        )
    })
}

/// 64 bits that no other run has: the standard library's own seed for hash maps.
pub(super) fn nonce() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
