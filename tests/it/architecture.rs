//! The house rules, held by reading the sources: who may import whom, who may touch clocks, threads and the AWS SDK.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up; each may import from itself and from those before it. The first prefix that fits names the room.
const ROOMS: &[&str] = &[
    "units",
    "stats",
    "sigv4",
    "limiter",
    "client::outcome",
    "client::request",
    "client",
    "schedule",
    "emulator::config",
    "scenario",
    "record::sample",
    "record",
    "summary",
    "compare",
    "selftest",
    "emulator",
    "probe",
    "timer",
    "load",
    "client::model",
    "client::net",
    "client::sdk",
    "client::wire",
    "emulator::edge",
    "report",
    "results",
    "live",
    "awscli",
    "cli",
    "commands",
];

/// The emulator's edge: everything of it that is no pure model.
const EDGE: &[&str] =
    &["emulator::http", "emulator::tls", "emulator::log", "emulator::alarm", "emulator::server", "emulator::embedded"];

/// A source file: its module path, and its lines without tests and comments.
struct Source {
    path: PathBuf,
    module: String,
    lines: Vec<(usize, String)>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(read(root, &path));
        }
    }
}

fn read(root: &Path, path: &Path) -> Source {
    let relative = path.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    let is_test = parts.iter().any(|part| part == "tests" || part == "testing");
    let text = fs::read_to_string(path).unwrap();
    let body = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
    let lines = if is_test { Vec::new() } else { numbered(body) };
    Source { path: relative.with_extension("rs"), module: parts.join("::"), lines }
}

fn numbered(body: &str) -> Vec<(usize, String)> {
    let lines = body.lines().enumerate().map(|(i, line)| (i + 1, line.split("//").next().unwrap_or_default().to_owned()));
    lines.filter(|(_, line)| !line.trim().is_empty()).collect()
}

fn within(module: &str, room: &str) -> bool {
    module == room || module.strip_prefix(room).is_some_and(|rest| rest.starts_with("::"))
}

/// The room of a module path, by its place in [`ROOMS`].
fn room(module: &str) -> Option<usize> {
    if EDGE.iter().any(|edge| within(module, edge)) {
        return ROOMS.iter().position(|room| *room == "emulator::edge");
    }
    let longest = ROOMS.iter().filter(|room| within(module, room)).max_by_key(|room| room.len())?;
    ROOMS.iter().position(|room| room == longest)
}

/// The module paths that a file imports from this crate.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let text: Vec<&str> = source.lines.iter().map(|(_, line)| line.as_str()).collect();
    let mut found = Vec::new();
    for (i, (number, line)) in source.lines.iter().enumerate() {
        let mut rest = line.as_str();
        while let Some(at) = rest.find("crate::") {
            let after = &rest[at + "crate::".len()..];
            // A brace may stand open over several lines.
            let statement = if after.starts_with('{') { text[i..].join(" ") } else { after.to_owned() };
            found.extend(
                paths(statement.trim_start_matches(|c| c != '{' && after.starts_with('{'))).into_iter().map(|p| (*number, p)),
            );
            rest = after;
        }
    }
    found
}

/// `a::b::{c, d}` as far as a room can be told from it.
fn paths(import: &str) -> Vec<String> {
    let word =
        |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next().unwrap_or_default().to_owned();
    let head = word(import);
    let rest = &import[head.len()..];
    if let Some(group) = rest.strip_prefix('{').filter(|_| head.is_empty() || head.ends_with("::")) {
        let group = group.split('}').next().unwrap_or_default();
        return group.split(',').map(|part| format!("{head}{}", word(part.trim()))).filter(|path| !path.is_empty()).collect();
    }
    vec![head]
}

/// A room uses only rooms below it.
#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !matches!(s.module.as_str(), "lib" | "main")) {
        let own = room(&source.module).unwrap_or_else(|| panic!("{} is in no room: add it to ROOMS", source.module));
        for (line, import) in imports(source) {
            match room(&import) {
                Some(other) if other <= own => {}
                Some(other) => wrong.push(format!("{}:{line}: {} uses {}", source.path.display(), ROOMS[own], ROOMS[other])),
                None => wrong.push(format!("{}:{line}: `crate::{import}` is in no room", source.path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "a room may use only rooms below it:\n{}", wrong.join("\n"));
}

/// Lines outside the allowed rooms that contain one of the words.
fn offenders(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources() {
        if allowed.iter().any(|room| within(&source.module, room)) {
            continue;
        }
        for (line, text) in &source.lines {
            if let Some(word) = words.iter().find(|word| text.contains(**word)) {
                wrong.push(format!("{}:{line}: {word}", source.path.display()));
            }
        }
    }
    wrong
}

/// Clocks are read in the pacer's room, at the emulator's edge and where a run is named and signed.
#[test]
fn clocks_stay_at_the_edges() {
    let allowed = [
        "timer",
        "load",
        "client::sdk",
        "client::wire",
        "commands",
        "main",
        "emulator::http",
        "emulator::server",
        "emulator::embedded",
        "emulator::log",
        "emulator::alarm",
    ];
    let wrong = offenders(&["Instant::now", "SystemTime::now", "Timestamp::now", "clock_gettime"], &allowed);
    assert!(wrong.is_empty(), "time is a `Duration` that is passed in:\n{}", wrong.join("\n"));
}

/// Background work has an owner.
#[test]
fn only_some_rooms_spawn_or_sleep() {
    let allowed = [
        "timer",
        "load",
        "results",
        "live",
        "commands",
        "main",
        "client::net",
        "emulator::http",
        "emulator::server",
        "emulator::embedded",
        "emulator::log",
        "emulator::alarm",
    ];
    let wrong = offenders(
        &["thread::spawn", "thread::Builder", "tokio::spawn", "spawn_local", "time::sleep", "thread::sleep", "time::timeout"],
        &allowed,
    );
    let wrong: Vec<_> = wrong.into_iter().filter(|line| !line.starts_with("client/sdk/")).collect();
    assert!(wrong.is_empty(), "no background work here:\n{}", wrong.join("\n"));
}

/// Only `client` names the SDK's crates; the verification of signatures may name their signer.
#[test]
fn the_sdk_stays_in_its_room() {
    let wrong =
        offenders(&["aws_sdk_", "aws_config", "aws_smithy_", "aws_types", "aws_credential_types", "aws_runtime"], &["client"]);
    let wrong: Vec<_> = wrong.into_iter().chain(offenders(&["aws_sigv4"], &["client", "emulator::sigv4"])).collect();
    assert!(wrong.is_empty(), "the AWS SDK is named outside client/:\n{}", wrong.join("\n"));
}

/// A file that has grown too long says something; unfinished marks say it too.
#[test]
fn files_are_short_and_finished() {
    let mut wrong = Vec::new();
    for source in sources() {
        let length = source.lines.len();
        if length > 450 {
            wrong.push(format!("{}: {length} lines of code", source.path.display()));
        }
        let marks = ["todo!", "unimplemented!", "FIXME", "XXX"];
        wrong.extend(
            source
                .lines
                .iter()
                .filter(|(_, l)| marks.iter().any(|m| l.contains(m)))
                .map(|(n, _)| format!("{}:{n}", source.path.display())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The reader of imports sees what it should: a rule that never fires protects nothing.
#[test]
fn the_reader_reads() {
    let source = Source {
        path: PathBuf::from("units.rs"),
        module: "units".to_owned(),
        lines: numbered(
            "use crate::load::{Pacer, Script};\nuse crate::{\n    commands,\n    client::sdk::Sdk,\n};\nlet x = crate::results::open();",
        ),
    };
    let rooms: Vec<&str> = imports(&source).iter().filter_map(|(_, path)| room(path)).map(|i| ROOMS[i]).collect();
    assert_eq!(rooms, ["load", "load", "commands", "client::sdk", "results"]);
    assert_eq!(room("emulator::http::wire"), room("emulator::edge"));
}
