//! `manifest.json`: which run this is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;
use crate::summary::{Called, RunFacts};

/// Which run this is, where and against what it ran. Holds no secret: an endpoint loses its user and password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file: 1.
    pub schema: u32,
    /// The subcommand: `run`.
    pub command: String,
    /// Of livebench.
    pub version: String,
    /// Of livebench's sources, when the build knew it: a release build in a repository, or `LIVEBENCH_COMMIT`.
    pub commit: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// The scenario's name.
    pub name: String,
    /// When the schedule's time 0 was, UTC, RFC 3339.
    pub start_utc: String,
    /// The seed of every draw, `--seed` included.
    pub seed: u64,
    /// What makes this run's tokens differ from every other run's.
    pub nonce: String,
    /// The resolved endpoint.
    pub endpoint: String,
    /// What was called.
    pub called: Called,
    /// Cores that drove load.
    pub load_cores: usize,
    /// Calls of the whole schedule; null in the closed model.
    pub scheduled: Option<u64>,
    /// What only the run knew; null until it ended.
    pub facts: Option<RunFacts>,
}

/// Where a run ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Cores that this process may use; null if the system does not tell.
    pub cores: Option<usize>,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cores: std::thread::available_parallelism().ok().map(Into::into),
        }
    }
}

/// What a run knows of itself before its first call.
#[derive(Debug, Clone)]
pub struct Start<'a> {
    /// When the schedule's time 0 is, since 1970 UTC.
    pub since_epoch: Duration,
    /// See [`Manifest::nonce`].
    pub nonce: &'a str,
    /// The resolved endpoint; user, password, query and fragment are left out.
    pub endpoint: &'a str,
    /// What is called.
    pub called: Called,
    /// Cores that drive load.
    pub load_cores: usize,
    /// Calls of the whole schedule; `None` in the closed model.
    pub scheduled: Option<u64>,
}

impl Manifest {
    /// The manifest of a run of `scenario` that is about to start on this machine.
    pub fn of_run(scenario: &Scenario, start: Start<'_>) -> Self {
        Self {
            schema: 1,
            command: "run".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("LIVEBENCH_COMMIT").map(str::to_owned),
            machine: Machine::here(),
            name: scenario.name.clone(),
            start_utc: utc(start.since_epoch),
            seed: scenario.seed,
            nonce: start.nonce.to_owned(),
            endpoint: without_secrets(start.endpoint),
            called: start.called,
            load_cores: start.load_cores,
            scheduled: start.scheduled,
            facts: None,
        }
    }

    /// The start as it stands in the directory's name: `20261121T101500Z`.
    pub fn start_compact(&self) -> String {
        compact(&self.start_utc)
    }

    /// The start since 1970 UTC; `None` if the text is no time.
    pub fn since_epoch(&self) -> Option<Duration> {
        let start: jiff::Timestamp = self.start_utc.parse().ok()?;
        u64::try_from(start.as_microsecond()).ok().map(Duration::from_micros)
    }
}

/// `20261121T101500Z` of RFC 3339.
pub(super) fn compact(utc: &str) -> String {
    let digits: String = utc.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    let (day, time) = digits.split_at(digits.len().min(8));
    format!("{day}T{time}Z")
}

/// RFC 3339 with microseconds.
pub(super) fn utc(since_epoch: Duration) -> String {
    let us = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.6}")
}

/// A URL without user, password, query and fragment.
pub(super) fn without_secrets(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No user, password or query of an endpoint reaches the file.
    #[test]
    fn endpoints_lose_their_secrets() {
        let cases = [
            ("https://user:p@ss@host:8443/path?key=1#x", "https://host:8443/path"),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("https://rekognition.us-east-1.amazonaws.com/", "https://rekognition.us-east-1.amazonaws.com/"),
            ("model", "model"),
        ];
        for (url, plain) in cases {
            assert_eq!(without_secrets(url), plain);
        }
    }

    /// The start names the directory and dates the interval log.
    #[test]
    fn the_start_is_written_and_read() {
        let scenario = crate::summary::testing::steady("");
        let called = crate::summary::testing::facts(1).called;
        let since_epoch = Duration::from_millis(1_795_256_100_250);
        let start = Start { since_epoch, nonce: "n", endpoint: "http://127.0.0.1:1", called, load_cores: 1, scheduled: Some(1) };
        let manifest = Manifest::of_run(&scenario, start);
        assert_eq!(manifest.start_utc, "2026-11-21T10:15:00.250000Z");
        assert_eq!(manifest.start_compact(), "20261121T101500Z");
        assert_eq!(manifest.since_epoch(), Some(since_epoch));
    }
}
