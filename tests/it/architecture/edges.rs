//! What only some rooms may touch: clocks, background work, the AWS SDK. Permissions have a reason, and one that nothing uses fails.

use super::resolve::{House, within};
use super::{Breach, hold, house};

/// A kind of path, and the modules that may use it.
pub(super) struct Edge {
    pub(super) rule: &'static str,
    /// Words that stand in this order, side by side, in a forbidden path; a first word that ends in `*` fits as a beginning.
    pub(super) paths: &'static [&'static str],
    /// Modules that may, with all below them, each with the reason.
    pub(super) allowed: &'static [(&'static str, &'static str)],
}

pub(super) const CLOCKS: Edge = Edge {
    rule: "time is a `Duration` that is passed in; clocks are read elsewhere:",
    paths: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "clock_gettime"],
    allowed: &[
        ("timer", "the absolute timer has the clock's origin"),
        ("load", "the pacer is the one keeper of time"),
        ("client::sdk", "wall time signs requests"),
        ("client::signing", "wall time signs requests"),
        ("client::net", "connections have an age"),
        ("commands", "wall time names a run"),
        ("emulator::http", "the emulator's edge passes time in, and dates answers"),
    ],
};

pub(super) const BACKGROUND: Edge = Edge {
    rule: "background work has an owner, and waiting a place; they are elsewhere:",
    paths: &[
        "thread::spawn",
        "thread::scope",
        "thread::Builder",
        "thread::sleep",
        "tokio::spawn",
        "task::spawn",
        "task::JoinSet",
        "spawn_local",
        "spawn_blocking",
        "time::sleep",
        "time::sleep_until",
        "time::interval",
        "time::interval_at",
        "time::timeout",
        "time::timeout_at",
    ],
    allowed: &[
        ("timer", "the kernel's timer is waited for here"),
        ("load", "drivers and the pacer"),
        ("results", "the writer's thread"),
        ("live", "the terminal's thread, the server of metrics"),
        ("commands", "a probe, a self-test and a command's signals"),
        ("client::net", "the timeout of connecting"),
        ("client::sdk", "the SDK's own clock and its warming up"),
        ("emulator::http", "a task a connection"),
    ],
};

pub(super) const SDK: Edge = Edge {
    rule: "the AWS SDK is named in client/ only:",
    paths: &["aws_sdk_*", "aws_config", "aws_smithy_*", "aws_types", "aws_credential_types", "aws_runtime", "aws_sigv4"],
    allowed: &[("client", "the room that speaks to AWS")],
};

fn fits(path: &[String], forbidden: &str) -> bool {
    let words: Vec<&str> = forbidden.split("::").collect();
    let same = |(word, wanted): (&String, &&str)| match wanted.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == wanted,
    };
    path.windows(words.len()).any(|part| part.iter().zip(&words).all(same))
}

/// Uses of an edge, allowed or not: the key is the permission that covers it, or the file.
pub(super) fn touching(house: &House, edge: &Edge) -> Vec<Breach> {
    let mut found = Vec::new();
    for used in &house.uses {
        let means = [Some(&used.path), used.foreign.as_ref()];
        let is_meant = |path: &&&str| means.iter().flatten().any(|words| fits(words, path));
        let Some(path) = edge.paths.iter().find(is_meant) else { continue };
        let source = &house.sources[used.source];
        let permission = edge.allowed.iter().find(|(module, _)| within(&used.from, module));
        let key = permission.map_or(source.path.as_str(), |(module, _)| *module);
        found.push(Breach::at(source, used.line, key, &format!("{path}: `{}`", used.path.join("::"))));
    }
    found
}

fn keep(edge: &Edge) {
    hold(edge.rule, &touching(house(), edge), edge.allowed.iter().map(|(module, _)| *module));
}

/// Clocks are read in the pacer's room, at the emulator's edge and where a run is named and signed.
#[test]
fn clocks_stay_at_the_edges() {
    keep(&CLOCKS);
}

/// Background work has an owner.
#[test]
fn only_some_rooms_spawn_or_sleep() {
    keep(&BACKGROUND);
}

/// Only `client` names the SDK's crates.
#[test]
fn the_sdk_stays_in_its_room() {
    keep(&SDK);
}
