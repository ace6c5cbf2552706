//! `manifest.json`: which run this is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::recorder::ExactTimes;
use crate::scenario::Scenario;
use crate::shard::{CallRange, Shard};
use crate::summary::{Called, Endpoint, RunFacts, Validity};
use crate::units::floor_us;

/// Which run this is, where and against what it ran. Holds no secret: an endpoint loses its user and password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file: 1, or 2 of a run that was resumed.
    pub schema: u32,
    /// The subcommand: `run`.
    pub command: String,
    /// Of livebench.
    pub version: String,
    /// Of livebench's sources, when the build knew it: a release build in a repository, or `LIVEBENCH_COMMIT`.
    pub commit: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// The first 16 hexadecimal digits of the SHA-256 of `scenario.toml`; null in a run of 0.1.0.
    #[serde(default)]
    pub scenario_digest: Option<String>,
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
    /// Which part of a run over many machines this is; absent for a run that is whole by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ManifestShard>,
    /// Its segments, the first included, once it was resumed; absent for a run that was not. What else stands here is of the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<ManifestSegment>,
}

/// What a manifest says of one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestSegment {
    /// Which one, from 1.
    pub number: u64,
    /// When its first call was due, UTC, RFC 3339.
    pub start_utc: String,
    /// What makes its tokens differ from every other's.
    pub nonce: String,
    /// The number of its first call.
    pub first_seq: u64,
    /// Where on the schedule it begins.
    pub from_us: u64,
    /// The resolved endpoint.
    pub endpoint: String,
    /// What was called.
    pub called: Called,
    /// Version of livebench.
    pub version: String,
    /// Of livebench's sources, when the build knew it.
    pub commit: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// Cores that drove load.
    pub load_cores: usize,
    /// What only it knew; null until it ended.
    pub facts: Option<RunFacts>,
}

/// Which part of a run over many machines a directory holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestShard {
    /// How many shards the run has.
    pub of: u64,
    /// Whether it was merged of shards.
    pub merged: bool,
    /// Calls that were sent twice, by two attempts at one shard; one row of each is kept.
    pub doubled: u64,
    /// The same by shard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubles: Vec<CallRange>,
    /// What its summary does not say of what was counted, so that it can be added to others; null until it ended.
    #[serde(default)]
    pub exact: Option<ExactTimes>,
    /// The shards in it, in order: one, unless it was merged.
    pub parts: Vec<MergedPart>,
}

/// One attempt at one shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergedPart {
    /// Which shard, from 0.
    pub shard: u64,
    /// Which attempt, from 0, as far as the engine says.
    pub attempt: u64,
    /// `LIVEBENCH_GROUP`; null without.
    pub group: Option<String>,
    /// Where on the schedule it began, in microseconds; null if it was there at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_us: Option<u64>,
    /// Its own verdict; null before it was merged, and for one that did not end.
    #[serde(default)]
    pub validity: Option<Validity>,
    /// What only it knew; null before it was merged, and for one that did not end.
    #[serde(default)]
    pub facts: Option<RunFacts>,
    /// Where it ran; null before it was merged.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// How its files contradict themselves; null if they do not, and before it was merged.
    #[serde(default)]
    pub damage: Option<String>,
}

impl ManifestShard {
    /// A part that is not merged, and joined the schedule late or was there at the start.
    pub fn single(shard: Shard, attempt: u64, group: Option<String>, joined: Option<Duration>) -> Self {
        let joined_us = joined.map(floor_us);
        let (validity, facts, machine, damage) = (None, None, None, None);
        let part = MergedPart { shard: shard.index, attempt, group, joined_us, validity, facts, machine, damage };
        Self { of: shard.of, merged: false, doubled: 0, doubles: Vec::new(), exact: None, parts: vec![part] }
    }
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
    /// Which part of a run over many machines it is.
    pub shard: Option<ManifestShard>,
}

impl Manifest {
    /// Version of this file.
    pub const SCHEMA: u32 = 2;

    /// What must be the same of all shards of a run and is not, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let of = |manifest: &Self| manifest.shard.as_ref().map_or(1, |shard| shard.of).to_string();
        let group = |manifest: &Self| manifest.shard.as_ref().and_then(|shard| shard.parts.first()?.group.clone());
        // Groups are there to call different regions; an emulator of its own has a port of its own.
        let apart = group(self) != group(other);
        let called = |manifest: &Self| match manifest.called.endpoint {
            _ if apart => String::new(),
            Endpoint::Embedded | Endpoint::Model => format!("a separate emulator over {}", manifest.called.transport),
            _ => format!("{} in {} over {}", manifest.endpoint, manifest.called.region, manifest.called.transport),
        };
        let all = |manifest: &Self| {
            let Self { version, name, start_utc, seed, nonce, .. } = manifest;
            [version.clone(), name.clone(), start_utc.clone(), seed.to_string(), nonce.clone(), of(manifest), called(manifest)]
        };
        let names = ["version", "name", "start", "seed", "nonce", "number of shards", "target"];
        let pairs = all(self).into_iter().zip(all(other));
        names.iter().zip(pairs).filter(|(_, (a, b))| a != b).map(|(what, (a, b))| format!("{what}: {a} and {b}")).collect()
    }

    /// The manifest of a run of `scenario` that is about to start on this machine.
    pub fn of_run(scenario: &Scenario, start: Start<'_>) -> Self {
        Self {
            // Who cannot read segments can read a run that has one.
            schema: 1,
            command: "run".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("LIVEBENCH_COMMIT").map(str::to_owned),
            machine: Machine::here(),
            scenario_digest: None,
            name: scenario.name.clone(),
            start_utc: utc(start.since_epoch),
            seed: scenario.seed,
            nonce: start.nonce.to_owned(),
            endpoint: without_secrets(start.endpoint),
            called: start.called,
            load_cores: start.load_cores,
            scheduled: start.scheduled,
            facts: None,
            shard: start.shard,
            segments: Vec::new(),
        }
    }

    /// The start as it stands in the directory's name: `20261121T101500Z`.
    pub fn start_compact(&self) -> String {
        compact(&self.start_utc)
    }

    /// The start since 1970 UTC; `None` if the text is no time.
    pub fn since_epoch(&self) -> Option<Duration> {
        since_epoch(&self.start_utc)
    }
}

/// A time of RFC 3339 since 1970 UTC; `None` if the text is none.
pub(super) fn since_epoch(utc: &str) -> Option<Duration> {
    let start: jiff::Timestamp = utc.parse().ok()?;
    u64::try_from(start.as_microsecond()).ok().map(Duration::from_micros)
}

/// The number by which a scenario's text is known: the first 16 hexadecimal digits of its SHA-256.
pub(super) fn digest_of(text: &str) -> String {
    // derived: 64 bits tell the scenarios of a directory apart
    crate::sigv4::sha256_hex(text.as_bytes()).chars().take(16).collect()
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
        let start = Start {
            since_epoch,
            nonce: "n",
            endpoint: "http://127.0.0.1:1",
            called,
            load_cores: 1,
            scheduled: Some(1),
            shard: None,
        };
        let manifest = Manifest::of_run(&scenario, start);
        assert_eq!(manifest.start_utc, "2026-11-21T10:15:00.250000Z");
        assert_eq!(manifest.start_compact(), "20261121T101500Z");
        assert_eq!(manifest.since_epoch(), Some(since_epoch));
    }
}
