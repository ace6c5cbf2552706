//! One name for one thing: no type name stands in two rooms.

use std::collections::{BTreeMap, BTreeSet};

use super::exceptions::{SHARED_NAMES, TWICE_IN_A_ROOM};
use super::resolve::House;
use super::rooms::top;
use super::{Breach, hold, house};

/// Where each type name is defined: name, then room, then places.
fn defined(house: &House) -> BTreeMap<&str, BTreeMap<&str, Vec<String>>> {
    let mut found: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for source in &house.sources {
        for (name, line) in source.modules.iter().flat_map(|module| &module.types) {
            let place = format!("src/{}:{line}", source.path);
            found.entry(name).or_default().entry(top(source)).or_default().push(place);
        }
    }
    found
}

/// Type names that two rooms define.
pub(super) fn in_two_rooms(house: &House) -> Vec<Breach> {
    let shared = defined(house).into_iter().filter(|(_, rooms)| rooms.len() > 1);
    shared
        .map(|(name, rooms)| {
            let places: Vec<String> = rooms.into_values().flatten().collect();
            Breach { key: name.to_owned(), text: format!("`{name}` is defined in {}", places.join(", ")) }
        })
        .collect()
}

/// Type names that two files of one room define.
pub(super) fn twice_in_a_room(house: &House) -> Vec<Breach> {
    let mut found = Vec::new();
    for (name, rooms) in defined(house) {
        for (room, places) in rooms {
            let files: BTreeSet<&str> = places.iter().filter_map(|place| place.split(':').next()).collect();
            if files.len() > 1 {
                let text = format!("`{name}` is defined in {}", places.join(", "));
                found.push(Breach { key: format!("{room}::{name}"), text });
            }
        }
    }
    found
}

/// A type's name tells what it is, in whatever room one meets it.
#[test]
fn no_type_name_stands_in_two_rooms() {
    hold("one name for two things:", &in_two_rooms(house()), SHARED_NAMES.iter().map(|(name, _)| *name));
}

/// Within a room, too, a name is one thing's.
#[test]
fn no_type_name_stands_twice_in_a_room() {
    let allowed = TWICE_IN_A_ROOM.iter().map(|(name, _)| *name);
    hold("one name for two things of a room:", &twice_in_a_room(house()), allowed);
}
