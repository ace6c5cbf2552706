//! The rooms from the ground up: a room uses only rooms below it, and the map in `src/lib.rs` names the rooms that there are.

use super::parse::Source;
use super::resolve::{House, UseKind, within};
use super::{Breach, hold, house, root};

/// Floor by floor; each room may use itself and those before it. The longest name that fits is a module's room.
pub(super) const FLOORS: &[&[&str]] = &[
    &["num", "interval", "units", "key", "stats", "service", "prometheus", "sigv4", "http1"],
    &["limiter", "metric"],
    &["client::outcome", "client::request", "client", "schedule", "emulator::config"],
    &["scenario", "record::sample", "record"],
    &["summary", "compare", "shard", "selftest"],
    &["emulator", "probe", "plan"],
    &[
        "timer",
        "load",
        "client::model",
        "client::net",
        "client::signing",
        "client::bare",
        "client::sdk",
        "client::wire",
        "emulator::http",
    ],
    &["guide", "report", "results", "live", "awscli"],
    &["cli", "commands"],
    &["main"],
];

/// The room of a module, by its height in the house.
fn room(rooms: &[&str], module: &str) -> Option<usize> {
    let fitting = rooms.iter().enumerate().filter(|(_, room)| within(module, room));
    fitting.max_by_key(|(_, room)| room.len()).map(|(height, _)| height)
}

/// Uses of rooms above, modules without a room, and rooms without a module.
pub(super) fn upward(house: &House, floors: &[&[&str]]) -> Vec<Breach> {
    let rooms: Vec<&str> = floors.concat();
    let mut found = Vec::new();
    for used in house.uses.iter().filter(|used| !used.from.is_empty()) {
        let source = &house.sources[used.source];
        let Some(own) = room(&rooms, &used.from) else {
            found.push(Breach::at(source, used.line, &*used.from, &format!("`{}` is in no room", used.from)));
            continue;
        };
        // As it is written, and where it leads: a room below may hand on what is above.
        let written = house.written_module(&used.path);
        let defined = used.place.as_ref().map(|place| place.module.clone());
        for module in written.into_iter().chain(defined).filter(|module| !module.is_empty()) {
            let above = match room(&rooms, &module) {
                Some(other) if other <= own => continue,
                Some(other) => rooms[other],
                None => "what is in no room",
            };
            let what = format!("{} uses {above}: `{}`", rooms[own], used.path.join("::"));
            found.push(Breach::at(source, used.line, &*source.path, &what));
            break;
        }
    }
    let is_there = |room: &str| house.module_names().any(|module| module == room);
    let gone = rooms.iter().filter(|room| !is_there(room));
    found.extend(gone.map(|room| Breach { key: (*room).to_owned(), text: format!("the room `{room}` is not there") }));
    found
}

/// A room uses only rooms below it.
#[test]
fn imports_go_down() {
    hold("a room may use only rooms below it:", &upward(house(), FLOORS), []);
}

/// What no `mod` declares is no part of the crate, and nobody reads it.
#[test]
fn every_file_is_declared() {
    assert!(house().orphans.is_empty(), "no `mod` leads to {:?}", house().orphans);
}

/// The names in the first column of the map, in its order.
fn rows(text: &str) -> Vec<String> {
    let map = text.lines().filter_map(|line| line.strip_prefix("//! | "));
    let names = map.flat_map(|row| row.split('|').next().unwrap_or_default().split(','));
    let names = names.map(|name| name.trim().trim_start_matches('[').trim_end_matches(']'));
    names.filter_map(|name| Some(name.strip_prefix('`')?.strip_suffix('`')?.to_owned())).collect()
}

/// The map and the directory tell of the same rooms, in the order of the floors.
#[test]
fn the_map_is_the_house() {
    let rows = rows(&std::fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let floors: Vec<&str> = FLOORS.concat().into_iter().filter(|room| *room != "main").collect();
    assert_eq!(rows, floors, "the map of src/lib.rs (left) has the rooms of FLOORS (right), in their order");
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !matches!(name.as_str(), "lib" | "main") {
            assert!(rows.iter().any(|row| within(row, &name)), "src/{name} has no row in the map of src/lib.rs");
        }
    }
    for row in &rows {
        let first = row.split("::").next().unwrap();
        let is_there = ["", ".rs"].iter().any(|end| root().join(format!("src/{first}{end}")).exists());
        assert!(is_there, "the map of src/lib.rs names `{row}`, which is not in src/");
    }
}

/// The room that a file belongs to in the eyes of a reader of `ls src`.
pub(super) fn top(source: &Source) -> &str {
    source.module.split("::").next().unwrap_or_default()
}

/// The reading of paths is no matter of luck: the house has as many imports as one expects of it.
#[test]
fn the_reader_reads() {
    let imports = house().uses.iter().filter(|used| used.kind == UseKind::Import && used.place.is_some()).count();
    let code = house().uses.iter().filter(|used| used.kind == UseKind::Code && used.place.is_some()).count();
    assert!(imports > 500 && code > 1000, "{imports} imports and {code} uses of the crate's own names were read");
}
